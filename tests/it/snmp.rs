//! The `walk` door against a real agent: net-snmp's `snmpd` on the loopback, versions 2c and 3 with every protocol that
//! it has, wrong secrets, a restart. Without snmpd the test says so and ends, unless `XUNJIAN_SNMPD=required`.

use std::{
    env, fs,
    net::UdpSocket,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use xunjian_agent::{
    config::Config,
    host::{Allowed, Ask, Host, HostError, Live, Meta, Oid, Recorded, Recorder, Value, Walked},
    source::{Collect, Found},
    sources,
    targets::Targets,
};
use xunjian_proto::{HostFacts, Reason, Time};

use crate::recorder::Folder;

const SNMPD: &str = "/usr/sbin/snmpd";
const LIMIT: Duration = Duration::from_secs(20);

/// User, authentication and privacy in our words, and in snmpd's.
const USERS: [(&str, &str, &str, &str, &str); 8] = [
    ("md5des", "md5", "des", "MD5", "DES"),
    ("shaaes", "sha", "aes-128", "SHA", "AES"),
    ("sha224", "sha-224", "aes-128", "SHA-224", "AES"),
    ("sha256", "sha-256", "aes-128", "SHA-256", "AES"),
    ("sha384", "sha-384", "des", "SHA-384", "DES"),
    ("sha512", "sha-512", "aes-128", "SHA-512", "AES"),
    ("long192", "sha", "aes-192", "SHA", "AES-192"),
    ("long256", "md5", "aes-256", "MD5", "AES-256"),
];

/// A running snmpd, ended with the test.
struct Agent {
    child: Child,
    folder: Folder,
    port: u16,
}

impl Agent {
    fn start(name: &str) -> Option<Agent> {
        if !Path::new(SNMPD).exists() {
            let required = env::var("XUNJIAN_SNMPD").is_ok_and(|value| value == "required");
            assert!(!required, "{SNMPD} is not there: install the package snmpd");
            eprintln!("{SNMPD} is not there: the door is not tried against a real agent");
            return None;
        }
        let folder = Folder::new(name);
        let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut conf = format!(
            "agentaddress udp:127.0.0.1:{port}\nrocommunity c0mmunity 127.0.0.1\nrouser authonly auth\n\
             createUser authonly SHA-256 authentication\nsysobjectid .1.3.6.1.4.1.6574\n\
             override .1.3.6.1.4.1.6574.1.1.0 integer 1\noverride .1.3.6.1.4.1.6574.1.3.0 integer 2\n\
             override .1.3.6.1.4.1.6574.1.5.1.0 octet_str \"DS1\"\noverride .1.3.6.1.4.1.6574.1.5.2.0 octet_str \"SN12345\"\n"
        );
        for (user, _, _, auth, privacy) in USERS {
            conf += &format!(
                "createUser {user} {auth} authentication {privacy} encryption\nrouser {user} priv\n"
            );
        }
        fs::write(folder.path("snmpd.conf"), conf).unwrap();
        for (file, secret) in [
            ("community", "c0mmunity"),
            ("auth", "authentication"),
            ("privacy", "encryption"),
            ("wrong", "not the password"),
        ] {
            fs::write(folder.path(file), secret).unwrap();
            fs::set_permissions(folder.path(file), fs::Permissions::from_mode(0o600)).unwrap();
        }
        let child = spawn(&folder);
        Some(Agent { child, folder, port })
    }

    fn restart(&mut self) {
        self.stop();
        self.child = spawn(&self.folder);
    }

    fn stop(&mut self) {
        // SIGTERM, so that it keeps its count of boots.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }

    /// A live host whose target `t` is opened so.
    fn host(&self, door: &str) -> Live {
        let dir = self.folder.path("").display().to_string();
        let door = door.replace("DIR/", &dir);
        let text = format!(
            "[[sources.snmp.target]]\nname = 't'\naddress = '127.0.0.1:{}'\ntimeout = '500ms'\n{door}\n",
            self.port
        );
        let config = Config::parse(&text, sources::ALL).unwrap_or_else(|error| panic!("{error:?}"));
        Live::new(Allowed::of(sources::ALL)).with_targets(Targets::of(&config))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &Folder) -> Child {
    Command::new(SNMPD)
        .args(["-f", "-C", "-Ln", "-c"])
        .arg(folder.path("snmpd.conf"))
        .env("SNMP_PERSISTENT_DIR", folder.path("persistent"))
        .env("MIBS", "")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn oid(text: &str) -> Oid {
    text.parse().unwrap()
}

fn walk(host: &dyn Host, roots: &[&str]) -> Result<Walked, HostError> {
    let roots: Vec<Oid> = roots.iter().map(|it| oid(it)).collect();
    host.walk("t", Ask { roots: &roots, first: false }, LIMIT)
}

/// Walks until the agent is up.
fn patient(host: &dyn Host, roots: &[&str]) -> Walked {
    let until = Instant::now() + LIMIT;
    loop {
        match walk(host, roots) {
            Ok(walked) => return walked,
            Err(error) => assert!(Instant::now() < until, "{error}"),
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn run(host: &dyn Host) -> Found {
    let source = sources::ALL.iter().find(|it| it.name == "snmp").unwrap();
    let (options, mut cursor) = (toml::Table::new(), None);
    let mut collect = Collect::new(host, &options, &mut cursor);
    (source.collect)(&mut collect).unwrap();
    collect.finish()
}

const SYSTEM: &str = "1.3.6.1.2.1.1";

#[test]
fn a_real_agent_is_walked_in_every_version_and_protocol() {
    let Some(agent) = Agent::start("snmp-protocols") else { return };
    let two = agent.host("community_file = 'DIR/community'");
    let whole = patient(&two, &[SYSTEM]);
    assert_eq!(whole.bindings[&oid("1.3.6.1.2.1.1.2.0")], Value::Oid(oid("1.3.6.1.4.1.6574")));
    assert!(whole.bindings.len() > 8 && whole.cuts.is_empty(), "{whole:?}");
    let auth = agent.host("user = 'authonly'\nauth = 'sha-256'\nauth_file = 'DIR/auth'");
    assert_eq!(walk(&auth, &[SYSTEM]).unwrap().bindings.len(), whole.bindings.len());
    for (user, auth, privacy, ..) in USERS {
        let host = agent.host(&format!(
            "user = '{user}'\nauth = '{auth}'\nauth_file = 'DIR/auth'\nprivacy = '{privacy}'\nprivacy_file = 'DIR/privacy'"
        ));
        let walked = walk(&host, &[SYSTEM]).unwrap_or_else(|error| panic!("{user}: {error}"));
        assert_eq!(walked.bindings.len(), whole.bindings.len(), "{user}");
        // The engine is known now; several roots in one question.
        let roots =
            ["1.3.6.1.2.1.1.1", "1.3.6.1.2.1.1.9.1.2", "1.3.6.1.2.1.1.9.1.3", "1.3.6.1.4.1.6574"];
        let several = walk(&host, &roots).unwrap();
        assert!(
            several.bindings.contains_key(&oid("1.3.6.1.4.1.6574.1.5.2.0")),
            "{user}: {several:?}"
        );
        assert!(several.bindings.keys().all(|it| roots.iter().any(|root| it.is_below(&oid(root)))));
    }
}

#[test]
fn few_and_many_variables_at_once_bring_the_same() {
    let Some(agent) = Agent::start("snmp-bulk") else { return };
    let walked = |bulk: u32| {
        let host = agent.host(&format!("community_file = 'DIR/community'\nbulk = {bulk}"));
        let mut walked =
            patient(&host, &["1.3.6.1.2.1.1.9", "1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.4.20"])
                .bindings;
        // What changes while it is read.
        walked.retain(|oid, _| !oid.to_string().starts_with("1.3.6.1.2.1.1.9.1.4"));
        walked
    };
    let many = walked(50);
    assert!(many.len() > 10, "{many:?}");
    assert_eq!(many, walked(1));
    assert_eq!(many, walked(3));
}

#[test]
fn wrong_secrets_are_told_apart_and_never_shown() {
    let Some(agent) = Agent::start("snmp-wrong") else { return };
    patient(&agent.host("community_file = 'DIR/community'"), &[SYSTEM]);
    let user = |user: &str, auth: &str, privacy: &str| {
        format!(
            "user = '{user}'\nauth = 'sha'\nauth_file = 'DIR/{auth}'\nprivacy = 'aes'\nprivacy_file = 'DIR/{privacy}'\nretries = 0"
        )
    };
    for (door, reason, wanted) in [
        (user("nobody", "auth", "privacy"), Reason::PermissionDenied, "does not know the user"),
        (user("shaaes", "wrong", "privacy"), Reason::PermissionDenied, "signature wrong"),
        ("community_file = 'DIR/wrong'\nretries = 0".to_owned(), Reason::TimedOut, "no answer"),
        (
            "community_file = 'DIR/nothing'".to_owned(),
            Reason::PermissionDenied,
            "cannot read the secret",
        ),
    ] {
        let error = walk(&agent.host(&door), &[SYSTEM]).unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
        assert_eq!(error.reason(), reason, "{error}");
        assert!(!format!("{error:?}").contains("not the password"));
    }
    // A wrong privacy password is reported or met with silence, by the agent's version.
    let error = walk(&agent.host(&user("shaaes", "auth", "wrong")), &[SYSTEM]).unwrap_err();
    assert!(matches!(error.reason(), Reason::PermissionDenied | Reason::TimedOut), "{error}");
}

#[test]
fn an_agent_that_was_restarted_is_believed_again() {
    let Some(mut agent) = Agent::start("snmp-restart") else { return };
    let host = agent.host("user = 'sha256'\nauth = 'sha-256'\nauth_file = 'DIR/auth'\nprivacy = 'aes'\nprivacy_file = 'DIR/privacy'");
    let before = patient(&host, &[SYSTEM]);
    agent.restart();
    let after = patient(&host, &[SYSTEM]);
    assert_eq!(after.bindings.len(), before.bindings.len());
}

#[test]
fn a_recording_of_a_device_answers_as_the_device_did_and_holds_no_secret() {
    let Some(agent) = Agent::start("snmp-record") else { return };
    let live = agent.host("community_file = 'DIR/community'");
    patient(&live, &[SYSTEM]);
    let dir = agent.folder.path("recording");
    let recorder = Recorder::create(Arc::new(live), &dir).unwrap();
    let mut first = run(&recorder);
    let host = HostFacts {
        hostname: String::new(),
        boot_id: String::new(),
        agent_version: String::new(),
        attrs: Default::default(),
    };
    recorder.finish(&Meta { recorded_at: Time::from_secs(0), host }).unwrap();
    let mut second = run(&Recorded::open(&dir));
    let untimed = |found: &mut Found| found.samples.retain(|it| it.series.metric != "snmp.uptime");
    untimed(&mut first);
    untimed(&mut second);
    assert_eq!(first, second);
    let device = first.components.iter().find(|it| it.id.as_str() == "device:SN12345");
    assert!(device.is_some(), "{:?}", first.components);
    let psu =
        first.states.iter().find(|it| it.component.kind() == "psu" && it.metric == "snmp.health");
    assert_eq!(psu.map(|it| it.value.as_str()), Some("failed"));
    for file in fs::read_dir(dir.join("targets/snmp")).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(!text.contains("c0mmunity") && !text.contains("community_file"), "{text}");
    }
}
