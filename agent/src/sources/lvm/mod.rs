//! LVM: volume groups, logical volumes, RAID, thin pools and snapshots, from `lvs`, `pvs` and `vgs` in JSON; the frame of
//! volumes on disks from sysfs, where the tools cannot be asked.
//!
//! Facts: `lvs(8)`, `pvs(8)`, `vgs(8)`, `lvmreport(7)`, `lvmraid(7)`, `lvmthin(7)`. The tools read the metadata of every
//! disk, which wakes sleeping ones and waits for dead ones, so they are asked seldom.

use std::{collections::BTreeSet, time::Duration};

use xunjian_proto::Reason;

use crate::{
    devices,
    host::{HostError, MDADM, Program},
    saved::{Form, Saved, Serves},
    source::{Collect, Need, Source, SourceError, Words, no_options},
    typed, volumes,
};

mod emit;

mod metrics;

mod printed;

mod report;

mod volume;

use metrics::{
    ACTION, DATA, HEALTH, METADATA, MISMATCHES, MISSING, SIZE, SYNC, TOLERANCE, VG_FREE,
    VG_MISSING, VG_SIZE,
};
use report::Row;
use volume::Volumes;

const LVS: Program = Program { name: "lvs", places: &["/usr/sbin/lvs", "/sbin/lvs"], root: true };
const PVS: Program = Program { name: "pvs", places: &["/usr/sbin/pvs", "/sbin/pvs"], root: true };
const VGS: Program = Program { name: "vgs", places: &["/usr/sbin/vgs", "/sbin/vgs"], root: true };

/// See the module.
pub const SOURCE: Source = Source {
    name: "lvm",
    title: Words { zh: "LVM 逻辑卷", en: "LVM" },
    about: Words {
        zh: "卷组、逻辑卷、RAID 卷、精简池与快照的状态和使用率",
        en: "volume groups, logical volumes, RAID, thin pools and snapshots",
    },
    needs: &[Need::Any(&[Need::Program("lvs"), Need::Program("pvs"), Need::Program("vgs")])],
    programs: &[LVS, MDADM, PVS, VGS],
    runs: &[
        "lvs -a --reportformat json --units b --nosuffix -o {word}",
        "pvs --reportformat json --units b --nosuffix -o {word}",
        "vgs --reportformat json --units b --nosuffix -o {word}",
        devices::MDADM_EXPORT,
    ],
    harmless: Words {
        zh: "只读取卷组元数据和内核状态，不激活、不修改任何卷；每 5 分钟一次。",
        en: "Reads the metadata of the groups and the kernel's state, activates and changes nothing; every 5 minutes.",
    },
    every: Duration::from_secs(300),
    deadline: Duration::from_secs(60),
    metrics: &[
        SIZE, DATA, METADATA, MISSING, TOLERANCE, SYNC, MISMATCHES, VG_SIZE, VG_FREE, VG_MISSING,
    ],
    states: &[HEALTH, ACTION],
    events: &[],
    saved: Saved::Forms(&[
        Form {
            what: "`lvs -a --reportformat json -o +lv_uuid,segtype,devices`, or the same as a table with its heads",
            is: |text| {
                text.contains("\"report\"") && text.contains("\"lv\"") || printed::is(text, "lv")
            },
            serves: Serves::Command(&["lvs"]),
        },
        Form {
            what: "`vgs --reportformat json`, or the same as a table with its heads",
            is: |text| {
                text.contains("\"report\"") && text.contains("\"vg\"") || printed::is(text, "vg")
            },
            serves: Serves::Command(&["vgs"]),
        },
        Form {
            what: "`pvs --reportformat json`, or the same as a table with its heads",
            is: |text| {
                text.contains("\"report\"") && text.contains("\"pv\"") || printed::is(text, "pv")
            },
            serves: Serves::Command(&["pvs"]),
        },
    ]),
    check: no_options,
    collect,
};

const LV_FIELDS: &str = "vg_name,lv_name,lv_uuid,lv_path,lv_attr,lv_size,lv_health_status,segtype,pool_lv,origin,\
                         data_percent,metadata_percent,snap_percent,sync_percent,raid_sync_action,\
                         raid_mismatch_count,lv_when_full,devices";
const PV_FIELDS: &str = "pv_name,pv_uuid,vg_name,pv_attr,pv_size,pv_free,pv_missing";
const VG_FIELDS: &str =
    "vg_name,vg_uuid,vg_attr,vg_size,vg_free,pv_count,lv_count,vg_missing_pv_count";

/// Volumes of one host that are told of.
const VOLUMES_MAX: usize = 4096;

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let lvs = ask(c, "lvs", "lv", LV_FIELDS, &["-a"]);
    let mut seen = BTreeSet::new();
    let mut texts = String::new();
    let error = match lvs {
        Ok((rows, text)) => {
            texts.push_str(&text);
            let (mut volumes, nameless) = Volumes::of(rows);
            if nameless > 0 {
                let text = format!("{nameless} rows of lvs without a name");
                c.problem(Reason::Unparsable, None, text);
            }
            if volumes.len() > VOLUMES_MAX {
                let text = format!("{} volumes, {VOLUMES_MAX} read", volumes.len());
                c.problem(Reason::Truncated, None, text);
                volumes.truncate(VOLUMES_MAX);
            }
            emit::volumes(c, &volumes, &mut seen);
            None
        }
        Err(error) => Some(error),
    };
    let mut part = |c: &mut Collect<'_>, program: &str, kind: &str, fields: &str| match ask(
        c,
        program,
        kind,
        fields,
        &[],
    ) {
        Ok((rows, text)) => {
            texts.push_str(&text);
            rows
        }
        Err(SourceError::Host(error)) if error.reason() == Reason::Missing => Vec::new(),
        Err(error) => {
            problem(c, &error);
            Vec::new()
        }
    };
    let devices = part(c, "pvs", "pv", PV_FIELDS);
    let mut groups = part(c, "vgs", "vg", VG_FIELDS);
    if groups.is_empty()
        && matches!(&error, Some(SourceError::Host(it)) if it.reason() == Reason::Missing)
    {
        // The devices alone were saved: the groups that they name.
        groups = report::groups(&devices);
    }
    emit::groups(c, &groups, &devices);
    frame(c, &mut seen);
    if let Some(error) = error {
        if seen.is_empty() && groups.is_empty() {
            return Err(error);
        }
        problem(c, &error);
    }
    if !texts.is_empty() && c.changed(&lasting(&texts)) {
        c.evidence("lvs, pvs, vgs --reportformat json", &texts);
    }
    Ok(())
}

fn problem(c: &mut Collect<'_>, error: &SourceError) {
    let reason = match error {
        SourceError::Host(error) => error.reason(),
        SourceError::Parse { .. } => Reason::Unparsable,
    };
    let cause = std::error::Error::source(error).map(|it| format!(": {it}")).unwrap_or_default();
    c.problem(reason, None, format!("{error}{cause}"));
}

/// The rows of one report and its text. A program that found a missing disk ends with 0 and says so on standard error.
fn ask(
    c: &mut Collect<'_>,
    program: &str,
    kind: &str,
    fields: &str,
    options: &[&str],
) -> Result<(Vec<Row>, String), SourceError> {
    let mut argv = vec![program];
    argv.extend(options);
    argv.extend(["--reportformat", "json", "--units", "b", "--nosuffix", "-o", fields]);
    let output = c.host.run(&argv)?;
    if output.truncated {
        c.problem(Reason::Truncated, None, format!("the output of {program} was cut"));
    }
    // 5: a group could not be read in full; what it printed stands.
    if output.status != 0 && !output.stdout.trim_start().starts_with('{') {
        return Err(output.ok(&argv).err().map_or_else(
            || SourceError::Parse { what: program.to_owned(), why: "nothing printed".to_owned() },
            SourceError::from,
        ));
    }
    if output.status != 0 {
        let said: String =
            output.stderr.lines().next().unwrap_or_default().chars().take(200).collect();
        let error =
            HostError::Status { command: program.to_owned(), status: output.status, stderr: said };
        c.problem(error.reason(), None, error.to_string());
    }
    let what = format!("`{program}`");
    let rows = match printed::is(&output.stdout, kind) {
        true => report::printed_rows(&output.stdout, kind),
        false => typed::parse(c.host, &what, &output.stdout, report::NAMES)
            .map_err(|error| error.to_string())
            .and_then(|json| report::rows(&json, kind)),
    };
    let rows = rows.map_err(|why| SourceError::Parse { what: argv.join(" "), why })?;
    Ok((rows, output.stdout))
}

/// Active volumes that no report told of: with what they stand on, so that disks and filesystems hold together.
fn frame(c: &mut Collect<'_>, seen: &mut BTreeSet<xunjian_proto::ComponentId>) {
    let names = c.host.list("sys/block").unwrap_or_default();
    for name in names.iter().filter(|it| it.starts_with("dm-")) {
        for layer in volumes::layers(c.host, name) {
            if layer.id.kind() == "lv" && seen.insert(layer.id.clone()) {
                c.component(layer);
            }
        }
    }
}

/// The reports without what changes at every look.
fn lasting(text: &str) -> String {
    const MOVING: [&str; 4] =
        ["_percent\"", "\"vg_free\"", "\"pv_free\"", "\"raid_mismatch_count\""];
    text.split(',').filter(|it| !MOVING.iter().any(|moving| it.contains(moving))).collect()
}
