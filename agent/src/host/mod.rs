//! The only door to the operating system.
//!
//! Invariant: nothing under `sources/` touches `std::fs`, `std::process`, the clock or the network. That is what lets
//! a whole source run on a recording. Paths are relative to the root: `proc/mdstat`.

use std::{
    collections::BTreeSet,
    io,
    path::{Component, Path},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{source::Need, targets::Target};

mod live;

mod program;

mod helper;

mod programs;

mod allowed;

mod probe;

mod reach;

mod recorded;

mod recorder;

mod given;

mod remembered;

mod bus;

mod snmp;

mod https;

pub mod heard;

pub use allowed::Allowed;
pub(crate) use allowed::fitting;
pub use bus::SYSTEM_BUS;
pub use given::Given;
pub use helper::{HELPER_COMMAND, help};
pub use https::{Reply, Request, check_https};
pub use live::Live;
pub use probe::{PROBE_COMMAND, probe_mount};
pub use programs::{IPMITOOL, MDADM, Program, SMARTCTL};
pub use reach::{Address, Failure, FailureKind, KEYS as PROBE_KEYS, Reached, check as check_probe};
pub use recorded::{Meta, Recorded, command_file};
pub use recorder::Recorder;
pub use snmp::{
    Access as SnmpAccess, Ask, Cut, Oid, Read as WalkRead, Value, WalkError, Walked, WhyCut,
    hexadecimal, read_walk, write_walk,
};

/// A host a source can look at: the live one, a recording, or one that is being recorded.
pub trait Host: Send + Sync {
    /// Whether a source's precondition holds.
    fn has(&self, need: Need) -> bool;
    /// Reads a whole file, bounded ([`FILE_BYTES_MAX`]).
    fn read(&self, path: &str) -> Result<String, HostError>;
    /// Names in a directory, sorted.
    fn list(&self, dir: &str) -> Result<Vec<String>, HostError>;
    /// Where a symbolic link points, as written in it.
    fn link(&self, path: &str) -> Result<String, HostError>;
    /// Runs a program of the allow-list to its end, bounded in time and output. `argv[0]` is its bare name.
    fn run(&self, argv: &[&str]) -> Result<Output, HostError>;
    /// Records of a device that never ends (`dev/kmsg`): what can be read now without waiting, bounded. A live host
    /// gives all that there is at the first call, and then what came since.
    fn records(&self, path: &str) -> Result<Vec<String>, HostError>;
    /// CPU, memory, swap, load, uptime and names, from sysinfo.
    fn vitals(&self) -> Result<Vitals, HostError>;
    /// Size and use of a mounted filesystem, asked in a child process with a deadline, because the question hangs on
    /// a dead server. `path` is the mount point, absolute.
    fn space(&self, path: &str) -> Result<Space, HostError>;

    /// [`Host::run`] with a limit of the caller's own; the runner gives what is left of the source's time.
    fn run_within(&self, argv: &[&str], limit: Duration) -> Result<Output, HostError> {
        let _ = limit;
        self.run(argv)
    }
    /// [`Host::space`] with a limit of the caller's own.
    fn space_within(&self, path: &str, limit: Duration) -> Result<Space, HostError> {
        let _ = limit;
        self.space(path)
    }
    /// What systemd keeps of its services and mounts, and of the units of these names, asked over D-Bus: blocks of
    /// `Name=value` lines with an empty line between units, as `systemctl show` prints them, the first with
    /// `SystemState`. A recording keeps it as the file of the bus's socket, [`SYSTEM_BUS`].
    fn units(&self, named: &[&str], limit: Duration) -> Result<String, HostError> {
        let _ = (named, limit);
        self.read(SYSTEM_BUS)
    }
    /// Devices that this source is to read over the network, each with those of its keys that are in `own`.
    fn targets(&self, source: &str, own: &[&str]) -> Vec<Target> {
        let _ = (source, own);
        Vec::new()
    }
    /// Walks parts of a target of the `snmp` source over SNMP. Credentials are the host's business.
    fn walk(&self, target: &str, ask: Ask<'_>, limit: Duration) -> Result<Walked, HostError> {
        let _ = (ask, limit);
        Err(no_target(target))
    }
    /// Tries a target of the `probe` source once: this host's own service, or a file of certificates.
    fn reach(&self, target: &str, limit: Duration) -> Result<Reached, HostError> {
        let _ = limit;
        Err(no_target(target))
    }
    /// Reads a resource of a target over HTTPS: one GET. The target's certificate is checked; credentials are the host's
    /// business.
    fn get(&self, ask: &Request<'_>) -> Result<Reply, HostError> {
        Err(ask.no_target("GET"))
    }
    /// Logs in at a target, as its configuration wants: where the service keeps its sessions, or with the password at
    /// each question, or not at all.
    fn login(&self, ask: &Request<'_>) -> Result<(), HostError> {
        Err(ask.no_target("log in at"))
    }
    /// Ends what [`Host::login`] began, and closes the connection. Does nothing where nothing is open.
    fn logout(&self, source: &str, target: &str) -> Result<(), HostError> {
        let _ = (source, target);
        Ok(())
    }
    /// Keys that several disks of this host would have, as `look` finds them. A host that is looked at for long asks seldom,
    /// and does not forget: a disk keeps its name when its namesake is pulled.
    fn shared_serials(&self, look: &mut dyn FnMut() -> BTreeSet<String>) -> Arc<BTreeSet<String>> {
        Arc::new(look())
    }
    /// Killed programs that hang in the kernel and could not be waited for.
    fn left_behind(&self) -> usize {
        0
    }
    /// Counts processor time of a thread that works for this run beside its own.
    fn charge(&self, cpu: Duration) {
        let _ = cpu;
    }
    /// How often something that is there was kept from this run so far: not permitted, broken, timed out. A count over
    /// several readings is told only if none of them was kept; what was not read must not lower it.
    fn kept_back(&self) -> usize {
        0
    }
    /// Notes that what a file, directory or program said is not what it can say: a gap of the run like what was kept
    /// back, told if the source does not tell of it. `what` is how a problem would name it (`/proc/mdstat`, `` `ethtool eth0` ``),
    /// `said` the text.
    fn misread(&self, what: &str, said: &str) {
        let _ = (what, said);
    }
    /// Takes back what was kept since the count was `before`: the same was learnt in another way, is told by the source
    /// itself, or makes no difference.
    fn made_up_for(&self, before: usize) {
        let _ = before;
    }
    /// Whether looking costs a running machine time. A recording costs nobody anything, and its runs say so, so that
    /// the same recording always gives the same readings.
    fn is_live(&self) -> bool {
        false
    }
}

/// Longest time for one program, unless a source gives a longer one ([`Host::run_within`]): `smartctl --xall` of a disk
/// that retries takes some 20 s; what takes longer hangs, and must leave the source time for the other disks.
pub const PROGRAM_WAIT: Duration = Duration::from_secs(30);

/// The longest time that a source can give one program: a slow management controller takes a minute for its sensors.
pub const PROGRAM_WAIT_MAX: Duration = Duration::from_secs(150);

/// Largest file that is read: `/proc/mdstat` with hundreds of arrays is below 100 KiB.
pub const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What a program left behind. A non-zero status is data, not an error: smartctl reports failing disks through it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Output {
    /// Exit status.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// The beginning of standard error, for the text of errors.
    pub stderr: String,
    /// Whether output was cut at its bound; the program was killed then and the status is 137.
    pub truncated: bool,
}

impl Output {
    /// Takes the last line away if the program ended in the middle of it, and says whether it did: of `904102` may be left
    /// `90`, which nobody can tell from a number. Of JSON and XML nothing is taken: their readers see that they are not
    /// whole, and many end without a line break.
    pub fn drop_half_line(&mut self) -> bool {
        let text = self.stdout.trim();
        let inner = text.get(1..).unwrap_or_default().trim_start();
        // `[/dev/sda].write_io_errs 0` is no JSON, and `{…}` on each line are many.
        let is_json = match text.chars().next() {
            Some('{') => inner.starts_with(['"', '}']),
            Some('[') => inner.starts_with(['{', '[', '"', ']']),
            _ => false,
        };
        let many = text.lines().next().is_some_and(|it| it.ends_with('}') && it.len() < text.len());
        if is_json && !many {
            return !text.ends_with(['}', ']']);
        }
        if text.starts_with('<') {
            return !text.ends_with('>');
        }
        if text.is_empty() || self.stdout.ends_with('\n') || (many && text.ends_with('}')) {
            return false;
        }
        let whole = self.stdout.rfind('\n').map_or(0, |it| it + 1);
        self.stdout.truncate(whole);
        true
    }

    /// The output of a program that must succeed.
    pub fn ok(self, argv: &[&str]) -> Result<String, HostError> {
        match self.status {
            0 => Ok(self.stdout),
            status => Err(HostError::Status {
                command: argv.join(" "),
                status,
                stderr: self.stderr.lines().next().unwrap_or_default().trim().to_owned(),
            }),
        }
    }
}

/// What sysinfo says of the host.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vitals {
    /// Host name.
    pub hostname: String,
    /// `Debian GNU/Linux 12 (bookworm)`.
    pub os: String,
    /// `6.1.0-18-amd64`.
    pub kernel: String,
    /// `x86_64`, `aarch64`.
    pub arch: String,
    /// Logical processors.
    pub cpus: u32,
    /// Processor model, empty if not said.
    pub cpu_model: String,
    /// Bytes.
    pub memory_total: u64,
    /// Bytes that programs can still get without swapping.
    pub memory_available: u64,
    /// Bytes.
    pub swap_total: u64,
    /// Bytes in use.
    pub swap_used: u64,
    /// Load averages over 1, 5 and 15 minutes.
    pub load: [f64; 3],
    /// Seconds since boot.
    pub uptime_secs: u64,
    /// Unix seconds of the boot.
    pub boot_secs: i64,
}

impl Vitals {
    /// The host's own time in seconds since 1970: its boot and the time since; none if they are not known.
    pub fn now_secs(&self) -> Option<f64> {
        let boot = u32::try_from(self.boot_secs).ok().filter(|it| *it > 0)?;
        let up = u32::try_from(self.uptime_secs).ok()?;
        Some(f64::from(boot) + f64::from(up))
    }
}

/// What a mount probe answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Space {
    /// Bytes of the filesystem.
    pub total: u64,
    /// Bytes free for anybody.
    pub free: u64,
    /// Bytes free for ordinary users.
    pub available: u64,
    /// Inodes; 0 where the filesystem has no fixed number.
    pub inodes: u64,
    /// Inodes free.
    pub inodes_free: u64,
    /// Mounted read-only.
    pub read_only: bool,
}

/// Why the host did not answer.
#[derive(Debug, Error)]
pub enum HostError {
    /// A file or directory could not be read.
    #[error("cannot read /{path}")]
    Read {
        /// What was asked for.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program ended badly.
    #[error("`{command}` ended with status {status}{}{stderr}", if .stderr.is_empty() { "" } else { ": " })]
    Status {
        /// The whole command line.
        command: String,
        /// Its exit status.
        status: i32,
        /// First line of what it said on standard error.
        stderr: String,
    },
    /// A program could not be started.
    #[error("cannot run {program}")]
    Run {
        /// First word of the command line.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program was ended by a signal that the agent did not send.
    #[error("`{command}` was ended by signal {signal}")]
    Signal {
        /// The whole command line.
        command: String,
        /// Which.
        signal: i32,
    },
    /// A program or probe did not end in time and was killed.
    #[error("`{command}` gave no answer within {secs} s and was killed")]
    TimedOut {
        /// The whole command line.
        command: String,
        /// Its deadline.
        secs: u64,
    },
    /// A target gave nothing.
    #[error("cannot walk {target}: {source}")]
    Walk {
        /// Its name.
        target: String,
        /// Why.
        source: WalkError,
    },
    /// A target did not answer a question over HTTPS.
    #[error("{target}: cannot {question}")]
    Remote {
        /// Its name.
        target: String,
        /// What was wanted: `GET /redfish/v1/`.
        question: String,
        /// Why not.
        source: io::Error,
    },
    /// A command line that no source declares.
    #[error("`{command}` is not a command that the agent may start")]
    NotAllowed {
        /// The whole command line.
        command: String,
    },
}

impl HostError {
    /// The closed reason of unknown that this error amounts to.
    pub fn reason(&self) -> xunjian_proto::Reason {
        use xunjian_proto::Reason;
        let kind = match self {
            HostError::Read { source, .. }
            | HostError::Run { source, .. }
            | HostError::Remote { source, .. } => source.kind(),
            HostError::TimedOut { .. } => return Reason::TimedOut,
            HostError::Walk { source, .. } => return source.reason(),
            HostError::Status { .. } | HostError::Signal { .. } | HostError::NotAllowed { .. } => {
                return Reason::ToolFailed;
            }
        };
        match kind {
            io::ErrorKind::PermissionDenied => Reason::PermissionDenied,
            io::ErrorKind::NotFound => Reason::Missing,
            io::ErrorKind::TimedOut => Reason::TimedOut,
            io::ErrorKind::FileTooLarge => Reason::Truncated,
            _ => Reason::ToolFailed,
        }
    }
}

/// Of a target that the host does not have.
fn no_target(target: &str) -> HostError {
    let text = "there is no such target".to_owned();
    let source = WalkError::Recorded { reason: xunjian_proto::Reason::Missing, text };
    HostError::Walk { target: target.to_owned(), source }
}

/// A path that stays below the directory it is looked up in: not absolute, no `..`.
fn below_root(path: &str) -> io::Result<&Path> {
    let plain = |it: Component<'_>| matches!(it, Component::Normal(_) | Component::CurDir);
    if Path::new(path).components().all(plain) && !path.contains('\0') {
        return Ok(Path::new(path));
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "not a path below the root"))
}
