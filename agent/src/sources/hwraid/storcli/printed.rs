//! What the tools print for people, without `J`: the same tables under the same names, made into the JSON that `J` gives.
//!
//! Fact: both forms come from one set of tables; a section is `NAME :` underlined by `=`, with `key = value` lines or with
//! a table whose columns stand below their heads between three rules of `-`.

use serde_json::{Map, Value, json};

/// Whether a text is such an output.
pub(super) fn is(text: &str) -> bool {
    let has = |start: &str| text.lines().any(|it| it.starts_with(start));
    // Old versions name no version; then controller and description stand around the status.
    !text.contains("\"Controllers\"")
        && has("Status = ")
        && (has("CLI Version = ") || has("Controller = ") && has("Description = "))
}

/// The JSON of the same answer.
pub(super) fn json(text: &str) -> Value {
    let lines: Vec<&str> = text.lines().collect();
    let mut controllers: Vec<Value> = Vec::new();
    let mut at = 0;
    while let Some(begin) = next(&lines, at, is_head) {
        let end = next(&lines, begin + 1, is_head).unwrap_or(lines.len());
        controllers.push(controller(&lines[begin..end]));
        at = end;
    }
    json!({ "Controllers": controllers })
}

/// `Controller = 0` before `Status = Success`: another controller's answer begins.
fn is_head(lines: &[&str], at: usize) -> bool {
    let status = lines.get(at + 1).is_some_and(|it| it.starts_with("Status = "));
    let first = at == 0 || !lines[at - 1].starts_with("Controller = ");
    match lines[at].starts_with("Controller = ") {
        true => status,
        // Of all controllers together (`show`): the head names none.
        false => {
            first
                && lines[at].starts_with("Status = ")
                && !lines[..at].iter().any(|it| it.starts_with("Controller = "))
        }
    }
}

fn next(lines: &[&str], from: usize, wanted: fn(&[&str], usize) -> bool) -> Option<usize> {
    (from..lines.len()).find(|at| wanted(lines, *at))
}

fn controller(lines: &[&str]) -> Value {
    let body = next(lines, 0, is_section).unwrap_or(lines.len());
    let top = lines[..body].iter().position(|it| it.trim().is_empty()).unwrap_or(body);
    let (status, mut data) = (pairs(&lines[..top]), pairs(&lines[top..body]));
    let mut at = body;
    while at < lines.len() {
        let end = next(lines, at + 1, is_section).unwrap_or(lines.len());
        let name = lines[at].trim().trim_end_matches(':').trim().to_owned();
        let content = content(&lines[at + 2..end.max(at + 2)]);
        // `Drive /c0/e252/s0 State` belongs to the particulars of that drive.
        let owner = data.keys().rev().find(|it| belongs(&name, it)).cloned();
        match owner.and_then(|it| data.get_mut(&it)).and_then(Value::as_object_mut) {
            Some(inner) => inner.insert(name, content),
            None => data.insert(name, content),
        };
        at = end;
    }
    json!({ "Command Status": status, "Response Data": data })
}

fn belongs(name: &str, owner: &str) -> bool {
    owner
        .strip_suffix(" - Detailed Information")
        .is_some_and(|path| name.strip_prefix(path).is_some_and(|it| it.starts_with(' ')))
}

/// `PD LIST :` with a line of `=` below.
fn is_section(lines: &[&str], at: usize) -> bool {
    let underlined = lines.get(at + 1).is_some_and(|it| {
        let it = it.trim();
        it.len() > 1 && it.bytes().all(|it| it == b'=')
    });
    underlined && lines[at].trim_end().ends_with(':')
}

fn content(lines: &[&str]) -> Value {
    let rules: Vec<usize> = (0..lines.len()).filter(|at| is_rule(lines[*at])).collect();
    match rules[..] {
        [top, head, ..] if head == top + 2 => {
            let end = rules.get(2).copied().unwrap_or(lines.len());
            Value::Array(table(lines[top + 1], &lines[head + 1..end]))
        }
        _ => Value::Object(pairs(lines)),
    }
}

fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() > 4 && line.bytes().all(|it| it == b'-')
}

fn pairs(lines: &[&str]) -> Map<String, Value> {
    let pair = |line: &&str| {
        let (name, value) = line.split_once('=')?;
        Some((name.trim().to_owned(), Value::String(value.trim().to_owned())))
    };
    lines.iter().filter_map(pair).collect()
}

/// Columns are as wide as what stands in them, apart by at least one column of blanks from top to bottom. A blank within
/// values (a model's name) leaves a strip without a head: it belongs to the column left of it.
fn table(head: &str, rows: &[&str]) -> Vec<Value> {
    let all: Vec<Vec<char>> =
        std::iter::once(&head).chain(rows).map(|it| it.chars().collect()).collect();
    let width = all.iter().map(Vec::len).max().unwrap_or(0);
    let blank = |at: usize| all.iter().all(|it| it.get(at).is_none_or(|it| *it == ' '));
    let mut strips: Vec<(usize, usize)> = Vec::new();
    for at in (0..width).filter(|at| !blank(*at)) {
        match strips.last_mut() {
            Some((_, end)) if *end == at => *end = at + 1,
            _ => strips.push((at, at + 1)),
        }
    }
    let cell = |row: &[char], (from, to): (usize, usize)| -> String {
        let part = row.get(from..to.min(row.len())).unwrap_or_default();
        part.iter().collect::<String>().trim().to_owned()
    };
    let mut columns: Vec<(String, (usize, usize))> = Vec::new();
    for strip in strips {
        let name = cell(&all[0], strip);
        match columns.last_mut() {
            Some((_, last)) if name.is_empty() => last.1 = strip.1,
            _ => columns.push((name, strip)),
        }
    }
    let row = |row: &Vec<char>| {
        let cells = columns.iter().map(|(name, at)| (name.clone(), Value::String(cell(row, *at))));
        Value::Object(cells.collect())
    };
    all.iter().skip(1).filter(|it| it.iter().any(|it| *it != ' ')).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRIVES: &str = "CLI Version = 007.1017.0000.0000 May 10, 2019
Operating system = Linux 4.18.0
Controller = 0
Status = Success
Description = Show Drive Information Succeeded.


Drive Information :
=================

---------------------------------------------------------------------------
EID:Slt DID State  DG     Size Intf Med SED PI SeSz Model               Sp
---------------------------------------------------------------------------
252:0     9 Onln    0 3.637 TB SATA HDD N   N  512B SYN ST4000 SYN      U
252:1    10 Failed  - 3.637 TB SATA HDD N   N  512B SYN ST4000 SYN      U
---------------------------------------------------------------------------

EID-Enclosure Device ID|Slt-Slot No.|DID-Device ID|DG-DriveGroup
";

    #[test]
    fn a_table_for_people_is_the_table_of_the_json() {
        assert!(is(DRIVES));
        let made = json(DRIVES);
        let controller = &made["Controllers"][0];
        assert_eq!(controller["Command Status"]["Controller"], "0");
        let rows = controller["Response Data"]["Drive Information"].as_array().unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1]["EID:Slt"], "252:1");
        assert_eq!(rows[1]["State"], "Failed");
        assert_eq!(rows[1]["Size"], "3.637 TB");
        assert_eq!(rows[1]["Model"], "SYN ST4000 SYN");
    }

    #[test]
    fn old_versions_name_no_version_and_the_overview_is_no_list_of_3ware() {
        let old = DRIVES.lines().skip(2).collect::<Vec<_>>().join("\n");
        assert!(is(&old) && json(&old)["Controllers"][0]["Response Data"].is_object());
        let overview = "Ctl Model    Ports PDs DGs DNOpt VDs VNOpt BBU sPR DS  EHS ASOs Hlth";
        assert!(!crate::sources::hwraid::tw::is_answer(overview));
    }

    #[test]
    fn particulars_stand_below_their_drive() {
        let text = "CLI Version = 1
Controller = 1
Status = Success

Drive /c1/e8/s0 - Detailed Information :
=====

Drive /c1/e8/s0 State :
=====
Media Error Count = 3
S.M.A.R.T alert flagged by drive = No
";
        let made = json(text);
        let inner =
            &made["Controllers"][0]["Response Data"]["Drive /c1/e8/s0 - Detailed Information"];
        assert_eq!(inner["Drive /c1/e8/s0 State"]["Media Error Count"], "3");
    }
}
