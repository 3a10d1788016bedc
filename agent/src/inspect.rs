//! One full inspection: every source once, one after the other, on any host.

use std::{collections::BTreeMap, sync::Arc};

use xunjian_proto::{HostFacts, Readings, Run, Time};

use crate::{
    config::Config,
    host::Host,
    runner::{self, Job},
    source::Source,
    sources,
};

/// How far an inspection is.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A source begins.
    Begins {
        /// Its name.
        source: &'static str,
        /// Which it is, from 0.
        index: usize,
        /// How many there are.
        total: usize,
    },
    /// A source has ended, this way or that.
    Ended {
        /// What it found.
        run: &'a Run,
    },
}

/// Runs all enabled sources (or `only` these) once, in order, each within its deadline, and gives what they found.
/// All runs bear the time `now`: an inspection is one look. A source that fails, hangs or is absent says so in its
/// run and stops no other.
pub fn inspect(
    host: Arc<dyn Host>,
    config: &Config,
    now: Time,
    only: Option<&[String]>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Readings {
    inspect_with(sources::ALL, host, config, now, only, progress)
}

/// [`inspect`] with sources of one's own.
pub fn inspect_with(
    sources: &[Source],
    host: Arc<dyn Host>,
    config: &Config,
    now: Time,
    only: Option<&[String]>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Readings {
    let facts = facts(&*host);
    let chosen: Vec<_> = sources
        .iter()
        .filter(|it| match only {
            Some(names) => names.iter().any(|name| name == it.name),
            None => config.source(it).enabled,
        })
        .collect();
    let mut runs = Vec::new();
    for (index, source) in chosen.iter().enumerate() {
        progress(Progress::Begins { source: source.name, index, total: chosen.len() });
        let section = config.source(source);
        let job = Job {
            source: **source,
            options: section.options,
            deadline: section.deadline,
            cursor: None,
            at: now,
        };
        let run = runner::run(job, host.clone()).run;
        progress(Progress::Ended { run: &run });
        runs.push(run);
    }
    Readings { host: facts, runs }
}

/// Who the host is, as far as it says so itself. What is not known is empty.
pub fn facts(host: &dyn Host) -> HostFacts {
    let line = |path: &str| host.read(path).map(|it| it.trim().to_owned()).unwrap_or_default();
    let mut attrs = BTreeMap::new();
    let mut hostname = line("proc/sys/kernel/hostname");
    if let Ok(vitals) = host.vitals() {
        if hostname.is_empty() {
            hostname.clone_from(&vitals.hostname);
        }
        attrs.insert("os.description".to_owned(), vitals.os);
        attrs.insert("os.kernel".to_owned(), vitals.kernel);
        attrs.insert("host.arch".to_owned(), vitals.arch);
        attrs.insert("host.cpu.model.name".to_owned(), vitals.cpu_model);
        attrs.retain(|_, value| !value.is_empty());
    }
    HostFacts {
        hostname,
        boot_id: line("proc/sys/kernel/random/boot_id"),
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        attrs,
    }
}
