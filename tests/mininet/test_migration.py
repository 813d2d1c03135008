"""Migrations under traffic, measured at the hosts and in the switches.

`GODWIT_RUNS` is how often each case of `clone` is repeated (2 unless set; `make soak` has 20).
"""

import os
import threading
import time

import pytest

from controller import Refused, switch_over_us
from processes import wait_until
from routes import FIRST_PORT, carriers, requests, udp_rules
from topologies import ABILENE_CASE, Abilene, RandomNetwork, migration_case, random_graph
from traffic import BothWays

RUNS = int(os.environ.get("GODWIT_RUNS", "2"))
RATE = 5000
LEAD_S = 1.0

# The silence is seen from the last packet before it. That may have left a tick of the sender, and what the machine adds
# to a tick, before the first that was lost.
SLACK_S = 0.005

RANDOM_CASE = migration_case(random_graph(25, 3, 1))

NETWORKS = {
    "abilene": (Abilene, ABILENE_CASE, {"openflow10": ("s2", "s9")}),
    "random25": (RandomNetwork, RANDOM_CASE, {}),
}


class Scene:
    """A network with hosts that know each other, and a switch between them to migrate."""

    def __init__(self, network, case, api):
        self.network, self.case, self.api = network, case, api
        self.source, self.target = f"s{case.source}", f"s{case.target}"
        self.first, self.second = network.hosts

    def add_routes(self, count):
        """Routes in both directions; all of them go through the source and none through the target."""
        made = self.api.post("/routes", requests(self.first, self.second, count))
        here = carriers(self.network)
        assert here[self.source] == 2 * count and self.target not in here
        return [route["id"] for route in made]

    def clear(self, routes):
        """All as it was before."""
        for route in routes:
            self.api.delete(f"/routes/{route}")
        self.api.post(f"/switches/{self.source}/restore")
        wait_until(lambda: self.api.switch_state(self.source) == "active", 10, "the source back in service")
        assert carriers(self.network) == {}

    def migrate_under_traffic(self, algorithm, flows):
        """The migration, and what the hosts saw of it."""
        with BothWays(self.first, self.second, FIRST_PORT, RATE, flows=flows) as traffic:
            time.sleep(LEAD_S)
            migration = self.api.migrate(self.source, self.target, algorithm)
            time.sleep(LEAD_S)
        assert migration["state"] == "committed", migration
        assert traffic.outcome.receiver_drops == 0
        return migration, traffic

    def assert_moved(self, count):
        """Both ends of the move, in the switches."""
        here = carriers(self.network)
        assert self.source not in here and here[self.target] == 2 * count
        assert self.api.switch_state(self.source) == "drained"

    def counters(self, routes):
        """What each route has carried, in the order of the routes."""
        by_id = {route["id"]: route["packets"] for route in self.api.get("/routes")}
        return tuple(by_id[route] for route in routes)

    def assert_counted(self, routes, traffic):
        """Every route has counted exactly what its receiver got."""
        received = traffic.there.received_by_flow + traffic.back.received_by_flow
        try:
            wait_until(lambda: self.counters(routes) == received, 3, "the counters")
        except TimeoutError:
            counted = self.counters(routes)
            ends, each_way = (self.second, self.first), len(traffic.there.received_by_flow)
            wrong = [
                (route, mine, theirs, self.in_switches(ends[i // each_way], FIRST_PORT + i % each_way))
                for i, (route, mine, theirs) in enumerate(zip(routes, counted, received))
                if mine != theirs
            ]
            raise AssertionError(
                f"{len(wrong)} wrong, as (route, counted, received, in switches): {wrong[:10]}"
            ) from None

    def in_switches(self, towards, port):
        """What the rules of one route count now, by switch: who is wrong, the controller or a switch?"""
        keys = {(address, port) for address in (towards.MAC(), towards.IP())}
        found = {switch.name: udp_rules(self.network, switch.name) for switch in self.network.switches}
        return {name: rules[key].packets for name, rules in found.items() for key in keys if key in rules}


def show(name, migration, outcome):
    """One line for the record."""
    print(
        f"{name}: sent {outcome.sent} lost {outcome.lost} duplicated {outcome.duplicates} reordered {outcome.reordered}"
        f" (by up to {outcome.max_displacement}) silence {outcome.longest_silence_us / 1000:.1f} ms"
    )
    show_phases(name, migration)


def show_phases(name, migration):
    """One line for the record."""
    phases = " ".join(f"{phase['name']}={phase['duration_us'] / 1000:.1f}" for phase in migration["phases"])
    print(
        f"{name}: {sum(migration['rules'].values())} rules, switch-over {switch_over_us(migration) / 1000:.1f} ms,"
        f" total {migration['duration_us'] / 1000:.1f} ms ({phases})"
    )


@pytest.fixture
def stage(settle, api):
    """Builds scenes."""

    def build(name, **options):
        topo, case, defaults = NETWORKS[name]
        return Scene(settle(topo(), **{**defaults, **options}), case, api)

    return build


def clone_repeatedly(scene, count, name):
    """`RUNS` migrations by `clone`, each held to all of its promises."""
    for run in range(RUNS):
        routes = scene.add_routes(count)
        migration, traffic = scene.migrate_under_traffic("clone", count)
        show(f"{name} run {run + 1}", migration, traffic.outcome)
        assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
        scene.assert_moved(count)
        scene.assert_counted(routes, traffic)
        assert migration["flows"] >= 2 * count
        scene.clear(routes)


@pytest.mark.limit(120 + 30 * RUNS)
@pytest.mark.parametrize("count", [1, 200])
@pytest.mark.parametrize("name", NETWORKS)
def test_clone_loses_and_duplicates_nothing_and_counts_every_packet(stage, name, count):
    clone_repeatedly(stage(name), count, f"clone {name} {count}")


@pytest.mark.limit(120 + 30 * RUNS)
@pytest.mark.parametrize("count", [1, 200])
def test_clone_counts_every_packet_of_a_source_with_a_daemon_of_its_own(stage, count):
    scene = stage("abilene", separate=(f"s{ABILENE_CASE.source}",))
    clone_repeatedly(scene, count, f"clone separate {count}")


@pytest.mark.limit(120 + 30 * RUNS)
@pytest.mark.parametrize("link", [("s4", "s7"), ("s7", "s8"), ("s11", "s2")])
def test_clone_loses_nothing_that_is_on_a_slow_link_of_the_old_path(stage, link):
    scene = stage("abilene", relays={link: 10})
    clone_repeatedly(scene, 1, f"clone 10 ms on {'-'.join(link)}")


@pytest.mark.limit(120 + 30 * RUNS)
def test_clone_keeps_its_promises_with_a_slow_link_and_a_source_with_a_daemon_of_its_own(stage):
    scene = stage("abilene", relays={("s4", "s5"): 10, ("s8", "s11"): 10}, separate=("s7",))
    clone_repeatedly(scene, 200, "clone separate, slow links")


@pytest.mark.parametrize("count", [1, 200])
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("algorithm", ["freeze-copy", "move"])
def test_the_others_lose_no_more_than_their_own_silence(stage, name, algorithm, count):
    scene = stage(name)
    routes = scene.add_routes(count)
    with Lowest(scene, routes) as lowest:
        migration, traffic = scene.migrate_under_traffic(algorithm, count)
    show(f"{algorithm} {name} {count}", migration, traffic.outcome)
    for outcome in (traffic.there, traffic.back):
        # Flows are cut one after another: each has its own silence.
        silence_s = outcome.longest_flow_silence_us / 1e6
        assert outcome.lost <= RATE * (silence_s + SLACK_S)
        assert outcome.duplicates == 0
    scene.assert_moved(count)
    if algorithm == "move":
        assert lowest.fell is None
        wait_until(lambda: sum(scene.counters(routes)) == traffic.outcome.received, 3, "the counters kept")
    scene.clear(routes)


class Lowest:
    """Watches routes' counters for one that falls."""

    def __init__(self, scene, routes):
        self._scene, self._routes = scene, routes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.fell = None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(10)

    def _watch(self):
        before = (0,) * len(self._routes)
        while not self._stop.wait(0.05):
            now = self._scene.counters(self._routes)
            if any(later < earlier for earlier, later in zip(before, now)):
                self.fell = (before, now)
            before = now


def test_no_counter_ever_falls_during_clone(stage):
    scene = stage("abilene", separate=("s7",))
    routes = scene.add_routes(20)
    with Lowest(scene, routes) as lowest:
        scene.migrate_under_traffic("clone", 20)
    assert lowest.fell is None


def test_a_drain_without_a_target_takes_the_shortest_way_round(stage):
    scene = stage("abilene")
    routes = scene.add_routes(5)
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=5) as traffic:
        time.sleep(LEAD_S)
        migration = scene.api.migrate(scene.source)
        time.sleep(LEAD_S)
    assert migration["state"] == "committed"
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    scene.assert_counted(routes, traffic)
    assert carriers(scene.network) == {s: 10 for s in ("s4", "s5", "s6", "s9", "s10", "s3", "s1")}


def test_a_restored_switch_carries_new_routes_and_can_be_migrated_again(stage):
    scene = stage("abilene")
    for _ in range(2):
        routes = scene.add_routes(3)
        assert scene.api.migrate(scene.source, scene.target)["state"] == "committed"
        scene.assert_moved(3)
        scene.clear(routes)
    assert scene.network.ping_all() == 0


def test_a_dry_run_tells_the_plan_and_touches_nothing(stage):
    scene = stage("abilene")
    scene.add_routes(10)
    before = scene.network.all_rules()
    body = {"source": scene.source, "target": scene.target, "algorithm": "clone", "dry_run": True}
    response = scene.api.request("POST", "/v1/migrations", body)
    assert response.status_code == 200
    assert response.json()["rounds"] and response.json()["flows"]
    assert scene.network.all_rules() == before
    assert scene.api.switch_state(scene.source) == "active"


def test_a_migration_without_a_way_round_is_refused_and_nothing_is_touched(stage):
    scene = stage("abilene")
    scene.add_routes(5)
    scene.network.set_link("s5", "s6", "down")
    wait_until(lambda: len(scene.api.links()) == len(scene.network.links()) - 2, 5, "the link gone")
    before = scene.network.all_rules()
    with pytest.raises(Refused) as refused:
        scene.api.post("/migrations", {"source": "s7", "target": "s6", "algorithm": "clone"})
    assert refused.value.status == 422
    assert scene.network.all_rules() == before
    assert scene.api.switch_state("s7") == "active"


def test_of_two_overlapping_migrations_the_second_is_a_conflict(stage):
    scene = stage("abilene", relays={("s4", "s7"): 10})
    scene.add_routes(200)
    body = {"source": "s7", "target": "s6", "algorithm": "clone"}
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=200) as traffic:
        started = scene.api.post("/migrations", body)
        with pytest.raises(Refused) as refused:
            scene.api.post("/migrations", {**body, "target": "s5"})
        migration = scene.api.wait_for_migration(started["id"])
    assert refused.value.status == 409
    assert migration["state"] == "committed"
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    scene.assert_moved(200)


def test_the_same_idempotency_key_gives_the_same_migration(stage):
    scene = stage("abilene")
    scene.add_routes(1)
    body = {"source": "s7", "target": "s6", "algorithm": "clone"}
    headers = {"Idempotency-Key": "3f1c"}
    first = scene.api.post("/migrations", body, headers=headers)
    scene.api.wait_for_migration(first["id"])
    again = scene.api.post("/migrations", body, headers=headers)
    assert again["id"] == first["id"]
    assert len(scene.api.get("/migrations")) == 1


def test_the_command_line_migrates_and_says_so(stage, controller):
    scene = stage("abilene")
    scene.add_routes(5)
    refused = controller.command("migrate", "s7", "s7")
    assert refused.returncode == 1 and refused.stderr
    done = controller.command("migrate", "s7", "s6", "--algorithm", "move")
    assert done.returncode == 0, done.stderr
    assert "committed" in done.stdout
    scene.assert_moved(5)
    assert controller.command("restore", "s7").returncode == 0
    assert scene.api.switch_state("s7") == "active"
