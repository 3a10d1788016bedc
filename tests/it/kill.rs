//! Durability: agent and collector are killed (-9) again and again while batches flow; nothing acknowledged is lost, and
//! nothing is counted twice.

use std::{
    collections::BTreeSet,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use xunjian_agent::{config::SpoolLimits, sources, spool::Spool};
use xunjian_proto::Time;

use crate::support::{TempDir, program};

/// How often one of the two is killed.
const KILLS: u64 = 22;

#[test]
fn nothing_acknowledged_is_lost_or_doubled_by_kill_9() {
    let dir = TempDir::new("kill");
    let site = Site::new(dir.path());
    let mut collector = site.collector();
    site.enrol();
    let mut before = site.flowed();
    let mut agent = site.agent();
    let mut seen = Seen::default();
    let mut random = 0x2545_f491_4f6c_dd1d_u64 ^ u64::from(std::process::id());
    for round in 0..KILLS {
        // xorshift: other moments in every run of the test. An agent dies when it has made something at least.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        if round % 2 == 0 {
            site.flows_beyond(before);
        }
        thread::sleep(Duration::from_millis(random % 2400));
        let victim = if round % 2 == 0 { &mut agent } else { &mut collector };
        victim.kill().unwrap();
        victim.wait().unwrap();
        seen.check(&site);
        if round % 2 == 0 {
            before = site.flowed();
            agent = site.agent();
        } else {
            collector = site.collector();
        }
    }
    site.settled();
    agent.kill().unwrap();
    agent.wait().unwrap();
    // The collector goes the same way: what it holds must be readable afterwards.
    collector.kill().unwrap();
    collector.wait().unwrap();
    seen.check(&site);
    let stored = site.stored();
    let flowed = stored.len();
    assert!(flowed as u64 >= KILLS / 2, "only {flowed} batches flowed: the kills proved little");
}

/// Boot and sequence: what a batch is known by.
type Batch = (String, u64);

/// What was seen at each kill, to be found again at the end.
#[derive(Default)]
struct Seen {
    in_spool: BTreeSet<Batch>,
    in_store: BTreeSet<Batch>,
}

impl Seen {
    /// What left the spool was acknowledged, so it must be in the store; what is in the store stays there.
    fn check(&mut self, site: &Site) {
        let spooled = site.spooled();
        let stored = site.stored();
        let lost: Vec<&Batch> = self
            .in_spool
            .iter()
            .filter(|it| !spooled.contains(it) && !stored.contains(it))
            .collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        assert!(self.in_store.is_subset(&stored), "was stored and is not any more");
        self.in_spool.extend(spooled);
        self.in_store.extend(stored);
    }
}

/// A collector and an agent in a folder, on ports of their own.
pub(crate) struct Site {
    pub(crate) dir: PathBuf,
}

impl Site {
    pub(crate) fn new(dir: &Path) -> Site {
        let (agents, web) = (free_port(), free_port());
        let text = format!(
            "folder = '{}'\n[agents]\nlisten = '127.0.0.1:{agents}'\n[web]\nlisten = '127.0.0.1:{web}'\n",
            dir.join("collector").display()
        );
        fs::write(dir.join("collector.toml"), text).unwrap();
        let text = format!(
            "folder = '{}'\n[collector]\naddress = '127.0.0.1:{agents}'\n[load]\ndefer = false\n\
             [sources.host]\nevery = '5s'\ndeadline = '3s'\n[sources.net]\nevery = '5s'\ndeadline = '3s'\n",
            dir.join("agent").display()
        );
        // First runs wait for each other, and no agent here lives for long.
        let others =
            sources::ALL.iter().map(|it| it.name).filter(|it| !["host", "net"].contains(it));
        let off: String =
            others.map(|name| format!("[sources.{name}]\nenabled = false\n")).collect();
        let text = text + &off;
        fs::write(dir.join("agent.toml"), text).unwrap();
        Site { dir: dir.to_owned() }
    }

    pub(crate) fn command(&self, name: &str, args: &[&str]) -> Command {
        let side = if name == "xunjian-agent" { "agent.toml" } else { "collector.toml" };
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.dir.join(format!("{name}.log")))
            .unwrap();
        let mut command = Command::new(program(name));
        command
            .args(args)
            .arg("--config")
            .arg(self.dir.join(side))
            .stdin(Stdio::null())
            .stderr(log);
        command
    }

    pub(crate) fn collector(&self) -> Child {
        let child =
            self.command("xunjian-collector", &["serve"]).stdout(Stdio::null()).spawn().unwrap();
        let pid = child.id().to_string();
        let ready =
            self.command("xunjian-collector", &["wait-ready", "--pid", &pid]).status().unwrap();
        assert!(ready.success(), "{}", self.log("xunjian-collector"));
        child
    }

    pub(crate) fn agent(&self) -> Child {
        self.command("xunjian-agent", &["run"]).stdout(Stdio::null()).spawn().unwrap()
    }

    pub(crate) fn enrol(&self) {
        let token = self.command("xunjian-collector", &["enrol-token"]).output().unwrap();
        assert!(token.status.success(), "{}", self.log("xunjian-collector"));
        let token = String::from_utf8(token.stdout).unwrap();
        let done =
            self.command("xunjian-agent", &["enrol", "--token", token.trim()]).status().unwrap();
        assert!(done.success(), "{}", self.log("xunjian-agent"));
    }

    pub(crate) fn log(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(format!("{name}.log"))).unwrap_or_default()
    }

    /// Batches that were made and are still somewhere.
    fn flowed(&self) -> usize {
        self.spooled().union(&self.stored()).count()
    }

    /// Waits until there are more batches than these, or for some time.
    fn flows_beyond(&self, before: usize) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.flowed() <= before && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until all that was made is in the store. What was acknowledged may still lie in the segment that the agent
    /// writes to, so an empty spool would be too much to ask.
    fn settled(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let spooled = self.spooled();
            let stored = self.stored();
            let waiting: Vec<&Batch> = spooled.difference(&stored).collect();
            if waiting.is_empty() {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "not in the store: {waiting:?}\n{}\n{}",
                self.log("xunjian-agent"),
                self.log("xunjian-collector"),
            );
            thread::sleep(Duration::from_millis(300));
        }
    }

    /// Every batch in the store; stored twice is a failure.
    fn stored(&self) -> BTreeSet<Batch> {
        let folder = self.dir.join("collector/store");
        let files = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
        let files: Vec<PathBuf> =
            files.filter(|it| it.extension().is_some_and(|it| it == "db")).collect();
        let [file] = &files[..] else { panic!("one database, not {files:?}") };
        let db = rusqlite::Connection::open(file).unwrap();
        let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'raw_*'";
        let mut tables = db.prepare(sql).unwrap();
        let tables: Vec<String> =
            tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let mut all = BTreeSet::new();
        for table in tables {
            let mut rows = db.prepare(&format!("SELECT boot, sequence FROM {table}")).unwrap();
            let rows = rows
                .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))
                .unwrap();
            for (boot, sequence) in rows.map(Result::unwrap) {
                assert!(
                    all.insert((boot, sequence.cast_unsigned())),
                    "batch {sequence} is stored twice"
                );
            }
        }
        all
    }

    /// Every batch in the agent's spool, read from a copy: opening a spool may tidy it.
    fn spooled(&self) -> BTreeSet<Batch> {
        let (from, to) = (self.dir.join("agent/spool"), TempDir::new("spool-copy"));
        for file in fs::read_dir(&from).into_iter().flatten() {
            let file = file.unwrap();
            // A segment may be acknowledged away between listing and copying.
            let _ = fs::copy(file.path(), to.path().join(file.file_name()));
        }
        spool_batches(to.path())
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn spool_batches(folder: &Path) -> BTreeSet<Batch> {
    let spool = Spool::open(
        folder,
        SpoolLimits { bytes_max: u64::MAX, age_max: Duration::MAX },
        Time::from_secs(1_700_000_000),
    )
    .unwrap();
    let (mut all, mut after) = (BTreeSet::new(), 0);
    while let Some(found) = spool.next_after(after) {
        after = found.batch.sequence;
        all.insert((found.batch.boot_id, after));
    }
    all
}
