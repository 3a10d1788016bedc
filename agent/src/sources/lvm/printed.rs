//! LVM's reports as people print and mail them: a table under its heads.
//!
//! Facts: `lvs(8)`, `pvs(8)`, `vgs(8)`, `lvmreport(7)`; libdm writes each column as wide as its widest cell or head, all
//! heads at the left end of their column and one blank between columns. Invariant: a row that crosses the gap before a
//! head is no row of that table, and the whole table is refused: a value in the wrong column would be a wrong finding.

use std::collections::BTreeMap;

/// The head of a column and the field it stands for, by kind of report.
const HEADS: [(&str, &str, &str); 28] = [
    ("lv", "LV", "lv_name"),
    ("lv", "VG", "vg_name"),
    ("lv", "LV UUID", "lv_uuid"),
    ("lv", "Path", "lv_path"),
    ("lv", "Attr", "lv_attr"),
    ("lv", "LSize", "lv_size"),
    ("lv", "Health", "lv_health_status"),
    ("lv", "Type", "segtype"),
    ("lv", "Pool", "pool_lv"),
    ("lv", "Origin", "origin"),
    ("lv", "Data%", "data_percent"),
    ("lv", "Meta%", "metadata_percent"),
    ("lv", "Snap%", "snap_percent"),
    ("lv", "Cpy%Sync", "sync_percent"),
    ("lv", "Copy%", "sync_percent"),
    ("lv", "SyncAction", "raid_sync_action"),
    ("lv", "Mismatches", "raid_mismatch_count"),
    ("lv", "Devices", "devices"),
    ("pv", "PV", "pv_name"),
    ("pv", "PV UUID", "pv_uuid"),
    ("pv", "VG", "vg_name"),
    ("pv", "Attr", "pv_attr"),
    ("pv", "PSize", "pv_size"),
    ("pv", "PFree", "pv_free"),
    ("vg", "VG", "vg_name"),
    ("vg", "Attr", "vg_attr"),
    ("vg", "VSize", "vg_size"),
    ("vg", "VFree", "vg_free"),
];

/// More heads of `vgs`, apart because they are all counts but one.
const MORE: [(&str, &str); 4] = [
    ("VG UUID", "vg_uuid"),
    ("#PV", "pv_count"),
    ("#LV", "lv_count"),
    ("#PV Miss", "vg_missing_pv_count"),
];

/// The heads without which a table could be another one.
fn needed(kind: &str) -> &'static [&'static str] {
    match kind {
        "lv" => &["LV", "VG", "Attr"],
        "pv" => &["PV", "VG", "Attr"],
        _ => &["VG", "#PV", "Attr"],
    }
}

/// Lines that the tools write on standard error, which a pasted terminal mixes in.
const ASIDES: [&str; 8] = [
    "WARNING",
    "Couldn't find device",
    "Found duplicate PV",
    "Using duplicate PV",
    "File descriptor",
    "Failed to",
    "There are",
    "There is",
];

/// A head with the place where its column begins.
type Column = (String, usize);

/// Whether a text is the table of this kind.
pub(super) fn is(text: &str, kind: &str) -> bool {
    heads(text, kind).is_some()
}

/// The heads and the number of their line.
fn heads(text: &str, kind: &str) -> Option<(usize, Vec<Column>)> {
    text.lines().take(64).enumerate().find_map(|(at, line)| {
        let columns = columns(line);
        let has = |name: &&str| columns.iter().any(|it| it.0 == **name);
        // A group stands in the tables of its volumes and devices too.
        let first = columns.iter().all(|it| kind != "vg" || !matches!(it.0.as_str(), "LV" | "PV"));
        (first && needed(kind).iter().all(has)).then_some((at, columns))
    })
}

/// Where each head begins. `LV UUID` is one head.
fn columns(line: &str) -> Vec<Column> {
    let letters: Vec<char> = line.chars().collect();
    let mut found: Vec<Column> = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let word: String = letters[at..].iter().take_while(|it| !it.is_whitespace()).collect();
        let next = at + word.chars().count().max(1);
        let part = matches!(word.as_str(), "UUID" | "Miss");
        match found.last_mut() {
            Some((name, begin)) if part && begin.saturating_add(name.chars().count() + 1) == at => {
                name.push(' ');
                name.push_str(&word);
            }
            _ if !word.is_empty() => found.push((word, at)),
            _ => {}
        }
        at = next;
    }
    found
}

/// The rows, by the names of their fields; an error says which line does not fit.
pub(super) fn rows(text: &str, kind: &str) -> Result<Vec<BTreeMap<String, String>>, String> {
    let (head, columns) = heads(text, kind).ok_or_else(|| format!("no heads of {kind}s in it"))?;
    let mut rows = Vec::new();
    for line in text.lines().skip(head + 1) {
        let said = line.trim();
        // A blank line or a prompt: the next thing of a pasted terminal. No name in LVM bears an `@`.
        let prompt = said.split_whitespace().next().is_none_or(|it| it.contains('@'));
        if prompt || said.starts_with("```") {
            break;
        }
        if ASIDES.iter().any(|it| said.starts_with(it)) || said.contains(": read failed") {
            continue;
        }
        let row = row(line, kind, &columns)
            .ok_or_else(|| format!("a line that does not stand under the heads: {said:.80?}"))?;
        rows.push(row);
    }
    Ok(rows)
}

fn row(line: &str, kind: &str, columns: &[Column]) -> Option<BTreeMap<String, String>> {
    // A paste often loses the blanks before its first line: rows begin where the first head does.
    let first = columns.first()?.1;
    let letters: Vec<char> = std::iter::repeat_n(' ', first).chain(line.trim().chars()).collect();
    let mut fields = BTreeMap::new();
    for (at, (name, begin)) in columns.iter().enumerate() {
        let gap = begin.checked_sub(1).and_then(|it| letters.get(it));
        if gap.is_some_and(|it| *it != ' ') {
            return None;
        }
        let end = columns.get(at + 1).map_or(letters.len(), |it| it.1).min(letters.len());
        let cell: String = letters.get(*begin..end).unwrap_or_default().iter().collect();
        let plain = HEADS.iter().find(|it| it.0 == kind && it.1 == name).map(|it| it.2);
        let more = || MORE.iter().find(|it| kind == "vg" && it.0 == name).map(|it| it.1);
        let Some(field) = plain.or_else(more) else { continue };
        let cell = cell.trim();
        // Some locales write a comma for the point.
        let number =
            field.ends_with("_percent") || field.ends_with("_size") || field.ends_with("_free");
        let value = if number { cell.replace(',', ".") } else { cell.to_owned() };
        fields.insert(field.to_owned(), value);
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LVS: &str = "\
LV       VG   Attr       LSize   Pool Origin Data%  Meta%  Move Log Cpy%Sync Convert
  home     syn0 -wi-a---p-   1,50t
  pool     syn0 twi-aotz-- 200.00g             97,25  41.10
  WARNING: Device for PV AbCd not found or rejected by a filter.
  mirrored syn0 rwi-aor---  10.00g                                    100.00
";

    #[test]
    fn a_table_is_read_by_its_heads() {
        assert!(is(LVS, "lv") && !is(LVS, "vg") && !is(LVS, "pv"));
        let rows = rows(LVS, "lv").unwrap();
        let of = |at: usize, name: &str| rows[at][name].as_str();
        assert_eq!(rows.len(), 3);
        assert_eq!(
            (of(0, "lv_name"), of(0, "lv_attr"), of(0, "lv_size")),
            ("home", "-wi-a---p-", "1.50t")
        );
        assert_eq!((of(1, "data_percent"), of(1, "metadata_percent")), ("97.25", "41.10"));
        assert_eq!((of(2, "pool_lv"), of(2, "sync_percent")), ("", "100.00"));
    }

    #[test]
    fn a_table_whose_columns_moved_is_refused() {
        let text = LVS.replace("syn0 twi", "a-longer-name twi");
        assert!(rows(&text, "lv").unwrap_err().contains("a-longer-name"));
    }

    #[test]
    fn groups_and_devices_are_told_apart() {
        let vgs =
            "  VG   #PV #LV #SN Attr   VSize   VFree\n  syn0   3   2   0 wz-pn- 930.00g 12.00g\n";
        assert!(is(vgs, "vg") && !is(vgs, "lv") && !is(vgs, "pv"));
        let row = &rows(vgs, "vg").unwrap()[0];
        assert_eq!((row["vg_attr"].as_str(), row["pv_count"].as_str()), ("wz-pn-", "3"));
        let pvs = "  PV         VG   Fmt  Attr PSize   PFree\n  /dev/sda2  syn0 lvm2 a--  465.00g    0\n  [unknown]  syn0 lvm2 a-m  465.00g    0\n";
        assert!(is(pvs, "pv") && !is(pvs, "vg") && !is(pvs, "lv"));
        assert_eq!(rows(pvs, "pv").unwrap()[1]["pv_attr"], "a-m");
    }
}
