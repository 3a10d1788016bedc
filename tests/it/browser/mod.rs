//! The pages in a real browser: an engineer logs in, opens a finding, reads its evidence and answers the ticket, at a desk
//! and on a phone. Without Chromium the test says so and ends, unless `XUNJIAN_BROWSER=required`.

use std::{env, fs, net::SocketAddr, path::Path};

use xunjian_collector::{store::Store, ticket::TicketEventKind, web};

use crate::web::world::{self, PASSWORD};

mod driver;

use driver::{Browser, find};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engineer_logs_in_opens_a_finding_and_answers_the_ticket() {
    let (driver, chromium) =
        (find(&["chromedriver"]), find(&["chromium", "chromium-browser", "google-chrome"]));
    let (Some(driver), Some(chromium)) = (driver, chromium) else {
        let required = env::var("XUNJIAN_BROWSER").is_ok_and(|value| value == "required");
        assert!(
            !required,
            "chromium and chromedriver are not installed: apt-get install chromium chromium-driver"
        );
        eprintln!(
            "skipped: chromium or chromedriver is not installed (apt-get install chromium chromium-driver)"
        );
        return;
    };
    let world = world::full();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let home = format!("http://{}", listener.local_addr().unwrap());
    let service =
        web::router(world.state.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    let store = world.state.store.clone();
    let walk = tokio::task::spawn_blocking(move || {
        let browser = Browser::start(&driver, &chromium);
        browser.resize(1280, 800, false);
        answer_the_ticket(&browser, &home, &store);
        browser.click("form[action='/logout'] button");
        log_in(&browser, "li");
        declare_a_window(&browser, &home);
        look_at_every_page(&browser, &home);
    });
    walk.await.unwrap();
    server.abort();
}

fn answer_the_ticket(browser: &Browser, home: &str, store: &Store) {
    browser.open(home);
    assert!(browser.address().ends_with("/login"), "{}", browser.address());
    picture(browser, "login");
    log_in(browser, "wang");
    let overview = browser.text_with("二级故障");
    assert!(overview.contains("storage-02"), "{overview}");
    assert!(overview.contains("剩余"), "a clock counts down: {overview}");

    browser.click("a[href='/cases/c-degraded']");
    let finding = browser.text_with("定级依据");
    for words in ["存在系统瘫痪或业务中断隐患", "何种情况下升级", "冗余现状"]
    {
        assert!(finding.contains(words), "{words}: {finding}");
    }
    browser.click("a[href*='/evidence/']");
    browser.text_with("[4/3] [UU_U]");
    assert_eq!(browser.run("return document.querySelectorAll('main script').length"), 0);

    browser.open(&format!("{home}/cases/c-degraded"));
    browser.click("a[href='/tickets/T20261122-0001']");
    browser.text_with("服务时限");
    browser.enter("textarea[name=note]", "电话已联系客户，携备件出发");
    browser.click("#act-respond");
    let ticket = browser.text_with("携备件出发");
    assert!(ticket.contains("已响应"), "{ticket}");
    let tickets = store.tickets(None).unwrap();
    let events = &tickets.iter().find(|ticket| ticket.id.0 == "T20261122-0001").unwrap().events;
    let last = events.last().unwrap();
    assert_eq!((last.kind, last.actor.as_str()), (TicketEventKind::Responded, "wang"));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// A window for the sick host, by the form; it is ended again in a test of its own.
fn declare_a_window(browser: &Browser, home: &str) {
    browser.open(&format!("{home}/hosts/{}", world::SICK));
    browser.click("a[href^='/maintenance?host=']");
    browser.text_with("新建维护窗口");
    let times = "for (const [name, value] of [['from', '2026-11-22T13:00'], ['to', '2026-11-22T18:00']]) \
                 document.querySelector(`input[name=${name}]`).value = value";
    browser.run(times);
    browser.enter("input[name=who]", "李工");
    browser.enter("input[name=why]", "更换背板和 HBA");
    browser.click("button[name=act][value=add]");
    let page = browser.text_with("进行中");
    assert!(page.contains("storage-02") && page.contains("窗口内的问题"), "{page}");
}

fn log_in(browser: &Browser, login: &str) {
    browser.text_with("用户名");
    browser.enter("input[name=login]", login);
    browser.enter("input[name=password]", PASSWORD);
    browser.click("#log-in");
    browser.text_with("退出");
}

/// Every page at both sizes: a picture to look at, nothing wider than the window, nothing the browser complains of.
fn look_at_every_page(browser: &Browser, home: &str) {
    let host = format!("/hosts/{}", world::SICK);
    let pages = [
        ("overview", "/".to_owned()),
        ("tickets", "/tickets".to_owned()),
        ("ticket", "/tickets/T20261122-0001".to_owned()),
        ("case", "/cases/c-degraded".to_owned()),
        ("host", host.clone()),
        ("component", format!("{host}/component?id=disk%3AZA2%3Cb%3E%26%22%27")),
        ("array", format!("{host}/component?id=md%3A6d0a")),
        ("maintenance", "/maintenance".to_owned()),
        ("reports", "/reports".to_owned()),
        ("report", "/reports/R2026Q4-acme-1".to_owned()),
        ("account", "/account".to_owned()),
        ("about", "/about".to_owned()),
        ("people", "/people".to_owned()),
        ("audit", "/audit".to_owned()),
    ];
    for lang in ["zh", "en"] {
        for (name, path) in &pages {
            browser.open(&format!("{home}{path}"));
            picture(browser, &format!("{name}-{lang}"));
            assert_eq!(browser.complaints(), Vec::<String>::new(), "{path}");
        }
        browser.click("button[name=lang]");
        browser.text_with(if lang == "zh" { "中文" } else { "English" });
    }
    browser.open(&format!("{home}/nosuch"));
    picture(browser, "nosuch");
}

fn picture(browser: &Browser, name: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
    fs::create_dir_all(&folder).unwrap();
    for (size, width, height, phone) in [("phone", 390, 844, true), ("desk", 1280, 800, false)] {
        browser.resize(width, height, phone);
        browser.picture(&folder.join(format!("{name}-{size}.png")));
        let wide = browser.run("return document.documentElement.scrollWidth");
        assert!(wide.as_u64().unwrap() <= u64::from(width), "{name} is {wide} px wide on a {size}");
    }
}
