"""Requests that can't be met, or come twice, at once, too late or by halves."""

import json
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from requests import ConnectionError  # pylint: disable=redefined-builtin

from controller import Api, Refused
from faults import (  # noqa: F401  pylint: disable=unused-import
    PHASES,
    abilene,
    at_phase,
    controller,
    frozen,
    refusal_of,
    scene,
)
from processes import run, wait_until
from routes import carriers

ROUTES = 5
BODY = {"source": "s7", "target": "s6", "algorithm": "clone"}

BAD_MIGRATIONS = {
    "an unknown source": ({"source": "s99"}, 404),
    "an unknown target": ({"target": "s99"}, 404),
    "a target equal to the source": ({"target": "s7"}, 422),
    "an unknown algorithm": ({"algorithm": "teleport"}, 422),
    "an unknown field": ({"speed": "ludicrous"}, 422),
    "a source with a host on it": ({"source": "s4", "target": "s5"}, 422),
    "no source": ({"source": None}, 422),
}


@pytest.mark.parametrize("name", BAD_MIGRATIONS)
def test_a_migration_that_cannot_be_is_refused_and_nothing_is_touched(scene, name):  # noqa: F811
    change, status = BAD_MIGRATIONS[name]
    scene.add_routes(ROUTES)
    before = scene.network.all_rules()
    with pytest.raises(Refused) as refused:
        scene.api.post("/migrations", {**BODY, **change})
    assert refused.value.status == status
    assert refused.value.content_type.startswith("application/problem+json")
    assert refused.value.problem()["detail"]
    assert scene.network.all_rules() == before
    assert scene.api.switch_state("s7") == "active"


def answers(scene, bodies, **options):  # noqa: F811
    """The responses to these requests for a migration, all sent at once."""

    def ask(body):
        # A connection each: one is not for two threads.
        return Api(scene.api.url).request("POST", "/v1/migrations", body, **options)

    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(ask, bodies))


def statuses(responses):
    """How often each status came."""
    found = [response.status_code for response in responses]
    return {status: found.count(status) for status in set(found)}


def test_of_fifty_requests_at_once_one_is_accepted(scene):  # noqa: F811
    scene.add_routes(ROUTES)
    rule = at_phase(scene, "install", "hang")
    responses = answers(scene, [BODY] * 50)
    assert statuses(responses) == {202: 1, 409: 49}
    accepted = next(r.json()["id"] for r in responses if r.status_code == 202)
    rule.wait()
    rule.disarm()
    scene.proxies["s6"].resume()
    assert scene.end_of(accepted)["state"] == "committed"
    scene.assert_moved(ROUTES)
    assert all(r.headers["Content-Type"].startswith("application/problem+json") for r in responses if not r.ok)


@pytest.mark.parametrize(
    "second",
    [
        {"source": "s6", "target": "s7"},
        {"source": "s6", "target": "s5"},
        {"source": "s7", "target": "s5"},
        {"source": "s8", "target": "s9"},
    ],
)
def test_a_second_migration_that_shares_a_switch_is_a_conflict(scene, second):  # noqa: F811
    """Swapped, chained, with the same source, and over another switch of the old way."""
    scene.add_routes(ROUTES)
    with scene.traffic(ROUTES) as traffic:
        with frozen(scene, "install") as identifier:
            status, problem = refusal_of(lambda: scene.api.post("/migrations", {**second, "algorithm": "clone"}))
            assert status == 409 and problem["detail"], problem
        assert scene.end_of(identifier)["state"] == "committed"
    scene.assert_nothing_lost(traffic)
    scene.assert_moved(ROUTES)


def test_twenty_requests_with_one_key_are_one_migration(scene):  # noqa: F811
    scene.add_routes(ROUTES)
    before = len(scene.api.get("/migrations"))
    responses = answers(scene, [BODY] * 20, headers={"Idempotency-Key": "twenty"})
    assert set(statuses(responses)) <= {200, 202}, statuses(responses)
    assert len({response.json()["id"] for response in responses}) == 1
    assert scene.end_of(responses[0].json()["id"])["state"] == "committed"
    assert len(scene.api.get("/migrations")) == before + 1


def test_a_key_with_another_body_is_refused(scene):  # noqa: F811
    scene.add_routes(ROUTES)
    headers = {"Idempotency-Key": "other"}
    first = scene.api.post("/migrations", BODY, headers=headers)
    status, _ = refusal_of(lambda: scene.api.post("/migrations", {**BODY, "algorithm": "move"}, headers=headers))
    assert status == 422
    assert scene.end_of(first["id"])["state"] == "committed"


@pytest.mark.parametrize("moment", ["after the request", "while it runs"])
def test_a_client_that_is_gone_does_not_cancel(scene, moment):  # noqa: F811
    scene.add_routes(ROUTES)
    before = {migration["id"] for migration in scene.api.get("/migrations")}
    rule = at_phase(scene, "install", "hang")
    body = json.dumps(BODY).encode()
    head = "POST /v1/migrations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}\r\n"
    address = scene.api.url.removeprefix("http://").split(":")
    client = socket.create_connection((address[0], int(address[1])))
    client.sendall(head.encode() + b"\r\n" + body)
    if moment == "while it runs":
        rule.wait()
    # A reset, as from a client that was killed.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    client.close()
    time.sleep(0.3)
    rule.disarm()
    scene.proxies["s6"].resume()
    new = {migration["id"] for migration in scene.api.get("/migrations")} - before
    # A client that is gone before the request was read has not asked for anything.
    assert len(new) == 1 or (moment == "after the request" and not new)
    for identifier in new:
        assert scene.end_of(identifier)["state"] == "committed"
        scene.assert_moved(ROUTES)


@pytest.mark.parametrize("phase", PHASES)
def test_a_migration_is_cancelled_in_each_phase(scene, phase):  # noqa: F811
    scene.add_routes(ROUTES)
    scene.remember()
    with scene.traffic(ROUTES) as traffic:
        with frozen(scene, phase) as identifier:
            refused = refusal_of(lambda: scene.api.delete(f"/migrations/{identifier}"))
        ended = scene.end_of(identifier)
    scene.assert_nothing_lost(traffic)
    if phase in ("install", "flip"):
        assert refused is None
        assert ended["state"] == "rolled_back", ended
        scene.assert_as_before()
        assert scene.api.switch_state(scene.source) == "active"
    else:
        assert refused[0] == 409
        assert ended["state"] == "committed", ended
        scene.assert_moved(ROUTES)
    status, _ = refusal_of(lambda: scene.api.delete(f"/migrations/{identifier}"))
    assert status == 409


def test_what_does_not_exist_cannot_be_cancelled(scene):  # noqa: F811
    assert refusal_of(lambda: scene.api.delete("/migrations/4711"))[0] == 404


def test_rules_of_others_on_the_target_are_left_alone(scene):  # noqa: F811
    scene.add_routes(ROUTES)
    foreign = "priority=7,udp,tp_dst=9"
    target = scene.network.switch(scene.target)
    target.ofctl("add-flow", f"cookie=0x5,{foreign},actions=drop")
    try:
        assert scene.end_of(scene.start())["state"] == "committed"
        scene.assert_moved(ROUTES)
        assert "cookie=0x5" in target.ofctl("dump-flows", foreign.removeprefix("priority=7,"))
    finally:
        target.ofctl("del-flows", "--strict", foreign)


def test_a_switch_that_pretends_to_be_the_target_gets_nothing(scene, controller):  # noqa: F811
    scene.add_routes(ROUTES)
    number = scene.network.switch(scene.target).dpid.rjust(16, "0")
    run("ovs-vsctl", "add-br", "pretender", "--", "set", "bridge", "pretender", "datapath_type=netdev",
        f"other_config:datapath-id={number}", "protocols=OpenFlow13", "fail_mode=secure",
        "--", "set-controller", "pretender", f"tcp:127.0.0.1:{controller.openflow_port}")  # fmt: skip
    try:
        time.sleep(2)
        with scene.traffic(ROUTES) as traffic:
            assert scene.end_of(scene.start())["state"] == "committed"
        scene.assert_nothing_lost(traffic)
        scene.assert_moved(ROUTES)
        assert "actions" not in run("ovs-ofctl", "-O", "OpenFlow13", "dump-flows", "pretender")
    finally:
        run("ovs-vsctl", "del-br", "pretender")


def test_a_controller_without_file_descriptors_keeps_its_switches(scene, controller):  # noqa: F811
    scene.add_routes(ROUTES)
    in_use = len(os.listdir(f"/proc/{controller.pid}/fd"))
    shown = ("--nofile", "--noheadings", "--raw", "--output=SOFT,HARD")
    before = run("prlimit", f"--pid={controller.pid}", *shown).split()
    run("prlimit", f"--pid={controller.pid}", f"--nofile={in_use + 3}:{before[1]}")
    clients = []
    try:
        for _ in range(20):
            clients.append(socket.create_connection(("127.0.0.1", controller.http_port)))
        time.sleep(0.5)
        with scene.traffic(ROUTES) as traffic:
            # Over the connection that is there.
            assert scene.end_of(scene.start())["state"] == "committed"
        scene.assert_nothing_lost(traffic)
        scene.assert_moved(ROUTES)
        assert scene.connected()
    finally:
        for client in clients:
            client.close()
        run("prlimit", f"--pid={controller.pid}", f"--nofile={':'.join(before)}")
    wait_until(lambda: Api(scene.api.url).request("GET", "/readyz", timeout=5).ok, 10, "new clients served")


@pytest.mark.parametrize("phase", ["install", "flip"])
def test_a_controller_that_is_stopped_for_long_goes_on(scene, controller, phase):  # noqa: F811
    """For so long that its switches have given it up."""
    scene.add_routes(ROUTES)
    with scene.traffic(ROUTES) as traffic:
        with frozen(scene, phase) as identifier:
            os.kill(controller.pid, signal.SIGSTOP)
        try:
            time.sleep(12)
        finally:
            os.kill(controller.pid, signal.SIGCONT)
        with suppress(ConnectionError):
            # The client's own connection may have been given up, too; its next one hasn't.
            scene.phase(identifier)
        ended = scene.end_of(identifier)
        scene.wait_connected()
    scene.assert_nothing_lost(traffic)
    assert ended["state"] in ("rolled_back", "committed"), ended
    if ended["state"] == "committed":
        wait_until(lambda: scene.source not in carriers(scene.network), 5, "the source without rules of routes")
    # Its switches found it again one by one, and meanwhile it may have led the routes round those that were missing.
    # But they are on one way, with one rule for each on every hop.
    wait_until(lambda: set(carriers(scene.network).values()) == {2 * ROUTES}, 5, "each route on one way")
    with scene.traffic(ROUTES) as later:
        pass
    scene.assert_nothing_lost(later)
