//! What is said in Chinese, text by text.

use super::*;

#[test]
fn every_line_of_every_file_is_a_template() {
    let mut seen = BTreeSet::new();
    for (name, file) in FILES {
        for template in templates(file) {
            let template = template.unwrap_or_else(|why| panic!("{name}.toml: {why}"));
            assert!(seen.insert(template.source.clone()), "{} is there twice", template.source);
        }
    }
    assert!(seen.len() > 500, "{}", seen.len());
}

#[test]
fn texts_are_said_in_chinese_with_their_causes() {
    for (en, chinese) in [
        ("sdb sleeps and was left asleep", "sdb 处于休眠状态，未予唤醒"),
        (
            "/mnt/stale: cannot read /mnt/stale: Stale file handle (os error 116)",
            "/mnt/stale：无法读取 /mnt/stale：文件句柄已失效（os error 116）",
        ),
        (
            "cannot read /sys/block/sda/size: Permission denied (os error 13) (and 1 more of its kind)",
            "无法读取 /sys/block/sda/size：权限不足（os error 13）（另有 1 处同类）",
        ),
        (
            "dark: dark: cannot GET /redfish/v1/: Connection refused (os error 111)",
            "dark：dark：无法读取 /redfish/v1/：连接被拒绝（os error 111）",
        ),
        ("hw.temperature of 255 cannot be", "温度 hw.temperature 为 255，该读数不可能出现"),
        (
            "event log: `ipmitool sel elist` ended with status 1: Get SEL Info command failed: Node busy",
            "事件日志：`ipmitool sel elist` 以状态码 1 退出：Get SEL Info command failed: Node busy",
        ),
        (
            "/dev/sdd: smartctl's JSON: expected value at line 1 column 1 in \"Segmentation fault\\n\"",
            "/dev/sdd：smartctl 的 JSON 输出有误：第 1 行第 1 列：JSON 此处应为一个值，内容开头为 \"Segmentation fault\\n\"",
        ),
        (
            "c-svc: Spectrum Virtualize tells its health by traps, CLI and REST only, not by SNMP queries",
            "c-svc：Spectrum Virtualize 只通过 Trap、CLI 和 REST 报告健康状态，SNMP 查询中没有",
        ),
        (
            "gluster volume quota rep list: Failed to start aux mount",
            "gluster volume quota rep list：Failed to start aux mount",
        ),
    ] {
        assert_eq!(zh(en), chinese);
        assert!(is_known(en), "{en}");
    }
}

#[test]
fn what_no_template_knows_stays_as_it_is_and_is_not_called_known() {
    for text in ["", "INQUIRY failed", "a sentence of a newer agent: with a cause", "{", ": : : "] {
        assert_eq!(zh(text), text);
        assert!(!is_known(text));
    }
    // A known cause of an unknown sentence is said, and the rest is missed.
    let half = "a sentence of a newer agent: timed out";
    assert_eq!(zh(half), "a sentence of a newer agent：超时");
    assert!(!is_known(half));
}

#[test]
fn strange_texts_take_bounded_time() {
    for text in ["a: ".repeat(1_300), "` ended with status ".repeat(190), "in \"".repeat(1_000)] {
        assert!(!is_known(&text));
    }
    assert_eq!(zh(&"x".repeat(TEXT_BYTES_MAX + 1)).len(), TEXT_BYTES_MAX + 1);
}
