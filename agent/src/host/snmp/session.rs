//! One target's line: questions over UDP, tried again with growing waits, and version 3's discovery and clock.
//!
//! Invariants: no question outlives its deadline; an answer is taken only if its number is that of a question, and, with
//! version 3, only if it is signed and encrypted as the user's are and inside the time window (RFC 3414, 3.2.7).

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs as _, UdpSocket},
    time::{Duration, Instant},
};

use ring::rand::{SecureRandom as _, SystemRandom};

use super::{
    Oid, WalkError,
    access::{Access, Login},
    message::{
        self, Answer, EngineClock, Header, Keys, MESSAGE_BYTES_MAX, NoAnswer, Pdu, Question,
    },
};
use crate::targets::{Secret, secret};

/// SNMP's port.
const PORT: u16 = 161;

/// How far clocks may differ, in seconds (RFC 3414, 2.2.3).
const WINDOW: u32 = 150;

/// `snmpUsmMIB` statistics that come as reports: 1.3.6.1.6.3.15.1.1.N.0.
const STATISTICS: [u32; 9] = [1, 3, 6, 1, 6, 3, 15, 1, 1];

/// Most datagrams that are looked at while waiting for one answer: a flood ends the wait.
const DATAGRAMS_MAX: u32 = 200;

/// An agent's engine and the user's keys at it. Kept between walks: making keys hashes a megabyte for each password.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    clock: EngineClock,
    /// When `clock` was true.
    at: Instant,
    keys: Keys,
}

/// What a question has cost.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spent {
    pub(super) requests: u32,
    pub(super) bytes: u64,
}

/// An open line to a target.
pub(super) struct Session<'a> {
    socket: UdpSocket,
    access: &'a Access,
    who: Who,
    engine: Option<Engine>,
    number: i32,
    salt: u64,
    pub(super) spent: Spent,
    buffer: Vec<u8>,
}

/// The login with its secrets.
enum Who {
    Community(Secret),
    User { auth: Option<Secret>, privacy: Option<Secret> },
}

/// What came of one wait.
enum Heard {
    Answer(Pdu),
    /// Ask again: the clock or the engine is known better now.
    Again,
    Silence,
}

impl<'a> Session<'a> {
    /// Opens the line; nothing is sent yet. `engine` is what an earlier session learned.
    pub(super) fn open(
        address: &str,
        access: &'a Access,
        engine: Option<Engine>,
    ) -> Result<Session<'a>, WalkError> {
        let who = match &access.login {
            Login::Community { file } => Who::Community(secret(file)?),
            Login::User { auth, privacy, .. } => Who::User {
                auth: auth.as_ref().map(|(_, file)| secret(file)).transpose()?,
                privacy: privacy.as_ref().map(|(_, file)| secret(file)).transpose()?,
            },
        };
        let socket = connect(address).map_err(WalkError::Network)?;
        let mut random = [0; 12];
        let failed = |_| WalkError::Network(io::Error::other("the system gives no random numbers"));
        SystemRandom::new().fill(&mut random).map_err(failed)?;
        let (number, salt) = random.split_at(4);
        let number = i32::from_be_bytes(number.try_into().unwrap_or_default()) & 0x3fff_ffff;
        let salt = u64::from_be_bytes(salt.try_into().unwrap_or_default());
        let (spent, buffer) = (Spent::default(), vec![0; MESSAGE_BYTES_MAX]);
        Ok(Session { socket, access, who, engine, number, salt, spent, buffer })
    }

    /// What was learned of the engine, for the next session.
    pub(super) fn engine(self) -> Option<Engine> {
        self.engine
    }

    /// Asks until there is an answer, the tries are used up, or the deadline is there. `tries` is how often at most.
    pub(super) fn ask(
        &mut self,
        question: Question,
        oids: &[Oid],
        tries: u32,
        deadline: Instant,
    ) -> Result<Pdu, WalkError> {
        let mut numbers = Vec::new();
        let mut wait = self.access.timeout;
        // Discovery and clock cost at most two questions more.
        let mut again = 3;
        let mut left = tries;
        while left > 0 {
            let until = deadline.min(Instant::now() + wait);
            if until <= Instant::now() {
                break;
            }
            self.number = (self.number + 1) & 0x3fff_ffff;
            numbers.push(i64::from(self.number));
            self.send(question, oids)?;
            match self.listen(&numbers, until)? {
                Heard::Answer(pdu) => return Ok(pdu),
                Heard::Again if again > 0 => again -= 1,
                Heard::Again => return Err(WalkError::Refused("the clock cannot be agreed on")),
                Heard::Silence => {
                    left -= 1;
                    wait = (wait * 2).min(Duration::from_secs(60));
                }
            }
        }
        Err(WalkError::Silent)
    }

    /// The tries that the configuration allows.
    pub(super) fn tries(&self) -> u32 {
        self.access.retries + 1
    }

    fn send(&mut self, question: Question, oids: &[Oid]) -> Result<(), WalkError> {
        let bytes = match (&self.who, &self.access.login) {
            (Who::Community(community), _) => {
                let pdu = message::question(question, self.number, oids);
                message::write_community(community.bytes(), &pdu)
            }
            (Who::User { .. }, Login::User { name, context, .. }) => {
                self.salt = self.salt.wrapping_add(1);
                let (id, salt) = (self.number, self.salt);
                match &self.engine {
                    Some(engine) => {
                        let clock = engine.now();
                        let header = Header { id, engine: &clock, user: name, context, salt };
                        let pdu = message::question(question, self.number, oids);
                        message::write_user(&header, &engine.keys, &pdu)
                    }
                    // Discovery (RFC 3414, section 4): nobody asks nothing, and the report says who answers.
                    None => {
                        let engine = EngineClock::default();
                        let header = Header { id, engine: &engine, user: "", context: "", salt };
                        let pdu = message::question(Question::Next, self.number, &[]);
                        message::write_user(&header, &Keys::default(), &pdu)
                    }
                }
                .ok_or(WalkError::Refused("the keys do not fit the protocols"))?
            }
            (Who::User { .. }, Login::Community { .. }) => {
                return Err(WalkError::Refused("the login has two versions"));
            }
        };
        self.spent.requests += 1;
        self.spent.bytes += bytes.len() as u64;
        self.socket.send(&bytes).map(drop).map_err(WalkError::Network)
    }

    fn listen(&mut self, numbers: &[i64], until: Instant) -> Result<Heard, WalkError> {
        for _ in 0..DATAGRAMS_MAX {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Heard::Silence);
            }
            let left = left.max(Duration::from_millis(1));
            self.socket.set_read_timeout(Some(left)).map_err(WalkError::Network)?;
            let length = match self.socket.recv(&mut self.buffer) {
                Ok(length) => length,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                        return Ok(Heard::Silence);
                    }
                    io::ErrorKind::Interrupted => continue,
                    _ => return Err(WalkError::Network(error)),
                },
            };
            self.spent.bytes += length as u64;
            let bytes = std::mem::take(&mut self.buffer);
            let heard = self.understand(&bytes[..length], numbers);
            self.buffer = bytes;
            if let Some(heard) = heard? {
                return Ok(heard);
            }
        }
        Ok(Heard::Silence)
    }

    /// What a datagram says. None: it is no answer to the question; go on listening.
    fn understand(&mut self, bytes: &[u8], numbers: &[i64]) -> Result<Option<Heard>, WalkError> {
        match &self.who {
            Who::Community(community) => {
                let pdu = message::read_community(bytes, community.bytes());
                let pdu = pdu.filter(|it| !it.report && numbers.contains(&it.request));
                Ok(pdu.map(Heard::Answer))
            }
            Who::User { .. } => self.understand_user(bytes, numbers),
        }
    }

    fn understand_user(
        &mut self,
        bytes: &[u8],
        numbers: &[i64],
    ) -> Result<Option<Heard>, WalkError> {
        let Login::User { name, auth, privacy, .. } = &self.access.login else { return Ok(None) };
        let none = Keys::default();
        let keys = self.engine.as_ref().map_or(&none, |it| &it.keys);
        let answer = match message::read_user(bytes, name, keys) {
            Ok(answer) => answer,
            Err(NoAnswer::Garbled | NoAnswer::Forged) => return Ok(None),
            Err(NoAnswer::Sealed) => {
                return Err(WalkError::Refused(
                    "the answer cannot be decrypted: is the privacy password or protocol right?",
                ));
            }
        };
        if !numbers.contains(&answer.id) {
            return Ok(None);
        }
        if answer.pdu.report {
            return self.report(&answer).map(Some);
        }
        let protected =
            (answer.signed || auth.is_none()) && (answer.encrypted || privacy.is_none());
        let Some(engine) = &mut self.engine else { return Ok(None) };
        if !protected
            || answer.engine.id != engine.clock.id
            || !numbers.contains(&answer.pdu.request)
        {
            return Ok(None);
        }
        if answer.signed && !engine.is_timely(&answer.engine) {
            return Ok(None);
        }
        Ok(Some(Heard::Answer(answer.pdu)))
    }

    /// A report says what is wrong with the question (RFC 3414, section 3.2).
    fn report(&mut self, answer: &Answer) -> Result<Heard, WalkError> {
        let which =
            answer.pdu.bindings.first().and_then(|(oid, _)| {
                oid.parts().strip_prefix(STATISTICS.as_slice())?.first().copied()
            });
        match which {
            Some(4) if self.engine.is_none() => {
                if answer.engine.id.is_empty() {
                    return Err(WalkError::Refused("the agent does not say who it is"));
                }
                self.engine = Some(self.learn(answer.engine.clone()));
                Ok(Heard::Again)
            }
            // Somebody else answers now: a controller took over.
            Some(4) => {
                self.engine = None;
                Ok(Heard::Again)
            }
            Some(2) if answer.signed => {
                if let Some(engine) = &mut self.engine {
                    engine.clock = answer.engine.clone();
                    engine.at = Instant::now();
                }
                Ok(Heard::Again)
            }
            Some(1) => {
                Err(WalkError::Refused("the agent does not allow this security level for the user"))
            }
            Some(3) => Err(WalkError::Refused("the agent does not know the user")),
            Some(5) => Err(WalkError::Refused(
                "the agent finds the signature wrong: is the authentication password or protocol right?",
            )),
            Some(6) => Err(WalkError::Refused(
                "the agent cannot decrypt: is the privacy password or protocol right?",
            )),
            _ => Err(WalkError::Refused("the agent refuses the message")),
        }
    }

    fn learn(&self, clock: EngineClock) -> Engine {
        let (Login::User { auth, privacy, .. }, Who::User { auth: password, privacy: second }) =
            (&self.access.login, &self.who)
        else {
            return Engine { clock, at: Instant::now(), keys: Keys::default() };
        };
        let auth_key = auth.as_ref().zip(password.as_ref());
        let keys = Keys {
            auth: auth_key
                .map(|((auth, _), password)| (*auth, auth.key(password.bytes(), &clock.id))),
            privacy: privacy.as_ref().zip(second.as_ref()).zip(auth.as_ref()).map(
                |(((privacy, _), password), (auth, _))| {
                    (*privacy, privacy.key(*auth, password.bytes(), &clock.id))
                },
            ),
        };
        Engine { clock, at: Instant::now(), keys }
    }
}

impl Engine {
    /// The engine's clock as it must be by now.
    fn now(&self) -> EngineClock {
        let since = u32::try_from(self.at.elapsed().as_secs()).unwrap_or(u32::MAX);
        EngineClock { time: self.clock.time.saturating_add(since), ..self.clock.clone() }
    }

    /// Whether a signed message is inside the time window; a newer clock is taken over.
    fn is_timely(&mut self, said: &EngineClock) -> bool {
        let now = self.now();
        let newer = (said.boots, said.time) > (now.boots, now.time);
        if newer {
            self.clock = said.clone();
            self.at = Instant::now();
            return true;
        }
        said.boots == now.boots && said.time.saturating_add(WINDOW) >= now.time
    }
}

/// A socket that hears nobody but the target.
fn connect(address: &str) -> io::Result<UdpSocket> {
    let resolved = resolve(address)?;
    let any: SocketAddr = match resolved {
        SocketAddr::V4(_) => ([0_u8; 4], 0).into(),
        SocketAddr::V6(_) => ([0_u16; 8], 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(resolved)?;
    Ok(socket)
}

/// `host`, `host:port`, `::1`, `[::1]:port`.
fn resolve(address: &str) -> io::Result<SocketAddr> {
    let bare = address.trim_start_matches('[').trim_end_matches(']');
    let found = if address.parse::<std::net::IpAddr>().is_ok() || bare.len() + 2 == address.len() {
        (bare, PORT).to_socket_addrs()?.next()
    } else if address.contains(':') {
        address.to_socket_addrs()?.next()
    } else {
        (address, PORT).to_socket_addrs()?.next()
    };
    found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_port_or_the_usual_one() {
        for (text, want) in [
            ("127.0.0.1", "127.0.0.1:161"),
            ("127.0.0.1:1161", "127.0.0.1:1161"),
            ("::1", "[::1]:161"),
            ("[::1]", "[::1]:161"),
            ("[::1]:1161", "[::1]:1161"),
        ] {
            assert_eq!(resolve(text).unwrap().to_string(), want);
        }
    }

    #[test]
    fn an_old_message_is_not_taken() {
        let clock = EngineClock { id: b"engine".to_vec(), boots: 3, time: 1000 };
        let mut engine = Engine { clock: clock.clone(), at: Instant::now(), keys: Keys::default() };
        let said = |boots, time| EngineClock { boots, time, ..clock.clone() };
        assert!(engine.is_timely(&said(3, 900)));
        assert!(!engine.is_timely(&said(3, 800)) && !engine.is_timely(&said(2, 1000)));
        assert!(engine.is_timely(&said(4, 5)) && !engine.is_timely(&said(3, 1000)));
    }
}
