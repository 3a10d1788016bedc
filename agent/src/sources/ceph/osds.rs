//! OSDs, the tree that they stand in, and what they stand on.
//!
//! Facts: `osd dump` (up, in, uuid), `osd tree` and `osd df tree` (tree, sizes), `device ls` (drives by vendor, model and
//! serial number, joined by `_`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use xunjian_proto::{Component, ComponentId, Link, Relation};

use super::{
    cluster::{Cluster, ITEMS_MAX},
    json::{first, flag, list, number, text, whole},
    metrics::{IN, LIFE, OSD_PGS, OSD_SIZE, OSD_UTILIZATION, UP},
};
use crate::{devices::disk_identity, source::Collect};

/// Depth to which the tree is followed: root, region, datacenter, room, row, rack, chassis, host make eight.
const TREE_DEPTH_MAX: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Osd {
    pub(super) up: Option<bool>,
    pub(super) inside: Option<bool>,
    pub(super) uuid: Option<String>,
    pub(super) class: Option<String>,
    pub(super) host: Option<String>,
    pub(super) size: Option<f64>,
    pub(super) utilization: Option<f64>,
    pub(super) pgs: Option<f64>,
    pub(super) life: Option<String>,
    /// What it stands on.
    pub(super) disks: BTreeSet<ComponentId>,
}

/// A place of the CRUSH tree that is no OSD.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) name: String,
    /// `root`, `rack`, `host`.
    pub(super) kind: String,
    pub(super) children: Vec<i64>,
}

impl Cluster {
    pub(super) fn take_osds(&mut self, items: &[Value]) {
        for it in items.iter().take(ITEMS_MAX) {
            let Some(id) = first(it, &["osd", "id"]).and_then(Value::as_i64) else { continue };
            let osd = self.osds.entry(id).or_default();
            osd.up = flag(it, "up").or(osd.up);
            osd.inside = flag(it, "in").or(osd.inside);
            osd.uuid = text(it, "uuid").map(str::to_owned).or(osd.uuid.take());
            // The dashboard's list has the place and the sizes beside each one.
            if let Some(host) = it.get("host") {
                osd.host = text(host, "name").map(str::to_owned);
            }
            if let Some(tree) = it.get("tree") {
                osd.class = text(tree, "device_class").map(str::to_owned);
            }
            if let Some(stats) = it.get("osd_stats") {
                osd.take_sizes(number(stats, "kb"), number(stats, "kb_used"));
                osd.pgs = number(stats, "num_pgs");
            }
        }
    }

    pub(super) fn take_tree(&mut self, items: &[Value]) {
        for it in items.iter().take(ITEMS_MAX) {
            let (Some(id), Some(name)) = (whole(it, "id"), text(it, "name")) else { continue };
            if id >= 0 {
                let osd = self.osds.entry(id).or_default();
                osd.class = text(it, "device_class").map(str::to_owned).or(osd.class.take());
                if let Some(status) = text(it, "status") {
                    osd.up = osd.up.or(Some(status == "up"));
                }
                if let Some(weight) = number(it, "reweight") {
                    osd.inside = osd.inside.or(Some(weight > 0.0));
                }
                osd.take_sizes(number(it, "kb"), number(it, "kb_used"));
                osd.pgs = number(it, "pgs").or(osd.pgs);
                continue;
            }
            let children = list(it, "children").iter().filter_map(Value::as_i64).collect();
            let kind = text(it, "type").unwrap_or_default().to_owned();
            // Trees by device class (`default~ssd`) repeat the others.
            if !name.contains('~') {
                self.nodes.insert(id, Node { name: name.to_owned(), kind, children });
            }
        }
        let hosts: Vec<(String, Vec<i64>)> = self
            .nodes
            .values()
            .filter(|it| it.kind == "host")
            .map(|it| (it.name.clone(), it.children.clone()))
            .collect();
        for (host, children) in hosts {
            for child in children {
                if let Some(osd) = self.osds.get_mut(&child) {
                    osd.host = Some(host.clone());
                }
            }
        }
    }

    /// `device ls`: the drive's serial number is the last part of its id.
    pub(super) fn take_devices(&mut self, items: &[Value]) {
        for it in items.iter().take(ITEMS_MAX) {
            let Some(device) = text(it, "devid") else { continue };
            let serial = device.rsplit('_').next();
            let identity = disk_identity(serial, None, device);
            let life = text(it, "life_expectancy_min").map(str::to_owned);
            for daemon in list(it, "daemons").iter().filter_map(Value::as_str) {
                let Some(id) = daemon.strip_prefix("osd.").and_then(|it| it.parse().ok()) else {
                    continue;
                };
                let osd = self.osds.entry(id).or_default();
                osd.life = life.clone().or(osd.life.take());
                if identity.stable {
                    osd.disks.insert(identity.id.clone());
                }
            }
        }
    }

    /// The OSDs below a place of the tree.
    pub(super) fn below(&self, id: i64) -> BTreeSet<i64> {
        let (mut found, mut layer) = (BTreeSet::new(), vec![id]);
        for _ in 0..TREE_DEPTH_MAX {
            let (osds, places): (Vec<i64>, Vec<i64>) = layer.into_iter().partition(|it| *it >= 0);
            found.extend(osds);
            layer = places
                .iter()
                .filter_map(|it| self.nodes.get(it))
                .flat_map(|it| it.children.iter().copied())
                .take(ITEMS_MAX)
                .collect();
            if layer.is_empty() {
                break;
            }
        }
        found
    }

    pub(super) fn tell_osds(&self, c: &mut Collect<'_>, fsid: &str) {
        for (number, osd) in &self.osds {
            let id = osd_id(fsid, *number);
            let mut attrs = BTreeMap::new();
            for (name, value) in [
                ("ceph.osd.uuid", &osd.uuid),
                ("ceph.host", &osd.host),
                ("ceph.osd.device_class", &osd.class),
            ] {
                if let Some(value) = value {
                    attrs.insert(name.to_owned(), value.clone());
                }
            }
            let on = |to: &ComponentId| Link { relation: Relation::On, to: to.clone() };
            c.component(Component {
                id: id.clone(),
                name: format!("osd.{number}"),
                attrs,
                links: osd.disks.iter().map(on).collect(),
                set: None,
            });
            let truth = |it: bool| if it { 1.0 } else { 0.0 };
            for (metric, value) in [
                (&UP, osd.up.map(truth)),
                (&IN, osd.inside.map(truth)),
                (&OSD_SIZE, osd.size),
                (&OSD_UTILIZATION, osd.utilization),
                (&OSD_PGS, osd.pgs),
            ] {
                if let Some(value) = value {
                    c.sample(metric, &id, value);
                }
            }
            if let Some(life) = &osd.life {
                c.state(&LIFE, &id, life);
            }
        }
    }
}

impl Osd {
    /// KiB; an OSD that is down and out has none.
    fn take_sizes(&mut self, size: Option<f64>, used: Option<f64>) {
        let Some(size) = size.filter(|it| *it > 0.0) else { return };
        self.size = Some(size * 1024.0);
        self.utilization = used.map(|it| it / size);
    }
}

pub(super) fn osd_id(fsid: &str, number: i64) -> ComponentId {
    ComponentId::new("ceph_osd", &format!("{fsid}/{number}"))
}
