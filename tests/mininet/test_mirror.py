"""Mirrors: copies of what passes a port, at the port of whoever watches."""

import time

import pytest

from controller import Refused
from faults import controller  # noqa: F401  pylint: disable=unused-import
from host_frames import counted, ethernet, send_frame
from network import GodwitNetwork
from topologies import GraphTopo, graph_of

EXPERIMENTAL_TYPE = 0x88B5
MARK = b"godwit test mirror"
COUNT = 20


@pytest.fixture(scope="module")
def network(controller):  # noqa: F811  pylint: disable=redefined-outer-name
    """Two hosts at s1, of which the second will watch, and one at s2, which speaks OpenFlow 1.0 and has a watcher too."""
    topo = GraphTopo(graph=graph_of([(1, 2)]), hosts=(1, 1, 2, 2))
    with GodwitNetwork(topo, controller.openflow_port, openflow10=("s2",)) as built:
        built.wait_connected()
        controller.api.settle(built)
        yield built


def copies(network):  # pylint: disable=redefined-outer-name
    """How many frames from the first host to the third, and from there to the first, each host sees."""
    first, _, third, _ = network.hosts
    with counted(network.hosts, MARK) as seen:
        for sender, receiver in ((first, third), (third, first)):
            frame = ethernet(receiver.MAC(), sender.MAC(), EXPERIMENTAL_TYPE, MARK)
            send_frame(sender, frame, count=COUNT)
        time.sleep(1)
    return seen


@pytest.mark.parametrize("switch, watcher, port", [("s1", "h2", 1), ("s2", "h4", 1)])
@pytest.mark.parametrize("direction, times", [("in", 1), ("out", 1), ("both", 2)])
def test_the_watcher_sees_what_passes_the_port_and_the_hosts_notice_nothing(
    network, api, switch, watcher, port, direction, times  # pylint: disable=redefined-outer-name
):
    path = f"/switches/{switch}/mirrors/watch"
    rules = network.all_rules()
    made = api.call("PUT", path, {"ports": [port], "direction": direction, "output": 2})
    assert made["own"] and made["output"] == 2, made
    seen = copies(network)
    assert seen == {"h1": COUNT, "h2": 0, "h3": COUNT, "h4": 0} | {watcher: times * COUNT}
    # Open vSwitch brings its own count up to date every few seconds.
    (listed,) = api.get(f"/switches/{switch}/mirrors")
    assert (listed["in"], listed["out"]) == ([port] * (direction != "out"), [port] * (direction != "in"))
    api.delete(path)
    assert copies(network)[watcher] == 0
    assert network.all_rules().keys() == rules.keys()
    assert network.switch(switch).ovs_vsctl("list", "Mirror").strip() == ""


def test_what_can_not_be_is_refused_and_what_others_made_is_left_alone(network, api):  # pylint: disable=redefined-outer-name
    link = network.port("s1", "s2")
    wrong = [
        ({"ports": [1], "output": link}, 422, "leads to another switch"),
        ({"ports": [1], "output": 1}, 422, "copied again"),
        ({"ports": [99], "output": 2}, 422, "no port 99"),
        ({"output": 2, "port": 1}, 422, "port"),
    ]
    for body, status, words in wrong:
        with pytest.raises(Refused) as refused:
            api.call("PUT", "/switches/s1/mirrors/watch", body)
        assert refused.value.status == status and words in str(refused.value), refused.value
    port = network.switch("s1").ovs_vsctl("get", "port", network.interface("s1", "s2"), "_uuid").strip()
    create = ["--", "--id=@m", "create", "mirror", "name=theirs", f"select_src_port={port}"]
    network.switch("s1").ovs_vsctl(*create, "--", "add", "bridge", "s1", "mirrors", "@m")
    api.call("PUT", "/switches/s1/mirrors/mine", {"output": 2})
    listed = api.get("/switches/s1/mirrors")
    assert [(mirror["name"], mirror["own"], mirror["all"]) for mirror in listed] == [
        ("mine", True, True),
        ("theirs", False, False),
    ]
    for method, body in (("PUT", {"output": 2}), ("DELETE", None)):
        with pytest.raises(Refused) as refused:
            api.call(method, "/switches/s1/mirrors/theirs", body)
        assert refused.value.status == 409
    api.delete("/switches/s1/mirrors/mine")
    assert [mirror["name"] for mirror in api.get("/switches/s1/mirrors")] == ["theirs"]
    network.switch("s1").ovs_vsctl("clear", "bridge", "s1", "mirrors")
