//! Linux software RAID: `/proc/mdstat`, and `/sys/block/md*/md/` where it is there.
//!
//! Facts: kernel document `admin-guide/md`. A mailed mdstat or `mdadm --detail` alone is understood too, with less certainty about which
//! disk a member is. Containers of external metadata (IMSM, DDF) are listed and hold no data themselves.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, MemberState, Reason, Set, Time};

use crate::{
    devices::{self, word},
    host::{Given, MDADM},
    saved::{File, Saved, SavedHost},
    source::{Collect, Metric, Need, Source, SourceError, Words, no_options},
};

mod detail;

mod mdstat;

mod members;

use mdstat::Array;
use members::Part;

/// See the module.
pub const SOURCE: Source = Source {
    name: "md",
    title: Words { zh: "软件 RAID", en: "software RAID" },
    about: Words {
        zh: "软件 RAID：状态、成员、重建与检查",
        en: "software RAID: state, members, rebuilds and checks",
    },
    needs: &[Need::Path("proc/mdstat")],
    programs: &[MDADM],
    runs: &[devices::MDADM_EXPORT],
    harmless: Words {
        zh: "只读取内核保存在内存中的状态；仅当 sysfs 和 udev 都不知道阵列 UUID 时才用 mdadm 查询，且只读。",
        en: "Reads what the kernel keeps in memory. mdadm is asked only for an array's UUID, only where sysfs and \
               udev do not know it, and only reads.",
    },
    every: Duration::from_secs(30),
    deadline: Duration::from_secs(20),
    metrics: &[
        DEGRADED, TOLERANCE, MEMBERS, SIZE, DONE, SPEED, MISMATCHES, ERRORS, BAD_BLOCKS, SUSPECTS,
    ],
    states: &[STATE, ACTION],
    events: &[],
    saved: Saved::Own { what: &["/proc/mdstat", "output of `mdadm --detail`"], host: saved },
    check: no_options,
    collect,
};

const DEGRADED: Metric = Metric::gauge(
    "md.array.degraded",
    "{disk}",
    "缺失成员数",
    "Members that are not in sync or not there.",
);
const TOLERANCE: Metric = Metric::gauge(
    "md.array.tolerance",
    "{disk}",
    "还能承受的成员失效数",
    "Members that the array can lose by its design; not given for RAID 10, where it depends on which ones.",
);
const MEMBERS: Metric = Metric::gauge(
    "md.array.members",
    "{disk}",
    "成员数",
    "Members of the array by md.member.state.",
);
const SIZE: Metric = Metric::gauge("md.array.size", "By", "阵列容量", "Usable size of the array.");
const DONE: Metric = Metric::gauge(
    "md.sync.completed",
    "1",
    "同步进度",
    "Share of the running rebuild, resync or check that is done.",
);
const SPEED: Metric = Metric::gauge(
    "md.sync.speed",
    "By/s",
    "同步速度",
    "Speed of the running rebuild, resync or check.",
);
const MISMATCHES: Metric = Metric::gauge(
    "md.array.mismatches",
    "{sector}",
    "校验不一致扇区",
    "Sectors whose copies or parity differed at the last check; counted by pages, so too high; benign on RAID 1 and 10 \
     with swap.",
);
const ERRORS: Metric = Metric::counter(
    "md.member.corrected_errors",
    "{error}",
    "成员盘已纠正错误",
    "Read errors of a member that the array corrected, without evicting it.",
);
const BAD_BLOCKS: Metric = Metric::gauge(
    "md.member.bad_blocks",
    "{range}",
    "成员盘坏块",
    "Ranges of a member that are known to be unreadable.",
);
const SUSPECTS: Metric = Metric::gauge(
    "md.member.suspect",
    "{flag}",
    "疑似成员",
    "One for each mark (md.member.mark) by which the kernel suspects a member: write_error, want_replacement, blocked.",
);
const STATE: Metric = Metric::word(
    "md.array.state",
    "阵列状态",
    "What the array says of itself: clean, active, inactive, readonly, read-auto, broken, container.",
);
const ACTION: Metric = Metric::word(
    "md.sync.action",
    "同步动作",
    "What goes on: idle, recover, resync, check, repair, reshape, frozen; delayed and pending wait their turn.",
);

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let text = c.host.read("proc/mdstat")?;
    read_saved(c, &text)
}

/// Saved texts are given in place of mdstat; [`read_saved`] knows them apart.
fn saved(files: &[File], _made: Time) -> Result<SavedHost, String> {
    let is_stat = |it: &&File| it.content.starts_with("Personalities");
    if let Some(other) = files.iter().find(|it| !is_stat(it) && !detail::is(&it.content)) {
        return Err(format!("{}: want /proc/mdstat, or output of `mdadm --detail`", other.name));
    }
    let stats = files.iter().filter(is_stat).count();
    if stats > 1 || (stats == 1 && files.len() > 1) {
        let text =
            "one /proc/mdstat tells of all arrays: give it alone, or outputs of `mdadm --detail`";
        return Err(text.to_owned());
    }
    let texts: Vec<&str> = files.iter().map(|it| it.content.as_str()).collect();
    let mut host = Given::default();
    host.file("proc/mdstat", texts.join("\n"));
    Ok(SavedHost { host, at: None })
}

/// Understands the text of a `/proc/mdstat`, or what `mdadm --detail` prints for people, with whatever else the host offers.
pub fn read_saved(c: &mut Collect<'_>, text: &str) -> Result<(), SourceError> {
    if detail::is(text) {
        let (arrays, strange) = detail::parse(text);
        return take(c, ("mdadm --detail", text), &arrays, strange);
    }
    if !text.is_empty()
        && !text.contains("Personalities")
        && !text.contains("blocks")
        && !text.contains(" : ")
    {
        let start = text.chars().take(60).collect::<String>();
        return Err(SourceError::Parse {
            what: "/proc/mdstat".to_owned(),
            why: format!("no array and no frame in {start:?}"),
        });
    }
    let (arrays, strange) = mdstat::parse(text);
    take(c, ("/proc/mdstat", text), &arrays, strange)
}

fn take(
    c: &mut Collect<'_>,
    (name, text): (&str, &str),
    arrays: &[Array],
    strange: Vec<String>,
) -> Result<(), SourceError> {
    // The progress of a rebuild changes with every look; what is proof is the rest.
    let lasting: String = text.lines().filter(|it| !it.contains("% (")).collect();
    if !arrays.is_empty() && c.changed(&lasting) {
        c.evidence(name, text);
    }
    for array in arrays {
        one(c, array);
    }
    for line in strange {
        c.problem(Reason::Unparsable, None, format!("line of {name} not understood: {line:?}"));
    }
    Ok(())
}

fn one(c: &mut Collect<'_>, array: &Array) {
    let identity = match &array.uuid {
        Some(uuid) => devices::md_of(Some(uuid), &array.name),
        None => devices::md(c.host, &array.name),
    };
    let id = identity.id.clone();
    let level = level(c, array);
    let width = width(c, array);
    let parts = width.map(|width| members::of(c.host, array, width)).unwrap_or_default();
    let mut attrs = BTreeMap::from([("system.device".to_owned(), format!("/dev/{}", array.name))]);
    if !identity.stable {
        attrs.insert("identity".to_owned(), "unstable".to_owned());
    }
    if let Some(level) = &level {
        attrs.insert("md.level".to_owned(), level.clone());
    }
    if let Some(metadata) = &array.metadata {
        attrs.insert("md.metadata".to_owned(), metadata.clone());
    }
    let set = match (&level, width) {
        (Some(level), Some(width)) if !is_container(array) => Some(Set {
            scheme: level.clone(),
            width,
            copies: copies(c, array, level, width),
            members: parts.iter().map(|it| it.member.clone()).collect(),
        }),
        _ => None,
    };
    c.component(Component {
        id: id.clone(),
        name: array.name.clone(),
        attrs,
        links: Vec::new(),
        set,
    });
    numbers(c, array, &id, width, &parts);
    state(c, array, &id);
    sync(c, array, &id);
}

fn numbers(
    c: &mut Collect<'_>,
    array: &Array,
    id: &ComponentId,
    width: Option<u32>,
    parts: &[Part],
) {
    if let Some(blocks) = array.blocks {
        #[expect(clippy::cast_precision_loss, reason = "sizes are below 2^52 KiB")]
        c.sample(&SIZE, id, blocks as f64 * 1024.0);
    }
    if is_container(array) || array.state == "inactive" {
        return; // its devices are there, but no member serves
    }
    let Some(width) = width else {
        return c.problem(
            Reason::Unparsable,
            Some(id),
            format!("{}: the number of members is not said", array.name),
        );
    };
    let count = |state: MemberState| {
        let matching = parts.iter().filter(|it| it.member.state == state).count();
        u32::try_from(matching).map_or(f64::MAX, f64::from)
    };
    for (state, word) in [
        (MemberState::Active, "active"),
        (MemberState::Failed, "failed"),
        (MemberState::Missing, "missing"),
        (MemberState::Rebuilding, "rebuilding"),
        (MemberState::Spare, "spare"),
    ] {
        c.sample_with(&MEMBERS, id, &[("md.member.state", word)], count(state));
    }
    let degraded = number(c, array, "degraded")
        .unwrap_or(f64::from(width) - count(MemberState::Active) - count(MemberState::Unknown));
    c.sample(&DEGRADED, id, degraded.max(0.0));
    if let Some(tolerance) = level(c, array).and_then(|level| tolerance(&level, width)) {
        c.sample(&TOLERANCE, id, f64::from(tolerance));
    }
    if let Some(mismatches) = number(c, array, "mismatch_cnt") {
        c.sample(&MISMATCHES, id, mismatches);
    }
    for part in parts {
        let name = part.member.name.as_str();
        if let Some(errors) = part.errors {
            c.sample_with(&ERRORS, id, &[("md.member.name", name)], errors);
        }
        if let Some(bad) = part.bad_blocks {
            c.sample_with(&BAD_BLOCKS, id, &[("md.member.name", name)], bad);
        }
        for mark in &part.marks {
            c.sample_with(
                &SUSPECTS,
                id,
                &[("md.member.mark", mark), ("md.member.name", name)],
                1.0,
            );
        }
    }
}

fn state(c: &mut Collect<'_>, array: &Array, id: &ComponentId) {
    let kernel = file(c, array, "array_state");
    let word = match (kernel, array.access.as_deref()) {
        _ if is_container(array) => "container".to_owned(),
        (Some(word), _) => word,
        (None, Some("auto-read-only")) => "read-auto".to_owned(),
        (None, Some("read-only")) => "readonly".to_owned(),
        (None, _) => array.state.clone(),
    };
    c.state(&STATE, id, &word);
}

fn sync(c: &mut Collect<'_>, array: &Array, id: &ComponentId) {
    let said = array.sync.as_ref().map(|it| match (&it.waits, it.action.as_str()) {
        (Some(waits), _) => waits.clone(),
        // mdstat and sysfs have two words for one thing.
        (None, "recovery") => "recover".to_owned(),
        (None, action) => action.to_owned(),
    });
    let waits = array.sync.as_ref().is_some_and(|it| it.waits.is_some());
    let kernel = file(c, array, "sync_action").filter(|_| !waits);
    if let Some(action) = kernel.or(said) {
        c.state(&ACTION, id, &action);
    } else if !is_container(array) && array.state == "active" {
        c.state(&ACTION, id, "idle");
    }
    if let Some(sync) = &array.sync {
        if let Some(done) = sync.done {
            c.sample(&DONE, id, done);
        }
        if let Some(speed) = sync.speed {
            c.sample(&SPEED, id, speed);
        }
    }
}

fn level(c: &Collect<'_>, array: &Array) -> Option<String> {
    array.level.clone().or_else(|| file(c, array, "level")).map(|it| it.to_lowercase())
}

/// Members when whole. Schemes without redundancy do not print it: there every device counts.
fn width(c: &Collect<'_>, array: &Array) -> Option<u32> {
    let kernel =
        file(c, array, "raid_disks").and_then(|it| it.split_whitespace().next()?.parse().ok());
    let devices = u32::try_from(array.devices.len()).ok();
    let plain = matches!(array.level.as_deref(), Some("raid0" | "linear"));
    // No array has 10,000 members: a larger number is a damaged one.
    kernel.or(array.width).or(devices.filter(|_| plain)).filter(|it| (1..10_000).contains(it))
}

/// Members that may be lost whichever they are.
fn tolerance(level: &str, width: u32) -> Option<u32> {
    match level {
        "raid0" | "linear" => Some(0),
        "raid1" => width.checked_sub(1),
        "raid4" | "raid5" => Some(1),
        "raid6" => Some(2),
        _ => None,
    }
}

fn copies(c: &Collect<'_>, array: &Array, level: &str, width: u32) -> u32 {
    match level {
        "raid1" => width,
        "raid10" => {
            // Low byte: near copies; next byte: far copies.
            let layout = file(c, array, "layout")
                .and_then(|it| it.split_whitespace().next()?.parse::<u32>().ok());
            layout
                .map(|it| (it & 0xff) * ((it >> 8) & 0xff))
                .filter(|it| *it > 0)
                .or(array.copies)
                .unwrap_or(2)
        }
        _ => 1,
    }
}

/// The devices of external metadata as a whole: they hold the arrays, and are "inactive" by nature.
fn is_container(array: &Array) -> bool {
    // `external:/md127/0` (`-md127/0` while it may only be read) is a volume in the container md127, not the container.
    let whole = |it: &str| !it.starts_with(['/', '-']);
    let external =
        array.metadata.as_deref().and_then(|it| it.strip_prefix("external:")).is_some_and(whole);
    external && array.state == "inactive" && array.level.is_none()
}

fn file(c: &Collect<'_>, array: &Array, name: &str) -> Option<String> {
    word(c.host, &format!("sys/block/{}/md/{name}", array.name))
}

fn number(c: &Collect<'_>, array: &Array, name: &str) -> Option<f64> {
    devices::number(c.host, &format!("sys/block/{}/md/{name}", array.name))
}
