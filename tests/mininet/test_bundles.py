"""Rules that the controller sends to real switches in bundles, and without where a switch has none. At the end, what it
relies on in Open vSwitch."""

import threading
from contextlib import contextmanager

import pytest

from controller import Refused
from peer import Peer
from processes import wait_until
from routes import carriers, requests, udp_rules
from test_extensions import ATOMIC, BUNDLE, ORDERED, ask_for_step, everything, flow_mod, put, rule
from test_rollback import lift_limit, limit_table
from topologies import Abilene, Ring

# Both are on the way of the routes; s2 speaks OpenFlow 1.0.
NEW, OLD = "s7", "s2"
PATH = ["s4", "s7", "s8", "s11", "s2", "s1"]
COUNT = 20

# EXT-187's onf_flow_monitor_flags; OFPTT_ALL.
ADD, DELETE, EVERY_TABLE = 2, 4, 255

# Of flow-mods, and of actions.
RESET_COUNTS = 4
OFPP_TABLE = 0xFFFFFFF9


@pytest.fixture(name="abilene")
def fixture_abilene(settle):
    """Abilene with two switches that speak OpenFlow 1.0."""
    return settle(Abilene(), openflow10=("s2", "s9"))


@contextmanager
def watched(switch):
    """What happens to the entries of a switch in the meantime, each change by its event: a list, filled at the end."""
    changes = []
    with Peer(switch) as peer:
        monitor = {"monitor": 1, "flags": ADD | DELETE, "out_port": None, "table": EVERY_TABLE, "pattern": {}}
        peer.send("stats_request", {"more": False, "body": {"type": "flow_monitor", "body": [monitor]}})
        peer.settle()
        yield changes
        for kind, body in peer.settle():
            if kind == "stats":
                changes.extend(update["event"] for update in body["body"]["body"])


def ask_for_routes(api, network, count=COUNT):
    """So many routes from the first host to the second."""
    return api.post("/routes", requests(*network.hosts, count)[:count])


def rules_of(network, name):
    """How many entries a switch has."""
    return len(list(network.rules(name)))


@pytest.mark.parametrize("nth", [1, COUNT // 2, COUNT])
def test_a_table_that_is_full_at_the_nth_rule_takes_none_of_them(abilene, api, nth):
    switch = abilene.switch(NEW)
    limit_table(switch, rules_of(abilene, NEW) + nth - 1)
    with watched(switch) as changes:
        with pytest.raises(Refused, match="TABLES?_FULL"):
            ask_for_routes(api, abilene)
    assert changes == [], "not even for a moment"
    assert carriers(abilene) == {}
    lift_limit(switch)
    with watched(switch) as changes:
        ask_for_routes(api, abilene)
    assert changes == ["added"] * COUNT
    assert carriers(abilene) == {name: COUNT for name in PATH}


def test_a_full_table_of_a_switch_without_bundles_is_left_empty_too(abilene, api):
    switch = abilene.switch(OLD)
    limit_table(switch, rules_of(abilene, OLD) + COUNT // 2)
    with pytest.raises(Refused, match="TABLES?_FULL"):
        ask_for_routes(api, abilene)
    assert carriers(abilene) == {}
    lift_limit(switch)
    ask_for_routes(api, abilene)
    assert len(udp_rules(abilene, OLD)) == COUNT


def test_a_bundle_is_in_force_at_one_moment(abilene, api):
    switch = abilene.switch(NEW)
    count = 2000
    seen = set()
    with Peer(switch) as peer:
        everything = {"table": EVERY_TABLE, "pattern": {}, "out_port": None, "out_group": None}
        everything |= {"cookie": "0x0", "cookie_mask": 0}
        request = {"more": False, "body": {"type": "aggregate", "body": everything}}

        def entries():
            _, body = peer.ask("stats_request", request)
            return body["body"]["body"]["flows"]

        before = entries()
        asking = threading.Thread(target=ask_for_routes, args=(api, abilene, count))
        asking.start()
        while asking.is_alive():
            seen.add(entries())
        seen.add(entries())
    assert seen == {before, before + count}, sorted(seen)


@pytest.fixture(name="peer")
def fixture_peer(plain):
    """A bare connection to a switch with no rules."""
    switch = plain(Ring(3)).switch("s1")
    with Peer(switch) as peer:
        yield peer


def put_message(peer, message):
    """Put any message into the bundle."""
    xid = peer.next_xid()
    peer.send("bundle_add", {"bundle": BUNDLE, "flags": ATOMIC | ORDERED, "xid": xid, "message": message}, xid)


def send_a_packet(peer, in_port):
    """The switch handles a packet as if it came in there."""
    frame = "02000000000102000000000208004500001c000000004011000000000000000000000000000000080000"
    table = [{"type": "output", "port": OFPP_TABLE}]
    packet = {"buffer_id": None, "in_port": in_port, "actions": table, "data": frame}
    peer.send("packet_out", packet)


def statistics(peer):
    """The entries with their counters, by priority."""
    _, body = peer.ask("stats_request", {"more": False, "body": {"type": "flows", "body": everything()}})
    return {entry["rule"]["priority"]: entry for entry in body["body"]["body"]}


def test_open_vswitch_commits_the_rest_when_it_refused_a_message_that_was_added(peer):
    # This is why the controller commits only when a barrier has shown that nothing was refused.
    ask_for_step(peer, "open")
    for priority, output in ((10, 2), (20, 0xFFFFFF01), (30, 2)):
        put(peer, "add", rule(priority, {"in_port": 1}, output))
    ((kind, _),) = peer.settle()
    assert kind == "error"
    ask_for_step(peer, "commit")
    assert set(statistics(peer)) == {10, 30}


def test_a_group_may_come_with_the_rule_that_uses_it(peer):
    ask_for_step(peer, "open")
    buckets = [{"weight": 0, "watch_port": None, "watch_group": None, "actions": [{"type": "output", "port": 2}]}]
    group = {"command": "add", "group_type": "all", "group": 5, "buckets": buckets}
    put_message(peer, {"type": "group_mod", "body": group})
    entry = rule(10, {"in_port": 1}, 2)
    entry["instructions"] = [{"type": "apply_actions", "actions": [{"type": "group", "group": 5}]}]
    put(peer, "add", entry)
    assert peer.settle() == []
    ask_for_step(peer, "commit")
    assert set(statistics(peer)) == {10}


def test_a_rule_changed_in_a_bundle_goes_on_counting_unless_it_is_told_not_to(peer):
    for priority in (10, 20):
        peer.send("flow_mod", flow_mod("add", rule(priority, {"in_port": priority // 10}, 2)))
        send_a_packet(peer, priority // 10)
    assert peer.settle() == []
    wait_until(lambda: [entry["packets"] for entry in statistics(peer).values()] == [1, 1], 5, "both counted")
    ask_for_step(peer, "open")
    put(peer, "modify_strict", rule(10, {"in_port": 1}, 3))
    put(peer, "modify_strict", {**rule(20, {"in_port": 2}, 3), "flags": RESET_COUNTS})
    ask_for_step(peer, "commit")
    counted = statistics(peer)
    assert (counted[10]["packets"], counted[20]["packets"]) == (1, 0)
