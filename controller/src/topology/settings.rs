//! What of the topology can be set.

use std::time::Duration;

use godwit_topology::Timing;
use serde::{Deserialize, Serialize};

/// The section `[topology]` of the configuration file: how soon what is silent is given up. Why each has its range,
/// [`Timing`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TopologySettings {
    /// How often a port is probed for links, in seconds, from 1 to 30.
    pub link_probe_s: u32,
    /// How many probes in a row have to get lost before a link is given up, from 2 to 10.
    pub link_misses: u32,
    /// How long a host may be silent before it is asked whether it is there, in seconds, from 10 to 86,400.
    pub host_silence_s: u32,
    /// How long a host is remembered whose port is gone, in seconds, from 1 to 3,600.
    pub host_memory_s: u32,
}

impl Default for TopologySettings {
    fn default() -> Self {
        let timing = Timing::default();
        let seconds = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
        Self {
            link_probe_s: seconds(timing.probe_interval),
            link_misses: timing.missed_probes,
            host_silence_s: seconds(timing.host_silence),
            host_memory_s: seconds(timing.host_memory),
        }
    }
}

impl TopologySettings {
    /// Says what is out of its range.
    ///
    /// # Errors
    /// The key and its range.
    pub fn check(&self) -> Result<(), &'static str> {
        if !(1..=30).contains(&self.link_probe_s) {
            Err("`link_probe_s` is from 1 to 30")
        } else if !(2..=10).contains(&self.link_misses) {
            Err("`link_misses` is from 2 to 10")
        } else if !(10..=86_400).contains(&self.host_silence_s) {
            Err("`host_silence_s` is from 10 to 86400")
        } else if !(1..=3_600).contains(&self.host_memory_s) {
            Err("`host_memory_s` is from 1 to 3600")
        } else {
            Ok(())
        }
    }

    /// The same as waiting times.
    #[must_use]
    pub fn timing(&self) -> Timing {
        Timing {
            probe_interval: Duration::from_secs(self.link_probe_s.into()),
            missed_probes: self.link_misses,
            host_silence: Duration::from_secs(self.host_silence_s.into()),
            host_memory: Duration::from_secs(self.host_memory_s.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_topology_and_in_their_ranges() {
        let settings = TopologySettings::default();
        assert_eq!(settings.timing(), Timing::default());
        assert_eq!(settings.check(), Ok(()));
    }

    #[test]
    fn what_is_out_of_its_range_is_named() {
        let whole = TopologySettings::default();
        let wrong = [
            TopologySettings {
                link_probe_s: 0,
                ..whole
            },
            TopologySettings {
                link_misses: 1,
                ..whole
            },
            TopologySettings {
                host_silence_s: 9,
                ..whole
            },
            TopologySettings {
                host_memory_s: 3_601,
                ..whole
            },
        ];
        let named = wrong.map(|settings| settings.check().unwrap_err());
        for (fault, key) in named.into_iter().zip([
            "`link_probe_s`",
            "`link_misses`",
            "`host_silence_s`",
            "`host_memory_s`",
        ]) {
            assert!(fault.starts_with(key), "{fault}");
        }
    }
}
