//! Drafts a report: gathers, builds in both languages, keeps the model in the store and writes the files.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use xunjian_proto::Time;
use xunjian_rules::Lang;

use crate::{
    contract::Contract,
    report::{GatherError, Report, Wanted, build, gather, html, pdf, words::local},
    store::{ReportRow, Store, StoreError},
};

/// What the store keeps of a report: the same figures in both languages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// In Chinese.
    pub zh: Report,
    /// In English.
    pub en: Report,
}

impl Stored {
    /// The report in one language.
    pub fn in_lang(&self, lang: Lang) -> &Report {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}

/// A report that was drafted.
#[derive(Debug, Clone)]
pub struct Drafted {
    /// As the store keeps it.
    pub row: ReportRow,
    /// As data.
    pub report: Report,
    /// The PDF file.
    pub pdf: PathBuf,
    /// The HTML file.
    pub html: PathBuf,
    /// Pages of the PDF.
    pub pages: usize,
    /// Characters that no font could draw, to be told to whoever asked for the report.
    pub missing_glyphs: Vec<char>,
}

/// Why there is no draft.
#[derive(Debug, Error)]
pub enum DraftError {
    /// Its input is not to be had.
    #[error(transparent)]
    Gather(#[from] GatherError),
    /// It could not be kept.
    #[error("cannot keep the report in the store")]
    Store(#[from] StoreError),
    /// It could not be typeset.
    #[error(transparent)]
    Typeset(#[from] xunjian_typeset::TypesetError),
    /// Its files could not be written.
    #[error("cannot write {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Drafts a report, keeps it in the store, and writes `ID.pdf` and `ID.html` in `lang` to `folder`, which is made if
/// it is not there.
pub fn draft(
    store: &Store,
    wanted: &Wanted<'_>,
    lang: Lang,
    folder: &Path,
) -> Result<Drafted, DraftError> {
    let mut input = gather(store, wanted, Lang::Zh)?;
    let zh = build(&input);
    input.lang = Lang::En;
    let stored = Stored { zh, en: build(&input) };
    let report = stored.in_lang(lang).clone();
    let made = pdf(&report)?;
    let page = html(&report);
    let wrap = |path: &Path| {
        let path = path.to_owned();
        |source| DraftError::File { path, source }
    };
    fs::create_dir_all(folder).map_err(wrap(folder))?;
    let pdf = folder.join(format!("{}.pdf", report.id));
    let html = folder.join(format!("{}.html", report.id));
    write(&pdf, &made.bytes).map_err(wrap(&pdf))?;
    write(&html, page.as_bytes()).map_err(wrap(&html))?;
    let row = ReportRow {
        id: report.id.clone(),
        customer: wanted.contract.customer.clone(),
        from: wanted.from,
        to: wanted.to,
        drafted_at: wanted.now,
        state: report.state.clone(),
        model: serde_json::to_string(&stored)
            .expect("the model holds only strings, finite numbers and lists"),
    };
    store.put_report(&row)?;
    let (pages, missing_glyphs) = (made.pages, made.missing_glyphs);
    Ok(Drafted { row, report, pdf, html, pages, missing_glyphs })
}

/// Whole or not at all: a reader never sees half a file.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    fs::write(&part, bytes)?;
    fs::rename(&part, path)
}

/// First instant of the calendar quarter that holds `at`, and first instant after it, in the contract's time zone.
pub fn quarter(contract: &Contract, at: Time) -> (Time, Time) {
    use chrono::{Datelike, NaiveDate, TimeZone};
    let zone = contract.timezone;
    let day = local(zone, at);
    let first = |year: i32, quarter: u32| {
        let date = NaiveDate::from_ymd_opt(year, quarter * 3 + 1, 1).unwrap_or_default();
        let midnight = date.and_hms_opt(0, 0, 0).unwrap_or_default();
        // A zone that skips this midnight begins its day later: the earliest instant that exists.
        let local = zone.from_local_datetime(&midnight).earliest();
        let millis =
            local.map_or(midnight.and_utc().timestamp_millis(), |it| it.timestamp_millis());
        Time::from_millis(millis)
    };
    let quarter = day.month0() / 3;
    let next = if quarter == 3 { (day.year() + 1, 0) } else { (day.year(), quarter + 1) };
    (first(day.year(), quarter), first(next.0, next.1))
}

/// A stored report as a page, in one language.
pub fn stored_html(row: &ReportRow, lang: Lang) -> Result<String, String> {
    Ok(html(read(row)?.in_lang(lang)))
}

/// A stored report as PDF, in one language.
pub fn stored_pdf(row: &ReportRow, lang: Lang) -> Result<Vec<u8>, String> {
    let made = pdf(read(row)?.in_lang(lang)).map_err(|error| error.to_string())?;
    Ok(made.bytes)
}

fn read(row: &ReportRow) -> Result<Stored, String> {
    serde_json::from_str(&row.model)
        .map_err(|error| format!("the model of report {} cannot be read: {error}", row.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarters_begin_at_local_midnight() {
        let contract = Contract::default();
        // 2026-12-31T23:30 in Shanghai.
        let (from, to) = quarter(&contract, Time::from_secs(1_798_731_000));
        assert_eq!((from, to), (Time::from_secs(1_790_784_000), Time::from_secs(1_798_732_800)));
        assert_eq!(quarter(&contract, to).0, to);
    }
}
