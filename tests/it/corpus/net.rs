//! Adapters: InfiniBand, Fibre Channel and NVMe as trees of sysfs.

use std::collections::BTreeMap;

use xunjian_agent::host::Given;
use xunjian_proto::ComponentId;

use super::{Share, collect, corpus, files};

/// One host for each tree, and the first file of each device of `class` in it.
fn hosts(kind: &str, class: &str) -> Vec<(Given, BTreeMap<String, std::path::PathBuf>)> {
    let Some(corpus) = corpus(kind) else { return Vec::new() };
    let mut trees: BTreeMap<String, (Given, BTreeMap<String, std::path::PathBuf>)> =
        BTreeMap::new();
    for file in files(&corpus) {
        let path = file.to_string_lossy().into_owned();
        let Some(at) = path.find("/sys/") else { continue };
        let tree = trees.entry(path[..at].to_owned()).or_default();
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        tree.0.file(&path[at + 1..], text);
        if let Some((device, _)) = path.split_once(class).and_then(|(_, rest)| rest.split_once('/'))
        {
            tree.1.entry(device.to_owned()).or_insert(file);
        }
    }
    trees.into_values().filter(|it| !it.1.is_empty()).collect()
}

fn read(kind: &str, source: &str, class: &str, state: &str) {
    let mut share = Share::default();
    let hosts = hosts(kind, class);
    for (host, devices) in &hosts {
        let found = collect(source, host).unwrap();
        for (device, file) in devices {
            let is_it = |id: &ComponentId| {
                found.components.iter().any(|it| {
                    let attrs = it.attrs.values().any(|it| it == device);
                    let named = it.name.split(['/', ' ']).next() == Some(device);
                    it.id == *id && (named || attrs)
                })
            };
            let good = found.states.iter().any(|it| it.metric == state && is_it(&it.component));
            let about = |it: &xunjian_proto::Problem| {
                it.component.as_ref().is_some_and(&is_it) || it.text.contains(device.as_str())
            };
            share.count(file, good, found.problems.iter().any(about));
        }
    }
    if !hosts.is_empty() {
        share.report(source, &format!("{class} of {kind}"), 0.98);
    }
}

#[test]
fn infiniband_of_the_field_is_understood() {
    read("netlink", "infiniband", "/sys/class/infiniband/", "hw.infiniband.port.state");
}

#[test]
fn fibre_channel_of_the_field_is_understood() {
    read("netlink", "fc", "/sys/class/fc_host/", "hw.fc.port.state");
}

#[test]
fn nvme_of_the_field_is_understood() {
    read("hostinv", "nvme", "/sys/class/nvme/", "hw.nvme.controller.state");
}

#[test]
fn modules_of_the_field_are_understood() {
    let Some(corpus) = corpus("netlink") else { return };
    let mut share = Share::default();
    let of_module = |text: &str| text.contains("Identifier") && text.contains("Connector");
    for file in files(&corpus) {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        if !of_module(&text) {
            continue;
        }
        let lines = text.matches("Laser").count();
        let mut host = Given::default();
        host.file("sys/class/net/eth0/device/vendor", "0x8086");
        host.file("sys/class/net/eth0/carrier", "1");
        host.answer(&["ethtool", "-m"], 0, text);
        let found = collect("port", &host).unwrap();
        let light = found.samples.iter().filter(|it| it.series.metric.contains("power")).count();
        let named = found.components[0].attrs.contains_key("hw.network.module.form");
        share.count(&file, named && (light > 1 || lines < 3), !found.problems.is_empty());
    }
    share.report("port", "ethtool -m", 0.98);
}
