//! Drives of the field whose state is known: what failed must become a case, what is healthy must not be called grave.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use xunjian_agent::host::Given;
use xunjian_collector::{
    classify::{Case, Grade, Level},
    contract::Contract,
    evaluate::{Overrides, library},
    round::Round,
};
use xunjian_proto::{
    Component, ComponentId, Cost, HostFacts, Link, Member, MemberState, Outcome, Relation, Run,
    Set, Time,
};
use xunjian_rules::RuleSet;

use super::{collect, corpus, files};

const DRIVES: &str = "smart_json_derived";

/// One look at a drive that stands in a RAID 6 under a mounted filesystem.
fn cases(file: &Path, rules: &Arc<RuleSet>) -> Option<Vec<Case>> {
    let text = fs::read_to_string(file).ok()?;
    let json: serde_json::Value = serde_json::from_str(&text).ok()?;
    let device = json["device"]["name"].as_str().unwrap_or("/dev/sda").to_owned();
    let kind = json["device"]["type"].as_str().unwrap_or("sat").to_owned();
    let devices = serde_json::json!({"devices": [{"name": device, "type": kind}]}).to_string();
    let status = json["smartctl"]["exit_status"].as_i64().unwrap_or(0);
    let mut host = Given::default();
    host.answer(&["smartctl", "--scan-open"], 0, devices);
    host.answer(&["smartctl", "--xall"], i32::try_from(status).unwrap(), text);
    let found = collect("smart", &host).ok()?;
    let id = found.components.first()?.id.clone();
    let run = |source: &str, components: Vec<Component>| Run {
        source: source.to_owned(),
        at: Time::from_secs(1_700_000_000),
        took_ms: 1,
        outcome: Outcome::Collected,
        components,
        samples: Vec::new(),
        states: Vec::new(),
        events: Vec::new(),
        problems: Vec::new(),
        evidence: Vec::new(),
        cost: Cost::default(),
    };
    let smart = Run {
        samples: found.samples,
        states: found.states,
        problems: found.problems,
        ..run("smart", found.components)
    };
    let runs = [run("md", raid6(&id)), smart];
    let host = HostFacts {
        hostname: "a".to_owned(),
        boot_id: String::new(),
        agent_version: String::new(),
        attrs: BTreeMap::new(),
    };
    let contract = Contract::default();
    let overrides = Overrides::default().waiving_holds();
    let mut round = Round::new("a", host, Arc::clone(rules));
    round.take(&runs, &contract, &overrides, runs[0].at);
    Some(round.cases().cloned().collect())
}

fn raid6(drive: &ComponentId) -> Vec<Component> {
    let set_id = ComponentId::new("md", "m");
    let plain = |id: ComponentId, on: Option<ComponentId>, set: Option<Set>| Component {
        name: id.key().to_owned(),
        id,
        attrs: BTreeMap::new(),
        links: on.map(|to| Link { relation: Relation::On, to }).into_iter().collect(),
        set,
    };
    let ids = (1..5).map(|it| ComponentId::new("disk", &format!("peer{it}")));
    let ids: Vec<ComponentId> = ids.chain([drive.clone()]).collect();
    let members = (0..).zip(&ids).map(|(slot, id)| Member {
        slot: Some(slot),
        component: Some(id.clone()),
        name: id.key().to_owned(),
        state: MemberState::Active,
    });
    let set = Set { scheme: "raid6".to_owned(), width: 5, copies: 1, members: members.collect() };
    vec![
        plain(set_id.clone(), None, Some(set)),
        plain(ComponentId::new("filesystem", "/data"), Some(set_id), None),
    ]
}

fn gravest(cases: &[Case]) -> Option<Level> {
    let levels = cases.iter().filter_map(|it| match it.decision.grade {
        Grade::Fault(level) => Some(level),
        _ => None,
    });
    levels.min()
}

/// Drives whose only hard fault is a failed self-test, as the corpus's labels have it.
fn only_self_test(labels: &str) -> Vec<String> {
    let lines = labels.lines().map(|it| it.split('\t').collect::<Vec<_>>());
    let only = lines.filter(|it| it.last().is_some_and(|flags| flags.starts_with("SELFTEST_FAIL")));
    let only = only.filter(|it| !it.last().is_some_and(|flags| flags.contains(';')));
    only.filter_map(|it| Some(it.get(1)?.rsplit('/').next()?.to_owned())).collect()
}

#[test]
fn every_drive_with_a_hard_fault_becomes_a_case() {
    let (Some(folder), Some(texts)) = (corpus(DRIVES), corpus("smart_text")) else { return };
    let labels = texts.join("linuxhw__EnterpriseDrive/given/LABELS.tsv");
    let self_test = only_self_test(&fs::read_to_string(labels).unwrap());
    // The JSON that was made from the texts has no self-test logs: there is nothing in it to be found.
    let is_there = |file: &Path| {
        let text = fs::read_to_string(file).unwrap();
        let name = file.to_string_lossy();
        text.contains("ata_smart_self_test_log") || !self_test.iter().any(|it| name.contains(it))
    };
    let rules = Arc::new(library().0);
    for kind in ["fail_latest", "fail_onset"] {
        let folder = folder.join("linuxhw__EnterpriseDrive/given").join(kind);
        let mut all = files(&folder);
        let before = all.len();
        all.retain(|it| is_there(it));
        eprintln!(
            "{kind}: {} drives show their fault in a log that is not there",
            before - all.len()
        );
        let missed: Vec<_> = all
            .iter()
            .filter(|it| cases(it, &rules).is_none_or(|found| gravest(&found).is_none()))
            .collect();
        eprintln!("{kind}: {} of {} drives became a case", all.len() - missed.len(), all.len());
        assert!(missed.is_empty(), "no case: {missed:?}");
    }
}

#[test]
fn healthy_drives_in_a_set_with_redundancy_are_not_called_grave() {
    let Some(folder) = corpus(DRIVES) else { return };
    let rules = Arc::new(library().0);
    let (mut drives, mut grave, mut four) = (0_u32, Vec::new(), 0_u32);
    for kind in ["healthy_multi", "healthy_single"] {
        for file in files(&folder.join("linuxhw__EnterpriseDrive/given").join(kind)) {
            let Some(found) = cases(&file, &rules) else { continue };
            drives += 1;
            match gravest(&found) {
                Some(Level::Four) => {
                    four += 1;
                    let rules: Vec<_> =
                        found.iter().flat_map(|it| &it.facts).map(|it| it.rule.as_str()).collect();
                    eprintln!("level 4: {} {rules:?}", file.display());
                }
                Some(level) => grave.push((file, level)),
                None => {}
            }
        }
    }
    let shown = grave.len();
    eprintln!("healthy: {drives} drives, {shown} with a level 1 to 3 case, {four} with level 4");
    assert!(drives > 0);
    assert!(
        f64::from(u32::try_from(grave.len()).unwrap()) <= 0.005 * f64::from(drives),
        "{grave:?}"
    );
}
