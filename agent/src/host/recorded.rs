//! A host recorded in a directory: `root/` holds files, `cmd/` command outputs, `vitals.json` what sysinfo said,
//! `space/` what the mount probes answered, and `meta.json` whose recording it is.
//!
//! | file | meaning |
//! |---|---|
//! | `root/PATH` | the file's content; of a device of records, its records, continuation lines indented |
//! | `root/PATH.link` | it is a symbolic link; holds its target |
//! | `root/PATH.errno` | reading it failed with this errno |
//! | `root/PATH.listed` | it was seen in its directory and never read; reading it says that it is not there |
//! | `root/DIR/.listed` | the directory was empty |
//! | `cmd/smartctl+--json+-x+@dev@sda.out` | standard output of `smartctl --json -x /dev/sda` |
//! | `….exit`, `….err`, `….signal` | its status if not 0, its standard error, the signal that ended it |
//! | `….hang`, `….cut`, `….errno` | it gave no answer in time; its output was cut; it could not be started |
//! | `cmd/NAME.present` | the program is installed and was not started |
//! | `space/@data.json`, `.hang`, `.errno` | what the probe of the mount `/data` answered |
//! | `targets/snmp/array1.toml` | a device read over SNMP: its address and the source's own keys |
//! | `targets/snmp/array1.snmprec` | what its walks brought; any form that [`read_walk`] knows |
//! | `targets/probe/web.toml`, `.json` | a service of the host's own, and what trying it came to |
//! | `targets/redfish/bmc1/@redfish@v1.json` | a device read over HTTPS: what `GET /redfish/v1` brought |
//! | `….status`, `….hang`, `….errno` | its status if not 200; it gave no answer in time; it could not be asked |
//! | `targets/redfish/bmc1/login.errno` | the log-in failed so |
//! | `targets/snmp/array1.cuts`, `.error` | roots whose walk did not end; why it gave nothing: reason and text |
//!
//! A recording comes from somebody else: nothing outside its directory is read, whatever links it holds, and nothing
//! larger than a live host would be allowed.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use xunjian_proto::{HostFacts, Time};

use super::{
    Ask, FILE_BYTES_MAX, Host, HostError, Output, Reached, Reply, Request, Space, Vitals, Walked,
    below_root, snmp::recorded_walk,
};
use crate::{source::Need, targets::Target};

/// Largest command output in a recording: the live host's bound.
const OUTPUT_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Longest file name made of a command line; the usual filesystems take 255 bytes, and `.signal` is added.
const COMMAND_NAME_BYTES_MAX: usize = 200;

/// Suffixes of files in `root/` that say something about the name before them.
const MARKS: [&str; 3] = [".link", ".listed", ".errno"];

/// A recording.
#[derive(Debug)]
pub struct Recorded {
    dir: PathBuf,
    shared: OnceLock<Arc<BTreeSet<String>>>,
}

/// Whose recording it is: `meta.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meta {
    /// When the recording was begun, by the host's clock.
    pub recorded_at: Time,
    /// The host and the agent's version that recorded it.
    pub host: HostFacts,
}

impl Recorded {
    /// Opens a recording. Nothing is read before it is asked for; a directory that is not there answers like a host
    /// without anything.
    pub fn open(dir: impl Into<PathBuf>) -> Recorded {
        Recorded { dir: dir.into(), shared: OnceLock::new() }
    }

    /// Whether the directory looks like a recording at all.
    pub fn is_recording(&self) -> bool {
        ["root", "cmd", "vitals.json", "space", "targets"]
            .iter()
            .any(|it| self.dir.join(it).exists())
    }

    /// Whose recording it is; recordings made by hand have none.
    pub fn meta(&self) -> Result<Meta, HostError> {
        self.parsed("meta.json", "meta.json")
    }

    /// The real path of something below the recording's directory.
    fn full(&self, file: &str) -> io::Result<PathBuf> {
        let full = self.dir.join(below_root(file)?).canonicalize()?;
        if full.starts_with(self.dir.canonicalize()?) {
            return Ok(full);
        }
        let text = "a link that leads out of the recording";
        Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
    }

    /// The bytes of a file below the recording's directory.
    fn bytes(&self, file: &str, max: u64) -> io::Result<Vec<u8>> {
        let full = self.full(file)?;
        if !full.is_file() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let mut bytes = Vec::new();
        File::open(full)?.take(max + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > max {
            let text = format!("larger than {max} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
        }
        Ok(bytes)
    }

    fn text(&self, file: &str, max: u64) -> io::Result<String> {
        self.bytes(file, max).map(|it| String::from_utf8_lossy(&it).into_owned())
    }

    /// A mark that holds a number: `.errno`, `.exit`, `.signal`.
    fn number(&self, file: &str) -> Option<i32> {
        self.text(file, 64).ok().and_then(|it| it.trim().parse().ok())
    }

    /// The error that was recorded in place of an answer, or the one of looking for the answer.
    fn recorded_error(&self, file: &str, found: io::Error) -> io::Error {
        match self.number(&format!("{file}.errno")) {
            Some(errno) => io::Error::from_raw_os_error(errno),
            None => found,
        }
    }

    fn parsed<T: serde::de::DeserializeOwned>(
        &self,
        file: &str,
        path: &str,
    ) -> Result<T, HostError> {
        let wrap = |source| HostError::Read { path: path.to_owned(), source };
        let text = self.text(file, FILE_BYTES_MAX).map_err(wrap)?;
        serde_json::from_str(&text)
            .map_err(|error| wrap(io::Error::new(io::ErrorKind::InvalidData, error)))
    }
}

impl Host for Recorded {
    fn has(&self, need: Need) -> bool {
        match need {
            Need::Path(path) => {
                let file = self.dir.join("root").join(path).to_string_lossy().into_owned();
                Path::new(&file).exists()
                    || MARKS.iter().any(|it| Path::new(&format!("{file}{it}")).exists())
            }
            Need::Targets(source) => !self.targets(source, &[]).is_empty(),
            Need::Program(name) => {
                let first_word = |file: &str| file.split(['+', '.']).next() == Some(name);
                names(&self.dir.join("cmd")).is_ok_and(|it| it.iter().any(|file| first_word(file)))
            }
            Need::Any(all) => all.iter().any(|it| self.has(*it)),
        }
    }

    fn read(&self, path: &str) -> Result<String, HostError> {
        let file = format!("root/{path}");
        self.text(&file, FILE_BYTES_MAX).map_err(|found| {
            let source = self.recorded_error(&file, found);
            HostError::Read { path: path.to_owned(), source }
        })
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, HostError> {
        let file = format!("root/{dir}");
        let wrap = |source| HostError::Read { path: dir.to_owned(), source };
        let found = self.full(&file).and_then(|it| names(&it));
        let mut all = found.map_err(|found| wrap(self.recorded_error(&file, found)))?;
        for name in &mut all {
            if let Some(plain) = MARKS.iter().find_map(|it| name.strip_suffix(it)) {
                *name = plain.to_owned();
            }
        }
        all.retain(|it| !it.is_empty());
        all.sort();
        all.dedup();
        Ok(all)
    }

    fn shared_serials(&self, look: &mut dyn FnMut() -> BTreeSet<String>) -> Arc<BTreeSet<String>> {
        // A recording does not change.
        self.shared.get_or_init(|| Arc::new(look())).clone()
    }

    fn link(&self, path: &str) -> Result<String, HostError> {
        let target = self.text(&format!("root/{path}.link"), FILE_BYTES_MAX);
        target.map(|it| it.trim_end_matches('\n').to_owned()).map_err(|found| {
            let source = self.recorded_error(&format!("root/{path}"), found);
            HostError::Read { path: path.to_owned(), source }
        })
    }

    fn run(&self, argv: &[&str]) -> Result<Output, HostError> {
        let file = command_file(argv);
        let mark = |suffix: &str| format!("cmd/{}.{suffix}", file.trim_end_matches(".out"));
        let command = || argv.join(" ");
        if self.dir.join(mark("hang")).exists() {
            return Err(HostError::TimedOut { command: command(), secs: 0 });
        }
        if let Some(signal) = self.number(&mark("signal")) {
            return Err(HostError::Signal { command: command(), signal });
        }
        let program = || argv.first().copied().unwrap_or_default().to_owned();
        if let Some(errno) = self.number(&mark("errno")) {
            let source = io::Error::from_raw_os_error(errno);
            return Err(HostError::Run { program: program(), source });
        }
        let stdout = self.text(&format!("cmd/{file}"), OUTPUT_BYTES_MAX);
        Ok(Output {
            stdout: stdout.map_err(|source| HostError::Run { program: program(), source })?,
            status: self.number(&mark("exit")).unwrap_or(0),
            stderr: self.text(&mark("err"), FILE_BYTES_MAX).unwrap_or_default(),
            truncated: self.dir.join(mark("cut")).exists(),
        })
    }

    fn targets(&self, source: &str, own: &[&str]) -> Vec<Target> {
        let dir = format!("targets/{source}");
        let mut files = names(&self.dir.join(&dir)).unwrap_or_default();
        files.sort();
        let target = |file: &String| {
            let name = file.strip_suffix(".toml")?;
            let text = self.text(&format!("{dir}/{file}"), FILE_BYTES_MAX).ok()?;
            Target::parse(name, &text, own)
        };
        files.iter().filter_map(target).collect()
    }

    fn walk(&self, target: &str, ask: Ask<'_>, _: Duration) -> Result<Walked, HostError> {
        let file = |suffix: &str| {
            self.text(&format!("targets/snmp/{target}.{suffix}"), OUTPUT_BYTES_MAX).ok()
        };
        recorded_walk(ask, &file)
            .map_err(|source| HostError::Walk { target: target.to_owned(), source })
    }

    fn reach(&self, target: &str, _: Duration) -> Result<Reached, HostError> {
        let file = format!("targets/probe/{target}.json");
        self.parsed(&file, &file)
    }

    fn get(&self, ask: &Request<'_>) -> Result<Reply, HostError> {
        let file = web_file(ask);
        if self.dir.join(format!("{file}.hang")).exists() {
            return Err(ask.failed(io::ErrorKind::TimedOut.into()));
        }
        if let Some(errno) = self.number(&format!("{file}.errno")) {
            return Err(ask.failed(io::Error::from_raw_os_error(errno)));
        }
        let status = self.number(&format!("{file}.status")).and_then(|it| u16::try_from(it).ok());
        match (self.text(&format!("{file}.json"), OUTPUT_BYTES_MAX), status) {
            (Ok(body), status) => Ok(Reply { status: status.unwrap_or(200), body }),
            (Err(_), Some(status)) => Ok(Reply { status, body: String::new() }),
            // What was not recorded was not there.
            (Err(error), None) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Reply { status: 404, body: String::new() })
            }
            (Err(error), None) => Err(ask.failed(error)),
        }
    }

    fn login(&self, ask: &Request<'_>) -> Result<(), HostError> {
        match self.number(&format!("targets/{}/{}/login.errno", ask.source, ask.target)) {
            Some(errno) => Err(ask.failed(io::Error::from_raw_os_error(errno))),
            None => Ok(()),
        }
    }

    fn records(&self, path: &str) -> Result<Vec<String>, HostError> {
        self.read(path).map(|it| records(&it))
    }

    fn vitals(&self) -> Result<Vitals, HostError> {
        self.parsed("vitals.json", "vitals.json")
    }

    fn space(&self, path: &str) -> Result<Space, HostError> {
        let file = format!("space/{}", space_file(path));
        if self.dir.join(format!("{file}.hang")).exists() {
            return Err(HostError::TimedOut { command: format!("probe-mount {path}"), secs: 0 });
        }
        let path = path.trim_start_matches('/');
        if let Some(errno) = self.number(&format!("{file}.errno")) {
            let source = io::Error::from_raw_os_error(errno);
            return Err(HostError::Read { path: path.to_owned(), source });
        }
        self.parsed(&format!("{file}.json"), path)
    }
}

/// `smartctl --json -x /dev/sda` is kept as `smartctl+--json+-x+@dev@sda.out`. Long ones are cut and made unique by a
/// hash of the whole.
pub fn command_file(argv: &[&str]) -> String {
    format!("{}.out", bounded(argv.join("+").replace('/', "@")))
}

/// `/data` is kept as `@data`.
pub(super) fn space_file(path: &str) -> String {
    bounded(path.replace('/', "@"))
}

/// `/redfish/v1/Systems/` of the target `bmc1` is kept as `targets/redfish/bmc1/@redfish@v1@Systems`: services know a
/// resource with and without the slash at its end, but not all know both.
pub(super) fn web_file(ask: &Request<'_>) -> String {
    let path = ask.path.trim_end_matches('/').replace('/', "@");
    format!("targets/{}/{}/{}", ask.source, ask.target, bounded(path))
}

fn bounded(name: String) -> String {
    if name.len() <= COMMAND_NAME_BYTES_MAX {
        return name;
    }
    // FNV-1a, 64 bits: stable for ever, unlike the standard library's hashes. No adversary gains by a collision.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |it, byte| {
        (it ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut end = COMMAND_NAME_BYTES_MAX - 17;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}~{hash:016x}", &name[..end])
}

/// Records kept as lines; a line that begins with a blank continues the record before it, as the kernel writes
/// ` SUBSYSTEM=scsi`.
pub(super) fn records(text: &str) -> Vec<String> {
    let mut records: Vec<String> = Vec::new();
    for line in text.lines() {
        match records.last_mut() {
            Some(last) if line.starts_with(' ') => {
                last.push('\n');
                last.push_str(line);
            }
            _ => records.push(line.to_owned()),
        }
    }
    records
}

fn names(dir: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(dir)?
        .map(|entry| entry.map(|it| it.file_name().to_string_lossy().into_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_command_lines_stay_apart_and_short_enough() {
        let long = "x".repeat(4000);
        let (one, two) = (command_file(&["a", &long, "1"]), command_file(&["a", &long, "2"]));
        assert!(one != two && one.len() < 255 && one.ends_with(".out"), "{one}");
    }
}
