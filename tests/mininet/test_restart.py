"""The controller is killed, or stopped, and started again with the same data: no switch and no host notices."""

import os
import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from random import Random

import pytest
import requests as requests_library

from controller import Api, Controller
from network import GodwitNetwork
from processes import program, run, wait_until
from routes import FIRST_PORT, carriers, requests, udp_rules
from test_migration import Scene
from topologies import ABILENE_CASE, Abilene
from traffic import BothWays

RATE = 2000
LEAD_S = 1.0
# Switches try to connect again after 1, 2, 4 and 8 s.
BACK_S = 20
CASE = {"openflow10": ("s2", "s8", "s9")}


@pytest.fixture
def scene(settle, api):
    """Abilene, OpenFlow 1.0 and 1.3 mixed."""
    return Scene(settle(Abilene(), **CASE), ABILENE_CASE, api)


# The controller's own entry for discovery is above all others. To read counters it is added once more.
DISCOVERY = 65535


def held(network):
    """What the switches hold, without what counts, and how long each entry of routes has been there."""
    ages = {}
    for switch in network.switches:
        for rule in network.rules(switch.name):
            if rule.priority != DISCOVERY:
                ages[(switch.name, *rule.identity)] = rule.duration_s
    return network.all_rules(), ages


def wait_for_switches(scene):
    """All switches are connected and compared, and all links are found."""
    scene.api.wait_for_network(scene.network, BACK_S)
    wait_until(
        lambda: all(switch["state"] in ("active", "drained") for switch in scene.api.get("/switches")), 5, "switches"
    )


def introduce(scene):
    """The controller hears of the hosts: it learns them when they first send what no rule takes."""
    for host, other in ((scene.first, scene.second), (scene.second, scene.first)):
        host.cmd("ip neigh flush nud permanent all")
        assert ", 0% packet loss" in host.cmd(f"ping -c1 -W2 {other.IP()}")
    scene.api.wait_for_hosts(scene.network)
    scene.network.static_arp()


def unchanging(routes):
    """Routes without what they count."""
    return [{key: value for key, value in route.items() if key not in ("packets", "bytes")} for route in routes]


def assert_untouched(network, before, begun):
    """The same entries, each as much older as time has passed since `begun`, at which `before` was known: none was made
    anew."""
    passed_s = time.monotonic() - begun
    after = held(network)
    assert after[0] == before[0]
    for key, age in before[1].items():
        assert after[1][key] >= age + passed_s - 0.1, key


@pytest.mark.parametrize("count", [1, 200])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_lost_and_no_rule_touched_when_the_controller_is_started_again(scene, controller, count, how):
    routes = scene.add_routes(count)
    known = unchanging(scene.api.get("/routes"))
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=count) as traffic:
        time.sleep(LEAD_S)
        counted = scene.counters(routes)
        before, begun = held(scene.network), time.monotonic()
        controller.restart(how)
        assert unchanging(scene.api.get("/routes")) == known
        assert all(now >= then for now, then in zip(scene.counters(routes), counted))
        wait_for_switches(scene)
        # The keeper has looked at all routes since every link is known.
        time.sleep(3)
        assert_untouched(scene.network, before, begun)
        assert all(now >= then for now, then in zip(scene.counters(routes), counted))
        assert unchanging(scene.api.get("/routes")) == known
    assert traffic.outcome.receiver_drops == 0
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    scene.assert_counted(routes, traffic)
    for identifier in routes:
        scene.api.delete(f"/routes/{identifier}")
    assert carriers(scene.network) == {}
    controller.restart(how)
    wait_for_switches(scene)
    assert not set(routes) & {route["id"] for route in scene.api.get("/routes")}
    assert carriers(scene.network) == {}


class Watch:
    """Asks for what routes have carried, over and over, whether the controller is there or not."""

    def __init__(self, scene, routes):
        self._scene, self._routes = scene, routes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.answers, self.fell = 0, []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(30)

    def _run(self):
        api = Api(self._scene.api.url)
        last = (0,) * len(self._routes)
        while not self._stop.wait(0.05):
            try:
                by_id = {route["id"]: route["packets"] for route in api.get("/routes", timeout=5)}
            except requests_library.RequestException:
                continue
            counted = tuple(by_id.get(route, 0) for route in self._routes)
            if any(now < then for now, then in zip(counted, last)):
                self.fell.append((last, counted))
            self.answers, last = self.answers + 1, counted


def test_counters_never_fall_however_often_the_controller_is_killed(scene, controller):
    routes = scene.add_routes(20)
    random = Random(4)
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=20) as traffic, Watch(scene, routes) as watch:
        before, begun = held(scene.network), time.monotonic()
        for _ in range(10):
            time.sleep(random.uniform(0.05, 2))
            controller.restart(signal.SIGKILL)
        wait_for_switches(scene)
        time.sleep(LEAD_S)
        assert_untouched(scene.network, before, begun)
    assert watch.fell == [] and watch.answers > 50
    assert traffic.outcome.receiver_drops == 0
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    scene.assert_counted(routes, traffic)


def test_a_migration_after_a_restart_counts_what_was_before_it(scene, controller):
    routes = scene.add_routes(5)
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=5) as traffic:
        time.sleep(LEAD_S)
        controller.restart(signal.SIGKILL)
        wait_for_switches(scene)
        migration = scene.api.migrate(scene.source, scene.target)
        assert migration["state"] == "committed", migration
        controller.restart(signal.SIGKILL)
        wait_for_switches(scene)
        assert scene.api.switch_state(scene.source) == "drained"
        time.sleep(LEAD_S)
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    scene.assert_counted(routes, traffic)
    scene.assert_moved(5)
    # What comes later goes round the drained switch too.
    introduce(scene)
    again = scene.api.post("/routes", requests(scene.first, scene.second, 1, FIRST_PORT + 100))
    assert scene.source not in carriers(scene.network)
    scene.clear(routes + [route["id"] for route in again])
    controller.restart(signal.SIGKILL)
    wait_for_switches(scene)
    assert scene.api.switch_state(scene.source) == "active"


def assert_counts_go_on(scene, routes, counted):
    """Nothing that was counted is lost, and what comes now is counted on top of it."""
    assert scene.counters(routes) == counted
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=len(counted) // 2) as traffic:
        time.sleep(LEAD_S)
    more = traffic.there.received_by_flow + traffic.back.received_by_flow
    wanted = tuple(then + now for then, now in zip(counted, more))
    wait_until(lambda: scene.counters(routes) == wanted, 3, "the counters")


def test_a_switch_that_lost_a_rule_meanwhile_gets_that_one_back_and_no_packet_is_counted_twice(scene, controller):
    routes = scene.add_routes(3)
    last = next(name for name in ("s1", "s4") if name in carriers(scene.network))
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=3):
        time.sleep(LEAD_S)
    counted = scene.counters(routes)
    before = held(scene.network)
    key, rule = next(iter(udp_rules(scene.network, last).items()))
    controller.halt(signal.SIGKILL)
    delete_strict(scene.network, last, rule)
    begun = time.monotonic()
    controller.resume()
    wait_for_switches(scene)
    wait_until(lambda: key in udp_rules(scene.network, last), 5, "the rule back")
    after = held(scene.network)
    assert after[0] == before[0]
    young = [key for key, age in after[1].items() if age < before[1][key]]
    assert young == [(last, *rule.identity)] and after[1][young[0]] <= time.monotonic() - begun
    assert_counts_go_on(scene, routes, counted)


def test_a_switch_that_was_emptied_meanwhile_is_filled_and_its_counters_go_on(scene, controller):
    routes = scene.add_routes(3)
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=3):
        time.sleep(LEAD_S)
    counted = scene.counters(routes)
    before = held(scene.network)
    controller.halt(signal.SIGKILL)
    for switch in ("s1", "s4"):
        scene.network.switch(switch).ofctl("del-flows")
    controller.resume()
    wait_for_switches(scene)
    wait_until(lambda: held(scene.network)[0] == before[0], 5, "all rules back")
    assert_counts_go_on(scene, routes, counted)


def test_a_link_that_went_down_meanwhile_is_gone_round(scene, controller):
    scene.add_routes(2)
    controller.halt(signal.SIGKILL)
    scene.network.set_link("s7", "s8", "down")
    controller.resume()
    wait_until(lambda: "s7" not in carriers(scene.network), BACK_S, "the routes on another way")
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=2) as traffic:
        time.sleep(LEAD_S)
    assert traffic.outcome.lost == 0


def test_hosts_that_talk_keep_their_routes(scene, controller):
    known = unchanging(scene.api.get("/routes"))
    assert {route["origin"] for route in known} == {"forwarding"}
    before, begun = held(scene.network), time.monotonic()
    controller.restart(signal.SIGTERM)
    wait_for_switches(scene)
    assert unchanging(scene.api.get("/routes")) == known
    assert_untouched(scene.network, before, begun)
    introduce(scene)
    made = scene.api.post("/routes", requests(scene.first, scene.second, 1))
    # After an orderly end not even a number is left out.
    assert min(route["id"] for route in made) == max(route["id"] for route in known) + 1


def test_numbers_are_never_given_out_again(scene, controller):
    seen = set()
    for _ in range(4):
        made = {route["id"] for route in scene.api.post("/routes", requests(scene.first, scene.second, 1))}
        assert not made & seen
        seen |= made
        for identifier in made:
            scene.api.delete(f"/routes/{identifier}")
        controller.restart(signal.SIGKILL)
        wait_for_switches(scene)
        introduce(scene)


def test_without_its_data_a_controller_takes_its_rules_away(scene, controller):
    scene.add_routes(2)
    controller.halt(signal.SIGKILL)
    os.remove(os.path.join(controller.data_directory, "godwit.redb"))
    controller.resume()
    wait_for_switches(scene)
    wait_until(lambda: carriers(scene.network) == {}, 5, "rules that nobody knows taken away")
    assert scene.api.get("/routes") == []


def test_a_damaged_store_is_said_and_named(controller):
    controller.halt(signal.SIGKILL)
    path = os.path.join(controller.data_directory, "godwit.redb")
    with open(path, "r+b") as file:
        file.truncate(5000)
    with pytest.raises(RuntimeError, match="godwit.redb"):
        controller.resume()
    assert "panicked" not in controller.log()


def test_a_second_controller_on_the_same_data_is_refused(controller):
    words = [program("godwit"), "run", "--openflow", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    words += ["--data-dir", controller.data_directory]
    refused = subprocess.run(words, capture_output=True, text=True, timeout=10, check=False)
    assert refused.returncode == 1 and f"process {controller.pid}" in refused.stderr


class OnSmallDisk(Controller):
    """A controller whose data is on a disk of a megabyte of its own."""

    def __init__(self, place):
        super().__init__(openflow_port=0, http_port=0)
        self._place = place

    @property
    def data_directory(self):
        return self._place


@contextmanager
def small_disk(place):
    """A file system of a megabyte."""
    run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place)
    try:
        yield place
    finally:
        run("umount", place)


def fill(place):
    """Leave no room."""
    with open(os.path.join(place, "ballast"), "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(512))
        except OSError:
            pass


def test_a_full_disk_harms_no_route(tmp_path):
    with small_disk(str(tmp_path)) as place, OnSmallDisk(place) as controller:
        with GodwitNetwork(Abilene(), controller.openflow_port, **CASE) as network:
            network.wait_connected()
            controller.api.settle(network)
            routes_on_a_full_disk(Scene(network, ABILENE_CASE, controller.api), controller, place)


def routes_on_a_full_disk(scene, controller, place):
    """Routes are made and go on, over a restart as far as the disk has them, and all are kept once there is room."""
    kept = scene.add_routes(2)
    fill(place)
    with BothWays(scene.first, scene.second, FIRST_PORT, RATE, flows=2) as traffic:
        time.sleep(LEAD_S)
        made = scene.api.post("/routes", requests(scene.first, scene.second, 100, FIRST_PORT + 100))
        made = [route["id"] for route in made]
        wait_until(lambda: scene.api.metric("godwit_store_failures_total") > 0, 10, "failures counted")
        assert "the store can't be written: what changes is not kept" in controller.log()
        before, begun = held(scene.network), time.monotonic()
        time.sleep(LEAD_S)
        assert_untouched(scene.network, before, begun)
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    scene.assert_counted(kept, traffic)
    os.remove(os.path.join(place, "ballast"))
    wait_until(lambda: "the store can be written again" in controller.log(), 10, "the store written again")
    known = unchanging(scene.api.get("/routes"))
    before, begun = held(scene.network), time.monotonic()
    controller.restart(signal.SIGKILL)
    assert unchanging(scene.api.get("/routes")) == known and set(made) <= {route["id"] for route in known}
    wait_for_switches(scene)
    assert_untouched(scene.network, before, begun)
    fill(place)
    controller.restart(signal.SIGKILL)
    assert unchanging(scene.api.get("/routes")) == known
    wait_for_switches(scene)
    assert_untouched(scene.network, before, begun)


def delete_strict(network, switch, rule):
    """Delete one entry by hand."""
    network.switch(switch).ofctl("del-flows", f"priority={rule.priority},{rule.match}", "--strict")
