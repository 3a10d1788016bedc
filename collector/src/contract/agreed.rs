//! What is agreed with the customer for a time: maintenance windows and accepted risks. They come from the contract's file
//! or from the store, where people enter them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use xunjian_proto::{ComponentId, Time};

use super::Contract;

/// A maintenance window (维护窗口): faults are collected, judged and marked, and nobody is paged for them. At its end it is
/// told what remains. Without a scope it is for everything of the contract.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Its name in the store; made from the times for one of the contract's file.
    #[serde(default)]
    pub id: String,
    /// Only machines of this site.
    #[serde(default)]
    pub site: Option<String>,
    /// Only this host.
    #[serde(default)]
    pub host: Option<String>,
    /// Only this component.
    #[serde(default)]
    pub component: Option<String>,
    /// First instant: RFC 3339, or local time of the contract's zone (`2026-11-22T22:00:00`).
    pub from: String,
    /// First instant after it.
    pub to: String,
    /// Who answers for it.
    pub who: String,
    /// What is done.
    pub why: String,
    /// When people ended it before its time; from the store only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Time>,
}

impl Window {
    /// Both ends; none if one of them is no time. Where it was ended early, that is its end.
    pub fn span(&self, zone: Tz) -> Option<(Time, Time)> {
        let to = instant(&self.to, zone)?;
        Some((instant(&self.from, zone)?, self.ended.map_or(to, |it| it.min(to))))
    }

    /// The same with a name for the store, by what it says and when it was entered.
    pub fn named(self, entered: Time) -> Window {
        let said = format!("{self:?}");
        let digest = ring::digest::digest(&ring::digest::SHA256, said.as_bytes());
        let mark: String = digest.as_ref().iter().take(3).map(|it| format!("{it:02x}")).collect();
        Window { id: format!("maintenance-{}-{mark}", entered.secs()), ..self }
    }

    /// What people call it.
    pub fn name(&self) -> String {
        if self.id.is_empty() { format!("{} – {}", self.from, self.to) } else { self.id.clone() }
    }

    /// Whether it is for this component of this machine at this time.
    pub fn covers(
        &self,
        contract: &Contract,
        hostname: &str,
        component: &ComponentId,
        at: Time,
    ) -> bool {
        let site = match component.kind() {
            "site" => Some(component.key()),
            _ => contract.assets.get(hostname).map(|it| it.site.as_str()),
        };
        self.span(contract.timezone).is_some_and(|(from, to)| from <= at && at < to)
            && self.host.as_deref().is_none_or(|it| it == hostname)
            && self.site.as_deref().is_none_or(|it| site == Some(it))
            && self.component.as_deref().is_none_or(|it| it == component.as_str())
    }
}

/// A fault that the customer has decided to live with (接受的风险), as it was when that was signed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// Its name in the store.
    pub id: String,
    /// The case that it is about.
    pub case: String,
    /// Rank of the grade then: 1 to 4 the fault level, 5 a gap, 6 advice.
    pub rank: u8,
    /// Rules that spoke then.
    pub rules: Vec<String>,
    /// What was read then: rule, reading, value, comparison.
    pub values: Vec<(String, String, String, String)>,
    /// Who signed on the customer's side.
    pub signer: String,
    /// Why it is accepted.
    pub why: String,
    /// Last day it holds.
    pub until: NaiveDate,
    /// Who entered it.
    pub by: String,
    /// When.
    pub at: Time,
}

/// One of both, as it lies in the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// A maintenance window.
    Window(Window),
    /// An accepted risk.
    Risk(Accepted),
}

impl Agreement {
    /// Its name in the store.
    pub fn id(&self) -> &str {
        match self {
            Agreement::Window(it) => &it.id,
            Agreement::Risk(it) => &it.id,
        }
    }
}

impl Contract {
    /// The first window that covers a component of a machine at this time.
    pub fn window(&self, hostname: &str, component: &ComponentId, at: Time) -> Option<&Window> {
        self.maintenance.iter().find(|it| it.covers(self, hostname, component, at))
    }

    /// The first instant of the day after this one, in the contract's time zone.
    pub fn day_after(&self, day: NaiveDate) -> Option<Time> {
        let next = day.succ_opt()?.and_time(NaiveTime::MIN);
        let local = self.timezone.from_local_datetime(&next).earliest()?;
        Some(Time::from_millis(local.timestamp_millis()))
    }
}

/// A time as people write it.
fn instant(text: &str, zone: Tz) -> Option<Time> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(Time::from_millis(at.timestamp_millis()));
    }
    let forms = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"];
    let local = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    let at = zone.from_local_datetime(&local).earliest()?;
    Some(Time::from_millis(at.timestamp_millis()))
}
