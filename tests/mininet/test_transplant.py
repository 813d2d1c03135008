"""Whole switches: everything that a switch holds is taken over by the one beside it, whoever wrote it."""

import time

import pytest

from controller import Refused
from processes import wait_until
from routes import FIRST_PORT
from traffic import BothWays
from transplants import KINDS, KINDS10, SOURCE, TARGET, Twins, entries, fill, packets, translated

RATE = 4000
LEAD_S = 1.0

# What the source forwards between its reading and the cut of its rules is counted nowhere by `move`.
READING_S = 0.25


@pytest.fixture
def twins(connect, api):
    """A network whose source is full of rules of these kinds."""

    def build(kinds, topo=None, **options):
        network = connect(topo or Twins(), **options)
        api.wait_for_network(network)
        network.static_arp()
        fill(network, kinds)
        return network

    return build


def migrate_under_traffic(api, network, algorithm, flows, **options):
    """The migration, and what the hosts saw of it."""
    with BothWays(*network.hosts, FIRST_PORT, RATE, flows=flows) as traffic:
        time.sleep(LEAD_S)
        body = {"source": SOURCE, "target": TARGET, "algorithm": algorithm, **options}
        migration = api.wait_for_migration(api.post("/migrations", body)["id"])
        time.sleep(LEAD_S)
    assert traffic.outcome.receiver_drops == 0
    return migration, traffic


def assert_counted(network, migration, traffic, flows, gap_s=0, before=None):
    """What the source had counted, beyond what it had counted `before`, and what the target counts is what the hosts
    received, rule by rule; but for what came within `gap_s`."""
    first, second = network.hosts
    received = {
        (host.IP(), FIRST_PORT + flow): outcome.received_by_flow[flow]
        for host, outcome in ((second, traffic.there), (first, traffic.back))
        for flow in range(flows)
    }
    carried = {}
    for counter in migration["carried"]:
        match = counter["match"]
        if "udp_dst" in match:
            carried[(match["ipv4_dst"], match["udp_dst"])] = counter["packets"]

    def counted():
        here = packets(network, TARGET)
        return {key: carried[key] + here[key] - (before or {}).get(key, 0) for key in received}

    assert carried.keys() >= received.keys()
    # A rule's counter on Open vSwitch lags by up to half a second.
    uncounted = RATE / flows * gap_s

    def is_exact():
        return all(received[key] - uncounted <= packets <= received[key] for key, packets in counted().items())

    wait_until(is_exact, 3, "the counters")


@pytest.mark.parametrize("algorithm", ["clone", "move", "freeze-copy"])
def test_a_switch_full_of_rules_of_all_kinds_is_taken_over(twins, api, algorithm):
    network = twins(KINDS)
    before = entries(network, SOURCE)
    migration, traffic = migrate_under_traffic(api, network, algorithm, len(KINDS))
    assert migration["state"] == "committed", migration
    assert entries(network, TARGET) == translated(network, before)
    assert entries(network, SOURCE) == []
    assert api.switch_state(SOURCE) == "drained"
    if algorithm == "clone":
        assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
        assert_counted(network, migration, traffic, len(KINDS))
    if algorithm == "move":
        assert_counted(network, migration, traffic, len(KINDS), READING_S)


@pytest.mark.parametrize("openflow10", [("s1",), ("s2",), ("s1", "s2", "s3"), ("s3", "s4")])
def test_what_both_versions_can_say_goes_from_one_to_the_other(twins, api, openflow10):
    network = twins(KINDS10, openflow10=openflow10)
    migration, traffic = migrate_under_traffic(api, network, "clone", len(KINDS10))
    assert migration["state"] == "committed", migration
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    assert entries(network, SOURCE) == []
    assert_counted(network, migration, traffic, len(KINDS10))


def test_what_the_target_can_not_say_refuses_the_plan_and_names_each_rule(twins, api):
    network = twins(KINDS, openflow10=(TARGET,))
    before = network.all_rules()
    with pytest.raises(Refused) as refused:
        api.post("/migrations", {"source": SOURCE, "target": TARGET, "algorithm": "clone"})
    assert refused.value.status == 422
    text = str(refused.value)
    for needed in ("table 1", "group", "meter"):
        assert needed in text, text
    assert network.all_rules() == before
    assert api.switch_state(SOURCE) == "active"


def test_a_source_in_a_daemon_of_its_own_counts_late_and_is_counted_exactly(twins, api):
    network = twins(KINDS, separate=(SOURCE,))
    migration, traffic = migrate_under_traffic(api, network, "clone", len(KINDS))
    assert migration["state"] == "committed", migration
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    assert_counted(network, migration, traffic, len(KINDS))


def test_a_target_that_takes_no_more_rules_leaves_everything_as_it_was(twins, api):
    network = twins(KINDS)
    before = network.all_rules()
    groups = entries(network, SOURCE)
    network.switch(TARGET).ovs_vsctl(
        "--", "--id=@table", "create", "Flow_Table", "flow_limit=6",
        "--", "set", "bridge", TARGET, "flow_tables:0=@table",
    )  # fmt: skip
    migration, traffic = migrate_under_traffic(api, network, "clone", len(KINDS))
    assert migration["state"] == "rolled_back"
    assert "TABLE_FULL" in migration["error"]
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    assert network.all_rules() == before
    assert entries(network, SOURCE) == groups and entries(network, TARGET) == []
    assert api.switch_state(SOURCE) == "active"


def test_what_somebody_else_writes_meanwhile_is_on_the_target_afterwards(twins, api):
    network = twins(KINDS)
    first, second = network.hosts
    with BothWays(first, second, FIRST_PORT, RATE, flows=len(KINDS)):
        time.sleep(LEAD_S)
        started = api.post("/migrations", {"source": SOURCE, "target": TARGET, "algorithm": "clone"})
        out = network.port(SOURCE, "s4")
        network.switch(SOURCE).ofctl("add-flow", f"cookie=0x999,priority=900,tcp,tp_dst=99,actions=output:{out}")
        migration = api.wait_for_migration(started["id"])
    assert migration["state"] == "committed", migration
    late = [line for line in entries(network, TARGET) if "0x999" in line]
    assert late and f"output:{network.port(TARGET, 's4')}" in late[0]
    assert entries(network, SOURCE) == []
