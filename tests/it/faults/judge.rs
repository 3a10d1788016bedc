//! What a run with something wrong may not say.

use std::collections::{BTreeMap, BTreeSet};

use xunjian_agent::source::NUMBER_MAX;
use xunjian_proto::{Component, ComponentId, Outcome, Problem, Reason, Run};

use super::{
    hurt::{Access, Fault},
    text,
};

/// Words that a state has when all is well.
pub(crate) const GOOD: [&str; 30] = [
    "active",
    "clean",
    "connected",
    "enabled",
    "full",
    "good",
    "green",
    "health_ok",
    "healthy",
    "linkup",
    "live",
    "normal",
    "ok",
    "okay",
    "online",
    "onln",
    "opt",
    "optimal",
    "optl",
    "passed",
    "present",
    "ready",
    "redundant",
    "running",
    "started",
    "synced",
    "true",
    "up",
    "yes",
    "in_sync",
];

/// Everything that is wrong with it.
pub(super) fn wrong(base: &Run, run: &Run, fault: Fault, access: &Access) -> Vec<String> {
    found(base, run, fault, access).into_iter().map(|(what, of)| format!("{what}: {of}")).collect()
}

fn found(base: &Run, run: &Run, fault: Fault, access: &Access) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    // A device that vanished is rightly gone, with all its readings; what another language or type hides is hidden in its
    // own value only.
    let whole = matches!(
        fault,
        Fault::Denied
            | Fault::Broken
            | Fault::Hangs
            | Fault::Dies
            | Fault::Refuses
            | Fault::Says(_)
    );
    let tells = whole || matches!(fault, Fault::Half(_) | Fault::Flood | Fault::Newer);
    match &run.outcome {
        Outcome::Failed(why) if why.contains("panicked") => {
            all.push(("panics", why.clone()));
            return all;
        }
        Outcome::Failed(why) => {
            let texts: Vec<&str> =
                run.problems.iter().map(|it| it.text.as_str()).chain([why.as_str()]).collect();
            let names = fault == Fault::Gone;
            if !names
                && !access
                    .words()
                    .iter()
                    .any(|word| texts.iter().any(|it| it.contains(word.as_str())))
            {
                all.push(("fails without naming it", why.clone()));
            }
        }
        Outcome::Collected => {}
        other => all.push(("ends", format!("{other:?}"))),
    }
    let failed = run.outcome != Outcome::Collected;
    let known: BTreeSet<_> = base.problems.iter().map(|it| (&it.component, &it.text)).collect();
    let is_new = |it: &&Problem| !known.contains(&(&it.component, &it.text));
    let new: Vec<_> = run.problems.iter().filter(is_new).collect();
    let partial = run.problems.iter().any(|it| {
        use Reason::{PermissionDenied, TimedOut, ToolFailed, Truncated, Unparsable};
        it.component.is_none()
            && matches!(
                it.reason,
                PermissionDenied | TimedOut | ToolFailed | Truncated | Unparsable
            )
    });
    let named = |id: &ComponentId| new.iter().any(|it| it.component.as_ref() == Some(id));
    // What a part belongs to stands for it: a device that does not answer tells nothing of its parts.
    let about = |id: &ComponentId| {
        let mut of = vec![id];
        let mut at = 0;
        while let Some(current) = of.get(at).copied().filter(|_| at < 1_000) {
            let links =
                base.components.iter().filter(|it| it.id == *current).flat_map(|it| &it.links);
            for link in links {
                if !of.contains(&&link.to) {
                    of.push(&link.to);
                }
            }
            at += 1;
        }
        of.iter().any(|it| named(it))
    };
    // A thing that could not be asked who it is is named as the kernel or the configuration names it.
    let nameless = run
        .components
        .iter()
        .any(|it| it.attrs.get("identity").is_some_and(|it| it == "unstable") && named(&it.id));
    let here: BTreeSet<_> = run.components.iter().map(|it| &it.id).collect();
    for it in &base.components {
        if tells && !here.contains(&it.id) && !failed && !partial && !nameless && !about(&it.id) {
            all.push(("component gone", it.id.to_string()));
        }
    }
    let states: BTreeMap<_, _> =
        run.states.iter().map(|it| ((&it.metric, &it.component), it.value.as_str())).collect();
    for it in &base.states {
        match states.get(&(&it.metric, &it.component)) {
            None if tells && new.is_empty() && !failed => {
                all.push(("state lost", format!("{} {}", it.metric, it.component)));
            }
            Some(word)
                if *word != it.value
                    && GOOD.contains(word)
                    && !GOOD.contains(&it.value.as_str()) =>
            {
                all.push((
                    "made good",
                    format!("{} {} {} -> {word}", it.metric, it.component, it.value),
                ));
            }
            _ => {}
        }
    }
    let samples: BTreeMap<_, _> = run.samples.iter().map(|it| (&it.series, it.value)).collect();
    // These count questions, and what was left unread: they change with what is kept back, as they should.
    let own = ["ceph.health.unread", "redfish.requests"];
    for it in base.samples.iter().filter(|it| !own.contains(&it.series.metric.as_str())) {
        let what = || {
            format!(
                "{} {} {:?} {}",
                it.series.metric, it.series.component, it.series.attrs, it.value
            )
        };
        match samples.get(&it.series) {
            None if tells && new.is_empty() && !failed => all.push(("number lost", what())),
            Some(value) if whole && *value != it.value => {
                all.push(("number changed", format!("{} -> {value}", what())));
            }
            _ => {}
        }
    }
    all
}

/// What the value at `path`, which is of another type than before, may not do: become a name, or take a component along
/// unless its key is named.
pub(super) fn misnamed(base: &Run, run: &Run, fault: Fault, path: &str) -> Vec<String> {
    let known: BTreeSet<_> = base.components.iter().map(|it| (&it.id, &it.name)).collect();
    let is_new = |it: &&Component| !known.contains(&(&it.id, &it.name));
    let is_strange = |it: &&Component| text::is_no_name(it.id.key()) || text::is_no_name(&it.name);
    let strange = run.components.iter().filter(is_new).filter(is_strange);
    let mut all: Vec<String> =
        strange.map(|it| format!("no name at {path}: {} {:?}", it.id, it.name)).collect();
    // Nothing, an empty text and another text or number may be what the device says.
    let Fault::Retyped(_, 4..=7) = fault else { return all };
    let known: BTreeSet<_> = base.problems.iter().map(|it| &it.text).collect();
    let key = path.rsplit('.').next().unwrap_or(path).trim_end_matches(']');
    let named = |it: &String| {
        // What cannot be is told by the name of what it measures.
        !known.contains(it) && (it.contains(key) || it.contains("1500000000"))
    };
    let failed = matches!(run.outcome, Outcome::Failed(_));
    if !failed && !run.problems.iter().any(|it| named(&it.text)) {
        let here: BTreeSet<_> = run.components.iter().map(|it| &it.id).collect();
        let gone = base.components.iter().filter(|it| !here.contains(&it.id));
        all.extend(gone.map(|it| format!("gone without a word of {path}: {}", it.id)));
    }
    all
}

/// Numbers that nothing has: what registers show that are not set, and beyond.
pub(super) fn absurd(base: &Run, run: &Run) -> Vec<String> {
    let known: BTreeSet<_> =
        base.samples.iter().map(|it| (&it.series, it.value.to_bits())).collect();
    let new = run.samples.iter().filter(|it| !known.contains(&(&it.series, it.value.to_bits())));
    let absurd = new.filter(|it| !it.value.is_finite() || it.value.abs() >= NUMBER_MAX);
    absurd
        .map(|it| format!("absurd: {} {} {}", it.series.metric, it.series.component, it.value))
        .collect()
}
