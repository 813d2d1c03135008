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

from annotated import Generator
from layouts_v13 import (
    AGGREGATE, ASYNC, CONFIG, DESC, ERROR, EXPERIMENTER, FEATURES, FLOW_FILTER, FLOW_MOD, FLOW_REMOVED, GROUP_FEATURES,
    GROUP_ID, GROUP_MOD, HELLO_ELEMENT, METER_FEATURES, METER_ID, METER_MOD, MULTIPART, PACKET_IN, PACKET_OUT, PAD,
    PORT, PORT_MOD, PORT_STATS, QUEUE_FILTER, QUEUE_PORT, QUEUE_STATS, ROLE, TABLE_MOD, TABLE_STATS, Annotated13,
)

FRAME = bytes.fromhex("0200000000020200000000010800") + bytes(range(50))

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
    parser.OFPActionCopyTtlIn(),
    parser.OFPActionSetMplsTtl(64),
    parser.OFPActionDecMplsTtl(),
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
    parser.OFPActionPushPbb(0x88e7),
    parser.OFPActionPopPbb(),
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

METER_BANDS = [
    parser.OFPMeterBandDscpRemark(100000, 5000, 1),
    parser.OFPMeterBandDrop(200000, 10000),
    parser.OFPMeterBandExperimenter(300000, 20000, 0x00abcdef),
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
    other = struct.pack("!HH4s", 0x1234, 8, b"what")
    reply("hello_elements", of.OFPT_HELLO, bitmap + other, HELLO_ELEMENT, ("!HHI", "unknown length data"))
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
    mask = of.OFPPC_PORT_DOWN | of.OFPPC_NO_FWD
    change = parser.OFPPortMod(DATAPATH, 3, "02:00:00:00:00:03", of.OFPPC_NO_FWD, mask, 0x20)
    request("port_mod", change, PORT_MOD)
    request("table_mod", parser.OFPTableMod(DATAPATH, of.OFPTT_ALL, 3), TABLE_MOD)
    request("queue_get_config_request", parser.OFPQueueGetConfigRequest(DATAPATH, 7), QUEUE_PORT)
    request("role_request", parser.OFPRoleRequest(DATAPATH, of.OFPCR_ROLE_MASTER, 3), ROLE)
    request("get_async_request", parser.OFPGetAsyncRequest(DATAPATH))
    request("set_async", parser.OFPSetAsync(DATAPATH, [7, 4], [3, 7], [15, 0]), ASYNC)
    group_mods()
    meter_mods()
    packet_outs()
    flow_mods()
    stats_requests()


def group_mods():
    def group_mod(name, command, kind, group, *buckets):
        request(name, parser.OFPGroupMod(DATAPATH, command, kind, group, list(buckets)), GROUP_MOD, "buckets")

    one = parser.OFPBucket(1, of.OFPP_ANY, of.OFPG_ANY, [output(2)])
    group_mod("group_mod", of.OFPGC_ADD, of.OFPGT_SELECT, 1, one)
    failover = [
        parser.OFPBucket(0, 1, of.OFPG_ANY, [parser.OFPActionPopVlan(), output(1)]),
        parser.OFPBucket(0, of.OFPP_ANY, 0x78, [parser.OFPActionGroup(0x78)]),
        parser.OFPBucket(0, 3, 0x79, []),
    ]
    group_mod("group_mod_modify_failover", of.OFPGC_MODIFY, of.OFPGT_FF, 0x77, *failover)
    group_mod("group_mod_delete_all", of.OFPGC_DELETE, of.OFPGT_ALL, of.OFPG_ALL)


def meter_mods():
    def meter_mod(name, command, flags, meter, *bands):
        request(name, parser.OFPMeterMod(DATAPATH, command, flags, meter, list(bands)), METER_MOD, "bands")

    flags = of.OFPMF_KBPS | of.OFPMF_BURST | of.OFPMF_STATS
    meter_mod("meter_mod_add", of.OFPMC_ADD, flags, 5, *METER_BANDS)
    meter_mod("meter_mod_modify", of.OFPMC_MODIFY, of.OFPMF_PKTPS, of.OFPM_CONTROLLER, parser.OFPMeterBandDrop(1000, 0))
    meter_mod("meter_mod_delete_all", of.OFPMC_DELETE, 0, of.OFPM_ALL)


def packet_outs():
    message = parser.OFPPacketOut(DATAPATH, of.OFP_NO_BUFFER, of.OFPP_CONTROLLER, [output(of.OFPP_FLOOD)], FRAME)
    request("packet_out_data", message, PACKET_OUT, "packet_actions", "data")
    actions = [parser.OFPActionSetField(vlan_vid=0x1007), output(of.OFPP_TABLE)]
    request("packet_out_buffer", parser.OFPPacketOut(DATAPATH, 0x111, 5, actions), PACKET_OUT, "packet_actions", "data")


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
    request("request_queue", parser.OFPQueueStatsRequest(DATAPATH, 0, 1, 2), MULTIPART, QUEUE_FILTER)
    request("request_group", parser.OFPGroupStatsRequest(DATAPATH, 0, of.OFPG_ALL), MULTIPART, GROUP_ID)
    request("request_group_features", parser.OFPGroupFeaturesStatsRequest(DATAPATH, 0), MULTIPART)
    request("request_meter", parser.OFPMeterStatsRequest(DATAPATH, 0, 5), MULTIPART, METER_ID)
    request("request_meter_config", parser.OFPMeterConfigStatsRequest(DATAPATH, 0, of.OFPM_ALL), MULTIPART, METER_ID)
    request("request_meter_features", parser.OFPMeterFeaturesStatsRequest(DATAPATH, 0), MULTIPART)
    experimenter = parser.OFPExperimenterStatsRequest(DATAPATH, 0, 0x00abcdef, 7, b"some data")
    request("request_experimenter", experimenter, MULTIPART, EXPERIMENTER, "data")
    request("request_table_features", parser.OFPTableFeaturesStatsRequest(DATAPATH), MULTIPART)
    features = parser.OFPTableFeaturesStatsRequest(DATAPATH, of.OFPMPF_REQ_MORE, table_features())
    request("request_table_features_more", features, MULTIPART, "table_features")


def table_features():
    """Two tables: one without a property, and one with every property that os-ken can make."""
    kinds = [of.OFPIT_GOTO_TABLE, of.OFPIT_APPLY_ACTIONS, of.OFPIT_METER]
    actions = [of.OFPAT_OUTPUT, of.OFPAT_SET_FIELD]
    instructions = [parser.OFPInstructionId(kind) for kind in kinds]
    few_instructions = [parser.OFPInstructionId(of.OFPIT_APPLY_ACTIONS)]
    many = [parser.OFPActionId(kind) for kind in actions]
    few = [parser.OFPActionId(of.OFPAT_OUTPUT)]
    fields = [parser.OFPOxmId("in_port"), parser.OFPOxmId("eth_dst", hasmask=True), parser.OFPOxmId("reg0")]
    properties = [
        parser.OFPTableFeaturePropInstructions(of.OFPTFPT_INSTRUCTIONS, instruction_ids=instructions),
        parser.OFPTableFeaturePropInstructions(of.OFPTFPT_INSTRUCTIONS_MISS, instruction_ids=few_instructions),
        parser.OFPTableFeaturePropNextTables(of.OFPTFPT_NEXT_TABLES, table_ids=[2, 3, 4, 253, 254]),
        parser.OFPTableFeaturePropNextTables(of.OFPTFPT_NEXT_TABLES_MISS, table_ids=[]),
        parser.OFPTableFeaturePropActions(of.OFPTFPT_WRITE_ACTIONS, action_ids=many),
        parser.OFPTableFeaturePropActions(of.OFPTFPT_WRITE_ACTIONS_MISS, action_ids=few),
        parser.OFPTableFeaturePropActions(of.OFPTFPT_APPLY_ACTIONS, action_ids=many),
        parser.OFPTableFeaturePropActions(of.OFPTFPT_APPLY_ACTIONS_MISS, action_ids=few),
        parser.OFPTableFeaturePropOxm(of.OFPTFPT_MATCH, oxm_ids=fields),
        parser.OFPTableFeaturePropOxm(of.OFPTFPT_WILDCARDS, oxm_ids=fields[:1]),
        parser.OFPTableFeaturePropOxm(of.OFPTFPT_WRITE_SETFIELD, oxm_ids=fields[:2]),
        parser.OFPTableFeaturePropOxm(of.OFPTFPT_WRITE_SETFIELD_MISS, oxm_ids=[]),
        parser.OFPTableFeaturePropOxm(of.OFPTFPT_APPLY_SETFIELD, oxm_ids=fields[:2]),
        parser.OFPTableFeaturePropOxm(of.OFPTFPT_APPLY_SETFIELD_MISS, oxm_ids=[]),
        parser.OFPTableFeaturePropExperimenter(
            of.OFPTFPT_EXPERIMENTER, experimenter=0x00abcdef, exp_type=7, data=[1, 2]
        ),
        parser.OFPTableFeaturePropExperimenter(
            of.OFPTFPT_EXPERIMENTER_MISS, experimenter=0x00abcdef, exp_type=8, data=[3]
        ),
    ]
    return [
        parser.OFPTableFeaturesStats(1, b"first", 0, 0, 0, 100, []),
        parser.OFPTableFeaturesStats(2, b"second", 0xffffffff00000000, 0xffffffff, 3, 1000000, properties),
    ]


def from_switch():
    features = struct.pack(of.OFP_SWITCH_FEATURES_PACK_STR, 0x0000020000000007, 256, 254, 1, 0x4f, 0)
    reply("features_reply", of.OFPT_FEATURES_REPLY, features, FEATURES)
    config = struct.pack(of.OFP_SWITCH_CONFIG_PACK_STR, of.OFPC_FRAG_NORMAL, 128)
    reply("get_config_reply", of.OFPT_GET_CONFIG_REPLY, config, CONFIG)
    reply("barrier_reply", of.OFPT_BARRIER_REPLY, b"")
    reply("role_reply", of.OFPT_ROLE_REPLY, struct.pack(of.OFP_ROLE_REQUEST_PACK_STR, of.OFPCR_ROLE_SLAVE, 3), ROLE)
    masks = struct.pack(of.OFP_ASYNC_CONFIG_PACK_STR, 7, 0, 7, 7, 15, 0)
    reply("get_async_reply", of.OFPT_GET_ASYNC_REPLY, masks, ASYNC)
    queue_config()
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
    queues += struct.pack(of.OFP_QUEUE_STATS_PACK_STR, 1, 3, *[0xffffffffffffffff] * 3, 0xffffffff, 0xffffffff)
    stats("reply_queue", of.OFPMP_QUEUE, 0, queues, QUEUE_STATS, QUEUE_STATS)
    # os-ken takes what is longer for several replies.
    experimenter = struct.pack(of.OFP_EXPERIMENTER_MULTIPART_HEADER_PACK_STR, 0x00abcdef, 7) + b"the data"
    stats("reply_experimenter", of.OFPMP_EXPERIMENTER, 0, experimenter, EXPERIMENTER, "data")
    group_replies(stats)
    meter_replies(stats)
    features = b"".join(bytes(table.serialize()) for table in table_features())
    stats("reply_table_features_more", of.OFPMP_TABLE_FEATURES, of.OFPMPF_REPLY_MORE, features, "table_features")
    stats("reply_table_features_experimenters", of.OFPMP_TABLE_FEATURES, 0, experimenters_table(), "table_features")


def experimenters_table():
    """A table with instructions, actions and fields of experimenters, which os-ken parses but does not make."""
    def table_property(kind, body):
        length = 4 + len(body)
        return struct.pack("!HH", kind, length) + body + bytes(-length % 8)

    kind = struct.pack("!HHI", 0xffff, 8, 0x00abcdef)
    field = struct.pack("!HBBI", 0xffff, 43 << 1, 8, 0x4f4e4600)
    properties = table_property(of.OFPTFPT_INSTRUCTIONS, kind)
    properties += table_property(of.OFPTFPT_APPLY_ACTIONS, struct.pack("!HH", of.OFPAT_OUTPUT, 4) + kind)
    properties += table_property(of.OFPTFPT_MATCH, field + struct.pack("!I", 0x80000004))
    properties += table_property(9, b"unknown")
    size = of.OFP_TABLE_FEATURES_SIZE + len(properties)
    return struct.pack(of.OFP_TABLE_FEATURES_PACK_STR, size, 3, b"third", 0, 0, 0, 10) + properties


def group_replies(stats):
    def with_length(pack, *rest, values=()):
        rest = b"".join(rest)
        return struct.pack(pack, struct.calcsize(pack) + len(rest), *values) + rest

    def bucket(weight, port, group, *actions):
        return with_length(of.OFP_BUCKET_PACK_STR, serialised(*actions), values=(weight, port, group))

    counters = [struct.pack(of.OFP_BUCKET_COUNTER_PACK_STR, *pair) for pair in [(10, 1000), (20, 2000)]]
    groups = with_length(of.OFP_GROUP_STATS_PACK_STR, *counters, values=(0x77, 3, 30, 3000, 20, 5))
    groups += with_length(of.OFP_GROUP_STATS_PACK_STR, values=(1, 0, 0, 0, 0, 0))
    stats("reply_group", of.OFPMP_GROUP, 0, groups, "group_stats")
    buckets = [
        bucket(3, of.OFPP_ANY, of.OFPG_ANY, parser.OFPActionSetField(vlan_vid=0x1007), output(1)),
        bucket(1, 2, 0x78),
    ]
    described = with_length(of.OFP_GROUP_DESC_PACK_STR, *buckets, values=(of.OFPGT_SELECT, 0x77))
    described += with_length(of.OFP_GROUP_DESC_PACK_STR, values=(of.OFPGT_ALL, 1))
    stats("reply_group_desc", of.OFPMP_GROUP_DESC, 0, described, "group_descs")
    features = struct.pack(of.OFP_GROUP_FEATURES_PACK_STR, 15, 3, 100, 200, 300, 400, 0x801, 0x802, 0x803, 0x804)
    stats("reply_group_features", of.OFPMP_GROUP_FEATURES, 0, features, GROUP_FEATURES)


def meter_replies(stats):
    bands = b"".join(struct.pack(of.OFP_METER_BAND_STATS_PACK_STR, *pair) for pair in [(1, 100), (2, 200)])
    size = of.OFP_METER_STATS_SIZE
    meters = struct.pack(of.OFP_METER_STATS_PACK_STR, 5, size + len(bands), 4, 1000, 100000, 20, 5) + bands
    meters += struct.pack(of.OFP_METER_STATS_PACK_STR, of.OFPM_CONTROLLER, size, 0, 0, 0, 0, 0)
    stats("reply_meter", of.OFPMP_METER, 0, meters, "meter_stats")
    bands = serialised(*METER_BANDS[:2])
    size = of.OFP_METER_CONFIG_SIZE
    configured = struct.pack(of.OFP_METER_CONFIG_PACK_STR, size + len(bands), of.OFPMF_KBPS | of.OFPMF_STATS, 5) + bands
    configured += struct.pack(of.OFP_METER_CONFIG_PACK_STR, size, of.OFPMF_PKTPS, of.OFPM_SLOWPATH)
    stats("reply_meter_config", of.OFPMP_METER_CONFIG, 0, configured, "meter_configs")
    features = struct.pack(of.OFP_METER_FEATURES_PACK_STR, 1000, 6, 15, 8, 2)
    stats("reply_meter_features", of.OFPMP_METER_FEATURES, 0, features, METER_FEATURES)


def queue_config():
    def queue_property(kind, body):
        return struct.pack(of.OFP_QUEUE_PROP_HEADER_PACK_STR, kind, of.OFP_QUEUE_PROP_HEADER_SIZE + len(body)) + body

    def queue(number, *properties):
        properties = b"".join(properties)
        size = of.OFP_PACKET_QUEUE_SIZE + len(properties)
        return struct.pack(of.OFP_PACKET_QUEUE_PACK_STR, number, 7, size) + properties

    queues = queue(
        1,
        queue_property(of.OFPQT_MIN_RATE, struct.pack(of.OFP_QUEUE_PROP_MIN_RATE_PACK_STR, 100)),
        queue_property(of.OFPQT_MAX_RATE, struct.pack(of.OFP_QUEUE_PROP_MAX_RATE_PACK_STR, 900)),
    )
    experimenter = struct.pack(of.OFP_QUEUE_PROP_EXPERIMENTER_PACK_STR, 0x00abcdef) + b"the data"
    queues += queue(2, queue_property(of.OFPQT_EXPERIMENTER, experimenter)) + queue(3)
    port_no = struct.pack(of.OFP_QUEUE_GET_CONFIG_REPLY_PACK_STR, 7)
    reply("queue_get_config_reply", of.OFPT_QUEUE_GET_CONFIG_REPLY, port_no + queues, QUEUE_PORT, "queues")


if __name__ == "__main__":
    both_ways()
    to_switch()
    from_switch()
