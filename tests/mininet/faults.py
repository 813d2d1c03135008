"""What the tests of faults share: a network whose switches are behind proxies, and its state before and after."""

import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest

from controller import QUIET, Controller, Refused
from network import GodwitNetwork
from processes import wait_until
from proxy import Proxy
from routes import FIRST_PORT, carriers
from test_migration import NETWORKS, SLACK_S, Scene
from traffic import BothWays

RATE = 2000
LEAD_S = 0.3

# Cookies of rules that belong to routes, and of those of discovery: `Owner` in controller/src/rules.rs.
OF_ROUTES = {"cookie": "0x60d1000200000000", "cookie_mask": 0xFFFFFFFF00000000}
OF_DISCOVERY = {"cookie": "0x60d1000000000000", "cookie_mask": 0xFFFFFFFF00000000}

ALGORITHMS = ["clone", "move", "freeze-copy"]

# Where each phase of `clone` begins: at which switch, and by which message. Draining begins with a nudge.
PHASES = {
    "install": ("s6", {"message": "flow_mod", "which": "add", **OF_ROUTES}),
    "flip": ("s4", {"message": "flow_mod", "which": "modify", **OF_ROUTES}),
    "drain": ("s7", {"message": "flow_mod", "which": "add", **OF_DISCOVERY}),
    "remove": ("s7", {"message": "flow_mod", "which": "delete", **OF_ROUTES}),
}

# In OpenFlow's own numbers (OF 1.3.5 §7.5.4), the same in 1.0 where 1.0 has them: type, code, and the code's name.
TABLE_FULL = (5, 1, "TABLE_FULL")


class FaultScene(Scene):
    """A scene in which switches are behind proxies, by name."""

    def __init__(self, network, case, api, proxies):
        super().__init__(network, case, api)
        self.proxies = proxies
        self._before = None

    def remember(self):
        """The rules of every switch now, as a text that Open vSwitch itself can compare."""
        self._before = {s.name: s.ofctl("dump-flows", "--no-stats") for s in self.network.switches}

    def differences(self, without=()):
        """What `ovs-ofctl diff-flows` says of each switch and its rules as remembered, where it says anything. Rules
        that end when they are idle don't count: they come and go with pings."""
        found = {}
        for switch in self.network.switches:
            if switch.name not in without:
                lines = self._difference(switch)
                if lines:
                    found[switch.name] = lines
        return found

    def _difference(self, switch):
        with tempfile.NamedTemporaryFile("w", suffix=".flows") as file:
            file.write("\n".join(line for line in self._before[switch.name].splitlines() if "actions=" in line))
            file.flush()
            lines = switch.diff_flows(file.name)
        return [line for line in lines if "idle_timeout" not in line]

    def assert_as_before(self, within=0, without=()):
        """Every switch has the rules that it had when they were remembered, at the latest in so many seconds."""
        try:
            wait_until(lambda: not self.differences(without), within, "the rules of before", 0.1)
        except TimeoutError:
            raise AssertionError(f"not as before: {self.differences(without)}") from None

    def start(self, algorithm="clone", **more):
        """The number of a migration that has just been started."""
        body = {"source": self.source, "target": self.target, "algorithm": algorithm, **more}
        return self.api.post("/migrations", body)["id"]

    def end_of(self, identifier, timeout=40):
        """The migration when it has come to an end, whichever."""
        return self.api.wait_for_migration(identifier, timeout)

    def phase(self, identifier):
        """The state of a migration now."""
        return self.api.get(f"/migrations/{identifier}")["state"]

    def connected(self):
        """Whether every switch is connected."""
        switches = self.api.get("/switches")
        return len(switches) == len(self.network.switches) and all(s["state"] != "disconnected" for s in switches)

    def wait_connected(self, timeout=20):
        """Return when every switch is connected, and all links between them are known."""
        wait_until(self.connected, timeout, "every switch connected")
        wait_until(lambda: self.api.links() == self.network.links(), timeout, "all links known")

    @contextmanager
    def traffic(self, flows):
        """Traffic both ways for as long as the block lasts, and a moment before and behind."""
        with BothWays(self.first, self.second, FIRST_PORT, RATE, flows=flows) as traffic:
            time.sleep(LEAD_S)
            yield traffic
            time.sleep(LEAD_S)

    def assert_nothing_lost(self, traffic):
        """What was sent has come, once."""
        outcome = traffic.outcome
        assert (outcome.lost, outcome.duplicates, outcome.receiver_drops) == (0, 0, 0), (
            f"lost {outcome.lost}, duplicated {outcome.duplicates}, dropped by the receiver {outcome.receiver_drops}, "
            f"longest silence of a flow {outcome.longest_flow_silence_us / 1000:.0f} ms, missing {outcome.missing}"
        )

    def assert_lost_no_more_than_its_silence(self, traffic):
        """For algorithms that cut a flow before it has its new way: what was lost is what a silence of that length
        takes."""
        for outcome in (traffic.there, traffic.back):
            assert outcome.lost <= RATE * (outcome.longest_flow_silence_us / 1e6 + SLACK_S)
            assert outcome.duplicates == 0

    def assert_usable(self, routes):
        """The same migration goes through now that nothing stands in its way, and loses nothing."""
        with self.traffic(len(routes) // 2) as traffic:
            ended = self.end_of(self.start())
        assert ended["state"] == "committed", ended
        self.assert_moved(len(routes) // 2)
        self.assert_nothing_lost(traffic)

    def mend(self):
        """As it was when it was built, whatever a test has done."""
        for proxy in self.proxies.values():
            proxy.clear()
        self.wait_connected()
        for migration in self.api.get("/migrations"):
            self.api.wait_for_migration(migration["id"])
        for route in self.api.get("/routes"):
            self.api.delete(f"/routes/{route['id']}")
        if self.api.switch_state(self.source) != "active":
            self.api.post(f"/switches/{self.source}/restore")
        wait_until(lambda: self.api.switch_state(self.source) == "active", 10, "the source back in service")
        wait_until(lambda: carriers(self.network) == {}, 10, "no rules of routes left")


@contextmanager
def built(controller, name="abilene", behind=(), **options):
    """A scene on a network that the controller knows completely, with these switches behind proxies."""
    topo, case, defaults = NETWORKS[name]
    with ExitStack() as stack:
        network = stack.enter_context(GodwitNetwork(topo(), controller.openflow_port, **{**defaults, **options}))
        network.wait_connected()
        proxies = {switch: stack.enter_context(Proxy(controller.openflow_port)) for switch in behind}
        for switch, proxy in proxies.items():
            network.switch(switch).connect_to(proxy.port)
        for proxy in proxies.values():
            proxy.wait_for_connection()
        scene = FaultScene(network, case, controller.api, proxies)
        wait_until(scene.connected, 20, "every switch connected")
        controller.api.settle(network)
        yield scene


# The switches that get a new rule (s5, s6, s9), change a live one (s4, s1) or lose theirs (s7, s8) when s7 goes to s6.
BEHIND = ("s1", "s4", "s5", "s6", "s7", "s8", "s9")


@pytest.fixture(scope="module")
def controller():
    """A controller for all tests of a file."""
    with Controller(openflow_port=0, http_port=0, config=QUIET) as running:
        yield running


@pytest.fixture(scope="module")
def abilene(controller):
    """Abilene for all tests of a file, its switches behind proxies."""
    with built(controller, behind=BEHIND) as scene:
        yield scene


@pytest.fixture
def scene(abilene):
    """Abilene as it was at first, before each test and after it."""
    yield abilene
    abilene.mend()


def at_phase(scene, phase, action):  # pylint: disable=redefined-outer-name
    """A rule that does this when the phase begins."""
    switch, pattern = PHASES[phase]
    return scene.proxies[switch].arm(action, **pattern)


@contextmanager
def frozen(scene, phase, algorithm="clone"):  # pylint: disable=redefined-outer-name
    """A migration that stands still in a phase for as long as the block lasts: the first message of the phase waits in
    front of its switch. Gives the migration's number."""
    rule = at_phase(scene, phase, "hang")
    identifier = scene.start(algorithm)
    rule.wait()
    rule.disarm()
    try:
        yield identifier
    finally:
        scene.proxies[PHASES[phase][0]].resume()


class InBackground:
    """A call under way, and what came of it."""

    def __init__(self, work):
        self._outcome = self._error = None
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work):
        try:
            self._outcome = work()
        except Exception as error:  # pylint: disable=broad-exception-caught
            self._error = error

    def result(self, timeout=30):
        """What the call gave, or its exception."""
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise TimeoutError(f"a call that takes longer than {timeout} s")
        if self._error is not None:
            raise self._error
        return self._outcome


def refusal_of(call):
    """The status and the problem that a call is refused with; None if it isn't."""
    try:
        call()
    except Refused as refused:
        return refused.status, refused.problem()
    return None
