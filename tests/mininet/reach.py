"""Who reaches whom: pings between all hosts at once, while links and switches go and come back."""

import time
from subprocess import DEVNULL, PIPE

from processes import end
from traffic import Stream

# Everybody reaches everybody again, after a change. It is within two seconds, and the figures are printed; a machine that
# has other work may take longer.
RECOVERY_S = 10.0
PORT = 30_000
RATE = 1000

# A ping in each millisecond from each host: more would be the hosts' own limit.
GAP_MS = 1


def unanswered(groups, wait_ms):
    """Who had no answer from whom, as pairs of names. Each host pings all others of its group, all hosts at once."""
    running = []
    try:
        for group in groups:
            names = {host.IP(): host.name for host in group}
            for host in group:
                others = [address for address in names if address != host.IP()]
                if others:
                    command = ["fping", "-q", "-c1", f"-t{wait_ms}", f"-i{GAP_MS}", *others]
                    running.append((host, names, host.popen(command, stdout=DEVNULL, stderr=PIPE, text=True)))
        return [
            (host.name, names[line.split(" ", 1)[0]])
            for host, names, process in running
            for line in process.communicate(timeout=60)[1].splitlines()
            if " = " in line and not answered(line)
        ]
    finally:
        for _, _, process in running:
            end(process)


def answered(line):
    """Whether one line of fping's summary, `10.0.0.2 : xmt/rcv/%loss = 1/1/0%, …`, tells of an answer."""
    return line.split(" = ", 1)[1].split("/")[1] == "1"


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


def whole_again(groups, since, within_s=RECOVERY_S, wait_ms=500):
    """After how many seconds everybody reached everybody: when the first round of pings began that lost none."""
    while True:
        begun = time.monotonic()
        lost = unanswered(groups, wait_ms)
        if not lost:
            return begun - since
        assert begun - since < within_s, f"{len(lost)} pairs don't reach each other, {lost[:10]}"


def assert_reached_whatever_happens(connect, api, topo, version):
    """Everybody reaches everybody at once, and again after a link and then a switch between two hosts went and came
    back."""
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
    assert seen.duplicates == 0


def set_cables(network, ends, state):
    """All cables between two switches."""
    for cable in network.mininet.linksBetween(*(network.switch(name) for name in ends)):
        network.mininet[ends[0]].cmd(f"ip link set {cable.intf1.name} {state}")
