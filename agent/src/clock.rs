//! The agent's only reader of the clock.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use xunjian_proto::Time;

/// The time of day, by this host's clock.
#[allow(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> Time {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Time::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// CPU time that the calling thread has used.
pub fn thread_cpu() -> Duration {
    duration(ClockId::ThreadCPUTime)
}

/// CPU time that this process has used, all threads, without children.
pub fn process_cpu() -> Duration {
    duration(ClockId::ProcessCPUTime)
}

fn duration(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}
