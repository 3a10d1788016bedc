//! Cases of a host that another contract covers by now: they end, and what still holds is opened anew under that contract.

use xunjian_proto::Time;
use xunjian_rules::Text;

use super::{Case, CaseChange, Step, settle::log};

/// Closes the open cases of this host that belong to another customer than its contract's: its judgements no longer
/// reach them, so nothing else would ever end them.
pub(super) fn closed(input: &Step<'_>, at: Time) -> Vec<Case> {
    let customer = &input.contract.customer;
    let left = input
        .open
        .iter()
        .filter(|it| it.agent == input.agent && it.customer != *customer && it.closed_at.is_none());
    left.map(|case| {
        let mut case = case.clone();
        let why = Text::new(
            format!("主机已改由合同 {customer} 覆盖，本条关闭；仍存在的故障在该合同下另立"),
            format!("the contract of {customer} covers the host by now: what still holds is opened under it"),
        );
        case.closed_at = Some(at);
        case.updated_at = at;
        case.parent = None;
        log(&mut case, at, CaseChange::Closed, why);
        case
    })
    .collect()
}
