"""Tables that make room for new rules by giving up others without a word: it is noticed by reading back, and undone.

Open vSwitch with `overflow_policy=evict` gives up rules that end some day, those first that would end the soonest, and
refuses like any other where there is none.
"""

import pytest

from faults import abilene, controller, scene  # noqa: F401  pylint: disable=unused-import
from routes import carriers, requests
from test_faults_refusals import entries, refused_and_undone
from test_rollback import lift_limit

ROUTES = 25

TARGET = "0000000000000006"


def evict_beyond(switch, limit):
    """From now on rules that end some day make room when the switch has more than so many."""
    switch.ovs_vsctl(
        "--", "--id=@table", "create", "Flow_Table", f"flow_limit={limit}", "overflow_policy=evict",
        "--", "set", "bridge", switch.name, "flow_tables:0=@table",
    )  # fmt: skip


@pytest.fixture
def crowded(scene):  # noqa: F811
    """Leaves the target room for so many rules, with rules of somebody else that end some day."""
    target = scene.network.switch(scene.target)

    def crowd(room, timeouts, count=3):
        for number in range(count):
            target.ofctl("add-flow", f"priority=1,{timeouts},arp,arp_tpa=10.99.0.{number + 1},actions=drop")
        scene.remember()
        evict_beyond(target, entries(target) + room)
        return target

    yield crowd
    lift_limit(target)
    target.ofctl("del-flows", "arp")


def foreign(switch):
    """The rules that `crowded` has made."""
    lines = switch.ofctl("dump-flows", "--no-stats").splitlines()
    return sorted(line.strip() for line in lines if "10.99.0." in line)


@pytest.mark.parametrize("algorithm", ["clone", "move", "freeze-copy"])
@pytest.mark.parametrize("timeouts", ["hard_timeout=600", "idle_timeout=600"])
def test_a_rule_of_somebody_else_that_had_to_make_room(scene, crowded, algorithm, timeouts):  # noqa: F811
    scene.add_routes(ROUTES)
    target = crowded(2 * ROUTES - 1, timeouts)
    before = foreign(target)
    refused_and_undone(scene, algorithm, ROUTES, [TARGET, "10.99.0.", "gone"], as_before=False)
    # It is there again, with what is left of its time.
    after = foreign(target)
    assert len(after) == len(before), (before, after)
    assert scene.target not in carriers(scene.network)
    lift_limit(target)
    scene.assert_usable(range(2 * ROUTES))


def test_rules_that_could_have_ended_by_themselves_are_judged_by_the_room_that_is_left(scene, crowded):  # noqa: F811
    """What is gone and was older than its idle timeout may have ended by itself, where the table is not full."""
    scene.add_routes(ROUTES)
    target = crowded(2 * ROUTES + 10, "idle_timeout=600")
    scene.assert_usable(range(2 * ROUTES))
    assert len(foreign(target)) == 3


@pytest.mark.parametrize("algorithm", ["clone", "move", "freeze-copy"])
def test_new_rules_that_had_to_make_room_for_the_next(scene, algorithm):  # noqa: F811
    bodies = [
        {**body, "idle_timeout": 60} for body in requests(scene.first, scene.second, ROUTES)
    ]  # fmt: skip
    scene.api.post("/routes", bodies)
    target = scene.network.switch(scene.target)
    scene.remember()
    evict_beyond(target, entries(target) + 2 * ROUTES - 3)
    try:
        refused_and_undone(scene, algorithm, ROUTES, [TARGET, "gone"], as_before=False)
        here = carriers(scene.network)
        assert here[scene.source] == 2 * ROUTES and scene.target not in here, here
    finally:
        lift_limit(target)
    scene.assert_usable(range(2 * ROUTES))


def test_permanent_rules_are_refused_not_given_up(scene, crowded):  # noqa: F811
    scene.add_routes(ROUTES)
    crowded(ROUTES, "hard_timeout=0", count=1)
    refused_and_undone(scene, "clone", ROUTES, ["TABLE_FULL", TARGET])


def test_a_thousand_rules_are_read_back_in_passing(scene, record_property):  # noqa: F811
    """What it costs is seen in the phase in which the caches are gone through, which takes 12 to 20 ms by itself."""
    scene.add_routes(500)
    ended = scene.end_of(scene.start())
    assert ended["state"] == "committed", ended
    phases = {phase["name"]: phase["duration_us"] for phase in ended["phases"]}
    record_property("phases_us", phases)
    print(phases)
