//! What sources, metrics and states are called in the users' languages: the agent's own output and the collector's
//! pages both ask here, and the answer stands in the source's file.

use std::{collections::HashMap, sync::OnceLock};

use crate::{
    own,
    source::{Source, Words},
    sources,
};

/// Every source there is, the agent's watch on itself included.
fn all() -> impl Iterator<Item = &'static Source> {
    sources::ALL.iter().chain([&own::SOURCE])
}

/// The Chinese name of a metric, state or event; `None` for one that no source has (an older agent's).
pub fn zh(name: &str) -> Option<&'static str> {
    static ALL: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    let known = ALL.get_or_init(|| {
        let metrics = all().flat_map(|it| it.metrics.iter().chain(it.states).chain(it.events));
        metrics.map(|it| (it.name, it.zh)).collect()
    });
    known.get(name).copied()
}

/// What a source is called; `None` for one that this version does not know.
pub fn source(name: &str) -> Option<Words> {
    all().find(|it| it.name == name).map(|it| it.title)
}

/// Chinese for the words that tell the series of one metric apart; others stay as they are.
pub fn zh_attr(value: &str) -> &str {
    match value {
        "read" => "读",
        "write" => "写",
        "receive" => "接收",
        "transmit" => "发送",
        "used" => "已用",
        "free" => "空闲",
        "reserved" => "保留",
        "cached" => "缓存",
        "buffers" => "缓冲",
        other => other,
    }
}
