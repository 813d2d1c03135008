"""Limits on what a migration may cost, requests that wait for one another, and what is said beforehand.

`GODWIT_RUNS` is how often a migration that loses nothing is tried under limits (5 unless set).
"""

import os
import random
import signal
import tempfile
import time
from contextlib import contextmanager
from threading import Thread

import pytest

from controller import FINAL_STATES, Refused
from processes import run, wait_until
from routes import FIRST_PORT, carriers, requests
from test_migration import LEAD_S, Scene, stage  # noqa: F401  pylint: disable=unused-import
from test_rollback import end_of
from topologies import GraphTopo, MigrationCase, graph_of
from traffic import BothWays
from transplants import KINDS, SOURCE, TARGET, Twins, entries, fill

RUNS = int(os.environ.get("GODWIT_RUNS", "5"))
RATE = 2000
ROUTES = 5

# A link of the new way only.
NEW_LINK = ("s9", "s10")


def body(scene, **options):
    """A clone of the scene's source."""
    return {"source": scene.source, "target": scene.target, "algorithm": "clone", **options}


@contextmanager
def tables_unchanged(network):
    """What every switch holds is the same after the block as before it, says `ovs-ofctl diff-flows`."""
    with tempfile.TemporaryDirectory() as directory:
        before = {switch.name: os.path.join(directory, switch.name) for switch in network.switches}
        for switch in network.switches:
            lines = switch.ofctl("dump-flows", "--no-stats").splitlines()
            with open(before[switch.name], "w", encoding="ascii") as file:
                file.writelines(f"{line.strip()}\n" for line in lines if "actions=" in line)
        yield
        for switch in network.switches:
            # It fails when there is a difference.
            assert switch.ofctl("diff-flows", before[switch.name]).strip() == ""


def throttle(network, first, second, rate):
    """A link lets no more than `rate` through, either way, and holds back five packets at the most."""
    for here, there in ((first, second), (second, first)):
        interface = str(network.interface(here, there))
        tc = ("tc", "qdisc", "add", "dev", interface)
        run(*tc, "root", "handle", "1:", "htb", "default", "1")
        run("tc", "class", "add", "dev", interface, "parent", "1:", "classid", "1:1", "htb", "rate", rate)
        run(*tc, "parent", "1:1", "pfifo", "limit", "5")


def migrate(scene, **options):
    """The end of a migration under traffic, and the traffic."""
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=ROUTES) as traffic:
        time.sleep(LEAD_S)
        started = scene.api.post("/migrations", body(scene, **options))
        ended = end_of(scene.api, started["id"])
        time.sleep(LEAD_S)
    return ended, traffic.outcome


def test_a_new_way_that_loses_packets_sends_everything_back(stage):  # noqa: F811
    scene = stage("abilene")
    scene.add_routes(ROUTES)
    throttle(scene.network, *NEW_LINK, "1mbit")
    with tables_unchanged(scene.network):
        ended, outcome = migrate(scene, max_loss_packets=50)
    print(f"{ended['error']}; lost {outcome.lost} in all")
    assert ended["state"] == "rolled_back"
    assert "max_loss_packets" in ended["error"] and "50" in ended["error"]
    assert ended["max_loss_packets"] == 50
    assert outcome.lost > 50
    assert scene.api.switch_state(scene.source) == "active"
    # The old way is as good as before.
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=ROUTES) as traffic:
        time.sleep(LEAD_S)
    assert traffic.outcome.lost == 0


def test_without_limits_it_goes_that_way_all_the_same(stage):  # noqa: F811
    scene = stage("abilene")
    scene.add_routes(ROUTES)
    throttle(scene.network, *NEW_LINK, "1mbit")
    ended, outcome = migrate(scene)
    assert ended["state"] == "committed"
    assert outcome.lost > 50


@pytest.mark.parametrize("limits", [{"max_silence_ms": 200}, {"max_loss_packets": 10}])
def test_a_new_way_on_which_nothing_comes_through_sends_everything_back(stage, limits):  # noqa: F811
    scene = stage("abilene", relays={NEW_LINK: 1})
    scene.add_routes(ROUTES)
    relay = next(
        link.relay for link in scene.network.mininet.linksBetween(*(scene.network.switch(name) for name in NEW_LINK))
    )
    with tables_unchanged(scene.network):
        os.kill(relay.pid, signal.SIGSTOP)
        try:
            ended, outcome = migrate(scene, **limits)
        finally:
            os.kill(relay.pid, signal.SIGCONT)
            wait_until(lambda: scene.api.links() == scene.network.links(), 10, "the link back")
    print(f"{ended['error']}; lost {outcome.lost}, silence {outcome.longest_silence_us / 1000:.0f} ms")
    assert ended["state"] == "rolled_back"
    assert next(iter(limits)) in ended["error"]
    # What the guard needs to be certain, and the way back.
    assert outcome.longest_silence_us < 5e6


@pytest.mark.limit(120 + 10 * RUNS)
def test_a_migration_that_loses_nothing_is_never_sent_back(stage, record_property):  # noqa: F811
    scene = stage("abilene", separate=("s7",))
    took = []
    for _ in range(RUNS):
        routes = scene.add_routes(ROUTES)
        ended, outcome = migrate(scene, max_loss_packets=0, max_silence_ms=200)
        assert ended["state"] == "committed", ended
        assert (outcome.lost, outcome.duplicates) == (0, 0)
        took.append(ended["duration_us"])
        scene.clear(routes)
    record_property("duration_us", took)
    print(f"{RUNS} runs, {min(took) / 1e6:.2f} to {max(took) / 1e6:.2f} s each")


# What can be told from counters: all that a neighbour sends meets one rule, and all that a rule sends meets one.
WATCHED_KINDS = {name: KINDS[name] for name in ("output", "tables", "field", "in_port")}


@pytest.fixture
def twins(connect, api):
    """A network whose source is full of rules of no route, of kinds that can be watched."""
    network = connect(Twins())
    api.wait_for_network(network)
    network.static_arp()
    fill(network, WATCHED_KINDS)
    return network


def migrate_entries(api, network, harm=lambda: None, **limits):
    """The end of a migration of rules of no route under traffic of theirs, to which `harm` is done as soon as the
    target has them, and the traffic."""
    with BothWays(*network.hosts, FIRST_PORT, RATE, flows=len(WATCHED_KINDS)) as traffic:
        time.sleep(LEAD_S)
        body = {"source": SOURCE, "target": TARGET, "algorithm": "clone", **limits}
        started = api.post("/migrations", body)
        # They send to the source until the flip.
        to_target = f"output:{network.port('s3', TARGET)}"
        wait_until(lambda: any(to_target in line for line in entries(network, "s3")), 10, "the flip", 0.01)
        harm()
        ended = end_of(api, started["id"])
        time.sleep(LEAD_S)
    print(f"{ended.get('error')}; lost {traffic.outcome.lost}, {ended['duration_us'] / 1e6:.2f} s")
    return ended, traffic.outcome


@pytest.mark.parametrize("limits", [{"max_silence_ms": 200}, {"max_loss_packets": 10}])
def test_rules_of_no_route_that_the_target_loses_send_everything_back(twins, api, limits):
    def delete_one():
        # The one of the first kind and direction.
        twins.switch(TARGET).ofctl("del-flows", "cookie=0x100/-1")

    with tables_unchanged(twins):
        ended, outcome = migrate_entries(api, twins, delete_one, **limits)
    assert ended["state"] == "rolled_back"
    assert next(iter(limits)) in ended["error"], ended["error"]
    assert outcome.longest_silence_us < 5e6
    assert api.switch_state(SOURCE) == "active"


def test_a_switch_behind_the_target_that_gets_nothing_sends_everything_back(twins, api):
    """The target counts what it sends; what stands behind counts nothing."""

    def cut():
        # Nobody notices: the interface stays up.
        throttle(twins, TARGET, "s4", "1kbit")

    with tables_unchanged(twins):
        ended, _ = migrate_entries(api, twins, cut, max_silence_ms=200)
    assert ended["state"] == "rolled_back"
    assert "max_silence_ms" in ended["error"], ended["error"]


def test_rules_of_no_route_that_lose_nothing_are_never_sent_back(twins, api):
    ended, outcome = migrate_entries(api, twins, max_loss_packets=0, max_silence_ms=200)
    assert ended["state"] == "committed", ended
    assert (outcome.lost, outcome.duplicates) == (0, 0)
    assert entries(twins, SOURCE) == []


def test_rules_without_traffic_are_moved_under_limits_all_the_same(twins, api):
    ended = end_of(api, api.post("/migrations", {"source": SOURCE, "target": TARGET, "algorithm": "clone", "max_silence_ms": 200})["id"])
    assert ended["state"] == "committed", ended


BAD_OPTIONS = {
    "shape": "circle",
    "queue": "yes",
    "max_loss_packets": -1,
    "max_silence_ms": 99,
    "drain_bound_ms": 0,
    "deadline_ms": 3_600_000,
    "hold": 86_401,
}


def test_a_wrong_option_is_refused_by_its_name(stage):  # noqa: F811
    scene = stage("abilene")
    for name, value in BAD_OPTIONS.items():
        with pytest.raises(Refused) as refused:
            scene.api.post("/migrations", body(scene, **{name: value}))
        assert refused.value.status == 422
        assert refused.value.problem()["field"] == name
    assert scene.api.get("/migrations") == []


class Choices(GraphTopo):
    """Two hosts, and seven switches between them of which each is a way."""

    MIDDLE = range(3, 10)

    def build(self):
        super().build(graph_of((end, middle) for middle in self.MIDDLE for end in (1, 2)), (1, 2))


@pytest.fixture
def choices(settle, api):
    """The scene of `Choices`, with routes both ways through s3."""
    network = settle(Choices())
    scene = Scene(network, MigrationCase(hosts=(1, 2), source=3, target=4), api)
    wanted = requests(scene.first, scene.second, ROUTES)
    scene.routes = [route["id"] for route in api.post("/routes", [{**one, "via": ["s3"]} for one in wanted])]
    return scene


def ask(scene, source, target, **options):
    """Asks for a clone that waits if it has to."""
    wanted = {"source": f"s{source}", "target": f"s{target}", "algorithm": "clone", "queue": True, **options}
    return scene.api.post("/migrations", wanted)


def ends(scene, *started):
    """All of these when they have ended."""
    return [end_of(scene.api, one["id"]) for one in started]


def test_those_that_wait_run_one_after_another_in_order(choices):
    with BothWays(choices.first, choices.second, FIRST_PORT, RATE, flows=ROUTES) as traffic:
        time.sleep(LEAD_S)
        started = [ask(choices, source, source + 1) for source in range(3, 7)]
        states = [choices.api.get(f"/migrations/{one['id']}")["state"] for one in started[1:]]
        assert states == ["planned"] * 3
        assert [one["id"] for one in choices.api.get("/migrations")] == [one["id"] for one in started]
        # One that would not wait does not get past them, though its own switches are free.
        with pytest.raises(Refused) as refused:
            ask(choices, 9, 7, queue=False)
        assert refused.value.status == 409
        assert refused.value.problem()["conflicts_with"] == f"/v1/migrations/{started[3]['id']}"
        ended = ends(choices, *started)
        time.sleep(LEAD_S)
    assert [one["state"] for one in ended] == ["committed"] * 4
    finished = [one["finished_at"] for one in ended]
    assert finished == sorted(finished)
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    assert carriers(choices.network) == {name: 2 * ROUTES for name in ("s1", "s2", "s7")}
    choices.assert_counted(choices.routes, traffic)


def test_one_that_waits_can_be_cancelled_and_others_go_on(choices):
    first, second, third = (ask(choices, source, source + 1) for source in (3, 4, 5))
    cancelled = choices.api.delete(f"/migrations/{second['id']}")
    assert cancelled["state"] == "rolled_back"
    ended = ends(choices, first, second, third)
    assert [one["state"] for one in ended] == ["committed", "rolled_back", "committed"]
    assert ended[1]["error"] == "cancelled"
    assert carriers(choices.network) == {name: 2 * ROUTES for name in ("s1", "s2", "s4")}
    assert choices.api.switch_state("s4") == "active"


def test_one_that_has_become_impossible_when_its_turn_comes_says_why(choices):
    first, second = ask(choices, 3, 4), ask(choices, 3, 5)
    ended = ends(choices, first, second)
    assert [one["state"] for one in ended] == ["committed", "rolled_back"]
    assert "drained" in ended[1]["error"]


def test_a_key_gives_the_one_that_waits(choices):
    first = ask(choices, 3, 4)
    wanted = {"source": "s4", "target": "s5", "algorithm": "clone", "queue": True}
    keyed = {"Idempotency-Key": "b7"}
    second, again = (choices.api.post("/migrations", wanted, headers=keyed) for _ in range(2))
    assert second["id"] == again["id"] != first["id"]
    assert [one["state"] for one in ends(choices, first, second)] == ["committed"] * 2
    assert choices.api.post("/migrations", wanted, headers=keyed)["state"] == "committed"


def test_fifty_at_once_all_come_to_an_end(choices):
    generator = random.Random(50)
    wanted = [(*generator.sample(Choices.MIDDLE, 2), generator.random() < 0.6) for _ in range(50)]
    started, refused = [], []

    def one(source, target, queue):
        try:
            started.append(ask(choices, source, target, queue=queue))
        except Refused as error:
            refused.append(error.status)

    threads = [Thread(target=one, args=each) for each in wanted]
    with BothWays(choices.first, choices.second, FIRST_PORT, RATE, flows=ROUTES) as traffic:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ended = ends(choices, *started)
        time.sleep(LEAD_S)
    assert len(started) + len(refused) == 50
    assert set(refused) <= {409, 422}
    states = [one["state"] for one in ended]
    print(f"{len(refused)} refused, {states.count('committed')} committed, {states.count('rolled_back')} rolled back")
    assert all(state in FINAL_STATES and state != "failed" for state in states)
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    # Nobody holds anything any more: what is active can be moved, and what is drained restored.
    for number in Choices.MIDDLE:
        if choices.api.switch_state(f"s{number}") == "drained":
            choices.api.post(f"/switches/s{number}/restore")
    here = next(int(name[1:]) for name in carriers(choices.network) if name not in ("s1", "s2"))
    assert ends(choices, ask(choices, here, 3 if here != 3 else 4, queue=False))[0]["state"] == "committed"


def foretold(scene, **options):
    """What a dry run says of the plan."""
    response = scene.api.request("POST", "/v1/migrations", body(scene, dry_run=True, **options))
    assert response.status_code == 200
    return response.json()["forecast"]


@pytest.mark.limit(300)
@pytest.mark.parametrize("algorithm", ["clone", "freeze-copy"])
def test_a_forecast_is_of_the_right_order(stage, algorithm, record_property):  # noqa: F811
    scene = stage("abilene")
    for count in (1, 50, 500):
        routes = scene.add_routes(count)
        forecast = foretold(scene, algorithm=algorithm)
        migration = scene.api.migrate(scene.source, scene.target, algorithm)
        assert migration["state"] == "committed"
        assert forecast["rules"] == migration["rules"] and forecast["rounds"] == migration["rounds"]
        assert forecast["unknown"] == []
        pairs = {
            "switch-over": (forecast["expected_switch_over_us"], switching_us(migration)),
            "total": (forecast["expected_total_us"], migration["duration_us"]),
        }
        for name, (expected, took) in pairs.items():
            print(f"{algorithm}, {2 * count} routes: {name} {took / 1000:.1f} ms, {took / expected:.2f} of the forecast")
            record_property(f"{algorithm}_{2 * count}_{name}", round(took / expected, 2))
            # A flip takes milliseconds, and another program's turn on the processor as much again and more.
            allowed = 30 if name == "switch-over" else 10
            assert 1 / allowed <= took / expected <= allowed, (name, expected, took)
        scene.clear(routes)


def switching_us(migration):
    """From the first flip or cut to the last flip: after a cut the installs are part of it."""
    names = ("cut", "install", "flip") if migration["algorithm"] != "clone" else ("flip",)
    return sum(phase["duration_us"] for phase in migration["phases"] if phase["name"] in names)


def test_a_forecast_knows_that_a_faster_way_overtakes(stage):  # noqa: F811
    scene = stage("abilene", relays={("s7", "s8"): 50})
    scene.add_routes(ROUTES)
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=ROUTES):
        time.sleep(LEAD_S)
        expected = foretold(scene)["expected_reordering"]
    # Both directions of 2,000 packets/s, each some 50 ms faster; what the machine adds to a link's delay is not known.
    assert 60 <= expected <= 300


def test_a_forecast_says_what_it_does_not_know(stage):  # noqa: F811
    scene = stage("abilene", separate=("s6",))
    scene.add_routes(ROUTES)
    assert foretold(scene)["expected_reordering"] == 0
    assert foretold(scene, algorithm="freeze-copy")["not_carried"] != []
    # Limits keep a migration up for as long as they are watched.
    assert foretold(scene, max_loss_packets=0)["expected_total_us"] > foretold(scene)["expected_total_us"] + 1e6
