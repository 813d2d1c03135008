//! Where a value comes from.

use std::fmt;
use std::path::PathBuf;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::Key;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag, with its name.
    Flag(&'static str),
    /// An environment variable, with its name.
    Environment(&'static str),
    /// The configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1, where it can be told.
        line: Option<usize>,
    },
    /// Nobody said anything else.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Environment(name) => f.write_str(name),
            Self::File {
                path,
                line: Some(line),
            } => write!(f, "{}:{line}", path.display()),
            Self::File { path, line: None } => path.display().fmt(f),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Which arguments of `godwit run` were given by the environment and not by a flag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    environment: Vec<Key>,
}

impl Origins {
    /// Reads it from what the command line's parser has found.
    pub(crate) fn of(matches: &ArgMatches) -> Self {
        let from_environment = |key: &Key| {
            // The parser is asked only for arguments that it knows.
            let source = matches
                .try_contains_id(key.name())
                .ok()
                .and_then(|_| matches.value_source(key.name()));
            source == Some(ValueSource::EnvVariable)
        };
        Self {
            environment: Key::ALL.into_iter().filter(from_environment).collect(),
        }
    }

    /// Whether the environment gave this one.
    pub(super) fn is_environment(&self, key: Key) -> bool {
        self.environment.contains(&key)
    }
}
