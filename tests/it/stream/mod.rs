//! The way from an agent's spool into the collector's store, over mutual TLS, in good and bad days.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    net::TcpListener,
    runtime::Runtime,
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};
use xunjian_agent::{
    identity::{self, EnrolError, Identity},
    spool::Spool,
    upload::{self, Patience, Standing, Uplink},
};
use xunjian_collector::{
    clock,
    identity::{Authority, new_token},
    ingest::{Ingest, Limits, Refused},
    store::{AgentId, Store},
};
use xunjian_proto::{HostFacts, Run, Time, wire};

use crate::{recorder::Folder, spool::limits, wire::full_run};

mod hostile;

mod carried;

/// Longest wait for something that takes milliseconds: the machine may be busy.
const SOON: Duration = Duration::from_secs(30);

/// A collector's door with its store, on a port of its own.
struct Door {
    folder: PathBuf,
    address: SocketAddr,
    store: Store,
    authority: Arc<Authority>,
    ingest: Ingest,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Door {
    async fn open(folder: PathBuf) -> Door {
        Door::open_at(folder, SocketAddr::from(([127, 0, 0, 1], 0)), Limits::default()).await
    }

    async fn open_at(folder: PathBuf, address: SocketAddr, limits: Limits) -> Door {
        let store = Store::open(&folder.join("store")).unwrap();
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let authority = Authority::open(&folder.join("identity"), &names, 1, clock::now()).unwrap();
        let authority = Arc::new(authority);
        let ingest = Ingest::new(authority.clone(), store.clone(), limits, clock::now);
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopping) = watch::channel(false);
        let serving = ingest.clone();
        let task = tokio::spawn(async move { serving.serve(listener, stopping).await.unwrap() });
        Door { folder, address, store, authority, ingest, stop, task }
    }

    async fn close(self) -> (PathBuf, SocketAddr) {
        self.stop.send(true).unwrap();
        timeout(SOON, self.task).await.unwrap().unwrap();
        (self.folder, self.address)
    }

    fn address(&self) -> String {
        format!("https://{}", self.address)
    }

    fn token(&self) -> String {
        let expires = clock::now() + Duration::from_secs(600);
        new_token(&self.store, &self.authority, expires).unwrap().to_string()
    }

    async fn enrol(&self, state: PathBuf) -> Identity {
        identity::enrol(&state, &self.address(), &self.token(), &host()).await.unwrap()
    }

    /// All runs that are stored of an agent, from its batches.
    fn stored(&self, agent: &str) -> Vec<Run> {
        let (from, to) = (Time::from_secs(0), clock::now() + Duration::from_secs(3600));
        self.store.runs(&AgentId(agent.to_owned()), from, to).unwrap()
    }
}

/// An agent's upload that runs.
struct Agent {
    spool: Arc<Spool>,
    identity: Arc<Identity>,
    standing: watch::Receiver<Standing>,
    stop: watch::Sender<bool>,
    inspected: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Agent {
    fn start(folder: &Folder, identity: Identity, now: fn() -> Time) -> Agent {
        let spool = Spool::open(&folder.path("spool"), limits(), clock::now()).unwrap();
        let (spool, identity) = (Arc::new(spool), Arc::new(identity));
        let (stop, stopping) = watch::channel(false);
        let (status, standing) = watch::channel(Standing::default());
        let inspected: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
        let on_inspect = {
            let inspected = inspected.clone();
            Arc::new(move |sources| {
                inspected.lock().unwrap().push(sources);
                Ok(())
            })
        };
        let uplink = Uplink {
            spool: spool.clone(),
            identity: identity.clone(),
            host: host(),
            on_inspect,
            clock: now,
            patience: Patience {
                first: Duration::from_millis(50),
                longest: Duration::from_millis(200),
            },
        };
        tokio::spawn(upload::run(uplink, status, stopping));
        Agent { spool, identity, standing, stop, inspected }
    }

    fn id(&self) -> String {
        self.identity.credentials().agent_id.clone()
    }

    fn push(&self, ticks: std::ops::Range<u32>) -> Vec<Run> {
        let runs: Vec<Run> = ticks.map(recent).collect();
        for run in &runs {
            self.spool.push("boot-1", vec![run.clone()], clock::now());
        }
        runs
    }

    async fn until(&mut self, wanted: impl FnMut(&Standing) -> bool) -> Standing {
        let waited = timeout(SOON, self.standing.wait_for(wanted)).await;
        waited.expect("it takes too long").unwrap().clone()
    }

    async fn until_sent(&self) {
        until(|| self.spool.stats().waiting == 0).await;
    }
}

async fn until(mut holds: impl FnMut() -> bool) {
    let all = async {
        while !holds() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(SOON, all).await.expect("it takes too long");
}

fn host() -> HostFacts {
    HostFacts {
        hostname: "node1".into(),
        boot_id: "boot-1".into(),
        agent_version: "0.1.0".into(),
        attrs: [("os.type".to_owned(), "linux".to_owned())].into(),
    }
}

/// Runs of the last hour.
fn recent(tick: u32) -> Run {
    let start = clock::now().floor(Duration::from_secs(3600)) - Duration::from_secs(3600);
    full_run(start + Duration::from_secs(u64::from(tick) * 10), tick)
}

fn block_on(test: impl Future<Output = ()>) {
    Runtime::new().unwrap().block_on(test);
}

#[test]
fn what_an_agent_spools_is_stored_as_it_was() {
    block_on(async {
        let folder = Folder::new("stream-good");
        let door = Door::open(folder.path("collector")).await;
        let identity = door.enrol(folder.path("agent")).await;
        // The identity lies in its file, for its owner only.
        let mode = std::os::unix::fs::PermissionsExt::mode;
        let file = folder.path("agent/identity.toml");
        assert_eq!(mode(&fs::metadata(&file).unwrap().permissions()) & 0o777, 0o600);
        let key = folder.path("collector/identity/authority.pem");
        assert_eq!(mode(&fs::metadata(key).unwrap().permissions()) & 0o777, 0o600);
        drop(identity);
        let identity = Identity::load(&folder.path("agent")).unwrap().unwrap();

        let mut committed = door.ingest.committed();
        let agent = Agent::start(&folder, identity, clock::now);
        let runs = agent.push(0..20);
        agent.until_sent().await;
        assert!(committed.has_changed().unwrap());
        committed.mark_unchanged();
        assert_eq!(door.stored(&agent.id()), runs);
        assert_eq!(door.ingest.connected(), [AgentId(agent.id())]);
        let rows = door.store.agents().unwrap();
        assert_eq!((rows.len(), &rows[0].host), (1, &host()));
        let counters = door.ingest.counters().all();
        let count = |name: &str| counters.iter().find(|(it, _)| it == name).unwrap().1;
        assert_eq!((count("batches"), count("samples"), count("duplicates")), (20, 60, 0));
        // A layout, an inventory and a raw output, sent once.
        assert_eq!(count("definitions"), 3);
        drop(agent.stop);
        door.close().await;
    });
}

#[test]
fn an_agent_goes_on_where_the_collector_left_off() {
    block_on(async {
        let folder = Folder::new("stream-resume");
        let door = Door::open(folder.path("collector")).await;
        let mut agent = Agent::start(&folder, door.enrol(folder.path("agent")).await, clock::now);
        let mut runs = agent.push(0..5);
        agent.until_sent().await;
        let (at, address) = door.close().await;
        agent.until(|standing| !standing.connected).await;
        runs.extend(agent.push(5..15));
        assert_eq!(agent.spool.stats().waiting, 10);
        let door = Door::open_at(at, address, Limits::default()).await;
        agent.until_sent().await;
        assert_eq!(door.stored(&agent.id()), runs);
        door.close().await;
    });
}

#[test]
fn a_batch_whose_acknowledgement_was_lost_is_counted_once() {
    block_on(async {
        let folder = Folder::new("stream-twice");
        let door = Door::open(folder.path("collector")).await;
        let identity = door.enrol(folder.path("agent")).await;
        let agent = Agent::start(&folder, identity, clock::now);
        let runs = agent.push(0..5);
        agent.until_sent().await;
        let id = agent.id();
        let sequence = door.store.last_sequence(&AgentId(id.clone())).unwrap().unwrap();
        agent.stop.send(true).unwrap();
        let mut raw = hostile::Raw::open(&folder.path("agent")).await;
        let packed = wire::pack(&[recent(4)]).unwrap();
        raw.define(&packed).await;
        raw.batch(sequence, packed.body).await;
        assert_eq!(raw.acknowledged().await, (sequence, vec![]));
        assert_eq!(door.stored(&id), runs);
        let counters = door.ingest.counters().all();
        assert!(counters.contains(&("duplicates".to_owned(), 1)));
        door.close().await;
    });
}

#[test]
fn an_agent_that_lost_its_certificate_is_let_in_only_with_a_good_token() {
    block_on(async {
        let folder = Folder::new("stream-enrol");
        let door = Door::open(folder.path("collector")).await;
        let other = Door::open(folder.path("other")).await;
        let state = folder.path("agent");
        let enrol = async |address: &str, token: &str| {
            identity::enrol(&state, address, token, &host()).await.map(drop)
        };

        // A collector with another authority than the token's: nothing secret is shown to it.
        let token = door.token();
        let wrong = enrol(&other.address(), &token).await.unwrap_err();
        assert!(matches!(wrong, EnrolError::Contact(_)), "{wrong}");
        assert!(wrong.to_string().contains("wanted fingerprint"), "{wrong}");

        let late = new_token(&door.store, &door.authority, clock::now() - Duration::from_secs(1));
        let expired = enrol(&door.address(), &late.unwrap().to_string()).await.unwrap_err();
        assert!(expired.to_string().contains("not valid"), "{expired}");
        assert!(!state.join("identity.toml").exists());

        enrol(&door.address(), &token).await.unwrap();
        let reused = enrol(&door.address(), &token).await.unwrap_err();
        assert!(reused.to_string().contains("not valid"), "{reused}");
        let nonsense = enrol(&door.address(), "xj1.abc").await.unwrap_err();
        assert!(matches!(nonsense, EnrolError::Token(_)));
        assert_eq!(door.ingest.counters().refused(Refused::Token), 2);
        assert_eq!(door.store.agents().unwrap().len(), 1);

        // An identity of one collector is no identity for the other, even if the agent trusts it.
        let mine = fs::read_to_string(state.join("identity.toml")).unwrap();
        other.enrol(folder.path("theirs")).await;
        let theirs = fs::read_to_string(folder.path("theirs/identity.toml")).unwrap();
        let part = |text: &str, key: &str| {
            text.parse::<toml::Table>().unwrap()[key].as_str().unwrap().to_owned()
        };
        let mixed = mine
            .replace(&part(&mine, "authority"), &part(&theirs, "authority"))
            .replace(&door.address(), &other.address());
        fs::write(state.join("identity.toml"), mixed).unwrap();
        let foreign = Identity::load(&state).unwrap().unwrap();
        let mut agent = Agent::start(&folder, foreign, clock::now);
        agent.until(|standing| standing.last_error.is_some()).await;
        until(|| other.ingest.counters().refused(Refused::Handshake) > 0).await;
        assert_eq!(agent.standing.borrow().sessions, 0);
        door.close().await;
        other.close().await;
    });
}

#[test]
fn a_revoked_agent_is_out_at_once_and_the_others_stay() {
    block_on(async {
        let folders = [Folder::new("stream-revoked-1"), Folder::new("stream-revoked-2")];
        let door = Door::open(folders[0].path("collector")).await;
        let mut agents = Vec::new();
        for folder in &folders {
            let mut agent =
                Agent::start(folder, door.enrol(folder.path("agent")).await, clock::now);
            agent.until(|standing| standing.connected).await;
            agents.push(agent);
        }
        // As the command line does it: in the store, from another process.
        let out = AgentId(agents[0].id());
        assert!(door.store.revoke(&out, clock::now()).unwrap());
        let standing = agents[0].until(|standing| !standing.connected).await;
        agents[0].until(|it| it.last_error.as_ref().is_some_and(|it| it.contains("revoked"))).await;
        agents[0].push(0..3);
        let runs = agents[1].push(0..3);
        agents[1].until_sent().await;
        sleep(Duration::from_millis(500)).await;
        assert_eq!(agents[0].standing.borrow().sessions, standing.sessions);
        assert!(door.stored(&agents[0].id()).is_empty());
        assert_eq!(door.stored(&agents[1].id()), runs);
        assert_eq!(agents[1].standing.borrow().sessions, 1);
        door.close().await;
    });
}

#[test]
fn a_certificate_renews_itself_without_a_restart() {
    block_on(async {
        let folder = Folder::new("stream-renew");
        let door = Door::open(folder.path("collector")).await;
        // Certificates live for a day here: 20 hours later it is time.
        let later = || clock::now() + Duration::from_secs(20 * 3600);
        let identity = door.enrol(folder.path("agent")).await;
        let before = identity.credentials();
        let mut agent = Agent::start(&folder, identity, later);
        agent.until(|standing| standing.sessions == 2).await;
        let after = agent.identity.credentials();
        assert_ne!(before.chain()[0], after.chain()[0]);
        assert_eq!((&before.agent_id, &before.chain()[1]), (&after.agent_id, &after.chain()[1]));
        assert_eq!(*Identity::load(&folder.path("agent")).unwrap().unwrap().credentials(), *after);
        let runs = agent.push(0..3);
        agent.until_sent().await;
        assert_eq!(door.stored(&agent.id()), runs);
        door.close().await;
    });
}

#[test]
fn an_inspection_can_be_asked_for() {
    block_on(async {
        let folder = Folder::new("stream-inspect");
        let door = Door::open(folder.path("collector")).await;
        let mut agent = Agent::start(&folder, door.enrol(folder.path("agent")).await, clock::now);
        let id = AgentId(agent.id());
        agent.until(|standing| standing.connected).await;
        until(|| door.ingest.connected().contains(&id)).await;
        door.ingest.inspect_now(&id, vec!["smart".into()]).unwrap();
        until(|| *agent.inspected.lock().unwrap() == [["smart".to_owned()]]).await;
        agent.stop.send(true).unwrap();
        until(|| door.ingest.connected().is_empty()).await;
        assert!(door.ingest.inspect_now(&id, vec![]).is_err());
        door.close().await;
    });
}
