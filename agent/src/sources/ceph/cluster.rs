//! What is known of a cluster, put together from answers in any order.
//!
//! An answer is known by its content and not by the question, because the same facts come in other layouts from release
//! to release (12 to 20), from the manager's dashboard, and in files that people mail. Facts: the documents of Ceph, its
//! `dump` functions, and recordings of release 16.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    health::Health,
    json::{first, flag, list, number, small, text, whole},
    osds::{Node, Osd},
    pools::{Pg, Pool, Rule},
};

/// Most OSDs, pools or placement groups that are taken from one answer; the largest known clusters have 10,000 OSDs.
pub(super) const ITEMS_MAX: usize = 50_000;

/// Answers are looked into so deep: a wrapper, and a part in it.
const DEPTH_MAX: usize = 2;

#[derive(Debug, Default)]
pub(super) struct Cluster {
    pub(super) fsid: Option<String>,
    pub(super) health: Option<Health>,
    /// By name: whether it is in the quorum.
    pub(super) mons: BTreeMap<String, Option<bool>>,
    /// All monitors, and those in the quorum, where names are not told.
    pub(super) mon_count: Option<usize>,
    pub(super) quorum_count: Option<usize>,
    pub(super) skews: BTreeMap<String, f64>,
    pub(super) mgr_available: Option<bool>,
    pub(super) mgr_standbys: Option<usize>,
    pub(super) flags: Option<String>,
    pub(super) pg_states: Option<BTreeMap<String, f64>>,
    /// all, degraded, misplaced, unfound.
    pub(super) objects: BTreeMap<&'static str, f64>,
    pub(super) size: Option<f64>,
    pub(super) used: Option<f64>,
    /// all, up, in.
    pub(super) osd_counts: BTreeMap<&'static str, f64>,
    pub(super) osds: BTreeMap<i64, Osd>,
    pub(super) nodes: BTreeMap<i64, Node>,
    pub(super) rules: BTreeMap<String, Rule>,
    pub(super) profiles: BTreeMap<String, (u32, u32)>,
    pub(super) pools: BTreeMap<i64, Pool>,
    pub(super) pgs: Option<Vec<Pg>>,
    pub(super) filesystems: BTreeMap<i64, Filesystem>,
    pub(super) standbys: Option<usize>,
    /// The most that a file system is configured to want (`standby_count_wanted`); 0 where nothing says.
    pub(super) standbys_wanted: u32,
    pub(super) crashes: Option<(usize, usize)>,
    pub(super) mirror: Option<String>,
    pub(super) gc: Option<usize>,
    /// What was not understood within answers that were.
    pub(super) strange: Vec<String>,
}

/// A CephFS.
#[derive(Debug, Default)]
pub(super) struct Filesystem {
    pub(super) name: Option<String>,
    /// Ranks: name of the daemon and its state.
    pub(super) ranks: Vec<(String, String)>,
    pub(super) wanted: Option<u32>,
}

impl Cluster {
    /// Takes in an answer; false if nothing in it was known.
    pub(super) fn absorb(&mut self, value: &Value) -> bool {
        self.absorb_at(value, DEPTH_MAX)
    }

    fn absorb_at(&mut self, value: &Value, depth: usize) -> bool {
        let mut known = match value {
            Value::Array(items) => self.array(items),
            Value::Object(_) => self.object(value),
            _ => false,
        };
        // A wrapper: parts that were taken already are only taken again.
        if depth > 0
            && let Value::Object(parts) = value
        {
            for part in parts.values().filter(|it| it.is_object() || it.is_array()) {
                known |= self.absorb_at(part, depth - 1);
            }
        }
        known
    }

    /// An empty list is the answer of a cluster without such things.
    fn array(&mut self, items: &[Value]) -> bool {
        let Some(it) = items.first() else { return true };
        let has = |key: &str| it.get(key).is_some();
        let items = &items[..items.len().min(ITEMS_MAX)];
        if has("rule_id") {
            self.take_rules(items);
        } else if has("pgid") {
            self.take_pgs(items);
        } else if has("devid") {
            self.take_devices(items);
        } else if has("crash_id") {
            let archived = items.iter().filter(|it| text(it, "archived").is_some()).count();
            self.crashes = Some((items.len() - archived, archived));
        } else if has("pool_name") {
            self.take_pools(items);
        } else if (has("osd") || has("id")) && has("up") {
            self.take_osds(items);
        } else if has("tag") && has("objs") {
            self.gc = Some(items.iter().map(|it| list(it, "objs").len()).sum());
        } else {
            return false;
        }
        true
    }

    fn object(&mut self, value: &Value) -> bool {
        let mut known = false;
        if let Some(fsid) = text(value, "fsid").or_else(|| text(value.get("monmap")?, "fsid")) {
            self.fsid.get_or_insert_with(|| fsid.to_lowercase());
        }
        if let Some(health) = Health::of(value.get("health").unwrap_or(value)) {
            self.health = Some(match self.health.take() {
                Some(before) => before.with(health),
                None => health,
            });
            known = true;
        }
        let mon_status = value.get("mon_status").unwrap_or(value);
        known |= self.take_monitors(mon_status);
        if let Some(map) = first(value, &["mgrmap", "mgr_map"]) {
            self.take_manager(map);
            known = true;
        }
        if let Some(map) = first(value, &["osdmap", "osd_map"]) {
            self.take_osd_counts(map.get("osdmap").unwrap_or(map));
            known = true;
        }
        if let Some(map) = first(value, &["pgmap", "pg_info", "pg_summary"]) {
            known |= self.take_pg_states(map);
        }
        known |= value.get("num_pg_by_state").is_some() && self.take_pg_states(value);
        if let Some(map) = first(value, &["fsmap", "fs_map"]) {
            self.take_filesystems(map);
            known = true;
        } else if value.get("filesystems").is_some_and(Value::is_array) {
            // `ceph fs dump` is the map itself.
            self.take_filesystems(value);
            known = true;
        }
        known | self.other_object(value)
    }

    /// Answers to single questions.
    fn other_object(&mut self, value: &Value) -> bool {
        let mut known = false;
        if value.get("nodes").is_some_and(Value::is_array) {
            self.take_tree(list(value, "nodes"));
            known = true;
        }
        if value.get("osds").is_some_and(Value::is_array) {
            self.take_osds(list(value, "osds"));
            self.take_pools(list(value, "pools"));
            self.take_profiles(value);
            self.flags = text(value, "flags").map(str::to_owned).or(self.flags.take());
            known = true;
        } else if let Some(stats) = value.pointer("/df/stats").or_else(|| value.get("stats"))
            && number(stats, "total_bytes").is_some()
        {
            self.take_sizes(stats);
            self.take_pools(list(value, "pools"));
            known = true;
        } else if list(value, "pools").iter().any(|it| text(it, "name").is_some()) {
            self.take_pools(list(value, "pools"));
            known = true;
        }
        if value.get("pg_stats").is_some_and(Value::is_array) {
            self.take_pgs(list(value, "pg_stats"));
            known = true;
        }
        if let Some(Value::Object(skews)) = value.get("time_skew_status") {
            for (name, it) in skews {
                match number(it, "skew") {
                    Some(skew) => drop(self.skews.insert(name.clone(), skew.abs())),
                    None => self.strange.push(format!("clock skew of monitor {name}: {it}")),
                }
            }
            known = true;
        }
        if let Some(health) = value.get("summary").and_then(|it| text(it, "daemon_health")) {
            let all = value.get("summary").and_then(|it| text(it, "health")).unwrap_or(health);
            self.mirror = Some(all.to_owned());
            known = true;
        }
        known
    }

    /// `monmap` has the names; `quorum_names`, or `quorum` by rank, tells who is in.
    fn take_monitors(&mut self, value: &Value) -> bool {
        let Some(map) = value.get("monmap") else { return false };
        let mons = list(map, "mons");
        self.mon_count = small(map, "num_mons")
            .and_then(|it| usize::try_from(it).ok())
            .or((!mons.is_empty()).then_some(mons.len()))
            .or(self.mon_count);
        let names: Vec<&str> =
            list(value, "quorum_names").iter().filter_map(Value::as_str).collect();
        let ranks: Option<Vec<i64>> = value
            .get("quorum")
            .and_then(Value::as_array)
            .map(|it| it.iter().filter_map(Value::as_i64).collect());
        if let Some(ranks) = &ranks {
            self.quorum_count = Some(ranks.len());
        }
        for mon in mons.iter().take(ITEMS_MAX) {
            let Some(name) = text(mon, "name") else { continue };
            let rank = whole(mon, "rank");
            let inside = match (&ranks, rank) {
                _ if names.contains(&name) => Some(true),
                (Some(ranks), Some(rank)) => Some(ranks.contains(&rank)),
                _ => None,
            };
            self.mons.insert(name.to_owned(), inside);
        }
        for name in names {
            self.mons.insert(name.to_owned(), Some(true));
        }
        true
    }

    fn take_manager(&mut self, map: &Value) {
        let active = text(map, "active_name").is_some();
        self.mgr_available = flag(map, "available").or(active.then_some(true));
        let standbys = map.get("standbys").and_then(Value::as_array).map(Vec::len);
        self.mgr_standbys =
            standbys.or(small(map, "num_standbys").and_then(|it| usize::try_from(it).ok()));
    }

    fn take_osd_counts(&mut self, map: &Value) {
        if let Some(osds) = map.get("osds").and_then(Value::as_array) {
            let count = |key: &str| {
                f64::from(
                    u32::try_from(osds.iter().filter(|it| flag(it, key) == Some(true)).count())
                        .unwrap_or(u32::MAX),
                )
            };
            self.osd_counts.insert("up", count("up"));
            self.osd_counts.insert("in", count("in"));
            let all = u32::try_from(osds.len()).unwrap_or(u32::MAX);
            self.osd_counts.insert("all", f64::from(all));
        }
        for (state, key) in [("all", "num_osds"), ("up", "num_up_osds"), ("in", "num_in_osds")] {
            if let Some(count) = number(map, key) {
                self.osd_counts.insert(state, count);
            }
        }
    }

    fn take_pg_states(&mut self, map: &Value) -> bool {
        let mut states = BTreeMap::new();
        let pairs = [("pgs_by_state", "state_name", "count"), ("num_pg_by_state", "name", "num")];
        let mut known = false;
        for (key, name, count) in pairs {
            known |= map.get(key).is_some_and(Value::is_array);
            for it in list(map, key) {
                if let (Some(name), Some(count)) = (text(it, name), number(it, count)) {
                    states.insert(name.to_owned(), count);
                }
            }
        }
        if let Some(Value::Object(statuses)) = map.get("statuses") {
            known = true;
            let counts =
                statuses.iter().filter_map(|(name, it)| Some((name.clone(), it.as_f64()?)));
            states.extend(counts);
        }
        if known {
            self.pg_states = Some(states);
        }
        let stats = map.get("object_stats").unwrap_or(map);
        for (state, keys) in [
            ("all", ["num_objects", "num_objects"]),
            ("degraded", ["degraded_objects", "num_objects_degraded"]),
            ("misplaced", ["misplaced_objects", "num_objects_misplaced"]),
            ("unfound", ["unfound_objects", "num_objects_unfound"]),
        ] {
            // The status leaves counts out that are 0.
            let found = keys.iter().find_map(|key| number(stats, key));
            if let Some(count) =
                found.or(known.then_some(0.0)).filter(|_| state != "all" || found.is_some())
            {
                self.objects.insert(state, count);
            }
        }
        self.size = number(map, "bytes_total").or(self.size);
        self.used = number(map, "bytes_used").or(self.used);
        known
    }

    fn take_sizes(&mut self, stats: &Value) {
        self.size = number(stats, "total_bytes").or(self.size);
        self.used = ["total_used_raw_bytes", "total_used_bytes"]
            .iter()
            .find_map(|key| number(stats, key))
            .or(self.used);
    }

    /// `by_rank` of the status. With several file systems the keys `id` and `max` come several times, and JSON keeps
    /// one; they are believed only where there is one.
    fn take_filesystems(&mut self, map: &Value) {
        self.filesystems.clear();
        for rank in list(map, "by_rank").iter().take(ITEMS_MAX) {
            let Some(id) = whole(rank, "filesystem_id") else { continue };
            let (Some(name), Some(state)) = (text(rank, "name"), text(rank, "status")) else {
                continue;
            };
            let all = self.filesystems.entry(id).or_default();
            all.ranks.push((name.to_owned(), state.to_owned()));
        }
        if let Some(id) = whole(map, "id")
            && self.filesystems.keys().all(|it| *it == id)
        {
            let one = self.filesystems.entry(id).or_default();
            one.wanted = small(map, "in").max(small(map, "max"));
        }
        for it in list(map, "filesystems").iter().take(ITEMS_MAX) {
            let Some(id) = whole(it, "id") else { continue };
            let mds = it.get("mdsmap").unwrap_or(it);
            let one = self.filesystems.entry(id).or_default();
            one.name = text(mds, "fs_name").map(str::to_owned);
            one.wanted = small(mds, "max_mds");
            if let Some(Value::Object(info)) = mds.get("info") {
                let ranks = info.values().filter(|it| whole(it, "rank").is_some_and(|it| it >= 0));
                let rank = |it: &Value| {
                    Some((text(it, "name")?.to_owned(), text(it, "state")?.to_owned()))
                };
                one.ranks = ranks.filter_map(rank).collect();
            }
            let spare = small(mds, "standby_count_wanted").unwrap_or(0);
            self.standbys_wanted = self.standbys_wanted.max(spare);
        }
        let ready = ["up:standby", "up:standby-replay"];
        let counted = ready.iter().filter_map(|key| small(map, key)).reduce(u32::saturating_add);
        self.standbys = counted
            .and_then(|it| usize::try_from(it).ok())
            .or(map.get("standbys").and_then(Value::as_array).map(Vec::len))
            .or(self.standbys);
    }
}
