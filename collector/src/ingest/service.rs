//! The gRPC calls. Identity comes from the connection's client certificate.

use std::sync::{Arc, PoisonError};

use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use xunjian_proto::{check, v1};

use super::{Counters, Refused, Shared, stream::Session, writer::Job};
use crate::{
    identity::{self, EnrolError},
    store::AgentId,
};

/// Messages that wait to be sent to one agent.
const OUT: usize = 64;

/// What a connection's certificate says; put into every request of it.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) agent: Option<AgentId>,
}

/// The calls of one connection.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) shared: Arc<Shared>,
    pub(super) jobs: mpsc::Sender<Job>,
    pub(super) stop: watch::Receiver<bool>,
}

impl Service {
    fn refuse(&self, why: Refused, status: Status) -> Status {
        self.shared.counters.refuse(why);
        tracing::warn!(kind = why.name(), error = status.message(), "refused a call");
        status
    }

    fn agent<T>(&self, request: &Request<T>) -> Result<AgentId, Status> {
        let peer = request.extensions().get::<Peer>();
        let agent = peer.and_then(|peer| peer.agent.clone()).ok_or_else(|| {
            let text = "no client certificate; enrol first with `xunjian-agent enrol TOKEN`";
            self.refuse(Refused::NoCertificate, Status::unauthenticated(text))
        })?;
        if self.shared.is_revoked(&agent) {
            let text = "this agent was revoked; enrol again with a new token";
            return Err(self.refuse(Refused::Revoked, Status::permission_denied(text)));
        }
        Ok(agent)
    }

    fn enrol_error(&self, error: &EnrolError) -> Status {
        let text = error.to_string();
        match error {
            EnrolError::Token => self.refuse(Refused::Token, Status::permission_denied(text)),
            EnrolError::Request(_) => self.refuse(Refused::Request, Status::invalid_argument(text)),
            EnrolError::Identity(_) | EnrolError::Store(_) => {
                let cause = std::error::Error::source(error).map(ToString::to_string);
                tracing::error!(error = text, cause, "cannot enrol an agent");
                Status::unavailable("the collector cannot enrol agents now; try again")
            }
        }
    }
}

#[tonic::async_trait]
impl v1::agent_server::Agent for Service {
    type StreamStream = ReceiverStream<Result<v1::FromCollector, Status>>;

    async fn enrol(
        &self,
        request: Request<v1::EnrolRequest>,
    ) -> Result<Response<v1::EnrolReply>, Status> {
        let wait = {
            let bucket = self.shared.enrolments.lock();
            let now = tokio::time::Instant::now();
            bucket.unwrap_or_else(PoisonError::into_inner).take(1.0, now)
        };
        if !wait.is_zero() {
            let text = "too many enrolments at once; try again in a few seconds";
            return Err(self.refuse(Refused::Busy, Status::resource_exhausted(text)));
        }
        let v1::EnrolRequest { secret, csr, host } = request.into_inner();
        let host = check::host(host.unwrap_or_default()).map_err(|error| {
            self.refuse(Refused::of(&error), Status::invalid_argument(error.to_string()))
        })?;
        let shared = self.shared.clone();
        let hostname = host.hostname.clone();
        let call = move || {
            let (store, authority) = (&shared.store, &shared.authority);
            identity::redeem(store, authority, &secret, &csr, &host, shared.now())
        };
        let enrolled = tokio::task::spawn_blocking(call)
            .await
            .map_err(|_| Status::internal("enrolment failed"))?
            .map_err(|error| self.enrol_error(&error))?;
        Counters::add(&self.shared.counters.enrolled, 1);
        tracing::info!(agent = enrolled.agent.0, hostname, "enrolled an agent");
        let reply = v1::EnrolReply { agent_id: enrolled.agent.0, chain: enrolled.chain };
        Ok(Response::new(reply))
    }

    async fn renew(
        &self,
        request: Request<v1::RenewRequest>,
    ) -> Result<Response<v1::RenewReply>, Status> {
        let agent = self.agent(&request)?;
        let csr = request.into_inner().csr;
        let chain = self
            .shared
            .authority
            .issue(&csr, &agent, self.shared.now())
            .map_err(|error| self.enrol_error(&error))?;
        Counters::add(&self.shared.counters.renewed, 1);
        Ok(Response::new(v1::RenewReply { chain }))
    }

    async fn stream(
        &self,
        request: Request<Streaming<v1::FromAgent>>,
    ) -> Result<Response<Self::StreamStream>, Status> {
        let agent = self.agent(&request)?;
        let (out, replies) = mpsc::channel(OUT);
        let session = Session::new(self.shared.clone(), self.jobs.clone(), agent, out);
        tokio::spawn(session.run(request.into_inner(), self.stop.clone()));
        Ok(Response::new(ReceiverStream::new(replies)))
    }
}
