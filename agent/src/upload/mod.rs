//! Sends what the spool holds, for as long as the agent runs: connect, go on after what the collector has, send with a
//! window of unacknowledged batches, remove what was acknowledged; when the connection breaks, wait and try again.
//!
//! The wait doubles from failure to failure and is random within that (full jitter): a thousand agents whose collector
//! comes back do not all come at once. The certificate is renewed on the way, without a restart.

use std::{error::Error as _, sync::Arc, time::Duration};

use ring::rand::{self, SystemRandom};
use thiserror::Error;
use tokio::sync::watch;
use tonic::Status;
use xunjian_proto::{HostFacts, Time, wire::WireError};

use crate::{
    identity::{ContactError, Identity},
    spool::Spool,
};

mod session;

/// A command of the collector: inspect these sources now, all if none is named. The error text goes back to it.
pub type OnInspect = dyn Fn(Vec<String>) -> Result<(), String> + Send + Sync;

/// What the upload works with.
#[derive(Clone)]
pub struct Uplink {
    /// Where the batches are.
    pub spool: Arc<Spool>,
    /// Who we are.
    pub identity: Arc<Identity>,
    /// What we say of the host.
    pub host: HostFacts,
    /// What to do when the collector asks for an inspection.
    pub on_inspect: Arc<OnInspect>,
    /// The present time.
    pub clock: fn() -> Time,
    /// How long to wait after failures.
    pub patience: Patience,
}

/// Bounds of the wait after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// At most this long after the first failure.
    pub first: Duration,
    /// At most this long ever.
    pub longest: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { first: Duration::from_secs(1), longest: Duration::from_secs(120) }
    }
}

/// How it stands with the collector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// A stream is open and the hello was answered.
    pub connected: bool,
    /// Highest sequence that the collector has.
    pub acknowledged: u64,
    /// Streams opened so far.
    pub sessions: u64,
    /// How far the host's clock is ahead of the collector's, in milliseconds.
    pub clock_ahead_ms: i64,
    /// Why the last stream ended or was not opened.
    pub last_error: Option<String>,
}

/// Why a stream ended.
#[derive(Debug, Error)]
enum UploadError {
    #[error(transparent)]
    Contact(#[from] ContactError),
    #[error("the collector ended the stream: {}", .0.message())]
    Status(#[from] Status),
    #[error("the collector said something that cannot be understood: {0}")]
    Wire(#[from] WireError),
    #[error("the collector closed the stream")]
    Closed,
    #[error("no answer to the hello came in {0:?}")]
    NoHello(Duration),
    #[error("a batch could not be completed and was dropped")]
    Incomplete,
}

/// How a stream came to its end without an error.
enum Ended {
    Stopped,
    Renewed,
}

/// Runs until `stop` turns true. Tells how it stands in `status`.
pub async fn run(uplink: Uplink, status: watch::Sender<Standing>, mut stop: watch::Receiver<bool>) {
    let (mut failures, mut renewed) = (0_u32, false);
    while !*stop.borrow() {
        let before = status.borrow().acknowledged;
        let ended = tokio::select! {
            ended = session::run(&uplink, &status, renewed) => ended,
            () = stopped(&mut stop) => Ok(Ended::Stopped),
        };
        status.send_modify(|status| status.connected = false);
        match ended {
            Ok(Ended::Stopped) => return,
            Ok(Ended::Renewed) => renewed = true,
            Err(error) => {
                renewed = false;
                // A stream that got something through was a good one.
                let moved = status.borrow().acknowledged > before;
                failures = if moved { 1 } else { failures.saturating_add(1) };
                let wait = uplink.patience.after(failures);
                let cause = error.source().map(ToString::to_string).unwrap_or_default();
                tracing::warn!(
                    error = %error, cause, wait_ms = wait.as_millis() as u64,
                    "no stream to the collector; readings wait in the spool"
                );
                status.send_modify(|status| status.last_error = Some(error.to_string()));
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = stopped(&mut stop) => return,
                }
            }
        }
    }
}

impl Patience {
    /// A random wait below a bound that doubles with each failure.
    fn after(self, failures: u32) -> Duration {
        let doubled = self.first.saturating_mul(1 << failures.saturating_sub(1).min(16));
        let bound = doubled.min(self.longest);
        let random = rand::generate::<[u8; 4]>(&SystemRandom::new())
            .map_or(u32::MAX, |bytes| u32::from_le_bytes(bytes.expose()));
        bound.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Without its sender nobody could ever say stop: then it is time, too.
    let _ = stop.wait_for(|stop| *stop).await.is_ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_bounded_and_differs() {
        let patience = Patience::default();
        let waits: Vec<Duration> = (1..60).map(|failures| patience.after(failures)).collect();
        assert!(waits[0] <= patience.first);
        assert!(waits.iter().all(|wait| *wait <= patience.longest));
        assert!(waits[20..].windows(2).any(|pair| pair[0] != pair[1]));
    }
}
