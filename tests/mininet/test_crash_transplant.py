"""The controller dies while it moves what belongs to no route: before and after every record of its journal. The next
one finishes or undoes it, and traffic under `clone` notices neither."""

import signal

import pytest

from test_crash import assert_every_record, cut_off, last_number, wait_for_switches
from test_migration import Scene
from test_transplant import assert_counted
from topologies import MigrationCase
from transplants import KINDS, SOURCE, TARGET, Twins, entries, fill, packets, translated


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
    """A transplant that `strike` cuts off: whether it did, and the state that the migration came to."""
    before = all_entries(scene.network)
    counted = packets(scene.network, SOURCE)
    has_died, state, traffic = cut_off(scene, controller, len(KINDS), strike)
    outcome = traffic.outcome
    assert (outcome.lost, outcome.duplicates, outcome.receiver_drops) == (0, 0, 0), (state, outcome.missing)
    if state == "committed":
        migration = scene.api.get(f"/migrations/{last_number(scene)}")
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
    assert_every_record(scene, controller, "clone", lambda strike: dies(scene, controller, strike))
