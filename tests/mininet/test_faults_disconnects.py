"""Switches that go away in the middle of a migration and come back, now or later."""

import pytest

from faults import (  # noqa: F401  pylint: disable=unused-import
    OF_ROUTES,
    PHASES,
    abilene,
    at_phase,
    controller,
    frozen,
    refusal_of,
    scene,
)
from processes import wait_until
from routes import carriers, udp_rules
from test_failover import RECOVERY_S

ROUTES = 5

# A switch comes back within a second, or when every deadline of the migration is long over.
SOON_MS, LATE_MS = 500, 7000


def gone(moment="before", back_ms=SOON_MS):
    """The action of a switch that goes away and comes back."""
    return ("disconnect", {"moment": moment, "refuse_ms": back_ms})


def undone(scene, ended, traffic, algorithm="clone"):  # noqa: F811
    """All is as it was before, when every switch is back."""
    assert ended["state"] == "rolled_back", ended
    scene.wait_connected()
    scene.assert_as_before(within=5)
    assert scene.api.switch_state(scene.source) == "active"
    held(scene, traffic, algorithm)


def done(scene, ended, traffic, algorithm="clone"):  # noqa: F811
    """The migration is complete, when every switch is back: nothing is left at the source."""
    assert ended["state"] == "committed", ended
    scene.wait_connected()
    wait_until(lambda: scene.source not in carriers(scene.network), 5, "the source without rules of routes")
    scene.assert_moved(ROUTES)
    held(scene, traffic, algorithm)


def held(scene, traffic, algorithm):  # noqa: F811
    """What the algorithm promises of packets."""
    if algorithm == "clone":
        scene.assert_nothing_lost(traffic)
    else:
        scene.assert_lost_no_more_than_its_silence(traffic)


@pytest.mark.parametrize(
    "who, nth, moment, back_ms",
    [
        ("s6", 1, "before", SOON_MS),
        ("s6", 1, "after", SOON_MS),
        ("s6", 5, "before", SOON_MS),
        ("s6", 10, "after", SOON_MS),
        ("s5", 3, "before", LATE_MS),
        ("s9", 10, "before", SOON_MS),
    ],
)
def test_a_switch_of_the_new_way_goes_away_while_it_gets_its_rules(scene, who, nth, moment, back_ms):  # noqa: F811
    scene.add_routes(ROUTES)
    scene.remember()
    rule = scene.proxies[who].arm(gone(moment, back_ms), "flow_mod", which="add", nth=nth)
    with scene.traffic(ROUTES) as traffic:
        ended = scene.end_of(scene.start())
    assert len(rule.strikes()) == 1
    assert f"000000000000000{who[1:]}" in ended["error"], ended
    undone(scene, ended, traffic)


@pytest.mark.parametrize("algorithm", ["move", "freeze-copy"])
@pytest.mark.parametrize("who", ["s6", "s5"])
def test_so_do_the_algorithms_that_cut_first(scene, who, algorithm):  # noqa: F811
    scene.add_routes(ROUTES)
    scene.remember()
    scene.proxies[who].arm(gone(), "flow_mod", nth=5, **OF_ROUTES)
    with scene.traffic(ROUTES) as traffic:
        ended = scene.end_of(scene.start(algorithm))
    undone(scene, ended, traffic, algorithm)


@pytest.mark.parametrize("message", ["barrier_request", "barrier_reply"])
@pytest.mark.parametrize("phase", ["install", "flip"])
def test_a_switch_goes_away_when_it_shall_confirm(scene, phase, message):  # noqa: F811
    scene.add_routes(ROUTES)
    scene.remember()
    begun = at_phase(scene, phase, "pass")
    rule = scene.proxies[PHASES[phase][0]].arm(gone(), message, after=begun)
    with scene.traffic(ROUTES) as traffic:
        ended = scene.end_of(scene.start())
    assert len(rule.strikes()) == 1
    undone(scene, ended, traffic)


@pytest.mark.parametrize(
    "who, nth",
    [("s4", 1), ("s4", 4), ("s1", 5)],
)
def test_a_switch_goes_away_while_it_turns_its_traffic_over(scene, who, nth):  # noqa: F811
    scene.add_routes(ROUTES)
    scene.remember()
    scene.proxies[who].arm(gone(), "flow_mod", which="modify", nth=nth)
    with scene.traffic(ROUTES) as traffic:
        ended = scene.end_of(scene.start())
    undone(scene, ended, traffic)


@pytest.mark.parametrize("phase, back_ms", [("drain", LATE_MS), ("remove", SOON_MS)])
def test_the_source_goes_away_after_the_flip(scene, phase, back_ms):  # noqa: F811
    scene.add_routes(ROUTES)
    rule = at_phase(scene, phase, gone(back_ms=back_ms))
    with scene.traffic(ROUTES) as traffic:
        ended = scene.end_of(scene.start())
    assert len(rule.strikes()) == 1
    done(scene, ended, traffic)


def test_a_switch_of_the_old_way_goes_away_when_its_rules_shall_be_removed(scene):  # noqa: F811
    scene.add_routes(ROUTES)
    rule = scene.proxies["s8"].arm(gone(), "flow_mod", which="delete", nth=3)
    with scene.traffic(ROUTES) as traffic:
        ended = scene.end_of(scene.start())
    assert len(rule.strikes()) == 1
    done(scene, ended, traffic)
    wait_until(lambda: not udp_rules(scene.network, "s8"), 5, "s8 without rules of routes")


@pytest.mark.parametrize("phase", ["install", "flip"])
def test_the_source_goes_away_before_or_in_the_flip(scene, phase):  # noqa: F811
    scene.add_routes(ROUTES)
    with scene.traffic(ROUTES) as traffic:
        with frozen(scene, phase) as identifier:
            scene.proxies["s7"].disconnect(refuse_s=1)
            wait_until(lambda: not scene.connected(), 5, "the source gone")
        ended = scene.end_of(identifier)
        scene.wait_connected()
    if phase == "flip" and ended["state"] == "committed":
        done(scene, ended, traffic)
        return
    assert ended["state"] == "rolled_back", ended
    assert scene.api.switch_state(scene.source) == "active"
    # The routes went round a switch that was gone, or stayed: there is one rule for each on every hop, and no other.
    here = carriers(scene.network)
    assert set(here.values()) == {2 * ROUTES} and here["s4"] == here["s1"] == 2 * ROUTES
    # Going round a switch that can't be reached is not a migration: it is quick, but not without loss.
    assert traffic.outcome.duplicates == 0 and traffic.outcome.longest_flow_silence_us < RECOVERY_S * 1e6


def test_a_source_that_is_away_is_not_migrated(scene):  # noqa: F811
    scene.add_routes(ROUTES)
    scene.proxies["s7"].disconnect(refuse_s=3)
    wait_until(lambda: not scene.connected(), 5, "the source gone")
    status, problem = refusal_of(scene.start)
    assert status in (404, 409, 422, 503) and problem["detail"]


@pytest.mark.parametrize("phase", ["install", "flip"])
@pytest.mark.parametrize("action, ends", [(("delay", {"ms": 800}), "committed"), ("duplicate", "committed")])
def test_a_confirmation_comes_late_or_twice(scene, phase, action, ends):  # noqa: F811
    scene.add_routes(ROUTES)
    begun = at_phase(scene, phase, "pass")
    rule = scene.proxies[PHASES[phase][0]].arm(action, "barrier_reply", after=begun)
    with scene.traffic(ROUTES) as traffic:
        ended = scene.end_of(scene.start())
    assert len(rule.strikes()) == 1
    assert ended["state"] == ends
    done(scene, ended, traffic)


@pytest.mark.parametrize(
    "phase, action",
    [
        ("install", "drop"),
        ("install", ("delay", {"ms": 6000})),
        ("flip", ("rewrite", {"xid": 0xFFFFFFF0})),
    ],
)
def test_a_confirmation_is_lost_or_comes_when_nobody_waits_for_it(scene, phase, action):  # noqa: F811
    scene.add_routes(ROUTES)
    scene.remember()
    begun = at_phase(scene, phase, "pass")
    rule = scene.proxies[PHASES[phase][0]].arm(action, "barrier_reply", after=begun)
    with scene.traffic(ROUTES) as traffic:
        ended = scene.end_of(scene.start())
    assert len(rule.strikes()) == 1
    undone(scene, ended, traffic)


def test_a_confirmation_of_the_removal_is_lost(scene):  # noqa: F811
    scene.add_routes(ROUTES)
    begun = at_phase(scene, "remove", "pass")
    rule = scene.proxies["s7"].arm("drop", "barrier_reply", after=begun)
    with scene.traffic(ROUTES) as traffic:
        ended = scene.end_of(scene.start())
    assert len(rule.strikes()) == 1
    done(scene, ended, traffic)
