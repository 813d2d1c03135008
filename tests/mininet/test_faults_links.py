"""Links of the new way that go down in the middle of a migration: it never ends on a dead way.

A link that dies in one direction only is not reported by any port: discovery misses three probes, which takes 9 to 16 s.
Until then only the guard can know.
"""

import time

import pytest

from faults import PHASES, abilene, at_phase, controller, frozen, scene  # noqa: F401  pylint: disable=unused-import
from processes import run, wait_until
from routes import carriers

ROUTES = 5

# Until three probes of a link have been missed, and the last of them waited for.
NOTICED_S = 20

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


@pytest.fixture
def one_way(scene):  # noqa: F811
    """Lets nothing pass from one switch to another any more, while the other direction is as it was. Gives the link's
    direction as `Api.links` has it."""
    dead = []

    def kill(first, second):
        interface = str(scene.network.interface(first, second))
        # The bucket is smaller than any packet.
        shape = ("tbf", "rate", "1kbit", "burst", "10", "limit", "10")
        run("tc", "qdisc", "add", "dev", interface, "root", *shape)
        dead.append(interface)
        port = scene.network.port(first, second)
        return next(link for link in scene.network.links() if link[0] == (int(first[1:]), port))

    yield kill
    for interface in dead:
        run("tc", "qdisc", "del", "dev", interface, "root")
    scene.wait_connected()


def wait_until_noticed(scene, link):  # noqa: F811
    """Return when discovery has lost this direction; the other one lives."""
    source, destination = link
    wait_until(lambda: link not in scene.api.links(), NOTICED_S, "the dead direction known")
    assert (destination, source) in scene.api.links()


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


# The new way uses each of these links in both directions, by routes there and by routes back.
ONE_WAY = [("s9", "s10"), ("s10", "s9")]


@pytest.mark.parametrize("direction", ONE_WAY)
def test_one_direction_that_dies_unnoticed_is_left_as_soon_as_it_is_known(scene, one_way, direction):  # noqa: F811
    scene.add_routes(ROUTES)
    link = one_way(*direction)
    ended = scene.end_of(scene.start())
    # Nobody can know yet, and nobody has asked for a guard.
    assert ended["state"] == "committed", ended
    wait_until_noticed(scene, link)
    flows_within(scene, RECOVERY_S)
    # Neither direction is used any more: what lives of it would not bring an answer back.
    here = carriers(scene.network)
    assert not {"s9", "s10"} <= set(here), here


@pytest.mark.parametrize("direction", ONE_WAY)
def test_one_direction_that_dies_unnoticed_sends_everything_back_under_a_guard(scene, one_way, direction):  # noqa: F811
    scene.add_routes(ROUTES)
    scene.remember()
    one_way(*direction)
    with scene.traffic(ROUTES) as traffic:
        ended = scene.end_of(scene.start(max_loss_packets=50))
    assert ended["state"] == "rolled_back", ended
    assert "max_loss_packets" in ended["error"], ended["error"]
    assert traffic.outcome.lost > 50
    scene.assert_as_before()
    flows_within(scene, 0)


@pytest.mark.parametrize("phase", ["install", "flip"])
@pytest.mark.parametrize("direction", ONE_WAY)
def test_one_direction_that_is_known_to_be_dead_before_the_flip(scene, one_way, phase, direction):  # noqa: F811
    scene.add_routes(ROUTES)
    scene.remember()
    link = one_way(*direction)
    # It is known 9 s from now at the earliest, and 16 at the latest. A switch that hears nothing for 10 s goes away.
    time.sleep(7.5)
    rule = at_phase(scene, phase, "hang")
    identifier = scene.start(deadline_ms=20_000)
    rule.wait()
    rule.disarm()
    try:
        wait_until_noticed(scene, link)
    finally:
        scene.proxies[PHASES[phase][0]].resume()
    ended = scene.end_of(identifier)
    assert ended["state"] == "rolled_back", ended
    assert "is gone" in ended["error"], ended["error"]
    scene.assert_as_before()
    flows_within(scene, 0)
