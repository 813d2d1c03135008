//! What of the audit can be set.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use godwit_openflow::model::FlowRule;
use godwit_openflow::types::Cookie;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const DAY_S: u32 = 86_400;

/// The section `[rules]` of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RulesSettings {
    /// How often the rules of each switch are compared with what they should be, in seconds, up to 86,400; 0 is only when
    /// somebody asks, and when a switch connects.
    pub audit_interval_s: u32,
    /// Rules of others with such a cookie are not reported.
    #[schemars(with = "Vec<String>")]
    pub except_cookies: Vec<CookieMask>,
    /// Rules of others in these tables are not reported.
    pub except_tables: Vec<u8>,
}

impl Default for RulesSettings {
    fn default() -> Self {
        Self {
            audit_interval_s: 10,
            except_cookies: Vec::new(),
            except_tables: Vec::new(),
        }
    }
}

impl RulesSettings {
    /// Without audits, unless somebody asks.
    #[must_use]
    pub fn unaudited() -> Self {
        Self {
            audit_interval_s: 0,
            ..Self::default()
        }
    }

    /// Says what is out of its range.
    ///
    /// # Errors
    /// The key and its range.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.audit_interval_s > DAY_S {
            Err("`audit_interval_s` is from 0 (never) to 86400")
        } else {
            Ok(())
        }
    }

    /// How often; `None` is never.
    pub(super) fn interval(&self) -> Option<Duration> {
        let seconds = u64::from(self.audit_interval_s);
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }

    /// Whether a rule of others is as expected.
    pub(super) fn excepts(&self, rule: &FlowRule) -> bool {
        let mut cookies = self.except_cookies.iter();
        self.except_tables.contains(&rule.table.0) || cookies.any(|mask| mask.covers(rule.cookie))
    }
}

/// Cookies that agree in some bits. As text `VALUE` or `VALUE/MASK`, each decimal, or hexadecimal behind `0x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CookieMask {
    value: u64,
    mask: u64,
}

impl CookieMask {
    /// Whether this cookie is one of them.
    #[must_use]
    pub const fn covers(self, cookie: Cookie) -> bool {
        (cookie.0 ^ self.value) & self.mask == 0
    }
}

impl FromStr for CookieMask {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            let read = match text.strip_prefix("0x") {
                Some(digits) if !digits.starts_with('+') => u64::from_str_radix(digits, 16).ok(),
                Some(_) => None,
                None => text.parse().ok(),
            };
            read.ok_or_else(|| {
                format!(
                    "`{text}` is no cookie: expected VALUE or VALUE/MASK, as in \"0xabc0/0xfff0\""
                )
            })
        };
        let (value, mask) = match text.split_once('/') {
            Some((value, mask)) => (number(value)?, number(mask)?),
            None => (number(text)?, u64::MAX),
        };
        Ok(Self { value, mask })
    }
}

impl fmt::Display for CookieMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.value)?;
        if self.mask == u64::MAX {
            Ok(())
        } else {
            write!(f, "/{:#x}", self.mask)
        }
    }
}

impl Serialize for CookieMask {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CookieMask {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use godwit_openflow::model::Pattern;
    use godwit_openflow::types::TableId;

    #[test]
    fn cookies_are_read_as_they_are_written() {
        for text in [
            "0x0",
            "0x5",
            "0xffffffffffffffff",
            "0xabc0/0xfff0",
            "0x0/0x0",
        ] {
            let mask: CookieMask = text.parse().unwrap();
            assert_eq!(mask.to_string(), text);
        }
        assert_eq!(
            "17/16".parse(),
            Ok(CookieMask {
                value: 17,
                mask: 16
            })
        );
        for wrong in [
            "",
            "/",
            "5/",
            "/5",
            "0x",
            "0x+5",
            "-1",
            "5/6/7",
            "0x10000000000000000",
        ] {
            let error = wrong.parse::<CookieMask>().unwrap_err();
            assert!(error.contains("is no cookie"), "{wrong}: {error}");
        }
    }

    #[test]
    fn what_is_expected_is_known_by_its_cookie_or_its_table() {
        let settings = RulesSettings {
            except_cookies: vec!["0xab00/0xff00".parse().unwrap()],
            except_tables: vec![7],
            ..RulesSettings::default()
        };
        let rule = |table, cookie| {
            let mut rule = FlowRule::new(1, Pattern::new(), Vec::new()).with_cookie(Cookie(cookie));
            rule.table = TableId(table);
            rule
        };
        assert!(settings.excepts(&rule(0, 0x1_ab55)) && settings.excepts(&rule(7, 0)));
        assert!(!settings.excepts(&rule(0, 0xac00)) && !settings.excepts(&rule(6, 0xcd00)));
        assert!(!RulesSettings::default().excepts(&rule(0, 0)));
    }

    #[test]
    fn an_interval_is_a_day_at_the_most() {
        let of = |audit_interval_s| RulesSettings {
            audit_interval_s,
            ..RulesSettings::default()
        };
        assert!(of(86_400).check().is_ok() && of(86_401).check().is_err());
        assert_eq!(
            (of(0).interval(), of(1).interval()),
            (None, Some(Duration::from_secs(1)))
        );
    }
}
