//! Durability: agent and collector are killed (-9) again and again while batches flow; nothing acknowledged is lost, and
//! nothing is counted twice.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use xunjian_collector::store::Store;

use crate::support::{TempDir, program};

/// How often one of the two is killed.
const KILLS: u64 = 24;

#[test]
fn nothing_acknowledged_is_lost_or_doubled_by_kill_9() {
    let dir = TempDir::new("kill");
    let site = Site::new(dir.path());
    let mut collector = site.collector();
    site.enrol();
    let mut agent = site.agent();
    let mut random = 0x2545_f491_4f6c_dd1d_u64 ^ u64::from(std::process::id());
    for round in 0..KILLS {
        // xorshift: a moment between 0.1 and 0.9 s, other ones in every run of the test.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        thread::sleep(Duration::from_millis(100 + random % 800));
        let victim = if round % 2 == 0 { &mut agent } else { &mut collector };
        victim.kill().unwrap();
        victim.wait().unwrap();
        if round % 2 == 0 { agent = site.agent() } else { collector = site.collector() }
    }
    let last = site.settled();
    agent.kill().unwrap();
    agent.wait().unwrap();
    // The collector goes the same way: what it holds must be readable afterwards.
    collector.kill().unwrap();
    collector.wait().unwrap();
    site.check(last);
}

/// A collector and an agent in a folder, on ports of their own.
struct Site {
    dir: PathBuf,
}

impl Site {
    fn new(dir: &Path) -> Site {
        let (agents, web) = (free_port(), free_port());
        let text = format!(
            "folder = '{}'\n[agents]\nlisten = '127.0.0.1:{agents}'\n[web]\nlisten = '127.0.0.1:{web}'\n",
            dir.join("collector").display()
        );
        fs::write(dir.join("collector.toml"), text).unwrap();
        let text = format!(
            "folder = '{}'\n[collector]\naddress = '127.0.0.1:{agents}'\n[load]\ndefer = false\n\
             [sources.host]\nevery = '1s'\ndeadline = '900ms'\n[sources.net]\nevery = '1s'\ndeadline = '900ms'\n\
             [sources.smart]\nenabled = false\n[sources.systemd]\nenabled = false\n",
            dir.join("agent").display()
        );
        fs::write(dir.join("agent.toml"), text).unwrap();
        Site { dir: dir.to_owned() }
    }

    fn command(&self, name: &str, args: &[&str]) -> Command {
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

    fn collector(&self) -> Child {
        let child =
            self.command("xunjian-collector", &["serve"]).stdout(Stdio::null()).spawn().unwrap();
        let pid = child.id().to_string();
        let ready =
            self.command("xunjian-collector", &["wait-ready", "--pid", &pid]).status().unwrap();
        assert!(ready.success(), "{}", self.log("xunjian-collector"));
        child
    }

    fn agent(&self) -> Child {
        self.command("xunjian-agent", &["run"]).stdout(Stdio::null()).spawn().unwrap()
    }

    fn enrol(&self) {
        let token = self.command("xunjian-collector", &["enrol-token"]).output().unwrap();
        assert!(token.status.success(), "{}", self.log("xunjian-collector"));
        let token = String::from_utf8(token.stdout).unwrap();
        let done =
            self.command("xunjian-agent", &["enrol", "--token", token.trim()]).status().unwrap();
        assert!(done.success(), "{}", self.log("xunjian-agent"));
    }

    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(format!("{name}.log"))).unwrap_or_default()
    }

    /// Waits until batches have flowed again after the last kill; gives the newest sequence then.
    fn settled(&self) -> u64 {
        let store = Store::open(&self.dir.join("collector/store")).unwrap();
        let agent = store.agents().unwrap().remove(0).agent;
        let before = store.last_sequence(&agent).unwrap().unwrap_or(0);
        let deadline = Instant::now() + Duration::from_secs(90);
        loop {
            let now = store.last_sequence(&agent).unwrap().unwrap_or(0);
            if now >= before + 2 {
                return now;
            }
            assert!(
                Instant::now() < deadline,
                "no new batch after {before}: {}",
                self.log("xunjian-agent")
            );
            thread::sleep(Duration::from_millis(200));
        }
    }

    fn check(&self, last: u64) {
        let store = Store::open(&self.dir.join("collector/store")).unwrap();
        let agent = store.agents().unwrap().remove(0).agent;
        assert_eq!(store.sequence_gaps(&agent).unwrap(), 0, "an acknowledged batch is gone");
        assert!(store.last_sequence(&agent).unwrap().unwrap() >= last);
        drop(store);
        let db =
            fs::read_dir(self.dir.join("collector/store")).unwrap().map(|it| it.unwrap().path());
        let db = db.filter(|it| it.extension().is_some_and(|it| it == "db")).collect::<Vec<_>>();
        let [db] = &db[..] else { panic!("one database, not {db:?}") };
        let db = rusqlite::Connection::open(db).unwrap();
        let mut tables = db.prepare("SELECT name FROM sqlite_master WHERE name LIKE 'raw\\_%' ESCAPE '\\' AND type = 'table'").unwrap();
        let tables: Vec<String> =
            tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let mut sequences: Vec<(String, i64)> = Vec::new();
        for table in tables {
            let mut rows = db.prepare(&format!("SELECT boot, sequence FROM {table}")).unwrap();
            let found = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            sequences.extend(found.map(Result::unwrap));
        }
        let all = sequences.len();
        sequences.sort();
        sequences.dedup();
        assert_eq!(sequences.len(), all, "a batch is stored twice");
        assert!(all as u64 >= last, "{all} batches are stored, but sequences go up to {last}");
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
