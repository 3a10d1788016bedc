//! What could not be read and why, in Chinese.
//!
//! Problems, outcomes and other texts of the agent are stored as they were said, in English, so that they can be traced
//! to the code and to the tool behind them. Whoever shows one to a reader of Chinese asks here. Each of the files beside
//! this one gives Chinese for a part of the texts: a template with slots, and the sentence that stands for it. What no
//! template knows stays as it is: a tool's own complaint is proof, and is quoted.
//!
//! Texts of several parts (`sda: cannot read /x: Permission denied`) are put together from the templates of their parts.
//! The agent itself does not use this module, not even for `once`: it would make the binary that goes to every host some
//! 90 KiB larger. Tests keep the templates in step with the sources' texts.

use std::{
    borrow::Cow,
    cell::Cell,
    collections::{BTreeSet, HashMap},
    sync::OnceLock,
};

mod template;

use template::{Bound, Kind, Template};

/// The files of templates, by what the texts are about. Those of `system` are not the agent's: errno(3), the standard
/// library, parsers.
pub const FILES: [(&str, &str); 8] = [
    ("agent", include_str!("agent.toml")),
    ("clusters", include_str!("clusters.toml")),
    ("devices", include_str!("devices.toml")),
    ("disks", include_str!("disks.toml")),
    ("machine", include_str!("machine.toml")),
    ("network", include_str!("network.toml")),
    ("system", include_str!("system.toml")),
    ("volumes", include_str!("volumes.toml")),
];

/// Most parts of a text that are looked at one by one; what is behind them is one part.
const PARTS_MAX: usize = 10;

/// How often a slot is looked into for a text of its own: errors have causes, but few.
const DEPTH_MAX: usize = 5;

/// Longest text that is looked at: the agent's own are at most 1,000 bytes.
const TEXT_BYTES_MAX: usize = 4 * 1024;

/// Most templates that are tried for one text and all its parts: some tens are for any real one.
const TRIES_MAX: usize = 20_000;

/// The text in Chinese; as it is if no template knows any of it.
pub fn zh(text: &str) -> Cow<'_, str> {
    match catalogue().speak(text, 0, &Cell::new(TRIES_MAX)) {
        Some(spoken) => Cow::Owned(spoken.text),
        None => Cow::Borrowed(text),
    }
}

/// Whether templates know all of the text but for names and what tools said: nothing of it is the agent's own English.
pub fn is_known(text: &str) -> bool {
    catalogue().speak(text, 0, &Cell::new(TRIES_MAX)).is_some_and(|it| it.whole)
}

/// The words between the slots of each template of a file, for the test that looks for them in the code; the mistake
/// for each line that is no template.
pub fn literals(file: &str) -> Vec<Result<Vec<String>, String>> {
    let words = |it: Template| it.literals().map(str::to_owned).collect();
    templates(file).into_iter().map(|it| it.map(words)).collect()
}

/// A text in Chinese.
struct Spoken {
    text: String,
    /// Nothing that the agent said itself is left in English.
    whole: bool,
}

/// All templates, found by the rarest word of each.
struct Catalogue {
    templates: Vec<Template>,
    by_word: HashMap<String, Vec<usize>>,
}

fn catalogue() -> &'static Catalogue {
    static ALL: OnceLock<Catalogue> = OnceLock::new();
    // A line with a mistake gives less Chinese; the test says so.
    ALL.get_or_init(|| Catalogue::new(FILES.iter().flat_map(|(_, text)| templates(text)).flatten()))
}

/// The templates of one file; the mistake for each line that is none. Each line is read for itself, so that one that is
/// there twice takes no other with it.
fn templates(file: &str) -> Vec<Result<Template, String>> {
    let lines = file.lines().filter(|it| !it.is_empty() && !it.starts_with('#'));
    lines.map(|line| template(line).map_err(|why| format!("{line}: {why}"))).collect()
}

fn template(line: &str) -> Result<Template, String> {
    let table: toml::Table = line.parse().map_err(|it: toml::de::Error| it.message().to_owned())?;
    match table.iter().next() {
        Some((en, toml::Value::String(zh))) => Template::parse(en, zh),
        _ => Err("want `'ENGLISH' = 'CHINESE'`".to_owned()),
    }
}

impl Catalogue {
    fn new(all: impl Iterator<Item = Template>) -> Catalogue {
        let mut templates: Vec<Template> = all.collect();
        // The one with the most words of its own fits best.
        templates.sort_by_key(|it| std::cmp::Reverse(it.letters));
        let mut often: HashMap<&str, usize> = HashMap::new();
        for word in templates.iter().flat_map(Template::words) {
            *often.entry(word).or_default() += 1;
        }
        let mut by_word: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, template) in templates.iter().enumerate() {
            let rarest = template.words().min_by_key(|it| (often[*it], usize::MAX - it.len()));
            by_word.entry(rarest.unwrap_or_default().to_owned()).or_default().push(index);
        }
        Catalogue { templates, by_word }
    }

    /// One template for the whole text, or one for each of its parts: what leaves the least in English. `left` is how many
    /// more templates may be tried.
    fn speak(&self, text: &str, depth: usize, left: &Cell<usize>) -> Option<Spoken> {
        if text.len() > TEXT_BYTES_MAX || depth > DEPTH_MAX {
            return None;
        }
        let one = self.whole(text, depth, left);
        if one.as_ref().is_some_and(|it| it.whole) {
            return one;
        }
        let many = self.parts(text, depth, left);
        if many.as_ref().is_some_and(|it| it.whole) { many } else { one.or(many) }
    }

    fn whole(&self, text: &str, depth: usize, left: &Cell<usize>) -> Option<Spoken> {
        // Templates without a word of their own are filed under the empty one.
        let words: BTreeSet<&str> = text.split_whitespace().chain([""]).collect();
        let mut candidates: Vec<usize> =
            words.iter().filter_map(|it| self.by_word.get(*it)).flatten().copied().collect();
        candidates.sort_unstable();
        let mut best: Option<Spoken> = None;
        for it in candidates {
            left.set(left.get().checked_sub(1)?);
            let template = &self.templates[it];
            if let Some(bound) = template.bind(text) {
                let spoken = self.fill(template, &bound, depth, left);
                if spoken.whole {
                    return Some(spoken);
                }
                best = best.or(Some(spoken));
            }
        }
        best
    }

    fn fill(
        &self,
        template: &Template,
        bound: &Bound<'_>,
        depth: usize,
        left: &Cell<usize>,
    ) -> Spoken {
        let mut whole = true;
        let text = template.fill(|slot| {
            let (kind, said) = bound[slot];
            let inner = match kind {
                Kind::Text | Kind::Said => self.speak(said, depth + 1, left),
                _ => None,
            };
            whole &= kind != Kind::Text || inner.as_ref().is_some_and(|it| it.whole);
            match (kind, inner) {
                (_, Some(inner)) => Cow::Owned(inner.text),
                (Kind::Metric, None) => match crate::names::zh(said) {
                    Some(zh) => Cow::Owned(format!("{zh} {said}")),
                    None => Cow::Borrowed(said),
                },
                _ => Cow::Borrowed(said),
            }
        });
        Spoken { text, whole }
    }

    /// `what: why: cause`, from behind: what stands before a known text is known too, or the name of a thing.
    fn parts(&self, text: &str, depth: usize, left: &Cell<usize>) -> Option<Spoken> {
        let mut begins: Vec<usize> = vec![0];
        begins.extend(text.match_indices(": ").map(|(at, mark)| at + mark.len()).take(PARTS_MAX));
        let mut behind: Vec<Option<Spoken>> = Vec::new();
        for (at, begin) in begins.iter().enumerate().rev() {
            // The text itself was looked at before.
            let own = if at == 0 { None } else { self.whole(&text[*begin..], depth, left) };
            let tails = begins[at + 1..].iter().map(|it| text.len() - it).zip(behind.iter().rev());
            let found = own.or_else(|| self.headed(&text[*begin..], tails, depth, left));
            behind.push(found);
        }
        behind.pop().flatten().or_else(|| {
            // A known beginning, and the words of a tool behind it.
            begins[1..].iter().rev().find_map(|next| {
                let head = self.whole(&text[..*next - MARK.len()], depth, left)?;
                let text = format!("{}：{}", head.text, &text[*next..]);
                Some(Spoken { text, whole: false })
            })
        })
    }

    /// The first known tail with what stands before it, best with a known head. The tails end where the text ends.
    fn headed<'a>(
        &self,
        text: &str,
        tails: impl Iterator<Item = (usize, &'a Option<Spoken>)>,
        depth: usize,
        left: &Cell<usize>,
    ) -> Option<Spoken> {
        let mut named = None;
        for (length, tail) in tails {
            let Some(tail) = tail else { continue };
            let head = &text[..text.len() - length - MARK.len()];
            match self.whole(head, depth, left) {
                Some(it) => return Some(joined(&it.text, tail, it.whole)),
                None => named = named.or(Some((head, tail))),
            }
        }
        named.map(|(head, tail)| joined(head, tail, is_name(head)))
    }
}

/// What stands between a text and its cause.
const MARK: &str = ": ";

fn joined(head: &str, tail: &Spoken, whole: bool) -> Spoken {
    Spoken { text: format!("{head}：{}", tail.text), whole: whole && tail.whole }
}

/// Whether this may be what a thing is called: a path, a device, one word. Several plain words are a sentence.
fn is_name(text: &str) -> bool {
    text.contains(|it: char| !it.is_ascii_lowercase() && it != ' ')
        || text.split(' ').filter(|it| it.len() > 2).count() < 2
}

#[cfg(test)]
mod tests;
