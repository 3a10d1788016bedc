//! Overrides for devices that the contract lists and another host reads.

use std::{collections::BTreeMap, sync::Arc};

use xunjian_collector::{
    contract::{Asset, Contract, Override},
    evaluate::{HostView, Overrides, Standing, why},
};
use xunjian_proto::{Component, ComponentId, Link, Relation, Run};

use crate::{
    rules::{at, number, rules},
    why::{changed, contract, hot, pending_rule},
};

/// A look at an array by a host that reads it, and at the host's own disk.
fn array_and_disk(secs: i64) -> Run {
    let device = ComponentId::new("device", "CKM001");
    let mut run = hot(secs);
    let part = |id: &ComponentId, name: &str, links| Component {
        id: id.clone(),
        name: name.to_owned(),
        attrs: BTreeMap::new(),
        links,
        set: None,
    };
    run.components.insert(0, part(&device, "array1", Vec::new()));
    let own = ComponentId::new("disk", "ARRAY-DISK");
    let mut run = number(run, &own, "hw.smart.pending_sectors", 3.0);
    run.components.retain(|it| it.id != own);
    let links = vec![Link { relation: Relation::Via, to: device }];
    run.components.push(part(&own, "0.1", links));
    run
}

#[test]
fn an_override_for_a_device_reaches_its_parts_through_the_host_that_reads_it() {
    let rules = rules();
    let (rule, _) = pending_rule(&rules);
    let of = |host: &str, value: f64| Override {
        host: Some(host.to_owned()),
        threshold: Some(value.into()),
        ..changed(&rule)
    };
    let site =
        Override { site: Some("dc2".to_owned()), threshold: Some(15.0.into()), ..changed(&rule) };
    let judged = |contract: &Contract, disk: &str| {
        let overrides = Overrides::of(contract, "node1");
        let mut view = HostView::new(Arc::clone(&rules));
        view.absorb(&array_and_disk(0), &overrides, at(0));
        let kept = HostView::restore(Arc::clone(&rules), &view.save()).unwrap();
        let all = why(&kept, &ComponentId::new("disk", disk), &overrides, at(0));
        let it = all.into_iter().find(|it| it.rule == rule).unwrap();
        let found = it.adjusted.into_iter().find(|it| it.standing == Standing::InForce);
        found.and_then(|it| it.threshold)
    };
    // Not listed: the array is a part of the host that reads it.
    let plain = contract(vec![of("node1", 13.0)]);
    assert_eq!(judged(&plain, "S1").as_deref(), Some("13"));
    assert_eq!(judged(&plain, "ARRAY-DISK").as_deref(), Some("13"));
    // Listed, at the other site: a machine of its own.
    let mut listed = contract(vec![of("node1", 13.0), of("array1", 14.0), site.clone()]);
    let asset = Asset { site: "dc2".to_owned(), ..Asset::default() };
    listed.assets.insert("array1".to_owned(), asset.clone());
    assert_eq!(judged(&listed, "S1").as_deref(), Some("13"));
    assert_eq!(judged(&listed, "ARRAY-DISK").as_deref(), Some("14"));
    let mut by_site = contract(vec![site]);
    by_site.assets.insert("array1".to_owned(), asset);
    assert_eq!(judged(&by_site, "S1"), None);
    assert_eq!(judged(&by_site, "ARRAY-DISK").as_deref(), Some("15"));
}
