//! Where sources left off (the kernel log's last record), kept over restarts of the agent.

use std::{
    collections::BTreeMap,
    fs, io,
    path::PathBuf,
    time::{Duration, Instant},
};

/// Where nothing was told, changes are written at most this often: what a crash makes forget is read again.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// Largest file of cursors that is believed.
const BYTES_MAX: u64 = 1024 * 1024;

/// All cursors, by source.
#[derive(Debug, Default)]
pub struct Cursors {
    /// None in tests, which keep nothing.
    file: Option<PathBuf>,
    all: BTreeMap<String, String>,
    changed: bool,
    saved: Option<Instant>,
}

impl Cursors {
    /// Reads a file of cursors. One that is missing or damaged is like an empty one: sources begin anew.
    pub fn load(file: PathBuf) -> Cursors {
        let small = fs::metadata(&file).is_ok_and(|it| it.len() <= BYTES_MAX);
        let text =
            if small { fs::read_to_string(&file).unwrap_or_default() } else { String::new() };
        let all = serde_json::from_str(&text).unwrap_or_default();
        Cursors { file: Some(file), all, changed: false, saved: None }
    }

    /// Where a source left off.
    pub fn get(&self, source: &str) -> Option<String> {
        self.all.get(source).cloned()
    }

    /// Notes where a source left off.
    pub fn set(&mut self, source: &str, cursor: Option<String>) {
        if let Some(cursor) = cursor
            && self.all.get(source) != Some(&cursor)
        {
            self.all.insert(source.to_owned(), cursor);
            self.changed = true;
        }
    }

    /// Writes changes, unless that was done a moment ago.
    pub fn save_sometimes(&mut self, now: Instant) {
        if self.changed && self.saved.is_none_or(|it| now.duration_since(it) >= SAVE_EVERY) {
            self.saved = Some(now);
            self.save();
        }
    }

    /// Writes changes.
    pub fn save(&mut self) {
        let Some(file) = &self.file else { return };
        if !self.changed {
            return;
        }
        self.changed = false;
        // Renamed into place: a crash leaves the old file or the new one.
        let beside = file.with_extension("new");
        let saved = serde_json::to_vec(&self.all)
            .map_err(io::Error::from)
            .and_then(|bytes| fs::write(&beside, bytes))
            .and_then(|()| fs::rename(&beside, file));
        if let Err(error) = saved {
            tracing::warn!(file = %file.display(), %error, "cannot keep where the sources left off");
        }
    }
}
