//! Ceph: outputs of its command line and answers of its dashboard.

use std::fs;

use serde_json::Value;
use xunjian_agent::{saved::File, sources};
use xunjian_proto::Time;

use super::{Share, collect, corpus, files};

#[test]
fn ceph_of_the_field_is_understood() {
    let Some(corpus) = corpus("parallelfs") else { return };
    let saved = sources::ALL.iter().find(|it| it.name == "ceph").unwrap().saved;
    let mut share = Share::default();
    for file in files(&corpus).into_iter().filter(|it| it.to_string_lossy().contains("ceph")) {
        let content = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        let whole = serde_json::from_str::<Value>(&content).is_ok();
        let name = file.display().to_string();
        let host = saved.host(&[File { name, content }], Time::from_secs(0));
        if !whole {
            // Pieces of programs' text, and tests of damaged input: refused, with what was wanted.
            assert!(host.is_err_and(|it| it.contains("want")), "{}", file.display());
            share.leave_out("no JSON: refused, with what was wanted");
            continue;
        }
        let found = host.ok().and_then(|it| collect("ceph", &it.host).ok());
        let said = |it: &xunjian_agent::source::Found| it.samples.len() + it.states.len();
        // Two readings are about the reading itself.
        let good = found.as_ref().is_some_and(|it| said(it) > 2);
        share.count(&file, good, found.is_none());
    }
    share.report("ceph", "Ceph", 0.98);
}
