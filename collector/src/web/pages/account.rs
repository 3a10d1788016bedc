//! A person's own account: who they are, and a new password.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{Access, Page, login::set_cookie};
use crate::{
    store::UserRow,
    web::{
        ask::Ask,
        ctx::Ctx,
        failure::Failure,
        html,
        password::{self, PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN},
        see_other, session,
    },
};

/// The page.
pub(super) const PAGE: Page =
    Page { path: "/account", get: (Access::Reader, show), post: Some((Access::Reader, change)) };

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    c: Ctx,
    user: UserRow,
    mistake: String,
    done: bool,
}

fn user(ask: &Ask) -> Result<UserRow, Failure> {
    ask.state().store.user(&ask.viewer()?.login)?.ok_or(Failure::NotLoggedIn)
}

fn show(ask: &Ask) -> Result<Response, Failure> {
    let done = ask.query("done")?.is_some();
    html(&AccountPage {
        c: ask.ctx(ask.text().account),
        user: user(ask)?,
        mistake: String::new(),
        done,
    })
}

fn change(ask: &Ask) -> Result<Response, Failure> {
    let user = user(ask)?;
    let (old, new) = (ask.field_as_typed("old"), ask.field_as_typed("new"));
    let failures = &ask.shared.failures;
    let t = ask.text();
    if failures.wait_until(&user.login, &ask.head.from, ask.now).is_some() {
        return refuse(ask, user, t.wait_minutes.replace("{}", "15"));
    }
    if new != ask.field_as_typed("again") {
        return refuse(ask, user, t.passwords_differ.to_owned());
    }
    if new.chars().count() < PASSWORD_CHARS_MIN || new.len() > PASSWORD_BYTES_MAX {
        return refuse(ask, user, t.password_rule.to_owned());
    }
    let right = ask.shared.passwords.check(old, Some(&user.password_hash)).ok_or(Failure::Busy)?;
    if !right {
        failures.count(&user.login, &ask.head.from, ask.now);
        return refuse(ask, user, t.wrong_password.to_owned());
    }
    let password_hash =
        password::hash_password(new).map_err(|error| Failure::Broken(error.to_string()))?;
    let user = UserRow { password_hash, ..user };
    let store = &ask.state().store;
    store.put_user(&user)?;
    store.audit(ask.now, &user.login, "user.password", &user.login)?;
    // The new password ended all sessions of the old one; this one goes on under a new cookie.
    let cookie = session::open(store, &user, ask.now)?;
    let mut response = see_other("/account?done=1");
    set_cookie(&mut response, &session::set_session(&cookie, ask.state().secure))?;
    Ok(response)
}

fn refuse(ask: &Ask, user: UserRow, mistake: String) -> Result<Response, Failure> {
    let page = html(&AccountPage { c: ask.ctx(ask.text().account), user, mistake, done: false })?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}
