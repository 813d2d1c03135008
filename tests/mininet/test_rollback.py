"""Migrations that cannot be finished: everything is as it was before, and the traffic has not noticed."""

import os
import signal
import time

import pytest

from controller import Refused
from processes import wait_until
from routes import FIRST_PORT, carriers, udp_rules
from test_migration import LEAD_S, stage  # noqa: F401  pylint: disable=unused-import
from traffic import BothWays

RATE = 2000
ROUTES = 5


def all_rules(scene):
    """Every UDP rule of every switch, but for its counters."""
    return {
        switch.name: {key: rule.identity for key, rule in udp_rules(scene.network, switch.name).items()}
        for switch in scene.network.switches
    }


def limit_table(switch, entries):
    """From now on the switch takes no more than so many entries."""
    switch.ovs_vsctl(
        "--", "--id=@table", "create", "Flow_Table", f"flow_limit={entries}",
        "--", "set", "bridge", switch.name, "flow_tables:0=@table",
    )  # fmt: skip


def lift_limit(switch):
    """The switch takes any number of entries again."""
    switch.ovs_vsctl("clear", "bridge", switch.name, "flow_tables")


def end_of(api, identifier, timeout=30):
    """The migration when it has come to an end, whichever."""

    def ended():
        return api.get(f"/migrations/{identifier}")["state"] in ("committed", "rolled_back", "failed")

    wait_until(ended, timeout, "an end of the migration")
    return api.get(f"/migrations/{identifier}")


def start(scene, algorithm):
    """The number of a migration that has just been started."""
    body = {"source": scene.source, "target": scene.target, "algorithm": algorithm}
    return scene.api.post("/migrations", body)["id"]


@pytest.mark.parametrize("algorithm", ["clone", "move", "freeze-copy"])
def test_a_target_whose_table_is_full_sends_everything_back(stage, algorithm):  # noqa: F811
    scene = stage("abilene")
    routes = scene.add_routes(ROUTES)
    before = all_rules(scene)
    # The two base rules, and room for some of the routes but not for all.
    limit_table(scene.network.switch(scene.target), 2 + ROUTES)
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=ROUTES) as traffic:
        time.sleep(LEAD_S)
        ended = end_of(scene.api, start(scene, algorithm))
        time.sleep(LEAD_S)
    assert ended["state"] == "rolled_back"
    assert "TABLE_FULL" in ended["error"]
    assert all_rules(scene) == before
    assert scene.api.switch_state(scene.source) == "active"
    if algorithm == "clone":
        assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
        scene.assert_counted(routes, traffic)
    # With room again the same migration goes through.
    lift_limit(scene.network.switch(scene.target))
    migration, _ = scene.migrate_under_traffic(algorithm, ROUTES)
    assert migration["state"] == "committed"
    scene.assert_moved(ROUTES)


def test_a_target_that_hangs_is_not_relied_on(stage):  # noqa: F811
    scene = stage("abilene", separate=("s6",))
    scene.add_routes(ROUTES)
    before = all_rules(scene)
    daemon = scene.network.switch(scene.target).daemon_pid("ovs-vswitchd")
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=ROUTES) as traffic:
        time.sleep(LEAD_S)
        os.kill(daemon, signal.SIGSTOP)
        try:
            with pytest.raises(Refused) as refused:
                start(scene, "clone")
        finally:
            os.kill(daemon, signal.SIGCONT)
        time.sleep(LEAD_S)
    assert refused.value.status == 503
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    assert all_rules(scene) == before
    assert scene.api.switch_state(scene.source) == "active"


def test_a_rule_of_somebody_else_on_the_new_way_is_not_overwritten(stage):  # noqa: F811
    scene = stage("abilene")
    scene.add_routes(ROUTES)
    target = scene.network.switch(scene.target)
    match = next(iter(udp_rules(scene.network, scene.source).values())).match
    before = all_rules(scene)
    target.ofctl("add-flow", f"cookie=0x5,priority=32768,{match},actions=drop")
    with pytest.raises(Refused) as refused:
        start(scene, "clone")
    assert refused.value.status == 422, refused.value
    target.ofctl("del-flows", match)
    assert all_rules(scene) == before
    migration, _ = scene.migrate_under_traffic("clone", ROUTES)
    assert migration["state"] == "committed"


def test_a_cancelled_migration_is_either_undone_or_was_too_late(stage):  # noqa: F811
    scene = stage("abilene")
    scene.add_routes(100)
    before = all_rules(scene)
    outcomes = set()
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=100) as traffic:
        time.sleep(LEAD_S)
        identifier = start(scene, "clone")
        try:
            scene.api.delete(f"/migrations/{identifier}")
            cancelled = True
        except Refused as refused:
            assert refused.status == 409
            cancelled = False
        ended = end_of(scene.api, identifier)
        outcomes.add(ended["state"])
        time.sleep(LEAD_S)
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    assert ended["state"] == ("rolled_back" if cancelled else "committed")
    if cancelled:
        assert all_rules(scene) == before
        assert scene.api.switch_state(scene.source) == "active"
    with pytest.raises(Refused) as late:
        scene.api.delete(f"/migrations/{identifier}")
    assert late.value.status == 409


def test_sigterm_in_the_middle_of_a_migration_leaves_one_of_the_two_states(stage, controller):  # noqa: F811
    scene = stage("abilene")
    scene.add_routes(100)
    before = all_rules(scene)
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=100) as traffic:
        time.sleep(LEAD_S)
        start(scene, "clone")
        controller.stop()
        time.sleep(LEAD_S)
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    left = carriers(scene.network)
    assert scene.source not in left or all_rules(scene) == before
