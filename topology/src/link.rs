//! Where a cable is plugged, and the directed link between two such places.

use std::fmt;

use godwit_openflow::types::{DatapathId, PortNo};
use serde::{Deserialize, Serialize};

/// One port of one switch. Ordered by datapath id, then port number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PortRef {
    /// The switch.
    pub dpid: DatapathId,
    /// The port on it.
    pub port: PortNo,
}

impl PortRef {
    /// Before all others in their order.
    pub(crate) const FIRST: Self = Self::new(DatapathId(0), PortNo(0));
    /// Behind all others in their order.
    pub(crate) const LAST: Self = Self::new(DatapathId(u64::MAX), PortNo(u32::MAX));

    /// The port `port` of the switch `dpid`.
    #[must_use]
    pub const fn new(dpid: DatapathId, port: PortNo) -> Self {
        Self { dpid, port }
    }
}

impl fmt::Display for PortRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.dpid, self.port)
    }
}

/// One direction of a cable between two switches, or of a way through something that speaks no OpenFlow: what leaves
/// `src` arrives at `dst`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Where packets leave.
    pub src: PortRef,
    /// Where they arrive.
    pub dst: PortRef,
}

impl Link {
    /// The same cable the other way round.
    #[must_use]
    pub const fn reversed(&self) -> Self {
        Self {
            src: self.dst,
            dst: self.src,
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.src, self.dst)
    }
}
