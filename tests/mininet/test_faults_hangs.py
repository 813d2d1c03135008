"""Switches that take no notice any more in the middle of a migration."""

import time

import pytest

from faults import (  # noqa: F401  pylint: disable=unused-import
    PHASES,
    abilene,
    at_phase,
    controller,
    frozen,
    scene,
)
from processes import wait_until
from routes import carriers
from test_failover import RECOVERY_S

ROUTES = 5

# A batch is given up after 5 s, and so is what undoes it. The whole must end before a switch that hangs would be found
# out by its echoes alone.
BOUND_S = 20


def undone(scene, ended, traffic):  # noqa: F811
    """All is as it was before, when every switch is back."""
    assert ended["state"] == "rolled_back", ended
    scene.wait_connected()
    scene.assert_as_before(within=5)
    assert scene.api.switch_state(scene.source) == "active"
    scene.assert_nothing_lost(traffic)


@pytest.mark.parametrize("phase, after_s", [("install", 0.5), ("flip", 0.5), ("flip", 6)])
def test_a_switch_hangs_and_then_goes_away(scene, phase, after_s):  # noqa: F811
    scene.add_routes(ROUTES)
    scene.remember()
    rule = at_phase(scene, phase, "hang")
    with scene.traffic(ROUTES) as traffic:
        began = time.monotonic()
        identifier = scene.start()
        rule.wait()
        rule.disarm()
        time.sleep(after_s)
        proxy = scene.proxies[PHASES[phase][0]]
        # What waited in front of the switch is lost with the connection.
        proxy.disconnect()
        proxy.resume()
        ended = scene.end_of(identifier)
        assert time.monotonic() - began < BOUND_S
    undone(scene, ended, traffic)


@pytest.mark.parametrize("phase, nth", [("install", 1), ("flip", 3)])
def test_a_switch_hangs_for_good(scene, phase, nth):  # noqa: F811
    """It comes back when the migration is long over."""
    scene.add_routes(ROUTES)
    scene.remember()
    who, pattern = PHASES[phase]
    rule = scene.proxies[who].arm("hang", nth=nth, **pattern)
    with scene.traffic(ROUTES) as traffic:
        began = time.monotonic()
        identifier = scene.start()
        rule.wait()
        rule.disarm()
        ended = scene.end_of(identifier)
        took = time.monotonic() - began
        scene.proxies[who].resume()
        scene.wait_connected(30)
    assert took < BOUND_S
    assert ended["state"] == "rolled_back" and f"000000000000000{who[1:]}" in ended["error"], ended
    if phase == "install":
        undone(scene, ended, traffic)
        return
    scene.wait_connected()
    assert scene.api.switch_state(scene.source) == "active"

    def consistent():
        here = carriers(scene.network)
        return set(here.values()) <= {ROUTES, 2 * ROUTES} and here["s4"] == here["s1"] == 2 * ROUTES

    # It is the first switch of the routes: when it was gone for a moment, they may have gone another way since.
    wait_until(consistent, 5, "one rule for each route on every hop")
    # What it had turned has its way until it is turned back.
    assert traffic.outcome.duplicates == 0 and traffic.outcome.longest_flow_silence_us < RECOVERY_S * 1e6
    with scene.traffic(ROUTES) as after:
        time.sleep(0.5)
    scene.assert_nothing_lost(after)


@pytest.mark.parametrize("who, phase", [("s7", "drain"), ("s7", "remove")])
def test_the_source_hangs_after_the_flip(scene, who, phase):  # noqa: F811
    scene.add_routes(ROUTES)
    rule = at_phase(scene, phase, "hang")
    with scene.traffic(ROUTES) as traffic:
        identifier = scene.start()
        rule.wait()
        rule.disarm()
        ended = scene.end_of(identifier)
        scene.proxies[who].resume()
        scene.wait_connected(30)
        wait_until(lambda: who not in carriers(scene.network), 10, "the source without rules of routes")
    assert ended["state"] == "committed", ended
    scene.assert_moved(ROUTES)
    scene.assert_nothing_lost(traffic)


def test_a_source_that_hangs_while_another_switch_gets_its_rules(scene):  # noqa: F811
    """The other switches' part takes no longer."""
    scene.add_routes(ROUTES)
    with scene.traffic(ROUTES) as traffic:
        with frozen(scene, "install") as identifier:
            scene.proxies["s8"].hang()
            time.sleep(0.3)
        wait_until(lambda: "s6" in carriers(scene.network), 3, "the target with its rules")
        scene.proxies["s8"].resume()
        ended = scene.end_of(identifier)
    assert ended["state"] == "committed", ended
    scene.assert_nothing_lost(traffic)
