"""The addresses of Ryu and Floodlight, against what os-ken makes of the same switches and what the network is."""

import http.client
import json

import pytest

import ofctl
from faults import controller  # noqa: F401  pylint: disable=unused-import
from network import GodwitNetwork
from topologies import Ring

V13, V10 = 1, 2
STATIC = 0x60D1_0003
NOT_IN_10 = ("tablefeatures", "group", "groupdesc", "groupfeatures", "meter", "meterconfig", "meterfeatures", "role")

# Ryu's kinds of statistics, and the functions of os-ken that its REST calls for them.
KINDS = {
    "desc": "get_desc_stats",
    "flow": "get_flow_stats",
    "aggregateflow": "get_aggregate_flow_stats",
    "table": "get_table_stats",
    "tablefeatures": "get_table_features",
    "port": "get_port_stats",
    "portdesc": "get_port_desc",
    "queue": "get_queue_stats",
    "queueconfig": "get_queue_config",
    "group": "get_group_stats",
    "groupdesc": "get_group_desc",
    "groupfeatures": "get_group_features",
    "meter": "get_meter_stats",
    "meterconfig": "get_meter_config",
    "meterfeatures": "get_meter_features",
    "role": "get_role",
}

RULES = {
    V13: [
        "priority=7,in_port=1,actions=output:2,output:3",
        "priority=8,in_port=LOCAL,actions=NORMAL",
        "priority=9,dl_src=02:00:00:00:00:01,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=FLOOD",
        "priority=10,tcp,nw_src=10.1.0.0/16,nw_dst=10.2.0.1,tp_src=5,tp_dst=80,actions=CONTROLLER:128",
        "priority=11,udp,nw_src=10.1.0.0/255.0.255.0,tp_dst=53,actions=set_queue:1,output:1",
        "priority=12,arp,arp_spa=10.0.0.9,arp_op=1,actions=IN_PORT",
        "priority=13,icmp,icmp_type=8,icmp_code=0,nw_tos=184,nw_ecn=1,actions=drop",
        "priority=14,dl_vlan=100,dl_vlan_pcp=3,actions=pop_vlan,output:2",
        "priority=15,vlan_tci=0x0000/0x1fff,actions=push_vlan:0x8100,set_field:4296->vlan_vid,output:2",
        "priority=16,vlan_tci=0x1000/0x1000,actions=output:3",
        "priority=17,udp6,ipv6_src=2001:db8::/32,ipv6_dst=2001:db8::1,ipv6_label=5,udp_dst=99,actions=dec_ttl,output:1",
        "priority=18,icmp6,icmpv6_type=135,nd_target=fe80::1,nd_sll=02:00:00:00:00:01,actions=output:1",
        "priority=19,mpls,mpls_label=33,mpls_tc=2,mpls_bos=1,actions=pop_mpls:0x0800,output:1",
        "priority=20,ip,nw_dst=10.5.0.1,actions=push_mpls:0x8847,set_field:33->mpls_label,set_mpls_ttl:9,output:2",
        "priority=21,tun_id=0x5/0xff,metadata=0x7,actions=group:5",
        "priority=22,sctp,sctp_dst=9,actions=set_field:10.9.9.9->ip_dst,set_field:02:00:00:00:00:09->eth_dst,output:1",
        "priority=23,in_port=2,ip,actions=meter:7,set_field:8->ip_dscp,output:1",
        "priority=24,in_port=2,ip,actions=meter:7,write_actions(output:3),write_metadata:0x5/0xff,goto_table:1",
        "priority=25,in_port=3,ip,idle_timeout=600,hard_timeout=900,cookie=0xfedcba9876543210,send_flow_rem,"
        "actions=clear_actions,write_metadata:0x5",
        "table=1,priority=5,metadata=0x5/0xff,actions=ALL",
        "table=253,priority=1,actions=LOCAL",
    ],
    V10: [
        "priority=7,in_port=1,actions=output:2,output:3",
        "priority=8,in_port=LOCAL,actions=NORMAL",
        "priority=9,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,actions=FLOOD",
        "priority=10,tcp,nw_src=10.1.0.0/16,nw_dst=10.2.0.1,tp_src=5,tp_dst=80,actions=CONTROLLER:128",
        "priority=11,udp,tp_dst=53,actions=enqueue:1:1,mod_tp_dst:54,mod_nw_src:10.1.1.1",
        "priority=12,arp,nw_src=10.0.0.9,arp_op=1,actions=IN_PORT",
        "priority=13,icmp,icmp_type=8,icmp_code=0,nw_tos=184,actions=drop",
        "priority=14,dl_vlan=100,dl_vlan_pcp=3,actions=strip_vlan,output:2",
        "priority=15,dl_vlan=0xffff,actions=mod_vlan_vid:200,mod_vlan_pcp:5,output:2",
        "priority=17,ip,actions=mod_dl_src:02:00:00:00:00:03,mod_dl_dst:02:00:00:00:00:04,mod_nw_tos:32,LOCAL",
        "priority=25,in_port=3,ip,idle_timeout=600,hard_timeout=900,cookie=0xfedcba9876543210,actions=ALL",
    ],
}

# The fields that the specification has.
BASIC = (
    "in_port in_phy_port metadata eth_dst eth_src eth_type vlan_vid vlan_pcp ip_dscp ip_ecn ip_proto ipv4_src ipv4_dst "
    "tcp_src tcp_dst udp_src udp_dst sctp_src sctp_dst icmpv4_type icmpv4_code arp_op arp_spa arp_tpa arp_sha arp_tha "
    "ipv6_src ipv6_dst ipv6_flabel icmpv6_type icmpv6_code ipv6_nd_target ipv6_nd_sll ipv6_nd_tll mpls_label mpls_tc "
    "mpls_bos pbb_isid tunnel_id ipv6_exthdr"
).split()

# What of os-ken's answers is left, with the reason.
KNOWN = {
    # It takes each mask of bits for the number of a bit, so the names that it gives are not those that are set.
    f"/stats/table/{V10}": ("wildcards",),
    # 1.0's counters begin again for the rule that godwit renews whenever it reads, and are part of the sum.
    f"/stats/aggregateflow/{V10}": ("packet_count", "byte_count"),
}


@pytest.fixture(scope="module")
def network(controller):  # noqa: F811  pylint: disable=redefined-outer-name
    """Three switches in a circle, one of which speaks OpenFlow 1.0, with rules of all kinds, groups, meters, queues."""
    with GodwitNetwork(Ring(3), controller.openflow_port, openflow10=("s2",)) as built:
        built.wait_connected()
        controller.api.settle(built)
        first = built.switch("s1")
        for group in (
            "group_id=5,type=all,bucket=output:1,bucket=set_field:7->ip_dscp,output:2",
            "group_id=6,type=select,bucket=weight:3,output:1,bucket=weight:5,output:2",
            "group_id=7,type=ff,bucket=watch_port:2,output:2,bucket=watch_group:5,output:3",
            "group_id=8,type=indirect,bucket=output:3",
        ):
            first.ofctl("add-group", group)
        first.ofctl("add-meter", "meter=7,kbps,burst,stats,band=type=drop,rate=1000,burst_size=100")
        first.ofctl("add-meter", "meter=8,pktps,stats,bands=type=drop,rate=50")
        for number, rules in RULES.items():
            for rule in rules:
                built.switch(f"s{number}").ofctl("add-flow", rule)
        made = [shape(built.switch(f"s{number}"), f"s{number}-eth1") for number in RULES]
        yield built
        for number, rows in zip(RULES, made):
            switch = built.switch(f"s{number}")
            switch.ovs_vsctl("clear", "port", f"s{number}-eth1", "qos")
            for table, row in zip(("qos", "queue", "queue"), reversed(rows)):
                switch.ovs_vsctl("destroy", table, row)


def shape(switch, port):
    """Give a port two queues: the rows that the database has for them, and for what holds them."""
    queues = ["--id=@q0", "create", "queue", "other-config:min-rate=3000000", "--"]
    queues += ["--id=@q1", "create", "queue", "other-config:min-rate=7000000", "other-config:max-rate=9000000", "--"]
    qos = ["--id=@qos", "create", "qos", "type=linux-htb", "other-config:max-rate=10000000"]
    qos += ["queues:0=@q0", "queues:1=@q1", "--"]
    return switch.ovs_vsctl("--", *queues, *qos, "set", "port", port, "qos=@qos").split()


def get(api, path, **options):
    """What stands at a path outside `/v1`."""
    response = api.request("GET", path, **options)
    assert response.status_code == 200, f"{path}: {response.status_code} {response.text}"
    assert response.headers["Content-Type"] == "application/json"
    return response.json()


def questions():
    """Every address of Ryu's statistics, what os-ken is asked for it, and the body that is sent."""
    arp = {V10: {"dl_type": 2054, "nw_src": "10.0.0.9"}, V13: {"eth_type": 2054, "arp_spa": "10.0.0.9"}}
    for dpid in (V13, V10):
        yield f"/v1.0/topology/switches/{dpid:016x}", [dpid, "switch"], None
        for kind, function in KINDS.items():
            yield f"/stats/{kind}/{dpid}", [dpid, function], None
        for number in ("1", "99"):
            yield f"/stats/port/{dpid}/{number}", [dpid, "get_port_stats", number], None
        yield f"/stats/queue/{dpid}/1", [dpid, "get_queue_stats", "1"], None
        yield f"/stats/queue/{dpid}/ALL/1", [dpid, "get_queue_stats", None, "1"], None
        yield f"/stats/queue/{dpid}/1/1", [dpid, "get_queue_stats", "1", "1"], None
        for body in (
            {"match": {"in_port": 1}},
            {"priority": 11},
            {"match": {"dl_type": 0x0800, "nw_proto": 6}, "table_id": 0},
            {"match": {"dl_type": 2048, "nw_dst": "10.2.0.1"}, "out_port": "CONTROLLER"},
            {"match": arp[dpid]},
            {"out_port": 2},
        ):
            yield f"/stats/flow/{dpid}", [dpid, "get_flow_stats", body], body
            body = {key: value for key, value in body.items() if key != "priority"}
            yield f"/stats/aggregateflow/{dpid}", [dpid, "get_aggregate_flow_stats", body], body
    for group in ("5", "99"):
        yield f"/stats/group/{V13}/{group}", [V13, "get_group_stats", group], None
    for meter in ("7", "ALL"):
        number = None if meter == "ALL" else meter
        yield f"/stats/meter/{V13}/{meter}", [V13, "get_meter_stats", number], None
        yield f"/stats/meterconfig/{V13}/{meter}", [V13, "get_meter_config", number], None
    for body in ({"cookie": "0xfedcba9876543210", "cookie_mask": 2**64 - 1}, {"out_group": 5}, {"table_id": 1}):
        yield f"/stats/flow/{V13}", [V13, "get_flow_stats", body], body


def answers(api, asked):
    """What godwit says to all of them."""
    said = []
    for path, _, body in asked:
        response = api.request("POST" if body else "GET", path, body)
        assert response.status_code in (200, 501), f"{path} {body}: {response.text}"
        answer = response.json() if response.status_code == 200 else None
        # Ryu lists the one switch that is asked for.
        said.append(answer[0] if path.startswith("/v1.0") else answer)
    return said


def without(value, keys):
    """The same without these keys, wherever they are."""
    if isinstance(value, dict):
        return {key: without(item, keys) for key, item in value.items() if key not in keys}
    return [without(item, keys) for item in value] if isinstance(value, list) else value


def comparable(value):
    """Features of tables without the fields of Nicira's extension, for which godwit has numbers and os-ken has names;
    and matches of untagged packets without the priority of the tag that they don't have."""
    if isinstance(value, dict):
        value = {key: comparable(item) for key, item in value.items()}
        if "oxm_ids" in value:
            value["oxm_ids"] = [item for item in value["oxm_ids"] if item["type"] in BASIC]
        if value.get("dl_vlan") == 0xFFFF:
            value.pop("dl_vlan_pcp", None)
        return value
    return [comparable(item) for item in value] if isinstance(value, list) else value


def test_ryus_statistics_are_what_os_ken_makes_of_the_same_switches(network, api):
    asked = list(questions())
    before = answers(api, asked)
    theirs = ofctl.ask([network.switch("s1"), network.switch("s2")], [question for _, question, _ in asked])
    after = answers(api, asked)
    wrong = []
    for (path, _, body), *values in zip(asked, before, theirs, after):
        values = [without(comparable(ofctl.ordered(value)), KNOWN.get(path, ())) for value in values]
        wrong += [f"{path} {body or ''} {found}" for found in ofctl.differences(*values)]
    assert not wrong, "\n".join(wrong[:60])
    print(f"{len(asked)} addresses compared")


def test_ryus_topology_is_the_network(network, api):
    dpids = [f"{switch.number:016x}" for switch in network.switches]
    switches = get(api, "/v1.0/topology/switches")
    assert [switch["dpid"] for switch in switches] == dpids
    names = {(port["dpid"], port["port_no"]): port["name"] for switch in switches for port in switch["ports"]}
    assert names == {
        (f"{switch.number:016x}", f"{number:08x}"): f"{switch.name}-eth{number}"
        for switch in network.switches
        for number in (1, 2, 3)
    }
    links = get(api, "/v1.0/topology/links")

    def end(described):
        return int(described["dpid"], 16), int(described["port_no"], 16)

    ends = {(end(link["src"]), end(link["dst"])) for link in links}
    assert ends == network.links() and len(links) == len(ends)
    assert {link[side]["name"] for link in links for side in ("src", "dst")} < set(names.values())
    hosts = {host["mac"]: host for host in get(api, "/v1.0/topology/hosts")}
    assert {mac: end(host["port"]) for mac, host in hosts.items()} == network.attachments()
    assert {host.MAC(): [host.IP()] for host in network.hosts} == {mac: host["ipv4"] for mac, host in hosts.items()}
    assert {link["src"]["dpid"] for link in get(api, f"/v1.0/topology/links/{dpids[1]}")} == {dpids[1]}
    assert [host["port"]["dpid"] for host in get(api, f"/v1.0/topology/hosts/{dpids[2]}")] == [dpids[2]]
    assert get(api, "/v1.0/topology/switches/00000000000000ff") == []
    assert get(api, "/stats/switches") == [1, 2, 3]


def test_what_ryu_would_refuse_is_refused_in_its_way(network, api):  # pylint: disable=unused-argument
    wrong = {
        "/stats/flow/9": 404,
        "/stats/flow/s1": 400,
        "/stats/colours/1": 404,
        "/stats/port/1/x": 400,
        "/stats/desc/1/1": 404,
        "/v1.0/topology/switches/1": 404,
        "/v1.0/topology/colours": 404,
        "/wm/core/switch/00:00:00:00:00:00:00:09/flow/json": 404,
        "/wm/core/switch/nine/flow/json": 400,
        "/wm/core/switch/all/colours/json": 404,
        "/wm/core/switch/00:00:00:00:00:00:00:02/group/json": 501,
        **{f"/stats/{kind}/{V10}": 501 for kind in NOT_IN_10},
    }
    for path, status in wrong.items():
        response = api.request("GET", path)
        assert response.status_code == status, f"{path}: {response.status_code} {response.text}"
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json()["detail"]
    bodies = {
        "{": 400,
        '{"colour": 1}': 422,
        '{"match": {"nw_dst": "10.0.0.256"}}': 422,
        '{"match": {"tp_dst": 80}}': 422,
        '{"match": {"nw_src": "10.0.0.1", "ipv4_src": "10.0.0.2", "dl_type": 2048}}': 422,
        '{"priority": 70000}': 422,
        '{"out_port": "nowhere"}': 422,
    }
    for body, status in bodies.items():
        response = api.request("POST", f"/stats/flow/{V13}", data=body)
        assert response.status_code == status, f"{body}: {response.status_code} {response.text}"
    assert api.request("POST", f"/stats/port/{V13}", data="{}").status_code == 405


def colons(number):
    """A datapath id as Floodlight writes it."""
    return ":".join(f"{number:016x}"[index : index + 2] for index in range(0, 16, 2))


def test_floodlights_topology_is_the_network(network, api):
    switches = get(api, "/wm/core/controller/switches/json")
    assert {switch["switchDPID"]: switch["openFlowVersion"] for switch in switches} == {
        colons(1): "OF_13",
        colons(2): "OF_10",
        colons(3): "OF_13",
    }
    assert all(switch["inetAddress"].startswith("/127.0.0.1:") for switch in switches)
    summary = get(api, "/wm/core/controller/summary/json")
    assert summary == {"# Switches": 3, "# hosts": 3, "# inter-switch links": 3, "# quarantine ports": 0}
    links = get(api, "/wm/topology/links/json")
    assert len(links) == 3 and {link["direction"] for link in links} == {"bidirectional"}
    ends = [((link["src-switch"], link["src-port"]), (link["dst-switch"], link["dst-port"])) for link in links]
    assert {end for one, other in ends for end in ((one, other), (other, one))} == {
        tuple((colons(number), port) for number, port in link) for link in network.links()
    }
    assert len(get(api, "/wm/topology/directed-links/json")) == 6
    assert get(api, "/wm/topology/switchclusters/json") == {colons(1): [colons(1), colons(2), colons(3)]}
    memory = get(api, "/wm/core/memory/json")
    assert 0 < memory["free"] < memory["total"]
    assert get(api, "/wm/core/health/json") == {"healthy": True}
    assert get(api, "/wm/core/system/uptime/json")["systemUptimeMsec"] > 1000


def test_floodlights_statistics_are_those_of_the_switch(network, api):
    every = get(api, "/wm/core/switch/all/flow/json")
    assert set(every) == {colons(1), colons(2), colons(3)}
    for number in (V13, V10):
        flows = every[colons(number)]["flows"]
        rules = network.rules(f"s{number}")
        assert sorted(int(flow["cookie"]) for flow in flows) == sorted(rule.cookie for rule in rules)
        one = get(api, f"/wm/core/switch/{colons(number)}/flow/json")["flows"]
        assert len(one) == len(flows)
        sums = get(api, f"/wm/core/switch/{colons(number)}/aggregate/json")["aggregate"]
        assert int(sums["flow_count"]) == len(rules)
    service = {"eth_type": "0x800", "ip_proto": "0x6", "ipv4_src": "10.1.0.0/16", "ipv4_dst": "10.2.0.1"}
    service = {**service, "tcp_src": "5", "tcp_dst": "80"}
    for number, does in ((V13, "instructions"), (V10, "actions")):
        (flow,) = [flow for flow in every[colons(number)]["flows"] if flow["priority"] == "10"]
        actions = {"actions": "output=controller"}
        assert flow["match"] == service
        assert flow[does] == ({"instruction_apply_actions": actions} if number == V13 else actions)
        assert (flow["version"], flow["table_id"]) == ("OF_13" if number == V13 else "OF_10", "0x0")
    drops = [flow for flow in every[colons(V13)]["flows"] if flow["priority"] == "13"]
    assert [flow["instructions"] for flow in drops] == [{"none": "drop"}]
    ports = get(api, f"/wm/core/switch/{colons(V13)}/port/json")["port_reply"][0]["port"]
    sent = {port["port_number"]: int(port["transmit_packets"]) for port in ports}
    assert set(sent) == {"local", "1", "2", "3"} and sent["1"] > 0
    described = get(api, f"/wm/core/switch/{colons(V13)}/desc/json")["desc"]
    assert described["manufacturer_description"] == "Nicira, Inc."
    names = get(api, f"/wm/core/switch/{colons(V10)}/port-desc/json")["port_desc"]
    assert {port["name"] for port in names} == {"s2", "s2-eth1", "s2-eth2", "s2-eth3"}
    kinds = "table features queue group group-desc group-features meter meter-config meter-features"
    for kind in kinds.split():
        assert get(api, f"/wm/core/switch/{colons(V13)}/{kind}/json"), kind
    assert set(get(api, "/wm/core/switch/all/group/json")) == {colons(1), colons(3)}


def test_static_entries_are_listed_as_floodlights_pusher_lists_them(network, api):  # pylint: disable=unused-argument
    assert get(api, "/wm/staticentrypusher/list/all/json") == {}
    match = {"eth_type": 0x0800, "ipv4_dst": "10.7.0.0/16"}
    bodies = {V13: {"match": match, "actions": [{"type": "output", "port": 2}]}, V10: {"match": match, "actions": []}}
    made = {number: api.post(f"/switches/s{number}/rules", {"priority": 99, **body}) for number, body in bodies.items()}
    listed = get(api, "/wm/staticentrypusher/list/all/json")
    assert listed == get(api, "/wm/staticflowpusher/list/all/json")
    assert set(listed) == {colons(V13), colons(V10)}
    for number, does in ((V13, "instructions"), (V10, "actions")):
        ((name, entry),) = listed[colons(number)][0].items()
        assert name == str(made[number]["id"])
        assert entry["match"] == {"eth_type": "0x800", "ipv4_dst": "10.7.0.0/16"}
        assert (entry["priority"], int(entry["cookie"])) == ("99", int(made[number]["cookie"], 16))
        actions = {"actions": "output=2"}
        assert entry[does] == ({"instruction_apply_actions": actions} if number == V13 else {"none": "drop"})
    assert get(api, f"/wm/staticentrypusher/list/{colons(V10)}/json") == {colons(V10): listed[colons(V10)]}
    for number, entry in made.items():
        api.delete(f"/switches/s{number}/rules/{entry['id']}")
    assert get(api, f"/wm/staticentrypusher/list/{colons(V10)}/json") == {colons(V10): []}
    assert api.request("GET", "/wm/staticentrypusher/list/nine/json").status_code == 400


def pushed(network, switch):
    """The static entries on a switch: priority, match and actions of each."""
    return {(rule.priority, rule.match, rule.actions) for rule in network.rules(switch) if rule.cookie >> 32 == STATIC}


def client_call(api, method, data, path="/wm/staticentrypusher/json"):
    """A call as Floodlight's example client makes it: with the standard library, whole or not at all."""
    connection = http.client.HTTPConnection(api.url.removeprefix("http://"))
    headers = {"Content-type": "application/json", "Accept": "application/json"}
    connection.request(method, path, json.dumps(data), headers)
    response = connection.getresponse()
    answer = (response.status, json.loads(response.read()))
    connection.close()
    return answer


def test_entries_are_pushed_replaced_and_deleted_by_name_as_with_floodlight(network, api):
    flow = {
        "switch": colons(V13),
        "name": "flow-mod-1",
        "cookie": "0",
        "priority": "3000",
        "in_port": "1",
        "eth_type": "0x0800",
        "ip_proto": "0x06",
        "ipv4_dst": "10.9.0.0/16",
        "tp_dst": "80",
        "active": "true",
        "actions": "set_field=ipv4_dst->10.8.0.1,set_queue=1,output=2",
    }
    assert client_call(api, "POST", flow) == (200, {"status": "Entry pushed"})
    match = "tcp,in_port=1,nw_dst=10.9.0.0/16,tp_dst=80"
    ((priority, found, actions),) = pushed(network, "s1")
    assert (priority, set(found.split(",")), actions) == (
        3000,
        set(match.split(",")),
        "set_field:10.8.0.1->ip_dst,set_queue:1,output:2",
    )
    ((name, entry),) = get(api, "/wm/staticentrypusher/list/all/json")[colons(V13)][0].items()
    assert (name, entry["match"]["tcp_dst"]) == ("flow-mod-1", "80")
    # The same name again is another entry in its place, also where both are one to the switch.
    for actions, told in (("output=3", "output:3"), ("output=flood", "FLOOD"), ("", "drop")):
        assert client_call(api, "POST", {**flow, "actions": actions})[0] == 200
        assert [rule[2] for rule in pushed(network, "s1")] == [told]
    assert client_call(api, "POST", {**flow, "priority": "3001"})[0] == 200
    assert [rule[0] for rule in pushed(network, "s1")] == [3001]
    # What is refused leaves the old one.
    for wrong, status in (
        ({**flow, "actions": "explode"}, 422),
        ({**flow, "colour": "red"}, 422),
        ({**flow, "eth_type": None}, 422),
        ({**flow, "actions": "group=99"}, 422),
        ({**flow, "switch": colons(9)}, 404),
        ({key: value for key, value in flow.items() if key != "name"}, 422),
    ):
        assert client_call(api, "POST", wrong)[0] == status, wrong
        assert [rule[0] for rule in pushed(network, "s1")] == [3001]
    instructions = {
        "switch": colons(V13),
        "name": "second",
        "priority": "7",
        "instruction_goto_table": "1",
        "instruction_goto_meter": "meter_id=7",
        "instruction_write_actions": "output=controller",
    }
    old = {"switch": colons(V10), "name": "old", "priority": "9"}
    old |= {"eth_vlan_vid": "100", "actions": "strip_vlan,enqueue=1:0x01"}
    for body in (instructions, old):
        assert client_call(api, "POST", body, "/wm/staticflowpusher/json")[0] == 200
    assert (7, "", "meter:7,write_actions(CONTROLLER:65535),goto_table:1") in pushed(network, "s1")
    assert pushed(network, "s2") == {(9, "dl_vlan=100", "strip_vlan,enqueue:1:1")}
    for name in ("flow-mod-1", "second", "old"):
        assert client_call(api, "DELETE", {"name": name}) == (200, {"status": f"Entry {name} deleted"})
    assert client_call(api, "DELETE", {"name": "old"})[0] == 404
    assert pushed(network, "s1") == pushed(network, "s2") == set()


def test_entries_are_added_and_deleted_as_with_ryu(network, api):
    before = network.all_rules()

    def write(command, body):
        return api.request("POST", f"/stats/flowentry/{command}", data=json.dumps(body)).status_code

    # As in the documentation of ofctl_rest, but for what it matches.
    flow = {
        "dpid": V13,
        "cookie": 1,
        "cookie_mask": 1,
        "table_id": 0,
        "idle_timeout": 300,
        "hard_timeout": 300,
        "priority": 11111,
        "flags": 1,
        "match": {"in_port": 1, "dl_type": 2048, "nw_dst": "10.9.0.0/16"},
        "actions": [{"type": "OUTPUT", "port": 2}],
    }
    assert write("add", flow) == 200
    ((priority, match, actions),) = pushed(network, "s1")
    assert (priority, actions) == (11111, "output:2")
    assert sorted(match.split(",")) == ["in_port=1", "ip", "nw_dst=10.9.0.0/16"]
    address = {"type": "SET_FIELD", "field": "eth_dst", "value": "02:00:00:00:00:09"}
    assert write("add", {**flow, "actions": [address, {"type": "OUTPUT", "port": "LOCAL"}]}) == 200
    assert [rule[2] for rule in pushed(network, "s1")] == ["set_field:02:00:00:00:00:09->eth_dst,LOCAL"]
    meter = [{"type": "METER", "meter_id": 7}, {"type": "GOTO_TABLE", "table_id": 1}]
    assert write("add", {"dpid": V13, "priority": 5, "match": {"dl_vlan": 100}, "actions": meter}) == 200
    assert (5, "dl_vlan=100", "meter:7,goto_table:1") in pushed(network, "s1")
    arp = {"dl_type": 2054, "nw_src": "10.0.0.77"}
    enqueue = [{"type": "ENQUEUE", "port": 1, "queue_id": 1}]
    assert write("add", {"dpid": V10, "match": arp, "actions": enqueue}) == 200
    assert pushed(network, "s2") == {(0x8000, "arp,arp_spa=10.0.0.77", "enqueue:1:1")}
    for wrong, status in (
        ({**flow, "dpid": 9}, 404),
        ({**flow, "dpid": None}, 422),
        ({**flow, "colour": 1}, 422),
        ({**flow, "actions": [{"type": "EXPLODE"}]}, 422),
        ({**flow, "actions": [{"type": "OUTPUT"}]}, 422),
        ({**flow, "match": {"nw_dst": "10.0.0.1"}}, 422),
        ({**flow, "actions": [{"type": "GROUP", "group_id": 99}]}, 422),
    ):
        assert write("add", wrong) == status, wrong
    assert len(pushed(network, "s1")) == 2
    assert write("delete_strict", {**flow, "priority": 11112}) == 200
    assert len(pushed(network, "s1")) == 2
    assert write("delete_strict", flow) == 200
    assert {rule[0] for rule in pushed(network, "s1")} == {5}
    # Everything that is godwit's static entries, and nothing else.
    for dpid in (V13, V10):
        assert write("delete", {"dpid": dpid}) == 200
    assert network.all_rules() == before
