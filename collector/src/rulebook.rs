//! The rules in force: the built-in library, or a folder that replaces it. A file with a mistake is refused whole, with
//! all its mistakes.

use std::path::{Path, PathBuf};

use thiserror::Error;
use xunjian_rules::{Mistake, RuleSet};

use crate::evaluate;

/// Why rules cannot be used.
#[derive(Debug, Error)]
pub enum RulebookError {
    /// The folder could not be read.
    #[error("cannot read the rules' folder {path}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Mistakes in the files, all of them.
    #[error("{}", list(.0))]
    Mistakes(Vec<Mistake>),
}

fn list(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Loads the folder, or the built-in library without one.
pub fn load(folder: Option<&Path>) -> Result<RuleSet, RulebookError> {
    let (rules, mistakes) = match folder {
        None => evaluate::library(),
        Some(path) => {
            let wrap = |source| RulebookError::Folder { path: path.to_owned(), source };
            let files = xunjian_rules::load_folder(path).map_err(wrap)?;
            xunjian_rules::load(&files, &evaluate::known_metrics())
        }
    };
    if mistakes.is_empty() { Ok(rules) } else { Err(RulebookError::Mistakes(mistakes)) }
}
