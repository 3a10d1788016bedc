//! Bonds: who belongs to one, and what the partner of an aggregation (LACP) says.
//!
//! Facts: kernel document `networking/bonding`, `bond_sysfs_slave.c`, IEEE 802.1AX (bits of a port's state). A port with
//! a link whose partner does not take part carries nothing: it waits in an aggregator of its own, beside the one that the
//! bond uses.

use xunjian_proto::{ComponentId, Member, MemberState, Set};

use crate::{devices::word, host::Host, source::Metric};

pub(super) const LACP: Metric = Metric::word(
    "system.network.bond.lacp",
    "LACP 协商状态",
    "How a port of an 802.3ad bond stands with its partner: in_sync, negotiating, no_partner (it hears no LACP), expired \
     (it hears none any more), other_aggregator (its partner is another one than the bond's).",
);

/// Bits of a port's state.
const COLLECTING_AND_DISTRIBUTING: u32 = 0x30;
const IN_SYNC: u32 = 0x08;
const DEFAULTED: u32 = 0x40;
const EXPIRED: u32 = 0x80;

/// The members of a bond.
pub(super) fn set(host: &dyn Host, name: &str) -> Set {
    let slaves = word(host, &format!("sys/class/net/{name}/bonding/slaves")).unwrap_or_default();
    let used = word(host, &format!("sys/class/net/{name}/bonding/ad_aggregator"));
    let member = |slave: &str| {
        let own = |file: &str| word(host, &format!("sys/class/net/{slave}/bonding_slave/{file}"));
        let aside = match (&used, own("ad_aggregator_id")) {
            (Some(used), Some(own)) => own != *used && own != "N/A",
            _ => false,
        };
        let state = match own("mii_status").as_deref() {
            Some("up") if aside => MemberState::Failed,
            Some("up") => MemberState::Active,
            // `going down`, `back`: the bond does not send through it.
            Some(_) => MemberState::Failed,
            None => MemberState::Unknown,
        };
        let component = Some(ComponentId::new("netif", slave));
        Member { slot: None, component, name: slave.to_owned(), state }
    };
    let members: Vec<Member> = slaves.split_whitespace().map(member).collect();
    let width = u32::try_from(members.len()).unwrap_or(u32::MAX);
    Set { scheme: "bond".to_owned(), width, copies: 1, members }
}

/// How a port stands with its partner; none if it belongs to no aggregation or has no link.
pub(super) fn lacp(host: &dyn Host, port: &str) -> Option<&'static str> {
    let own = |file: &str| word(host, &format!("sys/class/net/{port}/bonding_slave/{file}"));
    let bits = |file: &str| own(file)?.parse::<u32>().ok();
    if own("mii_status").as_deref() != Some("up") {
        return None;
    }
    let actor = bits("ad_actor_oper_port_state")?;
    let partner = bits("ad_partner_oper_port_state").unwrap_or(IN_SYNC);
    let master = host.link(&format!("sys/class/net/{port}/master")).ok();
    let bond = master.as_deref().and_then(|it| it.rsplit('/').next()).unwrap_or_default();
    let used = word(host, &format!("sys/class/net/{bond}/bonding/ad_aggregator"));
    let aside = used.is_some() && own("ad_aggregator_id").is_some_and(|it| Some(it) != used);
    Some(if actor & DEFAULTED != 0 {
        "no_partner"
    } else if actor & EXPIRED != 0 {
        "expired"
    } else if aside {
        "other_aggregator"
    } else if actor & COLLECTING_AND_DISTRIBUTING == COLLECTING_AND_DISTRIBUTING
        && actor & partner & IN_SYNC != 0
    {
        "in_sync"
    } else {
        "negotiating"
    })
}
