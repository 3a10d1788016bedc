//! Which disk of the operating system a volume is: `sda`.
//!
//! Facts: kernel documents sysfs-block and sysfs-bus-scsi. The name that the tool tells is taken if there is such a
//! disk; else the unique identifier, which is also the disk's WWN, and backwards (without its first byte) the serial
//! number of MegaRAID volumes; else the SCSI target, where one MegaRAID controller shows it.

use super::model::Volume;
use crate::{
    devices::{is_disk, word},
    host::Host,
};

/// What sysfs says of the disks, read once for all volumes.
#[derive(Debug, Default)]
pub(super) struct Disks {
    disks: Vec<Disk>,
    /// SCSI hosts of MegaRAID controllers.
    megaraid: Vec<String>,
}

#[derive(Debug)]
struct Disk {
    name: String,
    /// Letters and digits of the WWN and serial number, in small letters.
    wwid: String,
    serial: String,
    /// Host, channel, target, unit.
    address: Option<[String; 4]>,
}

impl Disks {
    /// Looks at the disks of a host.
    pub(super) fn of(host: &dyn Host) -> Disks {
        let names = host.list("sys/block").unwrap_or_default();
        let disks =
            names.into_iter().filter(|it| is_disk(it)).map(|name| disk(host, name)).collect();
        let hosts = host.list("sys/class/scsi_host").unwrap_or_default();
        let is_megaraid = |it: &String| {
            word(host, &format!("sys/class/scsi_host/{it}/proc_name"))
                .is_some_and(|it| it.starts_with("megaraid"))
        };
        let megaraid = hosts
            .into_iter()
            .filter(is_megaraid)
            .map(|it| it.trim_start_matches("host").to_owned())
            .collect();
        Disks { disks, megaraid }
    }

    /// The kernel's name of a volume's disk. `only` says that no other controller of the kind shows volumes.
    pub(super) fn find(&self, volume: &Volume, only: bool) -> Option<String> {
        if let Some(name) = volume.device.as_deref().and_then(|it| it.strip_prefix("/dev/")) {
            // Old names: `cciss/c0d0` is `cciss!c0d0` in sysfs.
            let name = name.replace('/', "!");
            // Without sysfs (a mailed output) the tool's word stands.
            if self.disks.is_empty() || self.disks.iter().any(|it| it.name == name) {
                return Some(name);
            }
        }
        let id = volume.unique_id.as_deref().map(plain).filter(|it| it.len() >= 16);
        if let Some(id) = id {
            let backwards = backwards(&id);
            let same = |it: &&Disk| {
                it.wwid.ends_with(&id) || (backwards.len() >= 30 && it.serial.ends_with(&backwards))
            };
            if let Some(found) = self.disks.iter().find(same) {
                return Some(found.name.clone());
            }
            if self.disks.iter().any(|it| !it.wwid.is_empty()) {
                return None; // the others are known by their identifiers, and this is none of them
            }
        }
        let ([host], true, Some(target)) = (self.megaraid.as_slice(), only, volume.target) else {
            return None;
        };
        let at = |it: &&Disk| {
            let Some([on, channel, number, _]) = &it.address else { return false };
            // Volumes stand on the channels from 2 on, 128 on each.
            let first =
                channel.parse::<u32>().ok().and_then(|it| it.checked_sub(2)?.checked_mul(128));
            let number = number.parse::<u32>().ok();
            let place = first.zip(number).and_then(|(first, number)| first.checked_add(number));
            on == host && place == Some(target)
        };
        self.disks.iter().find(at).map(|it| it.name.clone())
    }
}

fn disk(host: &dyn Host, name: String) -> Disk {
    let wwid =
        ["wwid", "device/wwid"].iter().find_map(|it| word(host, &format!("sys/block/{name}/{it}")));
    let serial = host.read(&format!("sys/block/{name}/device/vpd_pg80")).unwrap_or_default();
    let address = host.link(&format!("sys/block/{name}/device")).ok().and_then(|it| {
        let last = it.rsplit('/').next()?.to_owned();
        let parts: Vec<String> = last.split(':').map(str::to_owned).collect();
        parts.try_into().ok()
    });
    Disk { name, wwid: plain(&wwid.unwrap_or_default()), serial: plain(&serial), address }
}

/// Letters and digits only, small.
fn plain(text: &str) -> String {
    let text = text.trim();
    let text = text.strip_prefix("naa.").or_else(|| text.strip_prefix("0x")).unwrap_or(text);
    text.chars().filter(char::is_ascii_alphanumeric).map(|it| it.to_ascii_lowercase()).collect()
}

/// The bytes of a hexadecimal identifier in reverse order, without the last, as MegaRAID makes serial numbers of them.
fn backwards(id: &str) -> String {
    let bytes: Vec<&str> = (0..id.len() / 2).filter_map(|at| id.get(at * 2..at * 2 + 2)).collect();
    bytes.iter().skip(1).rev().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_the_identifier_backwards() {
        assert_eq!(backwards("600605b00a1b2c3d"), "3d2c1b0ab00506");
    }

    #[test]
    fn a_channel_with_too_many_digits_is_no_volume_s_place() {
        let at = |address: [&str; 4]| {
            let address = Some(address.map(str::to_owned));
            let disk = Disk {
                name: "sda".to_owned(),
                wwid: String::new(),
                serial: String::new(),
                address,
            };
            let disks = Disks { disks: vec![disk], megaraid: vec!["0".to_owned()] };
            disks.find(&Volume { target: Some(131), ..Volume::default() }, true)
        };
        assert_eq!(at(["0", "3", "3", "0"]), Some("sda".to_owned()));
        assert_eq!(at(["0", "4294967295", "3", "0"]), None);
        assert_eq!(at(["0", "3", "4294967295", "0"]), None);
        assert_eq!(at(["0", "0", "3", "0"]), None);
    }
}
