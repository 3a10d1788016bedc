//! The recorder: what it keeps is what a recording answers, and a recording of a recording is the same recording.

use std::{collections::BTreeMap, fs, io, path::PathBuf, sync::Arc};

use xunjian_agent::{
    host::{Host, HostError, Meta, Output, Recorded, Recorder, Space, Vitals},
    source::Need,
};
use xunjian_proto::{HostFacts, Reason, Time};

/// A folder that goes away with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Folder {
        let dir = std::env::temp_dir().join(format!("xunjian-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        Folder(dir)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// All files below, with their content.
    fn files(&self, name: &str) -> BTreeMap<PathBuf, String> {
        let (mut files, mut dirs) = (BTreeMap::new(), vec![self.path(name)]);
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(&dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    dirs.push(path);
                } else {
                    let short = path.strip_prefix(self.path(name)).unwrap().to_owned();
                    files.insert(short, fs::read_to_string(&path).unwrap());
                }
            }
        }
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A host with one of every kind of answer.
struct Odd;

impl Host for Odd {
    fn has(&self, need: Need) -> bool {
        matches!(need, Need::Path("proc/mdstat") | Need::Program("smartctl" | "ipmitool"))
    }

    fn read(&self, path: &str) -> Result<String, HostError> {
        let kind = match path {
            "proc/mdstat" => return Ok("Personalities : \n".to_owned()),
            "sys/block/sda/size" => return Ok("100\n".to_owned()),
            "sys/secret" => io::ErrorKind::PermissionDenied,
            _ => io::ErrorKind::NotFound,
        };
        let source = match kind {
            io::ErrorKind::PermissionDenied => io::Error::from_raw_os_error(13),
            _ => io::Error::from_raw_os_error(2),
        };
        Err(HostError::Read { path: path.to_owned(), source })
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, HostError> {
        match dir {
            "sys/block" => Ok(vec!["loop0".to_owned(), "sda".to_owned(), "sdb".to_owned()]),
            "sys/empty" => Ok(Vec::new()),
            _ => self.read(dir).map(|_| Vec::new()),
        }
    }

    fn link(&self, path: &str) -> Result<String, HostError> {
        match path {
            "sys/block/sdb" => Ok("../devices/sdb".to_owned()),
            _ => self.read(path),
        }
    }

    fn run(&self, argv: &[&str]) -> Result<Output, HostError> {
        let output = Output {
            status: 4,
            stdout: "{}".to_owned(),
            stderr: "oh\n".to_owned(),
            truncated: false,
        };
        match argv {
            ["smartctl", "/dev/sda"] => Ok(output),
            ["smartctl", "/dev/hang"] => {
                Err(HostError::TimedOut { command: argv.join(" "), secs: 0 })
            }
            ["smartctl", "/dev/dies"] => {
                Err(HostError::Signal { command: argv.join(" "), signal: 11 })
            }
            _ => Ok(Output { status: 0, truncated: true, stderr: String::new(), ..output }),
        }
    }

    fn records(&self, path: &str) -> Result<Vec<String>, HostError> {
        match path {
            "dev/kmsg" => {
                Ok(vec!["6,1,2,-;one\n SUBSYSTEM=scsi".to_owned(), "3,2,3,-;two".to_owned()])
            }
            _ => self.read(path).map(|_| Vec::new()),
        }
    }

    fn vitals(&self) -> Result<Vitals, HostError> {
        Ok(Vitals { hostname: "odd".to_owned(), load: [0.25, 1.5, 2.0], ..Vitals::default() })
    }

    fn space(&self, path: &str) -> Result<Space, HostError> {
        match path {
            "/data" => Ok(Space {
                total: 9,
                free: 8,
                available: 7,
                inodes: 6,
                inodes_free: 5,
                read_only: true,
            }),
            "/dead" => {
                Err(HostError::TimedOut { command: "probe-mount /dead".to_owned(), secs: 0 })
            }
            _ => Err(HostError::Read {
                path: path.trim_start_matches('/').to_owned(),
                source: io::Error::from_raw_os_error(13),
            }),
        }
    }
}

/// Every question, with its answer in words.
fn ask(host: &dyn Host) -> Vec<String> {
    let long = "x".repeat(900);
    let mut answers = Vec::new();
    for need in [Need::Path("proc/mdstat"), Need::Program("ipmitool"), Need::Program("ssacli")] {
        answers.push(format!("{need}: {}", host.has(need)));
    }
    for path in ["sys/block", "sys/empty", "sys/none"] {
        answers.push(told(host.list(path)));
    }
    for path in ["proc/mdstat", "sys/block/sda/size", "sys/block/sdb/size", "sys/secret"] {
        answers.push(told(host.read(path)));
    }
    answers.push(told(host.list("sys/block")));
    answers.push(told(host.link("sys/block/sdb")));
    for device in ["/dev/sda", "/dev/hang", "/dev/dies", &long] {
        answers.push(told(host.run(&["smartctl", device])));
    }
    answers.push(told(host.records("dev/kmsg")));
    answers.push(told(host.vitals()));
    for mount in ["/data", "/dead", "/closed"] {
        answers.push(told(host.space(mount)));
    }
    answers
}

fn told<T: std::fmt::Debug>(answer: Result<T, HostError>) -> String {
    match answer {
        Ok(it) => format!("{it:?}"),
        Err(error) => format!("{error}: {:?}", error.reason()),
    }
}

fn meta() -> Meta {
    let host = HostFacts {
        hostname: "odd".to_owned(),
        boot_id: "b".to_owned(),
        agent_version: "0".to_owned(),
        attrs: BTreeMap::new(),
    };
    Meta { recorded_at: Time::from_secs(1_800_000_000), host }
}

#[test]
fn a_recording_answers_as_the_host_did_and_records_as_itself() {
    let folder = Folder::new("recorder");
    let recorder = Recorder::create(Arc::new(Odd), folder.path("one")).unwrap();
    let live = ask(&recorder);
    recorder.finish(&meta()).unwrap();
    let recorded = Arc::new(Recorded::open(folder.path("one")));
    assert_eq!(ask(&*recorded), live);
    assert_eq!(recorded.meta().unwrap(), meta());

    let again = Recorder::create(recorded.clone(), folder.path("two")).unwrap();
    assert_eq!(ask(&again), live);
    again.finish(&recorded.meta().unwrap()).unwrap();
    assert_eq!(folder.files("one"), folder.files("two"));
}

#[test]
fn names_that_were_never_read_are_listed_and_not_there() {
    let folder = Folder::new("listed");
    let recorder = Recorder::create(Arc::new(Odd), folder.path("one")).unwrap();
    recorder.list("sys/block").unwrap();
    recorder.finish(&meta()).unwrap();
    let recorded = Recorded::open(folder.path("one"));
    assert_eq!(recorded.list("sys/block").unwrap(), ["loop0", "sda", "sdb"]);
    assert!(recorded.has(Need::Path("sys/block/sda")));
    assert_eq!(recorded.read("sys/block/sda").unwrap_err().reason(), Reason::Missing);
}

#[test]
fn a_folder_with_something_in_it_is_not_recorded_over() {
    let folder = Folder::new("full");
    fs::write(folder.path("precious"), "x").unwrap();
    let error = Recorder::create(Arc::new(Odd), folder.path("")).err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::DirectoryNotEmpty);
}

#[test]
fn a_recording_cannot_lead_out_of_its_folder() {
    let folder = Folder::new("hostile");
    let root = folder.path("one/root");
    fs::create_dir_all(root.join("etc")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", root.join("etc/link")).unwrap();
    std::os::unix::fs::symlink("/etc", root.join("dir")).unwrap();
    std::os::unix::fs::symlink("plain", root.join("etc/inside")).unwrap();
    fs::write(root.join("etc/plain"), "ok").unwrap();
    let recorded = Recorded::open(folder.path("one"));
    for path in ["etc/link", "dir/hostname", "../../../etc/hostname", "/etc/hostname"] {
        assert!(recorded.read(path).is_err(), "{path}");
    }
    assert_eq!(recorded.read("etc/inside").unwrap(), "ok");
    assert!(recorded.list("dir").is_err());
}
