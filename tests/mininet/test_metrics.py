"""What makes a path short: hops, the measured latency of links, how full they are."""

import pytest
from mininet.topo import Topo

from controller import Controller, Refused
from network import GodwitNetwork
from processes import run, wait_until
from routes import FIRST_PORT, UDP
from traffic import Stream

DELAY_MS = 20
CONFIG = """
[topology]
link_probe_s = 1
[statistics]
interval_s = 1
half_life_s = 1
"""
NEAR, FAR = ["s1", "s2", "s4"], ["s1", "s3", "s4"]


class Diamond(Topo):
    """Two equal ways from s1 to s4, of which that over s2 is taken when nothing else tells them apart."""

    def build(self):
        switches = [self.addSwitch(f"s{number}", dpid=f"{number:x}") for number in range(1, 5)]
        for first, second in ((0, 1), (0, 2), (1, 3), (2, 3)):
            self.addLink(switches[first], switches[second])
        self.addLink(self.addHost("h1"), switches[0])
        self.addLink(self.addHost("h2"), switches[3])


@pytest.fixture(scope="module")
def controller():
    """A controller that measures often."""
    with Controller(openflow_port=0, http_port=0, config=CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def network(controller):  # pylint: disable=redefined-outer-name
    """The diamond, whose link between s2 and s4 is slow."""
    with GodwitNetwork(Diamond(), controller.openflow_port, relays={("s2", "s4"): DELAY_MS}) as built:
        # Only taps, which a relay joins, can be made slow by word: what they say is what the controller goes by.
        for here, there in (("s2", "s4"), ("s4", "s2")):
            run("ethtool", "-s", built.interface(here, there).name, "speed", "10", "duplex", "full")
        built.wait_connected()
        built.set_link("s2", "s4", "down")
        built.set_link("s2", "s4", "up")
        built.set_link("s4", "s2", "down")
        built.set_link("s4", "s2", "up")
        controller.api.settle(built)
        yield built


def way(hops):
    """The names of the switches of a path."""
    return [f"s{int(hop['dpid'], 16)}" for hop in hops]


def paths(api, network, **query):  # pylint: disable=redefined-outer-name
    """The paths from h1 to h2, with their costs."""
    first, second = network.hosts
    query = {"from": first.IP(), "to": second.IP(), **query}
    found = api.get("/paths?" + "&".join(f"{name}={value}" for name, value in query.items()))
    return [(path["cost"], way(path["hops"])) for path in found]


def latencies(api):
    """What each link takes in milliseconds, by the numbers of its switches; None where it isn't known."""
    ends = {link["latency_us"]: None for link in api.get("/links")}
    assert all(latency is None or latency >= 0 for latency in ends)
    known = {}
    for link in api.get("/links"):
        pair = int(link["src"]["dpid"], 16), int(link["dst"]["dpid"], 16)
        known[pair] = None if link["latency_us"] is None else link["latency_us"] / 1000
    return known


def is_measured(api):
    """Whether the slow link is known to be about as slow as it is, both ways, and the others to be quicker."""
    known = latencies(api)
    slow = [known.pop(pair) for pair in ((2, 4), (4, 2))]
    if None in [*slow, *known.values()]:
        return False
    return all(DELAY_MS - 2 < one < DELAY_MS * 1.5 for one in slow) and max(known.values()) < DELAY_MS / 4


def test_a_slow_link_is_measured_and_avoided_where_latency_counts(network, controller, api):
    wait_until(lambda: is_measured(api), 30, "what links take")
    print(latencies(api))
    assert paths(api, network) == [(2, NEAR)], "by hops, as the configuration has it"
    ((cost, quick),) = paths(api, network, metric="latency")
    assert quick == FAR and cost < DELAY_MS
    costs = paths(api, network, metric="latency", k=4)
    assert [path for _, path in costs] == [FAR, NEAR] and costs == sorted(costs)
    first, second = network.hosts
    body = {"from": first.IP(), "to": second.IP(), "match": {**UDP, "udp_dst": FIRST_PORT}}
    route = api.post("/routes", {**body, "metric": "latency"})
    assert way(route["path"]["hops"]) == FAR and route["metric"] == "latency"
    with Stream(first, second, FIRST_PORT, 500) as stream:
        wait_until(lambda: api.get(f"/routes/{route['id']}")["packets"] > 200, 10, "packets of the route")
    assert stream.outcome.lost == 0 and stream.outcome.delay_min_us < DELAY_MS * 1000
    api.delete(f"/routes/{route['id']}")
    with pytest.raises(Refused, match="hops"):
        api.post("/routes", {**body, "metric": "delay"})
    shown = controller.command("links").stdout
    assert "latency" in shown and " ms" in shown
    metrics = api.request("GET", "/metrics").text
    assert metrics.count("\ngodwit_link_latency_seconds{") == 8


def test_what_is_set_stands_over_what_is_measured(network, api):
    wait_until(lambda: is_measured(api), 30, "what links take")
    # Both links of that way: nothing costs less than what they cost then, whatever the machine is busy with.
    near = [link for link in api.get("/links") if link["src"]["dpid"][-1] + link["dst"]["dpid"][-1] in ("12", "24")]
    set_to = lambda cost: [
        api.call("PUT", "/links/cost", {"src": link["dst"], "dst": link["src"], "cost": cost}) for link in near
    ]
    set_to(1)
    ((cost, chosen),) = paths(api, network, metric="latency")
    set_to(None)
    assert (cost, chosen) == (2, NEAR)
    ((_, chosen),) = paths(api, network, metric="latency")
    assert chosen == FAR


def test_a_full_link_is_avoided_by_new_routes_and_those_that_are_there_stay(network, api):
    first, second = network.hosts
    request = lambda number, **more: {
        "from": first.IP(),
        "to": second.IP(),
        "match": {**UDP, "udp_dst": FIRST_PORT + number},
        **more,
    }
    assert paths(api, network, metric="utilisation") == [(2, NEAR)], "both are idle"
    old = api.post("/routes", request(1))
    speed = next(
        port["speed_bps"]
        for port in api.post("/switches/s2/statistics")["ports"]
        if port["number"] == network.port("s2", "s4")
    )
    size = 1200
    rate = int(speed * 0.8 / 8 / (size + 42))
    assert speed == 10_000_000
    with Stream(first, second, FIRST_PORT + 1, rate, size=size) as stream:
        busy = lambda: paths(api, network, metric="utilisation")
        wait_until(lambda: busy()[0][1] == FAR, 20, "the full link avoided")
        assert paths(api, network) == [(2, NEAR)], "hops are as many as before"
        new = api.post("/routes", request(2, metric="utilisation"))
        assert way(new["path"]["hops"]) == FAR
        assert way(api.get(f"/routes/{old['id']}")["path"]["hops"]) == NEAR
    assert stream.outcome.lost == 0
    wait_until(lambda: paths(api, network, metric="utilisation") == [(2, NEAR)], 20, "the link idle again")
    assert way(api.get(f"/routes/{new['id']}")["path"]["hops"]) == FAR, "a route stays where it is"
    for route in (old, new):
        api.delete(f"/routes/{route['id']}")
