//! The web pages, driven without a network: who gets in, who sees what, what they say, and what hostile input does.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use tower::ServiceExt;
use xunjian_collector::web;

mod findings;

mod hostile;

mod judged;

mod login;

mod maintenance;

mod people;

mod shown;

pub(crate) mod world;

use world::{PASSWORD, World};

/// What came back.
struct Answer {
    status: StatusCode,
    location: String,
    cookies: Vec<String>,
    headers: header::HeaderMap,
    body: String,
}

async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 8 << 20).await.unwrap();
    let text = |value: &header::HeaderValue| value.to_str().unwrap().to_owned();
    Answer {
        status: parts.status,
        location: parts.headers.get(header::LOCATION).map(text).unwrap_or_default(),
        cookies: parts.headers.get_all(header::SET_COOKIE).iter().map(text).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
        headers: parts.headers,
    }
}

/// A person at a browser.
struct Person {
    router: Router,
    cookie: String,
    csrf: String,
}

impl Person {
    /// Nobody in particular.
    fn stranger(world: &World) -> Person {
        Person {
            router: web::router(world.state.clone()),
            cookie: String::new(),
            csrf: String::new(),
        }
    }

    /// Logs in and takes the forms' token from the first page.
    async fn log_in(world: &World, login: &str) -> Person {
        let mut person = Person::stranger(world);
        let answer = person.try_log_in(login, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        person.take_cookies(&answer);
        let page = person.get("/account").await;
        let (_, rest) = page.body.split_once("name=\"csrf\" value=\"").unwrap();
        person.csrf = rest.split('"').next().unwrap().to_owned();
        assert_eq!(person.csrf.len(), 64);
        person
    }

    fn take_cookies(&mut self, answer: &Answer) {
        for cookie in &answer.cookies {
            let pair = cookie.split(';').next().unwrap();
            self.cookie = if self.cookie.is_empty() {
                pair.to_owned()
            } else {
                format!("{}; {pair}", self.cookie)
            };
        }
    }

    async fn try_log_in(&self, login: &str, password: &str) -> Answer {
        self.post_raw("/login", &format!("login={login}&password={password}&next=%2F")).await
    }

    async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).header(header::COOKIE, &self.cookie);
        send(&self.router, request.body(Body::empty()).unwrap()).await
    }

    /// A page that must be there.
    async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        answer.body
    }

    /// A form with the token.
    async fn post(&self, path: &str, form: &str) -> Answer {
        self.post_raw(path, &format!("csrf={}&{form}", self.csrf)).await
    }

    async fn post_raw(&self, path: &str, form: &str) -> Answer {
        let request = Request::post(path)
            .header(header::COOKIE, &self.cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        send(&self.router, request.body(Body::from(form.to_owned())).unwrap()).await
    }
}
