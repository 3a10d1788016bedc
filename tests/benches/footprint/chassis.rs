//! A recording of a storage server with sixty disks: what every other source reads comes from the fixtures, one laid over
//! the other; the disks, their SMART data, arrays and enclosure are made here. Synthetic: no such host was recorded.

use std::{fmt::Write as _, fs, path::Path};

use serde_json::{Value, json};

/// Disks, in five RAID 6 arrays of twelve, all in one enclosure.
pub(crate) const DISKS: usize = 60;

/// Disks of one array.
const MEMBERS: usize = 12;

/// What a large disk's `smartctl --xall` takes at least.
const SMART_BYTES: usize = 24 * 1024;

/// Fixtures of the sources that have nothing to do with these disks; later ones win.
const OTHERS: &[&str] = &[
    "boot/healthy",
    "btrfs/healthy",
    "edac/healthy",
    "fc/healthy",
    "fs/broken-many",
    "host/healthy-debian-12",
    "hwmon/healthy-server",
    "hwraid/healthy-storcli-raid1-raid6-spare",
    "infiniband/healthy",
    "ipmi/healthy-ipmitool-1.8.19",
    "kmsg/broken-disks",
    "lvm/healthy",
    "mce/healthy",
    "multipath/healthy",
    "net/healthy",
    "nvme/healthy",
    "pcie/healthy",
    "process/healthy",
    "software/healthy",
    "systemd/healthy",
    "time/healthy",
    "zfs/healthy",
];

/// Writes the recording.
pub(crate) fn write(dir: &Path) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for other in OTHERS {
        let (source, case) = other.split_once('/').unwrap();
        let mut cases: Vec<_> = fs::read_dir(fixtures.join(source))
            .unwrap()
            .map(|it| it.unwrap().file_name())
            .collect();
        cases.sort();
        let case = cases.iter().find(|it| it.to_string_lossy().starts_with(case));
        overlay(&fixtures.join(source).join(case.unwrap()), dir);
    }
    let root = |path: &str, text: &str| put(dir, &format!("root/{path}"), text);
    let names: Vec<String> = (0..DISKS).map(disk_name).collect();
    let mut stats = String::new();
    for (number, name) in names.iter().enumerate() {
        let block = format!("sys/block/{name}");
        root(&format!("{block}/dev"), &format!("65:{}\n", number * 16));
        root(&format!("{block}/size"), "23437770752\n");
        root(&format!("{block}/ro"), "0\n");
        root(&format!("{block}/queue/rotational"), "1\n");
        root(&format!("{block}/device/vendor"), "EXAMPLE\n");
        root(&format!("{block}/device/model"), "HD12000\n");
        root(&format!("{block}/device/state"), "running\n");
        root(&format!("{block}/device/wwid"), &format!("naa.5000c500a1b2{number:04x}\n"));
        root(&format!("{block}/device/vpd_pg80"), &format!("\0\u{80}\0\u{8}{}", serial(number)));
        let counts = "81520 12 6215480 91044 402115 91 30125480 512045 0 300210 603089 0 0 0 0 9 1";
        writeln!(stats, "  65 {} {name} {counts}", number * 16).unwrap();
    }
    root("proc/diskstats", &stats);
    arrays(dir, &names);
    smart(dir, &names);
    enclosure(dir, &names);
}

/// `sdc` and on: the fixture of the RAID controller has `sda` and `sdb`.
fn disk_name(number: usize) -> String {
    let letter = |it: usize| char::from(b'a' + u8::try_from(it).unwrap());
    match number + 2 {
        it @ ..26 => format!("sd{}", letter(it)),
        it => format!("sd{}{}", letter(it / 26 - 1), letter(it % 26)),
    }
}

fn serial(number: usize) -> String {
    format!("ZL2E{number:04}")
}

fn overlay(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            overlay(&entry.path(), &to);
        } else {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn put(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn arrays(dir: &Path, names: &[String]) {
    let mut mdstat = "Personalities : [raid6] [raid5] [raid4]\n".to_owned();
    for (number, members) in names.chunks(MEMBERS).enumerate() {
        let md = format!("root/sys/block/md{number}/md");
        write!(mdstat, "md{number} : active raid6").unwrap();
        for (slot, name) in members.iter().enumerate() {
            write!(mdstat, " {name}[{slot}]").unwrap();
            for (file, text) in
                [("errors", "0"), ("slot", &*slot.to_string()), ("state", "in_sync")]
            {
                put(dir, &format!("{md}/dev-{name}/{file}"), &format!("{text}\n"));
            }
        }
        let up = "U".repeat(MEMBERS);
        write!(
            mdstat,
            "\n      117187584000 blocks super 1.2 level 6, 512k chunk, algorithm 2 [12/12] [{up}]\n      bitmap: \
             0/88 pages [0KB], 65536KB chunk\n\n"
        )
        .unwrap();
        put(dir, &format!("root/sys/block/md{number}/dev"), &format!("9:{number}\n"));
        for (file, text) in [
            ("level", "raid6"),
            ("degraded", "0"),
            ("array_state", "clean"),
            ("mismatch_cnt", "0"),
            ("sync_action", "idle"),
            ("raid_disks", "12"),
            ("uuid", &*format!("3f0c5f1e-6a3e-4a56-9d5e-0000000000{number:02}")),
        ] {
            put(dir, &format!("{md}/{file}"), &format!("{text}\n"));
        }
    }
    put(dir, "root/proc/mdstat", &format!("{mdstat}unused devices: <none>\n"));
}

/// The disk of a fixture, with another serial number and the logs that large disks keep.
fn smart(dir: &Path, names: &[String]) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/smart/broken-sata-failing");
    let file = "cmd/smartctl+--json=c+--xall+-n+standby+-d+sat+@dev@sda.out";
    let disk = fs::read_to_string(fixtures.join(file)).unwrap();
    let disk: Value = serde_json::from_str(&disk).unwrap();
    let mut devices = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let mut disk = disk.clone();
        let device = format!("/dev/{name}");
        disk["device"]["name"] = json!(device);
        disk["device"]["info_name"] = json!(format!("{device} [SAT]"));
        disk["serial_number"] = json!(serial(number));
        disk["wwn"] = json!({ "naa": 5, "oui": 0x0c50, "id": 0x0a1b_2000 + number });
        let mut pages = Vec::new();
        while disk.to_string().len() < SMART_BYTES {
            let entry = |at: usize| {
                json!({ "offset": at * 8, "name": format!("Statistic {at} of the page"), "size": 4, "value":
                    1000 * at + number, "flags": { "value": 192, "string": "V---", "valid": true,
                    "normalized": false, "supports_dsn": false, "monitored_condition_met": false } })
            };
            let table: Vec<Value> = (1..16).map(entry).collect();
            let page = json!({ "number": pages.len() + 1, "name": "General Statistics", "revision": 1, "table": table });
            pages.push(page);
            disk["ata_device_statistics"] = json!({ "pages": pages });
        }
        put(dir, &file.replace("sda", name), &disk.to_string());
        devices
            .push(json!({ "name": device, "info_name": device, "type": "sat", "protocol": "ATA" }));
    }
    let scan = json!({ "json_format_version": [1, 0], "smartctl": { "version": [7, 3], "exit_status": 0 },
        "devices": devices });
    put(dir, "cmd/smartctl+--json=c+--scan-open.out", &scan.to_string());
}

fn enclosure(dir: &Path, names: &[String]) {
    let shelf = "root/sys/class/enclosure/5:0:0:0";
    put(dir, &format!("{shelf}/components"), &format!("{}\n", names.len()));
    put(dir, &format!("{shelf}/id"), "500a098000b1c2d0\n");
    put(dir, &format!("{shelf}/device/scsi_generic/sg70/dev"), "21:70\n");
    let mut join = "  Primary enclosure logical identifier (hex): 500a098000b1c2d0\n".to_owned();
    for (number, name) in names.iter().enumerate() {
        let slot = format!("Slot {number:02}");
        for (file, text) in [
            ("fault", "0"),
            ("active", "1"),
            ("locate", "0"),
            ("power_status", "on"),
            ("slot", &*number.to_string()),
            ("status", "OK"),
            ("type", "array device"),
            (&*format!("device/block/{name}/dev"), "65:0"),
        ] {
            put(dir, &format!("{shelf}/{slot}/{file}"), &format!("{text}\n"));
        }
        write!(
            join,
            "{slot} [0,{number}]  Element type: Array device slot\n  Enclosure Status:\n{SLOT}"
        )
        .unwrap();
        writeln!(join, "      SAS address: 0x5000c500a1b2{number:04x}\n      phy identifier: 0x0")
            .unwrap();
    }
    put(dir, "cmd/sg_ses+--readonly+--join+@dev@sg70.out", &join);
}

/// What `sg_ses --join` says of each slot.
const SLOT: &str = "    Predicted failure=0, Disabled=0, Swap=0, status: OK
    OK=0, Reserved device=0, Hot spare=0, Cons check=0
    In crit array=0, In failed array=0, Rebuild/remap=0, R/R abort=0
    App client bypass A=0, Do not remove=0, Enc bypass A=0, Enc bypass B=0
    Ready to insert=0, RMV=0, Ident=0, Report=0
    App client bypass B=0, Fault sensed=0, Fault reqstd=0, Device off=0
    Bypassed A=0, Bypassed B=0, Dev bypassed A=0, Dev bypassed B=0
  Additional Element Status:
    Transport protocol: SAS
    number of phys: 1, not all phys: 0, device slot number: 0
    phy index: 0
      SAS device type: end device
";
