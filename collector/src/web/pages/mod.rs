//! The list of all pages, and what a page is.

use axum::response::Response;

use super::{ask::Ask, failure::Failure};

mod login;

mod overview;

mod folded;

mod health;

mod host;

mod component;

mod why;

mod case;

mod evidence;

mod tickets;

mod ticket;

mod reports;

mod account;

mod about;

mod people;

mod maintenance;

mod audit;

mod metrics;

mod api;

/// Makes a page. Runs on a blocking thread.
pub(super) type Handler = fn(&Ask) -> Result<Response, Failure>;

/// Who may call a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody, logged in or not.
    Open,
    /// Whoever is logged in; customers see what is theirs.
    Reader,
    /// Engineers and managers.
    Staff,
    /// Managers.
    Manager,
}

/// One page.
pub(super) struct Page {
    /// Its path, in axum's form.
    pub(super) path: &'static str,
    /// Shows it.
    pub(super) get: (Access, Handler),
    /// Takes its form.
    pub(super) post: Option<(Access, Handler)>,
}

impl Page {
    /// A page that only shows, for whoever is logged in.
    const fn read(path: &'static str, show: Handler) -> Page {
        Page { path, get: (Access::Reader, show), post: None }
    }
}

/// All pages, by path.
pub(super) const PAGES: &[Page] = &[
    overview::PAGE,
    about::PAGE,
    account::PAGE,
    api::OPENAPI,
    api::CASES,
    api::HOSTS,
    api::TICKETS,
    audit::PAGE,
    case::PAGE,
    evidence::OF_CASE,
    metrics::HEALTHZ,
    host::PAGE,
    component::PAGE,
    why::PAGE,
    evidence::OF_SOURCE,
    login::LANGUAGE,
    login::PAGE,
    login::LOGOUT,
    maintenance::PAGE,
    metrics::PAGE,
    people::PAGE,
    reports::LIST,
    reports::PAGE,
    reports::HTML,
    reports::PDF,
    tickets::PAGE,
    ticket::PAGE,
];
