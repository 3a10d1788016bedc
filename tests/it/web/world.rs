//! A small customer with three hosts for the pages to show: one sound, one with a degraded array, one silent. Synthetic.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, SaltString},
};
use xunjian_collector::{
    contract::{Appointment, Asset, Contract, Contracts, Person, Site},
    evaluate::library,
    store::{AgentId, Judged, ReportRow, Store, StoredBatch, UserRow},
    web::{ReportHooks, WebState},
};
use xunjian_proto::{
    Component, ComponentId, Cost, Event, Evidence, HostFacts, Link, Member, MemberState, Outcome,
    Problem, Reason, Relation, Run, Sample, SeriesKey, Set, State, Time, wire,
};
use xunjian_rules::Lang;

use super::findings::{cases, tickets};

/// 2026-11-22 14:20:00 in Shanghai.
pub(crate) const NOW: Time = Time::from_secs(1_795_328_400);

/// The password of everybody here.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// argon2id of it with the smallest parameters, so that tests are quick.
fn password_hash() -> String {
    static HASH: OnceLock<String> = OnceLock::new();
    let make = || {
        let small =
            Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8, 1, 1, None).unwrap());
        let salt = SaltString::encode_b64(b"synthetic salt").unwrap();
        small.hash_password(PASSWORD.as_bytes(), &salt).unwrap().to_string()
    };
    HASH.get_or_init(make).clone()
}

/// The host with the degraded array.
pub(crate) const SICK: &str = "00000000000000000000000000000002";

/// The store's folder goes away with the world.
pub(crate) struct World {
    /// What the router is made of.
    pub(crate) state: WebState,
    folder: PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn now() -> Time {
    NOW
}

pub(super) fn ago(secs: u64) -> Time {
    NOW - Duration::from_secs(secs)
}

/// A store without anything, and an empty contract.
pub(crate) fn empty() -> World {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("web-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    let state = WebState {
        store: Store::open(&folder).unwrap(),
        contracts: Arc::new(ArcSwap::from_pointee(Contracts::default())),
        rules: Arc::new(ArcSwap::from_pointee(library().0)),
        mistakes: Arc::new(Vec::new),
        clock: now,
        reports: ReportHooks { html: report_html, pdf: report_pdf },
        counters: Arc::new(|| vec![("ingest_batches_total".to_owned(), 42)]),
        inspect: Arc::new(|agent, _| agent.0 == SICK),
        secure: false,
    };
    World { state, folder }
}

fn report_html(report: &ReportRow, lang: Lang) -> Result<String, String> {
    Ok(format!("<!doctype html><title>{} {lang:?}</title><h1>巡检报告</h1>", report.id))
}

fn report_pdf(report: &ReportRow, _: Lang) -> Result<Vec<u8>, String> {
    if report.model == "broken" {
        Err("secret detail".to_owned())
    } else {
        Ok(b"%PDF-1.7".to_vec())
    }
}

/// Three hosts, four cases, two tickets, a report, five people.
pub(crate) fn full() -> World {
    let world = empty();
    let store = &world.state.store;
    world.state.contracts.store(Arc::new(Contracts::only(contract())));
    for (login, role, customer) in [
        ("wang", "engineer", None),
        ("li", "manager", None),
        ("kehu", "customer", Some("acme")),
        ("other", "customer", Some("elsewhere")),
        ("odd", "astronaut", None),
    ] {
        let customer = customer.map(str::to_owned);
        let (login, role) = (login.to_owned(), role.to_owned());
        store.put_user(&UserRow { login, password_hash: password_hash(), role, customer }).unwrap();
    }
    for (number, name) in [(1, "storage-01"), (2, "storage-02"), (3, "node-07")] {
        store.enrol(&agent(number), &host(name), ago(40 * 86_400)).unwrap();
    }
    keep(store, 1, 1, &[disk_run(1, "smart", 30, 33.0)]);
    keep(store, 3, 1, &[disk_run(3, "smart", 90_000, 35.0)]);
    let history: Vec<Run> = (0..140_u32)
        .filter(|step| !(60..75).contains(step))
        .map(|step| {
            let wave = f64::from(step) / 14.0;
            disk_run(2, "smart", 60 + u64::from(step) * 600, 38.0 + 3.0 * wave.sin())
        })
        .rev()
        .collect();
    for (index, runs) in history.chunks(10).enumerate() {
        keep(store, 2, index as u64 + 1, runs);
    }
    keep(store, 2, 100, &[array_run(), kernel_run(), gap_run()]);
    let evidence = wire::evidence_id(&mdstat());
    let judged = Judged { cases: cases(&evidence), tickets: tickets(), ..Judged::default() };
    store.commit_judged(&judged).unwrap();
    store.put_report(&report("R2026Q4-acme-1", "")).unwrap();
    store.put_report(&report("R2026Q3-acme-1", "broken")).unwrap();
    world
}

fn report(id: &str, model: &str) -> ReportRow {
    ReportRow {
        id: id.to_owned(),
        customer: "acme".to_owned(),
        from: ago(90 * 86_400),
        to: NOW,
        drafted_at: ago(3600),
        state: "draft".to_owned(),
        model: model.to_owned(),
    }
}

fn contract() -> Contract {
    let asset = |location: &str| Asset {
        site: "gz".to_owned(),
        location: location.to_owned(),
        ..Asset::default()
    };
    let person = |name: &str, role: &str, phone: &str| Person {
        name: name.to_owned(),
        role: role.to_owned(),
        phone: phone.to_owned(),
        mail: String::new(),
    };
    let mut contract = Contract {
        customer: "acme".to_owned(),
        customer_name: "广州某超算中心".to_owned(),
        number: "HT-2026-0117".to_owned(),
        provider_name: "某信息技术服务有限公司".to_owned(),
        people: vec![
            person("王工", "engineer", "13800000001"),
            person("陈工", "senior", "13800000002"),
        ],
        calendar: vec![Appointment {
            date: "2026-12-15".parse().unwrap(),
            kind: "inspection".to_owned(),
            note: "四季度巡检".to_owned(),
        }],
        ..Contract::default()
    };
    let site = Site { name: "广州机房".to_owned(), ..Site::default() };
    contract.sites.insert("gz".to_owned(), site);
    contract.assets.insert("storage-01".to_owned(), asset("A03 机柜 12U"));
    contract.assets.insert("storage-02".to_owned(), asset("A03 机柜 16U"));
    contract
}

fn agent(number: u8) -> AgentId {
    AgentId(format!("{number:032x}"))
}

fn host(name: &str) -> HostFacts {
    let attrs = [
        ("os.description", "openEuler 22.03 (LTS-SP3)"),
        ("host.arch", "arm64"),
        ("host.kernel.version", "5.10.0-182"),
    ];
    HostFacts {
        hostname: name.to_owned(),
        boot_id: "b1".to_owned(),
        agent_version: "0.1.0".to_owned(),
        attrs: attrs.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
    }
}

fn keep(store: &Store, number: u8, sequence: u64, runs: &[Run]) {
    let packed = wire::pack(runs).unwrap();
    let batch = StoredBatch {
        agent: agent(number),
        boot_id: "b1".to_owned(),
        sequence,
        at: packed.first_at,
        until: packed.last_at,
        definitions: packed.definitions.into_iter().map(|it| (it.hash, it.body)).collect(),
        body: packed.body,
        samples: packed.samples,
        received: NOW,
    };
    store.append(&[batch]).unwrap();
    store.absorb(&agent(number), runs).unwrap();
}

fn run(source: &str, at: Time) -> Run {
    Run {
        source: source.to_owned(),
        at,
        took_ms: 12,
        outcome: Outcome::Collected,
        components: Vec::new(),
        samples: Vec::new(),
        states: Vec::new(),
        events: Vec::new(),
        problems: Vec::new(),
        evidence: Vec::new(),
        cost: Cost::default(),
    }
}

/// The disk's identity has what an attacker would put there.
pub(super) fn disk(number: u8) -> ComponentId {
    ComponentId::new("disk", &format!("ZA{number}<b>&\"'"))
}

fn disk_run(number: u8, source: &str, age: u64, celsius: f64) -> Run {
    let mut run = run(source, ago(age));
    run.components.push(Component {
        id: disk(number),
        name: "sdb".to_owned(),
        attrs: [
            ("hw.model", "ST16000NM001G"),
            ("hw.serial_number", "ZA1</td><script>alert(1)</script>"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into(),
        links: Vec::new(),
        set: None,
    });
    let key = |metric: &str| {
        Arc::new(SeriesKey {
            metric: metric.to_owned(),
            component: disk(number),
            attrs: Vec::new(),
        })
    };
    run.samples.push(Sample { series: key("hw.temperature"), value: celsius });
    run.states.push(State {
        metric: "hw.status".to_owned(),
        component: disk(number),
        value: "passed".to_owned(),
    });
    run
}

fn mdstat() -> Evidence {
    let content = "md0 : active raid5 sdb1[0] sdc1[1] sde1[3]\n      [4/3] [UU_U]\n<script>alert(2)</script>\n";
    Evidence { name: "/proc/mdstat".to_owned(), content: content.to_owned() }
}

fn array_run() -> Run {
    let mut run = run("md", ago(45));
    let member = |slot, name: &str, state| Member {
        slot: Some(slot),
        component: (state == MemberState::Active).then(|| ComponentId::new("disk", name)),
        name: name.to_owned(),
        state,
    };
    run.components.push(Component {
        id: ComponentId::new("md", "6d0a"),
        name: "md0".to_owned(),
        attrs: [("system.device".to_owned(), "md0".to_owned())].into(),
        links: vec![Link { relation: Relation::On, to: disk(2) }],
        set: Some(Set {
            scheme: "raid5".to_owned(),
            width: 4,
            copies: 1,
            members: vec![
                member(0, "sdb1", MemberState::Active),
                member(1, "sdc1", MemberState::Active),
                member(2, "sdd1", MemberState::Failed),
                member(3, "sde1", MemberState::Active),
            ],
        }),
    });
    run.components.push(Component {
        id: ComponentId::new("filesystem", "/data 数据"),
        name: "/data 数据".to_owned(),
        attrs: [("system.filesystem.type".to_owned(), "xfs".to_owned())].into(),
        links: vec![Link { relation: Relation::On, to: ComponentId::new("md", "6d0a") }],
        set: None,
    });
    run.evidence.push(mdstat());
    run
}

fn kernel_run() -> Run {
    let mut run = run("kmsg", ago(50));
    run.events.push(Event {
        kind: "kernel.io_error.medium".to_owned(),
        component: disk(2),
        at: ago(4000),
        text: "blk_update_request: critical medium error, dev sdd, sector 123456 <img src=x>"
            .to_owned(),
        attrs: [].into(),
    });
    run
}

fn gap_run() -> Run {
    let mut run = run("smartx", ago(40));
    run.problems.push(Problem {
        reason: Reason::PermissionDenied,
        component: Some(disk(2)),
        text: "smartctl needs root to open /dev/sdd".to_owned(),
    });
    run
}
