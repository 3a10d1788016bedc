//! Reads rule files. Every mistake of every file is told at once, with its line and the nearest right name; a file with
//! a mistake is refused whole, and the others go on.
//!
//! The format is described in `rules/library/README.md`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs, io,
    path::Path,
};

use toml::de::DeTable;

use crate::{
    KnownMetric, MetricId, MetricKind, Rule, RuleSet, Score, nearest,
    rule::{Condition, How, Operand},
};

mod table;

mod condition;

mod message;

mod example;

mod rule;

mod score;

/// Most bytes of a rule file; the largest of the library has a tenth of it.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// One thing that is wrong in a rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// File name.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What was wanted, what was found, what to do.
    pub text: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

/// Reads rule files, given as (name, text), against the names that sources declare. What comes back is complete for the
/// files that the mistakes do not name.
pub fn load(files: &[(String, String)], known: &[KnownMetric]) -> (RuleSet, Vec<Mistake>) {
    let known: BTreeMap<&str, &KnownMetric> =
        known.iter().map(|metric| (metric.name.as_str(), metric)).collect();
    let mut set = RuleSet::default();
    let mut mistakes = Vec::new();
    for (file, text) in files {
        let mut reader = Reader::new(file, text, &known, &set);
        let rules = reader.file();
        let Reader { ids, scores, mistakes: mut found, .. } = reader;
        if found.is_empty() {
            set.ids = ids;
            set.rules.extend(rules);
            set.scores.extend(scores);
        }
        mistakes.append(&mut found);
    }
    set.rules.sort_by(|a, b| a.id.cmp(&b.id));
    let mut names: Vec<(&String, &MetricId)> = set.ids.iter().collect();
    names.sort_by_key(|(_, id)| **id);
    set.metrics = names
        .into_iter()
        .filter_map(|(name, _)| known.get(name.as_str()).map(|metric| (*metric).clone()))
        .collect();
    set.windows = windows(&set);
    (set, mistakes)
}

/// Reads all `*.toml` of a folder, in the order of their names.
pub fn load_folder(folder: &Path) -> io::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "toml") {
            if fs::metadata(&path)?.len() > FILE_BYTES_MAX {
                let text = format!("{} is larger than {FILE_BYTES_MAX} bytes", path.display());
                return Err(io::Error::other(text));
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, fs::read_to_string(&path)?));
        }
    }
    files.sort();
    Ok(files)
}

/// What of each metric must be kept: every window of every rule, and what ageing and messages look back over.
fn windows(set: &RuleSet) -> Vec<Vec<std::time::Duration>> {
    let mut windows = vec![Vec::new(); set.metrics.len()];
    let mut want = |id: MetricId, window: Option<std::time::Duration>| {
        if let Some(window) = window {
            windows[usize::from(id.0)].push(window);
        }
    };
    let of_rules = set.rules.iter().flat_map(|rule| {
        let both = [Some(&rule.when), rule.clear_when.as_ref()];
        both.into_iter().flatten().map(|it| (it, rule.age))
    });
    let of_scores = set.scores.iter().flat_map(|it| it.parts.iter().map(|part| (&part.when, None)));
    for (condition, age) in of_rules.chain(of_scores) {
        condition.each(&mut |test| match test {
            Condition::Number(test) => {
                let other = match &test.against {
                    Operand::Measure { measure, .. } => Some(measure),
                    Operand::Const(_) => None,
                };
                for measure in [Some(&test.measure), other].into_iter().flatten() {
                    want(measure.metric, measure.how.window().or(age));
                    if let How::Share { of, window, .. } = measure.how {
                        want(of, Some(window));
                    }
                }
            }
            Condition::State(test) => match &test.word {
                crate::Word::ChangedIn { window, .. } | crate::Word::FellFrom { window, .. } => {
                    want(test.metric, Some(*window));
                }
                _ => {}
            },
            Condition::Event(test) => {
                test.metrics.iter().for_each(|id| want(*id, Some(test.window)));
            }
            _ => {}
        });
    }
    for list in &mut windows {
        list.sort_unstable();
        list.dedup();
    }
    windows
}

/// Reads one file and collects its mistakes.
struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    known: &'a BTreeMap<&'a str, &'a KnownMetric>,
    earlier: &'a RuleSet,
    ids: BTreeMap<String, MetricId>,
    /// The file's own; conditions see these after the earlier files'.
    scores: Vec<Score>,
    mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    fn new(
        file: &'a str,
        text: &'a str,
        known: &'a BTreeMap<&'a str, &'a KnownMetric>,
        earlier: &'a RuleSet,
    ) -> Reader<'a> {
        let ids = earlier.ids.clone();
        Reader { file, text, known, earlier, ids, scores: Vec::new(), mistakes: Vec::new() }
    }

    fn file(&mut self) -> Vec<Rule> {
        let (tree, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let at = error.span().unwrap_or(0..0);
            self.mistake(at.start, error.message().to_owned());
        }
        if !self.mistakes.is_empty() {
            return Vec::new();
        }
        let span = tree.span();
        let tree = tree.into_inner();
        let top = table::Table::new(&tree, span);
        top.check(self, "a rule file", &["source", "score", "rule"]);
        let source = top.text(self, "source").unwrap_or_default().to_owned();
        self.check_source(top.offset_of("source"), &source);
        for entry in top.tables(self, "score") {
            self.score(&entry);
        }
        let mut rules: Vec<Rule> = Vec::new();
        for entry in top.tables(self, "rule") {
            let Some(rule) = self.rule(&entry, &source) else { continue };
            if rules.iter().chain(&self.earlier.rules).any(|other| other.id == rule.id) {
                let text = format!("there is already a rule `{}`; ids must be unique", rule.id);
                self.mistakes.push(Mistake { file: self.file.to_owned(), line: rule.line, text });
            }
            rules.push(rule);
        }
        if rules.is_empty() && self.mistakes.is_empty() {
            self.mistake(0, "a rule file needs at least one [[rule]]".to_owned());
        }
        rules
    }

    fn check_source(&mut self, offset: usize, source: &str) {
        let all = self.known.values().flat_map(|it| {
            std::iter::once(it.source.as_str()).chain(it.also.iter().map(|(name, _)| name.as_str()))
        });
        let all: BTreeSet<&str> = all.collect();
        if !source.is_empty() && !all.contains(source) {
            let hint = did_you_mean(nearest(source, all));
            self.mistake(offset, format!("there is no source `{source}`{hint}"));
        }
    }

    fn line(&self, offset: usize) -> usize {
        let upto = &self.text.as_bytes()[..offset.min(self.text.len())];
        upto.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn mistake(&mut self, offset: usize, text: impl Into<String>) {
        let line = self.line(offset);
        self.mistakes.push(Mistake { file: self.file.to_owned(), line, text: text.into() });
    }

    /// The number of a declared name of one of these kinds; says what would be right otherwise.
    fn metric(&mut self, offset: usize, name: &str, kinds: &[MetricKind]) -> Option<MetricId> {
        let wanted = kinds.iter().map(|kind| kind.label()).collect::<Vec<_>>().join(" or ");
        let Some(found) = self.known.get(name) else {
            let near = self
                .known
                .values()
                .filter(|metric| kinds.contains(&metric.kind))
                .map(|metric| metric.name.as_str());
            let hint = did_you_mean(nearest(name, near));
            self.mistake(offset, format!("no source declares a {wanted} `{name}`{hint}"));
            return None;
        };
        if !kinds.contains(&found.kind) {
            let kind = found.kind.label();
            self.mistake(offset, format!("`{name}` is a {kind}, wanted a {wanted}"));
            return None;
        }
        Some(self.intern(name))
    }

    fn intern(&mut self, name: &str) -> MetricId {
        // More than 65,535 names do not fit in a file of FILE_BYTES_MAX and are declared by no set of sources.
        let next = MetricId(u16::try_from(self.ids.len()).unwrap_or(u16::MAX));
        *self.ids.entry(name.to_owned()).or_insert(next)
    }
}

fn did_you_mean(near: Option<&str>) -> String {
    near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}
