//! Every code point of OpenFlow 1.3 that is read or written here, with where it is defined.

/// The version byte of every message (OF 1.3.5 §7.1, ofp_header).
pub(super) const VERSION: u8 = 0x04;

// OF 1.3.5 §7.1, ofp_type.
pub(super) const OFPT_HELLO: u8 = 0;
pub(super) const OFPT_ERROR: u8 = 1;
pub(super) const OFPT_ECHO_REQUEST: u8 = 2;
pub(super) const OFPT_ECHO_REPLY: u8 = 3;
pub(super) const OFPT_EXPERIMENTER: u8 = 4;
pub(super) const OFPT_FEATURES_REQUEST: u8 = 5;
pub(super) const OFPT_FEATURES_REPLY: u8 = 6;
pub(super) const OFPT_GET_CONFIG_REQUEST: u8 = 7;
pub(super) const OFPT_GET_CONFIG_REPLY: u8 = 8;
pub(super) const OFPT_SET_CONFIG: u8 = 9;
pub(super) const OFPT_PACKET_IN: u8 = 10;
pub(super) const OFPT_FLOW_REMOVED: u8 = 11;
pub(super) const OFPT_PORT_STATUS: u8 = 12;
pub(super) const OFPT_PACKET_OUT: u8 = 13;
pub(super) const OFPT_FLOW_MOD: u8 = 14;
pub(super) const OFPT_GROUP_MOD: u8 = 15;
pub(super) const OFPT_PORT_MOD: u8 = 16;
pub(super) const OFPT_TABLE_MOD: u8 = 17;
pub(super) const OFPT_MULTIPART_REQUEST: u8 = 18;
pub(super) const OFPT_MULTIPART_REPLY: u8 = 19;
pub(super) const OFPT_BARRIER_REQUEST: u8 = 20;
pub(super) const OFPT_BARRIER_REPLY: u8 = 21;
pub(super) const OFPT_QUEUE_GET_CONFIG_REQUEST: u8 = 22;
pub(super) const OFPT_QUEUE_GET_CONFIG_REPLY: u8 = 23;
pub(super) const OFPT_ROLE_REQUEST: u8 = 24;
pub(super) const OFPT_ROLE_REPLY: u8 = 25;
pub(super) const OFPT_GET_ASYNC_REQUEST: u8 = 26;
pub(super) const OFPT_GET_ASYNC_REPLY: u8 = 27;
pub(super) const OFPT_SET_ASYNC: u8 = 28;
pub(super) const OFPT_METER_MOD: u8 = 29;

/// OF 1.3.5 §7.2.1, ofp_port_config.
pub(super) const OFPPC_PORT_DOWN: u32 = 1;
/// OF 1.3.5 §7.2.1, ofp_port_state.
pub(super) const OFPPS_LINK_DOWN: u32 = 1;
/// OF 1.3.5 §7.2.1, OFP_MAX_PORT_NAME_LEN.
pub(super) const PORT_NAME_LENGTH: usize = 16;

// OF 1.3.5 §7.2.2, ofp_queue_properties.
pub(super) const OFPQT_MIN_RATE: u16 = 1;
pub(super) const OFPQT_MAX_RATE: u16 = 2;
pub(super) const OFPQT_EXPERIMENTER: u16 = 0xffff;

/// OF 1.3.5 §7.2.3.1, ofp_match_type. The other, OFPMT_STANDARD, is that of OpenFlow 1.1 and deprecated.
pub(super) const OFPMT_OXM: u16 = 1;

// OF 1.3.5 §7.2.3.3, ofp_oxm_class.
pub(super) const OFPXMC_OPENFLOW_BASIC: u16 = 0x8000;
pub(super) const OFPXMC_EXPERIMENTER: u16 = 0xffff;

// OF 1.3.5 §7.2.4, ofp_instruction_type.
pub(super) const OFPIT_GOTO_TABLE: u16 = 1;
pub(super) const OFPIT_WRITE_METADATA: u16 = 2;
pub(super) const OFPIT_WRITE_ACTIONS: u16 = 3;
pub(super) const OFPIT_APPLY_ACTIONS: u16 = 4;
pub(super) const OFPIT_CLEAR_ACTIONS: u16 = 5;
pub(super) const OFPIT_METER: u16 = 6;
pub(super) const OFPIT_EXPERIMENTER: u16 = 0xffff;

// OF 1.3.5 §7.2.5, ofp_action_type.
pub(super) const OFPAT_OUTPUT: u16 = 0;
pub(super) const OFPAT_COPY_TTL_OUT: u16 = 11;
pub(super) const OFPAT_COPY_TTL_IN: u16 = 12;
pub(super) const OFPAT_SET_MPLS_TTL: u16 = 15;
pub(super) const OFPAT_DEC_MPLS_TTL: u16 = 16;
pub(super) const OFPAT_PUSH_VLAN: u16 = 17;
pub(super) const OFPAT_POP_VLAN: u16 = 18;
pub(super) const OFPAT_PUSH_MPLS: u16 = 19;
pub(super) const OFPAT_POP_MPLS: u16 = 20;
pub(super) const OFPAT_SET_QUEUE: u16 = 21;
pub(super) const OFPAT_GROUP: u16 = 22;
pub(super) const OFPAT_SET_NW_TTL: u16 = 23;
pub(super) const OFPAT_DEC_NW_TTL: u16 = 24;
pub(super) const OFPAT_SET_FIELD: u16 = 25;
pub(super) const OFPAT_PUSH_PBB: u16 = 26;
pub(super) const OFPAT_POP_PBB: u16 = 27;
pub(super) const OFPAT_EXPERIMENTER: u16 = 0xffff;

// OF 1.3.5 §7.3.4.1, ofp_flow_mod_command.
pub(super) const OFPFC_ADD: u8 = 0;
pub(super) const OFPFC_MODIFY: u8 = 1;
pub(super) const OFPFC_MODIFY_STRICT: u8 = 2;
pub(super) const OFPFC_DELETE: u8 = 3;
pub(super) const OFPFC_DELETE_STRICT: u8 = 4;

// OF 1.3.5 §7.3.4.2, ofp_group_mod_command.
pub(super) const OFPGC_ADD: u16 = 0;
pub(super) const OFPGC_MODIFY: u16 = 1;
pub(super) const OFPGC_DELETE: u16 = 2;

// OF 1.3.5 §7.3.4.2, ofp_group_type.
pub(super) const OFPGT_ALL: u8 = 0;
pub(super) const OFPGT_SELECT: u8 = 1;
pub(super) const OFPGT_INDIRECT: u8 = 2;
pub(super) const OFPGT_FF: u8 = 3;

// OF 1.3.5 §7.3.4.4, ofp_meter_mod_command.
pub(super) const OFPMC_ADD: u16 = 0;
pub(super) const OFPMC_MODIFY: u16 = 1;
pub(super) const OFPMC_DELETE: u16 = 2;

// OF 1.3.5 §7.3.4.4, ofp_meter_band_type.
pub(super) const OFPMBT_DROP: u16 = 1;
pub(super) const OFPMBT_DSCP_REMARK: u16 = 2;
pub(super) const OFPMBT_EXPERIMENTER: u16 = 0xffff;

// OF 1.3.5 §7.3.5, ofp_multipart_type.
pub(super) const OFPMP_DESC: u16 = 0;
pub(super) const OFPMP_FLOW: u16 = 1;
pub(super) const OFPMP_AGGREGATE: u16 = 2;
pub(super) const OFPMP_TABLE: u16 = 3;
pub(super) const OFPMP_PORT_STATS: u16 = 4;
pub(super) const OFPMP_QUEUE: u16 = 5;
pub(super) const OFPMP_GROUP: u16 = 6;
pub(super) const OFPMP_GROUP_DESC: u16 = 7;
pub(super) const OFPMP_GROUP_FEATURES: u16 = 8;
pub(super) const OFPMP_METER: u16 = 9;
pub(super) const OFPMP_METER_CONFIG: u16 = 10;
pub(super) const OFPMP_METER_FEATURES: u16 = 11;
pub(super) const OFPMP_TABLE_FEATURES: u16 = 12;
pub(super) const OFPMP_PORT_DESC: u16 = 13;
pub(super) const OFPMP_EXPERIMENTER: u16 = 0xffff;

/// OF 1.3.5 §7.3.5, ofp_multipart_request_flags.
pub(super) const OFPMPF_REQ_MORE: u16 = 1;
/// OF 1.3.5 §7.3.5, ofp_multipart_reply_flags.
pub(super) const OFPMPF_REPLY_MORE: u16 = 1;

/// OF 1.3.5 §7.3.5.5.2, OFP_MAX_TABLE_NAME_LEN.
pub(super) const TABLE_NAME_LENGTH: usize = 32;

// OF 1.3.5 §7.3.5.5.2, ofp_table_feature_prop_type. Those that are also there for the table-miss entry alone
// (`OFPTFPT_…_MISS`) have the next number there.
pub(super) const OFPTFPT_INSTRUCTIONS: u16 = 0;
pub(super) const OFPTFPT_NEXT_TABLES: u16 = 2;
pub(super) const OFPTFPT_WRITE_ACTIONS: u16 = 4;
pub(super) const OFPTFPT_APPLY_ACTIONS: u16 = 6;
pub(super) const OFPTFPT_MATCH: u16 = 8;
pub(super) const OFPTFPT_WILDCARDS: u16 = 10;
pub(super) const OFPTFPT_WRITE_SETFIELD: u16 = 12;
pub(super) const OFPTFPT_APPLY_SETFIELD: u16 = 14;
pub(super) const OFPTFPT_EXPERIMENTER: u16 = 0xfffe;

// OF 1.3.5 §7.3.9, ofp_controller_role.
pub(super) const OFPCR_ROLE_NOCHANGE: u32 = 0;
pub(super) const OFPCR_ROLE_EQUAL: u32 = 1;
pub(super) const OFPCR_ROLE_MASTER: u32 = 2;
pub(super) const OFPCR_ROLE_SLAVE: u32 = 3;

// OF 1.3.5 §7.4.1, ofp_packet_in_reason.
pub(super) const OFPR_NO_MATCH: u8 = 0;
pub(super) const OFPR_ACTION: u8 = 1;
pub(super) const OFPR_INVALID_TTL: u8 = 2;
/// OF 1.3.5 §7.4.1: no flow entry's cookie belongs to this packet.
pub(super) const NO_COOKIE: u64 = u64::MAX;

// OF 1.3.5 §7.4.2, ofp_flow_removed_reason.
pub(super) const OFPRR_IDLE_TIMEOUT: u8 = 0;
pub(super) const OFPRR_HARD_TIMEOUT: u8 = 1;
pub(super) const OFPRR_DELETE: u8 = 2;
pub(super) const OFPRR_GROUP_DELETE: u8 = 3;
