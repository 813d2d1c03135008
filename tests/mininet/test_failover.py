"""Links and switches that die: traffic goes round them."""

import os
import signal
import time

import pytest

from processes import wait_until
from routes import FIRST_PORT, carriers, requests, udp_rules
from topologies import Abilene, Ring
from traffic import BothWays

OLD_PATH = ["s4", "s7", "s8", "s11", "s2", "s1"]
# The only shortest path without s7, and without its link to s8.
DETOUR = ["s4", "s5", "s6", "s9", "s10", "s3", "s1"]
RATE = 1000

# Until the switches' own report of the failure has come and all of the detour is installed, under traffic.
RECOVERY_S = 1.0


@pytest.fixture
def abilene(settle, api):
    """Abilene with a route in each direction along the shortest path."""
    network = settle(Abilene(), openflow10=("s2", "s9"))
    api.post("/routes", requests(*network.hosts, 1))
    assert carriers(network) == {switch: 2 for switch in OLD_PATH}
    return network


def assert_goes_round(network, failure, dead=()):
    """Both directions are back within `RECOVERY_S`, on a path that exists."""
    first, second = network.hosts
    with BothWays(first, second, FIRST_PORT, RATE) as traffic:
        time.sleep(1)
        failure()
        time.sleep(3)
    for outcome in (traffic.there, traffic.back):
        assert outcome.longest_silence_us < RECOVERY_S * 1e6
        assert outcome.duplicates == 0
        assert outcome.received > 2.5 * RATE
    wait_until(lambda: set(carriers(network, without=dead)) == set(DETOUR), 5, "rules on the detour and nowhere else")
    assert ", 0% packet loss" in first.cmd(f"ping -c3 -i0.2 -W1 {second.IP()}")


def test_routes_go_round_a_link_that_dies(abilene):
    assert_goes_round(abilene, lambda: abilene.set_link("s7", "s8", "down"))


def test_routes_go_round_a_switch_that_dies(abilene):
    assert_goes_round(abilene, lambda: abilene.switch("s7").ovs_vsctl("del-br", "s7"), dead=("s7",))


def test_a_daemon_that_is_killed_takes_only_its_own_switch_with_it(settle, api):
    network = settle(Abilene(), separate=("s7",))
    api.post("/routes", requests(*network.hosts, 1))
    daemon = network.switch("s7").daemon_pid("ovs-vswitchd")
    first, second = network.hosts
    os.kill(daemon, signal.SIGKILL)
    wait_until(lambda: len(api.get("/switches")) == 10, 5, "s7 gone from the list")
    wait_until(lambda: ", 0% packet loss" in first.cmd(f"ping -c1 -W1 {second.IP()}"), 10, "a ping round s7")


def test_a_host_is_reached_again_when_the_only_link_to_it_comes_back(settle, api):
    network = settle(Ring(3))
    first, second = network.host("h1"), network.host("h2")
    for neighbour in ("s1", "s3"):
        network.set_link("s2", neighbour, "down")
    wait_until(lambda: len(api.links()) == 2, 5, "the links gone")
    assert "100% packet loss" in first.cmd(f"ping -c1 -W1 {second.IP()}")
    network.set_link("s2", "s3", "up")
    wait_until(lambda: ", 0% packet loss" in first.cmd(f"ping -c1 -W1 {second.IP()}"), 10, "a ping over the link")


def test_a_switch_that_comes_back_empty_gets_its_rules_again(abilene):
    wanted = set(udp_rules(abilene, "s8"))
    abilene.switch("s8").ofctl("del-flows")
    abilene.switch("s8").ovs_vsctl("set-controller", "s8", "tcp:127.0.0.1:1")
    time.sleep(1)
    controller_port = abilene.mininet.controllers[0].port
    abilene.switch("s8").ovs_vsctl("set-controller", "s8", f"tcp:127.0.0.1:{controller_port}")
    # Shortest paths lead through it, or round it; never into a switch that drops.
    first, second = abilene.hosts

    def flows():
        with BothWays(first, second, FIRST_PORT, 200) as traffic:
            time.sleep(0.3)
        return traffic.outcome.lost == 0

    wait_until(flows, 15, "traffic flowing again")
    assert set(udp_rules(abilene, "s8")) in (wanted, set())
