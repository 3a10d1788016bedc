//! Enrolment: a token that is good once, for a certificate.

use thiserror::Error;
use xunjian_proto::{
    HostFacts, Time,
    token::{EnrolToken, hex},
};

use super::{Authority, IdentityError, random};
use crate::store::{AgentId, Store, StoreError};

/// A new agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// Its identity.
    pub agent: AgentId,
    /// Its certificate chain (DER, leaf first, the authority last).
    pub chain: Vec<Vec<u8>>,
}

/// Why an agent was not let in.
#[derive(Debug, Error)]
pub enum EnrolError {
    /// The token is unknown, was used before, or has expired. Which of these is not told.
    #[error(
        "the token is not valid: unknown, used already or expired; ask for a new one with `xunjian-collector enrol-token`"
    )]
    Token,
    /// The certificate request is no good.
    #[error("the certificate request cannot be used: {0}")]
    Request(String),
    /// The certificate could not be made.
    #[error("cannot make the certificate")]
    Identity(#[from] IdentityError),
    /// The store could not keep it.
    #[error("cannot keep it in the store")]
    Store(#[from] StoreError),
}

/// Makes a token that lets one agent in before `expires`. Only its hash is kept.
pub fn new_token(
    store: &Store,
    authority: &Authority,
    expires: Time,
) -> Result<EnrolToken, IdentityError> {
    let token = EnrolToken::new(authority.certificate()).map_err(|_| IdentityError::Random)?;
    store.put_token(&EnrolToken::secret_hash(token.secret()), expires)?;
    Ok(token)
}

/// Lets an agent in: signs its request, uses up the token. A request that cannot be signed leaves the token as it is.
pub fn redeem(
    store: &Store,
    authority: &Authority,
    secret: &str,
    request: &[u8],
    host: &HostFacts,
    now: Time,
) -> Result<Enrolled, EnrolError> {
    let agent = AgentId(hex(&random()?));
    let chain = authority.issue(request, &agent, now)?;
    if !store.take_token(&EnrolToken::secret_hash(secret), now)? {
        return Err(EnrolError::Token);
    }
    store.enrol(&agent, host, now)?;
    Ok(Enrolled { agent, chain })
}
