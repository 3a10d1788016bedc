//! Messages: what is asked and what is answered, in versions 2c (RFC 3416, 3417) and 3 (RFC 3412, 3414).

use super::{
    ber::{BYTES, Bound, Reader, SEQUENCE, element, write_integer, write_question},
    oid::Oid,
    usm::{self, Auth, Key, Privacy},
};

const NEXT: u8 = 0xa1;
const RESPONSE: u8 = 0xa2;
const BULK: u8 = 0xa5;
const REPORT: u8 = 0xa8;

/// Flags of a version 3 message (RFC 3412, section 6.4).
const SIGNED: u8 = 1;
const ENCRYPTED: u8 = 2;
const REPORTABLE: u8 = 4;

/// Largest message that is taken: what UDP carries.
pub(super) const MESSAGE_BYTES_MAX: usize = 65_507;

/// The user-based security model's number.
const USM: i64 = 3;

/// Most bindings of one answer that are read: more than any request asks for.
const BINDINGS_MAX: usize = 4096;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// The variable that follows each.
    Next,
    /// So many that follow each.
    Bulk(u32),
}

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pdu {
    /// Whether it is a report about the message itself.
    pub(super) report: bool,
    /// Whose answer it is.
    pub(super) request: i64,
    /// `error-status`; 0 is none.
    pub(super) error: i64,
    /// Which binding the error is about, from 1; 0: none.
    pub(super) index: i64,
    /// Names and values.
    pub(super) bindings: Vec<(Oid, Bound)>,
}

/// The `PDU` of a question.
pub(super) fn question(question: Question, request: i32, oids: &[Oid]) -> Vec<u8> {
    let list: Vec<u8> = oids.iter().flat_map(write_question).collect();
    let (kind, repetitions) = match question {
        Question::Next => (NEXT, 0),
        Question::Bulk(it) => (BULK, it),
    };
    let mut content = write_integer(i64::from(request));
    content.extend(write_integer(0));
    content.extend(write_integer(i64::from(repetitions)));
    content.extend(element(SEQUENCE, &list));
    element(kind, &content)
}

fn pdu(bytes: &mut Reader<'_>) -> Option<Pdu> {
    let (kind, content) = bytes.element()?;
    if kind != RESPONSE && kind != REPORT {
        return None;
    }
    let mut content = Reader::new(content);
    let (request, error, index) = (content.integer()?, content.integer()?, content.integer()?);
    let mut list = content.sequence()?;
    let mut bindings = Vec::new();
    while !list.is_empty() && bindings.len() < BINDINGS_MAX {
        bindings.push(list.binding()?);
    }
    Some(Pdu { report: kind == REPORT, request, error, index, bindings })
}

/// A version 2c message.
pub(super) fn write_community(community: &[u8], pdu: &[u8]) -> Vec<u8> {
    let mut content = write_integer(1);
    content.extend(element(BYTES, community));
    content.extend_from_slice(pdu);
    element(SEQUENCE, &content)
}

/// The answer in a version 2c message with this community.
pub(super) fn read_community(bytes: &[u8], community: &[u8]) -> Option<Pdu> {
    let mut message = Reader::new(bytes).sequence()?;
    if message.integer()? != 1 || message.expect(BYTES)? != community {
        return None;
    }
    pdu(&mut message)
}

/// What both ends of a version 3 exchange know of the agent that answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct EngineClock {
    pub(super) id: Vec<u8>,
    pub(super) boots: u32,
    pub(super) time: u32,
}

/// How messages of a user are signed and encrypted.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    pub(super) auth: Option<(Auth, Key)>,
    pub(super) privacy: Option<(Privacy, Key)>,
}

/// What is said in a version 3 message besides the question.
pub(super) struct Header<'a> {
    pub(super) id: i32,
    pub(super) engine: &'a EngineClock,
    pub(super) user: &'a str,
    pub(super) context: &'a str,
    /// Number that is used once, for the encryption.
    pub(super) salt: u64,
}

/// A version 3 message. None if the keys do not fit their protocols.
pub(super) fn write_user(header: &Header<'_>, keys: &Keys, pdu: &[u8]) -> Option<Vec<u8>> {
    let engine = header.engine;
    let mut scoped = element(BYTES, &engine.id);
    scoped.extend(element(BYTES, header.context.as_bytes()));
    scoped.extend_from_slice(pdu);
    let mut data = element(SEQUENCE, &scoped);
    let mut flags = REPORTABLE;
    let mut salt = Vec::new();
    if let Some((privacy, key)) = &keys.privacy {
        flags |= ENCRYPTED;
        let (cipher, used) = privacy.encrypt(key, engine.boots, engine.time, header.salt, &data)?;
        data = element(BYTES, &cipher);
        salt = used.to_vec();
    }
    let zeros = keys.auth.as_ref().map_or(0, |(auth, _)| auth.signature_bytes());
    if zeros > 0 {
        flags |= SIGNED;
    }
    let mut global = write_integer(i64::from(header.id));
    global.extend(write_integer(i64::try_from(MESSAGE_BYTES_MAX).unwrap_or(i64::MAX)));
    global.extend(element(BYTES, &[flags]));
    global.extend(write_integer(USM));
    let mut security = element(BYTES, &engine.id);
    security.extend(write_integer(i64::from(engine.boots)));
    security.extend(write_integer(i64::from(engine.time)));
    security.extend(element(BYTES, header.user.as_bytes()));
    security.extend(element(BYTES, &vec![0; zeros]));
    security.extend(element(BYTES, &salt));
    let mut content = write_integer(3);
    content.extend(element(SEQUENCE, &global));
    content.extend(element(BYTES, &element(SEQUENCE, &security)));
    content.extend(data);
    let mut message = element(SEQUENCE, &content);
    if let Some((auth, key)) = &keys.auth {
        let place = Opened::of(&message)?.signature_at;
        let signature = auth.sign(key, &message);
        message.get_mut(place..place + signature.len())?.copy_from_slice(&signature);
    }
    Some(message)
}

/// A version 3 answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    /// The message's number.
    pub(super) id: i64,
    /// What the agent says of its engine.
    pub(super) engine: EngineClock,
    /// Whether the signature was there and right.
    pub(super) signed: bool,
    /// Whether it was encrypted.
    pub(super) encrypted: bool,
    pub(super) pdu: Pdu,
}

/// Why a version 3 message is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// It cannot be understood.
    Garbled,
    /// Its signature is wrong.
    Forged,
    /// It cannot be decrypted.
    Sealed,
}

/// Reads a version 3 message. Reports may come unsigned (the agent has nothing to sign them with); whether that is
/// believed is the session's business.
pub(super) fn read_user(bytes: &[u8], user: &str, keys: &Keys) -> Result<Answer, NoAnswer> {
    let opened = Opened::of(bytes).ok_or(NoAnswer::Garbled)?;
    let signed = opened.flags & SIGNED != 0;
    if signed {
        let (auth, key) = keys.auth.as_ref().ok_or(NoAnswer::Garbled)?;
        if opened.user != user.as_bytes() || !opened.is_signed_with(bytes, *auth, key) {
            return Err(NoAnswer::Forged);
        }
    }
    let encrypted = opened.flags & ENCRYPTED != 0;
    let plain;
    let mut scoped = if encrypted {
        let (privacy, key) = keys.privacy.as_ref().ok_or(NoAnswer::Sealed)?;
        let mut data = Reader::new(opened.data);
        let cipher = data.expect(BYTES).ok_or(NoAnswer::Garbled)?;
        let (boots, time) = (opened.engine.boots, opened.engine.time);
        plain = privacy.decrypt(key, boots, time, opened.salt, cipher).ok_or(NoAnswer::Sealed)?;
        Reader::new(&plain).sequence().ok_or(NoAnswer::Sealed)?
    } else {
        Reader::new(opened.data).sequence().ok_or(NoAnswer::Garbled)?
    };
    let garbled = if encrypted { NoAnswer::Sealed } else { NoAnswer::Garbled };
    let pdu = scoped_pdu(&mut scoped).ok_or(garbled)?;
    Ok(Answer { id: opened.id, engine: opened.engine, signed, encrypted, pdu })
}

/// The `PDU` behind context engine and context name.
fn scoped_pdu(scoped: &mut Reader<'_>) -> Option<Pdu> {
    scoped.expect(BYTES)?;
    scoped.expect(BYTES)?;
    pdu(scoped)
}

/// The outer parts of a version 3 message.
struct Opened<'a> {
    id: i64,
    flags: u8,
    engine: EngineClock,
    user: &'a [u8],
    signature: &'a [u8],
    /// Where the signature stands in the message.
    signature_at: usize,
    salt: &'a [u8],
    data: &'a [u8],
}

impl<'a> Opened<'a> {
    fn of(bytes: &'a [u8]) -> Option<Opened<'a>> {
        let mut message = Reader::new(bytes).sequence()?;
        if message.integer()? != 3 {
            return None;
        }
        let mut global = message.sequence()?;
        let id = global.integer()?;
        global.integer()?;
        let flags = *global.expect(BYTES)?.first()?;
        if global.integer()? != USM {
            return None;
        }
        let mut security = Reader::new(message.expect(BYTES)?).sequence()?;
        let engine = security.expect(BYTES)?.to_vec();
        let boots = u32::try_from(security.integer()?).ok()?;
        let time = u32::try_from(security.integer()?).ok()?;
        let user = security.expect(BYTES)?;
        let signature = security.expect(BYTES)?;
        let salt = security.expect(BYTES)?;
        // Engine identifiers have 5 to 32 bytes (RFC 3411, SnmpEngineID); discovery asks with an empty one.
        if engine.len() > 32 {
            return None;
        }
        let signature_at = signature.as_ptr().addr().checked_sub(bytes.as_ptr().addr())?;
        let engine = EngineClock { id: engine, boots, time };
        Some(Opened {
            id,
            flags,
            engine,
            user,
            signature,
            signature_at,
            salt,
            data: message.rest(),
        })
    }

    fn is_signed_with(&self, bytes: &[u8], auth: Auth, key: &Key) -> bool {
        if self.signature.len() != auth.signature_bytes() {
            return false;
        }
        let mut blank = bytes.to_vec();
        match blank.get_mut(self.signature_at..self.signature_at + self.signature.len()) {
            Some(place) => place.fill(0),
            None => return false,
        }
        usm::same(&auth.sign(key, &blank), self.signature)
    }
}
