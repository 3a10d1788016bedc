//! Rules and contracts are read again while the collector runs; what is broken is refused whole, and the old goes on.
//! On the way: a running collector's store is asked why, read only.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::Child,
    thread,
    time::{Duration, Instant},
};

use xunjian_rules::LIBRARY;

use crate::{kill::Site, support::TempDir};

/// Ends the process it was given, also when a test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn write_rules(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for file in LIBRARY {
        fs::write(folder.join(file.name), file.text).unwrap();
    }
}

/// A figure of `/metrics`.
fn metric(site: &Site, name: &str) -> Option<u64> {
    let config = fs::read_to_string(site.dir.join("collector.toml")).unwrap();
    let address = config.split("[web]\nlisten = '").nth(1)?.split('\'').next()?;
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let line = text.lines().find(|it| it.split(' ').next() == Some(name))?;
    line.split(' ').nth(1)?.parse().ok()
}

fn wait(site: &Site, name: &str, wanted: u64) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let found = metric(site, name);
        if found == Some(wanted) {
            return;
        }
        let log = site.log("xunjian-collector");
        assert!(Instant::now() < deadline, "{name} is {found:?}, wanted {wanted}\n{log}");
        thread::sleep(Duration::from_millis(300));
    }
}

fn asked(site: &Site, args: &[&str]) -> (bool, String) {
    let all = [&["rules", "why"][..], args].concat();
    let output = site.command("xunjian-collector", &all).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn changed_files_are_taken_over_and_broken_ones_refused_while_it_runs() {
    let dir = TempDir::new("reload");
    let site = Site::new(dir.path());
    let (rules, contracts) = (dir.path().join("rules"), dir.path().join("contracts"));
    write_rules(&rules);
    fs::create_dir_all(&contracts).unwrap();
    let config = dir.path().join("collector.toml");
    let text = fs::read_to_string(&config).unwrap();
    let folders = format!("rules = '{}'\ncontracts = '{}'\n", rules.display(), contracts.display());
    fs::write(&config, folders + &text).unwrap();
    let _collector = Running(site.collector());
    site.enrol();
    let _agent = Running(site.agent());
    let all = metric(&site, "xunjian_rules").unwrap();
    assert!(all > 100, "{all}");

    // A rule too many mistakes: refused whole, told with file and line, the old set goes on.
    let host = fs::read_to_string(rules.join("host.toml")).unwrap();
    fs::write(
        rules.join("host.toml"),
        host.replace("evidence = \"latent\"", "evidence = \"grave\""),
    )
    .unwrap();
    wait(&site, "xunjian_reloads_refused_total", 1);
    assert_eq!(metric(&site, "xunjian_rules"), Some(all));
    assert!(metric(&site, "xunjian_reload_mistakes").unwrap() > 2);
    let log = site.log("xunjian-collector");
    assert!(log.contains("host.toml:10: `evidence` is `grave`, wanted impact_total"), "{log}");

    // Put right, and a rule fewer: in force without a restart.
    let end = host.rfind("[[rule]]").unwrap();
    fs::write(rules.join("host.toml"), &host[..end]).unwrap();
    wait(&site, "xunjian_rules", all - 1);
    assert_eq!(metric(&site, "xunjian_reload_mistakes"), Some(0));

    // A contract that the rules cannot follow is refused; a sound one is in force.
    let over = |rule: &str| {
        format!("customer = 'acme'\n[[overrides]]\nrule = '{rule}'\nwho = 'w'\nwhy = 'y'\n")
    };
    fs::write(contracts.join("acme.toml"), over("host-memory-lo")).unwrap();
    wait(&site, "xunjian_reload_mistakes", 1);
    let log = site.log("xunjian-collector");
    assert!(log.contains("did you mean `host-memory-low`?"), "{log}");
    fs::write(contracts.join("acme.toml"), over("host-memory-low")).unwrap();
    wait(&site, "xunjian_contracts", 1);

    // The running collector's store is asked, read only.
    let deadline = Instant::now() + Duration::from_secs(60);
    let said = loop {
        let (good, said) = asked(&site, &["host"]);
        if good && said.contains("host-memory-low") && said.contains("✓ 正常") {
            break said;
        }
        assert!(Instant::now() < deadline, "{said}");
        thread::sleep(Duration::from_millis(500));
    };
    assert!(said.contains("system.memory.utilization"), "{said}");
    let (good, before) = asked(&site, &["host", "--at", "2020-01-01T00:00:00Z", "--lang", "en"]);
    assert!(good && !before.contains("✓ quiet"), "{before}");
}
