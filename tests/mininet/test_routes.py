"""Routes made by REST, as the switches have them."""

import json
import time

import pytest

from controller import Refused
from faults import controller  # noqa: F401  pylint: disable=unused-import
from network import GodwitNetwork
from processes import wait_until
from routes import FIRST_PORT, UDP, carriers, outputs, requests, udp_rules
from topologies import Abilene
from traffic import BothWays

PATH = ["s4", "s7", "s8", "s11", "s2", "s1"]


@pytest.fixture(scope="module")
def network(controller):  # noqa: F811  pylint: disable=redefined-outer-name
    """Abilene with two switches on the path that speak OpenFlow 1.0, for all tests of this file."""
    with GodwitNetwork(Abilene(), controller.openflow_port, openflow10=("s2", "s9")) as built:
        built.wait_connected()
        controller.api.settle(built)
        yield built


@pytest.fixture
def abilene(network, api):  # pylint: disable=redefined-outer-name
    """The same without routes."""
    for route in api.get("/routes"):
        api.delete(f"/routes/{route['id']}")
    return network


def test_a_route_is_one_rule_on_every_switch_of_the_shortest_path(abilene, api):
    first, second = abilene.hosts
    route = api.post("/routes", requests(first, second, 1)[0])
    assert [hop["dpid"] for hop in route["path"]["hops"]] == [f"{abilene.switch(s).number:016x}" for s in PATH]
    assert carriers(abilene) == {switch: 1 for switch in PATH}
    for here, following in zip(PATH, [*PATH[1:], "h2"]):
        (((destination, port), rule),) = udp_rules(abilene, here).items()
        assert outputs(rule) == [abilene.port(here, following)]
        assert destination in (second.IP(), second.MAC())
        assert (rule.match.split(",")[0], port) == ("udp", FIRST_PORT)
    assert api.delete(f"/routes/{route['id']}") is None
    assert carriers(abilene) == {}


def test_a_thousand_routes_in_one_call_are_all_installed_when_it_returns(abilene, api):
    first, second = abilene.hosts
    began = time.monotonic()
    made = api.post("/routes", requests(first, second, 1000)[:1000])
    print(f"1,000 routes over {len(PATH)} switches in {time.monotonic() - began:.3f} s")
    assert carriers(abilene) == {switch: 1000 for switch in PATH}
    assert len({route["id"] for route in made}) == 1000
    assert {int(port) for _, port in udp_rules(abilene, "s7")} == set(range(FIRST_PORT, FIRST_PORT + 1000))


def test_a_routes_counter_is_what_its_receiver_got(abilene, api):
    first, second = abilene.hosts
    made = api.post("/routes", requests(first, second, 3))
    with BothWays(first, second, FIRST_PORT, 900, flows=3) as traffic:
        time.sleep(2)
    received = traffic.there.received_by_flow + traffic.back.received_by_flow
    assert traffic.outcome.lost == 0
    counters = lambda: tuple(api.get(f"/routes/{route['id']}")["packets"] for route in made)
    wait_until(lambda: counters() == received, 3, "the counters equal to what was received")


def test_a_route_goes_through_the_switches_asked_for(abilene, api):
    first, second = abilene.hosts
    route = api.post("/routes", {**requests(first, second, 1)[0], "via": ["s6"]})
    assert carriers(abilene) == {switch: 1 for switch in ("s4", "s5", "s6", "s9", "s10", "s3", "s1")}
    assert "0000000000000006" in [hop["dpid"] for hop in route["path"]["hops"]]


BAD_ROUTES = {
    "an unknown host": ({"from": "10.0.0.77"}, (404, 422), "from"),
    "no destination": ({"to": None}, (422,), "to"),
    "an unknown field": ({"colour": "red"}, (422,), "colour"),
    "an unknown match field": ({"match": {"udp_port": 5}}, (422,), "udp_port"),
    "a missing prerequisite": ({"match": {"udp_dst": 5}}, (422,), "udp_dst"),
    "a value out of range": ({"match": {**UDP, "udp_dst": 70000}}, (422,), "udp_dst"),
    "an unknown switch": ({"via": ["s99"]}, (404, 422), "via"),
}


@pytest.mark.parametrize("name", BAD_ROUTES)
def test_a_bad_route_is_refused_with_the_field_at_fault_and_nothing_is_touched(abilene, api, name):
    change, statuses, field = BAD_ROUTES[name]
    first, second = abilene.hosts
    before = abilene.all_rules()
    with pytest.raises(Refused) as refused:
        api.post("/routes", {**requests(first, second, 1)[0], **change})
    assert refused.value.status in statuses
    assert refused.value.content_type.startswith("application/problem+json")
    problem = refused.value.problem()
    assert problem["status"] == refused.value.status and problem["title"] and problem["detail"]
    assert field in problem.get("field", "") + problem["detail"]
    assert abilene.all_rules() == before


def test_an_array_with_one_bad_route_makes_none(abilene, api):
    first, second = abilene.hosts
    bodies = requests(first, second, 20)
    bodies[-1]["to"] = "10.0.0.77"
    before, routes = abilene.all_rules(), api.get("/routes")
    with pytest.raises(Refused) as refused:
        api.post("/routes", bodies)
    assert refused.value.status in (404, 422)
    assert "[39]" in refused.value.problem()["field"]
    assert abilene.all_rules() == before
    assert len(api.get("/routes")) == len(routes)


@pytest.mark.parametrize("together", [True, False])
def test_the_same_route_twice_is_a_conflict(abilene, api, together):
    body = requests(*abilene.hosts, 1)[0]
    if not together:
        api.post("/routes", body)
    before = abilene.all_rules()
    with pytest.raises(Refused) as refused:
        api.post("/routes", [body, body] if together else body)
    assert refused.value.status == 409
    assert abilene.all_rules() == before


BAD_BODIES = {
    "not JSON": ("{", "application/json", 400),
    "of another type": ("{}", "text/plain", 415),
    "neither object nor array": ('"route"', "application/json", 422),
    "nested too deep": ("[" * 10_000, "application/json", 400),
    "too large": ("[" + " " * (32 << 20) + "]", "application/json", 413),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_body_that_is_no_route_is_refused(abilene, api, name):
    data, kind, status = BAD_BODIES[name]
    response = api.request("POST", "/v1/routes", data=data, headers={"Content-Type": kind})
    assert response.status_code == status
    assert response.json()["status"] == status
    assert api.get("/switches")


def test_the_command_line_shows_and_changes_what_rest_does(abilene, controller, api):  # noqa: F811
    first, second = abilene.hosts
    made = controller.command("route", "add", first.IP(), second.IP(), "--match", "eth_type=2048",
                              "--match", "ip_proto=17", "--match", f"udp_dst={FIRST_PORT}")
    assert made.returncode == 0, made.stderr
    assert carriers(abilene) == {switch: 1 for switch in PATH}
    shown = json.loads(controller.command("routes", "--json").stdout)
    assert sorted(route["id"] for route in shown) == sorted(route["id"] for route in api.get("/routes"))
    mine = next(route for route in shown if route["match"].get("udp_dst") == FIRST_PORT)
    assert controller.command("route", "rm", str(mine["id"])).returncode == 0
    assert carriers(abilene) == {}
    assert controller.command("route", "rm", str(mine["id"])).returncode == 1
