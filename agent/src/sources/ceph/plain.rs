//! `ceph status` and `ceph health detail` as they are printed for people, put into the form of the same answers in JSON.
//!
//! Facts: Ceph's documents "Monitoring a cluster" and "Health checks", releases 12 to 19. `health detail` names the code of
//! each check (`[WRN] OSD_DOWN: 1 osds down`, up to release 14 `OSD_DOWN 1 osds down`). The status has only the sentences:
//! those that are known here get their code back, the others stand for themselves and are counted as unknown checks.

use serde_json::{Map, Value, json};

/// What a sentence of the status says begins or ends so; the code of that check. The first that fits wins.
const SENTENCES: &[(&str, &str)] = &[
    (" osds down", "OSD_DOWN"),
    (" osds) down", "OSD_HOST_DOWN"),
    ("Reduced data availability:", "PG_AVAILABILITY"),
    ("Degraded data redundancy (low space):", "PG_RECOVERY_FULL"),
    ("Degraded data redundancy:", "PG_DEGRADED"),
    ("Low space hindering backfill", "PG_BACKFILL_FULL"),
    ("Full OSDs blocking recovery", "PG_RECOVERY_FULL"),
    ("Possible data damage:", "PG_DAMAGED"),
    ("scrub errors", "OSD_SCRUB_ERRORS"),
    (" mons down", "MON_DOWN"),
    ("clock skew detected on", "MON_CLOCK_SKEW"),
    ("low on available space", "MON_DISK_LOW"),
    ("no active mgr", "MGR_DOWN"),
    (" backfillfull osd(s)", "OSD_BACKFILLFULL"),
    (" nearfull osd(s)", "OSD_NEARFULL"),
    (" full osd(s)", "OSD_FULL"),
    (" pool(s) nearfull", "POOL_NEAR_FULL"),
    (" pool(s) backfillfull", "POOL_BACKFILLFULL"),
    (" pool(s) full", "POOL_FULL"),
    (" pool(s) have no replicas", "POOL_NO_REDUNDANCY"),
    (" flag(s) set", "OSDMAP_FLAGS"),
    (" slow ops,", "SLOW_OPS"),
    (" slow requests are blocked", "REQUEST_SLOW"),
    (" stuck requests are blocked", "REQUEST_STUCK"),
    ("insufficient standby MDS daemons", "MDS_INSUFFICIENT_STANDBY"),
    (" filesystem is degraded", "FS_DEGRADED"),
    (" filesystems are degraded", "FS_DEGRADED"),
    (" is offline", "MDS_ALL_DOWN"),
    ("MDSs report slow requests", "MDS_SLOW_REQUEST"),
    ("MDSs report slow metadata IOs", "MDS_SLOW_METADATA_IO"),
    ("MDSs report damaged metadata", "MDS_DAMAGE"),
    ("MDSs are read only", "MDS_READ_ONLY"),
    ("MDSs behind on trimming", "MDS_TRIM"),
    ("failing to respond to cache pressure", "MDS_CLIENT_RECALL"),
    ("objects unfound", "OBJECT_UNFOUND"),
    ("objects misplaced", "OBJECT_MISPLACED"),
    ("too few PGs per OSD", "TOO_FEW_PGS"),
    ("too many PGs per OSD", "TOO_MANY_PGS"),
    ("not deep-scrubbed in time", "PG_NOT_DEEP_SCRUBBED"),
    ("not scrubbed in time", "PG_NOT_SCRUBBED"),
    ("do not have an application enabled", "POOL_APP_NOT_ENABLED"),
    ("have recently crashed", "RECENT_CRASH"),
    ("allowing insecure global_id reclaim", "AUTH_INSECURE_GLOBAL_ID_RECLAIM_ALLOWED"),
    ("using insecure global_id reclaim", "AUTH_INSECURE_GLOBAL_ID_RECLAIM"),
    (" failed cephadm daemon(s)", "CEPHADM_FAILED_DAEMON"),
];

/// The answer in JSON that a text stands for; none for a text that is neither.
pub(super) fn read(text: &str) -> Option<Value> {
    let mut lines = text.lines().skip_while(|it| {
        let it = it.trim();
        it != "cluster:" && !it.starts_with("HEALTH_")
    });
    match lines.next()?.trim() {
        "cluster:" => status(lines),
        first => Some(health(first, lines)),
    }
}

/// `HEALTH_WARN 1 osds down; ...`, and below it the checks with their details.
fn health<'a>(first: &str, lines: impl Iterator<Item = &'a str>) -> Value {
    let (mut checks, mut mutes): (Map<String, Value>, Vec<Value>) = (Map::new(), Vec::new());
    let mut last = String::new();
    for line in lines.map(str::trim_end).filter(|it| !it.is_empty()) {
        let indented = line.starts_with([' ', '\t']);
        let (muted, rest) = match line.strip_prefix("(MUTED").and_then(|it| it.split_once(") ")) {
            Some((_, rest)) => (true, rest),
            None => (false, line),
        };
        let (severity, rest) = match rest.strip_prefix('[').and_then(|it| it.split_once("] ")) {
            Some(("ERR", rest)) => ("HEALTH_ERR", rest),
            Some(("WRN", rest)) => ("HEALTH_WARN", rest),
            _ => (first.split_whitespace().next().unwrap_or_default(), rest),
        };
        let (code, summary) = rest.split_once(' ').unwrap_or((rest, ""));
        let code = code.trim_end_matches(':');
        if !indented && is_code(code) {
            checks.insert(
                code.to_owned(),
                json!({"severity": severity, "summary": {"message": summary}, "detail": [], "muted": muted}),
            );
            if muted {
                mutes.push(json!({"code": code}));
            }
            code.clone_into(&mut last);
        } else if indented
            && let Some(details) = checks.get_mut(&last).and_then(|it| it["detail"].as_array_mut())
        {
            details.push(json!({"message": line.trim()}));
        } else {
            // The next prompt or command of a paste.
            break;
        }
    }
    let status = first.split_whitespace().next().unwrap_or_default();
    // `ceph health` without detail has the sentences in the one line.
    if checks.is_empty() {
        let sentences = first.strip_prefix(status).unwrap_or_default().split(';');
        sentences.for_each(|it| sentence(&mut checks, status, it));
    }
    json!({"status": status, "checks": checks, "mutes": mutes})
}

fn is_code(word: &str) -> bool {
    word.contains('_')
        && word.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_')
}

/// A check of the status by its sentence.
fn sentence(checks: &mut Map<String, Value>, status: &str, text: &str) {
    let text = text.trim();
    let counted = text.starts_with(|it: char| it.is_ascii_digit());
    if text.is_empty() {
        return;
    }
    let found = SENTENCES.iter().find(|(part, _)| {
        text.contains(part) && (!part.starts_with(' ') || counted || !part.ends_with("down"))
    });
    let code = found.map_or(text, |it| it.1);
    checks.insert(code.to_owned(), json!({"severity": status, "summary": {"message": text}}));
}

/// The sections `cluster`, `services` and `data` of the status.
fn status<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Value> {
    let mut all = Map::new();
    let (mut health, mut checks) = (String::new(), Map::new());
    let mut key = String::new();
    let mut pgs = Vec::new();
    for line in lines.map(str::trim) {
        let (name, value) =
            match line.split_once(": ").or(line.strip_suffix(':').map(|it| (it, ""))) {
                Some((name, value)) if is_key(name) => (name, value.trim()),
                _ => ("", line),
            };
        if !name.is_empty() {
            name.clone_into(&mut key);
        }
        match key.as_str() {
            _ if value.is_empty() => {}
            "id" => drop(all.insert("fsid".to_owned(), json!(value))),
            "health" if !name.is_empty() => value.clone_into(&mut health),
            "health" => sentence(&mut checks, &health, value),
            "mon" => monitors(&mut all, value),
            "mgr" => drop(all.insert("mgrmap".to_owned(), manager(value))),
            "mds" => drop(metadata(value).map(|it| all.insert("fsmap".to_owned(), it))),
            "osd" if !name.is_empty() => {
                let count = |word: &str| number_before(value, word);
                let counts = json!({"num_osds": count("osds"), "num_up_osds": count("up"), "num_in_osds": count("in")});
                all.insert("osdmap".to_owned(), counts);
            }
            "pgs" => pgs.push(value),
            _ => {}
        }
    }
    let states: Vec<Value> = pgs
        .iter()
        .filter_map(|it| {
            let (count, state) = it.split_once(char::is_whitespace)?;
            let state = state.trim();
            let plain =
                state.bytes().all(|it| it.is_ascii_lowercase() || matches!(it, b'+' | b'_'));
            plain.then(|| {
                count.parse::<u64>().ok().map(|count| json!({"state_name": state, "count": count}))
            })?
        })
        .collect();
    if !states.is_empty() {
        all.insert("pgmap".to_owned(), json!({"pgs_by_state": states}));
    }
    health.starts_with("HEALTH_").then(|| {
        all.insert("health".to_owned(), json!({"status": health, "checks": checks}));
        Value::Object(all)
    })
}

/// The keys of the sections; a sentence of health has a colon too.
fn is_key(word: &str) -> bool {
    matches!(
        word,
        "id" | "health"
            | "services"
            | "mon"
            | "mgr"
            | "mds"
            | "osd"
            | "rgw"
            | "data"
            | "volumes"
            | "pools"
            | "objects"
            | "usage"
            | "pgs"
            | "io"
            | "client"
            | "recovery"
            | "progress"
            | "rbd-mirror"
            | "cephfs-mirror"
            | "iscsi"
            | "nfs"
            | "cache"
            | "task status"
            | "tcmu-runner"
    )
}

/// `3 daemons, quorum a,b (age 2w), out of quorum: c`.
fn monitors(all: &mut Map<String, Value>, value: &str) {
    let names = |start: &str| -> Vec<String> {
        let rest = value.split(start).nth(1).unwrap_or_default();
        let rest = rest.split(" (").next().unwrap_or_default().split(", out").next();
        let names = rest.unwrap_or_default().split(',').map(str::trim);
        names.filter(|it| !it.is_empty()).map(str::to_owned).collect()
    };
    let (inside, out) = (names("quorum "), names("out of quorum: "));
    let inside = if value.contains(", quorum ") { inside } else { Vec::new() };
    let mons: Vec<Value> = inside.iter().chain(&out).map(|it| json!({"name": it})).collect();
    let count = number_before(value, "daemons");
    all.insert("monmap".to_owned(), json!({"num_mons": count, "mons": mons}));
    all.insert("quorum_names".to_owned(), json!(inside));
    let ranks: Vec<usize> = (0..inside.len()).collect();
    all.insert("quorum".to_owned(), json!(ranks));
}

/// `a(active, since 2w), standbys: b, c`; `no daemons active`.
fn manager(value: &str) -> Value {
    let active = value.split_once("(active").map(|it| it.0);
    let standbys = value.split_once("standbys: ").map_or(0, |it| it.1.split(',').count());
    json!({"available": active.is_some(), "active_name": active, "num_standbys": standbys})
}

/// `1/1 daemons up, 2 standby`, `cephfs:1 {0=a=up:active} 1 up:standby`, `cephfs-1/1/1 up {0=a=up:active}, 1 up:standby`:
/// only of one file system, because the counts of several are added up.
fn metadata(value: &str) -> Option<Value> {
    let standbys = ["standby", "up:standby", "hot", "up:standby-replay"];
    let standbys: u64 = standbys.iter().filter_map(|it| number_before(value, it)).sum();
    let map = |wanted: usize, ranks: Vec<Value>| {
        Some(
            json!({"id": 1, "in": wanted, "max": wanted, "by_rank": ranks, "up:standby": standbys}),
        )
    };
    let rank = |name: &str, state: &str| json!({"filesystem_id": 1, "name": name, "status": state});
    if let Some((_, rest)) = value.split_once('{') {
        let (inner, after) = rest.split_once('}')?;
        if after.contains('{') {
            return None;
        }
        let ranks: Vec<Value> = inner
            .split(',')
            .filter_map(|it| {
                let mut parts = it.trim().splitn(3, '=').skip(1);
                Some(rank(parts.next()?, parts.next()?))
            })
            .collect();
        return map(ranks.len(), ranks);
    }
    let (up, wanted) = value.split_whitespace().next()?.split_once('/')?;
    let (up, wanted) = (up.parse::<usize>().ok()?, wanted.parse::<usize>().ok()?);
    // Two file systems of one rank each, or one of two: the line does not say.
    (wanted == 1 && up <= 1)
        .then(|| map(1, (0..up).map(|_| rank("rank 0", "up:active")).collect()))?
}

/// `23` of `24 osds: 23 up (since 4m)` before `up`.
fn number_before(text: &str, word: &str) -> Option<u64> {
    let words: Vec<&str> = text.split([' ', ',', ':', ';']).filter(|it| !it.is_empty()).collect();
    let whole = text.split_whitespace().map(|it| it.trim_end_matches([',', ':', ';']));
    let whole: Vec<&str> = whole.collect();
    [words, whole].iter().find_map(|words| {
        let at = words.iter().position(|it| *it == word).filter(|at| *at > 0)?;
        words[at - 1].parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "[root@a ~]# ceph -s\n  cluster:\n    id:     aaaa\n    health: HEALTH_WARN\n            \
        1 osds down\n            Degraded data redundancy: 4/9 objects degraded (44.444%), 3 pgs degraded\n            \
        something new\n\n  services:\n    mon: 3 daemons, quorum a,b (age 2w), out of quorum: c\n    \
        mgr: a(active, since 2w), standbys: b\n    mds: 1/1 daemons up, 1 standby\n    \
        osd: 6 osds: 5 up (since 3m), 6 in (since 2w); 3 remapped pgs\n\n  data:\n    \
        pgs:     4/9 objects degraded (44.444%)\n             5 active+clean\n             3 active+undersized+degraded\n";

    #[test]
    fn the_status_for_people_says_what_the_json_says() {
        let value = read(STATUS).unwrap();
        assert_eq!(value["fsid"], "aaaa");
        let checks = value["health"]["checks"].as_object().unwrap();
        let codes: Vec<&str> = checks.keys().map(String::as_str).collect();
        assert_eq!(codes, ["OSD_DOWN", "PG_DEGRADED", "something new"]);
        assert_eq!(value["monmap"]["num_mons"], 3);
        assert_eq!(value["quorum_names"], json!(["a", "b"]));
        assert_eq!(
            value["mgrmap"],
            json!({"available": true, "active_name": "a", "num_standbys": 1})
        );
        let counts = json!({"num_osds": 6, "num_up_osds": 5, "num_in_osds": 6});
        assert_eq!(value["osdmap"], counts);
        assert_eq!(value["pgmap"]["pgs_by_state"].as_array().map(Vec::len), Some(2));
        assert_eq!(value["fsmap"]["up:standby"], 1);
    }

    #[test]
    fn ranks_of_older_releases_are_read_and_several_file_systems_are_not_guessed() {
        let map = metadata("cephfs:1 {0=a=up:active} 1 up:standby-replay 1 up:standby").unwrap();
        assert_eq!((&map["max"], &map["up:standby"]), (&json!(1), &json!(2)));
        assert_eq!(map["by_rank"][0]["status"], "up:active");
        assert_eq!(metadata("a:1 {0=x=up:active} b:1 {0=y=up:active}"), None);
        assert_eq!(metadata("2/2 daemons up, 1 standby"), None);
        assert_eq!(metadata("0/1 daemons up").unwrap()["by_rank"], json!([]));
    }

    #[test]
    fn health_names_its_codes_in_the_forms_of_all_releases() {
        let new = "HEALTH_ERR 1 osds down\n[WRN] OSD_DOWN: 1 osds down\n    osd.4 (host=b) is down\n\
                   (MUTED) [ERR] PG_DAMAGED: Possible data damage: 1 pg inconsistent\n[root@a ~]#\n";
        let value = read(new).unwrap();
        assert_eq!(value["checks"]["OSD_DOWN"]["detail"][0]["message"], "osd.4 (host=b) is down");
        assert_eq!(value["checks"]["PG_DAMAGED"]["muted"], true);
        let old =
            read("HEALTH_WARN 1 osds down\nOSD_DOWN 1 osds down\n    osd.4 is down\n").unwrap();
        assert_eq!(old["checks"]["OSD_DOWN"]["summary"]["message"], "1 osds down");
        let short = read("HEALTH_WARN 2 osds down; noout flag(s) set").unwrap();
        assert_eq!(short["checks"].as_object().map(Map::len), Some(2));
        assert_eq!(read("HEALTH_OK").unwrap()["checks"], json!({}));
        assert_eq!(read("ID CLASS WEIGHT"), None);
    }
}
