//! The log: what is written, and changing that while the controller runs.

use std::fmt;
use std::io::IsTerminal as _;
use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, reload};

/// What is logged: a level (`info`), or levels of parts of the program (`warn,godwit_apps=debug`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl Default for LogFilter {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LogFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "expected off, error, warn, info, debug or trace, or levels of parts of the program, \
                                for example warn,godwit_apps=debug";
        let wrong = |part: &str| format!("`{part}` is no level: {EXPECTED}");
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        let text = parts.join(",");
        if text.is_empty() {
            return Err(EXPECTED.to_owned());
        }
        // Taken as it stands, a word that is no level would name a part of the program that doesn't exist, and
        // nothing else would be logged any more.
        let is_level = |part: &str| part.parse::<LevelFilter>().is_ok();
        let bare = parts
            .iter()
            .find(|part| !part.contains(['=', '[', ']', '{', '}']) && !is_level(part));
        if let Some(part) = bare {
            return Err(wrong(part));
        }
        EnvFilter::try_new(&text).map_err(|error| format!("`{text}`: {error}; {EXPECTED}"))?;
        Ok(Self(text))
    }
}

/// The log of this process.
pub struct Log {
    filter: reload::Handle<EnvFilter, Registry>,
}

/// A filter that can't be put in force.
#[derive(Debug, thiserror::Error)]
#[error("the log filter: {0}")]
pub struct LogError(String);

impl Log {
    /// Begins logging to stderr.
    ///
    /// # Errors
    /// When this process logs already.
    pub fn start(filter: &LogFilter) -> Result<Self, LogError> {
        let (filter, handle) = reload::Layer::new(directives(filter)?);
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal());
        tracing_subscriber::registry()
            .with(filter)
            .with(lines)
            .try_init()
            .map_err(|error| LogError(error.to_string()))?;
        Ok(Self { filter: handle })
    }

    /// Logs by another filter from now on.
    ///
    /// # Errors
    /// When the filter can't be put in force; the one before stays.
    pub fn set(&self, filter: &LogFilter) -> Result<(), LogError> {
        self.filter
            .reload(directives(filter)?)
            .map_err(|error| LogError(error.to_string()))
    }
}

fn directives(filter: &LogFilter) -> Result<EnvFilter, LogError> {
    EnvFilter::try_new(&filter.0).map_err(|error| LogError(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_and_levels_of_parts_are_filters() {
        for text in [
            "off",
            "INFO",
            "debug",
            "warn,godwit_apps=debug",
            "godwit_controller::switch=trace",
            "info,godwit_apps=off",
            "[switch{dpid=7}]=trace",
        ] {
            assert_eq!(text.parse::<LogFilter>().unwrap().to_string(), text);
        }
        let spaced = " info, godwit_apps=off ".parse::<LogFilter>().unwrap();
        assert_eq!(spaced.to_string(), "info,godwit_apps=off");
    }

    #[test]
    fn what_would_silence_the_log_by_a_slip_is_refused() {
        for text in ["", " ", "verbose", "inf", "warn,godwit_apps", "godwit=loud"] {
            let error = text.parse::<LogFilter>().unwrap_err();
            assert!(error.contains("expected off, error"), "{text}: {error}");
        }
    }
}
