//! What the agent may start: the programs and command lines that its sources declare, and nothing else.
//!
//! The same patterns are what `list` prints, what the ledger counts and what is enforced here, so that a customer's
//! administrator can believe them. A placeholder stands for one argument or a part of one:
//!
//! | placeholder | stands for |
//! |---|---|
//! | `{device}` | a device file: `/dev/` and letters, digits, `_./:,@+=#-`; no `..` |
//! | `{number}` | digits |
//! | `{word}` | letters, digits and `_.:,@+=%/#-`; does not begin with `-` or `/` |
//! | `{name}` | printable characters; does not begin with `-` |
//! | `{name}...` | any number of such arguments; only at the end |
//!
//! What stands in `'…'` is one argument, taken as it is.
//!
//! Invariant: no placeholder can become an option.

use std::collections::BTreeMap;

use super::programs::Program;
use crate::source::Source;

/// Longest argument that a placeholder takes.
const ARGUMENT_BYTES_MAX: usize = 4096;

/// Programs and command lines that may be started.
#[derive(Debug, Clone, Default)]
pub struct Allowed {
    programs: BTreeMap<&'static str, Program>,
    patterns: Vec<&'static str>,
}

impl Allowed {
    /// What these sources declare, together.
    pub fn of<'a>(sources: impl IntoIterator<Item = &'a Source>) -> Allowed {
        let mut allowed = Allowed::default();
        for source in sources {
            allowed.programs.extend(source.programs.iter().map(|it| (it.name, *it)));
            allowed.patterns.extend(source.runs);
        }
        allowed.patterns.sort_unstable();
        allowed.patterns.dedup();
        allowed
    }

    /// A program by its bare name.
    pub fn program(&self, name: &str) -> Option<&Program> {
        self.programs.get(name)
    }

    /// All programs, in the order of the alphabet.
    pub fn programs(&self) -> impl Iterator<Item = &Program> {
        self.programs.values()
    }

    /// The pattern that a command line fits; none if it may not be started.
    pub fn pattern(&self, argv: &[&str]) -> Option<&'static str> {
        fitting(&self.patterns, argv)
    }
}

/// The first of these patterns that a command line fits.
pub(crate) fn fitting(patterns: &[&'static str], argv: &[&str]) -> Option<&'static str> {
    patterns.iter().copied().find(|it| fits(it, argv))
}

fn fits(pattern: &str, argv: &[&str]) -> bool {
    let mut rest = argv;
    for word in words(pattern) {
        if word == "{name}..." {
            return rest.iter().all(|it| fits_word("{name}", it));
        }
        let Some((first, others)) = rest.split_first() else { return false };
        if !fits_word(word, first) {
            return false;
        }
        rest = others;
    }
    rest.is_empty()
}

/// A pattern's words.
fn words(pattern: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(pattern);
    std::iter::from_fn(move || {
        let text = rest?;
        let quoted = text.strip_prefix('\'').and_then(|it| it.split_once('\''));
        let (word, behind) = match quoted {
            Some((word, behind)) => (word, behind.strip_prefix(' ')),
            None => text.split_once(' ').map_or((text, None), |it| (it.0, Some(it.1))),
        };
        rest = behind;
        Some(word)
    })
}

/// Whether an argument fits one word of a pattern: literal parts with at most one placeholder after each.
fn fits_word(pattern: &str, argument: &str) -> bool {
    let Some((literal, behind)) = pattern.split_once('{') else { return pattern == argument };
    let (Some(rest), Some((name, after))) =
        (argument.strip_prefix(literal), behind.split_once('}'))
    else {
        return false;
    };
    // At the beginning of an argument a value could be taken for an option or a path.
    let begins = literal.is_empty();
    let end = rest.find(|it| !takes(name, it)).unwrap_or(rest.len());
    // Longest first; the part behind is a literal or empty, so that this ends at once but for odd patterns.
    (1..=end)
        .rev()
        .filter(|it| rest.is_char_boundary(*it))
        .any(|it| is_value(name, &rest[..it], begins) && fits_word(after, &rest[it..]))
}

fn takes(placeholder: &str, it: char) -> bool {
    match placeholder {
        "number" => it.is_ascii_digit(),
        "device" => it.is_ascii_alphanumeric() || "_./:,@+=#-".contains(it),
        "word" => it.is_ascii_alphanumeric() || "_.:,@+=%/#-".contains(it),
        "name" => !it.is_control(),
        _ => false,
    }
}

fn is_value(placeholder: &str, value: &str, begins: bool) -> bool {
    value.len() <= ARGUMENT_BYTES_MAX
        && !(begins && value.starts_with('-'))
        && match placeholder {
            "device" => value.starts_with("/dev/") && !value.contains(".."),
            "word" => !(begins && value.starts_with('/')),
            _ => true,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_fits_its_pattern_and_no_other() {
        let smart = "smartctl --json=c --xall -n standby -d {word} {device}";
        let line =
            |kind, device| ["smartctl", "--json=c", "--xall", "-n", "standby", "-d", kind, device];
        assert!(fits(smart, &line("sat+megaraid,2", "/dev/sda")));
        assert!(fits(smart, &line("areca,1/2", "/dev/sg3")));
        assert!(!fits(smart, &line("-s", "/dev/sda")));
        assert!(!fits(smart, &line("sat", "/etc/shadow")));
        assert!(!fits(smart, &line("sat", "/dev/../etc/shadow")));
        assert!(!fits(smart, &line("sat", "/dev/sda")[..7]));
        assert!(!fits(smart, &["smartctl", "-s", "off", "/dev/sda"]));
    }

    #[test]
    fn placeholders_inside_words_and_at_the_end() {
        assert!(fits(
            "storcli64 /c{number}/eall/sall show all J",
            &["storcli64", "/c0/eall/sall", "show", "all", "J"]
        ));
        assert!(!fits(
            "storcli64 /c{number}/eall/sall show all J",
            &["storcli64", "/c0/eall/sall", "delete", "all", "J"]
        ));
        let show = "systemctl show --all --property={word} {name}...";
        let head = ["systemctl", "show", "--all", "--property=Id,Names"];
        assert!(fits(show, &head));
        assert!(fits(show, &[&head[..], &["*.service", "a b.mount"]].concat()));
        assert!(!fits(show, &[&head[..], &["--root=/tmp"]].concat()));
    }

    #[test]
    fn a_quoted_word_is_one_argument() {
        let report = "xfs_quota -x -c 'report -u -n' {name}";
        let ask = |what, place| fits(report, &["xfs_quota", "-x", "-c", what, place]);
        assert!(ask("report -u -n", "/srv/a b"));
        assert!(
            !ask("report", "/srv") && !ask("limit bhard=1 0", "/srv") && !ask("report -u -n", "-x")
        );
        assert!(fits("a 'b c'", &["a", "b c"]) && !fits("a 'b c'", &["a", "b c", "d"]));
    }
}
