//! What the agent costs a host: CPU seconds an hour, resident memory, wake-ups a second, binary size. Starts a collector
//! and an agent on loopback, watches `/proc`, prints a table for each of: this machine with all sources at default
//! periods, with the eight that every host has, and a recorded host with sixty disks whose devices are asked every half
//! minute.
//!
//! `cargo build --release && cargo bench -p xunjian-tests --bench footprint -- --seconds 300 [--agent FILE] [--bin FOLDER]
//! [--only all|eight|disks]`
//!
//! The collector, and without `--agent` the agent, are those of FOLDER, by default `target/release` of this repository.

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

mod chassis;

/// The sources of a host that has nothing but disks and a network.
const EIGHT: [&str; 8] = ["block", "fs", "host", "kmsg", "md", "net", "smart", "systemd"];

/// Seconds before counting starts: the first round of all sources is not the ordinary load.
const WARM_SECS: u64 = 40;

fn main() {
    let args: Vec<String> = env::args().collect();
    let option = |name: &str| args.iter().position(|it| it == name).map(|at| args[at + 1].as_str());
    let seconds: u64 = option("--seconds").map_or(120, |it| it.parse().unwrap());
    let release = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release");
    let release = option("--bin").map_or(release, PathBuf::from);
    let agent = option("--agent").map_or_else(|| release.join("xunjian-agent"), PathBuf::from);
    let collector = release.join("xunjian-collector");
    for (name, title) in [
        ("all", "all sources at default periods"),
        ("eight", "the eight sources that every host has, at default periods"),
        ("disks", "a recorded host with sixty disks, what asks devices every 30 s"),
    ] {
        if option("--only").is_none_or(|it| it == name) {
            let dir = env::temp_dir().join(format!("xunjian-footprint-{}", std::process::id()));
            watch(name, title, seconds, &Both::start(name, &agent, &collector, &dir));
        }
    }
    println!("\nagent's binary: {:.2} MiB", size_mib(&agent));
}

fn watch(name: &str, title: &str, seconds: u64, both: &Both) {
    thread::sleep(Duration::from_secs(WARM_SECS));
    let (before, started) = (Usage::of(both.agent.id()), Instant::now());
    thread::sleep(Duration::from_secs(seconds));
    let (after, took) = (Usage::of(both.agent.id()), started.elapsed().as_secs_f64());
    let hour = 3600.0 / took;
    println!("\nagent, {title}, {took:.0} s watched after {WARM_SECS} s\n");
    println!("| what | value |\n|---|---|");
    if name != "disks" {
        let own = (after.own_secs - before.own_secs) * hour;
        let programs = (after.child_secs - before.child_secs) * hour;
        println!("| CPU seconds an hour, the agent itself | {own:.2} |");
        println!("| CPU seconds an hour, programs it started | {programs:.2} |");
        let wakes = (after.switches - before.switches) / took;
        println!(
            "| wake-ups a second (voluntary switches of all threads that are there) | {wakes:.2} |"
        );
    }
    let [rss, peak, anon] = [after.rss_kib, after.peak_kib, after.anon_kib].map(|it| it / 1024.0);
    println!("| resident memory, MiB (peak {peak:.1}) | {rss:.1} |");
    println!("| of it anonymous, MiB | {anon:.1} |");
    for line in both.metrics().lines().filter(|it| it.starts_with("xunjian_ingest_")) {
        println!("| {} |", line.replacen(' ', " | ", 1));
    }
}

/// The agent's configuration for a mode, beside where it lives.
fn config(mode: &str) -> String {
    let section = |it: &xunjian_agent::source::Source| match mode {
        "eight" if !EIGHT.contains(&it.name) => format!("[sources.{}]\nenabled = false\n", it.name),
        "disks" if it.every > Duration::from_secs(30) => {
            format!("[sources.{}]\nevery = \"30s\"\n", it.name)
        }
        _ => String::new(),
    };
    let sections: String = xunjian_agent::sources::ALL.iter().map(section).collect();
    // On a recording nothing is asked: it may be busy, and every run is to be made.
    format!("[load]\ndefer = {}\n{sections}", mode != "disks")
}

struct Both {
    agent: Child,
    collector: Child,
    dir: PathBuf,
}

impl Both {
    fn start(mode: &str, agent: &Path, collector: &Path, dir: &Path) -> Both {
        fs::create_dir_all(dir).unwrap();
        let config = dir.join("collector.toml");
        let text = format!(
            "folder = '{}'\n[agents]\nlisten = '127.0.0.1:17443'\n[web]\nlisten = '127.0.0.1:17480'\n",
            dir.join("store").display()
        );
        fs::write(&config, text).unwrap();
        let server = quiet(Command::new(collector).args(["serve", "--config"]).arg(&config));
        let pid = server.id().to_string();
        must(Command::new(collector).args(["wait-ready", "--pid", &pid, "--config"]).arg(&config));
        let token = Command::new(collector)
            .args(["enrol-token", "--config"])
            .arg(&config)
            .output()
            .unwrap();
        let token = String::from_utf8(token.stdout).unwrap();
        let config = dir.join("agent.toml");
        let text = format!(
            "folder = '{}'\n[collector]\naddress = '127.0.0.1:17443'\n{}",
            dir.join("agent").display(),
            self::config(mode)
        );
        fs::write(&config, text).unwrap();
        must(Command::new(agent).args(["enrol", "--token", token.trim(), "--config"]).arg(&config));
        let mut run = Command::new(agent);
        run.args(["run", "--config"]).arg(&config);
        if mode == "disks" {
            chassis::write(&dir.join("host"));
            run.arg("--host-dir").arg(dir.join("host"));
        }
        let agent = quiet(&mut run);
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
