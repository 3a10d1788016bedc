//! Numbers with units as people write them in rules and contracts: `90 %`, `50 GiB`, `10m`.

/// Multiples of units that thresholds may be written in: metric's unit, suffix, factor. A suffix belongs to one unit.
const SUFFIXES: &[(&str, &str, f64)] = &[
    ("1", "%", 0.01),
    ("By", "B", 1.0),
    ("By", "KiB", 1024.0),
    ("By", "MiB", 1_048_576.0),
    ("By", "GiB", 1_073_741_824.0),
    ("By", "TiB", 1_099_511_627_776.0),
    ("s", "ms", 0.001),
    ("s", "s", 1.0),
    ("s", "m", 60.0),
    ("s", "h", 3_600.0),
    ("s", "d", 86_400.0),
    ("Cel", "°C", 1.0),
    ("By/s", "B/s", 1.0),
    ("By/s", "MB/s", 1_000_000.0),
    ("bit/s", "Mbit/s", 1_000_000.0),
    ("bit/s", "Gbit/s", 1_000_000_000.0),
];

/// A number with its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantity {
    /// In the metric's own unit.
    pub value: f64,
    /// That unit: `1` (a share), `By`, `s`.
    pub unit: &'static str,
}

/// Reads a number with a unit; none if it is none, or the unit is not known.
pub fn quantity(text: &str) -> Option<Quantity> {
    let split = text.find(|c: char| !(c.is_ascii_digit() || ".-_".contains(c)))?;
    let (number, suffix) = text.split_at(split);
    let (unit, _, factor) = SUFFIXES.iter().find(|(_, it, _)| *it == suffix.trim())?;
    let value = number.replace('_', "").parse::<f64>().ok()? * factor;
    value.is_finite().then_some(Quantity { value, unit })
}

/// What may be written for a metric of this unit, for people.
pub fn wanted(unit: &str) -> String {
    let fit: Vec<&str> =
        SUFFIXES.iter().filter(|(of, ..)| *of == unit).map(|(_, it, _)| *it).collect();
    match fit.len() {
        0 => "a plain number".to_owned(),
        _ => format!("a number with one of {}", fit.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Quantity, SUFFIXES, quantity};

    #[test]
    fn a_suffix_belongs_to_one_unit() {
        for (at, (_, suffix, _)) in SUFFIXES.iter().enumerate() {
            assert!(SUFFIXES.iter().skip(at + 1).all(|(_, it, _)| it != suffix), "{suffix}");
        }
    }

    #[test]
    fn numbers_with_units_are_read() {
        for (text, value, unit) in [
            ("98 %", 0.98, "1"),
            ("2 GiB", 2_147_483_648.0, "By"),
            ("10m", 600.0, "s"),
            ("45 °C", 45.0, "Cel"),
        ] {
            assert_eq!(quantity(text), Some(Quantity { value, unit }), "{text}");
        }
        for text in ["", "5", "GiB", "5 XiB", "five %", "1e9 s", "--5 %", "%"] {
            assert_eq!(quantity(text), None, "{text}");
        }
    }
}
