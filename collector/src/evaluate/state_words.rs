//! Chinese for the words in which sources report states. Messages say both: the Chinese for the reader, the word for the
//! engineer who looks for it in a tool's output. What a device says in its own words stays as it is.

/// Words of the sources' states, in their order.
const WORDS: &[(&str, &str)] = &[
    ("absent", "不在位"),
    ("active", "活动"),
    ("admin_only", "仅管理可用"),
    ("alarm", "告警"),
    ("arbitrating", "正在仲裁"),
    ("backfillfull", "已满，不再接收回填"),
    ("bad", "已损坏"),
    ("blocked", "被阻塞"),
    ("broken", "已损坏"),
    ("bypassed", "已旁路"),
    ("closed", "已关闭"),
    ("connecting", "正在连接"),
    ("content", "内容不符"),
    ("created", "已创建"),
    ("crit", "严重"),
    ("critical", "严重"),
    ("dead", "已失效"),
    ("degraded", "降级"),
    ("deleting", "正在删除"),
    ("detached", "已脱离"),
    ("disabled", "已停用"),
    ("disconn", "已断开"),
    ("down", "不可用"),
    ("electing", "正在选举"),
    ("emergency", "紧急"),
    ("error", "出错"),
    ("evicted", "已被驱逐"),
    ("expired", "已过期"),
    ("failed", "已失效"),
    ("failing", "即将失效"),
    ("fatal", "致命"),
    ("fault", "故障"),
    ("faulted", "故障"),
    ("file", "文件无法读取"),
    ("full", "已满"),
    ("hung", "无响应"),
    ("inactive", "未激活"),
    ("insufficient", "不足"),
    ("invalid", "无效"),
    ("linkdown", "链路断开"),
    ("lost", "已丢失"),
    ("metadata_read_only", "元数据只读"),
    ("missing", "缺失"),
    ("nearfull", "接近写满"),
    ("needs_attention", "需要处理"),
    ("needs_check", "需要检查"),
    ("no_input", "无输入电源"),
    ("noncritical", "轻微告警"),
    ("not_present", "不在位"),
    ("notinstalled", "未安装"),
    ("offline", "离线"),
    ("out", "已退出"),
    ("out_of_data", "数据空间耗尽"),
    ("out_of_metadata", "元数据空间耗尽"),
    ("partial", "部分可用"),
    ("partially_degraded", "部分降级"),
    ("predicted", "预测即将失效"),
    ("predicted_failure", "预测即将失效"),
    ("probing", "正在探测"),
    ("protocol", "协议不符"),
    ("read_only", "只读"),
    ("rebuilding", "正在重建"),
    ("recovering", "正在恢复"),
    ("refused", "连接被拒绝"),
    ("removed", "已移除"),
    ("resetting", "正在复位"),
    ("ro", "只读"),
    ("shutdown", "已关闭"),
    ("stale", "已过期"),
    ("status", "状态码不符"),
    ("stopped", "已停止"),
    ("stuck", "卡住"),
    ("suspended", "已挂起"),
    ("timed_out", "超时"),
    ("tls", "TLS 协商失败"),
    ("transport-offline", "链路离线"),
    ("unavail", "不可用"),
    ("unavailable", "不可用"),
    ("unavailableoffline", "不可用、离线"),
    ("unhealthy", "不健康"),
    ("unknown", "未知"),
    ("unprotected", "无保护"),
    ("unreachable", "不可达"),
    ("unrecoverable", "无法恢复"),
    ("unrecovered", "未恢复"),
    ("unresponsive", "无响应"),
    ("warning", "告警"),
];

/// The Chinese for a state's word; none for words that are not in the table, which stay as they are.
pub(super) fn zh(word: &str) -> Option<&'static str> {
    let at = WORDS.binary_search_by(|it| it.0.cmp(word)).ok()?;
    Some(WORDS[at].1)
}

/// Adds a word to a Chinese sentence: `已失效（failed）`, inside brackets `已失效 failed`. `rest` is what follows in the
/// template; brackets that follow are joined with those of the word, and what is left of the template is given back.
pub(super) fn append<'a>(text: &mut String, word: &str, zh: &str, rest: &'a str) -> &'a str {
    // "状态为 {text}" was written for a Latin word.
    let mut before = text.chars().rev();
    if before.next() == Some(' ') && before.next().is_some_and(|it| !it.is_ascii()) {
        text.pop();
    }
    text.push_str(zh);
    let inside = text.rfind('（') > text.rfind('）');
    let (open, close) = match (inside, rest.strip_prefix('（')) {
        (true, _) => (" ", ""),
        (false, Some(tail)) => {
            text.push('（');
            text.push_str(word);
            text.push('，');
            return tail;
        }
        (false, None) => ("（", "）"),
    };
    text.push_str(open);
    text.push_str(word);
    text.push_str(close);
    match (close.is_empty(), rest.strip_prefix(' ')) {
        (false, Some(tail)) => tail,
        _ => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        assert!(WORDS.windows(2).all(|it| it[0].0 < it[1].0));
    }

    #[test]
    fn words_stand_in_chinese_sentences() {
        for (before, word, rest, after) in [
            ("电源 PS1 状态为 ", "failed", "", "电源 PS1 状态为已失效（failed）"),
            (
                "盘 状态为 ",
                "failed",
                "（设备上报：fault）",
                "盘 状态为已失效（failed，设备上报：fault）",
            ),
            ("已失效（", "critical", " / off）", "已失效（严重 critical / off）"),
            (
                "到 OST 的连接状态为 ",
                "disconn",
                "，不可访问",
                "到 OST 的连接状态为已断开（disconn），不可访问",
            ),
            ("持续处于 ", "dead", " 状态", "持续处于已失效（dead）状态"),
        ] {
            let mut text = before.to_owned();
            let left = append(&mut text, word, zh(word).unwrap(), rest);
            text.push_str(left);
            assert_eq!(text, after);
        }
        assert_eq!(zh("fault, offline"), None);
    }
}
