"""os-ken's description of a message of OpenFlow 1.0, in godwit's words, which are 1.3's."""

from fields import VLAN_PRESENT, plain_number, FIELDS
from os_ken_common import (
    FLOW_COMMANDS,
    NICIRA,
    NONE_32,
    NotCompared,
    aggregate,
    configuration,
    counter,
    data,
    description,
    duration,
    empty,
    error,
    named,
    octets,
    optional,
    port_counters,
    reply,
    unpack,
    without_none,
)

PACKET_IN_REASONS = ["no_match", "action"]
REMOVED_REASONS = ["idle_timeout", "hard_timeout", "delete"]
PORT_REASONS = ["add", "delete", "modify"]
NICIRA_ROLES = ["equal", "master", "slave"]

# Bits of ofp_flow_wildcards (OF 1.0.2 §5.2.3).
IN_PORT, DL_VLAN, DL_SRC, DL_DST, DL_TYPE, NW_PROTO, TP_SRC, TP_DST = (1 << bit for bit in range(8))
NW_SRC_SHIFT, NW_DST_SHIFT = 8, 14
DL_VLAN_PCP, NW_TOS = 1 << 20, 1 << 21

CONTROLLER = 0xFFFFFFFD
OFPP_ALL, OFPP_NONE = 0xFFFC, 0xFFFF
IPV4, ARP = 0x0800, 0x0806
TRANSPORTS = {
    1: ("icmpv4_type", "icmpv4_code"),
    6: ("tcp_src", "tcp_dst"),
    17: ("udp_src", "udp_dst"),
    132: ("sctp_src", "sctp_dst"),
}

# Where each bit of 1.0 stands in godwit's numbering: 1.3's, and 32 higher what 1.3 does not define (OF 1.0.2 §5.2.1,
# §5.3.1; OF 1.3.5 §7.2.1, §7.3.1). What neither defines is not in these lists.
PORT_CONFIG = {0: 0, 1: 33, 2: 2, 3: 35, 4: 36, 5: 5, 6: 6}
PORT_STATE = {0: 0, 8: 40, 9: 41}
PORT_FEATURES = {**{bit: bit for bit in range(7)}, **{bit: bit + 4 for bit in range(7, 12)}}
CAPABILITIES = {0: 0, 1: 1, 2: 2, 3: 35, 5: 5, 6: 6, 7: 39}


def message(described, xid, to):
    """A whole message."""
    name, attributes = unpack(described)
    if name not in MESSAGES:
        raise NotCompared(f"os-ken's {name}")
    kind, body = MESSAGES[name](attributes, to)
    result = {"version": "1.0", "xid": xid, "to": to, "type": kind, "body": body}
    return without_none(result)


def moved(bits, places):
    """A set of bits in godwit's numbering; a bit that 1.0 does not define stands 32 higher."""
    return sum(1 << places.get(bit, bit + 32) for bit in range(32) if bits >> bit & 1)


def port_number(number):
    """A port: the reserved numbers are those of 1.3 with the same low bits."""
    return number if number <= 0xFF00 else 0xFFFF0000 | number


def out_port(number):
    """A condition; NONE is none."""
    return optional(port_number(number), NONE_32)


def hello(_, to):
    return "hello", {"header_version": 1} if to == "controller" else {}


def vendor(attributes, to):
    if attributes["vendor"] == NICIRA:
        raise NotCompared("os-ken describes Nicira's messages in a form of its own")
    return "experimenter", {
        "experimenter": attributes["vendor"],
        "exp_type": 0,
        "body": octets(attributes["data"]),
    }


def features(attributes, _):
    return "features", {
        "datapath_id": attributes["datapath_id"],
        "buffers": attributes["n_buffers"],
        "tables": attributes["n_tables"],
        "auxiliary_id": 0,
        "capabilities": moved(attributes["capabilities"], CAPABILITIES),
        "actions": attributes["actions"],
        "ports": [port(one) for one in attributes["ports"].values()],
    }


def port(described):
    attributes = unpack(described)[1]
    return {
        "number": port_number(attributes["port_no"]),
        "mac": attributes["hw_addr"],
        "name": attributes["name"],
        "admin_down": attributes["config"] & 1 != 0,
        "link_down": attributes["state"] & 1 != 0,
        "config": moved(attributes["config"], PORT_CONFIG),
        "state": moved(attributes["state"], PORT_STATE),
        "features": [moved(attributes[name], PORT_FEATURES) for name in ("curr", "advertised", "supported", "peer")],
        "current_speed": 0,
        "max_speed": 0,
    }


def port_status(attributes, _):
    return "port_status", {"reason": named(PORT_REASONS, attributes["reason"]), "port": port(attributes["desc"])}


def port_mod(attributes, _):
    return "port_mod", {
        "port": port_number(attributes["port_no"]),
        "mac": attributes["hw_addr"],
        "config": moved(attributes["config"], PORT_CONFIG),
        "mask": moved(attributes["mask"], PORT_CONFIG),
        "advertise": moved(attributes["advertise"], PORT_FEATURES),
    }


def packet_in(attributes, _):
    number = port_number(attributes["in_port"])
    return "packet_in", {
        "buffer_id": optional(attributes["buffer_id"], NONE_32),
        "total_len": attributes["total_len"],
        "reason": named(PACKET_IN_REASONS, attributes["reason"]),
        "table": 0,
        "in_port": number,
        "pattern": {"in_port": [number, NONE_32]},
        "data": octets(attributes["data"]),
    }


def packet_out(attributes, _):
    return "packet_out", {
        "buffer_id": optional(attributes["buffer_id"], NONE_32),
        "in_port": CONTROLLER if attributes["in_port"] == OFPP_NONE else port_number(attributes["in_port"]),
        "actions": actions(attributes["actions"], {}),
        "data": octets(attributes["data"]),
    }


def flow_mod(attributes, _):
    flags = attributes["flags"]
    return "flow_mod", {
        "command": FLOW_COMMANDS[attributes["command"]],
        "rule": dict(rule(attributes), table=0, flags=flags),
        "cookie_mask": 0,
        "buffer_id": optional(attributes["buffer_id"], NONE_32),
        "out_port": out_port(attributes["out_port"]),
    }


def rule(attributes):
    """A flow entry, of FLOW_MOD and of the statistics."""
    match = pattern(attributes["match"])
    performed = actions(attributes["actions"], match)
    return {
        "priority": attributes["priority"],
        "pattern": match,
        "cookie": attributes["cookie"],
        "instructions": [{"type": "apply_actions", "actions": performed}] if performed else [],
        "idle_timeout": attributes["idle_timeout"],
        "hard_timeout": attributes["hard_timeout"],
    }


def flow_removed(attributes, _):
    return "flow_removed", {
        "cookie": attributes["cookie"],
        "priority": attributes["priority"],
        "reason": named(REMOVED_REASONS, attributes["reason"]),
        "table": 0,
        "duration_ns": duration(attributes),
        "idle_timeout": attributes["idle_timeout"],
        "hard_timeout": 0,
        "packets": attributes["packet_count"],
        "bytes": attributes["byte_count"],
        "pattern": pattern(attributes["match"]),
    }


def queue_config(attributes, _):
    number = port_number(attributes["port"])
    return "queue_config", {
        "port": number,
        "queues": [queue(unpack(one)[1], number) for one in attributes["queues"]],
    }


def queue(attributes, number):
    return {
        "queue": attributes["queue_id"],
        "port": number,
        "properties": [queue_property(one) for one in attributes["properties"]],
    }


def queue_property(described):
    name, attributes = unpack(described)
    if name == "OFPQueuePropMinRate":
        return {"type": "min_rate", "rate": attributes["rate"]}
    return {"type": "unknown", "property": attributes["property"], "body": ""}


def nicira_role(kind):
    return lambda attributes, _: (kind, {"role": named(NICIRA_ROLES, attributes["role"])})


def request(kind, body=lambda attributes: None):
    """A statistics request."""
    return lambda attributes, _: ("stats_request", {"more": False, "body": {"type": kind, "body": body(attributes)}})


def flow_filter(attributes):
    return {
        "table": attributes["table_id"],
        "out_port": out_port(attributes["out_port"]),
        "cookie": 0,
        "cookie_mask": 0,
        "pattern": pattern(attributes["match"]),
    }


def queue_filter(attributes):
    """Alone among the requests of 1.0, this one names every port ALL."""
    number = attributes["port_no"]
    every = number == OFPP_ALL
    return {"port": NONE_32 if every else port_number(number), "queue": attributes["queue_id"]}


def vendor_request(attributes, _):
    body = {"experimenter": attributes["vendor"], "exp_type": 0, "body": octets(attributes["specific_data"])}
    return "stats_request", {"more": False, "body": {"type": "experimenter", "body": body}}


def vendor_reply(attributes, _):
    data = octets(unpack(attributes["body"])[1]["specific_data"])
    body = {"experimenter": int(data[:8], 16), "exp_type": 0, "body": data[8:]}
    return "stats", {"more": attributes["flags"] & 1 != 0, "body": {"type": "experimenter", "body": body}}


def flow_stats(attributes):
    return {
        "rule": dict(rule(attributes), table=attributes["table_id"], flags=0),
        "duration_ns": duration(attributes),
        "packets": attributes["packet_count"],
        "bytes": attributes["byte_count"],
    }


def table_stats(attributes):
    return {
        "table": attributes["table_id"],
        "name": attributes["name"],
        "wildcards": attributes["wildcards"],
        "max_entries": attributes["max_entries"],
        "active": attributes["active_count"],
        "lookups": attributes["lookup_count"],
        "matched": attributes["matched_count"],
    }


def port_stats(attributes):
    return {"number": port_number(attributes["port_no"]), **port_counters(attributes)}


def queue_stats(attributes):
    return {
        "port": port_number(attributes["port_no"]),
        "queue": attributes["queue_id"],
        "tx_bytes": counter(attributes["tx_bytes"]),
        "tx_packets": counter(attributes["tx_packets"]),
        "tx_errors": counter(attributes["tx_errors"]),
    }


def pattern(described):
    """`ofp_match`: a field counts where its wildcard is clear and what it needs is there."""
    match = unpack(described)[1]
    wild = match["wildcards"]
    result = {}

    def exact(name, value):
        result[name] = [value, FIELDS[name].full]

    if not wild & IN_PORT:
        exact("in_port", port_number(match["in_port"]))
    if not wild & DL_SRC:
        exact("eth_src", plain_number(FIELDS["eth_src"], match["dl_src"]))
    if not wild & DL_DST:
        exact("eth_dst", plain_number(FIELDS["eth_dst"], match["dl_dst"]))
    tagged(match, result, exact)
    if wild & DL_TYPE:
        return result
    exact("eth_type", match["dl_type"])
    if match["dl_type"] == IPV4:
        addresses(match, result, "ipv4_src", "ipv4_dst")
        if not wild & NW_TOS:
            exact("ip_dscp", match["nw_tos"] >> 2)
        if not wild & NW_PROTO:
            exact("ip_proto", match["nw_proto"])
            source, destination = TRANSPORTS.get(match["nw_proto"], (None, None))
            if source and not wild & TP_SRC:
                exact(source, match["tp_src"])
            if destination and not wild & TP_DST:
                exact(destination, match["tp_dst"])
    if match["dl_type"] == ARP:
        addresses(match, result, "arp_spa", "arp_tpa")
        if not wild & NW_PROTO:
            exact("arp_op", match["nw_proto"])
    return result


def tagged(match, result, exact):
    """The VLAN: 0xffff is a packet without a tag, and a priority without an id asks for any tag."""
    wild = match["wildcards"]
    if not wild & DL_VLAN:
        untagged = match["dl_vlan"] == 0xFFFF
        exact("vlan_vid", 0 if untagged else match["dl_vlan"] | VLAN_PRESENT)
        if untagged:
            return
    if not wild & DL_VLAN_PCP:
        result.setdefault("vlan_vid", [VLAN_PRESENT, VLAN_PRESENT])
        exact("vlan_pcp", match["dl_vlan_pcp"])


def addresses(match, result, source, destination):
    """Six bits say how many low bits are not compared; 32 and more are all."""
    for name, theirs, shift in ((source, "nw_src", NW_SRC_SHIFT), (destination, "nw_dst", NW_DST_SHIFT)):
        ignored = min(match["wildcards"] >> shift & 63, 32)
        mask = 0xFFFFFFFF >> ignored << ignored
        if mask:
            result[name] = [plain_number(FIELDS["ipv4_src"], match[theirs]) & mask, mask]


def actions(descriptions, match):
    return [action(one, match) for one in descriptions]


def action(described, match):
    """An action; which transport field a port means is in the entry's match, else it is TCP's."""
    name, attributes = unpack(described)

    def set_field(field, value):
        return {"type": "set_field", "field": field, "value": plain_number(FIELDS[field], value)}

    source, destination = TRANSPORTS.get(match.get("ip_proto", [6])[0], TRANSPORTS[6])
    simple = {
        "OFPActionVlanVid": ("vlan_vid", lambda: attributes["vlan_vid"] | VLAN_PRESENT),
        "OFPActionVlanPcp": ("vlan_pcp", lambda: attributes["vlan_pcp"]),
        "OFPActionSetDlSrc": ("eth_src", lambda: attributes["dl_addr"]),
        "OFPActionSetDlDst": ("eth_dst", lambda: attributes["dl_addr"]),
        "OFPActionSetNwSrc": ("ipv4_src", lambda: attributes["nw_addr"]),
        "OFPActionSetNwDst": ("ipv4_dst", lambda: attributes["nw_addr"]),
        "OFPActionSetNwTos": ("ip_dscp", lambda: attributes["tos"] >> 2),
        "OFPActionSetTpSrc": (source, lambda: attributes["tp"]),
        "OFPActionSetTpDst": (destination, lambda: attributes["tp"]),
    }
    if name in simple:
        field, value = simple[name]
        return set_field(field, value())
    if name == "OFPActionOutput":
        return {"type": "output", "port": port_number(attributes["port"]), "max_len": attributes["max_len"]}
    if name == "OFPActionStripVlan":
        return {"type": "pop_vlan"}
    if name == "OFPActionEnqueue":
        return {"type": "enqueue", "port": port_number(attributes["port"]), "queue": attributes["queue_id"]}
    if name == "OFPActionVendorUnknown":
        return {"type": "experimenter", "experimenter": attributes["vendor"], "body": octets(attributes["data"])}
    raise NotCompared(f"the action {name}")


MESSAGES = {
    "OFPHello": hello,
    "OFPErrorMsg": lambda attributes, _: ("error", error("1.0", attributes)),
    "OFPEchoRequest": data("echo_request"),
    "OFPEchoReply": data("echo_reply"),
    "OFPVendor": vendor,
    "OFPFeaturesRequest": empty("features_request"),
    "OFPSwitchFeatures": features,
    "OFPGetConfigRequest": empty("get_config_request"),
    "OFPGetConfigReply": lambda attributes, _: ("config", configuration(attributes)),
    "OFPSetConfig": lambda attributes, _: ("set_config", configuration(attributes)),
    "OFPPacketIn": packet_in,
    "OFPPacketOut": packet_out,
    "OFPFlowMod": flow_mod,
    "OFPFlowRemoved": flow_removed,
    "OFPPortMod": port_mod,
    "OFPPortStatus": port_status,
    "OFPBarrierRequest": empty("barrier_request"),
    "OFPBarrierReply": empty("barrier_reply"),
    "OFPQueueGetConfigRequest": lambda attributes, _: ("queue_config_request", port_number(attributes["port"])),
    "OFPQueueGetConfigReply": queue_config,
    "NXTRoleRequest": nicira_role("role_request"),
    "OFPDescStatsRequest": request("description"),
    "OFPDescStatsReply": reply("description", description, single=True),
    "OFPFlowStatsRequest": request("flows", flow_filter),
    "OFPFlowStatsReply": reply("flows", flow_stats),
    "OFPAggregateStatsRequest": request("aggregate", flow_filter),
    "OFPAggregateStatsReply": reply("aggregate", aggregate, single=True),
    "OFPTableStatsRequest": request("tables"),
    "OFPTableStatsReply": reply("tables", table_stats),
    "OFPPortStatsRequest": request("ports", lambda attributes: port_number(attributes["port_no"])),
    "OFPPortStatsReply": reply("ports", port_stats),
    "OFPQueueStatsRequest": request("queues", queue_filter),
    "OFPQueueStatsReply": reply("queues", queue_stats),
    "OFPVendorStatsRequest": vendor_request,
    "OFPVendorStatsReply": vendor_reply,
}
