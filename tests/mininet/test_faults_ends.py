"""A controller that is asked to end in the middle of a migration, and a target that speaks only OpenFlow 1.0."""

import time

import pytest

from controller import QUIET, Controller
from faults import PHASES, InBackground, built
from routes import carriers

ROUTES = 5

# Until it has finished or gone back.
BOUND_S = 10


@pytest.fixture(scope="module")
def old_target():
    """A network whose target speaks only OpenFlow 1.0, and a controller of its own that may end."""
    with Controller(openflow_port=0, http_port=0, config=QUIET) as running:
        with built(running, behind=("s4", "s6", "s7"), openflow10=("s2", "s6", "s9")) as scene:
            yield scene, running


@pytest.fixture
def ending(old_target):
    """The same as it was at first, before each test and after it."""
    scene, controller = old_target
    yield scene, controller
    if not controller.is_running():
        controller.resume()
        scene.wait_connected()
        scene.network.ping_all()
        scene.api.wait_for_hosts(scene.network)
    scene.mend()


@pytest.mark.parametrize("algorithm", ["clone", "move", "freeze-copy"])
def test_a_target_that_speaks_only_the_old_version_takes_routes(ending, algorithm):
    scene, _ = ending
    scene.add_routes(ROUTES)
    with scene.traffic(ROUTES) as traffic:
        ended = scene.end_of(scene.start(algorithm))
    assert ended["state"] == "committed", ended
    scene.assert_moved(ROUTES)
    if algorithm == "clone":
        scene.assert_nothing_lost(traffic)


@pytest.mark.parametrize("phase", PHASES)
def test_sigterm_in_each_phase_finishes_or_goes_back(ending, phase):
    scene, controller = ending
    scene.add_routes(ROUTES)
    scene.remember()
    switch, pattern = PHASES[phase]
    rule = scene.proxies[switch].arm("hang", **pattern)
    with scene.traffic(ROUTES) as traffic:
        scene.start()
        rule.wait()
        rule.disarm()
        began = time.monotonic()
        stopping = InBackground(controller.stop)
        time.sleep(0.3)
        scene.proxies[switch].resume()
        code = stopping.result()
        took = time.monotonic() - began
    assert (code, took < BOUND_S) == (0, True), took
    scene.assert_nothing_lost(traffic)
    if scene.source in carriers(scene.network):
        scene.assert_as_before()
    else:
        here = carriers(scene.network)
        assert here[scene.target] == here["s4"] == here["s1"] == 2 * ROUTES
        assert set(here.values()) == {2 * ROUTES}
