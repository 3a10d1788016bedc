//! RAID controllers that the kernel sees and no tool speaks for: a gap that is told, with the tool that would close it.
//!
//! Facts: PCI code and ID assignment specification (class 0104: RAID), `sysfs-bus-pci`, the kernel's drivers. Class and
//! driver alone do not tell RAID from a plain adapter: firmware RAID of chipsets (ahci) and VMD bear the class and are no
//! controllers; adapters under mpt3sas and smartpqi do RAID or not, as their firmware and configuration want, with one
//! class. There a volume shows itself by the disk that the system sees. An adapter that hands its drives on is no gap.

use std::collections::BTreeMap;

use xunjian_proto::{Component, ComponentId, Link, Reason, Relation};

use super::{ask, model::Card};
use crate::{
    devices::{known, word},
    host::{Host, HostError},
    source::{Collect, Need},
};

/// More than any host has slots for.
const CARDS_MAX: usize = 32;

/// PCI devices that are looked at: large hosts have some hundred.
const DEVICES_MAX: usize = 4096;

/// Drivers under which what bears the class of RAID is firmware of the chipset, or is a virtual machine's.
const NO_CARDS: [&str; 5] = ["ahci", "ata_piix", "nvme", "vfio-pci", "vmd"];

/// Drivers of adapters that do RAID only where a volume was made.
const EITHER: [&str; 5] = ["mpt2sas", "mpt3sas", "smartpqi", "mptsas", "mptspi"];

/// Vendors of PCI (sub)systems whose cards have a tool of their own.
const DELL: &str = "0x1028";
const HP: [&str; 2] = ["0x103c", "0x1590"];
const INTEL: &str = "0x8086";
const MARVELL: &str = "0x1b4b";

/// A controller on the bus.
struct Bare {
    /// `0000:3b:00.0`.
    address: String,
    /// `megaraid_sas`; none: nothing drives it.
    driver: Option<String>,
    /// Tools that would speak for it, the best first; none that is known.
    tools: &'static [&'static str],
}

/// Tells of the controllers that no tool told of.
pub(super) fn tell(c: &mut Collect<'_>, cards: &[(&'static str, Card)]) {
    let found = match find(c.host) {
        Ok(found) => found,
        // A host without PCI has none.
        Err(error) if error.reason() == Reason::Missing => return,
        Err(error) => {
            return c.problem(
                error.reason(),
                None,
                format!("RAID controllers on the bus: {error}"),
            );
        }
    };
    // Most tools say where on the bus their cards are.
    let at = |it: &Card| it.attrs.get("hw.pci.address").and_then(|it| place(it));
    let told: Vec<Vec<u32>> = cards.iter().filter_map(|it| at(&it.1)).collect();
    let all: Vec<Vec<u32>> = found.iter().filter_map(|it| place(&it.address)).collect();
    let placed = |it: &Card| at(it).is_some_and(|it| all.contains(&it));
    let mut kinds: BTreeMap<&'static [&'static str], Vec<&Bare>> = BTreeMap::new();
    for bare in &found {
        if place(&bare.address).is_none_or(|it| !told.contains(&it)) {
            kinds.entry(bare.tools).or_default().push(bare);
        }
    }
    let mut unread = false;
    for (tools, all) in kinds {
        let told = cards.iter().filter(|it| speaks_for(it.0, tools) && !placed(&it.1)).count();
        unread |= told < all.len();
        if told == 0 {
            all.into_iter().for_each(|it| one(c, it));
        } else if told < all.len() {
            let text = format!("{} controllers of a kind are on the bus, {told} answer", all.len());
            c.problem(Reason::Unsupported, None, text);
        }
    }
    if unread {
        // A tool that was taken away takes no drive with it: nothing may count as gone.
        let text = "what is behind RAID controllers that no tool tells of is not read";
        c.problem(Reason::ToolFailed, None, text);
    }
}

/// Domain, bus, device and function: of the kernel's `0000:3b:00.0` and the tools' `00:3b:00:00`.
fn place(address: &str) -> Option<Vec<u32>> {
    let parts = address.trim().split([':', '.']).map(|it| u32::from_str_radix(it, 16).ok());
    parts.collect::<Option<Vec<u32>>>().filter(|it| it.len() == 4)
}

/// Any tool of the same hardware will do: perccli knows the cards of storcli.
fn speaks_for(tool: &str, wanted: &[&str]) -> bool {
    wanted.contains(&tool) || wanted.iter().any(|it| ask::same_hardware(tool, it))
}

fn one(c: &mut Collect<'_>, bare: &Bare) {
    let Bare { address, driver, tools } = bare;
    let id = ComponentId::new("controller", &format!("pci {address}"));
    let name = match driver {
        Some(driver) => format!("{address} ({driver})"),
        None => address.clone(),
    };
    let wanted = tools.join(" / ");
    let installed = tools.iter().any(|it| c.host.has(Need::Program(it)));
    let text = match (driver, installed) {
        (None, _) => format!("RAID controller {name} found, and nothing drives it"),
        _ if tools.is_empty() => {
            format!("RAID controller {name} found; no tool that the agent knows reads its state")
        }
        (_, true) => format!("RAID controller {name} found, and {wanted} does not tell of it"),
        (_, false) => {
            format!(
                "RAID controller {name} found; its state needs {wanted}, which is not installed"
            )
        }
    };
    let wanted = if tools.is_empty() { "-".to_owned() } else { wanted };
    let mut attrs = BTreeMap::from([
        ("hw.pci.address".to_owned(), address.clone()),
        ("hw.raid.tool.wanted".to_owned(), wanted),
        ("identity".to_owned(), "unstable".to_owned()),
    ]);
    attrs.extend(driver.iter().map(|it| ("hw.driver".to_owned(), it.clone())));
    let links = vec![Link { relation: Relation::On, to: ComponentId::new("pci", address) }];
    c.component(Component { id: id.clone(), name, attrs, links, set: None });
    c.problem(Reason::Unsupported, Some(&id), text);
}

fn find(host: &dyn Host) -> Result<Vec<Bare>, HostError> {
    let disks = disks(host);
    let mut found = Vec::new();
    for address in host.list("sys/bus/pci/devices")?.into_iter().take(DEVICES_MAX) {
        if let Some(bare) = look(host, address, &disks) {
            found.push(bare);
        }
        if found.len() >= CARDS_MAX {
            break;
        }
    }
    Ok(found)
}

/// Kernel names of disks with the path of their device, which has the address of what they are behind.
fn disks(host: &dyn Host) -> Vec<(String, String)> {
    let all = host.list("sys/block").unwrap_or_default();
    let place = |name: String| host.link(&format!("sys/block/{name}")).ok().map(|it| (name, it));
    all.into_iter().filter_map(place).collect()
}

fn look(host: &dyn Host, address: String, disks: &[(String, String)]) -> Option<Bare> {
    let dir = format!("sys/bus/pci/devices/{address}");
    let hex = |it: &str| it.starts_with("0x").then(|| it.to_owned());
    let class = known(host, &format!("{dir}/class"), hex)?;
    // Mass storage: SCSI, IDE, RAID, SATA, SAS.
    if !["0x0100", "0x0101", "0x0104", "0x0106", "0x0107"].iter().any(|it| class.starts_with(it)) {
        return None;
    }
    let id = |name: &str| word(host, &format!("{dir}/{name}")).unwrap_or_default();
    let link = host.link(&format!("{dir}/driver")).ok();
    let driver = link.and_then(|it| it.rsplit('/').next().map(str::to_owned));
    let named = driver.as_deref().unwrap_or_default();
    let behind = || disks.iter().filter(|it| it.1.split('/').any(|part| part == address));
    let raid = class.starts_with("0x0104");
    let vendor = id("vendor");
    // Intel's own devices of this class are chipsets.
    let chipset = vendor == INTEL || NO_CARDS.contains(&named);
    let either = EITHER.contains(&named) || vendor == MARVELL && id("device").starts_with("0x92");
    let is_card = (raid && !chipset) || (either && behind().any(|it| is_volume(host, &it.0)));
    let tools = tools(named, &id("subsystem_vendor"), &vendor);
    is_card.then_some(Bare { address, driver, tools })
}

/// Whether a disk is what a controller makes of several. Drivers of Smart Array say so; the others give a model that no
/// drive has.
fn is_volume(host: &dyn Host, name: &str) -> bool {
    let device = format!("sys/block/{name}/device");
    let level = word(host, &format!("{device}/raid_level"));
    let model = word(host, &format!("{device}/model")).unwrap_or_default().to_uppercase();
    let named = ["LOGICAL VOLUME", "VIRTUAL DISK", "RAID VD", "BOSS VD", "M.2 VD"];
    level.is_some_and(|it| !it.eq_ignore_ascii_case("n/a") && !it.eq_ignore_ascii_case("none"))
        || named.iter().any(|it| model.contains(it))
}

/// Tools that speak for controllers of this driver, the best first.
fn tools(driver: &str, subsystem: &str, vendor: &str) -> &'static [&'static str] {
    let dell = subsystem == DELL;
    match driver {
        "megaraid_sas" | "megaraid_mbox" if dell => &["perccli64"],
        "megaraid_sas" | "megaraid_mbox" => &["storcli64"],
        "mpi3mr" if dell => &["perccli2"],
        "mpi3mr" => &["storcli2"],
        "mpt3sas" => &["storcli64", "sas3ircu"],
        "mpt2sas" => &["storcli64", "sas2ircu"],
        "mptsas" | "mptspi" => &["mpt-status"],
        "hpsa" | "cciss" => &["ssacli"],
        "smartpqi" if HP.contains(&subsystem) => &["ssacli"],
        "smartpqi" | "aacraid" | "ips" => &["arcconf"],
        "arcmsr" => &["cli64"],
        "3w-9xxx" | "3w-sas" | "3w-xxxx" => &["tw_cli"],
        _ if vendor == MARVELL => &["mvcli"],
        _ => &[],
    }
}
