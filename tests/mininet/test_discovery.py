"""The controller's picture of the network, against what Mininet has built."""

import time

import pytest

from host_frames import LLDP_TYPE, ethernet, first_frame_into, lldp, send_frame
from openflow import mac
from processes import wait_until
from topologies import Abilene, Large, Mesh, Ring


def took(condition, timeout, what):
    """Seconds until the condition held."""
    began = time.monotonic()
    wait_until(condition, timeout, what, interval=0.005)
    return time.monotonic() - began


@pytest.mark.parametrize("topo", [Abilene, Ring, Mesh])
def test_exactly_the_links_that_exist_are_found_in_both_directions(connect, api, topo):
    network = connect(topo())
    api.wait_for_network(network, timeout=5)
    time.sleep(2)
    assert api.links() == network.links()
    assert api.metric("godwit_links") == len(network.links())


def test_a_link_that_goes_down_is_gone_within_a_second_and_comes_back(settle, api):
    network = settle(Ring(5))
    all_links = network.links()
    ends = {(1, network.port("s1", "s2")), (2, network.port("s2", "s1"))}
    others = {link for link in all_links if not ends & set(link)}
    network.set_link("s1", "s2", "down")
    assert took(lambda: api.links() == others, 5, "the link gone") < 1
    network.set_link("s1", "s2", "up")
    took(lambda: api.links() == all_links, 5, "the link back")


def test_an_unsigned_frame_from_a_host_makes_no_link(settle, api):
    network = settle(Ring(5))
    attacker = network.host("h1")
    for chassis in ("dpid:0000000000000003", "0000000000000003", "00:00:00:00:00:03"):
        send_frame(attacker, lldp(attacker.MAC(), chassis, "1"))
    time.sleep(1)
    assert api.links() == network.links()
    assert network.ping_all() == 0


@pytest.fixture
def genuine(settle):
    """A network, and a frame that the controller has sent from its s1 to its s2."""
    network = settle(Ring(5))
    return network, first_frame_into(str(network.interface("s2", "s1")), LLDP_TYPE.to_bytes(2, "big"))


def test_a_genuine_frame_that_was_changed_makes_an_alarm_and_no_link(genuine, api):
    network, frame = genuine
    alarms = api.metric("godwit_alarms_total")
    for position in range(14, len(frame), 3):
        changed = bytearray(frame)
        changed[position] ^= 1
        send_frame(network.host("h3"), bytes(changed))
    wait_until(lambda: api.metric("godwit_alarms_total") > alarms, 3, "an alarm")
    assert api.links() == network.links()
    assert network.ping_all() == 0


def test_a_genuine_frame_replayed_by_a_host_elsewhere_makes_an_alarm_and_no_link(genuine, api):
    network, frame = genuine
    alarms = api.metric("godwit_alarms_total")
    for _ in range(5):
        send_frame(network.host("h3"), frame)
        time.sleep(0.2)
    wait_until(lambda: api.metric("godwit_alarms_total") > alarms, 3, "an alarm")
    assert api.links() == network.links()


def test_a_host_that_moves_is_followed(settle, api):
    network = settle(Ring(5))
    mover, other = network.host("h1"), network.host("h4")
    cable = next(link for link in network.mininet.links if link.intf1.node is mover or link.intf2.node is mover)
    interface = cable.intf1.name if cable.intf2.node is mover else cable.intf2.name
    network.switch("s1").ovs_vsctl("del-port", "s1", interface)
    port = 9
    network.switch("s3").ovs_vsctl(
        "add-port", "s3", interface, "--", "set", "Interface", interface, f"ofport_request={port}"
    )
    mover.cmd(f"ping -c3 -i0.3 -W1 {other.IP()}")
    wait_until(lambda: api.attachments()[mover.MAC()] == (3, port), 5, "the host known at its new place")
    wait_until(lambda: ", 0% packet loss" in other.cmd(f"ping -c1 -W1 {mover.IP()}"), 5, "a ping to its new place")
    assert ", 0% packet loss" in mover.cmd(f"ping -c3 -i0.2 -W1 {other.IP()}")


def test_a_host_that_borrows_an_address_does_not_take_its_place(settle, api):
    network = settle(Ring(5))
    victim, attacker = network.host("h1"), network.host("h3")
    before = api.attachments()
    broadcast_of_the_victim = ethernet("ff:ff:ff:ff:ff:ff", victim.MAC(), 0x88B5, mac(victim.MAC()))
    for _ in range(3):
        send_frame(attacker, broadcast_of_the_victim)
        # The victim goes on speaking where it is.
        victim.cmd(f"ping -c1 -W1 {network.host('h2').IP()}")
    assert api.attachments() == before
    assert network.ping_all() == 0


@pytest.mark.limit(240)
def test_a_hundred_switches_and_two_hundred_links_are_complete_at_once(connect, controller, api, record_property):
    topo = Large(100, 200)
    network = connect(topo)
    arrivals = {}
    complete_s = time_to_completion(api, network, arrivals)
    record_property("complete_after_last_switch_s", round(complete_s, 3))
    print(f"complete {complete_s * 1000:.0f} ms after the last switch was known")
    assert complete_s < 2
    assert api.links() == network.links()
    time.sleep(5)
    resident = controller.resident_bytes()
    print(f"{resident / 1e6:.1f} MB resident")
    assert resident < 40e6


def time_to_completion(api, network, arrivals):
    """Seconds from when the last switch was known to when all links were."""
    while True:
        topology = api.get("/topology")
        now = time.monotonic()
        arrivals.setdefault(len(topology["switches"]), now)
        if len(topology["links"]) == len(network.links()):
            return now - arrivals[len(network.switches)]
        if now - min(arrivals.values()) > 60:
            raise TimeoutError(f"{len(topology['links'])} of {len(network.links())} links after a minute")
        time.sleep(0.01)
