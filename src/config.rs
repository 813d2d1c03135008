//! The configuration: flags over environment over file over defaults, checked before anything is bound.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cli::RunArgs;

/// What `godwit run` works with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where switches may connect. The first is OpenFlow's registered port, the second the one before it.
    pub openflow: Vec<SocketAddr>,
    /// Where REST is served.
    pub http: SocketAddr,
    /// Where the controller keeps what has to survive it.
    pub data_dir: PathBuf,
    /// The control apps, in the order in which they are asked about a packet.
    pub apps: Vec<AppName>,
}

/// A control app that can be hosted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AppName {
    /// Ethernet switching by learning.
    Learning,
    /// Shortest-path routes.
    Routing,
    /// Migration of a switch's work; it needs `routing`.
    Migration,
}

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    openflow: Option<Vec<SocketAddr>>,
    http: Option<SocketAddr>,
    data_dir: Option<PathBuf>,
    apps: Option<Vec<AppName>>,
}

/// A configuration that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("the configuration file {} can't be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("the configuration file {}: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// The apps don't go together.
    #[error("`apps`: {0}")]
    Apps(&'static str),
}

impl Config {
    /// Puts flags, environment (which the flags already hold), file and defaults together.
    ///
    /// # Errors
    /// When the file can't be read, has an unknown key or a wrong value, or the apps don't go together.
    pub fn load(args: &RunArgs) -> Result<Self, ConfigError> {
        let file = args
            .config
            .as_deref()
            .map(File::read)
            .transpose()?
            .unwrap_or_default();
        let any = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        let openflow = Some(args.openflow.clone()).filter(|list| !list.is_empty());
        let config = Self {
            openflow: openflow
                .or(file.openflow)
                .unwrap_or_else(|| vec![any(6653), any(6633)]),
            http: args
                .http
                .or(file.http)
                .unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))),
            data_dir: args
                .data_dir
                .clone()
                .or(file.data_dir)
                .unwrap_or_else(|| PathBuf::from("godwit-data")),
            apps: file
                .apps
                .unwrap_or_else(|| vec![AppName::Routing, AppName::Migration]),
        };
        config.check()
    }

    fn check(self) -> Result<Self, ConfigError> {
        let has = |app| self.apps.contains(&app);
        if has(AppName::Migration) && !has(AppName::Routing) {
            return Err(ConfigError::Apps(
                "`migration` moves routes and needs `routing`",
            ));
        }
        if has(AppName::Learning) && has(AppName::Routing) {
            return Err(ConfigError::Apps(
                "`learning` and `routing` both forward: take one of them",
            ));
        }
        if (1..self.apps.len()).any(|index| self.apps[index..].contains(&self.apps[index - 1])) {
            return Err(ConfigError::Apps("an app is named twice"));
        }
        Ok(self)
    }
}

impl File {
    fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|source| ConfigError::Parse {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("godwit.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(&RunArgs {
            config: Some(path),
            ..no_args()
        })
    }

    fn no_args() -> RunArgs {
        RunArgs {
            config: None,
            openflow: Vec::new(),
            http: None,
            data_dir: None,
        }
    }

    #[test]
    fn without_a_file_the_documented_defaults_hold() {
        let config = Config::load(&no_args()).unwrap();
        assert_eq!(
            config
                .openflow
                .iter()
                .map(SocketAddr::port)
                .collect::<Vec<_>>(),
            [6653, 6633]
        );
        assert_eq!(config.http.to_string(), "127.0.0.1:8080");
        assert_eq!(config.data_dir, PathBuf::from("godwit-data"));
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("godwit.toml");
        std::fs::write(
            &path,
            "http = \"127.0.0.1:1\"\nopenflow = [\"127.0.0.1:2\"]",
        )
        .unwrap();
        let http = "127.0.0.1:3".parse().ok();
        let config = Config::load(&RunArgs {
            config: Some(path),
            http,
            ..no_args()
        })
        .unwrap();
        assert_eq!((config.http.port(), config.openflow[0].port()), (3, 2));
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_line() {
        let error = load("\nhtpp = \"127.0.0.1:1\"").unwrap_err().to_string();
        assert!(
            error.contains("htpp") && error.contains("line 2"),
            "{error}"
        );
    }

    #[test]
    fn apps_that_do_not_go_together_are_refused() {
        assert!(load("apps = [\"migration\"]").is_err());
        assert!(load("apps = [\"learning\", \"routing\"]").is_err());
        assert!(load("apps = [\"routing\", \"routing\"]").is_err());
        assert_eq!(
            load("apps = [\"learning\"]").unwrap().apps,
            [AppName::Learning]
        );
    }
}
