"""Routes that are spread over all paths of equal cost, by select groups."""

import re
import signal
import time

import pytest
from mininet.topo import Topo

from controller import Controller, Refused
from network import GodwitNetwork
from processes import wait_until
from routes import FIRST_PORT, UDP
from traffic import Stream

RATE = 2000
FLOWS = 32
# Open vSwitch chooses by addresses, and by ports only for TCP and SCTP.
SOURCES = [f"10.1.0.{number}" for number in range(1, FLOWS + 1)]
MIDDLE = ["s2", "s3", "s4"]
# As for a route with one path: until the switches' own report of the failure has come and rules are changed.
RECOVERY_S = 1.0


class Bundle(Topo):
    """Three equal ways from s1 to s5, over s2, s3 and s4. s6 speaks OpenFlow 1.0 and has two of them."""

    def build(self):
        switches = {number: self.addSwitch(f"s{number}", dpid=f"{number:x}") for number in range(1, 7)}
        for number in (2, 3, 4):
            self.addLink(switches[1], switches[number])
            self.addLink(switches[number], switches[5])
        for number in (2, 3):
            self.addLink(switches[6], switches[number])
        for number, host in ((1, "h1"), (5, "h2"), (6, "h3")):
            self.addLink(self.addHost(host), switches[number])


@pytest.fixture(scope="module")
def controller():
    """A controller with the defaults."""
    with Controller(openflow_port=0, http_port=0) as running:
        yield running


@pytest.fixture(scope="module")
def network(controller):  # pylint: disable=redefined-outer-name
    """The network, whose hosts have talked: their own routes carry them when there are no others."""
    with GodwitNetwork(Bundle(), controller.openflow_port, openflow10=("s6",)) as built:
        built.wait_connected()
        controller.api.settle(built)
        for source in SOURCES:
            built.host("h1").cmd(f"ip address add {source}/32 dev h1-eth0")
        yield built


@pytest.fixture
def spread(network, api):  # pylint: disable=redefined-outer-name
    """A route for all UDP from h1 to h2 over all paths, gone afterwards."""
    route = api.post("/routes", request(network))
    yield route["id"]
    api.delete(f"/routes/{route['id']}")
    assert not any(groups(network, switch.name) for switch in network.switches if switch.name != "s6")


def request(network, sender="h1", **more):  # pylint: disable=redefined-outer-name
    """A route for all UDP to h2 over all paths. A host with so many addresses is not known by each of them."""
    ends = {"from": network.host(sender).MAC(), "to": network.host("h2").MAC()}
    return {**ends, "match": UDP, "spread": "ecmp", **more}


def middles(route):
    """The second switch of each path of a route."""
    return sorted(f"s{int(path['hops'][1]['dpid'], 16)}" for path in route["paths"])


def groups(network, switch):  # pylint: disable=redefined-outer-name
    """The lines that a switch has for its groups."""
    return [line.strip() for line in network.switch(switch).ofctl("dump-groups").splitlines() if "group_id" in line]


def buckets(network, switch):  # pylint: disable=redefined-outer-name
    """How many packets each bucket of a switch's only group has counted."""
    return [int(count) for count in re.findall(r"bucket\d+:packet_count=(\d+)", bucket_text(network, switch))]


def bucket_text(network, switch):  # pylint: disable=redefined-outer-name
    """What a switch says that its groups have counted."""
    return network.switch(switch).ofctl("dump-group-stats")


def stream(network):  # pylint: disable=redefined-outer-name
    """Many conversations from h1 to h2."""
    return Stream(network.host("h1"), network.host("h2"), FIRST_PORT, RATE, flows=FLOWS, sources=SOURCES)


def test_conversations_use_all_paths_and_each_packet_one(network, api, spread):
    route = api.get(f"/routes/{spread}")
    assert middles(route) == MIDDLE and route["path"] == route["paths"][0]
    assert (route["spread"], route["max_paths"], route["single_path_at"]) == ("ecmp", 16, [])
    (group,) = groups(network, "s1")
    assert "type=select" in group and group.count("bucket=") == 3 and group.count("watch_port") == 3, group
    assert not any(groups(network, name) for name in (*MIDDLE, "s5"))
    with stream(network) as traffic:
        time.sleep(2)
    outcome = traffic.outcome
    assert (outcome.lost, outcome.duplicates) == (0, 0), outcome.missing
    assert api.get(f"/routes/{spread}")["packets"] == outcome.sent
    wait_until(lambda: sum(buckets(network, "s1")) >= outcome.sent, 5, "packets of the buckets")
    shares = buckets(network, "s1")
    print(shares)
    assert sum(shares) == outcome.sent and all(shares), shares
    per_switch = api.get(f"/routes/{spread}?per_switch=true")["switches"]
    assert {int(one["dpid"], 16) for one in per_switch if one["live"]} == {1, 2, 3, 4, 5}
    between = [one["packets"] for one in per_switch if int(one["dpid"], 16) in (2, 3, 4)]
    assert sorted(between) == sorted(shares)


def test_nothing_is_lost_when_a_spread_route_comes_and_goes(network, api):
    with stream(network) as traffic:
        for _ in range(3):
            identifier = api.post("/routes", request(network))["id"]
            time.sleep(0.3)
            api.delete(f"/routes/{identifier}")
            time.sleep(0.3)
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0), traffic.outcome.missing
    assert not groups(network, "s1")


def test_a_dead_link_is_left_and_taken_up_again(network, api, spread):
    with stream(network) as traffic:
        time.sleep(1)
        network.set_link("s3", "s5", "down")
        wait_until(lambda: middles(api.get(f"/routes/{spread}")) == ["s2", "s4"], 5, "the dead way left")
        time.sleep(1)
    outcome = traffic.outcome
    print(outcome.lost, outcome.longest_flow_silence_us)
    assert outcome.longest_flow_silence_us < RECOVERY_S * 1e6 and outcome.duplicates == 0
    with stream(network) as traffic:
        time.sleep(0.5)
        network.set_link("s3", "s5", "up")
        wait_until(lambda: middles(api.get(f"/routes/{spread}")) == MIDDLE, 15, "all ways again")
        time.sleep(1)
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0), traffic.outcome.missing
    assert groups(network, "s1")[0].count("bucket=") == 3


def test_a_switch_in_the_middle_is_emptied_without_loss_and_used_again(network, api, spread):
    plan = api.post("/migrations", {"source": "s3", "algorithm": "clone", "dry_run": True})
    assert plan["source"].endswith("3")
    with stream(network) as traffic:
        time.sleep(0.5)
        assert api.migrate("s3")["state"] == "committed"
        assert middles(api.get(f"/routes/{spread}")) == ["s2", "s4"]
        time.sleep(0.5)
        api.post("/switches/s3/restore")
        wait_until(lambda: middles(api.get(f"/routes/{spread}")) == MIDDLE, 15, "all ways again")
        time.sleep(0.5)
    outcome = traffic.outcome
    assert (outcome.lost, outcome.duplicates) == (0, 0), outcome.missing
    assert api.get(f"/routes/{spread}")["packets"] == outcome.sent


def test_a_group_that_somebody_changes_or_removes_is_as_it_was_after_an_audit(network, api, spread):
    first = network.switch("s1")

    def held():
        return {rule.identity for rule in network.rules("s1")}, groups(network, "s1")

    def audited():
        """What the repairs of an audit were of, the last first."""
        report = api.post("/switches/s1/audit")
        assert report["unmended"] == [], report
        return [(repair["repair"], repair["changed"]) for repair in report["repairs"]]

    before = held()
    (number,) = re.findall(r"group_id=(\d+)", before[1][0])
    first.ofctl("mod-group", f"group_id={number},type=select,bucket=output:1")
    assert groups(network, "s1") != before[1]
    assert audited()[0] == ("mended", ["shared"])
    assert groups(network, "s1") == before[1]
    first.ofctl("del-groups")
    assert held()[0] != before[0], "its rules go with a group"
    assert audited()[0][0] == "restored"
    assert held() == before
    with stream(network) as traffic:
        time.sleep(1)
    assert traffic.outcome.lost == 0 and api.get(f"/routes/{spread}")["packets"] == traffic.outcome.sent


def test_where_a_switch_cannot_choose_there_is_one_path_and_the_answer_says_so(network, api):
    route = api.post("/routes", request(network, "h3"))
    assert len(route["paths"]) == 1
    ((dpid, why),) = [(one["dpid"], one["why"]) for one in route["single_path_at"]]
    assert int(dpid, 16) == 6 and "OpenFlow 1.0" in why
    api.delete(f"/routes/{route['id']}")
    two = api.post("/routes", request(network, max_paths=2))
    assert middles(two) == ["s2", "s3"]
    api.delete(f"/routes/{two['id']}")


@pytest.mark.parametrize(
    "wrong, field",
    [
        ({"via": ["s2"]}, "via"),
        ({"idle_timeout": 5}, "idle_timeout"),
        ({"hard_timeout": 5}, "hard_timeout"),
        ({"max_paths": 1}, "max_paths"),
        ({"max_paths": 17}, "max_paths"),
        ({"spread": None, "max_paths": 2}, "max_paths"),
        ({"spread": "all"}, "spread"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(network, api, wrong, field):
    with pytest.raises(Refused) as refused:
        api.post("/routes", request(network, **wrong))
    assert refused.value.status == 422 and refused.value.problem()["field"] == field


# The last one: which hosts there are is learnt anew.
def test_a_restart_changes_nothing_and_what_was_removed_meanwhile_is_put_back(network, controller, api, spread):
    before = network.all_rules(), groups(network, "s1")
    with stream(network) as traffic:
        controller.restart(signal.SIGKILL)
        api.wait_for_network(network)
        time.sleep(1)
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0), traffic.outcome.missing
    assert (network.all_rules(), groups(network, "s1")) == before
    assert middles(api.get(f"/routes/{spread}")) == MIDDLE
    controller.halt(signal.SIGKILL)
    network.switch("s1").ofctl("del-groups")
    assert not groups(network, "s1")
    controller.resume()
    api.wait_for_network(network)
    wait_until(lambda: (network.all_rules(), groups(network, "s1")) == before, 10, "the group and its rule again")
