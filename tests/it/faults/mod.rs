//! Every source with each of its questions going wrong: nothing that was not read may be passed over in silence, make
//! something look gone, or make anything look good. New sources and recordings are covered without another line.
//!
//! One thing goes wrong in a run at a time, for one question of each shape of each recording. [`judge`] knows what the run
//! may then say, compared with the run on which nothing went wrong; [`TOLERATED`] is what it finds and is right as it is.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use xunjian_agent::{
    host::Host,
    runner::{self, Job},
    source::Source,
    sources,
};
use xunjian_proto::{Outcome, Run, Time};

mod hurt;

mod judge;

mod kept;

mod real;

mod text;

use hurt::{Access, Fault, Hurt, Place};
pub(crate) use judge::GOOD;
pub(crate) use kept::Kept;

use crate::{
    fixtures::{names, options, repo},
    spoken,
};

/// What the judge finds and is right as it is: source, part of the question, part of the finding, and why.
const TOLERATED: &[(&str, &str, &str, &str)] = &[
    ("block", "vpd_pg80", "", "a path that does not say whose it is is told as a disk of its own"),
    ("beegfs", "", "beegfs.management.answers", "that nobody answers is what it counts"),
    ("block", "device/state", "system.disk.state", "the path that is left runs"),
    ("ceph", "df", "ceph.cluster.u", "`status` tells the same, of another moment"),
    ("enclosure", "sys/class/enclosure", "not installed -> ok", "the enclosure itself says so"),
    (
        "gluster",
        "pool",
        "bricks.down",
        "with a brick of which nothing is known, the loss that is certain is told",
    ),
    ("hwraid", "", "hw.raid.drive.smart_alert", "yes is the bad word there"),
    (
        "infiniband",
        "mlx5_0/",
        "ibport:",
        "of two adapters with one GUID the one that was read is called by it",
    ),
    (
        "kmsg",
        "",
        "xunjian.kernel.events",
        "the line is told all the same, of a kind that says less",
    ),
    (
        "redfish",
        "\"/redfish/v1/\"",
        "ExpandQuery.",
        "it decides what is asked, and the recording has no answer to the other question",
    ),
    ("lvm", "lvs", "lvm.lv.health", "an empty text is LVM's word for a healthy volume"),
    ("lustre", "kbytesavail", "lustre.target.u", "as df counts where nothing is reserved"),
];

/// The same of answers in which there is nothing to read.
const NOTHING_TOLERATED: &[(&str, &str, &str, &str)] = &[
    (
        "block",
        "run/udev",
        "",
        "lines of many kinds stand there, and none has to be about the serial number",
    ),
    ("gpfs", "mmfs.log", "gpfs.log.events", "a log has lines of all kinds"),
    ("gpfs", "mmlspool", "gpfs.pool", "one that says nothing names no pool"),
    (
        "hwraid",
        "vpd_pg80",
        "component gone",
        "the page is binary: any bytes may be a serial number",
    ),
    ("ipmi", "sdr", "component gone", "a controller that lists no sensors is told as that"),
    ("journal", "journalctl", "xunjian.journal.events", "it counts the lines that were understood"),
    ("kmsg", "dev/kmsg", "xunjian.kernel.records.lost", "of what has no number nobody knows a gap"),
    ("lustre", "lctl", "", "what a host has not of these is told on standard error only"),
    ("lustre", "lnetctl", "lustre.lnet.peers", "a host may have no peers"),
    ("multipath", "multipath", "", "where there is no unit these say nothing"),
    ("process", "cmdline", "process.", "a command line may be any text"),
    ("quota", "quota", "component gone", "where nobody has a quota these say nothing"),
    ("systemd", "system_bus", "fails without naming", "it names the service that it asked there"),
    ("time", "chronyc", "system.time.sources", "without a server there is no line"),
    ("zfs", "vpd_pg80", "", "the page is binary: any bytes may be a serial number"),
];

/// The same of numbers at the edges.
const EDGES_TOLERATED: &[(&str, &str, &str, &str)] = &[
    (
        "block",
        "",
        "system.disk.state",
        "a path without size is none, and the path that is left runs",
    ),
    ("enclosure", "--join", "psu:", "what numbers an element decides which one is spoken of"),
    ("hwmon", "_alarm", "hwmon.alarm", "0 is the word for no alarm"),
    ("hwmon", "_fault", "hwmon.alarm", "0 is the word for no fault"),
    ("btrfs", "scrub.status", "finished -> running", "of a scrub that is not over it says so"),
];

/// A recording of a source, and its run on which nothing goes wrong.
pub(super) struct Case {
    pub(super) source: &'static Source,
    name: String,
    pub(super) dir: PathBuf,
    pub(super) kept: Arc<Kept>,
    base: Run,
    /// What was asked and answered.
    pub(super) asked: Vec<Access>,
}

/// All recordings that can be read. Those of hosts that lack what the source needs ask nothing.
pub(super) fn cases() -> Vec<Case> {
    let root = repo().join("tests/fixtures");
    let mut all = Vec::new();
    for source in sources::ALL {
        for name in names(&root.join(source.name)) {
            let dir = root.join(source.name).join(&name);
            let kept = Arc::new(Kept::open(&dir));
            let host = Arc::new(Hurt::new(kept.clone(), Fault::Gone, Place::Nowhere));
            let base = look(source, &dir, Duration::from_secs(60), host.clone());
            let log = std::mem::take(&mut *host.log.lock().unwrap());
            let asked = log.into_iter().filter(|it| it.1).map(|it| it.0).collect();
            if base.outcome == Outcome::Collected {
                all.push(Case { source, name, dir, kept, base, asked });
            }
        }
    }
    assert!(all.len() > 150, "only {} recordings were found", all.len());
    all
}

/// One run as the agent makes it.
pub(crate) fn look(source: &Source, dir: &Path, deadline: Duration, host: Arc<dyn Host>) -> Run {
    let cursor = std::fs::read_to_string(dir.join("cursor")).ok().map(|it| it.trim().to_owned());
    let at = Time::from_secs(1_800_000_000);
    runner::run(Job { source: *source, options: options(dir), deadline, cursor, at }, host).run
}

impl Case {
    /// One question of each shape.
    fn questions(&self) -> Vec<&Access> {
        let mut shapes = BTreeSet::new();
        self.asked.iter().filter(|it| shapes.insert(hurt::shape(it))).collect()
    }

    /// What is wrong with the run on which this goes wrong.
    fn wrong(&self, fault: Fault, place: Place, access: &Access) -> Vec<String> {
        let host = Arc::new(Hurt::new(self.kept.clone(), fault, place));
        let run = look(self.source, &self.dir, Duration::from_secs(60), host);
        let mut found = judge::wrong(&self.base, &run, fault, access);
        if let Fault::Retyped(index, _) = fault {
            let path = self.leaves(access).unwrap_or_default().swap_remove(index);
            found.extend(judge::misnamed(&self.base, &run, fault, &path));
        }
        if let Fault::Edge(..) = fault {
            found.extend(judge::absurd(&self.base, &run));
        }
        found.extend(spoken::english(&run));
        let question = format!("{access:?}");
        let edge = matches!(fault, Fault::Edge(..));
        let nothing = matches!(fault, Fault::Says(_));
        let tolerated = |text: &String| {
            is_tolerated(self.source.name, access, text)
                || edge && is_among(EDGES_TOLERATED, self.source.name, access, text)
                || nothing && is_among(NOTHING_TOLERATED, self.source.name, access, text)
        };
        let told =
            |text| format!("{}/{} {fault:?} {question}: {text}", self.source.name, self.name);
        found.into_iter().filter(|it| !tolerated(it)).take(3).map(told).collect()
    }
}

/// Whether a finding is right as it is.
pub(super) fn is_tolerated(name: &str, access: &Access, text: &str) -> bool {
    is_among(TOLERATED, name, access, text)
}

fn is_among(list: &[(&str, &str, &str, &str)], name: &str, access: &Access, text: &str) -> bool {
    let question = format!("{access:?}");
    list.iter().any(|(source, part, finding, _)| {
        name == *source && question.contains(part) && text.contains(finding)
    })
}

/// Does the work for all recordings on some threads, and fails with everything that was wrong.
fn judge_all(work: impl Fn(&Case) -> (usize, Vec<String>) + Sync) {
    let cases = cases();
    let (next, runs) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let turn = || {
        let mut wrong = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (count, found) = work(case);
            runs.fetch_add(count, Ordering::Relaxed);
            wrong.extend(found);
        }
        wrong
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(turn)).collect();
        threads.into_iter().flat_map(|it| it.join().unwrap()).collect()
    });
    let runs = runs.into_inner();
    assert!(runs > 500, "only {runs} runs: the recordings were not found");
    let shown: Vec<&String> = wrong.iter().take(60).collect();
    assert!(wrong.is_empty(), "{} of {runs} runs are wrong: {shown:#?}", wrong.len());
}

#[test]
fn whatever_is_kept_from_a_source_is_told_and_makes_nothing_look_good_or_gone() {
    judge_all(|case| {
        let (mut runs, mut wrong) = (0, Vec::new());
        for access in case.questions() {
            let faults: &[Fault] = match access {
                Access::Path(_) | Access::Vitals => &[Fault::Denied, Fault::Broken],
                Access::Space(_) => &[Fault::Hangs, Fault::Denied],
                Access::Run(_) | Access::Target(..) => {
                    &[Fault::Hangs, Fault::Dies, Fault::Denied, Fault::Refuses]
                }
            };
            for fault in faults {
                wrong.extend(case.wrong(*fault, Place::One(access.clone()), access));
                runs += 1;
            }
        }
        (runs, wrong)
    });
}

#[test]
fn half_an_answer_another_language_and_another_version_are_told_and_make_nothing_good() {
    judge_all(|case| {
        let (mut runs, mut wrong) = (0, Vec::new());
        for access in case.questions() {
            if !matches!(access, Access::Run(_) | Access::Target(..)) {
                continue;
            }
            let cuts = [130, 480, 777, 990].map(Fault::Half);
            for fault in cuts.into_iter().chain([Fault::Flood, Fault::Foreign, Fault::Newer]) {
                wrong.extend(case.wrong(fault, Place::One(access.clone()), access));
                runs += 1;
            }
        }
        (runs, wrong)
    });
}

/// Answers in which there is nothing to read: of files, which bear names and texts of one line too, and of programs.
const PAGE: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n</html>\r\n";
const BLOB: &str = "\u{fffd}ELF\u{2}\u{1}\0\0\u{fffd}\n\0>\u{fffd}\n";
const NOTHING: [&str; 4] = ["Permission denied\n", "null\n", "{}\n", ""];

#[test]
fn one_answer_in_which_there_is_nothing_is_told_and_takes_nothing_else_along() {
    judge_all(|case| {
        let (mut runs, mut wrong) = (0, Vec::new());
        for access in case.questions() {
            let asked = matches!(access, Access::Run(_) | Access::Target(..));
            let more: &[&str] = if asked { &NOTHING } else { &[] };
            for text in [PAGE, BLOB].iter().chain(more) {
                let place = Place::One(access.clone());
                wrong.extend(case.wrong(Fault::Says(text), place, access));
                runs += 1;
            }
        }
        (runs, wrong)
    });
}

#[test]
fn values_of_another_type_do_not_hide_the_others() {
    judge_all(|case| {
        let (mut runs, mut wrong) = (0, Vec::new());
        for access in case.questions() {
            let leaves = case.leaves(access).unwrap_or_default();
            // Each kind of value stands near the beginning once; the others are sampled.
            let step = leaves.len() / 25 + 1;
            let kinds = text::types().len();
            for index in (0..leaves.len()).step_by(step) {
                // Each value with some of the types, so that each kind of value meets all of them.
                for kind in [0, 5].map(|it| (it + index) % kinds) {
                    let fault = Fault::Retyped(index, kind);
                    wrong.extend(case.wrong(fault, Place::One(access.clone()), access));
                    runs += 1;
                }
            }
        }
        (runs, wrong)
    });
}

impl Case {
    /// Where the values of the JSON that answers a question stand.
    fn leaves(&self, access: &Access) -> Option<Vec<String>> {
        if matches!(access, Access::Path(_)) {
            return None;
        }
        text::leaves(&self.answer(access)?)
    }

    /// What answers a question, where that is a text.
    fn answer(&self, access: &Access) -> Option<String> {
        match access {
            Access::Path(path) => self.kept.read(path).ok(),
            Access::Run(argv) => {
                let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
                Some(self.kept.run(&argv).ok()?.stdout)
            }
            Access::Target(target, path) => {
                let (limit, source) = (Duration::from_secs(1), self.source.name);
                let ask = xunjian_agent::host::Request { source, target, path, limit };
                Some(self.kept.get(&ask).ok()?.body)
            }
            Access::Space(_) | Access::Vitals => None,
        }
    }
}

#[test]
fn numbers_at_the_edges_are_never_told_as_they_are_and_make_nothing_good() {
    judge_all(|case| {
        let (mut runs, mut wrong) = (0, Vec::new());
        for access in case.questions() {
            let numbers = case.answer(access).map_or(0, |it| text::numbers(&it).len());
            // Each number of the first lines once, the others sampled; each kind of value meets many of them.
            for index in (0..numbers).step_by(numbers / 12 + 1) {
                for kind in [index, index + 7].map(|it| it % text::EDGES.len()) {
                    let fault = Fault::Edge(index, kind);
                    wrong.extend(case.wrong(fault, Place::One(access.clone()), access));
                    runs += 1;
                }
            }
        }
        (runs, wrong)
    });
}

#[test]
fn a_device_that_vanishes_during_the_run_is_not_told_to_be_well() {
    judge_all(|case| {
        let (mut runs, mut wrong) = (0, Vec::new());
        let mut dirs = BTreeSet::new();
        for access in &case.asked {
            let Access::Path(path) = access else { continue };
            // `sys/block/sda/`, `sys/class/nvme/nvme0/`: what a device has goes with it.
            let depth = if path.starts_with("sys/block/") { 3 } else { 4 };
            let parts: Vec<&str> = path.split('/').collect();
            if parts.len() > depth && dirs.insert(parts[..depth].join("/") + "/") {
                let dir = parts[..depth].join("/") + "/";
                for from in [1, 3, 8] {
                    wrong.extend(case.wrong(Fault::Gone, Place::Below(dir.clone(), from), access));
                    runs += 1;
                }
            }
        }
        (runs, wrong)
    });
}

#[test]
fn with_all_programs_and_targets_silent_every_source_says_so() {
    judge_all(|case| {
        let mut wrong = Vec::new();
        let first = case.asked.iter().find(|it| matches!(it, Access::Run(_) | Access::Target(..)));
        let Some(access) = first else { return (1, wrong) };
        for fault in [Fault::Hangs, Fault::Dies, Fault::Denied, Fault::Refuses] {
            wrong.extend(case.wrong(fault, Place::Programs, access));
        }
        (4, wrong)
    });
}
