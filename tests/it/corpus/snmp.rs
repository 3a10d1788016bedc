//! SNMP walks of devices.

use std::fs;

use xunjian_agent::host::{Given, read_walk};

use super::{Share, collect, corpus, files};

/// Devices of the families that have a profile, by the names of their files.
const FAMILIES: [&str; 14] = [
    "dell-compellent",
    "dell-powervault",
    "drac",
    "dsm",
    "equallogic",
    "hpe-ilo",
    "ibm-imm_",
    "infortrend",
    "netapp",
    "qnap.",
    "truenas",
    "oceanstor",
    "eternus",
    "brocade",
];

#[test]
fn walks_of_the_field_are_understood() {
    let Some(corpus) = corpus("snmp") else { return };
    let (mut listed, mut others) = (Share::default(), Share::default());
    for file in files(&corpus) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        let read = read_walk(&text, &|_| None);
        assert!(read.strange * 50 <= text.lines().count(), "{name}: {:?}", read.examples);
        let mut host = Given::default();
        host.target("device", read.bindings);
        let found = collect("snmp", &host);
        // More than that there is a device: parts with their health, or a family that is known to tell none.
        let good = found.as_ref().is_ok_and(|it| {
            let silent = it.problems.iter().any(|it| it.text.contains("not by SNMP queries"));
            it.states.iter().any(|it| it.metric == "snmp.health") || silent
        });
        let named =
            found.as_ref().map_or(true, |it| !it.problems.is_empty() || it.components.len() > 1);
        let is_listed = FAMILIES.iter().any(|it| name.starts_with(it));
        if is_listed { listed.count(&file, good, named) } else { others.count(&file, good, named) }
    }
    listed.report("snmp", "SNMP walks of known families", 0.98);
    others.report("snmp", "other SNMP walks", 0.0);
}
