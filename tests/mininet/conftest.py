"""What the tests on real switches share: Open vSwitch, a controller, and networks that are removed whatever happens."""

import os
import signal
import sys
from contextlib import ExitStack

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "mininet"))

# pylint: disable=wrong-import-position
import interrupts
from controller import Controller
from network import GodwitNetwork
from open_vswitch import Service

LOG_LINES_SHOWN = 60
LIMIT_S = 180


def pytest_configure():
    """A run that is ended from outside removes its networks too."""
    interrupts.install()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failed test shows the end of its controller's log."""
    report = (yield).get_result()
    controller = getattr(item, "funcargs", {}).get("controller")
    if report.failed and report.when != "teardown" and controller is not None:
        lines = controller.log().splitlines()[-LOG_LINES_SHOWN:]
        report.sections.append(("the controller's log", "\n".join(lines)))


@pytest.fixture(autouse=True)
def time_limit(request):
    """Fails a test that hangs, by an exception, so that what it made is removed."""
    marker = request.node.get_closest_marker("limit")
    seconds = marker.args[0] if marker else LIMIT_S

    def expired(*_):
        raise TimeoutError(f"the test took longer than {seconds} s")

    signal.signal(signal.SIGALRM, expired)
    signal.alarm(seconds)
    yield
    signal.alarm(0)


@pytest.fixture(scope="session", autouse=True)
def open_vswitch():
    """Open vSwitch, running."""
    with Service() as service:
        yield service


@pytest.fixture
def controller():
    """A controller with the defaults, on ports that nobody else uses."""
    with Controller(openflow_port=0, http_port=0) as running:
        yield running


@pytest.fixture
def api(controller):
    """The controller's REST interface."""
    return controller.api


@pytest.fixture
def plain():
    """Builds networks without a controller."""
    with ExitStack() as stack:
        yield lambda topo, **options: stack.enter_context(GodwitNetwork(topo, **options))


@pytest.fixture
def connect(controller):
    """Builds networks whose switches are connected to the controller."""
    with ExitStack() as stack:

        def build(topo, **options):
            network = stack.enter_context(GodwitNetwork(topo, controller.openflow_port, **options))
            network.wait_connected()
            return network

        yield build


@pytest.fixture
def settle(connect, api):
    """Builds networks that the controller knows completely, and whose hosts know each other's addresses."""

    def build(topo, **options):
        network = connect(topo, **options)
        api.settle(network)
        return network

    return build
