//! Why a rule fired, stayed quiet or could not be judged; thresholds that a contract changed, and which of several counts.

use std::{process::Command, sync::Arc};

use xunjian_collector::{
    contract::{Asset, Contract, Override, Site},
    evaluate::{HostView, Judgement, Overrides, Standing, Verdict, judge, why},
};
use xunjian_proto::{ComponentId, Problem, Reason, Run};

use crate::{
    rules::{absorb, at, degraded, is_firing, md, number, rules, run, seen, verdict},
    support::{program, repo},
};

#[test]
fn a_contract_changes_thresholds_for_one_component_and_until_a_day() {
    let change = |component: Option<&str>, threshold, until: Option<&str>| Override {
        rule: "md-degraded".to_owned(),
        site: None,
        host: None,
        model: None,
        component: component.map(str::to_owned),
        threshold,
        who: "w".to_owned(),
        why: "y".to_owned(),
        until: until.map(|it| it.parse().unwrap()),
    };
    for (overrides, firing, listed) in [
        (vec![], true, true),
        (vec![change(Some("md:array"), Some(1.0.into()), None)], false, true),
        (vec![change(Some("md:other"), Some(1.0.into()), None)], true, true),
        (vec![change(None, None, None)], false, false),
        // The readings are of 14 November 2023.
        (vec![change(None, None, Some("2023-11-13"))], true, true),
        (vec![change(None, None, Some("2023-11-15"))], false, false),
    ] {
        let contract = Contract { overrides: overrides.clone(), ..Contract::default() };
        let tuned = Overrides::of(&contract, "host");
        let mut view = HostView::new(rules());
        for run in [degraded(0, 1.0), degraded(60, 1.0)] {
            view.absorb(&run, &tuned, run.at);
        }
        let found = judge(&view, &tuned, at(60)).into_iter().find(|it| &*it.rule == "md-degraded");
        assert_eq!(found.is_some(), listed, "{overrides:?}");
        assert_eq!(is_firing(found.map(|it| it.verdict).as_ref()), firing, "{overrides:?}");
    }
}

#[test]
fn why_nothing_was_raised_can_be_told_for_every_rule() {
    let mut view = HostView::new(rules());
    absorb(&mut view, &[degraded(0, 0.0)]);
    let all = why(&view, &md(), &Overrides::default(), at(0));
    let kinds = rules().rules.iter().filter(|it| it.on == "md").count();
    assert_eq!(all.len(), kinds, "one answer for each rule about arrays");
    for it in &all {
        let said = !it.because().zh.is_empty()
            || it.judgement.as_ref().is_some_and(|it| !it.inputs.is_empty());
        assert!(said, "{}: neither a sentence nor a reading", it.rule);
    }
    let judged = all.iter().find(|it| it.rule == "md-degraded").unwrap();
    let input = &judged.judgement.as_ref().unwrap().inputs[0];
    assert_eq!((input.value.as_str(), input.test.as_str()), ("0", "> 0"));
    let none = all.iter().find(|it| it.rule == "md-bad-blocks").unwrap();
    assert_eq!(none.judgement, None);
    assert!(none.none.as_ref().unwrap().zh.contains("不提供"));
}

pub(crate) fn changed(rule: &str) -> Override {
    let text = |it: &str| it.to_owned();
    Override {
        rule: text(rule), who: text("王经理"), why: text("约定"), ..Override::default()
    }
}

/// Two sites, one host each; the disk of the first is of a known model.
pub(crate) fn contract(overrides: Vec<Override>) -> Contract {
    let mut contract = Contract { overrides, ..Contract::default() };
    for (host, site) in [("node1", "dc1"), ("node2", "dc2")] {
        contract.sites.insert(site.to_owned(), Site::default());
        let asset = Asset { site: site.to_owned(), ..Asset::default() };
        contract.assets.insert(host.to_owned(), asset);
    }
    contract
}

pub(crate) fn hot(secs: i64) -> Run {
    let disk = ComponentId::new("disk", "S1");
    let mut run = number(run("smart", secs), &disk, "hw.smart.pending_sectors", 3.0);
    run.components[0].attrs.insert("hw.model".to_owned(), "ST12000NM0007".to_owned());
    run
}

/// The threshold that the rule is judged by on the disk of a host, as it is told; none: the library's.
fn in_force(contract: &Contract, host: &str) -> Option<String> {
    let rules = rules();
    let (rule, _) = pending_rule(&rules);
    let overrides = Overrides::of(contract, host);
    let mut view = HostView::new(Arc::clone(&rules));
    view.absorb(&hot(0), &overrides, at(0));
    let all = why(&view, &ComponentId::new("disk", "S1"), &overrides, at(0));
    let it = all.into_iter().find(|it| it.rule == rule).unwrap();
    let mut inforce = it.adjusted.iter().filter(|it| it.standing == Standing::InForce);
    let first = inforce.next().map(|it| it.threshold.clone().unwrap_or_else(|| "off".to_owned()));
    assert_eq!(inforce.next(), None, "only one counts");
    first
}

/// Some rule of the library with a threshold of its own on disks of any kind.
pub(crate) fn pending_rule(rules: &xunjian_rules::RuleSet) -> (String, f64) {
    let rule = rules
        .rules
        .iter()
        .find(|it| it.on == "disk" && it.only.is_empty() && it.threshold().is_some())
        .unwrap();
    (rule.id.to_string(), rule.threshold().unwrap())
}

#[test]
fn the_most_special_override_counts() {
    let (rule, _) = pending_rule(&rules());
    let whole = Override { threshold: Some(11.0.into()), ..changed(&rule) };
    let site =
        Override { site: Some("dc1".to_owned()), threshold: Some(12.0.into()), ..changed(&rule) };
    let host =
        Override { host: Some("node1".to_owned()), threshold: Some(13.0.into()), ..changed(&rule) };
    let model = Override {
        model: Some("st12000nm*".to_owned()),
        threshold: Some(14.0.into()),
        ..changed(&rule)
    };
    let part = Override { component: Some("disk:S1".to_owned()), ..changed(&rule) };
    let mut all = Vec::new();
    for (added, on_first, on_second) in [
        (whole, "11", "11"),
        (site, "12", "11"),
        (host, "13", "11"),
        (model, "14", "14"),
        (part, "off", "off"),
    ] {
        // In any order: the scope counts, not the place in the file.
        all.insert(0, added);
        let contract = contract(all.clone());
        assert_eq!(in_force(&contract, "node1").as_deref(), Some(on_first), "{all:#?}");
        assert_eq!(in_force(&contract, "node2").as_deref(), Some(on_second), "{all:#?}");
    }
    let other = Override { model: Some("WDC*".to_owned()), ..changed(&rule) };
    assert_eq!(in_force(&contract(vec![other]), "node1"), None);
}

#[test]
fn an_expired_override_is_told_and_does_not_apply() {
    // The readings are of 14 November 2023.
    let over = Override { until: Some("2023-11-13".parse().unwrap()), ..changed("md-degraded") };
    let contract = Contract { overrides: vec![over], ..Contract::default() };
    let overrides = Overrides::of(&contract, "node1");
    let mut view = HostView::new(rules());
    absorb(&mut view, &[degraded(0, 1.0), degraded(60, 1.0)]);
    let all = why(&view, &md(), &overrides, at(60));
    let it = all.iter().find(|it| it.rule == "md-degraded").unwrap();
    assert!(is_firing(it.judgement.as_ref().map(|it| &it.verdict)));
    assert_eq!(it.adjusted[0].standing, Standing::Expired);
    assert!(it.asides().iter().any(|it| it.zh.contains("已到期，不再生效")), "{it:#?}");
}

#[test]
fn a_fact_says_under_which_override_it_was_judged() {
    let tuned = Override { threshold: Some(0.5.into()), ..changed("md-degraded") };
    let contract = Contract { overrides: vec![tuned], ..Contract::default() };
    let overrides = Overrides::of(&contract, "node1");
    let mut view = HostView::new(rules());
    for run in [degraded(0, 1.0), degraded(60, 1.0)] {
        view.absorb(&run, &overrides, run.at);
    }
    let all = judge(&view, &overrides, at(60));
    let fact = all.iter().find_map(|it| match &it.verdict {
        Verdict::Firing(fact) if fact.rule == "md-degraded" => Some(fact),
        _ => None,
    });
    let text = fact.unwrap().adjusted.clone().unwrap();
    assert_eq!(text.zh, "合同调整（整个合同）：阈值调整为 0.5，王经理：约定，长期");
}

fn silent_verdict(
    rule: &str,
    id: &ComponentId,
    tuned: Option<f64>,
    off: bool,
    secs: i64,
) -> Option<Verdict> {
    let mut overrides = Vec::new();
    if tuned.is_some() || off {
        overrides.push(Override { threshold: tuned.map(Into::into), ..changed(rule) });
    }
    let contract = Contract { overrides, ..Contract::default() };
    let overrides = Overrides::of(&contract, "node1");
    let mut view = HostView::new(rules());
    view.absorb(&degraded(0, 0.0), &overrides, at(0));
    let all: Vec<Judgement> = judge(&view, &overrides, at(secs));
    all.into_iter().find(|it| *it.rule == *rule && it.component == *id).map(|it| it.verdict)
}

#[test]
fn a_contract_changes_how_long_silence_may_last() {
    let host = ComponentId::host();
    assert!(is_firing(silent_verdict("host-silent", &host, None, false, 600).as_ref()));
    // Half an hour instead of five minutes.
    assert_eq!(
        silent_verdict("host-silent", &host, Some(1_800.0), false, 600),
        Some(Verdict::Quiet)
    );
    assert!(is_firing(silent_verdict("host-silent", &host, Some(1_800.0), false, 1_801).as_ref()));
    assert!(is_firing(silent_verdict("host-silent", &host, Some(60.0), false, 61).as_ref()));
    let off = silent_verdict("host-silent", &host, None, true, 600);
    assert!(matches!(off, Some(Verdict::Lapsed(_))), "{off:?}");
    let source = ComponentId::new("source", "md");
    assert!(is_firing(silent_verdict("source-silent", &source, None, false, 3_600).as_ref()));
    let longer = silent_verdict("source-silent", &source, Some(1_000.0), false, 3_600);
    assert_eq!(longer, Some(Verdict::Quiet));
}

#[test]
fn a_contract_changes_in_how_many_runs_a_part_may_be_missing() {
    let disk = ComponentId::new("disk", "S1");
    let judged = |threshold: Option<f64>, missed: i64| {
        let overrides = match threshold {
            Some(_) => {
                vec![Override { threshold: threshold.map(Into::into), ..changed("drive-gone") }]
            }
            None => Vec::new(),
        };
        let contract = Contract { overrides, ..Contract::default() };
        let overrides = Overrides::of(&contract, "node1");
        let mut view = HostView::new(rules());
        view.absorb(&hot(0), &overrides, at(0));
        for step in 1..=missed {
            view.absorb(&run("smart", step * 1_800), &overrides, at(step * 1_800));
        }
        let all = judge(&view, &overrides, at(missed * 1_800));
        let of = all.into_iter().find(|it| &*it.rule == "drive-gone" && it.component == disk);
        is_firing(of.map(|it| it.verdict).as_ref())
    };
    assert!(judged(None, 2));
    assert!(!judged(Some(5.0), 4));
    assert!(judged(Some(5.0), 5));
}

#[test]
fn what_comes_back_soon_must_be_good_for_longer() {
    let mut view = HostView::new(rules());
    let mut secs = 0;
    let mut took = Vec::new();
    for _ in 0..5 {
        for _ in 0..3 {
            absorb(&mut view, &[degraded(secs, 1.0)]);
            secs += 60;
        }
        assert!(is_firing(verdict(&view, "md-degraded", &md(), at(secs - 60)).as_ref()));
        let mut good = 0;
        while verdict(&view, "md-degraded", &md(), at(secs - 60)) != Some(Verdict::Quiet) {
            absorb(&mut view, &[degraded(secs, 0.0)]);
            secs += 60;
            good += 1;
            assert!(good < 100, "it must be able to end");
        }
        took.push(good);
    }
    assert!(took.windows(2).all(|it| it[0] <= it[1]), "{took:?}");
    assert!(took[3] >= took[0] * 4, "each return doubles the wait: {took:?}");
    assert_eq!(took[3], took[4], "up to eight times: {took:?}");
    // A day without it, and it starts afresh.
    absorb(&mut view, &[degraded(secs + 90_000, 0.0)]);
    for step in 0..3 {
        absorb(&mut view, &[degraded(secs + 90_060 + step * 60, 1.0)]);
    }
    let end = secs + 90_240;
    let mut good = 0;
    while verdict(&view, "md-degraded", &md(), at(end + (good - 1) * 60)) != Some(Verdict::Quiet) {
        absorb(&mut view, &[degraded(end + good * 60, 0.0)]);
        good += 1;
        assert!(good < 100);
    }
    assert_eq!(good, took[0]);
}

#[test]
fn a_component_that_leaves_a_rule_lets_its_finding_go() {
    let disk = ComponentId::new("disk", "S1");
    // Unreadable, and not known to be virtual until another source says so.
    let look = |secs: i64, virtual_disk: Option<&str>| {
        let mut one = run("smart", secs);
        let mut component = seen(&disk);
        if let Some(word) = virtual_disk {
            component.attrs.insert("hw.virtual".to_owned(), word.to_owned());
        }
        one.components.push(component);
        one.problems.push(Problem {
            reason: Reason::TimedOut,
            component: Some(disk.clone()),
            text: "example".to_owned(),
        });
        one
    };
    let mut view = HostView::new(rules());
    absorb(&mut view, &[look(0, None), look(1_800, None)]);
    assert!(is_firing(verdict(&view, "drive-unreadable", &disk, at(1_800)).as_ref()));
    absorb(&mut view, &[look(3_600, Some("true"))]);
    let now = verdict(&view, "drive-unreadable", &disk, at(3_600));
    let Some(Verdict::Lapsed(why)) = now else { panic!("{now:?}") };
    assert!(why.zh.contains("hw.virtual") && why.zh.contains("true"), "{why:?}");
}

fn asked(args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(program("xunjian-collector"))
        .args(["rules", "why"])
        .args(args)
        .current_dir(repo().join("tests/fixtures/judge"))
        .output()
        .unwrap();
    let text = |it: &[u8]| String::from_utf8_lossy(it).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_recording_is_asked_by_name_in_both_languages() {
    let (code, zh, error) = asked(&["md5", "--from", "raid5-one-failed"]);
    assert_eq!(code, Some(0), "{error}");
    assert!(zh.contains("● 触发  md-degraded") && zh.contains("二级故障"), "{zh}");
    assert!(zh.contains("✓ 正常"), "{zh}");
    let (_, zh, _) = asked(&["sdf", "--from", "raid5-one-failed"]);
    assert!(zh.contains("– 不适用"), "{zh}");
    let (_, en, _) = asked(&["MD5", "--from", "raid5-one-failed", "--lang", "en"]);
    assert!(en.contains("● fires  md-degraded") && en.contains("✓ quiet"), "{en}");
    let (_, json, _) = asked(&["md5", "--from", "raid5-one-failed", "--format", "json"]);
    let all: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(all[0]["rules"].as_array().unwrap().len() > 5, "{json}");
}

#[test]
fn a_name_that_is_not_there_brings_the_nearest() {
    let (code, _, error) = asked(&["mdd5", "--from", "raid5-one-failed"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("did you mean") && error.contains("md5"), "{error}");
    let (code, _, error) = asked(&["srv", "--from", "raid5-one-failed"]);
    assert_eq!(code, Some(1), "several bear it in their name");
    assert!(error.contains("may be one of "), "{error}");
}

#[test]
fn the_wait_is_told_while_it_lasts() {
    let mut view = HostView::new(rules());
    absorb(&mut view, &[degraded(0, 1.0)]);
    absorb(&mut view, &[degraded(60, 1.0), degraded(120, 0.0)]);
    let all = why(&view, &md(), &Overrides::default(), at(120));
    let it = all.iter().find(|it| it.rule == "md-degraded").unwrap();
    let text = it.holding.as_ref().unwrap().text(at(120)).unwrap();
    assert!(text.zh.starts_with("已恢复 0 秒（需 "), "{text:?}");
}
