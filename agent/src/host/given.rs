//! A host made of a few saved tool outputs: what `xunjian-agent read` looks at. Everything that was not given is not
//! there.

use std::{collections::BTreeMap, io, time::Duration};

use super::{
    Ask, Host, HostError, Oid, Output, Reply, Request, Space, Value, Vitals, Walked, no_target,
    recorded::records,
};
use crate::{source::Need, targets::Target};

/// Files and answers of programs, in memory.
#[derive(Debug, Clone, Default)]
pub struct Given {
    files: BTreeMap<String, String>,
    answers: Vec<Answer>,
    walks: BTreeMap<String, BTreeMap<Oid, Value>>,
    /// Answers over HTTPS, by source, target and path.
    pages: BTreeMap<(String, String), BTreeMap<String, String>>,
    options: BTreeMap<(String, String), toml::Table>,
    /// What is known of the host itself.
    pub vitals: Option<Vitals>,
}

/// What a program says if all of `words` are on its command line. A word that ends in `*` stands for every argument
/// that begins so.
#[derive(Debug, Clone)]
struct Answer {
    words: Vec<String>,
    output: Output,
}

impl Given {
    /// Adds a file, by its path below the root.
    pub fn file(&mut self, path: &str, content: impl Into<String>) {
        self.files.insert(path.to_owned(), content.into());
    }

    /// Adds the answer to every command line that has all these words (the first of them is the program's name).
    /// Earlier answers win.
    pub fn answer(&mut self, words: &[&str], status: i32, stdout: impl Into<String>) {
        let mut stdout = stdout.into();
        // Texts lose their last line break on the way through mails and editors; a program's half line has none either.
        if !stdout.is_empty() && !stdout.ends_with('\n') {
            stdout.push('\n');
        }
        let output = Output { status, stdout, stderr: String::new(), truncated: false };
        let words = words.iter().map(|it| (*it).to_owned()).collect();
        self.answers.push(Answer { words, output });
    }
}

impl Given {
    /// Adds what a target answers to a GET of this path; the target is there from then on.
    pub fn web(&mut self, source: &str, target: &str, path: &str, body: &str) {
        let pages = self.pages.entry((source.to_owned(), target.to_owned())).or_default();
        pages.insert(path.trim_end_matches('/').to_owned(), body.to_owned());
    }

    /// Gives such a target the source's own keys.
    pub fn web_options(&mut self, source: &str, target: &str, options: toml::Table) {
        self.options.insert((source.to_owned(), target.to_owned()), options);
    }

    /// Adds a target of the `snmp` source that answers so.
    pub fn target(&mut self, name: &str, bindings: BTreeMap<Oid, Value>) {
        self.walks.insert(name.to_owned(), bindings);
    }
}

impl Answer {
    fn fits(&self, argv: &[&str]) -> bool {
        let on_line = |word: &String| match word.strip_suffix('*') {
            Some(beginning) => argv.iter().any(|it| it.starts_with(beginning)),
            None => argv.contains(&word.as_str()),
        };
        self.words.first().map(String::as_str) == argv.first().copied()
            && self.words.iter().all(on_line)
    }
}

impl Host for Given {
    fn has(&self, need: Need) -> bool {
        match need {
            Need::Path(path) => {
                let below = format!("{path}/");
                self.files.keys().any(|it| it == path || it.starts_with(&below))
            }
            Need::Program(name) => {
                self.answers.iter().any(|it| it.words.first().is_some_and(|word| word == name))
            }
            Need::Any(all) => all.iter().any(|it| self.has(*it)),
            Need::Targets(source) => !self.targets(source, &[]).is_empty(),
        }
    }

    fn read(&self, path: &str) -> Result<String, HostError> {
        self.files.get(path).cloned().ok_or_else(|| missing(path))
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, HostError> {
        let below = format!("{dir}/");
        let rest = self.files.keys().filter_map(|it| it.strip_prefix(&below));
        let mut names: Vec<_> =
            rest.filter_map(|it| it.split('/').next()).map(str::to_owned).collect();
        names.dedup();
        if names.is_empty() { Err(missing(dir)) } else { Ok(names) }
    }

    fn link(&self, path: &str) -> Result<String, HostError> {
        Err(missing(path))
    }

    fn run(&self, argv: &[&str]) -> Result<Output, HostError> {
        let answer = self.answers.iter().find(|it| it.fits(argv));
        answer.map(|it| it.output.clone()).ok_or_else(|| HostError::Run {
            program: argv.first().copied().unwrap_or_default().to_owned(),
            source: io::Error::new(io::ErrorKind::NotFound, "no saved output was given for it"),
        })
    }

    fn targets(&self, source: &str, _: &[&str]) -> Vec<Target> {
        let names = self.walks.keys().filter(|_| source == "snmp");
        let target = |name: &String| Target {
            name: name.clone(),
            address: name.clone(),
            options: toml::Table::new(),
        };
        let web = self.pages.keys().filter(|it| it.0 == source).map(|key| Target {
            options: self.options.get(key).cloned().unwrap_or_default(),
            ..target(&key.1)
        });
        names.map(target).chain(web).collect()
    }

    fn walk(&self, target: &str, ask: Ask<'_>, _: Duration) -> Result<Walked, HostError> {
        self.walks.get(target).map(|it| ask.of(it)).ok_or_else(|| no_target(target))
    }

    fn get(&self, ask: &Request<'_>) -> Result<Reply, HostError> {
        let key = (ask.source.to_owned(), ask.target.to_owned());
        let pages = self.pages.get(&key).ok_or_else(|| ask.no_target("GET"))?;
        Ok(match pages.get(ask.path.trim_end_matches('/')) {
            Some(body) => Reply { status: 200, body: body.clone() },
            None => Reply { status: 404, body: String::new() },
        })
    }

    fn login(&self, _: &Request<'_>) -> Result<(), HostError> {
        Ok(())
    }

    fn records(&self, path: &str) -> Result<Vec<String>, HostError> {
        self.read(path).map(|it| records(&it))
    }

    fn vitals(&self) -> Result<Vitals, HostError> {
        self.vitals.clone().ok_or_else(|| missing("proc"))
    }

    fn space(&self, path: &str) -> Result<Space, HostError> {
        Err(missing(path.trim_start_matches('/')))
    }
}

fn missing(path: &str) -> HostError {
    let source = io::Error::new(io::ErrorKind::NotFound, "it was not given");
    HostError::Read { path: path.to_owned(), source }
}
