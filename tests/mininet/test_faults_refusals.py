"""Switches that refuse a rule in the middle of a migration: all is as it was before, and the traffic hasn't noticed."""

import pytest

from faults import OF_ROUTES, TABLE_FULL, abilene, controller, scene  # noqa: F401  pylint: disable=unused-import
from test_rollback import lift_limit, limit_table

# Type and code of OpenFlow's errors, and the name that the specification gives them.
REFUSALS = {
    "table full": TABLE_FULL,
    "overlap": (5, 3, "OVERLAP"),
    "no permission": (5, 4, "EPERM"),
    "bad output port": (2, 4, "BAD_OUT_PORT"),
}

# The same in the numbers of OpenFlow 1.0.
REFUSALS_V10 = {
    "table full": (3, 0, "ALL_TABLES_FULL"),
    "overlap": (3, 1, "OVERLAP"),
}


def entries(switch):
    """How many rules a switch has."""
    return sum("actions=" in line for line in switch.ofctl("dump-flows").splitlines())


def refused_and_undone(scene, algorithm, flows, named, as_before=True):  # noqa: F811
    """A migration that is refused in its middle, whose error names all of `named`. Every rule is as it was, but for what
    is left of its time where not `as_before`."""
    with scene.traffic(flows) as traffic:
        ended = scene.end_of(scene.start(algorithm))
    assert ended["state"] == "rolled_back", ended
    for name in named:
        assert name in ended["error"], ended["error"]
    if as_before:
        scene.assert_as_before()
    assert scene.api.switch_state(scene.source) == "active"
    if algorithm == "clone":
        scene.assert_nothing_lost(traffic)


@pytest.mark.parametrize(
    "algorithm, routes, room",
    [
        ("clone", 1, 1),
        ("clone", 25, 0),
        ("clone", 25, 24),
        ("clone", 25, 49),
        ("move", 25, 24),
        ("freeze-copy", 25, 24),
    ],
)
def test_a_target_that_is_full_at_the_first_a_middle_or_the_last_rule(scene, algorithm, routes, room):  # noqa: F811
    made = scene.add_routes(routes)
    scene.remember()
    target = scene.network.switch(scene.target)
    limit_table(target, entries(target) + room)
    try:
        refused_and_undone(scene, algorithm, routes, ["TABLE_FULL", "000000000000000" + scene.target[1:]])
    finally:
        lift_limit(target)
    if (algorithm, room) == ("clone", 49):
        scene.assert_usable(made)


@pytest.mark.parametrize("nth, refusal", [(1, "bad output port"), (5, "no permission"), (10, "overlap")])
def test_a_target_that_refuses_its_nth_rule(scene, nth, refusal):  # noqa: F811
    scene.add_routes(5)
    scene.remember()
    kind, code, name = REFUSALS[refusal]
    rule = scene.proxies[scene.target].arm(
        ("error", {"error_type": kind, "code": code}), "flow_mod", which="add", nth=nth, **OF_ROUTES
    )
    refused_and_undone(scene, "clone", 5, [name, "0000000000000006"])
    assert len(rule.strikes()) == 1


@pytest.mark.parametrize("refusal", REFUSALS_V10)
def test_an_intermediate_switch_that_speaks_1_0_refuses_one_rule_of_a_batch(scene, refusal):  # noqa: F811
    scene.add_routes(5)
    scene.remember()
    kind, code, name = REFUSALS_V10[refusal]
    rule = scene.proxies["s9"].arm(
        ("error", {"error_type": kind, "code": code}), "flow_mod", which="add", nth=6
    )
    refused_and_undone(scene, "clone", 5, [name, "0000000000000009"])
    assert len(rule.strikes()) == 1


@pytest.mark.parametrize(
    "algorithm, neighbour", [("clone", "s4"), ("clone", "s1"), ("move", "s4"), ("freeze-copy", "s1")]
)
def test_a_switch_that_refuses_to_turn_its_traffic_over(scene, neighbour, algorithm):  # noqa: F811
    scene.add_routes(5)
    scene.remember()
    kind, code, name = REFUSALS["no permission"]
    rule = scene.proxies[neighbour].arm(
        ("error", {"error_type": kind, "code": code}), "flow_mod", nth=3, **OF_ROUTES
    )
    refused_and_undone(scene, algorithm, 5, [name, f"000000000000000{neighbour[1:]}"])
    assert len(rule.strikes()) == 1


def test_a_refusal_names_the_rule_that_was_refused(scene):  # noqa: F811
    scene.add_routes(1)
    scene.remember()
    kind, code, _ = TABLE_FULL
    scene.proxies[scene.target].arm(("error", {"error_type": kind, "code": code}), "flow_mod", nth=2, **OF_ROUTES)
    ended = scene.end_of(scene.start())
    assert ended["state"] == "rolled_back"
    assert "udp_dst=20000" in ended["error"] and "round" in ended["error"], ended["error"]
