//! Every recording, cut short and garbled in thousands of ways: a source may complain, never panic. New sources and
//! recordings are covered without another line.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use xunjian_agent::{
    host::{Ask, Host, HostError, Output, Reached, Reply, Request, Space, Value, Vitals, Walked},
    runner::chain,
    source::Need,
    sources, spoken,
    targets::Target,
};

use crate::{
    faults::Kept,
    fixtures::{names, repo, run},
    spoken::told,
};

/// A host whose every answer went through `damage`.
struct Mangled {
    inner: Arc<Kept>,
    step: usize,
    junk: Option<&'static str>,
}

impl Mangled {
    fn damage(&self, text: &str) -> String {
        let at = text.chars().count() * self.step / STEPS;
        let head: String = text.chars().take(at).collect();
        match self.junk {
            None => head,
            Some(junk) => head + junk + &text.chars().skip(at + 1).collect::<String>(),
        }
    }
}

impl Host for Mangled {
    fn has(&self, need: Need) -> bool {
        self.inner.has(need)
    }

    fn read(&self, path: &str) -> Result<String, HostError> {
        self.inner.read(path).map(|it| self.damage(&it))
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, HostError> {
        self.inner.list(dir)
    }

    fn link(&self, path: &str) -> Result<String, HostError> {
        self.inner.link(path).map(|it| self.damage(&it))
    }

    fn run(&self, argv: &[&str]) -> Result<Output, HostError> {
        let output = self.inner.run(argv)?;
        let stdout = self.damage(&output.stdout);
        let status = output.status.wrapping_add(i32::try_from(self.step).unwrap());
        Ok(Output { status, stdout, truncated: self.step.is_multiple_of(7), ..output })
    }

    fn targets(&self, source: &str, own: &[&str]) -> Vec<Target> {
        self.inner.targets(source, own)
    }

    fn get(&self, ask: &Request<'_>) -> Result<Reply, HostError> {
        let reply = self.inner.get(ask)?;
        // Some questions are refused, some answered with a damaged body.
        let status = if self.step.is_multiple_of(11) { 503 } else { reply.status };
        Ok(Reply { status, body: self.damage(&reply.body) })
    }

    fn login(&self, ask: &Request<'_>) -> Result<(), HostError> {
        self.inner.login(ask)
    }

    fn records(&self, path: &str) -> Result<Vec<String>, HostError> {
        Ok(self.inner.records(path)?.iter().map(|it| self.damage(it)).collect())
    }

    fn walk(&self, target: &str, ask: Ask<'_>, limit: Duration) -> Result<Walked, HostError> {
        let mut walked = self.inner.walk(target, ask, limit)?;
        for (index, value) in walked.bindings.values_mut().enumerate() {
            match value {
                Value::Bytes(bytes) => {
                    *bytes = self.damage(&String::from_utf8_lossy(bytes)).into_bytes()
                }
                Value::Integer(number) if (index + self.step).is_multiple_of(5) => {
                    *number = number.wrapping_mul(i64::try_from(self.step).unwrap() - 7);
                }
                Value::Counter(number) | Value::Gauge(number) if self.step.is_multiple_of(3) => {
                    *number = u64::MAX
                }
                _ => {}
            }
        }
        if self.step.is_multiple_of(4) {
            let keep = walked.bindings.len() * self.step / STEPS;
            walked.bindings = walked.bindings.into_iter().take(keep).collect();
        }
        Ok(walked)
    }

    fn reach(&self, target: &str, limit: Duration) -> Result<Reached, HostError> {
        let mut reached = self.inner.reach(target, limit)?;
        for certificate in &mut reached.certificates {
            *certificate = self.damage(certificate);
        }
        if self.step.is_multiple_of(3) {
            reached.connect_ms = reached.connect_ms.map(|_| f64::NAN);
            reached.status = reached.status.map(|_| u16::MAX);
        }
        Ok(reached)
    }

    fn vitals(&self) -> Result<Vitals, HostError> {
        let mut vitals = self.inner.vitals()?;
        if self.step.is_multiple_of(3) {
            vitals.memory_total = 0;
            vitals.swap_used = u64::MAX;
            vitals.load = [f64::NAN, f64::INFINITY, -1.0];
            vitals.boot_secs = i64::MIN;
            vitals.uptime_secs = u64::MAX;
        }
        Ok(vitals)
    }

    fn space(&self, path: &str) -> Result<Space, HostError> {
        let mut space = self.inner.space(path)?;
        if self.step.is_multiple_of(3) {
            space = Space { total: 0, free: u64::MAX, inodes_free: u64::MAX, ..space };
        }
        Ok(space)
    }
}

#[test]
fn no_damaged_recording_makes_a_source_panic() {
    let root = repo().join("tests/fixtures");
    let (mut runs, mut english) = (0, BTreeSet::new());
    for source in sources::ALL {
        for case in names(&root.join(source.name)) {
            let dir = root.join(source.name).join(&case);
            let kept = Arc::new(Kept::open(&dir));
            for (step, junk) in (0..STEPS).flat_map(|step| JUNK.map(|junk| (step, junk))) {
                let host = Mangled { inner: kept.clone(), step, junk };
                let texts: Vec<String> = match run(source, &host, &dir).0 {
                    None => Vec::new(),
                    Some(Err(error)) => vec![chain(&error)],
                    Some(Ok(found)) => {
                        assert!(found.samples.iter().all(|it| it.value.is_finite()));
                        found.problems.into_iter().map(|it| it.text).collect()
                    }
                };
                english.extend(texts.into_iter().filter(|it| !spoken::is_known(it)));
                runs += 1;
            }
        }
    }
    assert!(runs > 1_000, "only {runs} runs: the recordings were not found");
    let english: Vec<String> = english.iter().take(100).map(|it| told(it)).collect();
    assert!(english.is_empty(), "{}", english.join("\n"));
}

/// Places in a text that are damaged.
const STEPS: usize = 50;
/// What one character is replaced by; `None` cuts the text there.
const JUNK: [Option<&str>; 8] = [
    None,
    Some(""),
    Some("9"),
    Some("-1"),
    Some("99999999999999999999"),
    Some("\0"),
    Some("\n"),
    Some("盘\u{fffd}"),
];
