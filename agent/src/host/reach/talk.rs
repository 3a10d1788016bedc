//! TCP, and one GET over whatever lies on it.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use super::{Failure, FailureKind, Reached, failure, milliseconds};
use crate::host::https::http::{HEAD_END, Search};

/// Most bytes of an answer that are looked at.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// What is asked for.
pub(super) struct Question<'a> {
    pub(super) path: &'a str,
    pub(super) host: &'a str,
    /// A text that the answer must hold.
    pub(super) wanted: Option<&'a str>,
    pub(super) begun: Instant,
    pub(super) deadline: Instant,
}

pub(super) fn connect(
    to: SocketAddr,
    begun: Instant,
    deadline: Instant,
    reached: &mut Reached,
) -> Result<Deadlined, Failure> {
    let stream = TcpStream::connect_timeout(&to, left(deadline)).map_err(of_io)?;
    reached.connect_ms = Some(milliseconds(begun));
    Ok(Deadlined { stream, deadline })
}

/// A connection whose every read and write ends at the deadline: a peer that sends a byte a second cannot keep it.
pub(super) struct Deadlined {
    stream: TcpStream,
    deadline: Instant,
}

impl Read for Deadlined {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if Instant::now() >= self.deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left(self.deadline)))?;
        self.stream.read(buffer)
    }
}

impl Write for Deadlined {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if Instant::now() >= self.deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_write_timeout(Some(left(self.deadline)))?;
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Sends one GET and reads the answer.
pub(super) fn ask(
    mut stream: impl Read + Write,
    question: &Question<'_>,
    reached: &mut Reached,
) -> Result<(), Failure> {
    let host = if question.host.contains(':') {
        format!("[{}]", question.host)
    } else {
        question.host.to_owned()
    };
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: xunjian-agent/{}\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        question.path,
        env!("CARGO_PKG_VERSION"),
    );
    stream.write_all(request.as_bytes()).and_then(|()| stream.flush()).map_err(of_io)?;
    let mut answer = Vec::new();
    let mut scratch = [0; 8 * 1024];
    let mut head_end = Search::new(HEAD_END);
    while answer.len() < ANSWER_BYTES_MAX && Instant::now() < question.deadline {
        let count = match stream.read(&mut scratch) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // Many servers close TLS without saying so.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) if reached.status.is_none() => return Err(of_io(error)),
            Err(_) => break,
        };
        answer.extend_from_slice(&scratch[..count]);
        if reached.status.is_none() && head_end.find(&answer).is_some() {
            reached.status = Some(status(&answer)?);
            reached.answer_ms = Some(milliseconds(question.begun));
            if question.wanted.is_none() {
                return Ok(());
            }
        }
    }
    if reached.status.is_none() {
        if answer.is_empty() {
            return Err(failure(
                FailureKind::Closed,
                "the connection was closed without an answer",
            ));
        }
        reached.status = Some(status(&answer)?);
        reached.answer_ms = Some(milliseconds(question.begun));
    }
    let holds = |wanted: &str| answer.windows(wanted.len()).any(|it| it == wanted.as_bytes());
    reached.contains = question.wanted.map(holds);
    Ok(())
}

/// `HTTP/1.1 200 OK`.
fn status(answer: &[u8]) -> Result<u16, Failure> {
    let line: Vec<u8> =
        answer.iter().copied().take_while(|it| *it != b'\r' && *it != b'\n').take(80).collect();
    let line = String::from_utf8_lossy(&line).into_owned();
    let code = line.strip_prefix("HTTP/").and_then(|it| it.split(' ').nth(1)?.parse().ok());
    code.filter(|it| (100..1000).contains(it))
        .ok_or_else(|| failure(FailureKind::Protocol, format!("no HTTP in {line:?}")))
}

fn left(deadline: Instant) -> Duration {
    // A limit of nothing would mean none at all.
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

pub(super) fn of_io(error: io::Error) -> Failure {
    let kind = match error.kind() {
        io::ErrorKind::ConnectionRefused => FailureKind::Refused,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => FailureKind::TimedOut,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => FailureKind::Closed,
        io::ErrorKind::InvalidData => FailureKind::Tls,
        _ => FailureKind::Unreachable,
    };
    failure(kind, error)
}
