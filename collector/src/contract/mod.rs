//! The contract with one customer: who, what is covered, clocks, dispatch, calendar, policies. One TOML file per
//! customer; without one a default contract with the service policy's clocks serves.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use xunjian_proto::Time;
use xunjian_rules::Lang;

mod agreed;

mod book;

mod check;

mod limit;

mod load;

pub use agreed::{Accepted, Agreement, Window};
pub use book::{BookError, Contracts};
pub use limit::Limit;
pub use load::{CONTRACT_BYTES_MAX, ContractError, Mistake};

/// A contract. Every key has a working default; unknown keys are mistakes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Contract {
    /// Short name, used as the key of everything that belongs to the customer.
    pub customer: String,
    /// Full name as it stands on the report; see [`Contract::customer_title`].
    pub customer_name: String,
    /// Contract number (合同编号).
    pub number: String,
    /// Service provider as it stands on the report.
    pub provider_name: String,
    /// IANA time zone of reports, pages and the calendar.
    pub timezone: chrono_tz::Tz,
    /// First day of service.
    pub starts: Option<NaiveDate>,
    /// Last day of service.
    pub ends: Option<NaiveDate>,
    /// Sites, by short name.
    pub sites: BTreeMap<String, Site>,
    /// Covered machines, by host name.
    pub assets: BTreeMap<String, Asset>,
    /// Clocks of routine service.
    pub clocks: Clocks,
    /// Clocks of the emergency tier.
    pub emergency_clocks: Clocks,
    /// Levels that run on the emergency clocks (numbers 1 to 4).
    pub emergency_levels: Vec<u8>,
    /// Who is sent, by level (`1` to `4`).
    pub dispatch: BTreeMap<String, Dispatch>,
    /// People on call.
    pub people: Vec<Person>,
    /// Inspections and trainings agreed.
    pub calendar: Vec<Appointment>,
    /// Switches of the level decision.
    pub policy: Policy,
    /// Thresholds of rules changed for this customer.
    pub overrides: Vec<Override>,
    /// Windows in which nobody is paged.
    pub maintenance: Vec<Window>,
    /// Faults that the customer has accepted; from the store only.
    #[serde(skip)]
    pub accepted: Vec<Accepted>,
}

/// A place where covered machines stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Site {
    /// Full name.
    pub name: String,
    /// Postal address.
    pub address: String,
    /// Contact on the customer's side.
    pub contact: String,
}

/// A covered machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Asset {
    /// Key of its site.
    pub site: String,
    /// Rack and height unit.
    pub location: String,
    /// Another machine takes over if this one fails.
    pub clustered: bool,
    /// The machines that take over, by host name; one that is silent or failing itself is not counted on.
    pub partners: Vec<String>,
    /// Mount points that are not production (scratch, spare).
    pub scratch: Vec<String>,
    /// Units whose loss interrupts the service.
    pub critical_units: Vec<String>,
}

/// Times allowed, in minutes. All clocks run 7x24.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clocks {
    /// 响应时间.
    pub response_minutes: u32,
    /// 到达现场时间.
    pub arrival_minutes: u32,
    /// 故障排除时间.
    pub repair_minutes: u32,
    /// 应急方案.
    pub strategy_minutes: u32,
    /// 解决方案.
    pub solution_minutes: u32,
}

impl Default for Clocks {
    fn default() -> Clocks {
        Clocks {
            response_minutes: 15,
            arrival_minutes: 60,
            repair_minutes: 120,
            strategy_minutes: 60,
            solution_minutes: 120,
        }
    }
}

/// Who is sent at a level, and what follows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dispatch {
    /// Engineers on site.
    pub engineers: u32,
    /// A fault report (故障报告) goes to the customer.
    pub fault_report: bool,
    /// A certified senior engineer for the storage software goes on site.
    pub senior_on_site: bool,
    /// The remote support group is notified and asked for help.
    pub notify_support_group: bool,
    /// A second, emergency engineer arrives within so many minutes; 0: not sent.
    pub second_engineer_minutes: u32,
    /// The emergency engineer is notified.
    pub notify_emergency_engineer: bool,
}

/// A person on call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Person {
    /// Name.
    pub name: String,
    /// `engineer`, `senior`, `support`, `manager`, `emergency`.
    pub role: String,
    /// Telephone.
    pub phone: String,
    /// Mail address.
    pub mail: String,
}

/// An agreed date.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appointment {
    /// The day.
    pub date: NaiveDate,
    /// `inspection` (定期巡检) or `training` (培训).
    pub kind: String,
    /// Remark.
    #[serde(default)]
    pub note: String,
}

/// Switches of the level decision, with the decided defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Level of a pre-fail member in a set that has redundancy but no spare.
    pub prefail_no_spare: u8,
    /// Hours after which a set that lost a member and has no spare goes from level 4 to 3.
    pub no_spare_hours: u32,
    /// Level of a lost power supply on a host that nothing takes over from.
    pub psu_lost: u8,
    /// Level of a lost power supply on a clustered host.
    pub psu_lost_clustered: u8,
    /// Share of object storage targets whose loss counts as the basic function lost.
    pub ost_share_basic_function_lost: f64,
    /// Level of suspects (two, or one beside a lost member) whose failure would use up the last redundancy.
    pub suspects_exhaust: u8,
    /// Hours after which a rebuild that still runs counts as "no spare".
    pub rebuild_hours: u32,
    /// Level of a bond without redundancy on a clustered host.
    pub bond_clustered: u8,
    /// Level of a lost mount point or disk that the contract calls scratch.
    pub scratch_lost: u8,
    /// Level of a failed unit that is not among the asset's critical units.
    pub unit_failed: u8,
    /// A disk or array whose use could not be read is judged as production.
    pub unknown_use_is_production: bool,
    /// Hours within which a closed case that comes back is the same case.
    pub reopen_hours: u32,
    /// Minutes after which data that arrive are late: judged, reported, not paged.
    pub late_minutes: u32,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            prefail_no_spare: 4,
            no_spare_hours: 24,
            psu_lost: 2,
            psu_lost_clustered: 4,
            ost_share_basic_function_lost: 0.25,
            suspects_exhaust: 2,
            rebuild_hours: 24,
            bond_clustered: 4,
            scratch_lost: 3,
            unit_failed: 4,
            unknown_use_is_production: true,
            reopen_hours: 24,
            late_minutes: 60,
        }
    }
}

impl Contract {
    /// What the customer is called on pages and reports, also where the contract does not name it.
    pub fn customer_title(&self, lang: Lang) -> &str {
        match (self.customer_name.as_str(), lang) {
            ("", Lang::Zh) => "未指定客户",
            ("", Lang::En) => "unnamed customer",
            (name, _) => name,
        }
    }
}

impl Default for Contract {
    fn default() -> Contract {
        let row = |engineers| Dispatch { engineers, fault_report: true, ..Dispatch::default() };
        Contract {
            customer: "default".to_owned(),
            customer_name: String::new(),
            number: String::new(),
            provider_name: String::new(),
            timezone: chrono_tz::Asia::Shanghai,
            starts: None,
            ends: None,
            sites: BTreeMap::new(),
            assets: BTreeMap::new(),
            clocks: Clocks::default(),
            emergency_clocks: Clocks {
                arrival_minutes: 120,
                repair_minutes: 240,
                ..Clocks::default()
            },
            emergency_levels: Vec::new(),
            dispatch: BTreeMap::from([
                ("1".to_owned(), Dispatch { senior_on_site: true, ..row(2) }),
                ("2".to_owned(), Dispatch { notify_support_group: true, ..row(2) }),
                ("3".to_owned(), Dispatch { second_engineer_minutes: 120, ..row(1) }),
                ("4".to_owned(), Dispatch { notify_emergency_engineer: true, ..row(1) }),
            ]),
            people: Vec::new(),
            calendar: Vec::new(),
            policy: Policy::default(),
            overrides: Vec::new(),
            maintenance: Vec::new(),
            accepted: Vec::new(),
        }
    }
}

/// A threshold of a rule, changed for a part of the customer's machines. Of several that hold for one component the most
/// special one counts: component, then model, then host, then site, then the whole contract.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// The rule's id.
    pub rule: String,
    /// Only on machines of this site.
    #[serde(default)]
    pub site: Option<String>,
    /// Only on this host, or on this device that a host reads.
    #[serde(default)]
    pub host: Option<String>,
    /// Only on parts of this model (attribute `hw.model`, in any case); a `*` at the end stands for anything.
    #[serde(default)]
    pub model: Option<String>,
    /// Only on this component.
    #[serde(default)]
    pub component: Option<String>,
    /// The new threshold: a number in the unit of the metric, or with a unit of its own. The rule is switched off
    /// without one.
    #[serde(default)]
    pub threshold: Option<Limit>,
    /// Who decided.
    pub who: String,
    /// Why.
    pub why: String,
    /// Last day it holds; for ever without one.
    #[serde(default)]
    pub until: Option<NaiveDate>,
}

impl Override {
    /// Whether its last day is over at `now`, in the contract's time zone.
    pub fn is_over(&self, contract: &Contract, now: Time) -> bool {
        self.ends(contract).is_some_and(|ends| now >= ends)
    }

    /// The first instant at which it no longer holds.
    pub fn ends(&self, contract: &Contract) -> Option<Time> {
        contract.day_after(self.until?)
    }
}
