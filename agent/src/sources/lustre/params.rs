//! Lustre's parameters, wherever a version keeps them: `lctl get_param` output, or the trees below `/proc/fs/lustre`,
//! `/sys/fs/lustre` and `/sys/kernel/debug/lustre` themselves.
//!
//! Facts: lctl-get_param(8), kernel document `sysfs-fs-lustre`. From 2.10 to 2.16 parameters wandered from procfs to
//! sysfs and debugfs one by one, so every tree is looked at for every name. Devices may have dots in their names
//! (`MGC172.20.20.1@o2ib`): a parameter is its first part, its last part, and the device between them.

use std::{collections::BTreeMap, rc::Rc};

use xunjian_proto::Reason;

use crate::{
    host::{HostError, Output},
    source::Collect,
};

/// Where the trees begin.
const ROOTS: [&str; 3] = ["proc/fs/lustre", "sys/fs/lustre", "sys/kernel/debug/lustre"];

/// Parameters of one host at most: an MDS of a file system with 2,000 OSTs has some 20,000 of those read here.
const PARAMS_MAX: usize = 100_000;

/// Parameters that have no device.
const PLAIN: [&str; 6] =
    ["health_check", "jobid_var", "lnet_memused", "memused", "memused_max", "version"];

/// Parameters that are one number.
const NUMBERS: [&str; 15] = [
    "active",
    "degraded",
    "eviction_count",
    "filesfree",
    "filestotal",
    "kbytesavail",
    "kbytesfree",
    "kbytestotal",
    "lnet_memused",
    "lock_timeouts",
    "max_create_count",
    "memused",
    "memused_max",
    "num_exports",
    "prealloc_status",
];

/// Parameters that were read.
#[derive(Debug, Default)]
pub(super) struct Params {
    all: BTreeMap<(String, String, String), String>,
    /// Something was not let be read: `lctl` through the helper may be.
    pub(super) denied: Option<String>,
}

impl Params {
    /// One parameter, white space at its ends taken off.
    pub(super) fn get(&self, group: &str, device: &str, name: &str) -> Option<&str> {
        let key = (group.to_owned(), device.to_owned(), name.to_owned());
        self.all.get(&key).map(|it| it.trim())
    }

    /// A parameter that is a number.
    pub(super) fn number(&self, group: &str, device: &str, name: &str) -> Option<f64> {
        plausible(self.get(group, device, name)?)
    }

    /// A parameter without a device: `health_check`.
    pub(super) fn plain(&self, name: &str) -> Option<&str> {
        self.get("", "", name)
    }

    /// Devices of a group (`obdfilter`) that have any parameter.
    pub(super) fn devices(&self, group: &str) -> Vec<&str> {
        let of_group = self.all.keys().filter(|it| it.0 == group);
        let mut devices: Vec<&str> = of_group.map(|it| it.1.as_str()).collect();
        devices.dedup();
        devices
    }

    /// Groups that begin so: `osd-` gives `osd-ldiskfs` and `osd-zfs`.
    pub(super) fn groups(&self, beginning: &str) -> Vec<&str> {
        let mut groups: Vec<&str> = self
            .all
            .keys()
            .map(|it| it.0.as_str())
            .filter(|it| it.starts_with(beginning))
            .collect();
        groups.dedup();
        groups
    }

    /// Whether nothing was read.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Notes what is not what its name says.
    pub(super) fn check(&self, c: &Collect<'_>) {
        for ((group, device, name), text) in &self.all {
            let fits = match name.as_str() {
                "brw_stats" => text.contains("snapshot_time"),
                "job_stats" => text.trim_start().starts_with("job_stats:"),
                name if NUMBERS.contains(&name) => plausible(text).is_some(),
                _ => true,
            };
            if !fits && !text.trim().is_empty() {
                let what = [group.as_str(), device, name];
                let parts: Vec<&str> = what.into_iter().filter(|it| !it.is_empty()).collect();
                c.host.misread(&format!("`lctl get_param {}`", parts.join(".")), text);
            }
        }
    }

    fn add(&mut self, (group, device, name): (&str, &str, &str), text: &str) {
        if self.all.len() < PARAMS_MAX {
            let key = (group.to_owned(), device.to_owned(), name.to_owned());
            self.all.entry(key).or_insert_with(|| text.to_owned());
        }
    }

    /// Reads what the trees have of these patterns (`osd-*.*.kbytesfree`).
    pub(super) fn read_trees(&mut self, c: &mut Collect<'_>, patterns: &[&str]) {
        for root in ROOTS {
            let top = match c.host.list(root) {
                Ok(top) => top,
                Err(error) => {
                    if error.reason() == Reason::PermissionDenied {
                        self.denied = Some(format!("/{root}: {error}"));
                    }
                    continue;
                }
            };
            let mut listed = BTreeMap::from([(root.to_owned(), Rc::new(top))]);
            for pattern in patterns {
                let parts: Vec<&str> = pattern.split('.').collect();
                self.walk(c, &mut listed, root, &parts, &mut Vec::new());
            }
        }
    }

    fn walk(
        &mut self,
        c: &mut Collect<'_>,
        listed: &mut BTreeMap<String, Rc<Vec<String>>>,
        dir: &str,
        parts: &[&str],
        names: &mut Vec<String>,
    ) {
        let [part, rest @ ..] = parts else { return };
        let denied = &mut self.denied;
        let list = || {
            let names = c.host.list(dir).unwrap_or_else(|error| {
                if error.reason() == Reason::PermissionDenied {
                    *denied = Some(error.to_string());
                }
                Vec::new()
            });
            Rc::new(names)
        };
        let here = listed.entry(dir.to_owned()).or_insert_with(list).clone();
        for name in here.iter().filter(|it| fits(part, it)) {
            names.push(name.clone());
            let path = format!("{dir}/{name}");
            if rest.is_empty() {
                self.file(c, &path, names);
            } else {
                self.walk(c, listed, &path, rest, names);
            }
            names.pop();
        }
    }

    fn file(&mut self, c: &mut Collect<'_>, path: &str, names: &[String]) {
        match c.host.read(path) {
            Ok(text) => match names {
                [name] => self.add(("", "", name), &text),
                [group, device @ .., name] => self.add((group, &device.join("."), name), &text),
                [] => {}
            },
            Err(error) => match error.reason() {
                // It was listed a moment ago: a target that is being stopped.
                Reason::Missing => {}
                Reason::PermissionDenied => self.denied = Some(error.to_string()),
                reason => c.problem(reason, None, format!("/{path}: {error}")),
            },
        }
    }

    /// Understands what `lctl get_param` prints: `name=value`, or `name=` and the lines of its value. Lines before the
    /// first name are given back.
    pub(super) fn add_lctl(&mut self, text: &str) -> Vec<String> {
        let mut strange = Vec::new();
        let mut open: Option<((&str, &str, &str), String)> = None;
        for line in text.lines() {
            if let Some((name, value)) = line.split_once('=')
                && let Some(key) = key(name)
            {
                if let Some((key, text)) = open.take() {
                    self.add(key, &text);
                }
                open = Some((key, value.to_owned()));
            } else if let Some((_, text)) = &mut open {
                text.push('\n');
                text.push_str(line);
            } else if !line.trim().is_empty() {
                strange.push(line.to_owned());
            }
        }
        if let Some((key, text)) = open {
            self.add(key, &text);
        }
        strange
    }

    /// Asks `lctl` for these parameters; those that the host has not are no problem. False if it cannot be asked at
    /// all. Lines that are no parameters go to `strange`.
    pub(super) fn ask_lctl(
        &mut self,
        c: &mut Collect<'_>,
        patterns: &[&str],
        strange: &mut Vec<String>,
    ) -> bool {
        let argv: Vec<&str> = ["lctl", "get_param"].iter().chain(patterns).copied().collect();
        let Output { stdout, stderr, truncated, status } = match c.host.run(&argv) {
            Ok(output) => output,
            Err(error) => {
                c.problem(error.reason(), None, short(&error, patterns));
                return !matches!(error, HostError::Run { .. } | HostError::NotAllowed { .. });
            }
        };
        if status == 0 && stdout.trim().is_empty() && stderr.trim().is_empty() {
            c.host.misread(&format!("`lctl get_param {} …`", patterns[0]), "");
        }
        strange.extend(self.add_lctl(&stdout));
        if truncated {
            let text = format!("`lctl get_param {} …` said too much and was cut", patterns[0]);
            c.problem(Reason::Truncated, None, text);
        }
        let denied = stderr.lines().find(|it| it.contains("ermission denied"));
        if let Some(line) = denied {
            c.problem(Reason::PermissionDenied, None, format!("lctl get_param: {}", line.trim()));
        } else if status != 0 && stdout.is_empty() && !stderr.contains("No such file") {
            let line = stderr.lines().next().unwrap_or("it said nothing").trim();
            let text =
                format!("`lctl get_param {} …` ended with status {status}: {line}", patterns[0]);
            c.problem(Reason::ToolFailed, None, text);
        }
        true
    }
}

/// The error without a command line of a thousand characters.
fn short(error: &HostError, patterns: &[&str]) -> String {
    match error {
        HostError::TimedOut { secs, .. } => {
            format!(
                "`lctl get_param {} …` gave no answer within {secs} s and was killed",
                patterns[0]
            )
        }
        other => other.to_string(),
    }
}

/// `obdfilter.lfs-OST0000.stats` is (`obdfilter`, `lfs-OST0000`, `stats`). None for what is no parameter's name.
fn key(name: &str) -> Option<(&str, &str, &str)> {
    if PLAIN.contains(&name) {
        return Some(("", "", name));
    }
    let valid = |it: char| it.is_ascii_alphanumeric() || "._@-:+".contains(it);
    let (group, rest) = name.split_once('.')?;
    let (device, last) = rest.rsplit_once('.')?;
    let whole = !group.is_empty() && !device.is_empty() && !last.is_empty();
    (whole && name.len() <= 256 && name.chars().all(valid)).then_some((group, device, last))
}

/// Whether a line begins a parameter, as `lctl get_param` prints it.
pub(super) fn is_parameter(line: &str) -> bool {
    line.split_once('=').is_some_and(|(name, _)| key(name).is_some())
}

/// Whether a name fits a pattern with at most one `*`.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((before, after)) => {
            name.len() >= before.len() + after.len()
                && name.starts_with(before)
                && name.ends_with(after)
        }
        None => pattern == name,
    }
}

/// A number of the kernel's; none is above 2^64.
pub(super) fn plausible(text: &str) -> Option<f64> {
    let value: f64 = text.trim().parse().ok()?;
    (value.is_finite() && value.abs() < 1.9e19).then_some(value)
}

/// The beginning of a line, for the text of a problem.
pub(super) fn clip(line: &str) -> String {
    line.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_with_dots_and_values_of_many_lines_are_understood() {
        let mut params = Params::default();
        let strange = params.add_lctl(
            "hello\nhealth_check=healthy\nmgc.MGC10.0.0.1@tcp.import=\nimport:\n    state: FULL\n\
             obdfilter.lfs-OST0000.job_stats=\njob_stats:\n- job_id:          a=b\n",
        );
        assert_eq!(strange, ["hello"]);
        assert_eq!(params.plain("health_check"), Some("healthy"));
        let import = params.get("mgc", "MGC10.0.0.1@tcp", "import").unwrap();
        assert!(import.ends_with("state: FULL"), "{import}");
        assert!(params.get("obdfilter", "lfs-OST0000", "job_stats").unwrap().ends_with("a=b"));
    }

    #[test]
    fn one_star_is_understood() {
        assert!(fits("osd-*", "osd-zfs") && fits("*", "x") && fits("stats", "stats"));
        assert!(!fits("osd-*", "osc") && !fits("stats", "stats2"));
    }
}
