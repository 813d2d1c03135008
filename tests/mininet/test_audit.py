"""What somebody does to rules with `ovs-ofctl` behind the controller's back is put right or reported within one period
of the audit. What switches hold is read with `ovs-ofctl`."""

import time
from contextlib import ExitStack

import pytest

from controller import Controller
from network import GodwitNetwork
from processes import wait_until
from routes import FIRST_PORT, requests, udp_rules
from traffic import BothWays
from transplants import SOURCE, TARGET, Twins

INTERVAL_S = 1
# An audit takes a second look before it puts something right, and the machine is busy.
PERIOD_S = INTERVAL_S + 1
CONFIG = f"""
[statistics]
interval_s = 0
[rules]
audit_interval_s = {INTERVAL_S}
except_cookies = ["0xab00/0xff00"]
except_tables = [9]
"""
V13, V10 = "s3", "s4"
BOTH = [V13, V10]
ROUTES = 4
RATE = 1000
ENTRY_PORT = 7777
DISCOVERY_PRIORITY = 65535


class Scene:
    """Routes in both directions over the source, and a static entry on a switch of each version."""

    def __init__(self, network, api):
        self.network, self.api = network, api
        self.first, self.second = network.hosts
        self.routes = [route["id"] for route in api.post("/routes", requests(self.first, self.second, ROUTES))]
        for switch in BOTH:
            match = {"eth_type": 2048, "ip_proto": 17, "udp_dst": ENTRY_PORT}
            body = {"priority": 40000, "match": match, "actions": [{"type": "output", "port": 1}]}
            api.post(f"/switches/{switch}/rules", body)

    def held(self, switch):
        """All that a switch holds, without counters: cookies, timeouts and flags included."""
        lines = self.network.switch(switch).ofctl("dump-flows", "--no-stats").splitlines()
        return sorted(line.strip() for line in lines if "actions=" in line)

    def ages(self, switch):
        """How old each rule is and what it has counted, but for the one that is added again and again."""
        rules = [rule for rule in self.network.rules(switch) if rule.priority != DISCOVERY_PRIORITY]
        return {rule.identity: (rule.duration_s, rule.packets) for rule in rules}

    def report(self, switch):
        """What the last audit has found."""
        return self.api.get(f"/switches/{switch}/audit")

    def aliens(self, switch):
        """The cookies of rules that are reported as nobody's."""
        return [int(rule["cookie"], 16) for rule in self.report(switch)["alien"]]

    def await_audits(self, switch, count=2):
        """Return when so many more audits of a switch are over."""
        before = self.report(switch)["totals"]["audits"]
        wait_until(lambda: self.report(switch)["totals"]["audits"] >= before + count, 20, "audits")


@pytest.fixture(scope="module")
def scene():
    """One network for all tests."""
    with ExitStack() as stack:
        running = stack.enter_context(Controller(openflow_port=0, http_port=0, config=CONFIG))
        network = stack.enter_context(GodwitNetwork(Twins(), running.openflow_port, openflow10=(V10,)))
        network.wait_connected()
        running.api.settle(network)
        made = Scene(network, running.api)
        for switch in BOTH:
            wait_until(lambda name=switch: made.api.get("/audit")["switches"] and made.report(name), 10, "an audit")
        yield made


def spec(rule):
    """A rule as `ovs-ofctl` takes it."""
    return f"priority={rule.priority},{rule.match}"


def the_entry(scene, switch):
    """The static entry of a switch."""
    return next(rule for rule in scene.network.rules(switch) if rule.field("tp_dst") == str(ENTRY_PORT))


def a_route(scene, switch):
    """The rule of a route."""
    return udp_rules(scene.network, switch, FIRST_PORT)[(scene.second.MAC(), FIRST_PORT)]


@pytest.mark.parametrize("switch", BOTH)
def test_all_rules_that_are_removed_are_back(scene, switch):
    whole, before = scene.held(switch), scene.report(switch)["totals"]["restored"]
    scene.network.switch(switch).ofctl("del-flows")
    wait_until(lambda: scene.held(switch) == whole, PERIOD_S, "the rules back")
    wait_until(lambda: scene.report(switch)["totals"]["restored"] == before + len(whole), 2, "the report")
    assert scene.report(switch)["unmended_rules"] == 0


CHANGES = {
    "instructions": ("mod-flows", "{spec},actions=drop"),
    "cookie": ("add-flow", "cookie=0x5,{flags}{spec},actions={actions}"),
    "timeouts": ("add-flow", "cookie={cookie:#x},idle_timeout=60,{flags}{spec},actions={actions}"),
    "flags": ("add-flow", "cookie={cookie:#x},{spec},actions={actions}"),
}


@pytest.mark.parametrize("which", [the_entry, a_route])
@pytest.mark.parametrize("switch", BOTH)
def test_a_rule_that_is_changed_is_mended_and_others_are_not_touched(scene, switch, which):
    node, whole = scene.network.switch(switch), scene.held(switch)
    for aspect, (command, change) in CHANGES.items():
        rule = which(scene, switch)
        # OpenFlow 1.0 does not report flags; static entries have none.
        if aspect == "flags" and (switch == V10 or not rule.flags):
            continue
        before = scene.ages(switch)
        flags = "send_flow_rem," if rule.flags else ""
        strict = ("--strict",) if command == "mod-flows" else ()
        text = change.format(spec=spec(rule), actions=rule.actions, cookie=rule.cookie, flags=flags)
        if strict and switch == V10:
            # There a change of the actions takes the cookie along.
            text = f"cookie={rule.cookie:#x},{text}"
        node.ofctl(command, text, *strict)
        assert scene.held(switch) != whole, f"{aspect}: nothing was changed"
        wait_until(lambda: scene.held(switch) == whole, PERIOD_S, f"the {aspect} mended")
        after = scene.ages(switch)
        young = [key for key, (age, count) in after.items() if age < before[key][0] or count < before[key][1]]
        # What can be changed in place keeps its counters, too.
        assert set(young) <= ({rule.identity} if aspect != "instructions" else set()), aspect
        wait_until(lambda: scene.report(switch)["repairs"][0]["repair"] == "mended", 2, "the report")
        assert aspect in scene.report(switch)["repairs"][0]["changed"]


@pytest.mark.parametrize("switch", BOTH)
def test_rules_of_others_are_reported_and_stay(scene, switch):
    node = scene.network.switch(switch)
    wait_until(lambda: not scene.aliens(switch), PERIOD_S, "nothing to report")
    others = ["cookie=0x77,priority=3,tcp,tp_dst=1,actions=drop", "cookie=0xab12,priority=3,tcp,tp_dst=2,actions=drop"]
    if switch == V13:
        others.append("cookie=0x78,table=9,priority=3,tcp,tp_dst=3,actions=drop")
    whole = scene.held(switch)
    for other in others:
        node.ofctl("add-flow", other)
    with_others = scene.held(switch)
    assert len(with_others) == len(whole) + len(others)
    wait_until(lambda: scene.aliens(switch) == [0x77], PERIOD_S, "the rule reported")
    # An audit may have come between the first of them and the others.
    excepted = len(others) - 1
    wait_until(lambda: scene.report(switch)["excepted_rules"] == excepted, PERIOD_S, "the others excepted")
    scene.await_audits(switch)
    assert scene.held(switch) == with_others
    node.ofctl("del-flows", "tcp")
    wait_until(lambda: not scene.aliens(switch), PERIOD_S, "no rule reported any more")
    assert scene.held(switch) == whole


def test_what_a_route_has_carried_never_becomes_less(scene):
    route, counts = scene.routes[0], []
    node, restored = scene.network.switch(V10), scene.report(V10)["totals"]["restored"]

    def poll():
        counts.append(scene.api.get(f"/routes/{route}")["packets"])

    with BothWays(scene.first, scene.second, FIRST_PORT, RATE) as traffic:
        for _ in range(3):
            time.sleep(0.3)
            poll()
            rule = a_route(scene, V10)
            node.ofctl("del-flows", spec(rule), "--strict")
            begun = time.monotonic()
            while time.monotonic() - begun < PERIOD_S:
                poll()
                time.sleep(0.05)
            assert a_route(scene, V10).identity == rule.identity
    poll()
    assert counts == sorted(counts)
    assert counts[-1] > counts[0] + RATE
    # Packets without their rule are carried by the controller.
    assert traffic.outcome.duplicates == 0
    assert scene.report(V10)["totals"]["restored"] == restored + 3


def test_an_audit_harms_no_migration(scene):
    names = [switch.name for switch in scene.network.switches]
    repaired = {name: scene.report(name)["totals"] for name in names}
    ways = [(SOURCE, TARGET), (TARGET, SOURCE)]
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=ROUTES) as traffic:
        for source, target in ways * 2:
            started = scene.api.post("/migrations", {"source": source, "target": target, "algorithm": "clone"})
            scene.api.post("/audit")
            ended = scene.api.wait_for_migration(started["id"])
            assert ended["state"] == "committed", ended
            scene.api.post(f"/switches/{source}/restore")
            scene.api.post("/audit")
            wait_until(lambda name=source: scene.api.switch_state(name) == "active", 5, "the source in service")
        time.sleep(0.3)
    for name in names:
        totals = scene.report(name)["totals"]
        assert [totals[key] - repaired[name][key] for key in ("restored", "mended")] == [0, 0], name
    assert traffic.outcome.lost == 0
