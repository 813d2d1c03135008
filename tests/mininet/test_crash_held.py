"""The controller dies while writes are held for a switch whose work is being moved away: what was answered is in force
afterwards, once, in its order, on the switch where its place is then; what was refused is not."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from processes import wait_until
from test_crash import begin, failpoint, has_ended, last_number, latest, wait_for_switches
from test_freeze import FIRST_TCP_PORT, Writers, controller, entry  # noqa: F401  pylint: disable=unused-import
from test_migration import Scene
from topologies import MigrationCase
from transplants import SOURCE, TARGET, target_behind_proxy

# Entries that stand before the migration, by what becomes of them while the source is frozen.
KEPT, DELETED, REWRITTEN = range(0, 5), range(5, 10), range(10, 15)
# Entries that are asked for while it is frozen, and those of them that are deleted again.
ASKED, TAKEN_BACK = range(20, 70), range(60, 70)
# What goes on being asked for while the migration goes on and dies.
MORE = range(100, 3100)


@dataclass
class Written:
    """What was answered: for each entry's index what is in force in the end, and what nobody heard of."""

    ids: dict = field(default_factory=dict)
    bodies: dict = field(default_factory=dict)
    unknown: set = field(default_factory=set)


@pytest.fixture
def scene(connect, controller, api):  # noqa: F811  pylint: disable=redefined-outer-name
    """The source full of rules, and a target that can hold the migration where it is."""
    with target_behind_proxy(connect, controller, api) as (network, proxy):
        yield Scene(network, MigrationCase(hosts=(3, 4), source=1, target=2), api), proxy


def turned(network, index):
    """The same entry, but to the other neighbour."""
    return {**entry(network, index), "actions": entry(network, index + 1)["actions"]}


def post(scene, written, index, body, expected):
    """Ask for an entry."""
    response = scene.api.request("POST", f"/v1/switches/{SOURCE}/rules", body)
    assert response.status_code == expected, response.text
    if expected < 400:
        written.ids[index], written.bodies[index] = response.json()["id"], body


def delete(scene, written, index, expected):
    """Take an entry away."""
    path = f"/v1/switches/{SOURCE}/rules/{written.ids.pop(index)}"
    response = scene.api.request("DELETE", path)
    assert response.status_code == expected, response.text
    del written.bodies[index]


def write_before(scene):
    """The entries that stand before the migration."""
    written = Written()
    for index in (*KEPT, *DELETED, *REWRITTEN):
        post(scene, written, index, entry(scene.network, index), 201)
    return written


def write_while_frozen(scene, written):
    """What is asked for while the source is frozen, and only held."""
    for index in DELETED:
        delete(scene, written, index, 202)
    for index in REWRITTEN:
        delete(scene, written, index, 202)
        post(scene, written, index, turned(scene.network, index), 202)
        post(scene, written, index, entry(scene.network, index), 409)
    for index in ASKED:
        post(scene, written, index, entry(scene.network, index), 202)
    for index in TAKEN_BACK:
        delete(scene, written, index, 202)
    # The last ones are asked for again: of all that was said of them this is the last word.
    for index in TAKEN_BACK[:5]:
        post(scene, written, index, turned(scene.network, index), 202)


def taken_in(written, network, writers):
    """What was answered of all that was asked for while the controller died."""
    for index in MORE:
        status, body = writers.answers.get(index, (None, None))
        if status in (201, 202):
            written.ids[index], written.bodies[index] = body["id"], entry(network, index)
        elif status is None:
            written.unknown.add(index)
        else:
            # What comes after the commit is for a switch that is drained, and it may be stopping.
            assert status in (422, 503), (status, body)


def in_force(network, switch):
    """All static entries that a switch holds, each as (index, output)."""
    rules = [rule for rule in network.rules(switch) if "tcp" in rule.match.split(",")]
    return sorted((int(rule.field("tp_dst")) - FIRST_TCP_PORT, rule.actions) for rule in rules)


def wanted(network, written, place):
    """What has to be in force on the switch where the source's place is."""
    there = {network.port(SOURCE, name): network.port(place, name) for name in ("s3", "s4")}
    bodies = written.bodies.items()
    return sorted((index, f"output:{there[body['actions'][0]['port']]}") for index, body in bodies)


def check(scene, written, state):
    """What was answered is in force once, on the right switch, and nothing else is."""
    place, other = (TARGET, SOURCE) if state == "committed" else (SOURCE, TARGET)
    want = wanted(scene.network, written, place)

    def is_right():
        there = [rule for rule in in_force(scene.network, place) if rule[0] not in written.unknown]
        return there == want and not in_force(scene.network, other)

    try:
        wait_until(is_right, 8, "every entry in its place")
    except TimeoutError:
        there, elsewhere = in_force(scene.network, place), in_force(scene.network, other)
        lost = sorted(set(want) - set(there))
        more = [rule for rule in there if rule not in want and rule[0] not in written.unknown]
        raise AssertionError(f"{state}: lost {lost}, too many {more}, on {other} {elsewhere}") from None
    assert scene.api.get("/queued") == []
    listed = {listed["id"]: listed for listed in scene.api.get("/entries")}
    places = {(listed[number]["state"], listed[number]["place"]) for number in written.ids.values()}
    assert places == {("active", f"{int(place[1:]):016x}")}
    whose = {index: number for index, number in written.ids.items() if number in listed}
    assert whose == written.ids and len(listed) <= len(whose) + len(written.unknown)


def tidy(scene, state):
    """No entry is left, and the source is what it was."""
    for listed in scene.api.get("/entries"):
        scene.api.delete(f"/switches/{SOURCE}/rules/{listed['id']}")
    assert in_force(scene.network, SOURCE) == in_force(scene.network, TARGET) == []
    if state == "committed":
        number = last_number(scene)
        back = scene.api.wait_for_migration(scene.api.post(f"/migrations/{number}/revert")["id"])
        assert back["state"] == "committed", back


# Where a migration is held: while it is planned, and while it installs.
PLANNING = ("stats_reply", {"which": "flows"})
INSTALLING = ("barrier_reply", {})


def dies(scene, controller, proxy, key, strike, where=PLANNING):
    """A migration that is held until the writes are answered. `strike` lets it go on, and ends the controller."""
    written, last = write_before(scene), last_number(scene)
    writers = Writers(scene.network, controller.api.url)
    message, which = where
    holding = proxy.arm("hold", message, nth=1, **which)
    with ThreadPoolExecutor(1) as asking:
        asking.submit(begin, scene, "clone", key)
        holding.wait()
        assert scene.api.switch_state(SOURCE) == "frozen"
        write_while_frozen(scene, written)
        held = scene.api.get("/queued")
        assert len(held) == len(DELETED) + 2 * len(REWRITTEN) + len(ASKED) + len(TAKEN_BACK) + 5
        writers.post(MORE[0], len(MORE))
        time.sleep(0.3)
        has_died = strike(holding)
    writers.wait()
    holding.disarm()
    taken_in(written, scene.network, writers)
    if has_died:
        controller.resume()
        wait_for_switches(scene)
    state = latest(scene, last)
    more = sum(index in written.ids for index in MORE)
    print(f"{key}: died {has_died}, {state}, {len(held)} held, then {more} answered, {len(written.unknown)} not")
    check(scene, written, state)
    # Another run later it is all the same.
    controller.restart(signal.SIGKILL)
    wait_for_switches(scene)
    check(scene, written, state)
    tidy(scene, state)
    return has_died, state


@pytest.mark.limit(900)
def test_what_was_held_survives_at_every_record(scene, controller):
    scene, proxy = scene
    states, number, has_died = [], 0, True
    while has_died:
        number += 1
        for moment in ("before", "after"):
            with failpoint(f"{moment}:{number}"):
                controller.restart(signal.SIGKILL)
            wait_for_switches(scene)

            def strike(holding):
                holding.release()
                return has_ended(controller, 8)

            has_died, state = dies(scene, controller, proxy, f"{moment} {number}", strike)
            if has_died:
                states.append(state)
    order = ["not begun", "rolled_back", "committed"]
    assert states == sorted(states, key=order.index) and set(states) == set(order)


@pytest.mark.parametrize(("where", "end"), [(PLANNING, "not begun"), (INSTALLING, "rolled_back")])
def test_what_is_held_survives_a_kill(scene, controller, where, end):
    scene, proxy = scene

    def strike(_):
        controller.halt(signal.SIGKILL)
        return True

    assert dies(scene, controller, proxy, "killed while it is held", strike, where) == (True, end)


@pytest.mark.parametrize("wait_s", [0.0, 0.1, 0.3, 0.6])
def test_what_was_held_survives_a_kill_at_any_moment(scene, controller, wait_s):
    scene, proxy = scene

    def strike(holding):
        holding.release()
        time.sleep(wait_s)
        controller.halt(signal.SIGKILL)
        return True

    dies(scene, controller, proxy, f"killed after {wait_s} s", strike)
