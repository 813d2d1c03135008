//! What the topology reports.

use godwit_openflow::types::{DatapathId, MacAddr};
use serde::Serialize;

use crate::discovery::Alarm;
use crate::host::HostChange;
use crate::link::{Link, PortRef};

/// One change of the network, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TopologyChange {
    /// A switch connected.
    SwitchUp {
        /// The switch.
        dpid: DatapathId,
    },
    /// A switch is gone; its links and edge ports were reported before.
    SwitchDown {
        /// The switch.
        dpid: DatapathId,
    },
    /// A switch was taken out of routing.
    SwitchExcluded {
        /// The switch.
        dpid: DatapathId,
    },
    /// A switch was put back into routing.
    SwitchIncluded {
        /// The switch.
        dpid: DatapathId,
    },
    /// A link was found, in this direction.
    LinkUp {
        /// The link.
        link: Link,
    },
    /// A link is gone, in this direction.
    LinkDown {
        /// The link.
        link: Link,
    },
    /// A port is now taken for an edge port.
    EdgeUp {
        /// The port.
        port: PortRef,
    },
    /// A port is no longer taken for an edge port.
    EdgeDown {
        /// The port.
        port: PortRef,
    },
    /// What links cost was set anew, or is measured to be something else.
    CostsChanged,
    /// A host was found.
    HostAdded {
        /// The host.
        mac: MacAddr,
        /// Its port.
        at: PortRef,
    },
    /// A host is on another port now.
    HostMoved {
        /// The host.
        mac: MacAddr,
        /// Its old port.
        from: PortRef,
        /// Its new port.
        to: PortRef,
    },
    /// A host has a further IP address, is in a further VLAN, or was heard again after its port came back.
    HostAddressAdded {
        /// The host.
        mac: MacAddr,
    },
    /// A host was forgotten.
    HostGone {
        /// The host.
        mac: MacAddr,
        /// Its last port.
        at: PortRef,
    },
    /// A host's address turned up on a second port while the first is still up. The host stays where it is;
    /// whether it is still there should be asked there. Changes nothing by itself.
    HostConflict {
        /// The host.
        mac: MacAddr,
        /// The port it keeps for now.
        attached: PortRef,
        /// The other port.
        claimed: PortRef,
    },
    /// An LLDP frame that should not have been there. Changes nothing by itself.
    Alarm {
        /// The frame and what is wrong with it.
        alarm: Alarm,
    },
}

impl TopologyChange {
    /// Whether it changed the picture, rather than only telling of an incident.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        !matches!(self, Self::HostConflict { .. } | Self::Alarm { .. })
    }
}

impl From<HostChange> for TopologyChange {
    fn from(change: HostChange) -> Self {
        match change {
            HostChange::Added { mac, at } => Self::HostAdded { mac, at },
            HostChange::Moved { mac, from, to } => Self::HostMoved { mac, from, to },
            HostChange::AddressAdded { mac } => Self::HostAddressAdded { mac },
            HostChange::Conflict {
                mac,
                attached,
                claimed,
            } => Self::HostConflict {
                mac,
                attached,
                claimed,
            },
            HostChange::Gone { mac, at } => Self::HostGone { mac, at },
        }
    }
}
