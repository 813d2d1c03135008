"""How the messages of OpenFlow 1.3 are laid out: the fields of each structure, and where a message goes on after it."""

import struct

from os_ken.ofproto import ofproto_v1_3 as of

from annotated import Annotated

MULTIPART = (of.OFP_MULTIPART_REPLY_PACK_STR, "multipart.type flags")
PORT = (of.OFP_PORT_PACK_STR, "port_no hw_addr name config state curr advertised supported peer curr_speed max_speed")
FLOW_MOD = (
    of.OFP_FLOW_MOD_PACK_STR0,
    "cookie cookie_mask table_id command idle_timeout hard_timeout priority buffer_id out_port out_group flags",
)
FLOW_REMOVED = (
    of.OFP_FLOW_REMOVED_PACK_STR0,
    "cookie priority reason table_id duration_sec duration_nsec idle_timeout hard_timeout packet_count byte_count",
)
FLOW_FILTER = (of.OFP_FLOW_STATS_REQUEST_0_PACK_STR, "table_id out_port out_group cookie cookie_mask")
FLOW_STATS = (
    of.OFP_FLOW_STATS_0_PACK_STR,
    "length table_id duration_sec duration_nsec priority idle_timeout hard_timeout flags cookie packet_count byte_count",
)
AGGREGATE = (of.OFP_AGGREGATE_STATS_REPLY_PACK_STR, "packet_count byte_count flow_count")
TABLE_STATS = (of.OFP_TABLE_STATS_PACK_STR, "table_id active_count lookup_count matched_count")
PORT_STATS = (
    of.OFP_PORT_STATS_PACK_STR,
    "port_no rx_packets tx_packets rx_bytes tx_bytes rx_dropped tx_dropped rx_errors tx_errors rx_frame_err "
    "rx_over_err rx_crc_err collisions duration_sec duration_nsec",
)
DESC = (of.OFP_DESC_PACK_STR, "mfr_desc hw_desc sw_desc serial_num dp_desc")
FEATURES = (of.OFP_SWITCH_FEATURES_PACK_STR, "datapath_id n_buffers n_tables auxiliary_id capabilities reserved")
CONFIG = (of.OFP_SWITCH_CONFIG_PACK_STR, "flags miss_send_len")
PACKET_IN = (of.OFP_PACKET_IN_PACK_STR, "buffer_id total_len reason table_id cookie")
PACKET_OUT = (of.OFP_PACKET_OUT_PACK_STR, "buffer_id in_port actions_len")
ERROR = (of.OFP_ERROR_MSG_PACK_STR, "error.type code")
EXPERIMENTER = (of.OFP_EXPERIMENTER_HEADER_PACK_STR.replace("HH", ""), "experimenter exp_type")
HELLO_ELEMENT = (of.OFP_HELLO_ELEM_HEADER_PACK_STR + "I", "VERSIONBITMAP length bitmap")
PAD = ("!2x", "")

PORT_MOD = (of.OFP_PORT_MOD_PACK_STR, "port_no hw_addr config mask advertise")
GROUP_MOD = (of.OFP_GROUP_MOD_PACK_STR, "command type group_id")
BUCKET = (of.OFP_BUCKET_PACK_STR, "bucket.len weight watch_port watch_group")
GROUP_DESC = (of.OFP_GROUP_DESC_PACK_STR, "length type group_id")
GROUP_STATS = (
    of.OFP_GROUP_STATS_PACK_STR,
    "length group_id ref_count packet_count byte_count duration_sec duration_nsec",
)
BUCKET_COUNTER = (of.OFP_BUCKET_COUNTER_PACK_STR, "bucket.packet_count byte_count")
GROUP_FEATURES = (
    of.OFP_GROUP_FEATURES_PACK_STR,
    "types capabilities" + " max_groups" * 4 + " actions" * 4,
)
METER_MOD = (of.OFP_METER_MOD_PACK_STR, "command flags meter_id")
METER_CONFIG = (of.OFP_METER_CONFIG_PACK_STR, "length flags meter_id")
METER_STATS = (
    of.OFP_METER_STATS_PACK_STR,
    "meter_id len flow_count packet_in_count byte_in_count duration_sec duration_nsec",
)
BAND_STATS = (of.OFP_METER_BAND_STATS_PACK_STR, "band.packet_band_count byte_band_count")
METER_FEATURES = (of.OFP_METER_FEATURES_PACK_STR, "max_meter band_types capabilities max_bands max_color")
METER_ID = (of.OFP_METER_MULTIPART_REQUEST_PACK_STR, "meter_id")
GROUP_ID = (of.OFP_GROUP_STATS_REQUEST_PACK_STR, "group_id")
QUEUE_FILTER = (of.OFP_QUEUE_STATS_REQUEST_PACK_STR, "port_no queue_id")
QUEUE_STATS = (
    of.OFP_QUEUE_STATS_PACK_STR,
    "port_no queue_id tx_bytes tx_packets tx_errors duration_sec duration_nsec",
)
QUEUE_PORT = (of.OFP_QUEUE_GET_CONFIG_REPLY_PACK_STR, "port")
PACKET_QUEUE = (of.OFP_PACKET_QUEUE_PACK_STR, "queue_id port len")
QUEUE_PROPERTY = (of.OFP_QUEUE_PROP_HEADER_PACK_STR, "property len")
TABLE_MOD = (of.OFP_TABLE_MOD_PACK_STR, "table_id config")
TABLE_FEATURES = (
    of.OFP_TABLE_FEATURES_PACK_STR,
    "length table_id name metadata_match metadata_write config max_entries",
)
ROLE = (of.OFP_ROLE_REQUEST_PACK_STR, "role generation_id")
ASYNC = (of.OFP_ASYNC_CONFIG_PACK_STR, "packet_in_mask mask port_status_mask mask flow_removed_mask mask")

QUEUE_PROPERTIES = {
    of.OFPQT_MIN_RATE: (of.OFP_QUEUE_PROP_MIN_RATE_PACK_STR, "rate"),
    of.OFPQT_MAX_RATE: (of.OFP_QUEUE_PROP_MAX_RATE_PACK_STR, "rate"),
    of.OFPQT_EXPERIMENTER: (of.OFP_QUEUE_PROP_EXPERIMENTER_PACK_STR, "experimenter"),
}
BANDS = {
    of.OFPMBT_DROP: (of.OFP_METER_BAND_DROP_PACK_STR, "DROP len rate burst_size"),
    of.OFPMBT_DSCP_REMARK: (of.OFP_METER_BAND_DSCP_REMARK_PACK_STR, "DSCP_REMARK len rate burst_size prec_level"),
    of.OFPMBT_EXPERIMENTER: (
        of.OFP_METER_BAND_EXPERIMENTER_PACK_STR, "EXPERIMENTER len rate burst_size experimenter",
    ),
}
TABLE_PROPERTIES = {
    number: name[len("OFPTFPT_"):] for name, number in vars(of).items() if name.startswith("OFPTFPT_")
}
INSTRUCTIONS = {
    of.OFPIT_GOTO_TABLE: (of.OFP_INSTRUCTION_GOTO_TABLE_PACK_STR, "GOTO_TABLE len table_id"),
    of.OFPIT_WRITE_METADATA: (of.OFP_INSTRUCTION_WRITE_METADATA_PACK_STR, "WRITE_METADATA len metadata mask"),
    of.OFPIT_WRITE_ACTIONS: (of.OFP_INSTRUCTION_ACTIONS_PACK_STR, "WRITE_ACTIONS len"),
    of.OFPIT_APPLY_ACTIONS: (of.OFP_INSTRUCTION_ACTIONS_PACK_STR, "APPLY_ACTIONS len"),
    of.OFPIT_CLEAR_ACTIONS: (of.OFP_INSTRUCTION_ACTIONS_PACK_STR, "CLEAR_ACTIONS len"),
    of.OFPIT_METER: (of.OFP_INSTRUCTION_METER_PACK_STR, "METER len meter_id"),
}
ACTIONS = {
    of.OFPAT_OUTPUT: (of.OFP_ACTION_OUTPUT_PACK_STR, "OUTPUT len port max_len"),
    of.OFPAT_COPY_TTL_OUT: (of.OFP_ACTION_HEADER_PACK_STR, "COPY_TTL_OUT len"),
    of.OFPAT_COPY_TTL_IN: (of.OFP_ACTION_HEADER_PACK_STR, "COPY_TTL_IN len"),
    of.OFPAT_SET_MPLS_TTL: (of.OFP_ACTION_MPLS_TTL_PACK_STR, "SET_MPLS_TTL len mpls_ttl"),
    of.OFPAT_DEC_MPLS_TTL: (of.OFP_ACTION_HEADER_PACK_STR, "DEC_MPLS_TTL len"),
    of.OFPAT_PUSH_VLAN: (of.OFP_ACTION_PUSH_PACK_STR, "PUSH_VLAN len ethertype"),
    of.OFPAT_POP_VLAN: (of.OFP_ACTION_HEADER_PACK_STR, "POP_VLAN len"),
    of.OFPAT_PUSH_MPLS: (of.OFP_ACTION_PUSH_PACK_STR, "PUSH_MPLS len ethertype"),
    of.OFPAT_POP_MPLS: (of.OFP_ACTION_POP_MPLS_PACK_STR, "POP_MPLS len ethertype"),
    of.OFPAT_SET_QUEUE: (of.OFP_ACTION_SET_QUEUE_PACK_STR, "SET_QUEUE len queue_id"),
    of.OFPAT_GROUP: (of.OFP_ACTION_GROUP_PACK_STR, "GROUP len group_id"),
    of.OFPAT_SET_NW_TTL: (of.OFP_ACTION_NW_TTL_PACK_STR, "SET_NW_TTL len nw_ttl"),
    of.OFPAT_DEC_NW_TTL: (of.OFP_ACTION_HEADER_PACK_STR, "DEC_NW_TTL len"),
    of.OFPAT_SET_FIELD: ("!HH", "SET_FIELD len"),
    of.OFPAT_PUSH_PBB: (of.OFP_ACTION_PUSH_PACK_STR, "PUSH_PBB len ethertype"),
    of.OFPAT_POP_PBB: (of.OFP_ACTION_HEADER_PACK_STR, "POP_PBB len"),
    of.OFPAT_EXPERIMENTER: (of.OFP_ACTION_EXPERIMENTER_HEADER_PACK_STR, "EXPERIMENTER len experimenter"),
}


class Annotated13(Annotated):
    """A message of 1.3."""

    def oxm(self):
        class_, field, length = self.peek("HBB")
        names = {known.oxm_type: known.name for known in of.oxm_types}
        name = names.get(class_ << 7 | field >> 1, f"class {class_:#x} field {field >> 1}")
        self.take(4, f"oxm {name}{' with mask' if field & 1 else ''}, {length} bytes")
        self.take(length // 2 if field & 1 else length, "value")
        if field & 1:
            self.take(length // 2, "mask")

    def match(self):
        _, length = self.peek("HH")
        end = self.at + length
        self.take(2, "match.type")
        self.take(2, "match.length")
        while self.at < end:
            self.oxm()
        self.take_until(end + -length % 8, "pad")

    def instructions(self, end):
        while self.at < end:
            kind, length = self.peek("HH")
            following = self.at + length
            self.fields(INSTRUCTIONS[kind])
            self.actions(following)

    def actions(self, end):
        while self.at < end:
            kind, length = self.peek("HH")
            following = self.at + length
            self.fields(ACTIONS[kind])
            if kind == of.OFPAT_SET_FIELD:
                self.oxm()
            self.take_until(following, "pad" if kind == of.OFPAT_SET_FIELD else "data")

    def flows(self, end):
        while self.at < end:
            following = self.at + self.peek("H")[0]
            self.fields(FLOW_STATS)
            self.match()
            self.instructions(following)

    def buckets(self, end):
        while self.at < end:
            following = self.at + self.peek("H")[0]
            self.fields(BUCKET)
            self.actions(following)

    def group_descs(self, end):
        while self.at < end:
            following = self.at + self.peek("H")[0]
            self.fields(GROUP_DESC)
            self.buckets(following)

    def group_stats(self, end):
        while self.at < end:
            following = self.at + self.peek("H")[0]
            self.fields(GROUP_STATS)
            while self.at < following:
                self.fields(BUCKET_COUNTER)

    def bands(self, end):
        while self.at < end:
            self.fields(BANDS[self.peek("H")[0]])

    def meter_configs(self, end):
        while self.at < end:
            following = self.at + self.peek("H")[0]
            self.fields(METER_CONFIG)
            self.bands(following)

    def meter_stats(self, end):
        while self.at < end:
            following = self.at + self.peek("IH")[1]
            self.fields(METER_STATS)
            while self.at < following:
                self.fields(BAND_STATS)

    def queues(self, end):
        while self.at < end:
            following = self.at + self.peek("IIH")[2]
            self.fields(PACKET_QUEUE)
            while self.at < following:
                kind, length = self.peek("HH")
                property_end = self.at + length
                self.fields(QUEUE_PROPERTY)
                self.fields(QUEUE_PROPERTIES[kind])
                self.take_until(property_end, "data")

    def table_features(self, end):
        while self.at < end:
            following = self.at + self.peek("H")[0]
            self.fields(TABLE_FEATURES)
            while self.at < following:
                kind, length = self.peek("HH")
                property_end = self.at + length
                self.fields(("!HH", f"{TABLE_PROPERTIES.get(kind, 'unknown')} length"))
                self.take_until(property_end, "property")
                self.take_until(property_end + -length % 8, "pad")

    def part(self, layout, end):
        if layout == "match":
            self.match()
        elif layout == "packet_actions":
            (length,) = struct.unpack_from("!H", self.message, self.at - 8)
            self.actions(self.at + length)
        elif layout in PARTS:
            getattr(self, layout)(end)
        else:
            return False
        return True


# The parts that last until the end of the message.
PARTS = {
    "instructions", "flows", "buckets", "group_descs", "group_stats", "bands", "meter_configs", "meter_stats",
    "queues", "table_features",
}
