//! Passes every question on to another host and keeps the answers, in the form that [`super::Recorded`] reads.
//!
//! A recording holds exactly what the sources asked for: kernel and system names, serial numbers, mount points, names
//! of services, the kernel's log, outputs of the programs that `xunjian-agent list` names. No source asks for
//! passwords, keys, or the content of anybody's files, so none are in it. It is plain text: look before you send it.
//!
//! Invariants: the first answer to a question is the one that is kept; a recording of a recording is the same
//! recording.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{
    Ask, Host, HostError, Meta, Output, Reached, Reply, Request, SYSTEM_BUS, Space, Vitals, Walked,
    below_root,
    recorded::{command_file, space_file, web_file},
    snmp::Kept as KeptWalk,
};
use crate::{source::Need, targets::Target};

/// Most bytes of one recording: a server with hundreds of disks needs some 50 MiB.
const RECORDING_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// A host that is being recorded.
pub struct Recorder {
    host: Arc<dyn Host>,
    dir: PathBuf,
    kept: Mutex<Kept>,
}

/// What is in the recording so far.
#[derive(Default)]
struct Kept {
    /// Questions already answered, as the names of their files without suffix.
    answers: BTreeSet<String>,
    /// Walks of each target together: a source asks several times, and the file holds all.
    walks: BTreeMap<String, KeptWalk>,
    bytes: u64,
    /// The first thing that went wrong; the recording is then useless and `finish` says so.
    error: Option<io::Error>,
}

impl Recorder {
    /// Starts a recording in a directory that is new or empty.
    pub fn create(host: Arc<dyn Host>, dir: impl Into<PathBuf>) -> io::Result<Recorder> {
        let dir = dir.into();
        fs::create_dir_all(&dir)?;
        if fs::read_dir(&dir)?.next().is_some() {
            let text = "the directory is not empty; a recording needs one of its own";
            return Err(io::Error::new(io::ErrorKind::DirectoryNotEmpty, text));
        }
        Ok(Recorder { host, dir, kept: Mutex::default() })
    }

    /// Ends the recording: writes whose it is. An error that befell any part of the recording comes out here.
    pub fn finish(&self, meta: &Meta) -> io::Result<()> {
        let text = serde_json::to_string_pretty(meta)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.write(&mut kept, "meta.json", text.as_bytes());
        kept.error.take().map_or(Ok(()), Err)
    }

    /// Keeps an answer: files with their content. Only the first answer to a question counts.
    fn keep(&self, question: &str, files: &[(String, &[u8])]) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.answers.insert(question.to_owned()) {
            for (file, content) in files {
                self.write(&mut kept, file, content);
            }
        }
    }

    fn write(&self, kept: &mut Kept, file: &str, content: &[u8]) {
        kept.bytes += content.len() as u64;
        let written = if kept.bytes > RECORDING_BYTES_MAX {
            let text = format!("the recording is larger than {RECORDING_BYTES_MAX} bytes");
            Err(io::Error::new(io::ErrorKind::FileTooLarge, text))
        } else {
            below_root(file).and_then(|it| write(&self.dir, it, content))
        };
        if let Err(error) = written {
            kept.error.get_or_insert(io::Error::new(error.kind(), format!("{file}: {error}")));
        }
    }

    /// Keeps what reading `path` gave: content, or why not. A path that is not there leaves nothing behind.
    fn keep_file(&self, path: &str, answer: Result<&[u8], &HostError>) {
        match answer {
            Ok(content) => self.keep(path, &[(format!("root/{path}"), content)]),
            Err(error) => {
                if let Some(errno) = errno(error) {
                    self.keep(path, &[(format!("root/{path}.errno"), errno.as_bytes())]);
                }
            }
        }
    }

    /// Keeps the names of a directory by a mark for each that nothing else is known of.
    fn keep_names(&self, dir: &str, names: &[String]) {
        let mut files = Vec::new();
        for name in names {
            let file = format!("root/{dir}/{name}");
            let known = ["", ".link", ".errno"]
                .iter()
                .any(|it| self.dir.join(format!("{file}{it}")).exists());
            if !known {
                files.push((format!("{file}.listed"), [].as_slice()));
            }
        }
        if names.is_empty() {
            files.push((format!("root/{dir}/.listed"), [].as_slice()));
        }
        self.keep(&format!("{dir}/"), &files);
    }

    fn keep_output(&self, argv: &[&str], answer: &Result<Output, HostError>) {
        let file = format!("cmd/{}", command_file(argv));
        let mark = |suffix: &str| format!("{}.{suffix}", file.trim_end_matches(".out"));
        let mut files: Vec<(String, String)> = Vec::new();
        match answer {
            Ok(output) => {
                files.push((file.clone(), output.stdout.clone()));
                if output.status != 0 {
                    files.push((mark("exit"), output.status.to_string()));
                }
                if !output.stderr.is_empty() {
                    files.push((mark("err"), output.stderr.clone()));
                }
                if output.truncated {
                    files.push((mark("cut"), String::new()));
                }
            }
            Err(HostError::TimedOut { .. }) => files.push((mark("hang"), String::new())),
            Err(HostError::Signal { signal, .. }) => {
                files.push((mark("signal"), signal.to_string()))
            }
            Err(error) => files.extend(errno(error).map(|it| (mark("errno"), it))),
        }
        let files: Vec<_> = files.iter().map(|(name, it)| (name.clone(), it.as_bytes())).collect();
        self.keep(&file, &files);
    }

    fn keep_walk(&self, target: &str, answer: &Result<Walked, HostError>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let walk = kept.walks.entry(target.to_owned()).or_default();
        let files = match answer {
            Ok(walked) => walk.add(walked),
            Err(error) => walk.fail(error),
        };
        for (suffix, content) in files {
            self.write(&mut kept, &format!("targets/snmp/{target}.{suffix}"), content.as_bytes());
        }
    }

    fn keep_space(&self, path: &str, answer: &Result<Space, HostError>) {
        let file = format!("space/{}", space_file(path));
        let (name, content) = match answer {
            Ok(space) => (format!("{file}.json"), serde_json::to_string(space).unwrap_or_default()),
            Err(HostError::TimedOut { .. }) => (format!("{file}.hang"), String::new()),
            Err(error) => match errno(error) {
                Some(errno) => (format!("{file}.errno"), errno),
                None => return,
            },
        };
        self.keep(&file, &[(name, content.as_bytes())]);
    }
}

impl Host for Recorder {
    fn has(&self, need: Need) -> bool {
        if let Need::Any(all) = need {
            // Each is asked: what is there besides the first one belongs to the recording.
            return all.iter().filter(|it| self.has(**it)).count() > 0;
        }
        let has = self.host.has(need);
        if has {
            let mark = match need {
                Need::Path(path) => {
                    let known = self.dir.join("root").join(path).exists();
                    (!known).then(|| format!("root/{path}.listed"))
                }
                Need::Program(name) => Some(format!("cmd/{name}.present")),
                Need::Any(_) => None,
                // Its targets are asked for next, and kept.
                Need::Targets(_) => None,
            };
            if let Some(mark) = mark {
                self.keep(&mark, &[(mark.clone(), &[])]);
            }
        }
        has
    }

    fn read(&self, path: &str) -> Result<String, HostError> {
        let answer = self.host.read(path);
        self.keep_file(path, answer.as_ref().map(|it| it.as_bytes()));
        answer
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, HostError> {
        let answer = self.host.list(dir);
        match &answer {
            Ok(names) => self.keep_names(dir, names),
            Err(error) => self.keep_file(dir, Err(error)),
        }
        answer
    }

    fn link(&self, path: &str) -> Result<String, HostError> {
        let answer = self.host.link(path);
        if let Ok(target) = &answer {
            let file = format!("root/{path}.link");
            self.keep(&file, &[(file.clone(), format!("{target}\n").as_bytes())]);
        }
        answer
    }

    fn run(&self, argv: &[&str]) -> Result<Output, HostError> {
        let answer = self.host.run(argv);
        self.keep_output(argv, &answer);
        answer
    }

    fn run_within(&self, argv: &[&str], limit: Duration) -> Result<Output, HostError> {
        let answer = self.host.run_within(argv, limit);
        self.keep_output(argv, &answer);
        answer
    }

    fn records(&self, path: &str) -> Result<Vec<String>, HostError> {
        let answer = self.host.records(path);
        let joined = answer.as_ref().map(|it| it.join("\n") + "\n");
        self.keep_file(path, joined.as_ref().map(|it| it.as_bytes()).map_err(|it| *it));
        answer
    }

    fn vitals(&self) -> Result<Vitals, HostError> {
        let answer = self.host.vitals();
        if let Ok(vitals) = &answer {
            let text = serde_json::to_string_pretty(vitals).unwrap_or_default();
            self.keep("vitals.json", &[("vitals.json".to_owned(), text.as_bytes())]);
        }
        answer
    }

    fn space(&self, path: &str) -> Result<Space, HostError> {
        let answer = self.host.space(path);
        self.keep_space(path, &answer);
        answer
    }

    fn space_within(&self, path: &str, limit: Duration) -> Result<Space, HostError> {
        let answer = self.host.space_within(path, limit);
        self.keep_space(path, &answer);
        answer
    }

    fn units(&self, named: &[&str], limit: Duration) -> Result<String, HostError> {
        let answer = self.host.units(named, limit);
        self.keep_file(SYSTEM_BUS, answer.as_ref().map(|it| it.as_bytes()));
        answer
    }

    fn targets(&self, source: &str, own: &[&str]) -> Vec<Target> {
        let targets = self.host.targets(source, own);
        for target in &targets {
            let file = format!("targets/{source}/{}.toml", target.name);
            self.keep(&file, &[(file.clone(), target.text().as_bytes())]);
        }
        targets
    }

    fn walk(&self, target: &str, ask: Ask<'_>, limit: Duration) -> Result<Walked, HostError> {
        let answer = self.host.walk(target, ask, limit);
        self.keep_walk(target, &answer);
        answer
    }

    fn reach(&self, target: &str, limit: Duration) -> Result<Reached, HostError> {
        let answer = self.host.reach(target, limit);
        if let Ok(reached) = &answer {
            let file = format!("targets/probe/{target}.json");
            let text = serde_json::to_string_pretty(reached).unwrap_or_default();
            self.keep(&file, &[(file.clone(), text.as_bytes())]);
        }
        answer
    }

    fn get(&self, ask: &Request<'_>) -> Result<Reply, HostError> {
        let answer = self.host.get(ask);
        let file = web_file(ask);
        let files = match &answer {
            Ok(reply) if reply.status == 200 => vec![(format!("{file}.json"), reply.body.clone())],
            Ok(reply) => vec![
                (format!("{file}.json"), reply.body.clone()),
                (format!("{file}.status"), reply.status.to_string()),
            ],
            Err(error) if error.reason() == xunjian_proto::Reason::TimedOut => {
                vec![(format!("{file}.hang"), String::new())]
            }
            Err(error) => vec![(format!("{file}.errno"), remote_errno(error).to_string())],
        };
        let files: Vec<_> = files.iter().map(|(name, it)| (name.clone(), it.as_bytes())).collect();
        self.keep(&file, &files);
        answer
    }

    fn login(&self, ask: &Request<'_>) -> Result<(), HostError> {
        let answer = self.host.login(ask);
        if let Err(error) = &answer {
            let file = format!("targets/{}/{}/login.errno", ask.source, ask.target);
            let errno = remote_errno(error).to_string();
            self.keep(&file, &[(file.clone(), errno.as_bytes())]);
        }
        answer
    }

    fn logout(&self, source: &str, target: &str) -> Result<(), HostError> {
        self.host.logout(source, target)
    }

    fn charge(&self, cpu: Duration) {
        self.host.charge(cpu);
    }

    fn is_live(&self) -> bool {
        self.host.is_live()
    }
}

/// The errno to keep for an error; none for "not there", which a recording says by having nothing. An error without a
/// number is kept as EIO (5), which is the same reason of unknown.
fn errno(error: &HostError) -> Option<String> {
    let (HostError::Read { source, .. } | HostError::Run { source, .. }) = error else {
        return None;
    };
    if source.kind() == io::ErrorKind::NotFound {
        return None;
    }
    Some(source.raw_os_error().unwrap_or(5).to_string())
}

/// The number for an error of a target that gives the same reason of unknown again: most such errors have none.
fn remote_errno(error: &HostError) -> i32 {
    use xunjian_proto::Reason;
    let own = match error {
        HostError::Remote { source, .. } => source.raw_os_error(),
        _ => None,
    };
    own.unwrap_or(match error.reason() {
        Reason::PermissionDenied => 13, // EACCES
        Reason::TimedOut => 110,        // ETIMEDOUT
        Reason::Missing => 2,           // ENOENT
        Reason::Truncated => 27,        // EFBIG
        _ => 5,                         // EIO
    })
}

/// Writes a file with the directories above it, and takes back the marks that are no longer true.
fn write(dir: &Path, file: &Path, content: &[u8]) -> io::Result<()> {
    let full = dir.join(file);
    fs::create_dir_all(full.parent().unwrap_or(dir))?;
    fs::write(&full, content)?;
    for known in file.ancestors().filter(|it| it.starts_with("root")) {
        let name = known.to_string_lossy();
        let plain = name.strip_suffix(".link").or(name.strip_suffix(".errno")).unwrap_or(&name);
        match fs::remove_file(dir.join(format!("{plain}.listed"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
