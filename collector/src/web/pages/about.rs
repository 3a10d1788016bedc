//! The collector itself: version, counters, contract, how it is.

use askama::Template;
use axum::response::Response;

use super::{Page, metrics};
use crate::web::{ask::Ask, ctx::Ctx, failure::Failure, html};

/// The page.
pub(super) const PAGE: Page = Page::read("/about", show);

#[derive(Template)]
#[template(path = "about.html")]
struct AboutPage {
    c: Ctx,
    version: &'static str,
    counters: Vec<(String, u64)>,
    number: String,
    provider: String,
    starts: String,
    ends: String,
    mistakes: Vec<String>,
}

fn show(ask: &Ask) -> Result<Response, Failure> {
    let c = ask.ctx(ask.text().about);
    let day =
        |date: Option<chrono::NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
    let contract = ask.home();
    let own = ask.viewer()?.sees(&contract.customer);
    let shown = |text: String| if own { text } else { String::new() };
    html(&AboutPage {
        version: env!("CARGO_PKG_VERSION"),
        counters: if c.staff { metrics::counters(ask)? } else { Vec::new() },
        number: shown(contract.number.clone()),
        provider: shown(contract.provider_name.clone()),
        starts: shown(day(contract.starts)),
        ends: shown(day(contract.ends)),
        mistakes: if c.staff { (ask.state().mistakes)() } else { Vec::new() },
        c,
    })
}
