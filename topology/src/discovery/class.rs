//! Which ports have hosts, remembered over a flap of the port.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::link::PortRef;

/// How long a port's class outlives the port, or the link that made it one. Long enough that a host gains
/// nothing by taking its interface down and up; short enough that a port can be put to another use by hand.
pub const CLASS_HOLD: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy)]
struct HostClass {
    seen: Instant,
    until: Option<Instant>,
}

/// The ports classed as host ports.
#[derive(Debug, Default)]
pub(super) struct HostClasses(BTreeMap<PortRef, HostClass>);

impl HostClasses {
    /// A host was seen on the port.
    pub(super) fn seen(&mut self, port: PortRef, now: Instant) {
        self.0.insert(
            port,
            HostClass {
                seen: now,
                until: None,
            },
        );
    }

    /// The port went away; returns when its class is to be removed.
    pub(super) fn hold(&mut self, port: PortRef, now: Instant) -> Option<Instant> {
        let class = self.0.get_mut(&port)?;
        // A second flap without a host seen in between does not prolong it.
        Some(*class.until.get_or_insert(now + CLASS_HOLD))
    }

    pub(super) fn remove(&mut self, port: PortRef) {
        self.0.remove(&port);
    }

    /// When a host was last seen on the port; none if it is no host port.
    pub(super) fn last_seen(&self, port: PortRef, now: Instant) -> Option<Instant> {
        let class = self.0.get(&port)?;
        class
            .until
            .is_none_or(|until| now < until)
            .then_some(class.seen)
    }
}
