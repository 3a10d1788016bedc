//! Multipath maps as the tools tell them, and what of them is independent.
//!
//! Facts: `multipath(8)`, `multipathd(8)`, multipath-tools `libmultipath/print.c` and `libdmmp`. Two paths through one port
//! of the host, or to one controller, fall together: what counts is how many ports and how many controllers still lead to
//! the unit, and of these the fewer. Controllers are told by the groups of paths (ALUA puts each controller's paths in a
//! group of their own); with a single group by the ports of the array.

use std::collections::BTreeMap;

/// One unit with its paths.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Map {
    /// `mpatha`.
    pub(super) name: String,
    /// WWID.
    pub(super) wwid: String,
    /// `dm-3`.
    pub(super) device: String,
    /// Vendor and product.
    pub(super) model: String,
    /// Without a path, I/O waits instead of failing.
    pub(super) queues: Option<bool>,
    /// Path failures that the daemon counted.
    pub(super) faults: Option<f64>,
    /// Groups of paths, in the order of preference.
    pub(super) groups: Vec<Vec<Path>>,
}

/// One way to the unit.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Path {
    /// `sdb`.
    pub(super) device: String,
    /// `2:0:0:1`, where known.
    pub(super) hctl: Option<String>,
    /// The host's port: its WWN or the number of the SCSI host.
    pub(super) port: Option<String>,
    /// The array's port: its WWN or channel and target.
    pub(super) target: Option<String>,
    /// What the kernel holds of it: `active`, `failed`, `undef`.
    pub(super) kernel: String,
    /// What the checker says: `ready`, `ghost`, `faulty`, `shaky`, …
    pub(super) checker: String,
    /// What the SCSI layer says: `running`, `offline`, …
    pub(super) device_state: String,
}

/// How a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// Carries I/O.
    Up,
    /// Leads to a standby controller, ready to take over: normal.
    Ghost,
    /// Broken.
    Down,
    /// Not said.
    Unknown,
}

impl Path {
    pub(super) fn state(&self) -> State {
        if matches!(self.device_state.as_str(), "offline" | "transport-offline" | "blocked") {
            return State::Down;
        }
        match (self.checker.as_str(), self.kernel.as_str()) {
            ("faulty" | "timeout" | "i/o timeout" | "removed" | "disconnected", _) => State::Down,
            // The checker sees it again, and the kernel does not use it yet.
            (_, "failed") => State::Down,
            ("ghost", _) => State::Ghost,
            ("ready" | "shaky", _) => State::Up,
            ("undef" | "wild" | "unchecked" | "pending" | "-" | "", "active") => State::Up,
            _ => State::Unknown,
        }
    }

    /// Whether the words are ones that the tools have.
    pub(super) fn is_known(&self) -> bool {
        const WORDS: [&str; 14] = [
            "ready",
            "ghost",
            "faulty",
            "shaky",
            "delayed",
            "timeout",
            "i/o timeout",
            "removed",
            "disconnected",
            "undef",
            "wild",
            "unchecked",
            "pending",
            "-",
        ];
        self.checker.is_empty() || WORDS.contains(&self.checker.as_str())
    }

    /// `sdb (2:0:0:1)`.
    pub(super) fn label(&self) -> String {
        match &self.hctl {
            Some(hctl) => format!("{} ({hctl})", self.device),
            None => self.device.clone(),
        }
    }
}

/// Paths that fall together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Route {
    pub(super) name: String,
    pub(super) state: State,
}

/// Both views of what is independent.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Routes {
    /// By the host's ports.
    pub(super) ports: Vec<Route>,
    /// By the array's controllers.
    pub(super) controllers: Vec<Route>,
}

impl Map {
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.groups.iter().flatten()
    }

    pub(super) fn routes(&self) -> Routes {
        let ports = by(self.paths(), |it| it.port.clone(), "port");
        let controllers = if self.groups.len() > 1 {
            let number = |path: &Path| {
                let at = self.groups.iter().position(|group| group.contains(path))?;
                Some(format!("{:02}", at + 1))
            };
            by(self.paths(), number, "group")
        } else {
            by(self.paths(), |it| it.target.clone(), "target")
        };
        Routes { ports, controllers }
    }
}

/// Paths put together by a key; a path without one stands for itself.
fn by<'a>(
    paths: impl Iterator<Item = &'a Path>,
    key: impl Fn(&Path) -> Option<String>,
    word: &str,
) -> Vec<Route> {
    let mut all: BTreeMap<String, Vec<&Path>> = BTreeMap::new();
    for path in paths {
        let key = key(path).map_or_else(|| path.device.clone(), |it| format!("{word} {it}"));
        all.entry(key).or_default().push(path);
    }
    let route = |(key, paths): (String, Vec<&Path>)| {
        let names: Vec<&str> = paths.iter().map(|it| it.device.as_str()).take(8).collect();
        let best = |wanted: State| paths.iter().any(|it| it.state() == wanted);
        let state = [State::Up, State::Ghost, State::Unknown].into_iter().find(|it| best(*it));
        Route { name: format!("{key}: {}", names.join(" ")), state: state.unwrap_or(State::Down) }
    };
    all.into_iter().map(route).collect()
}

impl Route {
    pub(super) fn leads(&self) -> bool {
        matches!(self.state, State::Up | State::Ghost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(device: &str, port: &str, target: &str, checker: &str) -> Path {
        Path {
            device: device.to_owned(),
            port: Some(port.to_owned()),
            target: Some(target.to_owned()),
            kernel: if checker == "faulty" { "failed" } else { "active" }.to_owned(),
            checker: checker.to_owned(),
            ..Path::default()
        }
    }

    #[test]
    fn two_paths_through_one_port_are_one_route() {
        let group = vec![path("sda", "1", "0:0", "ready"), path("sdb", "1", "0:1", "ready")];
        let map = Map { groups: vec![group], ..Map::default() };
        let routes = map.routes();
        assert_eq!((routes.ports.len(), routes.controllers.len()), (1, 2));
    }

    #[test]
    fn ghosts_lead_and_the_kernels_word_counts() {
        assert_eq!(path("a", "1", "0", "ghost").state(), State::Ghost);
        let back = Path { kernel: "failed".to_owned(), ..path("a", "1", "0", "ready") };
        assert_eq!(back.state(), State::Down);
        let unchecked = Path { checker: "undef".to_owned(), ..path("a", "1", "0", "ready") };
        assert_eq!(unchecked.state(), State::Up);
        let odd = Path { checker: "sleepy".to_owned(), ..path("a", "1", "0", "ready") };
        assert!(odd.state() == State::Unknown && !odd.is_known());
    }
}
