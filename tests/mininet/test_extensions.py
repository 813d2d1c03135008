"""What experimenters added to OpenFlow, on real switches: bundles, flow monitors, roles, and flow entries with their
ages. The messages are the project's own; what they did is read with `ovs-ofctl`."""

import time
from contextlib import ExitStack

import pytest

from peer import Peer
from topologies import Ring

ATOMIC, ORDERED = 1, 2
INITIAL, ADD, DELETE, MODIFY, ACTIONS, OWN = (1 << bit for bit in range(6))

# OFPET_EXPERIMENTER; OFPET_BAD_REQUEST with 1.3's OFPBRC_IS_SLAVE and 1.0's OFPBRC_EPERM.
EXPERIMENTER_ERROR = 0xFFFF
BAD_REQUEST, IS_SLAVE, EPERM = 1, 10, 5

BUNDLE = 7


@pytest.fixture(name="network")
def fixture_network(plain):
    """Switches with no rules: s1 and s2 speak 1.3, s3 speaks 1.0."""
    return plain(Ring(3), openflow10=("s3",))


@pytest.fixture(name="connect_to")
def fixture_connect_to(network):
    """Opens bare connections to the switches."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(Peer(network.switch(name)))


def rule(priority, pattern, output, cookie=0):
    """A permanent flow entry of table 0 that sends out of one port."""
    return {
        "table": 0,
        "priority": priority,
        "pattern": pattern,
        "cookie": f"{cookie:#x}",
        "instructions": [{"type": "apply_actions", "actions": [{"type": "output", "port": output}]}],
        "idle_timeout": 0,
        "hard_timeout": 0,
        "flags": 0,
    }


def flow_mod(command, entry):
    """The body of a FLOW_MOD without conditions."""
    unconditional = {"cookie_mask": 0, "buffer_id": None, "out_port": None, "out_group": None}
    return {"command": command, "rule": entry, **unconditional}


def everything():
    """A filter that lets every flow entry pass."""
    nothing = {"out_port": None, "out_group": None, "cookie": "0x0", "cookie_mask": 0}
    return {"table": 255, "pattern": {}, **nothing}


def step(name):
    """The body of a step in the life of the bundle."""
    return {"bundle": BUNDLE, "step": name, "flags": ATOMIC | ORDERED}


def put(peer, command, entry):
    """Put a change of the flow table into the bundle."""
    message = {"type": "flow_mod", "body": flow_mod(command, entry)}
    xid = peer.next_xid()
    body = {"bundle": BUNDLE, "flags": ATOMIC | ORDERED, "xid": xid, "message": message}
    peer.send("bundle_add", body, xid)


def ask_for_step(peer, name):
    """The switch does this step."""
    kind, answer = peer.ask("bundle_control", step(f"{name}_request"))
    assert (kind, answer["bundle"], answer["step"]) == ("bundle_control", BUNDLE, f"{name}_reply"), (kind, answer)


def priorities(network, switch):
    """Of the entries that the switch has."""
    return sorted(rule.priority for rule in network.rules(switch))


def test_a_bundle_is_put_in_force_as_a_whole_when_it_is_committed(network, connect_to):
    peer = connect_to("s1")
    ask_for_step(peer, "open")
    for priority in (10, 20, 30):
        put(peer, "add", rule(priority, {"in_port": 1}, 2))
    put(peer, "delete_strict", rule(20, {"in_port": 1}, 2))
    ask_for_step(peer, "close")
    assert priorities(network, "s1") == []
    ask_for_step(peer, "commit")
    assert priorities(network, "s1") == [10, 30]


def test_a_discarded_bundle_leaves_nothing(network, connect_to):
    peer = connect_to("s1")
    ask_for_step(peer, "open")
    put(peer, "add", rule(10, {"in_port": 1}, 2))
    ask_for_step(peer, "discard")
    assert peer.settle() == []
    assert priorities(network, "s1") == []


def test_a_bundle_with_one_entry_that_is_refused_changes_nothing(network, connect_to):
    peer = connect_to("s1")
    ask_for_step(peer, "open")
    put(peer, "add", rule(10, {"in_port": 1}, 2))
    overlapping = {**rule(10, {"eth_type": 0x0800}, 2), "flags": 2}
    put(peer, "add", overlapping)
    kind, body = peer.ask("bundle_control", step("commit_request"))
    assert (kind, body["error_type"]) == ("error", EXPERIMENTER_ERROR), body
    assert priorities(network, "s1") == []


def updates(received):
    """Those that flow monitors sent, in order."""
    return [update for kind, body in received if kind == "stats" for update in body["body"]["body"]]


def short(update):
    """What has happened to which entry."""
    return update["event"], update["priority"], update["pattern"], update["instructions"]


def test_a_flow_monitor_reports_what_somebody_else_adds_changes_and_deletes(network, connect_to):
    switch, peer = network.switch("s1"), connect_to("s1")
    switch.ofctl("add-flow", "priority=5,actions=output:1")
    everywhere = {"out_port": None, "table": 255}
    flags = ADD | DELETE | MODIFY | ACTIONS
    monitors = [
        {"monitor": 1, "flags": INITIAL | flags, "pattern": {"eth_type": 0x0800}, **everywhere},
        {"monitor": 2, "flags": INITIAL | ADD, "pattern": {}, **everywhere},
    ]
    xid = peer.send("stats_request", {"more": False, "body": {"type": "flow_monitor", "body": monitors}})
    _, first = peer.answer(xid)
    assert [short(update) for update in first["body"]["body"]] == [("added", 5, {}, [])]

    switch.ofctl("add-flow", "priority=9,cookie=0x77,idle_timeout=60,ip,in_port=1,actions=output:2")
    switch.ofctl("mod-flows", "ip,actions=output:3")
    switch.ofctl("del-flows", "ip")
    match = {"eth_type": 0x0800, "in_port": 1}
    to = lambda port: [{"type": "apply_actions", "actions": [{"type": "output", "port": port}]}]
    seen = []
    while not seen or seen[-1]["event"] != "deleted":
        seen += updates([(message["type"], message["body"]) for _, message in [peer.receive()]])
    assert [short(update) for update in seen] == [
        ("added", 9, match, to(2)),
        ("modified", 9, match, to(3)),
        ("deleted", 9, match, to(3)),
    ]
    assert {(update["cookie"], update["idle_timeout"], update["table"]) for update in seen} == {
        ("0x0000000000000077", 60, 0)
    }

    peer.send("flow_monitor_cancel", 1)
    peer.send("flow_monitor_cancel", 2)
    assert peer.settle() == []
    switch.ofctl("add-flow", "priority=9,ip,actions=output:2")
    assert peer.settle() == []


def test_a_flow_monitor_says_ones_own_changes_in_short(connect_to):
    peer = connect_to("s1")
    monitor = {"monitor": 1, "flags": ADD, "out_port": None, "table": 255, "pattern": {}}
    assert peer.ask("stats_request", {"more": False, "body": {"type": "flow_monitor", "body": [monitor]}})[0] == "stats"
    xid = peer.send("flow_mod", flow_mod("add", rule(10, {"in_port": 1}, 2)))
    assert updates(peer.settle()) == [{"type": "abbreviated", "xid": xid}]


@pytest.mark.parametrize(
    ("name", "generation", "refusal"),
    [("s1", 1, (BAD_REQUEST, IS_SLAVE)), ("s3", None, (BAD_REQUEST, EPERM))],
    ids=["1.3", "1.0"],
)
def test_a_controller_that_is_master_changes_rules_and_one_that_is_slave_does_not(
    network, connect_to, name, generation, refusal
):
    peer = connect_to(name)
    for wish in ("master", "slave", "equal"):
        role = {"role": wish, "generation": generation}
        assert peer.ask("role_request", role) == ("role", role)
        before = priorities(network, name)
        priority = 10 + len(before)
        peer.send("flow_mod", flow_mod("add", rule(priority, {"in_port": 1}, 2)))
        refused = [(body["error_type"], body["code"]) for kind, body in peer.settle() if kind == "error"]
        allowed = wish != "slave"
        assert refused == ([] if allowed else [refusal])
        assert priorities(network, name) == (before + [priority] if allowed else before)


def test_flow_entries_of_1_0_have_ages_and_rich_matches(network, connect_to):
    switch, peer = network.switch("s3"), connect_to("s3")
    peer.send("set_flow_age")
    first = "priority=5,cookie=0x77,idle_timeout=60,in_port=1,tcp6,ipv6_dst=2001:db8::/32"
    switch.ofctl("add-flow", f"{first},actions=output:2")
    switch.ofctl("add-flow", "priority=4,cookie=0x78,dl_vlan=7,dl_vlan_pcp=3,reg0=5,actions=output:1")
    time.sleep(1.2)
    switch.ofctl("mod-flows", "cookie=0x78/-1,actions=output:2")

    def dump(condition):
        filtered = {"type": "aged_flows", "body": {**everything(), **condition}}
        kind, answer = peer.ask("stats_request", {"more": False, "body": filtered})
        assert kind == "stats", answer
        return answer["body"]["body"]

    entries = {entry["rule"]["priority"]: entry for entry in dump({})}
    assert sorted(entries) == priorities(network, "s3") == [4, 5]
    idle, changed = entries[5], entries[4]
    assert idle["rule"]["pattern"] == {
        "in_port": 1,
        "eth_type": 0x86DD,
        "ip_proto": 6,
        "ipv6_dst": "2001:db8::/32",
    }
    assert changed["rule"]["pattern"].items() >= {"vlan_vid": 7, "vlan_pcp": 3}.items()
    assert len(changed["rule"]["pattern"]) == 3, "the register is there too"
    assert 1 <= idle["idle_age"] <= 3 and 1 <= idle["hard_age"] <= 3
    assert changed["hard_age"] == 0 and changed["duration_ns"] > 1e9
    assert (idle["packets"], idle["bytes"]) == (0, 0)

    named = dump({"cookie": "0x78", "cookie_mask": 0xFF})
    assert [entry["rule"]["priority"] for entry in named] == [4]
    to_2 = dump({"out_port": 2, "pattern": idle["rule"]["pattern"]})
    assert [entry["rule"]["priority"] for entry in to_2] == [5]
    assert dump({"out_port": 3}) == []
