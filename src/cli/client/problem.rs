//! Answers that say what went wrong (RFC 9457, `application/problem+json`).

use std::fmt;

use reqwest::StatusCode;
use serde_json::Value;

/// How many entries of a problem's lists are shown.
const SHOWN_REASONS: usize = 20;

/// How much of an answer is shown that is not a problem document.
const SHOWN_CHARACTERS: usize = 200;

/// What the controller says when it refuses.
#[derive(Debug)]
pub(crate) struct Problem {
    /// HTTP status.
    pub(crate) status: u16,
    title: String,
    detail: Option<String>,
    field: Option<String>,
    /// What extension members list, for example all that can't be moved.
    reasons: Vec<String>,
}

impl Problem {
    /// Reads the answer `body` to what was `asked`; whatever it is, something can be said of it.
    pub(super) fn read(status: StatusCode, asked: &str, body: &[u8]) -> Self {
        let fallback = format!("{asked} answered {status}");
        let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
            let text = String::from_utf8_lossy(body);
            let line = text.trim().lines().next().unwrap_or_default();
            let detail = (!line.is_empty()).then(|| line.chars().take(SHOWN_CHARACTERS).collect());
            return Self {
                status: status.as_u16(),
                title: fallback,
                detail,
                field: None,
                reasons: Vec::new(),
            };
        };
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
        let reasons = members
            .values()
            .filter_map(Value::as_array)
            .flatten()
            .map(|entry| {
                entry
                    .as_str()
                    .map_or_else(|| entry.to_string(), str::to_owned)
            })
            .collect();
        Self {
            status: status.as_u16(),
            title: text("title").unwrap_or(fallback),
            detail: text("detail"),
            field: text("field"),
            reasons,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        if let Some(field) = &self.field {
            write!(f, " (field {field})")?;
        }
        for reason in self.reasons.iter().take(SHOWN_REASONS) {
            write!(f, "\n  {reason}")?;
        }
        match self.reasons.len().saturating_sub(SHOWN_REASONS) {
            0 => Ok(()),
            more => write!(f, "\n  … and {more} more"),
        }
    }
}
