//! PDF making: Chinese that can be searched and copied, no way out of the given files, the same bytes each time.

use std::{
    collections::BTreeMap,
    io::Write,
    process::{Command, Stdio},
};

use xunjian_typeset::{FAMILY, Meta, Stamp, TypesetError, pdf};

fn meta() -> Meta {
    Meta {
        title: "季度巡检报告".to_owned(),
        author: "示例服务商".to_owned(),
        ident: "R2026Q4-test-1".to_owned(),
        made: Stamp { year: 2026, month: 11, day: 22, hour: 6, minute: 30, second: 0 },
    }
}

/// The text that a reader would copy; none if this machine has no pdftotext (poppler-utils).
pub(crate) fn text_of(pdf: &[u8]) -> Option<String> {
    let mut child = Command::new("pdftotext")
        .args(["-enc", "UTF-8", "-layout", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut input = child.stdin.take().unwrap();
    let bytes = pdf.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "pdftotext refused the file");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn chinese_text_is_copied_exactly() {
    let sentence = "磁盘阵列已降级，剩余冗余为零；℃ ≥ 85 % ─ Ω μ Ж ①";
    let markup = format!(
        "#set text(font: \"{FAMILY}\", lang: \"zh\")\n#let data = json(\"d.json\")\n#data.line\n\n*加粗标题*"
    );
    let files =
        BTreeMap::from([("d.json".to_owned(), format!("{{\"line\":\"{sentence}\"}}").into())]);
    let made = pdf(&markup, &files, &meta()).unwrap();
    assert_eq!(made.pages, 1);
    assert_eq!(made.warnings, Vec::<String>::new());
    assert_eq!(made.missing_glyphs, Vec::<char>::new());
    assert!(made.bytes.starts_with(b"%PDF-1."), "not a PDF");
    if let Some(text) = text_of(&made.bytes) {
        let text: String = text.split_whitespace().collect();
        let wanted: String = sentence.split_whitespace().collect();
        assert!(text.contains(&wanted), "copied text differs: {text}");
        assert!(text.contains("加粗标题"), "bold text differs: {text}");
    }
    let again = pdf(&markup, &files, &meta()).unwrap();
    assert!(made.bytes == again.bytes, "the same input gave two different files");
}

#[test]
fn a_character_without_glyph_is_told() {
    // Private use: no font of any machine has a right to draw it; CJK fonts leave it out.
    let made = pdf("a \u{f0abc} b", &BTreeMap::new(), &meta()).unwrap();
    assert_eq!(made.missing_glyphs, vec!['\u{f0abc}']);
}

#[test]
fn markup_reaches_nothing_but_its_files() {
    for markup in [
        "#read(\"/etc/passwd\")",
        "#read(\"../../etc/hostname\")",
        "#import \"@preview/tablex:0.0.8\": *",
        "#json(\"other.json\")",
    ] {
        let files = BTreeMap::from([("d.json".to_owned(), b"{}".to_vec())]);
        let error = pdf(markup, &files, &meta()).unwrap_err();
        let TypesetError::Markup(lines) = error else { panic!("{markup}: {error}") };
        assert!(lines[0].starts_with("error"), "{markup}: {lines:?}");
    }
}

#[test]
fn a_mistake_in_the_markup_names_its_line() {
    let error = pdf("one\n\n#nothing-like-it", &BTreeMap::new(), &meta()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the report's markup cannot be typeset: error in line 3: unknown variable: nothing-like-it"
    );
}

#[test]
fn a_date_that_is_none_is_refused() {
    let mut wrong = meta();
    wrong.made.month = 13;
    assert!(matches!(pdf("x", &BTreeMap::new(), &wrong), Err(TypesetError::Date(_))));
}
