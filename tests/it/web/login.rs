//! Who gets in, who may do what, and who sees whose data.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use xunjian_collector::web::first_password;

use super::{Person, send, world};

#[tokio::test]
async fn without_login_there_is_only_the_login() {
    let world = world::full();
    let stranger = Person::stranger(&world);
    for path in [
        "/",
        "/tickets",
        "/hosts/00000000000000000000000000000002",
        "/cases/c-degraded",
        "/reports/R2026Q4-acme-1/pdf",
        "/about",
        "/account",
    ] {
        let answer = stranger.get(path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert!(answer.location.starts_with("/login"), "{path}: {}", answer.location);
        assert!(answer.body.is_empty());
    }
    let api = stranger.get("/api/v1/cases").await;
    assert_eq!(api.status, StatusCode::UNAUTHORIZED);
    assert!(api.body.starts_with('{'), "{}", api.body);
    for open in ["/healthz", "/metrics", "/api/openapi.json", "/login", "/static/xunjian.css"] {
        assert_eq!(stranger.get(open).await.status, StatusCode::OK, "{open}");
    }
}

#[tokio::test]
async fn what_is_open_to_all_names_nobody() {
    let world = world::full();
    let stranger = Person::stranger(&world);
    for open in ["/healthz", "/metrics", "/login", "/nosuch"] {
        let body = stranger.get(open).await.body;
        for secret in ["storage-02", "acme", "超算", "wang"] {
            assert!(!body.contains(secret), "{open} tells {secret}");
        }
    }
}

#[tokio::test]
async fn the_cookie_is_for_http_and_this_site_only() {
    let mut world = world::full();
    let plain = Person::stranger(&world).try_log_in("wang", world::PASSWORD).await;
    assert!(plain.cookies[0].contains("HttpOnly; SameSite=Strict"), "{:?}", plain.cookies);
    assert!(!plain.cookies[0].contains("Secure"));
    world.state.secure = true;
    let secure = Person::stranger(&world).try_log_in("wang", world::PASSWORD).await;
    assert!(secure.cookies[0].ends_with("; Secure"));
    assert!(secure.headers.contains_key("strict-transport-security"));
}

#[tokio::test]
async fn a_wrong_password_says_no_more_than_that_and_five_make_one_wait() {
    let world = world::full();
    let stranger = Person::stranger(&world);
    let unknown = stranger.try_log_in("nobody", "x").await;
    for _ in 0..5 {
        let wrong = stranger.try_log_in("wang", "x").await;
        assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
        assert_eq!(wrong.body.replace("wang", "nobody"), unknown.body);
    }
    let right_too_late = stranger.try_log_in("wang", world::PASSWORD).await;
    assert_eq!(right_too_late.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(right_too_late.body.contains("15 分钟后再试"));
    assert_eq!(stranger.try_log_in("li", world::PASSWORD).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn customers_see_their_own_and_nothing_else() {
    let world = world::full();
    let own = Person::log_in(&world, "kehu").await;
    assert!(own.page("/").await.contains("storage-02"));
    own.page("/cases/c-degraded").await;
    own.page("/reports/R2026Q4-acme-1").await;
    for path in ["/cases/c-foreign", "/tickets/T20261122-0002"] {
        assert_eq!(own.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let other = Person::log_in(&world, "other").await;
    let evidence = quoted_evidence(&own).await;
    for path in [
        "/hosts/00000000000000000000000000000002",
        "/hosts/00000000000000000000000000000002/component?id=md:6d0a",
        "/cases/c-degraded",
        "/tickets/T20261122-0001",
        "/reports/R2026Q4-acme-1",
        "/reports/R2026Q4-acme-1/html",
        "/reports/R2026Q4-acme-1/pdf",
        &evidence,
        &evidence.replace("c-degraded", "c-foreign"),
    ] {
        assert_eq!(other.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in
        ["/", "/tickets", "/reports", "/about", "/api/v1/hosts", "/api/v1/cases", "/api/v1/tickets"]
    {
        let body = other.page(path).await;
        for secret in ["storage-", "md0", "R2026Q4-acme", "HT-2026", "广州"] {
            assert!(!body.contains(secret), "{path} tells {secret}");
        }
    }
}

async fn quoted_evidence(person: &Person) -> String {
    let page = person.page("/cases/c-degraded").await;
    let at = page.find("/cases/c-degraded/evidence/").unwrap();
    page[at..].split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn customers_cannot_act() {
    let world = world::full();
    let customer = Person::log_in(&world, "kehu").await;
    assert!(!customer.page("/tickets/T20261122-0001").await.contains("name=\"act\""));
    let answer = customer.post("/tickets/T20261122-0001", "act=respond&note=").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(!customer.page("/tickets/T20261122-0001").await.contains("13800000001"));
}

#[tokio::test]
async fn a_role_that_is_not_known_opens_nothing() {
    let world = world::full();
    let mut odd = Person::stranger(&world);
    let answer = odd.try_log_in("odd", world::PASSWORD).await;
    odd.take_cookies(&answer);
    assert_eq!(odd.get("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_from_another_site_or_without_its_token_is_refused() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let path = "/tickets/T20261122-0001";
    for form in ["act=note&note=x".to_owned(), format!("csrf={}&act=note&note=x", "0".repeat(64))] {
        assert_eq!(wang.post_raw(path, &form).await.status, StatusCode::FORBIDDEN);
    }
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let request = Request::post(path)
            .header(header::COOKIE, &wang.cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::HOST, "xunjian.example")
            .header(name, value)
            .body(Body::from(format!("csrf={}&act=note&note=x", wang.csrf)));
        assert_eq!(
            send(&wang.router, request.unwrap()).await.status,
            StatusCode::FORBIDDEN,
            "{value}"
        );
    }
    let other = Person::log_in(&world, "li").await;
    let form = format!("csrf={}&act=note&note=x", other.csrf);
    assert_eq!(wang.post_raw(path, &form).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn logging_out_ends_the_session_for_good() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let answer = wang.post("/logout", "").await;
    assert!(answer.cookies[0].contains("Max-Age=0"));
    assert_eq!(wang.get("/").await.status, StatusCode::SEE_OTHER);
    let actions: Vec<String> =
        world.state.store.audit_lines(10).unwrap().into_iter().map(|line| line.action).collect();
    assert_eq!(actions, ["session.close", "session.open"]);
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions() {
    let world = world::full();
    let desk = Person::log_in(&world, "wang").await;
    let phone = Person::log_in(&world, "wang").await;
    let change = |old: &str, new: &str, again: &str| format!("old={old}&new={new}&again={again}");
    let short = desk.post("/account", &change(world::PASSWORD, "short", "short")).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    let wrong = desk.post("/account", &change("wrong", "a new long one", "a new long one")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut desk = desk;
    let done =
        desk.post("/account", &change(world::PASSWORD, "a new long one", "a new long one")).await;
    assert_eq!(done.location, "/account?done=1");
    assert_eq!(phone.get("/").await.status, StatusCode::SEE_OTHER);
    desk.cookie.clear();
    desk.take_cookies(&done);
    assert!(desk.page("/account?done=1").await.contains("密码已修改"));
    assert_eq!(desk.try_log_in("wang", world::PASSWORD).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_first_password_is_given_once_and_opens_the_door() {
    let world = world::empty();
    let store = &world.state.store;
    let password = first_password(store, world::NOW).unwrap().unwrap();
    assert_eq!(first_password(store, world::NOW).unwrap(), None);
    let answer = Person::stranger(&world).try_log_in("admin", &password).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(store.user("admin").unwrap().unwrap().role, "manager");
}

#[tokio::test]
async fn a_link_in_a_mail_leads_through_with_the_strict_cookie() {
    let world = world::full();
    let stranger = Person::stranger(&world);
    let request = |path: &str| {
        Request::get(path).header("sec-fetch-site", "cross-site").body(Body::empty()).unwrap()
    };
    let first = send(&stranger.router, request("/tickets/T1")).await;
    assert_eq!(first.location, "/login?next=%2Ftickets%2FT1");
    let second = send(&stranger.router, request(&first.location)).await;
    assert!(
        second.body.contains(
            "http-equiv=\"refresh\" content=\"0; url=/login?again=1&#38;next=%2Ftickets%2FT1\""
        ),
        "{}",
        second.body
    );
    let third = stranger.get("/login?again=1&next=%2Ftickets%2FT1").await;
    assert!(third.body.contains("name=\"password\""));
}
