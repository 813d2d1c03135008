"""A host that floods, so that every packet of it comes to the controller: whoever else uses the network doesn't notice."""

import struct
import threading
import time
from contextlib import contextmanager
from subprocess import DEVNULL

import pytest

import openflow
from faults import controller  # noqa: F401  pylint: disable=unused-import
from host_frames import ethernet
from network import GodwitNetwork
from openflow import V13, message
from processes import end, program, wait_until
from routes import FIRST_PORT, requests
from test_hostile import handshake
from topologies import Abilene
from traffic import BothWays

# From the host's point of view: Open vSwitch hands on what its queue to the controller takes.
RATE = 20_000
STORM_S = 6
# Nobody has this address, so no route is ever made to it.
NOBODY = "10.9.9.9", "02:00:00:00:09:09"
# An echo that took longer would not end a connection yet: Open vSwitch waits for 5 s.
ECHO_S = 1.0
GROWTH_BYTES = 150e6
# So many batches of packets go with one echo.
ECHO_EACH = 10


@pytest.fixture(scope="module")
def abilene(controller):  # noqa: F811  pylint: disable=redefined-outer-name
    """Abilene with a third host in Houston (s10), which is on no way between the other two."""
    with GodwitNetwork(Abilene(hosts=(4, 1, 10)), controller.openflow_port, openflow10=("s2", "s9")) as built:
        built.wait_connected()
        controller.api.settle(built)
        yield built


@contextmanager
def echoes(connection):
    """The seconds that each echo of a connection took, one every 50 ms."""
    took, stop = [], threading.Event()

    def ask():
        while not stop.wait(0.05):
            begun = time.monotonic()
            connection.send(message(V13, openflow.ECHO_REQUEST, b"on time"))
            assert connection.receive_kind(openflow.ECHO_REPLY) is not None, "the controller has closed"
            took.append(time.monotonic() - begun)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield took
    finally:
        stop.set()
        asking.join()


@contextmanager
def flood(host):
    """Packets to nobody, from one host."""
    host.cmd(f"ip neigh replace {NOBODY[0]} lladdr {NOBODY[1]} dev {host.defaultIntf()}")
    where = ["--port", "9", "--flows", "1", "--run", "1", "--to", NOBODY[0], "--rate", str(RATE), "--size", "64"]
    sending = host.popen([program("godwit-probe"), "send", *where], stdout=DEVNULL, stderr=DEVNULL)
    try:
        yield
    finally:
        end(sending)


def counts(api):
    """What the controller has counted of packets."""
    names = ("ins_total", "ins_dropped_total", "outs_total")
    found = {name: int(api.metric(f"godwit_packet_{name}")) for name in names}
    return found | {"app_dropped": int(api.metric("godwit_app_packets_dropped_total"))}


def test_a_migration_elsewhere_loses_nothing_and_echoes_are_on_time(abilene, controller, api):  # noqa: F811
    first, second, third = abilene.hosts
    api.post("/routes", requests(first, second, 20))
    before, held = counts(api), controller.resident_bytes()
    with openflow.connect_to_controller(controller.openflow_port) as peer:
        assert handshake(peer, 99)
        with echoes(peer) as took, BothWays(first, second, FIRST_PORT, 1000, flows=20) as traffic:
            with flood(third):
                time.sleep(STORM_S / 2)
                migration = api.migrate("s7", "s6")
                time.sleep(STORM_S / 2)
            grown = controller.resident_bytes() - held
    more = {name: value - before[name] for name, value in counts(api).items()}
    print(
        f"echoes within {max(took) * 1000:.0f} ms, {grown / 1e6:.0f} MB more, {more},"
        f" migration {migration['duration_us'] / 1000:.0f} ms, lost {traffic.outcome.lost}"
    )
    assert migration["state"] == "committed", migration
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    assert max(took) < ECHO_S and len(took) > STORM_S
    assert grown < GROWTH_BYTES
    assert more["ins_total"] > RATE, "that was no storm"
    wait_until(lambda: len(api.get("/switches")) == len(abilene.switches), 5, "the switches, and no other")


def packet_in(count):
    """Packets of one unknown station, from a switch without ports."""
    frame = ethernet("02:00:00:00:00:99", "02:00:00:00:09:09", 0x88B5, bytes(50))
    in_port = struct.pack("!HHIIHH4x", 1, 12, 0x80000004, 7, 0, 0)
    body = struct.pack("!IHBBQ", 0xFFFFFFFF, len(frame), 0, 0, 0) + in_port + bytes(2) + frame
    return message(V13, openflow.PACKET_IN, body) * count


def test_what_one_switch_sends_at_full_speed_is_served_or_counted(abilene, controller, api):  # noqa: F811
    """Twice the rate, from a switch that reads nothing but what it asked for; its own echoes are answered too."""
    before, held = counts(api), controller.resident_bytes()
    at_once, sent = 400, 0
    with openflow.connect_to_controller(controller.openflow_port) as peer:
        assert handshake(peer, 99)
        took = []
        begun = time.monotonic()
        while time.monotonic() - begun < 3:
            peer.send(packet_in(at_once))
            sent += at_once
            if sent % (ECHO_EACH * at_once) == 0:
                asked = time.monotonic()
                peer.send(message(V13, openflow.ECHO_REQUEST))
                assert peer.receive_kind(openflow.ECHO_REPLY) is not None
                took.append(time.monotonic() - asked)
            time.sleep(max(0, begun + sent / (2 * RATE) - time.monotonic()))
        grown = controller.resident_bytes() - held
    more = {name: value - before[name] for name, value in counts(api).items()}
    print(f"{sent / 3:.0f} packets/s, echoes within {max(took) * 1000:.0f} ms, {grown / 1e6:.0f} MB more, {more}")
    assert more["ins_total"] >= sent
    assert max(took) < ECHO_S
    assert grown < GROWTH_BYTES
    wait_until(lambda: len(api.get("/switches")) == len(abilene.switches), 5, "the switches, and no other")
