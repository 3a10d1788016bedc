//! Machine checks and what rasdaemon has kept of hardware errors over all boots.
//!
//! Facts: `arch/x86/kernel/irq.c` (lines of `/proc/interrupts`), `ras-mc-ctl --summary` of rasdaemon 0.6 to 0.8, which
//! groups its database by text. A machine check that brought the host down is only here afterwards. Lines of the kernel
//! log belong to `kmsg`, the kernel's own counts of memory errors to `edac`.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Reason};

use crate::{
    devices::{number, plausible_key},
    host::Program,
    saved::{Form, Saved, Serves},
    source::{Collect, Metric, Need, Source, SourceError, Words, no_options},
};

/// See the module.
pub const SOURCE: Source = Source {
    name: "mce",
    title: Words { zh: "机器检查与 RAS 记录", en: "Machine checks and RAS records" },
    about: Words {
        zh: "处理器机器检查与过热降频计数，以及 rasdaemon 记录的内存、处理器、PCIe 错误",
        en: "machine checks and thermal throttling of processors, and memory, processor and PCIe errors that rasdaemon \
             recorded",
    },
    needs: &[Need::Path("proc/interrupts")],
    programs: &[RAS_MC_CTL],
    runs: &["ras-mc-ctl --summary"],
    harmless: Words {
        zh: "读取内核中断计数；安装了 rasdaemon 时，每五分钟查询一次其汇总。",
        en: "Reads the kernel's counts of interrupts, and asks rasdaemon's summary every five minutes where it is \
             installed.",
    },
    every: Duration::from_secs(300),
    deadline: Duration::from_secs(60),
    metrics: &[INTERRUPTS, THROTTLES, MEMORY, RECORDS],
    states: &[RECORDER],
    events: &[],
    saved: Saved::Forms(&[
        Form {
            what: "the content of /proc/interrupts",
            is: |text| text.trim_start().starts_with("CPU0"),
            serves: Serves::File("proc/interrupts"),
        },
        Form {
            what: "output of `ras-mc-ctl --summary`",
            is: |text| text.contains("errors") && text.contains("MCE"),
            serves: Serves::Command(&["ras-mc-ctl", "--summary"]),
        },
    ]),
    check: no_options,
    collect,
};

const RAS_MC_CTL: Program = Program {
    name: "ras-mc-ctl",
    places: &["/usr/sbin/ras-mc-ctl", "/usr/bin/ras-mc-ctl", "/sbin/ras-mc-ctl"],
    root: true,
};

const INTERRUPTS: Metric = Metric::counter(
    "mce.interrupts",
    "{interrupt}",
    "机器检查中断",
    "Interrupts since boot by mce.kind: exception (an error that was not corrected), threshold (corrected ones), \
     deferred, thermal.",
);
const THROTTLES: Metric = Metric::counter(
    "hw.cpu.throttle_events",
    "{event}",
    "过热降频次数",
    "Times since boot that the processor slowed down because of heat, by hw.cpu.throttle.scope: core (all cores \
     together) or package.",
);
const MEMORY: Metric = Metric::counter(
    "rasdaemon.memory.errors",
    "{error}",
    "RAS 记录的内存错误",
    "Memory errors of the module that rasdaemon recorded over all boots, by rasdaemon.severity.",
);
const RECORDS: Metric = Metric::counter(
    "rasdaemon.records",
    "{record}",
    "RAS 记录数",
    "Errors of other kinds that rasdaemon recorded over all boots, by rasdaemon.section and rasdaemon.severity.",
);
const RECORDER: Metric = Metric::word(
    "mce.recorder",
    "硬件错误记录服务",
    "What keeps hardware errors over boots: rasdaemon, or none.",
);

/// Rows of `/proc/interrupts` that tell of hardware errors.
const ROWS: [(&str, &str); 4] =
    [("MCE:", "exception"), ("THR:", "threshold"), ("DFR:", "deferred"), ("TRM:", "thermal")];

/// Modules with errors; a host has at most 192 modules.
const MODULES_MAX: usize = 512;

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let host = ComponentId::host();
    // Not among the files if only a summary was given to read.
    match c.host.read("proc/interrupts") {
        // Processors are its columns.
        Ok(text) if !text.trim_start().starts_with("CPU") => {
            c.host.misread("/proc/interrupts", &text);
        }
        Ok(text) => interrupts(c, &text),
        Err(_) if !c.host.is_live() => {}
        Err(error) => return Err(error.into()),
    }
    throttles(c);
    if !c.host.has(Need::Program("ras-mc-ctl")) {
        c.state(&RECORDER, &host, "none");
        return Ok(());
    }
    c.state(&RECORDER, &host, "rasdaemon");
    let argv = ["ras-mc-ctl", "--summary"];
    match c.host.run(&argv).and_then(|it| it.ok(&argv)) {
        Ok(text) => summary(c, &text),
        Err(error) => {
            let text = format!("what rasdaemon recorded: {error}");
            c.problem(error.reason(), None, text);
        }
    }
    Ok(())
}

fn interrupts(c: &mut Collect<'_>, text: &str) {
    for (row, kind) in ROWS {
        let Some(rest) = text.lines().find_map(|it| it.trim_start().strip_prefix(row)) else {
            continue;
        };
        // One number a processor, then words.
        let sum: f64 = rest.split_whitespace().map_while(|it| it.parse::<f64>().ok()).sum();
        c.sample_with(&INTERRUPTS, &ComponentId::host(), &[("mce.kind", kind)], sum);
    }
}

/// Logical processors that are looked at.
const CPUS_MAX: usize = 4096;

/// `thermal_throttle` of Intel processors: each logical processor tells its core's and its package's count.
fn throttles(c: &mut Collect<'_>) {
    const CPUS: &str = "sys/devices/system/cpu";
    let names = c.host.list(CPUS).unwrap_or_default();
    let mut cores: BTreeMap<(u32, u32), f64> = BTreeMap::new();
    let mut packages: BTreeMap<u32, f64> = BTreeMap::new();
    let numbered =
        |it: &&String| it.strip_prefix("cpu").is_some_and(|it| it.parse::<u32>().is_ok());
    for name in names.iter().filter(numbered).take(CPUS_MAX) {
        let count = |kind: &str| {
            let path = format!("{CPUS}/{name}/thermal_throttle/{kind}_throttle_count");
            number::<u64>(c.host, &path).map(as_float)
        };
        let Some(core_count) = count("core") else { continue };
        // Less than 0 where the platform does not tell.
        let place = |it: &str| {
            let number = number::<i64>(c.host, &format!("{CPUS}/{name}/topology/{it}"))?;
            u32::try_from(number).ok()
        };
        let (Some(package), Some(core)) = (place("physical_package_id"), place("core_id")) else {
            continue;
        };
        // Two threads of a core tell the same.
        let known = cores.entry((package, core)).or_insert(0.0);
        *known = known.max(core_count);
        let known = packages.entry(package).or_insert(0.0);
        *known = known.max(count("package").unwrap_or(0.0));
    }
    for (package, count) in packages {
        let id = ComponentId::new("cpu", &format!("package {package}"));
        let name = format!("CPU {package}");
        let attrs = BTreeMap::from([("hw.slot".to_owned(), package.to_string())]);
        c.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set: None });
        let sum = cores.iter().filter(|((it, _), _)| *it == package).map(|(_, count)| count).sum();
        c.sample_with(&THROTTLES, &id, &[("hw.cpu.throttle.scope", "core")], sum);
        c.sample_with(&THROTTLES, &id, &[("hw.cpu.throttle.scope", "package")], count);
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are below 2^52")]
fn as_float(count: u64) -> f64 {
    count as f64
}

/// What the summary says, by section.
#[derive(Debug, Default, PartialEq)]
struct Summary {
    /// By module and severity.
    memory: BTreeMap<(String, &'static str), f64>,
    /// By section and severity.
    others: BTreeMap<(&'static str, &'static str), f64>,
    strange: Vec<String>,
}

fn summary(c: &mut Collect<'_>, text: &str) {
    let summary = parse(text);
    let host = ComponentId::host();
    let sections = text.lines().filter(|it| section(it).is_some() || it.starts_with("No ")).count();
    if sections == 0 {
        let start: String = text.trim().chars().take(80).collect();
        let text = format!("summary of rasdaemon without any section: {start:?}");
        return c.problem(Reason::Unparsable, None, text);
    }
    let something = !summary.memory.is_empty() || !summary.others.is_empty();
    if something && c.changed(text) {
        c.evidence("ras-mc-ctl --summary", text);
    }
    let mut named = Vec::new();
    for ((module, severity), count) in &summary.memory {
        let id = ComponentId::new("memory", module);
        if !named.contains(&id) {
            if named.len() == MODULES_MAX {
                c.problem(Reason::Truncated, None, format!("only {MODULES_MAX} modules"));
                break;
            }
            let name = module.clone();
            let attrs = BTreeMap::new();
            c.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set: None });
            named.push(id.clone());
        }
        c.sample_with(&MEMORY, &id, &[("rasdaemon.severity", severity)], *count);
    }
    // Kinds that are always looked for: the first error is a rise from zero.
    let mut others = summary.others;
    for section in ["mce", "pcie"] {
        for severity in ["corrected", "uncorrected", "fatal"] {
            others.entry((section, severity)).or_default();
        }
    }
    for ((section, severity), count) in &others {
        let attrs = [("rasdaemon.section", *section), ("rasdaemon.severity", *severity)];
        c.sample_with(&RECORDS, &host, &attrs, *count);
    }
    if let Some(first) = summary.strange.first() {
        let line: String = first.chars().take(120).collect();
        let count = summary.strange.len();
        let text = format!("{count} lines of rasdaemon's summary not understood: {line:?}");
        c.problem(Reason::Unparsable, None, text);
    }
}

/// Headings with the sections' short names.
const SECTIONS: [(&str, &str); 12] = [
    ("Memory controller events", "memory"),
    ("PCIe AER events", "pcie"),
    ("ARM processor events", "arm_processor"),
    ("Extlog records", "extlog"),
    ("Devlink records", "devlink"),
    ("Disk errors", "disk"),
    ("Memory failure events", "memory_failure"),
    ("MCE records", "mce"),
    ("Non-standard", "vendor"),
    ("CXL", "cxl"),
    ("Signal", "signal"),
    ("Kunpeng", "vendor"),
];

fn section(line: &str) -> Option<&'static str> {
    let line = line.strip_suffix(':')?;
    if line.starts_with(char::is_whitespace) || !line.contains("summary") {
        return None;
    }
    let known = SECTIONS.iter().find(|(heading, _)| line.contains(heading));
    Some(known.map_or("other", |(_, name)| name))
}

fn parse(text: &str) -> Summary {
    let mut summary = Summary::default();
    let mut now = None;
    for line in text.lines().filter(|it| !it.trim().is_empty()) {
        if let Some(section) = section(line) {
            now = Some(section);
        } else if line.starts_with("No ") {
            now = None;
        } else if row(line.trim(), now, &mut summary).is_none() {
            summary.strange.push(line.trim().to_owned());
        }
    }
    summary
}

/// One row; none if it is not understood.
fn row(line: &str, section: Option<&'static str>, summary: &mut Summary) -> Option<()> {
    let section = section?;
    if let Some((severity, rest)) = line.split_once(" on DIMM Label(s): '") {
        // `Corrected on DIMM Label(s): 'CPU_SrcID#0_MC#0_Chan#0_DIMM#0' location: 0:0:0:-1 errors: 12`
        let (label, rest) = rest.split_once("' location: ")?;
        let (place, count) = rest.split_once(" errors: ")?;
        let controller = place.split(':').next().unwrap_or_default().trim();
        // Several names: the driver does not know which module it was.
        let key = plausible_key(label).filter(|it| it != "unknown memory" && it != "any memory");
        let key = key.unwrap_or_else(|| format!("mc{controller}"));
        let count = count.trim().parse::<f64>().ok()?;
        *summary.memory.entry((key, gravity(severity))).or_default() += count;
        return Some(());
    }
    // `3 corrected DRAM error errors`, `CPU(mpidr=0x81) has 2 errors`, `Recovered errors: 4`
    let count = match line.split_once(' ') {
        Some((first, _)) if first.parse::<f64>().is_ok() => first.parse().ok()?,
        _ => match line.rsplit_once(": ") {
            Some((_, last)) if last.trim().parse::<f64>().is_ok() => last.trim().parse().ok()?,
            _ => {
                let (_, rest) = line.rsplit_once(" has ")?;
                rest.split_whitespace().next()?.parse::<f64>().ok()?
            }
        },
    };
    *summary.others.entry((section, gravity(line))).or_default() += count;
    Some(())
}

/// The gravity in a text. What says nothing of it is `unknown`.
fn gravity(text: &str) -> &'static str {
    let text = text.to_lowercase();
    let has = |part: &str| text.contains(part);
    if has("fatal") && !has("non-fatal") {
        "fatal"
    } else if has("uncorrected") || has("uncorrectable") || has("non-correctable") {
        "uncorrected"
    } else if has("deferred") {
        "deferred"
    } else if has("corrected") || has("correctable") || has("recovered") {
        "corrected"
    } else {
        "unknown"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_every_section_are_counted() {
        let summary = parse(
            "Memory controller events summary:\n\
             \tCorrected on DIMM Label(s): 'DIMM_B2' location: 0:1:0:-1 errors: 12\n\
             \tCorrected on DIMM Label(s): 'DIMM_B2' location: 0:1:1:-1 errors: 3\n\
             \tUncorrected on DIMM Label(s): '' location: 1:-1:-1:-1 errors: 1\n\n\
             PCIe AER events summary:\n\t2 Corrected errors: Receiver Error\n\n\
             No Extlog errors.\n\n\
             Memory failure events summary:\n\tRecovered errors: 4\n\n\
             ARM processor events summary:\n\tCPU(mpidr=0x81080000) has 7 errors\n\n\
             MCE records summary:\n\t5 corrected filtering (some unreported errors in same region) errors\n\
             \tgarbage\n",
        );
        assert_eq!(summary.memory[&("DIMM_B2".to_owned(), "corrected")], 15.0);
        assert_eq!(summary.memory[&("mc1".to_owned(), "uncorrected")], 1.0);
        assert_eq!(summary.others[&("pcie", "corrected")], 2.0);
        assert_eq!(summary.others[&("memory_failure", "corrected")], 4.0);
        assert_eq!(summary.others[&("arm_processor", "unknown")], 7.0);
        assert_eq!(summary.others[&("mce", "corrected")], 5.0);
        assert_eq!(summary.strange, ["garbage"]);
    }
}
