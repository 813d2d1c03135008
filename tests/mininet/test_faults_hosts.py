"""Rules that expire, hosts that move and hosts that flood, in the middle of a migration."""

import time

import pytest

from faults import abilene, controller, frozen, scene  # noqa: F401  pylint: disable=unused-import
from host_frames import ethernet, send_frame
from processes import wait_until
from routes import FIRST_PORT, UDP, carriers
from traffic import Stream

ROUTES = 5


@pytest.mark.parametrize("algorithm", ["clone", "move", "freeze-copy"])
def test_rules_that_expire_in_the_middle_do_not_rise_again(scene, algorithm):  # noqa: F811
    scene.add_routes(ROUTES)
    began = time.monotonic()
    timed = [
        {"from": a.IP(), "to": b.IP(), "match": {**UDP, "udp_dst": FIRST_PORT + 100 + seconds}, "hard_timeout": seconds}
        for a, b in ((scene.first, scene.second), (scene.second, scene.first))
        for seconds in (1, 2, 3, 5)
    ]
    scene.api.post("/routes", timed)
    with scene.traffic(ROUTES) as traffic:
        with frozen(scene, "install", algorithm) as identifier:
            # Those of one and of two seconds end while it stands still.
            time.sleep(max(0, began + 2.5 - time.monotonic()))
        ended = scene.end_of(identifier)
    assert ended["state"] == "committed", ended
    if algorithm == "clone":
        scene.assert_nothing_lost(traffic)
    # A rule that was written anew may live as long again at most if its time starts over, which it must not.
    time.sleep(max(0, began + 6.5 - time.monotonic()))
    left = carriers(scene.network, FIRST_PORT + 100)
    assert left == {}, f"rules whose time is over: {left}"
    scene.assert_moved(ROUTES)

    def asked():
        return [route for route in scene.api.get("/routes") if route["origin"] == "request"]

    wait_until(lambda: len(asked()) == 2 * ROUTES, 5, "the routes that expired gone")


@pytest.fixture
def movable(scene):  # noqa: F811
    """Moves the second host to another switch; it is back afterwards."""
    interface = "s1-eth1"
    where = ["s1"]

    def move(switch, number):
        scene.network.switch("s1").ovs_vsctl(
            "del-port", where[0], interface,
            "--", "add-port", switch, interface,
            "--", "set", "Interface", interface, f"ofport_request={number}",
        )  # fmt: skip
        where[0] = switch
        # A host that has moved says so.
        scene.second.cmd(f"ping -c2 -i0.2 -W1 {scene.first.IP()}")

    yield move
    if where[0] != "s1":
        move("s1", 1)
    wait_until(lambda: scene.api.attachments() == scene.network.attachments(), 15, "the host where it was")


@pytest.mark.parametrize("phase", ["install", "flip", "drain"])
def test_a_host_moves_while_its_routes_migrate(scene, movable, phase):  # noqa: F811
    scene.add_routes(ROUTES)
    with frozen(scene, phase) as identifier:
        movable("s3", 9)
    ended = scene.end_of(identifier)
    assert ended["state"] in ("committed", "rolled_back"), ended
    number = scene.network.switch("s3").number
    wait_until(lambda: scene.api.attachments()[scene.second.MAC()] == (number, 9), 5, "the host seen at its new place")

    def flows():
        with Stream(scene.first, scene.second, FIRST_PORT, 200, ROUTES) as there:
            time.sleep(0.3)
        return there.outcome.lost == 0

    wait_until(flows, 8, "traffic to the host at its new place")
    # No rule leads to where the host was: all of them are on the ways that end at s3.
    assert carriers(scene.network).get("s3") == 2 * ROUTES
    assert "s1" not in carriers(scene.network)


def test_a_storm_of_packets_for_the_controller_does_not_hold_a_migration_up(scene):  # noqa: F811
    scene.add_routes(ROUTES)
    # Of a type that no rule matches, to nobody: each goes to the controller.
    stranger = ethernet("02:00:00:00:00:99", "02:00:00:00:00:98", 0x88B5, b"\0" * 46)
    with scene.traffic(ROUTES) as traffic:
        with frozen(scene, "install") as identifier:
            packets_in = scene.proxies["s4"].counts()["messages"]["from_switch"].get("packet_in", 0)
            send_frame(scene.first, stranger, 3000)
            time.sleep(0.2)
        ended = scene.end_of(identifier)
        flood = scene.proxies["s4"].counts()["messages"]["from_switch"].get("packet_in", 0) - packets_in
    assert flood > 100, "the storm did not reach the controller"
    assert ended["state"] == "committed", ended
    # The second that it stood still is in it.
    assert ended["duration_us"] < 5_000_000
    scene.assert_moved(ROUTES)
    # The storm came in at the first host's port, and for a moment took the whole of it.
    scene.assert_lost_no_more_than_its_silence(traffic)


def test_a_target_that_comes_back_with_another_version_of_openflow(scene):  # noqa: F811
    scene.add_routes(ROUTES)
    scene.remember()
    target = scene.network.switch(scene.target)
    with scene.traffic(ROUTES) as traffic:
        with frozen(scene, "install") as identifier:
            connections = scene.proxies[scene.target].connections()
            target.ovs_vsctl("set", "bridge", scene.target, "protocols=OpenFlow10")
            time.sleep(0.5)
        try:
            scene.proxies[scene.target].wait_for_connection(connections + 1)
            ended = scene.end_of(identifier)
            scene.wait_connected()
            assert scene.api.get(f"/switches/{scene.target}")["openflow"] == "1.0"
        finally:
            target.ovs_vsctl("set", "bridge", scene.target, "protocols=OpenFlow13")
            scene.proxies[scene.target].wait_for_connection(connections + 2)
            scene.wait_connected()
    assert ended["state"] == "rolled_back", ended
    scene.assert_as_before(within=5)
    scene.assert_nothing_lost(traffic)
