//! A host recorded in a directory: `root/` holds files, `cmd/` command outputs, `vitals.json` what sysinfo said and
//! `space/` what the mount probes answered.
//!
//! `cmd/smartctl+--json+-x+@dev@sda.out` is standard output, a file of the same name with `.exit` the status if it was
//! not 0; `.hang` marks a program that gave no answer. A symbolic link is kept as `PATH.link` holding its target.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{Host, HostError, Output, Space, Vitals};
use crate::source::Need;

/// A recording.
#[derive(Debug)]
pub struct Recorded {
    dir: PathBuf,
}

impl Recorded {
    /// Opens a recording.
    pub fn open(dir: impl Into<PathBuf>) -> Recorded {
        Recorded { dir: dir.into() }
    }

    fn root(&self, path: &str) -> PathBuf {
        self.dir.join("root").join(path)
    }
}

impl Host for Recorded {
    fn has(&self, need: Need) -> bool {
        match need {
            Need::Path(path) => self.root(path).exists(),
            Need::Program(name) => {
                let first_word = |file: &str| file.split(['+', '.']).next() == Some(name);
                names(&self.dir.join("cmd")).is_ok_and(|it| it.iter().any(|file| first_word(file)))
            }
        }
    }

    fn read(&self, path: &str) -> Result<String, HostError> {
        let bytes = fs::read(self.root(path));
        let bytes = bytes.map_err(|source| HostError::Read { path: path.to_owned(), source })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, HostError> {
        let mut all = names(&self.root(dir))
            .map_err(|source| HostError::Read { path: dir.to_owned(), source })?;
        for name in &mut all {
            if let Some(link) = name.strip_suffix(".link") {
                *name = link.to_owned();
            }
        }
        all.sort();
        all.dedup();
        Ok(all)
    }

    fn link(&self, path: &str) -> Result<String, HostError> {
        self.read(&format!("{path}.link")).map(|target| target.trim_end_matches('\n').to_owned())
    }

    fn run(&self, argv: &[&str]) -> Result<Output, HostError> {
        let file = self.dir.join("cmd").join(command_file(argv));
        if file.with_extension("hang").exists() {
            return Err(HostError::TimedOut { command: argv.join(" "), secs: 0 });
        }
        let stdout = fs::read(&file).map_err(|source| HostError::Run {
            program: argv.first().copied().unwrap_or_default().to_owned(),
            source,
        })?;
        let status = fs::read_to_string(file.with_extension("exit")).ok();
        let status = status.and_then(|it| it.trim().parse().ok()).unwrap_or(0);
        Ok(Output {
            status,
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            truncated: false,
        })
    }

    fn records(&self, path: &str) -> Result<Vec<String>, HostError> {
        Ok(self.read(path)?.lines().map(str::to_owned).collect())
    }

    fn vitals(&self) -> Result<Vitals, HostError> {
        parsed(&self.dir.join("vitals.json"), "vitals.json")
    }

    fn space(&self, path: &str) -> Result<Space, HostError> {
        let file = self.dir.join("space").join(format!("{}.json", path.replace('/', "@")));
        if file.with_extension("hang").exists() {
            return Err(HostError::TimedOut { command: format!("probe-mount {path}"), secs: 0 });
        }
        parsed(&file, path.trim_start_matches('/'))
    }
}

/// `smartctl --json -x /dev/sda` is kept as `smartctl+--json+-x+@dev@sda.out`.
pub fn command_file(argv: &[&str]) -> String {
    format!("{}.out", argv.join("+").replace('/', "@"))
}

fn parsed<T: serde::de::DeserializeOwned>(file: &Path, path: &str) -> Result<T, HostError> {
    let wrap = |source| HostError::Read { path: path.to_owned(), source };
    let text = fs::read_to_string(file).map_err(wrap)?;
    serde_json::from_str(&text)
        .map_err(|error| wrap(io::Error::new(io::ErrorKind::InvalidData, error)))
}

fn names(dir: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(dir)?
        .map(|entry| entry.map(|it| it.file_name().to_string_lossy().into_owned()))
        .collect()
}
