//! What people read in Chinese is punctuated as Chinese: full-width marks beside Chinese characters, never ASCII ones.

use std::{fs, path::Path};

use serde_json::Value;
use xunjian_collector::{
    classify::{Step, step, topology::Topology},
    contract::{Asset, Contract},
};
use xunjian_proto::{ComponentId, MemberState};
use xunjian_rules::{EvidenceKind, LIBRARY};

use crate::classify_kit::{disk, fact, firing, host_with, set_of, t0};

/// A Chinese character before an ASCII mark of a sentence, or behind a comma or semicolon.
fn wrong_mark(text: &str) -> Option<String> {
    let chinese = |it: char| ('\u{3400}'..='\u{9fff}').contains(&it);
    let letters: Vec<char> = text.chars().collect();
    letters.windows(2).enumerate().find_map(|(at, pair)| {
        let wrong = chinese(pair[0]) && ",:;()".contains(pair[1])
            || ",;".contains(pair[0]) && chinese(pair[1]);
        wrong.then(|| letters[at.saturating_sub(12)..(at + 12).min(letters.len())].iter().collect())
    })
}

#[test]
fn the_check_tells_marks_apart() {
    for good in ["磁盘 {name}：{text}", "md0（RAID 5，4 个成员）", "a, b; c: (d)", "为 a, b"]
    {
        assert_eq!(wrong_mark(good), None, "{good}");
    }
    for bad in ["磁盘: sda", "成员(4)", "已失效,请更换", "sda,请更换", "(成员)"] {
        assert!(wrong_mark(bad).is_some(), "{bad}");
    }
}

#[test]
fn the_rules_texts_have_chinese_marks() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for file in LIBRARY {
        let table: toml::Table = file.text.parse().unwrap();
        let json = serde_json::to_value(table).unwrap();
        chinese(&json, &mut |text| {
            count += 1;
            wrong.extend(wrong_mark(text).map(|it| format!("{}: {it}", file.name)));
        });
    }
    assert!(count > 300, "only {count} texts found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Every string under a key `zh`.
fn chinese(value: &Value, call: &mut impl FnMut(&str)) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| match value {
            Value::String(text) if key == "zh" => call(text),
            value => chinese(value, call),
        }),
        Value::Array(list) => list.iter().for_each(|it| chinese(it, call)),
        _ => {}
    }
}

#[test]
fn decisions_have_chinese_marks() {
    let mut count = 0;
    let contract =
        Contract { assets: [("node1".to_owned(), Asset::default())].into(), ..Contract::default() };
    for (scheme, width) in
        [("raid0", 2), ("raid1", 2), ("raid5", 4), ("raid6", 6), ("raid10", 4), ("bond", 2)]
    {
        for state in
            [MemberState::Active, MemberState::Failed, MemberState::Missing, MemberState::Unknown]
        {
            for (gone, evidence) in [
                (0, EvidenceKind::Suspect),
                (1, EvidenceKind::Lost),
                (1, EvidenceKind::ImpactPartial),
                (2, EvidenceKind::ImpactTotal),
                (2, EvidenceKind::Advice),
                (1, EvidenceKind::Blind),
            ] {
                let states: Vec<_> = (0..width)
                    .map(|at| if at < gone { state } else { MemberState::Active })
                    .collect();
                let topology = Topology::new(host_with(set_of(
                    "md0",
                    scheme,
                    u32::try_from(width).unwrap(),
                    0,
                    &states,
                )));
                let about = [disk(width - 1), ComponentId::new("md", "md0"), ComponentId::host()];
                let judgements: Vec<_> = about
                    .iter()
                    .map(|it| firing(fact("rule", "class", evidence, it, t0()), t0()))
                    .collect();
                let input = Step {
                    agent: "a1",
                    hostname: "node1",
                    judgements: &judgements,
                    topology: &topology,
                    contract: &contract,
                    partners: &[],
                    open: &[],
                    now: t0(),
                };
                for case in step(&input) {
                    chinese(&serde_json::to_value(case).unwrap(), &mut |text| {
                        count += 1;
                        assert_eq!(wrong_mark(text), None, "{text}");
                    });
                }
            }
        }
    }
    assert!(count > 1000, "only {count} texts found");
}

/// Texts that no test brings about: what stands in quotes in the code, in the pages and in the table of levels.
#[test]
fn nothing_written_for_people_has_wrong_marks() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut wrong = Vec::new();
    let mut files = vec![root.join("rules/LEVELS.md")];
    for dir in ["collector/src", "collector/templates", "agent/src"] {
        walk(&root.join(dir), &mut files);
    }
    for file in &files {
        let text = fs::read_to_string(file).unwrap_or_default();
        let code = file.extension().is_some_and(|it| it == "rs");
        for line in text.lines().filter(|it| !(code && it.trim_start().starts_with("//"))) {
            wrong.extend(wrong_mark(line).map(|it| format!("{}: {it}", file.display())));
        }
    }
    assert!(files.len() > 100, "only {} files found", files.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn walk(dir: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|it| it == "rs" || it == "html") {
            files.push(path);
        }
    }
}
