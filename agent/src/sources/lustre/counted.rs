//! Counters of the targets and services of this host: I/O, operations, slow disk requests, locks, jobs, queues, quotas.

use xunjian_proto::{ComponentId, Reason};

use super::{
    metrics,
    names::Target,
    params::{Params, clip},
    served,
    stats::{self, Counter},
};
use crate::source::Collect;

/// Operations of one target at most: MDTs have some thirty kinds.
const OPERATIONS_MAX: usize = 64;

/// Emits all counters.
pub(super) fn emit(c: &mut Collect<'_>, params: &Params) {
    for target in served::targets(params).values() {
        let id = target.id();
        let device = target.device.as_str();
        let text =
            params.get("obdfilter", device, "stats").or(params.get("mdt", device, "md_stats"));
        if let Some(text) = text {
            requests(c, &id, text);
        }
        let osds = params.groups("osd-");
        let histogram = osds
            .into_iter()
            .chain(["obdfilter"])
            .find_map(|it| params.get(it, device, "brw_stats"))
            .and_then(stats::slow_requests);
        if let Some((all, slow)) = histogram {
            c.sample(&metrics::DISK_REQUESTS, &id, all);
            c.sample(&metrics::SLOW_REQUESTS, &id, slow);
        }
        jobs(c, params, device, &id);
    }
    locks(c, params);
    services(c, params);
    quotas(c, params);
}

fn requests(c: &mut Collect<'_>, id: &ComponentId, text: &str) {
    let (all, strange) = stats::counters(text);
    if strange > 0 {
        c.problem(
            Reason::Unparsable,
            Some(id),
            format!("{strange} lines of its stats not understood"),
        );
    }
    for counter in all.iter().take(OPERATIONS_MAX) {
        match (counter.name, counter.sum) {
            ("read_bytes", Some(bytes)) => io(c, id, "read", bytes),
            ("write_bytes", Some(bytes)) => io(c, id, "write", bytes),
            // `read` and `write` are the same requests with their times.
            ("read_bytes" | "write_bytes", None) => {}
            (name, _) => {
                let attrs = [("lustre.operation", name)];
                c.sample_with(&metrics::OPERATIONS, id, &attrs, counter.samples);
            }
        }
    }
}

fn io(c: &mut Collect<'_>, id: &ComponentId, direction: &str, bytes: f64) {
    c.sample_with(&metrics::IO, id, &[("disk.io.direction", direction)], bytes);
}

fn jobs(c: &mut Collect<'_>, params: &Params, device: &str, id: &ComponentId) {
    let text = ["obdfilter", "mdt"].iter().find_map(|it| params.get(it, device, "job_stats"));
    let Some(text) = text.filter(|it| !it.is_empty()) else { return };
    match stats::jobs(text) {
        Some(sums) => {
            c.sample(&metrics::JOBS, id, f64::from(sums.jobs));
            for (direction, bytes) in [("read", sums.read), ("write", sums.written)] {
                let attrs = [("disk.io.direction", direction)];
                c.sample_with(&metrics::JOBS_IO, id, &attrs, bytes);
            }
            c.sample(&metrics::JOBS_REQUESTS, id, sums.requests);
        }
        None => {
            let line = text.lines().next().unwrap_or_default();
            let text = format!("job_stats not understood: {:?}", clip(line));
            c.problem(Reason::Unparsable, Some(id), text);
        }
    }
}

fn locks(c: &mut Collect<'_>, params: &Params) {
    for device in params.devices("ldlm") {
        let Some(name) = device.strip_prefix("namespaces.") else { continue };
        let of_server = name.starts_with("filter-") || name.starts_with("mdt-");
        let target = Target::parse(name).filter(|_| of_server);
        let count = params.number("ldlm", device, "lock_timeouts");
        if let (Some(target), Some(count)) = (target, count) {
            c.sample(&metrics::LOCK_TIMEOUTS, &target.id(), count);
        }
    }
}

/// Queues of the services' threads: `ost.OSS.ost_io.stats` has `req_waittime` in microseconds.
fn services(c: &mut Collect<'_>, params: &Params) {
    let id = ComponentId::host();
    for (group, prefix) in
        [("ldlm", "services."), ("mds", "MDS."), ("mgs", "MGS."), ("ost", "OSS.")]
    {
        for device in params.devices(group) {
            let Some(service) = device.strip_prefix(prefix) else { continue };
            let Some(text) = params.get(group, device, "stats") else { continue };
            let (all, strange) = stats::counters(text);
            if strange > 0 {
                let text = format!("{strange} lines of the stats of {service} not understood");
                c.problem(Reason::Unparsable, Some(&id), text);
            }
            let attrs = [("lustre.service", service)];
            match all.iter().find(|it| it.name == "req_waittime") {
                Some(Counter { samples, sum, unit, .. }) => {
                    c.sample_with(&metrics::WAITED, &id, &attrs, *samples);
                    if let Some(sum) = sum.filter(|_| unit.starts_with("usec")) {
                        c.sample_with(&metrics::WAIT, &id, &attrs, sum / 1e6);
                    }
                }
                // Nothing has been asked of the service yet.
                None if strange == 0 => c.sample_with(&metrics::WAITED, &id, &attrs, 0.0),
                None => {}
            }
        }
    }
}

/// `qmt.lfs-QMT0000.dt-0x0.glb-usr`: quotas of users for data.
fn quotas(c: &mut Collect<'_>, params: &Params) {
    let id = ComponentId::host();
    for device in params.devices("qmt") {
        for kind in ["glb-grp", "glb-prj", "glb-usr"] {
            let Some(text) = params.get("qmt", device, kind) else { continue };
            let list = format!("{device}.{kind}");
            match stats::quotas(text) {
                Some((ids, full)) => {
                    let attrs = [("lustre.quota.list", list.as_str())];
                    c.sample_with(&metrics::QUOTA_IDS, &id, &attrs, f64::from(ids));
                    c.sample_with(&metrics::QUOTA_FULL, &id, &attrs, f64::from(full));
                }
                None => {
                    let text = format!("quota list {list} not understood");
                    c.problem(Reason::Unparsable, Some(&id), text);
                }
            }
        }
    }
}
