//! Logging in and out, and the switch of the language.

use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{Access, Page};
use crate::web::{ask::Ask, ctx::Ctx, failure::Failure, format, html, see_other, session};

/// The form, and who gets in.
pub(super) const PAGE: Page =
    Page { path: "/login", get: (Access::Open, show), post: Some((Access::Open, log_in)) };
/// The way out.
pub(super) const LOGOUT: Page =
    Page { path: "/logout", get: (Access::Open, home), post: Some((Access::Reader, log_out)) };
/// Keeps the language in a cookie.
pub(super) const LANGUAGE: Page =
    Page { path: "/language", get: (Access::Open, home), post: Some((Access::Open, speak)) };

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    c: Ctx,
    next: String,
    login: String,
    mistake: String,
    again: bool,
}

fn home(_: &Ask) -> Result<Response, Failure> {
    Ok(see_other("/"))
}

fn show(ask: &Ask) -> Result<Response, Failure> {
    let next = local(ask.query("next")?.unwrap_or("/")).to_owned();
    if ask.session().is_some() {
        return Ok(see_other(&next));
    }
    // A strict cookie is not sent when a link in a mail or chat is followed. Asking once more from our own page sends it.
    let again = ask.head.foreign && ask.query("again")?.is_none();
    let next = if again { format!("/login?again=1&next={}", format::encode(&next)) } else { next };
    html(&LoginPage {
        c: ask.ctx(ask.text().log_in),
        next,
        login: String::new(),
        mistake: String::new(),
        again,
    })
}

/// Only paths of our own; anything else leads home.
fn local(path: &str) -> &str {
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if path.starts_with('/') && !path.starts_with("//") && plain { path } else { "/" }
}

fn log_in(ask: &Ask) -> Result<Response, Failure> {
    let (login, typed) = (ask.field("login"), ask.field_as_typed("password"));
    let failures = &ask.shared.failures;
    let from = &ask.head.from;
    let store = &ask.state().store;
    if let Some(until) = failures.wait_until(login, from, ask.now) {
        let minutes = until.since(ask.now).as_secs().div_ceil(60);
        let words = ask.text().wait_minutes.replace("{}", &minutes.to_string());
        return refuse(ask, words, StatusCode::TOO_MANY_REQUESTS);
    }
    let known = if login.len() <= 64 { store.user(login)? } else { None };
    let hash = known.as_ref().map(|user| user.password_hash.as_str());
    let right = ask.shared.passwords.check(typed, hash).ok_or(Failure::Busy)?;
    let Some(user) = known.filter(|_| right) else {
        failures.count(login, from, ask.now);
        tracing::warn!(from = %from, "wrong login or password");
        return refuse(ask, ask.text().wrong_login.to_owned(), StatusCode::UNAUTHORIZED);
    };
    failures.clear(login, from);
    let cookie = session::open(store, &user, ask.now)?;
    store.audit(ask.now, &user.login, "session.open", from)?;
    let mut response = see_other(local(ask.field("next")));
    set_cookie(&mut response, &session::set_session(&cookie, ask.state().secure))?;
    Ok(response)
}

fn refuse(ask: &Ask, mistake: String, status: StatusCode) -> Result<Response, Failure> {
    let page = html(&LoginPage {
        c: ask.ctx(ask.text().log_in),
        next: local(ask.field("next")).to_owned(),
        login: ask.field("login").chars().take(64).collect(),
        mistake,
        again: false,
    })?;
    Ok((status, page).into_response())
}

fn log_out(ask: &Ask) -> Result<Response, Failure> {
    let store = &ask.state().store;
    if let Some(session) = ask.session() {
        session.end(store)?;
        store.audit(ask.now, &session.viewer.login, "session.close", &ask.head.from)?;
    }
    let mut response = see_other("/login");
    set_cookie(&mut response, &session::set_session("", ask.state().secure))?;
    Ok(response)
}

fn speak(ask: &Ask) -> Result<Response, Failure> {
    let lang = if ask.field("lang") == "en" { "en" } else { "zh" };
    let mut response = see_other(local(ask.field("back")));
    set_cookie(&mut response, &session::set_lang(lang, ask.state().secure))?;
    Ok(response)
}

/// Adds a cookie to an answer.
pub(super) fn set_cookie(response: &mut Response, cookie: &str) -> Result<(), Failure> {
    let value = cookie.parse().map_err(|_| Failure::Broken("cookie is not a header".to_owned()))?;
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn nobody_is_sent_to_another_host_after_the_login() {
        for bad in
            ["//evil.example", "https://evil.example", "/\\evil.example", "", "/a\r\nb", "evil"]
        {
            assert_eq!(local(bad), "/", "{bad}");
        }
        assert_eq!(local("/tickets/T1?x=1"), "/tickets/T1?x=1");
    }
}
