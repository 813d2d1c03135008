#!/usr/bin/python3
"""Writes the annotated OpenFlow 1.3 messages of v13/*.hex.

They are made by os-ken (Debian's python3-os-ken), not by godwit. What controllers send is what os-ken's classes
serialise. What switches send os-ken only parses, so it is packed with os-ken's own layouts (`*_PACK_STR`) and
matches, and written only after os-ken has parsed it.

    cd openflow/tests/vectors && /usr/bin/python3 gen_v13.py
"""

import pathlib
import struct

from os_ken.ofproto import ofproto_v1_3 as of
from os_ken.ofproto import ofproto_v1_3_parser as parser

from annotated import Annotated, Generator

FRAME = bytes.fromhex("0200000000020200000000010800") + bytes(range(50))

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
    of.OFPAT_SET_MPLS_TTL: (of.OFP_ACTION_MPLS_TTL_PACK_STR, "SET_MPLS_TTL len mpls_ttl"),
    of.OFPAT_PUSH_VLAN: (of.OFP_ACTION_PUSH_PACK_STR, "PUSH_VLAN len ethertype"),
    of.OFPAT_POP_VLAN: (of.OFP_ACTION_HEADER_PACK_STR, "POP_VLAN len"),
    of.OFPAT_PUSH_MPLS: (of.OFP_ACTION_PUSH_PACK_STR, "PUSH_MPLS len ethertype"),
    of.OFPAT_POP_MPLS: (of.OFP_ACTION_POP_MPLS_PACK_STR, "POP_MPLS len ethertype"),
    of.OFPAT_SET_QUEUE: (of.OFP_ACTION_SET_QUEUE_PACK_STR, "SET_QUEUE len queue_id"),
    of.OFPAT_GROUP: (of.OFP_ACTION_GROUP_PACK_STR, "GROUP len group_id"),
    of.OFPAT_SET_NW_TTL: (of.OFP_ACTION_NW_TTL_PACK_STR, "SET_NW_TTL len nw_ttl"),
    of.OFPAT_DEC_NW_TTL: (of.OFP_ACTION_HEADER_PACK_STR, "DEC_NW_TTL len"),
    of.OFPAT_SET_FIELD: ("!HH", "SET_FIELD len"),
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

    def part(self, layout, end):
        if layout == "match":
            self.match()
        elif layout == "instructions":
            self.instructions(end)
        elif layout == "actions":
            (length,) = struct.unpack_from("!H", self.message, self.at - 8)
            self.actions(self.at + length)
        elif layout == "flows":
            while self.at < end:
                following = self.at + self.peek("H")[0]
                self.fields(FLOW_STATS)
                self.match()
                self.instructions(following)
        else:
            return False
        return True


GENERATOR = Generator(of, Annotated13, pathlib.Path(__file__).parent / "v13", 0x0a0b0c0d)
DATAPATH, request, reply = GENERATOR.datapath, GENERATOR.request, GENERATOR.reply


def serialised(*parts):
    """Instructions, actions or matches, one after the other."""
    whole = b""
    for part in parts:
        buffer = bytearray()
        part.serialize(buffer, 0)
        whole += bytes(buffer)
    return whole


def apply(*actions):
    return parser.OFPInstructionActions(of.OFPIT_APPLY_ACTIONS, list(actions))


def output(port, max_len=0):
    return parser.OFPActionOutput(port, max_len)


MATCHES = {
    "tcp": parser.OFPMatch(
        in_port=3, eth_dst=("02:00:00:00:00:00", "fe:ff:00:00:00:00"), eth_src="02:00:00:00:00:01", eth_type=0x0800,
        vlan_vid=0x1064, vlan_pcp=5, ip_dscp=46, ip_ecn=1, ip_proto=6, ipv4_src=("10.1.0.0", "255.255.0.0"),
        ipv4_dst="10.2.0.7", tcp_src=1234, tcp_dst=80,
    ),
    "udp": parser.OFPMatch(eth_type=0x0800, ip_proto=17, ipv4_dst=("10.0.0.1", "255.0.0.255"), udp_src=68, udp_dst=67),
    "sctp": parser.OFPMatch(in_port=1, in_phy_port=2, eth_type=0x86dd, ip_proto=132, sctp_src=7, sctp_dst=9),
    "icmp": parser.OFPMatch(eth_type=0x0800, ip_proto=1, icmpv4_type=8, icmpv4_code=0),
    "arp": parser.OFPMatch(
        eth_type=0x0806, arp_op=1, arp_spa="10.0.0.1", arp_tpa=("10.0.0.0", "255.255.255.0"),
        arp_sha="02:00:00:00:00:01", arp_tha=("00:00:00:00:00:00", "00:00:00:00:00:ff"),
    ),
    "neighbour": parser.OFPMatch(
        eth_type=0x86dd, ip_proto=58, ipv6_src=("2001:db8::", "ffff:ffff::"), ipv6_dst="ff02::1:ff00:1",
        ipv6_flabel=(0x12300, 0xfff00), icmpv6_type=135, icmpv6_code=0, ipv6_nd_target="2001:db8::1",
        ipv6_nd_sll="02:00:00:00:00:01", ipv6_exthdr=(0x40, 0x41),
    ),
    "advertisement": parser.OFPMatch(
        eth_type=0x86dd, ip_proto=58, icmpv6_type=136, ipv6_nd_tll="02:00:00:00:00:02",
    ),
    "mpls": parser.OFPMatch(
        metadata=(0x1122334400000000, 0xffffffff00000000), eth_type=0x8847, mpls_label=0xabcde, mpls_tc=3, mpls_bos=1,
        tunnel_id=0x0102030405060708,
    ),
    "pbb": parser.OFPMatch(eth_type=0x88e7, pbb_isid=(0x123400, 0xffff00), tunnel_id=(5, 0xff)),
    "vlan_present": parser.OFPMatch(vlan_vid=(0x1000, 0x1000)),
    "untagged": parser.OFPMatch(vlan_vid=0),
    "unknown_fields": parser.OFPMatch(
        _ordered_fields=[("in_port", 1), ("reg0", 0x2a), ("reg1", (0x100, 0xff00)), ("actset_output", 4)]
    ),
}

EVERY_ACTION = [
    parser.OFPActionCopyTtlOut(),
    parser.OFPActionSetMplsTtl(64),
    parser.OFPActionPopVlan(),
    parser.OFPActionPushVlan(0x88a8),
    parser.OFPActionPopMpls(0x0800),
    parser.OFPActionPushMpls(0x8848),
    parser.OFPActionSetField(vlan_vid=0x1007),
    parser.OFPActionSetField(eth_dst="02:00:00:00:00:0b"),
    parser.OFPActionSetField(ipv6_dst="2001:db8::7"),
    parser.OFPActionSetField(tcp_dst=8080),
    parser.OFPActionSetField(pbb_isid=0x010203),
    parser.OFPActionSetField(reg0=0x2a),
    parser.OFPActionDecNwTtl(),
    parser.OFPActionSetNwTtl(63),
    parser.OFPActionSetQueue(9),
    parser.OFPActionGroup(0x77),
    parser.OFPActionExperimenterUnknown(0x00abcdef, b"\x01\x02\x03\x04\x05\x06\x07\x08"),
    output(of.OFPP_CONTROLLER, of.OFPCML_NO_BUFFER),
    output(2),
]

EVERY_INSTRUCTION = [
    parser.OFPInstructionMeter(5),
    apply(*EVERY_ACTION),
    parser.OFPInstructionActions(of.OFPIT_CLEAR_ACTIONS, []),
    parser.OFPInstructionActions(of.OFPIT_WRITE_ACTIONS, [output(of.OFPP_LOCAL)]),
    parser.OFPInstructionWriteMetadata(0xaabb, 0xffff),
    parser.OFPInstructionGotoTable(3),
]


def flow_mod(name, match, command, instructions=(), **others):
    fields = dict(out_port=of.OFPP_ANY, out_group=of.OFPG_ANY)
    fields.update(others)
    match = match or parser.OFPMatch()
    message = parser.OFPFlowMod(DATAPATH, match=match, command=command, instructions=list(instructions), **fields)
    request(name, message, FLOW_MOD, "match", "instructions")


def port(number, last, name, config, state):
    address = bytes([2, 0, 0, 0, 0, last])
    return struct.pack(
        of.OFP_PORT_PACK_STR, number, address, name, config, state, 0x840, 0x841, 0x842, 0x843, 10000000, 40000000
    )


def both_ways():
    bitmap = struct.pack(of.OFP_HELLO_ELEM_HEADER_PACK_STR + "I", of.OFPHET_VERSIONBITMAP, 8, 1 << 1 | 1 << 4)
    reply("hello_bitmap", of.OFPT_HELLO, bitmap, HELLO_ELEMENT)
    request("hello", parser.OFPHello(DATAPATH))
    request("echo_request", parser.OFPEchoRequest(DATAPATH, b"are you there"), "data")
    request("echo_reply", parser.OFPEchoReply(DATAPATH, b"are you there"), "data")
    refused = bytes.fromhex("040e00380a0b0c0d")
    request("error", parser.OFPErrorMsg(DATAPATH, of.OFPET_FLOW_MOD_FAILED, of.OFPFMFC_OVERLAP, refused), ERROR, "data")
    request("experimenter", parser.OFPExperimenter(DATAPATH, 0x00abcdef, 7, b"some data"), EXPERIMENTER, "data")


def to_switch():
    request("features_request", parser.OFPFeaturesRequest(DATAPATH))
    request("get_config_request", parser.OFPGetConfigRequest(DATAPATH))
    request("set_config", parser.OFPSetConfig(DATAPATH, of.OFPC_FRAG_REASM, of.OFPCML_NO_BUFFER), CONFIG)
    request("barrier_request", parser.OFPBarrierRequest(DATAPATH))
    request("role_request", parser.OFPRoleRequest(DATAPATH, of.OFPCR_ROLE_MASTER, 3), "body")
    bucket = parser.OFPBucket(1, of.OFPP_ANY, of.OFPG_ANY, [output(2)])
    request("group_mod", parser.OFPGroupMod(DATAPATH, of.OFPGC_ADD, of.OFPGT_SELECT, 1, [bucket]), "body")
    packet_outs()
    flow_mods()
    stats_requests()


def packet_outs():
    message = parser.OFPPacketOut(DATAPATH, of.OFP_NO_BUFFER, of.OFPP_CONTROLLER, [output(of.OFPP_FLOOD)], FRAME)
    request("packet_out_data", message, PACKET_OUT, "actions", "data")
    actions = [parser.OFPActionSetField(vlan_vid=0x1007), output(of.OFPP_TABLE)]
    request("packet_out_buffer", parser.OFPPacketOut(DATAPATH, 0x111, 5, actions), PACKET_OUT, "actions", "data")


def flow_mods():
    for name, match in MATCHES.items():
        flow_mod(f"flow_mod_add_{name}", match, of.OFPFC_ADD, [apply(output(2))])
    flow_mod(
        "flow_mod_add_every_instruction", MATCHES["udp"], of.OFPFC_ADD, EVERY_INSTRUCTION, cookie=0x1122334455667788,
        table_id=2, idle_timeout=60, hard_timeout=600, priority=1000, buffer_id=0x222,
        flags=of.OFPFF_SEND_FLOW_REM | of.OFPFF_CHECK_OVERLAP | of.OFPFF_NO_BYT_COUNTS,
    )
    flow_mod("flow_mod_add_table_miss", None, of.OFPFC_ADD, [apply(output(of.OFPP_CONTROLLER, 128))], priority=0)
    flow_mod("flow_mod_modify", MATCHES["arp"], of.OFPFC_MODIFY, [apply(output(of.OFPP_ALL))], cookie=5, cookie_mask=0xff)
    flow_mod("flow_mod_modify_strict", MATCHES["udp"], of.OFPFC_MODIFY_STRICT, [apply(output(of.OFPP_IN_PORT))])
    flow_mod("flow_mod_delete_all", None, of.OFPFC_DELETE, table_id=of.OFPTT_ALL)
    flow_mod("flow_mod_delete_strict", MATCHES["tcp"], of.OFPFC_DELETE_STRICT, out_port=7, out_group=8)


def stats_requests():
    everything = (0, of.OFPTT_ALL, of.OFPP_ANY, of.OFPG_ANY, 0, 0, parser.OFPMatch())
    some = (0, 2, 4, 5, 0x1100, 0xff00, MATCHES["udp"])
    request("request_desc", parser.OFPDescStatsRequest(DATAPATH, 0), MULTIPART)
    request("request_flow_all", parser.OFPFlowStatsRequest(DATAPATH, *everything), MULTIPART, FLOW_FILTER, "match")
    request("request_flow_some", parser.OFPFlowStatsRequest(DATAPATH, *some), MULTIPART, FLOW_FILTER, "match")
    request("request_aggregate", parser.OFPAggregateStatsRequest(DATAPATH, *some), MULTIPART, FLOW_FILTER, "match")
    request("request_table", parser.OFPTableStatsRequest(DATAPATH, 0), MULTIPART)
    request("request_port", parser.OFPPortStatsRequest(DATAPATH, 0, of.OFPP_ANY), MULTIPART, ("!I4x", "port_no"))
    request("request_port_desc", parser.OFPPortDescStatsRequest(DATAPATH, 0), MULTIPART)
    request("request_group_desc", parser.OFPGroupDescStatsRequest(DATAPATH, 0), MULTIPART)
    request("request_queue", parser.OFPQueueStatsRequest(DATAPATH, 0, 1, 2), MULTIPART, "body")
    features = parser.OFPTableFeaturesStats(1, b"first", 0, 0, 0, 100, [])
    request(
        "request_table_features_more",
        parser.OFPTableFeaturesStatsRequest(DATAPATH, of.OFPMPF_REQ_MORE, [features]), MULTIPART, "body",
    )


def from_switch():
    features = struct.pack(of.OFP_SWITCH_FEATURES_PACK_STR, 0x0000020000000007, 256, 254, 1, 0x4f, 0)
    reply("features_reply", of.OFPT_FEATURES_REPLY, features, FEATURES)
    config = struct.pack(of.OFP_SWITCH_CONFIG_PACK_STR, of.OFPC_FRAG_NORMAL, 128)
    reply("get_config_reply", of.OFPT_GET_CONFIG_REPLY, config, CONFIG)
    reply("barrier_reply", of.OFPT_BARRIER_REPLY, b"")
    reply("role_reply", of.OFPT_ROLE_REPLY, struct.pack(of.OFP_ROLE_REQUEST_PACK_STR, of.OFPCR_ROLE_SLAVE, 3), "body")
    status = struct.pack("!B7x", of.OFPPR_MODIFY) + port(2, 2, b"s7-eth2", of.OFPPC_NO_FWD, of.OFPPS_LINK_DOWN)
    reply("port_status", of.OFPT_PORT_STATUS, status, ("!B7x", "reason"), PORT)
    removed = struct.pack(
        of.OFP_FLOW_REMOVED_PACK_STR0, 0x1122334455667788, 1000, of.OFPRR_HARD_TIMEOUT, 2, 600, 500000000, 60, 600,
        1 << 40, 1 << 50,
    )
    reply("flow_removed", of.OFPT_FLOW_REMOVED, removed + serialised(MATCHES["tcp"]), FLOW_REMOVED, "match")
    packet_ins()
    stats_replies()


def packet_ins():
    def packet_in(name, head, match, frame):
        body = struct.pack(of.OFP_PACKET_IN_PACK_STR, *head) + serialised(match) + bytes(2) + frame
        reply(name, of.OFPT_PACKET_IN, body, PACKET_IN, "match", PAD, "data")

    miss = (of.OFP_NO_BUFFER, len(FRAME), of.OFPR_NO_MATCH, 0, 0x00000000000000ee)
    packet_in("packet_in_no_match", miss, parser.OFPMatch(in_port=3), FRAME)
    head = (0x333, 1500, of.OFPR_ACTION, 2, 0xffffffffffffffff)
    metadata = parser.OFPMatch(in_port=of.OFPP_LOCAL, in_phy_port=4, metadata=0x1234, tunnel_id=7)
    packet_in("packet_in_action_buffered", head, metadata, FRAME[:20])


def stats_replies():
    def stats(name, kind, flags, body, *layouts):
        head = struct.pack(of.OFP_MULTIPART_REPLY_PACK_STR, kind, flags)
        reply(name, of.OFPT_MULTIPART_REPLY, head + body, MULTIPART, *layouts)

    def flow(values, match, *instructions):
        rest = serialised(match) + serialised(*instructions)
        return struct.pack(of.OFP_FLOW_STATS_0_PACK_STR, of.OFP_FLOW_STATS_0_SIZE + len(rest), *values) + rest

    texts = [b"Maker", b"Hardware", b"Software 1.3", b"None", b"switch seven"]
    stats("reply_desc", of.OFPMP_DESC, 0, struct.pack(of.OFP_DESC_PACK_STR, *texts), DESC)
    counted = (2, 10, 250, 1000, 60, 600, of.OFPFF_SEND_FLOW_REM, 0x1122334455667788, 12, 1200)
    flows = flow(counted, MATCHES["tcp"], *EVERY_INSTRUCTION)
    flows += flow((0, 0, 0, 0, 0, 0, 0, 0, 0, 0), parser.OFPMatch())
    flows += flow((0, 0, 0, 7, 0, 0, 0, 0, 1 << 40, 1 << 50), MATCHES["unknown_fields"], apply(output(1)))
    stats("reply_flow_more", of.OFPMP_FLOW, of.OFPMPF_REPLY_MORE, flows, "flows")
    stats("reply_flow_none", of.OFPMP_FLOW, 0, b"", "flows")
    aggregate = struct.pack(of.OFP_AGGREGATE_STATS_REPLY_PACK_STR, 1000, 100000, 10)
    stats("reply_aggregate", of.OFPMP_AGGREGATE, 0, aggregate, AGGREGATE)
    tables = struct.pack(of.OFP_TABLE_STATS_PACK_STR, 0, 3, 500, 400)
    tables += struct.pack(of.OFP_TABLE_STATS_PACK_STR, 253, 0, 0, 0)
    stats("reply_table", of.OFPMP_TABLE, 0, tables, TABLE_STATS, TABLE_STATS)
    ports = struct.pack(of.OFP_PORT_STATS_PACK_STR, 1, *range(101, 113), 20, 5)
    ports += struct.pack(
        of.OFP_PORT_STATS_PACK_STR, of.OFPP_LOCAL, 1, 2, 3, 4, *[0xffffffffffffffff] * 8, 0xffffffff, 0xffffffff
    )
    stats("reply_port", of.OFPMP_PORT_STATS, 0, ports, PORT_STATS, PORT_STATS)
    described = port(1, 1, b"s7-eth1", 0, of.OFPPS_LIVE)
    described += port(of.OFPP_LOCAL, 0xfe, b"s7", of.OFPPC_PORT_DOWN, of.OFPPS_LINK_DOWN)
    stats("reply_port_desc", of.OFPMP_PORT_DESC, 0, described, PORT, PORT)
    queues = struct.pack(of.OFP_QUEUE_STATS_PACK_STR, 1, 2, 3, 4, 5, 6, 7)
    stats("reply_queue", of.OFPMP_QUEUE, 0, queues, "body")


if __name__ == "__main__":
    both_ways()
    to_switch()
    from_switch()
