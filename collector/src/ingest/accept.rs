//! Connections: bounded, TLS 1.2 or 1.3, HTTP/2.

use std::{sync::Arc, time::Duration};

use hyper::{body::Incoming, server::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tonic::service::Routes;
use tower::ServiceExt;
use xunjian_proto::{check::MESSAGE_BYTES_MAX, v1::agent_server::AgentServer};

use super::{
    Refused, Shared,
    counters::Open,
    service::{Peer, Service},
    writer::Job,
};
use crate::identity::agent_of;

/// A handshake takes two round trips; a satellite link has 0.7 s each.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Enrolment is one call; then the agent comes back with its certificate.
const STRANGER: Duration = Duration::from_secs(30);

/// Dead connections are found by pings: a stream may be silent for minutes.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_WAIT: Duration = Duration::from_secs(20);

/// One stream, one renewal and one enrolment at a time, and some room.
const CALLS: u32 = 8;

/// Connections may take this long to end when the collector stops.
const GOODBYE: Duration = Duration::from_secs(5);

/// When the system has no file descriptors left, accepting fails at once, again and again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts until `stop`; returns when all connections are closed.
pub(super) async fn run(
    shared: Arc<Shared>,
    listener: TcpListener,
    jobs: mpsc::Sender<Job>,
    mut stop: watch::Receiver<bool>,
) {
    let semaphore = |places| Arc::new(Semaphore::new(places));
    let door = Door {
        handshakes: semaphore(shared.limits.handshakes),
        strangers: semaphore(shared.limits.strangers),
        service: Service { shared: shared.clone(), jobs, stop: stop.clone() },
        shared,
    };
    let places = Arc::new(Semaphore::new(door.shared.limits.connections));
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stopped(&mut stop) => break,
            accepted = listener.accept() => accepted,
        };
        while open.try_join_next().is_some() {}
        match accepted {
            Ok((socket, from)) => match places.clone().try_acquire_owned() {
                Ok(place) => {
                    let door = door.clone();
                    open.spawn(async move {
                        let _place = place;
                        door.connection(socket).await;
                    });
                }
                Err(_) => {
                    door.shared.counters.refuse(Refused::Busy);
                    tracing::warn!(peer = %from, "refused a connection: too many are open");
                }
            },
            Err(error) => {
                tracing::warn!(error = %error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(door);
    let all = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout(GOODBYE, all).await.is_err() {
        open.shutdown().await;
    }
}

/// What every connection needs.
#[derive(Clone)]
struct Door {
    shared: Arc<Shared>,
    service: Service,
    handshakes: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
}

impl Door {
    async fn connection(self, socket: TcpStream) {
        let shared = self.shared.clone();
        let _open = Open::one(&shared.counters.connections);
        let from = socket.peer_addr().map(|it| it.to_string()).unwrap_or_default();
        let tls = match tokio::time::timeout(HANDSHAKE, self.handshake(socket)).await {
            Ok(Ok(tls)) => tls,
            Ok(Err(error)) => {
                shared.counters.refuse(Refused::Handshake);
                tracing::warn!(peer = from, error, "refused a connection");
                return;
            }
            Err(_) => {
                shared.counters.refuse(Refused::Handshake);
                tracing::warn!(peer = from, "refused a connection: its handshake takes too long");
                return;
            }
        };
        let certificates = tls.get_ref().1.peer_certificates();
        let agent = certificates.and_then(|chain| chain.first()).and_then(agent_of);
        let mut stranger: Option<OwnedSemaphorePermit> = None;
        if agent.is_none() {
            match self.strangers.clone().try_acquire_owned() {
                Ok(permit) => stranger = Some(permit),
                Err(_) => return shared.counters.refuse(Refused::Busy),
            }
        }
        let life = if stranger.is_some() { STRANGER } else { Duration::MAX };
        // Errors here are the agent's going away; what matters is said by its stream.
        let _ = tokio::time::timeout(life, self.talk(tls, Peer { agent })).await;
    }

    async fn handshake(&self, socket: TcpStream) -> Result<TlsStream<TcpStream>, String> {
        let _place = self.handshakes.acquire().await.map_err(|error| error.to_string())?;
        socket.set_nodelay(true).map_err(|error| error.to_string())?;
        let config =
            self.shared.authority.tls(self.shared.now()).map_err(|error| error.to_string())?;
        TlsAcceptor::from(config).accept(socket).await.map_err(|error| error.to_string())
    }

    async fn talk(self, tls: TlsStream<TcpStream>, peer: Peer) {
        let mut stop = self.service.stop.clone();
        let calls = AgentServer::new(self.service)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let routes = Routes::new(calls).prepare();
        let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(peer.clone());
            routes.clone().oneshot(request.map(tonic::body::Body::new))
        });
        let mut http = http2::Builder::new(TokioExecutor::new());
        http.timer(TokioTimer::new())
            .max_concurrent_streams(CALLS)
            .max_header_list_size(16 * 1024)
            .initial_stream_window_size(1024 * 1024)
            .initial_connection_window_size(2 * 1024 * 1024)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_WAIT);
        let connection = http.serve_connection(TokioIo::new(tls), service);
        tokio::pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(error = %error, "a connection ended");
                }
                return;
            }
            () = stopped(&mut stop) => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }
}

/// Returns when the collector is to stop.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Without its sender nobody could ever say stop: then it is time, too.
    let _ = stop.wait_for(|stop| *stop).await.is_ok();
}
