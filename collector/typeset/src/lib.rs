//! Typst markup and images in, PDF out: with embedded Chinese fonts, the same bytes for the same input, and a list of
//! the characters that no font could draw.
//!
//! A crate of its own because typst is long to build. It knows nothing of inspections. Invariants: the markup can
//! reach nothing but the files it is given (no file system, no packages, no clock); a character without a glyph is
//! always told, never only an empty box on paper.
//!
//! Facts: the `World` trait of typst 0.15; PDF metadata by ISO 32000.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;
use typst::{
    World, WorldExt,
    diag::{Severity, SourceDiagnostic},
    foundations::{Datetime, Smart},
};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, Timestamp};

mod world;

mod fonts;

pub use fonts::FAMILY;

/// What is written about a document into the document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meta {
    /// Title, shown by PDF viewers instead of the file's name.
    pub title: String,
    /// Who issues it.
    pub author: String,
    /// Identifies the document stably over its versions' compilations: a report id.
    pub ident: String,
    /// When it was made, UTC.
    pub made: Stamp,
}

/// A date and time of day, UTC. Passed in, because nothing here reads a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Year of the Gregorian calendar.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

impl Default for Stamp {
    fn default() -> Stamp {
        Stamp { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0 }
    }
}

/// A finished document.
#[derive(Debug, Clone)]
pub struct Pdf {
    /// The file.
    pub bytes: Vec<u8>,
    /// How many pages it has.
    pub pages: usize,
    /// What typst warned of, one line each.
    pub warnings: Vec<String>,
    /// Characters of the input that no font could draw, in code point order; empty when all is well.
    pub missing_glyphs: Vec<char>,
}

/// Why there is no document.
#[derive(Debug, Error)]
pub enum TypesetError {
    /// The markup is wrong; says where, at most ten places.
    #[error("the report's markup cannot be typeset: {}", .0.join("; "))]
    Markup(Vec<String>),
    /// The pages could not be written as PDF.
    #[error("the pages cannot be written as PDF: {}", .0.join("; "))]
    Export(Vec<String>),
    /// The date is not one of the calendar.
    #[error("{0:?} is no date; give one of the Gregorian calendar, UTC")]
    Date(Stamp),
    /// An embedded font cannot be read: the build is broken.
    #[error("the embedded fonts cannot be read; build the program again")]
    Fonts,
}

const MOST_MESSAGES: usize = 10;

/// Typesets `markup`, which may read `files` (by name, such as `"report.json"` or `"disk.svg"`), and nothing else.
///
/// Fonts of this machine are looked at only for characters that the embedded ones lack.
pub fn pdf(
    markup: &str,
    files: &BTreeMap<String, Vec<u8>>,
    meta: &Meta,
) -> Result<Pdf, TypesetError> {
    let stamp = datetime(meta.made).ok_or(TypesetError::Date(meta.made))?;
    let wanted = characters(markup, files);
    let fonts = fonts::for_characters(&wanted);
    if fonts.is_empty() {
        return Err(TypesetError::Fonts);
    }
    let missing_glyphs = fonts::missing(&fonts, &wanted);
    let world = world::Memory::new(markup, files, fonts, stamp);

    let done = typst::compile::<PagedDocument>(&world);
    let warnings = messages(&world, &done.warnings);
    let mut document =
        done.output.map_err(|errors| TypesetError::Markup(messages(&world, &errors)))?;
    document.info_mut().title = Some(meta.title.as_str().into());
    document.info_mut().author = vec![meta.author.as_str().into()];
    document.info_mut().date = Smart::Auto;
    let options = PdfOptions {
        ident: Smart::Custom(meta.ident.clone()),
        creator: Smart::Custom(Some("xunjian".to_owned())),
        timestamp: Some(Timestamp::new_utc(stamp)),
        ..PdfOptions::default()
    };
    let bytes = typst_pdf::pdf(&document, &options)
        .map_err(|errors| TypesetError::Export(messages(&world, &errors)))?;
    let pages = document.pages().len();
    // typst keeps what it laid out for the next compilation; a server drafts too rarely to pay that memory.
    typst::comemo::evict(0);
    Ok(Pdf { bytes, pages, warnings, missing_glyphs })
}

/// Everything that may have to be drawn: the text of the markup and of text files (data, SVG labels).
fn characters(markup: &str, files: &BTreeMap<String, Vec<u8>>) -> BTreeSet<char> {
    let mut wanted: BTreeSet<char> = markup.chars().collect();
    for content in files.values() {
        if let Ok(text) = std::str::from_utf8(content) {
            wanted.extend(text.chars());
        }
    }
    wanted.retain(|char| !char.is_control() && !char.is_whitespace() && !invisible(*char));
    wanted
}

/// Characters that steer layout and are drawn by nothing.
fn invisible(char: char) -> bool {
    matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

fn datetime(stamp: Stamp) -> Option<Datetime> {
    Datetime::from_ymd_hms(
        stamp.year,
        stamp.month,
        stamp.day,
        stamp.hour,
        stamp.minute,
        stamp.second,
    )
}

/// One line each, with file and line where they are known.
fn messages(world: &world::Memory, diagnostics: &[SourceDiagnostic]) -> Vec<String> {
    let line = |it: &SourceDiagnostic| {
        let range = world.range(it.span)?;
        let source = world.source(it.span.id()?).ok()?;
        Some(source.lines().byte_to_line(range.start)? + 1)
    };
    diagnostics
        .iter()
        .take(MOST_MESSAGES)
        .map(|it| {
            let kind = if it.severity == Severity::Error { "error" } else { "warning" };
            match line(it) {
                Some(line) => format!("{kind} in line {line}: {}", it.message),
                None => format!("{kind}: {}", it.message),
            }
        })
        .collect()
}
