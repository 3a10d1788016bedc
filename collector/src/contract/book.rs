//! All contracts of a collector, and which one covers which host.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use thiserror::Error;
use xunjian_proto::Time;
use xunjian_rules::RuleSet;

use super::{Agreement, Contract, Mistake, load::line_in};

/// The contracts in force. A host that no contract names is under the default one.
#[derive(Debug, Clone, Default)]
pub struct Contracts {
    by_customer: BTreeMap<String, Contract>,
    fallback: Contract,
    /// The file of each customer's contract.
    files: BTreeMap<String, PathBuf>,
}

/// Why the contracts cannot be used.
#[derive(Debug, Error)]
pub enum BookError {
    /// The folder could not be read.
    #[error("cannot read the contracts' folder {path}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Mistakes in the files, all of them, one sentence each.
    #[error("{}", .0.join("\n"))]
    Mistakes(Vec<String>),
}

impl Contracts {
    /// One contract for everything.
    pub fn only(contract: Contract) -> Contracts {
        Contracts { fallback: contract, ..Contracts::default() }
    }

    /// Reads every `*.toml` of a folder; without a folder the default contract serves. All mistakes at once.
    pub fn load(folder: Option<&Path>) -> Result<Contracts, BookError> {
        let Some(folder) = folder else { return Ok(Contracts::default()) };
        let wrap = |source| BookError::Folder { path: folder.to_owned(), source };
        let mut files: Vec<PathBuf> = fs::read_dir(folder)
            .map_err(wrap)?
            .map(|entry| entry.map(|it| it.path()))
            .collect::<Result<_, _>>()
            .map_err(wrap)?;
        files.retain(|it| it.extension().is_some_and(|it| it == "toml"));
        files.sort();
        let mut mistakes = Vec::new();
        let mut read = Vec::new();
        for file in files {
            match Contract::load(&file) {
                Ok(contract) => read.push((file, contract)),
                Err(error) => mistakes.push(error.to_string()),
            }
        }
        let contracts = Contracts::gather(read, &mut mistakes);
        if mistakes.is_empty() { Ok(contracts) } else { Err(BookError::Mistakes(mistakes)) }
    }

    /// A customer has one contract, and a host belongs to one customer.
    fn gather(read: Vec<(PathBuf, Contract)>, mistakes: &mut Vec<String>) -> Contracts {
        let mut by_customer = BTreeMap::new();
        let mut files = BTreeMap::new();
        let mut owners: BTreeMap<String, String> = BTreeMap::new();
        for (file, contract) in read {
            for host in contract.assets.keys() {
                if let Some(other) = owners.insert(host.clone(), contract.customer.clone()) {
                    mistakes.push(format!(
                        "{}: host `{host}` is already covered by the contract of `{other}`; name it in one contract only",
                        file.display()
                    ));
                }
            }
            let customer = contract.customer.clone();
            files.entry(customer.clone()).or_insert_with(|| file.clone());
            if by_customer.insert(customer.clone(), contract).is_some() {
                mistakes.push(format!(
                    "{}: customer `{customer}` already has a contract in another file; one file a customer",
                    file.display()
                ));
            }
        }
        Contracts { by_customer, fallback: Contract::default(), files }
    }

    /// The same, with what people agreed since: (customer, agreement).
    pub fn with(&self, agreed: &[(String, Agreement)]) -> Contracts {
        let mut all = self.clone();
        for (customer, agreement) in agreed {
            let contract = all.by_customer.get_mut(customer).unwrap_or(&mut all.fallback);
            match agreement {
                Agreement::Window(it) => contract.maintenance.push(it.clone()),
                Agreement::Risk(it) => contract.accepted.push(it.clone()),
            }
        }
        all
    }

    /// The contract that covers a host.
    pub fn of(&self, hostname: &str) -> &Contract {
        self.by_customer
            .values()
            .find(|it| it.assets.contains_key(hostname))
            .unwrap_or(&self.fallback)
    }

    /// The contract of a customer; the default one for customers that have none (any more).
    pub fn customer(&self, customer: &str) -> &Contract {
        self.by_customer.get(customer).unwrap_or(&self.fallback)
    }

    /// What the rules cannot follow in the contracts, one sentence each with file and line.
    pub fn rule_mistakes(&self, rules: &RuleSet) -> Vec<String> {
        self.in_files(|contract| contract.rule_mistakes(rules))
    }

    /// Overrides that no longer hold: no mistake, but to be told, because somebody may believe that they do.
    pub fn expired(&self, now: Time) -> Vec<String> {
        self.in_files(|contract| {
            let over =
                contract.overrides.iter().enumerate().filter(|(_, it)| it.is_over(contract, now));
            over.map(|(index, it)| {
                let until = it.until.map(|it| it.to_string()).unwrap_or_default();
                let what = format!(
                    "the override of rule {:?} ended on {until} and no longer applies; renew or remove it",
                    it.rule
                );
                (format!("overrides[{index}].until"), what)
            })
            .collect()
        })
    }

    /// What a look at each contract finds, by (key, sentence), with the file and line of the key.
    fn in_files(&self, look: impl Fn(&Contract) -> Vec<(String, String)>) -> Vec<String> {
        let mut told = Vec::new();
        for (customer, contract) in &self.by_customer {
            let found = look(contract);
            let Some(file) = self.files.get(customer).filter(|_| !found.is_empty()) else {
                continue;
            };
            let text = fs::read_to_string(file).unwrap_or_default();
            for (key, what) in found {
                let mistake = Mistake { line: line_in(&text, &key), key, what };
                told.push(format!("{}: {mistake}", file.display()));
            }
        }
        told
    }

    /// All contracts, the default one last.
    pub fn iter(&self) -> impl Iterator<Item = &Contract> {
        self.by_customer.values().chain([&self.fallback])
    }
}
