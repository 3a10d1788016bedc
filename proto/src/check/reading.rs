//! Bounds of readings: the same for what an agent packs and for what a collector unpacks.

use super::{
    ATTRS_MAX, EVIDENCE_BYTES_MAX, ITEMS_MAX, NAME_BYTES_MAX, SAMPLES_MAX, TEXT_BYTES_MAX,
    WORD_BYTES_MAX,
};
use crate::{
    Component, ComponentId, Event, Evidence, Outcome, Problem, Run, SeriesKey, State,
    wire::WireError,
};

/// Checks everything in a run but its times.
pub fn run(run: &Run) -> Result<(), WireError> {
    name("a source's name", &run.source)?;
    match &run.outcome {
        Outcome::Absent(why) | Outcome::Failed(why) | Outcome::Deferred(why) => {
            text("an outcome", why)?;
        }
        Outcome::Collected | Outcome::Stuck => {}
    }
    layout(run.samples.iter().map(|sample| &*sample.series))?;
    for sample in &run.samples {
        if !sample.value.is_finite() {
            return Err(WireError::BadValue {
                what: "a sample's value, which must be finite,",
                found: format!("{} = {}", sample.series.metric, sample.value),
            });
        }
    }
    inventory(&run.components, &run.states, &run.problems)?;
    WireError::limit("the number of events", run.events.len(), ITEMS_MAX)?;
    run.events.iter().try_for_each(happening)?;
    WireError::limit("the number of raw outputs", run.evidence.len(), ITEMS_MAX)?;
    run.evidence.iter().try_for_each(evidence)?;
    WireError::limit("the number of programs", run.cost.programs.len(), ITEMS_MAX)?;
    run.cost.programs.iter().try_for_each(|(command, _)| text("a command line", command))
}

/// Checks the series of a run.
pub fn layout<'a>(series: impl ExactSizeIterator<Item = &'a SeriesKey>) -> Result<(), WireError> {
    WireError::limit("the number of series", series.len(), SAMPLES_MAX)?;
    for key in series {
        name("a metric's name", &key.metric)?;
        component_id(&key.component)?;
        attrs(key.attrs.iter().map(|(name, value)| (name, value)))?;
        if let Some(pair) = key.attrs.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
            return Err(WireError::BadValue {
                what: "the order of a series' attributes, which must be sorted by name,",
                found: short(&format!("{}: {} before {}", key.metric, pair[0].0, pair[1].0)),
            });
        }
    }
    Ok(())
}

/// Checks what a run saw.
pub fn inventory(
    components: &[Component],
    states: &[State],
    problems: &[Problem],
) -> Result<(), WireError> {
    WireError::limit("the number of components", components.len(), ITEMS_MAX)?;
    components.iter().try_for_each(component)?;
    WireError::limit("the number of states", states.len(), ITEMS_MAX)?;
    for state in states {
        name("a state's name", &state.metric)?;
        component_id(&state.component)?;
        word("a state", &state.value)?;
    }
    WireError::limit("the number of problems", problems.len(), ITEMS_MAX)?;
    for problem in problems {
        problem.component.iter().try_for_each(component_id)?;
        text("a problem", &problem.text)?;
    }
    Ok(())
}

/// Checks a raw output.
pub fn evidence(evidence: &Evidence) -> Result<(), WireError> {
    text("the name of a raw output", &evidence.name)?;
    WireError::limit("a raw output, in bytes,", evidence.content.len(), EVIDENCE_BYTES_MAX)
}

/// Checks an event but for its time.
pub fn happening(event: &Event) -> Result<(), WireError> {
    name("an event's kind", &event.kind)?;
    component_id(&event.component)?;
    text("an event's text", &event.text)?;
    attrs(event.attrs.iter())
}

/// Checks a name: visible ASCII, not empty, bounded.
pub(crate) fn name(what: &'static str, found: &str) -> Result<(), WireError> {
    WireError::limit(what, found.len(), NAME_BYTES_MAX)?;
    if found.is_empty() || !found.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(WireError::BadValue { what, found: short(found) });
    }
    Ok(())
}

/// Checks a sentence: bounded.
pub(crate) fn text(what: &'static str, found: &str) -> Result<(), WireError> {
    WireError::limit(what, found.len(), TEXT_BYTES_MAX)
}

pub(super) fn attrs<'a>(
    attrs: impl ExactSizeIterator<Item = (&'a String, &'a String)>,
) -> Result<(), WireError> {
    WireError::limit("the number of attributes", attrs.len(), ATTRS_MAX)?;
    for (attr, value) in attrs {
        name("an attribute's name", attr)?;
        word("an attribute", value)?;
    }
    Ok(())
}

pub(super) fn word(what: &'static str, found: &str) -> Result<(), WireError> {
    WireError::limit(what, found.len(), WORD_BYTES_MAX)
}

fn component(component: &Component) -> Result<(), WireError> {
    component_id(&component.id)?;
    word("a component's name", &component.name)?;
    attrs(component.attrs.iter())?;
    WireError::limit("the number of links", component.links.len(), ITEMS_MAX)?;
    component.links.iter().try_for_each(|link| component_id(&link.to))?;
    let Some(set) = &component.set else { return Ok(()) };
    name("a set's scheme", &set.scheme)?;
    WireError::limit("the number of members", set.members.len(), ITEMS_MAX)?;
    for member in &set.members {
        word("a member's name", &member.name)?;
        member.component.iter().try_for_each(component_id)?;
    }
    Ok(())
}

fn component_id(id: &ComponentId) -> Result<(), WireError> {
    let what = "a component's identity, `kind:key`,";
    WireError::limit(what, id.as_str().len(), WORD_BYTES_MAX)?;
    if id.kind().is_empty() || id.as_str().contains(char::is_control) {
        return Err(WireError::BadValue { what, found: short(id.as_str()) });
    }
    Ok(())
}

fn short(text: &str) -> String {
    text.chars().take(80).map(|it| if it.is_control() { '?' } else { it }).collect()
}
