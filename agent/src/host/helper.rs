//! Programs that answer only root, asked through a small helper, so that the agent itself runs without privileges.
//!
//! systemd listens on a socket that only the agent's group may open, and starts `xunjian-agent helper` as root for each
//! question, with the socket as its standard input and output. A question is one line of JSON, the answer another.
//! Invariant: the helper starts nothing but what fits a pattern of a source, the same as the agent without it would; so
//! whoever took over the agent could ask for no more than health readings.

use std::{
    io::{self, BufRead as _, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Allowed, HostError, Output, PROGRAM_WAIT_MAX, program};

/// The hidden command that makes the binary the helper.
pub const HELPER_COMMAND: &str = "helper";

/// Where systemd listens for it.
pub(super) const SOCKET: &str = "/run/xunjian/helper.sock";

/// Longest question, in bytes: a command line of a source is far below.
const QUESTION_BYTES_MAX: u64 = 64 * 1024;

/// Longest answer: standard output at its bound, every byte of it escaped.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What the helper is given beyond the program's own time: its start, and the kill of a program that hangs.
const MARGIN: Duration = Duration::from_secs(3);

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    argv: Vec<String>,
    limit_ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Output {
        status: i32,
        stdout: String,
        stderr: String,
        truncated: bool,
    },
    /// No source declares it.
    Refused,
    Missing,
    TimedOut {
        secs: u64,
    },
    Signal {
        signal: i32,
    },
    Failed {
        why: String,
    },
}

/// The helper's side: one question from `input`, one answer to `output`. An error is one of reading or writing; what
/// goes wrong with a program is an answer.
pub fn help(input: impl Read, mut output: impl Write, allowed: &Allowed) -> io::Result<()> {
    let mut line = String::new();
    io::BufReader::new(input.take(QUESTION_BYTES_MAX)).read_line(&mut line)?;
    let answer = match serde_json::from_str::<Question>(&line) {
        Ok(question) => answer(&question, allowed),
        Err(error) => Answer::Failed { why: format!("not a question: {error}") },
    };
    serde_json::to_writer(&mut output, &answer)?;
    output.write_all(b"\n")?;
    output.flush()
}

fn answer(question: &Question, allowed: &Allowed) -> Answer {
    let argv: Vec<&str> = question.argv.iter().map(String::as_str).collect();
    let name = argv.first().copied().unwrap_or_default();
    let Some(program) = allowed.program(name).filter(|it| it.root) else { return Answer::Refused };
    if allowed.pattern(&argv).is_none() {
        return Answer::Refused;
    }
    let Some(place) = program.place() else { return Answer::Missing };
    let limit = Duration::from_millis(question.limit_ms).min(PROGRAM_WAIT_MAX);
    match program::run(&place, &argv, limit, &program::LeftBehind::default()) {
        Ok(Output { status, stdout, stderr, truncated }) => {
            Answer::Output { status, stdout, stderr, truncated }
        }
        Err(HostError::TimedOut { secs, .. }) => Answer::TimedOut { secs },
        Err(HostError::Signal { signal, .. }) => Answer::Signal { signal },
        Err(error) => Answer::Failed { why: crate::runner::chain(&error) },
    }
}

/// The agent's side: has a program run by the helper that listens at `socket`.
pub(super) fn ask(socket: &Path, argv: &[&str], limit: Duration) -> Result<Output, HostError> {
    let command = argv.join(" ");
    let program = argv.first().copied().unwrap_or_default().to_owned();
    let answer = exchange(socket, argv, limit).map_err(|source| match source.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            HostError::TimedOut { command: command.clone(), secs: limit.as_secs() }
        }
        _ => HostError::Run { program: program.clone(), source },
    })?;
    match answer {
        Answer::Output { status, stdout, stderr, truncated } => {
            Ok(Output { status, stdout, stderr, truncated })
        }
        Answer::Refused => Err(HostError::NotAllowed { command }),
        Answer::Missing => {
            let source = io::Error::new(io::ErrorKind::NotFound, "it is not installed");
            Err(HostError::Run { program, source })
        }
        Answer::TimedOut { secs } => Err(HostError::TimedOut { command, secs }),
        Answer::Signal { signal } => Err(HostError::Signal { command, signal }),
        Answer::Failed { why } => Err(HostError::Run { program, source: io::Error::other(why) }),
    }
}

fn exchange(socket: &Path, argv: &[&str], limit: Duration) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(limit.saturating_add(MARGIN)))?;
    stream.set_write_timeout(Some(MARGIN))?;
    let question = Question {
        argv: argv.iter().map(|it| (*it).to_owned()).collect(),
        limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
    };
    stream.write_all(format!("{}\n", serde_json::to_string(&question)?).as_bytes())?;
    let mut line = String::new();
    io::BufReader::new(stream.take(ANSWER_BYTES_MAX)).read_line(&mut line)?;
    if line.is_empty() {
        let text = "the helper ended without an answer: see `journalctl -u 'xunjian-helper@*'`";
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
    }
    Ok(serde_json::from_str(&line)?)
}

#[cfg(test)]
mod tests {
    use std::{os::unix::net::UnixListener, thread};

    use super::*;
    use crate::sources;

    fn told(question: &str) -> String {
        let mut out = Vec::new();
        help(question.as_bytes(), &mut out, &Allowed::of(sources::ALL)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_declared_commands_of_programs_for_root_are_run() {
        for argv in [
            r#"["sh","-c","id"]"#,
            r#"["smartctl","-s","off","/dev/sda"]"#,
            r#"["smartctl","--json=c","--scan-open","-o"]"#,
            // Declared, but nobody needs root for it.
            r#"["systemctl","is-system-running"]"#,
            r#"[]"#,
        ] {
            let said = told(&format!("{{\"argv\":{argv},\"limit_ms\":1000}}\n"));
            assert_eq!(said, "\"refused\"\n", "{argv}");
        }
        assert!(told("garbage\n").contains("not a question"));
        assert!(told(&"x".repeat(200_000)).contains("not a question"));
    }

    #[test]
    fn an_answer_comes_back_as_if_the_agent_had_run_it_itself() {
        let folder = std::env::temp_dir().join(format!("xunjian-helper-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("sock");
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).unwrap();
        let answers = [
            r#"{"output":{"status":4,"stdout":"{}\n","stderr":"","truncated":false}}"#,
            r#""refused""#,
            r#"{"timed_out":{"secs":7}}"#,
            "",
        ];
        let server = thread::spawn(move || {
            for answer in answers {
                let (stream, _) = listener.accept().unwrap();
                let mut line = String::new();
                io::BufReader::new(&stream).read_line(&mut line).unwrap();
                assert!(line.contains("--scan-open"));
                writeln!(&stream, "{answer}").unwrap();
            }
        });
        let ask = || ask(&path, &["smartctl", "--json=c", "--scan-open"], Duration::from_secs(5));
        let output = ask().unwrap();
        assert_eq!((output.status, &*output.stdout), (4, "{}\n"));
        assert!(matches!(ask(), Err(HostError::NotAllowed { .. })));
        assert!(matches!(ask(), Err(HostError::TimedOut { secs: 7, .. })));
        assert!(matches!(ask(), Err(HostError::Run { .. })));
        server.join().unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(matches!(ask(), Err(HostError::Run { .. })));
    }
}
