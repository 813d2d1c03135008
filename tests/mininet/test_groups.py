"""Groups and meters that are asked for by REST: made, kept, put back, moved with their switch. What switches hold is read
with `ovs-ofctl`."""

import re
import signal
import time

import pytest

from controller import Controller, Refused
from network import GodwitNetwork
from processes import wait_until
from transplants import SOURCE, TARGET, Twins

V10 = "s5"
# To a host that is nowhere, so that no neighbour sends any of it back.
MATCH = {"eth_dst": "02:00:00:00:00:99", "eth_type": 0x0800, "ip_proto": 17, "udp_dst": 7000}


@pytest.fixture(scope="module")
def controller():
    """A controller that keeps what it has."""
    with Controller(openflow_port=0, http_port=0) as running:
        yield running


@pytest.fixture(scope="module")
def network(controller):  # pylint: disable=redefined-outer-name
    """A switch, its twin, and their neighbours; the last one speaks OpenFlow 1.0."""
    with GodwitNetwork(Twins(), controller.openflow_port, openflow10=(V10,)) as built:
        built.wait_connected()
        controller.api.settle(built)
        yield built


def lines(network, switch, what):  # pylint: disable=redefined-outer-name
    """What a switch says of its groups or meters, without the order."""
    kind = {"groups": "group_id=", "meters": "meter="}[what]
    # The bands of a meter are in lines of their own.
    said = re.split(rf"\s*\n\s*(?={kind})", network.switch(switch).ofctl(f"dump-{what}"))
    return sorted(" ".join(one.split()) for one in said[1:])


def rules(network, switch):  # pylint: disable=redefined-outer-name
    """The actions of the static entries of a switch."""
    return sorted(rule.actions for rule in network.rules(switch) if rule.field("tp_dst") == "7000")


def to(network, neighbour):  # pylint: disable=redefined-outer-name
    """The bucket of packets to a neighbour of the source."""
    return {"actions": [{"type": "output", "port": network.port(SOURCE, neighbour)}]}


@pytest.fixture
def made(network, api):  # pylint: disable=redefined-outer-name
    """Two groups, of which one points at the other, a meter, and an entry that uses them; gone afterwards."""
    where = f"/switches/{SOURCE}"
    first = api.call("PUT", f"{where}/groups/10", {"type": "select", "buckets": [to(network, "s3"), to(network, "s4")]})
    assert [bucket["weight"] for bucket in first["buckets"]] == [1, 1]
    buckets = [{"actions": [{"type": "group", "group": 10}]}]
    api.call("PUT", f"{where}/groups/5", {"type": "indirect", "buckets": buckets})
    api.call("PUT", f"{where}/meters/3", {"rate_packets": 500})
    instructions = [
        {"type": "meter", "meter": 3},
        {"type": "apply_actions", "actions": [{"type": "group", "group": 5}]},
    ]
    entry = api.post(f"{where}/rules", {"priority": 2000, "match": MATCH, "instructions": instructions})
    yield where
    api.delete(f"{where}/rules/{entry['id']}")
    for what in ("groups/5", "groups/10", "meters/3"):
        api.delete(f"{where}/{what}")
    assert lines(network, SOURCE, "groups") == lines(network, SOURCE, "meters") == []


def held(network, switch):  # pylint: disable=redefined-outer-name
    """All of it."""
    return lines(network, switch, "groups"), lines(network, switch, "meters"), rules(network, switch)


def test_they_are_made_and_changed_and_not_taken_away_while_they_are_used(network, api, made):
    groups, meters, entries = held(network, SOURCE)
    assert [re.match(r"group_id=\d+,type=\w+", line).group() for line in groups] == [
        "group_id=10,type=select",
        "group_id=5,type=indirect",
    ]
    assert len(meters) == 1 and "pktps" in meters[0] and "rate=500" in meters[0]
    assert entries == ["meter:3,group:5"]
    answer = api.request("PUT", f"/v1{made}/meters/3", {"rate_packets": 600})
    assert answer.status_code == 200
    assert "rate=600" in lines(network, SOURCE, "meters")[0]
    bands = [{"type": "drop", "rate": 100, "burst": 10}]
    assert api.call("PUT", f"{made}/meters/4", {"bands": bands, "unit": "packets"})["bands"] == bands
    assert "burst_size=10" in lines(network, SOURCE, "meters")[1]
    api.delete(f"{made}/meters/4")
    # Which Open vSwitch's datapath in userspace doesn't have.
    remarked = [{"type": "dscp_remark", "rate": 100, "burst": 10, "precedence_level": 1}]
    answer = api.request("PUT", f"/v1{made}/meters/4", {"bands": remarked})
    assert answer.status_code == 422 and "OFPMMFC_BAD_BAND" in answer.json()["detail"], answer.text
    assert len(lines(network, SOURCE, "meters")) == 1
    for what, why in (("groups/5", "a flow entry"), ("groups/10", "group 5"), ("meters/3", "a flow entry")):
        with pytest.raises(Refused) as refused:
            api.delete(f"{made}/{what}")
        assert refused.value.status == 409 and why in refused.value.problem()["detail"]
    # Back to one of the ways, and what is refused changes nothing.
    api.call("PUT", f"{made}/groups/10", {"type": "select", "buckets": [to(network, "s4")]})
    before = held(network, SOURCE)
    for action, why in (({"type": "group", "group": 77}, "no group 77"), ({"type": "output", "port": 65400}, "OFPBAC_BAD_OUT_PORT")):
        bad = {"type": "select", "buckets": [{"actions": [action]}]}
        answer = api.request("PUT", f"/v1{made}/groups/10", bad)
        assert answer.status_code == 422 and why in answer.json()["detail"], answer.text
    assert held(network, SOURCE) == before


def test_what_somebody_changes_or_removes_is_as_it_was_after_an_audit(network, api, made):
    before = held(network, SOURCE)
    switch = network.switch(SOURCE)
    switch.ofctl("mod-group", "group_id=10,type=select,bucket=drop")
    switch.ofctl("mod-meter", "meter=3,pktps,stats,band=type=drop,rate=1")
    assert held(network, SOURCE) != before
    repaired = api.post(f"{made}/audit")["groups_and_meters"]
    assert sorted((one["what"], one["repair"]) for one in repaired) == [("group 10", "mended"), ("meter 3", "mended")]
    assert held(network, SOURCE) == before
    switch.ofctl("del-groups")
    switch.ofctl("del-meters")
    assert held(network, SOURCE) == ([], [], [])
    report = api.post(f"{made}/audit")
    assert {one["repair"] for one in report["groups_and_meters"]} == {"restored"} and report["restored"] == 1
    assert held(network, SOURCE) == before
    assert api.post(f"{made}/audit")["groups_and_meters"] == []


def test_they_survive_the_controller_and_the_switch(network, controller, api, made):
    assert made
    before = held(network, SOURCE)
    controller.halt(signal.SIGKILL)
    network.switch(SOURCE).ofctl("del-groups")
    network.switch(SOURCE).ofctl("del-meters")
    controller.resume()
    api.wait_for_network(network)
    wait_until(lambda: held(network, SOURCE) == before, 10, "all of it again")


def test_they_move_with_their_switch_and_come_back(network, controller, api, made):
    # The target has something else under one of the numbers.
    network.switch(TARGET).ofctl("add-group", "group_id=5,type=all,bucket=drop")
    before = held(network, SOURCE)
    migration = api.migrate(SOURCE, TARGET)
    assert migration["state"] == "committed", migration
    assert held(network, SOURCE) == ([], [], [])
    groups, meters, _ = there = held(network, TARGET)
    assert len(groups) == 3 and len(meters) == 1
    # Audits, of a controller that was killed, too, know where they stand.
    for again in (False, True):
        if again:
            controller.restart(signal.SIGKILL)
            api.wait_for_network(network)
        for switch in (SOURCE, TARGET):
            report = api.post(f"/switches/{switch}/audit")
            assert (report["groups_and_meters"], report["restored"], report["mended"]) == ([], 0, 0), report
        assert held(network, SOURCE) == ([], [], []) and held(network, TARGET) == there
    (number,) = {re.search(r"group:(\d+)", actions).group(1) for actions in there[2]}
    network.switch(TARGET).ofctl("mod-group", f"group_id={number},type=indirect,bucket=drop")
    (repaired,) = api.post(f"/switches/{TARGET}/audit")["groups_and_meters"]
    assert repaired == {"what": f"group {number}", "repair": "mended"}
    assert held(network, TARGET) == there
    with pytest.raises(Refused) as refused:
        api.call("PUT", f"{made}/groups/6", {"type": "all", "buckets": []})
    assert refused.value.status == 409
    back = api.post(f"/migrations/{migration['id']}/revert")
    assert api.wait_for_migration(back["id"])["state"] == "committed"
    wait_until(lambda: api.switch_state(SOURCE) == "active", 5, "the source in service")
    assert held(network, SOURCE) == before
    network.switch(TARGET).ofctl("del-groups", "group_id=5")
    assert held(network, TARGET) == ([], [], [])
    time.sleep(0.1)
    for switch in (SOURCE, TARGET):
        assert api.post(f"/switches/{switch}/audit")["groups_and_meters"] == []
    assert held(network, SOURCE) == before and held(network, TARGET) == ([], [], [])


def test_what_somebody_else_made_is_not_overwritten(network, api):
    switch = network.switch(TARGET)
    switch.ofctl("add-group", "group_id=8,type=all,bucket=drop")
    path = f"/switches/{TARGET}/groups/8"
    with pytest.raises(Refused) as refused:
        api.call("PUT", path, {"type": "select", "buckets": []})
    assert refused.value.status == 409
    assert "type=all" in lines(network, TARGET, "groups")[0]
    # One that does the same is taken over.
    assert api.request("PUT", f"/v1{path}", {"type": "all", "buckets": [{"actions": []}]}).status_code == 201
    api.delete(path)
    assert lines(network, TARGET, "groups") == []
