"""What isn't a plain cable between two switches: parallel cables, bridges that speak no OpenFlow, one direction alone; what
links cost; hosts with several addresses and VLANs; and what is gone."""

import ipaddress
import time

import pytest
from mininet.topo import Topo

from controller import Controller
from host_frames import BROADCAST, LLDP_ADDRESS, counted, ethernet, first_frame_at, first_frame_into, send_frame
from network import GodwitNetwork
from nodes import PlainSwitch
from openflow import mac
from processes import wait_until

SETTINGS = """
[topology]
link_probe_s = 1
host_silence_s = 10
"""
ARP = 0x0806
IPV6 = 0x86DD
REQUEST, REPLY = 1, 2
# How the part of a discovery frame begins that godwit has signed: for a cable, and for everybody.
FOR_CABLE, FOR_EVERYBODY = bytes.fromhex("fe2802677701"), bytes.fromhex("fe2802677702")


class Mixed(Topo):
    """Two cables between s1 and s2. The bridge b1 joins s1, s2 and s3, and has a host, h5. The bridge b2 between s2 and s4
    looks like a cable. Each switch has a host with its number."""

    def build(self):
        switches = {number: self.addSwitch(f"s{number}", dpid=f"{number:x}") for number in range(1, 5)}
        segment = self.addSwitch("b1", cls=PlainSwitch)
        cable = self.addSwitch("b2", cls=PlainSwitch, passes_lldp=True)
        for number, switch in switches.items():
            self.addLink(self.addHost(f"h{number}"), switch)
        self.addLink(self.addHost("h5"), segment)
        for _ in range(2):
            self.addLink(switches[1], switches[2])
        for number in (1, 2, 3):
            self.addLink(switches[number], segment)
        for number in (2, 4):
            self.addLink(switches[number], cable)


class Other(Topo):
    """A network with one datapath id of the first, and other hosts that have the addresses of the first's."""

    def build(self):
        switches = [self.addSwitch(f"s{number}", dpid=f"{number:x}") for number in (1, 8)]
        for number, switch in enumerate(switches, start=1):
            address = {"ip": f"10.0.0.{number}/8", "mac": f"02:00:00:00:00:0{number}"}
            self.addLink(self.addHost(f"x{number}", **address), switch)
        self.addLink(*switches)


@pytest.fixture(scope="module")
def controller(tmp_path_factory):
    """A controller that gives up soon what is silent."""
    path = tmp_path_factory.mktemp("godwit") / "godwit.toml"
    path.write_text(SETTINGS)
    with Controller(openflow_port=0, http_port=0, arguments=("--config", str(path))) as running:
        yield running


@pytest.fixture(scope="module")
def network(controller):  # pylint: disable=redefined-outer-name
    """The network of all tests but the last."""
    with GodwitNetwork(Mixed(), controller.openflow_port) as built:
        built.wait_connected()
        wait_until(lambda: links(controller.api) == all_links(built), 10, "all links known")
        assert built.ping_all() == 0
        yield built


def ends(network, first, second):  # pylint: disable=redefined-outer-name
    """The ports of the first switch at its cables to the second, as (datapath id, port)."""
    found = []
    for link in network.mininet.linksBetween(network.mininet[first], network.mininet[second]):
        here = link.intf1 if link.intf1.node.name == first else link.intf2
        found.append((here.node.number, here.node.ports[here]))
    return sorted(found)


def all_links(network):  # pylint: disable=redefined-outer-name
    """The links that there are, and whether they are indirect."""
    both = list(zip(ends(network, "s1", "s2"), ends(network, "s2", "s1")))
    both += [(ends(network, "s2", "b2")[0], ends(network, "s4", "b2")[0])]
    found = {(a, b, False) for one, other in both for a, b in ((one, other), (other, one))}
    segment = [ends(network, f"s{number}", "b1")[0] for number in (1, 2, 3)]
    return found | {(a, b, True) for a in segment for b in segment if a != b}


def end(of_link):
    """An end of a link in the form of `ends`."""
    return int(of_link["dpid"], 16), of_link["port"]


def links(api, only=lambda link: True):
    """The links that the controller knows, in the form of `all_links`."""
    known = (link for link in api.get("/links") if only(link))
    return {(end(link["src"]), end(link["dst"]), link["indirect"]) for link in known}


def arp(operation, sender, address, target, vlan=None):
    """An ARP message from a host that says that it has an address, about another address."""
    body = bytes.fromhex("000108000604") + operation.to_bytes(2, "big") + mac(sender.MAC())
    body += ipaddress.ip_address(address).packed + bytes(6) + ipaddress.ip_address(target).packed
    if vlan is None:
        return ethernet(BROADCAST, sender.MAC(), ARP, body)
    return ethernet(BROADCAST, sender.MAC(), 0x8100, vlan.to_bytes(2, "big") + ARP.to_bytes(2, "big") + body)


def ipv6(sender, address):
    """A packet without content from an IPv6 address."""
    head = bytes.fromhex("60000000" "0000" "3b" "40") + ipaddress.ip_address(address).packed
    return ethernet("33:33:00:00:00:01", sender.MAC(), IPV6, head + ipaddress.ip_address("ff02::1").packed)


def known_host(api, host):
    """What the controller says of a host; None if it doesn't know it."""
    return next((known for known in api.get("/hosts") if known["mac"] == host.MAC()), None)


def test_every_link_is_known_for_what_it_is(network, api):
    assert links(api) == all_links(network)
    assert not any(link["one_way"] for link in api.get("/links"))
    assert {(link["indirect"], link["cost"]) for link in api.get("/links")} == {(False, 1), (True, 10)}
    # The segment is one place, to which s3 is joined by its port alone.
    segment = [ends(network, f"s{number}", "b1")[0] for number in (1, 2, 3)]
    tree = {end(link["src"]) for link in api.get("/links") if link["broadcast"]}
    cables = ends(network, "s1", "s2")
    assert len(tree & set(cables)) == 1, "one of two parallel cables"
    assert segment[2] in tree and len(tree & set(segment)) == 2, "s1 and s2 are joined already"


def test_a_broadcast_comes_to_every_host_once_with_bridges_between(network, api):  # pylint: disable=unused-argument
    for sender in network.hosts:
        others = [host for host in network.hosts if host is not sender]
        marked = mac(sender.MAC()) + b"one of many"
        with counted(others, marked) as counts:
            send_frame(sender, ethernet(BROADCAST, sender.MAC(), 0x88B5, marked), count=20)
            time.sleep(0.5)
        assert counts == {host.name: 20 for host in others}


def test_hosts_behind_a_bridge_are_known_at_one_place_and_reached(network, api):
    lowest = ends(network, "s1", "b1")[0]
    attachments = network.attachments() | {network.host("h5").MAC(): lowest}
    assert api.attachments() == attachments
    for name in ("h1", "h2", "h3", "h4"):
        marked = b"to the bridge" + name.encode()
        with counted([network.host("h5")], marked) as counts:
            frame = ethernet(network.host("h5").MAC(), network.host(name).MAC(), 0x88B5, marked)
            send_frame(network.host(name), frame, count=50)
            time.sleep(0.3)
        assert counts == {"h5": 50}


def test_frames_for_everybody_have_the_same_proof(network, api, controller):  # pylint: disable=unused-argument
    def raises_an_alarm(host, frame):
        alarms = api.metric("godwit_alarms_total")
        send_frame(host, frame)
        wait_until(lambda: api.metric("godwit_alarms_total") > alarms, 3, "an alarm")
        assert links(api) == all_links(network)
        # One port raises an alarm a second.
        time.sleep(1)

    bridged, edge = network.host("h5"), network.host("h4")
    genuine = first_frame_at(bridged, FOR_EVERYBODY)
    raises_an_alarm(edge, genuine)
    changed = bytearray(genuine)
    changed[-20] ^= 1
    raises_an_alarm(bridged, bytes(changed))
    cable = first_frame_into(str(network.interface("s2", "s1")), FOR_CABLE)
    assert cable[:6] == mac(LLDP_ADDRESS)
    raises_an_alarm(bridged, mac(BROADCAST) + cable[6:])
    assert network.ping_all() == 0


def test_a_link_of_which_one_direction_is_gone_is_shown_and_not_used(network, controller, api):
    here, there = ends(network, "s2", "b2")[0], ends(network, "s4", "b2")[0]
    bridge = network.mininet["b2"]
    into = next(link for link in network.mininet.linksBetween(network.mininet["s4"], bridge))
    port = bridge.ports[into.intf1 if into.intf1.node is bridge else into.intf2]
    query = f"/paths?from={network.host('h1').MAC()}&to={network.host('h4').MAC()}"
    assert len(api.get(query)) == 1
    bridge.ofctl("add-flow", f"priority=100,in_port={port},actions=drop")
    began = time.monotonic()
    wait_until(lambda: (there, here, False) not in links(api), 15, "one direction gone")
    print(f"given up after {time.monotonic() - began:.1f} s")
    assert links(api) == all_links(network) - {(there, here, False)}
    assert links(api, lambda link: link["one_way"]) == {(here, there, False)}
    assert api.request("GET", "/v1" + query).status_code == 422
    listing = controller.command("links").stdout.splitlines()
    assert sum(line.rstrip().endswith("one way") for line in listing) == 1
    bridge.ofctl("del-flows", f"in_port={port}")
    wait_until(lambda: links(api) == all_links(network), 10, "both directions")
    wait_until(lambda: network.ping_all() == 0, 10, "every host reached again")


def test_what_links_cost_decides_where_paths_go(network, api):
    first, second = network.host("h1"), network.host("h2")

    def path():
        [found] = api.get(f"/paths?from={first.MAC()}&to={second.MAC()}")
        return found["cost"], found["hops"][0]["out_port"]

    def put(url, body):
        return api.request("PUT", "/v1" + url, json=body).status_code

    (_, one), (_, other) = ends(network, "s1", "s2")
    [(_, bridge)] = ends(network, "s1", "b1")
    assert path() == (1, one)
    revision = api.get("/topology")["revision"]
    assert put(f"/switches/s1/ports/{one}/cost", {"cost": 7}) == 204
    assert path() == (1, other)
    assert api.get("/topology")["revision"] > revision
    far = {"dpid": "s2", "port": ends(network, "s2", "s1")[1][1]}
    link = {"src": far, "dst": {"dpid": "s1", "port": other}}
    assert put("/links/cost", {**link, "cost": 50}) == 204
    assert path() == (7, one)
    assert put(f"/switches/s1/ports/{one}/cost", {"cost": 60}) == 204
    assert path() == (10, bridge)
    for body, status in (({"cost": 0}, 422), ({"cost": 70000}, 422), ({}, 422), ({"cost": 1, "bost": 1}, 422)):
        assert put(f"/switches/s1/ports/{one}/cost", body) == status
    assert put("/switches/s1/ports/77/cost", {"cost": 1}) == 404
    assert put("/links/cost", {**link, "cost": None}) == 204
    assert put(f"/switches/s1/ports/{one}/cost", {"cost": None}) == 204
    assert path() == (1, one)


def test_a_host_has_several_addresses_and_vlans_and_is_answered_for_in_its_vlan(network, api):
    host, asker = network.host("h1"), network.host("h3")
    for frame in (
        arp(REPLY, host, "10.0.7.1", "10.0.7.1"),
        arp(REPLY, host, "10.0.10.1", "10.0.10.1", vlan=10),
        arp(REPLY, host, "10.0.20.1", "10.0.20.1", vlan=20),
        ipv6(host, "fe80::7"),
        ipv6(host, "2001:db8::7"),
    ):
        send_frame(host, frame)
    wanted = {"ipv4": {"10.0.0.1", "10.0.7.1", "10.0.10.1", "10.0.20.1"}, "ipv6": {"fe80::7", "2001:db8::7"}}
    wanted["vlans"] = {10, 20}

    def known():
        found = known_host(api, host)
        return {key: set(found[key]) for key in wanted}

    wait_until(lambda: known() == wanted, 5, "all addresses and VLANs")

    # The answer is in the VLAN of the question, and there is one only in the VLAN of the address.
    reply = ARP.to_bytes(2, "big") + bytes.fromhex("0001080006040002") + mac(host.MAC())
    for vlan, answers in ((10, 1), (20, 0), (None, 0)):
        tag = bytes.fromhex("8100") + vlan.to_bytes(2, "big") if vlan else b""
        with counted([asker], mac(host.MAC()) + tag + reply) as counts:
            send_frame(asker, arp(REQUEST, asker, "10.0.10.3", "10.0.10.1", vlan))
            time.sleep(0.3)
        assert counts == {asker.name: answers}, vlan


def test_a_host_that_is_deleted_is_gone_with_its_routes_until_it_speaks(network, api):
    host = network.host("h4")
    assert network.ping_all() == 0

    def routes():
        return [route for route in api.get("/routes") if host.MAC() in (route["from"], route["to"])]

    assert routes()
    assert api.request("DELETE", f"/v1/hosts/{host.MAC()}").status_code == 204
    assert known_host(api, host) is None
    assert api.request("DELETE", f"/v1/hosts/{host.MAC()}").status_code == 404
    assert api.request("DELETE", "/v1/hosts/nobody").status_code == 404
    wait_until(lambda: not routes(), 5, "its routes gone")
    # A switch goes through its cache later than it confirms: the first packets may still meet what was there before.
    wait_until(lambda: network.ping_all() == 0, 10, "every host reached")
    assert known_host(api, host) is not None and routes()


def test_a_host_that_answers_no_more_is_forgotten_and_others_stay(network, api):
    network.ping_all()
    silent = network.host("h4")
    everybody = {host.MAC() for host in network.hosts}
    silent.cmd("sysctl -qw net.ipv4.conf.all.arp_ignore=8")
    began = time.monotonic()
    wait_until(lambda: known_host(api, silent) is None, 20, "the silent host forgotten")
    print(f"forgotten after {time.monotonic() - began:.1f} s")
    assert time.monotonic() - began > 9
    time.sleep(1)
    assert {known["mac"] for known in api.get("/hosts")} == everybody - {silent.MAC()}
    silent.cmd("sysctl -qw net.ipv4.conf.all.arp_ignore=0")
    assert network.ping_all() == 0
    assert known_host(api, silent) is not None


def test_another_network_shows_nothing_of_the_one_before_within_five_seconds(network, controller, api):
    revision = api.get("/topology")["revision"]
    network.__exit__(None, None, None)
    with GodwitNetwork(Other(), controller.openflow_port) as other:
        other.wait_connected()
        began = time.monotonic()

        def is_clean():
            topology = api.get("/topology")
            macs = {host["mac"] for host in topology["hosts"]}
            return (
                {int(switch, 16) for switch in topology["switches"]} == {1, 8}
                and api.links() == other.links()
                and macs <= set(other.attachments())
            )

        wait_until(is_clean, 10, "the new network and nothing else")
        took = time.monotonic() - began
        print(f"clean {took:.2f} s after the new switches had connected")
        assert took < 5
        assert {int(switch["dpid"], 16) for switch in api.get("/switches")} == {1, 8}
        assert other.ping_all() == 0
        assert api.attachments() == other.attachments()
        time.sleep(max(0, 5 - (time.monotonic() - began)))
        assert is_clean()
        assert api.attachments() == other.attachments()
        assert api.get("/topology")["revision"] > revision
