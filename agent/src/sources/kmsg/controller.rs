//! Which controller, adapter or port of an adapter a line of the kernel's log is about.
//!
//! Facts: kernel document `scsi_host` in sysfs (`proc_name`, `unique_id`: the number in `mpt3sas_cm0`), class fc_host.

use std::collections::BTreeMap;

use xunjian_proto::ComponentId;

use crate::{devices::word, host::Host};

/// A RAID controller or HBA, by its place on PCI where line or sysfs tell that, otherwise by the driver's name for it.
pub(super) fn controller(
    host: &dyn Host,
    text: &str,
    attrs: &mut BTreeMap<String, String>,
) -> ComponentId {
    let driver = text.split([' ', ':']).find(|it| !it.is_empty()).unwrap_or("controller");
    let place = pci(text).map(str::to_owned).or_else(|| {
        let number = scsi_host(text).map(str::to_owned).or_else(|| numbered(host, driver))?;
        let link = host.link(&format!("sys/class/scsi_host/host{number}")).ok()?;
        link.rsplit('/').find(|it| is_pci(it)).map(str::to_owned)
    });
    attrs.insert("hw.driver".to_owned(), driver.to_owned());
    match place {
        Some(place) => {
            attrs.insert("hw.pci.address".to_owned(), place.clone());
            ComponentId::new("controller", &format!("pci {place}"))
        }
        None => {
            let name = scsi_host(text).map(|it| format!("scsi{it}"));
            ComponentId::new("controller", name.as_deref().unwrap_or(driver))
        }
    }
}

/// Another adapter, as the source of PCI Express links names it.
pub(super) fn device(text: &str) -> ComponentId {
    pci(text).map_or_else(ComponentId::host, |it| ComponentId::new("pci", it))
}

/// `rport-3:0-2: ...` is behind `host3`, whose WWPN is the port's identity.
pub(super) fn fc_port(host: &dyn Host, text: &str) -> ComponentId {
    let number = text.split("rport-").nth(1).and_then(|it| it.split(':').next());
    let name = number.and_then(|it| word(host, &format!("sys/class/fc_host/host{it}/port_name")));
    let wwpn = name.as_deref().and_then(|it| it.strip_prefix("0x")).filter(|it| it.len() == 16);
    wwpn.map_or_else(ComponentId::host, |it| ComponentId::new("fcport", it))
}

/// The first address of PCI in a line: `0000:03:00.0`, `[0000:05:00.0]-5003:1:`.
fn pci(text: &str) -> Option<&str> {
    let words = text.split([' ', '[', ']', '(', ')']).map(|it| it.trim_end_matches([':', ',']));
    words.into_iter().find(|it| is_pci(it))
}

fn is_pci(word: &str) -> bool {
    let hex = |it: Option<&str>, length: usize| {
        it.is_some_and(|it| it.len() == length && it.bytes().all(|it| it.is_ascii_hexdigit()))
    };
    let Some((front, function)) = word.rsplit_once('.') else { return false };
    let mut parts = front.split(':');
    hex(parts.next(), 4)
        && hex(parts.next(), 2)
        && hex(parts.next(), 2)
        && parts.next().is_none()
        && hex(Some(function), 1)
}

/// The number in `... adapter scsi0.`, `3w-9xxx: scsi6: ...`, `... for SCSI host 0`.
fn scsi_host(text: &str) -> Option<&str> {
    let after = text.split("scsi").skip(1).chain(text.split("SCSI host ").skip(1));
    let digits = |it: &'_ str| it.bytes().take_while(u8::is_ascii_digit).count();
    after.map(|it| &it[..digits(it)]).find(|it| !it.is_empty())
}

/// The number of the host that a driver calls `mpt3sas_cm0`, `mpt2sas1`.
fn numbered(host: &dyn Host, name: &str) -> Option<String> {
    let number = name.trim_start_matches(|it: char| !it.is_ascii_digit());
    let own = name.split("_cm").next()?.trim_end_matches(|it: char| it.is_ascii_digit());
    let number = if name.contains("_cm") { name.split("_cm").nth(1)? } else { last(number)? };
    let names = host.list("sys/class/scsi_host").ok()?;
    names.iter().filter_map(|it| it.strip_prefix("host")).find_map(|it| {
        let file = |file: &str| word(host, &format!("sys/class/scsi_host/host{it}/{file}"));
        let same = file("proc_name")? == own && file("unique_id")? == number;
        same.then(|| it.to_owned())
    })
}

/// The digits that a name ends with: `1` of `2sas1`.
fn last(text: &str) -> Option<&str> {
    let at = text.rfind(|it: char| !it.is_ascii_digit()).map_or(0, |it| it + 1);
    text.get(at..).filter(|it| !it.is_empty())
}
