//! How makers of drives pack their raw values, by model: the table `families.toml`, which ships with the program.
//!
//! Facts: smartmontools' drivedb.h (default formats `5,raw16(raw16)` and `196,raw16(raw16)`; Seagate's 1, 7 and 195 as
//! 16-bit errors over 32-bit operations, 188 as three 16-bit counters, 240 as hours with milliseconds above) and the
//! makers' manuals. The table says what a number *is*; what it *means* for a drive's future is the collector's to judge.
//!
//! Invariant: a model that the table does not know is decoded by the standard's defaults only, and is marked as unknown.

use std::sync::OnceLock;

use serde::Deserialize;

/// The file as it ships.
const TEXT: &str = include_str!("families.toml");

/// Component attribute with the family's name; [`UNKNOWN`] for an ATA drive that the table does not know.
pub const FAMILY_ATTR: &str = "hw.drive.family";

/// Component attribute with the maker.
pub const MAKER_ATTR: &str = "hw.drive.maker";

/// Component attribute with the version of the table that the drive was decoded with.
pub const TABLE_ATTR: &str = "hw.drive.table";

/// The family of a model that is in no family.
pub const UNKNOWN: &str = "unknown";

/// The table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Year, month and number within the month: `2026.11.1`.
    pub version: String,
    /// The first that fits a model counts.
    #[serde(rename = "family")]
    pub families: Vec<Family>,
}

/// Drives that pack their values alike.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// `seagate-hdd`.
    pub name: String,
    /// `seagate`.
    pub maker: String,
    /// What it is.
    pub kind: Kind,
    /// Patterns of model names in capitals: `#` is a digit, `*` anything.
    pub models: Vec<String>,
    /// Attributes whose raw value is not the number itself.
    #[serde(default)]
    pub packed: Vec<Packed>,
    /// Attributes by which flash tells its wear, the surest first.
    #[serde(default)]
    pub wear: Vec<Wear>,
}

/// Kinds of drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Rotating.
    Hdd,
    /// Flash behind ATA.
    Ssd,
}

/// One attribute's packing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packed {
    /// Attribute number.
    pub id: u64,
    /// How.
    pub form: Form,
}

/// From here to 65534 a [`Form::Signed16`] has run below zero, by 256 at most: what really counts so many bad sectors is
/// rare, and would stand at exactly such a number by chance only.
const BELOW_ZERO: u64 = 0xff00;

/// Ways to pack a raw value of 48 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// The count is the lowest 16 bits; above are finer or older counts.
    Low16,
    /// The count is the lowest 24 bits.
    Low24,
    /// The count is the lowest 32 bits.
    Low32,
    /// The lowest byte; above are the least and the most of its kind.
    Low8,
    /// Errors in the upper 16 bits, operations in the lower 32: the errors.
    High16,
    /// A signed number of 16 bits: some firmware takes off sectors that it never put on and runs below zero (65528 is -8).
    /// Such a drive had a bad sector, how many nobody knows: 1. -1 itself is left, it means "not read" everywhere.
    Signed16,
    /// A rate in the maker's own terms: the raw value is no count of anything.
    Rate,
}

/// An attribute that tells wear.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wear {
    /// Attribute number.
    pub id: u64,
    /// Which of its values.
    pub from: From,
    /// What that value counts, in per cent.
    pub counts: Counts,
}

/// The value that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum From {
    /// The normalised one.
    Normalized,
    /// The raw one.
    Raw,
}

/// Direction of a wear attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Counts {
    /// 100 is new, 0 worn.
    Left,
    /// 0 is new, 100 worn.
    Used,
}

/// The table of this program.
pub fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        toml::from_str(TEXT).expect("the table ships with the program and a test reads it")
    })
}

/// The family of a model name as drives and tools write it.
pub fn family(model: &str) -> Option<&'static Family> {
    let model = plain(model);
    table().families.iter().find(|it| it.models.iter().any(|pattern| fits(pattern, &model)))
}

/// The count in a raw value of 48 bits; `None` where the raw value counts nothing. Without a family by the standard's
/// defaults.
pub fn count(family: Option<&Family>, id: u64, raw: u64) -> Option<u64> {
    let known = family.and_then(|it| it.packed.iter().find(|it| it.id == id)).map(|it| it.form);
    let form = known.or(match id {
        5 | 196 => Some(Form::Low16),
        1 | 7 | 195 => Some(Form::Rate),
        190 | 194 => Some(Form::Low8),
        _ => None,
    });
    match form {
        None => Some(raw),
        Some(Form::Low8) => Some(raw & 0xff),
        Some(Form::Low16) => Some(raw & 0xffff),
        Some(Form::Low24) => Some(raw & 0xff_ffff),
        Some(Form::Low32) => Some(raw & 0xffff_ffff),
        Some(Form::Signed16) if (BELOW_ZERO..0xffff).contains(&raw) => Some(1),
        Some(Form::Signed16) => Some(raw),
        Some(Form::High16) => Some(raw >> 32 & 0xffff),
        Some(Form::Rate) => None,
    }
}

/// Whether the table says how an attribute of the family is packed.
pub fn is_packed(family: Option<&Family>, id: u64) -> bool {
    family.is_some_and(|it| it.packed.iter().any(|it| it.id == id))
}

/// Capitals, single spaces.
fn plain(model: &str) -> String {
    model.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase()
}

/// Whether a pattern fits from the first to the last character.
fn fits(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    let mut after = text.chars();
    match (first, after.next()) {
        ('*', _) => rest.is_empty() || text.char_indices().any(|(at, _)| fits(rest, &text[at..])),
        ('#', Some(found)) => found.is_ascii_digit() && fits(rest, after.as_str()),
        (wanted, Some(found)) => wanted == found && fits(rest, after.as_str()),
        (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_of_the_field_find_their_family() {
        for (model, wanted) in [
            ("ST4000DM000-1F2168", "seagate-hdd"),
            ("APPLE HDD ST1000DM003", "seagate-hdd"),
            ("XA960LE10063", "seagate-ssd"),
            ("HGST HMS5C4040BLE640", "hgst-hdd"),
            ("Hitachi HDS722020ALA330", "hgst-hdd"),
            ("WDC  WUH721818ALE604", "hgst-hdd"),
            ("WDC WD40EFRX-68WT0N0", "wdc-hdd"),
            ("WD4000FYYX", "wdc-hdd"),
            ("WDC  WDS400T1R0A-68A4W0", "sandisk-ssd"),
            ("TOSHIBA MG08ACA16TE", "toshiba-hdd"),
            ("MG09ACA16TE          03LC279D7B74223LEN", "toshiba-hdd"),
            ("TOSHIBA THNSNH128GBST", "toshiba-ssd"),
            ("SAMSUNG HD204UI", "samsung-hdd"),
            ("Samsung SSD 860 EVO 1TB", "samsung-ssd"),
            ("MZ7LH1T9HMLT0D3", "samsung-ssd"),
            ("INTEL SSDSC2KB960G8", "intel-ssd"),
            ("SSDSCKKB240G8R", "intel-ssd"),
            ("Micron_5300_MTFDDAK1T9TDS", "micron-ssd"),
            ("CT120BX500SSD1", "micron-ssd"),
            ("MM2000GEFRA", "hpe-hdd"),
        ] {
            assert_eq!(family(model).map(|it| it.name.as_str()), Some(wanted), "{model}");
        }
        assert!(family("X SSD 850 PRO 128GB").is_none());
        assert!(family("").is_none());
    }

    #[test]
    fn packed_values_are_taken_apart() {
        let seagate = family("ST4000DM000");
        // Three timeouts over one of 5 s and one of 7.5 s.
        assert_eq!(count(seagate, 188, 0x0001_0001_0003), Some(3));
        // Two errors in 120 million seeks.
        assert_eq!(count(seagate, 7, 0x0002_0727_0e00), Some(2));
        assert_eq!(count(seagate, 194, 0x0010_0000_0021), Some(33));
        assert_eq!(count(seagate, 197, 24_016), Some(24_016));
        // Eight sectors below zero; -1 is nobody's number.
        assert_eq!(count(seagate, 197, 65_528), Some(1));
        assert_eq!(count(seagate, 198, 65_280), Some(1));
        assert_eq!(count(seagate, 197, 65_535), Some(65_535));
        assert_eq!(count(seagate, 197, 65_279), Some(65_279));
        assert_eq!(count(family("HGST HMS5C4040BLE640"), 197, 65_528), Some(65_528));
        assert_eq!(count(None, 1, 121_966_232), None, "an unknown model's rate counts nothing");
        assert_eq!(count(None, 5, 0x0001_0008), Some(8));
    }

    #[test]
    fn the_table_names_each_family_once_and_every_pattern_in_capitals() {
        let mut names: Vec<&str> = table().families.iter().map(|it| it.name.as_str()).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|it| it[0] != it[1]), "{names:?}");
        for family in &table().families {
            assert!(!family.models.is_empty(), "{}", family.name);
            for pattern in &family.models {
                assert_eq!(&plain(pattern), pattern, "{}", family.name);
            }
            let flash = family.kind == Kind::Ssd;
            assert!(flash || family.wear.is_empty(), "{}: only flash wears", family.name);
        }
        assert_eq!(table().version.split('.').count(), 3, "{}", table().version);
    }
}
