#!/usr/bin/python3
"""Writes the annotated OpenFlow 1.0 messages of v10/*.hex.

They are made by os-ken (Debian's python3-os-ken), not by godwit. Requests are what os-ken's classes serialise.
What switches send os-ken only parses, so it is packed with os-ken's own layouts (`*_PACK_STR`) and written only
after os-ken has parsed it.

    cd openflow/tests/vectors && /usr/bin/python3 gen_v10.py
"""

import pathlib
import struct

from os_ken.ofproto import ofproto_v1_0 as of
from os_ken.ofproto import ofproto_v1_0_parser as parser
from os_ken.ofproto import ofproto_v1_3 as of13
from os_ken.ofproto import ofproto_v1_3_parser as parser13

from annotated import Annotated, Generator

FRAME = bytes.fromhex("ffffffffffff000000000001080600010800060400010000000000010a0000010000000000000a000002")

MATCH = (
    of.OFP_MATCH_PACK_STR,
    "wildcards in_port dl_src dl_dst dl_vlan dl_vlan_pcp dl_type nw_tos nw_proto nw_src nw_dst tp_src tp_dst",
)
PHY_PORT = (of.OFP_PHY_PORT_PACK_STR, "port_no hw_addr name config state curr advertised supported peer")
STATS = (of.OFP_STATS_MSG_PACK_STR, "stats_type flags")
FLOW_MOD = (
    of.OFP_FLOW_MOD_PACK_STR0,
    "cookie command idle_timeout hard_timeout priority buffer_id out_port flags",
)
FLOW_REMOVED = (
    of.OFP_FLOW_REMOVED_PACK_STR0,
    "cookie priority reason duration_sec duration_nsec idle_timeout packet_count byte_count",
)
FLOW_STATS_HEAD = (of.OFP_FLOW_STATS_0_PACK_STR, "length table_id")
FLOW_STATS = (
    of.OFP_FLOW_STATS_1_PACK_STR,
    "duration_sec duration_nsec priority idle_timeout hard_timeout cookie packet_count byte_count",
)
PORT_STATS = (
    of.OFP_PORT_STATS_PACK_STR,
    "port_no rx_packets tx_packets rx_bytes tx_bytes rx_dropped tx_dropped rx_errors tx_errors rx_frame_err "
    "rx_over_err rx_crc_err collisions",
)
TABLE_STATS = (
    of.OFP_TABLE_STATS_PACK_STR,
    "table_id name wildcards max_entries active_count lookup_count matched_count",
)
DESC_STATS = (of.OFP_DESC_STATS_PACK_STR, "mfr_desc hw_desc sw_desc serial_num dp_desc")
FEATURES = (of.OFP_SWITCH_FEATURES_PACK_STR, "datapath_id n_buffers n_tables capabilities actions")
PACKET_IN = (of.OFP_PACKET_IN_PACK_STR, "buffer_id total_len in_port reason")
PACKET_OUT = (of.OFP_PACKET_OUT_PACK_STR, "buffer_id in_port actions_len")
CONFIG = (of.OFP_SWITCH_CONFIG_PACK_STR, "flags miss_send_len")
ERROR = (of.OFP_ERROR_MSG_PACK_STR, "type code")
VENDOR = (of.OFP_VENDOR_HEADER_PACK_STR, "vendor")
REASON = ("!B7x", "reason")
FLOW_REQUEST = ("!BxH", "table_id out_port")
PORT_REQUEST = (of.OFP_PORT_STATS_REQUEST_PACK_STR, "port_no")
PORT_MOD = (of.OFP_PORT_MOD_PACK_STR, "port_no hw_addr config mask advertise")
QUEUE_REQUEST = (of.OFP_QUEUE_STATS_REQUEST_PACK_STR, "port_no queue_id")
QUEUE_STATS = (of.OFP_QUEUE_STATS_PACK_STR, "port_no queue_id tx_bytes tx_packets tx_errors")
QUEUE_CONFIG_REQUEST = (of.OFP_QUEUE_GET_CONFIG_REQUEST_PACK_STR, "port")
QUEUE_CONFIG_REPLY = (of.OFP_QUEUE_GET_CONFIG_REPLY_PACK_STR, "port")
PACKET_QUEUE = (of.OFP_PACKET_QUEUE_PQCK_STR, "queue_id len")
QUEUE_PROPERTY = (of.OFP_QUEUE_PROP_HEADER_PACK_STR, "property len")
MIN_RATE = (of.OFP_QUEUE_PROP_MIN_RATE_PACK_STR, "rate")
VENDOR_STATS = (of.OFP_VENDOR_STATS_MSG_PACK_STR, "vendor")
AGGREGATE = (of.OFP_AGGREGATE_STATS_REPLY_PACK_STR, "packet_count byte_count flow_count")

ACTIONS = {
    of.OFPAT_OUTPUT: (of.OFP_ACTION_OUTPUT_PACK_STR, "OUTPUT len port max_len"),
    of.OFPAT_SET_VLAN_VID: (of.OFP_ACTION_VLAN_VID_PACK_STR, "SET_VLAN_VID len vlan_vid"),
    of.OFPAT_SET_VLAN_PCP: (of.OFP_ACTION_VLAN_PCP_PACK_STR, "SET_VLAN_PCP len vlan_pcp"),
    of.OFPAT_STRIP_VLAN: (of.OFP_ACTION_HEADER_PACK_STR, "STRIP_VLAN len"),
    of.OFPAT_SET_DL_SRC: (of.OFP_ACTION_DL_ADDR_PACK_STR, "SET_DL_SRC len dl_addr"),
    of.OFPAT_SET_DL_DST: (of.OFP_ACTION_DL_ADDR_PACK_STR, "SET_DL_DST len dl_addr"),
    of.OFPAT_SET_NW_SRC: (of.OFP_ACTION_NW_ADDR_PACK_STR, "SET_NW_SRC len nw_addr"),
    of.OFPAT_SET_NW_DST: (of.OFP_ACTION_NW_ADDR_PACK_STR, "SET_NW_DST len nw_addr"),
    of.OFPAT_SET_NW_TOS: (of.OFP_ACTION_NW_TOS_PACK_STR, "SET_NW_TOS len nw_tos"),
    of.OFPAT_SET_TP_SRC: (of.OFP_ACTION_TP_PORT_PACK_STR, "SET_TP_SRC len tp_port"),
    of.OFPAT_SET_TP_DST: (of.OFP_ACTION_TP_PORT_PACK_STR, "SET_TP_DST len tp_port"),
    of.OFPAT_ENQUEUE: (of.OFP_ACTION_ENQUEUE_PACK_STR, "ENQUEUE len port queue_id"),
    of.OFPAT_VENDOR: (of.OFP_ACTION_VENDOR_HEADER_PACK_STR, "VENDOR len vendor"),
}


class Annotated10(Annotated):
    """A message of 1.0."""

    def actions(self, end):
        while self.at < end:
            kind, length = self.peek("HH")
            following = self.at + length
            self.fields(ACTIONS[kind])
            self.take_until(following, "data")

    def part(self, layout, end):
        if layout == "actions":
            self.actions(end)
        elif layout == "out actions":
            (length,) = struct.unpack_from("!H", self.message, self.at - 2)
            self.actions(self.at + length)
        elif layout == "flows":
            while self.at < end:
                following = self.at + self.peek("H")[0]
                for fields in (FLOW_STATS_HEAD, MATCH, FLOW_STATS):
                    self.fields(fields)
                self.actions(following)
        else:
            return False
        return True


GENERATOR = Generator(of, Annotated10, pathlib.Path(__file__).parent / "v10", 0x01020304)
DATAPATH, request, reply = GENERATOR.datapath, GENERATOR.request, GENERATOR.reply


def match(**fields):
    return parser.OFPMatch(**fields)


def match_bytes(**fields):
    buffer = bytearray()
    match(**fields).serialize(buffer, 0)
    return bytes(buffer)


def action_bytes(*actions):
    buffer = bytearray()
    for action in actions:
        action.serialize(buffer, len(buffer))
    return bytes(buffer)


TCP = dict(
    in_port=3, dl_src="02:00:00:00:00:01", dl_dst="02:00:00:00:00:02", dl_vlan=100, dl_vlan_pcp=5, dl_type=0x0800,
    nw_tos=0xb8, nw_proto=6, nw_src="10.1.0.0", nw_src_mask=16, nw_dst="10.2.0.7", tp_src=1234, tp_dst=80,
)
UDP = dict(dl_type=0x0800, nw_proto=17, nw_dst="10.0.0.0", nw_dst_mask=8, tp_dst=53)
ARP = dict(dl_type=0x0806, nw_proto=1, nw_src="10.0.0.1", nw_dst="10.0.0.0", nw_dst_mask=24)
ICMP = dict(dl_type=0x0800, nw_proto=1, tp_src=8, tp_dst=0)

EVERY_ACTION = [
    parser.OFPActionVlanVid(7),
    parser.OFPActionVlanPcp(3),
    parser.OFPActionStripVlan(),
    parser.OFPActionSetDlSrc("02:00:00:00:00:0a"),
    parser.OFPActionSetDlDst("02:00:00:00:00:0b"),
    parser.OFPActionSetNwSrc("192.0.2.1"),
    parser.OFPActionSetNwDst("192.0.2.2"),
    parser.OFPActionSetNwTos(0xb8),
    parser.OFPActionSetTpSrc(5353),
    parser.OFPActionSetTpDst(5354),
    parser.OFPActionEnqueue(4, 9),
    parser.OFPActionVendorUnknown(0x00abcdef, b"\x01\x02\x03\x04\x05\x06\x07\x08"),
    parser.OFPActionOutput(of.OFPP_CONTROLLER, 128),
    parser.OFPActionOutput(2, 0),
]


def flow_mod(name, fields, command, actions=(), **others):
    message = parser.OFPFlowMod(DATAPATH, match=match(**fields), command=command, actions=list(actions), **others)
    request(name, message, MATCH, FLOW_MOD, "actions")


def flow_stats(table, fields, actions, **others):
    values = dict(duration_sec=0, duration_nsec=0, priority=0, idle_timeout=0, hard_timeout=0, cookie=0, packets=0, bytes=0)
    values.update(others)
    body = match_bytes(**fields) + struct.pack(of.OFP_FLOW_STATS_1_PACK_STR, *values.values()) + actions
    return struct.pack(of.OFP_FLOW_STATS_0_PACK_STR, 4 + len(body), table) + body


def phy_port(number, last, name, config, state, features=(0x0c0, 0x0c1, 0x0c2, 0x0c3)):
    return struct.pack(
        of.OFP_PHY_PORT_PACK_STR, number, bytes([2, 0, 0, 0, 0, last]), name, config, state, *features
    )


def packet_queue(number, *properties):
    length = of.OFP_PACKET_QUEUE_SIZE + sum(map(len, properties))
    return struct.pack(of.OFP_PACKET_QUEUE_PQCK_STR, number, length) + b"".join(properties)


def queue_property(kind, body=b""):
    return struct.pack(of.OFP_QUEUE_PROP_HEADER_PACK_STR, kind, of.OFP_QUEUE_PROP_HEADER_SIZE + len(body)) + body


def both_ways():
    request("hello", parser.OFPHello(DATAPATH))
    request("echo_request", parser.OFPEchoRequest(DATAPATH, b"ping"), "data")
    request("echo_reply", parser.OFPEchoReply(DATAPATH, b"ping"), "data")
    error = parser.OFPErrorMsg(DATAPATH, of.OFPET_FLOW_MOD_FAILED, of.OFPFMFC_OVERLAP, b"\x01\x0e\x00\x50\x01\x02\x03\x04")
    request("error", error, ERROR, "data")
    vendor = parser.OFPVendor(DATAPATH)
    vendor.vendor, vendor.data = 0x00abcdef, b"some data"
    request("vendor", vendor, VENDOR, "data")

    # Elements came with 1.3.1, but may stand below a 1.0 header. os-ken has them in 1.3 only, and only parses them.
    element = struct.pack(of13.OFP_HELLO_ELEM_HEADER_PACK_STR, of13.OFPHET_VERSIONBITMAP, 8) + struct.pack("!I", 1 << 1 | 1 << 4)
    assert parser13.OFPHelloElemVersionBitmap.parser(element, 0).versions == [1, 4]
    reply("hello_bitmap", of.OFPT_HELLO, element, ("!HHI", "VERSIONBITMAP length bitmap"))


def to_switch():
    request("features_request", parser.OFPFeaturesRequest(DATAPATH))
    request("get_config_request", parser.OFPGetConfigRequest(DATAPATH))
    request("set_config", parser.OFPSetConfig(DATAPATH, of.OFPC_FRAG_DROP, 0xffff), CONFIG)
    request("barrier_request", parser.OFPBarrierRequest(DATAPATH))
    request("port_mod", parser.OFPPortMod(DATAPATH, 3, "02:00:00:00:00:03", 1, 1, 0), PORT_MOD)
    # Every bit that 1.0 defines.
    message = parser.OFPPortMod(DATAPATH, of.OFPP_LOCAL, "02:00:00:00:00:fe", 0x55, 0x7f, 0xfff)
    request("port_mod_every_bit", message, PORT_MOD)
    request("queue_get_config_request", parser.OFPQueueGetConfigRequest(DATAPATH, 3), QUEUE_CONFIG_REQUEST)

    out = [parser.OFPActionOutput(of.OFPP_FLOOD, 0)]
    message = parser.OFPPacketOut(DATAPATH, 0xffffffff, of.OFPP_NONE, out, FRAME)
    request("packet_out_data", message, PACKET_OUT, "out actions", "data")
    table = [parser.OFPActionOutput(of.OFPP_TABLE, 0)]
    message = parser.OFPPacketOut(DATAPATH, 0x111, 5, table)
    request("packet_out_buffer", message, PACKET_OUT, "out actions", "data")

    flow_mod(
        "flow_mod_add_tcp", TCP, of.OFPFC_ADD, [parser.OFPActionOutput(2, 0)], cookie=0x1122334455667788,
        idle_timeout=60, hard_timeout=600, priority=1000, flags=of.OFPFF_SEND_FLOW_REM | of.OFPFF_CHECK_OVERLAP,
    )
    flow_mod("flow_mod_add_udp_every_action", UDP, of.OFPFC_ADD, EVERY_ACTION, buffer_id=0x222)
    flow_mod("flow_mod_add_arp", ARP, of.OFPFC_ADD, [parser.OFPActionOutput(of.OFPP_LOCAL, 0)])
    flow_mod("flow_mod_add_icmp_drop", ICMP, of.OFPFC_ADD)
    flow_mod("flow_mod_add_untagged", dict(dl_vlan=0xffff), of.OFPFC_ADD, [parser.OFPActionOutput(of.OFPP_IN_PORT, 0)])
    flow_mod("flow_mod_add_any_tag_of_priority", dict(dl_vlan_pcp=6), of.OFPFC_ADD, [parser.OFPActionStripVlan()])
    flow_mod("flow_mod_add_emergency", dict(in_port=1), of.OFPFC_ADD, flags=of.OFPFF_EMERG)
    flow_mod("flow_mod_modify", dict(in_port=1), of.OFPFC_MODIFY, [parser.OFPActionOutput(of.OFPP_ALL, 0)])
    flow_mod("flow_mod_modify_strict", UDP, of.OFPFC_MODIFY_STRICT, [parser.OFPActionOutput(of.OFPP_NORMAL, 0)])
    flow_mod("flow_mod_delete_all", {}, of.OFPFC_DELETE)
    flow_mod("flow_mod_delete_strict", dict(dl_dst="02:00:00:00:00:02"), of.OFPFC_DELETE_STRICT, out_port=7)

    request("stats_request_desc", parser.OFPDescStatsRequest(DATAPATH, 0), STATS)
    message = parser.OFPFlowStatsRequest(DATAPATH, 0, match(), 0xff, of.OFPP_NONE)
    request("stats_request_flow_all", message, STATS, MATCH, FLOW_REQUEST)
    message = parser.OFPFlowStatsRequest(DATAPATH, 0, match(**UDP), 0, 4)
    request("stats_request_flow_some", message, STATS, MATCH, FLOW_REQUEST)
    message = parser.OFPAggregateStatsRequest(DATAPATH, 0, match(**ARP), 0xff, of.OFPP_NONE)
    request("stats_request_aggregate", message, STATS, MATCH, FLOW_REQUEST)
    request("stats_request_table", parser.OFPTableStatsRequest(DATAPATH, 0), STATS)
    request("stats_request_port", parser.OFPPortStatsRequest(DATAPATH, 0, of.OFPP_NONE), STATS, PORT_REQUEST)
    message = parser.OFPQueueStatsRequest(DATAPATH, 0, of.OFPP_ALL, 0xffffffff)
    request("stats_request_queue", message, STATS, QUEUE_REQUEST)
    message = parser.OFPQueueStatsRequest(DATAPATH, 0, 4, 9)
    request("stats_request_queue_one", message, STATS, QUEUE_REQUEST)
    message = parser.OFPVendorStatsRequest(DATAPATH, 0, 0x00abcdef, b"some data")
    request("stats_request_vendor", message, STATS, VENDOR_STATS, "data")
    # The table of the emergency flows.
    message = parser.OFPFlowStatsRequest(DATAPATH, 0, match(**UDP), 0xfe, of.OFPP_NONE)
    request("stats_request_flow_emergency", message, STATS, MATCH, FLOW_REQUEST)


def from_switch():
    features = struct.pack(of.OFP_SWITCH_FEATURES_PACK_STR, 0x0000020000000007, 256, 254, 0xc7, 0xfff)
    features += phy_port(1, 1, b"s7-eth1", 0, 0) + phy_port(of.OFPP_LOCAL, 0xfe, b"s7", of.OFPPC_PORT_DOWN, of.OFPPS_LINK_DOWN)
    reply("features_reply", of.OFPT_FEATURES_REPLY, features, FEATURES, PHY_PORT, PHY_PORT)
    # Every bit that 1.0 defines, and each state of the spanning tree.
    features = struct.pack(of.OFP_SWITCH_FEATURES_PACK_STR, 0x0000020000000007, 0, 1, 0xff, 0x10000fff)
    every = (0xfff, 0x555, 0xaaa, 0x800)
    features += phy_port(1, 1, b"a name of 16 ch.", 0x7f, of.OFPPS_STP_BLOCK | of.OFPPS_LINK_DOWN, every)
    features += phy_port(2, 2, b"", 0x2a, of.OFPPS_STP_FORWARD) + phy_port(3, 3, b"", 0x54, of.OFPPS_STP_LEARN)
    reply("features_reply_every_bit", of.OFPT_FEATURES_REPLY, features, FEATURES, PHY_PORT, PHY_PORT, PHY_PORT)
    config = struct.pack(of.OFP_SWITCH_CONFIG_PACK_STR, of.OFPC_FRAG_NORMAL, 128)
    reply("get_config_reply", of.OFPT_GET_CONFIG_REPLY, config, CONFIG)
    packet = struct.pack(of.OFP_PACKET_IN_PACK_STR, 0xffffffff, len(FRAME), 3, of.OFPR_NO_MATCH) + FRAME
    reply("packet_in_no_match", of.OFPT_PACKET_IN, packet, PACKET_IN, "data")
    packet = struct.pack(of.OFP_PACKET_IN_PACK_STR, 0x333, 1500, of.OFPP_LOCAL, of.OFPR_ACTION) + FRAME[:20]
    reply("packet_in_action_buffered", of.OFPT_PACKET_IN, packet, PACKET_IN, "data")
    removed = match_bytes(**TCP) + struct.pack(
        of.OFP_FLOW_REMOVED_PACK_STR0, 0x1122334455667788, 1000, of.OFPRR_HARD_TIMEOUT, 600, 500000000, 60, 1 << 40, 1 << 50
    )
    reply("flow_removed", of.OFPT_FLOW_REMOVED, removed, MATCH, FLOW_REMOVED)
    status = struct.pack("!B7x", of.OFPPR_MODIFY) + phy_port(2, 2, b"s7-eth2", of.OFPPC_NO_FLOOD, of.OFPPS_LINK_DOWN)
    reply("port_status", of.OFPT_PORT_STATUS, status, REASON, PHY_PORT)
    reply("barrier_reply", of.OFPT_BARRIER_REPLY, b"")
    min_rate = queue_property(of.OFPQT_MIN_RATE, struct.pack(of.OFP_QUEUE_PROP_MIN_RATE_PACK_STR, 500))
    queues = struct.pack(of.OFP_QUEUE_GET_CONFIG_REPLY_PACK_STR, 3)
    queues += packet_queue(1, min_rate) + packet_queue(2) + packet_queue(7, queue_property(of.OFPQT_NONE), min_rate)
    reply(
        "queue_get_config_reply", of.OFPT_QUEUE_GET_CONFIG_REPLY, queues, QUEUE_CONFIG_REPLY, PACKET_QUEUE, QUEUE_PROPERTY,
        MIN_RATE, PACKET_QUEUE, PACKET_QUEUE, QUEUE_PROPERTY, QUEUE_PROPERTY, MIN_RATE,
    )
    stats_replies()


def stats_replies():
    def stats(name, kind, flags, body, *layouts):
        head = struct.pack(of.OFP_STATS_MSG_PACK_STR, kind, flags)
        reply(name, of.OFPT_STATS_REPLY, head + body, STATS, *layouts)

    texts = [b"Maker", b"Hardware", b"Software 1.0", b"None", b"switch seven"]
    stats("stats_reply_desc", of.OFPST_DESC, 0, struct.pack(of.OFP_DESC_STATS_PACK_STR, *texts), DESC_STATS)
    flows = flow_stats(
        0, TCP, action_bytes(parser.OFPActionOutput(2, 0)), duration_sec=10, duration_nsec=250, priority=1000, idle_timeout=60,
        hard_timeout=600, cookie=0x1122334455667788, packets=12, bytes=1200,
    )
    flows += flow_stats(1, {}, b"", priority=1)
    flows += flow_stats(0, UDP, action_bytes(*EVERY_ACTION), cookie=0xffffffffffffffff)
    stats("stats_reply_flow_more", of.OFPST_FLOW, of.OFPSF_REPLY_MORE, flows, "flows")
    stats("stats_reply_flow_none", of.OFPST_FLOW, 0, b"", "flows")
    aggregate = struct.pack(of.OFP_AGGREGATE_STATS_REPLY_PACK_STR, 1000, 100000, 10)
    stats("stats_reply_aggregate", of.OFPST_AGGREGATE, 0, aggregate, AGGREGATE)
    tables = struct.pack(of.OFP_TABLE_STATS_PACK_STR, 0, b"classifier", of.OFPFW_ALL, 1000000, 3, 500, 400)
    stats("stats_reply_table", of.OFPST_TABLE, 0, tables, TABLE_STATS)
    ports = struct.pack(of.OFP_PORT_STATS_PACK_STR, 1, *range(101, 113))
    ports += struct.pack(of.OFP_PORT_STATS_PACK_STR, of.OFPP_LOCAL, *[1, 2, 3, 4] + [0xffffffffffffffff] * 8)
    stats("stats_reply_port", of.OFPST_PORT, 0, ports, PORT_STATS, PORT_STATS)
    queues = struct.pack(of.OFP_QUEUE_STATS_PACK_STR, 1, 2, 3, 4, 5)
    queues += struct.pack(of.OFP_QUEUE_STATS_PACK_STR, of.OFPP_LOCAL, 7, 8, 9, 0xffffffffffffffff)
    stats("stats_reply_queue", of.OFPST_QUEUE, 0, queues, QUEUE_STATS, QUEUE_STATS)
    vendor = struct.pack(of.OFP_VENDOR_STATS_MSG_PACK_STR, 0x00abcdef) + b"some data"
    stats("stats_reply_vendor", of.OFPST_VENDOR, of.OFPSF_REPLY_MORE, vendor, VENDOR_STATS, "data")


if __name__ == "__main__":
    both_ways()
    to_switch()
    from_switch()
