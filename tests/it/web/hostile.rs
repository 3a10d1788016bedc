//! Mangled paths, queries, cookies and forms: refused politely, and nothing of them becomes markup.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};

use super::{Person, send, world};

#[tokio::test]
async fn mangled_paths_are_not_found_and_never_a_server_error() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let long = "x".repeat(5000);
    let parts = [
        "..",
        "%2e%2e%2f",
        "%00",
        "%ff%fe",
        "%",
        "a%2Fb",
        "T1'%20OR%201=1--",
        "%F0%9F%92%A9",
        "<script>",
        "-",
        long.as_str(),
    ];
    for part in parts {
        for path in [
            format!("/{part}"),
            format!("/hosts/{part}"),
            format!("/hosts/{part}/component?id=host"),
            format!("/cases/{part}"),
            format!("/cases/c-degraded/evidence/{part}"),
            format!("/hosts/{}/sources/{part}/evidence/{part}", world::SICK),
            format!("/tickets/{part}"),
            format!("/reports/{part}/pdf"),
            format!("/static/{part}"),
        ] {
            let Ok(request) =
                Request::get(&path).header(header::COOKIE, &wang.cookie).body(Body::empty())
            else {
                continue;
            };
            let answer = send(&wang.router, request).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert!(!answer.body.contains("<script>"), "{path}");
        }
    }
}

#[tokio::test]
async fn mangled_queries_are_refused() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let base = format!("/hosts/{}/component", world::SICK);
    for query in [
        "",
        "?",
        "?id",
        "?id=",
        "?id=%ff",
        "?id=disk:nosuch",
        "?period=24h",
        &format!("?id={}", "a".repeat(4000)),
        "?=&=&&&",
        "?id=a&id=b",
    ] {
        let answer = wang.get(&format!("{base}{query}")).await;
        assert!(answer.status.is_client_error(), "{query}: {}", answer.status);
    }
}

#[tokio::test]
async fn mangled_cookies_are_nobody() {
    let world = world::full();
    let stranger = Person::stranger(&world);
    let wang = Person::log_in(&world, "wang").await;
    let (token, seal) = wang.cookie.split_once('.').unwrap();
    let cookies = [
        "xunjian_session=".to_owned(),
        "xunjian_session=.".to_owned(),
        format!("{token}."),
        format!("{token}.{}", "0".repeat(32)),
        format!("{token}x.{seal}"),
        format!("xunjian_session={}.{seal}", "0".repeat(64)),
        format!("xunjian_session={}", "a".repeat(100_000)),
        ";;;=;=a;\u{1}".to_owned(),
        "xunjian_lang=../../etc".to_owned(),
    ];
    for cookie in cookies {
        let Ok(request) =
            Request::get("/").header(header::COOKIE, cookie.as_bytes()).body(Body::empty())
        else {
            continue;
        };
        let answer = send(&stranger.router, request).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{cookie}");
    }
}

#[tokio::test]
async fn mangled_forms_are_refused_and_bounded() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let post = async |path: &str, kind: &str, body: Vec<u8>| {
        let request = Request::post(path)
            .header(header::COOKIE, &wang.cookie)
            .header(header::CONTENT_TYPE, kind);
        send(&wang.router, request.body(Body::from(body)).unwrap()).await.status
    };
    const FORM: &str = "application/x-www-form-urlencoded";
    let path = "/tickets/T20261122-0001";
    assert_eq!(post(path, FORM, vec![b'a'; 100_000]).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(post(path, "multipart/form-data", b"x".to_vec()).await, StatusCode::BAD_REQUEST);
    assert_eq!(post(path, "application/json", b"{}".to_vec()).await, StatusCode::BAD_REQUEST);
    assert_eq!(post(path, FORM, "a=1&".repeat(100).into_bytes()).await, StatusCode::BAD_REQUEST);
    assert_eq!(post(path, FORM, vec![0xff; 64]).await, StatusCode::FORBIDDEN);
    assert_eq!(post("/", FORM, Vec::new()).await, StatusCode::METHOD_NOT_ALLOWED);
    let huge = format!("login={}&password={}", "l".repeat(20_000), "p".repeat(20_000));
    assert_eq!(post("/login", FORM, huge.into_bytes()).await, StatusCode::UNAUTHORIZED);
    let nobody = wang.post("/language", "lang=%00&back=%2F%2Fevil.example").await;
    assert_eq!(nobody.location, "/");
}

#[tokio::test]
async fn other_methods_are_answered_in_our_own_words() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS, Method::TRACE] {
        let request =
            Request::builder().method(&method).uri("/tickets").body(Body::empty()).unwrap();
        let answer = send(&wang.router, request).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert!(answer.body.contains("请求有误"), "{method}");
    }
    let head = Request::head("/login").body(Body::empty()).unwrap();
    assert_eq!(send(&wang.router, head).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_hosts_and_people_wrote_is_never_markup() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let ticket = "/tickets/T20261122-0001";
    wang.post(
        ticket,
        "act=note&note=%3Cscript%3Ealert(3)%3C%2Fscript%3E%22%27%3E%3Cimg+src%3Dx%3E",
    )
    .await;
    let host = format!("/hosts/{}", world::SICK);
    let disk = format!("{host}/component?id=disk%3AZA2%3Cb%3E%26%22%27");
    let page = wang.page("/cases/c-degraded").await;
    let at = page.find("/cases/c-degraded/evidence/").unwrap();
    let evidence = page[at..].split('"').next().unwrap().to_owned();
    for path in ["/", ticket, "/cases/c-degraded", "/cases/c-child", &host, &disk, &evidence] {
        let page = wang.page(path).await;
        for bad in ["<script>", "<img src=x", "<b>&\"", "alert(1)</script", "\"'>"] {
            assert!(!page.contains(bad), "{path} has {bad}");
        }
    }
    assert!(wang.page(ticket).await.contains("&#60;script&#62;alert(3)"));
}

#[tokio::test]
async fn every_answer_bears_the_headers_that_keep_the_browser_in() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    for path in [
        "/",
        "/login",
        "/nosuch",
        "/tickets/nosuch",
        "/api/v1/hosts",
        "/static/xunjian.js",
        "/reports/R2026Q4-acme-1/html",
        "/metrics",
    ] {
        let answer = wang.get(path).await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}");
        assert!(!policy.contains("unsafe-eval") && !policy.contains("http:"), "{path}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(answer.headers["x-frame-options"], "DENY", "{path}");
        assert!(answer.headers.contains_key("cache-control"), "{path}");
    }
}

#[tokio::test]
async fn pages_have_no_inline_script_or_style_and_load_nothing_from_elsewhere() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let host = format!("/hosts/{}", world::SICK);
    for path in [
        "/",
        "/tickets",
        "/tickets/T20261122-0001",
        "/cases/c-degraded",
        &host,
        "/reports",
        "/account",
        "/about",
    ] {
        let page = wang.page(path).await;
        for bad in
            ["style=", "onclick", "<style", "javascript:", "src=\"http", "href=\"http", "src=\"//"]
        {
            assert!(!page.contains(bad), "{path} has {bad}");
        }
        assert_eq!(page.matches("<script").count(), 1, "{path}");
    }
}

#[tokio::test]
async fn a_static_file_that_is_known_is_not_sent_again() {
    let world = world::empty();
    let stranger = Person::stranger(&world);
    let first = stranger.get("/static/xunjian.css").await;
    let again = Request::get("/static/xunjian.css")
        .header(header::IF_NONE_MATCH, first.headers[header::ETAG].clone())
        .body(Body::empty())
        .unwrap();
    let second = send(&stranger.router, again).await;
    assert_eq!(second.status, StatusCode::NOT_MODIFIED);
    assert!(second.body.is_empty() && !first.body.is_empty());
}
