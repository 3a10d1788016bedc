//! Numbers with their units, and columns that hold Chinese.

use crate::cli::Lang;

/// A number as people read it. `unit` is UCUM as OpenTelemetry writes it; what is counted is said by the Chinese name
/// already and is an English word, so Chinese readers do not get it.
pub(super) fn value_text(value: f64, unit: &str, lang: Lang) -> String {
    match unit {
        "By" => bytes(value),
        "By/s" => format!("{}/s", bytes(value)),
        "s" if value >= 120.0 => seconds(value),
        "s" if value != 0.0 && value.abs() < 0.001 => format!("{} µs", plain(value * 1e6)),
        "s" if value != 0.0 && value.abs() < 1.0 => format!("{} ms", plain(value * 1e3)),
        "Cel" => format!("{} °C", plain(value)),
        "1" => format!("{:.1} %", value * 100.0),
        "" | "{flag}" | "{status}" | "{score}" => plain(value),
        unit if unit.starts_with('{') && lang == Lang::Zh => match unit.split_once("}/") {
            Some((_, per)) => format!("{}/{per}", plain(value)),
            None => plain(value),
        },
        _ => format!("{} {}", plain(value), unit.trim_matches(['{', '}'])),
    }
}

fn bytes(value: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut value, mut index) = (value, 0);
    while value.abs() >= 1024.0 && index + 1 < units.len() {
        value /= 1024.0;
        index += 1;
    }
    if index == 0 { format!("{value} B") } else { format!("{value:.1} {}", units[index]) }
}

fn seconds(value: f64) -> String {
    let (days, hours) = ((value / 86_400.0).floor(), (value / 3_600.0).floor() % 24.0);
    let minutes = (value / 60.0).floor() % 60.0;
    match days {
        0.0 => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Whole numbers without a point, others with at most three places.
fn plain(value: f64) -> String {
    if value.fract() == 0.0 {
        return format!("{value}");
    }
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Text filled up with blanks to a width of terminal columns. Chinese takes two columns a character.
pub(super) fn cell(text: &str, width: usize) -> String {
    let used: usize = text.chars().map(columns).sum();
    format!("{text}{}", " ".repeat(width.saturating_sub(used)))
}

/// East Asian wide characters (Unicode Standard Annex 11), as far as the product's texts use them.
fn columns(it: char) -> usize {
    let wide = matches!(it, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{303e}' | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}'
        | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{20000}'..='\u{3fffd}');
    if wide { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_written_for_people() {
        assert_eq!(value_text(1536.0, "By", Lang::En), "1.5 KiB");
        assert_eq!(value_text(0.5, "1", Lang::En), "50.0 %");
        assert_eq!(value_text(36.0, "Cel", Lang::En), "36 °C");
        assert_eq!(value_text(90_000.0, "s", Lang::En), "1 d 1 h");
        assert_eq!(value_text(0.0125, "s", Lang::En), "12.5 ms");
        assert_eq!(value_text(0.000_04, "s", Lang::En), "40 µs");
        assert_eq!(value_text(12.000_04, "s", Lang::En), "12 s");
        assert_eq!(value_text(0.0, "s", Lang::En), "0 s");
        assert_eq!(value_text(3.0, "{error}", Lang::En), "3 error");
        assert_eq!(value_text(3.0, "{error}", Lang::Zh), "3");
        assert_eq!(value_text(1.0, "1", Lang::Zh), "100.0 %");
        assert_eq!(value_text(1.0, "{flag}", Lang::En), "1");
    }

    #[test]
    fn chinese_takes_two_columns() {
        assert_eq!(cell("磁盘", 6), "磁盘  ");
    }
}
