//! `tests/CORPUS.md`: how much of the corpus is understood, kind by kind, and what is not read and why.

use std::{
    env, fs,
    path::Path,
    sync::{Mutex, PoisonError},
};

use super::{corpus, files};
use crate::fixtures::repo;

const HEAD: &str = "# Outputs from the field, and how much of them is understood

Made by the tests below `tests/it/corpus` where `XUNJIAN_CORPUS` names the folder of saved outputs, which is not part of the
repository (`UPDATE=1` rewrites it). *Named* files are not understood, and the run says so; none is passed over in silence.

| source | kind | files | understood | named | share | left out on purpose |
|---|---|---|---|---|---|---|
";

/// Parts of the corpus beside those of the table: folder, part of the path, and who reads it or why nobody does.
const OTHERS: &[(&str, &str, &str)] = &[
    (
        "array",
        "",
        "answers of arrays' own REST services and command lines: arrays are read over SNMP and Redfish",
    ),
    (
        "hostinv",
        "/proc/",
        "read as trees by whichever sources find what they need; none may panic or say nothing",
    ),
    (
        "hostinv",
        "/sys/",
        "read as trees by whichever sources find what they need; none may panic or say nothing",
    ),
    ("kernlog", "", "read by kmsg: benign logs must give no event, stalls must give some"),
    ("labelled", "", "daily values of drives, for rules and not for readers"),
    ("netlink", "ibswinfo", "fabric tools that ask every switch: not started"),
    ("netlink", "perfquery", "fabric tools that ask every switch: not started"),
    ("nvme", "", "nvme-cli and other tools: sysfs and smartctl tell the same"),
    (
        "raid_labels",
        "",
        "verdicts for a part of the RAID outputs, which the cases are compared with",
    ),
    (
        "smart_text",
        "",
        "texts of smartctl: `read smart` takes them; those of which there is JSON must say the same",
    ),
];

static LOCK: Mutex<()> = Mutex::new(());

/// Keeps a row, or sees that it is there as it is.
pub(super) fn keep(row: &str) {
    let _held = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let file = repo().join("tests/CORPUS.md");
    let text = fs::read_to_string(&file).unwrap_or_default();
    if text.lines().any(|it| it == row) {
        return;
    }
    assert!(
        env::var_os("UPDATE").is_some(),
        "{} is stale: UPDATE=1 rewrites it: {row}",
        file.display()
    );
    let key = |row: &str| row.split(" | ").take(2).collect::<Vec<_>>().join(" | ");
    let is_row = |it: &&str| it.starts_with("| ") && !it.starts_with("| source");
    let kept = text.lines().take_while(|it| !it.starts_with("## ")).filter(is_row);
    let mut rows: Vec<&str> = kept.filter(|it| key(it) != key(row)).chain([row]).collect();
    rows.sort_unstable();
    write(&file, &rows.join("\n"), rest(&text));
}

fn rest(text: &str) -> &str {
    text.find("\n## ").map_or("", |at| &text[at..])
}

fn write(file: &Path, rows: &str, rest: &str) {
    fs::write(file, format!("{HEAD}{rows}\n{rest}")).unwrap();
}

#[test]
fn the_table_names_what_is_not_read_and_why() {
    let Some(all) = corpus("array") else { return };
    let root = all.parent().unwrap();
    let mut text =
        "\n## Beside the table\n\n| folder | of these | files | |\n|---|---|---|---|\n".to_owned();
    for (folder, part, why) in OTHERS {
        let files = files(&root.join(folder));
        let count = files.iter().filter(|it| it.to_string_lossy().contains(part)).count();
        assert!(count > 0, "nothing in {folder} has {part}");
        let part = if part.is_empty() { "all" } else { part };
        text.push_str(&format!("| {folder} | {part} | {count} | {why} |\n"));
    }
    let _held = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let file = repo().join("tests/CORPUS.md");
    let now = fs::read_to_string(&file).unwrap_or_default();
    if rest(&now) == text {
        return;
    }
    assert!(env::var_os("UPDATE").is_some(), "{} is stale: UPDATE=1 rewrites it", file.display());
    let is_row = |it: &&str| it.starts_with("| ") && !it.starts_with("| source");
    let rows: Vec<&str> =
        now.lines().take_while(|it| !it.starts_with("## ")).filter(is_row).collect();
    write(&file, &rows.join("\n"), &text);
}
