"""os-ken's description of a message of OpenFlow 1.3, in godwit's words."""

from os_ken_common import (
    FLOW_COMMANDS,
    NICIRA,
    NONE_32,
    ONF,
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
from os_ken_v13_parts import actions, instruction, pattern, table_features

GROUP_COMMANDS = ["add", "modify", "delete"]
GROUP_TYPES = ["all", "select", "indirect", "fast_failover"]
ROLES = ["no_change", "equal", "master", "slave"]
BUNDLE_STEPS = [f"{step}_{kind}" for step in ("open", "close", "commit", "discard") for kind in ("request", "reply")]
PACKET_IN_REASONS = ["no_match", "action", "invalid_ttl"]
REMOVED_REASONS = ["idle_timeout", "hard_timeout", "delete", "group_delete"]
PORT_REASONS = ["add", "delete", "modify"]
PORT_DOWN = LINK_DOWN = 1


def message(described, xid, to):
    """A whole message."""
    name, attributes = unpack(described)
    if name not in MESSAGES:
        raise NotCompared(f"os-ken's {name}")
    kind, body = MESSAGES[name](attributes, to)
    if kind == "bundle_add":
        # The message within has the transaction id of the one around it.
        body["xid"] = xid
    result = {"version": "1.3", "xid": xid, "to": to, "type": kind, "body": body}
    return without_none(result)


def hello(attributes, to):
    bitmaps = [unpack(element)[1]["versions"] for element in attributes["elements"]]
    body = {"bitmap": sorted(bitmaps[0]) if bitmaps else None}
    if to == "controller":
        body["header_version"] = 4
    return "hello", body


def features(attributes, _):
    return "features", {
        "datapath_id": attributes["datapath_id"],
        "buffers": attributes["n_buffers"],
        "tables": attributes["n_tables"],
        "auxiliary_id": attributes["auxiliary_id"],
        "capabilities": attributes["capabilities"],
    }


def packet_in(attributes, _):
    match = pattern(attributes["match"])
    return "packet_in", {
        "buffer_id": optional(attributes["buffer_id"], NONE_32),
        "total_len": attributes["total_len"],
        "reason": named(PACKET_IN_REASONS, attributes["reason"]),
        "table": attributes["table_id"],
        "cookie": optional(attributes["cookie"], (1 << 64) - 1),
        "in_port": match.get("in_port", [0])[0],
        "pattern": match,
        "data": octets(attributes["data"]),
    }


def packet_out(attributes, _):
    return "packet_out", {
        "buffer_id": optional(attributes["buffer_id"], NONE_32),
        "in_port": attributes["in_port"],
        "actions": actions(attributes["actions"]),
        "data": octets(attributes["data"]),
    }


def flow_mod(attributes, _):
    return "flow_mod", {
        "command": FLOW_COMMANDS[attributes["command"]],
        "rule": rule(attributes),
        "cookie_mask": attributes["cookie_mask"],
        "buffer_id": optional(attributes["buffer_id"], NONE_32),
        "out_port": optional(attributes["out_port"], NONE_32),
        "out_group": optional(attributes["out_group"], NONE_32),
    }


def rule(attributes):
    """A flow entry, of FLOW_MOD and of the statistics."""
    return {
        "table": attributes["table_id"],
        "priority": attributes["priority"],
        "pattern": pattern(attributes["match"]),
        "cookie": attributes["cookie"],
        "instructions": [instruction(one) for one in attributes["instructions"]],
        "idle_timeout": attributes["idle_timeout"],
        "hard_timeout": attributes["hard_timeout"],
        "flags": attributes["flags"],
    }


def flow_removed(attributes, _):
    return "flow_removed", {
        "cookie": attributes["cookie"],
        "priority": attributes["priority"],
        "reason": named(REMOVED_REASONS, attributes["reason"]),
        "table": attributes["table_id"],
        "duration_ns": duration(attributes),
        "idle_timeout": attributes["idle_timeout"],
        "hard_timeout": attributes["hard_timeout"],
        "packets": attributes["packet_count"],
        "bytes": attributes["byte_count"],
        "pattern": pattern(attributes["match"]),
    }


def group_mod(attributes, _):
    return "group_mod", {
        "command": GROUP_COMMANDS[attributes["command"]],
        "group_type": named(GROUP_TYPES, attributes["type"]),
        "group": attributes["group_id"],
        "buckets": [bucket(one) for one in attributes["buckets"]],
    }


def bucket(described):
    attributes = unpack(described)[1]
    return {
        "weight": attributes["weight"],
        "watch_port": optional(attributes["watch_port"], NONE_32),
        "watch_group": optional(attributes["watch_group"], NONE_32),
        "actions": actions(attributes["actions"]),
    }


def port_mod(attributes, _):
    return "port_mod", {
        "port": attributes["port_no"],
        "mac": attributes["hw_addr"],
        "config": attributes["config"],
        "mask": attributes["mask"],
        "advertise": attributes["advertise"],
    }


def port(described):
    attributes = unpack(described)[1]
    return {
        "number": attributes["port_no"],
        "mac": attributes["hw_addr"],
        "name": attributes["name"],
        "admin_down": attributes["config"] & PORT_DOWN != 0,
        "link_down": attributes["state"] & LINK_DOWN != 0,
        "config": attributes["config"],
        "state": attributes["state"],
        "features": [attributes[name] for name in ("curr", "advertised", "supported", "peer")],
        "current_speed": attributes["curr_speed"],
        "max_speed": attributes["max_speed"],
    }


def port_status(attributes, _):
    return "port_status", {"reason": named(PORT_REASONS, attributes["reason"]), "port": port(attributes["desc"])}


def meter_mod(attributes, _):
    return "meter_mod", {
        "command": GROUP_COMMANDS[attributes["command"]],
        "flags": attributes["flags"],
        "meter": attributes["meter_id"],
        "bands": [band(one) for one in attributes["bands"]],
    }


def band(described):
    name, attributes = unpack(described)
    rates = {"rate": attributes["rate"], "burst": attributes["burst_size"]}
    if name == "OFPMeterBandDrop":
        return {"type": "drop", **rates}
    if name == "OFPMeterBandDscpRemark":
        return {"type": "dscp_remark", **rates, "precedence_level": attributes["prec_level"]}
    # os-ken knows no data of an experimenter's band.
    return {"type": "experimenter", **rates, "experimenter": attributes["experimenter"], "body": ""}


def role(kind):
    return lambda attributes, _: (
        kind,
        {"role": named(ROLES, attributes["role"]), "generation": attributes["generation_id"]},
    )


def async_config(kind):
    return lambda attributes, _: (
        kind,
        {name: attributes[f"{name}_mask"] for name in ("packet_in", "port_status", "flow_removed")},
    )


def queue_config(attributes, _):
    return "queue_config", {
        "port": attributes["port"],
        "queues": [queue(unpack(one)[1]) for one in attributes["queues"]],
    }


def queue(attributes):
    return {
        "queue": attributes["queue_id"],
        "port": attributes["port"],
        "properties": [queue_property(one) for one in attributes["properties"]],
    }


def queue_property(described):
    name, attributes = unpack(described)
    if name == "OFPQueuePropExperimenter":
        body = bytes(attributes["data"]).hex()
        return {"type": "experimenter", "experimenter": attributes["experimenter"], "body": body}
    kind = {"OFPQueuePropMinRate": "min_rate", "OFPQueuePropMaxRate": "max_rate"}[name]
    return {"type": kind, "rate": attributes["rate"]}


def experimenter(attributes, _):
    body = {
        "experimenter": attributes["experimenter"],
        "exp_type": attributes["exp_type"],
        "body": octets(attributes["data"]),
    }
    if attributes["experimenter"] in (NICIRA, ONF):
        raise NotCompared("an experimenter's message that godwit knows and os-ken keeps as bytes")
    return "experimenter", body


def bundle_control(attributes, _):
    if attributes["properties"]:
        raise NotCompared("os-ken describes properties of bundles in a form of its own")
    return "bundle_control", {
        "bundle": attributes["bundle_id"],
        "step": named(BUNDLE_STEPS, attributes["type"]),
        "flags": attributes["flags"],
        "properties": "",
    }


def bundle_add(attributes, to):
    name, inner = unpack(attributes["message"])
    kind, body = MESSAGES[name](inner, to)
    return "bundle_add", {
        "bundle": attributes["bundle_id"],
        "flags": attributes["flags"],
        "message": {"type": kind, "body": body},
        "properties": "",
    }


def request(kind, body=lambda attributes: None):
    """A multipart request."""
    return lambda attributes, _: (
        "stats_request",
        {"more": attributes["flags"] & 1 != 0, "body": {"type": kind, "body": body(attributes)}},
    )


def flow_filter(attributes):
    return {
        "table": attributes["table_id"],
        "out_port": optional(attributes["out_port"], NONE_32),
        "out_group": optional(attributes["out_group"], NONE_32),
        "cookie": attributes["cookie"],
        "cookie_mask": attributes["cookie_mask"],
        "pattern": pattern(attributes["match"]),
    }


def queue_filter(attributes):
    return {"port": attributes["port_no"], "queue": attributes["queue_id"]}


def experimenter_request(attributes, _):
    body = {
        "experimenter": attributes["experimenter"],
        "exp_type": attributes["exp_type"],
        "body": octets(attributes["data"]),
    }
    return "stats_request", {"more": attributes["flags"] & 1 != 0, "body": {"type": "experimenter", "body": body}}


def experimenter_reply(attributes, _):
    name, body = unpack(attributes["body"])
    if name != "OFPExperimenterMultipart":
        raise NotCompared(name)
    if body["experimenter"] == ONF:
        raise NotCompared("statistics of an experimenter that godwit knows and os-ken keeps as bytes")
    body = {"experimenter": body["experimenter"], "exp_type": body["exp_type"], "body": octets(body["data"])}
    return "stats", {"more": attributes["flags"] & 1 != 0, "body": {"type": "experimenter", "body": body}}


def flow_monitor(attributes):
    parts = (unpack(one)[1] for one in attributes["body"])
    return [
        {
            "monitor": part["id"],
            "flags": part["flags"],
            "out_port": optional(part["out_port"], NONE_32),
            "table": part["table_id"],
            "pattern": pattern(part["match"]),
        }
        for part in parts
    ]


def flow_stats(attributes):
    return {
        "rule": rule(attributes),
        "duration_ns": duration(attributes),
        "packets": attributes["packet_count"],
        "bytes": attributes["byte_count"],
    }


def table_stats(attributes):
    return {
        "table": attributes["table_id"],
        "active": attributes["active_count"],
        "lookups": attributes["lookup_count"],
        "matched": attributes["matched_count"],
    }


def port_stats(attributes):
    return {
        "number": attributes["port_no"],
        **port_counters(attributes),
        "duration_ns": known_duration(attributes),
    }


def known_duration(attributes):
    """A duration, or None where all bits of its seconds are set."""
    unknown = attributes["duration_sec"] == NONE_32 and attributes["duration_nsec"] == NONE_32
    return None if unknown else duration(attributes)


def queue_stats(attributes):
    return {
        "port": attributes["port_no"],
        "queue": attributes["queue_id"],
        "tx_bytes": counter(attributes["tx_bytes"]),
        "tx_packets": counter(attributes["tx_packets"]),
        "tx_errors": counter(attributes["tx_errors"]),
        "duration_ns": known_duration(attributes),
    }


def group_stats(attributes):
    parts = (unpack(one)[1] for one in attributes["bucket_stats"])
    return {
        "group": attributes["group_id"],
        "references": attributes["ref_count"],
        "packets": attributes["packet_count"],
        "bytes": attributes["byte_count"],
        "duration_ns": duration(attributes),
        "buckets": [{"packets": part["packet_count"], "bytes": part["byte_count"]} for part in parts],
    }


def group_description(attributes):
    return {
        "group_type": named(GROUP_TYPES, attributes["type"]),
        "group": attributes["group_id"],
        "buckets": [bucket(one) for one in attributes["buckets"]],
    }


def group_features(attributes):
    return {name: attributes[name] for name in ("types", "capabilities", "max_groups", "actions")}


def meter_stats(attributes):
    parts = (unpack(one)[1] for one in attributes["band_stats"])
    return {
        "meter": attributes["meter_id"],
        "flows": attributes["flow_count"],
        "packets": attributes["packet_in_count"],
        "bytes": attributes["byte_in_count"],
        "duration_ns": duration(attributes),
        "bands": [{"packets": part["packet_band_count"], "bytes": part["byte_band_count"]} for part in parts],
    }


def meter_config(attributes):
    return {
        "flags": attributes["flags"],
        "meter": attributes["meter_id"],
        "bands": [band(one) for one in attributes["bands"]],
    }


def meter_features(attributes):
    names = ("band_types", "capabilities", "max_bands", "max_color")
    return {"max_meters": attributes["max_meter"], **{name: attributes[name] for name in names}}


MESSAGES = {
    "OFPHello": hello,
    "OFPErrorMsg": lambda attributes, _: ("error", error("1.3", attributes)),
    "OFPEchoRequest": data("echo_request"),
    "OFPEchoReply": data("echo_reply"),
    "OFPExperimenter": experimenter,
    "OFPFeaturesRequest": empty("features_request"),
    "OFPSwitchFeatures": features,
    "OFPGetConfigRequest": empty("get_config_request"),
    "OFPGetConfigReply": lambda attributes, _: ("config", configuration(attributes)),
    "OFPSetConfig": lambda attributes, _: ("set_config", configuration(attributes)),
    "OFPPacketIn": packet_in,
    "OFPPacketOut": packet_out,
    "OFPFlowMod": flow_mod,
    "OFPFlowRemoved": flow_removed,
    "OFPGroupMod": group_mod,
    "OFPPortMod": port_mod,
    "OFPPortStatus": port_status,
    "OFPTableMod": lambda attributes, _: (
        "table_mod",
        {"table": attributes["table_id"], "config": attributes["config"]},
    ),
    "OFPMeterMod": meter_mod,
    "OFPBarrierRequest": empty("barrier_request"),
    "OFPBarrierReply": empty("barrier_reply"),
    "OFPQueueGetConfigRequest": lambda attributes, _: ("queue_config_request", attributes["port"]),
    "OFPQueueGetConfigReply": queue_config,
    "OFPRoleRequest": role("role_request"),
    "OFPRoleReply": role("role"),
    "OFPGetAsyncRequest": empty("async_config_request"),
    "OFPGetAsyncReply": async_config("async_config"),
    "OFPSetAsync": async_config("set_async_config"),
    "ONFBundleCtrlMsg": bundle_control,
    "ONFBundleAddMsg": bundle_add,
    "OFPDescStatsRequest": request("description"),
    "OFPDescStatsReply": reply("description", description, single=True),
    "OFPFlowStatsRequest": request("flows", flow_filter),
    "OFPFlowStatsReply": reply("flows", flow_stats),
    "OFPAggregateStatsRequest": request("aggregate", flow_filter),
    "OFPAggregateStatsReply": reply("aggregate", aggregate, single=True),
    "OFPTableStatsRequest": request("tables"),
    "OFPTableStatsReply": reply("tables", table_stats),
    "OFPPortStatsRequest": request("ports", lambda attributes: attributes["port_no"]),
    "OFPPortStatsReply": reply("ports", port_stats),
    "OFPQueueStatsRequest": request("queues", queue_filter),
    "OFPQueueStatsReply": reply("queues", queue_stats),
    "OFPGroupStatsRequest": request("groups", lambda attributes: attributes["group_id"]),
    "OFPGroupStatsReply": reply("groups", group_stats),
    "OFPGroupDescStatsRequest": request("group_description"),
    "OFPGroupDescStatsReply": reply("group_description", group_description),
    "OFPGroupFeaturesStatsRequest": request("group_features"),
    "OFPGroupFeaturesStatsReply": reply("group_features", group_features, single=True),
    "OFPMeterStatsRequest": request("meters", lambda attributes: attributes["meter_id"]),
    "OFPMeterStatsReply": reply("meters", meter_stats),
    "OFPMeterConfigStatsRequest": request("meter_config", lambda attributes: attributes["meter_id"]),
    "OFPMeterConfigStatsReply": reply("meter_config", meter_config),
    "OFPMeterFeaturesStatsRequest": request("meter_features"),
    "OFPMeterFeaturesStatsReply": reply("meter_features", meter_features, single=True),
    "OFPTableFeaturesStatsRequest": request(
        "table_features", lambda attributes: [table_features(unpack(one)[1]) for one in attributes["body"]]
    ),
    "OFPTableFeaturesStatsReply": reply("table_features", table_features),
    "OFPPortDescStatsRequest": request("port_description"),
    "OFPPortDescStatsReply": lambda attributes, _: (
        "stats",
        {
            "more": attributes["flags"] & 1 != 0,
            "body": {"type": "port_description", "body": [port(one) for one in attributes["body"]]},
        },
    ),
    "OFPExperimenterStatsRequest": experimenter_request,
    "OFPExperimenterStatsReply": experimenter_reply,
    "ONFFlowMonitorStatsRequest": request("flow_monitor", flow_monitor),
}
