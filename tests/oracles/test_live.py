"""A running Open vSwitch takes every field, action, instruction, group and meter that it supports, as godwit writes
them, and reports them back equal, as godwit reads them."""

import itertools

import pytest

import canonical
import godwit
from cases import actions, apply, flow_filter, flow_mod, instructions, matches, request, rule, with_header
from disagreements import Disagreements
from every_type import BANDS, GROUP_TYPES, buckets
from live_switch import Switch

OUTPUT = {"type": "output", "port": 1}
BARRIER = {"type": "barrier_request"}


@pytest.fixture(scope="module")
def switch():
    """The Open vSwitch."""
    with Switch() as running:
        yield running


class Controller:
    """Asks a switch in godwit's JSON."""

    def __init__(self, version, connection):
        self.version = version
        self._connection = connection
        self._xids = itertools.count(1)
        self.errors = {}
        self._send([{"type": "hello", "body": {"bitmap": None}}])
        connection.receive()

    def change(self, messages):
        """Send these and wait until they are done. Which of them were refused is in `errors`, by their place."""
        sent = self._send([*messages, BARRIER])
        first = sent[0]["xid"]
        for answer in self._answers(sent[-1]["xid"]):
            if answer["type"] == "error":
                self.errors[answer["xid"] - first] = answer["body"]
        return {place: self.errors.pop(place) for place in list(self.errors)}

    def ask(self, wanted):
        """All records of a statistics reply."""
        # The barrier comes after the last part.
        sent = self._send([wanted, BARRIER])
        parts = [answer for answer in self._answers(sent[-1]["xid"]) if answer["xid"] == sent[0]["xid"]]
        return [record for part in parts for record in part["body"]["body"]["body"]]

    def _send(self, messages):
        whole = [dict(message, xid=next(self._xids)) for message in with_header(self.version, "switch", messages)]
        self._connection.send(godwit.encode(whole))
        return whole

    def _answers(self, xid):
        received = godwit.decode(self._connection.receive_until(xid), "controller")
        assert not [answer for answer in received if "error" in answer]
        return [canonical.message(answer) for answer in received]


@pytest.fixture(params=["1.0", "1.3"])
def controller(request, switch):  # pylint: disable=redefined-outer-name
    """A connection in each version."""
    with switch.connect(request.param) as connection:
        yield Controller(request.param, connection)


def body_of(version, kind, value):
    """A part of a message in the canonical form."""
    whole = {"version": version, "xid": 0, "to": "switch", "type": kind, "body": value}
    return canonical.message(whole)["body"]


def entries(version):
    """Entries with every field and its values, every action, and every instruction; no two of the same priority."""
    every = [(match, apply(OUTPUT)) for match in matches(version)]
    every += [(needs, apply(action)) for action, needs in actions(version)]
    if version == "1.3":
        every += [({"eth_type": 0x0800}, several) for several in instructions()]
    return [
        rule(match, performed, priority=number, cookie=0x1000 + number, idle_timeout=100, hard_timeout=200, flags=1)
        for number, (match, performed) in enumerate(every, 1)
    ]


def test_what_is_installed_is_reported(controller):
    """Groups and meters, then entries with all that there is; what is refused is on the list."""
    version = controller.version
    disagreements = Disagreements("ovs-vswitchd", version)
    faults = []
    if version == "1.3":
        faults += groups(controller, disagreements) + meters(controller, disagreements)
    faults += flows(controller, disagreements)
    assert not faults, "\n".join(faults)
    assert not disagreements.unneeded()


def compared(disagreements, controller, sent, reported):
    """Pairs of messages and what they installed, against what is reported. `sent` has (message, key, value)."""
    refused = controller.change([message for message, _, _ in sent])
    faults = []
    found = reported()
    for place, (message, key, value) in enumerate(sent):
        message = {"version": controller.version, **message}
        if place in refused:
            error = f"error {refused[place]['error_type']}/{refused[place]['code']}"
            if not disagreements.excuse(message, error):
                faults.append(f"{error}: {message}")
            continue
        if key not in found:
            faults.append(f"not there: {message}")
            continue
        faults += [
            f"{where}: sent {left!r}, reported {right!r}: {message}"
            for where, left, right in canonical.differences(value, found[key])
            if not disagreements.excuse(message, where)
        ]
    return faults


def flows(controller, disagreements):
    """Every entry."""
    version = controller.version

    def reported():
        records = controller.ask(request("flows", flow_filter()))
        return {record["rule"]["cookie"]: record["rule"] for record in records}

    sent = []
    for entry in entries(version):
        message = flow_mod(entry)
        expected = body_of(version, "flow_mod", message["body"])["rule"]
        if version == "1.0":
            # 1.0 does not report flags.
            expected["flags"] = 0
        sent.append((message, entry["cookie"], expected))
    return compared(disagreements, controller, sent, reported)


def groups(controller, disagreements):
    """Groups of every type."""

    def reported():
        return {record["group"]: record for record in controller.ask(request("group_description"))}

    sent = []
    for number, kind in enumerate(GROUP_TYPES, 1):
        description = {"group_type": kind, "group": number, "buckets": buckets(kind)}
        message = {"type": "group_mod", "body": {"command": "add", **description}}
        sent.append((message, number, body_of("1.3", "description", description)))
    return compared(disagreements, controller, sent, reported)


def meters(controller, disagreements):
    """Meters with every kind of band."""

    def reported():
        return {record["meter"]: record for record in controller.ask(request("meter_config", 0xFFFFFFFF))}

    sent = []
    for number, bands in enumerate(BANDS, 1):
        configuration = {"flags": 0b1101, "meter": number, "bands": bands}
        message = {"type": "meter_mod", "body": {"command": "add", **configuration}}
        sent.append((message, number, body_of("1.3", "configuration", configuration)))
    return compared(disagreements, controller, sent, reported)
