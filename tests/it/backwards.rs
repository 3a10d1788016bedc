//! Counters that run backwards, on every rule of the library that looks at a rise.

use std::sync::Arc;

use xunjian_collector::evaluate::HostView;
use xunjian_proto::{Component, ComponentId, Sample, SeriesKey};
use xunjian_rules::{Condition, Expect, How, MetricKind};

use crate::rules::{absorb, at, is_firing, rules, run, seen, verdict};

/// A counter that creeps backwards shows large values and rises by none.
#[test]
fn counters_that_run_backwards_never_raise_anything_and_are_counted() {
    let rules = rules();
    let mut tried = 0;
    for rule in rules.rules.iter().filter(|it| it.on != "host") {
        let mut rises = true;
        rule.when.each(&mut |test| {
            rises &= matches!(test, Condition::Number(it) if matches!(it.measure.how, How::Rise(_) | How::Rate(_))
                && rules.metric(it.measure.metric).kind == MetricKind::Counter);
        });
        let firing = rule.examples.iter().find(|it| it.expect == Expect::Firing);
        let Some(example) = firing.filter(|_| rises) else { continue };
        let id = ComponentId::new(&rule.on, "example");
        let mut view = HostView::new(Arc::clone(&rules));
        for step in 0..12_i32 {
            let mut run = run(&rule.source, i64::from(step) * 60);
            run.components.push(Component { attrs: example.attrs.clone(), ..seen(&id) });
            for (metric, attrs, _) in example.readings.iter().flat_map(|it| &it.samples) {
                let (metric, attrs) = (metric.clone(), attrs.clone());
                let series = Arc::new(SeriesKey { metric, component: id.clone(), attrs });
                if !run.samples.iter().any(|it| it.series == series) {
                    run.samples.push(Sample { series, value: 1e6 - f64::from(step) });
                }
            }
            absorb(&mut view, &[run]);
        }
        let found = verdict(&view, &rule.id, &id, at(11 * 60));
        assert!(!is_firing(found.as_ref()), "{}: {found:?}", rule.id);
        assert!(view.stats().backwards > 0, "{}", rule.id);
        tried += 1;
    }
    assert!(tried > 15, "{tried}");
}
