//! What the pages say.

use axum::http::StatusCode;

use super::{Person, world};

#[tokio::test]
async fn the_overview_counts_faults_clocks_and_coverage() {
    let world = world::full();
    let page = Person::log_in(&world, "wang").await.page("/").await;
    for words in [
        "二级故障",
        "storage-02",
        "阵列 md0 降级",
        "巡检覆盖率",
        "失联",
        "广州机房 · A03 机柜 16U",
        "2026-12-15",
        "定期巡检",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

#[tokio::test]
async fn an_empty_collector_says_what_to_do_next() {
    let world = world::empty();
    let password =
        xunjian_collector::web::first_password(&world.state.store, world::NOW).unwrap().unwrap();
    let mut admin = Person::stranger(&world);
    let answer = admin.try_log_in("admin", &password).await;
    admin.take_cookies(&answer);
    assert!(admin.page("/").await.contains("xunjian-collector enrol-token"));
    assert!(admin.page("/tickets").await.contains("没有待处理的工单"));
    assert!(admin.page("/reports").await.contains("尚无巡检报告"));
}

#[tokio::test]
async fn nothing_unread_is_green() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let silent = wang.page("/hosts/00000000000000000000000000000003").await;
    assert!(silent.contains("badge unknown\">失联"));
    assert!(silent.contains("读数过期"));
    assert!(!silent.contains("badge ok"), "{silent}");
    let gaps = wang.page("/hosts/00000000000000000000000000000002").await;
    assert!(gaps.contains("权限不足") && gaps.contains("smartctl needs root"));
    let row = gaps.split("<b>smartx</b>").nth(1).unwrap();
    assert!(row.split("</tr>").next().unwrap().contains("badge unknown\">已执行"));
    let sound = wang.page("/hosts/00000000000000000000000000000001").await;
    assert!(sound.contains("badge ok\">未发现异常"));
}

#[tokio::test]
async fn a_finding_shows_its_decision_and_its_evidence() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let page = wang.page("/cases/c-degraded").await;
    for words in [
        "二级故障",
        "无热备",
        "存在系统瘫痪或业务中断隐患",
        "四级故障",
        "数据丢失，升为一级",
        "冗余恢复，关闭",
        "未知（没有测量手段）",
        "md0 (raid5, 4)",
        "prefail_no_spare = 4",
        "md.array.disks.missing",
        "2026-11-22 14:19:15",
        "T20261122-0001",
        "连带影响",
        "c-child",
        "更换槽位 2",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let at = page.find("/cases/c-degraded/evidence/").unwrap();
    let evidence = wang.page(page[at..].split('"').next().unwrap()).await;
    assert!(evidence.contains("[4/3] [UU_U]") && evidence.contains("/proc/mdstat"));
    assert!(wang.page("/cases/c-child").await.contains("根本原因"));
    assert!(wang.page("/cases/c-stale").await.contains("读数中断"));
}

#[tokio::test]
async fn a_component_shows_readings_with_unit_and_history_with_its_gap() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let link = "/hosts/00000000000000000000000000000002/component?id=disk%3AZA2%3Cb%3E%26%22%27";
    let page = wang.page(link).await;
    assert!(
        page.contains("ST16000NM001G")
            && page.contains("hw.temperature")
            && page.contains("passed")
    );
    assert_eq!(
        page.matches("<polyline").count(),
        2,
        "the two and a half hours without readings split the line"
    );
    for period in ["7d", "90d"] {
        assert!(wang.page(&format!("{link}&period={period}")).await.contains("<svg"), "{period}");
    }
    assert_eq!(wang.get(&format!("{link}&period=1y")).await.status, StatusCode::BAD_REQUEST);
    let array = wang.page("/hosts/00000000000000000000000000000002/component?id=md%3A6d0a").await;
    assert!(
        array.contains("raid5")
            && array.contains("badge l2\">故障")
            && array.contains("没有数值读数")
    );
}

#[tokio::test]
async fn every_page_speaks_english_too() {
    let world = world::full();
    let mut wang = Person::log_in(&world, "wang").await;
    let answer = wang.post("/language", "lang=en&back=/tickets").await;
    assert_eq!(answer.location, "/tickets");
    wang.take_cookies(&answer);
    for path in ["/tickets", "/reports", "/account", "/about", "/nosuch"] {
        let body = wang.get(path).await.body;
        let body = body
            .replace("中文", "")
            .replace("广州某超算中心", "")
            .replace("某信息技术服务有限公司", "");
        let chinese = body.find(|sign| ('\u{4e00}'..='\u{9fff}').contains(&sign));
        assert_eq!(
            chinese.map(|at| body[at..].chars().take(20).collect::<String>()),
            None,
            "{path}"
        );
    }
    assert!(wang.page("/cases/c-degraded").await.contains("Level 2"));
    assert!(wang.page("/").await.contains("lang=\"en\""));
}

#[tokio::test]
async fn a_ticket_is_answered_step_by_step() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let path = "/tickets/T20261122-0001";
    let before = wang.page(path).await;
    for words in [
        "响应时间",
        "到达现场",
        "13800000001",
        "派 2 名工程师到现场",
        "通知远程支持小组",
        "act-respond",
    ] {
        assert!(before.contains(words), "{words}");
    }
    for (act, words) in [
        ("respond", "已响应"),
        ("en-route", "赶赴现场"),
        ("on-site", "已到场"),
        ("strategy", "提交应急方案"),
        ("solution", "提交解决方案"),
        ("restore", "业务已恢复"),
        ("resolve", "故障已排除"),
        ("confirm", "客户已确认"),
    ] {
        let answer = wang.post(path, &format!("act={act}&note=%E5%A4%87%E6%B3%A8+{act}")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{act}: {}", answer.body);
        let page = wang.page(path).await;
        assert!(page.contains(words) && page.contains(&format!("备注 {act}")), "{act}");
    }
    assert!(!wang.page("/").await.contains("T20261122-0001"));
    let lines = world.state.store.audit_lines(20).unwrap();
    assert_eq!(
        lines.iter().filter(|line| line.actor == "wang" && line.object == "T20261122-0001").count(),
        8
    );
}

#[tokio::test]
async fn an_action_that_does_not_fit_is_refused_and_leaves_no_trace() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let path = "/tickets/T20261122-0001";
    assert_eq!(wang.post(path, "act=confirm&note=").await.status, StatusCode::CONFLICT);
    assert_eq!(wang.post(path, "act=note&note=+").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(wang.post(path, "act=explode&note=x").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        wang.post(path, &format!("act=note&note={}", "x".repeat(4001))).await.status,
        StatusCode::BAD_REQUEST
    );
    let ticket = world
        .state
        .store
        .tickets(None)
        .unwrap()
        .into_iter()
        .find(|ticket| ticket.customer == "acme");
    assert_eq!(ticket.unwrap().events.len(), 2);
}

#[tokio::test]
async fn a_report_is_read_and_downloaded_and_a_broken_one_tells_no_secret() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    assert!(wang.page("/reports").await.contains("R2026Q4-acme-1"));
    assert!(wang.page("/reports/R2026Q4-acme-1").await.contains("2026-08-24 – 2026-11-22"));
    let document = wang.get("/reports/R2026Q4-acme-1/html").await;
    assert!(document.body.contains("巡检报告"));
    let policy = document.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("sandbox") && !policy.contains("script-src"));
    let pdf = wang.get("/reports/R2026Q4-acme-1/pdf").await;
    assert_eq!(pdf.headers["content-type"], "application/pdf");
    assert!(pdf.body.starts_with("%PDF"));
    let broken = wang.get("/reports/R2026Q3-acme-1/pdf").await;
    assert_eq!(broken.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!broken.body.contains("secret") && broken.body.contains("系统内部错误"));
}

#[tokio::test]
async fn the_api_says_the_same_and_its_description_names_every_path() {
    let world = world::full();
    let wang = Person::log_in(&world, "wang").await;
    let read = async |path: &str| -> serde_json::Value {
        serde_json::from_str(&wang.page(path).await).unwrap()
    };
    let hosts = read("/api/v1/hosts").await;
    assert_eq!(hosts["hosts"][0]["hostname"], "node-07");
    assert_eq!(hosts["hosts"][0]["silent"], true);
    let cases = read("/api/v1/cases").await;
    let degraded =
        cases["cases"].as_array().unwrap().iter().find(|case| case["id"] == "c-degraded").unwrap();
    assert_eq!(degraded["grade"], serde_json::json!({ "kind": "fault", "level": 2 }));
    let tickets = read("/api/v1/tickets").await;
    let ticket = tickets["tickets"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["id"] == "T20261122-0001")
        .unwrap();
    assert_eq!(ticket["clocks"].as_array().unwrap().len(), 5);
    let description = read("/api/openapi.json").await;
    let paths: Vec<&String> = description["paths"].as_object().unwrap().keys().collect();
    for path in &paths {
        wang.page(path).await;
    }
    assert_eq!(paths.len(), 3);
}

#[tokio::test]
async fn metrics_have_the_counters_of_the_store_and_of_the_other_stages() {
    let world = world::full();
    let text = Person::stranger(&world).page("/metrics").await;
    assert!(text.contains(
        "# TYPE xunjian_ingest_batches_total counter\nxunjian_ingest_batches_total 42\n"
    ));
    assert!(text.contains("xunjian_store_duplicate_batches_total"));
}
