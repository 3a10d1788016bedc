//! English words that go with a number, in messages: `{value|member is|members are}`.

/// A word that follows a number of the same message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plural<'a> {
    /// The placeholder of the number: `value`, `limit`, a metric.
    pub number: &'a str,
    /// The word for one.
    pub one: &'a str,
    /// The word for any other number, and where there is none.
    pub many: &'a str,
}

/// Reads what stands between the braces; none if it is no such word.
pub fn parse(choice: &str) -> Option<Plural<'_>> {
    let mut parts = choice.split('|');
    let (number, one, many) = (parts.next()?, parts.next()?, parts.next()?);
    let fine = !number.is_empty() && !one.is_empty() && !many.is_empty() && one != many;
    (fine && parts.next().is_none()).then_some(Plural { number, one, many })
}

/// A number with its word: `1 member`, `2 members`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A message as people are shown it before there are numbers: with the words for many.
pub fn before_numbers(template: &str) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((head, tail)) = rest.split_once('{') {
        text.push_str(head);
        let (name, tail) = tail.split_once('}').unwrap_or((tail, ""));
        match parse(name) {
            Some(plural) => text.push_str(plural.many),
            None => text.push_str(&format!("{{{name}}}")),
        }
        rest = tail;
    }
    text.push_str(rest);
    text
}

impl<'a> Plural<'a> {
    /// The word for a number as it is shown: of `1.5` and `1 %` there are many.
    pub fn word(&self, number: Option<&str>) -> &'a str {
        if number == Some("1") { self.one } else { self.many }
    }
}

#[cfg(test)]
mod tests {
    use super::{before_numbers, counted, parse};

    #[test]
    fn one_is_one_and_everything_else_is_many() {
        let word = parse("value|member is|members are").unwrap();
        assert_eq!(word.word(Some("1")), "member is");
        for many in [None, Some("0"), Some("2"), Some("11"), Some("1.5"), Some("1 %"), Some("-1")] {
            assert_eq!(word.word(many), "members are", "{many:?}");
        }
    }

    #[test]
    fn templates_are_shown_with_the_words_for_many() {
        let template = "{name}: {value} {value|member is|members are} missing";
        assert_eq!(before_numbers(template), "{name}: {value} members are missing");
        assert_eq!([counted(1, "run", "runs"), counted(0, "run", "runs")], ["1 run", "0 runs"]);
    }

    #[test]
    fn what_is_no_choice_of_two_is_refused() {
        for wrong in
            ["value", "value|a", "value|a|b|c", "|a|b", "value||b", "value|a|", "value|a|a"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
