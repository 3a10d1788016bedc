//! Small helpers for tools that print for people: `Key : Value` lines, sizes, temperatures, percentages, and words for
//! batteries and controllers that several makers share.

use super::model::PackState;

/// `Key : Value`, `Key: Value`, `Key = Value`; none for other lines. A value may hold further colons.
pub(super) fn pair(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let key = key.trim();
    (!key.is_empty() && key.len() <= 80).then_some((key, value.trim()))
}

/// Blanks before the first word: how deep a line stands in its tree. A tab is as deep as eight.
pub(super) fn depth(line: &str) -> usize {
    line.chars()
        .take_while(|it| matches!(it, ' ' | '\t'))
        .map(|it| if it == '\t' { 8 } else { 1 })
        .sum()
}

/// The first number of a text: `34C`, ` 28C (82.40 F)`, `98 %`, `1,234`. None if there is none or it is absurd.
pub(super) fn number(text: &str) -> Option<f64> {
    let start = text.find(|it: char| it.is_ascii_digit())?;
    let negative = text[..start].ends_with('-');
    let digits: String = text[start..]
        .chars()
        .filter(|it| *it != ',')
        .take_while(|it| it.is_ascii_digit() || *it == '.')
        .collect();
    let value: f64 = digits.trim_end_matches('.').parse().ok()?;
    (value.is_finite() && value < 1e18).then_some(if negative { -value } else { value })
}

/// Celsius that a sensor can mean: 0 and 255 stand for "no sensor".
pub(super) fn celsius(text: &str) -> Option<f64> {
    number(text).filter(|it| (1.0..=150.0).contains(it))
}

/// A share of a text such as `98 %`; none if it is none.
pub(super) fn percent(text: &str) -> Option<f64> {
    number(text).map(|it| it / 100.0).filter(|it| (0.0..=1.0).contains(it))
}

/// A count that can be one: unset registers show as all ones.
pub(super) fn count(text: &str) -> Option<f64> {
    let text = text.trim();
    let whole = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    text.parse::<f64>().ok().filter(|it| whole && *it <= 4_294_967_294.0)
}

/// Bytes of `14.551 TB`, `931.512 GiB`, `953869 MB`, `34500.0GB`. Makers of controllers count in 1024s whatever they
/// write, but for HPE's and areca's decimal ones; the difference does not matter to anybody here.
pub(super) fn bytes(text: &str) -> Option<f64> {
    let value = number(text).filter(|it| *it > 0.0)?;
    let lower = text.to_lowercase();
    let unit = [
        ("pib", 5),
        ("pb", 5),
        ("tib", 4),
        ("tb", 4),
        ("gib", 3),
        ("gb", 3),
        ("mib", 2),
        ("mb", 2),
        ("kb", 1),
    ]
    .iter()
    .find(|it| lower.contains(it.0))?;
    Some((value * 1024_f64.powi(unit.1)).round())
}

/// `Yes`/`No` and their kin.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "yes" | "true" | "on" | "enabled" | "y" => Some(true),
        "no" | "false" | "off" | "disabled" | "none" | "n" => Some(false),
        _ => None,
    }
}

/// How a battery or capacitor is, from any maker's words. A learn cycle and charging are no faults.
pub(super) fn pack(words: &str) -> PackState {
    let lower = words.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|it| lower.contains(it));
    if has(&["learn"]) && !has(&["fail", "requested"]) {
        PackState::Learning
    } else if has(&["not installed", "not configured", "no battery", "n/a", "not present"]) {
        PackState::Absent
    } else if has(&["missing", "msng", "absent", "removed", "not detected"]) {
        PackState::Missing
    } else if has(&[
        "about to fail",
        "will fail",
        "weak",
        "low",
        "degrad",
        "dgd",
        "attention",
        "ndatn",
        "warn",
        "reconditioning required",
    ]) {
        PackState::Degraded
    } else if has(&[
        "fail", "replace", "error", "fault", "bad", "dead", "critical", "expired", "depleted",
    ]) {
        PackState::Failed
    } else if has(&["charg", "testing", "test", "recondition", "calibrat"]) && !has(&["discharg"]) {
        match has(&["charged", "100"]) {
            true => PackState::Good,
            false => PackState::Charging,
        }
    } else if has(&["optimal", "operational", "ready", "good", "normal"])
        || matches!(lower.trim(), "ok" | "okay" | "opt" | "on")
    {
        PackState::Good
    } else {
        PackState::Unknown
    }
}

/// What a controller says of itself, as one of the words of `hw.raid.controller.status`.
pub(super) fn status(said: &str) -> &'static str {
    let lower = said.trim().to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|it| lower.contains(it));
    if has(&[
        "fail",
        "dead",
        "lockup",
        "locked up",
        "not operational",
        "offline",
        "kernel panic",
        "fault",
    ]) {
        "failed"
    } else if has(&["degrad", "critical", "error"]) {
        "degraded"
    } else if has(&["attention", "ndatn", "warn", "safe mode"]) {
        "needs_attention"
    } else if matches!(
        lower.as_str(),
        "ok" | "okay" | "optimal" | "opt" | "normal" | "healthy" | "online" | "good" | "ready"
    ) {
        "optimal"
    } else {
        "unknown"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_what_people_read() {
        assert_eq!(number(" 28C (82.40 F)"), Some(28.0));
        assert_eq!(bytes("14.551 TB"), Some((14.551 * 1024_f64.powi(4)).round()));
        assert_eq!(
            (celsius("0 C"), celsius("N/A"), celsius("60 C/ 140 F (Normal)")),
            (None, None, Some(60.0))
        );
        assert_eq!(
            (count("12"), count("4294967295"), count("-1"), count("1.5")),
            (Some(12.0), None, None, None)
        );
    }

    #[test]
    fn a_learn_cycle_and_charging_are_no_faults() {
        for (words, state) in [
            ("Optimal", PackState::Good),
            ("Learning", PackState::Learning),
            ("Degraded, learn cycle active", PackState::Learning),
            ("Charging", PackState::Charging),
            ("Recharging", PackState::Charging),
            ("Failed (Replace Batteries)", PackState::Failed),
            ("Not Installed", PackState::Absent),
            ("Missing", PackState::Missing),
            ("Dgd(N)", PackState::Degraded),
            ("Pack is about to fail", PackState::Degraded),
            ("OK", PackState::Good),
            ("purple", PackState::Unknown),
        ] {
            assert_eq!(pack(words), state, "{words}");
        }
    }

    #[test]
    fn a_controller_that_needs_attention_is_not_optimal() {
        for (said, word) in [
            ("Optimal", "optimal"),
            ("OK", "optimal"),
            ("Needs Attention", "needs_attention"),
            ("Failed", "failed"),
            ("General failure", "failed"),
            ("hm", "unknown"),
        ] {
            assert_eq!(status(said), word);
        }
    }
}
