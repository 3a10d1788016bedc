//! Starts one program so that it can neither harm nor hold up the agent: own process group, lowest priority, empty
//! environment, bounded output, a deadline that kills the whole group, and no waiting for a process that the kernel
//! does not let die.
//!
//! Facts: a process in uninterruptible sleep (state D, a dead disk or server) survives SIGKILL until the kernel lets
//! it go. A niceness of 10 also lowers the default I/O priority (ioprio_set(2): best-effort level (nice + 20) / 5).

use std::{
    io::{self, Read},
    os::{
        fd::AsFd,
        unix::process::{CommandExt as _, ExitStatusExt as _},
    },
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal, kill_process_group, setpriority_process},
};

use super::{HostError, Output};

/// Longest standard output that is kept: `storcli64 /call show all J` of a full chassis stays below 2 MiB.
const STDOUT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Longest standard error that is kept; the rest is read and dropped.
const STDERR_BYTES_MAX: usize = 4 * 1024;

/// How long a killed process is given to disappear before it is left behind.
const REAP_WAIT: Duration = Duration::from_millis(500);

/// How many processes that do not die are put up with before nothing more is started.
const LEFT_BEHIND_MAX: usize = 8;

/// Niceness of all children: they only get what nobody else wants.
const NICENESS: i32 = 10;

/// Processes that were killed and did not die, with their command lines.
#[derive(Debug, Default)]
pub(super) struct LeftBehind {
    children: Mutex<Vec<(String, Child)>>,
}

impl LeftBehind {
    /// How many there are now. Reaps those that have ended meanwhile.
    pub(super) fn count(&self) -> usize {
        self.reaped().len()
    }

    fn reaped(&self) -> std::sync::MutexGuard<'_, Vec<(String, Child)>> {
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        children.retain_mut(|(_, child)| matches!(child.try_wait(), Ok(None)));
        children
    }

    /// Refuses to add to the heap: the same question to the same dead device would hang again.
    fn admit(&self, command: &str, limit: Duration) -> Result<(), HostError> {
        let children = self.reaped();
        if children.iter().any(|(it, _)| it == command) {
            return Err(HostError::TimedOut {
                command: format!("{command} (an earlier one still hangs in the kernel)"),
                secs: limit.as_secs(),
            });
        }
        if children.len() < LEFT_BEHIND_MAX {
            return Ok(());
        }
        let text = format!("{} killed programs still hang in the kernel", children.len());
        Err(HostError::Run { program: first_word(command), source: io::Error::other(text) })
    }
}

/// Runs the program at `path` with `argv` (whose first word is its name) to its end or for `limit`.
pub(super) fn run(
    path: &Path,
    argv: &[&str],
    limit: Duration,
    left_behind: &LeftBehind,
) -> Result<Output, HostError> {
    let command = argv.join(" ");
    left_behind.admit(&command, limit)?;
    let wrap = |source| HostError::Run { program: first_word(&command), source };
    let deadline = Instant::now() + limit;
    let mut child = start(path, argv).map_err(wrap)?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(wrap(io::Error::other("its output is not a pipe")));
    };
    let said = listen(stdout, stderr, deadline);
    let ended = match &said {
        Ok(said) if !said.truncated => wait(&mut child, deadline),
        _ => None,
    };
    let Some(status) = ended else {
        kill(child, &command, left_behind);
        return match said {
            Ok(said) if said.truncated => Ok(said.output(137)),
            Ok(_) => Err(HostError::TimedOut { command, secs: limit.as_secs() }),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(HostError::TimedOut { command, secs: limit.as_secs() })
            }
            Err(error) => Err(wrap(error)),
        };
    };
    match (status.code(), status.signal()) {
        (Some(code), _) => Ok(said.map_err(wrap)?.output(code)),
        (None, signal) => Err(HostError::Signal { command, signal: signal.unwrap_or(0) }),
    }
}

fn start(path: &Path, argv: &[&str]) -> io::Result<Child> {
    let child = Command::new(path)
        .args(argv.get(1..).unwrap_or_default())
        .env_clear()
        .env("LC_ALL", "C")
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    // After the start, because a hook before exec needs `unsafe`. Failure is harmless: it then runs as the agent does.
    let _ = setpriority_process(pid(&child), NICENESS);
    Ok(child)
}

/// What a program said.
#[derive(Default)]
struct Said {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    truncated: bool,
}

impl Said {
    fn output(self, status: i32) -> Output {
        Output {
            status,
            stdout: text(self.stdout),
            stderr: text(self.stderr),
            truncated: self.truncated,
        }
    }
}

/// Without a copy where the bytes are UTF-8, as they nearly always are.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Reads both pipes to their ends, or until the deadline or the bound.
fn listen(stdout: ChildStdout, stderr: ChildStderr, deadline: Instant) -> io::Result<Said> {
    let (mut stdout, mut stderr) = (Some(stdout), Some(stderr));
    let mut said = Said::default();
    let mut scratch = [0; 16 * 1024];
    while stdout.is_some() || stderr.is_some() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let (out_ready, err_ready) = ready(stdout.as_ref(), stderr.as_ref(), left)?;
        if out_ready && !take(&mut stdout, &mut scratch, &mut said.stdout, STDOUT_BYTES_MAX + 1)? {
            stdout = None;
        }
        if err_ready && !take(&mut stderr, &mut scratch, &mut said.stderr, STDERR_BYTES_MAX)? {
            stderr = None;
        }
        if said.stdout.len() > STDOUT_BYTES_MAX {
            said.stdout.truncate(STDOUT_BYTES_MAX);
            said.truncated = true;
            return Ok(said);
        }
    }
    Ok(said)
}

/// Waits until one of the pipes can be read without blocking.
fn ready(
    stdout: Option<&ChildStdout>,
    stderr: Option<&ChildStderr>,
    left: Duration,
) -> io::Result<(bool, bool)> {
    let mut fds = Vec::with_capacity(2);
    fds.extend(stdout.map(|it| PollFd::from_borrowed_fd(it.as_fd(), PollFlags::IN)));
    fds.extend(stderr.map(|it| PollFd::from_borrowed_fd(it.as_fd(), PollFlags::IN)));
    let timeout = Timespec::try_from(left).unwrap_or(Timespec { tv_sec: 3600, tv_nsec: 0 });
    match poll(&mut fds, Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut answers = fds.iter().map(|it| !it.revents().is_empty());
    let out = stdout.is_some() && answers.next().unwrap_or(false);
    let err = stderr.is_some() && answers.next().unwrap_or(false);
    Ok((out, err))
}

/// Reads once. False at the end of the pipe. What is beyond the bound is dropped.
fn take(
    pipe: &mut Option<impl Read>,
    scratch: &mut [u8],
    into: &mut Vec<u8>,
    max: usize,
) -> io::Result<bool> {
    let Some(pipe) = pipe else { return Ok(false) };
    let count = match pipe.read(scratch) {
        Ok(count) => count,
        Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
        Err(error) => return Err(error),
    };
    let room = max.saturating_sub(into.len()).min(count);
    into.extend_from_slice(&scratch[..room]);
    Ok(count > 0)
}

/// Waits for the end of a process that has closed its output, which is a matter of a millisecond but for strange
/// programs. None at the deadline.
fn wait(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    let mut pause = Duration::from_micros(200);
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Kills the process with its whole group. One that does not die is left behind and not waited for.
fn kill(mut child: Child, command: &str, left_behind: &LeftBehind) {
    if let Some(group) = pid(&child) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill();
    if wait(&mut child, Instant::now() + REAP_WAIT).is_none() {
        tracing::warn!(command, "a killed program does not end");
        left_behind.reaped().push((command.to_owned(), child));
    }
}

fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

fn first_word(command: &str) -> String {
    command.split(' ').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn sh(script: &str, limit: Duration) -> Result<Output, HostError> {
        run(Path::new("/bin/sh"), &["sh", "-c", script], limit, &LeftBehind::default())
    }

    #[test]
    fn status_and_both_outputs_are_kept() {
        let output = sh("echo out; echo err >&2; exit 4", LONG).unwrap();
        assert_eq!((output.status, &*output.stdout, &*output.stderr), (4, "out\n", "err\n"));
        let error = output.ok(&["sh", "-c", "…"]).unwrap_err();
        assert_eq!(error.to_string(), "`sh -c …` ended with status 4: err");
    }

    #[test]
    fn the_environment_is_empty_but_for_locale_and_path() {
        let output = sh("env | sort", LONG).unwrap().stdout;
        let names: Vec<_> = output.lines().filter_map(|it| it.split('=').next()).collect();
        assert!(
            names.iter().all(|it| ["LC_ALL", "PATH", "PWD", "_", "SHLVL", "OLDPWD"].contains(it)),
            "{names:?}"
        );
        assert!(output.contains("LC_ALL=C\n"));
    }

    #[test]
    fn a_hanging_program_is_killed_with_its_children() {
        let begun = Instant::now();
        // The child holds the pipe open, so only the death of the whole group ends the wait.
        let error = sh("sleep 1000 & echo $!; wait", Duration::from_millis(300)).unwrap_err();
        assert!(matches!(error, HostError::TimedOut { .. }), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn endless_output_is_cut() {
        let output = sh("while :; do echo 0123456789012345678901234567890123456789; done", LONG);
        let output = output.unwrap();
        assert!(output.truncated);
        assert_eq!((output.status, output.stdout.len()), (137, STDOUT_BYTES_MAX));
    }

    #[test]
    fn a_flood_on_standard_error_stops_nobody() {
        let output =
            sh("i=0; while [ $i -lt 20000 ]; do echo oh >&2; i=$((i+1)); done; echo done", LONG);
        let output = output.unwrap();
        assert_eq!((&*output.stdout, output.stderr.len()), ("done\n", STDERR_BYTES_MAX));
    }

    #[test]
    fn an_end_by_signal_is_no_status() {
        let error = sh("kill -SEGV $$", LONG).unwrap_err();
        assert!(matches!(error, HostError::Signal { signal: 11, .. }), "{error}");
    }

    #[test]
    fn garbage_is_read_all_the_same() {
        let output = sh(r"printf '\377\376ok'", LONG).unwrap();
        assert!(output.stdout.ends_with("ok"));
    }

    #[test]
    fn the_children_run_with_low_priority() {
        // The priority is lowered just after the start, so the child waits a moment before it looks.
        let output = sh("sleep 0.2; nice", LONG).unwrap();
        assert_eq!(output.stdout.trim(), NICENESS.to_string());
    }
}
