//! Saved outputs of tools, for example a smartctl JSON that a customer mailed, made into a host that a source can look
//! at.
//!
//! Which file answers which question is told from its content, never from its name.

use xunjian_proto::Time;

use crate::host::Given;

/// What a source takes instead of a host.
#[derive(Debug, Clone, Copy)]
pub enum Saved {
    /// Nothing but a recording.
    Nothing,
    /// Files of these forms, each at most once.
    Forms(&'static [Form]),
    /// Files that need work to be understood.
    Own {
        /// What people call them.
        what: &'static [&'static str],
        /// The host on which the source finds these files, which were made at the given time at the latest. An error
        /// says what was wanted.
        host: fn(&[File], Time) -> Result<SavedHost, String>,
    },
}

/// A form of saved output.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// What people call it: ``output of `zpool status` ``.
    pub what: &'static str,
    /// How to know it by its content.
    pub is: fn(&str) -> bool,
    /// What the source asks to get it.
    pub serves: Serves,
}

/// A question of a source.
#[derive(Debug, Clone, Copy)]
pub enum Serves {
    /// A file, by its path below the root.
    File(&'static str),
    /// The answer to every command line that has all these words; the first is the program.
    Command(&'static [&'static str]),
}

/// A saved output.
#[derive(Debug, Clone)]
pub struct File {
    /// What to call it in errors.
    pub name: String,
    /// Its text.
    pub content: String,
}

/// A host that answers from saved outputs.
#[derive(Debug)]
pub struct SavedHost {
    /// The host.
    pub host: Given,
    /// When the outputs were made, if they say so.
    pub at: Option<Time>,
}

impl Saved {
    /// What can be given, one line a form.
    pub fn what(&self) -> Vec<&'static str> {
        match self {
            Saved::Nothing => Vec::new(),
            Saved::Forms(forms) => forms.iter().map(|it| it.what).collect(),
            Saved::Own { what, .. } => what.to_vec(),
        }
    }

    /// The host on which the source finds these files, which were made at `made` at the latest. An error says what was
    /// wanted.
    pub fn host(&self, files: &[File], made: Time) -> Result<SavedHost, String> {
        match self {
            Saved::Nothing => Err(
                "it understands no saved output; make a recording with `record` and give it with \
                                   --host-dir"
                    .to_owned(),
            ),
            Saved::Forms(forms) => by_form(forms, files),
            Saved::Own { host, .. } => host(files, made),
        }
    }
}

fn by_form(forms: &[Form], files: &[File]) -> Result<SavedHost, String> {
    let mut host = Given::default();
    let mut taken = vec![None; forms.len()];
    for file in files {
        let Some(at) = forms.iter().position(|it| (it.is)(&file.content)) else {
            let wanted: Vec<&str> = forms.iter().map(|it| it.what).collect();
            return Err(format!("{}: want {}", file.name, wanted.join(", or ")));
        };
        let form = &forms[at];
        if let Some(other) = taken[at].replace(file.name.as_str()) {
            return Err(format!("{other} and {} are both {}: give one", file.name, form.what));
        }
        match form.serves {
            Serves::File(path) => host.file(path, &*file.content),
            Serves::Command(words) => host.answer(words, 0, &*file.content),
        }
    }
    Ok(SavedHost { host, at: None })
}
