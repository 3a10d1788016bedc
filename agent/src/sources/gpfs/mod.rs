//! GPFS (IBM Storage Scale): nodes and quorum, health monitor, waiters, disks and replicas, space, native RAID, log.
//!
//! Facts: IBM Storage Scale command reference (`-Y` forms), problem determination guide, Storage Scale RAID
//! administration. Commands that ask other nodes have long periods, run one at a time and leave their answers, with
//! their age, to the runs between.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    host::Program,
    saved::Saved,
    source::{Collect, Need, Source, SourceError, Words, no_options},
};

mod table;

mod ask;

mod metrics;

mod nodes;

mod quota;

mod health;

mod disks;

mod space;

mod gnr;

mod log;

mod saved;

use ask::Asker;

/// Where the commands lie.
const BIN: &str = "usr/lpp/mmfs/bin";

/// Where a saved output of mmpmon is put: the live host has none, because mmpmon wants its questions as a file.
const SAVED_IO: &str = "xunjian/saved/mmpmon";

/// See the module.
pub const SOURCE: Source = Source {
    name: "gpfs",
    title: Words { zh: "GPFS（Storage Scale）并行文件系统", en: "GPFS (Storage Scale)" },
    about: Words {
        zh: "GPFS：节点与仲裁、健康组件、长等待、NSD 与副本、空间、原生 RAID、守护进程日志",
        en: "GPFS: nodes and quorum, health monitor, waiters, disks and replicas, space, native RAID, log",
    },
    needs: &[Need::Path("usr/lpp/mmfs/bin/mmgetstate")],
    programs: PROGRAMS,
    runs: &[
        "mmdf {word} -Y",
        "mmdiag --waiters -Y",
        "mmgetstate -N quorumNodes -Y",
        "mmgetstate -Y",
        "mmhealth cluster show -Y",
        "mmhealth node show -Y",
        "mmlscluster -Y",
        "mmlsdisk {word} -Y",
        "mmlsfileset {word} -Y",
        "mmlsfs all_local -Y",
        "mmlspdisk all -Y",
        "mmlspool {word}",
        "mmlsrecoverygroup -Y",
        "mmlsrecoverygroup {word} -L -Y",
        "mmrepquota -j -Y {word}",
        "mmrepquota -u -g -Y {word}",
    ],
    harmless: Words {
        zh: "只运行查询类 mm 命令，逐条执行、互不重叠；询问其他节点的命令每 10 分钟一次且只在仲裁节点上运行，mmdf 等\
             开销较大的命令每小时一次，其间沿用上次结果并注明时效。",
        en: "Runs commands that only list, one after the other. Those that ask other nodes run every 10 minutes, and on \
             quorum nodes only; mmdf and other costly ones once an hour. In between the last answer stands, with its age.",
    },
    every: Duration::from_secs(120),
    deadline: Duration::from_secs(110),
    metrics: metrics::ALL,
    states: metrics::STATES,
    events: log::EVENTS,
    saved: Saved::Own { what: saved::WHAT, host: saved::host },
    check: no_options,
    collect,
};

const fn program(name: &'static str, places: &'static [&'static str]) -> Program {
    Program { name, places, root: true }
}

const PROGRAMS: &[Program] = &[
    program("mmdf", &["/usr/lpp/mmfs/bin/mmdf"]),
    program("mmdiag", &["/usr/lpp/mmfs/bin/mmdiag"]),
    program("mmgetstate", &["/usr/lpp/mmfs/bin/mmgetstate"]),
    program("mmhealth", &["/usr/lpp/mmfs/bin/mmhealth"]),
    program("mmlscluster", &["/usr/lpp/mmfs/bin/mmlscluster"]),
    program("mmlsdisk", &["/usr/lpp/mmfs/bin/mmlsdisk"]),
    program("mmlsfileset", &["/usr/lpp/mmfs/bin/mmlsfileset"]),
    program("mmlsfs", &["/usr/lpp/mmfs/bin/mmlsfs"]),
    program("mmlspdisk", &["/usr/lpp/mmfs/bin/mmlspdisk"]),
    program("mmlspool", &["/usr/lpp/mmfs/bin/mmlspool"]),
    program("mmlsrecoverygroup", &["/usr/lpp/mmfs/bin/mmlsrecoverygroup"]),
    program("mmrepquota", &["/usr/lpp/mmfs/bin/mmrepquota"]),
];

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let mut asker = Asker::new(c);
    let mut words = String::new();
    let cluster = nodes::emit(c, &mut asker, &mut words);
    health::emit(c, &mut asker, &cluster, &mut words);
    let arrays: BTreeMap<_, _> = gnr::emit(c, &mut asker, &mut words);
    let mut systems = disks::file_systems(c, &mut asker);
    if systems.is_empty() && !c.host.is_live() {
        // A saved list of disks does not say which file system they are of.
        systems.push(disks::FileSystem::unnamed());
    }
    disks::emit(c, &mut asker, &systems, &arrays, &mut words);
    for fs in &systems {
        space::emit(c, &mut asker, &fs.name);
        quota::emit(c, &mut asker, &fs.name);
    }
    if let Ok(text) = c.host.read(SAVED_IO) {
        space::io(c, &text);
    }
    log::emit(c, &mut asker.memory().log, cluster.here.as_ref());
    asker.finish(c, &words);
    Ok(())
}
