//! A connection to a bus, or straight to systemd, on which questions are asked.
//!
//! Facts: D-Bus Specification, "Authentication Protocol" (EXTERNAL: the kernel tells the other side who asks) and
//! "Message Bus Messages" (`Hello` comes first on a bus). A bus keeps at most 128 unanswered calls of a connection
//! (dbus-daemon(1), `max_replies_per_connection`); fewer are on their way here.

use std::{
    collections::BTreeMap,
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

use rustix::process::geteuid;

use super::wire::{Call, ERROR, FIXED, Frame, METHOD_RETURN, Message};

/// Calls on their way at a time.
const AT_ONCE: usize = 32;

/// Most bytes that are taken from one connection.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// Longest line of the authentication.
const LINE_BYTES_MAX: usize = 512;

/// An open connection.
pub(super) struct Talk {
    socket: UnixStream,
    until: Instant,
    serial: u32,
    received: usize,
}

impl Talk {
    /// Connects and says who asks. Everything on this connection must be over within that time.
    pub(super) fn open(path: &Path, within: Duration) -> io::Result<Talk> {
        let socket = UnixStream::connect(path)?;
        let mut talk = Talk { socket, until: Instant::now() + within, serial: 0, received: 0 };
        let user = geteuid().as_raw().to_string();
        let user: String = user.bytes().map(|it| format!("{it:02x}")).collect();
        // BEGIN goes with the rest, as systemd's own tools send it: systemd itself, asked directly, leaves a message that
        // it reads together with BEGIN lying until the next one comes.
        talk.send(format!("\0AUTH EXTERNAL {user}\r\nBEGIN\r\n").as_bytes())?;
        let said = talk.line()?;
        if !said.starts_with("OK ") {
            let text = format!("the bus does not let this user in: {said:?}");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        }
        Ok(talk)
    }

    /// Asks everything, and gives the answers and refusals in the order of the calls.
    pub(super) fn ask(&mut self, calls: &[Call]) -> io::Result<Vec<io::Result<Message>>> {
        let mut answers = Vec::with_capacity(calls.len());
        for calls in calls.chunks(AT_ONCE) {
            let first = self.serial + 1;
            let mut bytes = Vec::new();
            for call in calls {
                self.serial += 1;
                bytes.extend(call.message(self.serial));
            }
            self.send(&bytes)?;
            let mut found = BTreeMap::new();
            while found.len() < calls.len() {
                let message = self.message()?;
                // Signals, such as the one about the name given to us, answer nothing.
                if let Some(serial) = message.answers
                    && (first..=self.serial).contains(&serial)
                {
                    found.insert(serial, message);
                }
            }
            answers.extend(found.into_values().map(answer));
        }
        Ok(answers)
    }

    /// Asks one thing that must be answered.
    pub(super) fn one(&mut self, call: &Call) -> io::Result<Message> {
        let none = || io::Error::other("no answer");
        self.ask(std::slice::from_ref(call))?.pop().ok_or_else(none)?
    }

    fn message(&mut self) -> io::Result<Message> {
        let mut fixed = [0; FIXED];
        self.fill(&mut fixed)?;
        let frame = Frame::read(fixed)?;
        self.received = self.received.saturating_add(frame.rest());
        if self.received > BYTES_MAX {
            let text = format!("D-Bus: more than {BYTES_MAX} bytes of answers");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
        }
        let mut rest = vec![0; frame.rest()];
        self.fill(&mut rest)?;
        Message::read(frame, rest)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") && line.len() < LINE_BYTES_MAX {
            let mut byte = [0];
            self.fill(&mut byte)?;
            line.extend(byte);
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        self.socket.write_all(bytes).map_err(timely)
    }

    /// Fills the buffer before the time is over, however small the pieces are in which the bytes come.
    fn fill(&mut self, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            self.socket.set_read_timeout(Some(self.left()?))?;
            match self.socket.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => buffer = buffer.get_mut(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(timely(error)),
            }
        }
        Ok(())
    }

    /// The time that is left; never none.
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(late()) } else { Ok(left) }
    }
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "no answer in time")
}

/// A socket whose time is over says that it would block.
fn timely(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { late() } else { error }
}

fn answer(message: Message) -> io::Result<Message> {
    let kind = match message.kind {
        METHOD_RETURN => return Ok(message),
        ERROR => match message.error.rsplit('.').next().unwrap_or_default() {
            "AccessDenied" | "AuthFailed" => io::ErrorKind::PermissionDenied,
            "NoReply" | "Timeout" | "TimedOut" => io::ErrorKind::TimedOut,
            "UnknownProperty" | "UnknownInterface" | "UnknownObject" | "UnknownMethod" => {
                io::ErrorKind::NotFound
            }
            _ => io::ErrorKind::Other,
        },
        _ => io::ErrorKind::InvalidData,
    };
    Err(io::Error::new(kind, format!("{}: {}", message.error, message.said())))
}
