"""Writes to a switch while its work is moved away: none is lost, none is early, all are in force on the right switch."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from controller import QUIET, Api, Controller
from processes import wait_until
from routes import FIRST_PORT
from traffic import BothWays
from transplants import KINDS, SOURCE, TARGET, target_behind_proxy

RATE = 4000
WRITES = 1000
WRITES_PER_S = 1000
WRITERS = 8
FIRST_TCP_PORT = 1000


@pytest.fixture
def controller():
    """A controller that asks for nothing by itself: the tests hold the first barrier that they wait for."""
    with Controller(openflow_port=0, http_port=0, config=QUIET) as running:
        yield running


@pytest.fixture
def scene(connect, controller, api):  # pylint: disable=redefined-outer-name
    """The source full of rules, and a target that can hold the migration where it is."""
    with target_behind_proxy(connect, controller, api) as (network, proxy):
        yield network, proxy


def entry(network, index):
    """A static entry for the source."""
    match = {"eth_type": 2048, "ip_proto": 6, "tcp_dst": FIRST_TCP_PORT + index}
    actions = [{"type": "output", "port": network.port(SOURCE, "s4" if index % 2 else "s3")}]
    return {"priority": 2000, "match": match, "actions": actions}


def entries_on(network, switch):
    """The static entries that a switch holds: TCP port to output."""
    rules = [rule for rule in network.rules(switch) if "tcp" in rule.match.split(",")]
    return {int(rule.field("tp_dst")): rule.actions for rule in rules}


class Writers:
    """Static entries posted at a steady rate by several clients, while the context lasts or until all are posted."""

    def __init__(self, network, url):
        self._network, self._url = network, url
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(WRITERS)
        self.answers = {}

    def post(self, first, count):
        """Post so many, from this one on; returns at once."""
        begun = time.monotonic()
        for index in range(first, first + count):
            self._pool.submit(self._write, index, begun + (index - first) / WRITES_PER_S)

    def _write(self, index, due):
        time.sleep(max(0, due - time.monotonic()))
        if not hasattr(self._local, "api"):
            self._local.api = Api(self._url)
        response = self._local.api.request("POST", f"/v1/switches/{SOURCE}/rules", entry(self._network, index))
        self.answers[index] = (response.status_code, response.json())

    def wait(self):
        """Return when all have been answered."""
        self._pool.shutdown(wait=True)


def test_entries_posted_to_a_frozen_switch_are_in_force_on_the_target(scene, controller, api):
    network, proxy = scene
    writers = Writers(network, controller.api.url)
    held = proxy.arm("hold", "barrier_reply", nth=1)
    with BothWays(*network.hosts, FIRST_PORT, RATE, flows=len(KINDS)) as traffic:
        started = api.post("/migrations", {"source": SOURCE, "target": TARGET, "algorithm": "clone"})
        wait_until(lambda: api.switch_state(SOURCE) == "frozen", 5, "the source frozen")
        writers.post(0, WRITES)
        wait_until(lambda: len(api.get("/queued")) > WRITES // 4, 10, "writes that are held")
        queued = api.get("/queued")
        held.release()
        migration = api.wait_for_migration(started["id"])
        writers.wait()
    assert migration["state"] == "committed", migration
    assert (traffic.outcome.lost, traffic.outcome.duplicates) == (0, 0)
    numbers = [write["number"] for write in queued]
    assert numbers == sorted(numbers) and {write["dpid"] for write in queued} == {"0000000000000001"}
    statuses = {status for status, _ in writers.answers.values()}
    # What came after the commit is for a switch that is drained.
    assert 202 in statuses and statuses <= {201, 202, 422}
    taken = {index for index, (status, _) in writers.answers.items() if status in (201, 202)}
    assert api.get("/queued") == []
    ports = {index: network.port(TARGET, "s4" if index % 2 else "s3") for index in taken}
    wanted = {FIRST_TCP_PORT + index: f"output:{port}" for index, port in ports.items()}
    wait_until(lambda: entries_on(network, TARGET) == wanted, 5, "every entry on the target")
    assert entries_on(network, SOURCE) == {}


def test_entries_posted_to_a_switch_whose_migration_goes_back_are_in_force_there(scene, controller, api):
    network, proxy = scene
    writers = Writers(network, controller.api.url)
    held = proxy.arm("hold", "barrier_reply", nth=1)
    started = api.post("/migrations", {"source": SOURCE, "target": TARGET, "algorithm": "clone"})
    wait_until(lambda: api.switch_state(SOURCE) == "frozen", 5, "the source frozen")
    writers.post(0, WRITES)
    wait_until(lambda: len(api.get("/queued")) > WRITES // 4, 10, "writes that are held")
    assert entries_on(network, SOURCE) == {}
    api.delete(f"/migrations/{started['id']}")
    held.release()
    migration = api.wait_for_migration(started["id"])
    writers.wait()
    assert migration["state"] == "rolled_back", migration
    assert {status for status, _ in writers.answers.values()} <= {201, 202}
    assert len(writers.answers) == WRITES
    wait_until(lambda: len(entries_on(network, SOURCE)) == WRITES, 5, "every entry on the source")
    assert entries_on(network, TARGET) == {}
    assert api.get("/queued") == []
    some = [body["id"] for _, body in list(writers.answers.values())[:20]]
    assert {api.get(f"/switches/{SOURCE}/rules/{identifier}")["state"] for identifier in some} == {"active"}
