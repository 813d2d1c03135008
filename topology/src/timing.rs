//! How soon what is not heard of any more is given up.

use std::time::Duration;

/// Waiting times that depend on the network. The ranges are the caller's to keep to; outside of them nothing breaks, but
/// the reasons given here no longer hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How often a port is probed once it is known what it is; the intervals are spread below this. From 1 s, at which
    /// 10,000 ports make 10,000 frames a second, to 30 s: a way that falls silent while its ports stay up is used
    /// for so long, as often as [`Self::missed_probes`] says.
    pub probe_interval: Duration,
    /// Probes in a row without an answer that end a link. From 2, since one may be lost, to 10.
    pub missed_probes: u32,
    /// How long a host whose port is up may be silent before it is asked whether it is still there. From 10 s, at which
    /// 10,000 hosts are asked 1,000 questions a second, to a day, since a machine that was taken away during the night
    /// should not be shown for longer.
    pub host_silence: Duration,
    /// How long a host is remembered after its port went away: time for a switch to come back. From 1 s to an hour,
    /// since the routes to it are kept, and tried, for so long.
    pub host_memory: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            probe_interval: Duration::from_secs(5),
            missed_probes: 3,
            host_silence: Duration::from_secs(300),
            host_memory: Duration::from_secs(120),
        }
    }
}

impl Timing {
    /// How long a neighbour's own LLDP agent may believe a probe: until the link would be given up here, and a little.
    pub(crate) fn probe_ttl_s(&self) -> u16 {
        let last = self.probe_interval * self.missed_probes.saturating_add(1);
        u16::try_from(last.as_secs()).unwrap_or(u16::MAX)
    }
}
