//! Rules and contracts in force, shared by judging and the pages, and read again when their files change. What has
//! mistakes is refused whole, all of them are told, and the old ones go on.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::UNIX_EPOCH,
};

use arc_swap::ArcSwap;
use tracing::{error, info, warn};
use xunjian_proto::Time;
use xunjian_rules::RuleSet;

use crate::{
    contract::{BookError, Contracts},
    rulebook::{self, RulebookError},
};

/// What is in force, and where it comes from.
pub struct Book {
    rules_folder: Option<PathBuf>,
    contracts_folder: Option<PathBuf>,
    /// The rules in force.
    pub rules: Arc<ArcSwap<RuleSet>>,
    /// The contracts in force.
    pub contracts: Arc<ArcSwap<Contracts>>,
    looked: Mutex<Looked>,
    told: Mutex<Vec<String>>,
    taken: AtomicU64,
    refused: AtomicU64,
}

/// Files as they were at the last looks.
#[derive(Default)]
struct Looked {
    /// What was read last, taken or refused.
    read: Fingerprint,
    /// What the last look saw.
    seen: Fingerprint,
}

/// Name, size, time of change and inode of each file of both folders.
type Fingerprint = Vec<(PathBuf, u64, u128, u64)>;

/// Why nothing can be begun with.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The contracts.
    #[error(transparent)]
    Contracts(#[from] BookError),
    /// The rules.
    #[error(transparent)]
    Rules(#[from] RulebookError),
}

impl Book {
    /// Reads both for the first time. An override that the rules cannot follow is told and has no effect: a renamed rule
    /// of a new version must not keep the collector from starting.
    pub fn open(
        rules_folder: Option<PathBuf>,
        contracts_folder: Option<PathBuf>,
        now: Time,
    ) -> Result<Book, LoadError> {
        let read = fingerprint([&rules_folder, &contracts_folder]);
        let contracts = Contracts::load(contracts_folder.as_deref())?;
        let rules = rulebook::load(rules_folder.as_deref())?;
        let told = contracts.rule_mistakes(&rules);
        for mistake in &told {
            error!(mistake, "an override of a contract has no effect");
        }
        tell_expired(&contracts, now);
        Ok(Book {
            rules_folder,
            contracts_folder,
            rules: Arc::new(ArcSwap::from_pointee(rules)),
            contracts: Arc::new(ArcSwap::from_pointee(contracts)),
            looked: Mutex::new(Looked { seen: read.clone(), read }),
            told: Mutex::new(told),
            taken: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        })
    }

    /// Looks whether files have changed and come to rest since they were read last (a file that is being written differs
    /// from look to look), and takes them over. Says whether others are in force now.
    pub fn look(&self, now: Time) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = fingerprint([&self.rules_folder, &self.contracts_folder]);
        let at_rest = seen == looked.seen;
        looked.seen = seen;
        if !at_rest || looked.seen == looked.read {
            return false;
        }
        looked.read = looked.seen.clone();
        let mistakes = self.take(now);
        let taken = mistakes.is_empty();
        if !taken {
            self.refused.fetch_add(1, Ordering::Relaxed);
            for mistake in &mistakes {
                error!(mistake, "changed rules or contracts are refused; the old ones go on");
            }
        }
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = mistakes;
        taken
    }

    /// Takes over what the folders hold, all or nothing. Returns the mistakes.
    fn take(&self, now: Time) -> Vec<String> {
        let contracts = Contracts::load(self.contracts_folder.as_deref());
        let rules = rulebook::load(self.rules_folder.as_deref());
        let (contracts, rules) = match (contracts, rules) {
            (Ok(contracts), Ok(rules)) => (contracts, rules),
            (contracts, rules) => {
                let texts = [
                    contracts.err().map(|it| it.to_string()),
                    rules.err().map(|it| it.to_string()),
                ];
                return texts
                    .iter()
                    .flatten()
                    .flat_map(|it| it.lines())
                    .map(str::to_owned)
                    .collect();
            }
        };
        let mistakes = contracts.rule_mistakes(&rules);
        if !mistakes.is_empty() {
            return mistakes;
        }
        tell_expired(&contracts, now);
        info!(
            rules = rules.rules.len(),
            contracts = contracts.iter().count() - 1,
            "changed rules and contracts are in force"
        );
        self.taken.fetch_add(1, Ordering::Relaxed);
        self.rules.store(Arc::new(rules));
        self.contracts.store(Arc::new(contracts));
        Vec::new()
    }

    /// What is wrong with the files as they lie there: the mistakes for which they were refused, one sentence each.
    pub fn told(&self) -> Vec<String> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For `/metrics`: how often changed files were taken over, how often refused, mistakes that stand, and how much is
    /// in force.
    pub fn counters(&self) -> [(&'static str, u64); 5] {
        [
            ("xunjian_reloads_total", self.taken.load(Ordering::Relaxed)),
            ("xunjian_reloads_refused_total", self.refused.load(Ordering::Relaxed)),
            ("xunjian_reload_mistakes", self.told().len() as u64),
            ("xunjian_rules", self.rules.load().rules.len() as u64),
            ("xunjian_contracts", self.contracts.load().iter().count() as u64 - 1),
        ]
    }
}

fn tell_expired(contracts: &Contracts, now: Time) {
    for over in contracts.expired(now) {
        warn!(over, "an override of a contract has ended");
    }
}

fn fingerprint(folders: [&Option<PathBuf>; 2]) -> Fingerprint {
    let mut all = Vec::new();
    for folder in folders.into_iter().flatten() {
        all.extend(files(folder));
    }
    all.sort();
    all
}

fn files(folder: &Path) -> Fingerprint {
    use std::os::unix::fs::MetadataExt;
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let toml =
        entries.map(|it| it.path()).filter(|it| it.extension().is_some_and(|it| it == "toml"));
    toml.filter_map(|path| {
        let meta = fs::metadata(&path).ok()?;
        let changed = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
        Some((path, meta.len(), changed, meta.ino()))
    })
    .collect()
}
