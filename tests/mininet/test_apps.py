"""Control apps as they are listed, disabled and enabled, and the access list, on real switches of both versions."""

import pytest

from controller import Controller, Refused
from network import GodwitNetwork
from processes import wait_until
from topologies import Abilene, Ring

ACL = 0x60D1_0004
PING = {"eth_type": 0x0800, "ip_proto": 1}


def deny(match, priority=10):
    """A rule of the access list."""
    return {"priority": priority, "match": match, "action": "deny"}


def held(network):
    """How many entries of the access list the switches hold; one number if all hold as many."""
    return {sum(rule.cookie >> 32 == ACL for rule in network.rules(node.name)) for node in network.switches}


@pytest.fixture
def ring(settle):
    """Five switches in a ring, of which two speak OpenFlow 1.0."""
    return settle(Ring(5), openflow10=("s2", "s4"))


def test_what_is_denied_is_dropped_by_every_switch_and_passes_again_afterwards(ring, api):
    assert ring.ping_all(wait_s=5) == 0
    made = api.post("/acl", deny(PING))
    assert held(ring) == {1}
    assert ring.ping_all(wait_s=1) == 100
    api.delete(f"/acl/{made['id']}")
    assert held(ring) == {0}
    assert ring.ping_all(wait_s=5) == 0


def test_an_address_is_cut_out_of_what_is_denied(ring, api):
    allowed, other, *_ = ring.hosts
    source = {"eth_type": 0x0800, "ipv4_src": f"{allowed.IP()}"}
    network = {"eth_type": 0x0800, "ipv4_src": "10.0.0.0/28"}
    api.post("/acl", [deny(network), {"priority": 20, "match": source, "action": "allow"}])
    assert held(ring) == {4}
    # The answers of the other are denied, those of the allowed host are not.
    assert "100% packet loss" in allowed.cmd(f"ping -c1 -W1 {other.IP()}")
    sees = other.popen(["timeout", "5", "tcpdump", "-c1", "-n", "icmp", "and", "src", allowed.IP()])
    allowed.cmd(f"ping -c3 -i0.5 -W1 {other.IP()}")
    assert sees.wait() == 0


def test_a_disabled_list_denies_nothing_and_no_switch_is_dropped(ring, api):
    since = {switch["dpid"]: switch["connected_at"] for switch in api.get("/switches")}
    api.post("/acl", deny(PING))
    app = api.call("PUT", "/apps/acl/enabled", False)
    assert (app["enabled"], app["rules"], app["pending"]) == (False, 0, [])
    assert held(ring) == {0}
    assert ring.ping_all(wait_s=5) == 0
    with pytest.raises(Refused):
        api.get("/acl")
    app = api.call("PUT", "/apps/acl/enabled", {"enabled": True})
    assert (app["enabled"], app["rules"]) == (True, 5)
    assert held(ring) == {1}
    assert {switch["dpid"]: switch["connected_at"] for switch in api.get("/switches")} == since
    for needed in ("routing", "migration", "entries", "drains"):
        with pytest.raises(Refused) as refused:
            api.call("PUT", f"/apps/{needed}/enabled", False)
        assert "can't be disabled" in refused.value.problem()["detail"]


def test_a_migration_finds_the_access_list_where_the_work_goes(settle, api):
    network = settle(Abilene())
    assert network.ping_all(wait_s=5) == 0
    # It stands above all routes and overlaps them.
    api.post("/acl", deny({"eth_type": 0x0800, "ip_proto": 17, "udp_dst": 9}))
    assert held(network) == {1}
    migration = api.migrate("s7", "s6")
    assert migration["state"] == "committed", migration
    wait_until(lambda: held(network) == {1}, 10, "the access list on every switch")
    assert network.ping_all(wait_s=5) == 0


def test_an_app_that_panics_on_every_packet_harms_no_other():
    with Controller(openflow_port=0, http_port=0, name="godwit-panicking") as controller:
        api = controller.api

        def panicking():
            apps = {app["name"]: app for app in api.get("/apps")}
            assert all(app["enabled"] and app["panics"] == 0 for name, app in apps.items() if name != "panicking")
            return apps["panicking"]

        with GodwitNetwork(Ring(5), controller.openflow_port, openflow10=("s2", "s4")) as network:
            api.wait_for_network(network)
            since = {switch["dpid"]: switch["connected_at"] for switch in api.get("/switches")}
            assert network.ping_all(wait_s=5) == 0
            before = panicking()["panics"]
            assert before > 0
            # After five panics within a minute it is disabled. It may be enabled, and has learnt nothing.
            api.call("PUT", "/apps/panicking/enabled", True)
            first, *_, last = network.hosts
            for host in network.hosts:
                api.delete(f"/hosts/{host.MAC()}")
            wait_until(lambda: api.get("/routes") == [], 5, "their routes gone")
            assert network.ping_all(wait_s=5) == 0
            assert "0% packet loss" in first.cmd(f"ping -c5 -i0.2 {last.IP()}")
            assert panicking()["panics"] > before
            assert {switch["dpid"]: switch["connected_at"] for switch in api.get("/switches")} == since
            assert "a packet from" in controller.log()
