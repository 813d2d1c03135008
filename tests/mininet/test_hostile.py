"""Peers that aren't switches, or lie, or stall. Whatever they do: they are closed, the log says why, and no other
switch notices."""

import random
import socket
import struct
import time
from contextlib import ExitStack, contextmanager

import pytest

import openflow
from faults import controller  # noqa: F401  pylint: disable=unused-import
from network import GodwitNetwork
from openflow import V10, V13, message
from processes import wait_until
from topologies import Ring
from traffic import BothWays

HELLO_13 = message(V13, openflow.HELLO, struct.pack("!HHI", 1, 8, 1 << 4 | 1 << 1))
HANDSHAKE_DEADLINE_S = 5

RUBBISH = {
    "random bytes": random.Random(1).randbytes(4096),
    "HTTP": b"GET / HTTP/1.1\r\nHost: godwit\r\n\r\n",
    "zeros": bytes(4096),
    "a length of zero": struct.pack("!BBHI", 4, 0, 0, 1),
    "a length less than the header": struct.pack("!BBHI", 4, 0, 7, 1),
    "a version of zero": struct.pack("!BBHI", 0, 0, 8, 1),
    "a hello element of length zero": bytes.fromhex("0400000c98c20000000c0000"),
    "a hello element of length three": message(V13, openflow.HELLO, struct.pack("!HHI", 1, 3, 0)),
    "a hello element beyond the message": message(V13, openflow.HELLO, struct.pack("!HHI", 1, 400, 0)),
    "a bitmap without a common version": message(V13, openflow.HELLO, struct.pack("!HHI", 1, 8, 1 << 6)),
    "no hello": message(V13, openflow.FEATURES_REPLY, bytes(24)),
    "a packet before the hello": message(V13, openflow.PACKET_IN, bytes(64)),
    "half a message": struct.pack("!BBHI", 4, 0, 16, 1),
}


@pytest.fixture(scope="module")
def ring(controller):  # noqa: F811  pylint: disable=redefined-outer-name
    """A ring for all tests of this file: whatever comes, it stays as it is."""
    with GodwitNetwork(Ring(3), controller.openflow_port) as built:
        built.wait_connected()
        controller.api.settle(built)
        yield built


@pytest.fixture
def network(ring, api):  # pylint: disable=redefined-outer-name
    """The ring, and no other switch."""
    wait_until(lambda: known(api) == {1, 2, 3}, 5, "no switch but those of the ring")
    return ring


@contextmanager
def undisturbed(network, api):  # pylint: disable=redefined-outer-name
    """The network's switches keep their connections and forward every packet, during the block and after it."""

    def connections():
        numbers = {switch.number for switch in network.switches}
        listed = ((int(s["dpid"], 16), s) for s in api.get("/switches"))
        return {number: (s["address"], s["connected_at"]) for number, s in listed if number in numbers}

    before = connections()
    assert len(before) == len(network.switches)
    first, second = network.hosts[:2]
    with BothWays(first, second, 5000, 1000) as traffic:
        yield
        time.sleep(0.5)
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    assert connections() == before
    assert network.ping_all() == 0
    assert api.links() == network.links()


def handshake(connection, datapath_id, version=V13):
    """Answer what a controller asks of a new switch until it stops asking. Whether it still holds the connection."""
    connection.send(HELLO_13 if version == V13 else message(V10, openflow.HELLO))
    return answer_for(connection, datapath_id, version, 1.5)


def answer_for(connection, datapath_id, version, seconds):
    """Behave as a switch for this long. False when the controller has closed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            received = connection.receive()
        except TimeoutError:
            continue
        if received is None:
            return False
        reply = answer(received, datapath_id, version)
        if reply is not None:
            connection.send(reply)
    return True


def answer(received, datapath_id, version):
    """What a switch without ports says to a message, or None."""
    if received.kind == openflow.FEATURES_REQUEST:
        return openflow.features_reply(version, datapath_id, received.xid)
    if received.kind == openflow.ECHO_REQUEST:
        return message(version, openflow.ECHO_REPLY, received.body, received.xid)
    if received.kind == openflow.BARRIER_REQUEST[version]:
        return message(version, openflow.BARRIER_REPLY[version], b"", received.xid)
    if received.kind == openflow.GET_CONFIG_REQUEST:
        return message(version, openflow.GET_CONFIG_REPLY, struct.pack("!HH", 0, 128), received.xid)
    if received.kind == openflow.STATS_REQUEST[version]:
        what = struct.unpack_from("!H", received.body)[0]
        body = bytes(1056) if what == openflow.DESCRIPTION else b""
        head = struct.pack("!HH4x", what, 0) if version == V13 else struct.pack("!HH", what, 0)
        return message(version, openflow.STATS_REPLY[version], head + body, received.xid)
    return None


def known(api):
    """The datapath ids that are listed, as numbers."""
    return {int(switch["dpid"], 16) for switch in api.get("/switches")}


@pytest.mark.parametrize("name", RUBBISH)
def test_rubbish_is_closed_with_a_reason_and_no_switch_notices(network, controller, api, name):  # noqa: F811
    with undisturbed(network, api):
        lines = len(controller.log().splitlines())
        with openflow.connect_to_controller(controller.openflow_port, timeout=HANDSHAKE_DEADLINE_S + 3) as peer:
            peer.send(RUBBISH[name])
            assert peer.closed_by_peer()
        wait_until(lambda: len(controller.log().splitlines()) > lines, 2, "a line in the log")
        assert known(api) == {1, 2, 3}


def test_mutated_messages_on_a_live_connection_harm_nobody(network, controller, api):  # noqa: F811
    generator = random.Random(7)
    samples = [openflow.features_reply(V13, 77, 1), HELLO_13, message(V13, openflow.PACKET_IN, bytes(40))]
    samples += [message(V13, kind, generator.randbytes(generator.randrange(64))) for kind in range(30)]
    with undisturbed(network, api):
        for turn in range(60):
            with openflow.connect_to_controller(controller.openflow_port, timeout=0.2) as peer:
                if not handshake_quickly(peer, 100 + turn):
                    continue
                try:
                    for _ in range(50):
                        data = bytearray(generator.choice(samples))
                        for _ in range(generator.randrange(4)):
                            data[generator.randrange(len(data))] = generator.randrange(256)
                        # The length stays true, so that every message is looked into.
                        data[2:4] = len(data).to_bytes(2, "big")
                        peer.send(bytes(data))
                except (BrokenPipeError, ConnectionResetError):
                    pass
        assert controller.is_running()
    assert "panicked" not in controller.log()


def handshake_quickly(peer, datapath_id):
    """A handshake that doesn't wait for quiet."""
    peer.send(HELLO_13)
    return answer_for(peer, datapath_id, V13, 0.2)


def test_half_open_connections_are_closed_and_new_switches_still_get_in(network, controller, api):  # noqa: F811
    address = ("127.0.0.1", controller.openflow_port)
    with undisturbed(network, api), ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(address)) for _ in range(300)]
        with openflow.connect_to_controller(controller.openflow_port, timeout=1) as newcomer:
            assert handshake(newcomer, 99)
            assert 99 in known(api)
        time.sleep(HANDSHAKE_DEADLINE_S + 1)
        assert all(is_closed(connection) for connection in idle)


def test_a_byte_a_second_does_not_outlast_the_deadline(network, controller, api):  # noqa: F811
    with undisturbed(network, api), socket.create_connection(("127.0.0.1", controller.openflow_port)) as slow:
        for octet in message(V13, openflow.HELLO, bytes(92)):
            try:
                slow.send(bytes([octet]))
            except OSError:
                break
            time.sleep(0.3)
        else:
            pytest.fail("still open after 30 s")


def is_closed(connection):
    """Whether the peer has closed; reads what it may have sent before."""
    connection.settimeout(1)
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("version", [V10, V13])
def test_a_message_of_another_version_is_answered_with_an_error(network, controller, api, version):  # noqa: F811
    other = V13 if version == V10 else V10
    with undisturbed(network, api):
        with openflow.connect_to_controller(controller.openflow_port, timeout=2) as peer:
            assert handshake(peer, 99, version)
            peer.send(message(other, openflow.PACKET_IN, bytes(40)))
            error = peer.receive_kind(openflow.ERROR)
            assert struct.unpack_from("!HH", error.body) == (openflow.BAD_REQUEST, openflow.BAD_VERSION)


def test_a_message_of_unknown_type_is_answered_with_an_error_and_the_connection_stays(network, controller, api):  # noqa: F811
    with undisturbed(network, api):
        with openflow.connect_to_controller(controller.openflow_port, timeout=2) as peer:
            assert handshake(peer, 99)
            peer.send(message(V13, 0xCC, b"what is this"))
            error = peer.receive_kind(openflow.ERROR)
            assert struct.unpack_from("!HH", error.body) == (openflow.BAD_REQUEST, openflow.BAD_TYPE)
            peer.send(message(V13, openflow.ECHO_REQUEST, b"still there?"))
            assert peer.receive_kind(openflow.ECHO_REPLY).body == b"still there?"


@pytest.mark.parametrize("version", [V10, V13])
def test_a_newcomer_with_a_connected_switchs_datapath_id_is_refused_untold(network, controller, api, version):  # noqa: F811
    seen = len(controller.log())
    with undisturbed(network, api):
        with openflow.connect_to_controller(controller.openflow_port, timeout=1) as peer:
            peer.send(HELLO_13 if version == V13 else message(V10, openflow.HELLO))
            kinds = kinds_until_closed(peer, 1, version)
        assert kinds is not None, "the newcomer is still connected"
        assert not {openflow.FLOW_MOD, openflow.PACKET_OUT} & kinds
        assert "0000000000000001" in controller.log()[seen:]


def kinds_until_closed(peer, datapath_id, version):
    """The types of what the controller sent before it closed; None if it doesn't."""
    kinds = set()
    deadline = time.monotonic() + HANDSHAKE_DEADLINE_S + 3
    while time.monotonic() < deadline:
        try:
            received = peer.receive()
        except TimeoutError:
            continue
        if received is None:
            return kinds
        kinds.add(received.kind)
        reply = answer(received, datapath_id, version)
        if reply is not None:
            peer.send(reply)
    return None


def test_a_switch_that_reconnects_time_and_again_is_always_let_in(network, controller, api):  # noqa: F811
    for _ in range(50):
        with openflow.connect_to_controller(controller.openflow_port, timeout=0.1) as peer:
            peer.send(HELLO_13)
            answer_for(peer, 99, V13, 0.1)
    with openflow.connect_to_controller(controller.openflow_port, timeout=0.5) as peer:
        assert handshake(peer, 99)
        assert 99 in known(api)
    wait_until(lambda: known(api) == {1, 2, 3}, 5, "the fake switch forgotten")


def test_a_real_switch_is_known_again_at_once_when_it_reconnects(network, controller, api):  # noqa: F811
    bridge = network.switch("s2")
    for _ in range(5):
        bridge.ovs_vsctl("set-controller", "s2", "tcp:127.0.0.1:1")
        wait_until(lambda: 2 not in known(api), 5, "s2 gone")
        bridge.ovs_vsctl("set-controller", "s2", f"tcp:127.0.0.1:{controller.openflow_port}")
        wait_until(lambda: 2 in known(api), 5, "s2 back")
    api.wait_for_network(network, timeout=5)
    assert network.ping_all() == 0


def test_a_peer_that_never_reads_is_dropped_and_nobody_else_waits(network, controller, api):  # noqa: F811
    with undisturbed(network, api):
        with openflow.connect_to_controller(controller.openflow_port, timeout=1) as peer:
            assert handshake(peer, 99)
            # Each is answered with as many bytes; none of the answers is read.
            echo = message(V13, openflow.ECHO_REQUEST, bytes(60_000))
            with pytest.raises((TimeoutError, BrokenPipeError, ConnectionResetError)):
                for _ in range(4_000):
                    peer.send(echo)
            assert controller.resident_bytes() < 200e6
        wait_until(lambda: 99 not in known(api), 15, "the peer dropped")


def test_half_sent_http_requests_are_closed_and_do_not_block_others(network, controller, api):  # noqa: F811
    with undisturbed(network, api), ExitStack() as stack:
        stalled = []
        for _ in range(100):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", controller.http_port)))
            connection.send(b"GET /v1/switches HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            stalled.append(connection)
        assert len(api.get("/switches", timeout=2)) == 3
        wait_until(lambda: all(is_closed(connection) for connection in stalled), 60, "the stalled requests closed")
