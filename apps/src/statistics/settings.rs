//! What of the statistics can be set.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::series::Shape;

/// The section `[statistics]` of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How often each switch is asked, in seconds; 0 is never, up to 86,400.
    pub interval_s: u32,
    /// The half-life of smoothed rates, in seconds, from 1 to 86,400.
    pub half_life_s: u32,
    /// How many rates of each series are kept in memory, up to 10,000.
    pub samples: usize,
    /// How many series there are at the most of each kind (ports, queues, groups, meters, flow entries, routes), up to
    /// 1,000,000. What comes later is shown without rates.
    pub series: usize,
    /// Where the CSV files are written; nowhere unless set.
    pub export_dir: Option<PathBuf>,
    /// How often, in seconds, from 1 to 86,400.
    pub export_interval_s: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval_s: 10,
            half_life_s: 30,
            samples: 60,
            series: 10_000,
            export_dir: None,
            export_interval_s: 60,
        }
    }
}

const DAY_S: u32 = 86_400;

impl Settings {
    /// Says what is out of its range.
    ///
    /// # Errors
    /// The key and its range.
    pub fn check(&self) -> Result<(), &'static str> {
        let seconds = 1..=DAY_S;
        if self.interval_s > DAY_S {
            Err("`interval_s` is from 0 (never) to 86400")
        } else if !seconds.contains(&self.half_life_s) {
            Err("`half_life_s` is from 1 to 86400")
        } else if self.samples > 10_000 {
            Err("`samples` is at most 10000")
        } else if self.series > 1_000_000 {
            Err("`series` is at most 1000000")
        } else if !seconds.contains(&self.export_interval_s) {
            Err("`export_interval_s` is from 1 to 86400")
        } else {
            Ok(())
        }
    }

    pub(super) fn shape(&self) -> Shape {
        Shape {
            half_life: Duration::from_secs(self.half_life_s.max(1).into()),
            samples: self.samples,
        }
    }
}
