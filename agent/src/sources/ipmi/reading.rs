//! One sensor as a management controller tells it, whatever tool printed it.
//!
//! Facts: IPMI 2.0 specification, tables 42-3 (sensor types) and 43-13 (entities). Invariant: what a sensor is follows
//! from its type; where a tool does not print that, from its unit or its entity, never from its name.

/// Threshold names in the order of [`Reading::limits`], with the limit types of OpenTelemetry.
pub(super) const LIMITS: [(&str, &str); 6] = [
    ("lnr", "low.non_recoverable"),
    ("lcr", "low.critical"),
    ("lnc", "low.degraded"),
    ("unc", "high.degraded"),
    ("ucr", "high.critical"),
    ("unr", "high.non_recoverable"),
];

/// A sensor.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Reading {
    /// As the controller calls it; several may bear one name.
    pub(super) name: String,
    /// Its number, where it is printed.
    pub(super) number: Option<u8>,
    /// The part it belongs to: entity and instance (`10.1` is the first power supply).
    pub(super) entity: Option<(u8, u8)>,
    /// Sensor type; `None` if it is not printed and nothing tells it.
    pub(super) kind: Option<u8>,
    /// The number that it reads.
    pub(super) value: Option<f64>,
    /// As printed: `degrees C`, `RPM`, `Volts`, `C`.
    pub(super) unit: String,
    /// `ok`, or the threshold that is crossed (`lnr` to `unr`), or `warning` and `critical` from tools that do not say
    /// which one.
    pub(super) status: Option<String>,
    /// Its own thresholds.
    pub(super) limits: [Option<f64>; 6],
    /// States that it asserts.
    pub(super) states: Vec<String>,
    /// States that it could assert, where they are printed.
    pub(super) possible: Vec<String>,
    /// It is there by its description, and gives no reading: `disabled`, `no reading`.
    pub(super) silent: Option<String>,
    /// A bit field of states that cannot be read without the sensor's type.
    pub(super) bits: Option<String>,
}

/// Sensor types that are told apart here: number and the names that tools print.
const TYPES: [(u8, &[&str]); 45] = [
    (0x01, &["temperature"]),
    (0x02, &["voltage"]),
    (0x03, &["current"]),
    (0x04, &["fan"]),
    (0x05, &["physical security", "physicalsecurity", "chassis intrusion"]),
    (0x06, &["platform security", "platform security violation attempt"]),
    (0x07, &["processor"]),
    (0x08, &["power supply"]),
    (0x09, &["power unit"]),
    (0x0a, &["cooling device"]),
    (0x0b, &["other units based sensor", "other", "other units-based sensor"]),
    (0x0c, &["memory"]),
    (0x0d, &["drive slot / bay", "drive slot", "drive slot (bay)"]),
    (0x0e, &["post memory resize"]),
    (0x0f, &["system firmwares", "system firmware progress", "system firmware"]),
    (0x10, &["event logging disabled"]),
    (0x11, &["watchdog1", "watchdog 1"]),
    (0x12, &["system event"]),
    (0x13, &["critical interrupt"]),
    (0x14, &["button", "button/switch"]),
    (0x15, &["module / board", "module/board"]),
    (0x16, &["microcontroller", "microcontroller/coprocessor"]),
    (0x17, &["add-in card", "add in card"]),
    (0x18, &["chassis"]),
    (0x19, &["chip set", "chipset"]),
    (0x1a, &["other fru"]),
    (0x1b, &["cable / interconnect", "cable/interconnect"]),
    (0x1c, &["terminator"]),
    (0x1d, &["system boot initiated", "system boot/restart initiated"]),
    (0x1e, &["boot error"]),
    (0x1f, &["os boot"]),
    (0x20, &["os critical stop", "os critical stop/shutdown"]),
    (0x21, &["slot / connector", "slot/connector"]),
    (0x22, &["system acpi power state"]),
    (0x23, &["watchdog2", "watchdog 2"]),
    (0x24, &["platform alert"]),
    (0x25, &["entity presence"]),
    (0x26, &["monitor asic", "monitor asic/ic"]),
    (0x27, &["lan"]),
    (0x28, &["management subsys health", "management subsystem health"]),
    (0x29, &["battery"]),
    (0x2a, &["session audit"]),
    (0x2b, &["version change"]),
    (0x2c, &["fru state"]),
    (0xc0, &["oem", "oem reserved", "unknown"]),
];

/// The first type that is a manufacturer's own.
pub(super) const OEM: u8 = 0xc0;

/// A sensor type by what a tool prints: `Power Supply (0x08)`, `Power Supply`.
pub(super) fn kind_of(text: &str) -> Option<u8> {
    let text = text.trim();
    let coded = text.rsplit_once("(0x").and_then(|(_, it)| it.strip_suffix(')'));
    if let Some(code) = coded.and_then(|it| u8::from_str_radix(it, 16).ok()) {
        return Some(code);
    }
    let lower = text.to_lowercase();
    TYPES.iter().find(|(_, names)| names.contains(&lower.as_str())).map(|(code, _)| *code)
}

/// What the types are called in a log's lines: longest first, so that `OS Boot` is not taken for `OS`.
pub(super) fn type_in(text: &str) -> Option<(u8, &str)> {
    let lower = text.to_lowercase();
    let names = TYPES.iter().flat_map(|(code, names)| names.iter().map(move |it| (*code, *it)));
    let fits = |name: &str| {
        lower.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let (code, name) = names.filter(|(_, name)| fits(name)).max_by_key(|(_, name)| name.len())?;
    // The names are ASCII, so that the length fits the text as it was.
    Some((code, text.get(name.len()..).unwrap_or_default().trim()))
}

impl Reading {
    /// The sensor's type, or what its unit or entity says in its place.
    pub(super) fn kind(&self) -> Option<u8> {
        self.kind.filter(|it| *it != 0).or_else(|| self.kind_by_unit()).or_else(|| {
            Some(match self.entity?.0 {
                3 | 65 => 0x07,
                10 | 19 => 0x08,
                29 | 30 => 0x04,
                8 | 32 => 0x0c,
                4 | 26 | 28 => 0x0d,
                40 => 0x29,
                _ => return None,
            })
        })
    }

    fn kind_by_unit(&self) -> Option<u8> {
        let unit = self.unit.to_lowercase();
        Some(match unit.as_str() {
            "degrees c" | "c" | "degrees f" | "f" | "degrees k" => 0x01,
            "volts" | "v" => 0x02,
            "amps" | "a" => 0x03,
            "rpm" => 0x04,
            "watts" | "w" => 0x0b,
            _ => return None,
        })
    }

    /// Whether it is one of a manufacturer's own, whose states nobody else can read.
    pub(super) fn is_oem(&self) -> bool {
        self.kind.is_some_and(|it| it >= OEM)
    }
}

/// `3.1`.
pub(super) fn entity(text: &str) -> Option<(u8, u8)> {
    let (id, instance) = text.split_whitespace().next()?.split_once('.')?;
    Some((id.trim().parse().ok()?, instance.trim().parse().ok()?))
}

/// The threshold that a status names, in ipmitool's short form; `ok`; or none if it is no status.
pub(super) fn status(text: &str) -> Option<&'static str> {
    let word: String = text.to_lowercase().chars().filter(char::is_ascii_alphabetic).collect();
    Some(match word.as_str() {
        "ok" | "nominal" | "withinthresholds" => "ok",
        "lnr" | "lowernonrecoverable" => "lnr",
        "lcr" | "lowercritical" => "lcr",
        "lnc" | "lowernoncritical" => "lnc",
        "unc" | "uppernoncritical" => "unc",
        "ucr" | "uppercritical" => "ucr",
        "unr" | "uppernonrecoverable" => "unr",
        "nc" | "warning" => "warning",
        "cr" | "critical" => "critical",
        "nr" | "nonrecoverable" => "fatal",
        _ => return None,
    })
}

/// A threshold as printed; `na` and the like are none.
pub(super) fn limit(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|it| it.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_known_by_number_and_by_name() {
        assert_eq!(kind_of("Power Supply (0x08)"), Some(8));
        assert_eq!(kind_of("Drive Slot / Bay"), Some(0x0d));
        assert_eq!(kind_of("Flux Capacitor"), None);
        assert_eq!(type_in("Power Supply PSU2 Status"), Some((8, "PSU2 Status")));
        assert_eq!(type_in("Memory #0x12"), Some((0x0c, "#0x12")));
    }
}
