//! Who reads the cluster, and what this host can tell without asking it.
//!
//! Every host of a cluster that asks it is a load, and reports the same faults once more. So one host reads: the one
//! whose monitor leads the quorum, which its monitor tells through its own socket without a word to the others. When
//! it fails, another monitor leads, and its host reads. What each host tells for itself costs the cluster nothing: the
//! state of its monitor, and which disks its OSDs stand on.

use serde::Deserialize;
use serde_json::Value;
use xunjian_proto::{ComponentId, Reason};

use super::json::{self, list, text};
use crate::{
    devices,
    source::{Collect, SourceError},
    typed,
};

/// Most OSDs that are looked for on one host.
const OSDS_MAX: usize = 256;

/// Most folders of sockets: one a cluster.
const FOLDERS_MAX: usize = 16;

/// The source's options.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Options {
    /// Whether this host reads the cluster: `auto`, `always` or `never`.
    pub(super) reader: Reader,
    /// The name to log in with; by default `client.xunjian` if it has a keyring here, else `client.admin`.
    pub(super) client: Option<String>,
    /// Ceph's configuration.
    pub(super) config: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reader {
    Auto,
    Always,
    Never,
}

impl Default for Options {
    fn default() -> Options {
        Options { reader: Reader::Auto, client: None, config: "/etc/ceph/ceph.conf".to_owned() }
    }
}

impl Options {
    pub(super) fn of(table: &toml::Table) -> Result<Options, SourceError> {
        table.clone().try_into().map_err(|error: toml::de::Error| SourceError::Parse {
            what: "options of ceph".to_owned(),
            why: error.to_string(),
        })
    }

    /// The name to log in with. Keyrings are only looked for by name and never read: they are secrets.
    pub(super) fn name(&self, c: &Collect<'_>) -> String {
        let own = || {
            let names = c.host.list("etc/ceph").unwrap_or_default();
            names
                .iter()
                .any(|it| it.ends_with(".client.xunjian.keyring"))
                .then_some("client.xunjian")
        };
        self.client.clone().unwrap_or_else(|| own().unwrap_or("client.admin").to_owned())
    }
}

/// A monitor of this host, as its own socket tells it.
#[derive(Debug)]
pub(super) struct Monitor {
    pub(super) name: String,
    /// leader, peon, probing, electing, synchronizing.
    pub(super) state: String,
    pub(super) status: Value,
}

impl Monitor {
    pub(super) fn leads(&self) -> bool {
        self.state == "leader"
    }

    pub(super) fn is_in_quorum(&self) -> bool {
        matches!(self.state.as_str(), "leader" | "peon")
    }

    pub(super) fn fsid(&self) -> Option<&str> {
        text(self.status.get("monmap")?, "fsid")
    }

    /// The host that reads instead: the first of the quorum leads.
    pub(super) fn leader(&self) -> Option<&str> {
        let rank = list(&self.status, "quorum").first()?.as_i64()?;
        let mons = list(self.status.get("monmap")?, "mons");
        text(mons.iter().find(|it| it.get("rank").and_then(Value::as_i64) == Some(rank))?, "name")
    }
}

/// The monitors of this host that answer. Sockets that nobody serves any more are left behind by daemons that died.
pub(super) fn monitors(c: &mut Collect<'_>) -> Vec<Monitor> {
    let mut sockets = Vec::new();
    let names = c.host.list("run/ceph").or_else(|_| c.host.list("var/run/ceph"));
    let names = match names {
        Ok(names) => names,
        Err(error) if error.reason() == Reason::Missing => return Vec::new(),
        Err(error) => {
            c.problem(error.reason(), None, format!("monitors of this host: {error}"));
            return Vec::new();
        }
    };
    let is_monitor = |it: &str| it.contains("-mon.") && it.ends_with(".asok");
    sockets.extend(names.iter().filter(|it| is_monitor(it)).map(|it| format!("/run/ceph/{it}")));
    // Containers keep theirs in a folder named after the cluster.
    for folder in names.iter().filter(|it| is_fsid(it)).take(FOLDERS_MAX) {
        let inner = c.host.list(&format!("run/ceph/{folder}")).unwrap_or_default();
        sockets.extend(
            inner.iter().filter(|it| is_monitor(it)).map(|it| format!("/run/ceph/{folder}/{it}")),
        );
    }
    let mut found = Vec::new();
    for socket in sockets.iter().take(FOLDERS_MAX) {
        let argv = ["ceph", "--admin-daemon", socket, "mon_status"];
        let answer = c.host.run_within(&argv, super::ask::QUICK).and_then(|it| it.ok(&argv));
        let status: Option<Value> = match answer {
            Ok(text) => {
                typed::parse(c.host, &format!("`{}`", argv.join(" ")), &text, json::NAMES).ok()
            }
            Err(error) => {
                c.problem(error.reason(), None, format!("monitor behind {socket}: {error}"));
                continue;
            }
        };
        let Some(status) = status else {
            c.problem(
                Reason::Unparsable,
                None,
                format!("monitor behind {socket}: its status is no JSON"),
            );
            continue;
        };
        let (Some(name), Some(state)) = (text(&status, "name"), text(&status, "state")) else {
            c.problem(
                Reason::Unparsable,
                None,
                format!("monitor behind {socket}: no name and state"),
            );
            continue;
        };
        found.push(Monitor { name: name.to_owned(), state: state.to_owned(), status });
    }
    found
}

/// Which disks the OSDs of this host stand on: by cluster, number of the OSD, disks.
pub(super) fn local_osds(c: &Collect<'_>) -> Vec<(String, i64, Vec<ComponentId>)> {
    let mut found = Vec::new();
    let word = |path: &str| devices::word(c.host, path).map(|it| it.to_lowercase());
    for name in c.host.list("var/lib/ceph/osd").unwrap_or_default().iter().take(OSDS_MAX) {
        let dir = format!("var/lib/ceph/osd/{name}");
        let number = name.rsplit('-').next().and_then(|it| it.parse().ok());
        if let (Some(number), Some(fsid)) = (number, word(&format!("{dir}/ceph_fsid"))) {
            found.push((fsid, number, disks(c, &dir)));
        }
    }
    for fsid in c
        .host
        .list("var/lib/ceph")
        .unwrap_or_default()
        .iter()
        .filter(|it| is_fsid(it))
        .take(FOLDERS_MAX)
    {
        for name in
            c.host.list(&format!("var/lib/ceph/{fsid}")).unwrap_or_default().iter().take(OSDS_MAX)
        {
            let Some(number) = name.strip_prefix("osd.").and_then(|it| it.parse().ok()) else {
                continue;
            };
            found.push((
                fsid.to_lowercase(),
                number,
                disks(c, &format!("var/lib/ceph/{fsid}/{name}")),
            ));
        }
    }
    found
}

/// `block` points to `/dev/ceph-VG/osd-block-UUID`, which points to `../dm-3`; old ones to a partition.
fn disks(c: &Collect<'_>, dir: &str) -> Vec<ComponentId> {
    let mut found = Vec::new();
    for part in ["block", "block.db", "block.wal"] {
        let Ok(target) = c.host.link(&format!("{dir}/{part}")) else { continue };
        let device = target.trim_start_matches('/').to_owned();
        let last = c.host.link(&device).unwrap_or(target);
        let name = last.rsplit('/').next().unwrap_or(&last);
        found.extend(devices::stands_on(c.host, name));
    }
    found.sort();
    found.dedup();
    found
}

fn is_fsid(name: &str) -> bool {
    name.len() == 36 && name.bytes().all(|it| it.is_ascii_hexdigit() || it == b'-')
}
