//! Managers look after the people who may log in; several customers under one collector stay apart.

use std::sync::Arc;

use axum::http::StatusCode;
use xunjian_collector::contract::{Asset, Contract, Contracts};

use super::{Person, world};

fn made(body: &str) -> String {
    let (_, rest) = body.split_once("id=\"made\">").unwrap();
    rest.split('<').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_manager_adds_a_person_who_then_gets_in_and_can_be_locked_out() {
    let world = world::full();
    let li = Person::log_in(&world, "li").await;
    let answer = li.post("/people", "act=add&login=zhao&role=customer&customer=acme").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let mut zhao = Person::stranger(&world);
    let entered = zhao.try_log_in("zhao", &made(&answer.body)).await;
    zhao.take_cookies(&entered);
    assert!(zhao.page("/").await.contains("storage-02"));
    let reset = li.post("/people", "act=reset&login=zhao").await;
    assert_ne!(made(&reset.body), made(&answer.body));
    assert_eq!(zhao.get("/").await.status, StatusCode::SEE_OTHER, "a reset ends the sessions");
    let locked = li.post("/people", "act=lock&login=zhao").await;
    assert!(locked.body.contains("已停用"));
    let refused = zhao.try_log_in("zhao", &made(&reset.body)).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let audit = li.page("/audit").await;
    for action in ["user.create", "user.reset", "user.lock"] {
        assert!(audit.contains(action), "{action}");
    }
}

#[tokio::test]
async fn impossible_people_are_refused() {
    let world = world::full();
    let li = Person::log_in(&world, "li").await;
    for (form, status) in [
        ("act=add&login=wang&role=engineer", StatusCode::CONFLICT),
        ("act=add&login=&role=engineer", StatusCode::BAD_REQUEST),
        ("act=add&login=system&role=engineer", StatusCode::BAD_REQUEST),
        ("act=add&login=a%20b&role=engineer", StatusCode::BAD_REQUEST),
        ("act=add&login=zhao&role=root", StatusCode::BAD_REQUEST),
        ("act=add&login=zhao&role=customer&customer=nosuch", StatusCode::BAD_REQUEST),
        ("act=lock&login=li", StatusCode::BAD_REQUEST),
        ("act=lock&login=nobody", StatusCode::BAD_REQUEST),
        ("act=reset&login=nobody", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(li.post("/people", form).await.status, status, "{form}");
    }
    assert!(world.state.store.user("zhao").unwrap().is_none());
}

#[tokio::test]
async fn only_managers_see_people_and_the_audit_log() {
    let world = world::full();
    for login in ["wang", "kehu"] {
        let person = Person::log_in(&world, login).await;
        for path in ["/people", "/audit"] {
            assert_eq!(person.get(path).await.status, StatusCode::FORBIDDEN, "{login} {path}");
        }
        let form = "act=add&login=mine&role=manager";
        assert_eq!(person.post("/people", form).await.status, StatusCode::FORBIDDEN, "{login}");
        assert!(!person.page("/about").await.contains("/people"), "{login}");
    }
}

#[tokio::test]
async fn a_host_belongs_to_the_customer_whose_contract_names_it() {
    let world = world::full();
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("contracts-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (customer, host) in [("acme", "storage-01"), ("elsewhere", "storage-02")] {
        let text = format!("customer = \"{customer}\"\n[assets.{host}]\n");
        std::fs::write(folder.join(format!("{customer}.toml")), text).unwrap();
    }
    let contracts = Contracts::load(Some(&folder)).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    world.state.contracts.store(Arc::new(contracts));
    let names = async |login: &str| {
        let body = Person::log_in(&world, login).await.page("/api/v1/hosts").await;
        let value: serde_json::Value = serde_json::from_str(&body).unwrap();
        let hosts = value["hosts"].as_array().unwrap().clone();
        hosts.iter().map(|host| host["hostname"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("kehu").await, ["storage-01"]);
    assert_eq!(names("other").await, ["storage-02"]);
    assert_eq!(names("wang").await, ["node-07", "storage-01", "storage-02"]);
}

#[tokio::test]
async fn without_contracts_hosts_belong_to_the_default_customer() {
    let world = world::full();
    let mut contract = Contract::default();
    contract.assets.insert("storage-01".to_owned(), Asset::default());
    world.state.contracts.store(Arc::new(Contracts::only(contract)));
    let customer = Person::log_in(&world, "kehu").await;
    assert!(customer.page("/api/v1/hosts").await.contains("\"hosts\":[]"));
    assert!(!customer.page("/about").await.contains("未指定客户"));
}

#[tokio::test]
async fn staff_asks_a_host_to_inspect_now_and_learns_when_it_cannot_be_reached() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let sick = format!("/hosts/{}", world::SICK);
    assert!(wang.page(&sick).await.contains("立即巡检"));
    let answer = wang.post(&sick, "source=ipmi").await;
    let asked = format!("{sick}?asked=1");
    assert_eq!((answer.status, answer.location.as_str()), (StatusCode::SEE_OTHER, asked.as_str()));
    let page = wang.page(&asked).await;
    assert!(page.contains("已要求该主机立即巡检") && !page.contains("立即巡检</button>"), "{page}");
    assert_eq!(wang.post(&sick, "source=a%2Fb").await.status, StatusCode::BAD_REQUEST);
    let silent = wang.post("/hosts/00000000000000000000000000000001", "").await;
    assert_eq!(silent.status, StatusCode::CONFLICT);
    assert!(silent.body.contains("未连接"), "{}", silent.body);
    let customer = Person::log_in(&world, "kehu").await;
    assert_eq!(customer.post(&sick, "").await.status, StatusCode::FORBIDDEN);
}
