//! A TOML table that remembers where it stands, with getters that note mistakes instead of stopping.

use std::{ops::Range, time::Duration};

use serde::Deserialize;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{Text, duration, nearest, read::Reader};

/// A table and its place in the file.
pub(super) struct Table<'t> {
    table: &'t DeTable<'t>,
    span: Range<usize>,
}

impl<'t> Table<'t> {
    pub(super) fn new(table: &'t DeTable<'t>, span: Range<usize>) -> Table<'t> {
        Table { table, span }
    }

    pub(super) fn of(value: &'t Spanned<DeValue<'t>>) -> Option<Table<'t>> {
        value.get_ref().as_table().map(|table| Table { table, span: value.span() })
    }

    /// Where the table begins.
    pub(super) fn offset(&self) -> usize {
        self.span.start
    }

    /// Where a key's value stands, or the table without it.
    pub(super) fn offset_of(&self, key: &str) -> usize {
        self.get(key).map_or(self.span.start, |value| value.span().start)
    }

    pub(super) fn get(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.table.get(key)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Keys with their places, in the order of the file.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'t str, &'t Spanned<DeValue<'t>>)> {
        self.table.iter().map(|(key, value)| (key.get_ref().as_ref(), value))
    }

    /// Notes every key that is not among the allowed ones.
    pub(super) fn check(&self, reader: &mut Reader<'_>, what: &str, allowed: &[&str]) {
        for (key, _) in self.table {
            let name: &str = key.get_ref();
            if !allowed.contains(&name) {
                let hint = match nearest(name, allowed.iter().copied()) {
                    Some(near) => format!("; did you mean `{near}`?"),
                    None => format!("; it takes {}", allowed.join(", ")),
                };
                reader.mistake(key.span().start, format!("{what} has no key `{name}`{hint}"));
            }
        }
    }

    /// A text that must be there.
    pub(super) fn text(&self, reader: &mut Reader<'_>, key: &str) -> Option<&'t str> {
        if !self.has(key) {
            reader.mistake(self.span.start, format!("`{key}` is missing"));
        }
        self.text_if(reader, key)
    }

    /// A text that may be missing.
    pub(super) fn text_if(&self, reader: &mut Reader<'_>, key: &str) -> Option<&'t str> {
        let value = self.get(key)?;
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => Some(text),
            _ => {
                reader.mistake(value.span().start, format!("`{key}` must be a text"));
                None
            }
        }
    }

    /// `{ zh = "..", en = ".." }`, both filled.
    pub(super) fn both(&self, reader: &mut Reader<'_>, key: &str) -> Text {
        let Some(value) = self.get(key) else {
            reader.mistake(self.span.start, format!("`{key}` is missing"));
            return Text::default();
        };
        let Some(inner) = Table::of(value) else {
            let text = format!("`{key}` must be {{ zh = \"..\", en = \"..\" }}");
            reader.mistake(value.span().start, text);
            return Text::default();
        };
        inner.check(reader, key, &["zh", "en"]);
        let zh = inner.text(reader, "zh").unwrap_or_default();
        Text::new(zh, inner.text(reader, "en").unwrap_or_default())
    }

    /// A length of time that may be missing.
    pub(super) fn duration(&self, reader: &mut Reader<'_>, key: &str) -> Option<Duration> {
        let text = self.text_if(reader, key)?;
        match duration::parse(text) {
            Ok(duration) => Some(duration),
            Err(why) => {
                reader.mistake(self.offset_of(key), format!("`{key}`: {why}"));
                None
            }
        }
    }

    /// A length of time to look back over: from a minute to 400 days, which is how long health readings are kept.
    pub(super) fn window(&self, reader: &mut Reader<'_>, key: &str) -> Option<Duration> {
        let window = self.duration(reader, key)?;
        let bounds = Duration::from_secs(60)..=crate::days(400);
        if !bounds.contains(&window) {
            reader.mistake(self.offset_of(key), format!("`{key}` must lie between 1m and 400d"));
            return None;
        }
        Some(window)
    }

    /// A whole number from 1.
    pub(super) fn count(&self, reader: &mut Reader<'_>, key: &str) -> Option<u32> {
        let value = self.get(key)?;
        let count = value.get_ref().as_integer().and_then(|it| it.as_str().parse().ok());
        match count {
            Some(count) if (1..=1_000_000).contains(&count) => Some(count),
            _ => {
                reader
                    .mistake(value.span().start, format!("`{key}` must be a whole number from 1"));
                None
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn yes(&self, reader: &mut Reader<'_>, key: &str) -> bool {
        let value = self.get(key);
        let word = value.and_then(|it| it.get_ref().as_bool());
        if word.is_none() {
            reader.mistake(self.offset_of(key), format!("`{key}` must be true or false"));
        }
        word.unwrap_or_default()
    }

    /// A number without a unit.
    pub(super) fn number(&self, reader: &mut Reader<'_>, key: &str) -> Option<f64> {
        let value = self.get(key)?;
        let number = plain(value.get_ref());
        if number.is_none() {
            reader.mistake(value.span().start, format!("`{key}` must be a number"));
        }
        number
    }

    /// A text, or several.
    pub(super) fn words(&self, reader: &mut Reader<'_>, key: &str) -> Option<Vec<String>> {
        let value = self.get(key)?;
        let words: Option<Vec<String>> = match value.get_ref() {
            DeValue::String(word) => Some(vec![word.to_string()]),
            DeValue::Array(list) => {
                list.iter().map(|it| it.get_ref().as_str().map(str::to_owned)).collect()
            }
            _ => None,
        };
        match words {
            Some(words) if !words.is_empty() => Some(words),
            _ => {
                reader.mistake(
                    value.span().start,
                    format!("`{key}` must be a text or a list of texts"),
                );
                None
            }
        }
    }

    /// `{ "name" = "value" }`, sorted by name.
    pub(super) fn attrs(
        &self,
        reader: &mut Reader<'_>,
        key: &str,
    ) -> Option<Vec<(String, String)>> {
        let value = self.get(key)?;
        let pairs: Option<Vec<(String, String)>> = Table::of(value).and_then(|table| {
            table
                .entries()
                .map(|(name, it)| Some((name.to_owned(), it.get_ref().as_str()?.to_owned())))
                .collect()
        });
        match pairs {
            Some(mut pairs) => {
                pairs.sort();
                Some(pairs)
            }
            None => {
                let text = format!("`{key}` must be a table of texts: {{ \"name\" = \"value\" }}");
                reader.mistake(value.span().start, text);
                None
            }
        }
    }

    /// A list of tables; none without the key.
    pub(super) fn tables(&self, reader: &mut Reader<'_>, key: &str) -> Vec<Table<'t>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let tables: Option<Vec<Table<'t>>> =
            value.get_ref().as_array().and_then(|list| list.iter().map(Table::of).collect());
        if tables.is_none() {
            reader.mistake(value.span().start, format!("`{key}` must be a list of tables"));
        }
        tables.unwrap_or_default()
    }

    /// One of the words that a type is written with in files; the mistake lists them.
    pub(super) fn word<T: for<'d> Deserialize<'d>>(
        &self,
        reader: &mut Reader<'_>,
        key: &str,
        allowed: &[&str],
    ) -> Option<T> {
        let text = self.text_if(reader, key)?;
        let value = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(text);
        let parsed = T::deserialize(value).ok();
        if parsed.is_none() {
            let wanted = allowed.join(", ");
            reader.mistake(self.offset_of(key), format!("`{key}` is `{text}`, wanted {wanted}"));
        }
        parsed
    }
}

/// An integer or float of the file.
pub(super) fn plain(value: &DeValue<'_>) -> Option<f64> {
    let text = match value {
        DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
        DeValue::Float(float) => float.as_str(),
        _ => return None,
    };
    text.replace('_', "").parse().ok().filter(|number: &f64| number.is_finite())
}
