//! Why rules fired or stayed quiet, what was refused, and the risk that a customer accepts.

use std::sync::Arc;

use axum::http::StatusCode;
use xunjian_collector::contract::Agreement;

use super::{Person, world};

const HOST: &str = "/hosts/00000000000000000000000000000002";

#[tokio::test]
async fn a_component_shows_every_rule_and_why() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let component = wang.page(&format!("{HOST}/component?id=md:6d0a")).await;
    assert!(component.contains("/why?id=md%3A6d0a") || component.contains("/why?id=md:6d0a"));
    let page = wang.page(&format!("{HOST}/why?id=md:6d0a")).await;
    for words in ["规则判断", "md-degraded", "软 RAID 成员完整性"] {
        assert!(page.contains(words), "{words}\n{page}");
    }
    assert!(page.contains("触发") || page.contains("无法判断"), "{page}");
    let missing = wang.get(&format!("{HOST}/why?id=md:nothing")).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_was_refused_is_shown_to_staff_and_to_nobody_else() {
    let mut world = world::full();
    world.state.mistakes = Arc::new(|| vec!["md.toml:9: no source declares it".to_owned()]);
    for (login, shown) in [("wang", true), ("kehu", false)] {
        let person = Person::log_in(&world, login).await;
        for path in ["/", "/about"] {
            let page = person.page(path).await;
            assert_eq!(page.contains("md.toml:9: no source declares it"), shown, "{login} {path}");
        }
    }
}

#[tokio::test]
async fn a_risk_is_accepted_with_signer_reason_and_day_and_audited() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let path = "/cases/c-degraded";
    assert!(wang.page(path).await.contains("客户签字人"));
    for form in [
        "act=accept&signer=&why=x&until=2027-01-31",
        "act=accept&signer=Li&why=x&until=2020-01-31",
        "act=accept&signer=Li&why=x&until=soon",
        "act=withdraw",
        "act=nothing",
    ] {
        let answer = wang.post(path, form).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{form}");
    }
    assert_eq!(world.state.store.agreements().unwrap(), []);
    let answer = wang.post(path, "act=accept&signer=Li&why=backup+done&until=2027-01-31").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let kept = world.state.store.agreements().unwrap();
    let [(_, Agreement::Risk(risk))] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!((risk.signer.as_str(), risk.by.as_str(), risk.rank), ("Li", "wang", 2));
    assert!(!risk.values.is_empty());
    let lines = world.state.store.audit_lines(5).unwrap();
    assert!(lines.iter().any(|it| it.actor == "wang" && it.action == "risk.accepted"));
    // Customers read; they do not sign for themselves.
    let customer = Person::log_in(&world, "kehu").await;
    assert!(!customer.page(path).await.contains("客户签字人"));
    let answer = customer.post(path, "act=accept&signer=Li&why=x&until=2027-01-31").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}
