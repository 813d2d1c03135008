"""os-ken writes, godwit reads; godwit writes, os-ken reads. Both say the same of every message."""

import pytest

import canonical
import every_type
import godwit
import os_ken_process
import os_ken_v10
import os_ken_v13
from disagreements import Disagreements, compare
from os_ken_common import NotCompared

BUILT = 4000
RANDOM = 4000
SEED = 20
SHOWN = 25

TO_SWITCH = {
    *("hello", "error", "echo_request", "echo_reply", "experimenter", "features_request", "get_config_request"),
    *("set_config", "packet_out", "flow_mod", "port_mod", "barrier_request", "queue_config_request", "role_request"),
    *(f"stats_request/{kind}" for kind in ("description", "flows", "aggregate", "tables", "ports", "queues")),
    "stats_request/experimenter",
}
TO_SWITCH_13 = {
    *("group_mod", "meter_mod", "table_mod", "async_config_request", "set_async_config"),
    *("bundle_control", "bundle_add"),
    *(f"stats_request/{kind}" for kind in ("groups", "group_description", "group_features", "port_description")),
    *(f"stats_request/{kind}" for kind in ("meters", "meter_config", "meter_features", "table_features")),
    "stats_request/flow_monitor",
}
BUILT_TYPES = {"1.0": TO_SWITCH, "1.3": TO_SWITCH | TO_SWITCH_13}

FROM_SWITCH = {
    *("hello", "error", "echo_request", "echo_reply", "experimenter", "features", "config", "packet_in"),
    *("flow_removed", "port_status", "barrier_reply", "queue_config", "flow_mod", "unknown"),
    *(f"stats/{kind}" for kind in ("description", "flows", "aggregate", "tables", "ports", "queues", "experimenter")),
}
FROM_SWITCH_13 = {
    *("role", "async_config", "bundle_control"),
    *(f"stats/{kind}" for kind in ("groups", "group_description", "group_features", "port_description")),
    *(f"stats/{kind}" for kind in ("meters", "meter_config", "meter_features", "table_features")),
}
READ_TYPES = {"1.0": FROM_SWITCH, "1.3": FROM_SWITCH | FROM_SWITCH_13}

WIRE = {"1.0": 1, "1.3": 4}
READINGS = {"1.0": os_ken_v10, "1.3": os_ken_v13}
VERSIONS = pytest.mark.parametrize("version", ["1.0", "1.3"])


def with_rarities(version, messages):
    """Random messages, and what chance makes too seldom to rely on."""
    every = every_type.from_switch(version)
    features, packet_in = (
        next(message["body"] for message in every if message["type"] == kind) for kind in ("features", "packet_in")
    )
    extra = [{"type": "packet_in", "body": dict(packet_in, total_len=4)}]
    if version == "1.0":
        ports = [*features["ports"], *(dict(port, name="again") for port in features["ports"])]
        extra.append({"type": "features", "body": dict(features, ports=ports)})
    else:
        extra.append({"type": "hello", "body": {"bitmap": [4, 31], "header_version": 4}})
        for field in ("/b4", "aa/b4cc"):
            pattern = {**packet_in["pattern"], "oxm_0x8000_125": field}
            extra.append({"type": "packet_in", "body": dict(packet_in, pattern=pattern)})
    rarities = every_type.with_header(version, "controller", extra)
    return messages + list(zip(godwit.encode(rarities), rarities))


def no_more_than(faults):
    """Fails with the first of them."""
    assert not faults, "\n".join([f"{len(faults)} faults", *faults[:SHOWN]])


@VERSIONS
def test_godwit_reads_what_os_ken_builds(version):
    """The fields agree, and godwit writes the same bytes again."""
    built = os_ken_process.build(version, SEED, BUILT)
    decoded = godwit.decode([data for data, _, _ in built], "switch")
    encoded = godwit.encode(decoded)
    disagreements = Disagreements("os-ken builds", version)
    faults, types = [], set()
    for (data, xid, described), message, again in zip(built, decoded, encoded):
        theirs = READINGS[version].message(described, xid, "switch")
        types.add(canonical.label(theirs))
        if "error" in message:
            if not disagreements.excuse(theirs, message["error"]["message"]):
                faults.append(f"refused: {message['error']}: {described} as {data}")
            continue
        message = canonical.message(message)
        faults += compare(disagreements, message, theirs, data)
        fault = f"{canonical.label(message)}: written again as {again}, from {data}"
        if again != data and not disagreements.excuse(message, fault):
            faults.append(fault)
    no_more_than(faults)
    assert types == BUILT_TYPES[version], "os-ken builds other types than are written down here"
    assert not disagreements.unneeded()


@VERSIONS
def test_os_ken_reads_what_godwit_writes(version):
    """Random messages of every type that os-ken reads: the fields agree."""
    messages = with_rarities(version, godwit.random_messages(version, SEED, RANDOM))
    parsed = os_ken_process.parse([data for data, _ in messages])
    disagreements = Disagreements("os-ken", version)
    faults, types, compared = [], set(), 0
    for (data, message), answer in zip(messages, parsed):
        message = canonical.message(message)
        if "unparsed" in answer or int(data[:2], 16) != WIRE[version]:
            # A HELLO may have any version in its header.
            continue
        if "error" in answer:
            if not disagreements.excuse(message, answer["error"]):
                faults.append(f"{canonical.label(message)}: os-ken says {answer['error']} to {data}")
            continue
        try:
            theirs = READINGS[version].message(answer["json"], answer["xid"], message["to"])
        except NotCompared as reason:
            if not disagreements.excuse(message, str(reason)):
                faults.append(f"{canonical.label(message)}: {reason}")
            continue
        compared += 1
        types.add(canonical.label(message))
        faults += compare(disagreements, message, theirs, data)
    no_more_than(faults)
    assert types == READ_TYPES[version], "os-ken reads other types than are written down here"
    assert compared > len(messages) / 4
    assert not disagreements.unneeded()
