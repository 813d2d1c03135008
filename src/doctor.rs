//! `godwit doctor`: whether this machine is fit for a controller and its switches, and what mends it if not.
//!
//! It reads and asks; it changes nothing and begins no service.

mod machine;
mod open_vswitch;

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::process::{Command, Stdio};

use serde::Serialize;

use crate::cli::RunArgs;
use crate::config::Loaded;

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// As it should be.
    Ok,
    /// It works, or somebody may want it so, but it is worth a look.
    Warn,
    /// It does not work.
    Fail,
}

impl Status {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What was found of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    check: String,
    pub(crate) status: Status,
    detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

impl Finding {
    fn ok(check: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            check: check.into(),
            status: Status::Ok,
            detail: detail.into(),
            mend: None,
        }
    }

    fn warn(check: impl Into<String>, detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            status: Status::Warn,
            mend: Some(mend.into()),
            ..Self::ok(check, detail)
        }
    }

    fn fail(check: impl Into<String>, detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            status: Status::Fail,
            ..Self::warn(check, detail, mend)
        }
    }
}

/// Looks at everything that a controller with these arguments would meet.
pub(crate) fn examine(args: &RunArgs) -> Vec<Finding> {
    let mut findings = vec![machine::versions()];
    let loaded = Loaded::load(args);
    findings.push(match (&loaded, &args.config) {
        (Ok(_), Some(path)) => Finding::ok("configuration", format!("{} is right", path.display())),
        (Ok(_), None) => Finding::ok("configuration", "no file; flags, environment and defaults"),
        (Err(error), _) => Finding::fail(
            "configuration",
            error.to_string(),
            "mend it; `godwit config check` looks again",
        ),
    });
    // With a wrong file, what the rest says is still of use.
    let without_file = || {
        let config = None;
        Loaded::load(&RunArgs {
            config,
            ..args.clone()
        })
    };
    if let Ok(Loaded { config, .. }) = loaded.or_else(|_| without_file()) {
        findings.extend(machine::ports(&config));
        findings.extend(machine::data_dir(&config.data_dir));
    }
    findings.push(machine::clock());
    findings.extend(open_vswitch::findings());
    findings
}

/// The findings for a person: a line each, and below it the mend.
pub(crate) fn render(findings: &[Finding]) -> String {
    let widest = findings.iter().map(|finding| finding.check.len()).max();
    let width = widest.unwrap_or_default();
    let mut text = String::new();
    for finding in findings {
        let (status, check, detail) = (finding.status.name(), &finding.check, &finding.detail);
        let _ = writeln!(text, "{status:4}  {check:width$}  {detail}");
        if let Some(mend) = &finding.mend {
            let _ = writeln!(text, "      {:width$}  → {mend}", "");
        }
    }
    text
}

/// Why a program gave no answer.
#[derive(Debug, PartialEq, Eq)]
enum NoAnswer {
    /// It isn't there.
    Missing,
    /// It failed, with what it said.
    Failed(String),
}

/// What another program prints.
fn ask(program: &str, arguments: &[&str]) -> Result<String, NoAnswer> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => NoAnswer::Missing,
            _ => NoAnswer::Failed(format!("{program}: {error}")),
        })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        // Mininet tells its version on stderr.
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        Ok(if out.is_empty() { err } else { out })
    } else {
        let said = text(&output.stderr);
        let line = said.lines().last().unwrap_or_default();
        Err(NoAnswer::Failed(if line.is_empty() {
            format!("{program} ended with {}", output.status)
        } else {
            line.to_owned()
        }))
    }
}

#[cfg(test)]
mod tests;
