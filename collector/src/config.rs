//! The collector's own configuration, `collector.toml`. Every key has a working default; unknown keys are mistakes, and
//! all mistakes are told at once.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// `collector.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where everything that the collector keeps lies: store, certificates.
    pub folder: PathBuf,
    /// Folder of contracts, one `*.toml` a customer. Without contracts the default one serves.
    pub contracts: Option<PathBuf>,
    /// Folder of rule files that replaces the built-in library.
    pub rules: Option<PathBuf>,
    /// The door for agents.
    pub agents: Agents,
    /// The door for people.
    pub web: Web,
    /// Where messages about tickets go.
    pub notify: Notify,
}

/// `[agents]`: the door for agents, mutual TLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Agents {
    /// Address and port.
    pub listen: SocketAddr,
    /// Names and addresses that agents reach it by; they stand in the server's certificate.
    pub names: Vec<String>,
    /// Life of an agent's certificate in days; agents renew after two thirds of it.
    pub certificate_days: u32,
}

/// `[web]`: pages, API and metrics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Web {
    /// Address and port. Anything but loopback wants a certificate.
    pub listen: SocketAddr,
    /// PEM file of the certificate chain.
    pub certificate: Option<PathBuf>,
    /// PEM file of the private key.
    pub key: Option<PathBuf>,
}

/// `[notify]`: channels for messages about tickets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notify {
    /// `https://host/path` or `http://host:port/path` that takes signed JSON.
    pub webhook: Option<String>,
    /// File that holds the webhook's secret (mode 0600).
    pub webhook_secret: Option<PathBuf>,
    /// PEM file of the authorities that may vouch for an `https://` webhook, in place of the system's.
    pub webhook_ca_file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            folder: PathBuf::from("/var/lib/xunjian-collector"),
            contracts: None,
            rules: None,
            agents: Agents::default(),
            web: Web::default(),
            notify: Notify::default(),
        }
    }
}

impl Default for Agents {
    fn default() -> Agents {
        Agents {
            listen: SocketAddr::from(([0, 0, 0, 0], 7443)),
            names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
            certificate_days: 90,
        }
    }
}

impl Default for Web {
    fn default() -> Web {
        Web { listen: SocketAddr::from(([127, 0, 0, 1], 7480)), certificate: None, key: None }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// Not readable.
    #[error("cannot read the configuration {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Mistakes in it, all of them.
    #[error("{path}: {}", mistakes.join("; "))]
    Mistakes {
        /// Which file.
        path: PathBuf,
        /// One sentence each.
        mistakes: Vec<String>,
    },
}

impl Config {
    /// Reads a file, or takes the defaults where none is given.
    pub fn load(path: Option<&Path>) -> Result<Config, ConfigError> {
        let Some(path) = path else { return Ok(Config::default()) };
        let text = fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Config::parse(&text)
            .map_err(|mistakes| ConfigError::Mistakes { path: path.to_owned(), mistakes })
    }

    /// Reads a text; the error lists every mistake.
    pub fn parse(text: &str) -> Result<Config, Vec<String>> {
        let table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| vec![error.to_string()])?;
        let known =
            toml::Table::try_from(shape()).expect("the shape of the configuration is a table");
        let mut mistakes = Vec::new();
        crate::suggest::unknown_keys(&table, &known, "", &mut mistakes);
        match table.try_into::<Config>() {
            Ok(config) => {
                mistakes.extend(config.mistakes());
                if mistakes.is_empty() {
                    return Ok(config);
                }
            }
            // The unknown keys are already told, with better words than serde's.
            Err(error) if mistakes.is_empty() => mistakes.push(error.message().to_owned()),
            Err(_) => {}
        }
        Err(mistakes)
    }

    fn mistakes(&self) -> Vec<String> {
        let mut all = Vec::new();
        if self.web.certificate.is_some() != self.web.key.is_some() {
            all.push("web.certificate and web.key go together: give both or neither".to_owned());
        }
        if !self.web.listen.ip().is_loopback() && self.web.certificate.is_none() {
            all.push(format!(
                "web.listen = {} is not loopback, and passwords would travel in clear: give web.certificate and web.key",
                self.web.listen
            ));
        }
        if !(1..=825).contains(&self.agents.certificate_days) {
            all.push(format!(
                "agents.certificate_days = {}: wanted 1 to 825",
                self.agents.certificate_days
            ));
        }
        if self.agents.names.is_empty() {
            all.push("agents.names is empty: agents need a name or an address to check the certificate by".to_owned());
        }
        let is_web = |it: &String| it.starts_with("http://") || it.starts_with("https://");
        if self.notify.webhook.as_ref().is_some_and(|it| !is_web(it)) {
            all.push(
                "notify.webhook: wanted https://HOST/PATH or http://HOST:PORT/PATH".to_owned(),
            );
        }
        all
    }

    /// The store's folder.
    pub fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    /// The certificate authority's folder.
    pub fn identity(&self) -> PathBuf {
        self.folder.join("identity")
    }
}

/// A configuration in which every key is there, to know the keys by.
fn shape() -> Config {
    let file = || Some(PathBuf::from("x"));
    Config {
        contracts: file(),
        rules: file(),
        web: Web { certificate: file(), key: file(), ..Web::default() },
        notify: Notify {
            webhook: Some(String::new()),
            webhook_secret: file(),
            webhook_ca_file: file(),
        },
        ..Config::default()
    }
}
