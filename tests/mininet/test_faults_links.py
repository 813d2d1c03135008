"""Links of the new way that go down in the middle of a migration: it never ends on a dead way."""

import time

import pytest

from faults import abilene, controller, frozen, scene  # noqa: F401  pylint: disable=unused-import
from processes import wait_until
from routes import carriers

ROUTES = 5

# Until traffic flows again, whatever went down.
RECOVERY_S = 2


@pytest.fixture
def links(scene):  # noqa: F811
    """Sets links down; all are up again afterwards."""
    down = []

    def set_down(first, second):
        down.append((first, second))
        scene.network.set_link(first, second, "down")
        known = len(scene.network.links()) - 2 * len(down)
        wait_until(lambda: len(scene.api.links()) == known, 5, "the link gone")

    yield set_down
    for first, second in down:
        scene.network.set_link(first, second, "up")
    scene.wait_connected()


def flows_within(scene, seconds):  # noqa: F811
    """Traffic flows without loss at the latest so many seconds from now, and no rule leads anywhere else."""
    time.sleep(seconds)
    with scene.traffic(ROUTES) as traffic:
        pass
    scene.assert_nothing_lost(traffic)
    here = carriers(scene.network)
    assert set(here.values()) == {2 * ROUTES} and here["s4"] == here["s1"] == 2 * ROUTES, here


# Without the link from s5 to s6 only the source has a way between the hosts; without that from s9 to s10 there is a
# third way. What dies while the old way drains is seen before that is removed; then a migration goes on, so there has to
# be one.
@pytest.mark.parametrize(
    "phase, link",
    [
        ("install", ("s5", "s6")),
        ("flip", ("s5", "s6")),
        ("install", ("s9", "s10")),
        ("flip", ("s9", "s10")),
        ("drain", ("s9", "s10")),
        ("remove", ("s9", "s10")),
    ],
)
def test_a_link_of_the_new_way_goes_down(scene, links, phase, link):  # noqa: F811
    scene.add_routes(ROUTES)
    scene.remember()
    with frozen(scene, phase) as identifier:
        links(*link)
    ended = scene.end_of(identifier)
    if phase == "remove":
        assert ended["state"] == "committed", ended
    else:
        # Planned anew it may be committed, too: what counts is that traffic flows.
        assert ended["state"] in ("rolled_back", "committed"), ended
    flows_within(scene, RECOVERY_S)
    if ended["state"] == "rolled_back":
        scene.assert_as_before()


@pytest.mark.parametrize("phase", ["install", "flip"])
def test_both_ways_lose_a_link(scene, links, phase):  # noqa: F811
    """Neither the old way nor the new one is left. There is a third."""
    scene.add_routes(ROUTES)
    with frozen(scene, phase) as identifier:
        links("s8", "s11")
        links("s9", "s10")
    ended = scene.end_of(identifier)
    assert ended["state"] in ("rolled_back", "committed"), ended
    time.sleep(RECOVERY_S)
    with scene.traffic(ROUTES) as traffic:
        pass
    reachable = ", 0% packet loss" in scene.first.cmd(f"ping -c1 -W1 {scene.second.IP()}")
    assert not reachable or traffic.outcome.lost == 0


@pytest.mark.parametrize("algorithm", ["move", "freeze-copy"])
def test_the_algorithms_that_cut_first_do_not_end_on_a_dead_way(scene, links, algorithm):  # noqa: F811
    scene.add_routes(ROUTES)
    with frozen(scene, "install", algorithm) as identifier:
        links("s5", "s6")
    ended = scene.end_of(identifier)
    assert ended["state"] in ("rolled_back", "committed"), ended
    flows_within(scene, RECOVERY_S)
