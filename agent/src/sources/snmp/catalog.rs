//! The profiles that are compiled in, and what is looked up in all of them.

use std::{collections::BTreeMap, sync::OnceLock};

use super::{
    files::FILES,
    profile::{OidText, Profile},
};
use crate::host::Oid;

/// All profiles.
pub(super) fn all() -> &'static [Profile] {
    static ALL: OnceLock<Vec<Profile>> = OnceLock::new();
    ALL.get_or_init(|| {
        let read = |(_, text): &(&str, &str)| {
            parse(text).expect("profiles are compiled in, and a test reads each of them")
        };
        FILES.iter().map(|it| lay_out(read(it), read)).collect()
    })
}

/// Adds the tables of the family that a profile is like, at their places here.
fn lay_out(mut profile: Profile, read: impl Fn(&(&str, &str)) -> Profile) -> Profile {
    let Some(like) = &profile.like else { return profile };
    let Some(file) = FILES.iter().find(|(name, _)| *name == like.profile) else { return profile };
    let mut other = read(file);
    let place = |oid: &mut OidText| {
        if let Some(rest) = oid.0.after(&like.from.0) {
            *oid = OidText(like.to.0.with(rest));
        }
    };
    for table in &mut other.tables {
        place(&mut table.entry);
        table.beside.values_mut().for_each(place);
    }
    profile.enums.extend(other.enums);
    profile.tables.extend(other.tables);
    profile
}

/// By way of a table, as the configuration is read: the binary then holds one parser of text, not one a type.
fn parse(text: &str) -> Result<Profile, toml::de::Error> {
    text.parse::<toml::Table>()?.try_into()
}

/// The identifier of a column by its name in a MIB, for walks that were saved with names. A name that two MIBs use is
/// none.
pub(super) fn symbol(name: &str) -> Option<Oid> {
    static SYMBOLS: OnceLock<BTreeMap<&str, Option<Oid>>> = OnceLock::new();
    let symbols = SYMBOLS.get_or_init(|| {
        let mut symbols = BTreeMap::new();
        for table in all().iter().flat_map(|it| &it.tables) {
            let columns = table.columns.keys().filter_map(|it| Some((it, table.column(it)?)));
            let beside = table.beside.iter().map(|(name, oid)| (name, oid.0.clone()));
            for (name, oid) in columns.chain(beside) {
                let known = symbols.entry(name.as_str()).or_insert_with(|| Some(oid.clone()));
                if known.as_ref() != Some(&oid) {
                    *known = None;
                }
            }
        }
        symbols
    });
    symbols.get(name).cloned().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::snmp::{metrics, profile::Table};

    #[test]
    fn every_profile_can_be_read_and_refers_to_what_is_there() {
        for (file, text) in FILES {
            let read = |text: &str| parse(text).unwrap_or_else(|error| panic!("{file}: {error}"));
            let profile = lay_out(read(text), |(_, text)| read(text));
            assert!(profile.like.is_none() || !profile.tables.is_empty(), "{file}: like none");
            assert_eq!(profile.name, *file);
            assert!(profile.follows.contains("MIB"), "{file}: which MIB does it follow?");
            assert!(profile.part || !profile.matches.is_empty() || *file == "generic", "{file}");
            for part in &profile.parts {
                assert!(Profile::named(part).is_some(), "{file}: part {part}");
            }
            let facts = &profile.device;
            for fact in facts.model.iter().chain(&facts.serial).chain(&facts.firmware) {
                let (table, column) = fact.split_once('.').unwrap();
                let table = profile.tables.iter().find(|it| it.name == table);
                assert!(table.is_some_and(|it| it.columns.contains_key(column)), "{file}: {fact}");
            }
            for table in &profile.tables {
                check(file, &profile, table);
            }
        }
    }

    fn check(file: &str, profile: &Profile, table: &Table) {
        let has = |column: &str| {
            let known = table.columns.contains_key(column) || table.beside.contains_key(column);
            assert!(known, "{file} {}: no column {column}", table.name);
        };
        table.only.iter().chain(&table.unless).for_each(|it| has(&it.column));
        table.serial.iter().chain(&table.wwn).for_each(|it| has(it));
        for it in &table.health {
            has(&it.column);
            assert!(profile.enums.contains_key(&it.map), "{file}: no enumeration {}", it.map);
        }
        for it in &table.words {
            has(&it.column);
            assert!(profile.enums.contains_key(&it.map), "{file}: no enumeration {}", it.map);
            assert!(metrics::state(&it.state).is_some(), "{file}: no state {}", it.state);
        }
        for it in &table.numbers {
            has(&it.column);
            it.times.iter().for_each(|it| has(it));
            it.sensor.iter().for_each(|(scale, decimals)| {
                [scale, decimals].map(|it| has(it)).into_iter().for_each(drop)
            });
            assert!(metrics::number(&it.metric).is_some(), "{file}: no metric {}", it.metric);
        }
        let patterns = table.place.iter().chain(&table.label).chain(table.attrs.values());
        for pattern in patterns {
            for name in pattern.split('{').skip(1).filter_map(|it| it.split('}').next()) {
                if name != "index" && !name.starts_with("index:") {
                    has(name.split('<').next().unwrap());
                }
            }
        }
        if let Some(kind) = &table.kind {
            assert!(xunjian_proto::Kind::named(kind).is_some(), "{file}: no kind {kind}");
        }
    }

    #[test]
    fn a_name_that_two_mibs_use_is_no_symbol() {
        let oid = |text: &str| text.parse::<Oid>().ok();
        assert_eq!(symbol("ifOperStatus"), oid("1.3.6.1.2.1.2.2.1.8"));
        assert_eq!(symbol("ifName"), oid("1.3.6.1.2.1.31.1.1.1.1"));
        assert_eq!((symbol("version"), symbol("noSuchName")), (None, None));
    }
}
