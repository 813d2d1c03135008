"""Queues and meters: made by REST, chosen by routes, and what two flows through one bottleneck make of it.

Open vSwitch in userspace makes the queues of a port as it does everywhere, but doesn't tell the kernel which one a
packet is for, and sends all of them through one socket, which takes no more while about 90 wait. Its datapath in the
kernel has neither limit. Here `Kernel` stands in for it: it takes the queues of packets from the rules that the switch
holds, and keeps what waits short.
"""

import re
import time
from contextlib import contextmanager

import pytest

from controller import Refused
from faults import controller  # noqa: F401  pylint: disable=unused-import
from network import GodwitNetwork
from processes import run
from topologies import GraphTopo, graph_of
from traffic import Stream

BOTTLENECK = 10_000_000
GOLD, BRONZE = 1, 2
QUEUES = [
    {"queue": GOLD, "name": "gold", "min_rate_bps": 7_000_000},
    {"queue": BRONZE, "name": "bronze", "min_rate_bps": 3_000_000},
]
FIRST, SECOND = 20000, 30000
UDP = {"eth_type": 2048, "ip_proto": 17}
PACKETS_PER_S, SIZE = 1000, 1000
WARM_UP_S, MEASURE_S = 1, 3
WAITING = 20


@pytest.fixture(scope="module")
def network(controller):  # noqa: F811  pylint: disable=redefined-outer-name
    """Two hosts at s1 and one at s2, and one behind it at s3, which speaks OpenFlow 1.0."""
    topo = GraphTopo(graph=graph_of([(1, 2), (2, 3)]), hosts=(1, 1, 2, 3))
    with GodwitNetwork(topo, controller.openflow_port, openflow10=("s3",)) as built:
        built.wait_connected()
        controller.api.settle(built)
        yield built


@pytest.fixture
def bottleneck(network, api):  # pylint: disable=redefined-outer-name
    """The port of s1 towards s2, shaped by godwit; afterwards nothing is left."""
    port = network.port("s1", "s2")
    path = f"/switches/s1/ports/{port}/qos"
    api.call("PUT", path, {"max_rate_bps": BOTTLENECK, "queues": QUEUES})
    yield port
    for route in api.get("/routes"):
        api.delete(f"/routes/{route['id']}")
    if api.get("/switches/s1/qos"):
        api.delete(path)
    assert rows(network, "QoS") == rows(network, "Queue") == []


def rows(network, table):
    """What godwit has made in a table of the database."""
    mark = {"QoS": "port", "Queue": "queue"}[table]
    find = ["--bare", "--columns=_uuid", "find", table, f"external_ids:godwit={mark}"]
    return network.switch("s1").ovs_vsctl(*find).split()


class Kernel:
    """Carries the queue of each rule that a switch holds to the kernel, as the kernel's own datapath does. What Open
    vSwitch has made there, with its rates, it leaves as it is."""

    def __init__(self, network, switch, towards):
        self._interface = str(network.interface(switch, towards))
        self._port = network.port(switch, towards)
        self._rules = network.rules(switch)

    def __enter__(self):
        for queue in QUEUES:
            leaf = f"1:{queue['queue'] + 1:x}"
            run("tc", "qdisc", "add", "dev", self._interface, "parent", leaf, "pfifo", "limit", WAITING)
        for rule in self._rules:
            chosen = re.fullmatch(rf"set_queue:(\d+),output:{self._port}", rule.actions)
            if chosen:
                class_id = f"1:{int(chosen[1]) + 1:x}"
                match = ["match", "ip", "dport", rule.field("tp_dst"), "0xffff"]
                add = ["tc", "filter", "add", "dev", self._interface, "parent", "1:", "protocol", "ip", "u32"]
                run(*add, *match, "flowid", class_id)
        return self

    def __exit__(self, *_):
        run("tc", "filter", "del", "dev", self._interface, "parent", "1:")


@contextmanager
def overload(network):
    """Both hosts send 8 Mb/s each to the one at s2."""
    first, second, receiver, _ = network.hosts
    gold, bronze = ((first, receiver, FIRST, PACKETS_PER_S), (second, receiver, SECOND, PACKETS_PER_S))
    with Stream(*gold, size=SIZE), Stream(*bronze, size=SIZE):
        time.sleep(WARM_UP_S)
        yield


def routes(network, api, *treatments):
    """The numbers of a route for each host at s1 to the one at s2."""
    first, second, receiver, _ = network.hosts
    made = [
        api.post("/routes", {"from": host.IP(), "to": receiver.IP(), "match": {**UDP, "udp_dst": port}, **treatment})
        for host, port, treatment in zip((first, second), (FIRST, SECOND), treatments)
    ]
    return [route["id"] for route in made]


def rates(api, ids):
    """What the last hop of each route delivers, in bit/s."""
    def count():
        return time.monotonic(), [api.get(f"/routes/{number}")["bytes"] for number in ids]

    began, before = count()
    time.sleep(MEASURE_S)
    ended, after = count()
    return [(new - old) * 8 / (ended - began) for old, new in zip(before, after)]


@pytest.mark.parametrize("queues", [(GOLD, BRONZE), (BRONZE, GOLD)])
# pylint: disable-next=redefined-outer-name
def test_two_flows_share_a_bottleneck_as_their_queues_say(network, api, bottleneck, queues):
    ids = routes(network, api, *({"queue": queue} for queue in queues))
    assert [api.get(f"/routes/{number}")["queue"] for number in ids] == list(queues)

    def queued():
        all_queues = api.get("/switches/s1/queues")
        return {queue["queue"]: queue["tx_bytes"] for queue in all_queues if queue["port"] == bottleneck}

    with Kernel(network, "s1", "s2"), overload(network):
        before = queued()
        delivered = dict(zip(queues, rates(api, ids)))
        after = queued()
    share = 100 * delivered[GOLD] / sum(delivered.values())
    sent = {number: after[number] - before[number] for number in after}
    of_queues = 100 * sent[GOLD] / (sent[GOLD] + sent[BRONZE])
    told = f"{delivered[GOLD] / 1e6:.2f} and {delivered[BRONZE] / 1e6:.2f} Mb/s"
    print(f"{told}: {share:.1f} %; by the queues' counters {of_queues:.1f} %")
    assert abs(share - 70) < 5
    assert abs(of_queues - 70) < 5
    assert 0.85 * BOTTLENECK < sum(delivered.values()) < 1.05 * BOTTLENECK


# pylint: disable-next=redefined-outer-name
def test_a_route_with_a_meter_gets_its_rate_and_the_other_all_it_sends(network, api):
    meter = "/switches/s1/meters/9"
    api.call("PUT", meter, {"rate_kbps": 1000})
    made = api.call("PUT", meter, {"rate_kbps": 2000})
    assert made["bands"] == [{"type": "drop", "rate": 2000, "burst": 0}]
    ids = routes(network, api, {"meter": 9}, {})
    rules = {rule.field("tp_dst"): rule.actions for rule in network.rules("s1") if rule.field("tp_dst")}
    assert rules[str(FIRST)].startswith("meter:9,") and "meter" not in rules[str(SECOND)]
    assert not [rule for rule in network.rules("s2") if "meter" in rule.actions]
    with pytest.raises(Refused) as refused:
        api.delete(meter)
    assert refused.value.status == 409
    with overload(network):
        first, second = rates(api, ids)
    print(f"{first / 1e6:.2f} and {second / 1e6:.2f} Mb/s")
    assert 1_800_000 < first < 2_200_000
    assert second > 7_500_000
    for number in ids:
        api.delete(f"/routes/{number}")
    api.delete(meter)
    assert api.get("/switches/s1/meters") == []


def test_what_shapes_a_port_is_what_was_asked_for(network, api, bottleneck):  # pylint: disable=redefined-outer-name
    (shaped,) = api.get("/switches/s1/qos")
    assert (shaped["port"], shaped["name"], shaped["own"]) == (bottleneck, f"s1-eth{bottleneck}", True)
    assert shaped["max_rate_bps"] == BOTTLENECK
    named = {queue["queue"]: (queue["name"], queue["min_rate_bps"]) for queue in shaped["queues"]}
    assert named == {0: (None, 12_000), GOLD: ("gold", 7_000_000), BRONZE: ("bronze", 3_000_000)}
    classes = run("tc", "class", "show", "dev", f"s1-eth{bottleneck}")
    assert "class htb 1:2 parent 1:fffe" in classes and "rate 7Mbit ceil 10Mbit" in classes
    assert {queue["queue"] for queue in api.get("/switches/s1/queues")} == {0, GOLD, BRONZE}
    # Once more: as it is asked for now, and nothing is left of what was.
    path = f"/switches/s1/ports/{bottleneck}/qos"
    queues = [{"queue": 0}, {"queue": 3, "max_rate_bps": 1_000_000}]
    again = api.call("PUT", path, {"max_rate_bps": 5_000_000, "queues": queues})
    assert [queue["queue"] for queue in again["queues"]] == [0, 3]
    assert len(rows(network, "Queue")) == 2 and len(rows(network, "QoS")) == 1
    assert {queue["queue"] for queue in api.get("/switches/s1/queues")} == {0, 3}
    assert api.delete(path) is None
    assert api.get("/switches/s1/qos") == api.get("/switches/s1/queues") == []


def test_what_can_not_be_shaped_is_refused(network, api):  # pylint: disable=redefined-outer-name
    good = {"max_rate_bps": BOTTLENECK, "queues": QUEUES}
    port = network.port("s1", "s2")
    path = f"/v1/switches/s1/ports/{port}/qos"
    wrong = [
        ("PUT", "/v1/switches/s9/ports/1/qos", good, 404),
        ("PUT", "/v1/switches/s1/ports/99/qos", good, 404),
        ("PUT", "/v1/switches/s1/ports/x/qos", good, 404),
        ("PUT", path, {**good, "max_rate_bps": 9_000_000}, 422),
        ("PUT", path, {**good, "colour": "red"}, 422),
        ("PUT", path, {"queues": QUEUES}, 422),
        ("DELETE", path, None, 404),
        ("PUT", "/v1/switches/s3/meters/1", {"rate_kbps": 1}, 422),
        ("PUT", "/v1/switches/s1/meters/1", {}, 422),
        ("PUT", "/v1/switches/s1/meters/1", {"rate_kbps": 1, "rate_packets": 1}, 422),
        ("PUT", "/v1/switches/s1/meters/0", {"rate_kbps": 1}, 404),
        ("DELETE", "/v1/switches/s1/meters/1", None, 404),
    ]
    for method, where, body, status in wrong:
        response = api.request(method, where, body)
        assert response.status_code == status, f"{method} {where} {body}: {response.status_code} {response.text}"
        assert response.json()["detail"]
    name = f"s1-eth{port}"
    switch = network.switch("s1")
    create = ["--id=@q", "create", "qos", "type=linux-htb"]
    row = switch.ovs_vsctl("--", *create, "--", "set", "port", name, "qos=@q").strip()
    try:
        assert [shaped["own"] for shaped in api.get("/switches/s1/qos")] == [False]
        for method, body in (("PUT", good), ("DELETE", None)):
            assert api.request(method, path, body).status_code == 409
    finally:
        switch.ovs_vsctl("--", "clear", "port", name, "qos", "--", "destroy", "qos", row)
    first, _, _, last = network.hosts
    for treatment in ({"queue": 1}, {"meter": 1}):
        body = {"from": first.IP(), "to": last.IP(), "match": UDP, **treatment}
        response = api.request("POST", "/v1/routes", body)
        assert response.status_code == 422 and "OpenFlow 1.0" in response.json()["detail"]
    body = {"from": first.IP(), "to": network.hosts[2].IP(), "match": UDP}
    assert api.request("POST", "/v1/routes", {**body, "meter": 0}).status_code == 422
    # The switch knows no such meter, and nothing is left of the route.
    assert api.request("POST", "/v1/routes", {**body, "meter": 77}).status_code == 422
    assert [route for route in api.get("/routes") if route["origin"] == "request"] == []
