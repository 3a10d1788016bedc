//! Getting a certificate for the first time, and the next one before it expires.

use std::{path::Path, time::Duration};

use thiserror::Error;
use tonic::{Status, transport::Channel};
use xunjian_proto::{
    HostFacts, check,
    token::{EnrolToken, TokenError, fingerprint},
    v1::{self, agent_client::AgentClient},
};

use super::{
    ContactError, Identity, IdentityError,
    contact::{connect_first, full_address},
    credentials, new_key,
};

/// One call and one signature.
const CALL: Duration = Duration::from_secs(30);

/// Why the agent has no certificate.
#[derive(Debug, Error)]
pub enum EnrolError {
    /// The text given is no token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// No connection, or not to the collector that made the token.
    #[error(transparent)]
    Contact(#[from] ContactError),
    /// The collector said no.
    #[error("the collector refused: {}", .0.message())]
    Refused(Box<Status>),
    /// The collector's answer is not what it should be.
    #[error("the collector's answer cannot be used: {0}")]
    Answer(&'static str),
    /// The identity could not be made or kept.
    #[error("cannot make or keep the identity")]
    Identity(#[from] IdentityError),
}

/// Enrols this host: makes a key, shows the token, keeps the certificate in the state folder. `collector` is
/// `https://HOST:PORT` or `HOST:PORT`. The token is of no use afterwards. An identity that was there is replaced.
pub async fn enrol(
    state_dir: &Path,
    collector: &str,
    token: &str,
    host: &HostFacts,
) -> Result<Identity, EnrolError> {
    let token = EnrolToken::parse(token)?;
    let collector = full_address(collector)?;
    let channel = connect_first(&collector, *token.fingerprint()).await?;
    let (key, csr) = new_key()?;
    let request = v1::EnrolRequest {
        secret: token.secret().to_owned(),
        csr,
        host: Some(check::host_out(host)),
    };
    let mut client = AgentClient::new(channel);
    let reply = in_time(client.enrol(request)).await?;
    let is_id =
        reply.agent_id.len() == 32 && reply.agent_id.bytes().all(|it| it.is_ascii_hexdigit());
    if !is_id {
        return Err(EnrolError::Answer("it gives no identity"));
    }
    // The authority that is kept must be the one that was checked.
    if reply.chain.last().map(|it| fingerprint(it)) != Some(*token.fingerprint()) {
        return Err(EnrolError::Answer("its authority is not the token's"));
    }
    let made = credentials(&reply.agent_id, &collector, &key, &reply.chain);
    let made = made.ok_or(EnrolError::Answer("it has no certificate"))?;
    Ok(Identity::keep(state_dir, made)?)
}

/// Gets the next certificate, for a new key, over a connection that was made with the present one.
pub async fn renew(identity: &Identity, channel: Channel) -> Result<(), EnrolError> {
    let present = identity.credentials();
    let (key, csr) = new_key()?;
    let mut client = AgentClient::new(channel);
    let reply = in_time(client.renew(v1::RenewRequest { csr })).await?;
    let authority = present.chain().pop();
    if reply.chain.len() < 2 || reply.chain.last() != authority.as_ref() {
        return Err(EnrolError::Answer("its authority is another one"));
    }
    let made = credentials(&present.agent_id, &present.collector, &key, &reply.chain);
    let made = made.ok_or(EnrolError::Answer("it has no certificate"))?;
    Ok(identity.replace(made)?)
}

async fn in_time<T>(
    call: impl Future<Output = Result<tonic::Response<T>, Status>>,
) -> Result<T, EnrolError> {
    let answer = tokio::time::timeout(CALL, call).await;
    let answer = answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer came")));
    answer.map(tonic::Response::into_inner).map_err(|status| EnrolError::Refused(Box::new(status)))
}
