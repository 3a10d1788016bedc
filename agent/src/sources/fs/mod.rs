//! Filesystems: space, inodes, whether they take writes, whether they answer, and errors that they counted.
//!
//! Facts: `proc(5)`, `fstab(5)`, kernel documents `filesystems/ext4` and `sysfs-fs-ext4`, `sysfs-fs-btrfs`. Every mount
//! is asked in a child process, and one that hangs is asked less and less often, so that no heap of stuck processes
//! grows. ext4 with `errors=remount-ro` still says `rw` everywhere after an error: only its error count shows it.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use xunjian_proto::{Component, ComponentId, Link, Reason, Relation};

use crate::{
    devices,
    host::MDADM,
    host::{Host, HostError, Space},
    mounts::{self, Mount, Wanted},
    saved::Saved,
    source::{Collect, Need, Source, SourceError, Words, check_options},
};

mod metrics;

mod below;

mod errors;

use metrics::{
    BTRFS_ERRORS, ERROR_TIME, ERRORS, INODES, INODES_LIMIT, INODES_SHARE, LAST_ERROR, LIMIT, MODE,
    MOUNTED, ON_ERROR, PROBE, SHARE, USAGE, WANTED_MODE, WARNINGS,
};

/// See the module.
pub const SOURCE: Source = Source {
    name: "fs",
    title: Words { zh: "文件系统", en: "filesystems" },
    about: Words {
        zh: "文件系统：空间、inode、只读、挂载无响应、错误",
        en: "filesystems: space, inodes, read-only, hung mounts, errors",
    },
    needs: &[Need::Path("proc/self/mountinfo")],
    programs: &[MDADM],
    runs: &["xunjian-agent probe-mount {name}", devices::MDADM_EXPORT],
    harmless: Words {
        zh: "在单独的子进程中对每个文件系统询问一次用量（statvfs）；无响应的挂载点按 2、4、8……轮的间隔再问，最长半小时一次。",
        en: "Asks each filesystem once how full it is (statvfs), in a child process of its own. A mount that hangs is \
               asked again after 2, 4, 8 rounds and so on, at most every half hour.",
    },
    every: Duration::from_secs(60),
    deadline: Duration::from_secs(50),
    metrics: &[
        USAGE,
        LIMIT,
        SHARE,
        INODES,
        INODES_LIMIT,
        INODES_SHARE,
        ERRORS,
        ERROR_TIME,
        WARNINGS,
        BTRFS_ERRORS,
    ],
    states: &[PROBE, MODE, WANTED_MODE, MOUNTED, ON_ERROR, LAST_ERROR],
    events: &[],
    saved: Saved::Nothing,
    check: check_options::<Options>,
    collect,
};

/// The source's config section.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    /// Mount points that are never asked.
    skip: Vec<String>,
}

/// Mounts asked in one run: more are found on hosts of containers, where the first ones are the host's own.
const MOUNTS_MAX: usize = 256;

/// Mounts that may hang in one run before the others wait for the next: each costs four seconds.
const HUNG_MAX: usize = 4;

/// Longest pause of a hung mount, in runs: half an hour.
const PAUSE_MAX: u32 = 30;

/// What is remembered of a mount that hung.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Hung {
    /// Times in a row.
    times: u32,
    /// Runs to wait before it is asked again.
    pause: u32,
}

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let options: Options = c.options.clone().try_into().unwrap_or_default();
    let text = c.host.read("proc/self/mountinfo")?;
    c.evidence("/proc/self/mountinfo", &text);
    let (all, strange) = mounts::parse(&text);
    for line in strange {
        c.problem(Reason::Unparsable, None, format!("line of mountinfo not understood: {line:?}"));
    }
    let wanted = wanted(c);
    let mut real = mounts::real(&all);
    real.retain(|it| !options.skip.contains(&it.point));
    if real.len() > MOUNTS_MAX {
        c.problem(
            Reason::Truncated,
            None,
            format!("{} filesystems, {MOUNTS_MAX} read", real.len()),
        );
        real.truncate(MOUNTS_MAX);
    }
    let before: BTreeMap<String, Hung> =
        c.cursor.as_deref().and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
    let mut hung = BTreeMap::new();
    let volumes: BTreeMap<ComponentId, Component> = real
        .iter()
        .flat_map(|it| below::layers(c.host, it))
        .map(|it| (it.id.clone(), it))
        .collect();
    volumes.into_values().for_each(|it| c.component(it));
    for mount in &real {
        let asked_for = wanted.iter().find(|it| it.point == mount.point);
        one(c, mount, asked_for, before.get(&mount.point), &mut hung);
    }
    for it in wanted.iter().filter(|it| !options.skip.contains(&it.point)) {
        let there = all.iter().any(|mount| mount.point == it.point);
        let id = ComponentId::new("filesystem", &it.point);
        if !there {
            missing(c, &id, it);
        } else if real.iter().any(|mount| mount.point == it.point) {
            c.state(&MOUNTED, &id, "yes");
        }
    }
    *c.cursor = if hung.is_empty() { None } else { serde_json::to_string(&hung).ok() };
    Ok(())
}

/// Where the filesystem on this device (`sda1`, `dm-0`) is mounted.
pub(super) fn mount_point(host: &dyn Host, name: &str) -> Option<String> {
    let text = host.read("proc/self/mountinfo").ok()?;
    let (all, strange) = mounts::parse(&text);
    if let Some(line) = strange.first() {
        host.misread("/proc/self/mountinfo", line);
    }
    let is = |mount: &Mount| {
        let link = host.link(&format!("sys/dev/block/{}", mount.numbers)).ok();
        mount.source.strip_prefix("/dev/") == Some(name)
            || link.is_some_and(|it| it.rsplit('/').next() == Some(name))
    };
    mounts::real(&all).into_iter().find(is).map(|it| it.point)
}

fn wanted(c: &mut Collect<'_>) -> Vec<Wanted> {
    let mut wanted = match c.host.read("etc/fstab") {
        Ok(text) => {
            if let Some(line) = mounts::strange(&text) {
                c.host.misread("/etc/fstab", line);
            }
            mounts::wanted(&text)
        }
        Err(error) if error.reason() == Reason::Missing => Vec::new(),
        Err(error) => {
            c.problem(error.reason(), None, format!("what should be mounted: {error}"));
            Vec::new()
        }
    };
    // The last line for a place wins, as mount(8) would have it.
    wanted.reverse();
    let mut seen = Vec::new();
    wanted.retain(|it| !seen.contains(&it.point) && (seen.push(it.point.clone()), true).1);
    wanted
}

fn missing(c: &mut Collect<'_>, id: &ComponentId, wanted: &Wanted) {
    let mut attrs = BTreeMap::from([
        ("system.device".to_owned(), wanted.source.clone()),
        ("system.filesystem.type".to_owned(), wanted.kind.clone()),
    ]);
    if wanted.may_fail {
        attrs.insert("system.filesystem.nofail".to_owned(), "true".to_owned());
    }
    c.component(Component {
        id: id.clone(),
        name: wanted.point.clone(),
        attrs,
        links: Vec::new(),
        set: None,
    });
    c.state(&MOUNTED, id, "no");
    c.problem(
        Reason::Missing,
        Some(id),
        format!("{} is in /etc/fstab and not mounted", wanted.point),
    );
}

fn one(
    c: &mut Collect<'_>,
    mount: &Mount,
    wanted: Option<&Wanted>,
    before: Option<&Hung>,
    hung: &mut BTreeMap<String, Hung>,
) {
    let id = ComponentId::new("filesystem", &mount.point);
    component(c, &id, mount);
    if let Some(wanted) = wanted {
        c.state(&WANTED_MODE, &id, if wanted.read_only { "ro" } else { "rw" });
    }
    errors::read(c, &id, mount);
    let mut read_only = mount.is_read_only();
    if let Some(space) = probe(c, &id, mount, before, hung) {
        read_only |= space.read_only;
        numbers(c, &id, &space);
    }
    c.state(&MODE, &id, if read_only { "ro" } else { "rw" });
}

fn component(c: &mut Collect<'_>, id: &ComponentId, mount: &Mount) {
    let links = below::of(c.host, mount)
        .into_iter()
        .map(|to| Link { relation: Relation::On, to })
        .collect();
    let attrs = BTreeMap::from([
        ("system.device".to_owned(), mount.source.clone()),
        ("system.filesystem.type".to_owned(), mount.kind.clone()),
    ]);
    c.component(Component { id: id.clone(), name: mount.point.clone(), attrs, links, set: None });
}

fn probe(
    c: &mut Collect<'_>,
    id: &ComponentId,
    mount: &Mount,
    before: Option<&Hung>,
    hung: &mut BTreeMap<String, Hung>,
) -> Option<Space> {
    if let Some(Hung { times, pause }) = before.copied().filter(|it| it.pause > 0) {
        hung.insert(mount.point.clone(), Hung { times, pause: pause - 1 });
        c.state(&PROBE, id, "hung");
        let text =
            format!("{} did not answer {times} times; asked again in {pause} rounds", mount.point);
        c.problem(Reason::TimedOut, Some(id), text);
        return None;
    }
    let new = hung.iter().filter(|(_, it)| it.times == 1).count();
    if new >= HUNG_MAX {
        let text =
            format!("{} was not asked, because {new} others hang in this round", mount.point);
        c.problem(Reason::TimedOut, Some(id), text);
        return None;
    }
    let error = match c.host.space(&mount.point) {
        Ok(space) => {
            c.state(&PROBE, id, "ok");
            return Some(space);
        }
        Err(error) => error,
    };
    let state = match (&error, error.reason()) {
        (_, Reason::TimedOut) => "hung",
        (_, Reason::PermissionDenied) => "denied",
        (HostError::Read { source, .. }, _)
            if source.kind() == std::io::ErrorKind::StaleNetworkFileHandle =>
        {
            "stale"
        }
        _ => "failed",
    };
    if state == "hung" {
        let times = before.map_or(0, |it| it.times).saturating_add(1);
        let pause = 2_u32.saturating_pow(times).min(PAUSE_MAX);
        hung.insert(mount.point.clone(), Hung { times, pause });
    }
    c.state(&PROBE, id, state);
    let cause = std::error::Error::source(&error).map(|it| format!(": {it}")).unwrap_or_default();
    c.problem(error.reason(), Some(id), format!("{}: {error}{cause}", mount.point));
    None
}

#[expect(clippy::cast_precision_loss, reason = "above 2^53 bytes the last ones do not matter")]
fn numbers(c: &mut Collect<'_>, id: &ComponentId, space: &Space) {
    let (total, free, available) = (space.total as f64, space.free as f64, space.available as f64);
    if total == 0.0 || free > total || available > free {
        let text = format!("{free} of {total} bytes free, {available} for ordinary users");
        c.problem(Reason::Implausible, Some(id), text);
    } else {
        let used = total - free;
        for (state, bytes) in [("free", available), ("reserved", free - available), ("used", used)]
        {
            c.sample_with(&USAGE, id, &[("system.filesystem.state", state)], bytes);
        }
        c.sample(&LIMIT, id, total);
        if used + available > 0.0 {
            c.sample(&SHARE, id, used / (used + available));
        }
    }
    let (inodes, inodes_free) = (space.inodes as f64, space.inodes_free as f64);
    // btrfs, FAT and others have no fixed number and say 0.
    if inodes > 0.0 && inodes_free <= inodes {
        c.sample(&INODES, id, inodes - inodes_free);
        c.sample(&INODES_LIMIT, id, inodes);
        c.sample(&INODES_SHARE, id, (inodes - inodes_free) / inodes);
    }
}
