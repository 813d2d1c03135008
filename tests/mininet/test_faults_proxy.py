"""The proxy that injects faults, between a real switch and a controller that is nothing but a socket."""

import socket
import struct
import time
from contextlib import ExitStack

import pytest

import openflow
from network import GodwitNetwork
from openflow import V10, V13, message
from processes import wait_until
from proxy import Proxy
from topologies import Ring

FLOW_MOD_FAILED, TABLE_FULL = 5, 1
ONF, CONTROL, ADD = 0x4F4E4600, 2300, 2301
OPEN, OPENED, CLOSE, CLOSED, COMMIT, COMMITTED = range(6)
EXPERIMENTER, ERROR_EXPERIMENTER, MESSAGE_FAILED = 4, 0xFFFF, 2313
ATOMIC_ORDERED = 3


class Line:
    """A switch, the proxy, and the connection that a controller has through it."""

    def __init__(self, switch, listener, proxy):
        self.switch, self.proxy, self._listener = switch, proxy, listener
        self.version = V10 if switch.protocols == "OpenFlow10" else V13
        self.connection = None

    def accept(self):
        """Take the switch's next connection, and shake hands."""
        if self.connection is not None:
            self.connection.__exit__()
        sock, _ = self._listener.accept()
        self.connection = openflow.Connection(sock)
        self.connection.send(message(self.version, openflow.HELLO))
        assert self.connection.receive().kind == openflow.HELLO
        return sock

    def add(self, port, xid):
        """Add a rule for a UDP port."""
        return self._flow_mod(openflow.ADD, port, xid)

    def _flow_mod(self, command, port, xid):
        match = openflow.UdpMatch(udp_dst=port)
        data = openflow.flow_mod(self.version, command, match, 100, 1)
        return data[:4] + struct.pack("!I", xid) + data[8:]

    def barrier(self, xid):
        """Ask for a barrier."""
        self.connection.send(message(self.version, openflow.BARRIER_REQUEST[self.version], b"", xid))

    def barrier_reply(self):
        """The transaction id of the next barrier reply."""
        return self.connection.receive_kind(openflow.BARRIER_REPLY[self.version]).xid

    def settled(self):
        """Return when the switch has done all that it was sent."""
        self.barrier(0xFFFF)
        while self.barrier_reply() != 0xFFFF:
            pass

    def ports(self):
        """The UDP ports that the switch has rules for."""
        dump = self.switch.ofctl("dump-flows", "--no-stats")
        return sorted(int(line.split("tp_dst=")[1].split()[0]) for line in dump.splitlines() if "tp_dst=" in line)

    def next_error(self):
        """Transaction id, type and code of the next error."""
        error = self.connection.receive_kind(openflow.ERROR)
        return error.xid, *struct.unpack_from("!HH", error.body)


@pytest.fixture(scope="module")
def lines():
    """Two switches, one of each version, each behind a proxy."""
    with ExitStack() as stack:
        network = stack.enter_context(GodwitNetwork(Ring(3), openflow10=("s2",)))
        made = {}
        for name in ("s1", "s2"):
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            listener.settimeout(15)
            proxy = stack.enter_context(Proxy(listener.getsockname()[1]))
            line = made[name] = Line(network.switch(name), listener, proxy)
            line.switch.connect_to(proxy.port)
            line.accept()
        yield made


@pytest.fixture(params=["s1", "s2"])
def line(request, lines):
    """A line without rules, connected, with an empty switch."""
    line = lines[request.param]
    line.settled()
    line.switch.ofctl("del-flows")
    yield line
    line.proxy.clear()


def test_without_rules_everything_passes(line):
    line.connection.send(line.add(1, 1) + line.add(2, 2))
    line.settled()
    assert line.ports() == [1, 2]
    assert line.proxy.counts()["messages"]["to_switch"]["flow_mod add"] >= 2


def test_a_dropped_message_does_not_come(line):
    rule = line.proxy.arm("drop", "flow_mod", nth=2, which="add")
    line.connection.send(line.add(1, 1) + line.add(2, 2) + line.add(3, 3))
    line.settled()
    assert line.ports() == [1, 3]
    struck = rule.wait()
    assert (struck["message"], struck["which"], struck["xid"], struck["occurrence"]) == ("flow_mod", "add", 2, 2)
    assert rule.seen == 3


def test_a_delayed_message_comes_late_and_is_overtaken(line):
    line.proxy.arm(("delay", {"ms": 300}), "barrier_reply")
    began = time.monotonic()
    line.barrier(1)
    line.barrier(2)
    assert [line.barrier_reply(), line.barrier_reply()] == [2, 1]
    assert 0.3 <= time.monotonic() - began < 2


def test_a_message_is_doubled(line):
    line.proxy.arm("duplicate", "barrier_reply")
    line.barrier(1)
    line.barrier(2)
    assert [line.barrier_reply() for _ in range(3)] == [1, 1, 2]


def test_what_is_held_comes_when_it_is_released(line):
    rule = line.proxy.arm("hold", "barrier_reply", since=1)
    line.barrier(1)
    line.barrier(2)
    rule.wait(2)
    rule.disarm()
    assert [line.barrier_reply(), line.barrier_reply()] == [1, 2]


def test_an_error_comes_in_the_switchs_place(line):
    action = ("error", {"error_type": FLOW_MOD_FAILED, "code": TABLE_FULL})
    line.proxy.arm(action, "flow_mod", nth=2)
    line.connection.send(line.add(1, 1) + line.add(2, 2))
    assert line.next_error() == (2, FLOW_MOD_FAILED, TABLE_FULL)
    line.settled()
    assert line.ports() == [1]


def test_a_message_gets_another_transaction_id(line):
    line.proxy.arm(("rewrite", {"xid": 77}), "barrier_reply")
    line.barrier(1)
    assert line.barrier_reply() == 77


def test_a_rule_waits_for_another(line):
    flow_mod = line.proxy.arm("pass", "flow_mod")
    line.proxy.arm("drop", "barrier_reply", after=flow_mod)
    line.barrier(1)
    assert line.barrier_reply() == 1
    line.connection.send(line.add(1, 2))
    line.barrier(3)
    line.barrier(4)
    assert line.barrier_reply() == 4


@pytest.mark.parametrize("moment, there", [("before", []), ("after", [1])])
def test_the_connection_is_closed_before_or_after_a_message(line, moment, there):
    rule = line.proxy.arm(("disconnect", {"moment": moment}), "flow_mod")
    line.connection.send(line.add(1, 1) + line.add(2, 2))
    assert line.connection.closed_by_peer()
    line.accept()
    line.settled()
    assert line.ports() == there
    assert rule.wait()["occurrence"] == 1


def test_a_reset_is_a_reset(line):
    line.proxy.disconnect()
    assert line.connection.closed_by_peer()
    sock = line.accept()
    line.settled()
    line.proxy.disconnect(reset=True)
    with pytest.raises(ConnectionResetError):
        while sock.recv(1 << 16):
            pass
    line.accept()


@pytest.mark.parametrize("moment, there", [("before", []), ("after", [1])])
def test_a_line_that_hangs_forwards_nothing_until_it_goes_on(line, moment, there):
    rule = line.proxy.arm(("hang", {"moment": moment}), "flow_mod")
    line.connection.send(line.add(1, 1))
    line.barrier(2)
    rule.wait()
    time.sleep(0.3)
    assert line.ports() == there
    line.proxy.resume()
    assert line.barrier_reply() == 2
    assert line.ports() == [1]


def test_a_switch_is_refused_until_it_may_come(line):
    connections = line.proxy.connections()
    line.proxy.disconnect(refuse_s=2)
    assert line.connection.closed_by_peer()
    began = time.monotonic()
    line.accept()
    assert 1.5 < time.monotonic() - began < 6
    line.proxy.wait_for_connection(connections + 1)


def test_what_is_not_understood_is_refused(line):
    with pytest.raises(ValueError, match="flow_mud"):
        line.proxy.arm("drop", "flow_mud")


def control(bundle, step, xid):
    """A step of a bundle (ONF EXT-230)."""
    return message(V13, EXPERIMENTER, struct.pack("!IIIHH", ONF, CONTROL, bundle, step, ATOMIC_ORDERED), xid)


def bundled(bundle, data):
    """A message that adds another to a bundle."""
    (xid,) = struct.unpack_from("!I", data, 4)
    return message(V13, EXPERIMENTER, struct.pack("!III2xH", ONF, ADD, bundle, ATOMIC_ORDERED) + data, xid)


def test_an_error_within_a_bundle_comes_at_the_commit_and_leaves_nothing(lines):
    line = lines["s1"]
    line.settled()
    line.switch.ofctl("del-flows")
    action = ("error", {"error_type": FLOW_MOD_FAILED, "code": TABLE_FULL})
    rule = line.proxy.arm(action, "flow_mod", nth=2)
    added = [bundled(7, line.add(port, port)) for port in (11, 12, 13)]
    line.connection.send(control(7, OPEN, 1) + b"".join(added) + control(7, CLOSE, 2) + control(7, COMMIT, 3))
    assert line.next_error() == (12, FLOW_MOD_FAILED, TABLE_FULL)
    assert line.next_error() == (3, ERROR_EXPERIMENTER, MESSAGE_FAILED)
    line.settled()
    assert line.ports() == []
    rule.disarm()
    # The number is free again.
    line.connection.send(control(7, OPEN, 1) + b"".join(added) + control(7, CLOSE, 2) + control(7, COMMIT, 3))
    wait_until(lambda: line.ports() == [11, 12, 13], 5, "the bundle in force")
    line.proxy.clear()
