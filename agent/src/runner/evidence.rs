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

/// What was sent last, per source.
#[derive(Debug, Default)]
pub struct EvidencePolicy {
    sent: BTreeMap<String, (u64, Time)>,
}

impl EvidencePolicy {
    /// Takes the evidence out of a run that needs none.
    pub fn apply(&mut self, run: &mut Run) {
        if run.evidence.is_empty() {
            return;
        }
        let digest = digest(run);
        let needless = self.sent.get(&run.source).is_some_and(|(before, at)| {
            *before == digest && *at <= run.at && run.at.since(*at) < EVIDENCE_EVERY
        });
        if needless {
            run.evidence.clear();
        } else {
            self.sent.insert(run.source.clone(), (digest, run.at));
        }
    }
}

/// Only compared within one process, so the hash need not be stable.
fn digest(run: &Run) -> u64 {
    let mut hash = HashWriter(DefaultHasher::new());
    // Writing into a hash cannot fail.
    let _ = serde_json::to_writer(&mut hash, &(&run.components, &run.states, &run.problems));
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
