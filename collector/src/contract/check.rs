//! What a contract must say to make sense; every mistake, not only the first. Pure.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use chrono::NaiveDate;
use xunjian_proto::{ComponentId, nearest};
use xunjian_rules::{Condition, Rule, RuleSet, Threshold, unit};

use super::{Asset, Clocks, Contract, Limit, Override};

/// A week in minutes: longer clocks and hours are slips of the pen.
const MINUTES: RangeInclusive<u32> = 1..=7 * 24 * 60;
const HOURS: RangeInclusive<u32> = 1..=24 * 90;
const ROLES: &[&str] = &["engineer", "senior", "support", "manager", "emergency"];
const KINDS: &[&str] = &["inspection", "training"];

/// Key and sentence of each mistake.
pub(super) fn check(contract: &Contract) -> Vec<(String, String)> {
    let mut all = Mistakes(Vec::new());
    identity(contract, &mut all);
    assets(contract, &mut all);
    clocks("clocks", &contract.clocks, &mut all);
    clocks("emergency_clocks", &contract.emergency_clocks, &mut all);
    dispatch(contract, &mut all);
    people(contract, &mut all);
    calendar(contract, &mut all);
    policy(contract, &mut all);
    overrides(contract, &mut all);
    all.0.extend(contract.window_mistakes());
    all.0
}

impl Contract {
    /// Overrides that the rules cannot follow: (key, sentence). A rule that does not exist, or a threshold for a rule
    /// that has none.
    pub fn rule_mistakes(&self, rules: &RuleSet) -> Vec<(String, String)> {
        let mut all = Mistakes(Vec::new());
        let known: Vec<&str> = rules.rules.iter().map(|it| &*it.id).collect();
        for (index, it) in self.overrides.iter().enumerate() {
            let key = format!("overrides[{index}]");
            all.one_of(format!("{key}.rule"), &it.rule, &known, "rules");
            let Some(rule) = rules.rule(&it.rule) else { continue };
            if let Some(what) = it.threshold.as_ref().and_then(|it| misfit(it, rule, rules)) {
                all.add(format!("{key}.threshold"), what);
            }
            let kind = it.component.as_deref().map(ComponentId::parse);
            if let Some(id) = kind.filter(|id| id.kind() != rule.on) {
                let what = format!(
                    "{:?} is of kind `{}`, the rule is about `{}`",
                    id.as_str(),
                    id.kind(),
                    rule.on
                );
                all.add(format!("{key}.component"), what);
            }
        }
        all.0
    }
}

/// Why a threshold cannot be one of a rule: nothing to compare with, another unit, or a percentage without its mark.
fn misfit(limit: &Limit, rule: &Rule, rules: &RuleSet) -> Option<String> {
    let id = &rule.id;
    let Some((own, test)) = rule.threshold().zip(rule.when.first_limited()) else {
        return Some(format!(
            "rule \"{id}\" compares with no number that could be changed; without a threshold it is switched off"
        ));
    };
    let unit = match test {
        Condition::Number(test) => rules.unit_of(&test.measure),
        Condition::Silent(Threshold::Time(_)) => "s".to_owned(),
        _ => String::new(),
    };
    let (text, value) = (limit.text(), limit.value);
    match limit.unit() {
        Some(given) if given != unit => {
            let wanted = unit::wanted(&unit);
            let unit = if unit.is_empty() { "a count" } else { &unit };
            Some(format!(
                "{text:?} does not fit rule \"{id}\", which compares with {unit}; wanted {wanted}"
            ))
        }
        None if unit == "1" && own <= 1.0 && value > 1.0 => {
            Some(format!("{text} is more than the whole; did you mean \"{text} %\"?"))
        }
        _ => None,
    }
}

impl Contract {
    /// What is wrong with the maintenance windows: (key, sentence).
    pub fn window_mistakes(&self) -> Vec<(String, String)> {
        let mut all = Mistakes(Vec::new());
        let sites: Vec<&str> = self.sites.keys().map(String::as_str).collect();
        for (index, it) in self.maintenance.iter().enumerate() {
            let key = format!("maintenance[{index}]");
            all.filled(format!("{key}.who"), &it.who);
            all.filled(format!("{key}.why"), &it.why);
            if let Some(site) = &it.site {
                all.one_of(format!("{key}.site"), site, &sites, "sites of this contract");
            }
            match it.span(self.timezone) {
                None => all.add(
                    format!("{key}.from"),
                    format!(
                        "{:?} to {:?}: wanted times like 2026-11-22T22:00:00, or with a zone like 2026-11-22T22:00:00+08:00",
                        it.from, it.to
                    ),
                ),
                Some((from, to)) if to <= from => {
                    all.add(format!("{key}.to"), format!("{} is not after from = {}", it.to, it.from));
                }
                Some((from, to)) if to.since(from) > WINDOW_MAX => all.add(
                    format!("{key}.to"),
                    "longer than 31 days: a window in which nobody is paged for so long is a switched-off service",
                ),
                Some(_) => {}
            }
        }
        all.0
    }
}

/// Longer windows are slips of the pen, or worse.
const WINDOW_MAX: Duration = Duration::from_secs(31 * 86_400);

struct Mistakes(Vec<(String, String)>);

impl Mistakes {
    fn add(&mut self, key: impl Into<String>, what: impl Into<String>) {
        self.0.push((key.into(), what.into()));
    }

    fn within(&mut self, key: impl Into<String>, value: u32, wanted: &RangeInclusive<u32>) {
        if !wanted.contains(&value) {
            self.add(key, format!("{value}: wanted {} to {}", wanted.start(), wanted.end()));
        }
    }

    fn level(&mut self, key: impl Into<String>, value: u8) {
        self.within(key, u32::from(value), &(1..=4));
    }

    fn one_of(&mut self, key: String, value: &str, known: &[&str], what: &str) {
        if known.contains(&value) {
            return;
        }
        let hint = match nearest(value, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.len() <= 12 => format!("{what} are: {}", known.join(", ")),
            None => format!("it is none of the {} {what}", known.len()),
        };
        self.add(key, format!("{value:?} is not known; {hint}"));
    }

    fn filled(&mut self, key: String, value: &str) {
        if value.trim().is_empty() {
            self.add(key, "empty: wanted a text");
        }
    }

    fn distinct(&mut self, key: &str, values: &[String]) {
        for (index, value) in values.iter().enumerate() {
            if values.iter().take(index).any(|it| it == value) {
                self.add(format!("{key}[{index}]"), format!("{value:?} is listed twice"));
            }
        }
    }
}

fn identity(contract: &Contract, all: &mut Mistakes) {
    let short = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    let customer = &contract.customer;
    if customer.is_empty() || customer.len() > 40 || !customer.chars().all(short) {
        all.add("customer", format!("{customer:?}: wanted 1 to 40 of a-z, 0-9, - and _ (the full name goes to customer_name)"));
    }
    if let (Some(starts), Some(ends)) = (contract.starts, contract.ends)
        && ends < starts
    {
        all.add("ends", format!("{ends} is before starts = {starts}"));
    }
}

fn assets(contract: &Contract, all: &mut Mistakes) {
    let sites: Vec<&str> = contract.sites.keys().map(String::as_str).collect();
    let mut places: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    for (name, asset) in &contract.assets {
        let key = format!("assets.{name}");
        if let Some(other) = names.insert(name.to_lowercase(), name) {
            all.add(
                &key,
                format!("the same machine as `assets.{other}`: host names do not differ by case"),
            );
        }
        if !asset.site.is_empty() {
            all.one_of(format!("{key}.site"), &asset.site, &sites, "sites of this contract");
        }
        let place = (asset.site.as_str(), asset.location.as_str());
        if !asset.location.is_empty()
            && let Some(other) = places.insert(place, name)
        {
            let what = format!("{:?} is already the place of `assets.{other}`", asset.location);
            all.add(format!("{key}.location"), what);
        }
        let others: Vec<&str> =
            contract.assets.keys().map(String::as_str).filter(|it| it != name).collect();
        for partner in &asset.partners {
            all.one_of(
                format!("{key}.partners"),
                partner,
                &others,
                "other assets of this contract",
            );
        }
        asset_lists(&key, asset, all);
    }
}

fn asset_lists(key: &str, asset: &Asset, all: &mut Mistakes) {
    all.distinct(&format!("{key}.scratch"), &asset.scratch);
    all.distinct(&format!("{key}.partners"), &asset.partners);
    all.distinct(&format!("{key}.critical_units"), &asset.critical_units);
    for (index, path) in asset.scratch.iter().enumerate() {
        if !path.starts_with('/') || (path.len() > 1 && path.ends_with('/')) {
            let what =
                format!("{path:?}: wanted a mount point as the host shows it, like \"/scratch\"");
            all.add(format!("{key}.scratch[{index}]"), what);
        }
    }
    for (index, unit) in asset.critical_units.iter().enumerate() {
        if !unit.contains('.') {
            let what = format!("{unit:?}: wanted the unit's full name, like \"{unit}.service\"");
            all.add(format!("{key}.critical_units[{index}]"), what);
        }
    }
}

fn clocks(section: &str, clocks: &Clocks, all: &mut Mistakes) {
    let legs = [
        ("response_minutes", clocks.response_minutes),
        ("arrival_minutes", clocks.arrival_minutes),
        ("repair_minutes", clocks.repair_minutes),
        ("strategy_minutes", clocks.strategy_minutes),
        ("solution_minutes", clocks.solution_minutes),
    ];
    for (key, value) in legs {
        all.within(format!("{section}.{key}"), value, &MINUTES);
    }
    for (first, then) in [(0, 1), (1, 2), (3, 4)] {
        let ((first, earlier), (then, later)) = (legs[first], legs[then]);
        if later < earlier {
            all.add(
                format!("{section}.{then}"),
                format!("{later} is less than {first} = {earlier}"),
            );
        }
    }
}

fn dispatch(contract: &Contract, all: &mut Mistakes) {
    for (index, level) in contract.emergency_levels.iter().enumerate() {
        let key = format!("emergency_levels[{index}]");
        all.level(&key, *level);
        if contract.emergency_levels.iter().take(index).any(|it| it == level) {
            all.add(key, format!("level {level} is listed twice"));
        }
    }
    for (level, row) in &contract.dispatch {
        let key = format!("dispatch.{level}");
        all.one_of(key.clone(), level, &["1", "2", "3", "4"], "levels");
        all.within(format!("{key}.engineers"), row.engineers, &(0..=20));
        all.within(
            format!("{key}.second_engineer_minutes"),
            row.second_engineer_minutes,
            &(0..=*MINUTES.end()),
        );
    }
}

fn people(contract: &Contract, all: &mut Mistakes) {
    for (index, person) in contract.people.iter().enumerate() {
        let key = format!("people[{index}]");
        all.filled(format!("{key}.name"), &person.name);
        all.one_of(format!("{key}.role"), &person.role, ROLES, "roles");
        if person.phone.trim().is_empty() && person.mail.trim().is_empty() {
            all.add(
                &key,
                format!("{:?} has neither phone nor mail and cannot be reached", person.name),
            );
        }
        let same = |it: &super::Person| it.name == person.name && it.role == person.role;
        if contract.people.iter().take(index).any(same) {
            all.add(key, format!("{:?} is listed twice as {}", person.name, person.role));
        }
    }
}

fn calendar(contract: &Contract, all: &mut Mistakes) {
    for (index, it) in contract.calendar.iter().enumerate() {
        let key = format!("calendar[{index}]");
        all.one_of(format!("{key}.kind"), &it.kind, KINDS, "kinds");
        let before = contract.starts.is_some_and(|starts| it.date < starts);
        if before || contract.ends.is_some_and(|ends| it.date > ends) {
            all.add(format!("{key}.date"), format!("{} is outside the time of service", it.date));
        }
        let same = |other: &super::Appointment| other.date == it.date && other.kind == it.kind;
        if contract.calendar.iter().take(index).any(same) {
            all.add(key, format!("{} on {} is listed twice", it.kind, it.date));
        }
    }
}

fn policy(contract: &Contract, all: &mut Mistakes) {
    let it = &contract.policy;
    for (key, level) in [
        ("prefail_no_spare", it.prefail_no_spare),
        ("psu_lost", it.psu_lost),
        ("psu_lost_clustered", it.psu_lost_clustered),
        ("suspects_exhaust", it.suspects_exhaust),
        ("bond_clustered", it.bond_clustered),
        ("scratch_lost", it.scratch_lost),
        ("unit_failed", it.unit_failed),
    ] {
        all.level(format!("policy.{key}"), level);
    }
    for (key, hours) in [
        ("no_spare_hours", it.no_spare_hours),
        ("rebuild_hours", it.rebuild_hours),
        ("reopen_hours", it.reopen_hours),
    ] {
        all.within(format!("policy.{key}"), hours, &HOURS);
    }
    all.within("policy.late_minutes", it.late_minutes, &MINUTES);
    let share = it.ost_share_basic_function_lost;
    if !(share > 0.0 && share <= 1.0) {
        all.add(
            "policy.ost_share_basic_function_lost",
            format!("{share}: wanted a share above 0, at most 1 (0.25 is a quarter)"),
        );
    }
}

fn overrides(contract: &Contract, all: &mut Mistakes) {
    let hosts: Vec<&str> = contract.assets.keys().map(String::as_str).collect();
    let sites: Vec<&str> = contract.sites.keys().map(String::as_str).collect();
    for (index, it) in contract.overrides.iter().enumerate() {
        let key = format!("overrides[{index}]");
        all.filled(format!("{key}.rule"), &it.rule);
        all.filled(format!("{key}.who"), &it.who);
        all.filled(format!("{key}.why"), &it.why);
        if let Some(host) = &it.host {
            all.one_of(format!("{key}.host"), host, &hosts, "assets of this contract");
        }
        if it.threshold.as_ref().is_some_and(|it| !it.value.is_finite()) {
            all.add(format!("{key}.threshold"), "wanted a finite number");
        }
        if let Some(site) = &it.site {
            all.one_of(format!("{key}.site"), site, &sites, "sites of this contract");
        }
        for (name, scope) in [("model", &it.model), ("component", &it.component)] {
            if let Some(scope) = scope {
                all.filled(format!("{key}.{name}"), scope);
            }
        }
        // Two that hold at the same time for the same thing contradict each other; which counts would be chance.
        let scope = |it: &Override| {
            (
                it.rule.clone(),
                it.site.clone(),
                it.host.clone(),
                it.model.clone(),
                it.component.clone(),
            )
        };
        if contract.overrides.iter().take(index).any(|other| scope(other) == scope(it)) {
            all.add(key, format!("rule {:?} is overridden twice for the same scope", it.rule));
        }
    }
    let last = contract.ends.unwrap_or(NaiveDate::MAX);
    for (index, it) in contract.overrides.iter().enumerate() {
        if it.until.is_some_and(|until| until > last) {
            all.add(
                format!("overrides[{index}].until"),
                format!("it outlives the contract, which ends on {last}"),
            );
        }
    }
}
