"""Several switches emptied under traffic: in every order, side by side, paused, resumed, given up, and stopped."""

import time

import pytest

from controller import Refused
from processes import wait_until
from routes import FIRST_PORT, requests, udp_rules
from test_rollback import lift_limit, limit_table
from topologies import GraphTopo, graph_of
from traffic import BothWays

RATE = 2000
ROUTES = 20
LEAD_S = 1.0
SIDE = 4

# Between the hosts' corners at least one way is left without all of these: s1-s4-s8-s12-s11.
SPARE = ["s2", "s5", "s13", "s6", "s7", "s10", "s15"]


class Torus(GraphTopo):
    """4 x 4 switches, each linked to four; a host on s1 and one on s11, as far apart as can be."""

    def build(self):
        def number(row, column):
            return row % SIDE * SIDE + column % SIDE + 1

        cells = [(row, column) for row in range(SIDE) for column in range(SIDE)]
        right = [(number(r, c), number(r, c + 1)) for r, c in cells]
        down = [(number(r, c), number(r + 1, c)) for r, c in cells]
        super().build(graph_of(right + down), (1, 11))


class TwoDiamonds(GraphTopo):
    """Two ways between h1 and h2, two between h3 and h4, and a link from the one pair's switches to the other's."""

    def build(self):
        left = [(1, 2), (2, 4), (1, 3), (3, 4)]
        right = [(5, 6), (6, 8), (5, 7), (7, 8)]
        super().build(graph_of([*left, *right, (1, 5)]), (1, 4, 5, 8))


def without_routes(network, api):
    """The network when nothing goes over it any more but what a test asks for."""
    for route in api.get("/routes"):
        api.delete(f"/routes/{route['id']}")
    return network


@pytest.fixture
def torus(settle, api):
    """The torus with routes in both directions."""
    network = without_routes(settle(Torus()), api)
    made = api.post("/routes", requests(*network.hosts, ROUTES))
    network.routes = [route["id"] for route in made]
    return network


def drain(api, switches, order="given", **more):
    """The number of a drain that has just been begun."""
    return api.post("/drains", {"switches": switches, "order": order, **more})["id"]


def end_of(api, identifier, timeout=60):
    """The drain when nothing happens to it any more."""

    def ended():
        found = api.get(f"/drains/{identifier}")
        return found if found["finished_at"] else None

    return wait_until(ended, timeout, f"the end of drain {identifier}")


def names(dpids):
    """As the tests call switches."""
    return [f"s{int(dpid, 16)}" for dpid in dpids]


def states(record):
    """Where each switch of a drain is."""
    return {f"s{int(member['dpid'], 16)}": member["state"] for member in record["switches"]}


def carriers(network):
    """The switches that carry routes."""
    return {switch.name for switch in network.switches if udp_rules(network, switch.name)}


def assert_empty(network, api, switches):
    """They hold what every switch holds without a route: the rule for discovery and the one for the rest."""
    for switch in switches:
        rules = network.rules(switch)
        assert len(rules) == 2, rules
        assert all("CONTROLLER" in rule.actions for rule in rules), rules
        assert api.switch_state(switch) == "drained"


def assert_kept(api, routes, traffic):
    """Nothing was lost or came twice, and every route has counted what its receiver got."""
    assert traffic.outcome.receiver_drops == 0
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    received = traffic.there.received_by_flow + traffic.back.received_by_flow

    def counted():
        by_id = {route["id"]: route["packets"] for route in api.get("/routes")}
        return tuple(by_id[route] for route in routes)

    wait_until(lambda: counted() == received, 3, "the counters")


def under_traffic(network, api, act):
    """What `act` gives, under traffic on all routes that must not notice."""
    with BothWays(*network.hosts, FIRST_PORT, RATE, flows=ROUTES) as traffic:
        time.sleep(LEAD_S)
        result = act()
        time.sleep(LEAD_S)
    assert_kept(api, network.routes, traffic)
    return result


@pytest.mark.parametrize("order", ["given", "lmcf", "mis-ss", "mis-lmcf"])
def test_every_order_empties_all_switches_and_traffic_does_not_notice(torus, api, order):
    loaded = carriers(torus)
    record = under_traffic(torus, api, lambda: end_of(api, drain(api, SPARE, order)))
    assert record["state"] == "done", record
    assert set(states(record).values()) == {"drained"}
    sequence = names(record["sequence"])
    print(f"{order}: {' '.join(sequence)} (carried routes before: {' '.join(sorted(loaded))})")
    assert sorted(sequence) == sorted(SPARE)
    if order == "given":
        assert sequence == SPARE
    if order == "lmcf":
        idle = [switch for switch in SPARE if switch not in loaded]
        assert sequence[0] in idle
    if order.endswith("lmcf"):
        # The routes have been counted to know what moving them means.
        assert max(member["cost"]["packets_per_s"] for member in record["switches"]) > 0
    assert record["parallel"] == (4 if order.startswith("mis") else 1)
    assert_empty(torus, api, SPARE)
    assert carriers(torus).isdisjoint(SPARE)
    migrations = {migration["id"]: migration for migration in api.get("/migrations")}
    assert all(migrations[member["migration"]]["state"] == "committed" for member in record["switches"])


def test_two_that_have_nothing_in_common_are_emptied_at_the_same_time(settle, api):
    network = without_routes(settle(TwoDiamonds()), api)
    pairs = network.hosts[:2], network.hosts[2:]
    routes = [[route["id"] for route in api.post("/routes", requests(*pair, ROUTES))] for pair in pairs]
    (left,), (right,) = carriers(network) & {"s2", "s3"}, carriers(network) & {"s6", "s7"}
    with BothWays(*pairs[0], FIRST_PORT, RATE, flows=ROUTES) as here, BothWays(
        *pairs[1], FIRST_PORT, RATE, flows=ROUTES
    ) as there:
        time.sleep(LEAD_S)
        record = end_of(api, drain(api, [left, right], "mis-ss", parallel=2))
        time.sleep(LEAD_S)
    assert record["state"] == "done", record
    for own, traffic in zip(routes, (here, there)):
        assert_kept(api, own, traffic)
    spans = [api.get(f"/migrations/{member['migration']}") for member in record["switches"]]
    assert max(span["started_at"] for span in spans) < min(span["finished_at"] for span in spans)
    assert_empty(network, api, [left, right])


def test_switches_that_share_flows_are_emptied_one_after_the_other_however_many_may_go(torus, api):
    chosen = [switch for switch in SPARE if switch in carriers(torus)]
    assert len(chosen) >= 2, "both are on the path"
    record = under_traffic(torus, api, lambda: end_of(api, drain(api, chosen[:2], "lmcf", parallel=8)))
    assert record["state"] == "done", record
    spans = sorted(
        (found["started_at"], found["finished_at"])
        for found in (api.get(f"/migrations/{member['migration']}") for member in record["switches"])
    )
    assert spans[0][1] <= spans[1][0]


def test_a_pause_finishes_what_is_under_way_and_a_resume_goes_on(torus, api):
    def act():
        identifier = drain(api, SPARE)
        path = f"/drains/{identifier}"
        wait_until(lambda: api.get(path)["sequence"], 30, "the first to begin")
        assert api.post(f"{path}/pause")["state"] == "paused"
        wait_until(lambda: "migrating" not in states(api.get(path)).values(), 30, "what is under way to end")
        paused = api.get(path)
        time.sleep(LEAD_S)
        assert api.get(path) == paused, "a drain that is paused begins nothing"
        begun = len(paused["sequence"])
        assert list(states(paused).values()) == ["drained"] * begun + ["waiting"] * (len(SPARE) - begun)
        assert begun < len(SPARE), "there is something left to pause for"
        assert paused["finished_at"] is None
        assert api.post(f"{path}/resume")["state"] == "running"
        return end_of(api, identifier)

    record = under_traffic(torus, api, act)
    assert record["state"] == "done", record
    assert names(record["sequence"]) == SPARE
    assert_empty(torus, api, SPARE)


def test_a_drain_that_is_given_up_leaves_every_switch_either_drained_or_as_it_was(torus, api):
    def act():
        identifier = drain(api, SPARE)
        wait_until(lambda: api.get(f"/drains/{identifier}")["sequence"], 30, "the first to begin")
        assert api.delete(f"/drains/{identifier}")["state"] == "cancelled"
        return end_of(api, identifier)

    record = under_traffic(torus, api, act)
    assert record["state"] == "cancelled"
    ended, begun = states(record), names(record["sequence"])
    assert begun == SPARE[: len(begun)] and len(begun) < len(SPARE)
    # The last had begun when it was given up: it was either undone or past its last flip.
    assert {ended[switch] for switch in begun[:-1]} <= {"drained"}
    assert ended[begun[-1]] in ("drained", "waiting")
    assert {ended[switch] for switch in SPARE[len(begun) :]} == {"waiting"}
    for switch, state in ended.items():
        assert api.switch_state(switch) == ("drained" if state == "drained" else "active")
    for act in (lambda: api.post(f"/drains/{record['id']}/resume"), lambda: api.delete(f"/drains/{record['id']}")):
        with pytest.raises(Refused) as refused:
            act()
        assert refused.value.status == 409


def test_switches_that_cannot_go_stop_the_drain_and_nothing_is_harmed(torus, api):
    loaded = [switch for switch in SPARE if switch in carriers(torus)]
    idle = next(switch for switch in SPARE if switch not in loaded)
    # Wherever the routes would go next, a rule of somebody else would take their packets.
    others = {switch.name for switch in torus.switches} - carriers(torus) - {idle}
    for switch in others:
        torus.switch(switch).ofctl("add-flow", "cookie=0xbad,priority=50000,udp,tp_dst=20000,actions=drop")
    before = torus.all_rules()
    with pytest.raises(Refused) as refused:
        drain(api, loaded)
    assert refused.value.status == 422 and "priority 50000" in refused.value.problem()["reasons"][0]

    def act():
        stopped = end_of(api, drain(api, [*loaded, idle]))
        assert stopped["state"] == "failed" and "priority 50000" in stopped["error"], stopped
        assert states(stopped) == {**{switch: "put_off" for switch in loaded}, idle: "drained"}
        assert names(stopped["sequence"]) == [idle]
        assert torus.all_rules() == before
        assert all(api.switch_state(switch) == "active" for switch in loaded)
        for switch in others:
            torus.switch(switch).ofctl("del-flows", "cookie=0xbad/-1")
        api.post(f"/drains/{stopped['id']}/resume")
        return end_of(api, stopped["id"])

    record = under_traffic(torus, api, act)
    assert record["state"] == "done", record
    assert names(record["sequence"]) == [idle, *loaded]
    assert_empty(torus, api, [*loaded, idle])


def test_a_migration_that_is_rolled_back_stops_the_drain_until_it_is_resumed(torus, api):
    loaded = [switch for switch in SPARE if switch in carriers(torus)]
    idle = [switch.name for switch in torus.switches if switch.name not in carriers(torus)]
    before = torus.all_rules()

    def act():
        for switch in idle:
            # The two base rules, and room for some of the routes but not for all.
            limit_table(torus.switch(switch), 2 + ROUTES)
        stopped = end_of(api, drain(api, loaded))
        assert stopped["state"] == "failed" and "TABLE_FULL" in stopped["error"], stopped
        assert list(states(stopped).values()) == ["failed"] + ["waiting"] * (len(loaded) - 1)
        assert torus.all_rules() == before
        for switch in idle:
            lift_limit(torus.switch(switch))
        api.post(f"/drains/{stopped['id']}/resume")
        return end_of(api, stopped["id"])

    record = under_traffic(torus, api, act)
    assert record["state"] == "done" and "error" not in record, record
    assert names(record["sequence"]) == [loaded[0], *loaded]
    assert_empty(torus, api, loaded)


BAD_DRAINS = {
    "no switch": ({"switches": []}, 422),
    "a switch twice": ({"switches": ["s2", "s5", "0x2"]}, 422),
    "an unknown switch": ({"switches": ["s2", "s99"]}, 422),
    "a host on one": ({"switches": ["s2", "s1"]}, 422),
    "no way without them": ({"switches": ["s2", "s4", "s5", "s13"]}, 422),
    "an unknown order": ({"order": "best"}, 422),
    "none at once": ({"parallel": 0}, 422),
    "too many at once": ({"parallel": 1000}, 422),
    "an unknown field": ({"speed": "ludicrous"}, 422),
}


def test_drains_that_cannot_be_are_refused_and_nothing_is_touched(torus, api):
    before = torus.all_rules()
    for name, (change, status) in BAD_DRAINS.items():
        with pytest.raises(Refused) as refused:
            api.post("/drains", {"switches": ["s2"], "order": "given", **change})
        assert refused.value.status == status, name
        assert refused.value.content_type.startswith("application/problem+json")
        assert refused.value.problem()["detail"]
    assert torus.all_rules() == before
    assert api.get("/drains") == []
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume")):
        for identifier in ("1", "nobody"):
            assert api.request(method, f"/v1/drains/{identifier}{path}").status_code == 404
    record = end_of(api, drain(api, ["s2"]))
    assert record["state"] == "done"
    with pytest.raises(Refused) as refused:
        drain(api, ["s5", "s2"])
    assert refused.value.status == 422 and "drained already" in refused.value.problem()["reasons"][0]


def test_the_same_idempotency_key_gives_the_same_drain_and_shared_switches_conflict(torus, api):
    body, headers = {"switches": SPARE[:3], "order": "given"}, {"Idempotency-Key": "night 7"}
    first = api.post("/drains", body, headers=headers)["id"]
    with pytest.raises(Refused) as refused:
        drain(api, SPARE[2:4])
    assert refused.value.status == 409
    assert api.post("/drains", body, headers=headers)["id"] == first
    end_of(api, first)
    assert api.post("/drains", body, headers=headers)["id"] == first
    with pytest.raises(Refused) as refused:
        api.post("/drains", {**body, "order": "lmcf"}, headers=headers)
    assert refused.value.status == 422
    assert len(api.get("/drains")) == 1
    assert api.metric("godwit_drains", state="done") == 1


def test_the_command_line_drains_and_says_so(torus, api, controller):
    done = controller.command("drain", "s2", "s5", "--order", "lmcf")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("drained") >= 2 and "done" in done.stdout
    assert_empty(torus, api, ["s2", "s5"])
    begun = controller.command("drain", *SPARE[2:], "--no-wait")
    assert begun.returncode == 0 and begun.stdout.strip() == "2"
    assert controller.command("drain", "pause", "2").returncode == 0
    assert "paused" in controller.command("drains").stdout
    assert controller.command("drain", "resume", "2").returncode == 0
    assert controller.command("drain", "cancel", "2").returncode == 0
    assert end_of(api, 2)["state"] == "cancelled"
    refused = controller.command("drain", "s1")
    assert refused.returncode == 1 and "host" in refused.stderr
