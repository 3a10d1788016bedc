//! Bounds of what agents may do at once.

use std::time::Duration;

use tokio::time::Instant;

/// Bounds of the agents' door. Each default says why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Open connections: 10,000 agents and some room; each takes some 50 KiB.
    pub connections: usize,
    /// Connections without a client certificate at a time: they may only enrol.
    pub strangers: usize,
    /// TLS handshakes at a time: each takes about 1 ms of CPU.
    pub handshakes: usize,
    /// Messages a second of one agent, and how many it may send at once. An agent sends one to six a minute; after an
    /// outage it empties its spool.
    pub messages: Rate,
    /// Bytes a second of one agent, and how many at once: a spool of 256 MiB is taken in within two minutes.
    pub bytes: Rate,
    /// Enrolments a second, and at once: a rack at a time.
    pub enrolments: Rate,
    /// Bytes of batches that wait to be stored, over all agents.
    pub waiting_bytes: usize,
    /// Batches in one commit.
    pub group: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        const MIB: f64 = 1024.0 * 1024.0;
        Limits {
            connections: 12_000,
            strangers: 64,
            handshakes: 256,
            messages: Rate { per_second: 100.0, at_once: 1000.0 },
            bytes: Rate { per_second: 2.0 * MIB, at_once: 32.0 * MIB },
            enrolments: Rate { per_second: 5.0, at_once: 50.0 },
            waiting_bytes: 128 * 1024 * 1024,
            group: 256,
        }
    }
}

/// A rate, with how much may come at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Per second, over time.
    pub per_second: f64,
    /// At once, after a quiet time.
    pub at_once: f64,
}

/// A token bucket: who takes more than there is goes into debt and must wait until it is paid.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: Rate,
    level: f64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn new(rate: Rate, now: Instant) -> Bucket {
        Bucket { rate, level: rate.at_once, at: now }
    }

    /// Takes this much; says how long to wait before going on.
    pub(crate) fn take(&mut self, amount: f64, now: Instant) -> Duration {
        let gained = now.duration_since(self.at).as_secs_f64() * self.rate.per_second;
        self.at = now;
        self.level = (self.level + gained).min(self.rate.at_once) - amount;
        Duration::from_secs_f64((-self.level / self.rate.per_second).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_too_much_waits_as_long_as_it_takes() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Rate { per_second: 10.0, at_once: 20.0 }, start);
        assert_eq!(bucket.take(20.0, start), Duration::ZERO);
        assert_eq!(bucket.take(5.0, start), Duration::from_millis(500));
        assert_eq!(bucket.take(1.0, start + Duration::from_secs(1)), Duration::ZERO);
        let much_later = start + Duration::from_secs(3600);
        assert_eq!(bucket.take(21.0, much_later), Duration::from_millis(100));
    }
}
