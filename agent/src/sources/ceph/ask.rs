//! Questions to the cluster: few, one after the other, each with a limit.

use std::time::Duration;

use serde_json::Value;
use xunjian_proto::Reason;

use super::{cluster::Cluster, json::NAMES};
use crate::{
    host::HostError,
    source::{Collect, SourceError},
    typed,
};

/// Limit of a question to a daemon of this host.
pub(super) const QUICK: Duration = Duration::from_secs(10);

/// Limit of a question to the cluster. Ten seconds of them are for finding a monitor; a busy one answers within two.
const LIMIT: Duration = Duration::from_secs(20);

/// Most placement groups that are asked for one by one: 150 bytes each.
const PGS_MAX: f64 = 50_000.0;

/// How to ask.
#[derive(Debug)]
pub(super) struct Asker {
    config: String,
    name: String,
}

/// What became of the first question.
pub(super) enum First {
    /// The cluster answered.
    Answered,
    /// It did not answer in time.
    Silent(HostError),
    /// It could not be asked.
    Failed(SourceError),
}

impl Asker {
    pub(super) fn new(config: String, name: String) -> Asker {
        Asker { config, name }
    }

    fn ask(&self, c: &Collect<'_>, words: &[&str]) -> Result<Value, SourceError> {
        let head = [
            "ceph",
            "--connect-timeout",
            "10",
            "--conf",
            &self.config,
            "--name",
            &self.name,
            "--format",
            "json",
        ];
        let argv: Vec<&str> = head.iter().chain(words).copied().collect();
        let output = c.host.run_within(&argv, LIMIT)?;
        if output.truncated {
            let why = "more output than is taken".to_owned();
            return Err(SourceError::Parse { what: format!("ceph {}", words.join(" ")), why });
        }
        let text = output.ok(&argv)?;
        let what = format!("`ceph {}`", words.join(" "));
        typed::parse(c.host, &what, &text, NAMES).map_err(|error| SourceError::Parse {
            what: format!("ceph {}", words.join(" ")),
            why: error.to_string(),
        })
    }

    /// `ceph status`, by which everything else is decided.
    pub(super) fn first(&self, c: &Collect<'_>, cluster: &mut Cluster) -> First {
        match self.ask(c, &["status"]) {
            // An empty list is an answer to other questions.
            Ok(value) if value != Value::Array(Vec::new()) && cluster.absorb(&value) => {
                First::Answered
            }
            Ok(value) => First::Failed(SourceError::Parse {
                what: "ceph status".to_owned(),
                why: format!(
                    "nothing known in {}",
                    value.to_string().chars().take(80).collect::<String>()
                ),
            }),
            Err(SourceError::Host(error)) if is_silence(&error) => First::Silent(error),
            Err(error) => First::Failed(error),
        }
    }

    /// Everything else that is worth a question now.
    pub(super) fn rest(&self, c: &mut Collect<'_>, cluster: &mut Cluster) {
        if cluster.health.as_ref().is_some_and(|it| !it.checks.is_empty()) {
            self.add(c, cluster, &["health", "detail"]);
        }
        for words in
            [&["osd", "dump"][..], &["osd", "crush", "rule", "dump"], &["time-sync-status"]]
        {
            self.add(c, cluster, words);
        }
        // These are answered by the manager; without one they would hang until their limit.
        if cluster.mgr_available == Some(false) {
            self.add(c, cluster, &["osd", "tree"]);
            let text = "no manager is active: space of OSDs, their drives and the placement groups of pools are not known";
            return c.problem(Reason::Missing, None, text);
        }
        self.add(c, cluster, &["osd", "df", "tree"]);
        self.add(c, cluster, &["df"]);
        self.add(c, cluster, &["device", "ls"]);
        if !cluster.is_uneven() || cluster.pgs.is_some() {
            return;
        }
        let count: f64 = cluster.pg_states.iter().flatten().map(|it| it.1).sum();
        if count > PGS_MAX {
            let text = format!("{count} placement groups: they are not asked for one by one");
            return c.problem(Reason::Truncated, None, text);
        }
        self.add(c, cluster, &["pg", "dump", "pgs_brief"]);
    }

    fn add(&self, c: &mut Collect<'_>, cluster: &mut Cluster, words: &[&str]) {
        let what = words.join(" ");
        match self.ask(c, words) {
            Ok(value) => {
                if !cluster.absorb(&value) {
                    c.problem(
                        Reason::Unparsable,
                        None,
                        format!("ceph {what}: nothing known in the answer"),
                    );
                }
            }
            // Releases before 13 have no `device ls`, and some saved outputs come alone.
            Err(SourceError::Host(HostError::Run { source, .. }))
                if source.kind() == std::io::ErrorKind::NotFound => {}
            Err(SourceError::Host(error)) if is_unsupported(&error) => {
                c.problem(
                    Reason::Unsupported,
                    None,
                    format!("ceph {what}: this release does not have it"),
                );
            }
            Err(SourceError::Host(error)) => {
                c.problem(error.reason(), None, format!("ceph {what}: {error}"))
            }
            Err(error) => c.problem(Reason::Unparsable, None, error),
        }
    }
}

/// No monitor was found, or none answered: the limit of the agent, or ceph's own message (status 1 or 110).
fn is_silence(error: &HostError) -> bool {
    match error {
        HostError::TimedOut { .. } => true,
        HostError::Status { stderr, status, .. } => {
            *status == 110
                || stderr.contains("timed out")
                || stderr.contains("TimedOut")
                || stderr.contains("timeout")
        }
        _ => false,
    }
}

/// EINVAL with `no valid command found`.
fn is_unsupported(error: &HostError) -> bool {
    matches!(error, HostError::Status { status: 22, .. })
}
