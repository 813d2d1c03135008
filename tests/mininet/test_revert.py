"""Back to the source of a migration, under traffic: as if it had never been."""

import signal
import time

import pytest

from controller import Refused
from processes import wait_until
from routes import FIRST_PORT, carriers, requests
from test_migration import LEAD_S, NETWORKS, RATE, RUNS, show, stage  # noqa: F401  pylint: disable=unused-import
from traffic import BothWays
from transplants import KINDS, KINDS10, SOURCE, TARGET, Twins, entries, fill, packets


def there_and_back(scene, count, name, target=None):
    """A migration by `clone` and its way back under one stream of traffic, held to all promises."""
    routes = scene.add_routes(count)
    before = scene.network.all_rules()
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=count) as traffic:
        time.sleep(LEAD_S)
        migration = scene.api.migrate(scene.source, target)
        assert migration["state"] == "committed", migration
        assert scene.source not in carriers(scene.network)
        time.sleep(LEAD_S)
        begun = scene.api.post(f"/migrations/{migration['id']}/revert")
        back = scene.api.wait_for_migration(begun["id"])
        assert back["state"] == "committed", back
        time.sleep(LEAD_S)
    show(name, back, traffic.outcome)
    assert traffic.outcome.receiver_drops == 0
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    assert scene.network.all_rules() == before
    scene.assert_counted(routes, traffic)
    assert scene.api.switch_state(scene.source) == scene.api.switch_state(scene.target) == "active"
    assert (back["algorithm"], back["reverts"]) == ("clone", migration["id"])
    assert scene.api.get(f"/migrations/{migration['id']}")["reverted_by"] == back["id"]
    for route in routes:
        scene.api.delete(f"/routes/{route}")


@pytest.mark.limit(120 + 40 * RUNS)
@pytest.mark.parametrize("count", [1, 200])
@pytest.mark.parametrize("name", NETWORKS)
def test_there_and_back_nothing_is_lost_and_all_is_as_before(stage, name, count):  # noqa: F811
    scene = stage(name)
    for _ in range(RUNS):
        there_and_back(scene, count, f"revert {name} {count}", scene.target)


@pytest.mark.limit(120 + 40 * RUNS)
@pytest.mark.parametrize("who", ["s6", "s7"])
def test_a_switch_that_is_left_may_have_a_daemon_of_its_own_and_slow_links(stage, who):  # noqa: F811
    scene = stage("abilene", separate=(who,), relays={("s4", "s5"): 10, ("s8", "s11"): 10})
    for _ in range(RUNS):
        there_and_back(scene, 200, f"revert separate {who}", scene.target)


def test_a_source_that_was_drained_without_a_target_is_gone_back_to(stage):  # noqa: F811
    there_and_back(stage("abilene"), 5, "revert of a drain")


def test_a_target_with_traffic_of_its_own_is_not_waited_for(stage):  # noqa: F811
    scene = stage("abilene")
    routes = scene.add_routes(5)
    migration = scene.api.migrate(scene.source, scene.target)
    since = scene.api.post("/routes", requests(scene.first, scene.second, 5, FIRST_PORT + 5))
    assert scene.source not in carriers(scene.network)
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=10) as traffic:
        time.sleep(LEAD_S)
        back = scene.api.wait_for_migration(scene.api.post(f"/migrations/{migration['id']}/revert")["id"])
        time.sleep(LEAD_S)
    show("revert, a busy target", back, traffic.outcome)
    assert (back["state"], back["flows"] >= len(routes)) == ("committed", True)
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    assert next(phase["duration_us"] for phase in back["phases"] if phase["name"] == "drain") < 2_000_000
    here = carriers(scene.network)
    assert here[scene.source] == len(routes) and here[scene.target] == len(since)


def test_a_link_of_the_old_paths_that_is_gone_refuses_the_revert(stage):  # noqa: F811
    scene = stage("abilene")
    scene.add_routes(5)
    migration = scene.api.migrate(scene.source, scene.target)
    scene.network.set_link("s4", "s7", "down")
    wait_until(lambda: len(scene.api.links()) == len(scene.network.links()) - 2, 5, "the link gone")
    before = scene.network.all_rules()
    with pytest.raises(Refused) as refused:
        scene.api.post(f"/migrations/{migration['id']}/revert")
    assert refused.value.status == 422
    assert refused.value.content_type.startswith("application/problem+json")
    assert any("is gone" in reason for reason in refused.value.problem()["reasons"])
    assert scene.network.all_rules() == before
    assert scene.api.switch_state(scene.source) == "drained"


def test_the_command_line_goes_back_until_the_hold_is_over(stage, controller):  # noqa: F811
    scene = stage("abilene")
    scene.add_routes(5)
    before = scene.network.all_rules()
    assert controller.command("migrate", "s7", "s6").returncode == 0
    done = controller.command("revert", "1")
    assert done.returncode == 0, done.stderr
    assert "committed" in done.stdout
    assert scene.network.all_rules() == before
    again = controller.command("revert", "1")
    assert again.returncode == 1 and "reverted already" in again.stderr
    assert controller.command("migrate", "s7", "s6", "--hold", "0").returncode == 0
    late = controller.command("revert", "3")
    assert late.returncode == 1 and "hold" in late.stderr


def by_flow(counters):
    """What rules of no route had counted where they were left, by (receiver's address, UDP port)."""
    told = (counter for counter in counters if "udp_dst" in counter["match"])
    return {(one["match"]["ipv4_dst"], one["match"]["udp_dst"]): one["packets"] for one in told}


@pytest.mark.parametrize("algorithm", ["clone", "move", "freeze-copy"])
def test_a_whole_switch_goes_there_and_back_with_rules_of_all_kinds(connect, api, algorithm):
    network = connect(Twins())
    api.wait_for_network(network)
    network.static_arp()
    fill(network, KINDS)
    first, second = network.hosts
    names = [switch.name for switch in network.switches]
    before = {name: entries(network, name) for name in names}
    with BothWays(first, second, FIRST_PORT, RATE, flows=len(KINDS)) as traffic:
        time.sleep(LEAD_S)
        there = api.post("/migrations", {"source": SOURCE, "target": TARGET, "algorithm": algorithm})
        there = api.wait_for_migration(there["id"])
        assert there["state"] == "committed", there
        assert entries(network, SOURCE) == []
        time.sleep(LEAD_S)
        back = api.wait_for_migration(api.post(f"/migrations/{there['id']}/revert")["id"])
        assert back["state"] == "committed", back
        time.sleep(LEAD_S)
    assert traffic.outcome.receiver_drops == 0
    assert {name: entries(network, name) for name in names} == before
    assert api.switch_state(SOURCE) == api.switch_state(TARGET) == "active"
    if algorithm == "clone":
        assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
        # The other two count nothing of what comes between their reading and the cut.
        assert_counted_over_both(network, there, back, traffic)


def assert_counted_over_both(network, there, back, traffic):
    """What source and target had counted when they were left and what the source counts since is what was received."""
    first, second = network.hosts
    received = {
        (host.IP(), FIRST_PORT + flow): outcome.received_by_flow[flow]
        for host, outcome in ((second, traffic.there), (first, traffic.back))
        for flow in range(len(KINDS))
    }
    left = [by_flow(migration["carried"]) for migration in (there, back)]

    def counted():
        here = packets(network, SOURCE)
        return {key: here[key] + sum(one[key] for one in left) for key in received}

    # A rule's counter on Open vSwitch lags by up to half a second.
    wait_until(lambda: counted() == received, 3, "the counters")


def test_entries_that_somebody_has_changed_on_the_target_are_named_and_stay(connect, api):
    network = connect(Twins())
    api.wait_for_network(network)
    network.static_arp()
    fill(network, KINDS)
    migration = api.migrate(SOURCE, TARGET)
    assert migration["state"] == "committed", migration
    network.switch(TARGET).ofctl("mod-flows", f"udp,tp_dst={FIRST_PORT},actions=drop")
    before = network.all_rules()
    with pytest.raises(Refused) as refused:
        api.post(f"/migrations/{migration['id']}/revert")
    assert refused.value.status == 422
    reasons = refused.value.problem()["reasons"]
    assert len(reasons) == 2 and all("somebody has changed" in reason for reason in reasons), reasons
    assert network.all_rules() == before
    assert api.switch_state(SOURCE) == "drained"


def test_static_entries_go_back_with_their_counters_after_a_restart(connect, controller):
    api = controller.api
    network = connect(Twins())
    api.wait_for_network(network)
    network.static_arp()
    fill(network, {"output": KINDS["output"]})
    second = network.hosts[1]
    match = {"eth_type": 0x0800, "ip_proto": 17, "ipv4_dst": second.IP(), "udp_dst": FIRST_PORT}
    out = [{"type": "output", "port": network.port(SOURCE, "s4")}]
    made = api.post(f"/switches/{SOURCE}/rules", {"priority": 2000, "match": match, "actions": out})
    path = f"/switches/{SOURCE}/rules/{made['id']}"
    before = network.all_rules()
    with BothWays(*network.hosts, FIRST_PORT, RATE) as traffic:
        time.sleep(LEAD_S)
        there = api.migrate(SOURCE, TARGET)
        assert there["state"] == "committed", there
        time.sleep(LEAD_S)
        controller.restart(signal.SIGKILL)
        api.wait_for_network(network)
        back = api.wait_for_migration(api.post(f"/migrations/{there['id']}/revert")["id"])
        assert back["state"] == "committed", back
        time.sleep(LEAD_S)
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    assert network.all_rules() == before
    assert entries(network, TARGET) == []
    received = traffic.there.received_by_flow[0]
    wait_until(lambda: api.get(path)["packets"] == received, 3, f"{received} packets counted")
    assert api.delete(path) is None
    assert len(network.all_rules()[SOURCE]) == len(before[SOURCE]) - 1


@pytest.mark.parametrize("openflow10", [(SOURCE,), (TARGET,), (SOURCE, TARGET, "s3")])
def test_a_way_back_may_be_to_a_switch_of_the_other_version(connect, api, openflow10):
    network = connect(Twins(), openflow10=openflow10)
    api.wait_for_network(network)
    network.static_arp()
    fill(network, KINDS10)
    before = {switch.name: entries(network, switch.name) for switch in network.switches}
    with BothWays(*network.hosts, FIRST_PORT, RATE, flows=len(KINDS10)) as traffic:
        time.sleep(LEAD_S)
        there = api.migrate(SOURCE, TARGET)
        assert there["state"] == "committed", there
        back = api.wait_for_migration(api.post(f"/migrations/{there['id']}/revert")["id"])
        assert back["state"] == "committed", back
        time.sleep(LEAD_S)
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    assert {name: entries(network, name) for name in before} == before
