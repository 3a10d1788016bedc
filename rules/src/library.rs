//! The rule library that is built into the program: one file per source.

/// A file of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleFile {
    /// `md.toml`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// All files of `rules/library/`, in the order of the alphabet; `build.rs` lists them.
pub const LIBRARY: &[RuleFile] = include!(concat!(env!("OUT_DIR"), "/library.rs"));
