//! When raw evidence goes along with a run: at the first one, when what was found has changed in kind, and once a
//! day. Numbers change all the time and need no new evidence; states, components and problems do.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hasher as _},
    io,
    time::Duration,
};

use xunjian_proto::{Run, Time};

/// Evidence is never older than this.
const EVIDENCE_EVERY: Duration = Duration::from_secs(24 * 3600);

/// What was found last, and when its evidence was sent, per source.
#[derive(Debug, Default)]
pub struct EvidencePolicy {
    last: BTreeMap<String, (u64, Option<Time>)>,
}

impl EvidencePolicy {
    /// Takes the evidence out of a run that needs none. True if what was found differs in kind from the last run:
    /// other components, states, problems or outcome, or any event. Such a run is worth being sent soon.
    pub fn apply(&mut self, run: &mut Run) -> bool {
        let digest = digest(run);
        let last = self.last.entry(run.source.clone()).or_insert((!digest, None));
        let same = last.0 == digest;
        last.0 = digest;
        let fresh = last.1.is_some_and(|at| at <= run.at && run.at.since(at) < EVIDENCE_EVERY);
        if same && fresh {
            run.evidence.clear();
        } else if !run.evidence.is_empty() {
            last.1 = Some(run.at);
        }
        !same || !run.events.is_empty()
    }
}

/// Only compared within one process, so the hash need not be stable.
fn digest(run: &Run) -> u64 {
    let mut hash = HashWriter(DefaultHasher::new());
    // Writing into a hash cannot fail.
    let _ = serde_json::to_writer(
        &mut hash,
        &(&run.outcome, &run.components, &run.states, &run.problems),
    );
    hash.0.finish()
}

struct HashWriter(DefaultHasher);

impl io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
