"""The controller dies in the middle of a migration: before and after every record of its journal, and at random moments.
The next one finishes or undoes it, and traffic under `clone` notices neither.

`GODWIT_RUNS` is how often it dies at random moments (6 unless set; `make soak` has 100).
"""

import os
import random
import signal
import subprocess
import time
from contextlib import contextmanager
from datetime import datetime, timezone

import pytest

from controller import FINAL_STATES, Refused
from network import GodwitNetwork
from processes import run, wait_until
from routes import FIRST_PORT, requests
from test_migration import Scene
from test_restart import OnSmallDisk, fill, small_disk
from topologies import ABILENE_CASE, Abilene
from traffic import BothWays

ALGORITHMS = ("clone", "move", "freeze-copy")
RUNS = int(os.environ.get("GODWIT_RUNS", "6"))
FLOWS = 20
RATE = 2000
LEAD_S = 1.0
# Switches try to connect again after 1, 2, 4 and 8 s.
BACK_S = 20


@pytest.fixture
def scene(settle, api):
    """Abilene, OpenFlow 1.0 and 1.3 mixed."""
    return Scene(settle(Abilene(), openflow10=("s2", "s9")), ABILENE_CASE, api)


@contextmanager
def failpoint(where):
    """A controller that is started meanwhile aborts there."""
    os.environ["GODWIT_FAILPOINT"] = where
    try:
        yield
    finally:
        del os.environ["GODWIT_FAILPOINT"]


def rules(network):
    """What all switches hold, but for cookies and what counts."""
    return sorted(
        (switch.name, rule.table, rule.priority, rule.match, rule.flags, rule.actions)
        for switch in network.switches
        for rule in network.rules(switch.name)
    )


def wait_for_switches(scene):
    """All switches are connected, and all links are found."""
    scene.api.wait_for_network(scene.network, BACK_S)


def begin(scene, algorithm, key):
    """Ask for a migration. Whether it began is not known when the controller dies before it answers."""
    body = {"source": scene.source, "target": scene.target, "algorithm": algorithm}
    try:
        return scene.api.post("/migrations", body, headers={"Idempotency-Key": key})["id"]
    except OSError:
        return None


def has_ended(controller, seconds):
    """Whether the process ends within this time."""
    end_at = time.monotonic() + seconds
    while time.monotonic() < end_at:
        if not controller.is_running():
            return True
        time.sleep(0.01)
    return False


def latest(scene, last):
    """The state of the migration that was begun since number `last` was, when it has come to its end."""
    begun = [migration for migration in scene.api.get("/migrations") if migration["id"] > last]
    if not begun:
        return "not begun"
    wait_until(lambda: scene.api.get(f"/migrations/{begun[0]['id']}")["state"] in FINAL_STATES, 60, "the end")
    return scene.api.get(f"/migrations/{begun[0]['id']}")["state"]


def last_number(scene):
    """The highest number of a migration."""
    return max((migration["id"] for migration in scene.api.get("/migrations")), default=0)


def introduce(scene):
    """The controller hears of the hosts again, if a route is about to name them."""
    if scene.api.attachments() != scene.network.attachments():
        for host, other in ((scene.first, scene.second), (scene.second, scene.first)):
            host.cmd("ip neigh flush nud permanent all")
            assert ", 0% packet loss" in host.cmd(f"ping -c1 -W2 {other.IP()}")
        scene.api.wait_for_hosts(scene.network)
        scene.network.static_arp()


def undisturbed(scene, algorithm):
    """What a migration leaves when nothing dies."""
    routes = scene.add_routes(FLOWS)
    assert scene.api.migrate(scene.source, scene.target, algorithm)["state"] == "committed"
    done = rules(scene.network)
    scene.clear(routes)
    return done


def check(scene, algorithm, state, ends, routes, traffic):
    """One of the two ends, and nothing in between."""
    before, done = ends
    assert state in ("committed", "rolled_back", "not begun")
    moved = state == "committed"
    assert rules(scene.network) == (done if moved else before), state
    assert scene.api.switch_state(scene.source) == ("drained" if moved else "active")
    assert {route["state"] for route in scene.api.get("/routes")} == {"active"}
    assert traffic.outcome.receiver_drops == 0
    if algorithm == "clone":
        assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0), state
        scene.assert_counted(routes, traffic)


def tidy(scene, routes, state):
    """All as it was before the routes."""
    if state == "committed":
        scene.clear(routes)
    else:
        for route in routes:
            scene.api.delete(f"/routes/{route}")


def cut_off(scene, controller, flows, strike):
    """One migration under traffic, in the middle of which `strike` ends the controller, and another takes its place.
    Whether it died, the state that the migration came to, and the traffic."""
    last = last_number(scene)
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=flows) as traffic:
        time.sleep(LEAD_S)
        has_died = strike()
        if has_died:
            controller.resume()
            wait_for_switches(scene)
        state = latest(scene, last)
        time.sleep(LEAD_S)
    return has_died, state, traffic


def dies(scene, controller, algorithm, done, strike):
    """A migration of routes that `strike` cuts off: whether it did, and the state that the migration came to."""
    introduce(scene)
    routes = scene.add_routes(FLOWS)
    before = rules(scene.network)
    has_died, state, traffic = cut_off(scene, controller, FLOWS, strike)
    check(scene, algorithm, state, (before, done), routes, traffic)
    tidy(scene, routes, state)
    return has_died, state


def assert_every_record(scene, controller, algorithm, cut):
    """A migration for each record of the journal and each side of it, at which the controller dies. `cut` makes one,
    with what strikes, checks what came of it, and says whether the controller died, and the migration's state."""
    states, number, has_died = [], 0, True
    while has_died:
        number += 1
        for moment in ("before", "after"):
            with failpoint(f"{moment}:{number}"):
                controller.restart(signal.SIGKILL)
            wait_for_switches(scene)

            def strike(key=f"{moment} {number}"):
                begin(scene, algorithm, key)
                return has_ended(controller, 8)

            has_died, state = cut(strike)
            if has_died:
                states.append(state)
    print(f"{algorithm}: {number - 1} records, {states}")
    # What was not begun, then what was undone, then what was finished.
    order = ["not begun", "rolled_back", "committed"]
    assert states == sorted(states, key=order.index) and set(states) == set(order)


@pytest.mark.limit(900)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_it_dies_before_and_after_every_record(scene, controller, algorithm):
    done = undisturbed(scene, algorithm)
    assert_every_record(scene, controller, algorithm, lambda strike: dies(scene, controller, algorithm, done, strike))


@pytest.mark.limit(120 + 60 * RUNS)
def test_it_dies_at_random_moments(scene, controller):
    randomly = random.Random(os.environ.get("GODWIT_SEED", "1"))
    done = {algorithm: undisturbed(scene, algorithm) for algorithm in ALGORITHMS}
    states = []
    for _ in range(RUNS):
        algorithm = randomly.choice(("clone", "clone", "move", "freeze-copy"))
        wait_s = randomly.uniform(0, 0.5)

        def strike(wait_s=wait_s, algorithm=algorithm):
            body = f'{{"source": "{scene.source}", "target": "{scene.target}", "algorithm": "{algorithm}"}}'
            url = f"{controller.url}/v1/migrations"
            words = ["curl", "-s", "-H", "Content-Type: application/json", "-d", body, url]
            with subprocess.Popen(words, stdout=subprocess.DEVNULL) as asking:
                time.sleep(wait_s)
                controller.halt(signal.SIGKILL)
                asking.wait(10)
            return True

        _, state = dies(scene, controller, algorithm, done[algorithm], strike)
        states.append((algorithm, round(wait_s, 3), state))
    print(*states, sep="\n")


def test_the_number_and_the_key_of_a_migration_that_was_cut_off_stay(scene, controller):
    scene.add_routes(FLOWS)
    with failpoint("after:2"):
        controller.restart(signal.SIGKILL)
    wait_for_switches(scene)
    begun = begin(scene, "clone", "one")
    assert has_ended(controller, 8)
    controller.resume()
    wait_for_switches(scene)
    ended = scene.api.wait_for_migration(1)
    assert begun in (1, None) and ended["state"] == "committed" and ended["flows"] >= 2 * FLOWS
    assert begin(scene, "clone", "one") == 1
    # Another run later it is all the same.
    controller.restart(signal.SIGKILL)
    wait_for_switches(scene)
    assert scene.api.get("/migrations/1") == ended and begin(scene, "clone", "one") == 1
    back = scene.api.wait_for_migration(scene.api.post("/migrations/1/revert")["id"])
    assert back["state"] == "committed"


def test_a_stop_in_the_middle_of_a_migration_ends_in_good_order(scene, controller):
    before = None
    for wait_s in (0.0, 0.05, 0.2):
        routes = scene.add_routes(FLOWS)
        before, last = rules(scene.network), last_number(scene)
        body = {"source": scene.source, "target": scene.target, "algorithm": "clone"}
        with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=FLOWS) as traffic:
            time.sleep(LEAD_S)
            scene.api.post("/migrations", body)
            time.sleep(wait_s)
            begun = time.monotonic()
            assert controller.stop() == 0
            assert time.monotonic() - begun < 10
            controller.resume()
            wait_for_switches(scene)
            state = latest(scene, last)
            time.sleep(LEAD_S)
        assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
        assert state == "committed" or rules(scene.network) == before
        tidy(scene, routes, state)
        introduce(scene)


def test_a_full_disk_refuses_a_migration_before_anything_is_touched(tmp_path):
    with small_disk(str(tmp_path)) as place, OnSmallDisk(place) as controller:
        with GodwitNetwork(Abilene(), controller.openflow_port) as network:
            network.wait_connected()
            controller.api.settle(network)
            scene = Scene(network, ABILENE_CASE, controller.api)
            routes = scene.add_routes(200)
            fill(place)
            before = scene.network.all_rules()
            with pytest.raises(Refused) as refused:
                scene.api.post("/migrations", {"source": scene.source, "target": scene.target, "algorithm": "clone"})
            assert refused.value.status == 507
            assert refused.value.content_type.startswith("application/problem+json")
            assert scene.network.all_rules() == before
            assert scene.api.switch_state(scene.source) == "active"
            run("mount", "-o", "remount,size=16m", place)
            assert scene.api.migrate(scene.source, scene.target)["state"] == "committed"
            scene.clear(routes)


@pytest.mark.parametrize("wait_s", [0.0, 0.04])
def test_a_controller_that_was_stopped_for_half_a_minute_commits_onto_no_dead_path(scene, controller, wait_s):
    scene.add_routes(FLOWS)
    body = {"source": scene.source, "target": scene.target, "algorithm": "clone"}
    plan = scene.api.post("/migrations", {**body, "dry_run": True})
    new = next(flow["new"] for flow in plan["flows"] if len(flow["new"]) > 1)
    one, other = (f"s{int(hop['dpid'], 16)}" for hop in new[:2])
    begun = scene.api.post("/migrations", body)["id"]
    time.sleep(wait_s)
    os.kill(controller.pid, signal.SIGSTOP)
    stopped_at = datetime.now(timezone.utc)
    try:
        scene.network.set_link(one, other, "down")
        time.sleep(30)
    finally:
        os.kill(controller.pid, signal.SIGCONT)
    scene.api.forget_connections()
    ended = scene.api.wait_for_migration(begun)
    until = time.monotonic() + BACK_S
    print(wait_s, ended["state"], ended.get("error"))
    while True:
        with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=FLOWS) as traffic:
            time.sleep(LEAD_S)
        if traffic.outcome.lost == 0:
            break
        assert time.monotonic() < until, (ended, traffic.outcome)
    # It may have been over just before the stop; a controller that is stopped can't say so, its clock does afterwards.
    was_over = datetime.fromisoformat(ended["finished_at"].replace("Z", "+00:00")) <= stopped_at
    assert was_over or ended["state"] == "rolled_back", ended
