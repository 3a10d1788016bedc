//! Contracts: the example says the defaults, and every mistake is told at once with line, key and value.

use xunjian_collector::{
    contract::{Clocks, Contract, ContractError, Contracts, Mistake},
    evaluate::library,
};

use crate::support::TempDir;

const EXAMPLE: &str = include_str!("../../deploy/contract.example.toml");

fn mistakes(text: &str) -> Vec<Mistake> {
    match Contract::parse(text, "a.toml") {
        Err(ContractError::Mistakes { mistakes, .. }) => mistakes,
        other => panic!("{text}\nwanted mistakes, found {other:?}"),
    }
}

#[test]
fn the_example_says_the_defaults() {
    assert_eq!(Contract::parse(EXAMPLE, "example").unwrap(), Contract::default());
}

#[test]
fn every_key_stands_in_the_example_and_its_commented_part_is_valid() {
    let is_toml = |line: &str| line.starts_with('[') || line.contains(" = ");
    let whole: String = EXAMPLE
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|it| is_toml(it)).unwrap_or(line))
        .fold(String::new(), |all, line| all + line + "\n");
    // Days of service stand before the first table, where they belong.
    let contract = Contract::parse(&whole, "example").unwrap();
    assert_eq!(
        (contract.people.len(), contract.calendar.len(), contract.overrides.len()),
        (1, 1, 1)
    );
    assert!(contract.starts.is_some() && contract.ends.is_some());
    assert_eq!(contract.assets["node1"].critical_units, ["mysqld.service"]);
    let table = toml::Table::try_from(&contract).unwrap();
    for (section, value) in &table {
        assert!(whole.contains(section.as_str()), "{section} is not in the example");
        let toml::Value::Table(keys) = value else { continue };
        for key in
            keys.keys().filter(|_| !["sites", "assets", "dispatch"].contains(&section.as_str()))
        {
            assert!(whole.contains(&format!("{key} = ")), "{section}.{key} is not in the example");
        }
    }
}

#[test]
fn a_file_says_only_what_differs() {
    let text = "customer = 'acme'\n[emergency_clocks]\nrepair_minutes = 480\n[dispatch.1]\nengineers = 3\n";
    let contract = Contract::parse(text, "a.toml").unwrap();
    let emergency = Clocks { repair_minutes: 480, ..Contract::default().emergency_clocks };
    assert_eq!(contract.emergency_clocks, emergency);
    assert_eq!(contract.dispatch.len(), 4);
    assert_eq!(
        (contract.dispatch["1"].engineers, contract.dispatch["1"].senior_on_site),
        (3, true)
    );
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = "customer = 'ACME Ltd'
custommer_name = 'x'
timezone = 'Asia/Shangai'
starts = 2026-06-01
ends = 2026-01-01
emergency_levels = [1, 5, 1]
[clocks]
response_minutes = 0
arival_minutes = 60
repair_minutes = '2h'
[dispatch.5]
engineers = 1
[policy]
prefail_no_spare = 7
ost_share_basic_function_lost = 25
[sites.dc1]
[assets.node1]
site = 'dc2'
location = 'A1'
scratch = ['scratch', '/tmp', '/tmp']
critical_units = ['mysqld']
[assets.Node1]
site = 'dc1'
[assets.node2]
site = 'dc2'
location = 'A1'
[[people]]
name = '李工'
role = 'enginer'
[[calendar]]
date = 2027-01-01
kind = 'inspektion'
[[overrides]]
rule = 'x'
who = ''
[[overrides]]
rule = 'y'
who = 'a'
why = 'b'
host = 'node9'
";
    let found = mistakes(text);
    let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
    let shown = shown.join("\n");
    for wanted in [
        "line 1: `customer`: \"ACME Ltd\"",
        "line 2: `custommer_name`: unknown key; did you mean `customer_name`?",
        "line 3: `timezone`: found \"Asia/Shangai\"",
        "line 5: `ends`: 2026-01-01 is before starts",
        "line 6: `emergency_levels[1]`: 5: wanted 1 to 4",
        "line 6: `emergency_levels[2]`: level 1 is listed twice",
        "line 8: `clocks.response_minutes`: 0: wanted 1 to",
        "line 9: `clocks.arival_minutes`: unknown key; did you mean `arrival_minutes`?",
        "line 10: `clocks.repair_minutes`: found \"2h\"",
        "line 11: `dispatch.5`: \"5\" is not known",
        "line 14: `policy.prefail_no_spare`: 7: wanted 1 to 4",
        "line 15: `policy.ost_share_basic_function_lost`: 25",
        "line 18: `assets.node1.site`: \"dc2\" is not known; did you mean `dc1`?",
        "`assets.node1.scratch[0]`: \"scratch\": wanted a mount point",
        "`assets.node1.scratch[2]`: \"/tmp\" is listed twice",
        "`assets.node1.critical_units[0]`: \"mysqld\": wanted the unit's full name, like \"mysqld.service\"",
        "the same machine as `assets.Node1`",
        "`assets.node2.location`: \"A1\" is already the place of `assets.node1`",
        "`people[0].role`: \"enginer\" is not known; did you mean `engineer`?",
        "`people[0]`: \"李工\" has neither phone nor mail",
        "`calendar[0].kind`: \"inspektion\" is not known; did you mean `inspection`?",
        "`calendar[0].date`: 2027-01-01 is outside the time of service",
        "`overrides[0]`: missing field `why`",
        "host`: \"node9\" is not known",
    ] {
        assert!(shown.contains(wanted), "missing: {wanted}\n{shown}");
    }
    let lines: Vec<_> = found.iter().filter_map(|it| it.line).collect();
    assert!(lines.is_sorted(), "{lines:?}");
}

#[test]
fn broken_toml_is_told_by_line_and_the_rest_is_still_checked() {
    let shown: Vec<String> =
        mistakes("customer = \n[clocks]\nresponse_minutes = 15\nresponse_minutes = 16\n[policy]\npsu_lost = 9\n")
            .iter()
            .map(ToString::to_string)
            .collect();
    assert!(shown.iter().any(|it| it.starts_with("line 1: ")), "{shown:#?}");
    assert!(shown.iter().any(|it| it.contains("duplicate key")), "{shown:#?}");
    assert!(shown.iter().any(|it| it.starts_with("line 6: `policy.psu_lost`")), "{shown:#?}");
}

#[test]
fn overrides_that_the_rules_cannot_follow_are_named() {
    let text = "
[[overrides]]
rule = 'md-degradet'
who = 'a'
why = 'b'
[[overrides]]
rule = 'source-failing'
threshold = 3
who = 'a'
why = 'b'
[[overrides]]
rule = 'md-degraded'
component = 'disk:X'
who = 'a'
why = 'b'
";
    let contract = Contract::parse(text, "a.toml").unwrap();
    let found = contract.rule_mistakes(&library().0);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found[0].1.contains("did you mean `md-degraded`?"), "{found:?}");
    assert_eq!(found[1].0, "overrides[1].threshold");
    assert!(found[2].1.contains("is of kind `disk`, the rule is about `md`"), "{found:?}");
}

#[test]
fn thresholds_have_units_as_in_rules_and_misfits_are_named() {
    let text = "customer = 'acme'
[[overrides]]
rule = 'fs-space-low'
threshold = '98 %'
who = 'a'
why = 'b'
[[overrides]]
rule = 'host-silent'
threshold = '30m'
who = 'a'
why = 'b'
[[overrides]]
rule = 'fs-space-low'
model = 'x'
threshold = '5 GiB'
who = 'a'
why = 'b'
[[overrides]]
rule = 'fs-space-low'
model = 'y'
threshold = 98
who = 'a'
why = 'b'
[[overrides]]
rule = 'md-degraded'
threshold = '2 %'
who = 'a'
why = 'b'
";
    let contract = Contract::parse(text, "a.toml").unwrap();
    let values: Vec<f64> =
        contract.overrides.iter().map(|it| it.threshold.as_ref().unwrap().value).collect();
    assert_eq!(values[..2], [0.98, 1_800.0]);
    let found = contract.rule_mistakes(&library().0);
    let keys: Vec<&str> = found.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(
        keys,
        ["overrides[2].threshold", "overrides[3].threshold", "overrides[4].threshold"]
    );
    for (at, wanted) in [
        "compares with 1; wanted a number with one of %",
        "did you mean \"98 %\"?",
        "compares with",
    ]
    .iter()
    .enumerate()
    {
        assert!(found[at].1.contains(wanted), "{found:#?}");
    }
    let told = Contract::parse(&text.replace("'5 GiB'", "'5 XiB'"), "a.toml").unwrap_err();
    let told = told.to_string();
    assert!(
        told.contains("a.toml: line 12: `overrides[2]`: threshold \"5 XiB\": wanted"),
        "{told}"
    );
    // What is written is read again: the contract goes through the store of reports.
    let json = serde_json::to_string(&contract).unwrap();
    assert_eq!(serde_json::from_str::<Contract>(&json).unwrap(), contract);
}

#[test]
fn mistaken_and_expired_overrides_are_told_with_file_and_line() {
    let dir = TempDir::new("overrides");
    let file = dir.path().join("acme.toml");
    let text = "customer = 'acme'
[[overrides]]
rule = 'md-degraded'
who = 'a'
why = 'b'
until = 2026-01-31
[[overrides]]
rule = 'md-degradet'
who = 'a'
why = 'b'
";
    std::fs::write(&file, text).unwrap();
    let contracts = Contracts::load(Some(dir.path())).unwrap();
    let wrong = contracts.rule_mistakes(&library().0);
    assert!(wrong[0].contains("acme.toml: line 8: `overrides[1].rule`"), "{wrong:?}");
    // 2026-02-01 in Shanghai begins at 16:00 of the day before in UTC.
    let last = xunjian_proto::Time::from_secs(1_769_875_199);
    assert_eq!(contracts.expired(last), Vec::<String>::new());
    let over = contracts.expired(last + std::time::Duration::from_secs(1));
    assert!(over[0].contains("line 6: `overrides[0].until`"), "{over:?}");
    assert!(over[0].contains("no longer applies"), "{over:?}");
}

proptest::proptest! {
    #[test]
    fn hostile_text_is_refused_without_a_panic(text in "[a-z\\[\\]=\"'{}., \\n0-9#-]{0,200}") {
        let _ = Contract::parse(&text, "a.toml");
    }
}
