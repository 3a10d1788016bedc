//! Which disk a device of a pool is.
//!
//! Facts: udev's `60-persistent-storage.rules` for the names below `/dev/disk/by-id`. A disk that is gone has no entry in
//! sysfs, but its name there still bears its serial number, which is what an engineer looks for in the rack.

use xunjian_proto::ComponentId;

use super::pool::Vdev;
use crate::{devices, host::Host, volumes};

/// A device of a pool, told apart from all others.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    /// The device as the pool's.
    pub(super) id: ComponentId,
    /// Whether the id survives a reboot.
    pub(super) stable: bool,
    /// The disk, array or volume that it lies on.
    pub(super) under: Option<ComponentId>,
    /// Serial number, where the name or the disk tells it.
    pub(super) serial: Option<String>,
    /// What people call it.
    pub(super) name: String,
    /// Where it was looked for.
    pub(super) path: String,
}

impl Leaf {
    /// Who holds the place in the set: the disk itself, so that what other sources say of it counts.
    pub(super) fn member(&self) -> ComponentId {
        self.under.clone().unwrap_or_else(|| self.id.clone())
    }
}

/// Looks a device up.
pub(super) fn of(host: &dyn Host, pool: &str, vdev: &Vdev) -> Leaf {
    // A device that is gone is called by its number, and the note says what it was.
    let was = vdev.note.split_once("was ").and_then(|(_, it)| it.split_whitespace().next());
    let path =
        was.filter(|it| it.starts_with('/')).unwrap_or(&vdev.name).trim_end_matches(',').to_owned();
    let base = path.rsplit('/').next().unwrap_or(&path).to_owned();
    let by_id = format!("/dev/disk/by-id/{base}");
    let kernel = [path.as_str(), by_id.as_str()]
        .into_iter()
        .map(|it| volumes::kernel_name(host, it))
        .find(|it| !it.contains('/'))
        .unwrap_or_else(|| base.clone());
    let under = match &volumes::below(host, &kernel)[..] {
        [one] => Some(one.clone()),
        _ => None,
    };
    let named = serial_in(&base);
    let under = under
        .or_else(|| named.as_deref().map(|it| devices::disk_identity(Some(it), None, &base).id));
    let is_file = path.starts_with('/') && !path.starts_with("/dev/");
    let lasting =
        ["ata-", "nvme-", "scsi-", "usb-", "wwn-", "dm-uuid-", "md-uuid-", "virtio-", "mmc-"];
    let fixed = is_file
        || path.contains("/by-")
        || lasting.iter().any(|it| base.starts_with(it))
        || base.len() > 8 && base.bytes().all(|it| it.is_ascii_digit());
    let whole = devices::whole(host, &kernel);
    let part = kernel.strip_prefix(whole.as_str()).unwrap_or_default();
    let disk = under.as_ref().map(|it| it.key().to_owned()).filter(|it| *it != whole);
    let (key, stable) = match disk {
        _ if is_file => (path.clone(), true),
        _ if fixed => (base.clone(), true),
        Some(disk) => (format!("{disk}{}{part}", if part.is_empty() { "" } else { "-part" }), true),
        None => (base.clone(), false),
    };
    let serial = under
        .as_ref()
        .filter(|it| it.kind() == "disk" && it.key() != whole)
        .map(|it| it.key().to_owned());
    Leaf {
        id: ComponentId::new("vdev", &format!("{pool}/{key}")),
        stable,
        under,
        serial: serial.or(named),
        name: base,
        path,
    }
}

/// The serial number in `ata-MODEL_SERIAL-part1` or `nvme-MODEL_SERIAL_1`.
fn serial_in(name: &str) -> Option<String> {
    let whole = match name.rsplit_once("-part") {
        Some((head, digits)) if digits.bytes().all(|it| it.is_ascii_digit()) => head,
        _ => name,
    };
    let rest = match whole.strip_prefix("nvme-") {
        // Newer udev adds the number of the namespace.
        Some(rest) => match rest.rsplit_once('_') {
            Some((head, tail)) if tail.len() <= 2 && head.contains('_') => head,
            _ => rest,
        },
        None => whole.strip_prefix("ata-")?,
    };
    let (_, serial) = rest.rsplit_once('_')?;
    devices::plausible_key(serial).filter(|it| it.len() >= 5)
}

#[cfg(test)]
mod tests {
    use super::serial_in;

    #[test]
    fn names_by_id_bear_the_serial_number() {
        let some = |it: &str| Some(it.to_owned());
        assert_eq!(serial_in("ata-ST8000VN004-2M2101_WXY0ABCD-part1"), some("WXY0ABCD"));
        assert_eq!(serial_in("nvme-MODEL_X_960_S675NX0T1_1-part3"), some("S675NX0T1"));
        assert_eq!(serial_in("nvme-MODEL_960_S675NX0T1"), some("S675NX0T1"));
        assert_eq!(serial_in("nvme-eui.0025388b01"), None);
        assert_eq!(serial_in("wwn-0x5000c500a1b2c3d4-part1"), None);
        assert_eq!(serial_in("sda1"), None);
    }
}
