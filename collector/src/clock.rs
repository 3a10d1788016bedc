//! The only reader of wall time in the collector: everything else is told what time it is.

use xunjian_proto::Time;

/// Now, by this machine's clock.
#[allow(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Time::from_millis(since.map_or(0, |it| i64::try_from(it.as_millis()).unwrap_or(i64::MAX)))
}
