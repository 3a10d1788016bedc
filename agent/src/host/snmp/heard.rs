//! What SNMP agents send, read from bytes alone: a door for tests and fuzzers into readers whose types stay inside.

use super::{
    Ask, Oid, Value, Walked,
    ber::Bound,
    message::{self, EngineClock, Header, Keys, Pdu},
    usm::{Auth, Privacy},
    walk::{self, Bounds},
};

/// Every [`Peer`] has this user, password and engine.
const USER: &str = "user";
const PASSWORD: &[u8] = b"a password";
const ENGINE: &[u8] = b"\x80\0\0\0\x01peer";

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Names and values; none where the agent says that there is none.
    pub bindings: Vec<(Oid, Option<Value>)>,
    inner: Pdu,
}

fn heard(inner: Pdu) -> Heard {
    let value = |it: &Bound| match it {
        Bound::Value(value) => Some(value.clone()),
        Bound::End | Bound::None => None,
    };
    let bindings = inner.bindings.iter().map(|(oid, it)| (oid.clone(), value(it))).collect();
    Heard { bindings, inner }
}

/// The answer in a version 2c message of the community `public`.
pub fn community(bytes: &[u8]) -> Option<Heard> {
    message::read_community(bytes, b"public").map(heard)
}

/// The answer that a message of any version carries.
pub fn pdu(bytes: &[u8]) -> Option<Heard> {
    community(&message::write_community(b"public", bytes))
}

/// Walks an agent of which `answer` gives the answers, one a question; none: it answers no more. None if it cannot be
/// walked at all.
pub fn walk(roots: &[Oid], answer: &mut dyn FnMut() -> Option<Heard>) -> Option<Walked> {
    let ask = Ask { roots, first: false };
    let bounds = Bounds { bindings: 4096, bytes: 1 << 20, at_once: 40, first: ask.first };
    let harvest = walk::walk(roots, bounds, &mut |_, _, _| {
        Ok(answer().map(|it| it.inner).ok_or(super::WhyCut::Late))
    });
    harvest.ok().map(|it| Walked { bindings: it.bindings, cuts: it.cuts, bytes: 0 })
}

/// An agent of version 3, whose keys both sides know.
#[derive(Debug)]
pub struct Peer {
    keys: Keys,
    clock: EngineClock,
}

/// What a version 3 message says.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// The answer in it.
    pub pdu: Heard,
    /// Whether it was signed with the peer's key.
    pub signed: bool,
    /// Whether it was encrypted.
    pub encrypted: bool,
}

impl Peer {
    /// One that signs and encrypts so (`sha-256`, `aes-128`; words that nobody knows: not at all).
    pub fn new(auth: &str, privacy: &str) -> Peer {
        let auth = Auth::parse(auth);
        let privacy = Privacy::parse(privacy).zip(auth);
        let keys = Keys {
            auth: auth.map(|it| (it, it.key(PASSWORD, ENGINE))),
            privacy: privacy.map(|(it, auth)| (it, it.key(auth, PASSWORD, ENGINE))),
        };
        Peer { keys, clock: EngineClock { id: ENGINE.to_vec(), boots: 3, time: 77 } }
    }

    /// Whether it signs.
    pub fn signs(&self) -> bool {
        self.keys.auth.is_some()
    }

    /// Whether it encrypts.
    pub fn encrypts(&self) -> bool {
        self.keys.privacy.is_some()
    }

    /// Its message with this content. None if its keys do not fit their protocols.
    pub fn wrap(&self, pdu: &[u8]) -> Option<Vec<u8>> {
        let header = Header { id: 1, engine: &self.clock, user: USER, context: "", salt: 5 };
        message::write_user(&header, &self.keys, pdu)
    }

    /// What a message says. None if it cannot be understood or is not the peer's.
    pub fn read(&self, bytes: &[u8]) -> Option<Said> {
        let answer = message::read_user(bytes, USER, &self.keys).ok()?;
        let (signed, encrypted) = (answer.signed, answer.encrypted);
        Some(Said { pdu: heard(answer.pdu), signed, encrypted })
    }
}
