//! What it costs to take batches in: from the socket, through TLS and gRPC, into the store, durable before each
//! acknowledgement. `cargo bench -p xunjian-collector --bench ingest [-- AGENTS]`
//!
//! A thousand simulated agents, each with a certificate and a connection of its own over loopback, send batches of 300
//! recorded samples. Only the server's threads are counted: agents and server have a runtime each, and the kernel says
//! per thread how long it ran (`/proc/self/task/*/schedstat`); what the kernel does for a thread's system calls is in it,
//! work of the disk is not. Wall times, and with them the waits for an acknowledgement, depend on who else uses the
//! machine, CPU times hardly.

#![allow(clippy::print_stdout, reason = "a benchmark prints its table")]
#![allow(clippy::unwrap_used, reason = "a benchmark that fails ends")]
#![allow(clippy::cast_precision_loss, reason = "figures for people")]
#![allow(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]

use std::{
    collections::{BTreeMap, VecDeque},
    env, fs,
    net::SocketAddr,
    ops::Range,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use rcgen::{CertificateParams, KeyPair};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    sync::{Semaphore, mpsc, watch},
    task::{JoinHandle, JoinSet},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use xunjian_agent::identity::{Credentials, connect};
use xunjian_collector::{
    clock,
    identity::Authority,
    ingest::{Ingest, Limits},
    store::{AgentId, Store},
};
use xunjian_proto::{
    HostFacts, Time,
    check::{Batch, FromAgent, FromCollector, Hello},
    pem,
    v1::{self, agent_client::AgentClient},
    wire::{self, Definition},
};

use recording::{Recording, SERIES};

mod recording;

/// Batches of one agent in each measurement at full speed.
const EACH: usize = 40;

/// Seconds between two batches of an agent at its ordinary pace, and how many of them are watched.
const PACE_SECS: u64 = 10;
const PACED: usize = 2;

/// Handshakes at a time: beyond this they only wait for each other.
const CONNECTING: usize = 64;

fn main() {
    let asked = env::args().find_map(|it| it.parse::<usize>().ok());
    let agents = asked.unwrap_or(1000);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-ingest");
    let _ = fs::remove_dir_all(&folder);
    let recording = Recording::load();
    let server = runtime("server");
    let clients = runtime("agents");
    let door = server.block_on(Door::open(&folder));
    let handshakes = Spent::now(&door.ingest);
    let mut fleet = clients.block_on(fleet(agents, &door));
    let spent = Spent::now(&door.ingest).since(&handshakes);
    println!(
        "{agents} agents connected: {:.2} ms of the server's CPU each\n",
        spent.cpu * 1e3 / agents as f64
    );
    println!("{SERIES} samples a batch, synced before the acknowledgement, server's CPU only");
    println!(
        "{:<34}{:>9}{:>12}{:>16}{:>10}{:>11}{:>11}",
        "", "samples", "CPU s/M", "samples/CPU-s", "a commit", "p50 ms", "p99 ms"
    );
    let ways = [
        ("each waits for its answer", EACH, 1, Duration::ZERO),
        ("32 on their way (spools empty)", EACH, 32, Duration::ZERO),
        ("one in ten seconds each", PACED, 1, Duration::from_secs(PACE_SECS)),
    ];
    let mut first = 0;
    for (name, count, window, pace) in ways {
        let bodies = Arc::new(bodies(&recording, first..first + count, pace));
        let before = Spent::now(&door.ingest);
        let (back, waits) = clients.block_on(send(fleet, bodies, window));
        fleet = back;
        row(name, agents * count, &Spent::now(&door.ingest).since(&before), waits);
        first += count;
    }
    let counters: BTreeMap<_, _> = door.ingest.counters().all().into_iter().collect();
    assert_eq!(counters["samples"], (agents * first * SERIES) as u64, "each is stored once");
    drop(fleet);
    server.block_on(door.close());
    fs::remove_dir_all(&folder).unwrap();
}

fn row(name: &str, batches: usize, spent: &Spent, mut waits: Vec<Duration>) {
    waits.sort_unstable();
    let wait = |percent: usize| waits[(waits.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    let samples = (batches * SERIES) as f64;
    println!(
        "{name:<34}{samples:>9}{:>12.3}{:>16.0}{:>10.1}{:>11.1}{:>11.1}",
        spent.cpu * 1e6 / samples,
        samples / spent.cpu,
        batches as f64 / spent.commits.max(1) as f64,
        wait(50),
        wait(99)
    );
    for (thread, seconds) in &spent.threads {
        println!("    {thread:<30}{:>21.3}", seconds * 1e6 / samples);
    }
}

fn runtime(name: &str) -> Runtime {
    // A thread that ended would take its count along.
    let forever = Duration::from_secs(86_400);
    let mut builder = Builder::new_multi_thread();
    builder.enable_all().worker_threads(2).thread_name(name).thread_keep_alive(forever);
    builder.build().unwrap()
}

/// What the server's threads have used, by name, and its commits.
struct Spent {
    cpu: f64,
    threads: BTreeMap<String, f64>,
    commits: u64,
}

impl Spent {
    fn now(ingest: &Ingest) -> Spent {
        let mut threads = BTreeMap::new();
        for task in fs::read_dir("/proc/self/task").unwrap() {
            let task = task.unwrap().path();
            let name = fs::read_to_string(task.join("comm")).unwrap().trim().to_owned();
            if name == "server" || name.starts_with("ingest-") {
                let text = fs::read_to_string(task.join("schedstat")).unwrap();
                let nanos: f64 = text.split_whitespace().next().unwrap().parse().unwrap();
                *threads.entry(name).or_insert(0.0) += nanos / 1e9;
            }
        }
        let cpu = threads.values().sum();
        Spent { cpu, threads, commits: *ingest.committed().borrow() }
    }

    fn since(mut self, before: &Spent) -> Spent {
        for (name, seconds) in &mut self.threads {
            *seconds -= before.threads.get(name).copied().unwrap_or(0.0);
        }
        self.cpu -= before.cpu;
        self.commits -= before.commits;
        self
    }
}

/// The collector's side.
struct Door {
    address: SocketAddr,
    store: Store,
    authority: Arc<Authority>,
    ingest: Ingest,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Door {
    async fn open(folder: &Path) -> Door {
        let store = Store::open(&folder.join("store")).unwrap();
        let names = ["127.0.0.1".to_owned()];
        let authority = Authority::open(&folder.join("identity"), &names, 1, clock::now()).unwrap();
        let authority = Arc::new(authority);
        let limits = Limits::default();
        let ingest = Ingest::new(authority.clone(), store.clone(), limits, clock::now);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopping) = watch::channel(false);
        let serving = ingest.clone();
        let task = tokio::spawn(async move { serving.serve(listener, stopping).await.unwrap() });
        Door { address, store, authority, ingest, stop, task }
    }

    async fn close(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }
}

/// One agent with its open stream.
struct Agent {
    number: usize,
    sequence: u64,
    out: mpsc::Sender<v1::FromAgent>,
    inbound: Streaming<v1::FromCollector>,
    defined: bool,
}

/// Enrols and connects them.
async fn fleet(agents: usize, door: &Door) -> Vec<Agent> {
    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::default().serialize_request(&key).unwrap();
    let places = Arc::new(Semaphore::new(CONNECTING));
    let mut connecting = JoinSet::new();
    for number in 0..agents {
        let agent = AgentId(format!("{number:032x}"));
        let chain = door.authority.issue(request.der(), &agent, clock::now()).unwrap();
        let host = HostFacts {
            hostname: format!("host{number}"),
            boot_id: "boot".to_owned(),
            agent_version: "0".to_owned(),
            attrs: BTreeMap::default(),
        };
        door.store.enrol(&agent, &host, clock::now()).unwrap();
        let fields = toml::Table::from_iter([
            ("agent_id".to_owned(), agent.0.into()),
            ("collector".to_owned(), format!("https://{}", door.address).into()),
            ("key".to_owned(), key.serialize_pem().into()),
            ("certificate".to_owned(), pem::certificate(&chain[0]).into()),
            ("authority".to_owned(), pem::certificate(&chain[1]).into()),
        ]);
        let credentials: Credentials = fields.try_into().unwrap();
        let places = places.clone();
        connecting.spawn(async move {
            let _place = places.acquire().await.unwrap();
            Agent::open(number, &credentials, host).await
        });
    }
    connecting.join_all().await
}

impl Agent {
    async fn open(number: usize, credentials: &Credentials, host: HostFacts) -> Agent {
        let channel = connect(credentials).await.unwrap();
        let (out, messages) = mpsc::channel(4);
        out.send(FromAgent::Hello(Hello { host }).into()).await.unwrap();
        let mut client = AgentClient::new(channel);
        let mut inbound = client.stream(ReceiverStream::new(messages)).await.unwrap().into_inner();
        let hello = inbound.message().await.unwrap().unwrap();
        assert!(matches!(
            FromCollector::try_from(hello),
            Ok(FromCollector::HelloAck { last_sequence: 0, .. })
        ));
        Agent { number, sequence: 0, out, inbound, defined: false }
    }

    /// Sends all bodies, at most `window` of them unanswered; the waits for the answers.
    async fn send(&mut self, bodies: &Bodies, window: usize, begin: Instant) -> Vec<Duration> {
        if !self.defined {
            self.say(FromAgent::Definitions(bodies.definitions.clone())).await;
            self.defined = true;
        }
        let mut flying: VecDeque<(u64, Instant)> = VecDeque::new();
        let mut waits = Vec::new();
        for (place, body) in bodies.bodies.iter().enumerate() {
            tokio::time::sleep_until((begin + bodies.pace * place as u32).into()).await;
            self.sequence += 1;
            let sequence = self.sequence;
            flying.push_back((sequence, Instant::now()));
            let batch = Batch { sequence, boot_id: "boot".to_owned(), body: body.clone() };
            self.say(FromAgent::Batch(batch)).await;
            let most = if place + 1 == bodies.bodies.len() { 0 } else { window - 1 };
            while flying.len() > most {
                let upto = self.answer().await;
                while let Some((_, sent)) = flying.pop_front_if(|it| it.0 <= upto) {
                    waits.push(sent.elapsed());
                }
            }
        }
        waits
    }

    async fn say(&self, message: FromAgent) {
        self.out.send(message.into()).await.unwrap();
    }

    async fn answer(&mut self) -> u64 {
        let message = self.inbound.message().await.unwrap().expect("the stream goes on");
        match FromCollector::try_from(message) {
            Ok(FromCollector::Ack { sequence, refused }) if refused.is_empty() => sequence,
            other => panic!("wanted an acknowledgement, found {other:?}"),
        }
    }
}

/// Packed ticks; all agents send the same ones, which no two of them share on the server's side.
struct Bodies {
    definitions: Vec<Definition>,
    bodies: Vec<Vec<u8>>,
    pace: Duration,
}

fn bodies(recording: &Recording, ticks: Range<usize>, pace: Duration) -> Bodies {
    let start = clock::now() - Duration::from_secs(3600);
    let mut packed = ticks.map(|tick| {
        let at = start + Duration::from_secs(10) * tick as u32;
        wire::pack(&[recording.run(0, tick, Time::from_millis(at.millis()))]).unwrap()
    });
    let first = packed.next().unwrap();
    let mut bodies = vec![first.body];
    bodies.extend(packed.map(|it| it.body));
    Bodies { definitions: first.definitions, bodies, pace }
}

/// All agents send all bodies; gives them back, with all waits.
async fn send(
    fleet: Vec<Agent>,
    bodies: Arc<Bodies>,
    window: usize,
) -> (Vec<Agent>, Vec<Duration>) {
    let begin = Instant::now();
    let agents = fleet.len();
    let mut sending = JoinSet::new();
    for mut agent in fleet {
        let bodies = bodies.clone();
        // Their starts are spread over the pace, as those of real agents are.
        let begin = begin + bodies.pace.mul_f64(agent.number as f64 / agents as f64);
        sending.spawn(async move {
            let waits = agent.send(&bodies, window, begin).await;
            (agent, waits)
        });
    }
    let done = sending.join_all().await;
    let (fleet, waits): (Vec<_>, Vec<_>) = done.into_iter().unzip();
    (fleet, waits.into_iter().flatten().collect())
}
