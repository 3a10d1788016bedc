//! How a target's door is opened: the keys of a `[[sources.snmp.target]]` that are not the source's own.
//!
//! | key | meaning |
//! |---|---|
//! | `version` | `"2c"` or `"3"`; by default 3 where a `user` is given |
//! | `community_file` | file or systemd credential with the community (2c) |
//! | `user` | user name (3) |
//! | `auth`, `auth_file` | `md5`, `sha`, `sha-224`, `sha-256`, `sha-384`, `sha-512`, and the password's file |
//! | `privacy`, `privacy_file` | `des`, `aes-128`, `aes-192`, `aes-256`, or `aes-192-c`, `aes-256-c` with the key extension that Cisco and others use, and the password's file |
//! | `context` | context name (3); empty by default |
//! | `timeout`, `retries` | of one request: 2 s at first, 2 more tries with longer waits |
//! | `bulk` | rows that are asked for at once; 20 |

use std::time::Duration;

use toml::{Table, Value};

use super::usm::{Auth, Privacy};
use crate::{config::parse_duration, targets::check_secret_file};

/// Everything but the secrets themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub(super) login: Login,
    /// How long the first try of a request waits.
    pub(super) timeout: Duration,
    /// How many tries follow the first.
    pub(super) retries: u32,
    /// Rows asked for at once.
    bulk: u32,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Login {
    /// Version 2c.
    Community { file: String },
    /// Version 3 with the user-based security model.
    User {
        name: String,
        context: String,
        auth: Option<(Auth, String)>,
        privacy: Option<(Privacy, String)>,
    },
}

const KEYS: [&str; 11] = [
    "version",
    "community_file",
    "user",
    "auth",
    "auth_file",
    "privacy",
    "privacy_file",
    "context",
    "timeout",
    "retries",
    "bulk",
];

impl Access {
    /// Reads a target's section, without `name`, `address` and the source's own keys. All mistakes at once.
    pub fn parse(table: &Table) -> Result<Access, String> {
        let mut keys = Keys { table, mistakes: Vec::new() };
        for key in table.keys().filter(|it| !KEYS.contains(&it.as_str())) {
            // A secret itself must not stand here: its file must.
            let file = format!("{key}_file");
            let file = KEYS.iter().copied().find(|it| *it == file);
            let hint = file.or_else(|| xunjian_proto::nearest(key, KEYS.iter().copied()));
            let hint = hint.map(|it| format!("; did you mean `{it}`?")).unwrap_or_default();
            keys.mistakes.push(format!("unknown key `{key}`{hint}"));
        }
        let login = keys.login();
        let timeout = match keys.text("timeout").map(|it| parse_duration(&it)) {
            None => Duration::from_secs(2),
            Some(Ok(it))
                if (Duration::from_millis(100)..=Duration::from_secs(60)).contains(&it) =>
            {
                it
            }
            Some(_) => {
                keys.mistakes.push("`timeout`: want \"100ms\" to \"60s\"".to_owned());
                Duration::ZERO
            }
        };
        let access = Access {
            login,
            timeout,
            retries: keys.number("retries", 2, 0, 10),
            bulk: keys.number("bulk", 20, 1, 100),
        };
        if keys.mistakes.is_empty() { Ok(access) } else { Err(keys.mistakes.join("; ")) }
    }
}

impl Access {
    /// Bindings that one answer may have: `bulk` rows of two columns, as most tables are read in several at once.
    pub(super) fn at_once(&self) -> u32 {
        self.bulk * 2
    }
}

struct Keys<'a> {
    table: &'a Table,
    mistakes: Vec<String>,
}

impl Keys<'_> {
    fn text(&mut self, key: &str) -> Option<String> {
        match self.table.get(key)? {
            Value::String(it) => Some(it.clone()),
            _ => {
                self.mistakes.push(format!("`{key}`: want text in quotes"));
                None
            }
        }
    }

    fn number(&mut self, key: &str, default: u32, min: u32, max: u32) -> u32 {
        let Some(value) = self.table.get(key) else { return default };
        let number = value.as_integer().and_then(|it| u32::try_from(it).ok());
        number.filter(|it| (min..=max).contains(it)).unwrap_or_else(|| {
            self.mistakes.push(format!("`{key}`: want a whole number from {min} to {max}"));
            default
        })
    }

    /// The name of a secret's file; a secret itself must never stand in the configuration.
    fn file(&mut self, key: &str) -> Option<String> {
        let file = self.text(key)?;
        match check_secret_file(&file) {
            Ok(()) => Some(file),
            Err(what) => {
                self.mistakes.push(format!("`{key}`: {what}"));
                None
            }
        }
    }

    /// A protocol and its password's file: both or neither.
    fn protocol<T>(
        &mut self,
        key: &str,
        file_key: &str,
        parse: fn(&str) -> Option<T>,
        known: &str,
    ) -> Option<(T, String)> {
        let (word, file) = (self.text(key), self.file(file_key));
        match (word, file) {
            (Some(word), Some(file)) => match parse(&word) {
                Some(protocol) => return Some((protocol, file)),
                None => self.mistakes.push(format!("`{key}` = {word:?}: there are {known}")),
            },
            (None, None) => {}
            (Some(_), None) if !self.table.contains_key(file_key) => {
                self.mistakes.push(format!("`{key}` needs `{file_key}`"));
            }
            (None, Some(_)) => self.mistakes.push(format!("`{file_key}` needs `{key}`")),
            _ => {}
        }
        None
    }

    fn login(&mut self) -> Login {
        let version = self.text("version");
        let user = self.text("user");
        let community = self.file("community_file");
        let auth = self.protocol("auth", "auth_file", Auth::parse, Auth::NAMES);
        let privacy = self.protocol("privacy", "privacy_file", Privacy::parse, Privacy::NAMES);
        let context = self.text("context").unwrap_or_default();
        let three = match version.as_deref() {
            None => user.is_some(),
            Some("3") => true,
            Some("2c" | "2") => false,
            Some(other) => {
                self.mistakes.push(format!("`version` = {other:?}: there are \"2c\" and \"3\""));
                true
            }
        };
        if !three {
            if user.is_some() || auth.is_some() || privacy.is_some() {
                self.mistakes.push("`user`, `auth` and `privacy` belong to version 3".to_owned());
            }
            if community.is_none() && !self.table.contains_key("community_file") {
                self.mistakes.push("version 2c needs `community_file`".to_owned());
            }
            return Login::Community { file: community.unwrap_or_default() };
        }
        let name = user.unwrap_or_default();
        if name.is_empty() || name.len() > 32 {
            self.mistakes.push("version 3 needs a `user` of at most 32 bytes".to_owned());
        }
        if privacy.is_some() && auth.is_none() {
            self.mistakes.push("`privacy` needs `auth`".to_owned());
        }
        if community.is_some() {
            self.mistakes.push("`community_file` belongs to version 2c".to_owned());
        }
        Login::User { name, context, auth, privacy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Access, String> {
        Access::parse(&text.parse().unwrap())
    }

    #[test]
    fn the_version_follows_from_what_is_given() {
        let two = parse("community_file = '/etc/xunjian/c'").unwrap();
        assert!(matches!(two.login, Login::Community { .. }));
        let three = parse("user = 'u'\nauth = 'SHA-256'\nauth_file = 'a'\nprivacy = 'aes-256-c'\nprivacy_file = 'p'").unwrap();
        let Login::User { auth, privacy, .. } = three.login else { panic!() };
        assert_eq!(auth.unwrap().0, Auth::Sha256);
        assert_eq!(privacy.unwrap().0, Privacy::Aes256Reeder);
    }

    #[test]
    fn all_mistakes_are_told_and_a_secret_in_the_file_is_one() {
        let text = parse("version = '3'\ncommunity = 'public'\nauth = 'sha1'\nprivacy = 'rot13'\nprivacy_file = 'p'\nbulk = 0").unwrap_err();
        for wanted in [
            "unknown key `community`; did you mean `community_file`",
            "needs a `user`",
            "`auth` needs `auth_file`",
            "aes-128",
            "from 1 to 100",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
        assert!(parse("community_file = 'pub lic'").is_err());
    }
}
