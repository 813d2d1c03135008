"""A target that loses its power, in an ovs-vswitchd of its own: it comes back without rules."""

import os
import signal
import time

import pytest

from faults import at_phase, built, controller, frozen  # noqa: F401  pylint: disable=unused-import
from processes import wait_until
from routes import carriers
from test_faults_hangs import ROUTES, undone

# Until traffic flows again that was turned over to a switch without rules: it has to start and to connect first.
RECOVERY_S = 5


@pytest.fixture(scope="module")
def powered(controller):  # noqa: F811
    """Abilene with a target that can lose its power alone."""
    with built(controller, behind=("s4", "s6", "s7"), separate=("s6",)) as built_scene:
        yield built_scene


@pytest.fixture
def target_alone(powered):
    """The same as it was at first, before each test and after it."""
    yield powered
    powered.mend()


def test_the_target_loses_its_power_before_the_flip(target_alone):
    scene = target_alone
    scene.add_routes(ROUTES)
    scene.remember()
    with scene.traffic(ROUTES) as traffic:
        with frozen(scene, "install") as identifier:
            scene.network.switch("s6").restart_daemon()
            # What hung in front of the target went with its connection.
            scene.proxies["s6"].disconnect()
        ended = scene.end_of(identifier)
        scene.wait_connected()
    undone(scene, ended, traffic)


def test_the_target_loses_its_power_in_the_flip(target_alone):
    """Which is then sent and not confirmed. Traffic flows again soon, whatever the end."""
    scene = target_alone
    scene.add_routes(ROUTES)
    scene.remember()
    with scene.traffic(ROUTES) as traffic:
        with frozen(scene, "flip") as identifier:
            scene.network.switch("s6").restart_daemon()
        ended = scene.end_of(identifier)
        scene.wait_connected()
    assert traffic.outcome.duplicates == 0 and traffic.outcome.longest_flow_silence_us < RECOVERY_S * 1e6
    with scene.traffic(ROUTES) as later:
        pass
    scene.assert_nothing_lost(later)
    if ended["state"] == "rolled_back":
        scene.assert_as_before()
    else:
        assert ended["state"] == "committed", ended
        scene.assert_moved(ROUTES)


def test_the_target_loses_its_power_after_the_commit(target_alone):
    scene = target_alone
    scene.add_routes(ROUTES)
    assert scene.end_of(scene.start())["state"] == "committed"
    wanted = scene.network.all_rules()["s6"]
    scene.network.switch("s6").restart_daemon()
    wait_until(lambda: not scene.connected(), 5, "the target gone")
    scene.wait_connected()
    with scene.traffic(ROUTES) as traffic:
        pass
    scene.assert_nothing_lost(traffic)
    here = carriers(scene.network)
    assert "s7" not in here and here["s4"] == here["s1"] == 2 * ROUTES
    # Its rules are there again, unless the routes now go another way.
    assert scene.network.all_rules()["s6"] == wanted or "s6" not in here


def test_the_targets_process_hangs_and_is_then_killed(target_alone):
    scene = target_alone
    scene.add_routes(ROUTES)
    scene.remember()
    switch = scene.network.switch("s6")
    begun = at_phase(scene, "install", "pass")
    rule = scene.proxies["s6"].arm("hang", "barrier_reply", after=begun)
    with scene.traffic(ROUTES) as traffic:
        identifier = scene.start()
        rule.wait()
        os.kill(switch.daemon_pid("ovs-vswitchd"), signal.SIGSTOP)
        scene.proxies["s6"].resume()
        begun.disarm()
        rule.disarm()
        time.sleep(1)
        switch.restart_daemon()
        ended = scene.end_of(identifier)
        scene.wait_connected()
    assert ended["state"] in ("rolled_back", "committed")
    if ended["state"] == "rolled_back":
        undone(scene, ended, traffic)
