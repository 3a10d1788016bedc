//! Management controllers and disk enclosures.

use std::fs;

use xunjian_agent::{
    saved::{File, Saved},
    sources,
};
use xunjian_proto::Time;

use super::{Share, collect, corpus, files};

/// Which corpus files come from a management controller: not `dmidecode`, which tells what the firmware knew at boot.
fn is_ours(name: &str) -> bool {
    !name.contains("dmidecode")
}

#[test]
fn ipmi_outputs_of_the_field_are_understood() {
    let Some(corpus) = corpus("ipmi") else { return };
    let source = sources::ALL.iter().find(|it| it.name == "ipmi").unwrap();
    let Saved::Own { host, .. } = source.saved else { panic!("ipmi reads saved outputs") };
    let mut share = Share::default();
    for file in files(&corpus).into_iter().filter(|it| is_ours(&it.to_string_lossy())) {
        let content = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        let lines = content.lines().filter(|it| !it.trim().is_empty()).count();
        let given = [File { name: file.display().to_string(), content }];
        let found = host(&given, Time::from_secs(0)).map(|it| collect("ipmi", &it.host).unwrap());
        let good = found.as_ref().is_ok_and(|it| {
            // At most a sensor a line; those without a reading are no parts.
            it.components.len() <= lines + 3 && (!it.samples.is_empty() || !it.states.is_empty())
        });
        share.count(&file, good, found.as_ref().map_or(true, |it| !it.problems.is_empty()));
    }
    share.report("ipmi", "ipmitool", 0.98);
}
