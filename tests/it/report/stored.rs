//! From a store with readings to files: gathered by the rules in force, drafted, kept, rendered again.

use std::{fs, path::Path, sync::Arc};

use xunjian_collector::{
    classify::{Grade, Level},
    contract::Contract,
    evaluate::{self, HostView, Overrides},
    report::{Checked, Got, Wanted, draft, gather, quarter, stored_html, stored_pdf},
    store::{Judged, Store},
};
use xunjian_proto::{
    Component, ComponentId, Member, MemberState, Problem, Reason, Run, Sample, SeriesKey, Set,
    State,
};
use xunjian_rules::{Lang, RuleSet};

use super::faults::{case, fact};
use crate::{
    store_kit::{Folder, agent, at, disk, facts, keep, run},
    typeset::text_of,
};

fn md() -> ComponentId {
    ComponentId::new("md", "8f1c-77aa")
}

fn part(id: ComponentId, name: &str) -> Component {
    Component { id, name: name.to_owned(), attrs: [].into(), links: Vec::new(), set: None }
}

/// An array that has lost a member, a disk that sleeps.
fn runs() -> Vec<Run> {
    let member =
        |name: &str, state| Member { slot: None, component: None, name: name.to_owned(), state };
    let mut all = Vec::new();
    for secs in [0, 120, 240] {
        let mut read = run("md", secs);
        let mut array = part(md(), "md0");
        array.set = Some(Set {
            scheme: "raid1".to_owned(),
            width: 2,
            copies: 1,
            members: vec![member("sda1", MemberState::Active), member("sdb1", MemberState::Failed)],
        });
        read.components.push(array);
        let number = |metric: &str, value| Sample {
            series: Arc::new(SeriesKey {
                metric: metric.to_owned(),
                component: md(),
                attrs: Vec::new(),
            }),
            value,
        };
        read.samples.push(number("md.array.degraded", 1.0));
        read.states.push(State {
            metric: "md.array.state".to_owned(),
            component: md(),
            value: "clean".to_owned(),
        });
        all.push(read);
    }
    let mut asleep = run("smart", 200);
    asleep.components.push(part(disk(), "sdc"));
    asleep.problems.push(Problem {
        reason: Reason::Asleep,
        component: Some(disk()),
        text: "sdc is in standby".to_owned(),
    });
    asleep.cost.programs.push(("smartctl --json --xall -n standby DEVICE".to_owned(), 12));
    all.push(asleep);
    all
}

fn rules() -> Arc<RuleSet> {
    let (rules, mistakes) = evaluate::library();
    assert!(mistakes.is_empty(), "{mistakes:?}");
    Arc::new(rules)
}

/// A store as the pipeline leaves it.
fn filled(folder: &Folder, rules: &Arc<RuleSet>) -> Store {
    let store = folder.open();
    store.enrol(&agent(), &facts(), at(-60)).unwrap();
    let runs = runs();
    keep(&store, 1, &runs);
    let mut view = HostView::new(Arc::clone(rules));
    let overrides = Overrides::of(&Contract::default(), "node1");
    for run in &runs {
        view.absorb(run, &overrides, run.at);
    }
    let message = fact("md-degraded", &md(), at(0), "md0 缺失 1 个成员", "md0 lacks 1 member", "1");
    let mut open = case("C-1", "node1", Grade::Fault(Level::Two), message, at(0));
    open.customer = "default".to_owned();
    let judged = Judged {
        cases: vec![open],
        upto: vec![(agent(), 1)],
        holds: vec![(agent(), view.save())],
        ..Judged::default()
    };
    store.commit_judged(&judged).unwrap();
    store
}

#[test]
fn checks_are_gathered_as_the_rules_see_them() {
    let folder = Folder::new();
    let rules = rules();
    let store = filled(&folder, &rules);
    let contract = Contract::default();
    let (from, to) = quarter(&contract, at(0));
    // Days after the last reading: what was read then was read.
    let now = at(3 * 86_400);
    let wanted = Wanted { contract: &contract, covers: &|_| true, rules: &rules, from, to, now };
    let input = gather(&store, &wanted, Lang::Zh).unwrap();
    assert_eq!(input.id, "R2026Q4-default-1");
    assert_eq!(input.cases.len(), 1);
    let got = |rule: &str| {
        let all = &input.hosts[0].checked;
        all.iter().find(|it| it.rule == rule).map(|it| it.got.clone()).unwrap()
    };
    assert_eq!(got("md-degraded"), Got::Abnormal);
    assert_eq!(got("md-lost"), Got::Normal);
    let Got::NotRun(why) = got("smart-failed") else { panic!("{:?}", got("smart-failed")) };
    assert_eq!(why.reason, Some(Reason::Asleep));
    let read = |it: &&Checked| it.component == disk() && it.got.is_read();
    let read: Vec<&str> =
        input.hosts[0].checked.iter().filter(read).map(|it| it.rule.as_str()).collect();
    // Its source sees that it is there, and nothing more.
    assert_eq!(read, ["drive-gone"], "a sleeping disk has results");

    let nobody = Wanted { covers: &|_| false, ..wanted };
    assert!(gather(&store, &nobody, Lang::Zh).unwrap().hosts.is_empty());
    // The next quarter has no readings yet: nothing of it is normal.
    let (from, to) = quarter(&contract, to);
    let later = Wanted { from, to, now: to, ..wanted };
    let input = gather(&store, &later, Lang::Zh).unwrap();
    assert!(!input.hosts[0].checked.is_empty());
    assert!(input.hosts[0].checked.iter().all(|it| matches!(it.got, Got::NotRun(_))));
}

#[test]
fn a_draft_is_kept_and_rendered_again_in_both_languages() {
    let folder = Folder::new();
    let rules = rules();
    let store = filled(&folder, &rules);
    let contract = Contract::default();
    let (from, to) = quarter(&contract, at(0));
    let wanted =
        Wanted { contract: &contract, covers: &|_| true, rules: &rules, from, to, now: at(300) };
    let out = folder.0.join("reports");
    let first = draft(&store, &wanted, Lang::Zh, &out).unwrap();
    assert_eq!(first.missing_glyphs, Vec::<char>::new());
    assert_eq!(first.report.figures.open, [0, 1, 0, 0]);
    let page = fs::read_to_string(&first.html).unwrap();
    for wanted in
        ["总体评价：存在重大隐患", "磁盘休眠，未唤醒", "smartctl --json --xall -n standby DEVICE"]
    {
        assert!(page.contains(wanted), "not in the page: {wanted}");
    }
    let bytes = fs::read(&first.pdf).unwrap();
    if let Some(text) = text_of(&bytes) {
        let text: String = text.split_whitespace().collect();
        assert!(text.contains("四、安全隐患") && text.contains("md0缺失1个成员"), "{text}");
    }
    let row = store.report(&first.row.id).unwrap().unwrap();
    assert_eq!(row, first.row);
    assert_eq!(stored_html(&row, Lang::Zh).unwrap(), page);
    assert!(stored_pdf(&row, Lang::Zh).unwrap() == bytes, "a stored report gives another file");
    assert!(stored_html(&row, Lang::En).unwrap().contains("4 Hidden dangers"));

    let second = draft(&store, &wanted, Lang::En, &out).unwrap();
    assert_eq!(second.row.id, "R2026Q4-default-2");
    assert!(Path::new(&first.pdf).exists() && second.pdf.exists());
    assert_eq!(store.reports().unwrap().len(), 2);
}

#[test]
fn a_model_that_cannot_be_read_is_an_error_not_a_panic() {
    let folder = Folder::new();
    let rules = rules();
    let store = filled(&folder, &rules);
    let contract = Contract::default();
    let (from, to) = quarter(&contract, at(0));
    let wanted =
        Wanted { contract: &contract, covers: &|_| true, rules: &rules, from, to, now: at(300) };
    let mut row = draft(&store, &wanted, Lang::Zh, &folder.0.join("r")).unwrap().row;
    row.model = row.model.chars().take(100).collect();
    let error = stored_html(&row, Lang::Zh).unwrap_err();
    assert!(error.starts_with("the model of report R2026Q4-default-1 cannot be read"), "{error}");
    // A folder that cannot be made.
    fs::write(folder.0.join("file"), "x").unwrap();
    let error = draft(&store, &wanted, Lang::Zh, &folder.0.join("file")).unwrap_err();
    assert!(error.to_string().starts_with("cannot write"), "{error}");
}
