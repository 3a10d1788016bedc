//! Scores in words: what `rules explain` says of the sums that a rule compares.

use std::fmt;

use xunjian_rules::{AttrTest, Condition, Lang, RuleSet, ScoreTest, Text};

use super::rules::condition;

/// A condition on a score as one line.
pub(super) fn compared(rules: &RuleSet, test: &ScoreTest) -> String {
    format!("score {} {} {}", rules.scores[test.score].id, test.compare.sign(), test.limit)
}

/// A condition on an attribute as one line.
pub(super) fn attribute(test: &AttrTest) -> String {
    let words: Vec<String> = test.words.iter().map(|it| format!("`{it}`")).collect();
    let not = if test.inside { "" } else { "not " };
    format!("{} is {not}{}", test.name, words.join(" | "))
}

/// What it means that a rule rests on values which are decoded by model.
pub(super) fn by_model() -> Text {
    Text::new(
        "读数按型号解码；型号不在解码表中的磁盘可信度较低，仅作四级隐患",
        "the readings are decoded by model; on a model that the table does not know this is less sure and a latent fault at most",
    )
}

/// The parts of every score that a condition asks for: points, sign, and what is compared.
pub(super) fn explain(
    rules: &RuleSet,
    when: &Condition,
    lang: Lang,
    line: &mut dyn FnMut(Text, &str) -> fmt::Result,
) -> fmt::Result {
    let mut places = Vec::new();
    when.each(&mut |test| {
        if let Condition::Score(test) = test {
            places.push(test.score);
        }
    });
    places.dedup();
    for score in places.into_iter().map(|it| &rules.scores[it]) {
        line(Text::new("评分", "score"), &format!("{}: {}", score.id, score.title.in_lang(lang)))?;
        for part in &score.parts {
            let of = match (lang, part.group.as_str()) {
                (_, "") => String::new(),
                (Lang::Zh, group) => format!("（{group} 组只计第一项）"),
                (Lang::En, group) => format!(" (the first of {group})"),
            };
            let text = format!(
                "{:+}{of} {}: {}",
                part.points,
                part.say.in_lang(lang),
                condition(rules, &part.when)
            );
            line(Text::new("评分项", "part"), &text)?;
        }
        line(Text::new("评分依据", "score from"), &score.source)?;
    }
    Ok(())
}
