//! Btrfs: devices, profiles, errors, allocation and scrubs, from sysfs; the tool only says which device has which number.
//!
//! Facts: kernel `fs/btrfs/sysfs.c`, `btrfs(5)`, btrfs-progs' `/var/lib/btrfs/scrub.status.UUID`. A filesystem is as
//! safe as the weakest profile of its block groups. With a device missing it can be mounted (`degraded`) and serves on.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Link, Member, MemberState, Reason, Relation, Set};

use crate::{
    devices::{self as disks, word},
    host::{HostError, MDADM, Program},
    saved::Saved,
    source::{Collect, Need, Source, SourceError, Words, no_options},
    volumes,
};

mod devices;

mod metrics;

mod scrub;

mod space;

use devices::{Device, Shown};
use metrics::{
    DATA, ERRORS, LIMIT, METADATA, MISSING, OPERATION, SCRUB, SCRUB_AGE, SCRUB_ERRORS, SCRUB_FIXED,
    TOLERANCE, UNALLOCATED, USAGE,
};
use space::Groups;

const BTRFS: Program = Program {
    name: "btrfs",
    places: &["/usr/sbin/btrfs", "/sbin/btrfs", "/usr/bin/btrfs", "/bin/btrfs"],
    root: true,
};

/// See the module.
pub const SOURCE: Source = Source {
    name: "btrfs",
    title: Words { zh: "Btrfs 文件系统", en: "Btrfs" },
    about: Words {
        zh: "设备缺失与错误、冗余方式、空间分配、scrub",
        en: "missing devices, errors, profiles, allocation and scrubs",
    },
    needs: &[Need::Path("sys/fs/btrfs")],
    programs: &[BTRFS, MDADM],
    runs: &["btrfs filesystem show -m --raw", "btrfs device stats {device}", disks::MDADM_EXPORT],
    harmless: Words {
        zh: "读取内核在 sysfs 中的状态和 scrub 结果文件；btrfs 命令只用于查询设备编号与错误计数，不启动 scrub 或 balance，不清零计数。",
        en: "Reads the kernel's state in sysfs and the result file of scrubs; the tool is asked only for numbers of devices \
             and their counters. No scrub or balance is started and no counter reset.",
    },
    every: Duration::from_secs(60),
    deadline: Duration::from_secs(30),
    metrics: &[
        MISSING,
        TOLERANCE,
        ERRORS,
        LIMIT,
        USAGE,
        DATA,
        METADATA,
        UNALLOCATED,
        SCRUB_AGE,
        SCRUB_ERRORS,
        SCRUB_FIXED,
    ],
    states: &[SCRUB, OPERATION],
    events: &[],
    saved: Saved::Nothing,
    check: no_options,
    collect,
};

/// Where the kernel shows its mounted filesystems.
const ROOT: &str = "sys/fs/btrfs";

/// Filesystems, and devices of one, that are told of.
const FILESYSTEMS_MAX: usize = 64;
const DEVICES_MAX: usize = 128;

/// No filesystem has more devices: a larger number is a damaged one, and each missing device takes memory.
const TOTAL_MAX: usize = 4096;

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let mut uuids = c.host.list(ROOT)?;
    uuids.retain(|it| it != "features" && c.host.list(&format!("{ROOT}/{it}/devices")).is_ok());
    if uuids.is_empty() {
        return Ok(());
    }
    if uuids.len() > FILESYSTEMS_MAX {
        let text = format!("{} Btrfs filesystems, {FILESYSTEMS_MAX} read", uuids.len());
        c.problem(Reason::Truncated, None, text);
        uuids.truncate(FILESYSTEMS_MAX);
    }
    let before = c.host.kept_back();
    let shown = shown(c);
    let tool = c.host.kept_back() == before;
    let now = c.host.vitals().ok().and_then(|it| it.now_secs());
    for uuid in &uuids {
        one(c, uuid, shown.get(&uuid.to_lowercase()), tool, now);
    }
    Ok(())
}

/// What the tool shows. Without it sysfs must do, and nothing of weight is lost but which device is which.
fn shown(c: &mut Collect<'_>) -> BTreeMap<String, Shown> {
    let argv = ["btrfs", "filesystem", "show", "-m", "--raw"];
    let text = match c.host.run(&argv).and_then(|it| it.ok(&argv)) {
        Ok(text) => text,
        Err(error) if error.reason() == Reason::Missing => return BTreeMap::new(),
        Err(error) => {
            c.problem(error.reason(), None, format!("which device is which: {error}"));
            return BTreeMap::new();
        }
    };
    let (all, strange) = devices::show(&text);
    if all.is_empty() {
        let start: String = text.trim().chars().take(80).collect();
        c.host.misread(&format!("`{}`", argv.join(" ")), &start);
    }
    for line in strange.iter().take(8) {
        let text = format!("line of btrfs filesystem show not understood: {line:?}");
        c.problem(Reason::Unparsable, None, text);
    }
    // How full it is changes always; what is proof is the rest.
    let lasting: String = text.lines().filter(|it| !it.contains("FS bytes used")).collect();
    if c.changed(&lasting) {
        c.evidence(argv.join(" "), &text);
    }
    all
}

fn one(c: &mut Collect<'_>, uuid: &str, shown: Option<&Shown>, tool: bool, now: Option<f64>) {
    let dir = format!("{ROOT}/{uuid}");
    let id = volumes::btrfs(uuid);
    let mut all = devices::of(c.host, &dir, shown);
    if all.len() > DEVICES_MAX {
        let text = format!("{} devices, {DEVICES_MAX} read", all.len());
        c.problem(Reason::Truncated, Some(&id), text);
        all = all.into_iter().take(DEVICES_MAX).collect();
    }
    let before = c.host.kept_back();
    let (mut groups, strange) = space::of(c.host, &dir);
    // Of profiles that were kept one may be weaker than those that were read, and hold space.
    let whole = c.host.kept_back() == before;
    if !whole {
        groups.values_mut().for_each(space::Groups::forget_profiles);
    }
    for profile in strange {
        let text = format!("no profile that is known: {profile:?}");
        c.problem(Reason::Unparsable, Some(&id), text);
    }
    let point = mount_point(c, &all);
    let mut attrs = BTreeMap::from([("btrfs.uuid".to_owned(), uuid.to_owned())]);
    for (kind, groups) in groups.iter().filter(|(_, it)| !it.profiles.is_empty()) {
        attrs.insert(format!("btrfs.{kind}.profile"), groups.profiles.join(","));
    }
    let label = word(c.host, &format!("{dir}/label")).or_else(|| shown?.label.clone());
    if let Some(label) = &label {
        attrs.insert("btrfs.label".to_owned(), label.clone());
    }
    let missing = all.values().filter(|it| it.missing).count();
    let total = shown.and_then(|it| it.total).filter(|it| *it <= TOTAL_MAX);
    let absurd = shown.and_then(|it| it.total).filter(|_| total.is_none());
    if let Some(absurd) = absurd {
        let text = format!("btrfs tells of {absurd} devices, which cannot be");
        c.problem(Reason::Implausible, Some(&id), text);
    }
    let total = total.unwrap_or(0).max(all.len());
    let unseen = total.saturating_sub(all.len());
    let set = set(c, &all, unseen, &groups);
    let name = point.clone().or(label).unwrap_or_else(|| uuid.to_owned());
    let bad: Vec<String> = errors(c, &id, &mut all);
    if !bad.is_empty() {
        attrs.insert("btrfs.devices.bad".to_owned(), bad.join(", "));
    }
    c.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set });
    // Only the tool knows of devices that the kernel has never seen.
    if missing + unseen > 0 || (tool && absurd.is_none()) {
        c.sample(&MISSING, &id, count(missing + unseen));
    }
    if let Some(profile) = space::weakest(&groups) {
        c.sample(&TOLERANCE, &id, f64::from(space::tolerance(&profile)));
    } else {
        let text = "the profiles of its block groups could not be read";
        c.problem(Reason::Unsupported, Some(&id), text);
    }
    allocation(c, &id, point.as_deref().filter(|_| tool), &groups, &all);
    if let Some(operation) = word(c.host, &format!("{dir}/exclusive_operation")) {
        c.state(&OPERATION, &id, &operation);
    }
    scrub::emit(c, &id, uuid, now);
}

fn set(
    c: &Collect<'_>,
    all: &BTreeMap<u64, Device>,
    unseen: usize,
    groups: &BTreeMap<&'static str, Groups>,
) -> Option<Set> {
    let profile = space::weakest(groups)?;
    let width = u32::try_from(all.len() + unseen).ok().filter(|it| *it > 0)?;
    let (scheme, copies) = space::scheme(&profile, width);
    let member = |(number, device): (&u64, &Device)| {
        let under = device.path.as_deref().map(|it| volumes::below(c.host, it)).unwrap_or_default();
        let state = if device.missing { MemberState::Missing } else { MemberState::Active };
        let slot = u32::try_from(*number).ok().and_then(|it| it.checked_sub(1));
        let name = device.path.as_deref().and_then(|it| it.rsplit('/').next());
        Member {
            slot: slot.filter(|it| *it < width),
            component: under.into_iter().next(),
            name: name.map_or_else(|| format!("devid {number}"), str::to_owned),
            state,
        }
    };
    let mut members: Vec<Member> = all.iter().map(member).collect();
    for _ in 0..unseen {
        let name = "missing".to_owned();
        members.push(Member { slot: None, component: None, name, state: MemberState::Missing });
    }
    Some(Set { scheme, width, copies, members })
}

/// Counts errors, from sysfs or the tool; gives the names of devices that have any.
fn errors(c: &mut Collect<'_>, id: &ComponentId, all: &mut BTreeMap<u64, Device>) -> Vec<String> {
    let mut bad = Vec::new();
    for (number, device) in all.iter_mut() {
        let path = device.path.clone();
        if device.errors.is_empty() && !device.missing {
            let found = path.as_deref().map(|it| devices::stats(c.host, it));
            match found {
                Some(Ok(errors)) => device.errors = errors,
                Some(Err(HostError::Run { .. })) | None => {}
                Some(Err(error)) => c.problem(error.reason(), Some(id), error.to_string()),
            }
        }
        if device.errors.is_empty() && !device.missing {
            let text = format!("device {number} shows no error counters");
            c.problem(Reason::Unsupported, Some(id), text);
        }
        let number = number.to_string();
        let name = path.as_deref().and_then(|it| it.rsplit('/').next()).unwrap_or(&number);
        for (kind, count) in &device.errors {
            c.sample_with(&ERRORS, id, &[("btrfs.device", name), ("error.type", kind)], *count);
        }
        if device.errors.values().any(|it| *it > 0.0) {
            let under = path.as_deref().map(|it| volumes::below(c.host, it)).unwrap_or_default();
            let serial = under.first().filter(|it| it.kind() == "disk" && it.key() != name);
            bad.push(match serial {
                Some(disk) => format!("{name} (S/N {})", disk.key()),
                None => name.to_owned(),
            });
        }
    }
    bad.truncate(8);
    bad
}

fn allocation(
    c: &mut Collect<'_>,
    id: &ComponentId,
    point: Option<&str>,
    groups: &BTreeMap<&'static str, Groups>,
    all: &BTreeMap<u64, Device>,
) {
    for (kind, groups) in groups {
        let attrs = [("btrfs.block_group", *kind)];
        if let Some(total) = groups.total {
            c.sample_with(&LIMIT, id, &attrs, total);
        }
        if let Some(used) = groups.used {
            c.sample_with(&USAGE, id, &attrs, used);
        }
    }
    // Space belongs to the filesystem as people know it.
    let Some(point) = point else { return };
    let filesystem = ComponentId::new("filesystem", point);
    let links = vec![Link { relation: Relation::On, to: id.clone() }];
    c.component(Component {
        id: filesystem.clone(),
        name: point.to_owned(),
        attrs: BTreeMap::new(),
        links,
        set: None,
    });
    for (kinds, metric) in [(["data", "mixed"], &DATA), (["metadata", "mixed"], &METADATA)] {
        let found = kinds.iter().find_map(|it| groups.get(it));
        if let Some((used, total)) = found.and_then(|it| it.used.zip(it.total))
            && total > 0.0
        {
            c.sample(metric, &filesystem, used / total);
        }
    }
    let present = || all.values().filter(|it| !it.missing);
    let size: Option<f64> = present().map(|it| it.size).sum();
    let on_disk: Option<f64> = match present().map(|it| it.allocated).sum::<Option<f64>>() {
        Some(sum) if sum > 0.0 => Some(sum),
        _ if groups.is_empty() => None,
        _ => groups.values().map(|it| it.on_disk).sum(),
    };
    if let Some((size, on_disk)) = size.zip(on_disk)
        && size > 0.0
    {
        c.sample(&UNALLOCATED, &filesystem, ((size - on_disk) / size).clamp(0.0, 1.0));
    }
}

/// Where it is mounted, by any of its devices.
fn mount_point(c: &Collect<'_>, all: &BTreeMap<u64, Device>) -> Option<String> {
    let names = all.values().filter_map(|it| it.path.as_deref()?.strip_prefix("/dev/"));
    names.into_iter().find_map(|it| super::fs::mount_point(c.host, it))
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}
