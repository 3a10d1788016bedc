//! Backblaze Drive Stats: one CSV row a drive and day. Only the needed columns are looked at.
//!
//! Facts: the data set's own description (columns `date,serial_number,model,capacity_bytes,failure,smart_N_normalized,
//! smart_N_raw`; further columns come and go over the years). `failure` is 1 on the last day before the drive was taken out.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use xunjian_agent::{devices, drives};

use super::history::{ATTRIBUTES, Day, Histories, MISSING, NORMALIZED_184, Values};

/// Read at once; rows are cut out of it.
const CHUNK: usize = 1 << 20;

/// A longer line is no row of such a table.
const LINE_MAX: usize = 1 << 16;

/// Reads files and folders of `*.csv`, `*.csv.gz`, `*.csv.zst`, in the order of their names.
pub fn read(paths: &[PathBuf], into: &mut Histories) -> io::Result<()> {
    for path in paths {
        for file in files(path)? {
            let named = |error: io::Error| {
                io::Error::new(error.kind(), format!("{}: {error}", file.display()))
            };
            let opened = open(&file).map_err(named)?;
            rows(opened, into).map_err(named)?;
        }
    }
    Ok(())
}

fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let (path, own) = (entry.path(), entry.file_name());
        // What macOS puts beside each file of an archive bears its ending too.
        if own.to_string_lossy().starts_with("._") || own == "__MACOSX" {
            continue;
        }
        let name = path.to_string_lossy().to_lowercase();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if [".csv", ".csv.gz", ".csv.zst"].iter().any(|it| name.ends_with(it)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// By the first bytes, not by the name.
fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let mut file = BufReader::with_capacity(CHUNK, File::open(path)?);
    let start = file.fill_buf()?;
    Ok(match start {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => {
            let text = "a zip archive: unpack it and give the folder with its tables";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::stream::read::Decoder::with_buffer(file)?),
        _ => Box::new(file),
    })
}

/// Reads one table.
pub fn rows(mut input: impl Read, into: &mut Histories) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut filled = 0;
    let mut columns: Option<Columns> = None;
    loop {
        let read = input.read(&mut buffer[filled..])?;
        filled += read;
        let mut start = 0;
        let ends = memchr::memchr_iter(b'\n', &buffer[..filled]);
        for end in ends {
            line(&buffer[start..end], &mut columns, into)?;
            start = end + 1;
        }
        if read == 0 {
            line(&buffer[start..filled], &mut columns, into)?;
            return Ok(());
        }
        buffer.copy_within(start..filled, 0);
        filled -= start;
        if filled > LINE_MAX {
            return Err(io::Error::other("a line is longer than any row of Drive Stats"));
        }
    }
}

fn line(text: &[u8], columns: &mut Option<Columns>, into: &mut Histories) -> io::Result<()> {
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    match columns {
        _ if text.is_empty() => {}
        None => *columns = Some(Columns::of(text)?),
        Some(columns) => columns.row(text, into),
    }
    Ok(())
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Other,
    Date,
    Serial,
    Model,
    Failure,
    Value(usize),
}

struct Columns {
    /// The needed columns, each with how many others stand before it.
    steps: Vec<(u32, Column)>,
    /// The drive of the row before, and what told it: tables that are sorted by drive ask again and again.
    last: Option<(Vec<u8>, Vec<u8>, usize)>,
}

impl Columns {
    fn of(header: &[u8]) -> io::Result<Columns> {
        let header = header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(header);
        let names = header.split(|it| *it == b',').map(|it| unquoted(it).to_ascii_lowercase());
        let kinds: Vec<Column> = names.map(|it| kind(&it)).collect();
        for wanted in [Column::Date, Column::Serial, Column::Model, Column::Failure] {
            if !kinds.contains(&wanted) {
                let text = "not a table of Drive Stats: wanted the columns date, serial_number, model, failure and \
                            smart_N_raw";
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
        }
        // Nothing after the last needed column is looked at.
        let mut steps = Vec::new();
        let mut others = 0;
        for kind in kinds {
            match kind {
                Column::Other => others += 1,
                kind => steps.push((std::mem::take(&mut others), kind)),
            }
        }
        Ok(Columns { steps, last: None })
    }

    fn row(&mut self, text: &[u8], into: &mut Histories) {
        into.rows += 1;
        let (mut day, mut serial, mut model, mut failed) = (None, &[][..], &[][..], false);
        let mut raw: Values = [MISSING; ATTRIBUTES.len() + 1];
        let mut rest = Some(text);
        for (others, kind) in &self.steps {
            let Some(from) = rest.and_then(|it| after_commas(it, *others)) else {
                into.left.unreadable += 1;
                return;
            };
            let (field, next) = field(from);
            rest = next;
            match kind {
                Column::Other => {}
                Column::Date => day = date(unquoted(field)),
                Column::Serial => serial = unquoted(field),
                Column::Model => model = unquoted(field),
                Column::Failure => failed = number(field).is_some_and(|it| it > 0),
                Column::Value(at) => raw[*at] = number(field).unwrap_or(MISSING),
            }
        }
        let Some(day) = day else {
            into.left.unreadable += 1;
            return;
        };
        let Some(drive) = self.drive(model, serial, into) else {
            into.left.without_serial += 1;
            return;
        };
        if failed {
            let known = &mut into.drives[drive].failed;
            *known = Some(known.map_or(day, |it| it.min(day)));
        }
        // Nothing was read on that day: the drive was neither good nor bad then.
        if raw.iter().all(|it| *it == MISSING) {
            into.left.without_values += 1;
            return;
        }
        let family = into.drives[drive].family;
        for (at, (id, _)) in ATTRIBUTES.iter().enumerate() {
            if raw[at] != MISSING {
                raw[at] = drives::count(family, *id, raw[at]).unwrap_or(MISSING);
            }
        }
        into.add(drive, day, &raw);
    }

    fn drive(&mut self, model: &[u8], serial: &[u8], into: &mut Histories) -> Option<usize> {
        if let Some((known, of, place)) = &self.last
            && known == serial
            && of == model
        {
            return Some(*place);
        }
        let place = match into.known(model, serial) {
            Some(place) => place,
            None => {
                devices::plausible_key(std::str::from_utf8(serial).ok()?)?;
                into.place(model, serial)
            }
        };
        let (known, of, at) = self.last.get_or_insert_default();
        serial.clone_into(known);
        model.clone_into(of);
        *at = place;
        Some(place)
    }
}

/// What follows so many commas. Most fields of a row are empty and of no use, so eight bytes are looked at together.
fn after_commas(mut text: &[u8], mut commas: u32) -> Option<&[u8]> {
    while commas > 0 {
        let Some((word, rest)) = text.split_first_chunk::<8>() else {
            let end = text.iter().position(|it| *it == b',')?;
            text = &text[end + 1..];
            commas -= 1;
            continue;
        };
        let mut found = commas_in(*word);
        if found.count_ones() < commas {
            commas -= found.count_ones();
            text = rest;
            continue;
        }
        for _ in 1..commas {
            found &= found - 1;
        }
        return text.get(found.trailing_zeros() as usize / 8 + 1..);
    }
    Some(text)
}

/// The highest bit of each byte that is a comma, the first byte lowest.
fn commas_in(word: [u8; 8]) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let other = u64::from_le_bytes(word) ^ u64::from_le_bytes([b','; 8]);
    // A byte that differs sets its highest bit, by itself or by carrying into it; no byte carries into the next.
    !(((other & LOW) + LOW) | other | LOW)
}

/// The field at the start, and what follows its comma.
fn field(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|it| *it == b',') {
        Some(end) => (&text[..end], Some(&text[end + 1..])),
        None => (text, None),
    }
}

fn kind(name: &[u8]) -> Column {
    match name {
        b"date" => return Column::Date,
        b"serial_number" => return Column::Serial,
        b"model" => return Column::Model,
        b"failure" => return Column::Failure,
        b"smart_184_normalized" => return Column::Value(NORMALIZED_184),
        _ => {}
    }
    let id = name.strip_prefix(b"smart_").and_then(|it| it.strip_suffix(b"_raw"));
    let id = id.and_then(|it| std::str::from_utf8(it).ok()).and_then(|it| it.parse::<u64>().ok());
    let place = ATTRIBUTES.iter().position(|(known, _)| Some(*known) == id);
    place.map_or(Column::Other, Column::Value)
}

fn unquoted(field: &[u8]) -> &[u8] {
    let field = field.trim_ascii();
    field.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\"")).unwrap_or(field)
}

/// `48`, `48.0`, `4.8e1`, `-1`; nothing for an empty field.
fn number(field: &[u8]) -> Option<u64> {
    let mut value: u64 = 0;
    if field.is_empty() {
        return None;
    }
    for (at, byte) in field.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                value = value.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
            }
            b'.' if at > 0 && field[at + 1..].iter().all(|it| *it == b'0') => return Some(value),
            _ => return other_number(field),
        }
    }
    // The largest number is what a drive says that counts nothing.
    (value != MISSING).then_some(value)
}

/// Rare forms. A negative number is no count.
fn other_number(field: &[u8]) -> Option<u64> {
    let value: f64 = std::str::from_utf8(unquoted(field)).ok()?.trim().parse().ok()?;
    let plausible = (0.0..9e15).contains(&value);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "its range is known"
    )]
    plausible.then_some(value as u64)
}

/// `2016-03-26`, or with a time after it.
pub fn date(field: &[u8]) -> Option<Day> {
    let digits = |it: &[u8]| {
        it.iter().try_fold(0_i32, |sum, byte| {
            byte.is_ascii_digit().then(|| sum * 10 + i32::from(byte - b'0'))
        })
    };
    let (year, month, day) = match field.get(..10)? {
        [y @ .., b'-', m1, m2, b'-', d1, d2] => {
            (digits(y)?, digits(&[*m1, *m2])?, digits(&[*d1, *d2])?)
        }
        _ => return None,
    };
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days from the civil calendar, years beginning in March.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_wherever_they_stand() {
        let row = b"2023-01-01,ZL,,,,,,,,,,,5,,,,,,,100,7\xac,x";
        for commas in 0..=22 {
            let slow = row.splitn(usize::try_from(commas).unwrap() + 1, |it| *it == b',');
            let expected = slow.last().filter(|_| commas <= 21);
            assert_eq!(after_commas(row, commas), expected, "{commas}");
        }
    }

    #[test]
    fn dates_and_numbers_of_all_years_are_read() {
        assert_eq!(date(b"1970-01-01"), Some(0));
        assert_eq!(date(b"2016-03-26"), Some(16_886));
        assert_eq!(date(b"2016-13-26"), None);
        assert_eq!(number(b"20839269394.0"), Some(20_839_269_394));
        assert_eq!(number(b""), None);
        assert_eq!(number(b"-1"), None);
        assert_eq!(number(b"18446744073709551615"), None);
        assert_eq!(number(b"1.2e3"), Some(1_200));
    }
}
