"""Forwarding with nothing configured: a broadcast reaches everybody, once, and none circles."""

import time

import pytest
from mininet.topolib import TorusTopo

from host_frames import BROADCAST, counted, ethernet, send_frame
from topologies import Mesh, Ring

TOPOLOGIES = {
    "ring": lambda: Ring(5),
    "torus": lambda: TorusTopo(3, 3),
    "mesh": lambda: Mesh(5),
}

# Reserved for local experiments: nothing else on the network uses it.
EXPERIMENTAL_TYPE = 0x88B5


def speaking(version, topo):
    """The option that makes all switches speak this version."""
    return {"openflow10": topo.switches()} if version == "1.0" else {}


@pytest.mark.parametrize("version", ["1.0", "1.3"])
@pytest.mark.parametrize("name", TOPOLOGIES)
def test_a_broadcast_reaches_every_other_host_exactly_once(settle, name, version):
    topo = TOPOLOGIES[name]()
    network = settle(topo, **speaking(version, topo))
    sender, *others = network.hosts
    mark = b"godwit test broadcast"
    with counted(network.hosts, mark) as seen:
        send_frame(sender, ethernet(BROADCAST, sender.MAC(), EXPERIMENTAL_TYPE, mark), count=5)
        time.sleep(2)
    assert seen == {sender.name: 0, **{host.name: 5 for host in others}}


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_a_broadcast_sent_before_the_topology_is_known_never_arrives_twice(connect, api, name):
    network = connect(TOPOLOGIES[name]())
    sender = network.hosts[0]
    mark = b"godwit early broadcast"
    with counted(network.hosts, mark) as seen:
        send_frame(sender, ethernet(BROADCAST, sender.MAC(), EXPERIMENTAL_TYPE, mark))
        api.wait_for_network(network)
        time.sleep(2)
    assert max(seen.values()) <= 1, seen


def test_a_question_for_an_unknown_address_does_not_circle(settle):
    network = settle(Mesh(5))
    sender = network.hosts[0]
    asked = bytes([10, 99, 99, 99])
    with counted(network.hosts, b"\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01") as seen:
        sender.cmd(f"ping -c1 -W1 {'.'.join(map(str, asked))}")
        time.sleep(2)
    # A host asks at most three times.
    assert max(seen.values()) <= 3, seen
