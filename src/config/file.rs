//! The configuration file: TOML, in which every key is known and every value is of its kind.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use godwit_apps::routing::RoutingSettings;
use godwit_apps::statistics::Settings as StatisticsSettings;
use godwit_controller::{RulesSettings, TopologySettings};
use serde::Deserialize;
use toml::Spanned;

use super::{AppName, ConfigError, Origin};
use crate::cli::socket_address;
use crate::logging::LogFilter;

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) openflow: Option<Entry<Vec<SocketAddr>>>,
    pub(super) http: Option<Entry<SocketAddr>>,
    pub(super) data_dir: Option<Entry<PathBuf>>,
    pub(super) apps: Option<Entry<Vec<AppName>>>,
    pub(super) log: Option<Entry<LogFilter>>,
    pub(super) statistics: Option<Entry<StatisticsSettings>>,
    pub(super) topology: Option<Entry<TopologySettings>>,
    pub(super) rules: Option<Entry<RulesSettings>>,
    pub(super) routing: Option<Entry<RoutingSettings>>,
}

/// A value with its place.
#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) value: T,
    pub(super) origin: Origin,
}

/// The file as it is written. Text is understood later, so that what is wrong in it is told with its own line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    openflow: Option<Spanned<Vec<Spanned<String>>>>,
    http: Option<Spanned<String>>,
    data_dir: Option<Spanned<String>>,
    apps: Option<Spanned<Vec<Spanned<String>>>>,
    log: Option<Spanned<String>>,
    statistics: Option<Spanned<StatisticsSettings>>,
    topology: Option<Spanned<TopologySettings>>,
    rules: Option<Spanned<RulesSettings>>,
    routing: Option<Spanned<RoutingSettings>>,
}

impl File {
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let bytes = std::fs::read(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let lines = Lines {
            path,
            bytes: &bytes,
        };
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let message = "not UTF-8, which TOML is written in";
            lines.wrong(Some(error.valid_up_to()), message)
        })?;
        let written: Written = toml::from_str(text).map_err(|error| {
            let message = error.message().replace("unknown field", "unknown key");
            lines.wrong(error.span().map(|span| span.start), message.trim())
        })?;
        Ok(Self {
            openflow: lines.list(written.openflow, socket_address)?,
            http: lines.one(written.http, socket_address)?,
            data_dir: lines.one(written.data_dir, |text| Ok(PathBuf::from(text)))?,
            apps: lines.list(written.apps, AppName::from_str)?,
            log: lines.one(written.log, LogFilter::from_str)?,
            statistics: written.statistics.map(|written| lines.section(written)),
            topology: written.topology.map(|written| lines.section(written)),
            rules: written.rules.map(|written| lines.section(written)),
            routing: written.routing.map(|written| lines.section(written)),
        })
    }
}

/// Understands what is written, and knows in which line it stands.
struct Lines<'a> {
    path: &'a Path,
    bytes: &'a [u8],
}

impl Lines<'_> {
    fn one<T>(
        &self,
        written: Option<Spanned<String>>,
        understand: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<Entry<T>>, ConfigError> {
        let understood = |written: Spanned<String>| {
            Ok(Entry {
                value: self.understood(&written, understand)?,
                origin: self.origin(Some(written.span().start)),
            })
        };
        written.map(understood).transpose()
    }

    fn list<T>(
        &self,
        written: Option<Spanned<Vec<Spanned<String>>>>,
        understand: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<Entry<Vec<T>>>, ConfigError> {
        let understood = |written: Spanned<Vec<Spanned<String>>>| {
            let items = written.get_ref().iter();
            Ok(Entry {
                value: items
                    .map(|item| self.understood(item, &understand))
                    .collect::<Result<_, _>>()?,
                origin: self.origin(Some(written.span().start)),
            })
        };
        written.map(understood).transpose()
    }

    fn section<T>(&self, written: Spanned<T>) -> Entry<T> {
        Entry {
            origin: self.origin(Some(written.span().start)),
            value: written.into_inner(),
        }
    }

    fn understood<T>(
        &self,
        written: &Spanned<String>,
        understand: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        understand(written.get_ref())
            .map_err(|message| self.wrong(Some(written.span().start), &message))
    }

    fn wrong(&self, offset: Option<usize>, message: &str) -> ConfigError {
        ConfigError::Wrong {
            origin: self.origin(offset),
            message: message.to_owned(),
        }
    }

    /// The place of a byte of the file.
    fn origin(&self, offset: Option<usize>) -> Origin {
        let line = |offset| {
            let before = self.bytes.iter().take(offset);
            1 + before.filter(|&&byte| byte == b'\n').count()
        };
        Origin::File {
            path: self.path.to_owned(),
            line: offset.map(line),
        }
    }
}
