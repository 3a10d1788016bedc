//! What people write: rules, contracts, configurations, saved walks, tables of drives.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use xunjian_agent::{
    config,
    host::{read_walk, write_walk},
    sources,
    targets::{Target, is_name},
};
use xunjian_collector::{
    backtest::{csv, history::Histories},
    config as collector,
    contract::{Contract, ContractError, Contracts},
    evaluate,
};
use xunjian_proto::{Time, token::EnrolToken};
use xunjian_rules::{KnownMetric, RuleSet};

use crate::{Entry, files};

/// 2027-01-15.
const NOW: Time = Time::from_secs(1_800_000_000);

/// Rule files.
pub(crate) const RULES: Entry = Entry {
    name: "rules",
    holds: "every mistake has a sentence and a line of the file; a file without mistakes can be run on its own examples",
    read: rules,
    seeds: |root| {
        let mut all = files(&root.join("rules/library"), ".toml");
        all.extend(files(&root.join("tests/fixtures/rules"), ".toml"));
        all
    },
};

fn known() -> &'static [KnownMetric] {
    static KNOWN: OnceLock<Vec<KnownMetric>> = OnceLock::new();
    KNOWN.get_or_init(evaluate::known_metrics)
}

fn rules(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    // The last line may be empty and still be where something is missing.
    let lines = text.split('\n').count() + 1;
    let (set, mistakes) = xunjian_rules::load(&[("fuzzed.toml".to_owned(), text)], known());
    for it in &mistakes {
        assert!(!it.text.trim().is_empty() && it.line <= lines, "{it}");
    }
    if mistakes.is_empty() {
        let _ = evaluate::run_examples(&Arc::new(set));
    }
}

/// Contracts.
pub(crate) const CONTRACT: Entry = Entry {
    name: "contract",
    holds: "every mistake has a sentence and a line of the file; what is taken comes back the same from its own text",
    read: contract,
    seeds: |root| {
        let mut all = files(&root.join("deploy"), "contract.example.toml");
        // The example has its defaults as they are and the rest as comments.
        let whole = all.iter().map(|(_, it)| (String::from("whole"), uncommented(it)));
        let whole: Vec<_> = whole.collect();
        all.extend(whole);
        all.extend(files(&root.join("tests/fixtures/judge"), "contract.toml"));
        all
    },
};

/// An example in which every key that is commented out is there.
fn uncommented(text: &[u8]) -> Vec<u8> {
    let is_toml = |line: &str| line.starts_with('[') || line.contains(" = ");
    let text = String::from_utf8_lossy(text);
    let lines =
        text.lines().map(|line| line.strip_prefix("# ").filter(|it| is_toml(it)).unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n").into_bytes()
}

fn contract(bytes: &[u8]) {
    static LIBRARY: OnceLock<RuleSet> = OnceLock::new();
    let text = String::from_utf8_lossy(bytes);
    let lines = text.split('\n').count() + 1;
    let contract = match Contract::parse(&text, "fuzzed.toml") {
        Ok(contract) => contract,
        Err(ContractError::Mistakes { mistakes, .. }) => {
            assert!(!mistakes.is_empty(), "refused without a reason");
            for it in mistakes {
                assert!(!it.what.trim().is_empty() && it.line.is_none_or(|it| it <= lines), "{it}");
            }
            return;
        }
        Err(error) => panic!("a text is no file: {error}"),
    };
    let mut table = toml::Table::try_from(&contract).unwrap();
    // Numbers of windows are given when they are read.
    let windows = table.get_mut("maintenance").and_then(toml::Value::as_array_mut);
    for window in windows.into_iter().flatten().filter_map(toml::Value::as_table_mut) {
        window.remove("id");
    }
    let text = table.to_string();
    match Contract::parse(&text, "again.toml") {
        Ok(again) => assert_eq!(contract, again),
        Err(error) => panic!("what was taken is refused: {error}\n{text}"),
    }
    let contracts = Contracts::only(contract);
    let _ = contracts.expired(NOW);
    let _ = contracts.rule_mistakes(LIBRARY.get_or_init(|| evaluate::library().0));
}

/// The agent's configuration.
pub(crate) const CONFIGURATION: Entry = Entry {
    name: "configuration",
    holds: "every mistake has a sentence",
    read: |bytes| {
        if let Err(mistakes) = config::Config::parse(&String::from_utf8_lossy(bytes), sources::ALL)
        {
            assert!(
                mistakes.iter().all(|it| !it.problem.trim().is_empty()) && !mistakes.is_empty()
            );
        }
    },
    seeds: |root| files(&root.join("deploy"), "agent.example.toml"),
};

/// The collector's configuration.
pub(crate) const COLLECTOR_CONFIGURATION: Entry = Entry {
    name: "collector-configuration",
    holds: "every mistake has a sentence",
    read: |bytes| {
        if let Err(mistakes) = collector::Config::parse(&String::from_utf8_lossy(bytes)) {
            assert!(mistakes.iter().all(|it| !it.trim().is_empty()) && !mistakes.is_empty());
        }
    },
    seeds: |root| {
        let mut all = files(&root.join("deploy"), "collector.example.toml");
        let whole = all.first().map(|(_, it)| (String::from("whole"), uncommented(it)));
        all.extend(whole);
        all
    },
};

/// Devices over the network, as recordings keep them.
pub(crate) const TARGET: Entry = Entry {
    name: "target",
    holds: "what is taken has a name that can be a file's, and comes back the same from its own text",
    read: |bytes| {
        let own = ["profile", "url", "expect"];
        if let Some(target) = Target::parse("one", &String::from_utf8_lossy(bytes), &own) {
            assert!(is_name(&target.name));
            assert_eq!(Target::parse("one", &target.text(), &own), Some(target));
        }
    },
    seeds: |root| {
        let of = |source: &str| files(&root.join("tests/fixtures").join(source), ".toml");
        ["probe", "redfish", "snmp"].iter().flat_map(|it| of(it)).collect()
    },
};

/// Tokens with which an agent is let in.
pub(crate) const TOKEN: Entry = Entry {
    name: "token",
    holds: "what is taken has a secret",
    read: |bytes| {
        if let Ok(token) = EnrolToken::parse(&String::from_utf8_lossy(bytes)) {
            assert!(!token.secret().is_empty());
        }
    },
    seeds: |_: &Path| {
        let token = EnrolToken::new(b"a certificate").map(|it| it.to_string().into_bytes());
        token.ok().into_iter().map(|it| ("one".to_owned(), it)).collect()
    },
};

/// Saved SNMP walks.
pub(crate) const WALK: Entry = Entry {
    name: "walk",
    holds: "what was read comes back the same from what a recording keeps of it",
    read: |bytes| {
        let read = read_walk(&String::from_utf8_lossy(bytes), &|_| None);
        let again = read_walk(&write_walk(&read.bindings), &|_| None);
        // By their text: a number that is none is not equal to itself.
        assert_eq!(format!("{:?}", again.bindings), format!("{:?}", read.bindings));
        assert_eq!(again.strange, 0);
    },
    seeds: |root| files(&root.join("tests/fixtures/snmp"), ".snmprec"),
};

/// Backblaze Drive Stats.
pub(crate) const DRIVE_STATS: Entry = Entry {
    name: "drive-stats",
    holds: "the days of a drive follow one another without overlap, and none is of the day on which it failed or later",
    read: |bytes| {
        let mut histories = Histories::default();
        let _ = csv::rows(bytes, &mut histories);
        histories.finish();
        for drive in &histories.drives {
            assert!(drive.stretches.iter().all(|it| it.first <= it.last));
            assert!(drive.stretches.is_sorted_by(|one, two| one.last < two.first), "{drive:?}");
            assert!(drive.stretches.iter().all(|it| drive.failed.is_none_or(|day| it.last < day)));
        }
    },
    seeds: |_| {
        let table = "date,serial_number,model,capacity_bytes,failure,smart_5_normalized,smart_5_raw,smart_187_raw,\
                     smart_184_normalized\n2016-03-26,ZA1,ST4000DM000,4000787030016,0,100,0,0,100\n\
                     2016-03-27,ZA1,ST4000DM000,4000787030016,1,100,48.0,,99\n2016-03-27,\"ZA2\",\"HGST \
                     HMS5C4040BLE640\",4000787030016,0,100,1e3,7,\n";
        vec![("table".to_owned(), table.as_bytes().to_vec())]
    },
};
