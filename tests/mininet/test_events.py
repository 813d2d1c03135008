"""`GET /v1/events`: what happens on real switches, in its order, and nothing of it lost to a client that comes back."""

import json
import os
import signal
import subprocess
import threading
import time

import requests

from controller import FINAL_STATES
from processes import PROJECT, program, start, wait_until
from test_migration import Scene
from topologies import ABILENE_CASE, Abilene, Ring


class Stream:
    """A client of the stream: what it was told, as (id, family, data)."""

    def __init__(self, url, last=None, types=None):
        headers = {} if last is None else {"Last-Event-ID": last}
        params = {} if types is None else {"types": types}
        session = requests.Session()
        session.trust_env = False
        self._response = session.get(f"{url}/v1/events", headers=headers, params=params, stream=True, timeout=30)
        assert self._response.status_code == 200, self._response.text
        self.told, self.last, self.has_ended = [], None, threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        wait_until(lambda: self.last, 5, "the first id")

    def _read(self):
        fields = {}
        try:
            for line in self._response.iter_lines(chunk_size=1, decode_unicode=True):
                if line:
                    name, _, value = line.partition(":")
                    fields[name] = value.removeprefix(" ")
                    continue
                if "data" in fields:
                    self.told.append((fields["id"], fields["event"], json.loads(fields["data"])))
                self.last = fields.get("id", self.last)
                fields = {}
        except (requests.RequestException, AttributeError, OSError):
            pass
        self.has_ended.set()

    def types(self):
        """The types of what was told."""
        return [data.get("type") for _, _, data in list(self.told)]

    def close(self):
        """Stop reading."""
        self._response.close()


def test_a_migration_is_told_phase_by_phase_and_a_client_that_comes_back_misses_nothing(connect, controller, api):
    whole = Stream(controller.url)
    network = connect(Abilene(), openflow10=("s2", "s9"))
    api.settle(network)
    scene = Scene(network, ABILENE_CASE, api)
    links = {(link["src"]["dpid"], link["src"]["port"]) for link in api.get("/links")}
    told = lambda: {(d["link"]["src"]["dpid"], d["link"]["src"]["port"]) for _, _, d in whole.told if d.get("type") == "link_up"}
    wait_until(lambda: told() == links, 5, "every link told")
    assert whole.types().count("switch_up") == len(network.switches)
    assert whole.types().count("host_added") == len(network.hosts)

    only = Stream(controller.url, types="migration")
    scene.add_routes(5)
    ended = api.migrate(scene.source, scene.target)
    assert ended["state"] == "committed"
    wait_until(lambda: any(d.get("state") in FINAL_STATES for _, _, d in only.told), 5, "the end told")
    phases = [data["phase"] for _, _, data in only.told if data["type"] == "migration_phase"]
    states = [data["state"] for _, _, data in only.told if data["type"] == "migration"]
    assert states == ["frozen", "running", "committed"]
    assert set(phases) == {phase["name"] for phase in ended["phases"]}
    order = [phases.index(name) for name in ("freeze", "plan", "install", "flip", "drain", "remove")]
    assert order == sorted(order)

    # Another client, which is cut off after each tenth event, is told the same.
    wait_until(lambda: len(whole.told) > 40, 5, "events")
    first, *expected = [identifier for identifier, _, _ in whole.told][:40]
    seen, last = [], first
    while len(seen) < len(expected):
        part = Stream(controller.url, last=last)
        wait_until(lambda: len(part.told) >= min(10, len(expected) - len(seen)), 5, "events that were kept")
        part.close()
        seen += [identifier for identifier, _, _ in part.told[:10]]
        last = seen[-1]
    assert seen[: len(expected)] == expected
    for stream in (whole, only):
        stream.close()


def test_a_client_of_the_run_before_is_told_that_it_missed_something(controller, api):
    before = Stream(controller.url)
    began = time.monotonic()
    controller.halt(signal.SIGTERM)
    # A stream that is open keeps nobody from stopping.
    assert time.monotonic() - began < 1.5
    assert before.has_ended.wait(5)
    controller.resume()
    api.forget_connections()
    after = Stream(controller.url, last=before.last)
    wait_until(lambda: after.told, 5, "something told")
    assert after.told[0][1:] == ("missed", {"missed": None})
    after.close()


def test_the_command_prints_a_line_for_each_and_goes_on_after_a_restart(connect, controller, api):
    command = [program("godwit"), "events", "--types", "switch,link", "--url", controller.url]
    process = start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        time.sleep(1)
        network = connect(Abilene())
        api.wait_for_network(network)
        count = len(network.links())
        lines = [process.stdout.readline().split() for _ in range(count + 2 * len(network.switches))]
        kinds = [line[1] for line in lines]
        assert kinds.count("link_up") == count
        assert kinds.count("switch_up") == kinds.count("switch_ready") == len(network.switches)
        controller.restart(signal.SIGKILL)
        wait_until(lambda: "missed" in process.stdout.readline(), 10, "the restart")
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=5)
        assert process.returncode == 0, err
        assert "trying again" in err
    finally:
        process.kill()
        process.wait()


def test_a_program_that_follows_the_events_denies_a_stranger_when_it_comes(connect, controller, api):
    network = connect(Ring(3))
    api.wait_for_network(network)
    first, second, stranger = network.hosts
    script = os.path.join(PROJECT, "apps", "examples", "known_hosts.py")
    words = ["python3", script, first.MAC(), second.MAC(), "--url", controller.url]
    process = start(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        network.mininet.ping([first, second], timeout="5")
        network.mininet.ping([first, stranger], timeout="1")
        assert process.stdout.readline().startswith(f"{stranger.MAC()} is denied")
        # What the switches have in their caches passes a moment longer.
        wait_until(lambda: network.mininet.ping([first, stranger], timeout="1") == 100, 5, "the stranger cut off")
        assert network.mininet.ping([first, second], timeout="5") == 0
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=5)
