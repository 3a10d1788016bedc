//! `report`: drafts the inspection report of a period as PDF and HTML, and keeps it in the store.

use std::{fmt::Write, path::PathBuf, sync::Arc};

use anyhow::{Context, bail};
use xunjian_proto::Time;
use xunjian_rules::Lang;

use super::{LangArg, WithConfig, replay::instant};
use crate::{
    clock,
    contract::{Contract, Contracts},
    report::{self, Wanted},
    rulebook,
    store::Store,
};

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: WithConfig,
    /// The customer (the contract's key); may be left out where there is only one.
    #[arg(long)]
    customer: Option<String>,
    /// First instant, RFC 3339; the beginning of this quarter without it.
    #[arg(long)]
    from: Option<String>,
    /// First instant not covered; the end of that quarter without it.
    #[arg(long)]
    to: Option<String>,
    /// Folder for the files.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// Language of the report.
    #[arg(long, value_enum, default_value_t)]
    lang: LangArg,
}

/// Runs it: prints the paths.
pub(super) fn run(args: &Args, out: &mut String) -> anyhow::Result<()> {
    let config = args.config.load()?;
    let contracts = Contracts::load(config.contracts.as_deref())?;
    let rules = Arc::new(rulebook::load(config.rules.as_deref())?);
    let store = Store::open(&config.store())?;
    let contract = chosen(&contracts, args.customer.as_deref())?;
    let now = clock::now();
    let (from, to) = period(args, contract, now)?;
    let covers = |hostname: &str| contracts.of(hostname).customer == contract.customer;
    let wanted = Wanted { contract, covers: &covers, rules: &rules, from, to, now };
    let lang: Lang = args.lang.into();
    let drafted = report::draft(&store, &wanted, lang, &args.out)?;
    writeln!(
        out,
        "  PDF   {} ({} {})",
        drafted.pdf.display(),
        drafted.pages,
        if lang == Lang::Zh { "页" } else { "pages" }
    )?;
    writeln!(out, "  HTML  {}", drafted.html.display())?;
    if !drafted.missing_glyphs.is_empty() {
        let missing: String = drafted.missing_glyphs.iter().collect();
        match lang {
            Lang::Zh => writeln!(
                out,
                "  内置字体缺少以下字符，请安装 fonts-noto-cjk 后重新生成：{missing}"
            )?,
            Lang::En => writeln!(
                out,
                "  no font has these characters; install fonts-noto-cjk and draft again: {missing}"
            )?,
        }
    }
    Ok(())
}

fn chosen<'a>(contracts: &'a Contracts, customer: Option<&str>) -> anyhow::Result<&'a Contract> {
    let all: Vec<&Contract> = contracts.iter().collect();
    match customer {
        Some(key) => {
            let known = all.iter().map(|it| it.customer.as_str()).collect::<Vec<_>>().join(", ");
            let found = all.into_iter().find(|it| it.customer == key);
            found.with_context(|| format!("no contract of a customer `{key}`; known are {known}"))
        }
        // The default contract is always there; with one more there is no doubt who is meant.
        None => match all[..] {
            [only] | [only, _] => Ok(only),
            _ => bail!("there are several customers: name one with --customer"),
        },
    }
}

fn period(args: &Args, contract: &Contract, now: Time) -> anyhow::Result<(Time, Time)> {
    let from = match args.from.as_deref() {
        Some(text) => instant(Some(text), 0)?,
        None => report::quarter(contract, now).0,
    };
    let to = match args.to.as_deref() {
        Some(text) => instant(Some(text), 0)?,
        None => report::quarter(contract, from).1,
    };
    if from >= to {
        bail!("the period is empty: --from must lie before --to");
    }
    Ok((from, to))
}
