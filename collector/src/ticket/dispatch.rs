//! Who is sent at a level and what follows, in sentences, as the contract's table says.

use xunjian_rules::Text;

use crate::{
    classify::Level,
    contract::{Contract, Person},
};

/// What is done at a level: one sentence each, in the order in which it is done.
pub fn dispatch(level: Level, contract: &Contract) -> Vec<Text> {
    let Some(row) = contract.dispatch.get(&level.number().to_string()) else { return Vec::new() };
    let mut lines = Vec::new();
    match row.engineers {
        0 => {}
        1 => lines.push(Text::new("派 1 名工程师到现场", "send one engineer on site")),
        2 => {
            lines.push(Text::new("派 2 名工程师到现场（1+1）", "send two engineers on site (1+1)"))
        }
        count => lines.push(Text::new(
            format!("派 {count} 名工程师到现场"),
            format!("send {count} engineers on site"),
        )),
    }
    if row.senior_on_site {
        lines.push(Text::new(
            "持证的存储软件高级工程师到现场",
            "a certified senior engineer for the storage software goes on site",
        ));
    }
    match row.second_engineer_minutes {
        0 => {}
        minutes if minutes % 60 == 0 => lines.push(Text::new(
            format!("应急工程师（第二人）{} 小时内到达", minutes / 60),
            format!("a second, emergency engineer arrives within {} h", minutes / 60),
        )),
        minutes => lines.push(Text::new(
            format!("应急工程师（第二人）{minutes} 分钟内到达"),
            format!("a second, emergency engineer arrives within {minutes} min"),
        )),
    }
    if row.notify_support_group {
        lines.push(Text::new(
            "通知远程支持小组（高级及持证工程师），请求紧急技术支持",
            "notify the remote support group (senior and certified engineers) and ask for urgent technical support",
        ));
    }
    if row.notify_emergency_engineer {
        lines.push(Text::new("通知应急工程师", "notify the emergency engineer"));
    }
    if row.fault_report {
        lines.push(Text::new("向客户提交故障报告", "a fault report goes to the customer"));
    }
    lines
}

/// Whom to call at a level, in the contract's order: engineers first, then those that the level adds.
pub fn on_call(level: Level, contract: &Contract) -> Vec<&Person> {
    let row = contract.dispatch.get(&level.number().to_string());
    let wanted = |role: &str| match role {
        "engineer" => true,
        "senior" => row.is_some_and(|it| it.senior_on_site),
        "support" => row.is_some_and(|it| it.notify_support_group),
        "emergency" => {
            row.is_some_and(|it| it.second_engineer_minutes > 0 || it.notify_emergency_engineer)
        }
        "manager" => level <= Level::Two,
        _ => false,
    };
    let order = ["engineer", "senior", "emergency", "support", "manager"];
    let of = |role: &'static str| {
        contract
            .people
            .iter()
            .filter(move |it| it.role == role && wanted(&it.role))
            .collect::<Vec<_>>()
    };
    order.into_iter().flat_map(of).collect()
}
