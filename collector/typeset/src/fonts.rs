//! The embedded fonts, and fonts of this machine for characters that those lack (rare characters of names).
//!
//! The embedded ones come first, so that a document looks the same everywhere as long as they suffice.
//! Facts: `fonts/subset.sh`; usual font folders by the XDG base directory and fontconfig defaults.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use typst::{foundations::Bytes, text::Font};

/// Family name of the embedded fonts, for `#set text(font: ..)`; weights 400 and 700.
pub const FAMILY: &str = "Noto Sans CJK SC";

static EMBEDDED: LazyLock<Vec<Font>> = LazyLock::new(|| {
    let regular: &[u8] = include_bytes!("../fonts/NotoSansCJKsc-Regular.otf");
    let bold: &[u8] = include_bytes!("../fonts/NotoSansCJKsc-Bold.otf");
    [regular, bold].into_iter().filter_map(|data| Font::new(Bytes::new(data), 0)).collect()
});

const FOLDERS: [&str; 3] =
    ["/usr/share/fonts", "/usr/local/share/fonts", "/usr/local/share/xunjian/fonts"];
/// Words in the file names of fonts with Chinese; others are not opened.
const LIKELY: [&str; 12] = [
    "cjk",
    "wqy",
    "sourcehan",
    "fallback",
    "uming",
    "ukai",
    "hanazono",
    "simsun",
    "simhei",
    "kylin",
    "fandol",
    "unifont",
];
const MOST_ENTRIES: usize = 4000;
const DEEPEST: usize = 5;
const MOST_CANDIDATES: usize = 12;
const MOST_BYTES: u64 = 64 << 20;

/// The embedded fonts, and as few of this machine's as draw the rest of `wanted`.
pub(crate) fn for_characters(wanted: &BTreeSet<char>) -> Vec<Font> {
    let mut fonts = EMBEDDED.clone();
    if missing(&fonts, wanted).is_empty() {
        return fonts;
    }
    for path in candidates() {
        let lacking = missing(&fonts, wanted);
        if lacking.is_empty() {
            break;
        }
        let Ok(data) = fs::read(&path) else { continue };
        let faces: Vec<Font> = Font::iter(Bytes::new(data))
            .filter(|face| lacking.iter().any(|char| draws(face, *char)))
            .collect();
        // Collections hold one face per country; the simplified Chinese one is right for these readers.
        let best = faces.iter().find(|face| face.info().family.as_str().ends_with("SC"));
        fonts.extend(best.or(faces.first()).cloned());
    }
    fonts
}

/// Characters that none of the fonts can draw.
pub(crate) fn missing(fonts: &[Font], wanted: &BTreeSet<char>) -> Vec<char> {
    wanted.iter().filter(|char| !fonts.iter().any(|font| draws(font, **char))).copied().collect()
}

fn draws(font: &Font, char: char) -> bool {
    font.info().coverage.contains(u32::from(char))
}

/// Font files of this machine that probably hold Chinese; in path order, so that the choice is repeatable.
fn candidates() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut budget = MOST_ENTRIES;
    for folder in FOLDERS {
        visit(Path::new(folder), DEEPEST, &mut budget, &mut found);
    }
    // Upright text weights before light and bold ones: one face per character is enough.
    found.sort_by_key(|path| {
        let name = file_name(path);
        let plain = name.contains("regular") || !name.contains('-');
        (!plain, !name.contains("sans"), path.clone())
    });
    found.truncate(MOST_CANDIDATES);
    found
}

fn visit(folder: &Path, depth: usize, budget: &mut usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if *budget == 0 {
            return;
        }
        *budget -= 1;
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && depth > 0 {
            visit(&path, depth - 1, budget, found);
        } else if likely(&path) && fs::metadata(&path).is_ok_and(|it| it.len() <= MOST_BYTES) {
            found.push(path);
        }
    }
}

fn likely(path: &Path) -> bool {
    let name = file_name(path);
    let font = [".otf", ".ttf", ".ttc", ".otc"].iter().any(|end| name.ends_with(end));
    font && LIKELY.iter().any(|word| name.contains(word))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().to_lowercase()
}
