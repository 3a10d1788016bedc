//! Messages of D-Bus: calls written, answers read, as far as questions to systemd need them.
//!
//! Facts: D-Bus Specification, "Type System", "Marshaling (Wire Format)", "Message Protocol". Calls are written in the
//! little-endian form; answers are read in either. Invariant: no answer makes the reader panic, or take more memory
//! than a few times its bytes.

use std::io;

/// Bytes before the content of the array of header fields.
pub(super) const FIXED: usize = 16;

/// Longest message that is taken: the list of ten thousand units is some 3 MiB. The specification's limit is 128 MiB.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

const METHOD_CALL: u8 = 1;
/// The answer to a call.
pub(super) const METHOD_RETURN: u8 = 2;
/// The refusal of a call.
pub(super) const ERROR: u8 = 3;

/// Codes of header fields.
mod field {
    pub(super) const PATH: u8 = 1;
    pub(super) const INTERFACE: u8 = 2;
    pub(super) const MEMBER: u8 = 3;
    pub(super) const ERROR_NAME: u8 = 4;
    pub(super) const REPLY_SERIAL: u8 = 5;
    pub(super) const DESTINATION: u8 = 6;
    pub(super) const SIGNATURE: u8 = 8;
}

/// A method to be called with strings as its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) destination: &'static str,
    pub(super) path: String,
    pub(super) interface: &'static str,
    pub(super) member: &'static str,
    pub(super) arguments: Vec<String>,
}

impl Call {
    /// Its message.
    pub(super) fn message(&self, serial: u32) -> Vec<u8> {
        let mut body = Writer::default();
        self.arguments.iter().for_each(|it| body.string(it));
        let mut fields = Writer::default();
        fields.field(field::PATH, "o", &self.path);
        fields.field(field::DESTINATION, "s", self.destination);
        fields.field(field::INTERFACE, "s", self.interface);
        fields.field(field::MEMBER, "s", self.member);
        if !self.arguments.is_empty() {
            fields.align(8);
            fields.0.push(field::SIGNATURE);
            fields.signature("g");
            fields.signature(&"s".repeat(self.arguments.len()));
        }
        let mut out = Writer(vec![b'l', METHOD_CALL, 0, 1]);
        out.number(count(body.0.len()));
        out.number(serial);
        out.number(count(fields.0.len()));
        // The content of the array begins at byte 16, so what is aligned in it is aligned in the message.
        out.0.extend(fields.0);
        out.align(8);
        out.0.extend(body.0);
        out.0
    }
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn align(&mut self, to: usize) {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
    }

    fn number(&mut self, it: u32) {
        self.align(4);
        self.0.extend(it.to_le_bytes());
    }

    fn string(&mut self, it: &str) {
        self.number(count(it.len()));
        self.0.extend(it.as_bytes());
        self.0.push(0);
    }

    /// Signatures here are a few letters.
    fn signature(&mut self, it: &str) {
        self.0.push(u8::try_from(it.len()).unwrap_or(u8::MAX));
        self.0.extend(it.as_bytes());
        self.0.push(0);
    }

    fn field(&mut self, code: u8, signature: &str, value: &str) {
        self.align(8);
        self.0.push(code);
        self.signature(signature);
        self.string(value);
    }
}

/// What the first bytes of a message say of the rest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    kind: u8,
    big: bool,
    fields: usize,
    body: usize,
}

impl Frame {
    /// Reads the fixed part of the header.
    pub(super) fn read(fixed: [u8; FIXED]) -> io::Result<Frame> {
        let [order, kind, _, version, ..] = fixed;
        let big = match order {
            b'l' => false,
            b'B' => true,
            other => return Err(wrong(format!("a message begins with byte {other}"))),
        };
        let mut reader = Reader { bytes: &fixed, at: 4, big };
        let body = reader.length()?;
        reader.number()?;
        let fields = reader.length()?;
        let frame = Frame { kind, big, fields, body };
        if version != 1 || frame.rest() > MESSAGE_BYTES_MAX {
            return Err(wrong(format!("a message of version {version}, {} bytes", frame.rest())));
        }
        Ok(frame)
    }

    /// Bytes that follow: the fields, filled up to eight bytes, and the body.
    pub(super) fn rest(&self) -> usize {
        self.fields.next_multiple_of(8).saturating_add(self.body)
    }
}

/// A message that came.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Message {
    /// Answer, refusal, signal.
    pub(super) kind: u8,
    /// Which call it answers.
    pub(super) answers: Option<u32>,
    /// Name of an error.
    pub(super) error: String,
    signature: String,
    body: Vec<u8>,
    big: bool,
}

impl Message {
    /// Reads what follows the fixed part: [`Frame::rest`] bytes.
    pub(super) fn read(frame: Frame, mut rest: Vec<u8>) -> io::Result<Message> {
        if rest.len() != frame.rest() {
            return Err(short());
        }
        let mut message = Message { kind: frame.kind, big: frame.big, ..Message::default() };
        let fields = rest.get(..frame.fields).ok_or_else(short)?;
        let mut reader = Reader { bytes: fields, at: 0, big: frame.big };
        while reader.at < fields.len() {
            reader.align(8)?;
            let code = reader.byte()?;
            let signature = reader.signature()?;
            match (code, signature.as_str()) {
                (field::REPLY_SERIAL, "u") => message.answers = Some(reader.number()?),
                (field::ERROR_NAME, "s") => message.error = reader.string()?,
                (field::SIGNATURE, "g") => message.signature = reader.signature()?,
                (_, "s" | "o") => drop(reader.string()?),
                (_, "g") => drop(reader.signature()?),
                (_, "u") => drop(reader.number()?),
                (_, other) => return Err(wrong(format!("header field {code} of type {other:?}"))),
            }
        }
        message.body = rest.split_off(frame.fields.next_multiple_of(8));
        Ok(message)
    }

    fn body(&self, signature: &str) -> io::Result<Reader<'_>> {
        if self.signature != signature {
            let text = format!("an answer of type {:?}, wanted {signature:?}", self.signature);
            return Err(wrong(text));
        }
        Ok(Reader { bytes: &self.body, at: 0, big: self.big })
    }

    /// The text of an error; empty if it has none.
    pub(super) fn said(&self) -> String {
        if !self.signature.starts_with('s') {
            return String::new();
        }
        let mut reader = Reader { bytes: &self.body, at: 0, big: self.big };
        reader.string().unwrap_or_default()
    }

    /// The value of a property, as text: a string or a number.
    pub(super) fn property(&self) -> io::Result<String> {
        let mut reader = self.body("v")?;
        match reader.signature()?.as_str() {
            "s" | "o" => reader.string(),
            "u" => reader.number().map(|it| it.to_string()),
            "i" => reader.number().map(|it| it.cast_signed().to_string()),
            other => Err(wrong(format!("a property of type {other:?}"))),
        }
    }

    /// An array of structures, of each the first strings. `signature` is the whole answer's; all that is in a structure
    /// are strings and numbers of four bytes.
    pub(super) fn rows<const STRINGS: usize>(
        &self,
        signature: &str,
    ) -> io::Result<Vec<[String; STRINGS]>> {
        let mut reader = self.body(signature)?;
        let kinds = signature.trim_start_matches("a(").trim_end_matches(')');
        let length = reader.length()?;
        reader.align(8)?;
        let end = reader.at.saturating_add(length);
        let mut rows = Vec::new();
        while reader.at < end {
            reader.align(8)?;
            let mut row = [const { String::new() }; STRINGS];
            for (index, kind) in kinds.chars().enumerate() {
                match kind {
                    's' | 'o' => {
                        let text = reader.string()?;
                        if let Some(place) = row.get_mut(index) {
                            *place = text;
                        }
                    }
                    _ => drop(reader.number()?),
                }
            }
            rows.push(row);
        }
        Ok(rows)
    }
}

/// Reads values from bytes that begin at a multiple of eight.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    big: bool,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> io::Result<&[u8]> {
        let end = self.at.checked_add(count).ok_or_else(short)?;
        let bytes = self.bytes.get(self.at..end).ok_or_else(short)?;
        self.at = end;
        Ok(bytes)
    }

    fn align(&mut self, to: usize) -> io::Result<()> {
        self.take(self.at.next_multiple_of(to) - self.at).map(drop)
    }

    fn byte(&mut self) -> io::Result<u8> {
        self.take(1)?.first().copied().ok_or_else(short)
    }

    fn number(&mut self) -> io::Result<u32> {
        self.align(4)?;
        let big = self.big;
        let bytes: [u8; 4] = self.take(4)?.try_into().map_err(|_| short())?;
        Ok(if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn length(&mut self) -> io::Result<usize> {
        self.number().and_then(|it| usize::try_from(it).map_err(|_| short()))
    }

    fn string(&mut self) -> io::Result<String> {
        let length = self.length()?;
        self.text(length)
    }

    fn signature(&mut self) -> io::Result<String> {
        let length = usize::from(self.byte()?);
        self.text(length)
    }

    fn text(&mut self, length: usize) -> io::Result<String> {
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        match self.byte()? {
            0 => Ok(text),
            _ => Err(wrong("a string without its end".to_owned())),
        }
    }
}

fn wrong(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("D-Bus: {text}"))
}

fn short() -> io::Error {
    wrong("a message ends too early".to_owned())
}
