//! `/metrics` in Prometheus' text form and `/healthz`: for machines, without login, and therefore without any name of a
//! customer, host or person in them.

use std::fmt::Write as _;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

use super::{Access, Page};
use crate::web::{ask::Ask, failure::Failure};

/// Counters.
pub(super) const PAGE: Page = Page { path: "/metrics", get: (Access::Open, show), post: None };
/// Whether the store answers.
pub(super) const HEALTHZ: Page = Page { path: "/healthz", get: (Access::Open, health), post: None };

/// The store's counters and the other stages', by name.
pub(super) fn counters(ask: &Ask) -> Result<Vec<(String, u64)>, Failure> {
    let mut counters = ask.state().store.counters()?;
    counters.extend((ask.state().counters)());
    counters.sort();
    counters.dedup_by(|a, b| a.0 == b.0);
    Ok(counters)
}

fn show(ask: &Ask) -> Result<Response, Failure> {
    let text = exposition(&counters(ask)?);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

fn health(ask: &Ask) -> Result<Response, Failure> {
    ask.state().store.setting("instance_id")?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], "ok\n").into_response())
}

/// Prometheus' text form. Other signs in a name become `_`; what does not end in `_total` is a gauge.
fn exposition(counters: &[(String, u64)]) -> String {
    let mut out = format!(
        "# TYPE xunjian_build_info gauge\nxunjian_build_info{{version=\"{}\"}} 1\n",
        env!("CARGO_PKG_VERSION")
    );
    for (name, value) in counters {
        let name: String = name
            .chars()
            .map(|sign| if sign.is_ascii_alphanumeric() { sign } else { '_' })
            .collect();
        let name = if name.starts_with("xunjian_") { name } else { format!("xunjian_{name}") };
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "# TYPE {name} {kind}\n{name} {value}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::exposition;

    #[test]
    fn names_are_such_as_prometheus_takes() {
        let text = exposition(&[
            ("ingest.batches_total".to_owned(), 7),
            ("xunjian_queue length".to_owned(), 1),
        ]);
        assert!(text.contains(
            "# TYPE xunjian_ingest_batches_total counter\nxunjian_ingest_batches_total 7\n"
        ));
        assert!(text.contains("# TYPE xunjian_queue_length gauge\nxunjian_queue_length 1\n"));
    }
}
