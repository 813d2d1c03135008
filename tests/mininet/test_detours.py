"""Whole switches whose target has no link to one of the neighbours: it is reached under a label."""

import pytest

from controller import Refused
from test_transplant import assert_counted, migrate_under_traffic
from transplants import KINDS, SOURCE, TARGET, OneLinkLess, Way, entries, fill

# What a label can be put on. The rest asks for a port that two neighbours share afterwards, or writes an action set.
LABELLED = {name: kind for name, kind in KINDS.items() if name not in ("in_port", "action_set")}

# The cookie of a detour's hops, but for the label.
HOP = "cookie=0x6465746f7572"


@pytest.fixture
def far(connect, api):
    """A network whose target has so many switches between it and s4, and whose source is full of rules."""

    def build(hops=1, **options):
        network = connect(OneLinkLess(hops=hops), **options)
        api.wait_for_network(network)
        network.static_arp()
        fill(network, LABELLED, Way(by_port=False))
        return network

    return build


def hops_of(network):
    """How many entries of detours each switch has."""
    found = {}
    for switch in network.switches:
        count = sum(HOP in line for line in switch.ofctl("dump-flows").splitlines())
        if count:
            found[switch.name] = count
    return found


@pytest.mark.parametrize("algorithm", ["clone", "move", "freeze-copy"])
@pytest.mark.parametrize("hops, openflow10", [(1, ()), (1, ("s5",)), (3, ("s6",))])
def test_a_neighbour_without_a_link_is_reached_by_a_detour(far, api, algorithm, hops, openflow10):
    network = far(hops, openflow10=openflow10)
    migration, traffic = migrate_under_traffic(api, network, algorithm, len(LABELLED))
    assert migration["state"] == "committed", migration
    assert migration["shape"] == "detour"
    assert entries(network, SOURCE) == []
    # One entry a hop and direction, however many rules there are.
    assert hops_of(network) == {f"s{number}": 2 for number in range(5, 5 + hops)}
    assert traffic.outcome.duplicates == 0
    if algorithm == "clone":
        assert traffic.outcome.lost == 0, traffic.outcome.missing
        assert_counted(network, migration, traffic, len(LABELLED))


def test_the_way_back_takes_the_detour_away(far, api):
    network = far()
    before = {switch.name: entries(network, switch.name) for switch in network.switches}
    there, _ = migrate_under_traffic(api, network, "clone", len(LABELLED))
    assert (there["state"], there["shape"]) == ("committed", "detour")
    back = api.wait_for_migration(api.post(f"/migrations/{there['id']}/revert")["id"])
    assert back["state"] == "committed", back
    assert {switch.name: entries(network, switch.name) for switch in network.switches} == before
    assert hops_of(network) == {}


def test_a_switch_that_refuses_to_be_a_hop_leaves_everything_as_it_was(far, api):
    network = far(2)
    before, groups = network.all_rules(), entries(network, SOURCE)
    network.switch("s6").ovs_vsctl(
        "--", "--id=@table", "create", "Flow_Table", "flow_limit=2",
        "--", "set", "bridge", "s6", "flow_tables:0=@table",
    )  # fmt: skip
    migration, traffic = migrate_under_traffic(api, network, "clone", len(LABELLED))
    assert migration["state"] == "rolled_back", migration
    assert "TABLE_FULL" in migration["error"]
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0), traffic.outcome.missing
    assert network.all_rules() == before and entries(network, SOURCE) == groups
    assert hops_of(network) == {}


def test_who_insists_on_links_gets_no_detour(far, api):
    network = far()
    before = network.all_rules()
    body = {"source": SOURCE, "target": TARGET, "algorithm": "clone", "shape": "substitution"}
    with pytest.raises(Refused) as refused:
        api.post("/migrations", body)
    assert refused.value.status == 422
    assert "switch 0000000000000004, to which the target has no link" in str(refused.value)
    assert network.all_rules() == before


def test_a_rule_that_asks_where_packets_come_from_refuses_the_detour_and_is_named(connect, api):
    network = connect(OneLinkLess())
    api.wait_for_network(network)
    network.static_arp()
    fill(network, {"output": KINDS["output"]})
    before = network.all_rules()
    with pytest.raises(Refused) as refused:
        api.post("/migrations", {"source": SOURCE, "target": TARGET, "algorithm": "clone"})
    assert refused.value.status == 422
    assert "tells by the port what comes from the source" in str(refused.value)
    assert network.all_rules() == before
