//! The web pages: rendered here, in Chinese and English, for a desk and for a phone; nothing is loaded from other hosts.
//!
//! One page is one file in `pages/` and one line in its list. A page is an ordinary blocking function from an [`Ask`] to a
//! response; who may call it, the session, the forged-request check, limits and the headers are looked after here, once.
//! What a person may see is decided in `desk.rs` and nowhere else.

use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use axum::{
    Router,
    extract::{DefaultBodyLimit, RawPathParams, Request, State, rejection::RawPathParamsRejection},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use tokio::sync::Semaphore;
use xunjian_proto::Time;
use xunjian_rules::{Lang, RuleSet};

use crate::{
    contract::Contracts,
    report,
    store::{AgentId, ReportRow, Store},
};

mod ask;

mod failure;

mod headers;

mod session;

mod password;

mod limit;

mod desk;

mod text;

mod words;

mod format;

mod catalog;

mod names;

mod ctx;

mod chart;

mod assets;

mod pages;

use ask::{Ask, Head};
use failure::Failure;

pub use password::{PasswordError, first_password, hash_password};

/// Asks an agent to inspect these sources now; whether it could be asked.
pub type Inspect = dyn Fn(&AgentId, Vec<String>) -> bool + Send + Sync;

/// Everything the pages work with.
#[derive(Clone)]
pub struct WebState {
    /// Where all data are read from and actions are written to.
    pub store: Store,
    /// The contracts in force: whose a host is, time zone, clocks, dispatch, calendar.
    pub contracts: Arc<ArcSwap<Contracts>>,
    /// The rules in force.
    pub rules: Arc<ArcSwap<RuleSet>>,
    /// Mistakes for which changed rules or contracts were refused; shown to staff on the overview and on the page about the collector.
    pub mistakes: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
    /// What time it is: `clock::now`, or a test's own.
    pub clock: fn() -> Time,
    /// How a stored report becomes HTML and PDF.
    pub reports: ReportHooks,
    /// Counters of the other stages for `/metrics`: (name, value); names must end in `_total` for counters.
    pub counters: Arc<dyn Fn() -> Vec<(String, u64)> + Send + Sync>,
    /// Asks an agent to inspect now: these sources, all if none is named. False: it cannot be reached at the moment.
    pub inspect: Arc<Inspect>,
    /// The pages are served over TLS: cookies are marked `Secure`, browsers are told to stay with TLS.
    pub secure: bool,
}

/// Renders stored reports; the error text is logged, never shown.
#[derive(Clone, Copy)]
pub struct ReportHooks {
    /// A whole HTML document with its styles inside.
    pub html: fn(&ReportRow, Lang) -> Result<String, String>,
    /// A PDF file.
    pub pdf: fn(&ReportRow, Lang) -> Result<Vec<u8>, String>,
}

impl Default for ReportHooks {
    /// The report stage's own renderings.
    fn default() -> ReportHooks {
        ReportHooks { html: report::stored_html, pdf: report::stored_pdf }
    }
}

/// What lives as long as the router.
struct Shared {
    state: WebState,
    failures: limit::Failures,
    /// Pages being made at one time; more wait, see [`WAIT_FOR_DESK`].
    desks: Arc<Semaphore>,
    /// Where passwords are checked, one after the other.
    passwords: password::Counter,
}

/// Pages made at one time: the store's readers and the blocking threads are shared with ingest.
const DESKS: usize = 16;
/// How long a request waits for its turn before it is told to come back.
const WAIT_FOR_DESK: Duration = Duration::from_secs(10);
/// Largest form: a remark of 4,000 characters in UTF-8, percent-encoded, with room to spare.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// All pages, the JSON API, `/metrics` and `/healthz`, with their own fallback.
pub fn router(state: WebState) -> Router {
    let shared = Arc::new(Shared {
        state,
        failures: limit::Failures::default(),
        desks: Arc::new(Semaphore::new(DESKS)),
        passwords: password::Counter::default(),
    });
    let mut router = Router::new();
    for page in pages::PAGES {
        router = router.route(page.path, methods(page));
    }
    for asset in assets::ASSETS {
        router = router.route(asset.path, axum::routing::get(|head| assets::serve(asset, head)));
    }
    router
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(axum::middleware::from_fn_with_state(shared.clone(), headers::add))
        .with_state(shared)
}

fn methods(page: &'static pages::Page) -> MethodRouter<Arc<Shared>> {
    let handler = move |State(shared): State<Arc<Shared>>,
                        params: Result<RawPathParams, RawPathParamsRejection>,
                        request: Request| serve(page, shared, params, request);
    let mut filter = MethodFilter::GET;
    if page.post.is_some() {
        filter = filter.or(MethodFilter::POST);
    }
    on(filter, handler).fallback(wrong_method)
}

async fn unknown(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    stop(&shared, request, Failure::NotFound)
}

async fn wrong_method(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    stop(&shared, request, Failure::Method)
}

fn stop(shared: &Shared, request: Request, failure: Failure) -> Response {
    let head = Head::read(&request.into_parts().0, HashMap::new());
    failure.respond(&head, (shared.state.clock)())
}

/// The way of every request to a page: parse, wait for a turn, make the page on a blocking thread. A panic in a page
/// ends that request only.
async fn serve(
    page: &'static pages::Page,
    shared: Arc<Shared>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Response {
    let now = (shared.state.clock)();
    let params = params.ok().map(|params| {
        params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    });
    let (parts, body) = request.into_parts();
    let head = Head::read(&parts, params.clone().unwrap_or_default());
    if params.is_none() {
        return Failure::NotFound.respond(&head, now);
    }
    let post = parts.method == Method::POST;
    let form = if post {
        ask::read_form(Request::from_parts(parts, body)).await
    } else {
        Ok(HashMap::new())
    };
    let form = match form {
        Ok(form) => form,
        Err(failure) => return failure.respond(&head, now),
    };
    let turn = shared.desks.clone().acquire_owned();
    let Ok(Ok(turn)) = tokio::time::timeout(WAIT_FOR_DESK, turn).await else {
        return Failure::Busy.respond(&head, now);
    };
    let kept = head.clone();
    let made = tokio::task::spawn_blocking(move || {
        // Held until the page is made, even if the browser has gone away meanwhile.
        let _turn = turn;
        Ask::admit(page, post, &shared, head.clone(), form, now)
            .and_then(|(ask, show)| show(&ask))
            .unwrap_or_else(|failure| failure.respond(&head, now))
    });
    made.await.unwrap_or_else(|error| {
        Failure::Broken(format!("a page panicked: {error}")).respond(&kept, now)
    })
}

/// A page as HTML.
fn html(page: &impl askama::Template) -> Result<Response, Failure> {
    let text = page.render().map_err(|error| Failure::Broken(error.to_string()))?;
    Ok(([("content-type", "text/html; charset=utf-8")], text).into_response())
}

/// Sends the browser to another page after a form was taken.
fn see_other(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [("location", path.to_owned())]).into_response()
}
