//! Telling an agent what became of its batches, in their order.

use tokio::sync::{mpsc, oneshot};
use xunjian_proto::{
    check::{FromCollector, Refusal},
    wire::WireError,
};

use super::stream::Out;
use crate::store::Appended;

/// Batches whose fate is not told yet; the agent's own window is smaller.
pub(super) const UNTOLD: usize = 256;

/// What becomes of a batch.
pub(super) enum Fate {
    Queued(oneshot::Receiver<Appended>),
    Refused(WireError),
}

/// Tells the agent what became of its batches, in their order. Ends when a batch could not be stored.
pub(super) async fn tell(mut fates: mpsc::Receiver<(u64, Fate)>, out: Out) {
    while let Some((mut sequence, mut fate)) = fates.recv().await {
        let mut refused = Vec::new();
        loop {
            match fate {
                Fate::Queued(answer) => {
                    let Ok(_) = answer.await else { return };
                }
                Fate::Refused(error) => refused.push(Refusal {
                    sequence,
                    kind: error.kind().to_owned(),
                    text: error.to_string(),
                }),
            }
            // Batches of one group are acknowledged together.
            let Ok(next) = fates.try_recv() else { break };
            let waits = matches!(&next.1, Fate::Queued(answer) if answer.is_empty());
            if waits || refused.len() >= UNTOLD {
                let refused = std::mem::take(&mut refused);
                let ack = FromCollector::Ack { sequence, refused };
                if out.send(Ok(ack.into())).await.is_err() {
                    return;
                }
            }
            (sequence, fate) = next;
        }
        let ack = FromCollector::Ack { sequence, refused };
        if out.send(Ok(ack.into())).await.is_err() {
            return;
        }
    }
}
