//! One template: English with slots, and the Chinese that stands for it.
//!
//! `{name}` takes a name: anything without `: `, the mark between a text and its cause. `{count:number}` takes a number,
//! `{what:quoted}` a text in double quotes, `{metric:metric}` the name of a metric, which Chinese readers get in Chinese.
//! `{why:text}` takes any text, which must be known itself; `{line:said}` takes what a tool said, in Chinese only if it is
//! known. A slot whose name begins with `_` has nothing to say in Chinese.

use std::borrow::Cow;

/// A template.
#[derive(Debug)]
pub(super) struct Template {
    en: Vec<Part>,
    zh: Vec<Part>,
    kinds: Vec<Kind>,
    /// Bytes of English that are not slots.
    pub(super) letters: usize,
    /// The English as it was given.
    pub(super) source: String,
}

#[derive(Debug)]
enum Part {
    Words(String),
    Slot(usize),
}

/// What a slot takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Anything without `: `.
    Name,
    /// Digits, with sign or point.
    Number,
    /// A text in double quotes.
    Quoted,
    /// A metric's name.
    Metric,
    /// A text that must be known.
    Text,
    /// Words that are not the agent's.
    Said,
}

/// What a text has in the slots.
pub(super) type Bound<'a> = Vec<(Kind, &'a str)>;

/// Most places that are tried for the slots of one text: enough for any real one, and an end for a strange one.
const TRIES_MAX: usize = 2_000;

impl Template {
    /// Reads a template. Both languages must have the same slots, and slots must have words between them.
    pub(super) fn parse(en: &str, zh: &str) -> Result<Template, String> {
        let mut names: Vec<&str> = Vec::new();
        let mut kinds = Vec::new();
        let mut parts = Vec::new();
        for piece in pieces(en)? {
            match piece {
                Piece::Words(words) => parts.push(Part::Words(words.to_owned())),
                Piece::Slot(slot) => {
                    let (name, kind) = slot.split_once(':').unwrap_or((slot, "name"));
                    if names.contains(&name) {
                        return Err(format!("{{{name}}} is there twice"));
                    }
                    if matches!(parts.last(), Some(Part::Slot(_))) {
                        return Err(format!("no words before {{{name}}}"));
                    }
                    parts.push(Part::Slot(names.len()));
                    names.push(name);
                    kinds.push(Kind::named(kind)?);
                }
            }
        }
        let letters = parts.iter().filter_map(words_of).map(str::len).sum();
        let zh = spoken(zh, &names)?;
        Ok(Template { en: parts, zh, kinds, letters, source: en.to_owned() })
    }

    /// Words that every text of this template has with blanks or its ends around them.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.source.split_whitespace().filter(|it| !it.contains(['{', '}']))
    }

    /// The words between the slots.
    pub(super) fn literals(&self) -> impl Iterator<Item = &str> {
        self.en.iter().filter_map(words_of)
    }

    /// What the slots take of a text; none if it is not one of this template.
    pub(super) fn bind<'a>(&self, text: &'a str) -> Option<Bound<'a>> {
        let mut bound = Vec::with_capacity(self.kinds.len());
        let fits = self.fits(&self.en, text, &mut bound, &mut 0);
        fits.then(|| self.kinds.iter().copied().zip(bound).collect())
    }

    /// Whether the rest of a template takes the rest of a text; each slot as little of it as the others let it.
    fn fits<'a>(
        &self,
        parts: &[Part],
        text: &'a str,
        bound: &mut Vec<&'a str>,
        tries: &mut usize,
    ) -> bool {
        match parts {
            [] => text.is_empty(),
            [Part::Words(words), rest @ ..] => text
                .strip_prefix(words.as_str())
                .is_some_and(|text| self.fits(rest, text, bound, tries)),
            [Part::Slot(slot)] => {
                bound.push(text);
                self.kinds[*slot].takes(text)
            }
            [Part::Slot(slot), rest @ ..] => {
                let next = rest.first().and_then(words_of).unwrap_or_default();
                let filled = bound.len();
                for (at, _) in text.match_indices(next) {
                    *tries += 1;
                    if *tries > TRIES_MAX {
                        return false;
                    }
                    if !self.kinds[*slot].takes(&text[..at]) {
                        continue;
                    }
                    bound.truncate(filled);
                    bound.push(&text[..at]);
                    if self.fits(rest, &text[at..], bound, tries) {
                        return true;
                    }
                }
                false
            }
        }
    }

    /// The Chinese, with what each slot is to say.
    pub(super) fn fill<'a>(&self, mut slot: impl FnMut(usize) -> Cow<'a, str>) -> String {
        let mut text = String::new();
        for part in &self.zh {
            match part {
                Part::Words(words) => text.push_str(words),
                Part::Slot(number) => text.push_str(&slot(*number)),
            }
        }
        text
    }
}

/// The parts of the Chinese, which has each of these slots.
fn spoken(zh: &str, names: &[&str]) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut used = vec![false; names.len()];
    for piece in pieces(zh)? {
        parts.push(match piece {
            Piece::Words(words) => Part::Words(words.to_owned()),
            Piece::Slot(name) => {
                let slot = names.iter().position(|it| *it == name);
                let slot = slot.ok_or_else(|| format!("the English has no {{{name}}}"))?;
                used[slot] = true;
                Part::Slot(slot)
            }
        });
    }
    match (0..names.len()).find(|it| !used[*it] && !names[*it].starts_with('_')) {
        Some(slot) => Err(format!("the Chinese has no {{{}}}", names[slot])),
        None => Ok(parts),
    }
}

fn words_of(part: &Part) -> Option<&str> {
    match part {
        Part::Words(words) => Some(words),
        Part::Slot(_) => None,
    }
}

impl Kind {
    fn named(name: &str) -> Result<Kind, String> {
        Ok(match name {
            "name" => Kind::Name,
            "number" => Kind::Number,
            "quoted" => Kind::Quoted,
            "metric" => Kind::Metric,
            "text" => Kind::Text,
            "said" => Kind::Said,
            _ => return Err(format!("no kind of slot: {name}")),
        })
    }

    fn takes(self, text: &str) -> bool {
        match self {
            Kind::Name => !text.is_empty() && !text.contains(": "),
            Kind::Number => {
                let digits = text.strip_prefix('-').unwrap_or(text);
                digits.starts_with(|it: char| it.is_ascii_digit())
                    && digits.bytes().all(|it| it.is_ascii_digit() || it == b'.')
            }
            Kind::Quoted => text.len() >= 2 && text.starts_with('"') && text.ends_with('"'),
            Kind::Metric => {
                !text.is_empty()
                    && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"._".contains(&it))
            }
            Kind::Text => !text.is_empty(),
            // `status 1: ` with nothing behind it is said too.
            Kind::Said => true,
        }
    }
}

enum Piece<'a> {
    Words(&'a str),
    Slot(&'a str),
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((words, tail)) = rest.split_once('{') {
        if !words.is_empty() {
            pieces.push(Piece::Words(words));
        }
        let (slot, tail) = tail.split_once('}').ok_or("a slot without end")?;
        pieces.push(Piece::Slot(slot));
        rest = tail;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Words(rest));
    }
    Ok(pieces)
}
