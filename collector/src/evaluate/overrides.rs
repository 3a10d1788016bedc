//! Thresholds that a contract changed for one host: which of several counts, and which no longer does.

use std::{collections::BTreeMap, time::Duration};

use chrono::NaiveDate;
use serde::Serialize;
use xunjian_proto::Time;
use xunjian_rules::{Condition, Rule, RuleSet, Text, Threshold};

use super::{device::DEVICE, truth::Scope, view::Part, words};
use crate::contract::{Contract, Override};

/// The contract's overrides that concern one host, ready to be asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    by_rule: BTreeMap<String, Vec<Entry>>,
    hostname: String,
    /// Sites of the machines that the contract lists; kept only where an override is for a host or a site.
    sites: BTreeMap<String, String>,
    /// One look at a host that nothing follows (`judge`, `once`): what holds on the only reading fires at once.
    pub waive_holds: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    /// How special its scope is: of several in force the largest counts.
    weight: u8,
    it: Override,
    ends: Option<Time>,
}

/// What holds for one rule on one component.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Tuned {
    /// As the library says.
    Not,
    /// Another threshold.
    To(f64),
    /// Switched off.
    Off,
}

/// An override of the contract that is meant for a component, and whether it counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Adjusted {
    /// What it is for: `整个合同` / `the whole contract`, `主机 node1` / `host node1`.
    pub scope: Text,
    /// The new threshold as people write it; the rule is switched off without one.
    pub threshold: Option<String>,
    /// Who decided.
    pub who: String,
    /// Why.
    pub why: String,
    /// Last day it holds.
    pub until: Option<NaiveDate>,
    /// Whether it counts.
    pub standing: Standing,
}

/// Whether an override counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It does.
    InForce,
    /// A more special one counts instead.
    Outranked,
    /// Its last day is over.
    Expired,
}

impl Overrides {
    /// What concerns this host and the devices that it reads. `until` ends with that day in the contract's time zone.
    pub fn of(contract: &Contract, hostname: &str) -> Overrides {
        let mut by_rule: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for it in &contract.overrides {
            let entry = Entry { weight: weight(it), it: it.clone(), ends: it.ends(contract) };
            by_rule.entry(it.rule.clone()).or_default().push(entry);
        }
        for entries in by_rule.values_mut() {
            entries.sort_by_key(|entry| std::cmp::Reverse(entry.weight));
        }
        let placed = contract.overrides.iter().any(|it| it.host.is_some() || it.site.is_some());
        let sites = contract.assets.iter().filter(|_| placed);
        Overrides {
            by_rule,
            hostname: hostname.to_owned(),
            sites: sites.map(|(name, it)| (name.clone(), it.site.clone())).collect(),
            waive_holds: false,
        }
    }

    /// The host that they are for; empty where none is.
    pub(super) fn hostname(&self) -> &str {
        &self.hostname
    }

    /// The same, but judging a single look.
    pub fn waiving_holds(mut self) -> Overrides {
        self.waive_holds = true;
        self
    }

    pub(super) fn find(&self, rule: &str, part: &Part, at: Time) -> Tuned {
        match self.in_force(rule, part, at).map(|entry| entry.it.threshold.as_ref()) {
            None => Tuned::Not,
            Some(Some(limit)) => Tuned::To(limit.value),
            Some(None) => Tuned::Off,
        }
    }

    /// What a judgement under an override says of it; nothing where the library's threshold holds.
    pub(super) fn told(&self, rules: &RuleSet, rule: &Rule, part: &Part, at: Time) -> Option<Text> {
        let entry = self.in_force(&rule.id, part, at)?;
        let it = adjusted(rules, rule, entry, Standing::InForce);
        Some(it.text())
    }

    /// Every override that is meant for the component, the one in force first.
    pub(super) fn all(&self, rules: &RuleSet, rule: &Rule, part: &Part, at: Time) -> Vec<Adjusted> {
        let mut taken = false;
        let mut all: Vec<Adjusted> = Vec::new();
        for entry in self.entries(&rule.id).iter().filter(|entry| self.meant(entry, part)) {
            let standing = match (entry.over(at), taken) {
                (true, _) => Standing::Expired,
                (false, true) => Standing::Outranked,
                (false, false) => Standing::InForce,
            };
            taken |= standing == Standing::InForce;
            all.push(adjusted(rules, rule, entry, standing));
        }
        all.sort_by_key(|it| it.standing as u8);
        all
    }

    fn in_force(&self, rule: &str, part: &Part, at: Time) -> Option<&Entry> {
        self.entries(rule).iter().find(|entry| self.meant(entry, part) && !entry.over(at))
    }

    /// Whether an override is for a component: by the machine that it is part of, and by itself. A device that the
    /// contract lists is a machine of its own, whichever host reads it.
    fn meant(&self, entry: &Entry, part: &Part) -> bool {
        let it = &entry.it;
        let placed = it.host.is_some() || it.site.is_some();
        let device = part.attrs.get(DEVICE).filter(|it| placed && self.sites.contains_key(*it));
        let machine = device.unwrap_or(&self.hostname);
        it.host.as_ref().is_none_or(|it| it == machine)
            && it.site.as_ref().is_none_or(|it| self.sites.get(machine) == Some(it))
            && entry.meant_for(part)
    }

    fn entries(&self, rule: &str) -> &[Entry] {
        match self.by_rule.is_empty() {
            true => &[],
            false => self.by_rule.get(rule).map_or(&[][..], Vec::as_slice),
        }
    }
}

impl Entry {
    fn over(&self, at: Time) -> bool {
        self.ends.is_some_and(|ends| at >= ends)
    }

    fn meant_for(&self, part: &Part) -> bool {
        let model = part.attrs.get("hw.model").map_or("", String::as_str);
        self.it.component.as_deref().is_none_or(|it| it == part.id.as_str())
            && self.it.model.as_deref().is_none_or(|it| is_model(it, model))
    }
}

/// Component before model before host before site before the whole contract.
fn weight(it: &Override) -> u8 {
    let scopes = [&it.site, &it.host, &it.model, &it.component];
    scopes.iter().enumerate().filter(|(_, scope)| scope.is_some()).map(|(at, _)| 1 << at).sum()
}

fn is_model(wanted: &str, model: &str) -> bool {
    let (wanted, model) = (wanted.trim().to_lowercase(), model.trim().to_lowercase());
    match wanted.strip_suffix('*') {
        Some(start) => !model.is_empty() && model.starts_with(start),
        None => wanted == model,
    }
}

fn adjusted(rules: &RuleSet, rule: &Rule, entry: &Entry, standing: Standing) -> Adjusted {
    let it = &entry.it;
    Adjusted {
        scope: scope(it),
        threshold: it.threshold.as_ref().map(|limit| words::limit(rules, rule, limit.value)),
        who: it.who.clone(),
        why: it.why.clone(),
        until: it.until,
        standing,
    }
}

fn scope(it: &Override) -> Text {
    let parts: Vec<Text> = [
        ("站点", "site", &it.site),
        ("主机", "host", &it.host),
        ("型号", "model", &it.model),
        ("部件", "component", &it.component),
    ]
    .into_iter()
    .filter_map(|(zh, en, value)| {
        let value = value.as_deref()?;
        Some(Text::new(format!("{zh} {value}"), format!("{en} {value}")))
    })
    .collect();
    if parts.is_empty() {
        return Text::new("整个合同", "the whole contract");
    }
    let join =
        |pick: fn(&Text) -> &str, mark: &str| parts.iter().map(pick).collect::<Vec<_>>().join(mark);
    Text::new(join(|it| &it.zh, "、"), join(|it| &it.en, ", "))
}

impl Adjusted {
    /// One sentence: what was changed, for what, by whom, why and until when.
    pub fn text(&self) -> Text {
        let (zh, en) = match &self.threshold {
            Some(value) => (format!("阈值调整为 {value}"), format!("threshold set to {value}")),
            None => ("停用该规则".to_owned(), "rule switched off".to_owned()),
        };
        let until = match self.until {
            Some(day) => (format!("至 {day}"), format!("until {day}")),
            None => ("长期".to_owned(), "for good".to_owned()),
        };
        let standing = match self.standing {
            Standing::InForce => ("", ""),
            Standing::Outranked => ("；有更具体的调整，此条不生效", "; a more special one counts"),
            Standing::Expired => ("；已到期，不再生效", "; its time is over, it does not apply"),
        };
        let (scope, who, why) = (&self.scope, &self.who, &self.why);
        Text::new(
            format!("合同调整（{}）：{zh}，{who}：{why}，{}{}", scope.zh, until.0, standing.0),
            format!(
                "changed by the contract ({}): {en}, {who}: {why}, {}{}",
                scope.en, until.1, standing.1
            ),
        )
    }
}

impl Scope<'_> {
    /// The limit in force where it is a whole number.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of runs that a contract gives; `as` saturates"
    )]
    pub(super) fn count(&self, condition: &Condition, value: u32) -> u32 {
        self.tuned(condition, f64::from(value)).ceil().max(1.0) as u32
    }

    /// The same for a silence.
    pub(super) fn length(&self, condition: &Condition, threshold: Threshold) -> Threshold {
        match threshold {
            Threshold::Periods(periods) => Threshold::Periods(self.count(condition, periods)),
            Threshold::Time(time) => {
                let secs = self.tuned(condition, time.as_secs_f64());
                Threshold::Time(Duration::try_from_secs_f64(secs).unwrap_or(time))
            }
        }
    }
}
