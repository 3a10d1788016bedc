//! The machine the agent runs on.
//!
//! Every answer is bounded in bytes, and every question that a dead device can leave unanswered is asked by a child
//! process that can be left behind. Only reading: no file is opened for writing, no program of the allow-list is
//! started but as a source asks for it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use rustix::{fs::OFlags, process::geteuid};
use sysinfo::{CpuRefreshKind, System};

use super::{
    Address, Allowed, Ask, FILE_BYTES_MAX, Host, HostError, Output, PROGRAM_WAIT, PROGRAM_WAIT_MAX,
    Reached, Reply, Request, SYSTEM_BUS, Space, Vitals, WalkError, Walked, below_root, bus, helper,
    https::Https,
    no_target,
    probe::{self, PROBE_COMMAND},
    program::{self, LeftBehind},
    reach,
    remembered::Shared,
    snmp,
};
use crate::{
    source::Need,
    targets::{Target, Targets},
};

/// Longest time for one mount: a healthy one answers within milliseconds, a busy server within a second.
const PROBE_WAIT: Duration = Duration::from_secs(4);

/// Most names read from one directory: `/sys/block` of the largest storage server holds a few thousand.
const NAMES_MAX: usize = 65_536;

/// Most bytes of records kept, the newest: the kernel's log buffer is 256 KiB to 2 MiB but on giant machines.
const RECORDS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most records read in one go, so that a device that is written faster than it is read ends.
const RECORDS_MAX: usize = 100_000;

/// The running machine.
#[derive(Debug, Default)]
pub struct Live {
    allowed: Allowed,
    left_behind: LeftBehind,
    /// Kept, because making it anew reads more than refreshing it.
    system: Mutex<Option<System>>,
    processors: OnceLock<(u32, String)>,
    /// Devices of records stay open: the first look gives all that there is, every later one only what came since.
    /// Reading the whole kernel log six times a minute would cost more than all other sources together.
    devices: Mutex<BTreeMap<String, File>>,
    targets: Targets,
    snmp: snmp::Door,
    https: Https,
    shared: Shared,
}

impl Live {
    /// The machine as it is, on which no other programs are started than these.
    pub fn new(allowed: Allowed) -> Live {
        Live { allowed, ..Live::default() }
    }

    /// The same, with devices that it reads over the network.
    #[must_use]
    pub fn with_targets(self, targets: Targets) -> Live {
        Live { targets, ..self }
    }
}

impl Host for Live {
    fn has(&self, need: Need) -> bool {
        match need {
            Need::Path(path) => full(path).is_ok_and(|it| it.exists()),
            Need::Program(name) => {
                self.allowed.program(name).is_some_and(|it| it.place().is_some())
            }
            Need::Any(all) => all.iter().any(|it| self.has(*it)),
            Need::Targets(source) => self.targets.has(source),
        }
    }

    fn read(&self, path: &str) -> Result<String, HostError> {
        let wrap = |source| HostError::Read { path: path.to_owned(), source };
        let bytes = full(path).and_then(|it| read_bounded(&it)).map_err(wrap)?;
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, HostError> {
        let wrap = |source| HostError::Read { path: dir.to_owned(), source };
        let mut names = Vec::new();
        for entry in full(dir).and_then(fs::read_dir).map_err(wrap)?.take(NAMES_MAX) {
            names.push(entry.map_err(wrap)?.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn shared_serials(&self, look: &mut dyn FnMut() -> BTreeSet<String>) -> Arc<BTreeSet<String>> {
        self.shared.get(Instant::now(), look)
    }

    fn link(&self, path: &str) -> Result<String, HostError> {
        full(path)
            .and_then(fs::read_link)
            .map(|it| it.to_string_lossy().into_owned())
            .map_err(|source| HostError::Read { path: path.to_owned(), source })
    }

    fn run(&self, argv: &[&str]) -> Result<Output, HostError> {
        self.run_within(argv, PROGRAM_WAIT)
    }

    fn run_within(&self, argv: &[&str], limit: Duration) -> Result<Output, HostError> {
        let name = argv.first().copied().unwrap_or_default();
        let refused = || HostError::NotAllowed { command: argv.join(" ") };
        let program = self.allowed.program(name).ok_or_else(refused)?;
        self.allowed.pattern(argv).ok_or_else(refused)?;
        let place = program.place().ok_or_else(|| HostError::Run {
            program: name.to_owned(),
            source: io::Error::new(io::ErrorKind::NotFound, "it is not installed"),
        })?;
        let limit = limit.min(PROGRAM_WAIT_MAX);
        let helper = Path::new(helper::SOCKET);
        if program.root && !geteuid().is_root() && helper.exists() {
            return helper::ask(helper, argv, limit);
        }
        program::run(&place, argv, limit, &self.left_behind)
    }

    fn records(&self, path: &str) -> Result<Vec<String>, HostError> {
        let wrap = |source| HostError::Read { path: path.to_owned(), source };
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        // One that fails is dropped here, and opened anew by the next call.
        let mut device = match devices.remove(path) {
            Some(device) => device,
            None => full(path).and_then(|it| open_device(&it)).map_err(wrap)?,
        };
        let records = read_records(&mut device).map_err(wrap)?;
        devices.insert(path.to_owned(), device);
        Ok(records)
    }

    fn vitals(&self) -> Result<Vitals, HostError> {
        let wrap = |error: sysinfo::Error| HostError::Read {
            path: "proc".to_owned(),
            source: io::Error::other(error.to_string()),
        };
        let mut system = self.system.lock().unwrap_or_else(PoisonError::into_inner);
        let system = match &mut *system {
            Some(system) => system,
            none => none.insert(System::new().map_err(wrap)?),
        };
        system.refresh_memory();
        let (cpus, cpu_model) = self.processors.get_or_init(|| processors(system)).clone();
        let load = System::load_average().map_err(wrap)?;
        Ok(Vitals {
            hostname: System::host_name().unwrap_or_default(),
            os: System::long_os_version().unwrap_or_default(),
            kernel: System::kernel_version().unwrap_or_default(),
            arch: System::cpu_arch(),
            cpus,
            cpu_model,
            memory_total: system.total_memory(),
            memory_available: system.available_memory(),
            swap_total: system.total_swap(),
            swap_used: system.used_swap(),
            load: [load.one, load.five, load.fifteen],
            uptime_secs: System::uptime().map_err(wrap)?,
            boot_secs: i64::try_from(System::boot_time().map_err(wrap)?).unwrap_or(i64::MAX),
        })
    }

    fn space(&self, path: &str) -> Result<Space, HostError> {
        self.space_within(path, PROBE_WAIT)
    }

    fn space_within(&self, path: &str, limit: Duration) -> Result<Space, HostError> {
        let wrap =
            |source| HostError::Read { path: path.trim_start_matches('/').to_owned(), source };
        let binary = probe::binary().map_err(wrap)?;
        let argv = ["xunjian-agent", PROBE_COMMAND, path];
        let output = program::run(&binary, &argv, limit.min(PROBE_WAIT), &self.left_behind)?;
        probe::answer(&output.ok(&argv)?).map_err(wrap)
    }

    fn units(&self, named: &[&str], limit: Duration) -> Result<String, HostError> {
        bus::units(named, limit)
            .map_err(|source| HostError::Read { path: SYSTEM_BUS.to_owned(), source })
    }

    fn targets(&self, source: &str, own: &[&str]) -> Vec<Target> {
        self.targets.all(source, own)
    }

    fn walk(&self, target: &str, ask: Ask<'_>, limit: Duration) -> Result<Walked, HostError> {
        let (address, mut door) =
            self.targets.door("snmp", target).ok_or_else(|| no_target(target))?;
        let wrap = |source| HostError::Walk { target: target.to_owned(), source };
        door.remove("profile");
        // It was checked when the configuration was read.
        let mistake =
            |text| wrap(WalkError::Recorded { reason: xunjian_proto::Reason::ToolFailed, text });
        let access = snmp::Access::parse(&door).map_err(mistake)?;
        self.snmp.walk(target, &address, &access, ask, limit).map_err(wrap)
    }

    fn reach(&self, target: &str, limit: Duration) -> Result<Reached, HostError> {
        let door = self.targets.door("probe", target);
        let (address, door) = door.ok_or_else(|| no_target(target))?;
        // It was checked when the configuration was read.
        let address = Address::parse(&address).map_err(|_| no_target(target))?;
        Ok(reach::reach(&address, &door, limit))
    }

    fn get(&self, ask: &Request<'_>) -> Result<Reply, HostError> {
        self.https.get(ask, self.targets.door(ask.source, ask.target))
    }

    fn login(&self, ask: &Request<'_>) -> Result<(), HostError> {
        self.https.login(ask, self.targets.door(ask.source, ask.target))
    }

    fn logout(&self, source: &str, target: &str) -> Result<(), HostError> {
        self.https.logout(source, target)
    }

    fn left_behind(&self) -> usize {
        self.left_behind.count()
    }

    fn is_live(&self) -> bool {
        true
    }
}

/// The absolute path, if it is one that stays below the root.
fn full(path: &str) -> io::Result<PathBuf> {
    below_root(path).map(|it| Path::new("/").join(it))
}

/// Reads a regular file (those of `/proc` and `/sys` are) whole. Pipes, sockets and devices are refused: reading
/// them may wait for ever or take something away from somebody.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !kind.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let text = format!("larger than {FILE_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

/// Without waiting for a writer or a line, and without becoming a terminal's owner.
fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    OpenOptions::new().read(true).custom_flags(i32::try_from(flags).unwrap_or(0)).open(path)
}

fn open_device(path: &Path) -> io::Result<File> {
    let device = open(path)?;
    if !device.metadata()?.file_type().is_char_device() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a device of records"));
    }
    Ok(device)
}

/// Reads `/dev/kmsg`: every read(2) gives one record (kernel Documentation/ABI/testing/dev-kmsg); EPIPE says that
/// records were overwritten meanwhile, and the next read goes on behind the gap, which the sequence numbers show.
fn read_records(device: &mut File) -> io::Result<Vec<String>> {
    let mut records = VecDeque::new();
    let mut bytes = 0;
    // The kernel's largest record (CONSOLE_EXT_LOG_MAX) is 8 KiB.
    let mut buffer = [0; 16 * 1024];
    for _ in 0..RECORDS_MAX {
        let count = match device.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => break,
                io::ErrorKind::BrokenPipe | io::ErrorKind::Interrupted => continue,
                _ => return Err(error),
            },
        };
        let record = String::from_utf8_lossy(&buffer[..count]).trim_end_matches('\n').to_owned();
        bytes += record.len();
        records.push_back(record);
        while bytes > RECORDS_BYTES_MAX {
            bytes -= records.pop_front().map_or(bytes, |it| it.len());
        }
    }
    Ok(records.into())
}

fn processors(system: &mut System) -> (u32, String) {
    system.refresh_cpu_list(CpuRefreshKind::nothing());
    let cpus = system.cpus();
    let model = cpus.first().map(|it| it.brand().trim().to_owned()).unwrap_or_default();
    (u32::try_from(cpus.len()).unwrap_or(u32::MAX), model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_the_root() {
        for path in ["../etc/shadow", "proc/../etc/shadow", "/etc/shadow"] {
            let error = Live::default().read(path).unwrap_err();
            assert!(
                matches!(&error, HostError::Read { source, .. } if source.kind() == io::ErrorKind::InvalidInput)
            );
        }
    }

    #[test]
    fn devices_and_directories_are_not_read_as_files() {
        assert!(Live::default().read("dev/zero").is_err());
        assert!(Live::default().read("proc").is_err());
        assert!(Live::default().records("proc/version").is_err());
    }

    #[test]
    fn a_program_off_the_list_is_not_started() {
        let error = Live::default().run(&["sh", "-c", "true"]).unwrap_err();
        assert!(matches!(error, HostError::NotAllowed { .. }), "{error}");
    }
}
