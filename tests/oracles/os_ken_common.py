"""What both versions' readings of os-ken's descriptions share. Nothing here is taken from godwit's code: what the
model's names mean is written down a second time, from the two specifications."""

import base64

NS_PER_S = 1_000_000_000
NONE_32 = 0xFFFFFFFF
NICIRA = 0x00002320
ONF = 0x4F4E4600

FLOW_COMMANDS = ["add", "modify", "modify_strict", "delete", "delete_strict"]


class NotCompared(Exception):
    """A message that os-ken describes in a way of its own, which has no counterpart in the model."""


def unpack(description):
    """The class and the attributes of `{"OFPHello": {…}}`."""
    ((name, attributes),) = description.items()
    return name, attributes


def octets(text):
    """os-ken's base64, or nothing, as hex digits."""
    if isinstance(text, dict):
        raise NotCompared("a packet that os-ken describes header by header")
    return base64.b64decode(text or "").hex()


def empty(kind):
    """The reading of a message without a body."""
    return lambda attributes, _: (kind, None)


def data(kind):
    """The reading of a message whose body is bytes."""
    return lambda attributes, _: (kind, octets(attributes["data"]))


def reply(kind, one, single=False):
    """The reading of a statistics reply, a list or a single structure."""

    def read(attributes, _):
        body = attributes["body"]
        # Some of the single ones os-ken gives as a list too.
        parts = [one(unpack(part)[1]) for part in (body if isinstance(body, list) else [body])]
        parts = parts[0] if single else parts
        return "stats", {"more": attributes["flags"] & 1 != 0, "body": {"type": kind, "body": parts}}

    return read


def named(names, number):
    """An enumeration's name, or `{"unknown": number}`."""
    return names[number] if number < len(names) else {"unknown": number}


def optional(number, none):
    """A number, or None for the one that stands for none."""
    return None if number == none else number


def counter(number):
    """A counter of 64 bits: all ones are one that the switch does not keep."""
    return optional(number, (1 << 64) - 1)


def duration(attributes):
    """Seconds and nanoseconds together."""
    return attributes["duration_sec"] * NS_PER_S + attributes["duration_nsec"]


def without_none(value):
    """The same without members that are None."""
    if isinstance(value, dict):
        return {name: without_none(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_none(item) for item in value]
    return value


def configuration(attributes):
    """`ofp_switch_config`."""
    return {"flags": attributes["flags"], "miss_send_len": attributes["miss_send_len"]}


def description(attributes):
    """`ofp_desc`."""
    return {
        "manufacturer": attributes["mfr_desc"],
        "hardware": attributes["hw_desc"],
        "software": attributes["sw_desc"],
        "serial": attributes["serial_num"],
        "datapath": attributes["dp_desc"],
    }


def aggregate(attributes):
    """`ofp_aggregate_stats_reply`."""
    return {
        "packets": attributes["packet_count"],
        "bytes": attributes["byte_count"],
        "flows": attributes["flow_count"],
    }


PORT_COUNTERS = {
    "rx_packets": "rx_packets",
    "tx_packets": "tx_packets",
    "rx_bytes": "rx_bytes",
    "tx_bytes": "tx_bytes",
    "rx_dropped": "rx_dropped",
    "tx_dropped": "tx_dropped",
    "rx_errors": "rx_errors",
    "tx_errors": "tx_errors",
    "rx_frame_errors": "rx_frame_err",
    "rx_overrun_errors": "rx_over_err",
    "rx_crc_errors": "rx_crc_err",
    "collisions": "collisions",
}


def port_counters(attributes):
    """The counters of a port that both versions have."""
    return {name: counter(attributes[theirs]) for name, theirs in PORT_COUNTERS.items()}


def error(version, attributes):
    """An error; an experimenter's has its number in front of the data."""
    data = octets(attributes["data"])
    code = attributes["code"]
    if attributes.get("exp_type") is not None:
        code = attributes["exp_type"]
        data = f"{attributes['experimenter']:08x}{data}"
    return {"version": version, "error_type": attributes["type"], "code": code, "data": data}
