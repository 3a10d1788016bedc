//! This host's own services, tried from inside: TCP, HTTP and TLS, and the ends of certificates of services and files.
//!
//! `[[sources.probe.target]]` with `name`, `address` (see [`crate::host::Address`]), for HTTP optionally `status` (a list
//! of good ones; 200 to 399) and `contains`, for TLS `server_name`. Facts: RFC 5280 (validity), RFC 6125 (names). Whether
//! a certificate is trusted is not judged: services of a closed network seldom have one that the world trusts.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Reason};

use crate::{
    host::{Address, FailureKind, Reached, check_probe},
    saved::Saved,
    source::{Collect, Metric, Need, Source, SourceError, Words},
    targets::{self, Target},
};

mod certificate;

use certificate::Certificate;

/// See the module.
pub const SOURCE: Source = Source {
    name: "probe",
    title: Words { zh: "服务探测与证书", en: "service probes and certificates" },
    about: Words {
        zh: "探测本机服务的 TCP/HTTP/TLS 端口，检查证书到期时间",
        en: "TCP, HTTP and TLS ports of this host's own services, ends of certificates",
    },
    needs: &[Need::Targets("probe")],
    programs: &[],
    runs: &[],
    harmless: Words {
        zh: "只连接配置中列出的地址：每次一个连接、至多一个 GET 请求，10 秒内结束；不保存应答内容，文件中只读取证书，不读取私钥。",
        en: "Connects only to the addresses of the configuration: one connection each, at most one GET, over within 10 \
             seconds. Answers are not kept; of files only the certificates are, never a key.",
    },
    every: Duration::from_secs(60),
    deadline: Duration::from_secs(50),
    metrics: &[CONNECT, DURATION, STATUS, TIME_LEFT, CHAIN_LEFT],
    states: &[RESULT, MATCHES],
    events: &[],
    saved: Saved::Nothing,
    check,
    collect,
};

const CONNECT: Metric = Metric::gauge(
    "probe.connect.duration",
    "s",
    "连接耗时",
    "Time until the connection to the service stood.",
);
const DURATION: Metric = Metric::gauge(
    "probe.duration",
    "s",
    "应答耗时",
    "Time until the service had answered: TLS its handshake, HTTP the head of its answer.",
);
const STATUS: Metric =
    Metric::gauge("probe.http.status_code", "{status}", "HTTP 状态码", "Status of the answer.");
const TIME_LEFT: Metric = Metric::gauge(
    "tls.certificate.time_left",
    "s",
    "证书剩余有效期",
    "Time until the certificate ends; negative when it has ended.",
);
const CHAIN_LEFT: Metric = Metric::gauge(
    "tls.certificate.chain.time_left",
    "s",
    "证书链剩余有效期",
    "Time until the first of the other certificates that come with it ends.",
);
const RESULT: Metric = Metric::word(
    "probe.result",
    "探测结果",
    "ok, refused, timed_out, unreachable, closed, tls (no agreement), protocol (no HTTP), status (not a good one), content \
     (the wanted text is missing), file.",
);
const MATCHES: Metric = Metric::word(
    "tls.certificate.name",
    "证书名称",
    "Whether the certificate is for the name that was asked for: matches, differs.",
);

/// Keys of a target that are the source's.
const OWN: &[&str] = &["status"];

/// Targets of one host.
const TARGETS_MAX: usize = 64;

/// Time for one target: each may hang, and the others must have their turn. The door has a limit of its own too.
const LIMIT: Duration = Duration::from_secs(5);

fn check(options: &toml::Table) -> Result<(), String> {
    targets::check(options, &[], OWN, check_probe)?;
    let list = options.get("target").and_then(toml::Value::as_array).into_iter().flatten();
    let mut wrong = Vec::new();
    let mut count = 0;
    for table in list.filter_map(toml::Value::as_table) {
        count += 1;
        let text = |key: &str| table.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        if let Err(what) = Address::parse(text("address")) {
            wrong.push(format!("{}: {what}", text("name")));
        }
        let good = table.get("status").map(statuses);
        if good.is_some_and(|it| it.is_none_or(|it| it.is_empty())) {
            wrong.push(format!("{}: `status`: want a list such as [200, 204]", text("name")));
        }
    }
    if count > TARGETS_MAX {
        wrong.push(format!("{count} targets; at most {TARGETS_MAX}"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

fn statuses(value: &toml::Value) -> Option<Vec<u16>> {
    let number = |it: &toml::Value| u16::try_from(it.as_integer()?).ok();
    match value {
        toml::Value::Array(all) => all.iter().map(number).collect(),
        one => Some(vec![number(one)?]),
    }
}

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let targets = c.host.targets("probe", OWN);
    let now = c.host.vitals().ok().and_then(|it| it.now_secs());
    for target in &targets {
        one(c, target, now);
    }
    Ok(())
}

fn one(c: &mut Collect<'_>, target: &Target, now: Option<f64>) {
    let id = ComponentId::new("endpoint", &target.name);
    let answer = c.host.reach(&target.name, LIMIT);
    let certificates: Vec<Result<Certificate, String>> = match &answer {
        Ok(reached) => reached.certificates.iter().map(|it| certificate::parse(it)).collect(),
        Err(_) => Vec::new(),
    };
    let mut attrs = BTreeMap::from([("server.address".to_owned(), target.address.clone())]);
    if let Some(Ok(own)) = certificates.first() {
        attrs.extend(own.attrs());
    }
    let name = target.name.clone();
    c.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set: None });
    let reached = match answer {
        Ok(reached) => reached,
        Err(error) => return c.problem(error.reason(), Some(&id), error),
    };
    for (metric, value) in [(&CONNECT, reached.connect_ms), (&DURATION, reached.answer_ms)] {
        if let Some(value) = value {
            // To the tenth of a millisecond, of which the door gives no more.
            c.sample(metric, &id, (value * 10.0).round() / 1e4);
        }
    }
    if let Some(status) = reached.status {
        c.sample(&STATUS, &id, f64::from(status));
    }
    c.state(&RESULT, &id, result(target, &reached));
    ends(c, &id, &certificates, reached.server_name.as_deref(), now);
}

fn result(target: &Target, reached: &Reached) -> &'static str {
    if let Some(failure) = &reached.failure {
        return match failure.kind {
            FailureKind::Refused => "refused",
            FailureKind::TimedOut => "timed_out",
            FailureKind::Unreachable => "unreachable",
            FailureKind::Closed => "closed",
            FailureKind::Tls => "tls",
            FailureKind::Protocol => "protocol",
            FailureKind::File => "file",
        };
    }
    let good = target.options.get("status").and_then(statuses);
    let is_good = |status: u16| match &good {
        Some(list) => list.contains(&status),
        None => (200..400).contains(&status),
    };
    match (reached.status.is_none_or(is_good), reached.contains) {
        (false, _) => "status",
        (true, Some(false)) => "content",
        (true, _) => "ok",
    }
}

fn ends(
    c: &mut Collect<'_>,
    id: &ComponentId,
    certificates: &[Result<Certificate, String>],
    name: Option<&str>,
    now: Option<f64>,
) {
    for (index, certificate) in certificates.iter().enumerate() {
        if let Err(error) = certificate {
            let text = format!("certificate {}: {error}", index + 1);
            c.problem(Reason::Unparsable, Some(id), text);
        }
    }
    let Some(Ok(own)) = certificates.first() else { return };
    if let Some(name) = name {
        c.state(&MATCHES, id, if own.is_for(name) { "matches" } else { "differs" });
    }
    let Some(now) = now else {
        let text = "the host's time is not known, so when the certificate ends is not either";
        return c.problem(Reason::Missing, Some(id), text);
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds are below 2^52")]
    // In whole hours: what changes with every look does not pack, and nobody asks for more. One that has not ended yet
    // has some time left.
    let left = |it: &Certificate| ((it.ends as f64 - now) / 3600.0).ceil() * 3600.0;
    c.sample(&TIME_LEFT, id, left(own));
    let others = certificates.iter().skip(1).filter_map(|it| it.as_ref().ok()).map(left);
    if let Some(first) = others.min_by(f64::total_cmp) {
        c.sample(&CHAIN_LEFT, id, first);
    }
}
