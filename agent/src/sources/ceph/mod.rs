//! Ceph: health by code, monitors, OSDs, pools as protected sets, CephFS.
//!
//! Facts: the documents of Ceph and recordings of it. One host reads the cluster, see [`reader`]; the health umbrella
//! (`HEALTH_WARN`) decides nothing.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Link, Member, MemberState, Reason, Relation, Set};

use crate::{
    host::Program,
    saved::Saved,
    source::{Collect, Need, Source, SourceError, Words, check_options},
};

mod ask;

mod cluster;

mod codes;

mod health;

mod json;

mod metrics;

mod osds;

mod plain;

mod pools;

mod reader;

mod saved;

mod tell;

use ask::{Asker, First};
use cluster::Cluster;
use metrics::{ANSWERS, MON_STATE, READER};
use osds::osd_id;
use reader::{Monitor, Options, Reader};

/// The administration tool of Ceph. Monitors' sockets and keyrings belong to root or ceph.
const CEPH: Program =
    Program { name: "ceph", places: &["/usr/bin/ceph", "/usr/local/bin/ceph"], root: true };

/// See the module.
pub const SOURCE: Source = Source {
    name: "ceph",
    title: Words { zh: "Ceph 集群", en: "Ceph" },
    about: Words {
        zh: "Ceph 集群：健康检查项、监视器、OSD、存储池冗余、CephFS",
        en: "Ceph: health checks by code, monitors, OSDs, redundancy of pools, CephFS",
    },
    needs: &[Need::Program("ceph"), Need::Path("etc/ceph")],
    programs: &[CEPH],
    runs: &[
        "ceph --admin-daemon {name} mon_status",
        "ceph --connect-timeout 10 --conf {name} --name {word} --format json status",
        "ceph --connect-timeout 10 --conf {name} --name {word} --format json health detail",
        "ceph --connect-timeout 10 --conf {name} --name {word} --format json osd dump",
        "ceph --connect-timeout 10 --conf {name} --name {word} --format json osd tree",
        "ceph --connect-timeout 10 --conf {name} --name {word} --format json osd df tree",
        "ceph --connect-timeout 10 --conf {name} --name {word} --format json osd crush rule dump",
        "ceph --connect-timeout 10 --conf {name} --name {word} --format json time-sync-status",
        "ceph --connect-timeout 10 --conf {name} --name {word} --format json df",
        "ceph --connect-timeout 10 --conf {name} --name {word} --format json device ls",
        "ceph --connect-timeout 10 --conf {name} --name {word} --format json pg dump pgs_brief",
    ],
    harmless: Words {
        zh: "只用只读查询命令，逐条执行，连接超时 10 秒，每条最长 20 秒。默认（reader = \"auto\"）整个集群只由主监视器（leader）\
             所在的一台主机读取，由本机监视器的管理套接字判定，不占用集群；其他主机只报告本机监视器状态和本机 OSD 所在磁盘。\
             监视器主机均未装代理时，在一台装有 ceph 命令和密钥的主机上设 reader = \"always\"。可用只读用户 client.xunjian\
             （mon 'allow r' mgr 'allow r'），有其密钥文件时自动采用。密钥文件从不读取。",
        en: "Only queries, one after the other, 10 s to connect and 20 s each at most. By default (reader = \"auto\") one \
             host reads the whole cluster: the one whose monitor leads the quorum, which that monitor's own socket tells \
             without any load on the cluster; the others report only their own monitor and the disks of their OSDs. Where \
             no monitor's host has an agent, set reader = \"always\" on one host that has the ceph command and a keyring. \
             A read-only user client.xunjian (mon 'allow r' mgr 'allow r') is used if its keyring is there. Keyrings are \
             never read.",
    },
    every: Duration::from_secs(120),
    deadline: Duration::from_secs(110),
    metrics: metrics::METRICS,
    states: metrics::STATES,
    events: &[],
    saved: Saved::Own { what: saved::WHAT, host: saved::host },
    check: check_options::<Options>,
    collect,
};

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let options = Options::of(c.options)?;
    if options.reader == Reader::Never {
        local(c, &[], None);
        return Ok(());
    }
    let monitors = reader::monitors(c);
    let leader = monitors.iter().find(|it| it.leads());
    // Outside the quorum nobody here can tell whether there is one elsewhere: that is worth one question.
    let outside = !monitors.is_empty() && !monitors.iter().any(Monitor::is_in_quorum);
    if options.reader == Reader::Auto && leader.is_none() && !outside {
        local(c, &monitors, None);
        return Ok(());
    }
    let asker = Asker::new(options.config.clone(), options.name(c));
    let mut cluster = Cluster::default();
    if let Some(leader) = leader {
        // It names the monitors that are gone; the status of releases from 15 names only those that are there.
        cluster.absorb(&leader.status);
    }
    match asker.first(c, &mut cluster) {
        First::Answered if outside && options.reader == Reader::Auto => {
            local(c, &monitors, Some(1.0));
            return Ok(());
        }
        First::Answered => {}
        First::Silent(error) => {
            let text = format!("the cluster does not answer: {error}");
            c.problem(Reason::TimedOut, None, text);
            local(c, &monitors, outside.then_some(0.0));
            return Ok(());
        }
        First::Failed(error) => {
            local(c, &monitors, None);
            return Err(error);
        }
    }
    asker.rest(c, &mut cluster);
    for (fsid, number, disks) in reader::local_osds(c) {
        if cluster.fsid.as_ref() == Some(&fsid) {
            cluster.osds.entry(number).or_default().disks.extend(disks);
        }
    }
    let id = cluster.tell(c);
    c.sample(&ANSWERS, &id, 1.0);
    c.state(&READER, &id, "reader");
    for what in cluster.strange.iter().take(20) {
        c.problem(Reason::Unparsable, None, format!("not understood: {what}"));
    }
    evidence(c, &cluster);
    Ok(())
}

/// What proves the checks that are raised; their counts and times change with every look.
fn evidence(c: &mut Collect<'_>, cluster: &Cluster) {
    let Some(health) = cluster.health.as_ref().filter(|it| !it.checks.is_empty()) else { return };
    if c.changed(&health.print()) {
        c.evidence("ceph health detail", &health.text());
    }
}

/// What this host tells for itself while another one reads the cluster: its monitors, and its OSDs with their disks.
/// They are a set of which this host cannot know how much it bears.
fn local(c: &mut Collect<'_>, monitors: &[Monitor], answers: Option<f64>) {
    let osds = reader::local_osds(c);
    let mut clusters: BTreeMap<String, Vec<Member>> = BTreeMap::new();
    for monitor in monitors {
        let Some(fsid) = monitor.fsid().map(str::to_lowercase) else { continue };
        clusters.entry(fsid).or_default();
    }
    for (fsid, number, disks) in osds {
        let id = osd_id(&fsid, number);
        let on = |to: &ComponentId| Link { relation: Relation::On, to: to.clone() };
        let name = format!("osd.{number}");
        let links = disks.iter().map(on).collect();
        c.component(Component {
            id: id.clone(),
            name: name.clone(),
            attrs: BTreeMap::new(),
            links,
            set: None,
        });
        let state = MemberState::Unknown;
        clusters.entry(fsid).or_default().push(Member {
            slot: None,
            component: Some(id),
            name,
            state,
        });
    }
    for (fsid, members) in clusters {
        let id = ComponentId::new("ceph", &fsid);
        let mut attrs = BTreeMap::from([("ceph.fsid".to_owned(), fsid.clone())]);
        let mine: Vec<&Monitor> = monitors
            .iter()
            .filter(|it| it.fsid().is_some_and(|it| it.eq_ignore_ascii_case(&fsid)))
            .collect();
        if let Some(leader) = mine.iter().find_map(|it| it.leader()) {
            attrs.insert("ceph.leader".to_owned(), leader.to_owned());
        }
        let width = u32::try_from(members.len()).unwrap_or(u32::MAX);
        let set = Set { scheme: "ceph".to_owned(), width, copies: 1, members };
        let set = (width > 0).then_some(set);
        c.component(Component {
            id: id.clone(),
            name: "ceph".to_owned(),
            attrs,
            links: Vec::new(),
            set,
        });
        c.state(&READER, &id, "standby");
        if let Some(answers) = answers.filter(|_| !mine.is_empty()) {
            c.sample(&ANSWERS, &id, answers);
        }
        for monitor in mine {
            let id = ComponentId::new("ceph_mon", &format!("{fsid}/{}", monitor.name));
            let name = format!("mon.{}", monitor.name);
            c.component(Component {
                id: id.clone(),
                name,
                attrs: BTreeMap::new(),
                links: Vec::new(),
                set: None,
            });
            c.state(&MON_STATE, &id, &monitor.state);
        }
    }
}
