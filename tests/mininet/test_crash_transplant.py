"""The controller dies while it moves what belongs to no route: before and after every record of its journal. The next
one finishes or undoes it, and traffic under `clone` notices neither."""

import signal
import time

import pytest

from routes import FIRST_PORT
from test_crash import begin, failpoint, has_ended, last_number, latest, wait_for_switches
from test_migration import Scene
from test_transplant import assert_counted
from topologies import MigrationCase
from traffic import BothWays
from transplants import KINDS, SOURCE, TARGET, Twins, entries, fill, packets, translated

RATE = 2000
LEAD_S = 1.0


@pytest.fixture
def scene(connect, api):
    """A source full of rules of all kinds, and beside it a switch that can take its place."""
    network = connect(Twins())
    api.wait_for_network(network)
    network.static_arp()
    fill(network, KINDS)
    return Scene(network, MigrationCase(hosts=(3, 4), source=1, target=2), api)


def all_entries(network):
    """What everybody but the controller itself has put on each switch."""
    return {switch.name: entries(network, switch.name) for switch in network.switches}


def dies(scene, controller, strike):
    """One migration under traffic, in the middle of which `strike` ends the controller, and another takes its place."""
    before, last = all_entries(scene.network), last_number(scene)
    counted = packets(scene.network, SOURCE)
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=len(KINDS)) as traffic:
        time.sleep(LEAD_S)
        has_died = strike()
        if has_died:
            controller.resume()
            wait_for_switches(scene)
        state = latest(scene, last)
        time.sleep(LEAD_S)
    outcome = traffic.outcome
    assert (outcome.lost, outcome.duplicates, outcome.receiver_drops) == (0, 0, 0), (state, outcome.missing)
    if state == "committed":
        migration = next(one for one in scene.api.get("/migrations") if one["id"] > last)
        assert entries(scene.network, SOURCE) == []
        assert entries(scene.network, TARGET) == translated(scene.network, before[SOURCE])
        assert_counted(scene.network, migration, traffic, len(KINDS), before=counted)
        if not has_died:
            # The failpoint would strike on the way back.
            controller.restart(signal.SIGKILL)
            wait_for_switches(scene)
        back = scene.api.wait_for_migration(scene.api.post(f"/migrations/{migration['id']}/revert")["id"])
        assert back["state"] == "committed", back
    else:
        assert state in ("rolled_back", "not begun")
    assert all_entries(scene.network) == before, state
    return has_died, state


@pytest.mark.limit(600)
def test_it_dies_before_and_after_every_record_of_a_transplant(scene, controller):
    states, number, has_died = [], 0, True
    while has_died:
        number += 1
        for moment in ("before", "after"):
            with failpoint(f"{moment}:{number}"):
                controller.restart(signal.SIGKILL)
            wait_for_switches(scene)

            def strike(key=f"{moment} {number}"):
                begin(scene, "clone", key)
                return has_ended(controller, 8)

            has_died, state = dies(scene, controller, strike)
            if has_died:
                states.append(state)
    print(f"{number - 1} records, {states}")
    # What was not begun, then what was undone, then what was finished.
    order = ["not begun", "rolled_back", "committed"]
    assert states == sorted(states, key=order.index) and set(states) == set(order)
