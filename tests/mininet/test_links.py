"""Links with a delay and a bandwidth, and switches with queues: what they carry, and that nothing of them is left."""

import signal
import subprocess
import time

import pytest
from mininet.topo import Topo

from links import QueuedSwitch, ShapedLink, has_netem, shaping
from network import GodwitNetwork
from processes import CommandFailed, run, start, wait_until
from test_mn import CUSTOM
from traces import assert_nothing_new, traces
from traffic import Stream

PORT = 20_000
SECONDS = 2
SIZE = 1000

# Of Ethernet, IPv4 and UDP, in bytes: what a datagram is more on the wire.
HEADERS = 42


class Pair(Topo):
    """Two switches with a host each, and one link between them; switches with queues where there are any."""

    def build(self, queues=(), **link):
        kind = {"cls": QueuedSwitch, "queues_mbps": queues} if queues else {}
        for number in (1, 2):
            self.addLink(self.addHost(f"h{number}"), self.addSwitch(f"s{number}", **kind))
        self.addLink("s1", "s2", cls=ShapedLink, **link)


@pytest.fixture
def forwarding(plain):
    """Builds a pair that forwards everything."""

    def build(topo, **options):
        network = plain(topo, **options)
        for switch in network.switches:
            switch.ofctl("add-flow", "actions=normal")
        network.static_arp()
        return network

    return build


def fastest_ms(network):
    """The shortest of ten round trips."""
    first, second = network.hosts
    answer = first.cmd(f"ping -c10 -i0.1 -q {second.IP()}")
    assert " 0% packet loss" in answer
    return float(answer.partition("min/avg/max/mdev = ")[2].partition("/")[0])


def overloaded(network, there=(0, 1)):
    """What arrives of 20 Mbit/s and more."""
    sender, receiver = (network.hosts[index] for index in there)
    with Stream(sender, receiver, PORT, rate=2500, size=SIZE) as stream:
        time.sleep(SECONDS)
    return stream.outcome


def assert_ten_mbps(outcome):
    """That ten of them did, and no more than the queue beside them."""
    assert outcome.sent > 2250 * SECONDS
    frames = outcome.sent / 2500 * 10e6 / 8 / (SIZE + HEADERS)
    # Above it are what the queue holds and a burst; below it, what a busy machine is late with.
    assert 0.6 * frames < outcome.received < 1.05 * frames + 140
    assert outcome.duplicates == outcome.reordered == 0


@pytest.mark.parametrize(
    "link, options",
    [
        ({"bandwidth_mbps": 10}, {}),
        ({"bandwidth_mbps": 10}, {"separate": ("s1",)}),
        ({"bandwidth_mbps": 10, "delay_ms": 20}, {}),
        ({"bandwidth_mbps": 10}, {"relays": {("s1", "s2"): 20}}),
    ],
)
def test_a_link_keeps_to_its_bandwidth_and_its_delay(forwarding, link, options):
    network = forwarding(Pair(**link), **options)
    delay = 20 if "delay_ms" in link or "relays" in options else 0
    # The fastest tells the link's; the others tell how busy the machine is as well.
    assert 2 * delay <= fastest_ms(network) < 2 * delay + 5
    assert_ten_mbps(overloaded(network))
    assert_ten_mbps(overloaded(network, there=(1, 0)))


def test_a_bandwidth_outlasts_power_failures(forwarding):
    network = forwarding(Pair(bandwidth_mbps=10), separate=("s2",))
    network.power_off("s1")
    network.power_on("s1")
    network.switch("s2").restart_daemon()
    for switch in network.switches:
        interface = network.interface(switch.name, "s1" if switch.name == "s2" else "s2")
        assert "rate 10Mbit" in interface.cmd(f"tc class show dev {interface}")


def test_queues_are_made_at_every_port_and_removed_with_their_switch(plain):
    before = rows()
    with GodwitNetwork(Pair(queues=(6, 3), bandwidth_mbps=10)) as network:
        told = network.switch("s1").ofctl("queue-stats")
        queues = [f"port {port} queue {queue}:" for port in (network.port("s1", "s2"),) for queue in (0, 1, 2)]
        assert all(queue in told for queue in queues) and " queue 3:" not in told
        classes = run("tc", "class", "show", "dev", network.interface("s1", "s2"))
        assert "root rate 10Mbit" in classes
        assert [f"rate {rate} ceil 10Mbit" in classes for rate in ("6Mbit", "3Mbit")] == [True, True]
        assert len(rows() - before) == 2 * (1 + 3)
        for switch in network.switches:
            switch.ofctl("add-flow", "actions=set_queue:1,normal")
        assert network.ping_all() == 0
    assert rows() == before


def rows():
    """The queues in Open vSwitch's database, and what has them."""
    tables = [run("ovs-vsctl", "--bare", "--columns=_uuid", "list", table) for table in ("QoS", "Queue")]
    return {row for table in tables for row in table.split()}


@pytest.mark.parametrize(
    "link, message",
    [
        ({"bandwidth_mbps": 0}, "bandwidth has to be 0.001 to 10000, not 0"),
        ({"bw": "fast"}, "bandwidth has to be 0.001 to 10000, not fast"),
        ({"delay_ms": -1}, "delay_ms has to be 0 to 10000, not -1"),
        ({"bw": 1, "bandwidth_mbps": 1}, "set one of them"),
    ],
)
def test_a_bad_link_is_refused_and_leaves_nothing(link, message):
    before = traces()
    with pytest.raises(ValueError, match=message):
        with GodwitNetwork(Pair(**link)):
            pass
    assert_nothing_new(before)


def test_a_relay_whose_link_can_not_be_shaped_is_ended(monkeypatch):
    before = traces()
    monkeypatch.setattr("links.shaping", lambda *_: [["tc", "nonsense"]])
    with pytest.raises(CommandFailed, match="tc nonsense"):
        with GodwitNetwork(Pair(bandwidth_mbps=10, delay_ms=5)):
            pass
    assert_nothing_new(before)


def test_where_there_is_netem_it_delays_what_htb_lets_through():
    words = [" ".join(command) for command in shaping("s1-eth2", 10, 20)]
    assert words[0] == "tc qdisc add dev s1-eth2 root handle 5: htb default 1"
    assert "classid 5:1 htb rate 10mbit" in words[1]
    # 120 ms of 10 Mbit/s, in full frames.
    assert words[2] == "tc qdisc add dev s1-eth2 parent 5:1 handle 10: netem delay 20ms limit 100"
    (alone,) = shaping("s1-eth2", None, 20)
    assert " ".join(alone) == "tc qdisc add dev s1-eth2 root handle 10: netem delay 20ms limit 65536"


@pytest.mark.skipif(has_netem(), reason="the kernel delays by itself")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_relay_outlives_mininet(number):
    before = relays()
    words = ["mn", "--custom", CUSTOM, "--switch", "ovs,datapath=user", "--host", "quiet", "--controller", "none"]
    words += ["--topo", "ring,3", "--link", "shaped,delay_ms=5", "--test", "none", "--post", "/dev/stdin"]
    process = start(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: len(relays() - before) == 6, 30, "the relays of six links")
    finally:
        process.send_signal(number)
        process.stdin.close()
        process.wait(60)
    wait_until(lambda: relays() == before, 10, "the end of the relays")
    if number == signal.SIGKILL:
        run("mn", "-c")


def relays():
    """The relays that run."""
    return {line for line in traces() if "godwit-probe relay" in line}
