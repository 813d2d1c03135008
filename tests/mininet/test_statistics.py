"""Rates as the controller shows them, against what hosts send and receive."""

import csv
import io
import time
from contextlib import ExitStack
from datetime import datetime

import pytest

from controller import QUIET, Controller, Refused
from network import GodwitNetwork
from processes import wait_until
from routes import FIRST_PORT, requests
from topologies import Abilene
from traffic import Stream

PATH = ["s4", "s7", "s8", "s11", "s2", "s1"]
RATE = 1500
PAYLOAD = 400
# Ethernet, IPv4 and UDP headers, without the checksum of the frame, which switches don't count.
FRAME_BITS = 8 * (PAYLOAD + 14 + 20 + 8)
MEASURED_S = 20
WITHIN = 0.02
EVERY_SECOND = "[statistics]\ninterval_s = 1\nhalf_life_s = 5\n"


@pytest.fixture
def built():
    """Builds Abilene, two switches of it on OpenFlow 1.0, under a controller of this configuration."""

    def build(config):
        running = stack.enter_context(Controller(openflow_port=0, http_port=0, config=config))
        network = stack.enter_context(GodwitNetwork(Abilene(), running.openflow_port, openflow10=("s2", "s9")))
        network.wait_connected()
        running.api.settle(network)
        return network, running

    with ExitStack() as stack:
        yield build


def is_about(found, wanted):
    """Whether a rate is what it should be."""
    return found is not None and abs(found / wanted - 1) <= WITHIN


def test_rates_over_twenty_seconds_are_those_of_the_sender(built):  # pylint: disable=redefined-outer-name
    network, running = built(QUIET)
    api, (first, second) = running.api, network.hosts
    api.post("/routes", requests(first, second, 1)[0])
    with Stream(first, second, FIRST_PORT, RATE, size=PAYLOAD) as stream:
        time.sleep(1)
        for switch in PATH:
            api.post(f"/switches/{switch}/statistics")
        time.sleep(MEASURED_S)
        counted = {switch: api.post(f"/switches/{switch}/statistics") for switch in PATH}
        routes = api.get("/statistics")["routes"]
        shown = running.command("stats", "s7")
    assert stream.outcome.lost == 0
    wrong = []
    for here, following in zip(PATH, [*PATH[1:], "h2"]):
        number = network.port(here, following)
        port = next(port for port in counted[here]["ports"] if port["number"] == number)
        rule = next(rule for rule in counted[here]["flows"] if rule["match"].get("udp_dst") == FIRST_PORT)
        for what, rates in (("port", port["tx"]), ("rule", rule)):
            found = rates["packets_per_second"], rates["bits_per_second"]
            print(here, what, *found)
            if not all(map(is_about, found, (RATE, RATE * FRAME_BITS))):
                wrong.append((here, what, found))
        # Both versions say how fast a port is.
        assert port["speed_bps"] > 0 and 0 < port["tx"]["utilisation"] < 1
    (route,) = [route for route in routes if route["packets"] > RATE * MEASURED_S]
    assert is_about(route["bits_per_second"], RATE * FRAME_BITS), route
    assert not wrong, wrong
    links = {(link["src"]["dpid"], link["dst"]["dpid"]): link for link in api.get("/statistics")["links"]}
    on_path = links[f"{4:016x}", f"{7:016x}"]
    assert is_about(on_path["packets_per_second"], RATE)
    assert shown.returncode == 0 and "Mb/s" in shown.stdout, shown


def test_a_route_keeps_its_rate_through_a_migration(built):  # pylint: disable=redefined-outer-name
    network, running = built(EVERY_SECOND)
    api, (first, second) = running.api, network.hosts
    identifier = api.post("/routes", requests(first, second, 1)[0])["id"]
    route = lambda: next(route for route in api.get("/statistics?history=60")["routes"] if route["id"] == identifier)
    with Stream(first, second, FIRST_PORT, RATE, size=PAYLOAD):
        wait_until(lambda: is_about(route()["packets_per_second"] or 0, RATE), 10, "the rate")
        steady = time.time()
        assert api.migrate("s7", "s6")["state"] == "committed"
        time.sleep(5)
        history = route()["history"]
    rates = [point["packets_per_second"] for point in history if as_seconds(point["at"]) > steady]
    print(rates)
    assert len(rates) >= 4 and all(0.9 * RATE < rate < 1.1 * RATE for rate in rates), rates


def as_seconds(text):
    """Seconds since 1970 of a time as REST has it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_tables_can_be_read_by_a_spreadsheet(built):  # pylint: disable=redefined-outer-name
    _, running = built(EVERY_SECOND)
    api = running.api
    wait_until(lambda: running.api.metric("godwit_statistics_collections_total") >= 11, 10, "all switches")

    def table(kind):
        text = api.request("GET", f"/v1/statistics.csv?kind={kind}").content.decode()
        return list(csv.DictReader(io.StringIO(text, newline="")))

    assert len(table("links")) == len(api.get("/links"))
    ports = table("ports")
    assert {row["switch"] for row in ports} == {f"s{number}" for number in range(1, 12)}
    assert all(None not in row and None not in row.values() for row in ports)
    discovery = [row for row in table("rules") if row["priority"] == "65535"]
    assert len(discovery) == 11 and all(row["cookie"] == "0x60d1000000000000" for row in discovery)
    with pytest.raises(Refused) as refused:
        api.get("/statistics.csv?kind=hosts")
    assert refused.value.status == 400
