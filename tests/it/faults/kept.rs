//! A recording that is read from its folder once: tests that look at it a thousand times spend their time in the sources
//! and not in the filesystem.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use xunjian_agent::{
    host::{
        Ask, Host, HostError, Output, Reached, Recorded, Reply, Request, Space, Vitals, Walked,
    },
    source::Need,
    targets::Target,
};

/// Answers by their question.
struct Memory<T>(Mutex<BTreeMap<String, Result<T, HostError>>>);

impl<T> Default for Memory<T> {
    fn default() -> Memory<T> {
        Memory(Mutex::default())
    }
}

impl<T: Clone> Memory<T> {
    fn answer(
        &self,
        question: &str,
        ask: impl FnOnce() -> Result<T, HostError>,
    ) -> Result<T, HostError> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = answers.get(question) {
            return again(known);
        }
        let answer = ask();
        answers.insert(question.to_owned(), again(&answer));
        answer
    }
}

fn again<T: Clone>(answer: &Result<T, HostError>) -> Result<T, HostError> {
    match answer {
        Ok(value) => Ok(value.clone()),
        Err(error) => Err(copy(error)),
    }
}

/// The recording.
pub(crate) struct Kept {
    inner: Recorded,
    has: Memory<bool>,
    files: Memory<String>,
    lists: Memory<Vec<String>>,
    links: Memory<String>,
    runs: Memory<Output>,
    pages: Memory<Reply>,
    spaces: Memory<Space>,
    records: Memory<Vec<String>>,
    vitals: Memory<Vitals>,
}

impl Kept {
    /// Opens it.
    pub(crate) fn open(dir: &Path) -> Kept {
        Kept {
            inner: Recorded::open(dir),
            has: Memory::default(),
            files: Memory::default(),
            lists: Memory::default(),
            links: Memory::default(),
            runs: Memory::default(),
            pages: Memory::default(),
            spaces: Memory::default(),
            records: Memory::default(),
            vitals: Memory::default(),
        }
    }
}

impl Host for Kept {
    fn has(&self, need: Need) -> bool {
        let ask = || Ok(self.inner.has(need));
        self.has.answer(&format!("{need:?}"), ask).unwrap_or(false)
    }

    fn read(&self, path: &str) -> Result<String, HostError> {
        self.files.answer(path, || self.inner.read(path))
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, HostError> {
        self.lists.answer(dir, || self.inner.list(dir))
    }

    fn link(&self, path: &str) -> Result<String, HostError> {
        self.links.answer(path, || self.inner.link(path))
    }

    fn run(&self, argv: &[&str]) -> Result<Output, HostError> {
        self.runs.answer(&argv.join("\0"), || self.inner.run(argv))
    }

    fn records(&self, path: &str) -> Result<Vec<String>, HostError> {
        self.records.answer(path, || self.inner.records(path))
    }

    fn vitals(&self) -> Result<Vitals, HostError> {
        self.vitals.answer("", || self.inner.vitals())
    }

    fn space(&self, path: &str) -> Result<Space, HostError> {
        self.spaces.answer(path, || self.inner.space(path))
    }

    fn targets(&self, source: &str, own: &[&str]) -> Vec<Target> {
        self.inner.targets(source, own)
    }

    fn walk(&self, target: &str, ask: Ask<'_>, limit: Duration) -> Result<Walked, HostError> {
        self.inner.walk(target, ask, limit)
    }

    fn reach(&self, target: &str, limit: Duration) -> Result<Reached, HostError> {
        self.inner.reach(target, limit)
    }

    fn get(&self, ask: &Request<'_>) -> Result<Reply, HostError> {
        let question = format!("{}\0{}\0{}", ask.source, ask.target, ask.path);
        self.pages.answer(&question, || self.inner.get(ask))
    }

    fn login(&self, ask: &Request<'_>) -> Result<(), HostError> {
        self.inner.login(ask)
    }
}

/// The same error once more.
fn copy(error: &HostError) -> HostError {
    let again = |source: &io::Error| match source.raw_os_error() {
        Some(errno) => io::Error::from_raw_os_error(errno),
        None => io::Error::new(source.kind(), source.to_string()),
    };
    match error {
        HostError::Read { path, source } => {
            HostError::Read { path: path.clone(), source: again(source) }
        }
        HostError::Run { program, source } => {
            HostError::Run { program: program.clone(), source: again(source) }
        }
        HostError::Remote { target, question, source } => HostError::Remote {
            target: target.clone(),
            question: question.clone(),
            source: again(source),
        },
        HostError::Signal { command, signal } => {
            HostError::Signal { command: command.clone(), signal: *signal }
        }
        HostError::TimedOut { command, secs } => {
            HostError::TimedOut { command: command.clone(), secs: *secs }
        }
        HostError::Status { .. } | HostError::Walk { .. } | HostError::NotAllowed { .. } => {
            unreachable!("a recording does not answer so: {error}")
        }
    }
}
