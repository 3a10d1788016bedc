//! The report for typst: a fixed template (`report.typ`) that reads the report as JSON, and the charts as files.
//!
//! Texts reach the template as data only, so nothing that a host says can be taken for markup.

use std::collections::BTreeMap;

use chrono::{Datelike, Timelike};
use chrono_tz::Tz;
use xunjian_typeset::{Meta, Pdf, Stamp, TypesetError};

use crate::report::{model::Report, words};

/// Markup and the files that it reads.
pub fn typst(report: &Report) -> (String, BTreeMap<String, Vec<u8>>) {
    let json = serde_json::to_vec(report).expect("the model holds only strings, numbers and lists");
    let mut files = BTreeMap::from([("report.json".to_owned(), json)]);
    for (id, svg) in &report.charts {
        files.insert(format!("{id}.svg"), svg.clone().into_bytes());
    }
    (include_str!("report.typ").to_owned(), files)
}

/// The report as PDF.
pub fn pdf(report: &Report) -> Result<Pdf, TypesetError> {
    let (markup, files) = typst(report);
    let made = words::local(Tz::UTC, report.drafted_at);
    // Calendar fields are far below 256.
    let small = |n: u32| u8::try_from(n).unwrap_or_default();
    let meta = Meta {
        title: format!("{} {}", report.cover.customer, report.cover.title),
        author: report.cover.provider.clone(),
        ident: report.id.clone(),
        made: Stamp {
            year: made.year(),
            month: small(made.month()),
            day: small(made.day()),
            hour: small(made.hour()),
            minute: small(made.minute()),
            second: small(made.second()),
        },
    };
    xunjian_typeset::pdf(&markup, &files, &meta)
}
