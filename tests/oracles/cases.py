"""Sensible messages in godwit's JSON: one or more of every type, such as switches and controllers really send.

What the random messages of the other tests hold means nothing, and most of it is refused by whoever looks at meaning.
"""

TCP = {"eth_type": 0x0800, "ip_proto": 6}
UDP = {"eth_type": 0x0800, "ip_proto": 17}
SCTP = {"eth_type": 0x0800, "ip_proto": 132}
ICMP = {"eth_type": 0x0800, "ip_proto": 1}
TCP6 = {"eth_type": 0x86DD, "ip_proto": 6}
ICMP6 = {"eth_type": 0x86DD, "ip_proto": 58}
IPV4 = {"eth_type": 0x0800}
IPV6 = {"eth_type": 0x86DD}
ARP = {"eth_type": 0x0806}
MPLS = {"eth_type": 0x8847}
PBB = {"eth_type": 0x88E7}
SOLICITATION = {**ICMP6, "icmpv6_type": 135}
ADVERTISEMENT = {**ICMP6, "icmpv6_type": 136}
TAGGED = {"vlan_vid": 7}

# A field, what it needs beside it, and its values: exact ones and such with a mask.
FIELDS_13 = [
    ("in_port", {}, [1, "local"]),
    ("in_phy_port", {"in_port": 3}, [1]),
    ("metadata", {}, ["0x123456789abcdef0", "0x1200/0xff00"]),
    (
        "eth_dst",
        {},
        ["02:00:00:00:00:01", "01:00:00:00:00:00/01:00:00:00:00:00", "02:00:00:00:00:00/ff:ff:ff:00:00:00"],
    ),
    ("eth_src", {}, ["02:00:00:00:00:02", "02:00:00:00:00:00/ff:00:00:00:00:ff"]),
    ("eth_type", {}, [0x0800, 0x86DD, 0x0806, 0x88CC, 0x8847]),
    ("vlan_vid", {}, [7, "none", "0x1000/0x1000", "0x1010/0x1ff0"]),
    ("vlan_pcp", TAGGED, [5]),
    ("ip_dscp", IPV4, [46]),
    ("ip_dscp", IPV6, [8]),
    ("ip_ecn", IPV4, [1]),
    ("ip_ecn", IPV6, [3]),
    ("ip_proto", IPV4, [6, 17, 1, 132, 89]),
    ("ip_proto", IPV6, [58]),
    ("ipv4_src", IPV4, ["10.0.0.1", "10.0.0.0/8", "10.0.0.1/255.0.0.255"]),
    ("ipv4_dst", IPV4, ["192.168.0.1", "192.168.128.0/17"]),
    ("tcp_src", TCP, [80]),
    ("tcp_dst", TCP, [65535]),
    ("tcp_dst", TCP6, [443]),
    ("udp_src", UDP, [53]),
    ("udp_dst", UDP, [67]),
    ("sctp_src", SCTP, [1]),
    ("sctp_dst", SCTP, [2]),
    ("icmpv4_type", ICMP, [8]),
    ("icmpv4_code", ICMP, [3]),
    ("arp_op", ARP, [1, 2]),
    ("arp_spa", ARP, ["10.0.0.1", "10.0.0.0/24"]),
    ("arp_tpa", ARP, ["10.0.0.2", "10.0.0.0/255.0.255.0"]),
    ("arp_sha", ARP, ["02:00:00:00:00:03", "02:00:00:00:00:00/ff:00:00:00:00:00"]),
    ("arp_tha", ARP, ["02:00:00:00:00:04", "02:00:00:00:00:00/ff:ff:00:00:00:00"]),
    ("ipv6_src", IPV6, ["2001:db8::1", "2001:db8::/32", "2001:db8::1/ffff:ffff::ffff"]),
    ("ipv6_dst", IPV6, ["2001:db8::2", "fe80::/10"]),
    ("ipv6_flabel", IPV6, [0x12345, "0x12300/0xfff00"]),
    ("icmpv6_type", ICMP6, [128]),
    ("icmpv6_code", ICMP6, [1]),
    ("ipv6_nd_target", SOLICITATION, ["2001:db8::3"]),
    ("ipv6_nd_sll", SOLICITATION, ["02:00:00:00:00:05"]),
    ("ipv6_nd_tll", ADVERTISEMENT, ["02:00:00:00:00:06"]),
    ("mpls_label", MPLS, [0xABCDE]),
    ("mpls_tc", MPLS, [5]),
    ("mpls_bos", MPLS, [1, 0]),
    ("pbb_isid", PBB, [0x123456, "0x120000/0xff0000"]),
    ("tunnel_id", {}, [0x1234, "0x1200/0xff00"]),
    ("ipv6_exthdr", IPV6, [0x1FF, "0x5/0x5"]),
]
FIELDS_10 = [
    ("in_port", {}, [1, "local"]),
    ("eth_dst", {}, ["02:00:00:00:00:01"]),
    ("eth_src", {}, ["02:00:00:00:00:02"]),
    ("eth_type", {}, [0x0800, 0x86DD, 0x0806, 0x88CC]),
    ("vlan_vid", {}, [7, "none"]),
    ("vlan_pcp", TAGGED, [5]),
    ("vlan_pcp", {"vlan_vid": "0x1000/0x1000"}, [3]),
    ("ip_dscp", IPV4, [46]),
    ("ip_proto", IPV4, [6, 17, 1, 89]),
    ("ipv4_src", IPV4, ["10.0.0.1", "10.0.0.0/8"]),
    ("ipv4_dst", IPV4, ["192.168.0.1", "192.168.128.0/17"]),
    ("tcp_src", TCP, [80]),
    ("tcp_dst", TCP, [65535]),
    ("udp_src", UDP, [53]),
    ("udp_dst", UDP, [67]),
    ("icmpv4_type", ICMP, [8]),
    ("icmpv4_code", ICMP, [3]),
    ("arp_op", ARP, [1, 2]),
    ("arp_spa", ARP, ["10.0.0.1", "10.0.0.0/24"]),
    ("arp_tpa", ARP, ["10.0.0.2"]),
]
FIELDS_OF = {"1.0": FIELDS_10, "1.3": FIELDS_13}

# Fields that can be set, where packets have them. Values are such as nobody masks away.
SETTABLE = {
    "1.0": {
        "vlan_vid": ({}, 7),
        "vlan_pcp": ({}, 5),
        "eth_src": ({}, "02:00:00:00:00:02"),
        "eth_dst": ({}, "02:00:00:00:00:01"),
        "ipv4_src": (IPV4, "10.0.0.1"),
        "ipv4_dst": (IPV4, "10.0.0.2"),
        "ip_dscp": (IPV4, 46),
        "tcp_src": (TCP, 80),
        "tcp_dst": (TCP, 81),
        "udp_src": (UDP, 53),
        "udp_dst": (UDP, 54),
    },
    "1.3": {
        "metadata": ({}, "0x1234"),
        "eth_dst": ({}, "02:00:00:00:00:01"),
        "eth_src": ({}, "02:00:00:00:00:02"),
        "vlan_vid": (TAGGED, 9),
        "vlan_pcp": (TAGGED, 3),
        "ip_dscp": (IPV4, 46),
        "ip_ecn": (IPV6, 2),
        "ipv4_src": (IPV4, "10.0.0.1"),
        "ipv4_dst": (IPV4, "10.0.0.2"),
        "tcp_src": (TCP, 80),
        "tcp_dst": (TCP6, 81),
        "udp_src": (UDP, 53),
        "udp_dst": (UDP, 54),
        "sctp_src": (SCTP, 1),
        "sctp_dst": (SCTP, 2),
        "icmpv4_type": (ICMP, 0),
        "icmpv4_code": (ICMP, 1),
        "arp_op": (ARP, 2),
        "arp_spa": (ARP, "10.0.0.1"),
        "arp_tpa": (ARP, "10.0.0.2"),
        "arp_sha": (ARP, "02:00:00:00:00:03"),
        "arp_tha": (ARP, "02:00:00:00:00:04"),
        "ipv6_src": (IPV6, "2001:db8::1"),
        "ipv6_dst": (IPV6, "2001:db8::2"),
        "ipv6_flabel": (IPV6, 0x12345),
        "icmpv6_type": (ICMP6, 129),
        "icmpv6_code": (ICMP6, 1),
        "ipv6_nd_target": (SOLICITATION, "2001:db8::3"),
        "ipv6_nd_sll": (SOLICITATION, "02:00:00:00:00:05"),
        "ipv6_nd_tll": (ADVERTISEMENT, "02:00:00:00:00:06"),
        "mpls_label": (MPLS, 0xABCDE),
        "mpls_tc": (MPLS, 5),
        "mpls_bos": (MPLS, 1),
        "pbb_isid": (PBB, 0x123456),
        "tunnel_id": ({}, 0x1234),
    },
}

OUTPUTS = [
    {"type": "output", "port": port} for port in (1, "in_port", "normal", "flood", "all", "controller", "local")
] + [{"type": "output", "port": "controller", "max_len": 128}]
ENQUEUE = {"type": "enqueue", "port": 1, "queue": 7}
VLAN_ETHERTYPES = (0x8100, 0x88A8)
MPLS_ETHERTYPES = (0x8847, 0x8848)

# Actions that need something of the packet, with the pattern that says that it is there.
ACTIONS_13 = [
    ({"type": "group", "group": 1}, {}),
    ({"type": "set_queue", "queue": 7}, {}),
    *(({"type": "push_vlan", "ethertype": ethertype}, {}) for ethertype in VLAN_ETHERTYPES),
    ({"type": "pop_vlan"}, TAGGED),
    *(({"type": "push_mpls", "ethertype": ethertype}, {}) for ethertype in MPLS_ETHERTYPES),
    ({"type": "pop_mpls", "ethertype": 0x0800}, MPLS),
    ({"type": "dec_nw_ttl"}, IPV4),
    ({"type": "set_nw_ttl", "ttl": 64}, IPV6),
    ({"type": "set_mpls_ttl", "ttl": 64}, MPLS),
    ({"type": "dec_mpls_ttl"}, MPLS),
    ({"type": "copy_ttl_out"}, MPLS),
    ({"type": "copy_ttl_in"}, MPLS),
    ({"type": "push_pbb", "ethertype": 0x88E7}, {}),
    ({"type": "pop_pbb"}, PBB),
]


def matches(version):
    """Patterns: each field, with each of its values."""
    return [{**needs, field: value} for field, needs, values in FIELDS_OF[version] for value in values]


def actions(version):
    """Pairs of an action and the pattern of packets that it fits."""
    sets = [
        ({"type": "set_field", "field": field, "value": value}, needs)
        for field, (needs, value) in SETTABLE[version].items()
    ]
    outputs = [(action, {}) for action in OUTPUTS]
    if version == "1.0":
        return [*outputs, (ENQUEUE, {}), ({"type": "pop_vlan"}, {}), *sets]
    return [*outputs, *ACTIONS_13, *sets]


def instructions():
    """Instruction lists, 1.3 only."""
    output = [{"type": "output", "port": 1}]
    return [
        [],
        [{"type": "goto_table", "table": 5}],
        [{"type": "write_metadata", "value": "0x12", "mask": "0xff"}],
        [{"type": "write_actions", "actions": output}],
        [{"type": "apply_actions", "actions": output}],
        [{"type": "clear_actions"}],
        [{"type": "meter", "meter": 1}, {"type": "apply_actions", "actions": output}],
        [
            {"type": "meter", "meter": 1},
            {"type": "apply_actions", "actions": [{"type": "dec_nw_ttl"}]},
            {"type": "clear_actions"},
            {"type": "write_actions", "actions": output},
            {"type": "write_metadata", "value": "0x1", "mask": "0xffffffffffffffff"},
            {"type": "goto_table", "table": 9},
        ],
    ]


def rule(pattern=None, instructions_=None, **others):
    """A flow entry."""
    entry = {
        "table": 0,
        "priority": 100,
        "pattern": pattern or {},
        "cookie": 0x1234,
        "instructions": instructions_ or [],
        "idle_timeout": 0,
        "hard_timeout": 0,
        "flags": 0,
    }
    return {**entry, **others}


def apply(*performed):
    """The instructions that perform these."""
    return [{"type": "apply_actions", "actions": list(performed)}] if performed else []


def flow_mod(entry, command="add", **others):
    """A FLOW_MOD."""
    body = {"command": command, "rule": entry, "cookie_mask": 0, "buffer_id": None, "out_port": None, "out_group": None}
    return {"type": "flow_mod", "body": {**body, **others}}


def flow_filter(pattern=None, **others):
    """Which entries a request is about."""
    every = {"table": 255, "out_port": None, "out_group": None, "cookie": 0, "cookie_mask": 0, "pattern": pattern or {}}
    return {**every, **others}


def request(kind, body=None, more=False):
    """A statistics request."""
    inner = {"type": kind} if body is None else {"type": kind, "body": body}
    return {"type": "stats_request", "body": {"more": more, "body": inner}}


def reply(kind, body, more=False):
    """A statistics reply."""
    return {"type": "stats", "body": {"more": more, "body": {"type": kind, "body": body}}}


def with_header(version, to, messages):
    """Messages as godwit's programs read them."""
    return [{"version": version, "xid": 100 + number, "to": to, **message} for number, message in enumerate(messages)]
