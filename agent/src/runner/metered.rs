//! Counts what a run asks of the host, and gives programs no more time than the run has left.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use xunjian_proto::Cost;

use super::unread::Unread;
use crate::{
    host::{
        Ask, Host, HostError, Output, PROGRAM_WAIT, Reached, Reply, Request, Space, Vitals, Walked,
        fitting,
    },
    source::Need,
    targets::Target,
};

/// Most program starts that are listed in one run's cost: 500 disks, twice.
const PROGRAMS_MAX: usize = 1_000;

/// Kept back for the source itself, so that it can say what timed out before it is called stuck.
const MARGIN: Duration = Duration::from_millis(200);

/// What a run has cost so far. Shared, so that a stuck run's cost is known too.
#[derive(Debug, Default)]
pub(super) struct Meter {
    read_bytes: AtomicU64,
    /// Of threads beside the run's own.
    cpu_us: AtomicU64,
    programs: Mutex<Vec<(String, u32)>>,
}

impl Meter {
    /// The cost, with the CPU time that the thread used.
    pub(super) fn cost(&self, cpu: Duration) -> Cost {
        Cost {
            cpu_us: coarse(
                u64::try_from(cpu.as_micros())
                    .unwrap_or(u64::MAX)
                    .saturating_add(self.cpu_us.load(Ordering::Relaxed)),
            ),
            read_bytes: coarse(self.read_bytes.load(Ordering::Relaxed)),
            programs: self.programs.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    fn read(&self, bytes: usize) {
        self.read_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn program(&self, pattern: String, took: Duration) {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if programs.len() < PROGRAMS_MAX {
            programs.push((pattern, u32::try_from(took.as_millis()).unwrap_or(u32::MAX)));
        }
    }
}

/// A host, seen through a meter.
pub(super) struct Metered<'a> {
    pub(super) host: &'a dyn Host,
    pub(super) meter: &'a Meter,
    pub(super) deadline: Instant,
    /// The command lines that the source declares.
    pub(super) runs: &'static [&'static str],
    pub(super) unread: &'a Unread,
}

impl Metered<'_> {
    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()).saturating_sub(MARGIN)
    }

    fn no_time(&self, command: String) -> Option<HostError> {
        let error = self.left().is_zero().then_some(HostError::TimedOut { command, secs: 0 })?;
        self.unread.note(&error);
        Some(error)
    }

    /// The answer, after what is missing in it was noted.
    fn noted<T>(&self, answer: Result<T, HostError>) -> Result<T, HostError> {
        answer.inspect_err(|error| self.unread.note(error))
    }
}

impl Host for Metered<'_> {
    fn has(&self, need: Need) -> bool {
        self.host.has(need)
    }

    fn read(&self, path: &str) -> Result<String, HostError> {
        let text = self.noted(self.host.read(path))?;
        self.meter.read(text.len());
        Ok(text)
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, HostError> {
        self.noted(self.host.list(dir))
    }

    fn shared_serials(&self, look: &mut dyn FnMut() -> BTreeSet<String>) -> Arc<BTreeSet<String>> {
        self.host.shared_serials(look)
    }

    fn link(&self, path: &str) -> Result<String, HostError> {
        self.noted(self.host.link(path))
    }

    fn run(&self, argv: &[&str]) -> Result<Output, HostError> {
        self.run_within(argv, PROGRAM_WAIT)
    }

    fn run_within(&self, argv: &[&str], limit: Duration) -> Result<Output, HostError> {
        if let Some(error) = self.no_time(argv.join(" ")) {
            return Err(error);
        }
        let refused = || HostError::NotAllowed { command: argv.join(" ") };
        let pattern = fitting(self.runs, argv).ok_or_else(refused)?;
        let begun = Instant::now();
        let answer = self.host.run_within(argv, limit.min(self.left()));
        let not_started =
            matches!(answer, Err(HostError::Run { .. } | HostError::NotAllowed { .. }));
        if !not_started {
            self.meter.program(pattern.to_owned(), begun.elapsed());
        }
        let mut output = answer.inspect_err(|error| self.unread.program(argv, error))?;
        self.meter.read(output.stdout.len());
        let half = output.drop_half_line();
        self.unread.output(argv, &output, half);
        Ok(output)
    }

    fn records(&self, path: &str) -> Result<Vec<String>, HostError> {
        let records = self.noted(self.host.records(path))?;
        self.meter.read(records.iter().map(String::len).sum());
        Ok(records)
    }

    fn vitals(&self) -> Result<Vitals, HostError> {
        self.noted(self.host.vitals())
    }

    fn space(&self, path: &str) -> Result<Space, HostError> {
        self.space_within(path, Duration::MAX)
    }

    fn space_within(&self, path: &str, limit: Duration) -> Result<Space, HostError> {
        if let Some(error) = self.no_time(format!("probe-mount {path}")) {
            return Err(error);
        }
        let begun = Instant::now();
        let answer = self.host.space_within(path, limit.min(self.left()));
        self.meter.program("xunjian-agent probe-mount {name}".to_owned(), begun.elapsed());
        self.noted(answer)
    }

    fn units(&self, named: &[&str], limit: Duration) -> Result<String, HostError> {
        if let Some(error) = self.no_time("org.freedesktop.systemd1".to_owned()) {
            return Err(error);
        }
        let begun = Instant::now();
        let answer = self.host.units(named, limit.min(self.left()));
        self.meter.program("D-Bus questions to systemd".to_owned(), begun.elapsed());
        let text = self.noted(answer)?;
        self.meter.read(text.len());
        Ok(text)
    }

    fn targets(&self, source: &str, own: &[&str]) -> Vec<Target> {
        self.host.targets(source, own)
    }

    fn walk(&self, target: &str, ask: Ask<'_>, limit: Duration) -> Result<Walked, HostError> {
        if let Some(error) = self.no_time(format!("snmpwalk {target}")) {
            return Err(error);
        }
        let begun = Instant::now();
        let answer = self.host.walk(target, ask, limit.min(self.left()));
        self.meter.program("SNMP walk of a target".to_owned(), begun.elapsed());
        if let Ok(walked) = &answer {
            self.meter.read(usize::try_from(walked.bytes).unwrap_or(usize::MAX));
        }
        answer
    }

    fn reach(&self, target: &str, limit: Duration) -> Result<Reached, HostError> {
        if let Some(error) = self.no_time(format!("probe of {target}")) {
            return Err(error);
        }
        let begun = Instant::now();
        let answer = self.host.reach(target, limit.min(self.left()));
        self.meter.program("probe of a target".to_owned(), begun.elapsed());
        answer
    }

    fn get(&self, ask: &Request<'_>) -> Result<Reply, HostError> {
        if let Some(error) = self.no_time(format!("GET {}", ask.path)) {
            return Err(error);
        }
        let begun = Instant::now();
        let answer = self.host.get(&Request { limit: ask.limit.min(self.left()), ..*ask });
        self.meter.program(format!("https GET {}", ask.target), begun.elapsed());
        if let Ok(reply) = &answer {
            self.meter.read(reply.body.len());
        }
        answer
    }

    fn login(&self, ask: &Request<'_>) -> Result<(), HostError> {
        if let Some(error) = self.no_time(format!("log in at {}", ask.target)) {
            return Err(error);
        }
        let begun = Instant::now();
        let answer = self.host.login(&Request { limit: ask.limit.min(self.left()), ..*ask });
        self.meter.program(format!("https POST {} (log-in)", ask.target), begun.elapsed());
        answer
    }

    fn logout(&self, source: &str, target: &str) -> Result<(), HostError> {
        // Always: a session must be closed even if the run has no time left.
        let begun = Instant::now();
        let answer = self.host.logout(source, target);
        self.meter.program(format!("https DELETE {target} (log-out)"), begun.elapsed());
        answer
    }

    fn charge(&self, cpu: Duration) {
        let micros = u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX);
        self.meter.cpu_us.fetch_add(micros, Ordering::Relaxed);
    }

    fn kept_back(&self) -> usize {
        self.unread.count()
    }

    fn misread(&self, what: &str, said: &str) {
        self.unread.misread(what, said);
    }

    fn made_up_for(&self, before: usize) {
        self.unread.made_up_for(before);
    }

    fn is_live(&self) -> bool {
        self.host.is_live()
    }
}

/// Rounded to five bits, 3 % at most: costs are noisy, and every run's travel with it.
fn coarse(value: u64) -> u64 {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(5);
    if shift == 0 {
        return value;
    }
    (value >> (shift - 1)).div_ceil(2).saturating_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_rounded_by_three_percent_at_most() {
        for value in (0..5_000).chain([123_456_789, 1 << 40]) {
            let rounded = coarse(value);
            assert!(rounded.abs_diff(value) * 32 <= value, "{value} became {rounded}");
            assert!(rounded.count_ones() <= 5);
        }
        assert_eq!(coarse(u64::MAX), u64::MAX);
    }
}
