//! From the folders of `/sys/class/nvme` and `/sys/class/nvme-subsystem` to subsystems with controllers and namespaces.
//!
//! Facts: with multipathing (kernel 4.15 on) a namespace is `nvme0n1` in the subsystem's folder, and each path to it is
//! `nvme0c2n1` (subsystem 0, controller 2, namespace 1) in the controller's; without, `nvme0n1` lies in the
//! controller's folder. `ng0n1` is the character device of the same namespace.

use std::collections::BTreeMap;

use super::STATES;
use crate::{
    devices::{self, known, word},
    host::Host,
};

/// A subsystem: what has one name (NQN) and one set of namespaces.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Subsystem {
    /// NVMe qualified name; kernels before 4.15 do not tell it, then the first controller's serial number or name.
    pub(super) nqn: String,
    /// Serial number, empty if there is none.
    pub(super) serial: String,
    /// Model, empty if there is none.
    pub(super) model: String,
    /// `numa`, `round-robin`, `queue-depth`.
    pub(super) io_policy: Option<String>,
    /// In the order of their names.
    pub(super) controllers: Vec<Controller>,
    /// In the order of their names.
    pub(super) namespaces: Vec<Namespace>,
}

/// A controller.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Controller {
    /// `nvme0`.
    pub(super) name: String,
    /// Its folder.
    pub(super) dir: String,
    /// As the kernel writes it.
    pub(super) state: Option<String>,
    /// `pcie`, `tcp`, `rdma`, `fc`, `loop`.
    pub(super) transport: Option<String>,
    /// `0000:01:00.0`, `traddr=10.0.0.1,trsvcid=4420,src_addr=10.0.0.9`.
    pub(super) address: Option<String>,
    /// Firmware revision.
    pub(super) firmware: Option<String>,
    /// ANA states by the name of the path's hidden device, or of the namespace without multipathing.
    pub(super) ana: BTreeMap<String, Option<String>>,
}

impl Controller {
    /// A device on this machine's PCI bus. Kernels without `transport` know no other.
    pub(super) fn is_local(&self) -> bool {
        matches!(self.transport.as_deref(), None | Some("pcie" | "apple-nvme"))
    }

    /// The state in one word; `unknown` where the kernel does not tell.
    pub(super) fn state(&self) -> &str {
        match self.state.as_deref() {
            Some("reconnecting") => "connecting",
            Some("deleting (no IO)") => "deleting",
            Some("only-admin live") => "admin_only",
            Some(other) => other,
            None => "unknown",
        }
    }

    /// Whether its paths can carry I/O; a kernel that does not tell is believed.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.state.as_deref(), Some("live") | None)
    }

    /// The part of the address that names the other end; a source port of our own changes with each connection.
    pub(super) fn short_address(&self) -> String {
        let address = self.address.as_deref().unwrap_or_default();
        let part = |key: &str| {
            address.split(',').find_map(|it| it.trim().strip_prefix(key)?.strip_prefix('='))
        };
        match (part("traddr"), part("trsvcid")) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            _ => address.to_owned(),
        }
    }

    /// Both ends of the path: two host ports to one target port are two ways.
    pub(super) fn both_ends(&self) -> String {
        let address = self.address.as_deref().unwrap_or_default();
        let from = address.split(',').find_map(|it| {
            let it = it.trim();
            it.strip_prefix("host_traddr=").or_else(|| it.strip_prefix("host_iface="))
        });
        match from {
            Some(from) => format!("{} from {from}", self.short_address()),
            None => self.short_address(),
        }
    }
}

/// A namespace: what is a disk.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Namespace {
    /// `nvme0n1`.
    pub(super) name: String,
    /// Its number in the subsystem.
    pub(super) nsid: Option<String>,
    /// World-wide name.
    pub(super) wwid: Option<String>,
}

impl Namespace {
    /// Controllers that lead to it, with the word for how.
    pub(super) fn paths<'a>(
        &self,
        subsystem: &'a Subsystem,
    ) -> Vec<(&'a Controller, &'static str)> {
        let mut found = Vec::new();
        for controller in &subsystem.controllers {
            let mut own = controller.ana.iter().filter(|(path, _)| head(path) == self.name);
            match own.next() {
                Some((_, ana)) => found.push((controller, ana_word(ana.as_deref()))),
                // One that is not live has lost its namespaces or hides them.
                None if !controller.is_live() => found.push((controller, "unknown")),
                None => {}
            }
        }
        // Not one path is shown (kernels hide them from some folders): each controller that lives counts as one.
        if found.iter().all(|(it, _)| !it.is_live()) {
            found = subsystem.controllers.iter().map(|it| (it, "optimized")).collect();
        }
        found
    }
}

/// `nvme_ana_state_names` of the kernel.
const ANA_STATES: [&str; 5] =
    ["change", "inaccessible", "non-optimized", "optimized", "persistent-loss"];

/// Without ANA (none), all paths are as good as each other.
fn ana_word(ana: Option<&str>) -> &'static str {
    match ana {
        None | Some("optimized") => "optimized",
        Some("non-optimized") => "non_optimized",
        Some("inaccessible") => "inaccessible",
        Some("persistent-loss") => "persistent_loss",
        Some("change") => "change",
        Some(_) => "unknown",
    }
}

/// Everything there is.
pub(super) fn read(host: &dyn Host) -> Vec<Subsystem> {
    let names = |dir: &str| host.list(dir).unwrap_or_default();
    let mut found: BTreeMap<String, Subsystem> = BTreeMap::new();
    let mut placed: Vec<String> = Vec::new();
    let flat = names("sys/class/nvme");
    for name in names("sys/class/nvme-subsystem") {
        let dir = format!("sys/class/nvme-subsystem/{name}");
        let inside = names(&dir);
        let own = |file: &str| word(host, &format!("{dir}/{file}"));
        let nqn = known(host, &format!("{dir}/subsysnqn"), devices::plain_key)
            .unwrap_or_else(|| name.clone());
        let place = found.entry(nqn.clone()).or_insert_with(|| Subsystem {
            nqn,
            serial: own("serial").unwrap_or_default(),
            model: own("model").unwrap_or_default(),
            io_policy: own("iopolicy"),
            ..Subsystem::default()
        });
        for controller in inside.iter().filter(|it| is_controller(it)) {
            // Both folders are the same one on a live host; a recording may hold only one of them.
            let inner = format!("{dir}/{controller}");
            let by_class =
                flat.contains(controller) && host.read(&format!("{inner}/state")).is_err();
            let dir = if by_class { format!("sys/class/nvme/{controller}") } else { inner };
            place.controllers.push(self::controller(host, controller, dir));
            placed.push(controller.clone());
        }
        let heads = inside.iter().filter(|it| is_namespace(it));
        place.namespaces.extend(heads.map(|it| namespace(host, &dir, it)));
    }
    for name in flat.iter().filter(|it| is_controller(it) && !placed.contains(it)) {
        let dir = format!("sys/class/nvme/{name}");
        let own = |file: &str| word(host, &format!("{dir}/{file}"));
        let serial = own("serial").unwrap_or_default();
        let nqn =
            known(host, &format!("{dir}/subsysnqn"), devices::plain_key).unwrap_or_else(|| {
                match serial.is_empty() {
                    true => name.clone(),
                    false => serial.clone(),
                }
            });
        let place = found.entry(nqn.clone()).or_insert_with(|| Subsystem {
            nqn,
            serial,
            model: own("model").unwrap_or_default(),
            ..Subsystem::default()
        });
        place.controllers.push(controller(host, name, dir));
    }
    let mut all: Vec<Subsystem> =
        found.into_values().filter(|it| !it.controllers.is_empty()).collect();
    all.iter_mut().for_each(|it| complete(host, it));
    all
}

/// Adds what only the controllers know: serial number, model, namespaces without multipathing.
fn complete(host: &dyn Host, subsystem: &mut Subsystem) {
    subsystem.controllers.sort_by_key(|it| number(&it.name));
    for controller in &subsystem.controllers {
        let own =
            |file: &str| word(host, &format!("{}/{file}", controller.dir)).unwrap_or_default();
        if subsystem.serial.is_empty() {
            subsystem.serial = own("serial");
        }
        if subsystem.model.is_empty() {
            subsystem.model = own("model");
        }
        for path in controller.ana.keys() {
            let name = head(path);
            if subsystem.namespaces.iter().all(|it| it.name != name) {
                let mut found = namespace(host, &controller.dir, path);
                found.name = name;
                subsystem.namespaces.push(found);
            }
        }
    }
    subsystem.namespaces.sort_by_key(|it| number(&it.name));
}

fn controller(host: &dyn Host, name: &str, dir: String) -> Controller {
    let own = |file: &str| word(host, &format!("{dir}/{file}"));
    let inside = host.list(&dir).unwrap_or_default();
    let ana = inside
        .into_iter()
        .filter(|it| is_namespace(&head(it)))
        .map(|it| {
            let of_path = |it: &str| ANA_STATES.contains(&it).then(|| it.to_owned());
            let path = format!("{dir}/{it}/ana_state");
            let state = known(host, &path, of_path).or_else(|| word(host, &path));
            (it, state)
        })
        .collect();
    Controller {
        name: name.to_owned(),
        state: known(host, &format!("{dir}/state"), |it| {
            STATES.contains(&it).then(|| it.to_owned())
        })
        .or_else(|| own("state")),
        transport: own("transport"),
        address: known(host, &format!("{dir}/address"), |it| {
            it.contains(['=', ':', '.']).then(|| devices::plain_key(it)).flatten()
        }),
        firmware: own("firmware_rev"),
        ana,
        dir,
    }
}

fn namespace(host: &dyn Host, dir: &str, name: &str) -> Namespace {
    let own = |file: &str| {
        word(host, &format!("{dir}/{name}/{file}"))
            .or_else(|| word(host, &format!("sys/block/{name}/{file}")))
    };
    let number = devices::nsid(host, &format!("{dir}/{name}/nsid"))
        .or_else(|| devices::nsid(host, &format!("sys/block/{name}/nsid")));
    // Kernels before 4.15 have no file: the name's number is the namespace's then.
    let nsid = number.or_else(|| name.rsplit_once('n').map(|(_, it)| it.to_owned()));
    Namespace { name: name.to_owned(), nsid, wwid: own("wwid") }
}

/// `nvme0c2n1` is a path to `nvme0n1`.
fn head(name: &str) -> String {
    match name.strip_prefix("nvme").and_then(|it| it.split_once('c')) {
        Some((subsystem, rest)) => match rest.split_once('n') {
            Some((_, namespace)) => format!("nvme{subsystem}n{namespace}"),
            None => name.to_owned(),
        },
        None => name.to_owned(),
    }
}

fn is_controller(name: &str) -> bool {
    name.strip_prefix("nvme").is_some_and(is_number)
}

fn is_namespace(name: &str) -> bool {
    let parts = name.strip_prefix("nvme").and_then(|it| it.split_once('n'));
    parts.is_some_and(|(left, right)| is_number(left) && is_number(right))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() < 10 && text.bytes().all(|it| it.is_ascii_digit())
}

/// For the order of names: `nvme2` before `nvme10`.
fn number(name: &str) -> Vec<u64> {
    name.split(|it: char| !it.is_ascii_digit()).filter_map(|it| it.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_kernel_are_told_apart() {
        assert!(is_controller("nvme12") && !is_controller("nvme12n1") && !is_controller("nvme"));
        assert!(is_namespace("nvme0n1") && !is_namespace("ng0n1") && !is_namespace("nvme0c1n1"));
        assert_eq!(head("nvme0c12n3"), "nvme0n3");
        assert_eq!(head("nvme0n3"), "nvme0n3");
    }

    #[test]
    fn an_address_is_named_by_its_ends() {
        let with = |address: &str| Controller {
            address: Some(address.to_owned()),
            ..Controller::default()
        };
        let tcp = with("traddr=192.0.2.1,trsvcid=4420,src_addr=192.0.2.9");
        assert_eq!(
            (tcp.short_address(), tcp.both_ends()),
            ("192.0.2.1:4420".into(), "192.0.2.1:4420".into())
        );
        let bound = with("traddr=192.0.2.1,trsvcid=4420,host_traddr=192.0.2.9");
        assert_eq!(bound.both_ends(), "192.0.2.1:4420 from 192.0.2.9");
        assert_eq!(with("0000:01:00.0").short_address(), "0000:01:00.0");
    }
}
