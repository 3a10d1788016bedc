//! A request as the pages see it: parsed, bounded, and with the person behind it known.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, Form, FromRequest, Query, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::IntoResponse,
};
use xunjian_proto::Time;
use xunjian_rules::Lang;

use super::{
    Shared, WebState,
    ctx::Ctx,
    desk::Desk,
    failure::Failure,
    format,
    pages::{Access, Handler, Page},
    session::{self, Session},
    text,
};
use crate::contract::{Contract, Contracts};

/// What the head of a request says, before anyone is asked who sent it.
#[derive(Clone)]
pub(super) struct Head {
    /// The reader's language.
    pub(super) lang: Lang,
    /// Path with query, as asked for.
    pub(super) here: String,
    /// Who asks is a program: errors as JSON.
    pub(super) json: bool,
    /// The session cookie as it came.
    pub(super) cookie: Option<String>,
    /// Where the request came from; `-` if the server does not say.
    pub(super) from: String,
    /// The browser says, by `Sec-Fetch-Site` or `Origin`, that another site made it send this.
    pub(super) foreign: bool,
    params: HashMap<String, String>,
    query: Option<HashMap<String, String>>,
}

/// Longest path with query that is read on; the pages' own stay far below.
const HERE_BYTES_MAX: usize = 2048;

impl Head {
    /// Reads what is there; nothing in it can fail, what cannot be read is missing.
    pub(super) fn read(parts: &Parts, params: HashMap<String, String>) -> Head {
        let path = parts.uri.path_and_query().map_or("/", |it| it.as_str());
        let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        Head {
            lang: session::cookie(&parts.headers, session::LANG_COOKIE)
                .map_or(Lang::Zh, |value| if value == "en" { Lang::En } else { Lang::Zh }),
            here: if path.len() > HERE_BYTES_MAX { "/".to_owned() } else { path.to_owned() },
            json: parts.uri.path().starts_with("/api/"),
            cookie: session::cookie(&parts.headers, session::SESSION_COOKIE),
            from: parts
                .extensions
                .get::<ConnectInfo<SocketAddr>>()
                .map_or_else(|| "-".to_owned(), |info| info.0.ip().to_string()),
            foreign: is_foreign(&parts.headers),
            params,
            query: query.ok().map(|Query(pairs)| pairs.into_iter().take(FIELDS_MAX).collect()),
        }
    }
}

/// Did another site make the browser send this? Programs send neither header and have no cookie to misuse.
fn is_foreign(headers: &HeaderMap) -> bool {
    let get = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = get("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(origin) = get("origin") else { return false };
    let host = get(header::HOST.as_str()).unwrap_or_default();
    origin.split_once("://").is_none_or(|(_, rest)| rest != host)
}

/// Most fields a form or a query may have.
const FIELDS_MAX: usize = 32;

/// Reads a form; the body's size is bounded by the router.
pub(super) async fn read_form(request: Request) -> Result<HashMap<String, String>, Failure> {
    match Form::<Vec<(String, String)>>::from_request(request, &()).await {
        Ok(Form(pairs)) if pairs.len() <= FIELDS_MAX => Ok(pairs.into_iter().collect()),
        Ok(_) => Err(Failure::BadRequest(text::both().too_many_fields)),
        Err(error) => match error.into_response().status() {
            StatusCode::PAYLOAD_TOO_LARGE => Err(Failure::TooLarge),
            _ => Err(Failure::BadRequest(text::both().bad_form)),
        },
    }
}

/// A request that may be answered.
pub(super) struct Ask {
    /// The collector's parts.
    pub(super) shared: Arc<Shared>,
    /// The contracts in force when the request came.
    pub(super) contracts: Arc<Contracts>,
    /// The head of the request.
    pub(super) head: Head,
    /// When it came.
    pub(super) now: Time,
    session: Option<Session>,
    form: HashMap<String, String>,
}

impl Ask {
    /// Finds out who asks and whether they may; gives the function that makes the page.
    pub(super) fn admit(
        page: &Page,
        post: bool,
        shared: &Arc<Shared>,
        head: Head,
        form: HashMap<String, String>,
        now: Time,
    ) -> Result<(Ask, Handler), Failure> {
        let way = if post { page.post } else { Some(page.get) };
        let Some((access, handler)) = way else { return Err(Failure::Method) };
        let state = &shared.state;
        let session = session::find(&state.store, head.cookie.as_deref(), now)?;
        if access != Access::Open {
            let Some(session) = &session else { return Err(Failure::NotLoggedIn) };
            if !session.viewer.role.may(access) {
                return Err(Failure::Forbidden);
            }
        }
        if post {
            let token = form.get("csrf").map_or("", String::as_str);
            // Open forms (login, language) harm nobody, and may lie in a window that was opened before the login.
            let forged = access != Access::Open
                && session.as_ref().is_some_and(|session| session.csrf() != token);
            if head.foreign || forged {
                return Err(Failure::Forged);
            }
        }
        let contracts = state.contracts.load_full();
        Ok((Ask { shared: shared.clone(), contracts, head, now, session, form }, handler))
    }

    /// The collector's parts that pages work with.
    pub(super) fn state(&self) -> &WebState {
        &self.shared.state
    }

    /// Who asks, if they have logged in.
    pub(super) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// Who asks; pages for readers may rely on it.
    pub(super) fn viewer(&self) -> Result<&session::Viewer, Failure> {
        self.session.as_ref().map(|session| &session.viewer).ok_or(Failure::NotLoggedIn)
    }

    /// The store, as far as this person may see into it.
    pub(super) fn desk(&self) -> Result<Desk<'_>, Failure> {
        Ok(Desk { store: &self.state().store, contracts: &self.contracts, viewer: self.viewer()? })
    }

    /// The contract that a page as a whole speaks by: the customer's own; for staff the only one there is, or else the
    /// default one.
    pub(super) fn home(&self) -> &Contract {
        let customer = self.session.as_ref().and_then(|session| session.viewer.customer.as_deref());
        if let Some(customer) = customer {
            return self.contracts.customer(customer);
        }
        let named = self.contracts.iter().count().saturating_sub(1);
        let mut all = self.contracts.iter();
        let home = if named <= 1 { all.next() } else { all.last() };
        home.expect("the default contract is always there")
    }

    /// What templates need to speak: language, time zone, now, and who looks.
    pub(super) fn ctx(&self, title: impl Into<String>) -> Ctx {
        Ctx::new(self, title.into())
    }

    /// The table of texts in the reader's language.
    pub(super) fn text(&self) -> &'static text::Texts {
        text::table(self.head.lang)
    }

    /// A part of the path; an id that cannot be one is not found.
    pub(super) fn id(&self, name: &str) -> Result<&str, Failure> {
        let id = self.head.params.get(name).map_or("", String::as_str);
        if format::is_id(id) { Ok(id) } else { Err(Failure::NotFound) }
    }

    /// A value of the query; an unreadable query is a bad request.
    pub(super) fn query(&self, name: &str) -> Result<Option<&str>, Failure> {
        let query = self.head.query.as_ref().ok_or(Failure::BadRequest(text::both().bad_query))?;
        Ok(query.get(name).map(String::as_str))
    }

    /// A field of the form, without white space at its ends; empty if it is not there.
    pub(super) fn field(&self, name: &str) -> &str {
        self.form.get(name).map_or("", |value| value.trim())
    }

    /// A field of the form exactly as typed (passwords).
    pub(super) fn field_as_typed(&self, name: &str) -> &str {
        self.form.get(name).map_or("", String::as_str)
    }
}
