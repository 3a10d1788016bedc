//! Tests of words: what a component says about itself, and how that changed.

use std::time::Duration;

use xunjian_proto::Time;
use xunjian_rules::{Condition, StateTest, Word};

use super::{
    fresh::outcome_word,
    gap::Lack,
    known::{OUTCOME, PROBLEM},
    notes,
    truth::{Notes, Read, Scope, Truth},
    view::WordSlot,
};

impl Scope<'_> {
    pub(super) fn state(
        &self,
        test: &StateTest,
        condition: &Condition,
        notes: Option<&mut Notes>,
    ) -> Truth {
        let source = self.source_of(test.metric);
        let name = &self.view.rules.metric(test.metric).name;
        let view = &self.view.sources[source];
        let slot = self.part.words.iter().find(|it| it.metric == test.metric);
        let own = match name.as_str() {
            OUTCOME => {
                Some(view.run(self.at).map(|run| (run.at, outcome_word(&run.outcome).to_owned())))
            }
            PROBLEM => Some(view.run(self.at).and_then(|run| self.problem_word(source, run))),
            _ => None,
        };
        let builtin = own.is_some();
        let newest = own.unwrap_or_else(|| {
            let recent = slot.map_or(&[][..], |slot| slot.recent.as_slice());
            recent.iter().rev().find(|(at, _)| *at <= self.at).cloned()
        });
        let fresh = match (&newest, builtin) {
            (Some(_), true) => Read::Value(()),
            (None, true) => Read::None(Lack::NotCovered(&view.name)),
            (newest, false) => self.fresh(source, newest.as_ref().map(|(at, _)| *at), false),
        };
        let truth = match (&fresh, &newest) {
            (Read::Value(()), Some((_, word))) => self.word(test, word, slot, condition),
            (Read::Unknown(_), _) => Truth::Unknown,
            _ => Truth::None,
        };
        if let Some(notes) = notes {
            notes::state(self, notes, test, newest.as_ref(), fresh, truth);
        }
        truth
    }

    fn word(
        &self,
        test: &StateTest,
        word: &str,
        slot: Option<&WordSlot>,
        condition: &Condition,
    ) -> Truth {
        let has = |list: &[String]| list.iter().any(|it| it == word);
        let holds = match &test.word {
            Word::In(list) => has(list),
            Word::Begins(list) => list.iter().any(|it| word.starts_with(it.as_str())),
            Word::NotIn(list) => !has(list),
            Word::ChangedIn { window, at_least } => {
                let least = self.tuned(condition, f64::from(*at_least));
                let changes = slot.map_or(0, |slot| slot.changes_in(self.at, *window));
                f64::from(changes) >= least
            }
            Word::FellFrom { before, now, window } => {
                has(now) && slot.is_some_and(|slot| slot.was(before, self.at, *window))
            }
        };
        if holds { Truth::True } else { Truth::False }
    }
}

impl WordSlot {
    /// How often the word changed within the window.
    fn changes_in(&self, at: Time, window: Duration) -> u32 {
        let mut before: Option<&str> = None;
        let mut count = 0;
        for (time, word) in self.changes.iter().chain(&self.recent).filter(|(it, _)| *it <= at) {
            if before.is_some_and(|before| before != word) && *time > at - window {
                count += 1;
            }
            before = Some(word);
        }
        count
    }

    /// Whether it was one of these words within the window.
    fn was(&self, words: &[String], at: Time, window: Duration) -> bool {
        let start = at - window;
        let all: Vec<&(Time, String)> =
            self.changes.iter().chain(&self.recent).filter(|(it, _)| *it <= at).collect();
        // A word lasts until the next one, so the one before the window counts too.
        let from = all.partition_point(|(it, _)| *it < start).saturating_sub(1);
        all[from..].iter().any(|(_, word)| words.contains(word))
    }
}
