//! What a vdisk bears by its RAID code, and what it has borne by its state.

/// `8+2p` bears two failures, `4WayReplication` three; what has no copies bears none by design.
pub(super) fn tolerance(code: &str) -> Option<u32> {
    let code = code.to_lowercase();
    if let Some((_, parity)) = code.split_once('+') {
        return parity.trim_end_matches('p').parse().ok();
    }
    if code.starts_with("unreplicated") {
        return Some(0);
    }
    code.strip_suffix("wayreplication")?.parse::<u32>().ok()?.checked_sub(1)
}

/// Failures that are not rebuilt yet, and the word: `ok`, `1/2-degraded`, `critical (need spare)`, `offline`.
pub(super) fn failures(state: &str, tolerance: u32) -> Option<(u32, &'static str)> {
    let state = state.to_lowercase();
    let word = state.split(['(', ' ']).next().unwrap_or_default();
    if word == "ok" {
        return Some((0, "ok"));
    }
    if let Some((lost, _)) = word.strip_suffix("-degraded").and_then(|it| it.split_once('/')) {
        return Some((lost.parse().ok()?, "degraded"));
    }
    match word {
        "critical" => Some((tolerance, "critical")),
        "offline" => Some((tolerance.saturating_add(1), "offline")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raid_codes_and_states_give_what_is_left() {
        assert_eq!(tolerance("8+2p"), Some(2));
        assert_eq!(tolerance("8+3P"), Some(3));
        assert_eq!(tolerance("4WayReplication"), Some(3));
        assert_eq!(tolerance("Unreplicated"), Some(0));
        assert_eq!(tolerance("magic"), None);
        assert_eq!(failures("ok", 2), Some((0, "ok")));
        assert_eq!(failures("1/2-degraded (need spare)", 2), Some((1, "degraded")));
        assert_eq!(failures("critical", 2), Some((2, "critical")));
        assert_eq!(failures("offline", 2), Some((3, "offline")));
        assert_eq!(failures("odd", 2), None);
    }
}
