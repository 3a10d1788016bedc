//! The packages of rpm and dpkg.

use xunjian_proto::Reason;

use super::{DPKG, RPM};
use crate::source::{Collect, Need, SourceError};

/// Columns by tabulators; epochs are left out, because people do not say them.
const FORM_RPM: &str = "%{NAME}\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\n";
const FORM_DPKG: &str = "${Package}\\t${Version}\\t${Architecture}\\t${db:Status-Abbrev}\\n";

/// What is run, for the source's table.
pub(super) const RPM_PATTERN: &str = "rpm -qa --qf {name}";
pub(super) const DPKG_PATTERN: &str = "dpkg-query -W -f {name}";

/// Packages of one host; a full desktop has 5,000.
const PACKAGES_MAX: usize = 20_000;

/// Beginnings of names of packages that storage, clusters and this inspection hang on.
const MATTER: &[&str] = &[
    "beegfs",
    "ceph",
    "chrony",
    "corosync",
    "device-mapper-multipath",
    "doca-",
    "drbd",
    "glibc",
    "glusterfs",
    "gpfs.",
    "ipmitool",
    "iscsi-initiator-utils",
    "kernel",
    "kmod-lustre",
    "libc6",
    "linux-image-",
    "lldpd",
    "lustre",
    "lvm2",
    "mdadm",
    "microcode_ctl",
    "mlnx-",
    "multipath-tools",
    "nvme-cli",
    "open-iscsi",
    "openssl",
    "openzfs",
    "pacemaker",
    "pcs",
    "perccli",
    "rdma-core",
    "smartmontools",
    "ssacli",
    "storcli",
    "systemd",
    "xfsprogs",
    "xunjian",
    "zfs",
];

/// An installed package.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) architecture: String,
}

/// What a tool lists.
#[derive(Debug)]
pub(super) struct Packages {
    pub(super) all: Vec<Package>,
    /// Every line was understood, so that they can be counted.
    pub(super) whole: bool,
}

/// Whether a package is worth a component of its own.
pub(super) fn matters(name: &str) -> bool {
    let parts =
        ["-doc", "-debuginfo", "-headers", "-devel", "-dev", "-common", "-langpack", "-filesystem"];
    MATTER.iter().any(|it| name.starts_with(it)) && !parts.iter().any(|it| name.contains(it))
}

/// All packages; none if the host has neither tool.
pub(super) fn read(c: &mut Collect<'_>) -> Result<Option<Packages>, SourceError> {
    // A Debian host may have rpm too, with nothing in it.
    let argv = if c.host.has(Need::Program(DPKG.name)) {
        [DPKG.name, "-W", "-f", FORM_DPKG].to_vec()
    } else if c.host.has(Need::Program(RPM.name)) {
        [RPM.name, "-qa", "--qf", FORM_RPM].to_vec()
    } else {
        return Ok(None);
    };
    let output = c.host.run(&argv)?;
    let truncated = output.truncated;
    let text = if truncated { output.stdout } else { output.ok(&argv[..2])? };
    let mut all = Vec::new();
    let (mut strange, mut first) = (0_u32, "");
    for line in text.lines().filter(|it| !it.trim().is_empty()) {
        let columns: Vec<&str> = line.split('\t').map(str::trim).collect();
        let [name, version, architecture, rest @ ..] = &columns[..] else {
            strange += 1;
            first = if strange == 1 { line } else { first };
            continue;
        };
        // `ii`: wanted and installed; `rc` left only its configuration behind.
        let installed = rest.first().is_none_or(|it| it.get(1..2) == Some("i"));
        if installed && all.len() < PACKAGES_MAX {
            all.push(Package {
                name: (*name).to_owned(),
                version: (*version).to_owned(),
                architecture: (*architecture).to_owned(),
            });
        }
    }
    if strange > 0 {
        let first: String = first.chars().take(80).collect();
        c.problem(
            Reason::Unparsable,
            None,
            format!("{strange} lines of `{}` not understood: {first:?}", argv[0]),
        );
    }
    if all.is_empty() && strange == 0 {
        c.problem(Reason::Unparsable, None, format!("`{}` names no package", argv[0]));
    }
    if truncated || all.len() == PACKAGES_MAX {
        c.problem(Reason::Truncated, None, "more packages than are listed".to_owned());
    }
    Ok(Some(Packages { whole: strange == 0 && !all.is_empty(), all }))
}
