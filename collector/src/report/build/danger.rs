//! One hidden danger: what, why this level, evidence, impact, redundancy now, advice, deadline, ticket.

use std::time::Duration;

use super::{
    Build, dangers,
    figures::{Finding, Standing},
};
use crate::{
    classify::{Case, Level, Redundancy},
    report::{
        evidence::Source,
        input::TicketInput,
        model::{Danger, Statement},
        words,
    },
    ticket::ClockState,
};

const MOST_INPUTS: usize = 8;
const MOST_CHILDREN: usize = 8;

/// What is wrong where, in one sentence without a full stop.
pub(crate) fn title(build: &Build<'_>, case: &Case) -> String {
    let message = case.facts.first().map(|it| words::clean(it.message.in_lang(build.lang)));
    let message =
        message.unwrap_or_else(|| words::clean(case.decision.because.in_lang(build.lang)));
    let message = message.trim_end_matches(['。', '.']);
    let host = build.place_name(case);
    if message.contains(host.as_str()) {
        return message.to_owned();
    }
    build.pick(format!("{host}：{message}"), format!("{host}: {message}"))
}

/// 新增, 遗留, 恶化, 关闭; with 间歇 where it comes and goes.
pub(crate) fn standing(build: &Build<'_>, finding: &Finding<'_>) -> String {
    let mut word = match finding.standing {
        Standing::New => build.pick("新增", "new"),
        Standing::Carried => build.pick("遗留", "carried over"),
        Standing::Worse => build.pick("恶化", "worse"),
        Standing::Closed => build.pick("关闭", "closed"),
    };
    if finding.case.intermittent {
        word.push_str(&build.pick("，间歇", ", intermittent"));
    }
    word
}

/// The card of the finding at this place.
pub(crate) fn card(build: &mut Build<'_>, at: usize) -> Danger {
    let case = build.counted.findings[at].case;
    let level = build.counted.findings[at].level;
    let state = standing(build, &build.counted.findings[at]);
    let ticket = build.input.tickets.iter().find(|it| it.ticket.case == case.id);
    let fields = [
        ("位置", "Place", place(build, case)),
        ("定级依据", "Why this level", why(build, case)),
        ("现象与证据", "Evidence", evidence(build, case)),
        ("影响", "Impact", impact(build, case)),
        ("冗余现状", "Redundancy now", redundancy(build, case)),
        ("关联现象", "Consequences", children(build, at)),
        ("处理建议", "Advice", advice(build, case)),
        ("处理期限", "Deadline", deadline(build, case, level, ticket)),
        ("工单", "Ticket", ticket_words(build, ticket)),
    ];
    let fields = fields
        .into_iter()
        .filter(|(_, _, items)| !items.is_empty())
        .map(|(zh, en, items)| (build.pick(zh, en), items))
        .collect();
    Danger {
        number: dangers::number(at),
        title: title(build, case),
        level: words::level(build.lang, level),
        tone: words::level_tone(level),
        state,
        fields,
    }
}

fn place(build: &mut Build<'_>, case: &Case) -> Vec<Statement> {
    let contract = &build.input.contract;
    let asset = contract.assets.get(&case.hostname);
    let site = asset.map_or(case.site.as_str(), |it| it.site.as_str());
    let site = contract.sites.get(site).map_or(site, |it| it.name.as_str());
    let rack = asset.map_or("", |it| it.location.as_str());
    let host = build.place_name(case);
    let parts: Vec<String> = [site, rack, host.as_str(), case.component_name.as_str()]
        .into_iter()
        .filter(|it| !it.is_empty())
        .map(words::clean)
        .collect();
    let source = build.case(case);
    vec![build.index.say(parts.join(" / "), &[source])]
}

fn why(build: &mut Build<'_>, case: &Case) -> Vec<Statement> {
    let lang = build.lang;
    let decision = &case.decision;
    let (source, contract) = (build.case(case), build.contract());
    let mut items = vec![
        build
            .index
            .say(words::clean(decision.because.in_lang(lang)), std::slice::from_ref(&source)),
    ];
    let clause = words::clean(decision.clause.in_lang(lang));
    if !clause.is_empty() {
        let text =
            build.pick(format!("合同条款：{clause}"), format!("Clause of the contract: {clause}"));
        items.push(build.index.say(text, &[contract]));
    }
    for (zh, en, text) in [
        ("升级条件", "Graver if", &decision.worse_if),
        ("降级条件", "Milder if", &decision.better_if),
    ] {
        let text = words::clean(text.in_lang(lang));
        if !text.is_empty() {
            let text = build.pick(format!("{zh}：{text}"), format!("{en}: {text}"));
            items.push(build.index.say(text, std::slice::from_ref(&source)));
        }
    }
    items
}

fn evidence(build: &mut Build<'_>, case: &Case) -> Vec<Statement> {
    let mut items = Vec::new();
    let mut left = 0;
    for fact in &case.facts {
        let since = build.time(fact.since);
        let message = words::clean(fact.message.in_lang(build.lang));
        let message = message.trim_end_matches(['。', '.']);
        let text = build
            .pick(format!("{message}（自 {since} 起）。"), format!("{message} (since {since})."));
        let room = MOST_INPUTS.saturating_sub(items.len());
        if room == 0 {
            left += 1;
            continue;
        }
        let mut sources: Vec<Source> =
            fact.inputs.iter().take(MOST_INPUTS).map(|it| build.reading(case, it)).collect();
        if sources.is_empty() {
            sources.push(build.case(case));
        }
        items.push(build.index.say(text, &sources));
        for input in fact.inputs.iter().take(room - 1) {
            let at = build.time(input.at);
            let (name, value) = (
                words::clean(&input.name_in(build.lang)),
                words::clean(&input.value_in(build.lang)),
            );
            let test = words::clean(&input.test_in(build.lang));
            let text = build.pick(
                format!("读数 {name} = {value}（判据：{test}，{at}）"),
                format!("Reading {name} = {value} (test {test}, {at})"),
            );
            let source = build.reading(case, input);
            items.push(build.index.say(text, &[source]));
        }
    }
    if left > 0 {
        let source = build.case(case);
        let text = build.pick(
            format!("另有 {left} 条现象见事件记录。"),
            format!("{left} more in the case record."),
        );
        items.push(build.index.say(text, &[source]));
    }
    if let Some(since) = case.stale_since {
        let source = build.case(case);
        let since = build.time(since);
        let text = build.pick(
            format!("自 {since} 起没有新读数，隐患保持打开，当前状态未知。"),
            format!(
                "No readings since {since}: the danger stays open, its present state is not known."
            ),
        );
        items.push(build.index.say(text, &[source]));
    }
    items
}

fn impact(build: &mut Build<'_>, case: &Case) -> Vec<Statement> {
    let source = build.case(case);
    let text = match case.decision.impact.as_str() {
        "total" => build.pick(
            "实测：业务已中断或不可用。",
            "Measured: the service is interrupted or cannot be used.",
        ),
        "partial" => {
            build.pick("实测：业务部分受影响。", "Measured: the service is affected in part.")
        }
        "none" => build.pick("实测：当前未影响业务。", "Measured: no effect on the service now."),
        _ => build.pick(
            "对业务的影响没有测量手段，未知。",
            "The effect on the service is not measured and so not known.",
        ),
    };
    let mut items = vec![build.index.say(text, &[source])];
    let rule = case.facts.first().map(|it| it.rule.as_str());
    let item = build.input.checks.iter().find(|it| Some(it.rule.as_str()) == rule);
    if let Some(item) = item {
        let text = words::clean(item.impact.in_lang(build.lang));
        let rules = build.rules();
        if !text.is_empty() {
            items.push(build.index.say(text, &[rules]));
        }
    }
    items
}

fn redundancy(build: &mut Build<'_>, case: &Case) -> Vec<Statement> {
    let source = build.case(case);
    let lines: Vec<String> =
        case.decision.redundancy.iter().map(|it| redundancy_words(build, it)).collect();
    lines.into_iter().map(|text| build.index.say(text, std::slice::from_ref(&source))).collect()
}

fn redundancy_words(build: &Build<'_>, it: &Redundancy) -> String {
    let label = words::clean(it.called(build.lang));
    let now = match (it.r, it.r_design) {
        (Some(r), _) if r < 0 => build.pick("数据或服务已丢失", "data or service are gone"),
        (Some(0), Some(0)) => {
            build.pick("单点，设计上无冗余", "single, without redundancy by design")
        }
        (Some(0), _) => build.pick(
            "剩余冗余 R = 0，再失效一个成员即中断",
            "redundancy left R = 0: the next loss interrupts",
        ),
        (Some(r), _) => build.pick(
            format!("剩余冗余 R = {r}，可再承受 {r} 个成员失效"),
            format!(
                "redundancy left R = {r}: survives {}",
                words::plural(u64::from(r.unsigned_abs()), "more loss", "more losses")
            ),
        ),
        (None, _) => build.pick("剩余冗余无法判定", "redundancy left not known"),
    };
    let mut parts = vec![now];
    if let Some(design) = it.r_design.filter(|n| *n > 0) {
        parts.push(build.pick(format!("完好时 R = {design}"), format!("R = {design} when whole")));
    }
    if it.lost > 0 {
        parts.push(build.pick(format!("已失效 {} 个", it.lost), format!("{} lost", it.lost)));
    }
    if !it.suspects.is_empty() {
        let n = it.suspects.len();
        let then = match it.r_if {
            Some(r) if r < 0 => build.pick("，若也失效则中断", ", service gone if they fail too"),
            Some(r) => {
                build.pick(format!("，若也失效则 R = {r}"), format!(", R = {r} if they fail too"))
            }
            None => String::new(),
        };
        parts.push(build.pick(format!("可疑 {n} 个{then}"), format!("{n} suspect{then}")));
    }
    if it.unknown > 0 {
        parts.push(build.pick(
            format!("另有 {} 个成员状态未知，实际冗余可能更低", it.unknown),
            format!(
                "{} in unknown state, the true redundancy may be lower",
                words::plural(u64::from(it.unknown), "member", "members")
            ),
        ));
    }
    if it.r_design != Some(0) && (it.spares || it.spare == Some(true)) {
        parts.push(match it.spare {
            Some(true) => build.pick("有热备或正在重建", "spare ready or rebuilding"),
            Some(false) => build.pick("无热备", "no spare"),
            None => build.pick("热备情况未知", "spare not known"),
        });
    }
    let joint = build.pick("；", "; ");
    let end = build.pick("。", ".");
    format!("{label}{}{}{end}", build.pick("：", ": "), parts.join(&joint))
}

fn children(build: &mut Build<'_>, at: usize) -> Vec<Statement> {
    let children = build.counted.findings[at].children.clone();
    let mut items = Vec::new();
    for child in children.iter().take(MOST_CHILDREN) {
        let text = title(build, child);
        let source = build.case(child);
        items.push(build.index.say(text, &[source]));
    }
    if children.len() > MOST_CHILDREN {
        let more = children.len() - MOST_CHILDREN;
        let source = build.cases();
        let text = build.pick(format!("另有 {more} 项。"), format!("{more} more."));
        items.push(build.index.say(text, &[source]));
    }
    items
}

fn advice(build: &mut Build<'_>, case: &Case) -> Vec<Statement> {
    let mut seen: Vec<String> = Vec::new();
    for fact in &case.facts {
        let text = words::clean(fact.advice.in_lang(build.lang));
        if !text.is_empty() && !seen.contains(&text) && seen.len() < 4 {
            seen.push(text);
        }
    }
    let source = build.case(case);
    seen.into_iter().map(|text| build.index.say(text, std::slice::from_ref(&source))).collect()
}

/// The contract's repair clock: of the ticket where there is one, counted from the first reading where not.
fn deadline(
    build: &mut Build<'_>,
    case: &Case,
    level: Level,
    ticket: Option<&TicketInput>,
) -> Vec<Statement> {
    let contract = &build.input.contract;
    let urgent = contract.emergency_levels.contains(&level.number());
    let clocks = if urgent { &contract.emergency_clocks } else { &contract.clocks };
    let clock = ticket.and_then(|it| it.clocks.iter().find(|clock| clock.name == "repair"));
    let minutes = u64::from(clocks.repair_minutes);
    let due = clock.map_or_else(|| case.opened_at + Duration::from_secs(60 * minutes), |it| it.due);
    let late = match clock.map(|it| it.state) {
        Some(ClockState::Breached | ClockState::MetLate) => true,
        Some(_) => false,
        None => due < build.input.now,
    };
    let tail = match (clock.and_then(|it| it.met_at), late) {
        (Some(_), false) => build.pick("，已按时完成", ", met"),
        (Some(_), true) => build.pick("，已完成但超时", ", met late"),
        (None, true) => build.pick("，已超过时限，请立即处理", ", overdue: act at once"),
        (None, false) => String::new(),
    };
    let limit = hours(build, minutes);
    let when = build.time(due);
    let text = build.pick(
        format!("{when} 前（合同故障排除时限 {limit}）{tail}。"),
        format!("By {when} (contract: fault removed within {limit}){tail}."),
    );
    let mut sources = vec![build.contract()];
    sources.extend(ticket.map(|it| build.ticket(it)));
    vec![build.index.say(text, &sources)]
}

fn hours(build: &Build<'_>, minutes: u64) -> String {
    if minutes > 0 && minutes.is_multiple_of(60) {
        build.pick(format!("{} 小时", minutes / 60), words::plural(minutes / 60, "hour", "hours"))
    } else {
        build.pick(format!("{minutes} 分钟"), words::plural(minutes, "minute", "minutes"))
    }
}

fn ticket_words(build: &mut Build<'_>, ticket: Option<&TicketInput>) -> Vec<Statement> {
    let Some(ticket) = ticket else { return Vec::new() };
    let state = super::service::state(build, ticket.state);
    let text = build.pick(
        format!("{}，{state}", ticket.ticket.id.0),
        format!("{}, {state}", ticket.ticket.id.0),
    );
    let source = build.ticket(ticket);
    vec![build.index.say(text, &[source])]
}
