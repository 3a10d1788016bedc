//! One segment file: definitions and batches as records. Name: `FIRST-CREATED.seg` with the first sequence and the time
//! of its making in milliseconds; `.thin` once its samples were dropped for lack of room.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsStr,
    fs::{self, File},
    io,
    ops::Bound,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use xunjian_proto::{
    Time,
    check::Batch,
    frame::{self, HEAD, Piece, Record},
    wire::{Definition, Hash, WireError},
};

use super::{Stats, files};

/// Largest segment file that is read; the largest that is written is a quarter of it.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A segment that is written to.
pub(super) struct Active {
    pub(super) first: u64,
    file: File,
}

/// What a segment file holds.
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) created: Time,
    pub(super) bytes: u64,
    /// Its samples are gone already.
    pub(super) thin: bool,
    batches: BTreeMap<u64, Place>,
    definitions: HashMap<Hash, Place>,
}

/// Where a framed record lies.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u64,
    length: usize,
}

impl Segment {
    pub(super) fn highest(&self) -> Option<u64> {
        self.batches.keys().next_back().copied()
    }

    pub(super) fn batches(&self) -> usize {
        self.batches.len()
    }

    pub(super) fn sequences(&self) -> Vec<u64> {
        self.batches.keys().copied().collect()
    }

    pub(super) fn next_after(&self, sequence: u64) -> Option<(u64, &Segment)> {
        let after = (Bound::Excluded(sequence), Bound::Unbounded);
        self.batches.range(after).next().map(|(found, _)| (*found, self))
    }

    pub(super) fn has_definition(&self, hash: &Hash) -> bool {
        self.definitions.contains_key(hash)
    }

    pub(super) fn batch(&self, sequence: u64) -> Result<Batch, WireError> {
        let place = self.batches.get(&sequence).copied();
        match self.read(place)? {
            Record::Batch(batch) if batch.sequence == sequence => Ok(batch),
            _ => Err(damaged("another record is in its place")),
        }
    }

    /// None if it is not there or is damaged.
    pub(super) fn definition(&self, hash: &Hash) -> Option<Definition> {
        match self.read(self.definitions.get(hash).copied()) {
            Ok(Record::Definition(definition)) if definition.hash == *hash => Some(definition),
            _ => None,
        }
    }

    pub(super) fn forget(&mut self, sequence: u64) {
        self.batches.remove(&sequence);
    }

    pub(super) fn forget_upto(&mut self, sequence: u64) {
        while self.batches.first_key_value().is_some_and(|(first, _)| *first <= sequence) {
            self.batches.pop_first();
        }
    }

    pub(super) fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), error = %error, "cannot remove a segment of the spool");
        }
    }

    fn read(&self, place: Option<Place>) -> Result<Record, WireError> {
        let place = place.ok_or_else(|| damaged("it is not there"))?;
        let mut framed = vec![0; place.length];
        let file = File::open(&self.path).map_err(|error| damaged(&error.to_string()))?;
        file.read_exact_at(&mut framed, place.offset)
            .map_err(|error| damaged(&error.to_string()))?;
        frame::one(&framed)
    }

    fn note(&mut self, record: &Record, place: Place) {
        match record {
            Record::Batch(batch) => {
                self.batches.insert(batch.sequence, place);
            }
            Record::Definition(definition) => {
                self.definitions.insert(definition.hash, place);
            }
            Record::Header { .. } | Record::End { .. } => {}
        }
    }
}

/// Makes a new segment file.
pub(super) fn create(folder: &Path, first: u64, now: Time) -> io::Result<(Segment, Active)> {
    let path = folder.join(format!("{first:020}-{}.seg", now.millis()));
    let mut options = fs::OpenOptions::new();
    let file = options.create_new(true).write(true).mode(0o600).open(&path)?;
    files::sync_folder(folder)?;
    Ok((empty(path, now, false), Active { first, file }))
}

/// Appends records, durable when this returns. After an error the file is as it was.
pub(super) fn append(segment: &mut Segment, active: &Active, records: &[Record]) -> io::Result<()> {
    let (mut bytes, mut places) = (Vec::new(), Vec::new());
    for record in records {
        let offset = segment.bytes + bytes.len() as u64;
        let before = bytes.len();
        record.put(&mut bytes);
        places.push(Place { offset, length: bytes.len() - before });
    }
    let written =
        active.file.write_all_at(&bytes, segment.bytes).and_then(|()| active.file.sync_data());
    if let Err(error) = written {
        // What was written of it is cut off, or found damaged at the next start.
        let _ = active.file.set_len(segment.bytes);
        return Err(error);
    }
    segment.bytes += bytes.len() as u64;
    for (record, place) in records.iter().zip(places) {
        segment.note(record, place);
    }
    Ok(())
}

/// Puts other records in a segment's place, durable when this returns.
pub(super) fn rewrite(segment: &Segment, records: &[Record]) -> io::Result<Segment> {
    let mut bytes = Vec::new();
    let mut new = empty(segment.path.with_extension("thin"), segment.created, true);
    for record in records {
        let offset = bytes.len() as u64;
        record.put(&mut bytes);
        let length = bytes.len() - offset as usize;
        new.note(record, Place { offset, length });
    }
    new.bytes = bytes.len() as u64;
    files::replace(&new.path, &bytes)?;
    segment.remove();
    Ok(new)
}

/// Reads all segments of the folder; damaged places are skipped and counted.
pub(super) fn open_all(folder: &Path, stats: &mut Stats) -> io::Result<BTreeMap<u64, Segment>> {
    let mut segments: BTreeMap<u64, Segment> = BTreeMap::new();
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|it| it.map(|it| it.path())).collect::<io::Result<_>>()?;
    // `.thin` after `.seg`: a crash between writing one and removing the other leaves both.
    paths.sort();
    for path in paths {
        let kind = path.extension().and_then(OsStr::to_str);
        if kind == Some("new") {
            let _ = fs::remove_file(&path);
        }
        let Some((first, created)) = parse_name(&path) else { continue };
        let segment = open(&path, created, kind == Some("thin"), stats)?;
        if let Some(full) = segments.insert(first, segment) {
            full.remove();
        }
    }
    segments.retain(|_, segment| {
        let keep = segment.batches() > 0;
        if !keep {
            segment.remove();
        }
        keep
    });
    Ok(segments)
}

fn open(path: &Path, created: Time, thin: bool, stats: &mut Stats) -> io::Result<Segment> {
    let mut segment = empty(path.to_owned(), created, thin);
    let mut skip = |why: String| {
        stats.damaged += 1;
        stats.last_reason = Some(format!("{}: {why}", path.display()));
    };
    segment.bytes = fs::metadata(path)?.len();
    if segment.bytes > FILE_BYTES_MAX {
        skip(format!("{} bytes, wanted at most {FILE_BYTES_MAX}", segment.bytes));
        return Ok(segment);
    }
    let bytes = fs::read(path)?;
    for piece in frame::pieces(&bytes) {
        match piece {
            Piece::Whole { offset, content } => match Record::decode(content) {
                Ok(record) => {
                    let place = Place { offset: offset as u64, length: HEAD + content.len() };
                    segment.note(&record, place);
                }
                Err(error) => skip(format!("at byte {offset}: {error}")),
            },
            Piece::Damaged { offset, length, last: true } => {
                skip(format!("cut at byte {offset}, {length} bytes are no record"));
            }
            Piece::Damaged { offset, length, last: false } => {
                skip(format!("{length} bytes from byte {offset} are no record"));
            }
        }
    }
    Ok(segment)
}

fn empty(path: PathBuf, created: Time, thin: bool) -> Segment {
    let (batches, definitions) = (BTreeMap::new(), HashMap::new());
    Segment { path, created, bytes: 0, thin, batches, definitions }
}

fn parse_name(path: &Path) -> Option<(u64, Time)> {
    if !matches!(path.extension()?.to_str()?, "seg" | "thin") {
        return None;
    }
    let (first, created) = path.file_stem()?.to_str()?.split_once('-')?;
    Some((first.parse().ok()?, Time::from_millis(created.parse().ok()?)))
}

fn damaged(why: &str) -> WireError {
    WireError::Malformed { what: "a record of the spool", why: why.to_owned() }
}
