//! Serial numbers that several disks bear. Several volumes of one array may all bear the array's serial number (SPC-5 leaves
//! to the maker what page 0x80 numbers), and cheap drives share made-up ones: what is provably another disk is known by its
//! WWN instead.

use std::collections::{BTreeMap, BTreeSet};

use super::{disk_identity, is_disk, of_namespace, plain_key, serial, word, wwn};
use crate::host::Host;

/// Whether several disks of this host would be known by this key, a serial number.
pub fn is_shared(host: &dyn Host, key: &str) -> bool {
    host.shared_serials(&mut || shared(host)).contains(key)
}

/// Serial numbers that disks of different WWNs bear, as the keys that they would be. Disks of one WWN are paths to one disk;
/// virtual disks have no WWN, and no paths either.
pub fn shared(host: &dyn Host) -> BTreeSet<String> {
    let before = host.kept_back();
    let mut bearers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for name in host.list("sys/block").unwrap_or_default().iter().filter(|it| is_disk(it)) {
        let identity = disk_identity(serial(host, name).as_deref(), None, name);
        if !identity.stable {
            continue;
        }
        let number =
            name.starts_with("nvme").then(|| word(host, &format!("sys/block/{name}/nsid")));
        let identity = of_namespace(identity, number.flatten().as_deref());
        let known = wwn(host, name).as_deref().and_then(plain_key);
        let own = known.or_else(|| is_virtual(name).then(|| name.clone()));
        bearers.entry(identity.id.key().to_owned()).or_default().extend(own);
    }
    // A disk that cannot be read is told of where it is read for its own sake.
    host.made_up_for(before);
    bearers.into_iter().filter(|(_, own)| own.len() > 1).map(|(serial, _)| serial).collect()
}

/// Whether a disk is one of a virtual machine's own kind, which has no second path.
fn is_virtual(name: &str) -> bool {
    ["vd", "xvd"].iter().any(|it| name.starts_with(it))
}
