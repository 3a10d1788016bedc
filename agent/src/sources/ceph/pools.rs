//! Pools as protected sets: what the worst placement group of a pool still survives.
//!
//! A pool of `size` copies that serves with `min_size` of them survives `size - min_size` losses at once, over however
//! many failure domains (mostly hosts) its data are spread: losing that many more *anywhere* may stop some placement
//! group. So its places are the failure domains of its CRUSH rule, and which of them are lost is told by its placement
//! groups and not by its OSDs: an OSD that is down and whose data have been copied elsewhere costs nothing any more.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use xunjian_proto::{Component, ComponentId, Link, Member, MemberState, Reason, Relation, Set};

use super::{
    cluster::{Cluster, ITEMS_MAX},
    json::{first, list, number, small, text, whole},
    metrics::{POOL_FULL, POOL_MISSING, POOL_PGS, POOL_STORED, POOL_UTILIZATION},
    osds::osd_id,
};
use crate::source::Collect;

/// CRUSH's mark of a place that nobody holds.
const NOBODY: i64 = 2_147_483_647;

/// Most places of one pool: sets are bounded so in classification too.
const PLACES_MAX: usize = 2_000;

#[derive(Debug, Default)]
pub(super) struct Pool {
    name: String,
    erasure: Option<bool>,
    size: Option<u32>,
    min_size: Option<u32>,
    /// Number or name of its CRUSH rule.
    rule: Option<String>,
    profile: Option<String>,
    flags: Option<String>,
    stored: Option<f64>,
    utilization: Option<f64>,
    /// Placement groups by state, where the pool itself tells (the dashboard does).
    pgs: BTreeMap<String, f64>,
}

/// A placement group in brief.
#[derive(Debug)]
pub(super) struct Pg {
    pool: i64,
    state: String,
    /// OSDs that hold it now.
    acting: u32,
}

/// A CRUSH rule: from which place it chooses, and what it keeps apart.
#[derive(Debug)]
pub(super) struct Rule {
    root: Option<String>,
    domain: String,
}

/// How the placement groups of a pool are.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Worst {
    missing: u32,
    degraded: u32,
    inactive: u32,
    unknown: u32,
    recovering: bool,
}

impl Cluster {
    pub(super) fn take_rules(&mut self, items: &[Value]) {
        for it in items {
            let steps = list(it, "steps");
            let root = steps
                .iter()
                .find(|it| text(it, "op") == Some("take"))
                .and_then(|it| text(it, "item_name"));
            let choose = |it: &&Value| text(it, "op").is_some_and(|op| op.starts_with("choose"));
            let Some(domain) = steps.iter().rev().find(choose).and_then(|it| text(it, "type"))
            else {
                continue;
            };
            let rule = || Rule {
                root: root.map(|it| it.split('~').next().unwrap_or(it).to_owned()),
                domain: domain.to_owned(),
            };
            if let Some(id) = whole(it, "rule_id") {
                self.rules.insert(id.to_string(), rule());
            }
            if let Some(name) = text(it, "rule_name") {
                self.rules.insert(name.to_owned(), rule());
            }
        }
    }

    pub(super) fn take_profiles(&mut self, dump: &Value) {
        let Some(Value::Object(profiles)) = dump.get("erasure_code_profiles") else { return };
        for (name, it) in profiles {
            if let (Some(data), Some(parity)) = (small(it, "k"), small(it, "m")) {
                self.profiles.insert(name.clone(), (data, parity));
            }
        }
    }

    /// Pools of `osd dump`, `df` or the dashboard.
    pub(super) fn take_pools(&mut self, items: &[Value]) {
        for it in items.iter().take(ITEMS_MAX) {
            let (Some(id), Some(name)) = (
                first(it, &["pool", "id"]).and_then(Value::as_i64),
                text(it, "pool_name").or_else(|| text(it, "name")),
            ) else {
                continue;
            };
            let pool = self.pools.entry(id).or_default();
            pool.name = name.to_owned();
            pool.erasure = match it.get("type") {
                Some(Value::String(word)) => Some(word == "erasure"),
                Some(number) => number.as_i64().map(|it| it == 3),
                None => pool.erasure,
            };
            pool.size = small(it, "size").or(pool.size);
            pool.min_size = small(it, "min_size").or(pool.min_size);
            let rule = first(it, &["crush_rule", "crush_ruleset"]);
            let rule = rule.map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned));
            pool.rule = rule.or(pool.rule.take());
            pool.profile =
                text(it, "erasure_code_profile").map(str::to_owned).or(pool.profile.take());
            pool.flags = text(it, "flags_names").map(str::to_owned).or(pool.flags.take());
            if let Some(stats) = it.get("stats") {
                let latest =
                    |key: &str| number(stats, key).or_else(|| number(stats.get(key)?, "latest"));
                pool.stored = latest("stored").or_else(|| latest("bytes_used"));
                pool.utilization = latest("percent_used");
            }
            if let Some(Value::Object(states)) = it.get("pg_status") {
                pool.pgs = states
                    .iter()
                    .filter_map(|(name, it)| Some((name.clone(), it.as_f64()?)))
                    .collect();
            }
        }
    }

    pub(super) fn take_pgs(&mut self, items: &[Value]) {
        let brief = |it: &Value| {
            let (pool, _) = text(it, "pgid")?.split_once('.')?;
            let held = list(it, "acting").iter().filter_map(Value::as_i64);
            let acting = held.filter(|it| (0..NOBODY).contains(it)).count();
            Some(Pg {
                pool: pool.parse().ok()?,
                state: text(it, "state")?.to_owned(),
                acting: u32::try_from(acting).unwrap_or(u32::MAX),
            })
        };
        self.pgs = Some(items.iter().filter_map(brief).collect());
    }

    /// Whether some placement group is not as it should be, so that the single ones are worth a question.
    pub(super) fn is_uneven(&self) -> bool {
        let fine = |state: &str| state.starts_with("active+clean");
        self.pg_states.as_ref().is_some_and(|it| it.keys().any(|state| !fine(state)))
    }

    /// Where placement groups were not asked one by one, because all are well: nothing is missing.
    fn worst(&self, id: i64, pool: &Pool) -> Option<Worst> {
        let size = pool.size?;
        let mut worst = Worst::default();
        if let Some(pgs) = &self.pgs {
            for pg in pgs.iter().filter(|it| it.pool == id) {
                worst.add(&pg.state, 1, size.saturating_sub(pg.acting));
            }
            return Some(worst);
        }
        if !pool.pgs.is_empty() {
            for (state, count) in &pool.pgs {
                worst.add(state, count_of(*count), 1);
            }
            return Some(worst);
        }
        (self.pg_states.is_some() && !self.is_uneven()).then_some(worst)
    }

    pub(super) fn tell_pools(&self, c: &mut Collect<'_>, fsid: &str) {
        let mut domains = BTreeMap::new();
        for (number, pool) in &self.pools {
            let id = ComponentId::new("ceph_pool", &format!("{fsid}/{number}"));
            let worst = self.worst(*number, pool);
            let set = self.set(pool, worst, fsid, &mut domains);
            let mut attrs = BTreeMap::from([("ceph.pool.id".to_owned(), number.to_string())]);
            for (name, value) in
                [("ceph.pool.size", pool.size), ("ceph.pool.min_size", pool.min_size)]
            {
                if let Some(value) = value {
                    attrs.insert(name.to_owned(), value.to_string());
                }
            }
            c.component(Component {
                id: id.clone(),
                name: pool.name.clone(),
                attrs,
                links: Vec::new(),
                set,
            });
            for (metric, value) in
                [(&POOL_STORED, pool.stored), (&POOL_UTILIZATION, pool.utilization)]
            {
                if let Some(value) = value {
                    c.sample(metric, &id, value);
                }
            }
            if let Some(flags) = &pool.flags {
                c.state(&POOL_FULL, &id, fullness(flags));
            }
            match worst {
                Some(worst) => worst.tell(c, &id),
                None if pool.size.is_some() => {
                    let text = format!(
                        "pool {}: the state of its placement groups was not told",
                        pool.name
                    );
                    c.problem(Reason::Missing, Some(&id), text);
                }
                None => {}
            }
        }
        for (id, (name, osds)) in domains {
            let on = |it: &i64| Link { relation: Relation::On, to: osd_id(fsid, *it) };
            let links = osds.iter().map(on).collect();
            c.component(Component { id, name, attrs: BTreeMap::new(), links, set: None });
        }
    }

    fn set(
        &self,
        pool: &Pool,
        worst: Option<Worst>,
        fsid: &str,
        domains: &mut BTreeMap<ComponentId, (String, BTreeSet<i64>)>,
    ) -> Option<Set> {
        let (size, min) = (pool.size?, pool.min_size?);
        // No pool keeps a thousand copies: a larger number is a damaged one.
        if !(1..1000).contains(&size) || min == 0 || min > size {
            return None;
        }
        let scheme =
            match (pool.erasure, self.profiles.get(pool.profile.as_deref().unwrap_or_default())) {
                (Some(true), Some((data, parity))) => format!("erasure:{data}+{parity}/{min}"),
                (Some(true), None) => return None,
                _ => format!("replica:{min}/{size}"),
            };
        let mut places = self.places(pool, fsid, domains);
        let lost = worst.map_or(0, |it| it.missing);
        let recovering = worst.is_some_and(|it| it.recovering);
        let gone = if recovering { MemberState::Rebuilding } else { MemberState::Failed };
        let mut left = lost;
        // Places with an OSD that is down are the ones that are missed; others only if that does not explain it.
        places.sort_by_key(|(_, down)| std::cmp::Reverse(*down));
        let mut members = Vec::new();
        for (mut member, down) in places {
            let missed = left > 0 && down;
            left -= u32::from(missed);
            member.state = match worst {
                _ if missed => gone,
                Some(it) if it.unknown > 0 => MemberState::Unknown,
                Some(_) => MemberState::Active,
                None => MemberState::Unknown,
            };
            members.push(member);
        }
        for _ in 0..left {
            let name = "copy".to_owned();
            let state = if recovering { MemberState::Rebuilding } else { MemberState::Missing };
            members.push(Member { slot: None, component: None, name, state });
        }
        let width = u32::try_from(members.len()).unwrap_or(u32::MAX).max(size);
        members.sort_by(|a, b| a.name.cmp(&b.name));
        Some(Set { scheme, width, copies: size, members })
    }

    /// The failure domains of a pool with whether an OSD in it is down though data belong there; where the tree or the
    /// rule is not known, as many nameless places as the pool has copies.
    fn places(
        &self,
        pool: &Pool,
        fsid: &str,
        domains: &mut BTreeMap<ComponentId, (String, BTreeSet<i64>)>,
    ) -> Vec<(Member, bool)> {
        let active = |name: String, component| Member {
            slot: None,
            component,
            name,
            state: MemberState::Active,
        };
        let rule = pool.rule.as_ref().and_then(|it| self.rules.get(it));
        let root = rule.and_then(|it| it.root.as_ref());
        let root =
            root.and_then(|name| self.nodes.iter().find(|it| it.1.name == *name)).map(|it| *it.0);
        let (Some(rule), Some(root)) = (rule, root) else {
            let size = pool.size.unwrap_or(0).min(64);
            return (1..=size).map(|it| (active(format!("copy {it}"), None), false)).collect();
        };
        let osds = self.below(root);
        let down = |it: &i64| {
            self.osds.get(it).is_some_and(|it| it.up == Some(false) && it.inside != Some(false))
        };
        if rule.domain == "osd" {
            let place = |it: &i64| (active(format!("osd.{it}"), Some(osd_id(fsid, *it))), down(it));
            let placed = osds
                .iter()
                .filter(|it| self.osds.get(it).is_some_and(|it| it.inside != Some(false)));
            return placed.take(PLACES_MAX).map(place).collect();
        }
        let mut places = Vec::new();
        for (id, node) in self.nodes.iter().filter(|it| it.1.kind == rule.domain).take(PLACES_MAX) {
            let mine: BTreeSet<i64> = self.below(*id).intersection(&osds).copied().collect();
            let serves = |it: &i64| self.osds.get(it).is_some_and(|it| it.inside != Some(false));
            if !mine.iter().any(serves) {
                continue; // nothing is placed there
            }
            let component = ComponentId::new("ceph_bucket", &format!("{fsid}/{}", node.name));
            places
                .push((active(node.name.clone(), Some(component.clone())), mine.iter().any(&down)));
            domains.entry(component).or_insert((node.name.clone(), mine));
        }
        places
    }
}

impl Worst {
    fn add(&mut self, state: &str, count: u32, missing: u32) {
        let has = |word: &str| state.split('+').any(|it| it == word);
        if state == "unknown" {
            // A manager that has just started has not heard of them yet.
            self.unknown += count;
            return;
        }
        if !has("active") && !has("creating") {
            self.inactive += count;
        }
        let short = has("undersized")
            || has("degraded")
            || has("down")
            || has("incomplete")
            || has("stale");
        if short {
            self.degraded += count;
            // Degraded with all places held: objects are being copied back.
            self.missing = self.missing.max(missing.max(1));
        }
        self.recovering |= short
            && ["backfilling", "recovering", "backfill_wait", "recovery_wait"]
                .iter()
                .any(|it| has(it));
    }

    fn tell(self, c: &mut Collect<'_>, id: &ComponentId) {
        c.sample(&POOL_MISSING, id, f64::from(self.missing));
        for (condition, count) in
            [("degraded", self.degraded), ("inactive", self.inactive), ("unknown", self.unknown)]
        {
            c.sample_with(&POOL_PGS, id, &[("ceph.pg.condition", condition)], f64::from(count));
        }
        if self.unknown > 0 {
            let text = format!(
                "{} placement groups are in the state unknown: the manager has not heard of them",
                self.unknown
            );
            c.problem(Reason::Missing, Some(id), text);
        }
    }
}

/// `full_quota` is a limit that somebody has set; the others are the cluster's.
fn fullness(flags: &str) -> &'static str {
    let has = |word: &str| flags.split(',').any(|it| it.trim() == word);
    ["full_quota", "full", "backfillfull", "nearfull"]
        .into_iter()
        .find(|it| has(it))
        .unwrap_or("ok")
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts; absurd ones become the bound"
)]
fn count_of(count: f64) -> u32 {
    count.clamp(0.0, f64::from(u32::MAX)) as u32
}
