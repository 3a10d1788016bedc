//! The way through a target's tree: which links of which resource are followed, and who reads what is found there.
//!
//! Facts: DSP0268 (Redfish schemas), Swordfish schemas of SNIA, vendors' trees. Invariant: only what tells of health is
//! asked for; accounts, sessions, actions, BIOS settings and certificates are not.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;
use xunjian_proto::Reason;

use super::{
    client::{Client, targets_of},
    cooling, hpe,
    json::{self, Status, at, kind, list, path_of},
    logs,
    part::Part,
    power, storage, swordfish, system,
};
use crate::devices::plausible_key;

/// What a property leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A collection of resources.
    Many,
    /// One resource, or a list of links or whole resources.
    One,
}

use Shape::{Many, One};

/// Kind of resource, property, kind of what is found there (for services that do not say), shape. In the order in
/// which they are asked, so that a budget that ends early costs what matters least.
const FOLLOW: &[(&str, &str, &str, Shape)] = &[
    ("ServiceRoot", "Systems", "ComputerSystem", Many),
    ("ServiceRoot", "Chassis", "Chassis", Many),
    ("ServiceRoot", "Storage", "Storage", Many),
    ("ServiceRoot", "StorageSystems", "ComputerSystem", Many),
    ("ServiceRoot", "StorageServices", "StorageService", Many),
    ("ServiceRoot", "Managers", "Manager", Many),
    ("ComputerSystem", "Storage", "Storage", Many),
    ("ComputerSystem", "StorageServices", "StorageService", Many),
    ("ComputerSystem", "Processors", "Processor", Many),
    ("ComputerSystem", "Memory", "Memory", Many),
    ("ComputerSystem", "LogServices", "LogService", Many),
    ("Chassis", "NetworkAdapters", "NetworkAdapter", Many),
    ("Chassis", "Drives", "Drive", Many),
    ("Chassis", "LogServices", "LogService", Many),
    ("PowerSubsystem", "PowerSupplies", "PowerSupply", Many),
    ("PowerSubsystem", "Batteries", "Battery", Many),
    ("ThermalSubsystem", "Fans", "Fan", Many),
    ("ThermalSubsystem", "ThermalMetrics", "ThermalMetrics", One),
    ("Storage", "StorageControllers", "StorageController", One),
    ("Storage", "Controllers", "StorageController", Many),
    ("Storage", "Drives", "Drive", One),
    ("Storage", "Volumes", "Volume", Many),
    ("Storage", "StoragePools", "StoragePool", Many),
    ("Storage", "FileSystems", "FileSystem", Many),
    ("StorageService", "StorageSubsystems", "Storage", Many),
    ("StorageService", "Drives", "Drive", Many),
    ("StorageService", "Volumes", "Volume", Many),
    ("StorageService", "StoragePools", "StoragePool", Many),
    ("StorageService", "FileSystems", "FileSystem", Many),
    ("StorageService", "Endpoints", "Endpoint", Many),
    ("NetworkAdapter", "Ports", "Port", Many),
    ("NetworkAdapter", "NetworkPorts", "NetworkPort", Many),
    ("Manager", "LogServices", "LogService", Many),
];

/// Sensors of one chassis that are asked one by one, where the service cannot give them together.
const SENSORS_MAX: usize = 64;

/// Something to be read.
struct Todo {
    /// A link, or the whole resource.
    value: Value,
    /// Its kind, if it does not say.
    hint: &'static str,
    /// The resource that led there.
    from: String,
}

/// The walk through one target.
pub(super) struct Walk<'a> {
    pub(super) client: Client<'a>,
    queue: VecDeque<Todo>,
    /// What was found.
    pub(super) parts: Vec<Part>,
    /// Log services that were found.
    pub(super) logs: Vec<Value>,
    /// New entries of logs.
    pub(super) entries: Vec<logs::Entry>,
    /// Entries that were given by themselves.
    pub(super) entries_read: u32,
    /// What the service calls itself.
    pub(super) root_id: Option<String>,
    /// HPE's own tree of arrays, asked only where the standard one has no drives.
    pub(super) smart_storage: Vec<String>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(client: Client<'a>) -> Walk<'a> {
        Walk {
            client,
            queue: VecDeque::new(),
            parts: Vec::new(),
            logs: Vec::new(),
            entries: Vec::new(),
            entries_read: 0,
            root_id: None,
            smart_storage: Vec::new(),
        }
    }

    /// Who the target is: its serial number, and what is known of it. Of several servers in one service none speaks for
    /// the whole; then the chassis does, or the service's own id.
    pub(super) fn who(&self) -> (Option<String>, BTreeMap<String, String>) {
        let of = |kind: &'static str| self.parts.iter().filter(move |it| it.kind == kind);
        let (mut systems, mut all) = (of("system"), of("enclosure"));
        let chosen = match (systems.next(), systems.next()) {
            (Some(one), None) => Some(one),
            _ => all.find(|it| it.serial.is_some()),
        };
        let serial = chosen.and_then(|it| it.serial.as_deref()).and_then(plausible_key);
        let uuid = chosen.and_then(|it| it.attrs.get("host.id")).and_then(|it| plausible_key(it));
        // The service's own id only where nothing is missing that might have told a better one.
        let root = self.root_id.as_deref().filter(|_| self.client.is_complete());
        let serial = serial.or(uuid).or_else(|| root.and_then(plausible_key));
        (serial, chosen.map(|it| it.attrs.clone()).unwrap_or_default())
    }

    /// Reads a resource that is at hand, and all that it leads to.
    pub(super) fn through(&mut self, first: Value, hint: &'static str) {
        self.take(first, hint, "");
        self.finish();
    }

    /// Reads a resource that the administrator names, unless the walk came by already.
    pub(super) fn also(&mut self, path: &str) {
        let Some(resource) = self.client.fresh(path, false) else { return };
        let told =
            |it: &Walk<'_>| (it.parts.len() + it.logs.len(), it.client.gaps.len(), it.entries_read);
        let before = told(self);
        self.take(resource, "Resource", "");
        self.finish();
        if told(self) == before {
            let text = format!("{path}: nothing in it tells of health");
            self.client.gap(Reason::Unsupported, text);
        }
    }

    fn finish(&mut self) {
        self.drain();
        let drives = self.parts.iter().any(|it| it.kind == "disk");
        for path in std::mem::take(&mut self.smart_storage) {
            if !drives {
                self.later(serde_json::json!({ "@odata.id": path }), "SmartStorage", "");
            }
        }
        self.drain();
    }

    /// Notes something to be read later.
    pub(super) fn later(&mut self, value: Value, hint: &'static str, from: &str) {
        self.queue.push_back(Todo { value, hint, from: from.to_owned() });
    }

    /// Notes all members of a collection.
    pub(super) fn members(&mut self, path: &str, hint: &'static str, from: &str) {
        for member in self.client.members(path) {
            self.later(member, hint, from);
        }
    }

    fn drain(&mut self) {
        while let Some(todo) = self.queue.pop_front() {
            let with_parts = matches!(todo.hint, "Storage");
            if let Some(resource) = self.client.resolve(&todo.value, with_parts) {
                self.take(resource, todo.hint, &todo.from);
            }
        }
    }

    /// Reads one resource and notes where it leads.
    fn take(&mut self, resource: Value, hint: &'static str, from: &str) {
        let said = kind(&resource).unwrap_or(hint);
        let said = said.strip_prefix("Hpe").or_else(|| said.strip_prefix("Hp")).unwrap_or(said);
        let path = path_of(&resource).unwrap_or_default();
        if speaks_of_trouble(&resource) {
            self.client.keep(&path, &resource);
        }
        if let Some(stem) = said.strip_suffix("Collection") {
            return self.collection(&resource, stem, hint, from);
        }
        match said {
            "ServiceRoot" => {}
            "ComputerSystem" => system::computer(self, &resource),
            "Chassis" => self.chassis(&resource, &path),
            "Manager" => system::manager(self, &resource),
            "Processor" => system::processor(self, &resource),
            "Memory" => system::memory(self, &resource),
            "NetworkAdapter" => system::adapter(self, &resource),
            "Port" | "NetworkPort" | "EthernetInterface" => system::port(self, &resource, from),
            "Power" => power::power(self, &resource, &path),
            "PowerSubsystem" => power::subsystem(self, &resource, &path),
            "PowerSupply" => power::supply(self, &resource, &path, None),
            "PowerSupplyMetrics" => power::supply_metrics(self, &resource),
            "Battery" => power::battery(self, &resource),
            "Thermal" => cooling::thermal(self, &resource, &path),
            "ThermalSubsystem" => cooling::subsystem(self, &resource, &path),
            "Fan" => cooling::fan(self, &resource, &path, None),
            "ThermalMetrics" | "EnvironmentMetrics" => cooling::readings(self, &resource, &path),
            "Sensor" => cooling::sensor(self, &resource),
            "Storage" => storage::storage(self, &resource, &path),
            "SimpleStorage" => storage::simple(self, &resource, &path),
            "StorageController" => storage::controller(self, &resource, from),
            "Drive" => storage::drive(self, &resource, from),
            "Volume" => storage::volume(self, &resource, from),
            "StorageService" | "StoragePool" | "FileSystem" | "Endpoint" => {
                swordfish::read(self, &resource, said, from);
            }
            "LogService" => self.logs.push(resource.clone()),
            "LogEntry" => logs::alone(self, &resource),
            it if it.starts_with("SmartStorage") => hpe::read(self, &resource, it, from),
            other => system::other(self, &resource, other),
        }
        self.follow(&resource, said, &path);
    }

    fn follow(&mut self, resource: &Value, said: &str, path: &str) {
        for (_, property, hint, shape) in FOLLOW.iter().filter(|it| it.0 == said) {
            // The same controllers once more.
            if *property == "Controllers" && !list(resource, "StorageControllers").is_empty() {
                continue;
            }
            match shape {
                Many => {
                    for collection in targets_of(resource, property) {
                        self.inline_or_members(resource, property, &collection, hint, path);
                    }
                }
                One => self.one_or_list(resource, property, hint, path),
            }
        }
        let has = |property: &str| resource.get(property).is_some_and(|it| !it.is_null());
        if said == "ComputerSystem" && !has("Storage") && has("SimpleStorage") {
            for collection in targets_of(resource, "SimpleStorage") {
                self.members(&collection, "SimpleStorage", path);
            }
        }
    }

    /// A collection may have come along with the resource (`$expand`).
    fn inline_or_members(
        &mut self,
        resource: &Value,
        property: &str,
        collection: &str,
        hint: &'static str,
        from: &str,
    ) {
        let inline =
            resource.get(property).filter(|it| it.get("Members").is_some_and(Value::is_array));
        match inline {
            Some(inline) if inline.get("Members@odata.nextLink").is_none() => {
                for member in list(inline, "Members") {
                    self.later(member.clone(), hint, from);
                }
            }
            _ => self.members(collection, hint, from),
        }
    }

    fn one_or_list(&mut self, resource: &Value, property: &str, hint: &'static str, from: &str) {
        match resource.get(property) {
            Some(Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    let mut item = item.clone();
                    // Parts that are written into their parent have no address in older services.
                    if path_of(&item).is_none()
                        && let Some(object) = item.as_object_mut()
                    {
                        let path = format!("{from}#/{property}/{index}");
                        object.insert("@odata.id".to_owned(), Value::String(path));
                    }
                    self.later(item, hint, from);
                }
            }
            Some(one @ Value::Object(_)) => self.later(one.clone(), hint, from),
            Some(Value::Null) | None => {}
            Some(other) => {
                let text = format!("{from}: {property} = {}", json::short(other));
                self.client.gap(Reason::Unparsable, text);
            }
        }
    }

    /// A collection that was given by itself.
    fn collection(&mut self, resource: &Value, stem: &str, hint: &'static str, from: &str) {
        let known = FOLLOW.iter().map(|it| it.2).find(|it| *it == stem).unwrap_or(hint);
        if resource.get("Members").is_none_or(|it| !it.is_array()) {
            let path = path_of(resource).unwrap_or_default();
            self.client.gap(Reason::Unparsable, format!("{path}: a collection without Members"));
        }
        for member in list(resource, "Members") {
            self.later(member.clone(), known, from);
        }
    }

    /// The old resources of power and cooling tell all in one answer; the new ones are asked where those say nothing.
    fn chassis(&mut self, resource: &Value, path: &str) {
        system::chassis(self, resource);
        let one = |key: &str| targets_of(resource, key).into_iter().next();
        let old = one("Power").and_then(|it| self.client.fresh(&it, false));
        // Its groups are asked for where the old one names supplies and no group.
        let told = old.as_ref().is_some_and(|it| {
            !list(it, "PowerSupplies").is_empty() && !list(it, "Redundancy").is_empty()
        });
        if let Some(old) = old {
            self.take(old, "Power", path);
        }
        if let Some(new) = one("PowerSubsystem").filter(|_| !told) {
            self.later(serde_json::json!({ "@odata.id": new }), "PowerSubsystem", path);
        }
        let old = one("Thermal").and_then(|it| self.client.fresh(&it, false));
        let has = |key: &str| old.as_ref().is_some_and(|it| !list(it, key).is_empty());
        let (fans, temperatures) = (has("Fans"), has("Temperatures"));
        if let Some(old) = old {
            self.take(old, "Thermal", path);
        }
        if let Some(new) = one("ThermalSubsystem").filter(|_| !fans) {
            self.later(serde_json::json!({ "@odata.id": new }), "ThermalSubsystem", path);
        }
        if let Some(sensors) = one("Sensors").filter(|_| !temperatures) {
            self.sensors(&sensors, path);
        }
    }

    fn sensors(&mut self, path: &str, from: &str) {
        let members = self.client.members(path);
        let links = members.iter().filter(|it| at(it, &["Reading"]).is_none()).count();
        if links > SENSORS_MAX {
            let text = format!(
                "{path}: {links} sensors that the service cannot give together; {SENSORS_MAX} are read"
            );
            self.client.gap(Reason::Truncated, text);
        }
        let mut left = SENSORS_MAX;
        for member in members {
            let whole = member.get("Reading").is_some();
            if whole || left > 0 {
                left -= usize::from(!whole);
                self.later(member, "Sensor", from);
            }
        }
    }
}

/// Whether anything in it is not well, so that it is worth keeping as proof.
fn speaks_of_trouble(resource: &Value) -> bool {
    let bad = |value: &Value| {
        let status = Status::of(value);
        Status::gravity(status.health) > 0 || Status::gravity(status.rollup) > 0
    };
    let inner = resource.as_object().into_iter().flat_map(|it| it.values());
    bad(resource) || inner.filter_map(Value::as_array).flatten().any(bad)
}
