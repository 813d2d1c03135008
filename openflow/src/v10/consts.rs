//! Every code point of OpenFlow 1.0.2 that is used here, with its section.

/// Where the type stands in `ofp_header` (OF 1.0.2 §5.1).
pub(super) const HEADER_TYPE_OFFSET: usize = 1;
/// Where the length stands in `ofp_header` (OF 1.0.2 §5.1).
pub(super) const HEADER_LENGTH_OFFSET: usize = 2;

/// OF 1.0.2 §5.1, `ofp_type`.
pub(super) mod message_type {
    pub(in crate::v10) const HELLO: u8 = 0;
    pub(in crate::v10) const ERROR: u8 = 1;
    pub(in crate::v10) const ECHO_REQUEST: u8 = 2;
    pub(in crate::v10) const ECHO_REPLY: u8 = 3;
    pub(in crate::v10) const VENDOR: u8 = 4;
    pub(in crate::v10) const FEATURES_REQUEST: u8 = 5;
    pub(in crate::v10) const FEATURES_REPLY: u8 = 6;
    pub(in crate::v10) const GET_CONFIG_REQUEST: u8 = 7;
    pub(in crate::v10) const GET_CONFIG_REPLY: u8 = 8;
    pub(in crate::v10) const SET_CONFIG: u8 = 9;
    pub(in crate::v10) const PACKET_IN: u8 = 10;
    pub(in crate::v10) const FLOW_REMOVED: u8 = 11;
    pub(in crate::v10) const PORT_STATUS: u8 = 12;
    pub(in crate::v10) const PACKET_OUT: u8 = 13;
    pub(in crate::v10) const FLOW_MOD: u8 = 14;
    pub(in crate::v10) const PORT_MOD: u8 = 15;
    pub(in crate::v10) const STATS_REQUEST: u8 = 16;
    pub(in crate::v10) const STATS_REPLY: u8 = 17;
    pub(in crate::v10) const BARRIER_REQUEST: u8 = 18;
    pub(in crate::v10) const BARRIER_REPLY: u8 = 19;
    pub(in crate::v10) const QUEUE_GET_CONFIG_REQUEST: u8 = 20;
    pub(in crate::v10) const QUEUE_GET_CONFIG_REPLY: u8 = 21;

    /// What a controller sends; all else is unknown in that direction.
    pub(in crate::v10) const TO_SWITCH: [u8; 14] = [
        HELLO,
        ERROR,
        ECHO_REQUEST,
        ECHO_REPLY,
        VENDOR,
        FEATURES_REQUEST,
        GET_CONFIG_REQUEST,
        SET_CONFIG,
        PACKET_OUT,
        FLOW_MOD,
        PORT_MOD,
        STATS_REQUEST,
        BARRIER_REQUEST,
        QUEUE_GET_CONFIG_REQUEST,
    ];
    /// What a switch sends.
    pub(in crate::v10) const FROM_SWITCH: [u8; 13] = [
        HELLO,
        ERROR,
        ECHO_REQUEST,
        ECHO_REPLY,
        VENDOR,
        FEATURES_REPLY,
        GET_CONFIG_REPLY,
        PACKET_IN,
        FLOW_REMOVED,
        PORT_STATUS,
        STATS_REPLY,
        BARRIER_REPLY,
        QUEUE_GET_CONFIG_REPLY,
    ];
}

/// OF 1.0.2 §5.2.1, `ofp_port` and `ofp_phy_port`.
pub(super) mod port {
    /// `OFPP_MAX`: the highest number of a physical port.
    pub(in crate::v10) const MAX: u16 = 0xff00;
    /// `OFPP_ALL`.
    pub(in crate::v10) const ALL: u16 = 0xfffc;
    /// `OFPP_NONE`.
    pub(in crate::v10) const NONE: u16 = 0xffff;
    /// `OFP_MAX_PORT_NAME_LEN`.
    pub(in crate::v10) const NAME_LENGTH: usize = 16;
    /// The size of `ofp_phy_port`.
    pub(in crate::v10) const LENGTH: usize = 48;
}

/// OF 1.0.2 §5.2.3, `ofp_flow_wildcards`: a set bit means that the field is not compared.
pub(super) mod wildcard {
    pub(in crate::v10) const IN_PORT: u32 = 1;
    pub(in crate::v10) const DL_VLAN: u32 = 1 << 1;
    pub(in crate::v10) const DL_SRC: u32 = 1 << 2;
    pub(in crate::v10) const DL_DST: u32 = 1 << 3;
    pub(in crate::v10) const DL_TYPE: u32 = 1 << 4;
    pub(in crate::v10) const NW_PROTO: u32 = 1 << 5;
    pub(in crate::v10) const TP_SRC: u32 = 1 << 6;
    pub(in crate::v10) const TP_DST: u32 = 1 << 7;
    /// The first of six bits that count the low bits of `nw_src` that are not compared; 32 and above are all.
    pub(in crate::v10) const NW_SRC_SHIFT: u32 = 8;
    /// The same for `nw_dst`.
    pub(in crate::v10) const NW_DST_SHIFT: u32 = 14;
    /// The six bits, before they are shifted.
    pub(in crate::v10) const NW_BITS: u32 = 0x3f;
    pub(in crate::v10) const DL_VLAN_PCP: u32 = 1 << 20;
    pub(in crate::v10) const NW_TOS: u32 = 1 << 21;
    /// `OFPFW_ALL`.
    pub(in crate::v10) const ALL: u32 = (1 << 22) - 1;
}

/// OF 1.0.2 §5.2.3, values within `ofp_match`, and 1.3's for the same.
pub(super) mod header {
    /// `OFP_VLAN_NONE`: packets without a VLAN tag.
    pub(in crate::v10) const VLAN_NONE: u16 = 0xffff;
    /// The bits of a VLAN id.
    pub(in crate::v10) const VLAN_ID: u16 = 0x0fff;
    /// OF 1.3.5 §7.2.3.7, `OFPVID_PRESENT`: the bit by which the model says that there is a tag.
    pub(in crate::v10) const VLAN_PRESENT: u16 = 0x1000;
    /// The highest VLAN priority.
    pub(in crate::v10) const VLAN_PCP_MAX: u8 = 7;
    pub(in crate::v10) const ETH_TYPE_IPV4: u16 = 0x0800;
    pub(in crate::v10) const ETH_TYPE_ARP: u16 = 0x0806;
    pub(in crate::v10) const IP_PROTO_ICMP: u8 = 1;
    pub(in crate::v10) const IP_PROTO_TCP: u8 = 6;
    pub(in crate::v10) const IP_PROTO_UDP: u8 = 17;
    pub(in crate::v10) const IP_PROTO_SCTP: u8 = 132;
    /// The DSCP is the upper six bits of the type of service.
    pub(in crate::v10) const DSCP_SHIFT: u32 = 2;
}

/// OF 1.0.2 §5.2.4, `ofp_action_type`.
pub(super) mod action_type {
    pub(in crate::v10) const OUTPUT: u16 = 0;
    pub(in crate::v10) const SET_VLAN_VID: u16 = 1;
    pub(in crate::v10) const SET_VLAN_PCP: u16 = 2;
    pub(in crate::v10) const STRIP_VLAN: u16 = 3;
    pub(in crate::v10) const SET_DL_SRC: u16 = 4;
    pub(in crate::v10) const SET_DL_DST: u16 = 5;
    pub(in crate::v10) const SET_NW_SRC: u16 = 6;
    pub(in crate::v10) const SET_NW_DST: u16 = 7;
    pub(in crate::v10) const SET_NW_TOS: u16 = 8;
    pub(in crate::v10) const SET_TP_SRC: u16 = 9;
    pub(in crate::v10) const SET_TP_DST: u16 = 10;
    pub(in crate::v10) const ENQUEUE: u16 = 11;
    pub(in crate::v10) const VENDOR: u16 = 0xffff;
    /// As the bits of `ofp_switch_features.actions` (OF 1.0.2 §5.3.1): every action above but the vendors'.
    pub(in crate::v10) const ALL_BITS: u32 = (1 << (ENQUEUE + 1)) - 1;
}

/// OF 1.0.2 §5.3.3, `ofp_flow_mod_command` and `ofp_flow_mod_flags`.
pub(super) mod flow_mod {
    pub(in crate::v10) const ADD: u16 = 0;
    pub(in crate::v10) const MODIFY: u16 = 1;
    pub(in crate::v10) const MODIFY_STRICT: u16 = 2;
    pub(in crate::v10) const DELETE: u16 = 3;
    pub(in crate::v10) const DELETE_STRICT: u16 = 4;
    /// `OFPFF_SEND_FLOW_REM` and `OFPFF_CHECK_OVERLAP`: as in 1.3. The next bit, `OFPFF_EMERG`, is not.
    pub(in crate::v10) const SHARED_FLAGS: u16 = 0b11;
    /// Where the flags stand in a FLOW_MOD after its header.
    pub(in crate::v10) const FLAGS_OFFSET: usize = 62;
}

/// OF 1.0.2 §5.4.1 and §5.4.2, `ofp_packet_in_reason` and `ofp_flow_removed_reason`.
pub(super) mod reason {
    pub(in crate::v10) const NO_MATCH: u8 = 0;
    pub(in crate::v10) const ACTION: u8 = 1;

    pub(in crate::v10) const IDLE_TIMEOUT: u8 = 0;
    pub(in crate::v10) const HARD_TIMEOUT: u8 = 1;
    pub(in crate::v10) const DELETE: u8 = 2;
}

/// OF 1.0.2 §5.2.2, `ofp_packet_queue` and `ofp_queue_properties`.
pub(super) mod queue {
    /// The size of `ofp_packet_queue` without properties.
    pub(in crate::v10) const LENGTH: usize = 8;
    /// The size of `ofp_queue_prop_header`.
    pub(in crate::v10) const PROPERTY_LENGTH: usize = 8;
    /// `OFPQT_MIN_RATE`.
    pub(in crate::v10) const MIN_RATE: u16 = 1;
    /// The size of `ofp_queue_prop_min_rate`.
    pub(in crate::v10) const MIN_RATE_LENGTH: usize = 16;
}

/// OF 1.0.2 §5.3.5, `ofp_stats_types` and what belongs to them.
pub(super) mod stats {
    pub(in crate::v10) const DESC: u16 = 0;
    pub(in crate::v10) const FLOW: u16 = 1;
    pub(in crate::v10) const AGGREGATE: u16 = 2;
    pub(in crate::v10) const TABLE: u16 = 3;
    pub(in crate::v10) const PORT: u16 = 4;
    pub(in crate::v10) const QUEUE: u16 = 5;
    pub(in crate::v10) const VENDOR: u16 = 0xffff;
    /// `OFPSF_REPLY_MORE`.
    pub(in crate::v10) const REPLY_MORE: u16 = 1;
    /// `DESC_STR_LEN`.
    pub(in crate::v10) const DESCRIPTION_LENGTH: usize = 256;
    /// `SERIAL_NUM_LEN`.
    pub(in crate::v10) const SERIAL_LENGTH: usize = 32;
    /// `OFP_MAX_TABLE_NAME_LEN`.
    pub(in crate::v10) const TABLE_NAME_LENGTH: usize = 32;
    /// The size of `ofp_flow_stats` without actions.
    pub(in crate::v10) const FLOW_LENGTH: usize = 88;
    /// As a table's number in a request: the emergency flow cache.
    pub(in crate::v10) const EMERGENCY_TABLE: u8 = 0xfe;
    /// Where the table's number stands in the body of a request about flow entries.
    pub(in crate::v10) const TABLE_OFFSET: usize = 40;
}
