//! The people who may log in: a manager adds them, gives new passwords, locks them out. Passwords are made here, shown
//! once, and known to nobody else.

use askama::Template;
use axum::response::Response;
use xunjian_rules::Text;

use super::{Access, Page};
use crate::{
    store::UserRow,
    web::{ask::Ask, ctx::Ctx, failure::Failure, format, html, password, text},
};

/// The page.
pub(super) const PAGE: Page =
    Page { path: "/people", get: (Access::Manager, show), post: Some((Access::Manager, change)) };

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    c: Ctx,
    people: Vec<Entry>,
    customers: Vec<(String, String)>,
    made: Option<(String, String)>,
}

struct Entry {
    user: UserRow,
    locked: bool,
    own: bool,
}

/// Not a PHC string, so that no password belongs to it.
const LOCKED: &str = "!";
/// Longest login.
const LOGIN_BYTES_MAX: usize = 32;

fn show(ask: &Ask) -> Result<Response, Failure> {
    page(ask, None)
}

fn page(ask: &Ask, made: Option<(String, String)>) -> Result<Response, Failure> {
    let own = &ask.viewer()?.login;
    let people = ask.state().store.users()?.into_iter();
    let people = people
        .map(|user| Entry { locked: user.password_hash == LOCKED, own: user.login == *own, user })
        .collect();
    let contracts = ask.contracts.iter();
    let customers = contracts
        .map(|it| (it.customer.clone(), it.customer_title(ask.head.lang).to_owned()))
        .collect();
    html(&PeoplePage { c: ask.ctx(ask.text().people), people, customers, made })
}

fn change(ask: &Ask) -> Result<Response, Failure> {
    let login = ask.field("login");
    let known = ask.state().store.user(login)?;
    match (ask.field("act"), known) {
        ("add", None) => {
            let user = new_user(ask, login)?;
            give_password(ask, user, "user.create")
        }
        ("add", Some(_)) => Err(Failure::Conflict(text::both().login_taken)),
        ("reset", Some(user)) => give_password(ask, user, "user.reset"),
        ("lock", Some(user)) if user.login != ask.viewer()?.login => {
            keep(ask, &UserRow { password_hash: LOCKED.to_owned(), ..user }, "user.lock")?;
            page(ask, None)
        }
        _ => Err(Failure::BadRequest(text::both().bad_form)),
    }
}

fn new_user(ask: &Ask, login: &str) -> Result<UserRow, Failure> {
    let refuse = |text: Text| Err(Failure::BadRequest(text));
    if login.len() > LOGIN_BYTES_MAX || !format::is_id(login) || login == "system" {
        return refuse(text::both().bad_login);
    }
    let (role, customer) = (ask.field("role"), ask.field("customer"));
    let customer = match role {
        "engineer" | "manager" => None,
        "customer" if ask.contracts.iter().any(|it| it.customer == customer) => {
            Some(customer.to_owned())
        }
        "customer" => return refuse(text::both().no_such_customer),
        _ => return refuse(text::both().bad_form),
    };
    let (login, role) = (login.to_owned(), role.to_owned());
    Ok(UserRow { login, password_hash: LOCKED.to_owned(), role, customer })
}

fn give_password(ask: &Ask, user: UserRow, action: &str) -> Result<Response, Failure> {
    let broken = |error: password::PasswordError| Failure::Broken(error.to_string());
    let password = password::random_password().map_err(broken)?;
    let password_hash = password::hash_password(&password).map_err(broken)?;
    keep(ask, &UserRow { password_hash, ..user.clone() }, action)?;
    page(ask, Some((user.login, password)))
}

fn keep(ask: &Ask, user: &UserRow, action: &str) -> Result<(), Failure> {
    let store = &ask.state().store;
    store.put_user(user)?;
    store.audit(ask.now, &ask.viewer()?.login, action, &user.login)?;
    Ok(())
}
