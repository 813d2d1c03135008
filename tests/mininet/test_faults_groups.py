"""Groups and meters that a switch refuses, loses, has already or gets from somebody else in the middle of a migration:
all is as it was before, and the traffic hasn't noticed."""

import re
import signal
from contextlib import ExitStack, contextmanager

import pytest

from controller import QUIET, Controller, Refused
from faults import OF_DISCOVERY, FaultScene
from network import GodwitNetwork
from processes import wait_until
from proxy import Proxy
from test_crash import last_number, latest
from topologies import MigrationCase
from transplants import KINDS, SOURCE, TARGET, Twins, entries, fill, translated

# Source and target, and the two switches with a host: they get entries for what will come from the target.
BEHIND = (SOURCE, TARGET, "s3", "s4")
NAMED = "000000000000000" + TARGET[1:]

# Groups of every type, some that point at others or watch them, and meters with and without a size of bursts.
FILLING = {
    **{name: KINDS[name] for name in ("indirect", "select", "failover", "nested", "meter")},
    "several": (
        ("group group_id={n}06,type=all,bucket=output:{out},bucket=set_field:8->ip_dscp",),
        ("table=0,{match},actions=group:{n}06",),
    ),
    "watching": (
        (
            "group group_id={n}07,type=indirect,bucket=output:{out}",
            "group group_id={n}08,type=ff,bucket=watch_group:{n}07,group:{n}07,bucket=watch_port:{out},output:{out}",
        ),
        ("table=0,{match},actions=group:{n}08",),
    ),
    "kilobits": (
        ("meter meter={n}0,kbps,bands=type=drop,rate=900000",),
        ("table=0,{match},actions=meter:{n}0,group:{n}01",),
    ),
}  # fmt: skip
FLOWS = len(FILLING)
GROUPS, METERS = 16, 4

# In OpenFlow's own numbers (OF 1.3.5 §7.5.4): type, code, and the code's name.
OUT_OF_GROUPS = (6, 3, "OUT_OF_GROUPS")
CHAINING_UNSUPPORTED = (6, 5, "CHAINING_UNSUPPORTED")
OUT_OF_METERS = (12, 10, "OUT_OF_METERS")
BAD_RATE = (12, 6, "BAD_RATE")
BAD_VENDOR = {"error_type": 1, "code": 3}


class Planted(FaultScene):
    """Two switches side by side, one of them full of groups and meters."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.held = None

    def remember(self):
        super().remember()
        self.held = self.holding()

    def holding(self):
        """Flow entries, groups and meters of every switch."""
        return {switch.name: entries(self.network, switch.name) for switch in self.network.switches}

    def assert_untouched(self, without=()):
        """Every switch has what it had when it was remembered."""
        self.assert_as_before(within=5, without=without)
        held = self.holding()
        for name, before in self.held.items():
            assert name in without or held[name] == before, name
        assert self.api.switch_state(self.source) == "active"

    def has_all(self):
        """Whether the target holds everything that it is to get."""
        return entries(self.network, TARGET) == translated(self.network, self.held[SOURCE])

    def without_bundles(self):
        """From the target's next connection on, it seems to know of no bundles."""
        proxy = self.proxies[TARGET]
        refusal = proxy.arm(("error", BAD_VENDOR), "bundle_control", since=1)
        proxy.disconnect()
        refusal.wait()
        self.wait_connected()
        return refusal

    def with_bundles(self):
        """The target knows of bundles again."""
        connections = self.proxies[TARGET].connections()
        self.proxies[TARGET].disconnect()
        self.proxies[TARGET].wait_for_connection(connections + 1)
        self.wait_connected()

    @contextmanager
    def installed(self):
        """A migration that stands still when the target has all of its groups and meters and nothing relies on them
        yet: another switch has still to answer. Gives the migration's number."""
        rule = self.proxies["s4"].arm("hang", "flow_mod", which="add", cookie="0x77")
        identifier = self.start()
        rule.wait()
        rule.disarm()
        wait_until(self.has_all, 3, "everything on the target")
        try:
            yield identifier
        finally:
            self.proxies["s4"].resume()

    def mend(self):
        for proxy in self.proxies.values():
            proxy.clear()
        self.wait_connected()
        for migration in self.api.get("/migrations"):
            ended = self.api.wait_for_migration(migration["id"])
            if ended["state"] == "committed" and "reverts" not in ended and "reverted_by" not in ended:
                back = self.api.post(f"/migrations/{ended['id']}/revert")
                assert self.api.wait_for_migration(back["id"])["state"] == "committed", back
        wait_until(lambda: self.holding() == self.held, 10, "everything as it was")


@pytest.fixture(scope="module", name="controller")
def running():
    """A controller for all tests of the file."""
    with Controller(openflow_port=0, http_port=0, config=QUIET) as running_one:
        yield running_one


@pytest.fixture(scope="module")
def planted(controller):
    """The network for all tests of the file, some switches behind proxies."""
    with ExitStack() as stack:
        network = stack.enter_context(GodwitNetwork(Twins(), controller.openflow_port))
        network.wait_connected()
        proxies = {name: stack.enter_context(Proxy(controller.openflow_port)) for name in BEHIND}
        for name, proxy in proxies.items():
            network.switch(name).connect_to(proxy.port)
        for proxy in proxies.values():
            proxy.wait_for_connection()
        case = MigrationCase(hosts=(3, 4), source=1, target=2)
        planted = Planted(network, case, controller.api, proxies)
        planted.wait_connected()
        network.static_arp()
        fill(network, FILLING)
        held = entries(network, SOURCE)
        assert sum("group_id" in line for line in held) == GROUPS
        assert sum("meter=" in line for line in held) == METERS
        yield planted


@pytest.fixture
def scene(planted):
    """The network as it was at first, before each test and after it."""
    planted.remember()
    yield planted
    planted.mend()


@pytest.fixture(params=["bundles", "plain"])
def any_scene(request, scene):
    """The same with a target that takes bundles, and with one that doesn't."""
    if request.param == "bundles":
        yield scene
        return
    refusal = scene.without_bundles()
    try:
        yield scene
    finally:
        refusal.disarm()
        scene.with_bundles()


def assert_undone(scene, ended, traffic, named, without=()):
    """The migration has gone back for a reason that names all of this, and nobody has noticed."""
    assert ended["state"] == "rolled_back", ended
    for name in named:
        assert name in ended["error"], ended["error"]
    scene.assert_untouched(without)
    scene.assert_nothing_lost(traffic)


@pytest.mark.parametrize(
    "message, nth, refusal",
    [
        ("group_mod", 1, OUT_OF_GROUPS),
        ("group_mod", GROUPS // 2, OUT_OF_GROUPS),
        ("group_mod", GROUPS, CHAINING_UNSUPPORTED),
        ("meter_mod", 1, OUT_OF_METERS),
        ("meter_mod", METERS, BAD_RATE),
    ],
)
def test_a_target_that_refuses_a_group_or_a_meter(any_scene, message, nth, refusal):
    kind, code, name = refusal
    error = ("error", {"error_type": kind, "code": code})
    rule = any_scene.proxies[TARGET].arm(error, message, which="add", nth=nth)
    with any_scene.traffic(FLOWS) as traffic:
        ended = any_scene.end_of(any_scene.start())
    assert_undone(any_scene, ended, traffic, [name, NAMED])
    word = message.partition("_")[0]
    assert re.search(rf"\b{word} \d+", ended["error"]), ended["error"]
    assert len(rule.strikes()) == 1


@pytest.mark.parametrize("algorithm", ["move", "freeze-copy"])
def test_a_target_that_refuses_a_group_when_the_source_has_been_emptied(scene, algorithm):
    kind, code, name = OUT_OF_GROUPS
    scene.proxies[TARGET].arm(("error", {"error_type": kind, "code": code}), "group_mod", which="add", nth=5)
    with scene.traffic(FLOWS) as traffic:
        ended = scene.end_of(scene.start(algorithm))
    assert ended["state"] == "rolled_back" and name in ended["error"], ended
    scene.assert_untouched()
    scene.assert_lost_no_more_than_its_silence(traffic)


@pytest.mark.parametrize(
    "command, what, named",
    [
        ("del-groups", "group_id=101", "group 101 is gone"),
        ("del-groups", "group_id=207", "group 207 is gone"),
        ("mod-group", "group_id=103,type=ff,bucket=watch_port:1,drop", "group 103 is not what was put there"),
        ("mod-group", "group_id=202,type=select,bucket=drop", "group 202 is not what was put there"),
        ("del-meters", "meter=2", "meter 2 is gone"),
        ("del-meter", "meter=10", "meter 10 is gone"),
        ("mod-meter", "meter=20,kbps,bands=type=drop,rate=800000", "meter 20 is not what was put there"),
    ],
)
def test_what_somebody_takes_away_or_changes_before_it_is_used(scene, command, what, named):
    with scene.traffic(FLOWS) as traffic:
        with scene.installed() as identifier:
            scene.network.switch(TARGET).ofctl(command, what)
        ended = scene.end_of(identifier)
    assert_undone(scene, ended, traffic, [named, NAMED])


def test_all_groups_and_meters_of_the_target_are_gone_before_they_are_used(scene):
    with scene.traffic(FLOWS) as traffic:
        with scene.installed() as identifier:
            scene.network.switch(TARGET).ofctl("del-groups")
            scene.network.switch(TARGET).ofctl("del-meters")
        ended = scene.end_of(identifier)
    assert_undone(scene, ended, traffic, [NAMED, "group 101 is gone", "more"])


@pytest.mark.parametrize(
    "kind, number, other, message, name",
    [
        ("group", "group_id=101", "type=indirect,bucket=drop", "group_mod", "GROUP_EXISTS"),
        ("meter", "meter=2", "pktps,bands=type=drop,rate=7", "meter_mod", "METER_EXISTS"),
    ],
)
def test_somebody_takes_the_number_before_the_target_gets_it(any_scene, kind, number, other, message, name):
    """The switch refuses the second; the first is not the migration's, and stays."""
    rule = any_scene.proxies[TARGET].arm("hang", message, which="add")
    target = any_scene.network.switch(TARGET)
    with any_scene.traffic(FLOWS) as traffic:
        identifier = any_scene.start()
        rule.wait()
        rule.disarm()
        target.ofctl(f"add-{kind}", f"{number},{other}")
        any_scene.proxies[TARGET].resume()
        ended = any_scene.end_of(identifier)
    theirs = entries(any_scene.network, TARGET)
    target.ofctl(f"del-{kind}s", number)
    assert len(theirs) == 1 and theirs[0].startswith(f"{number}"), theirs
    assert_undone(any_scene, ended, traffic, [name, NAMED, f"{kind} {number.partition('=')[2]}"])


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("nth", [1, GROUPS // 2, GROUPS])
def test_the_target_goes_away_while_it_gets_its_groups(any_scene, nth, moment):
    proxy = any_scene.proxies[TARGET]
    connections = proxy.connections()
    proxy.arm(("disconnect", {"moment": moment}), "group_mod", which="add", nth=nth)
    with any_scene.traffic(FLOWS) as traffic:
        ended = any_scene.end_of(any_scene.start())
        proxy.wait_for_connection(connections + 1)
        any_scene.wait_connected()
    assert_undone(any_scene, ended, traffic, [NAMED])


def test_the_target_goes_away_when_it_has_its_groups_before_it_says_so(scene):
    proxy = scene.proxies[TARGET]
    connections = proxy.connections()
    proxy.arm(("disconnect", {"moment": "after"}), "bundle_control", which="commit_request")
    with scene.traffic(FLOWS) as traffic:
        ended = scene.end_of(scene.start())
        proxy.wait_for_connection(connections + 1)
        scene.wait_connected()
    assert_undone(scene, ended, traffic, [NAMED])


def test_it_is_cancelled_before_the_groups_are_used(scene):
    with scene.traffic(FLOWS) as traffic:
        with scene.installed() as identifier:
            scene.api.delete(f"/migrations/{identifier}")
        ended = scene.end_of(identifier)
    assert_undone(scene, ended, traffic, ["cancelled"])


def test_it_is_cancelled_when_half_of_the_groups_are_there(any_scene):
    rule = any_scene.proxies[TARGET].arm("hang", "group_mod", which="add", nth=GROUPS // 2)
    with any_scene.traffic(FLOWS) as traffic:
        identifier = any_scene.start()
        rule.wait()
        rule.disarm()
        any_scene.api.delete(f"/migrations/{identifier}")
        any_scene.proxies[TARGET].resume()
        ended = any_scene.end_of(identifier)
    assert_undone(any_scene, ended, traffic, ["cancelled"])


def dies(scene, controller, last):
    """The controller is killed and another takes its place. Gives how the migration ended."""
    controller.halt(signal.SIGKILL)
    for proxy in scene.proxies.values():
        proxy.clear()
    controller.resume()
    scene.wait_connected()
    assert latest(scene, last) == "rolled_back"
    return next(one for one in scene.api.get("/migrations") if one["id"] > last)


def test_the_controller_dies_before_the_groups_are_used(scene, controller):
    last = last_number(scene)
    with scene.traffic(FLOWS) as traffic:
        with scene.installed():
            ended = dies(scene, controller, last)
    assert_undone(scene, ended, traffic, ["started anew"])


@pytest.mark.parametrize("message, nth", [("group_mod", 1), ("group_mod", GROUPS // 2), ("meter_mod", METERS)])
def test_the_controller_dies_when_some_of_them_are_there(any_scene, controller, message, nth):
    last = last_number(any_scene)
    rule = any_scene.proxies[TARGET].arm("hang", message, which="add", nth=nth)
    with any_scene.traffic(FLOWS) as traffic:
        any_scene.start()
        rule.wait()
        rule.disarm()
        ended = dies(any_scene, controller, last)
    assert_undone(any_scene, ended, traffic, ["started anew"])


def renumbered(lines, groups, meters):
    """The entries with other numbers for groups and meters."""

    def other(found):
        numbers = meters if found.group(1).startswith("meter") else groups
        return found.group(1) + numbers.get(found.group(2), found.group(2))

    return sorted(re.sub(r"(group_id=|group:|watch_group:|meter[=:])(\d+)", other, line) for line in lines)


def test_numbers_that_the_target_has_given_to_others_are_not_touched(scene):
    """What moves gets other numbers; on the way back it has its own again."""
    target = scene.network.switch(TARGET)
    target.ofctl("add-group", "group_id=101,type=indirect,bucket=drop")
    target.ofctl("add-group", "group_id=107,type=indirect,bucket=drop")
    target.ofctl("add-meter", "meter=2,pktps,bands=type=drop,rate=7")
    try:
        before = scene.holding()
        with scene.traffic(FLOWS) as traffic:
            ended = scene.end_of(scene.start())
            assert ended["state"] == "committed", ended
            there = scene.holding()
            back = scene.end_of(scene.api.post(f"/migrations/{ended['id']}/revert")["id"])
            assert back["state"] == "committed", back
        assert there[SOURCE] == []
        moved = renumbered(translated(scene.network, before[SOURCE]), {"101": "1", "107": "2"}, {"2": "3"})
        assert there[TARGET] == sorted(moved + before[TARGET])
        assert scene.holding() == before
        scene.assert_nothing_lost(traffic)
    finally:
        target.ofctl("del-groups")
        target.ofctl("del-meters")


def test_a_group_that_somebody_has_changed_on_the_target_refuses_the_way_back(scene):
    ended = scene.end_of(scene.start())
    assert ended["state"] == "committed", ended
    target = scene.network.switch(TARGET)
    out = scene.network.port(TARGET, "s4")
    target.ofctl("mod-group", "group_id=101,type=indirect,bucket=drop")
    with pytest.raises(Refused) as refused:
        scene.api.post(f"/migrations/{ended['id']}/revert")
    assert refused.value.status == 422
    reasons = refused.value.problem()["reasons"]
    assert reasons == [f"switch {NAMED}: somebody has changed group 101"]
    target.ofctl("mod-group", f"group_id=101,type=indirect,bucket=output:{out}")
    back = scene.end_of(scene.api.post(f"/migrations/{ended['id']}/revert")["id"])
    assert back["state"] == "committed", back
    scene.assert_untouched()


def test_there_and_back_nothing_is_lost_and_the_groups_are_as_before(scene):
    with scene.traffic(FLOWS) as traffic:
        ended = scene.end_of(scene.start())
        assert ended["state"] == "committed", ended
        assert scene.has_all() and entries(scene.network, SOURCE) == []
        back = scene.end_of(scene.api.post(f"/migrations/{ended['id']}/revert")["id"])
        assert back["state"] == "committed", back
    scene.assert_untouched()
    scene.assert_nothing_lost(traffic)


def test_groups_and_meters_that_somebody_writes_to_the_source_meanwhile_are_on_the_target(scene):
    source, target = scene.network.switch(SOURCE), scene.network.switch(TARGET)
    out = {name: scene.network.port(name, "s4") for name in (SOURCE, TARGET)}
    source.ofctl("add-group", "group_id=400,type=indirect,bucket=drop")
    scene.remember()
    before = scene.held
    with scene.traffic(FLOWS) as traffic:
        with scene.installed() as identifier:
            source.ofctl("mod-group", f"group_id=101,type=indirect,bucket=set_field:8->ip_dscp,output:{out[SOURCE]}")
            source.ofctl("add-group", f"group_id=301,type=indirect,bucket=output:{out[SOURCE]}")
            source.ofctl("add-group", "group_id=300,type=all,bucket=group:301")
            source.ofctl("del-groups", "group_id=400")
            source.ofctl("mod-meter", "meter=20,kbps,bands=type=drop,rate=800000")
            source.ofctl("add-meter", "meter=30,kbps,bands=type=drop,rate=700000")
            source.ofctl("add-flow", "cookie=0x999,priority=900,tcp,tp_dst=99,actions=meter:30,group:300")
            wanted = translated(scene.network, entries(scene.network, SOURCE))
        ended = scene.end_of(identifier)
    assert ended["state"] == "committed", ended
    assert entries(scene.network, TARGET) == wanted
    assert entries(scene.network, SOURCE) == []
    scene.assert_nothing_lost(traffic)
    # As it was, so that there is a way back.
    target.ofctl("del-flows", "tcp")
    for number in (300, 301):
        target.ofctl("del-groups", f"group_id={number}")
    target.ofctl("del-meters", "meter=30")
    target.ofctl("mod-meter", "meter=20,kbps,bands=type=drop,rate=900000")
    target.ofctl("mod-group", f"group_id=101,type=indirect,bucket=output:{out[TARGET]}")
    back = scene.end_of(scene.api.post(f"/migrations/{ended['id']}/revert")["id"])
    assert back["state"] == "committed", back
    # What had been deleted stays so.
    gone = [line for line in before[SOURCE] if "group_id=400" in line]
    assert entries(scene.network, SOURCE) == [line for line in before[SOURCE] if line not in gone]
    scene.remember()


def test_what_the_source_loses_after_the_flip_nobody_has_deleted(scene):
    """It comes back without rules, as after a loss of power, before it is read for the last time."""
    source, proxies = scene.network.switch(SOURCE), scene.proxies
    flipped = proxies["s3"].arm("pass", "flow_mod", which="modify", cookie="0x77")
    rule = proxies["s3"].arm("hang", "flow_mod", which="add", after=flipped, **OF_DISCOVERY)
    with scene.traffic(FLOWS) as traffic:
        identifier = scene.start()
        rule.wait()
        rule.disarm()
        flipped.disarm()
        for kind in ("flows", "groups", "meters"):
            source.ofctl(f"del-{kind}")
        connections = proxies[SOURCE].connections()
        proxies[SOURCE].disconnect()
        proxies[SOURCE].wait_for_connection(connections + 1)
        wait_until(scene.connected, 5, "the source connected")
        proxies["s3"].resume()
        ended = scene.end_of(identifier)
    assert ended["state"] == "committed", ended
    assert scene.has_all() and entries(scene.network, SOURCE) == []
    scene.assert_nothing_lost(traffic)
