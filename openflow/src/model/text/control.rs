//! What is said about the connection, the switch as a whole, and bundles.

use std::fmt::{self, Display, Formatter};

use super::{Bits, Hex, Words, records};
use crate::model::{
    AsyncConfig, BundleAdd, BundleControl, BundleFlags, BundleStep, Description, Features,
    HelloElement, Role, RoleMessage, SwitchConfig,
};

impl Display for HelloElement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "element {}: {}", self.element_type, Hex(&self.body))
    }
}

/// OF 1.3.5 §7.3.1, ofp_capabilities; 32 bits higher what only OF 1.0.2 §5.3.1 defines.
const CAPABILITIES: &[(u64, &str)] = &[
    (1, "FLOW_STATS"),
    (1 << 1, "TABLE_STATS"),
    (1 << 2, "PORT_STATS"),
    (1 << 3, "GROUP_STATS"),
    (1 << 5, "IP_REASM"),
    (1 << 6, "QUEUE_STATS"),
    (1 << 8, "PORT_BLOCKED"),
    (1 << 35, "STP"),
    (1 << 39, "ARP_MATCH_IP"),
];

/// OF 1.0.2 §5.2.4, ofp_action_type.
const ACTIONS: &[(u64, &str)] = &[
    (1, "output"),
    (1 << 1, "set_vlan_vid"),
    (1 << 2, "set_vlan_pcp"),
    (1 << 3, "strip_vlan"),
    (1 << 4, "mod_dl_src"),
    (1 << 5, "mod_dl_dst"),
    (1 << 6, "mod_nw_src"),
    (1 << 7, "mod_nw_dst"),
    (1 << 8, "mod_nw_tos"),
    (1 << 9, "mod_tp_src"),
    (1 << 10, "mod_tp_dst"),
    (1 << 11, "enqueue"),
];

impl Display for Features {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "dpid:{} n_buffers:{}, n_tables:{}, auxiliary_id:{}, capabilities: {}",
            self.datapath_id,
            self.buffers,
            self.tables,
            self.auxiliary_id,
            Bits(self.capabilities, CAPABILITIES),
        )?;
        if let Some(actions) = self.actions {
            write!(f, ", actions: {}", Bits(actions.into(), ACTIONS))?;
        }
        match &self.ports {
            Some(ports) => {
                f.write_str(", ports:")?;
                records(f, ports)
            }
            None => Ok(()),
        }
    }
}

impl Display for SwitchConfig {
    /// OF 1.3.5 §7.3.2, ofp_config_flags: the lowest two bits are one number.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.flags & 3 {
            0 => f.write_str("frags=normal")?,
            1 => f.write_str("frags=drop")?,
            2 => f.write_str("frags=reassemble")?,
            _ => f.write_str("frags=3")?,
        }
        if self.flags & !3 != 0 {
            let rest = Bits(
                (self.flags & !3).into(),
                &[(1 << 2, "invalid_ttl_to_controller")],
            );
            write!(f, " {rest}")?;
        }
        write!(f, " miss_send_len={}", self.miss_send_len)
    }
}

impl Display for Description {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Manufacturer: {}, Hardware: {}, Software: {}, Serial Num: {}, DP Description: {}",
            Words(&self.manufacturer),
            Words(&self.hardware),
            Words(&self.software),
            Words(&self.serial),
            Words(&self.datapath),
        )
    }
}

impl Display for Role {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoChange => f.write_str("nochange"),
            Self::Equal => f.write_str("equal"),
            Self::Master => f.write_str("master"),
            Self::Slave => f.write_str("slave"),
            Self::Unknown(number) => write!(f, "{number}"),
        }
    }
}

impl Display for RoleMessage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "role={}", self.role)?;
        match self.generation {
            Some(generation) => write!(f, " generation_id={generation}"),
            None => Ok(()),
        }
    }
}

const PACKET_IN: &[(u64, &str)] = &[(1, "no_match"), (1 << 1, "action"), (1 << 2, "invalid_ttl")];
const PORT_STATUS: &[(u64, &str)] = &[(1, "add"), (1 << 1, "delete"), (1 << 2, "modify")];
const FLOW_REMOVED: &[(u64, &str)] = &[
    (1, "idle"),
    (1 << 1, "hard"),
    (1 << 2, "delete"),
    (1 << 3, "group_delete"),
];

impl Display for AsyncConfig {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, role) in ["master", "slave"].into_iter().enumerate() {
            let before = if at == 0 { "" } else { "; " };
            write!(
                f,
                "{before}{role}: PACKET_IN: {}, PORT_STATUS: {}, FLOW_REMOVED: {}",
                Bits(self.packet_in[at].into(), PACKET_IN),
                Bits(self.port_status[at].into(), PORT_STATUS),
                Bits(self.flow_removed[at].into(), FLOW_REMOVED),
            )?;
        }
        Ok(())
    }
}

impl Display for BundleFlags {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Bits(self.0.into(), &[(1, "atomic"), (1 << 1, "ordered")]).fmt(f)
    }
}

impl Display for BundleStep {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenRequest => "OPEN_REQUEST",
            Self::OpenReply => "OPEN_REPLY",
            Self::CloseRequest => "CLOSE_REQUEST",
            Self::CloseReply => "CLOSE_REPLY",
            Self::CommitRequest => "COMMIT_REQUEST",
            Self::CommitReply => "COMMIT_REPLY",
            Self::DiscardRequest => "DISCARD_REQUEST",
            Self::DiscardReply => "DISCARD_REPLY",
            Self::Unknown(number) => return write!(f, "{number}"),
        })
    }
}

impl Display for BundleControl {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (bundle, step, flags) = (self.bundle.0, self.step, self.flags);
        write!(f, "bundle_id={bundle:#x} type={step} flags={flags}")?;
        properties(f, &self.properties)
    }
}

impl Display for BundleAdd {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (bundle, flags) = (self.bundle.0, self.flags);
        write!(f, "bundle_id={bundle:#x} flags={flags}")?;
        properties(f, &self.properties)?;
        write!(f, " (xid={:#x}) {}", self.xid.0, self.message)
    }
}

fn properties(f: &mut Formatter<'_>, properties: &bytes::Bytes) -> fmt::Result {
    match properties.is_empty() {
        true => Ok(()),
        false => write!(f, " properties={}", Hex(properties)),
    }
}
