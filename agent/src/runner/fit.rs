//! Makes what a source found fit to be handed on: each thing once, and everything within the limits of the wire.
//!
//! A damaged output can hold anything, a thing twice or an identity of ten thousand bytes. Invariant: one such item costs
//! itself and is told as a problem; it never costs the run, which would not be packed with it.

use std::{collections::BTreeMap, iter, slice};

use xunjian_proto::{
    Component, ComponentId, Problem, Reason, Sample, State, check, wire::WireError,
};

use crate::source::Found;

/// Most problems of this kind in one run; what is beyond is left out all the same, and counted.
const TOLD_MAX: usize = 50;

/// Leaves out what does not fit, and tells it.
pub(super) fn fit(found: &mut Found) {
    let mut told = Told::default();
    found.components.retain(|it| {
        let checked = check::inventory(slice::from_ref(it), &[], &[]);
        told.fits(&it.id, it.id.as_str(), checked)
    });
    found.samples.retain(|it| {
        let of = &it.series;
        told.fits(&of.component, &of.metric, check::layout(iter::once(&**of)))
    });
    found.states.retain(|it| {
        let checked = check::inventory(&[], slice::from_ref(it), &[]);
        told.fits(&it.component, &it.metric, checked)
    });
    found.events.retain(|it| told.fits(&it.component, &it.kind, check::happening(it)));
    found.evidence.retain(|it| check::evidence(it).is_ok());
    components(&mut found.components, &mut told);
    samples(&mut found.samples, &mut told);
    states(&mut found.states, &mut told);
    for problem in &mut found.problems {
        // Its sentence is worth keeping without the thing whose name cannot be.
        problem.component.take_if(|it| !is_fit(it));
    }
    found.problems.extend(told.problems);
    if told.more > 0 {
        let text = format!("{} more items are told of twice or too long, and left out", told.more);
        found.problems.push(Problem { reason: Reason::Unparsable, component: None, text });
    }
}

#[derive(Default)]
struct Told {
    problems: Vec<Problem>,
    more: usize,
}

impl Told {
    fn fits(&mut self, about: &ComponentId, what: &str, checked: Result<(), WireError>) -> bool {
        if checked.is_err() {
            let what: String = what.chars().filter(|it| !it.is_control()).take(80).collect();
            self.tell(
                about,
                format!("{what} is too long or has control characters, and is left out"),
            );
        }
        checked.is_ok()
    }

    fn tell(&mut self, about: &ComponentId, text: String) {
        if self.problems.len() >= TOLD_MAX {
            self.more += 1;
            return;
        }
        let component = Some(about).filter(|it| is_fit(it)).cloned();
        self.problems.push(Problem { reason: Reason::Unparsable, component, text });
    }
}

fn is_fit(id: &ComponentId) -> bool {
    let problem =
        Problem { reason: Reason::Unparsable, component: Some(id.clone()), text: String::new() };
    check::inventory(&[], &[], &[problem]).is_ok()
}

/// A thing that is there twice is one thing; which of two descriptions is true is not known, and the first is kept.
fn components(all: &mut Vec<Component>, told: &mut Told) {
    let (repeated, _) = repeated(all.iter().map(|it| (&it.id, it)));
    keep(all, &repeated, |it| {
        told.tell(&it.id, format!("{} is told of twice; the first is kept", it.id));
    });
}

/// Of two numbers for one thing neither is believed, unless they are the same.
fn samples(all: &mut Vec<Sample>, told: &mut Told) {
    let (mut repeated, contradicted) =
        repeated(all.iter().map(|it| (&it.series, it.value.to_bits())));
    repeated.extend(contradicted);
    keep(all, &repeated, |it| {
        told.tell(
            &it.series.component,
            format!("{} is told of twice, once as {}", it.series.metric, it.value),
        );
    });
}

/// Of two words for one thing neither is believed, unless they are the same.
fn states(all: &mut Vec<State>, told: &mut Told) {
    let (mut repeated, contradicted) =
        repeated(all.iter().map(|it| ((&it.metric, &it.component), &it.value)));
    repeated.extend(contradicted);
    keep(all, &repeated, |it| {
        told.tell(&it.component, format!("{} is told of twice, once as {}", it.metric, it.value));
    });
}

/// Places of those that come again: where, and whether with the same content. The second are those whose first content
/// was contradicted.
type Again = BTreeMap<usize, bool>;

fn repeated<K: Ord, V: PartialEq>(all: impl Iterator<Item = (K, V)>) -> (Again, Again) {
    let mut first: BTreeMap<K, (usize, V)> = BTreeMap::new();
    let (mut again, mut contradicted) = (Again::new(), Again::new());
    for (at, (key, content)) in all.enumerate() {
        match first.get(&key) {
            Some((place, known)) => {
                let same = *known == content;
                again.insert(at, same);
                if !same {
                    contradicted.insert(*place, false);
                }
            }
            None => drop(first.insert(key, (at, content))),
        }
    }
    (again, contradicted)
}

/// Leaves out what stands at these places, and tells what was not the same.
fn keep<T>(all: &mut Vec<T>, out: &Again, mut tell: impl FnMut(&T)) {
    let mut at = 0;
    all.retain(|it| {
        let same = out.get(&at);
        at += 1;
        if same == Some(&false) {
            tell(it);
        }
        same.is_none()
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use xunjian_proto::SeriesKey;

    use super::*;

    fn disk(key: &str, name: &str) -> Component {
        Component {
            id: ComponentId::new("disk", key),
            name: name.to_owned(),
            attrs: BTreeMap::new(),
            links: Vec::new(),
            set: None,
        }
    }

    fn temperature(key: &str, value: f64) -> Sample {
        let component = ComponentId::new("disk", key);
        let metric = "hw.temperature".to_owned();
        Sample { series: Arc::new(SeriesKey { metric, component, attrs: Vec::new() }), value }
    }

    fn status(key: &str, value: &str) -> State {
        let component = ComponentId::new("disk", key);
        State { metric: "hw.status".to_owned(), component, value: value.to_owned() }
    }

    #[test]
    fn what_is_told_twice_counts_once_and_a_contradiction_not_at_all() {
        let mut found = Found {
            components: vec![
                disk("a", "sda"),
                disk("b", "sdb"),
                disk("a", "sdc"),
                disk("b", "sdb"),
            ],
            samples: vec![
                temperature("a", 30.0),
                temperature("b", 31.0),
                temperature("a", 99.0),
                temperature("b", 31.0),
            ],
            states: vec![
                status("a", "failed"),
                status("b", "ok"),
                status("a", "ok"),
                status("b", "ok"),
            ],
            ..Found::default()
        };
        fit(&mut found);
        assert_eq!(found.components, [disk("a", "sda"), disk("b", "sdb")]);
        assert_eq!(found.samples, [temperature("b", 31.0)]);
        assert_eq!(found.states, [status("b", "ok")]);
        let told: Vec<_> = found.problems.iter().filter_map(|it| it.component.clone()).collect();
        assert_eq!(told, vec![ComponentId::new("disk", "a"); 5]);
    }

    #[test]
    fn what_is_beyond_a_limit_of_the_wire_costs_itself_only() {
        let long = "x".repeat(check::WORD_BYTES_MAX + 1);
        let mut found = Found {
            components: vec![disk("a", "sda"), disk(&long, "sdb"), disk("c", &long)],
            samples: vec![temperature(&long, 1.0), temperature("a", 2.0)],
            states: vec![status("a", &long), status("a", "ok")],
            ..Found::default()
        };
        let bad = Some(ComponentId::new("disk", &long));
        let problem =
            |component| Problem { reason: Reason::Missing, component, text: "gone".to_owned() };
        found.problems.push(problem(bad));
        fit(&mut found);
        assert_eq!(found.components, [disk("a", "sda")]);
        assert_eq!(found.samples, [temperature("a", 2.0)]);
        assert_eq!(found.states, [status("a", "ok")]);
        assert_eq!((found.problems.len(), &found.problems[0]), (5, &problem(None)));
    }
}
