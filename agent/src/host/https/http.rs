//! HTTP/1.1 answers, read whole and bounded (RFC 9112). The head is parsed by httparse, which hyper uses too.
//!
//! Invariants: nothing is read beyond the bounds, whatever the server says; a body whose length is said and not kept is
//! an error, never a short answer.

use std::io::{self, Read};

/// Longest head: controllers send below 2 KiB, with cookies and security headers.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// Most header lines.
const HEADERS_MAX: usize = 96;

/// Longest line of a chunk's size, with its extensions.
const CHUNK_LINE_MAX: usize = 1024;

/// Interim answers (1xx) before the real one.
const INTERIM_MAX: usize = 4;

/// An answer as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// Whether the connection can be used again.
    pub(super) keep: bool,
}

impl Response {
    /// The first header of this name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, it)| it.as_str())
    }
}

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Known(usize),
    Chunked,
    UntilEnd,
}

/// Reads one answer. `body_max` bounds its body.
pub(super) fn read(stream: &mut impl Read, body_max: usize) -> io::Result<Response> {
    let mut reader = Reader { stream, buffer: Vec::new(), at: 0 };
    for _ in 0..INTERIM_MAX {
        let (mut response, length) = head(&mut reader)?;
        if (100..200).contains(&response.status) {
            continue;
        }
        response.body = match length {
            Length::Known(bytes) if bytes > body_max => return Err(too_large(body_max)),
            Length::Known(bytes) => reader.take(bytes)?,
            Length::Chunked => chunks(&mut reader, body_max)?,
            Length::UntilEnd => reader.rest(body_max)?,
        };
        response.keep &= length != Length::UntilEnd;
        return Ok(response);
    }
    Err(wrong("no end of interim answers"))
}

fn head(reader: &mut Reader<'_, impl Read>) -> io::Result<(Response, Length)> {
    let bytes = reader.head()?;
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Response::new(&mut headers);
    match parsed.parse(&bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(wrong("half a head")),
        Err(error) => return Err(wrong(&format!("no HTTP answer: {error}"))),
    }
    let status = parsed.code.unwrap_or(0);
    let text = |it: &httparse::Header<'_>| {
        (it.name.to_owned(), String::from_utf8_lossy(it.value).trim().to_owned())
    };
    let headers: Vec<_> = parsed.headers.iter().map(text).collect();
    let close_by_version = parsed.version == Some(0);
    let mut response = Response { status, headers, body: Vec::new(), keep: true };
    let connection = response.header("Connection").unwrap_or_default().to_ascii_lowercase();
    response.keep = match close_by_version {
        true => connection.contains("keep-alive"),
        false => !connection.contains("close"),
    };
    let length = length(&response)?;
    Ok((response, length))
}

fn length(response: &Response) -> io::Result<Length> {
    if response.status < 200 || matches!(response.status, 204 | 304) {
        return Ok(Length::Known(0));
    }
    if let Some(coding) = response.header("Transfer-Encoding") {
        return match coding.eq_ignore_ascii_case("chunked") {
            true => Ok(Length::Chunked),
            false => Err(wrong(&format!("a transfer coding that was not asked for: {coding:?}"))),
        };
    }
    if let Some(coding) = response.header("Content-Encoding")
        && !coding.eq_ignore_ascii_case("identity")
    {
        return Err(wrong(&format!("a content coding that was not asked for: {coding:?}")));
    }
    match response.header("Content-Length") {
        Some(text) => match text.parse() {
            Ok(bytes) => Ok(Length::Known(bytes)),
            Err(_) => Err(wrong(&format!("a length that is no number: {text:?}"))),
        },
        None => Ok(Length::UntilEnd),
    }
}

fn chunks(reader: &mut Reader<'_, impl Read>, body_max: usize) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = reader.line(CHUNK_LINE_MAX)?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let bytes = usize::from_str_radix(digits, 16)
            .map_err(|_| wrong(&format!("a chunk without a size: {digits:?}")))?;
        if bytes > body_max.saturating_sub(body.len()) {
            return Err(too_large(body_max));
        }
        if bytes == 0 {
            // Trailers, up to the empty line.
            for _ in 0..HEADERS_MAX {
                if reader.line(HEAD_BYTES_MAX)?.is_empty() {
                    return Ok(body);
                }
            }
            return Err(wrong("no end of trailers"));
        }
        body.extend(reader.take(bytes)?);
        if !reader.line(2)?.is_empty() {
            return Err(wrong("a chunk of another size than said"));
        }
    }
}

/// The empty line at the end of a head.
pub(in crate::host) const HEAD_END: &[u8] = b"\r\n\r\n";

/// Looks for an end in a text that grows: each byte is looked at once, however small the pieces are in which it comes.
pub(in crate::host) struct Search {
    end: &'static [u8],
    /// No end begins before this.
    from: usize,
}

impl Search {
    pub(in crate::host) fn new(end: &'static [u8]) -> Search {
        Search { end, from: 0 }
    }

    /// Where the end begins in the text, which begins as it did the last time.
    pub(in crate::host) fn find(&mut self, text: &[u8]) -> Option<usize> {
        let from = self.from.min(text.len());
        let found = text[from..].windows(self.end.len()).position(|it| it == self.end);
        // An end may have begun at the end of the text.
        self.from = from.max((text.len() + 1).saturating_sub(self.end.len()));
        found.map(|at| from + at)
    }
}

/// Reads through a buffer; whatever is left in it when an answer ends is dropped with it, for nothing may follow an
/// answer before the next question.
struct Reader<'a, R> {
    stream: &'a mut R,
    buffer: Vec<u8>,
    at: usize,
}

impl<R: Read> Reader<'_, R> {
    /// Reads more into the buffer; false at the end of the stream.
    fn more(&mut self) -> io::Result<bool> {
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        let mut piece = [0; 8 * 1024];
        loop {
            match self.stream.read(&mut piece) {
                Ok(count) => {
                    self.buffer.extend_from_slice(&piece[..count]);
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn left(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    /// The head with its empty line.
    fn head(&mut self) -> io::Result<Vec<u8>> {
        let mut end = Search::new(HEAD_END);
        loop {
            if let Some(at) = end.find(self.left()) {
                return Ok(self.taken(at + HEAD_END.len()));
            }
            if self.left().len() > HEAD_BYTES_MAX {
                return Err(wrong("a head without end"));
            }
            if !self.more()? {
                return Err(ended(self.left().is_empty()));
            }
        }
    }

    /// A line without its end.
    fn line(&mut self, max: usize) -> io::Result<String> {
        let mut end = Search::new(b"\r\n");
        loop {
            if let Some(at) = end.find(self.left()) {
                let line = self.taken(at + 2);
                return Ok(String::from_utf8_lossy(&line[..at]).into_owned());
            }
            if self.left().len() > max {
                return Err(wrong("a line without end"));
            }
            if !self.more()? {
                return Err(ended(false));
            }
        }
    }

    fn take(&mut self, bytes: usize) -> io::Result<Vec<u8>> {
        let mut taken = Vec::new();
        loop {
            let now = (bytes - taken.len()).min(self.left().len());
            taken.extend(self.taken(now));
            if taken.len() == bytes {
                return Ok(taken);
            }
            if !self.more()? {
                return Err(ended(false));
            }
        }
    }

    fn rest(&mut self, max: usize) -> io::Result<Vec<u8>> {
        loop {
            if self.left().len() > max {
                return Err(too_large(max));
            }
            match self.more() {
                Ok(true) => {}
                // Many controllers close without saying so first; half a JSON is noticed by its reader.
                Ok(false) => return Ok(self.taken(self.left().len())),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Ok(self.taken(self.left().len()));
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn taken(&mut self, bytes: usize) -> Vec<u8> {
        let taken = self.left()[..bytes].to_vec();
        self.at += bytes;
        taken
    }
}

fn too_large(max: usize) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("the answer is larger than {max} bytes"))
}

fn wrong(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.to_owned())
}

/// The connection ended: before anything came (an idle one was closed), or in the middle.
fn ended(before: bool) -> io::Error {
    match before {
        true => io::Error::new(io::ErrorKind::ConnectionAborted, "closed without an answer"),
        false => io::Error::new(io::ErrorKind::UnexpectedEof, "the answer ends in its middle"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, as the worst network would.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(1);
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn get(text: &str) -> io::Result<Response> {
        read(&mut Drip(text.as_bytes()), 16)
    }

    #[test]
    fn bodies_of_every_kind_are_read_whole() {
        let known =
            get("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nx-auth-TOKEN: t\r\n\r\nabcdef").unwrap();
        assert_eq!((known.status, known.body.as_slice(), known.keep), (200, &b"abcd"[..], true));
        assert_eq!(known.header("X-Auth-Token"), Some("t"));
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n1\r\nd\r\n0\r\nT: x\r\n\r\n";
        assert_eq!(get(chunked).unwrap().body, b"abcd");
        let open = get("HTTP/1.0 200 OK\r\n\r\nabcd").unwrap();
        assert_eq!((open.body.as_slice(), open.keep), (&b"abcd"[..], false));
        let none = get(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
        );
        assert_eq!(none.map(|it| (it.status, it.keep)).unwrap(), (204, false));
    }

    #[test]
    fn a_long_head_that_comes_byte_by_byte_is_looked_at_once() {
        let line = format!("x-long: {}\r\n", "\r".repeat(900));
        let mut text = b"HTTP/1.1 200 OK\r\n".to_vec();
        (0..30).for_each(|_| text.extend_from_slice(line.as_bytes()));
        let (mut search, mut looked) = (Search::new(HEAD_END), 0);
        for length in 0..text.len() {
            looked += length - search.from.min(length);
            assert_eq!(search.find(&text[..length]), None);
        }
        assert!(looked < 4 * text.len(), "{looked} bytes looked at in {}", text.len());
        text.extend_from_slice(b"\r\n");
        let found: Vec<_> =
            (1..3).filter_map(|it| search.find(&text[..text.len() - 2 + it])).collect();
        assert_eq!(found, [text.len() - HEAD_END.len()]);
        // And by the reader itself, which wants well-formed lines.
        let head = format!("HTTP/1.1 200 OK\r\n{}", "x-long: 0123456789\r\n".repeat(90));
        let answer = get(&format!("{head}Content-Length: 2\r\n\r\nok")).unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"ok"[..]));
        let endless = get(&format!("{head}x: {}", "y".repeat(HEAD_BYTES_MAX)));
        assert_eq!(endless.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn what_is_too_large_or_cut_is_an_error() {
        let kinds = [
            ("HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n", io::ErrorKind::FileTooLarge),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
                io::ErrorKind::FileTooLarge,
            ),
            ("HTTP/1.0 200 OK\r\n\r\n0123456789abcdefg", io::ErrorKind::FileTooLarge),
            ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab", io::ErrorKind::UnexpectedEof),
            ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", io::ErrorKind::InvalidData),
            ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", io::ErrorKind::InvalidData),
            ("SSH-2.0-x\r\n\r\n", io::ErrorKind::InvalidData),
            ("", io::ErrorKind::ConnectionAborted),
        ];
        for (text, kind) in kinds {
            assert_eq!(get(text).unwrap_err().kind(), kind, "{text:?}");
        }
    }
}
