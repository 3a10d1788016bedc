//! `rules why COMPONENT`: every rule that is judged on one component and why it fired, stayed quiet, waits or could not
//! be judged; from the store (read only, beside a collector that runs), or from recordings, bundles and readings.

use std::{fmt::Write, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use serde::Serialize;
use xunjian_proto::{ComponentId, Time, nearest};
use xunjian_rules::{Lang, RuleSet, Text};

use super::{Format, LangArg, WithConfig, judge::readings, render, replay::instant};
use crate::{
    classify::Case,
    clock,
    contract::{Contract, Contracts},
    evaluate::{HostView, Overrides, Why, why},
    round::Round,
    rulebook,
    store::{AgentRow, Store},
    warm,
};

/// Arguments of `rules why`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name (`sda`, `md0`, `/data`), serial number or identity (`disk:ZA1`) of the component
    component: String,
    #[command(flatten)]
    config: WithConfig,
    /// At this time instead of now, RFC 3339 (`2026-11-01T00:00:00+08:00`)
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// On this host, where several have a component of that name
    #[arg(long)]
    host: Option<String>,
    /// Recordings (folders), bundles or readings (JSON) instead of the store
    #[arg(long, value_name = "FILE|DIR", num_args = 1..)]
    from: Vec<PathBuf>,
    /// With --from: the customer's contract; the default one otherwise
    #[arg(long, value_name = "FILE", requires = "from")]
    contract: Option<PathBuf>,
    /// Folder of rule files instead of those in force
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Language of the text
    #[arg(long, value_enum, default_value_t)]
    lang: LangArg,
}

/// The answer for one component.
#[derive(Debug, Serialize)]
struct Answer {
    host: String,
    component: ComponentId,
    name: String,
    at: Time,
    /// First reading that was looked at; none where the kept state of a running collector was asked.
    from: Option<Time>,
    cases: Vec<Case>,
    rules: Vec<Why>,
}

/// Runs it; 1 if there is no such component.
pub(super) fn run(args: &Args, out: &mut String) -> anyhow::Result<u8> {
    let (answers, contracts, rules) = match args.from.is_empty() {
        true => stored(args)?,
        false => carried(args)?,
    };
    let lang = args.lang.into();
    match args.format {
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&answers)?)?,
        Format::Text => {
            for answer in &answers {
                print(answer, contracts.of(&answer.host), &rules, lang, out)?;
            }
        }
    }
    Ok(0)
}

type Found = (Vec<Answer>, Contracts, Arc<RuleSet>);

/// A component that can be asked about: host, identity, name, serial number.
type Candidate = (String, ComponentId, String, String);

fn stored(args: &Args) -> anyhow::Result<Found> {
    let config = args.config.load()?;
    let rules = rulebook::load(args.rules.as_deref().or(config.rules.as_deref()))?;
    let (rules, contracts) = (Arc::new(rules), Contracts::load(config.contracts.as_deref())?);
    let store = Store::open_to_read(&config.store())?;
    let now = clock::now();
    let at = instant(args.at.as_deref(), now.millis())?;
    let rows = store.agents()?;
    let mut known: Vec<Candidate> = Vec::new();
    for row in &rows {
        let host = &row.host.hostname;
        known.push((host.clone(), ComponentId::host(), host.clone(), String::new()));
        for (it, _) in store.components(&row.agent)? {
            let serial = it.attrs.get("hw.serial_number").cloned().unwrap_or_default();
            known.push((host.clone(), it.id, it.name, serial));
        }
        for it in store.sources(&row.agent)? {
            let id = ComponentId::new("source", &it.source);
            known.push((host.clone(), id, it.source, String::new()));
        }
    }
    let mut answers = Vec::new();
    for (host, id, name, _) in chosen(&known, args)? {
        let rows = rows.iter().filter(|it| it.host.hostname == *host);
        for row in rows {
            answers.push(of_store(&store, &rules, &contracts, row, (id, name), at)?);
        }
    }
    Ok((answers, contracts, rules))
}

fn of_store(
    store: &Store,
    rules: &Arc<RuleSet>,
    contracts: &Contracts,
    row: &AgentRow,
    (id, name): (&ComponentId, &str),
    at: Time,
) -> anyhow::Result<Answer> {
    let host = &row.host.hostname;
    let overrides = Overrides::of(contracts.of(host), host);
    let (view, from) = warm::past(store, rules, &row.agent, &overrides, id.kind(), at)?;
    // What was closed since was open then.
    let mut cases = store.cases(Some(at))?;
    cases.retain(|it| it.agent == row.agent.0 && it.component == *id && it.opened_at <= at);
    Ok(answer(&view, (host, id, name), &overrides, at, Some(from), cases))
}

fn carried(args: &Args) -> anyhow::Result<Found> {
    let contract = match &args.contract {
        Some(file) => Contract::load(file)?,
        None => Contract::default(),
    };
    let contracts = Contracts::only(contract);
    let rules = Arc::new(rulebook::load(args.rules.as_deref())?);
    let until = instant(args.at.as_deref(), i64::MAX)?;
    let mut rounds: Vec<(Round, Overrides, Time)> = Vec::new();
    for path in &args.from {
        let found = readings(path).with_context(|| format!("{} cannot be read", path.display()))?;
        for one in found {
            let name = one.host.hostname.clone();
            let contract = contracts.of(&name);
            // One look each: hold times are waived, as `judge` does, because nothing follows.
            let overrides = Overrides::of(contract, &name).waiving_holds();
            let mut runs = one.runs;
            runs.retain(|it| it.at <= until);
            runs.sort_by_key(|it| it.at);
            let place = match rounds.iter().position(|it| it.0.host().hostname == name) {
                Some(place) => place,
                None => {
                    let round = Round::new(&name, one.host, Arc::clone(&rules));
                    rounds.push((round, overrides.clone(), Time::from_millis(0)));
                    rounds.len() - 1
                }
            };
            for together in runs.chunk_by(|a, b| a.at == b.at) {
                let Some(at) = together.first().map(|it| it.at) else { continue };
                rounds[place].0.take(together, contract, &overrides, at);
                rounds[place].2 = at;
            }
        }
    }
    let mut known: Vec<Candidate> = Vec::new();
    for (round, ..) in &rounds {
        let host = &round.host().hostname;
        for (id, name, attrs) in round.view().parts() {
            let name = if *id == ComponentId::host() { host } else { name };
            let serial = attrs.get("hw.serial_number").cloned().unwrap_or_default();
            known.push((host.clone(), id.clone(), name.to_owned(), serial));
        }
    }
    let mut answers = Vec::new();
    for (host, id, name, _) in chosen(&known, args)? {
        let wanted = rounds.iter().filter(|it| it.0.host().hostname == *host);
        for (round, overrides, at) in wanted {
            let cases = round.cases().filter(|it| it.component == *id && it.closed_at.is_none());
            let cases: Vec<Case> = cases.cloned().collect();
            answers.push(answer(round.view(), (host, id, name), overrides, *at, None, cases));
        }
    }
    Ok((answers, contracts, rules))
}

fn answer(
    view: &HostView,
    (host, id, name): (&str, &ComponentId, &str),
    overrides: &Overrides,
    at: Time,
    from: Option<Time>,
    cases: Vec<Case>,
) -> Answer {
    let mut rules = why(view, id, overrides, at);
    rules.sort_by_key(|it| (it.order(), it.rule.clone()));
    let (host, component, name) = (host.to_owned(), id.clone(), name.to_owned());
    Answer { host, component, name, at, from, cases, rules }
}

/// Most candidates that are listed when a name is not clear.
const LISTED: usize = 12;

/// The components that are meant: by identity, else by name or serial number, in any case.
fn chosen<'a>(known: &'a [Candidate], args: &Args) -> anyhow::Result<Vec<&'a Candidate>> {
    let wanted = args.component.trim();
    let here: Vec<&Candidate> =
        known.iter().filter(|it| args.host.as_ref().is_none_or(|host| it.0 == *host)).collect();
    if here.is_empty() {
        let hosts = known.iter().map(|it| it.0.as_str());
        match args.host.as_deref().and_then(|host| nearest(host, hosts)) {
            Some(near) => bail!("there is no such host; did you mean `{near}`?"),
            None => bail!("there is nothing to ask about: no host of that name, or no readings"),
        }
    }
    let lower = wanted.to_lowercase();
    let same = |text: &str| !text.is_empty() && text.to_lowercase() == lower;
    let ways: [&dyn Fn(&Candidate) -> bool; 3] = [
        &|it| it.1.as_str() == wanted,
        &|it| same(&it.2) || same(&it.3) || same(it.1.key()),
        &|it| lower.len() >= 3 && it.1.key().to_lowercase().contains(&lower),
    ];
    for way in ways {
        let mut found: Vec<&Candidate> = here.iter().filter(|it| way(it)).copied().collect();
        found.dedup();
        if found.len() <= 1 && !found.is_empty() {
            return Ok(found);
        }
        if found.len() > 1 {
            let list: Vec<String> = found
                .iter()
                .take(LISTED)
                .map(|it| format!("  {}  {} ({})", it.0, it.1, it.2))
                .collect();
            bail!(
                "`{wanted}` may be one of {} components; name one by its identity, or its host by --host:\n{}",
                found.len(),
                list.join("\n")
            );
        }
    }
    let mut names: Vec<&str> = here.iter().flat_map(|it| [it.1.as_str(), it.2.as_str()]).collect();
    let mut near: Vec<&str> = Vec::new();
    while let Some(name) = nearest(wanted, names.iter().copied()).filter(|_| near.len() < 3) {
        near.push(name);
        names.retain(|it| *it != name);
    }
    if near.is_empty() {
        bail!("there is no component `{wanted}` among the {} that are known", here.len());
    }
    bail!("there is no component `{wanted}`; did you mean {}?", near.join(", "));
}

fn print(
    answer: &Answer,
    contract: &Contract,
    rules: &RuleSet,
    lang: Lang,
    out: &mut String,
) -> anyhow::Result<()> {
    let zh = lang == Lang::Zh;
    let Answer { host, component, name, at, .. } = answer;
    let moment = match at.secs() {
        0..86_400 => String::new(),
        _ => render::time(*at, contract),
    };
    writeln!(out, "{name}  {component}  {host}  {moment}")?;
    if let Some(from) = answer.from.filter(|from| at.since(*from) > Duration::ZERO) {
        let from = render::time(from, contract);
        let text = Text::new(
            format!("（所用读数自 {from} 起，之前的见所存判定状态）"),
            format!("(readings since {from}; what lies before is in the kept state)"),
        );
        writeln!(out, "{}", text.in_lang(lang))?;
    }
    for case in &answer.cases {
        let grade = render::grade(case.decision.grade, lang);
        writeln!(out, "{grade}  [{}]  {}", case.class, case.decision.because.in_lang(lang))?;
    }
    if answer.rules.is_empty() {
        let text = Text::new("没有针对此类部件的规则", "no rule is about this kind of component");
        writeln!(out, "{}", text.in_lang(lang))?;
    }
    for it in &answer.rules {
        let title = rules.rule(&it.rule).map_or("", |rule| rule.item.name.in_lang(lang));
        let ((mark, word), because) = (it.word(), it.because());
        let (word, because) = (word.in_lang(lang), because.in_lang(lang));
        let colon = match (because.is_empty(), zh) {
            (true, _) => "",
            (false, true) => "：",
            (false, false) => ": ",
        };
        writeln!(out, "{mark} {word}  {}  {title}{colon}{because}", it.rule)?;
        for input in it.judgement.iter().flat_map(|it| &it.inputs) {
            writeln!(out, "      {}", render::reading(input, contract, lang))?;
        }
        for aside in it.asides() {
            writeln!(out, "      {}", aside.in_lang(lang))?;
        }
    }
    Ok(())
}
