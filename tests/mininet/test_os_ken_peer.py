"""The os-ken app that migrations are measured beside: it does what it says, as the hosts and the switches see it."""

import importlib.metadata
import json
import os
import signal
import time
from contextlib import contextmanager

import pytest

from experiments import os_ken
from experiments.os_ken import OsKen, Refused
from network import GodwitNetwork
from processes import CommandFailed, wait_until
from routes import FIRST_PORT, carriers, outputs, udp_rules
from topologies import ABILENE_CASE, Abilene, GraphTopo, RandomNetwork, graph_of, migration_case, random_graph
from traces import assert_nothing_new, traces
from traffic import BothWays

# The ways of Abilene from Seattle to New York: the shortest, and that over Los Angeles.
PATH = ("s4", "s7", "s8", "s11", "s2", "s1")
DETOUR = ("s4", "s5", "s6", "s9", "s10", "s3", "s1")

NETWORKS = {
    "abilene": (Abilene, ABILENE_CASE),
    "random25": (RandomNetwork, migration_case(random_graph(25, 3, 1))),
}
PHASES = {
    "freeze-copy": ["remove", "plan", "install"],
    "move": ["read", "remove", "plan", "install"],
    "clone": ["plan", "install", "flip", "read", "remove"],
}
ON_ABILENE = pytest.mark.parametrize("known", ["abilene"], indirect=True)

RATE = 1000
COUNT = 5
# os-ken probes one port each 50 ms: a link of this network waits longer for its next probe than the 10 s after which
# os-ken by itself would take it for gone, and it looks for such each 5 s.
LARGE, UNPROBED_S = 100, 25


@contextmanager
def settled(topo, source):
    """The app, and a network that it knows, in which this switch has an ovs-vswitchd of its own."""
    with OsKen() as peer, GodwitNetwork(topo, peer.openflow_port, separate=(f"s{source}",)) as network:
        peer.settle(network)
        yield peer, network


@pytest.fixture(scope="module", params=NETWORKS)
def known(request):
    """Each of the networks."""
    topo, case = NETWORKS[request.param]
    with settled(topo(), case.source) as (peer, network):
        yield peer, network, case


@pytest.fixture
def scene(known):
    """One of them without routes."""
    yield known
    peer, network, case = known
    peer.clear(case.source)
    assert carriers(network) == {}


@pytest.fixture
def abilene(scene):
    """Abilene with a route each way."""
    peer, network, _ = scene
    peer.add_routes(*network.hosts, 1, FIRST_PORT)
    return peer, network


def rules(network):
    """Where the switches send what: by switch, destination and port."""
    names = [switch.name for switch in network.switches]
    return {(name, *key): outputs(rule) for name in names for key, rule in udp_rules(network, name).items()}


def changes(before, after):
    """How many rules were installed, modified and removed between two such."""
    return {
        "installed": len(after.keys() - before.keys()),
        "modified": sum(before[key] != after[key] for key in before.keys() & after.keys()),
        "removed": len(before.keys() - after.keys()),
    }


def counted_in(network, switch, count):
    """The packets that the rules of all routes have counted on a switch, in the order of the routes."""
    first, second = network.hosts
    found = udp_rules(network, switch)
    return [found[end.IP(), FIRST_PORT + i].packets for end in (second, first) for i in range(count)]


def column(peer, name):
    """One of the counters of all routes."""
    return [route[name] for route in peer.counters()]


def received_in(network, count, seconds=1.0):
    """Traffic both ways for so long; what came of each flow. None is lost."""
    with BothWays(*network.hosts, FIRST_PORT, RATE, flows=count) as traffic:
        time.sleep(seconds)
    assert traffic.outcome.lost == 0 and traffic.outcome.sent > RATE * seconds
    return [*traffic.there.received_by_flow, *traffic.back.received_by_flow]


# These make networks of their own, so they come first: there is one at a time, and `known` stays until its last test.


def test_a_target_that_leads_nowhere_fails_the_migration():
    """`clone` has planned before it touches a rule; the others have already removed what they move."""
    blind_alley = graph_of([(1, 2), (2, 3), (1, 4), (4, 3), (4, 5), (5, 6)])
    with settled(GraphTopo(blind_alley, (1, 3)), 2) as (peer, network):
        for algorithm, left in (("clone", 2), ("move", None)):
            peer.add_routes(*network.hosts, 1, FIRST_PORT)
            result = peer.migrate(2, 6, algorithm)
            assert (result["state"], result["error"]) == ("failed", "there is no way from switch 6 to switch 3")
            assert carriers(network).get("s2") == left
            peer.clear(2)
            assert carriers(network) == {}


@pytest.mark.limit(400)
def test_a_hundred_switches_stay_known_and_a_hundred_routes_each_way_move():
    graph = random_graph(LARGE, 3, 1)
    case = migration_case(graph)
    began = time.monotonic()
    with settled(RandomNetwork(LARGE, 3, 1), case.source) as (peer, network):
        print(f"links known {time.monotonic() - began:.1f} s after the app was started")
        assert len(network.links()) == 2 * 150
        for _ in range(UNPROBED_S):
            time.sleep(1)
            assert peer.links() == network.links()
        peer.add_routes(*network.hosts, 100, FIRST_PORT)
        result = peer.migrate(case.source, case.target)
        print(result)
        assert result["state"] == "committed"
        here = carriers(network)
        assert f"s{case.source}" not in here and here[f"s{case.target}"] == 200
        assert min(received_in(network, 100)) > 0


def test_nothing_is_left_behind_when_a_run_fails():
    before = traces()
    with pytest.raises(ZeroDivisionError):
        with settled(Abilene(), ABILENE_CASE.source) as (peer, network):
            peer.add_routes(*network.hosts, 1, FIRST_PORT)
            assert traces() > before
            raise ZeroDivisionError
    assert_nothing_new(before)


def test_that_it_has_died_is_said_and_nothing_is_left():
    before = traces()
    with OsKen() as peer:
        os.kill(peer.pid, signal.SIGKILL)
        # The first request may still be written, to nobody; the others can't.
        for _ in range(3):
            with pytest.raises(CommandFailed, match="os-ken has gone"):
                peer.links()
    assert_nothing_new(before)


def test_an_app_that_cannot_start_is_reported_with_what_it_wrote(monkeypatch, tmp_path):
    before = traces()
    app = tmp_path / "app.py"
    app.write_text("raise SystemExit('no such switch')")
    monkeypatch.setattr(os_ken, "APP", str(app))
    with pytest.raises(CommandFailed, match="no such switch"), OsKen():
        pass
    assert_nothing_new(before)


def test_how_to_install_os_ken_is_said(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(CommandFailed, match="python3-os-ken"):
        OsKen()


@ON_ABILENE
def test_routes_take_the_shortest_way_and_carry_their_packets(abilene):
    peer, network = abilene
    assert peer.links() == network.links()
    assert carriers(network) == {switch: 2 for switch in PATH}
    for path, end in ((PATH, network.hosts[1]), (PATH[::-1], network.hosts[0])):
        for here, following in zip(path, [*path[1:], end.name]):
            assert outputs(udp_rules(network, here)[end.IP(), FIRST_PORT]) == [network.port(here, following)]
    before = counted_in(network, "s7", 1)
    wanted = [sum(pair) for pair in zip(before, received_in(network, 1))]
    wait_until(lambda: counted_in(network, "s7", 1) == wanted, 3, "the source's counters")
    assert column(peer, "counted") == [None, None]


@ON_ABILENE
def test_routes_go_over_the_switch_asked_for_until_they_are_deleted(abilene):
    peer, network = abilene
    made = peer.add_routes(*network.hosts, 2, FIRST_PORT + 100, via=6)
    assert carriers(network, FIRST_PORT + 100) == {switch: 4 for switch in DETOUR}
    peer.delete_routes(made)
    assert carriers(network) == {switch: 2 for switch in PATH}


@pytest.mark.parametrize("algorithm", PHASES)
def test_each_algorithm_moves_everything_under_traffic(scene, algorithm):
    peer, network, case = scene
    source, target = f"s{case.source}", f"s{case.target}"
    peer.add_routes(*network.hosts, COUNT, FIRST_PORT)
    before = rules(network)
    assert carriers(network)[source] == 2 * COUNT and target not in carriers(network)
    with BothWays(*network.hosts, FIRST_PORT, RATE, flows=COUNT) as traffic:
        time.sleep(1)
        result = peer.migrate(case.source, case.target, algorithm)
        time.sleep(1)
    lost, phases = traffic.outcome.lost, {phase["name"]: phase["duration_us"] for phase in result["phases"]}
    print(f"{algorithm}: lost {lost} of {traffic.outcome.sent} in {result['total_us']} µs, {phases}")
    assert (result["state"], result["error"]) == ("committed", None)
    assert source not in carriers(network) and carriers(network)[target] == 2 * COUNT
    assert result["rules"] == changes(before, rules(network))
    assert list(phases) == PHASES[algorithm]
    assert all(phases.values()) and sum(phases.values()) <= result["total_us"]
    # All flows go on at the new place, and nothing goes twice.
    wait_until(lambda: min(counted_in(network, target, COUNT)) > RATE / COUNT / 2, 3, "packets at the target")
    assert lost >= 0 and traffic.outcome.duplicates == 0


@pytest.mark.parametrize("algorithm", PHASES)
def test_what_it_counts_is_what_the_switches_count(scene, algorithm):
    """When nothing is sent during the migration, so that the source has counted all when its rules go."""
    peer, network, case = scene
    peer.add_routes(*network.hosts, COUNT, FIRST_PORT)
    before = received_in(network, COUNT)
    wait_until(lambda: counted_in(network, f"s{case.source}", COUNT) == before, 3, "the source's counters")
    assert peer.migrate(case.source, case.target, algorithm)["state"] == "committed"
    # Open vSwitch says what a removed rule has counted after it has answered the barrier.
    wait_until(lambda: column(peer, "source_final") == before, 3, "what the source's rules counted")
    assert column(peer, "source_read") == ([None] * len(before) if algorithm == "freeze-copy" else before)
    after = received_in(network, COUNT, 0.5)
    wait_until(lambda: column(peer, "target_live") == after, 3, "the target's counters")
    assert counted_in(network, f"s{case.target}", COUNT) == after
    kept = [0] * len(before) if algorithm == "freeze-copy" else before
    assert column(peer, "counted") == [sum(pair) for pair in zip(kept, after)]


def test_a_migrated_switch_carries_nothing_until_it_is_restored(scene):
    peer, network, case = scene
    source = f"s{case.source}"
    peer.migrate(case.source, case.target)
    made = peer.add_routes(*network.hosts, 1, FIRST_PORT)
    assert made and source not in carriers(network)
    with pytest.raises(Refused, match="source: switch .* isn't restored"):
        peer.migrate(case.source, case.target)
    peer.clear(case.source)
    peer.add_routes(*network.hosts, 1, FIRST_PORT)
    assert carriers(network)[source] == 2


ROUTE = {"from": "10.0.0.1", "to": "10.0.0.2", "udp_port": FIRST_PORT + 1, "via": None}
MIGRATION = {"do": "migrate", "source": 7, "target": 6, "algorithm": "clone"}
WRONG_REQUESTS = {
    "no JSON": ("{", "JSON"),
    "no text": (b"\xff", "JSON"),
    "nested too deep": ("[" * 100_000, "JSON"),
    "no object": ("[]", "not an object"),
    "nothing to do": ({}, "do is missing"),
    "unknown": ({"do": "drain"}, "do: 'drain'"),
    "a field too many": ({"do": "links", "switch": 1}, "links: switch"),
    "a source that isn't there": ({**MIGRATION, "source": 99}, "source: switch 99"),
    "a target that isn't there": ({**MIGRATION, "target": 99}, "target: switch 99"),
    "no number": ({**MIGRATION, "source": True}, "source"),
    "onto itself": ({**MIGRATION, "target": 7}, "target: switch 7 is the source"),
    "a switch with a host": ({**MIGRATION, "source": 4}, "source: a route begins or ends"),
    "an unknown algorithm": ({**MIGRATION, "algorithm": "copy"}, "algorithm: 'copy'"),
    "no algorithm": ({"do": "migrate", "source": 7, "target": 6}, "algorithm is missing"),
    "a host that isn't there": ({"do": "add", "routes": [{**ROUTE, "to": "10.0.0.9"}]}, r"routes\[0\].to"),
    "a port out of range": ({"do": "add", "routes": [ROUTE, {**ROUTE, "udp_port": 65536}]}, r"routes\[1\].udp_port"),
    "an unknown detour": ({"do": "add", "routes": [{**ROUTE, "via": 99}]}, r"routes\[0\].via"),
    "the same route twice": ({"do": "add", "routes": [ROUTE, ROUTE]}, r"routes\[1\]: there is such a route"),
    "a route that isn't there": ({"do": "delete", "routes": [9999]}, r"routes\[0\]"),
    "a route that is no number": ({"do": "delete", "routes": [[1]]}, r"routes\[0\]"),
    "no address": ({"do": "hosts", "hosts": [{"ip": "h1", "switch": 4, "port": 1}]}, r"hosts\[0\].ip"),
    "no port": ({"do": "hosts", "hosts": [{"ip": "10.0.0.1", "switch": 4, "port": -1}]}, r"hosts\[0\].port"),
    "no switch": ({"do": "restore", "switch": 99}, "switch: switch 99"),
}


@ON_ABILENE
@pytest.mark.parametrize("name", WRONG_REQUESTS)
def test_a_wrong_request_is_refused_and_changes_nothing(abilene, name):
    peer, network = abilene
    request, why = WRONG_REQUESTS[name]
    before = network.all_rules()
    line = json.dumps(request) if isinstance(request, dict) else request
    answer = peer.ask_line(line if isinstance(line, bytes) else line.encode())
    assert list(answer) == ["refused"]
    pytest.raises(Refused, _raise, answer["refused"]).match(why)
    assert network.all_rules() == before
    assert peer.links() == network.links()


def _raise(why):
    raise Refused(why)
