//! The door for HTTPS and the source `redfish`, against a service with every vice.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use xunjian_agent::{
    config::Config,
    host::{Allowed, Host, HostError, Live, Meta, Recorded, Recorder, Request},
    runner::{self, Job},
    source::Source,
    sources,
    targets::Targets,
};
use xunjian_proto::{HostFacts, Outcome, Reason, Run, Time};

use crate::support::TempDir;

mod service;

use service::{PASSWORD, Page, Service, USER};

const NOW: Time = Time::from_secs(1_800_000_000);

/// A folder with the password, and the text of a configuration.
struct Site {
    folder: TempDir,
    text: String,
}

impl Site {
    fn new() -> Site {
        let folder = TempDir::new("redfish");
        let site = Site { folder, text: String::new() };
        site.password(PASSWORD, 0o600);
        site
    }

    fn password(&self, text: &str, mode: u32) {
        let file = self.folder.path().join("password");
        fs::write(&file, format!("{text}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Adds a target; `more` are further keys.
    fn target(mut self, name: &str, port: u16, more: &str) -> Site {
        let file = self.folder.path().join("password");
        self.text += &format!(
            "[[sources.redfish.target]]\nname = {name:?}\naddress = \"localhost:{port}\"\nuser = {USER:?}\n\
             password_file = {file:?}\n{more}\n"
        );
        self
    }

    fn config(&self) -> Config {
        Config::parse(&self.text, sources::ALL).unwrap_or_else(|it| panic!("{it:?}"))
    }

    fn host(&self) -> Arc<Live> {
        let live = Live::new(Allowed::of(sources::ALL));
        Arc::new(live.with_targets(Targets::of(&self.config())))
    }

    fn run(&self) -> Run {
        run_on(self.host(), &self.config(), Duration::from_secs(30))
    }
}

fn source() -> &'static Source {
    sources::ALL.iter().find(|it| it.name == "redfish").unwrap()
}

fn run_on(host: Arc<dyn Host>, config: &Config, deadline: Duration) -> Run {
    let options = config.source(source()).options;
    runner::run(Job { source: *source(), options, deadline, cursor: None, at: NOW }, host).run
}

fn pinned(service: &Service) -> String {
    format!("fingerprint = {:?}", service.fingerprint)
}

fn page(value: Value) -> Page {
    Page::Json(value.to_string())
}

fn link(path: &str) -> Value {
    json!({ "@odata.id": path })
}

/// A server with two power supplies of which one is lost.
fn server() -> Vec<(&'static str, Page)> {
    vec![
        (
            "/redfish/v1",
            page(json!({
                "@odata.id": "/redfish/v1/", "@odata.type": "#ServiceRoot.v1_5_0.ServiceRoot",
                "Systems": link("/redfish/v1/Systems"), "Chassis": link("/redfish/v1/Chassis"),
                "Links": { "Sessions": link("/redfish/v1/SessionService/Sessions") },
            })),
        ),
        ("/redfish/v1/Systems", page(json!({ "Members": [link("/redfish/v1/Systems/1")] }))),
        (
            "/redfish/v1/Systems/1",
            Page::Chunked(
                json!({
                    "@odata.id": "/redfish/v1/Systems/1", "@odata.type": "#ComputerSystem.v1_5_0.ComputerSystem",
                    "SerialNumber": "SRV0001", "Model": "Testbed", "PowerState": "On",
                    "Status": { "State": "Enabled", "Health": "Critical" },
                })
                .to_string(),
            ),
        ),
        ("/redfish/v1/Chassis", page(json!({ "Members": [link("/redfish/v1/Chassis/1")] }))),
        (
            "/redfish/v1/Chassis/1",
            page(json!({
                "@odata.id": "/redfish/v1/Chassis/1", "@odata.type": "#Chassis.v1_5_0.Chassis",
                "Power": link("/redfish/v1/Chassis/1/Power"),
            })),
        ),
        ("/redfish/v1/Chassis/1/Power", page(power())),
    ]
}

fn power() -> Value {
    let supply = |at: u32, serial: &str, health: &str| {
        json!({
            "@odata.id": format!("/redfish/v1/Chassis/1/Power#/PowerSupplies/{at}"), "Name": format!("PSU {at}"),
            "SerialNumber": serial, "Status": { "State": "Enabled", "Health": health },
        })
    };
    json!({
        "@odata.id": "/redfish/v1/Chassis/1/Power", "@odata.type": "#Power.v1_5_0.Power",
        "PowerSupplies": [supply(0, "PSUA1", "OK"), supply(1, "PSUB2", "Critical")],
        "Redundancy": [{
            "@odata.id": "/redfish/v1/Chassis/1/Power#/Redundancy/0", "Name": "PSU Redundancy", "MinNumNeeded": 1,
            "RedundancySet": [link("/redfish/v1/Chassis/1/Power#/PowerSupplies/0"),
                              link("/redfish/v1/Chassis/1/Power#/PowerSupplies/1")],
            "Status": { "Health": "Warning" },
        }],
    })
}

fn state<'a>(run: &'a Run, metric: &str, component: &str) -> Option<&'a str> {
    let found =
        run.states.iter().find(|it| it.metric == metric && it.component.as_str() == component);
    found.map(|it| it.value.as_str())
}

fn sample(run: &Run, metric: &str) -> f64 {
    run.samples.iter().find(|it| it.series.metric == metric).unwrap().value
}

#[test]
fn a_server_is_read_in_one_session_over_one_connection() {
    let service = Service::start(&server());
    let run = Site::new().target("bmc1", service.port, &pinned(&service)).run();
    assert_eq!(run.outcome, Outcome::Collected, "{run:?}");
    assert_eq!(run.problems, []);
    assert_eq!(state(&run, "redfish.health", "psu:SRV0001/PSUB2"), Some("critical"));
    assert_eq!(state(&run, "target.reached", "device:SRV0001"), Some("yes"));
    let (asked, open) = service.seen(|it| (it.asked.len(), it.open.len()));
    service.seen(|it| assert_eq!((it.opened, it.connections), (1, 1), "{:?}", it.asked));
    assert_eq!(open, 0, "the session is still open");
    // Every question is in the ledger: all but the log-in and the log-out are GETs.
    let listed = |word: &str| run.cost.programs.iter().filter(|it| it.0.starts_with(word)).count();
    assert_eq!(
        (listed("https GET bmc1"), listed("https POST"), listed("https DELETE")),
        (asked - 2, 1, 1)
    );
    assert!(run.cost.read_bytes > 500);
    assert_eq!(sample(&run, "redfish.requests"), (asked - 2) as f64);
    let log_in = service.seen(|it| it.asked[1].clone());
    assert_eq!(log_in.0, "POST /redfish/v1/SessionService/Sessions");
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_said() {
    let service = Service::start(&server());
    let wrong = format!("fingerprint = {:?}", "ab".repeat(32));
    for more in ["", &wrong] {
        let run = Site::new().target("bmc1", service.port, more).run();
        assert_eq!(state(&run, "target.reached", "device:bmc1"), Some("no"));
        let problem = &run.problems[0];
        assert_eq!(problem.reason, Reason::PermissionDenied, "{problem:?}");
        // The text says what would have to be pinned, once somebody has compared it.
        let named = problem.text.contains(&service.fingerprint)
            || problem.text.contains("no file of authorities");
        assert!(named, "{problem:?}");
        assert_eq!(problem.component, None, "the rule about reaching it must be judged");
    }
    assert_eq!(service.seen(|it| it.asked.len()), 0);
}

#[test]
fn an_authority_or_the_certificate_itself_in_a_file_is_trusted() {
    let service = Service::start(&server());
    for pem in [&service.authority, &service.certificate] {
        let site = Site::new();
        let file = site.folder.path().join("ca.pem");
        fs::write(&file, pem).unwrap();
        let run = site.target("bmc1", service.port, &format!("ca_file = {file:?}")).run();
        assert_eq!(run.problems, []);
    }
    // The right authority does not make another name right.
    let site = Site::new();
    let file = site.folder.path().join("ca.pem");
    fs::write(&file, &service.authority).unwrap();
    let mut site = site.target("bmc1", service.port, &format!("ca_file = {file:?}"));
    site.text = site.text.replace("localhost", "127.0.0.1");
    let run = site.run();
    assert_eq!(run.problems[0].reason, Reason::PermissionDenied, "{:?}", run.problems);
}

#[test]
fn a_session_is_closed_after_every_error() {
    let vices = [
        Page::Status(500),
        Page::Json("{\"Members\": [".to_owned()),
        Page::Json("[1, 2]".to_owned()),
        Page::Large(8 * 1024 * 1024),
        Page::Gone,
        Page::Late(Duration::from_secs(4), "{}".to_owned()),
    ];
    for vice in vices {
        let service = Service::start(&server());
        service.page("/redfish/v1/Chassis", vice);
        let site = Site::new().target("bmc1", service.port, &pinned(&service));
        let run = run_on(site.host(), &site.config(), Duration::from_secs(2));
        assert!(!run.problems.is_empty() || run.outcome == Outcome::Stuck);
        let ends = Instant::now() + Duration::from_secs(10);
        while service.seen(|it| !it.open.is_empty()) {
            assert!(Instant::now() < ends, "a session is left open");
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(service.seen(|it| it.opened), 1);
    }
}

#[test]
fn nothing_shows_the_password() {
    let service = Service::start(&server());
    service.page("/redfish/v1/Systems/1", Page::Status(500));
    let site = Site::new().target("bmc1", service.port, &pinned(&service));
    let dir = site.folder.path().join("recording");
    let recorder = Arc::new(Recorder::create(site.host(), &dir).unwrap());
    let run = run_on(recorder.clone(), &site.config(), Duration::from_secs(30));
    let host = HostFacts {
        hostname: "proxy".to_owned(),
        boot_id: String::new(),
        agent_version: String::new(),
        attrs: Default::default(),
    };
    recorder.finish(&Meta { recorded_at: NOW, host }).unwrap();
    let mut texts = vec![serde_json::to_string(&run).unwrap(), format!("{:?}", site.host())];
    for file in crate::corpus::files(&dir) {
        texts.push(fs::read_to_string(file).unwrap());
    }
    assert!(texts.len() > 6);
    for secret in [PASSWORD, "token-s1"] {
        assert!(texts.iter().all(|it| !it.contains(secret)), "{secret} is shown");
    }
    // The recording answers as the service did.
    let again = run_on(Arc::new(Recorded::open(&dir)), &site.config(), Duration::from_secs(30));
    assert_eq!((again.components, again.states), (run.components, run.states));
    assert_eq!(again.problems, run.problems);
}

#[test]
fn a_refused_log_in_and_an_open_secret_are_told() {
    let service = Service::start(&server());
    for (text, mode, asked) in [("wrong", 0o600, 2), (PASSWORD, 0o644, 1)] {
        let site = Site::new().target("bmc1", service.port, &pinned(&service));
        site.password(text, mode);
        let before = service.seen(|it| it.asked.len());
        let run = site.run();
        assert_eq!(state(&run, "target.reached", "device:bmc1"), Some("no"));
        assert_eq!(run.problems[0].reason, Reason::PermissionDenied, "{:?}", run.problems);
        assert_eq!(service.seen(|it| it.asked.len()) - before, asked);
    }
}

#[test]
fn basic_authentication_opens_no_session() {
    let service = Service::start(&server());
    let more = format!("{}\nauth = \"basic\"", pinned(&service));
    let run = Site::new().target("bmc1", service.port, &more).run();
    assert_eq!(run.problems, []);
    assert_eq!(service.seen(|it| it.opened), 0);
    assert!(service.seen(|it| it.asked[1..].iter().all(|it| it.1)));
}

#[test]
fn a_circle_of_pages_and_links_ends() {
    let service = Service::start(&server());
    service.page(
        "/redfish/v1/Chassis",
        page(json!({
            "Members": [link("/redfish/v1/Chassis/1"), link("/redfish/v1/Chassis/1"), link("/redfish/v1/Chassis")],
            "Members@odata.nextLink": "/redfish/v1/Chassis?$skip=1",
        })),
    );
    service.page(
        "/redfish/v1/Chassis?$skip=1",
        page(json!({ "Members": [], "Members@odata.nextLink": "/redfish/v1/Chassis" })),
    );
    let run = Site::new().target("bmc1", service.port, &pinned(&service)).run();
    assert!(run.problems.iter().any(|it| it.text.contains("circle")), "{:?}", run.problems);
    assert_eq!(service.count("GET /redfish/v1/Chassis/1/Power"), 1);
    assert_eq!(state(&run, "target.reached", "device:SRV0001"), Some("partly"));
}

#[test]
fn endless_pages_end_at_the_budget_and_it_is_said() {
    let service = Service::start(&server());
    for at in 0..60 {
        let path = if at == 0 {
            "/redfish/v1/Chassis".to_owned()
        } else {
            format!("/redfish/v1/Chassis?$skip={at}")
        };
        let next = format!("/redfish/v1/Chassis?$skip={}", at + 1);
        let members = [link(&format!("/redfish/v1/Chassis/{at}"))];
        service.page(&path, page(json!({ "Members": members, "Members@odata.nextLink": next })));
    }
    let more = format!("{}\nrequests = 20", pinned(&service));
    let run = Site::new().target("bmc1", service.port, &more).run();
    assert_eq!(service.count("GET"), 20);
    let said =
        run.problems.iter().any(|it| it.reason == Reason::Truncated && it.text.contains("budget"));
    assert!(said, "{:?}", run.problems);
}

#[test]
fn a_target_that_hangs_is_left_alone_and_hides_no_other() {
    let (slow, good) = (Service::start(&server()), Service::start(&server()));
    slow.page("/redfish/v1/Systems", Page::Drip);
    let site = Site::new().target("slow", slow.port, &pinned(&slow)).target(
        "good",
        good.port,
        &pinned(&good),
    );
    let begun = Instant::now();
    let run = run_on(site.host(), &site.config(), Duration::from_secs(3));
    assert!(begun.elapsed() < Duration::from_secs(6));
    assert_eq!(run.outcome, Outcome::Collected);
    assert_eq!(state(&run, "redfish.health", "psu:SRV0001/PSUA1"), Some("ok"));
    assert!(run.problems.iter().any(|it| it.reason == Reason::TimedOut), "{:?}", run.problems);
    let problems: Vec<_> = run.problems.iter().filter(|it| it.text.starts_with("good")).collect();
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(slow.seen(|it| it.open.len()), 0);
}

#[test]
fn wrong_types_are_named_and_hide_nothing() {
    let service = Service::start(&server());
    let mut wrong = power();
    wrong["PowerSupplies"][0]["Status"] = json!({ "Health": 7, "State": ["Enabled"] });
    wrong["PowerSupplies"][0]["LineInputVoltage"] = json!({ "a": 1 });
    wrong["Voltages"] = json!("many");
    service.page("/redfish/v1/Chassis/1/Power", page(wrong));
    service.page(
        "/redfish/v1/Systems",
        page(json!({ "Members": { "@odata.id": "/redfish/v1/Systems/1" } })),
    );
    let run = Site::new().target("bmc1", service.port, &pinned(&service)).run();
    let named = run.problems.iter().filter(|it| it.reason == Reason::Unparsable).count();
    assert!(named >= 3, "{:?}", run.problems);
    assert_eq!(state(&run, "redfish.health", "psu:bmc1/PSUA1"), Some("unknown"));
    assert_eq!(state(&run, "redfish.health", "psu:bmc1/PSUB2"), Some("critical"));
}

#[test]
fn the_door_asks_nothing_but_paths_of_its_target() {
    let service = Service::start(&server());
    let site = Site::new().target("bmc1", service.port, &pinned(&service));
    let host = site.host();
    for path in ["", "redfish", "//elsewhere/x", "/a b", "/a\r\nX: y", "/\u{e9}"] {
        let ask =
            Request { source: "redfish", target: "bmc1", path, limit: Duration::from_secs(1) };
        assert!(matches!(host.get(&ask), Err(HostError::Remote { .. })), "{path:?}");
    }
    let ask =
        Request { source: "redfish", target: "bmc2", path: "/", limit: Duration::from_secs(1) };
    assert_eq!(host.get(&ask).unwrap_err().reason(), Reason::Missing);
    assert_eq!(service.seen(|it| it.asked.len()), 0);
}
