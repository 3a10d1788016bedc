//! Drives that bear one serial number and are not one drive.

use xunjian_proto::Reason;

use super::drive::Drive;
use crate::{devices, drives};

impl Drive {
    /// Whether this is another drive that bears the same serial number, as cheap bridges and rewritten drives do. Of an ATA
    /// drive the WWN says so; the two halves of a SAS drive with two actuators have one each.
    pub(super) fn is_another(&self, other: &Drive) -> bool {
        let differ = |name: &str| match (self.attrs.get(name), other.attrs.get(name)) {
            (Some(own), Some(others)) => own != others,
            _ => false,
        };
        let ata = [self, other].iter().all(|it| it.attrs.contains_key(drives::FAMILY_ATTR));
        differ("hw.model") || (ata && differ("hw.wwn"))
    }

    /// Sets this drive apart from the one that has its serial number, and tells it of both: readings that name a drive by
    /// its number only may mean either.
    pub(super) fn set_apart(&mut self, first: &mut Drive) {
        let serial = self.attrs.get("hw.serial_number").cloned().unwrap_or_default();
        let text = format!(
            "{} and {} are two drives with one serial number, {serial}",
            first.name, self.name
        );
        for drive in [first, &mut *self] {
            drive.reading.problem(Reason::Implausible, text.clone());
        }
        let wwn = self.attrs.get("hw.wwn").map(String::as_str);
        let identity = devices::disk_identity(None, wwn, &self.name);
        if !identity.stable {
            self.attrs.insert("identity".to_owned(), "unstable".to_owned());
        }
        self.id = identity.id;
    }
}
