//! What is installed: packages that storage and clusters hang on, the kernel that runs against the newest installed one,
//! and the firmware of the machine.
//!
//! Facts: `deb-control(5)` and dpkg's status file, `rpm(8)`, kernel document `sysfs-firmware-dmi`, udev's
//! reboot-required file of Debian. The whole list of packages is kept as evidence when it changes; components are made
//! only of those that matter here.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Reason};

use crate::{
    devices::{plausible_key, word},
    host::Program,
    saved::Saved,
    source::{Collect, Metric, Need, Source, SourceError, Words, no_options},
};

mod packages;

mod version;

use packages::{Package, Packages};

const RPM: Program = Program { name: "rpm", places: &["/usr/bin/rpm", "/bin/rpm"], root: false };
const DPKG: Program = Program { name: "dpkg-query", places: &["/usr/bin/dpkg-query"], root: false };

/// See the module.
pub const SOURCE: Source = Source {
    name: "software",
    title: Words { zh: "软件与固件清单", en: "software and firmware" },
    about: Words {
        zh: "软件包与固件版本清单、内核是否需要重启生效",
        en: "packages, firmware versions, whether a newer kernel waits for a reboot",
    },
    needs: &[Need::Path("proc/sys/kernel/osrelease")],
    programs: &[RPM, DPKG],
    runs: &[packages::RPM_PATTERN, packages::DPKG_PATTERN],
    harmless: Words {
        zh: "每天一次读取软件包数据库与 DMI 固件信息，不访问软件仓库，不安装或更新任何内容。",
        en: "Reads the database of packages and the firmware's table (DMI) once a day. No repository is asked, nothing is \
             installed or updated.",
    },
    every: Duration::from_secs(24 * 3600),
    deadline: Duration::from_secs(120),
    metrics: &[COUNT],
    states: &[PENDING, NEWEST, RUNNING],
    events: &[],
    saved: Saved::Nothing,
    check: no_options,
    collect,
};

const COUNT: Metric =
    Metric::gauge("system.package.count", "{package}", "软件包数", "Packages that are installed.");
const PENDING: Metric = Metric::word(
    "system.reboot.pending",
    "是否待重启",
    "Whether something that is installed needs a reboot: no, kernel (a newer one is installed), required (the system says \
     so).",
);
const NEWEST: Metric = Metric::word(
    "system.linux.kernel.newest",
    "已安装的最新内核",
    "Newest kernel that is installed, of the running one's flavour.",
);
const RUNNING: Metric =
    Metric::word("system.linux.kernel.running", "运行中的内核", "Kernel that runs.");

/// Files of `/sys/class/dmi/id` and our names. What anybody may read; serial numbers need root.
const FIRMWARE: &[(&str, &str)] = &[
    ("bios_date", "hw.bios.date"),
    ("bios_release", "hw.bios.release"),
    ("bios_vendor", "hw.bios.vendor"),
    ("bios_version", "hw.bios.version"),
    ("board_name", "hw.board.model"),
    ("board_serial", "hw.board.serial_number"),
    ("board_vendor", "hw.board.vendor"),
    ("board_version", "hw.board.version"),
    ("chassis_serial", "hw.chassis.serial_number"),
    ("ec_firmware_release", "hw.bmc.firmware_version"),
    ("product_sku", "hw.sku"),
];

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let host = ComponentId::host();
    let dmi = |(file, name): &(&str, &str)| {
        let value = word(c.host, &format!("sys/class/dmi/id/{file}"))?;
        Some(((*name).to_owned(), plausible_key(&value)?))
    };
    let attrs: BTreeMap<String, String> = FIRMWARE.iter().filter_map(dmi).collect();
    let name = word(c.host, "proc/sys/kernel/hostname").unwrap_or_else(|| "host".to_owned());
    c.component(Component { id: host.clone(), name, attrs, links: Vec::new(), set: None });
    kernel(c, &host);
    match packages::read(c)? {
        Some(all) => list(c, &host, &all),
        None => {
            let text = "neither rpm nor dpkg-query is installed: packages are not listed";
            c.problem(Reason::Unsupported, Some(&host), text);
        }
    }
    Ok(())
}

/// Kernels leave `vmlinuz-VERSION` in `/boot` and a folder of modules; those of both count.
fn kernel(c: &mut Collect<'_>, host: &ComponentId) {
    let Some(running) = word(c.host, "proc/sys/kernel/osrelease") else { return };
    let modules = c.host.list("lib/modules").or_else(|_| c.host.list("usr/lib/modules"));
    let boot = c.host.list("boot").unwrap_or_default();
    let images: Vec<&str> = boot.iter().filter_map(|it| it.strip_prefix("vmlinuz-")).collect();
    let installed: Vec<String> = modules
        .unwrap_or_default()
        .into_iter()
        .filter(|it| images.is_empty() || images.contains(&it.as_str()))
        .filter(|it| version::flavour(it) == version::flavour(&running))
        .collect();
    c.state(&RUNNING, host, &running);
    let newest = installed.iter().max_by(|a, b| version::compare(a, b));
    if let Some(newest) = newest {
        c.state(&NEWEST, host, newest);
    }
    let newer = newest.is_some_and(|it| version::compare(it, &running).is_gt());
    let asked = c.host.read("run/reboot-required").is_ok()
        || c.host.read("var/run/reboot-required").is_ok();
    let word = match (newer, asked) {
        (true, _) => "kernel",
        (false, true) => "required",
        (false, false) => "no",
    };
    c.state(&PENDING, host, word);
}

fn list(c: &mut Collect<'_>, host: &ComponentId, Packages { all, whole }: &Packages) {
    if *whole {
        c.sample(&COUNT, host, u32::try_from(all.len()).map_or(f64::MAX, f64::from));
    }
    let mut lines: Vec<String> =
        all.iter().map(|it| format!("{} {} {}", it.name, it.version, it.architecture)).collect();
    lines.sort();
    let text = lines.join("\n");
    if c.changed(&text) {
        c.evidence("packages", &text);
    }
    let mut matter: BTreeMap<&str, Vec<&Package>> = BTreeMap::new();
    for package in all.iter().filter(|it| packages::matters(&it.name)) {
        matter.entry(&package.name).or_default().push(package);
    }
    for (name, mut versions) in matter {
        // Several kernels, or one package for two architectures.
        versions.sort_by(|a, b| version::compare(&a.version, &b.version));
        let mut texts: Vec<&str> = versions.iter().map(|it| it.version.as_str()).collect();
        texts.dedup();
        let attrs = [("package.version".to_owned(), texts.join(", "))];
        c.component(Component {
            id: ComponentId::new("package", name),
            name: name.to_owned(),
            attrs: attrs.into(),
            links: Vec::new(),
            set: None,
        });
    }
}
