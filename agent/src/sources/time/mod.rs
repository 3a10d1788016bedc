//! Whether the clock is right: what chrony, ntpd or systemd-timesyncd say of it, and the kernel's own flag.
//!
//! Facts: `chronyc(1)` (reports in CSV), `ntpq(8)`, `timedatectl(1)`, kernel document `timers/timekeeping`. The kernel's
//! flag falls when no service has corrected the clock for long, whichever the service is. Offsets are signed: positive
//! is a clock that is ahead.

use std::time::Duration;

use xunjian_proto::{ComponentId, Reason};

use crate::{
    devices::word,
    host::{HostError, Program},
    saved::{Form, Saved, Serves},
    source::{Collect, Metric, Need, Source, SourceError, Words, no_options},
};

mod people;

mod reports;

use reports::Clock;

const CHRONYC: Program = Program {
    name: "chronyc",
    places: &["/usr/bin/chronyc", "/usr/local/bin/chronyc"],
    root: false,
};
const NTPQ: Program =
    Program { name: "ntpq", places: &["/usr/sbin/ntpq", "/usr/bin/ntpq"], root: false };
const TIMEDATECTL: Program = Program {
    name: "timedatectl",
    places: &["/usr/bin/timedatectl", "/bin/timedatectl"],
    root: false,
};

/// See the module.
pub const SOURCE: Source = Source {
    name: "time",
    title: Words { zh: "时间同步", en: "time synchronisation" },
    about: Words {
        zh: "时钟偏差、同步状态、层级与时间源（chrony、ntpd、timesyncd）",
        en: "clock offset, synchronisation, stratum and sources (chrony, ntpd, timesyncd)",
    },
    needs: &[Need::Any(&[
        Need::Program("chronyc"),
        Need::Program("ntpq"),
        Need::Program("timedatectl"),
    ])],
    programs: &[CHRONYC, NTPQ, TIMEDATECTL],
    runs: &[
        "chronyc -c tracking",
        "chronyc -c sources",
        "ntpq -pn",
        "timedatectl show",
        "timedatectl status",
        "timedatectl timesync-status",
    ],
    harmless: Words {
        zh: "只向本机的时间服务查询状态，不调整时钟，不向时间服务器发送请求。",
        en: "Asks this host's own time service for its state; no clock is set and no time server is asked.",
    },
    every: Duration::from_secs(120),
    deadline: Duration::from_secs(30),
    metrics: &[OFFSET, STRATUM, DISPERSION, DELAY, SOURCES],
    states: &[SYNCHRONIZED, SERVICE, LEAP, CLOCK_SOURCE],
    events: &[],
    saved: Saved::Forms(&[
        Form {
            what: "`chronyc tracking`, with `-c` or without",
            is: |text| reports::is_tracking(text) || people::is_tracking(text),
            serves: Serves::Command(&["chronyc", "tracking"]),
        },
        Form {
            what: "`chronyc sources`",
            is: people::is_sources,
            serves: Serves::Command(&["chronyc", "sources"]),
        },
        Form {
            what: "`ntpq -pn`",
            is: |text| text.contains("refid") && text.contains("jitter"),
            serves: Serves::Command(&["ntpq", "-pn"]),
        },
        Form {
            what: "`timedatectl show`",
            is: |text| text.contains("NTPSynchronized="),
            serves: Serves::Command(&["timedatectl", "show"]),
        },
        Form {
            what: "`timedatectl status`",
            is: |text| text.contains("RTC in local TZ"),
            serves: Serves::Command(&["timedatectl", "status"]),
        },
    ]),
    check: no_options,
    collect,
};

const OFFSET: Metric = Metric::gauge(
    "system.time.offset",
    "s",
    "时钟偏差",
    "How far the clock is from the time service's idea of the time; positive is ahead.",
);
const STRATUM: Metric = Metric::gauge(
    "system.time.stratum",
    "{hop}",
    "时钟层级",
    "Servers between this clock and a reference clock; 16 is not synchronised.",
);
const DISPERSION: Metric = Metric::gauge(
    "system.time.root_dispersion",
    "s",
    "根离散",
    "Error that has gathered on the way from the reference clock.",
);
const DELAY: Metric =
    Metric::gauge("system.time.root_delay", "s", "根时延", "Round trip to the reference clock.");
const SOURCES: Metric = Metric::gauge(
    "system.time.sources",
    "{source}",
    "时间源数",
    "Time sources by system.time.source.state: selected, usable, unreachable, false (disagrees with the majority), \
     variable (too unsteady), outlier.",
);
const SYNCHRONIZED: Metric = Metric::word(
    "system.time.synchronized",
    "是否已同步",
    "yes or no: the kernel's flag, and the time service's word where there is no flag.",
);
const SERVICE: Metric = Metric::word(
    "system.time.service",
    "时间服务",
    "What keeps the clock: chrony, ntpd, timesyncd, other (synchronised by something else), none.",
);
const LEAP: Metric =
    Metric::word("system.time.leap", "闰秒状态", "normal, insert, delete, not_synchronised.");
const CLOCK_SOURCE: Metric = Metric::word(
    "system.time.clock_source",
    "内核时钟源",
    "What the kernel counts time by: tsc, arch_sys_counter, kvm-clock; hpet or acpi_pm if the first choice failed.",
);

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let host = ComponentId::host();
    let clock_source =
        word(c.host, "sys/devices/system/clocksource/clocksource0/current_clocksource");
    if let Some(name) = clock_source {
        c.state(&CLOCK_SOURCE, &host, &name);
    }
    let before = c.host.kept_back();
    let mut strange = false;
    let mut clock = chrony(c, &mut strange).or_else(|| ntp(c));
    let kept = strange || c.host.kept_back() > before;
    let flag = kernel(c);
    if clock.is_none() && flag.as_ref().is_some_and(|it| it.timesyncd) {
        clock = timesyncd(c);
    }
    let synchronized = match (flag.as_ref().and_then(|it| it.synchronized), &clock) {
        // The flag outlives a service that stopped by hours, and the service knows better.
        (_, Some(clock)) if clock.synchronized == Some(false) => Some(false),
        // A service that is there and did not answer might have said that it is lost.
        (Some(true), None) if kept => None,
        (Some(flag), _) => Some(flag),
        (None, Some(clock)) => clock.synchronized,
        (None, None) => None,
    };
    match (&clock, synchronized) {
        (Some(clock), _) => c.state(&SERVICE, &host, clock.service),
        (None, Some(true)) => c.state(&SERVICE, &host, "other"),
        (None, Some(false)) => c.state(&SERVICE, &host, "none"),
        (None, None) => {}
    }
    match synchronized {
        Some(yes) => c.state(&SYNCHRONIZED, &host, if yes { "yes" } else { "no" }),
        None => {
            let text =
                "neither chronyc, ntpq nor timedatectl tells whether the clock is synchronised";
            c.problem(Reason::Unsupported, Some(&host), text);
        }
    }
    if let Some(clock) = clock {
        emit(c, &host, &clock);
    }
    Ok(())
}

fn emit(c: &mut Collect<'_>, host: &ComponentId, clock: &Clock) {
    for (metric, value) in [
        (&OFFSET, clock.offset),
        (&STRATUM, clock.stratum),
        (&DISPERSION, clock.dispersion),
        (&DELAY, clock.delay),
    ] {
        if let Some(value) = value {
            c.sample(metric, host, value);
        }
    }
    if let Some(leap) = clock.leap {
        c.state(&LEAP, host, leap);
    }
    for (state, count) in &clock.sources {
        c.sample_with(&SOURCES, host, &[("system.time.source.state", state)], f64::from(*count));
    }
}

/// The output of a program that is there and runs to a good end; what else befell it becomes a problem.
fn ask(c: &mut Collect<'_>, argv: &[&str]) -> Option<String> {
    if !c.host.has(Need::Program(argv_name(argv)?)) {
        return None;
    }
    match c.host.run(argv).and_then(|it| it.ok(argv)) {
        Ok(text) => Some(text),
        // The service is not there: another one may be.
        Err(HostError::Status { .. }) => None,
        Err(error) => {
            c.problem(error.reason(), Some(&ComponentId::host()), error);
            None
        }
    }
}

fn argv_name(argv: &[&str]) -> Option<&'static str> {
    [CHRONYC, NTPQ, TIMEDATECTL].iter().map(|it| it.name).find(|it| argv.first() == Some(it))
}

fn chrony(c: &mut Collect<'_>, strange: &mut bool) -> Option<Clock> {
    if !c.host.has(Need::Program(CHRONYC.name)) {
        return None;
    }
    let argv = ["chronyc", "-c", "tracking"];
    let clock = match c.host.run(&argv).and_then(|it| it.ok(&argv)) {
        Ok(text) => match reports::tracking(&text).or_else(|| people::tracking(&text)) {
            Some(clock) => Some(clock),
            None => {
                *strange = true;
                return not_understood(c, "chronyc -c tracking", &text);
            }
        },
        // The service is not there: another one may be.
        Err(HostError::Status { .. }) => return None,
        // A saved list of sources alone still tells whether one of them is followed.
        Err(error) => {
            c.problem(error.reason(), Some(&ComponentId::host()), error);
            None
        }
    };
    let Some(text) = ask(c, &["chronyc", "-c", "sources"]) else { return clock };
    let (sources, strange) = match people::is_sources(&text) {
        true => people::sources(&text),
        false => reports::chrony_sources(&text),
    };
    let whole = strange.is_empty();
    for line in strange {
        not_understood(c, "chronyc -c sources", line);
    }
    // A line that was not understood may be any of them.
    match clock {
        Some(clock) if whole => Some(Clock { sources, ..clock }),
        None if whole && sources.values().any(|it| *it > 0) => {
            let synchronized = sources.get("selected").map(|it| *it > 0);
            Some(Clock { service: "chrony", synchronized, sources, ..Clock::default() })
        }
        clock => clock,
    }
}

fn ntp(c: &mut Collect<'_>) -> Option<Clock> {
    let text = ask(c, &["ntpq", "-pn"])?;
    // Without a server it says so on standard error, with status 0.
    if text.trim().is_empty() {
        return None;
    }
    let (clock, strange) = reports::peers(&text);
    for line in strange {
        not_understood(c, "ntpq -pn", line);
    }
    clock
}

/// What systemd knows of the kernel's flag.
struct Flag {
    synchronized: Option<bool>,
    timesyncd: bool,
}

fn kernel(c: &mut Collect<'_>) -> Option<Flag> {
    // `show` came with systemd 239; before, there is only the text for people.
    let text = ask(c, &["timedatectl", "show"]).or_else(|| ask(c, &["timedatectl", "status"]))?;
    let synchronized =
        reports::flag(&text, &["NTPSynchronized", "System clock synchronized", "NTP synchronized"]);
    let timesyncd = reports::flag(&text, &["NTP", "NTP enabled", "Network time on"]) == Some(true)
        || text.contains("NTP service: active");
    if synchronized.is_none() {
        not_understood(c, "timedatectl", &text);
    }
    Some(Flag { synchronized, timesyncd })
}

fn timesyncd(c: &mut Collect<'_>) -> Option<Clock> {
    let text = ask(c, &["timedatectl", "timesync-status"])?;
    reports::timesync(&text).or_else(|| not_understood(c, "timedatectl timesync-status", &text))
}

fn not_understood(c: &mut Collect<'_>, what: &str, text: &str) -> Option<Clock> {
    let start: String = text.chars().filter(|it| !it.is_control()).take(80).collect();
    let text = format!("`{what}` not understood: {start:?}");
    c.problem(Reason::Unparsable, Some(&ComponentId::host()), text);
    None
}
