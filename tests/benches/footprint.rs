//! What the agent costs a host: CPU seconds an hour, resident memory, wake-ups a second, binary size, bytes a sample on the
//! wire. Starts a collector and an agent of this build on loopback with default periods, watches `/proc`, prints a table.
//!
//! `cargo build --release && cargo bench -p xunjian-tests --bench footprint -- --seconds 300 [--bin FOLDER]`
//!
//! FOLDER holds `xunjian-agent` and `xunjian-collector`; without it, `target/release` of this repository.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints its table and stops at the first surprise"
)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Seconds before counting starts: the first round of all sources is not the ordinary load.
const WARM_SECS: u64 = 40;

fn main() {
    let args: Vec<String> = env::args().collect();
    let option = |name: &str| args.iter().position(|it| it == name).map(|at| args[at + 1].as_str());
    let seconds: u64 = option("--seconds").map_or(120, |it| it.parse().unwrap());
    let bin = option("--bin").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release"),
        PathBuf::from,
    );
    let dir = env::temp_dir().join(format!("xunjian-footprint-{}", std::process::id()));
    let both = Both::start(&bin, &dir);
    thread::sleep(Duration::from_secs(WARM_SECS));
    let (before, started) = (Usage::of(both.agent.id()), Instant::now());
    thread::sleep(Duration::from_secs(seconds));
    let (after, took) = (Usage::of(both.agent.id()), started.elapsed().as_secs_f64());
    let hour = 3600.0 / took;
    println!("agent, all sources at default periods, {took:.0} s watched after {WARM_SECS} s");
    println!("| what | value |\n|---|---|");
    println!(
        "| CPU seconds an hour, the agent itself | {:.2} |",
        (after.own_secs - before.own_secs) * hour
    );
    println!(
        "| CPU seconds an hour, programs it started | {:.2} |",
        (after.child_secs - before.child_secs) * hour
    );
    println!(
        "| resident memory, MiB (peak {:.1}) | {:.1} |",
        after.peak_kib / 1024.0,
        after.rss_kib / 1024.0
    );
    println!("| of it anonymous, MiB | {:.1} |", after.anon_kib / 1024.0);
    println!(
        "| wake-ups a second (voluntary switches of all threads) | {:.2} |",
        (after.switches - before.switches) / took
    );
    println!("| binary of this build, MiB | {:.1} |", size_mib(&bin.join("xunjian-agent")));
    for line in both.metrics().lines().filter(|it| it.starts_with("xunjian_ingest_")) {
        println!("| {} |", line.replacen(' ', " | ", 1));
    }
}

struct Both {
    agent: Child,
    collector: Child,
    dir: PathBuf,
}

impl Both {
    fn start(bin: &Path, dir: &Path) -> Both {
        fs::create_dir_all(dir).unwrap();
        let config = dir.join("collector.toml");
        let text = format!(
            "folder = '{}'\n[agents]\nlisten = '127.0.0.1:17443'\n[web]\nlisten = '127.0.0.1:17480'\n",
            dir.join("store").display()
        );
        fs::write(&config, text).unwrap();
        let collector = bin.join("xunjian-collector");
        let server = quiet(Command::new(&collector).args(["serve", "--config"]).arg(&config));
        let pid = server.id().to_string();
        must(Command::new(&collector).args(["wait-ready", "--pid", &pid, "--config"]).arg(&config));
        let token = Command::new(&collector)
            .args(["enrol-token", "--config"])
            .arg(&config)
            .output()
            .unwrap();
        let token = String::from_utf8(token.stdout).unwrap();
        let config = dir.join("agent.toml");
        let text = format!(
            "folder = '{}'\n[collector]\naddress = '127.0.0.1:17443'\n",
            dir.join("agent").display()
        );
        fs::write(&config, text).unwrap();
        let agent = bin.join("xunjian-agent");
        must(
            Command::new(&agent).args(["enrol", "--token", token.trim(), "--config"]).arg(&config),
        );
        let agent = quiet(Command::new(&agent).args(["run", "--config"]).arg(&config));
        Both { agent, collector: server, dir: dir.to_owned() }
    }

    fn metrics(&self) -> String {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect("127.0.0.1:17480").unwrap();
        stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Both {
    fn drop(&mut self) {
        for child in [&mut self.agent, &mut self.collector] {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// What `/proc` says of a process.
struct Usage {
    own_secs: f64,
    child_secs: f64,
    rss_kib: f64,
    peak_kib: f64,
    anon_kib: f64,
    switches: f64,
}

impl Usage {
    fn of(pid: u32) -> Usage {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields: Vec<f64> = stat
            .rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .map(|it| it.parse().unwrap_or(0.0))
            .collect();
        // Fields 14 to 17 of proc(5), in ticks of 1/100 s; the state is field 3 and the first after the bracket.
        let ticks = |from: usize| (fields[from] + fields[from + 1]) / 100.0;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let switches = fs::read_dir(format!("/proc/{pid}/task"))
            .unwrap()
            .filter_map(|it| fs::read_to_string(it.unwrap().path().join("status")).ok())
            .map(|text| number(&text, "voluntary_ctxt_switches"))
            .sum();
        Usage {
            own_secs: ticks(11),
            child_secs: ticks(13),
            rss_kib: number(&status, "VmRSS"),
            peak_kib: number(&status, "VmHWM"),
            anon_kib: number(&status, "RssAnon"),
            switches,
        }
    }
}

fn number(status: &str, key: &str) -> f64 {
    let line = status.lines().find(|it| it.split(':').next() == Some(key)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|it| it.parse().ok()).unwrap_or(0.0)
}

fn quiet(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn must(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

#[allow(clippy::cast_precision_loss, reason = "a size in MiB with one decimal")]
fn size_mib(path: &Path) -> f64 {
    fs::metadata(path).unwrap().len() as f64 / 1024.0 / 1024.0
}
