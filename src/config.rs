//! The configuration: flags over environment over file over defaults, checked before anything is bound, and read
//! again at SIGHUP.

mod file;
mod origin;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use godwit_apps::routing::RoutingSettings;
use godwit_apps::statistics::Settings as StatisticsSettings;
use godwit_controller::{RulesSettings, TopologySettings};
use godwit_topology::Metric;
use toml::{Table, Value};

use crate::cli::RunArgs;
use crate::logging::LogFilter;
use file::File;
pub use origin::{Origin, Origins};

/// Where packages and `make install` put the configuration file.
pub const INSTALLED_FILE: &str = "/etc/godwit/godwit.toml";

/// What `godwit run` works with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where switches may connect. The first is OpenFlow's registered port, the second the one before it.
    pub openflow: Vec<SocketAddr>,
    /// Where REST is served.
    pub http: SocketAddr,
    /// Where the controller keeps what has to survive it.
    pub data_dir: PathBuf,
    /// The control apps; of two with the same priority the first is asked first about a packet.
    pub apps: Vec<AppName>,
    /// What is logged.
    pub log: LogFilter,
    /// How statistics are collected, kept and exported.
    pub statistics: StatisticsSettings,
    /// How soon what is silent in the network is given up.
    pub topology: TopologySettings,
    /// How rules are audited.
    pub rules: RulesSettings,
    /// How paths are chosen.
    pub routing: RoutingSettings,
}

/// A control app that can be hosted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppName {
    /// Ethernet switching by learning.
    Learning,
    /// Shortest-path routes.
    Routing,
    /// Migration of a switch's work; it needs `routing`.
    Migration,
    /// An access list.
    Acl,
    /// Answers to ARP requests for hosts that are known.
    Arp,
}

impl AppName {
    const ALL: [Self; 5] = [
        Self::Learning,
        Self::Routing,
        Self::Migration,
        Self::Acl,
        Self::Arp,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Learning => "learning",
            Self::Routing => "routing",
            Self::Migration => "migration",
            Self::Acl => "acl",
            Self::Arp => "arp",
        }
    }
}

impl FromStr for AppName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|app| app.name() == text)
            .ok_or_else(|| {
                let known = Self::ALL.map(Self::name).join(", ");
                format!("`{text}` is no app: there are {known}")
            })
    }
}

/// A key of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// [`Config::openflow`].
    Openflow,
    /// [`Config::http`].
    Http,
    /// [`Config::data_dir`].
    DataDir,
    /// [`Config::apps`].
    Apps,
    /// [`Config::log`].
    Log,
    /// [`Config::statistics`], a section of the file.
    Statistics,
    /// [`Config::topology`], a section of the file.
    Topology,
    /// [`Config::rules`], a section of the file.
    Rules,
    /// [`Config::routing`], a section of the file.
    Routing,
}

impl Key {
    /// All of them, the sections of the file last.
    pub const ALL: [Self; 9] = [
        Self::Openflow,
        Self::Http,
        Self::DataDir,
        Self::Apps,
        Self::Log,
        Self::Statistics,
        Self::Topology,
        Self::Rules,
        Self::Routing,
    ];

    /// Its name in the file, which is also the name of its argument if it has one.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Openflow => "openflow",
            Self::Http => "http",
            Self::DataDir => "data_dir",
            Self::Apps => "apps",
            Self::Log => "log",
            Self::Statistics => "statistics",
            Self::Topology => "topology",
            Self::Rules => "rules",
            Self::Routing => "routing",
        }
    }

    /// Its argument; sections are set in the file alone.
    #[must_use]
    pub const fn argument(self) -> Option<Argument> {
        let (flag, variable) = match self {
            Self::Openflow => ("--openflow", "GODWIT_OPENFLOW"),
            Self::Http => ("--http", "GODWIT_HTTP"),
            Self::DataDir => ("--data-dir", "GODWIT_DATA_DIR"),
            Self::Apps => ("--apps", "GODWIT_APPS"),
            Self::Log => ("--log", "GODWIT_LOG"),
            Self::Statistics | Self::Topology | Self::Rules | Self::Routing => return None,
        };
        Some(Argument { flag, variable })
    }

    /// Whether a controller that runs takes a change of it at SIGHUP. The others take effect at the next start.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Log)
    }
}

/// What gives a key its value on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argument {
    /// The flag.
    pub flag: &'static str,
    /// The environment variable.
    pub variable: &'static str,
}

/// A configuration, and where each of its values comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    origins: BTreeMap<Key, Origin>,
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
    /// Something in it, in the environment or in an argument is not what it should be.
    #[error("{origin}: {message}")]
    Wrong {
        /// What is wrong.
        origin: Origin,
        /// Why, and what would be right.
        message: String,
    },
}

/// A value that another configuration has for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: Key,
    /// What it was, in TOML.
    pub from: String,
    /// What it is now, in TOML.
    pub to: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} (was {})", self.key.name(), self.to, self.from)
    }
}

impl Loaded {
    /// Puts flags and environment (which `args` hold), file and defaults together.
    ///
    /// # Errors
    /// When the file can't be read, has an unknown key or a wrong value, or values don't go together.
    pub fn load(args: &RunArgs) -> Result<Self, ConfigError> {
        let mut file = args
            .config
            .as_deref()
            .map(File::read)
            .transpose()?
            .unwrap_or_default();
        let mut choice = Choice {
            args,
            origins: BTreeMap::new(),
        };
        let any = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        let given = Some(args.openflow.clone()).filter(|list| !list.is_empty());
        let config = Config {
            openflow: choice.make(Key::Openflow, given, file.openflow.take(), || {
                vec![any(6653), any(6633)]
            }),
            http: choice.make(Key::Http, args.http, file.http.take(), || {
                SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))
            }),
            data_dir: choice.make(
                Key::DataDir,
                args.data_dir.clone(),
                file.data_dir.take(),
                || PathBuf::from("godwit-data"),
            ),
            apps: choice.make(Key::Apps, args.apps.clone(), file.apps.take(), || {
                vec![AppName::Routing, AppName::Migration, AppName::Acl]
            }),
            log: choice.make(
                Key::Log,
                args.log.clone(),
                file.log.take(),
                LogFilter::default,
            ),
            statistics: choice.make(
                Key::Statistics,
                None,
                file.statistics.take(),
                StatisticsSettings::default,
            ),
            topology: choice.make(
                Key::Topology,
                None,
                file.topology.take(),
                TopologySettings::default,
            ),
            rules: choice.make(Key::Rules, None, file.rules.take(), RulesSettings::default),
            routing: choice.make(
                Key::Routing,
                None,
                file.routing.take(),
                RoutingSettings::default,
            ),
        };
        let origins = choice.origins;
        Self { config, origins }.check()
    }

    /// Where the value of a key comes from.
    #[must_use]
    pub fn origin(&self, key: Key) -> &Origin {
        self.origins.get(&key).unwrap_or(&Origin::Default)
    }

    fn check(self) -> Result<Self, ConfigError> {
        let config = &self.config;
        for (key, fault) in [
            (Key::Openflow, wrong_addresses(&config.openflow)),
            (Key::Http, wrong_http(config.http, &config.openflow)),
            (Key::DataDir, wrong_directory(&config.data_dir)),
            (Key::Apps, wrong_apps(&config.apps)),
            (
                Key::Statistics,
                config.statistics.check().err().map(str::to_owned),
            ),
            (
                Key::Topology,
                config.topology.check().err().map(str::to_owned),
            ),
            (Key::Rules, config.rules.check().err().map(str::to_owned)),
            (Key::Routing, wrong_routing(config)),
        ] {
            if let Some(fault) = fault {
                return Err(ConfigError::Wrong {
                    origin: self.origin(key).clone(),
                    message: format!("`{}`: {fault}", key.name()),
                });
            }
        }
        Ok(self)
    }

    /// The effective values as a configuration file, with a remark behind each that says where it comes from.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let entries = Key::ALL.map(|key| match self.config.value(key) {
            Value::Table(section) => (key, format!("[{}]", key.name()), section),
            value => (key, format!("{} = {value}", key.name()), Table::new()),
        });
        let widths = entries.iter().map(|(_, line, _)| line.len());
        let width = widths.max().unwrap_or_default();
        let mut text = String::new();
        for (key, line, section) in entries {
            let effect = if key.is_live() { "SIGHUP" } else { "restart" };
            let origin = self.origin(key);
            // A path may hold anything, a remark one line.
            let origin = origin.to_string().replace(char::is_control, "?");
            text += &format!("{line:width$}  # {origin}; a change takes effect at {effect}\n");
            for (name, value) in section {
                text += &format!("{name} = {value}\n");
            }
        }
        text
    }

    /// The same for programs.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let entry = |key: Key| {
            let value = serde_json::json!({
                "value": self.config.value(key),
                "from": self.origin(key).to_string(),
                "live": key.is_live(),
            });
            (key.name().to_owned(), value)
        };
        serde_json::Value::Object(Key::ALL.into_iter().map(entry).collect())
    }
}

impl Config {
    /// The value of a key as TOML has it.
    #[must_use]
    pub fn value(&self, key: Key) -> Value {
        let list = |items: Vec<String>| items.into_iter().map(Value::String).collect::<Vec<_>>();
        match key {
            Key::Openflow => list(self.openflow.iter().map(ToString::to_string).collect()).into(),
            Key::Http => self.http.to_string().into(),
            Key::DataDir => self.data_dir.to_string_lossy().into_owned().into(),
            Key::Apps => list(self.apps.iter().map(|app| app.name().to_owned()).collect()).into(),
            Key::Log => self.log.to_string().into(),
            // Numbers and text are always values.
            Key::Statistics => Value::try_from(&self.statistics).unwrap_or(Table::new().into()),
            Key::Topology => Value::try_from(self.topology).unwrap_or(Table::new().into()),
            Key::Rules => Value::try_from(&self.rules).unwrap_or(Table::new().into()),
            Key::Routing => Value::try_from(self.routing).unwrap_or(Table::new().into()),
        }
    }

    /// What differs in `other`.
    #[must_use]
    pub fn changes(&self, other: &Self) -> Vec<Change> {
        Key::ALL
            .into_iter()
            .filter(|&key| self.value(key) != other.value(key))
            .map(|key| Change {
                key,
                from: self.value(key).to_string(),
                to: other.value(key).to_string(),
            })
            .collect()
    }
}

/// Takes the first value that there is, and remembers where it came from.
struct Choice<'a> {
    args: &'a RunArgs,
    origins: BTreeMap<Key, Origin>,
}

impl Choice<'_> {
    fn make<T>(
        &mut self,
        key: Key,
        given: Option<T>,
        in_file: Option<file::Entry<T>>,
        default: impl FnOnce() -> T,
    ) -> T {
        let (value, origin) = match (given, key.argument(), in_file) {
            (Some(value), Some(argument), _) if self.args.origins.is_environment(key) => {
                (value, Origin::Environment(argument.variable))
            }
            (Some(value), Some(argument), _) => (value, Origin::Flag(argument.flag)),
            (_, _, Some(entry)) => (entry.value, entry.origin),
            _ => (default(), Origin::Default),
        };
        self.origins.insert(key, origin);
        value
    }
}

fn wrong_addresses(addresses: &[SocketAddr]) -> Option<String> {
    if addresses.is_empty() {
        return Some("switches need at least one address to connect to".to_owned());
    }
    (1..addresses.len())
        .find_map(|index| clash(addresses[index], &addresses[..index]))
        .map(|(one, other)| format!("{one} and {other} can't both be listened on"))
}

fn wrong_http(http: SocketAddr, openflow: &[SocketAddr]) -> Option<String> {
    clash(http, openflow)
        .map(|(_, other)| format!("{http} can't be listened on beside {other} of `openflow`"))
}

/// An address among `others` that takes the same port of the same interface.
fn clash(address: SocketAddr, others: &[SocketAddr]) -> Option<(SocketAddr, SocketAddr)> {
    others
        .iter()
        .find(|other| {
            let (one, two) = (address.ip(), other.ip());
            // The system chooses another port for each that asks for port 0.
            address.port() != 0
                && address.port() == other.port()
                && one.is_ipv4() == two.is_ipv4()
                && (one == two || one.is_unspecified() || two.is_unspecified())
        })
        .map(|&other| (address, other))
}

fn wrong_directory(directory: &std::path::Path) -> Option<String> {
    directory
        .as_os_str()
        .is_empty()
        .then(|| "a directory has a name".to_owned())
}

fn wrong_routing(config: &Config) -> Option<String> {
    let blind = config.statistics.interval_s == 0;
    (config.routing.metric == Metric::Utilisation && blind).then(|| {
        "`metric` can't be \"utilisation\" where `interval_s` of `[statistics]` is 0: nothing is measured".to_owned()
    })
}

fn wrong_apps(apps: &[AppName]) -> Option<String> {
    let has = |app| apps.contains(&app);
    let place = |app| apps.iter().position(|other| *other == app);
    match (place(AppName::Routing), place(AppName::Migration)) {
        (None, Some(_)) => {
            return Some("`migration` moves routes and needs `routing`".to_owned());
        }
        (Some(routing), Some(migration)) if migration < routing => {
            return Some("`migration` needs `routing` before it".to_owned());
        }
        _ => {}
    }
    if has(AppName::Learning) && has(AppName::Routing) {
        return Some("`learning` and `routing` both forward: take one of them".to_owned());
    }
    (1..apps.len())
        .find(|&index| apps[index..].contains(&apps[index - 1]))
        .map(|index| format!("`{}` is named twice", apps[index - 1].name()))
}

#[cfg(test)]
mod tests;
