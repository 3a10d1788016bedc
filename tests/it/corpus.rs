//! The sources on outputs from the field. They are not part of the repository: `XUNJIAN_CORPUS` names the folder, and
//! without it there is nothing to do here. Prints which share was understood; nothing may be silently empty.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use xunjian_agent::{
    host::{Given, Host},
    source::{Collect, Found, Source, SourceError},
    sources,
};

#[test]
fn smartctl_json_of_the_field_is_understood() {
    let Some(corpus) = corpus("smart_json") else { return };
    let mut share = Share::default();
    for file in files(&corpus)
        .into_iter()
        .chain(self::corpus("smart_json_derived").iter().flat_map(|it| files(it)))
    {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        let Ok(json) = serde_json::from_str::<serde_json::Value>(&text) else { continue };
        let mut host = Given::default();
        let scan = json.get("devices").is_some();
        let device = json["device"]["name"].as_str().unwrap_or("/dev/sda");
        let kind = json["device"]["type"].as_str().unwrap_or("sat");
        let devices = serde_json::json!({"devices": [{"name": device, "type": kind}]}).to_string();
        host.answer(&["smartctl", "--scan-open"], 0, if scan { text.clone() } else { devices });
        host.answer(&["smartctl", "--xall"], 0, text);
        let found = collect("smart", &host);
        // A list of drives and no drive: what it lists must come out as drives that did not answer.
        let good = found.as_ref().is_ok_and(|it| {
            if scan {
                !it.components.is_empty() || json["devices"] == serde_json::json!([])
            } else {
                !it.samples.is_empty() || !it.states.is_empty()
            }
        });
        let named = found.as_ref().map_or(true, |it| !it.problems.is_empty());
        share.count(&file, good, named);
    }
    share.report("smartctl --json", 0.98);
}

#[test]
fn mdstat_of_the_field_is_understood() {
    let Some(corpus) = corpus("raid") else { return };
    let mut share = Share::default();
    for file in files(&corpus).into_iter().filter(|it| it.to_string_lossy().contains("mdstat")) {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        let arrays = text.lines().filter(|it| it.starts_with("md") && it.contains(" : ")).count();
        let mut host = Given::default();
        host.file("proc/mdstat", text);
        let found = collect("md", &host);
        let good = found.as_ref().is_ok_and(|it| it.components.len() == arrays);
        let named = found.as_ref().map_or(true, |it| !it.problems.is_empty());
        share.count(&file, good, named);
    }
    share.report("/proc/mdstat", 0.98);
}

#[test]
fn benign_kernel_logs_of_the_field_are_quiet_and_bad_ones_are_not() {
    let Some(corpus) = corpus("kernlog") else { return };
    for file in files(&corpus) {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        let bare = |line: &str| {
            line.strip_prefix('[')
                .and_then(|it| it.split_once(']'))
                .map(|it| it.1.trim().to_owned())
        };
        let records = text.lines().filter(|it| !it.trim().is_empty()).enumerate();
        let records: Vec<String> = records
            .map(|(at, line)| match line.split_once(";") {
                Some((head, _)) if head.ends_with(",-") => line.to_owned(),
                _ => format!("3,{at},{at},-;{}", bare(line).unwrap_or_else(|| line.to_owned())),
            })
            .collect();
        let mut host = Given::default();
        host.file("dev/kmsg", records.join("\n"));
        let events = collect("kmsg", &host).unwrap().events;
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        eprintln!("{name}: {} lines, {} events", records.len(), events.len());
        let quiet = name.starts_with("benign") || name.starts_with("lorem");
        assert!(!quiet || events.is_empty(), "{name}: {events:?}");
        assert!(!name.contains("rcu-stall") || !events.is_empty(), "{name} is quiet");
    }
}

#[test]
fn trees_of_proc_and_sys_of_the_field_are_read() {
    let Some(corpus) = corpus("hostinv") else { return };
    let mut hosts: BTreeMap<PathBuf, Given> = BTreeMap::new();
    for file in files(&corpus) {
        let path = file.to_string_lossy().into_owned();
        // `.../proc/diskstats` belongs to the tree that ends before `proc`.
        let Some(at) = ["/proc/", "/sys/"].iter().filter_map(|it| path.find(it)).min() else {
            continue;
        };
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        hosts.entry(PathBuf::from(&path[..at])).or_default().file(&path[at + 1..], text);
    }
    assert!(!hosts.is_empty(), "no tree in {}", corpus.display());
    for (tree, host) in &hosts {
        for source in sources::ALL.iter().filter(|it| it.needs.iter().all(|need| host.has(*need))) {
            let found = collect(source.name, host)
                .unwrap_or_else(|error| panic!("{}: {error}", tree.display()));
            let (samples, problems) = (found.samples.len(), found.problems.len());
            eprintln!("{} {}: {samples} samples, {problems} problems", tree.display(), source.name);
            let said = samples + problems + found.states.len() + found.components.len();
            assert!(said > 0, "{} says nothing of {}", source.name, tree.display());
        }
    }
}

/// How many files were understood, only named as not understood, or silently passed over.
#[derive(Default)]
struct Share {
    good: u32,
    named: u32,
    silent: Vec<PathBuf>,
}

impl Share {
    fn count(&mut self, file: &Path, good: bool, named: bool) {
        match (good, named) {
            (true, _) => self.good += 1,
            (false, true) => {
                self.named += 1;
                eprintln!("not understood, and said so: {}", file.display());
            }
            (false, false) => self.silent.push(file.to_owned()),
        }
    }

    fn report(&self, kind: &str, wanted: f64) {
        let all = self.good + self.named + u32::try_from(self.silent.len()).unwrap();
        let share = f64::from(self.good) / f64::from(all.max(1));
        eprintln!(
            "{kind}: {} of {all} understood ({:.1} %), {} named",
            self.good,
            share * 100.0,
            self.named
        );
        assert!(self.silent.is_empty(), "silently empty: {:?}", self.silent);
        assert!(share >= wanted, "{kind}: only {share} of {all}");
    }
}

fn collect(name: &str, host: &dyn Host) -> Result<Found, SourceError> {
    let source: &Source = sources::ALL.iter().find(|it| it.name == name).unwrap();
    let (options, mut cursor) = (toml::Table::new(), None);
    let mut collect = Collect::new(host, &options, &mut cursor);
    (source.collect)(&mut collect)?;
    Ok(collect.finish())
}

fn corpus(kind: &str) -> Option<PathBuf> {
    let dir = PathBuf::from(env::var_os("XUNJIAN_CORPUS")?).join(kind);
    assert!(dir.is_dir(), "{} is not there", dir.display());
    Some(dir)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for name in crate::fixtures::names(dir) {
        let path = dir.join(name);
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}
