//! What can go wrong on the way to a page, and the page that says so. Nothing of the inside is shown: details are logged.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use xunjian_proto::Time;
use xunjian_rules::Text;

use super::{
    ask::Head,
    format, see_other,
    text::{self, Texts},
};
use crate::store::StoreError;

/// Why there is no page.
#[derive(Debug)]
pub(super) enum Failure {
    /// No such page, or nothing this person may see. The two look alike on purpose.
    NotFound,
    /// The page exists, not for this role.
    Forbidden,
    /// A form that another site sent, or whose token is not this session's.
    Forged,
    /// Nobody is logged in.
    NotLoggedIn,
    /// The page exists, not for this method.
    Method,
    /// The input cannot be read; says what.
    BadRequest(Text),
    /// It cannot be done now, because of how things stand; says why.
    Conflict(Text),
    /// The body is too large.
    TooLarge,
    /// Too many pages are asked for.
    Busy,
    /// It is our fault; the text is for the log.
    Broken(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        Failure::Broken(text)
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    t: &'static Texts,
    status: u16,
    title: &'a str,
    words: &'a str,
}

impl Failure {
    /// The answer in the reader's language: a page, or JSON for a program, or the way to the login.
    pub(super) fn respond(self, head: &Head, now: Time) -> Response {
        if let Failure::Broken(detail) = &self {
            tracing::error!(error = %detail, path = %head.here, at = now.millis(), "web page failed");
        }
        if matches!(self, Failure::NotLoggedIn) && !head.json {
            let next = if head.here == "/" {
                String::new()
            } else {
                format!("?next={}", format::encode(&head.here))
            };
            return see_other(&format!("/login{next}"));
        }
        let t = text::table(head.lang);
        let (status, title, words) = self.words(t, head);
        if head.json {
            let body = serde_json::json!({ "error": words, "status": status.as_u16() });
            return (status, [("content-type", "application/json")], body.to_string())
                .into_response();
        }
        let page = FailurePage { t, status: status.as_u16(), title, words: &words };
        let body = page.render().unwrap_or_else(|_| words.clone());
        (status, [("content-type", "text/html; charset=utf-8")], body).into_response()
    }

    fn words(&self, t: &'static Texts, head: &Head) -> (StatusCode, &'static str, String) {
        let own = |text: &Text| text.in_lang(head.lang).to_owned();
        match self {
            Failure::NotFound => (StatusCode::NOT_FOUND, t.not_found, t.not_found_words.to_owned()),
            Failure::Forbidden => {
                (StatusCode::FORBIDDEN, t.forbidden, t.forbidden_words.to_owned())
            }
            Failure::Forged => (StatusCode::FORBIDDEN, t.forged, t.forged_words.to_owned()),
            Failure::NotLoggedIn => {
                (StatusCode::UNAUTHORIZED, t.log_in, t.not_logged_in.to_owned())
            }
            Failure::Method => {
                (StatusCode::METHOD_NOT_ALLOWED, t.bad_request, t.bad_method.to_owned())
            }
            Failure::BadRequest(text) => (StatusCode::BAD_REQUEST, t.bad_request, own(text)),
            Failure::Conflict(text) => (StatusCode::CONFLICT, t.conflict, own(text)),
            Failure::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, t.bad_request, t.too_large.to_owned())
            }
            Failure::Busy => (StatusCode::SERVICE_UNAVAILABLE, t.busy, t.busy_words.to_owned()),
            Failure::Broken(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, t.broken, t.broken_words.to_owned())
            }
        }
    }
}
