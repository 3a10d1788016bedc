//! Walking: everything below some roots, in few questions, within bounds, whatever the agent answers.
//!
//! Several roots (columns of tables) are asked for in one GETBULK. What agents of the field do wrong is lived with: an
//! answer that is too big or does not come is asked for again in smaller pieces, down to one GETNEXT; a root whose walk
//! does not go forward (a loop) or that the agent cannot answer is cut, and the others go on.

use std::collections::{BTreeMap, VecDeque};

use super::{
    Cut, Oid, Value, WalkError, WhyCut,
    ber::Bound,
    message::{Pdu, Question},
};

/// Most roots in one question: with the usual 40 bindings an answer then has five rows and some 1,400 bytes, which
/// agents with small buffers can still send whole.
const ROOTS_AT_ONCE: usize = 8;

/// How much is asked for at once; what fails is tried again in the next smaller size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Size {
    /// As configured.
    Whole,
    /// A quarter.
    Less,
    /// One variable after the other.
    One,
}

/// A root and how far its walk is.
#[derive(Debug, Clone)]
struct Place {
    root: Oid,
    at: Oid,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Harvest {
    pub(super) bindings: BTreeMap<Oid, Value>,
    pub(super) cuts: Vec<Cut>,
    bytes: u64,
}

/// Bounds of a walk, but for time and requests, which whoever asks keeps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) bindings: usize,
    pub(super) bytes: u64,
    /// Bindings in one answer.
    pub(super) at_once: u32,
    /// Only the first variable below each root.
    pub(super) first: bool,
}

/// Asks one question: the names, and whether all tries may be used. In place of an answer there may be a bound.
type Asking<'a> = dyn FnMut(Question, &[Oid], bool) -> Result<Result<Pdu, WhyCut>, WalkError> + 'a;

/// Walks. `ask` gets the question, the names, and whether the answer may be waited for with all tries (the first
/// question, and those for one variable); it gives [`WhyCut`] in place of an answer when a bound of its own is reached.
pub(super) fn walk(
    roots: &[Oid],
    bounds: Bounds,
    ask: &mut Asking<'_>,
) -> Result<Harvest, WalkError> {
    let mut harvest = Harvest::default();
    let mut open: VecDeque<Place> =
        roots.iter().map(|it| Place { root: it.clone(), at: it.clone() }).collect();
    let (mut size, mut heard) = (Size::Whole, false);
    while !open.is_empty() {
        let count = if size == Size::One { 1 } else { ROOTS_AT_ONCE.min(open.len()) };
        let question = question(size, count, bounds);
        let names: Vec<Oid> = open.iter().take(count).map(|it| it.at.clone()).collect();
        let answer = match ask(question, &names, !heard || size == Size::One) {
            Ok(Ok(pdu)) => pdu,
            Ok(Err(bound)) => {
                harvest.cut_all(&open, &bound);
                break;
            }
            Err(WalkError::Silent) if heard => {
                if size == Size::One {
                    // It answered before and does not any more.
                    harvest.cut_all(&open, &WhyCut::Silent);
                    break;
                }
                size = smaller(size);
                continue;
            }
            Err(error) => return Err(error),
        };
        heard = true;
        if answer.error != 0 {
            if size != Size::One {
                size = smaller(size);
                continue;
            }
            // SNMPv1 agents behind a proxy end a walk with noSuchName (2).
            if let Some(place) = open.pop_front()
                && answer.error != 2
            {
                harvest.cuts.push(Cut { root: place.root, why: WhyCut::Error(answer.error) });
            }
            size = Size::Whole;
            continue;
        }
        let places: Vec<Place> = open.drain(..count).collect();
        let still = harvest.take(places, &answer, bounds);
        // Those that were asked go to the end, so that a long table does not keep the others waiting in vain.
        open.extend(still);
        if harvest.is_full(bounds) {
            harvest.cut_all(&open, &WhyCut::Full);
            break;
        }
    }
    Ok(harvest)
}

fn smaller(size: Size) -> Size {
    if size == Size::Whole { Size::Less } else { Size::One }
}

fn question(size: Size, count: usize, bounds: Bounds) -> Question {
    let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
    let rows = if bounds.first { 1 } else { (bounds.at_once / count).max(1) };
    match size {
        Size::Whole => Question::Bulk(rows),
        Size::Less => Question::Bulk(rows.div_ceil(4)),
        Size::One => Question::Next,
    }
}

impl Harvest {
    /// Takes what an answer brings for these places, and gives those that are not at their end.
    fn take(&mut self, places: Vec<Place>, answer: &Pdu, bounds: Bounds) -> Vec<Place> {
        let count = places.len();
        let mut open: Vec<Option<Place>> = places.into_iter().map(Some).collect();
        let mut moved = vec![false; count];
        for (index, (oid, bound)) in answer.bindings.iter().enumerate() {
            // Bindings come row by row (RFC 3416, 4.2.3).
            let column = index % count;
            let Some(place) = &mut open[column] else { continue };
            let value = match bound {
                Bound::Value(value) if oid.is_below(&place.root) => value,
                Bound::Value(_) | Bound::End | Bound::None => {
                    // An end that stands before the root is none: the answer belongs elsewhere.
                    open[column] = None;
                    continue;
                }
            };
            if *oid <= place.at {
                self.cuts.push(Cut { root: place.root.clone(), why: WhyCut::Loop(oid.clone()) });
                open[column] = None;
                continue;
            }
            place.at = oid.clone();
            moved[column] = true;
            self.bytes += (oid.parts().len() * 4) as u64 + size(value);
            self.bindings.insert(oid.clone(), value.clone());
            if bounds.first {
                open[column] = None;
            }
        }
        // An answer with nothing in it: the first place is cut, so that it is not asked for for ever. One that was cut
        // short by the agent's buffer has something for the first places, and the others' turn comes.
        for (column, place) in open.iter_mut().enumerate() {
            if let Some(it) = place
                && !moved[column]
                && answer.bindings.is_empty()
                && column == 0
            {
                self.cuts.push(Cut { root: it.root.clone(), why: WhyCut::Empty });
                *place = None;
            }
        }
        open.into_iter().flatten().collect()
    }

    fn is_full(&self, bounds: Bounds) -> bool {
        self.bindings.len() >= bounds.bindings || self.bytes >= bounds.bytes
    }

    fn cut_all(&mut self, open: &VecDeque<Place>, why: &WhyCut) {
        let cut = |it: &Place| Cut { root: it.root.clone(), why: why.clone() };
        self.cuts.extend(open.iter().map(cut));
    }
}

/// Bytes that a value keeps.
fn size(value: &Value) -> u64 {
    match value {
        Value::Bytes(it) => it.len() as u64,
        Value::Oid(it) => (it.parts().len() * 4) as u64,
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(text: &str) -> Oid {
        text.parse().unwrap()
    }

    /// An agent over a list of names, that answers as RFC 3416 wants it.
    fn agent(names: &[&str], question: Question, asked: &[Oid]) -> Pdu {
        let all: Vec<Oid> = names.iter().map(|it| oid(it)).collect();
        let rows = if let Question::Bulk(rows) = question { rows } else { 1 };
        let (mut at, mut bindings) = (asked.to_vec(), Vec::new());
        for _ in 0..rows {
            for name in &mut at {
                match all.iter().find(|it| *it > name) {
                    Some(next) => {
                        *name = next.clone();
                        bindings.push((next.clone(), Bound::Value(Value::Integer(1))));
                    }
                    None => bindings.push((name.clone(), Bound::End)),
                }
            }
        }
        Pdu { report: false, request: 1, error: 0, index: 0, bindings }
    }

    const BOUNDS: Bounds = Bounds { bindings: 1000, bytes: 100_000, at_once: 20, first: false };
    const NAMES: [&str; 6] = ["1.3.1.1", "1.3.1.2", "1.3.1.3", "1.3.2.1", "1.3.2.2", "1.3.3.0"];

    #[test]
    fn several_roots_are_walked_in_one_question_each_to_its_end() {
        let mut questions = 0;
        let harvest =
            walk(&[oid("1.3.1"), oid("1.3.2"), oid("1.3.9")], BOUNDS, &mut |question, asked, _| {
                questions += 1;
                Ok(Ok(agent(&NAMES, question, asked)))
            })
            .unwrap();
        assert_eq!((harvest.bindings.len(), harvest.cuts.len(), questions), (5, 0, 1));
    }

    #[test]
    fn an_agent_that_goes_in_circles_is_left_and_the_other_roots_are_read() {
        let harvest = walk(&[oid("1.3.1"), oid("1.3.2")], BOUNDS, &mut |question, asked, _| {
            let mut pdu = agent(&NAMES, question, asked);
            for (name, bound) in &mut pdu.bindings {
                if name.is_below(&oid("1.3.1")) || matches!(bound, Bound::End) {
                    (*name, *bound) = (oid("1.3.1.1"), Bound::Value(Value::Integer(1)));
                }
            }
            Ok(Ok(pdu))
        })
        .unwrap();
        assert!(
            matches!(&harvest.cuts[..], [Cut { why: WhyCut::Loop(_), .. }, ..]),
            "{:?}",
            harvest.cuts
        );
        assert!(harvest.bindings.contains_key(&oid("1.3.2.2")));
    }

    #[test]
    fn what_is_too_big_or_lost_is_asked_for_in_smaller_pieces() {
        for silent in [false, true] {
            let mut first = true;
            let harvest = walk(&[oid("1.3.1"), oid("1.3.2")], BOUNDS, &mut |question, asked, _| {
                let small = matches!(question, Question::Next);
                if std::mem::take(&mut first) || small {
                    return Ok(Ok(agent(&NAMES, Question::Next, &asked[..1])));
                }
                if silent {
                    return Err(WalkError::Silent);
                }
                Ok(Ok(Pdu { report: false, request: 1, error: 1, index: 0, bindings: Vec::new() }))
            })
            .unwrap();
            assert_eq!((harvest.bindings.len(), harvest.cuts.len()), (5, 0), "silent: {silent}");
        }
    }

    #[test]
    fn a_root_that_cannot_be_answered_is_cut_and_a_silent_agent_ends_the_walk() {
        let harvest = walk(&[oid("1.3.1"), oid("1.3.2")], BOUNDS, &mut |question, asked, _| {
            if asked.iter().any(|it| it.is_below(&oid("1.3.1"))) {
                return Ok(Ok(Pdu {
                    report: false,
                    request: 1,
                    error: 5,
                    index: 1,
                    bindings: Vec::new(),
                }));
            }
            Ok(Ok(agent(&NAMES, question, asked)))
        })
        .unwrap();
        assert_eq!((harvest.bindings.len(), &harvest.cuts[0].why), (2, &WhyCut::Error(5)));
        let silent = walk(&[oid("1.3.1")], BOUNDS, &mut |_, _, _| Err(WalkError::Silent));
        assert!(matches!(silent, Err(WalkError::Silent)));
    }

    #[test]
    fn an_endless_table_ends_at_the_bound_and_empty_answers_at_once() {
        let mut next = 0;
        let mut endless = |_: Question, _: &[Oid], _: bool| {
            let binding = |it: u32| (oid("1.3.1").with(&[it]), Bound::Value(Value::Integer(1)));
            next += 20;
            let bindings = (next..next + 20).map(binding).collect();
            Ok(Ok(Pdu { report: false, request: 1, error: 0, index: 0, bindings }))
        };
        let harvest = walk(&[oid("1.3.1")], BOUNDS, &mut endless).unwrap();
        assert_eq!((harvest.bindings.len(), &harvest.cuts[0].why), (1000, &WhyCut::Full));
        let harvest = walk(&[oid("1.3.1"), oid("1.3.2")], BOUNDS, &mut |_, _, _| {
            Ok(Ok(Pdu { report: false, request: 1, error: 0, index: 0, bindings: Vec::new() }))
        })
        .unwrap();
        assert_eq!(harvest.cuts.len(), 2);
    }
}
