//! Which filesystems are mounted, and which ones `/etc/fstab` wants.
//!
//! Facts: `proc(5)` on mountinfo, `fstab(5)`. A filesystem that is mounted in several places (bind mounts, containers)
//! counts once, under its first whole mount; what another mount hides is not there.

use std::collections::BTreeMap;

/// A mounted filesystem.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mount {
    /// `8:1`; a number of its own with major 0 for filesystems without a device.
    pub(crate) numbers: String,
    /// What of it is mounted: `/` is the whole.
    pub(crate) root: String,
    /// Mount point.
    pub(crate) point: String,
    /// `ext4`.
    pub(crate) kind: String,
    /// `/dev/sda1`, `server:/export`, `tank/data`.
    pub(crate) source: String,
    /// Options of the mount.
    pub(crate) options: String,
    /// Options of the filesystem.
    pub(crate) super_options: String,
}

/// A line of fstab that asks for a mount at boot.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    /// Mount point.
    pub(crate) point: String,
    /// As written: `UUID=...`, `server:/export`.
    pub(crate) source: String,
    /// `ext4`.
    pub(crate) kind: String,
    /// Asked for read-only.
    pub(crate) read_only: bool,
    /// The boot goes on without it.
    pub(crate) may_fail: bool,
    /// Options of the mount, as written.
    pub(crate) options: String,
}

/// Not on a disk or a server, or full and read-only by nature.
const PSEUDO: &[&str] = &[
    "autofs",
    "bdev",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "erofs",
    "fuse.gvfsd-fuse",
    "fuse.lxcfs",
    "fuse.portal",
    "fuse.snapfuse",
    "fusectl",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "nfsd",
    "none",
    "nsfs",
    "overlay",
    "proc",
    "pstore",
    "ramfs",
    "rootfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "squashfs",
    "swap",
    "sysfs",
    "tmpfs",
    "tracefs",
    "udf",
];

/// On a server, whose silence makes every question hang.
const REMOTE: &[&str] = &[
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "orangefs",
    "smb3",
    "smbfs",
    "virtiofs",
];

impl Mount {
    /// Whether its data lie on a server.
    pub(crate) fn is_remote(&self) -> bool {
        let kind = self.kind.strip_prefix("fuse.").unwrap_or(&self.kind);
        REMOTE.contains(&kind) || self.kind.starts_with("fuse.")
    }

    /// Whether it refuses writes. Since 6.14 the kernel also says so after an error.
    pub(crate) fn is_read_only(&self) -> bool {
        let has = |options: &str, word: &str| options.split(',').any(|it| it == word);
        let stopped = ["emergency_ro", "ro", "shutdown"];
        has(&self.options, "ro") || stopped.iter().any(|word| has(&self.super_options, word))
    }

    /// What the filesystem does at an error: `remount-ro`, `continue`, `panic`; none if the option is not shown.
    pub(crate) fn on_error(&self) -> Option<&str> {
        self.super_options.split(',').find_map(|it| it.strip_prefix("errors="))
    }
}

/// All mounts in the order of the file, and the lines that were not understood.
pub(crate) fn parse(text: &str) -> (Vec<Mount>, Vec<&str>) {
    let mut mounts = Vec::new();
    let mut strange = Vec::new();
    for line in text.lines().filter(|it| !it.trim().is_empty()) {
        match one(line) {
            Some(mount) => mounts.push(mount),
            None => strange.push(line),
        }
    }
    (mounts, strange)
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`.
fn one(line: &str) -> Option<Mount> {
    let (front, back) = line.split_once(" - ")?;
    let mut front = front.split(' ').skip(2);
    let (numbers, root, point, options) =
        (front.next()?, front.next()?, front.next()?, front.next()?);
    let mut back = back.split(' ');
    let (kind, source) = (back.next()?, back.next()?);
    let super_options = back.next().unwrap_or_default();
    let valid = numbers
        .split_once(':')
        .is_some_and(|(major, minor)| major.parse::<u32>().is_ok() && minor.parse::<u32>().is_ok());
    (valid && point.starts_with('/')).then(|| Mount {
        numbers: numbers.to_owned(),
        root: unescape(root),
        point: unescape(point),
        kind: kind.to_owned(),
        source: unescape(source),
        options: options.to_owned(),
        super_options: super_options.to_owned(),
    })
}

/// The real filesystems, each once, local ones first: a dead server must not keep them waiting.
pub(crate) fn real(mounts: &[Mount]) -> Vec<Mount> {
    // The last mount on a point hides the ones before it.
    let mut visible: BTreeMap<&str, &Mount> = BTreeMap::new();
    for mount in mounts {
        visible.insert(&mount.point, mount);
    }
    let mut chosen: BTreeMap<&str, &Mount> = BTreeMap::new();
    for mount in mounts.iter().filter(|it| visible.get(it.point.as_str()) == Some(it)) {
        if PSEUDO.contains(&mount.kind.as_str()) {
            continue;
        }
        let place = chosen.entry(&mount.numbers).or_insert(mount);
        if place.root != "/" && mount.root == "/" {
            *place = mount;
        }
    }
    let mut all: Vec<Mount> = chosen.into_values().cloned().collect();
    all.sort_by(|a, b| (a.is_remote(), &a.point).cmp(&(b.is_remote(), &b.point)));
    all
}

/// What fstab wants to be mounted at boot.
pub(crate) fn wanted(fstab: &str) -> Vec<Wanted> {
    let mut all = Vec::new();
    for line in fstab.lines().map(str::trim).filter(|it| !it.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [source, point, kind, rest @ ..] = &words[..] else { continue };
        let options: Vec<&str> = rest.first().unwrap_or(&"defaults").split(',').collect();
        let has = |word: &str| options.contains(&word);
        // An automount appears when somebody goes there.
        let later = has("noauto") || has("x-systemd.automount") || has("comment=systemd.automount");
        if later || PSEUDO.contains(kind) || !point.starts_with('/') {
            continue;
        }
        all.push(Wanted {
            point: tidy(&unescape(point)),
            source: unescape(source),
            kind: (*kind).to_owned(),
            read_only: has("ro"),
            may_fail: has("nofail"),
            options: options.join(","),
        });
    }
    all
}

/// A line of fstab(5) that is none: it has the device, the place and the type at least.
pub(crate) fn strange(fstab: &str) -> Option<&str> {
    let lines = fstab.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'));
    lines.into_iter().find(|it| it.split_whitespace().count() < 3)
}

/// `/data/` and `/data` are one place.
fn tidy(point: &str) -> String {
    match point.trim_end_matches('/') {
        "" => "/".to_owned(),
        rest => rest.to_owned(),
    }
}

/// `\040` is a space: both files write white space and backslashes in octal.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail.get(..3).and_then(|it| std::str::from_utf8(it).ok());
        match octal.and_then(|it| u8::from_str_radix(it, 8).ok()) {
            Some(byte) if first == b'\\' => {
                bytes.push(byte);
                rest = &tail[3..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_in_names_is_undone() {
        assert_eq!(unescape("/mnt/my\\040disk\\134x"), "/mnt/my disk\\x");
        assert_eq!(unescape("/mnt/\\9"), "/mnt/\\9");
    }

    #[test]
    fn automounts_and_swap_are_not_expected() {
        let text = "# c\nUUID=1 / ext4 errors=remount-ro 0 1\nUUID=2 none swap sw 0 0\n\
                    s:/e /e/ nfs ro,nofail 0 0\ns:/a /a nfs noauto 0 0\n";
        let points: Vec<_> =
            wanted(text).into_iter().map(|it| (it.point, it.read_only, it.may_fail)).collect();
        assert_eq!(points, [("/".to_owned(), false, false), ("/e".to_owned(), true, true)]);
    }
}
