//! Disk enclosures.

use std::fs;

use xunjian_agent::{
    saved::{File, Saved},
    sources,
};
use xunjian_proto::Time;

use super::{Share, collect, corpus, files};

#[test]
fn enclosures_of_the_field_are_understood() {
    let Some(corpus) = corpus("enclosure") else { return };
    let source = sources::ALL.iter().find(|it| it.name == "enclosure").unwrap();
    let Saved::Own { host, .. } = source.saved else { panic!("enclosure reads saved outputs") };
    let mut share = Share::default();
    for file in files(&corpus) {
        let content = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        // Cases without any SES enclosure (all disks are NVMe behind no enclosure) hold nothing to be read.
        let empty = serde_json::from_str::<serde_json::Value>(&content)
            .is_ok_and(|it| it["ses"].as_array().is_some_and(Vec::is_empty));
        if empty {
            share.leave_out("no enclosure in it");
            continue;
        }
        let given = [File { name: file.display().to_string(), content }];
        let found =
            host(&given, Time::from_secs(0)).map(|it| collect("enclosure", &it.host).unwrap());
        let good = found.as_ref().is_ok_and(|it| {
            let slots = it.samples.iter().filter(|it| it.series.metric == "enclosure.slots");
            it.components.len() > 1 && slots.map(|it| it.value).sum::<f64>() > 0.0
        });
        share.count(&file, good, found.as_ref().map_or(true, |it| !it.problems.is_empty()));
    }
    share.report("enclosure", "disk enclosures", 0.98);
}
