"""A sensible message of every type, in godwit's JSON, for oracles that look at meaning."""

from cases import (
    IPV4,
    TCP,
    actions,
    apply,
    flow_filter,
    flow_mod,
    instructions,
    matches,
    reply,
    request,
    rule,
    with_header,
)

MAC = "02:00:00:00:00:09"
FRAME = "ffffffffffff0200000000090806" + "0001080006040001" + "020000000009" + "0a000001" + "000000000000" + "0a000002"
COUNTERS = (
    *("rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_dropped", "tx_dropped", "rx_errors", "tx_errors"),
    *("rx_frame_errors", "rx_overrun_errors", "rx_crc_errors", "collisions"),
)
ONF, NICIRA, SOMEBODY = 0x4F4E4600, 0x00002320, 0x00004F4E
OUTPUT = {"type": "output", "port": 1}

# In godwit's numbering: PORT_DOWN, NO_RECV, NO_FWD, NO_PACKET_IN and, in 1.0 alone, NO_STP, NO_RECV_STP and NO_FLOOD.
CONFIG = {"1.0": 0b1100101 | 0b11010 << 32, "1.3": 0b1100101}
# 1 Gb/s full duplex, copper, autonegotiation; all with the same numbers in godwit.
SPEEDS = 1 << 5 | 1 << 11 | 1 << 13


# What few switches have stands in messages of its own.
SELDOM = {
    *("in_phy_port", "pbb_isid", "ipv6_exthdr"),
    *("copy_ttl_out", "copy_ttl_in", "push_pbb", "pop_pbb"),
}


def words(value):
    """The names of fields and the texts in a message, or in a part of one; what it sets as `set_field mpls_bos`."""
    if isinstance(value, dict):
        if value.get("type") == "set_field":
            yield f"set_field {value['field']}"
        for name, item in value.items():
            yield name
            yield from words(item)
    elif isinstance(value, list):
        for item in value:
            yield from words(item)
    else:
        yield value


def common(value):
    """Whether most switches have all of it."""
    return not SELDOM.intersection(word for word in words(value) if isinstance(word, str))


def messages(version):
    """Every type in both directions."""
    every = with_header(version, "switch", to_switch(version)) + with_header(
        version, "controller", from_switch(version)
    )
    for message in every:
        if message["type"] == "bundle_add":
            # The message within has the transaction id of the one around it.
            message["body"]["xid"] = message["xid"]
    return every


def to_switch(version):
    """What controllers send."""
    common = [
        {"type": "hello", "body": {"bitmap": None}},
        {"type": "hello", "body": {"bitmap": [1, 4]}},
        {"type": "error", "body": {"version": version, "error_type": 1, "code": 1, "data": "0400000800000007"}},
        {"type": "echo_request", "body": ""},
        {"type": "echo_request", "body": "00112233"},
        {"type": "echo_reply", "body": "00112233"},
        {"type": "features_request"},
        {"type": "get_config_request"},
        {"type": "set_config", "body": {"flags": 0, "miss_send_len": 128}},
        *flow_mods(version),
        *packet_outs(version),
        port_mod(version),
        {"type": "barrier_request"},
        request("description"),
        request("flows", flow_filter(TCP, out_port=1)),
        request("aggregate", flow_filter()),
        request("tables"),
        request("ports", 1),
        request("ports", "any"),
        request("queues", {"port": "any", "queue": 0xFFFFFFFF}),
        {"type": "queue_config_request", "body": 1},
    ]
    return common + (to_switch_10() if version == "1.0" else to_switch_13())


def flow_mods(version):
    """Every field and every action, and every command."""
    first = [flow_mod(rule(match, apply(OUTPUT))) for match in matches(version)]
    second = [flow_mod(rule(needs, apply(action))) for action, needs in actions(version)]
    commands = ("add", "modify", "modify_strict", "delete", "delete_strict")
    third = [
        flow_mod(
            rule(IPV4, apply(OUTPUT), idle_timeout=10, hard_timeout=20, flags=3),
            command,
            buffer_id=7 if command == "add" else None,
            out_port=2 if command.startswith("delete") else None,
        )
        for command in commands
    ]
    fourth = [flow_mod(rule(IPV4, list(several))) for several in instructions()] if version == "1.3" else []
    return first + second + third + fourth


def packet_outs(version):
    """A packet with its bytes, and one that the switch has."""
    performed = [action for action, needs in actions(version) if not needs and common(action)]
    whole = {"buffer_id": None, "in_port": "controller", "actions": performed, "data": FRAME}
    kept = {"buffer_id": 5, "in_port": 1, "actions": [OUTPUT], "data": ""}
    return [{"type": "packet_out", "body": body} for body in (whole, kept, dict(whole, actions=[]))]


def port_mod(version):
    """Everything about a port, changed."""
    change = {"port": 1, "mac": MAC, "config": 1, "mask": CONFIG[version], "advertise": SPEEDS}
    return {"type": "port_mod", "body": change}


def to_switch_10():
    """What only 1.0 has."""
    return [
        {"type": "role_request", "body": {"role": "master", "generation": None}},
        {"type": "set_flow_age"},
        request("aged_flows", flow_filter()),
        {"type": "experimenter", "body": {"experimenter": SOMEBODY, "exp_type": 0, "body": "01020304"}},
        request("experimenter", {"experimenter": SOMEBODY, "exp_type": 0, "body": "01020304"}),
    ]


def to_switch_13():
    """What only 1.3 has."""
    inner = flow_mod(rule(TCP, apply(OUTPUT)))
    monitor = {"monitor": 1, "flags": 0x3F, "out_port": None, "table": 255, "pattern": TCP}
    roles = [
        {"type": "role_request", "body": {"role": role, "generation": 3}} for role in ("no_change", "equal", "slave")
    ]
    masks = {"packet_in": [3, 0], "port_status": [7, 7], "flow_removed": [15, 0]}
    steps = ("open_request", "close_request", "commit_request", "discard_request")
    controls = [{"type": "bundle_control", "body": bundle_control(step)} for step in steps]
    added = {"bundle": 1, "flags": 1, "message": inner, "properties": ""}
    return [
        *group_mods(),
        {"type": "table_mod", "body": {"table": 0, "config": 3}},
        *meter_mods(),
        request("port_description"),
        request("groups", 0xFFFFFFFC),
        request("group_description"),
        request("group_features"),
        request("meters", 0xFFFFFFFF),
        request("meter_config", 1),
        request("meter_features"),
        request("table_features", []),
        request("table_features", [table_features()]),
        request("flow_monitor", [monitor]),
        *roles,
        {"type": "async_config_request"},
        {"type": "set_async_config", "body": masks},
        *controls,
        {"type": "bundle_add", "body": added},
        {"type": "flow_monitor_cancel", "body": 1},
        {"type": "experimenter", "body": {"experimenter": SOMEBODY, "exp_type": 5, "body": "01020304"}},
        request("experimenter", {"experimenter": SOMEBODY, "exp_type": 5, "body": "01020304"}),
    ]


def bundle_control(step):
    """A step of a bundle."""
    return {"bundle": 1, "step": step, "flags": 3, "properties": ""}


def buckets(group_type):
    """Sensible buckets for a group of this type."""
    bucket = {"weight": 0, "watch_port": None, "watch_group": None, "actions": [OUTPUT]}
    if group_type == "indirect":
        return [bucket]
    if group_type == "select":
        return [dict(bucket, weight=1), dict(bucket, weight=7, actions=[{"type": "dec_nw_ttl"}, OUTPUT])]
    if group_type == "fast_failover":
        return [dict(bucket, watch_port=1), dict(bucket, watch_port=2, actions=[{"type": "output", "port": 2}])]
    return [bucket, dict(bucket, actions=[{"type": "push_vlan", "ethertype": 0x8100}, OUTPUT])]


GROUP_TYPES = ("all", "select", "indirect", "fast_failover")
BANDS = [
    [{"type": "drop", "rate": 1000, "burst": 100}],
    [{"type": "dscp_remark", "rate": 1000, "burst": 100, "precedence_level": 1}],
]


def group_mods():
    """Every type and every command."""
    adds = [
        {"command": command, "group_type": kind, "group": number, "buckets": buckets(kind)}
        for number, kind in enumerate(GROUP_TYPES, 1)
        for command in ("add", "modify")
    ]
    delete = {"command": "delete", "group_type": "all", "group": 0xFFFFFFFC, "buckets": []}
    return [{"type": "group_mod", "body": body} for body in [*adds, delete]]


def meter_mods():
    """Every band and every command."""
    adds = [
        {"command": command, "flags": 0b1101, "meter": number, "bands": bands}
        for number, bands in enumerate(BANDS, 1)
        for command in ("add", "modify")
    ]
    delete = {"command": "delete", "flags": 0b10, "meter": 0xFFFFFFFF, "bands": []}
    return [{"type": "meter_mod", "body": body} for body in [*adds, delete]]


def table_features():
    """A table with every kind of property."""
    lengths = ((0, 4), (2, 8), (5, 2), (11, 4))
    fields = [{"class": 0x8000, "field": number, "has_mask": False, "length": length} for number, length in lengths]
    # Only where it says what can be matched does the bit of the mask mean something; the length covers the mask.
    masked = [dict(field, has_mask=True, length=2 * field["length"]) for field in fields if field["field"] in (2, 11)]
    kinds = [{"number": number} for number in (0, 17, 25)]
    of_entries = []
    for of in ("matching", "table_miss"):
        of_entries += [
            {"type": "instructions", "of": of, "kinds": [{"number": number} for number in (1, 2, 3, 4, 5, 6)]},
            {"type": "next_tables", "of": of, "tables": [1, 2, 3]},
            {"type": "write_actions", "of": of, "kinds": kinds},
            {"type": "apply_actions", "of": of, "kinds": kinds},
            {"type": "write_set_field", "of": of, "fields": fields[1:]},
            {"type": "apply_set_field", "of": of, "fields": fields[1:]},
        ]
    properties = [
        *of_entries,
        {"type": "match", "fields": [fields[0], fields[2], *masked]},
        {"type": "wildcards", "fields": fields},
    ]
    return {
        "table": 0,
        "name": "classifier",
        "metadata_match": 0xFFFFFFFFFFFFFFFF,
        "metadata_write": 0xFFFFFFFFFFFFFFFF,
        "config": 3,
        "max_entries": 1000000,
        "properties": properties,
    }


def port(version):
    """A port that is up."""
    return {
        "number": 1,
        "mac": MAC,
        "name": "s1-eth1",
        "admin_down": False,
        "link_down": False,
        "config": 0,
        "state": 0 if version == "1.0" else 4,
        "features": [SPEEDS] * 4,
        "current_speed": 0 if version == "1.0" else 1_000_000,
        "max_speed": 0 if version == "1.0" else 10_000_000,
    }


def from_switch(version):
    """What switches send."""
    number = {"1.0": 1, "1.3": 4}[version]
    is_13 = version == "1.3"
    stats = {name: 1000 + place for place, name in enumerate(COUNTERS)}
    lived = 12_500_000_000
    removed = {
        "cookie": 0x1234,
        "priority": 100,
        "table": 0,
        "duration_ns": lived,
        "idle_timeout": 10,
        "hard_timeout": 20 if is_13 else 0,
        "packets": 7,
        "bytes": 700,
        "pattern": TCP,
    }
    reasons = ("idle_timeout", "hard_timeout", "delete", *(("group_delete",) if is_13 else ()))
    described = {"manufacturer": "Nobody", "hardware": "None", "software": "0.1", "serial": "7", "datapath": "s1"}
    features = {
        "datapath_id": "0000000000000007",
        "buffers": 256,
        "tables": 254,
        "auxiliary_id": 0,
        "capabilities": 0b1101111 if is_13 else 0b1100111 | 1 << 35 | 1 << 39,
        "actions": None if is_13 else 0xFFF,
        "ports": None if is_13 else [port(version)],
    }
    queue = {
        "port": 1,
        "queue": 7,
        "tx_bytes": 1,
        "tx_packets": 2,
        "tx_errors": 3,
        "duration_ns": lived if is_13 else None,
    }
    table = {"table": 0, "active": 3, "lookups": 1000, "matched": 900}
    if not is_13:
        table |= {"name": "classifier", "max_entries": 1000000, "wildcards": 0x3FFFFF}
    rates = [{"type": "min_rate", "rate": 100}, *([{"type": "max_rate", "rate": 900}] if is_13 else [])]
    return [
        {"type": "hello", "body": {"bitmap": None, "header_version": number}},
        {"type": "error", "body": {"version": version, "error_type": 1, "code": 1, "data": "0400000800000007"}},
        {"type": "echo_request", "body": "0011"},
        {"type": "echo_reply", "body": "0011"},
        {"type": "features", "body": features},
        {"type": "config", "body": {"flags": 0, "miss_send_len": 0xFFFF}},
        *packet_ins(version),
        *({"type": "flow_removed", "body": {**removed, "reason": reason}} for reason in reasons),
        *(
            {"type": "port_status", "body": {"reason": reason, "port": port(version)}}
            for reason in ("add", "delete", "modify")
        ),
        {"type": "barrier_reply"},
        reply("description", described),
        *flow_replies(version, lived),
        reply("aggregate", {"packets": 7, "bytes": 700, "flows": 2}),
        reply("tables", [table]),
        reply("ports", [{"number": 1, **stats, "duration_ns": lived if is_13 else None}]),
        reply("ports", [{"number": "local", **dict.fromkeys(COUNTERS), "duration_ns": lived if is_13 else None}]),
        reply("queues", [queue]),
        {"type": "queue_config", "body": {"port": 1, "queues": [{"queue": 7, "port": 1, "properties": rates}]}},
        *(from_switch_13(lived) if is_13 else from_switch_10(lived)),
    ]


def packet_ins(version):
    """One for each reason."""
    is_13 = version == "1.3"
    reasons = ("no_match", "action", *(("invalid_ttl",) if is_13 else ()))
    body = {
        "buffer_id": None,
        "total_len": len(FRAME) // 2,
        "table": 0,
        "cookie": 0x1234 if is_13 else None,
        "in_port": 1,
        "pattern": {"in_port": 1, "metadata": 5, "tunnel_id": 7} if is_13 else {"in_port": 1},
        "data": FRAME,
    }
    return [{"type": "packet_in", "body": {**body, "reason": reason}} for reason in reasons]


def flow_replies(version, lived):
    """Entries with every field, with every action, and a reply in two parts."""
    entries = [rule(match, apply(OUTPUT)) for match in matches(version)]
    entries += [rule(needs, apply(action)) for action, needs in actions(version)]
    if version == "1.3":
        entries += [rule(IPV4, list(several)) for several in instructions()]
    counted = [{"rule": entry, "duration_ns": lived, "packets": 7, "bytes": 700} for entry in entries]
    usual = [entry for entry in counted if common(entry["rule"])]
    half = len(usual) // 2
    whole = [reply("flows", []), reply("flows", usual[:half], True), reply("flows", usual[half:])]
    return whole + [reply("flows", [entry]) for entry in counted if not common(entry["rule"])]


def from_switch_10(lived):
    """What only 1.0 has."""
    aged = {
        "rule": rule(TCP, apply(OUTPUT)),
        "duration_ns": lived,
        "packets": 7,
        "bytes": 700,
        "idle_age": 5,
        "hard_age": 6,
    }
    return [
        {"type": "role", "body": {"role": "slave", "generation": None}},
        reply("aged_flows", [aged]),
        {"type": "experimenter", "body": {"experimenter": SOMEBODY, "exp_type": 0, "body": "01020304"}},
        reply("experimenter", {"experimenter": SOMEBODY, "exp_type": 0, "body": "01020304"}),
    ]


def from_switch_13(lived):
    """What only 1.3 has."""
    counts = {"packets": 1, "bytes": 64}
    groups = [
        {"group_type": kind, "group": number, "buckets": buckets(kind)} for number, kind in enumerate(GROUP_TYPES, 1)
    ]
    group_stats = {"group": 1, "references": 2, **counts, "duration_ns": lived, "buckets": [counts, counts]}
    group_features = {"types": 15, "capabilities": 3, "max_groups": [16] * 4, "actions": [0x07FF9801] * 4}
    meters = [{"flags": 0b1101, "meter": number, "bands": bands} for number, bands in enumerate(BANDS, 1)]
    meter_stats = {"meter": 1, "flows": 2, **counts, "duration_ns": lived, "bands": [counts]}
    meter_features = {"max_meters": 100, "band_types": 6, "capabilities": 15, "max_bands": 2, "max_color": 0}
    masks = {"packet_in": [7, 0], "port_status": [7, 7], "flow_removed": [15, 0]}
    steps = ("open_reply", "close_reply", "commit_reply", "discard_reply")
    full = {
        "type": "full",
        "event": "added",
        "reason": 0,
        "table": 0,
        "priority": 100,
        "idle_timeout": 0,
        "hard_timeout": 0,
        "cookie": 0x1234,
        "pattern": TCP,
        "instructions": apply(OUTPUT),
    }
    return [
        reply("port_description", [port("1.3")]),
        reply("groups", [group_stats]),
        reply("group_description", groups),
        reply("group_features", group_features),
        reply("meters", [meter_stats]),
        reply("meter_config", meters),
        reply("meter_features", meter_features),
        reply("table_features", [table_features()]),
        reply("flow_monitor", [full, dict(full, event="deleted", reason=2), {"type": "abbreviated", "xid": 7}]),
        {"type": "role", "body": {"role": "master", "generation": 3}},
        {"type": "async_config", "body": masks},
        *({"type": "bundle_control", "body": bundle_control(step)} for step in steps),
        {"type": "flow_monitor_paused"},
        {"type": "flow_monitor_resumed"},
        {"type": "experimenter", "body": {"experimenter": SOMEBODY, "exp_type": 5, "body": "01020304"}},
        reply("experimenter", {"experimenter": SOMEBODY, "exp_type": 5, "body": "01020304"}),
    ]
