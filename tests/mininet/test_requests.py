"""Wrong requests, one by one: each is refused with the right status and a detail that names the mend, and changes nothing
on any switch. What is answered with success stands on the switch."""

import json
import re

import pytest

from faults import controller  # noqa: F401  pylint: disable=unused-import
from network import GodwitNetwork
from topologies import GraphTopo, graph_of
from wrong_requests import DROP, IP, JSON, TCP, WRONG

V13, V10 = "s1", "s2"
# Of what others than the one under test do, and what grows by itself.
MOVING = re.compile(r" (duration|n_packets|n_bytes|idle_age|hard_age)=[^,]*,")
ROOM = 40


@pytest.fixture(scope="module")
def network(controller):  # noqa: F811  pylint: disable=redefined-outer-name
    """Two switches with a host each; the second speaks OpenFlow 1.0."""
    topo = GraphTopo(graph=graph_of([(1, 2)]), hosts=(1, 2))
    with GodwitNetwork(topo, controller.openflow_port, openflow10=(V10,)) as built:
        built.wait_connected()
        controller.api.settle(built)
        built.switch(V13).ofctl("add-group", "group_id=5,type=all,bucket=output:1")
        built.switch(V13).ofctl("add-meter", "meter=7,kbps,band=type=drop,rate=1000")
        # The entry that overlaps, of nobody.
        built.switch(V13).ofctl("add-flow", "priority=5,dl_src=02:00:00:00:00:07,actions=drop")
        yield built


def held(network):  # pylint: disable=redefined-outer-name
    """Everything that the switches hold, but for counters."""
    said = {}
    for switch in (V13, V10):
        dump = network.switch(switch).ofctl("dump-flows")
        # Discovery's entry is stamped anew whenever somebody has to be sure of a cache.
        rules = [MOVING.sub("", line) for line in dump.splitlines()[1:]]
        said[switch] = sorted(re.sub(r"cookie=0x\w+, ", "", rule) if "0x88cc" in rule else rule for rule in rules)
    groups, meters = (network.switch(V13).ofctl(dump) for dump in ("dump-groups", "dump-meters"))
    return said, groups.splitlines()[1:], meters.splitlines()[1:]


def send(api, wrong):
    """The answer. Text is sent as it is, everything else as JSON."""
    options = {"headers": dict(wrong.headers)}
    if wrong.body is not None:
        options["headers"].setdefault("Content-Type", JSON)
        options["data"] = wrong.body if isinstance(wrong.body, str) else json.dumps(wrong.body)
    return api.request(wrong.method, wrong.path, **options)


def judge(answer, wrong):
    """That an answer is a problem document with this status and these words."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (wrong.status, wrong.status), problem
    assert problem["title"] and problem["detail"]
    said = " ".join([problem["detail"], problem.get("field", ""), *problem.get("reasons", ())])
    missing = [word for word in wrong.words if word not in said]
    assert not missing, f"{missing} not in {said}"


def test_there_are_more_than_a_hundred():
    """As many as are promised, none twice."""
    assert len(WRONG) > 150
    assert len({repr(wrong) for wrong in WRONG}) == len(WRONG)


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_wrong_request_is_refused_with_its_mend_and_changes_nothing(network, api, wrong):
    """One request."""
    before = held(network)
    judge(send(api, wrong), wrong)
    assert held(network) == before


RIGHT = {
    "a drop": {**DROP, "priority": 11},
    "a service": {"match": {**TCP, "tcp_dst": 80}, "actions": [{"type": "output", "port": 1}]},
    "a prefix": {"priority": 12, "match": {**IP, "ipv4_dst": "10.8.0.0/16"}, "actions": [{"type": "output", "port": 2}]},
}


@pytest.mark.parametrize("switch", (V13, V10))
def test_what_was_answered_with_201_stands_on_the_switch_until_204(network, api, switch):
    """One by one, and all at once."""
    path = f"/switches/{switch}/rules"
    before = held(network)
    for body in RIGHT.values():
        made = api.post(path, body)
        assert len(entries(network, switch)) == 1, body
        api.delete(f"{path}/{made['id']}")
        assert held(network) == before
    made = api.post(path, list(RIGHT.values()))
    assert len(entries(network, switch)) == len(RIGHT)
    # The same again is refused, and what is there stays.
    there = held(network)
    answer = api.request("POST", f"/v1{path}", RIGHT["a drop"])
    assert answer.status_code == 409 and f"{path}/{made[0]['id']}" in answer.json()["conflicts_with"].replace(
        api.get(f"/switches/{switch}")["dpid"], switch
    )
    assert held(network) == there
    for entry in made:
        api.delete(f"{path}/{entry['id']}")
    assert held(network) == before


def entries(network, switch):  # pylint: disable=redefined-outer-name
    """The static entries that a switch holds, by their cookie."""
    lines = network.switch(switch).ofctl("dump-flows").splitlines()
    return [line for line in lines if "cookie=0x60d10003" in line]


def test_a_table_that_is_full_refuses_all_of_an_array(network, api):
    """The switch says so, and keeps none of them."""
    bridge = network.switch(V13)
    full = ["--", "--id=@t", "create", "Flow_Table", f"flow_limit={ROOM}", "overflow_policy=refuse"]
    bridge.ovs_vsctl(*full, "--", "set", "Bridge", V13, "flow_tables:0=@t")
    try:
        before = held(network)
        many = [{**DROP, "priority": 1000 + number} for number in range(ROOM + 1)]
        answer = api.request("POST", f"/v1/switches/{V13}/rules", many)
        assert answer.status_code == 422, answer.text
        assert "TABLE_FULL" in answer.text and "full" in answer.json()["detail"], answer.text
        assert held(network) == before
    finally:
        bridge.ovs_vsctl("clear", "Bridge", V13, "flow_tables")
