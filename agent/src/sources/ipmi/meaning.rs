//! What asserted states mean for the part that a sensor watches.
//!
//! Facts: IPMI 2.0 specification, tables 42-2 (generic states) and 42-3 (states by sensor type), in the words of
//! ipmitool and FreeIPMI. Invariant: a state that is not in the tables has no meaning, and is not taken for a good one.

/// What the states of a sensor say, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// The place is empty.
    Absent,
    /// The chassis is open.
    Open,
    /// Not as it should be, still working.
    Degraded,
    /// The part predicts its own failure, or errors passed the controller's limit.
    Predicted,
    /// A power supply without power from outside.
    NoInput,
    /// It does not work.
    Failed,
}

impl Verdict {
    /// The word that is told.
    pub(super) fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Absent => "absent",
            Verdict::Open => "open",
            Verdict::Degraded => "degraded",
            Verdict::Predicted => "predicted_failure",
            Verdict::NoInput => "no_input",
            Verdict::Failed => "failed",
        }
    }
}

/// What a redundancy sensor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Redundancy {
    /// As designed.
    Full,
    /// Less than designed, and still some.
    Degraded,
    /// None by design or since long: what is there suffices.
    Single,
    /// It was there and is lost; what is left suffices.
    Lost,
    /// What is left does not suffice.
    Insufficient,
}

impl Redundancy {
    /// The word that is told.
    pub(super) fn word(self) -> &'static str {
        match self {
            Redundancy::Full => "full",
            Redundancy::Degraded => "degraded",
            Redundancy::Single => "none",
            Redundancy::Lost => "lost",
            Redundancy::Insufficient => "insufficient",
        }
    }
}

/// Redundancy, if the state is one of that group.
pub(super) fn redundancy(state: &str) -> Option<Redundancy> {
    Some(match plain(state).as_str() {
        "fully redundant" => Redundancy::Full,
        "redundancy degraded"
        | "redundancy degraded from fully redundant"
        | "redundancy degraded from non-redundant" => Redundancy::Degraded,
        "redundancy lost"
        | "non-redundant:sufficient from redundant"
        | "non-redundant:sufficient resources from redundant"
        | "entered from redundancy degraded or fully redundant" => Redundancy::Lost,
        "non-redundant:sufficient from insufficient"
        | "non-redundant:sufficient resources from insufficient resources"
        | "entered from non-redundant:insufficient resources" => Redundancy::Single,
        "non-redundant:insufficient resources" => Redundancy::Insufficient,
        _ => return None,
    })
}

/// States of any sensor: the generic groups. The first part that is found in the text counts.
const GENERIC: &[(&str, Verdict)] = &[
    ("transition to ok", Verdict::Ok),
    ("transition to idle", Verdict::Ok),
    ("transition to active", Verdict::Ok),
    ("transition to busy", Verdict::Ok),
    ("transition to non-critical", Verdict::Degraded),
    ("transition to critical", Verdict::Failed),
    ("transition to non-recoverable", Verdict::Failed),
    ("transition to running", Verdict::Ok),
    ("transition to in test", Verdict::Ok),
    ("transition to power off", Verdict::Ok),
    ("transition to on line", Verdict::Ok),
    ("transition to off line", Verdict::Degraded),
    ("transition to off duty", Verdict::Ok),
    ("transition to degraded", Verdict::Degraded),
    ("transition to power save", Verdict::Ok),
    ("predictive failure deasserted", Verdict::Ok),
    ("limit not exceeded", Verdict::Ok),
    ("limit exceeded", Verdict::Degraded),
    ("performance met", Verdict::Ok),
    ("performance lags", Verdict::Degraded),
    ("install error", Verdict::Failed),
    ("device absent", Verdict::Absent),
    ("device removed", Verdict::Absent),
    ("device present", Verdict::Ok),
    ("device inserted", Verdict::Ok),
    ("device enabled", Verdict::Ok),
    ("power state", Verdict::Ok),
];

/// States by sensor type; more special texts stand before those that they contain.
const SPECIFIC: &[(u8, &[(&str, Verdict)])] = &[
    (0x05, &[("", Verdict::Open)]),
    (
        0x07,
        &[
            ("presence", Verdict::Ok),
            ("ierr", Verdict::Failed),
            ("thermal trip", Verdict::Failed),
            ("frb", Verdict::Failed),
            ("uncorrectable", Verdict::Failed),
            ("machine check exception", Verdict::Failed),
            ("correctable", Verdict::Degraded),
            ("configuration error", Verdict::Degraded),
            ("disabled", Verdict::Degraded),
            ("throttle", Verdict::Degraded),
        ],
    ),
    (
        0x08,
        &[
            ("presence", Verdict::Ok),
            ("predictive", Verdict::Predicted),
            ("out-of-range, but present", Verdict::Degraded),
            ("out of range, but present", Verdict::Degraded),
            ("lost", Verdict::NoInput),
            ("configuration error", Verdict::Degraded),
            ("inactive", Verdict::Ok),
            ("standby", Verdict::Ok),
            ("failure", Verdict::Failed),
        ],
    ),
    (
        0x09,
        &[
            ("240va", Verdict::Failed),
            ("interlock", Verdict::Degraded),
            ("soft", Verdict::Degraded),
            ("predictive", Verdict::Predicted),
            ("failure", Verdict::Failed),
            ("lost", Verdict::NoInput),
            ("power off", Verdict::Ok),
            ("power down", Verdict::Ok),
            ("power cycle", Verdict::Ok),
        ],
    ),
    (
        0x0c,
        &[
            ("presence", Verdict::Ok),
            ("logging limit", Verdict::Predicted),
            ("uncorrectable", Verdict::Failed),
            ("correctable", Verdict::Degraded),
            ("parity", Verdict::Failed),
            ("scrub failed", Verdict::Failed),
            ("disabled", Verdict::Failed),
            ("configuration error", Verdict::Degraded),
            ("throttle", Verdict::Degraded),
            ("overtemperature", Verdict::Failed),
            ("spare", Verdict::Ok),
        ],
    ),
    (
        0x0d,
        &[
            ("predictive", Verdict::Predicted),
            ("fault", Verdict::Failed),
            ("present", Verdict::Ok),
            ("presence", Verdict::Ok),
            ("hot spare", Verdict::Ok),
            ("check in progress", Verdict::Ok),
            ("critical array", Verdict::Degraded),
            ("failed array", Verdict::Degraded),
            ("rebuild", Verdict::Degraded),
        ],
    ),
    (
        0x0f,
        &[
            ("fail", Verdict::Failed),
            ("unrecoverable", Verdict::Failed),
            ("corrupt", Verdict::Failed),
            ("hang", Verdict::Failed),
            ("no usable", Verdict::Failed),
            ("", Verdict::Ok),
        ],
    ),
    (0x10, &[("reset", Verdict::Ok), ("", Verdict::Degraded)]),
    (0x11, &[("", Verdict::Degraded)]),
    (
        0x13,
        &[
            ("uncorrectable", Verdict::Failed),
            ("fatal", Verdict::Failed),
            ("serr", Verdict::Failed),
            ("", Verdict::Degraded),
        ],
    ),
    (0x1b, &[("configuration error", Verdict::Failed), ("connected", Verdict::Ok)]),
    (0x1e, &[("", Verdict::Degraded)]),
    (0x20, &[("graceful", Verdict::Ok), ("", Verdict::Failed)]),
    (0x21, &[("fault", Verdict::Failed), ("disabled", Verdict::Degraded), ("", Verdict::Ok)]),
    (0x23, &[("interrupt", Verdict::Ok), ("", Verdict::Degraded)]),
    (0x25, &[("absent", Verdict::Absent), ("", Verdict::Ok)]),
    (0x27, &[("lost", Verdict::Degraded), ("heartbeat", Verdict::Ok)]),
    (
        0x28,
        &[
            ("degraded", Verdict::Degraded),
            ("fail", Verdict::Failed),
            ("off-line", Verdict::Failed),
            ("unavailable", Verdict::Failed),
        ],
    ),
    (0x29, &[("low", Verdict::Predicted), ("failed", Verdict::Failed), ("presence", Verdict::Ok)]),
];

/// Types that only tell what goes on: no state of theirs is a fault.
const TELLING: [u8; 11] = [0x06, 0x12, 0x14, 0x1d, 0x1f, 0x22, 0x24, 0x26, 0x2a, 0x2b, 0x2c];

/// What one state means on a sensor of this type.
pub(super) fn verdict(kind: Option<u8>, state: &str) -> Option<Verdict> {
    let state = plain(state);
    let first = |rows: &[(&str, Verdict)]| {
        rows.iter().find(|(part, _)| state.contains(part)).map(|(_, verdict)| *verdict)
    };
    if is_private(&state) {
        return None;
    }
    if let Some(verdict) = first(GENERIC) {
        return Some(verdict);
    }
    let kind = kind?;
    if state == "predictive failure asserted" {
        return Some(Verdict::Predicted);
    }
    if TELLING.contains(&kind) {
        return Some(Verdict::Ok);
    }
    SPECIFIC.iter().find(|(code, _)| *code == kind).and_then(|(_, rows)| first(rows))
}

/// Whether only the sensor's name or its manufacturer could say what a state means.
pub(super) fn is_private(state: &str) -> bool {
    let state = plain(state);
    state == "state asserted" || state == "state deasserted" || state.starts_with("oem")
}

/// Whether a state says that the part is there.
pub(super) fn says_present(state: &str) -> bool {
    let state = plain(state);
    state.contains("presen") && !state.contains("but present")
}

/// Lower case, single spaces, and no space after a colon: tools and versions differ in these.
fn plain(state: &str) -> String {
    state.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ").replace(": ", ":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_both_tools_mean_the_same() {
        for (kind, state, wanted) in [
            (8, "Presence detected", Verdict::Ok),
            (8, "Failure detected", Verdict::Failed),
            (8, "Power Supply Failure detected", Verdict::Failed),
            (8, "Predictive failure", Verdict::Predicted),
            (8, "Power Supply AC lost", Verdict::NoInput),
            (8, "Power Supply input lost (AC/DC)", Verdict::NoInput),
            (8, "AC out-of-range, but present", Verdict::Degraded),
            (0x0c, "Correctable ECC logging limit reached", Verdict::Predicted),
            (0x0c, "Uncorrectable ECC", Verdict::Failed),
            (0x0c, "Correctable ECC", Verdict::Degraded),
            (7, "Uncorrectable machine check exception", Verdict::Failed),
            (1, "Transition to Critical from less severe", Verdict::Failed),
            (0x0d, "Drive Fault", Verdict::Failed),
            (4, "Device Absent", Verdict::Absent),
            (0x29, "Low", Verdict::Predicted),
        ] {
            assert_eq!(verdict(Some(kind), state), Some(wanted), "{state}");
        }
        assert_eq!(verdict(Some(4), "State Asserted"), None);
        assert_eq!(verdict(Some(0xc1), "Device Present"), Some(Verdict::Ok));
        assert_eq!(verdict(Some(0xc1), "OEM Specific"), None);
    }

    #[test]
    fn redundancy_is_told_in_eight_ways() {
        assert_eq!(redundancy("Fully Redundant"), Some(Redundancy::Full));
        assert_eq!(redundancy("Redundancy Lost"), Some(Redundancy::Lost));
        assert_eq!(
            redundancy("Non-Redundant: Insufficient Resources"),
            Some(Redundancy::Insufficient)
        );
        assert_eq!(redundancy("Non-Redundant: Sufficient from Redundant"), Some(Redundancy::Lost));
        assert_eq!(redundancy("Presence detected"), None);
    }
}
