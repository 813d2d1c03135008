"""Data centres from an INI file, with the sections and keys of the Minho framework, as its topology generator reads
them; the thesis Migration of Networks, Lisbon 2021, has such a file in its appendix.

    [TopologySwitches]     how many of each kind; 1 and up
    core_no = 4
    agg_no = 8             0: two tiers, edge switches are linked to core switches
    edge_no = 16

    [TopologyHosts]
    out_no = 4             outside hosts, 0 and up, each behind a gateway switch of its own
    host_no = 2            hosts at each edge switch, 0 and up
    host_detectable_time = 5   seconds in which hosts make themselves known before there is traffic (`make_known`)

    [TopologyLinks]        1 and up
    edgetoagglinkno = 2    links from each edge switch to aggregation switches; with two tiers, to core switches
    aggtocorelinkno = 2    links from each aggregation switch to core switches; not used with two tiers
    coretooutlinkno = 1    links from each core switch to gateways; 0 where there are none

    [SwitchBandwidth]      Mbit/s of each link, by the switch nearer to the outside:
    out_bw = 100           core switches to gateways, and gateways to outside hosts
    core_bw = 100          aggregation switches (with two tiers, edge switches) to core switches
    agg_bw = 50            edge switches to aggregation switches; not used with two tiers
    edge_bw = 20           hosts to edge switches

    [SwitchQueues]         may be left out: no queues
    queue_no = 2           queues at each port of each switch, beside the one for what goes through none of them; 0 to 8
    queue_bw1 = 5          Mbit/s that each of them is sure of, together no more than any link's bandwidth
    queue_bw2 = 3

    [Traffic]              may be left out: half of it UDP, port 5001
    udp_ratio = 0.5        share of flows that are UDP, 0 to 1; the others are TCP
    iperf_port = 5001

    [Socket]               may be left out
    socket_path = /tmp/x   where the framework's own application listened; there is nothing like it here

The links of a layer are spread evenly over the layer above, to different switches as long as there are any. A data
centre in which they don't reach every switch is refused.

Switches are numbered from the core down: core, aggregation, edge, gateways. Hosts h1 and so on are inside, in the order of
their edge switches; o1 and so on are outside.
"""

import configparser
import time
from collections import Counter
from dataclasses import dataclass

from mininet.topo import Topo

from graphs import distances, graph_of
from links import MOST_MBPS, QueuedSwitch, ShapedLink
from maps import data_file

MOST_SWITCHES = 1000
MOST_QUEUES = 8


@dataclass(frozen=True)
class DataCentre:
    """What such a file says. Times are seconds, bandwidths Mbit/s."""

    core: int
    aggregation: int
    edge: int
    outside: int
    hosts_per_edge: int
    detectable_time_s: float
    edge_uplinks: int
    aggregation_uplinks: int
    core_uplinks: int
    outside_mbps: float
    core_mbps: float
    aggregation_mbps: float
    edge_mbps: float
    queues_mbps: tuple
    udp_ratio: float
    iperf_port: int

    @classmethod
    def parse(cls, text):
        """What this text says; `ValueError` with the section and the key that is missing, unknown or wrong."""
        sections = _Sections(text)
        switches, hosts = sections["TopologySwitches"], sections["TopologyHosts"]
        links, bandwidth = sections["TopologyLinks"], sections["SwitchBandwidth"]
        traffic = sections["Traffic"]
        two_tiers = switches.whole("agg_no", 0, MOST_SWITCHES) == 0
        unused = {"default": 0} if two_tiers else {}
        found = cls(
            core=switches.whole("core_no", 1, MOST_SWITCHES),
            aggregation=switches.whole("agg_no", 0, MOST_SWITCHES),
            edge=switches.whole("edge_no", 1, MOST_SWITCHES),
            outside=hosts.whole("out_no", 0, MOST_SWITCHES),
            hosts_per_edge=hosts.whole("host_no", 0, MOST_SWITCHES),
            detectable_time_s=hosts.number("host_detectable_time", 0, 3600),
            edge_uplinks=links.whole("edgetoagglinkno", 1, MOST_SWITCHES),
            aggregation_uplinks=links.whole("aggtocorelinkno", 0 if two_tiers else 1, MOST_SWITCHES, **unused),
            core_uplinks=links.whole("coretooutlinkno", 0, MOST_SWITCHES),
            outside_mbps=bandwidth.number("out_bw", 0.1, MOST_MBPS),
            core_mbps=bandwidth.number("core_bw", 0.1, MOST_MBPS),
            aggregation_mbps=bandwidth.number("agg_bw", 0 if two_tiers else 0.1, MOST_MBPS, **unused),
            edge_mbps=bandwidth.number("edge_bw", 0.1, MOST_MBPS),
            queues_mbps=_queues(sections["SwitchQueues"]),
            udp_ratio=traffic.number("udp_ratio", 0, 1, default=0.5),
            iperf_port=traffic.whole("iperf_port", 1, 65535, default=5001),
        )
        sections["Socket"].text("socket_path", default="")
        sections.refuse_unknown()
        found.refuse_impossible()
        return found

    def refuse_impossible(self):
        """`ValueError` if queues promise more than a link has, or if some switch can't be reached."""
        narrowest = min(mbps for _, _, mbps in self.links()) if self.links() else self.edge_mbps
        narrowest = min([narrowest, *([self.edge_mbps] if self.hosts_per_edge else [])])
        if sum(self.queues_mbps) > narrowest:
            total = sum(self.queues_mbps)
            raise ValueError(f"[SwitchQueues] queue_bw…: {total:g} Mbit/s together, but a link has only {narrowest:g}")
        graph = graph_of((a, b) for a, b, _ in self.links())
        reached = distances({number: graph.get(number, ()) for number in self.numbers()}, 1)
        for layer, numbers in self.layers().items():
            missing = [number for number in numbers if number not in reached]
            if missing:
                raise ValueError(
                    f"[TopologyLinks]: too few links: {len(missing)} of {len(numbers)} {layer} switches "
                    f"can't be reached from s1, the first of them s{missing[0]}"
                )

    def layers(self):
        """The numbers of the switches of each kind, the kinds from the core down."""
        found, first = {}, 1
        counts = {"core": self.core, "aggregation": self.aggregation, "edge": self.edge, "gateway": self.outside}
        for layer, count in counts.items():
            found[layer] = range(first, first + count)
            first += count
        return found

    def numbers(self):
        """The numbers of all switches."""
        return [number for numbers in self.layers().values() for number in numbers]

    def links(self):
        """The links between switches: both numbers, and Mbit/s. Parallel ones are there as often as there are any."""
        layers = self.layers()
        edge, aggregation, core, gateways = (layers[kind] for kind in ("edge", "aggregation", "core", "gateway"))
        wiring = _Wiring(self.numbers())
        if gateways:
            wiring.spread(core, gateways, self.core_uplinks, self.outside_mbps)
        if aggregation:
            wiring.spread(aggregation, core, self.aggregation_uplinks, self.core_mbps)
            wiring.spread(edge, aggregation, self.edge_uplinks, self.aggregation_mbps)
        else:
            wiring.spread(edge, core, self.edge_uplinks, self.core_mbps)
        return wiring.links


class _Wiring:
    """Links that are spread evenly, and between parts of the network that aren't connected yet before others."""

    def __init__(self, numbers):
        self.links = []
        self._part = {number: number for number in numbers}

    def spread(self, lower, upper, count, mbps):
        """So many links from each lower switch to upper ones."""
        load = Counter()
        for here in lower:
            mine = Counter()
            for _ in range(count):
                there = min(upper, key=lambda up: (mine[up], load[up], self._part[up] == self._part[here], up))
                mine[there] += 1
                load[there] += 1
                self._join(here, there)
                self.links.append((here, there, mbps))

    def _join(self, a, b):
        old, new = self._part[a], self._part[b]
        for number, part in self._part.items():
            if part == old:
                self._part[number] = new


class DataCentreNetwork(Topo):
    """The data centre of an INI file: the path of one, or the name of one in `data`. `plan` is what it says.
    `ValueError` for a file that can't be read, or that `DataCentre.parse` refuses."""

    def build(self, name="thesis"):
        path = data_file(name, (".ini",))
        try:
            with open(path, encoding="utf-8") as file:
                self.plan = DataCentre.parse(file.read())
        except (OSError, UnicodeDecodeError) as why:
            raise ValueError(f"{path}: {getattr(why, 'strerror', None) or why}") from why
        except ValueError as why:
            raise ValueError(f"{path}: {why}") from why
        queues = {"cls": QueuedSwitch, "queues_mbps": self.plan.queues_mbps} if self.plan.queues_mbps else {}
        for number in self.plan.numbers():
            self.addSwitch(f"s{number}", dpid=f"{number:x}", **queues)
        layers = self.plan.layers()
        inside = [number for number in layers["edge"] for _ in range(self.plan.hosts_per_edge)]
        for index, number in enumerate(inside, start=1):
            self._shaped(self.addHost(f"h{index}"), f"s{number}", self.plan.edge_mbps)
        for index, number in enumerate(layers["gateway"], start=1):
            self._shaped(self.addHost(f"o{index}"), f"s{number}", self.plan.outside_mbps)
        for first, second, mbps in self.plan.links():
            self._shaped(f"s{first}", f"s{second}", mbps)

    def _shaped(self, first, second, mbps):
        self.addLink(first, second, cls=ShapedLink, bandwidth_mbps=mbps)


def make_known(hosts, within_s):
    """Let each host say something, so that the controller knows where it is: a ping to the next one, until there is an
    answer. `TimeoutError` naming those that have none within this time, in seconds."""
    silent = dict(zip(hosts, [*hosts[1:], hosts[0]]))
    deadline = time.monotonic() + within_s
    while silent and time.monotonic() < deadline:
        for host, other in list(silent.items()):
            if ", 0% packet loss" in host.cmd(f"ping -c1 -W1 {other.IP()}"):
                del silent[host]
    if silent:
        pairs = ", ".join(f"{host} from {other}" for host, other in silent.items())
        raise TimeoutError(f"no answer within {within_s:g} s: {pairs}")


def _queues(section):
    count = section.whole("queue_no", 0, MOST_QUEUES, default=0)
    return tuple(section.number(f"queue_bw{number}", 0.1, MOST_MBPS) for number in range(1, count + 1))


class _Sections:
    """The sections of an INI file; what has been asked for is known."""

    def __init__(self, text):
        comments = (";", "#")
        self._parser = configparser.ConfigParser(
            interpolation=None, default_section=None, inline_comment_prefixes=comments
        )
        self._parser.optionxform = str
        try:
            self._parser.read_string(text, source="the file")
        except configparser.Error as why:
            raise ValueError(" ".join(str(why).split())) from why
        self._known = {}

    def __getitem__(self, name):
        values = dict(self._parser.items(name)) if self._parser.has_section(name) else {}
        return self._known.setdefault(name, _Section(name, values))

    def refuse_unknown(self):
        """`ValueError` for a section or a key that nobody has asked for."""
        for name in self._parser.sections():
            if name not in self._known:
                raise ValueError(f"[{name}]: unknown; there are {', '.join(self._known)}")
            for key in self._parser.options(name):
                if key not in self._known[name].asked:
                    raise ValueError(f"[{name}] {key}: unknown; there are {', '.join(self._known[name].asked)}")


class _Section:
    """The keys and values of one section."""

    def __init__(self, name, values):
        self._name = name
        self._values = values
        self.asked = []

    def text(self, key, default=None):
        """The value; the default, unless that is `None`, where there is none."""
        if key not in self.asked:
            self.asked.append(key)
        value = self._values.get(key, default)
        if value is None:
            raise ValueError(f"[{self._name}] {key}: missing")
        return value

    def whole(self, key, least, most, default=None):
        """The value, a whole number."""
        return self._converted(int, "a whole number", key, least, most, default)

    def number(self, key, least, most, default=None):
        """The value, a number."""
        return self._converted(float, "a number", key, least, most, default)

    def _converted(self, kind, what, key, least, most, default):
        value = self.text(key, default)
        try:
            number = kind(value)
        except ValueError:
            number = None
        if number is None or not least <= number <= most:
            raise ValueError(f"[{self._name}] {key}: has to be {what} from {least:g} to {most:g}, not {value!r}")
        return number
