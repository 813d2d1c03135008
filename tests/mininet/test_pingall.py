"""Forwarding with nothing configured: every host reaches every other, also while links and switches go and come back.

`GODWIT_CASES=all` has every network in every version; else the real ones are tried with both versions mixed only.
"""

import os
import time

import pytest
from mininet.topo import LinearTopo
from mininet.topolib import TorusTopo, TreeTopo

from pings import unanswered
from topologies import FatTree, Mesh, NetworkMap, Ring
from traffic import Stream

MADE = {
    "linear": lambda: LinearTopo(k=4),
    "tree": lambda: TreeTopo(depth=2, fanout=3),
    "ring": lambda: Ring(5),
    "mesh": lambda: Mesh(8),
    "torus": lambda: TorusTopo(4, 4),
    "fat tree": lambda: FatTree(k=4),
}
MAPS = (
    *("Gridnet", "Abilene", "Nsfnet", "Aarnet", "Belnet"),
    *("AttMpls", "Cesnet2", "Renater2004", "Canerie", "Evolink"),
)
EVERYTHING = os.environ.get("GODWIT_CASES") == "all"
CASES = [(name, version) for name in MADE for version in ("1.0", "1.3", "mixed")]
CASES += [(name, version) for name in MAPS for version in (("1.0", "1.3", "mixed") if EVERYTHING else ("mixed",))]

# All 37 hosts begin to talk to all others at once. Open vSwitch hands no more than a hundred packets on at a time, so some
# have to be sent again.
STORM_S = 10.0
# Everybody reaches everybody again, after a change.
RECOVERY_S = 2.0
PORT = 30_000
RATE = 1000


def topology(name):
    """A network by its name."""
    return MADE[name]() if name in MADE else NetworkMap(name)


def of_version_10(topo, version):
    """The switches that speak OpenFlow 1.0: none, all, or every other one."""
    switches = sorted(topo.switches())
    return {"1.0": switches, "1.3": [], "mixed": switches[::2]}[version]


class Wiring:
    """Which hosts can reach each other, as far as wires go."""

    def __init__(self, network):
        self.network = network
        self.home = {}
        self.cables = []
        for link in network.mininet.links:
            ends = [interface.node.name for interface in (link.intf1, link.intf2)]
            hosts = [end for end in ends if end.startswith("h")]
            if hosts:
                self.home[hosts[0]] = next(end for end in ends if end not in hosts)
            else:
                self.cables.append(tuple(ends))

    def groups(self, cut=(), dead=()):
        """The hosts, in groups that are joined without the cables between the two switches `cut` and without `dead`
        switches."""
        left = [cable for cable in self.cables if set(cable) != set(cut) and not set(cable) & set(dead)]
        place = {switch.name: switch.name for switch in self.network.switches if switch.name not in dead}

        def root(switch):
            while place[switch] != switch:
                switch = place[switch]
            return switch

        for first, second in left:
            place[root(first)] = root(second)
        found = {}
        for host in self.network.hosts:
            if self.home[host.name] not in dead:
                found.setdefault(root(self.home[host.name]), []).append(host)
        return list(found.values())

    def parallel(self, ends):
        """How many cables join two switches."""
        return sum(set(cable) == set(ends) for cable in self.cables)


class Conversation:
    """Two hosts far from each other, and what is on the way that their packets take."""

    def __init__(self, api, network, wiring):
        self.api, self.wiring = api, wiring
        self.names = {switch.number: switch.name for switch in network.switches}
        first, *others = network.hosts
        ways = {host: self._switches(api.get(f"/paths?from={first.MAC()}&to={host.MAC()}")[0]) for host in others}
        self.ends = first, max(ways, key=lambda host: len(ways[host]))

    def _switches(self, path):
        return [self.names[int(hop["dpid"], 16)] for hop in path["hops"]]

    def joined_in(self, groups):
        """Whether the two are in the same group."""
        return any(set(self.ends) <= set(group) for group in groups)

    def way(self):
        """The switches of the route there, as it is now."""
        ends = [host.MAC() for host in self.ends]
        route = next(route for route in self.api.get("/routes") if [route["from"], route["to"]] == ends)
        return self._switches(route["path"])

    def link(self):
        """A link of it: if there is such, one cable without which the two still reach each other."""
        way = self.way()
        return min(zip(way, way[1:]), key=lambda ends: self._value(ends, self.wiring.groups(cut=ends)))

    def switch(self):
        """A switch between the two, if there is such, one without which they still reach each other."""
        return min(self.way()[1:-1], key=lambda switch: self._value((), self.wiring.groups(dead=[switch])))

    def _value(self, ends, groups):
        return not self.joined_in(groups), self.wiring.parallel(ends)


def whole_again(groups, since, within_s=5 * RECOVERY_S):
    """After how many seconds everybody reached everybody: when the first round of pings began that lost none."""
    while True:
        begun = time.monotonic()
        lost = unanswered(groups, wait_ms=400)
        if not lost:
            return begun - since
        assert begun - since < within_s, f"{len(lost)} pairs don't reach each other, {lost[:10]}"


@pytest.mark.limit(240)
@pytest.mark.parametrize("name, version", CASES)
def test_everybody_reaches_everybody_whatever_goes_and_comes_back(connect, api, name, version):
    topo = topology(name)
    network = connect(topo, openflow10=of_version_10(topo, version))
    wiring = Wiring(network)
    assert network.ping_all(wait_s=5) == 0, "as soon as the switches are connected"
    api.wait_for_network(network)
    talk = Conversation(api, network, wiring)
    link = talk.link()
    change(talk, f"link {'-'.join(link)} down", lambda: set_cables(network, link, "down"), wiring.groups(cut=link))
    change(talk, f"link {'-'.join(link)} up", lambda: set_cables(network, link, "up"), wiring.groups())
    switch = talk.switch()
    change(talk, f"switch {switch} off", lambda: network.power_off(switch), wiring.groups(dead=[switch]))
    change(talk, f"switch {switch} on", lambda: network.power_on(switch), wiring.groups())


def change(talk, what, happens, groups):
    """Something happens while the two talk; all within each of these groups reach each other soon after."""
    with Stream(*talk.ends, PORT, RATE) as probe:
        time.sleep(0.3)
        happens()
        after_s = whole_again(groups, time.monotonic())
    seen = probe.outcome
    silence = f"silence {seen.longest_silence_us / 1000:.0f} ms, lost {seen.lost}" if talk.joined_in(groups) else "apart"
    print(f"{what}: whole after {after_s:.2f} s, {silence}")
    assert after_s < RECOVERY_S
    assert seen.duplicates == 0


def set_cables(network, ends, state):
    """All cables between two switches."""
    for cable in network.mininet.linksBetween(*(network.switch(name) for name in ends)):
        network.mininet[ends[0]].cmd(f"ip link set {cable.intf1.name} {state}")


def test_all_begin_to_talk_to_all_at_once(connect):
    topo = NetworkMap("Evolink")
    network = connect(topo, openflow10=of_version_10(topo, "mixed"))
    after_s = whole_again([network.hosts], time.monotonic(), within_s=STORM_S)
    print(f"{len(network.hosts)} hosts: whole after {after_s:.2f} s")
