//! Maintenance windows and accepted risks on the pages: declared, shown where they matter, ended early, told what remains.

use axum::http::StatusCode;
use xunjian_collector::{
    classify::accept,
    contract::{Agreement, Window},
};

use super::{
    Person,
    world::{self, NOW, World, ago},
};

/// From an hour before now to an hour after, in Shanghai.
const SPAN: &str = "from=2026-11-22T13:20&to=2026-11-22T15:20";
const WORDS: &str = "who=%E6%9D%8E%E5%B7%A5&why=%E6%9B%B4%E6%8D%A2%3Cb%3E%E8%83%8C%E6%9D%BF";

fn windows(world: &World) -> Vec<Window> {
    let all = world.state.store.agreements().unwrap().into_iter();
    let windows = all.filter_map(|(_, it)| match it {
        Agreement::Window(it) => Some(it),
        Agreement::Risk(_) => None,
    });
    windows.collect()
}

#[tokio::test]
async fn an_engineer_declares_a_window_and_ends_it_early() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let form = format!("act=add&customer=acme&host=storage-02&{SPAN}&{WORDS}");
    let answer = wang.post("/maintenance", &form).await;
    assert_eq!((answer.status, answer.location.as_str()), (StatusCode::SEE_OTHER, "/maintenance"));
    let page = wang.page("/maintenance").await;
    for words in [
        "进行中",
        "storage-02",
        "李工：更换&#60;b&#62;背板",
        "提前结束",
        "窗口内的问题",
        "c-degraded",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let host = wang.page(&format!("/hosts/{}", world::SICK)).await;
    assert!(host.contains("维护中") && host.contains("至 2026-11-22 15:20"), "{host}");
    let overview = wang.page("/").await;
    assert!(overview.contains("id=\"maintenance\"") && overview.contains("维护中"), "{overview}");
    let other = wang.page("/hosts/00000000000000000000000000000001").await;
    assert!(!other.contains("维护中") && other.contains("/maintenance?host=storage-01"), "{other}");

    let id = windows(&world).remove(0).id;
    let answer = wang.post("/maintenance", &format!("act=end&id={id}")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(windows(&world)[0].ended, Some(NOW));
    let page = wang.page("/maintenance").await;
    for words in ["已提前结束", "结束后仍存在", "c-degraded"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!wang.page(&format!("/hosts/{}", world::SICK)).await.contains("维护中"));
    let again = wang.post("/maintenance", &format!("act=end&id={id}")).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let audit = Person::log_in(&world, "li").await.page("/audit").await;
    for action in ["maintenance.added", "agreement.ended", id.as_str()] {
        assert!(audit.contains(action), "{action}");
    }
}

#[tokio::test]
async fn a_window_for_one_component_leaves_the_rest_of_the_host_alone() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let page = wang.page(&format!("/hosts/{}/component?id=md%3A6d0a", world::SICK)).await;
    let link = "/maintenance?host=storage-02&amp;component=md%3A6d0a#new-window";
    assert!(page.contains(link), "{page}");
    let form = wang.page("/maintenance?host=storage-02&component=md%3A6d0a").await;
    assert!(form.contains(r#"name="component" value="md:6d0a""#), "{form}");
    let form = format!("act=add&customer=acme&host=storage-02&component=md:6d0a&{SPAN}&{WORDS}");
    assert_eq!(wang.post("/maintenance", &form).await.status, StatusCode::SEE_OTHER);
    assert_eq!(windows(&world)[0].component.as_deref(), Some("md:6d0a"));
    let page = wang.page("/maintenance").await;
    assert!(page.contains("storage-02 · md:6d0a"), "{page}");
    assert!(!wang.page(&format!("/hosts/{}", world::SICK)).await.contains("维护中"));
}

#[tokio::test]
async fn windows_that_make_no_sense_are_refused() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    for (form, words) in [
        (format!("act=add&{SPAN}&who=&why=x"), "请填写负责人"),
        (format!("act=add&{SPAN}&who=x&why="), "请填写负责人"),
        (
            "act=add&from=2026-11-22T15:20&to=2026-11-22T13:20&who=x&why=x".to_owned(),
            "结束须晚于开始",
        ),
        ("act=add&from=2026-11-20T15:20&to=2026-11-21T13:20&who=x&why=x".to_owned(), "尚未过去"),
        ("act=add&from=2026-11-20T15:20&to=2027-11-21T13:20&who=x&why=x".to_owned(), "31 天"),
        ("act=add&from=tonight&to=tomorrow&who=x&why=x".to_owned(), "起止时间"),
        (
            format!("act=add&host=storage-03&{SPAN}&who=x&why=x"),
            "没有主机 storage-03，是否指 storage-0",
        ),
        (format!("act=add&site=acme/nosuch&{SPAN}&who=x&why=x"), "站点须属于"),
        (
            format!("act=add&host=storage-02&component=md:nosuch&{SPAN}&who=x&why=x"),
            "主机 storage-02 没有部件 md:nosuch",
        ),
        (format!("act=add&component=md:6d0a&{SPAN}&who=x&why=x"), "须同时填写主机"),
        ("act=other".to_owned(), "表单无法识别"),
    ] {
        let answer = wang.post("/maintenance", &form).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{form}");
        assert!(answer.body.contains(words), "{form}: {}", answer.body);
    }
    let forged = wang.post_raw("/maintenance", &format!("act=add&{SPAN}&who=x&why=x")).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert!(windows(&world).is_empty());
}

#[tokio::test]
async fn a_customer_reads_what_is_theirs_and_declares_nothing() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let form = format!("act=add&site=acme/gz&{SPAN}&{WORDS}");
    assert_eq!(wang.post("/maintenance", &form).await.status, StatusCode::SEE_OTHER);
    let kehu = Person::log_in(&world, "kehu").await;
    let page = kehu.page("/maintenance").await;
    assert!(page.contains("广州机房") && page.contains("李工"), "{page}");
    assert!(!page.contains("name=\"act\"") && !page.contains("id=\"new-window\""), "{page}");
    assert_eq!(kehu.post("/maintenance", &form).await.status, StatusCode::FORBIDDEN);
    let stranger = Person::log_in(&world, "other").await.page("/maintenance").await;
    assert!(!stranger.contains("李工") && !stranger.contains("storage-02"), "{stranger}");
    let english = Person { cookie: format!("{}; xunjian_lang=en", kehu.cookie), ..kehu };
    let page = english.page("/maintenance").await;
    for words in ["Maintenance windows", "running", "Open inside it", "No risk has been accepted."]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[tokio::test]
async fn a_window_to_come_is_withdrawn_without_a_trace_on_the_page() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let form = format!("act=add&customer=acme&from=2026-11-23T13:20&to=2026-11-23T15:20&{WORDS}");
    wang.post("/maintenance", &form).await;
    let page = wang.page("/maintenance").await;
    assert!(page.contains("未开始") && page.contains("撤销"), "{page}");
    let id = windows(&world).remove(0).id;
    wang.post("/maintenance", &format!("act=end&id={id}")).await;
    assert!(!wang.page("/maintenance").await.contains("李工"));
}

#[tokio::test]
async fn two_windows_of_one_second_stay_two() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    for host in ["storage-01", "storage-02"] {
        let form = format!("act=add&host={host}&{SPAN}&{WORDS}");
        assert_eq!(wang.post("/maintenance", &form).await.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(windows(&world).len(), 2);
}

#[tokio::test]
async fn accepted_risks_are_listed_with_who_signed_and_until_when() {
    let world = world::full();
    let store = &world.state.store;
    let cases = store.cases(None).unwrap();
    let case = cases.iter().find(|it| it.id.0 == "c-degraded").unwrap();
    let until = "2026-12-31".parse().unwrap();
    let risk = accept(case, "王经理", "下季度更换", until, "wang", ago(60));
    store.put_agreement("acme", &Agreement::Risk(risk), "wang", ago(60)).unwrap();
    let page = Person::log_in(&world, "kehu").await.page("/maintenance").await;
    for words in ["王经理", "2026-12-31", "下季度更换", "未生效或已失效", "/cases/c-degraded"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    let other = Person::log_in(&world, "other").await.page("/maintenance").await;
    assert!(!other.contains("王经理"), "{other}");
}
