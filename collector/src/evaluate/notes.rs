//! What was compared with what: the inputs that stand behind a judgement.

use std::time::Duration;

use xunjian_proto::Time;
use xunjian_rules::{
    Attrs, EventTest, How, Measure, NumberTest, Operand, StateTest, Word, duration_text,
};

use super::{
    Input,
    truth::{Notes, Read, Scope, Truth},
    view::{Happening, Slot},
    words::{digits, value},
};

/// `name{key=value}`.
fn series_name(name: &str, attrs: &Attrs) -> String {
    if attrs.is_empty() {
        return name.to_owned();
    }
    let attrs: Vec<String> = attrs.iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("{name}{{{}}}", attrs.join(","))
}

fn how_text(how: How) -> String {
    match how {
        How::Value => String::new(),
        How::Rise(window) => format!("rise in {} ", duration_text(window)),
        How::Rate(window) => format!("rate in {} ", duration_text(window)),
        How::Mean(window) => format!("mean in {} ", duration_text(window)),
        How::Max(window) => format!("max in {} ", duration_text(window)),
        How::Share { window, .. } => format!("share in {} ", duration_text(window)),
        How::Forecast { ahead, .. } => format!("forecast in {} ", duration_text(ahead)),
    }
}

/// Which of several parts noted which inputs: where one that holds is enough, the others prove nothing.
pub(super) struct Shares {
    begin: usize,
    /// Where the inputs of each part end, and what it decided.
    ends: Vec<(usize, Truth)>,
}

impl Shares {
    /// Before the first part is decided.
    pub(super) fn begin(notes: Option<&Notes>) -> Shares {
        Shares { begin: notes.map_or(0, |it| it.inputs.len()), ends: Vec::new() }
    }

    /// A part was decided; its inputs are the newest.
    pub(super) fn add(&mut self, truth: Truth, notes: Option<&Notes>) {
        if let Some(notes) = notes {
            self.ends.push((notes.inputs.len(), truth));
        }
    }

    /// Leaves out the inputs of parts that do not hold, if one does.
    pub(super) fn keep_what_held(self, any: Truth, notes: Option<&mut Notes>) {
        let (Truth::True, Some(notes)) = (any, notes) else { return };
        let inputs = notes.inputs.split_off(self.begin);
        let share = |at: usize| self.ends.iter().find(|(end, _)| self.begin + at < *end);
        let held = inputs
            .into_iter()
            .enumerate()
            .filter(|(at, _)| share(*at).is_some_and(|(_, truth)| *truth == Truth::True));
        notes.inputs.extend(held.map(|(_, input)| input));
    }
}

/// Value and limit of the first test that holds, else of the first one.
pub(super) fn show(notes: &mut Notes, truth: Truth, value: String, limit: String) {
    let holds = truth == Truth::True;
    if notes.shown.as_ref().is_none_or(|(shown, ..)| holds && !shown) {
        notes.shown = Some((holds, value, limit));
    }
}

pub(super) fn number(
    scope: &Scope<'_>,
    notes: &mut Notes,
    test: &NumberTest,
    slot: &Slot,
    left: &Read<'_, (f64, Time)>,
    right: &Read<'_, f64>,
    truth: Truth,
) {
    let metric = scope.view.rules.metric(test.measure.metric);
    let unit = scope.view.rules.unit_of(&test.measure);
    let limit = match (right, &test.against) {
        (Read::Value(limit), Operand::Const(_)) => value(&unit, *limit),
        (Read::Value(limit), Operand::Measure { measure, .. }) => {
            let other = &scope.view.rules.metric(measure.metric).name;
            format!("{} ({other})", value(&unit, *limit))
        }
        (Read::Unknown(gap), _) => {
            notes.unknown.get_or_insert_with(|| gap.told());
            "?".to_owned()
        }
        (Read::None(lack), _) => {
            notes.none.get_or_insert_with(|| lack.told());
            "–".to_owned()
        }
    };
    let (text, at) = match left {
        Read::Value((number, at)) => (value(&unit, *number), *at),
        Read::Unknown(gap) => {
            notes.unknown.get_or_insert_with(|| gap.told());
            ("?".to_owned(), scope.at)
        }
        Read::None(lack) => {
            notes.none.get_or_insert_with(|| lack.told());
            ("–".to_owned(), scope.at)
        }
    };
    show(notes, truth, text.clone(), limit.split(" (").next().unwrap_or_default().to_owned());
    notes.inputs.push(Input {
        name: series_name(&metric.name, &slot.attrs),
        value: text,
        test: format!("{}{} {limit}", how_text(test.measure.how), test.compare.sign()),
        at,
        evidence: None,
    });
}

pub(super) fn missing(
    scope: &Scope<'_>,
    notes: &mut Notes,
    measure: &Measure,
    read: Read<'_, (f64, Time)>,
) {
    let metric = scope.view.rules.metric(measure.metric);
    let text = match read {
        Read::Value((number, _)) => value(&metric.unit, number),
        Read::Unknown(gap) => {
            notes.unknown.get_or_insert_with(|| gap.told());
            "?".to_owned()
        }
        Read::None(lack) => {
            notes.none.get_or_insert_with(|| lack.told());
            return;
        }
    };
    notes.inputs.push(Input {
        name: series_name(&metric.name, &measure.attrs),
        value: text,
        test: how_text(measure.how),
        at: scope.at,
        evidence: None,
    });
}

pub(super) fn state(
    scope: &Scope<'_>,
    notes: &mut Notes,
    test: &StateTest,
    newest: Option<&(Time, String)>,
    fresh: Read<'_, ()>,
    truth: Truth,
) {
    match fresh {
        Read::Unknown(gap) => {
            notes.unknown.get_or_insert_with(|| gap.told());
        }
        Read::None(lack) => {
            notes.none.get_or_insert_with(|| lack.told());
            return;
        }
        Read::Value(()) => {}
    }
    let Some((at, word)) = newest else { return };
    if truth == Truth::True || notes.text.is_empty() {
        notes.text.clone_from(word);
    }
    let wanted = match &test.word {
        Word::In(list) => format!("is {}", list.join(" | ")),
        Word::Begins(list) => format!("begins with {}", list.join(" | ")),
        Word::NotIn(list) => format!("is not {}", list.join(" | ")),
        Word::ChangedIn { window, at_least } => {
            format!("changes in {} ≥ {at_least}", duration_text(*window))
        }
        Word::FellFrom { before, now, window } => {
            let (before, now) = (before.join(" | "), now.join(" | "));
            format!("is {now}, was {before} within {}", duration_text(*window))
        }
    };
    show(notes, truth, word.clone(), wanted.clone());
    let name = scope.view.rules.metric(test.metric).name.clone();
    notes.inputs.push(Input { name, value: word.clone(), test: wanted, at: *at, evidence: None });
}

pub(super) fn event(
    scope: &Scope<'_>,
    notes: &mut Notes,
    test: &EventTest,
    (count, least, last): (u32, f64, Option<&Happening>),
    fresh: Read<'_, ()>,
    truth: Truth,
) {
    match fresh {
        Read::Unknown(gap) if truth == Truth::Unknown => {
            notes.unknown.get_or_insert_with(|| gap.told());
        }
        Read::None(lack) if truth == Truth::None => {
            notes.none.get_or_insert_with(|| lack.told());
        }
        _ => {}
    }
    if let Some(last) = last
        && (truth == Truth::True || notes.text.is_empty())
    {
        notes.text.clone_from(&last.text);
    }
    let names: Vec<&str> =
        test.metrics.iter().map(|id| scope.view.rules.metric(*id).name.as_str()).collect();
    show(notes, truth, count.to_string(), digits(least));
    notes.inputs.push(Input {
        name: series_name(&names.join(" | "), &test.attrs),
        value: count.to_string(),
        test: format!("count in {} ≥ {}", duration_text(test.window), digits(least)),
        at: last.map_or(scope.at, |last| last.at),
        evidence: None,
    });
}

pub(super) fn gone(
    scope: &Scope<'_>,
    notes: &mut Notes,
    seen: Time,
    missed: u32,
    runs: u32,
    truth: Truth,
) {
    show(notes, truth, missed.to_string(), runs.to_string());
    notes.inputs.push(Input {
        name: format!("{} runs without the component", scope.view.sources[scope.source].name),
        value: missed.to_string(),
        test: format!("≥ {runs}"),
        at: seen,
        evidence: None,
    });
}

pub(super) fn silent(
    notes: &mut Notes,
    last: Time,
    silence: Duration,
    limit: Duration,
    truth: Truth,
) {
    let secs = |it: Duration| duration_text(Duration::from_secs(it.as_secs()));
    show(notes, truth, secs(silence), secs(limit));
    notes.silent_at = notes.silent_at.max(Some(last + limit));
    notes.inputs.push(Input {
        name: super::spoken::SILENCE.to_owned(),
        value: secs(silence),
        test: format!("> {}", secs(limit)),
        at: last,
        evidence: None,
    });
}
