"""Static entries made by REST, and groups, meters and queues, as the switches have them."""

import re
import time
from contextlib import contextmanager

import pytest

from controller import Refused
from processes import wait_until
from topologies import Ring

MARK = 0x60D1_0003
IP = {"eth_type": 0x0800}
TCP = {**IP, "ip_proto": 6}
V10, V13 = "s2", "s1"


def out(port):
    """One output."""
    return [{"type": "output", "port": port}]


def set_field(field, value):
    """One change of a header."""
    return {"type": "set_field", "field": field, "value": value}


# What is asked for, and how `ovs-ofctl dump-flows` shows its match and actions.
ON_BOTH = {
    "everything": ({"priority": 1, "match": {}, "actions": out(1)}, "", "output:1"),
    "a port, dropped": ({"match": {"in_port": 3}, "actions": []}, "in_port=3", "drop"),
    "stations": (
        {"match": {"eth_src": "02:00:00:00:00:01", "eth_dst": "02:00:00:00:00:02"}, "actions": out("flood")},
        "dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02",
        "FLOOD",
    ),
    "a prefix": (
        {"match": {**IP, "ipv4_dst": "10.1.0.0/16"}, "actions": out("controller")},
        "ip,nw_dst=10.1.0.0/16",
        "CONTROLLER:65535",
    ),
    "both prefixes": (
        {"match": {**IP, "ipv4_src": "10.2.0.0/255.255.0.0", "ipv4_dst": "10.3.0.1"}, "actions": out("all")},
        "ip,nw_src=10.2.0.0/16,nw_dst=10.3.0.1",
        "ALL",
    ),
    "a service": (
        {"match": {**TCP, "tcp_dst": 443}, "actions": out(2) + out(3), "priority": 77},
        "tcp,tp_dst=443",
        "output:2,output:3",
    ),
    "a changed header": (
        {
            "match": {**TCP, "tcp_src": 80},
            "actions": [
                set_field("eth_dst", "02:00:00:00:00:09"),
                set_field("ipv4_dst", "10.9.9.9"),
                set_field("tcp_dst", 8080),
                *out(1),
            ],
        },
        "tcp,tp_src=80",
        {
            V10: "mod_dl_dst:02:00:00:00:00:09,mod_nw_dst:10.9.9.9,mod_tp_dst:8080,output:1",
            V13: "set_field:02:00:00:00:00:09->eth_dst,set_field:10.9.9.9->ip_dst,"
            "set_field:8080->tcp_dst,output:1",
        },
    ),
    "a tag taken off": (
        {"match": {"vlan_vid": 100}, "actions": [{"type": "pop_vlan"}, *out("in_port")]},
        "dl_vlan=100",
        {V10: "strip_vlan,IN_PORT", V13: "pop_vlan,IN_PORT"},
    ),
    "ARP": (
        {"match": {"eth_type": 0x0806, "arp_tpa": "10.0.0.9"}, "actions": out("local")},
        "arp,arp_tpa=10.0.0.9",
        "LOCAL",
    ),
    "one that ends": (
        {"match": {**IP, "ipv4_dst": "10.4.0.1"}, "actions": out("normal"), "idle_timeout": 600, "hard_timeout": 900},
        "ip,nw_dst=10.4.0.1",
        "NORMAL",
    ),
}

ON_13 = {
    "a later table": ({"table": 1, "priority": 65535, "match": {}, "actions": out(1)}, "", "output:1"),
    "all instructions": (
        {
            "match": {"in_port": 2, **IP},
            "instructions": [
                {"type": "goto_table", "table": 1},
                {"type": "write_metadata", "value": "0x5", "mask": "0xff"},
                {"type": "write_actions", "actions": out(3)},
                {"type": "clear_actions"},
                {"type": "apply_actions", "actions": [{"type": "dec_nw_ttl"}]},
                {"type": "meter", "meter": 7},
            ],
        },
        None,
        None,
    ),
    "masked addresses": (
        {"match": {"eth_dst": "01:00:00:00:00:00/01:00:00:00:00:00"}, "actions": out("flood")},
        "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00",
        "FLOOD",
    ),
    "IPv6": (
        {"match": {"eth_type": 0x86DD, "ipv6_dst": "2001:db8::/32"}, "actions": out(2)},
        "ipv6,ipv6_dst=2001:db8::/32",
        "output:2",
    ),
    "a group": ({"match": {"in_port": 1}, "actions": [{"type": "group", "group": 5}]}, "in_port=1", "group:5"),
    "a tag put on": (
        {
            "match": {"eth_src": "02:00:00:00:00:05"},
            "actions": [{"type": "push_vlan", "ethertype": 0x8100}, set_field("vlan_vid", 200), *out(2)],
        },
        "dl_src=02:00:00:00:00:05",
        "push_vlan:0x8100,set_field:4296->vlan_vid,output:2",
    ),
    "a label": (
        {
            "match": {**IP, "ipv4_dst": "10.5.0.0/24"},
            "actions": [{"type": "push_mpls", "ethertype": 0x8847}, set_field("mpls_label", 33), *out(2)],
        },
        "ip,nw_dst=10.5.0.0/24",
        "push_mpls:0x8847,set_field:33->mpls_label,output:2",
    ),
    "a queue": (
        {"match": {**IP, "ipv4_dst": "10.6.0.1"}, "actions": [{"type": "set_queue", "queue": 1}, *out(1)]},
        "ip,nw_dst=10.6.0.1",
        "set_queue:1,output:1",
    ),
    "metadata": ({"table": 1, "match": {"metadata": "0x5/0xff"}, "actions": []}, "metadata=0x5/0xff", "drop"),
}


@pytest.fixture
def ring(settle):
    """Three switches in a circle, one of which speaks OpenFlow 1.0."""
    network = settle(Ring(3), openflow10=(V10,))
    network.switch(V13).ofctl("add-group", "group_id=5,type=all,bucket=output:1,bucket=output:2")
    network.switch(V13).ofctl("add-meter", "meter=7,kbps,burst,stats,band=type=drop,rate=1000,burst_size=100")
    return network


def ours(network, switch):
    """The static entries on a switch, by their numbers."""
    return {rule.cookie & 0xFFFF_FFFF: rule for rule in network.rules(switch) if rule.cookie >> 32 == MARK}


def others(network, switch):
    """All the other rules on a switch."""
    return sorted(rule.identity for rule in network.rules(switch) if rule.cookie >> 32 != MARK)


def kinds(switch):
    """All kinds of entries that a switch of this version can have."""
    return ON_BOTH if switch == V10 else {**ON_BOTH, **ON_13}


def fields(match):
    """The fields of a match, in a fixed order."""
    return sorted(match.split(","))


@pytest.mark.parametrize("switch", [V10, V13])
def test_entries_of_all_kinds_stand_on_the_switch_as_asked_and_go_when_told(ring, api, switch):
    before = others(ring, switch)
    made = {}
    for name, (body, match, actions) in kinds(switch).items():
        response = api.request("POST", f"/v1/switches/{switch}/rules", body)
        assert response.status_code == 201, f"{name}: {response.text}"
        entry = made[name] = response.json()
        assert response.headers["Location"] == f"/v1/switches/{ring.switch(switch).number:016x}/rules/{entry['id']}"
        rule = ours(ring, switch)[entry["id"]]
        assert rule.table == body.get("table", 0), name
        assert rule.priority == body.get("priority", 0x8000), name
        if match is not None:
            wanted = actions[switch] if isinstance(actions, dict) else actions
            assert (fields(rule.match), rule.actions) == (fields(match), wanted), name
    if switch == V13:
        rule = ours(ring, V13)[made["all instructions"]["id"]]
        wanted = "meter:7,dec_ttl,clear_actions,write_actions(output:3),write_metadata:0x5/0xff,goto_table:1"
        assert rule.actions == wanted
        # 1.0 does not report flags.
        assert "send_flow_rem" in ours(ring, V13)[made["one that ends"]["id"]].flags
    reported = {rule["id"]: rule for rule in api.get(f"/switches/{switch}/rules") if "id" in rule}
    assert set(reported) == {entry["id"] for entry in made.values()}
    for entry in made.values():
        for field in ("table", "priority", "match", "instructions", "idle_timeout", "hard_timeout", "cookie"):
            assert reported[entry["id"]][field] == entry[field]
        assert api.delete(f"/switches/{switch}/rules/{entry['id']}") is None
        assert entry["id"] not in ours(ring, switch)
    assert ours(ring, switch) == {}
    assert others(ring, switch) == before


TO_1 = {"match": {}, "actions": out(1)}
BAD = {
    "no object": (7, 422, None),
    "nothing at all": ({}, 422, "match"),
    "no actions": ({"match": {}}, 422, "instructions"),
    "actions and instructions": ({**TO_1, "instructions": []}, 422, "actions"),
    "an unknown field": ({**TO_1, "colour": "red"}, 422, "colour"),
    "counters": ({**TO_1, "packets": 5}, 422, "packets"),
    "a cookie": ({**TO_1, "cookie": "0x1"}, 422, "cookie"),
    "a table that is none": ({**TO_1, "table": 300}, 422, "table"),
    "a negative table": ({**TO_1, "table": -1}, 422, "table"),
    "the table of all tables": ({**TO_1, "table": 255}, 422, None),
    "too high a priority": ({**TO_1, "priority": 65536}, 422, "priority"),
    "discovery's priority": ({**TO_1, "priority": 65535}, 422, "priority"),
    "a priority in words": ({**TO_1, "priority": "high"}, 422, "priority"),
    "unknown flags": ({**TO_1, "flags": 0x8000}, 422, "flags"),
    "too long a timeout": ({**TO_1, "idle_timeout": 70000}, 422, "idle_timeout"),
    "an unknown match": ({**TO_1, "match": {"tcp_port": 5}}, 422, "tcp_port"),
    "a port out of range": ({**TO_1, "match": {**TCP, "tcp_dst": 70000}}, 422, "tcp_dst"),
    "no address": ({**TO_1, "match": {**IP, "ipv4_dst": "10.0.0.256"}}, 422, "ipv4_dst"),
    "a missing prerequisite": ({**TO_1, "match": {"ipv4_dst": "10.0.0.1"}}, 422, "match.ipv4_dst"),
    "a wrong prerequisite": ({**TO_1, "match": {**IP, "ip_proto": 17, "tcp_dst": 5}}, 422, "match.tcp_dst"),
    "an unknown action": ({"match": {}, "actions": [{"type": "explode"}]}, 422, "actions"),
    "an action without a port": ({"match": {}, "actions": [{"type": "output"}]}, 422, "actions"),
    "an action with too much": ({"match": {}, "actions": [{"type": "pop_vlan", "port": 1}]}, 422, "actions"),
    "an output to nowhere": ({"match": {}, "actions": out("any")}, 422, None),
    "a field that can't be set": ({"match": {}, "actions": [set_field("in_port", 1)]}, 422, None),
    "a value too large": ({"match": {}, "actions": [set_field("vlan_vid", 9000)]}, 422, "actions"),
    "a group that is not there": ({"match": {}, "actions": [{"type": "group", "group": 99}]}, 422, None),
    "a meter that is not there": ({"match": {}, "instructions": [{"type": "meter", "meter": 99}]}, 422, None),
    "a table before this one": (
        {"table": 3, "match": {}, "instructions": [{"type": "goto_table", "table": 2}]},
        422,
        None,
    ),
    "an instruction twice": (
        {"match": {}, "instructions": [{"type": "clear_actions"}, {"type": "clear_actions"}]},
        422,
        "instructions",
    ),
    "what discovery has": ({"priority": 65535, "match": {"eth_type": 0x88CC}, "actions": []}, 422, "priority"),
    "what table-miss has": ({"priority": 0, "match": {}, "actions": []}, 422, None),
    "one bad of three": ([TO_1, {**TO_1, "priority": 5, "table": 255}, {**TO_1, "priority": 6}], 422, "[1]"),
    "the same twice": ([TO_1, TO_1], 409, "[1]"),
}
ONLY_13 = {
    "a second table": ({**TO_1, "table": 1}, 422, None),
    "goto": ({"match": {}, "instructions": [{"type": "goto_table", "table": 1}]}, 422, None),
    "a masked station": ({**TO_1, "match": {"eth_dst": "01:00:00:00:00:00/01:00:00:00:00:00"}}, 422, None),
    "IPv6": ({**TO_1, "match": {"eth_type": 0x86DD, "ipv6_dst": "2001:db8::1"}}, 422, None),
    "a group": ({"match": {}, "actions": [{"type": "group", "group": 1}]}, 422, None),
    "a second tag": ({"match": {}, "actions": [{"type": "push_vlan", "ethertype": 0x8100}]}, 422, None),
    "counting nothing": ({**TO_1, "flags": 8}, 422, None),
}


@pytest.mark.parametrize("switch", [V10, V13])
def test_a_wrong_request_is_refused_with_its_reason_and_leaves_nothing(ring, api, switch):
    before = ring.all_rules()
    wrong = {**BAD, **ONLY_13} if switch == V10 else BAD
    assert len(wrong) >= 30
    for name, (body, status, field) in wrong.items():
        response = api.request("POST", f"/v1/switches/{switch}/rules", body)
        problem = response.json()
        assert response.status_code == status, f"{name}: {response.text}"
        assert response.headers["Content-Type"] == "application/problem+json", name
        assert problem["detail"], name
        if field is not None:
            assert field in problem.get("field", "") + problem["detail"], f"{name}: {response.text}"
        assert ours(ring, switch) == {}, name
    assert ring.all_rules() == before
    assert api.get("/entries") == []
    refused = api.request("POST", f"/v1/switches/{V13}/rules", BAD["a group that is not there"][0]).json()
    assert "OFPBAC_BAD_OUT_GROUP" in refused["detail"]
    refused = api.request("POST", f"/v1/switches/{V13}/rules", BAD["a missing prerequisite"][0]).json()
    assert "needs eth_type=0x0800" in refused["detail"]


def test_what_is_not_json_or_names_nothing_is_refused(ring, api):
    path = f"/v1/switches/{V13}/rules"
    json = {"Content-Type": "application/json"}
    assert api.request("POST", path, data="{", headers=json).status_code == 400
    assert api.request("POST", path, data="{}", headers={"Content-Type": "text/plain"}).status_code == 415
    assert api.request("PUT", path, TO_1).status_code == 405
    assert api.request("POST", "/v1/switches/s9/rules", TO_1).status_code == 404
    for number in ("1", "0", "-1", "99999999999", "x"):
        assert api.request("DELETE", f"{path}/{number}").status_code == 404
        assert api.request("GET", f"{path}/{number}").status_code == 404
    made = api.post(f"/switches/{V13}/rules", TO_1)
    assert api.request("DELETE", f"/v1/switches/{V10}/rules/{made['id']}").status_code == 404
    assert list(ours(ring, V13)) == [made["id"]]
    # Last, since the connection ends with it.
    assert api.request("POST", path, data=" " * (2 << 20), headers=json).status_code == 413


def test_a_rule_of_somebody_else_is_never_overwritten(ring, api):
    switch = ring.switch(V13)
    switch.ofctl("add-flow", "cookie=0x5,priority=500,tcp,tp_dst=80,actions=drop")
    before = others(ring, V13)
    body = {"priority": 500, "match": {**TCP, "tcp_dst": 80}, "actions": out(1)}
    with pytest.raises(Refused) as refused:
        api.post(f"/switches/{V13}/rules", body)
    assert refused.value.status == 422
    assert "cookie 0x0000000000000005" in refused.value.problem()["reasons"][0]
    with pytest.raises(Refused) as refused:
        api.post(f"/switches/{V13}/rules", [{**body, "priority": 501}, body])
    assert (refused.value.status, refused.value.problem()["field"]) == (422, "[1]")
    made = api.post(f"/switches/{V13}/rules", {**body, "priority": 501})
    with pytest.raises(Refused) as refused:
        api.post(f"/switches/{V13}/rules", {**body, "priority": 501})
    assert refused.value.status == 409
    assert refused.value.problem()["conflicts_with"].endswith(f"/rules/{made['id']}")
    # What took an entry's place in the meantime is not taken for the entry.
    switch.ofctl("add-flow", "cookie=0x6,priority=501,tcp,tp_dst=80,actions=drop")
    api.delete(f"/switches/{V13}/rules/{made['id']}")
    assert [rule for rule in others(ring, V13) if rule not in before] == [
        (0, 501, "tcp,tp_dst=80", (), "drop", 6)
    ]


@pytest.mark.parametrize("switch", [V10, V13])
def test_a_thousand_entries_take_well_under_a_second_and_all_or_none_are_made(ring, api, switch):
    bodies = [
        {"match": {**IP, "ipv4_dst": f"10.{i >> 8}.{i & 255}.1"}, "actions": out(1)} for i in range(1000)
    ]
    began = time.monotonic()
    made = api.post(f"/switches/{switch}/rules", bodies)
    took = time.monotonic() - began
    print(f"1,000 entries on {switch} in {took:.3f} s")
    assert took < 1
    assert set(ours(ring, switch)) == {entry["id"] for entry in made} and len(made) == 1000
    bodies = [{**body, "priority": 7} for body in bodies]
    bodies[-1]["actions"] = out("any")
    with pytest.raises(Refused) as refused:
        api.post(f"/switches/{switch}/rules", bodies)
    assert (refused.value.status, refused.value.problem()["field"]) == (422, "[999]")
    assert set(ours(ring, switch)) == {entry["id"] for entry in made}


@pytest.mark.parametrize("switch", [V10, V13])
def test_entries_come_back_with_their_switch_and_others_rules_stay(ring, api, controller, switch):
    keep = api.post(f"/switches/{switch}/rules", {"match": {**TCP, "tcp_dst": 1}, "actions": out(1)})
    gone = api.post(f"/switches/{switch}/rules", {"match": {**TCP, "tcp_dst": 2}, "actions": out(1)})
    api.delete(f"/switches/{switch}/rules/{gone['id']}")
    before = ours(ring, switch)
    node = ring.switch(switch)
    since = api.get(f"/switches/{switch}")["connected_at"]
    node.stop(deleteIntfs=False)
    node.start(ring.mininet.controllers)
    wait_until(lambda: connected_since(api, node) not in (None, since), 20, "the switch back")
    wait_until(lambda: set(ours(ring, switch)) == {keep["id"]}, 10, "its entry back")
    assert ours(ring, switch)[keep["id"]].identity == before[keep["id"]].identity
    # One that only lost its connection keeps what it has.
    node.ofctl("add-flow", "cookie=0x5,priority=500,tcp,tp_dst=80,actions=drop")
    since = connected_since(api, node)
    target = f"tcp:127.0.0.1:{controller.openflow_port}"
    node.ovs_vsctl("set-controller", switch, "tcp:127.0.0.1:1")
    wait_until(lambda: connected_since(api, node) is None, 20, "the switch gone")
    assert api.request("DELETE", f"/v1/switches/{node.number:016x}/rules/{keep['id']}").status_code == 202
    node.ovs_vsctl("set-controller", switch, target)
    wait_until(lambda: connected_since(api, node) not in (None, since), 20, "the switch back")
    wait_until(lambda: not ours(ring, switch), 10, "the entry that was given up gone")
    assert 5 in [rule.cookie for rule in ring.rules(switch)]


def connected_since(api, node):
    """Since when a switch is connected; None when it isn't."""
    response = api.request("GET", f"/v1/switches/{node.number:016x}")
    return response.json()["connected_at"] if response.status_code == 200 else None


@pytest.mark.parametrize("switch", [V10, V13])
def test_an_entry_counts_and_ends(ring, api, switch):
    number = ring.switch(switch).number
    host = ring.hosts[number - 1]
    port = ring.port(switch, host.name)
    body = {"priority": 200, "match": {**IP, "in_port": port, "ip_proto": 17, "udp_dst": 9999}, "actions": []}
    made = api.post(f"/switches/{switch}/rules", {**body, "hard_timeout": 3})
    path = f"/switches/{switch}/rules/{made['id']}"
    assert api.get(path)["packets"] == 0
    target = ring.hosts[number % 3].IP()
    send = (
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
        f"[s.sendto(b'x' * 100, ('{target}', 9999)) for _ in range(25)]"
    )
    host.cmd(f'python3 -c "{send}"')
    wait_until(lambda: api.get(path)["packets"] == 25, 2, "25 packets counted")
    assert api.get(path)["bytes"] == 25 * 142
    assert (api.get(path)["state"], api.get(path)["place"]) == ("active", f"{number:016x}")
    wait_until(lambda: api.request("GET", f"/v1{path}").status_code == 404, 6, "the entry forgotten")
    assert ours(ring, switch) == {}


def test_groups_meters_and_queues_read_as_they_were_set(ring, api):
    node = ring.switch(V13)
    changing = "bucket=weight:3,output:1,bucket=weight:1,set_field:10.0.0.9->ip_dst,output:2"
    node.ofctl("add-group", f"group_id=6,type=select,{changing}")
    node.ofctl("add-group", "group_id=8,type=fast_failover,bucket=watch_port:1,output:1,bucket=watch_port:2,output:2")
    node.ofctl("add-group", "group_id=9,type=indirect,bucket=group:5")
    node.ofctl("add-meter", "meter=8,pktps,band=type=drop,rate=50")
    groups = {group["group"]: group for group in api.get(f"/switches/{V13}/groups")}
    assert {number: group["type"] for number, group in groups.items()} == {
        5: "all", 6: "select", 8: "fast_failover", 9: "indirect",
    }
    assert [bucket["actions"] for bucket in groups[5]["buckets"]] == [out(1), out(2)]
    assert [bucket["weight"] for bucket in groups[6]["buckets"]] == [3, 1]
    assert groups[6]["buckets"][1]["actions"] == [set_field("ipv4_dst", "10.0.0.9"), *out(2)]
    assert [bucket["watch_port"] for bucket in groups[8]["buckets"]] == [1, 2]
    assert groups[9]["buckets"][0]["actions"] == [{"type": "group", "group": 5}]
    # Open vSwitch counts flow entries, not groups that send to this one.
    api.post(f"/switches/{V13}/rules", {"match": {"in_port": 2}, "actions": [{"type": "group", "group": 5}]})
    references = {group["group"]: group["references"] for group in api.get(f"/switches/{V13}/groups")}
    assert references == {5: 1, 6: 0, 8: 0, 9: 0}
    for group in groups.values():
        assert (group["packets"], group["bytes"]) == (0, 0) and group["duration_ns"] > 0
        assert all((bucket["packets"], bucket["bytes"]) == (0, 0) for bucket in group["buckets"])

    meters = {meter["meter"]: meter for meter in api.get(f"/switches/{V13}/meters")}
    assert meters[7]["flags"] == ["kbps", "burst", "stats"]
    assert meters[7]["bands"][0].items() >= {"type": "drop", "rate": 1000, "burst": 100, "packets": 0}.items()
    assert meters[8]["flags"] == ["pktps"]
    assert meters[8]["bands"][0].items() >= {"type": "drop", "rate": 50}.items()
    api.post(f"/switches/{V13}/rules", {"match": {"in_port": 1}, "instructions": [{"type": "meter", "meter": 7}]})
    flows = {meter["meter"]: meter["flows"] for meter in api.get(f"/switches/{V13}/meters")}
    assert flows == {7: 1, 8: 0}

    assert api.get(f"/switches/{V10}/groups") == api.get(f"/switches/{V10}/meters") == []
    for switch in (V10, V13):
        with two_queues(ring, switch):
            reported = api.get(f"/switches/{switch}/queues")
            assert [(queue["port"], queue["queue"]) for queue in reported] == queues(ring, switch)
            assert {1, 4} <= {queue["queue"] for queue in reported}
            assert all(queue[counter] == 0 for queue in reported for counter in ("tx_bytes", "tx_packets", "tx_errors"))
        assert api.get(f"/switches/{switch}/queues") == []
    for what in ("groups", "meters", "queues"):
        assert api.request("GET", f"/v1/switches/s9/{what}").status_code == 404


@contextmanager
def two_queues(network, switch):
    """The switch's first port has queues while this lasts."""
    node = network.switch(switch)
    made = node.ovs_vsctl(
        *("set", "port", f"{switch}-eth1", "qos=@qos", "--", "--id=@qos", "create", "qos", "type=linux-htb"),
        *("queues=1=@one,4=@four", "--", "--id=@one", "create", "queue", "other_config:max-rate=1000000"),
        *("--", "--id=@four", "create", "queue", "other_config:max-rate=2000000"),
    )
    qos, *both = made.split()
    try:
        yield
    finally:
        node.ovs_vsctl("clear", "port", f"{switch}-eth1", "qos", "--", "destroy", "qos", qos)
        node.ovs_vsctl("destroy", "queue", *both)


def queues(network, switch):
    """The port and number of each queue of a switch, as `ovs-ofctl` shows them."""
    text = network.switch(switch).ofctl("queue-stats")
    return [(int(port), int(queue)) for port, queue in re.findall(r"port (\d+) queue (\d+):", text)]
