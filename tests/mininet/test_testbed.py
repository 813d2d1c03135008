"""The instruments themselves: what the other tests measure with must neither lose nor hide anything."""

import os
import signal
import subprocess
import sys
import time

import pytest

import floor
from network import GodwitNetwork
from plain_rules import install_path
from processes import PROJECT, wait_until
from routes import FIRST_PORT, udp_rules
from topologies import ABILENE_CASE, Abilene, between, edges, migration_case, random_graph, read_abilene
from traces import assert_nothing_new, traces
from traffic import BothWays, Stream

RATE = 5000
PATH = ["s4", "s7", "s8", "s11", "s2", "s1"]


@pytest.fixture
def abilene(plain):
    """Abilene with rules along the shortest path between its hosts."""

    def build(**options):
        network = plain(Abilene(), openflow10=("s2", "s9"), **options)
        install_path(network, PATH, "h1", "h2")
        network.static_arp()
        return network

    return build


def send_both_ways(network, flows=1, duration_s=4):
    """Both directions' outcomes, at the rate that the promises are made for."""
    with BothWays(network.host("h1"), network.host("h2"), 5000, RATE, flows=flows) as traffic:
        time.sleep(duration_s)
    return traffic


def assert_undisturbed(outcome):
    assert outcome.receiver_drops == 0
    assert (outcome.lost, outcome.duplicates, outcome.reordered) == (0, 0, 0)
    assert outcome.sent > RATE


def test_abilene_has_one_shortest_path_through_denver_and_one_without_it_through_los_angeles():
    graph, cities = read_abilene()
    assert (len(graph), len(edges(graph))) == (11, 14)
    assert (cities[7], cities[6]) == ("Denver", "Los Angeles")
    case = ABILENE_CASE
    assert list(between(graph, *case.hosts)) == [4, 7, 8, 11, 2, 1]
    assert list(between(graph, *case.hosts, without=case.source)) == [4, 5, 6, 9, 10, 3, 1]


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_random_network_is_connected_and_has_a_switch_to_migrate(seed):
    graph = random_graph(25, 3, seed)
    assert len(edges(graph)) == 38
    case = migration_case(graph)
    assert len(between(graph, case.hosts[0], case.hosts[1])) > 3
    assert case.source in between(graph, *case.hosts)
    assert case.target in between(graph, *case.hosts, without=case.source)
    assert all(between(graph, 1, other) for other in graph)


@pytest.mark.parametrize("flows", [1, 200])
def test_standing_rules_lose_nothing(abilene, flows):
    traffic = send_both_ways(abilene(), flows)
    for outcome in (traffic.there, traffic.back):
        assert_undisturbed(outcome)
        assert outcome.received_by_flow == outcome.sent_by_flow


def test_a_switch_with_its_own_daemon_loses_nothing_and_counts_every_packet(abilene):
    network = abilene(separate=("s7",))
    before = sum(rule.packets for rule in network.rules("s7"))
    traffic = send_both_ways(network)
    assert_undisturbed(traffic.outcome)
    counted = lambda: sum(rule.packets for rule in network.rules("s7")) - before == traffic.outcome.received
    wait_until(counted, 3, "the counters of s7 equal to what was received")


def test_a_relayed_link_delays_by_its_delay_and_loses_nothing(abilene):
    outcome = send_both_ways(abilene(relays={("s4", "s7"): 10})).outcome
    assert_undisturbed(outcome)
    # The fastest tells the link's; the mean tells how busy the machine is as well.
    assert 10_000 <= outcome.delay_min_us < 15_000


def test_loss_and_duplication_are_seen(abilene):
    network = abilene()
    first, second = network.host("h1"), network.host("h2")
    out = network.port("s7", "s8")
    with Stream(first, second, 5000, RATE) as stream:
        time.sleep(0.5)
        network.switch("s7").ofctl("mod-flows", f"ip,nw_dst={second.IP()},actions=output:{out},output:{out}")
        time.sleep(0.5)
        network.switch("s7").ofctl("mod-flows", f"ip,nw_dst={second.IP()},actions=drop")
        time.sleep(0.5)
        network.switch("s7").ofctl("mod-flows", f"ip,nw_dst={second.IP()},actions=output:{out}")
        time.sleep(0.5)
    outcome = stream.outcome
    half_a_second = RATE // 2
    assert half_a_second // 2 < outcome.duplicates < 2 * half_a_second
    assert half_a_second // 2 < outcome.lost < 2 * half_a_second
    # The silence, in packets, is the loss.
    assert outcome.longest_silence_us * RATE / 1e6 == pytest.approx(outcome.lost, rel=0.1)


def test_the_bare_client_of_the_floor_leaves_exactly_the_rules_asked_for(plain):
    network = plain(Abilene(), openflow10=("s2", "s9"))

    def install(switches, port, count):
        for name in switches:
            network.switch(name).ofctl("del-flows")
            match = "priority=7,udp,in_port=2,nw_src=10.0.0.1,nw_dst=10.0.0.2"
            lines = [f"{match},tp_dst={FIRST_PORT + i},actions=output:{port}" for i in range(count)]
            network.switch(name).ofctl("add-flows", "-", input_text="\n".join(lines))
        return {name: udp_rules(network, name) for name in ("s1", "s2", "s7", "s9")}

    before = install(("s1", "s2", "s7"), 1, 100)
    network.switch("s7").ofctl("del-flows")
    after = install(("s1", "s2", "s9"), 3, 100)
    wanted = network.all_rules()
    assert [len(after[name]) for name in after] == [100, 100, 0, 100] and len(before["s7"]) == 100
    took_us = floor.measure(network, before, after)
    assert network.all_rules() == wanted
    assert 0 < took_us < 1e6


def test_a_name_that_is_in_use_is_refused_and_left_alone(plain):
    plain(Abilene())
    with pytest.raises(Exception, match="exist already: s1 s2"):
        with GodwitNetwork(Abilene()):
            pass
    assert "interface s1" in traces()


def test_a_failure_leaves_nothing_behind():
    before = traces()
    with pytest.raises(ZeroDivisionError):
        with GodwitNetwork(Abilene(), separate=("s7",), relays={("s1", "s2"): 1}) as network:
            with BothWays(network.host("h1"), network.host("h2"), 5000, 100):
                assert traces() != before
                raise ZeroDivisionError
    assert_nothing_new(before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after_s", [0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 3.0])
def test_an_interrupt_at_any_time_leaves_nothing_behind(number, after_s):
    before = traces()
    program = (
        f"import sys, time; sys.path.insert(0, {PROJECT + '/mininet'!r})\n"
        "import interrupts; interrupts.install()\n"
        "from network import GodwitNetwork; from topologies import Abilene; from traffic import BothWays\n"
        "with GodwitNetwork(Abilene(), separate=('s7',), relays={('s1', 's2'): 1}) as network:\n"
        "    with BothWays(network.host('h1'), network.host('h2'), 5000, 100):\n"
        "        time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    time.sleep(after_s)
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=30)
    # Before the handlers are installed, Python's own take their place.
    assert "Interrupt" in errors or process.returncode == -number, errors
    assert_nothing_new(before)
