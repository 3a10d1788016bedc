//! The sources on outputs from the field. They are not part of the repository: `XUNJIAN_CORPUS` names the folder, and
//! without it there is nothing to do here. Prints which share was understood; nothing may be silently empty.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
};

use xunjian_agent::{
    host::Host,
    source::{Collect, Found, Source, SourceError},
    sources,
};

mod ceph;

mod enclosure;

mod gluster;

mod gpfs;

mod hwraid;

mod ipmi;

mod kmsg;

mod lustre;

mod md;

mod net;

mod predict;

mod prediction;

mod redfish;

mod smart;

mod snmp;

mod table;

mod trees;

mod volumes;

mod zfs;

/// How many files were understood, only named as not understood, or silently passed over.
#[derive(Default)]
pub(crate) struct Share {
    good: u32,
    named: u32,
    silent: Vec<PathBuf>,
    left_out: BTreeMap<&'static str, u32>,
}

impl Share {
    pub(crate) fn count(&mut self, file: &Path, good: bool, named: bool) {
        match (good, named) {
            (true, _) => self.good += 1,
            (false, true) => {
                self.named += 1;
                eprintln!("not understood, and said so: {}", file.display());
            }
            (false, false) => self.silent.push(file.to_owned()),
        }
    }

    /// Counts a file that no source is meant to read, and why.
    pub(crate) fn leave_out(&mut self, why: &'static str) {
        *self.left_out.entry(why).or_default() += 1;
    }

    /// Prints the share of this kind, keeps its row of the table, and fails if the share is smaller than wanted or anything
    /// was silent.
    pub(crate) fn report(&self, source: &str, kind: &str, wanted: f64) {
        let all = self.good + self.named + u32::try_from(self.silent.len()).unwrap();
        let share = f64::from(self.good) / f64::from(all.max(1));
        eprintln!(
            "{kind}: {} of {all} understood ({:.1} %), {} named",
            self.good,
            share * 100.0,
            self.named
        );
        let left: Vec<String> =
            self.left_out.iter().map(|(why, count)| format!("{count} {why}")).collect();
        table::keep(&format!(
            "| {source} | {kind} | {all} | {} | {} | {:.1} % | {} |",
            self.good,
            self.named,
            share * 100.0,
            left.join("; ")
        ));
        assert!(self.silent.is_empty(), "silently empty: {:?}", self.silent);
        assert!(share >= wanted, "{kind}: only {share} of {all}");
    }
}

/// One run of a source.
pub(crate) fn collect(name: &str, host: &dyn Host) -> Result<Found, SourceError> {
    let source: &Source = sources::ALL.iter().find(|it| it.name == name).unwrap();
    let (options, mut cursor) = (toml::Table::new(), None);
    let mut collect = Collect::new(host, &options, &mut cursor);
    (source.collect)(&mut collect)?;
    Ok(collect.finish())
}

/// The corpus's folder of a kind; none where there is no corpus.
pub(crate) fn corpus(kind: &str) -> Option<PathBuf> {
    let dir = PathBuf::from(env::var_os("XUNJIAN_CORPUS")?).join(kind);
    assert!(dir.is_dir(), "{} is not there", dir.display());
    Some(dir)
}

/// Every file below a folder.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for name in crate::fixtures::names(dir) {
        let path = dir.join(name);
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}
