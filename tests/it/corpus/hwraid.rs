//! Hardware RAID: outputs of the makers' tools, and what is known of some of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use xunjian_agent::{
    host::Given,
    saved::File,
    source::{Found, SourceError},
    sources,
};
use xunjian_collector::{
    classify::{Case, Grade},
    contract::{Contract, Contracts},
    evaluate::Overrides,
    round::Round,
    rulebook,
};
use xunjian_proto::{HostFacts, Outcome, Run, Time};

use super::{Share, collect, corpus, files};

/// Folders and names of the corpus's outputs by tool.
const TOOLS: [(&str, &[&str]); 10] = [
    ("storcli", &["storcli/testdata", "storecli"]),
    ("MegaCli", &["megacli/"]),
    ("ssacli", &["hpssa/testdata", "hpacucli/"]),
    ("cciss_vol_status", &["cciss_vol_status"]),
    ("arcconf", &["adaptecraid/testdata", "arcconf/"]),
    ("sas2ircu", &["sas2ircu", "sas3ircu"]),
    ("mpt-status", &["mpt/"]),
    ("areca", &["areca/"]),
    ("tw_cli", &["tw_cli/"]),
    ("mvcli", &["mvcli/"]),
];

/// Files beside the tools' answers that this source asks for: versions, help texts, device logs, block maps, SMART.
const OTHERS: [&str; 9] = [
    "/version",
    "issue90/a",
    "issue90/d",
    "cciss-1.12a",
    "lsscsi",
    "smart",
    "create-ok",
    "info.blk",
    "issue-92/blk",
];

#[test]
fn outputs_of_raid_tools_of_the_field_are_understood() {
    let Some(corpus) = corpus("raid") else { return };
    let all = files(&corpus);
    for (tool, parts) in TOOLS {
        let is_of = |file: &&PathBuf| {
            let path = file.to_string_lossy();
            parts.iter().any(|it| path.contains(it)) && !OTHERS.iter().any(|it| path.contains(it))
        };
        let mut share = Share::default();
        let mut count = 0;
        for file in all.iter().filter(is_of) {
            count += 1;
            let found = read(std::slice::from_ref(file));
            let none = is_empty_answer(file);
            let good = none || found.as_ref().is_ok_and(|it| !it.components.is_empty());
            let named = found.as_ref().map_or(true, |it| !it.problems.is_empty());
            share.count(file, good, named);
        }
        if count > 0 {
            share.report("hwraid", tool, 0.98);
        }
    }
}

/// Answers that truly name nothing: no controller, a controller without volumes.
fn is_empty_answer(file: &Path) -> bool {
    let text = String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
    ["not found", "does not have any logical drives"].iter().any(|it| text.contains(it))
}

/// Verdicts that check_raid's tests give: files that stand together are one host's.
#[test]
fn labelled_raid_outputs_get_cases_where_something_is_wrong_and_only_there() {
    let (Some(labels), Some(corpus)) = (corpus("raid_labels"), corpus("raid")) else { return };
    let data = corpus.join("glensc__nagios-plugin-check_raid/t/data");
    let table = fs::read_to_string(labels.join("given_check_raid_labels.tsv")).unwrap();
    let mut expected: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    for row in table.lines().skip(1) {
        let mut fields = row.split('\t');
        let (file, _, status) = (fields.next(), fields.next(), fields.next());
        let group = data.join(file.unwrap()).parent().unwrap().to_owned();
        expected.entry(group).or_default().insert(status.unwrap().to_owned());
    }
    let (mut bad, mut good, mut mixed) = (0, 0, 0);
    let mut wrong = Vec::new();
    for (folder, statuses) in expected {
        for (name, answers, statuses) in hosts(&folder, &statuses, &data, &table) {
            let cases = judge(&answers);
            let worst = cases.iter().map(|it| it.decision.grade).min();
            let grave = cases.iter().find(|it| match it.decision.grade {
                Grade::Fault(level) => level.number() <= 3,
                Grade::Blind | Grade::Advice => false,
            });
            let says =
                |it: &Case| format!("{} {}: {:?}", it.component, it.class, it.decision.grade);
            let all: Vec<String> = cases.iter().map(says).collect();
            eprintln!("{name}: {statuses:?} -> {worst:?}");
            match (statuses.contains("OK"), statuses.len()) {
                (true, 1) => {
                    good += 1;
                    if let Some(case) = grave {
                        wrong.push(format!("{name} is fine, and yet {}", says(case)));
                    }
                }
                (false, _) => {
                    bad += 1;
                    if cases.is_empty() {
                        wrong.push(format!("{name} is {statuses:?}, and there is no case"));
                    }
                }
                // The same output with other options of check_raid: either may be right, but nothing grave.
                (true, _) => {
                    mixed += 1;
                    if let Some(case) = grave {
                        wrong.push(format!(
                            "{name} is partly fine, and yet {}: {all:?}",
                            says(case)
                        ));
                    }
                }
            }
        }
    }
    eprintln!("labels: {bad} bad, {good} good, {mixed} either");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(bad >= 5 && good >= 15, "labels were not found: {bad} bad, {good} good");
}

/// The hosts of a folder: where its files are several answers of one tool they are one host, else one each.
fn hosts(
    folder: &Path,
    statuses: &BTreeSet<String>,
    data: &Path,
    table: &str,
) -> Vec<(String, Answers, BTreeSet<String>)> {
    let name = folder.strip_prefix(data).unwrap().to_string_lossy().into_owned();
    let inside: Vec<PathBuf> = files(folder).into_iter().filter(|it| it.is_file()).collect();
    let together = folder.parent() != Some(data);
    if together && name.starts_with("mdstat") {
        return vec![];
    }
    if together {
        let readable = |it: &PathBuf| question(it).is_some();
        let answers: Vec<PathBuf> = inside.into_iter().filter(readable).collect();
        if answers.is_empty() {
            return vec![];
        }
        return vec![(name, Answers::Raid(answers), statuses.clone())];
    }
    let mut hosts = Vec::new();
    for file in inside {
        let relative = file.strip_prefix(data).unwrap().to_string_lossy().into_owned();
        let mut statuses = BTreeSet::new();
        for row in table.lines().skip(1).filter(|it| it.split('\t').next() == Some(&relative)) {
            statuses.insert(row.split('\t').nth(2).unwrap().to_owned());
        }
        let answers = if name == "mdstat" {
            Answers::Md(file)
        } else if question(&file).is_some() {
            Answers::Raid(vec![file])
        } else {
            continue;
        };
        if !statuses.is_empty() {
            hosts.push((relative, answers, statuses));
        }
    }
    hosts
}

enum Answers {
    Raid(Vec<PathBuf>),
    Md(PathBuf),
}

fn question(file: &Path) -> Option<()> {
    let source = sources::ALL.iter().find(|it| it.name == "hwraid").unwrap();
    source.saved.host(&[saved(file)], Time::from_secs(0)).ok().map(drop)
}

fn saved(file: &Path) -> File {
    let content = String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
    File { name: file.display().to_string(), content }
}

fn read(all: &[PathBuf]) -> Result<Found, SourceError> {
    let source = sources::ALL.iter().find(|it| it.name == "hwraid").unwrap();
    let given: Vec<File> = all.iter().map(|it| saved(it)).collect();
    let host = source.saved.host(&given, Time::from_secs(0));
    let host = host.map_err(|why| SourceError::Parse { what: format!("{all:?}"), why })?;
    collect("hwraid", &host.host)
}

/// Cases of one look, as `judge` makes them: hold times are waived, because nothing follows.
fn judge(answers: &Answers) -> Vec<Case> {
    let (source, found) = match answers {
        Answers::Raid(all) => ("hwraid", read(all)),
        Answers::Md(file) => {
            let mut host = Given::default();
            host.file("proc/mdstat", saved(file).content);
            ("md", collect("md", &host))
        }
    };
    let at = Time::from_secs(1_700_000_000);
    let (outcome, found) = match found {
        Ok(found) => (Outcome::Collected, found),
        Err(error) => (Outcome::Failed(error.to_string()), Found::default()),
    };
    let run = Run {
        source: source.to_owned(),
        at,
        took_ms: 0,
        outcome,
        components: found.components,
        samples: found.samples,
        states: found.states,
        events: found.events,
        problems: found.problems,
        evidence: Vec::new(),
        cost: xunjian_proto::Cost::default(),
    };
    let contracts = Contracts::only(Contract::default());
    let contract = contracts.of("h");
    let overrides = Overrides::of(contract, "h").waiving_holds();
    let host = HostFacts {
        hostname: "h".to_owned(),
        boot_id: String::new(),
        agent_version: String::new(),
        attrs: BTreeMap::new(),
    };
    let mut round = Round::new("h", host, Arc::new(rulebook::load(None).unwrap()));
    round.take(&[run], contract, &overrides, at);
    round.cases().filter(|it| it.closed_at.is_none()).cloned().collect()
}
