"""Counters of groups and meters go along when a whole switch is moved: by REST they go on counting, wherever the group or
meter stands, and in the end say what the hosts have sent.

What is exact, and when, on Open vSwitch's userspace datapath: a meter is run by the datapath for every packet, the first
of a flow too, so its counters and those of its bands are exact at once. Groups and their buckets are credited together
with the rules, when a cache is gone through: up to half a second late, then exactly. So while packets are sent a group may
say less than has gone through it, never more; when a migration reads what is final it has the caches gone through first.
How a select group divides its flows is the switch's business; of its buckets only the sum is known.
"""

import signal
import threading
import time
from contextlib import contextmanager

import pytest

from controller import Api
from processes import wait_until
from routes import FIRST_PORT
from test_crash import failpoint, has_ended
from traffic import BothWays
from transplants import KINDS, SOURCE, TARGET, Twins, entries, fill

RATE = 3000
LEAD_S = 1.0
POLL_S = 0.05

DROPPING = "meter meter={n}0,pktps,burst,stats,bands=type=drop,rate=100,burst_size=100"
FILLING = {
    **{name: KINDS[name] for name in ("indirect", "select", "nested", "meter")},
    "all": (
        ("group group_id={n}06,type=all,bucket=output:{out},bucket=set_field:8->ip_dscp",),
        ("table=0,{match},actions=group:{n}06",),
    ),
    # More is sent than this meter lets through.
    "dropping": ((DROPPING,), ("table=0,{match},actions=meter:{n}0,output:{out}",)),
}  # fmt: skip
NAMES = list(FILLING)
# Groups by the kind of rule that leads there, without the digit of the direction; the same for meters.
GROUPS = {"indirect": ("01",), "select": ("02",), "nested": ("04", "05"), "all": ("06",)}
METERS = {"meter": "", "dropping": "0"}


def shared(api, switch):
    """Groups and meters of a switch by REST: what each has counted, and each of its buckets or bands."""
    found = {}
    for kind, name, parts in (("groups", "group", "buckets"), ("meters", "meter", "bands")):
        for one in api.get(f"/switches/{switch}/{kind}"):
            if one["packets"] is None:
                continue
            counted = [(one["packets"], one["bytes"])]
            counted += [(part["packets"], part["bytes"]) for part in one[parts]]
            found[(name, one[name])] = counted
    return found


def is_less(now, before):
    """Whether any counter is less than it was."""
    return len(now) != len(before) or any(a < b for one, other in zip(now, before) for a, b in zip(one, other))


def most(one, other):
    """Of each counter what it has counted at one of two places, wherever that is more."""
    return [tuple(map(max, a, b)) for a, b in zip(one, other, strict=True)]


class Watch:
    """Polls source and target. While a group or a meter stands twice, the one that it leaves has all that was counted
    before, and then the other one has everything: what it has counted is what it has where it has counted more."""

    def __init__(self, api, numbers):
        self._api, self._numbers = Api(api.url), numbers
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.polls, self.less, self.failures = 0, [], 0
        self._before = {}

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join(10)

    def _run(self):
        while not self._done.wait(POLL_S):
            try:
                # What is gone where it is looked for has come to the place that is looked at next, there or back.
                found = [(switch, shared(self._api, switch)) for switch in (SOURCE, TARGET, SOURCE)]
            except Exception:  # pylint: disable=broad-exception-caught
                # The controller is being restarted.
                self.failures += 1
                self._api.forget_connections()
                continue
            self.polls += 1
            now = {}
            for switch, here in found:
                for key, counted in here.items():
                    own = self._numbers.get(key, key) if switch == TARGET else key
                    now[own] = most(now.get(own, counted), counted)
                    now[(switch, own)] = counted
            for key, counted in now.items():
                if key in self._before and is_less(counted, self._before[key]):
                    self.less.append((key, self._before[key], counted))
            # On each switch by itself one begins anew when it has been gone.
            lasting = {key: counted for key, counted in self._before.items() if key[0] in ("group", "meter")}
            self._before = {**lasting, **now}


def where(api, numbers):
    """What there is, under the numbers of the source."""
    found = shared(api, SOURCE)
    if found:
        return found
    return {numbers.get(key, key): counted for key, counted in shared(api, TARGET).items()}


def frame_bytes(network, switch):
    """How long each frame is, by what the rules have counted."""
    rules = (rule for rule in network.rules(switch) if rule.field("tp_dst") and rule.packets)
    lengths = {rule.bytes / rule.packets for rule in rules}
    assert len(lengths) == 1, lengths
    return int(lengths.pop())


def differences(found, outcomes, before, frame):
    """What each group and meter has counted beyond `before`, as far as that is not what the hosts sent and received."""
    wrong = []

    def expect(key, index, packets):
        counted = found[key][index]
        base = before[key][index] if before else (0, 0)
        more = (counted[0] - base[0], counted[1] - base[1])
        if more != (packets, packets * frame):
            wrong.append((key, index, more, (packets, packets * frame)))

    for direction, outcome in enumerate(outcomes, start=1):
        for flow, name in enumerate(NAMES):
            sent, received = outcome.sent_by_flow[flow], outcome.received_by_flow[flow]
            assert name == "dropping" or sent == received, (name, sent, received)
            for number in GROUPS.get(name, ()):
                key = ("group", int(f"{direction}{number}"))
                expect(key, 0, received)
                if name == "select":
                    parts = found[key][1:]
                    if tuple(map(sum, zip(*parts))) != found[key][0]:
                        wrong.append((key, parts))
                else:
                    for index in range(1, len(found[key])):
                        expect(key, index, received)
            if name in METERS:
                key = ("meter", int(f"{direction}{METERS[name]}"))
                expect(key, 0, sent)
                expect(key, 1, sent - received)
    return wrong


def assert_exact(api, network, traffic, numbers=None, before=None):
    """In the end all is counted: by groups when the caches have been gone through."""
    numbers = numbers or {}
    there = SOURCE if shared(api, SOURCE) else TARGET
    frame = frame_bytes(network, there)
    wrong = []

    def is_exact():
        wrong[:] = differences(where(api, numbers), (traffic.there, traffic.back), before, frame)
        return not wrong

    try:
        wait_until(is_exact, 3, "the counters")
    except Exception as failure:
        raise AssertionError(wrong) from failure


@pytest.fixture(name="build")
def builder(connect, api):
    """Builds a network whose source is full of groups and meters."""

    def build(**options):
        network = connect(Twins(), **options)
        api.wait_for_network(network)
        network.static_arp()
        fill(network, FILLING)
        return network

    return build


@pytest.fixture
def full(build):
    """Such a network."""
    return build()


@contextmanager
def traffic_watched(api, network, numbers=None):
    """Packets through every group and meter, which are polled."""
    with Watch(api, numbers or {}) as watch:
        with BothWays(*network.hosts, FIRST_PORT, RATE, flows=len(FILLING)) as traffic:
            time.sleep(LEAD_S)
            yield traffic
            time.sleep(LEAD_S)
    print(f"{watch.polls} polls, {watch.failures} failed")
    assert watch.less == []
    assert watch.polls >= 20
    outcome = traffic.outcome
    assert (outcome.duplicates, outcome.receiver_drops) == (0, 0)


def takes_numbers(network):
    """The target has a group and a meter of its own with numbers of the source's: the others they get there."""
    target = network.switch(TARGET)
    target.ofctl("add-group", "group_id=101,type=indirect,bucket=output:1")
    target.ofctl("add-meter", "meter=1,pktps,bands=type=drop,rate=5")
    # Their own are looked at under numbers that nobody has.
    return {
        ("group", 1): ("group", 101), ("meter", 3): ("meter", 1),
        ("group", 101): ("group", -1), ("meter", 1): ("meter", -1),
    }  # fmt: skip


@pytest.mark.parametrize("numbered", ["the same", "anew"])
def test_they_go_on_counting_there_and_back(full, api, numbered):
    goes_there_and_back(full, api, takes_numbers(full) if numbered == "anew" else {})


def test_a_source_in_a_daemon_of_its_own_counts_late_and_is_counted_exactly(build, api):
    goes_there_and_back(build(separate=(SOURCE,)), api, {})


def goes_there_and_back(full, api, numbers):
    """A migration and its way back, under traffic and polls."""
    own = shared(api, TARGET)
    with traffic_watched(api, full, numbers) as traffic:
        there = api.migrate(SOURCE, TARGET)
        assert there["state"] == "committed", there
        time.sleep(LEAD_S)
        moved = shared(api, TARGET)
        assert own.items() <= moved.items(), "the target's own are its own"
        assert len(moved) == len(own) + 2 * 7, moved.keys()
        back = api.wait_for_migration(api.post(f"/migrations/{there['id']}/revert")["id"])
        assert back["state"] == "committed", back
    assert_exact(api, full, traffic, numbers)
    assert shared(api, TARGET) == own


def test_what_has_moved_counts_on_for_good_and_over_a_restart(full, api, controller):
    numbers = takes_numbers(full)
    with traffic_watched(api, full, numbers) as traffic:
        assert api.migrate(SOURCE, TARGET)["state"] == "committed"
        controller.restart(signal.SIGKILL)
        api.wait_for_network(full)
    assert_exact(api, full, traffic, numbers)


# Dying before the second record leaves a controller that takes the flips back, which were all done; after the third, one
# that finds the final counts in its journal, and groups that may be gone.
@pytest.mark.parametrize("moment, state", [("before:2", "rolled_back"), ("after:3", "committed")])
def test_a_controller_that_dies_loses_none(full, api, controller, moment, state):
    match = {"eth_type": 0x0800, "ip_proto": 17, "ipv4_dst": full.hosts[1].IP(), "udp_dst": FIRST_PORT}
    by_group = {"priority": 2000, "match": match, "actions": [{"type": "group", "group": 101}]}
    entry = api.post(f"/switches/{SOURCE}/rules", by_group)["id"]
    held = entries(full, SOURCE)

    def dies(begin):
        """The controller dies in the middle of it; the next one brings it to its end."""
        with failpoint(moment):
            controller.restart(signal.SIGKILL)
        api.wait_for_network(full)
        begin()
        assert has_ended(controller, 8)
        controller.resume()
        api.wait_for_network(full)
        ended = api.wait_for_migration(max(migration["id"] for migration in api.get("/migrations")))
        assert ended["state"] == state, ended
        time.sleep(LEAD_S)
        return ended

    with traffic_watched(api, full) as traffic:
        ended = dies(lambda: api.post("/migrations", {"source": SOURCE, "target": TARGET, "algorithm": "clone"}))
        if state == "committed":
            # And on the way back, where what had been brought there before must not be lost either.
            dies(lambda: api.post(f"/migrations/{ended['id']}/revert"))
    assert entries(full, SOURCE) == held and entries(full, TARGET) == []
    assert_exact(api, full, traffic)
    # The same goes for rules.
    received = traffic.there.received_by_flow[0]
    path = f"/switches/{SOURCE}/rules/{entry}"
    wait_until(lambda: api.get(path)["packets"] == received, 3, f"{received} packets of a static entry")


def test_one_that_somebody_makes_anew_begins_anew(full, api):
    with traffic_watched(api, full):
        assert api.migrate(SOURCE, TARGET)["state"] == "committed"
    group, meter = ("group", 106), ("meter", 1)
    before = shared(api, TARGET)
    assert before[group][0][0] > 0 < before[meter][0][0]
    # Younger by less than a second it would be taken for the one that was there.
    time.sleep(1.5)
    target = full.switch(TARGET)
    target.ofctl("del-groups", "group_id=106")
    target.ofctl("add-group", "group_id=106,type=indirect,bucket=output:1")
    target.ofctl("del-meter", "meter=1")
    target.ofctl("add-meter", "meter=1,pktps,stats,bands=type=drop,rate=9")
    after = shared(api, TARGET)
    assert after.pop(group) == [(0, 0), (0, 0)] and after.pop(meter) == [(0, 0), (0, 0)]
    assert after == {key: counted for key, counted in before.items() if key not in (group, meter)}
    # What was deleted is forgotten, also when nobody has looked at the next one of that number while it was young.
    target.ofctl("del-groups", "group_id=205")
    assert ("group", 205) not in shared(api, TARGET)
    target.ofctl("add-group", "group_id=205,type=indirect,bucket=output:1")
    assert shared(api, TARGET)[("group", 205)] == [(0, 0), (0, 0)]
