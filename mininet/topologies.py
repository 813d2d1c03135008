"""The networks of the demo and of the tests, as Mininet topologies.

    mn --custom mininet/topologies.py --topo abilene --controller remote --switch ovs,datapath=user
    mn --custom mininet/topologies.py --topo random,25,3,1 …

Switch sN has the datapath id N. A `Graph` maps each switch's number to its neighbours' numbers.
"""

import os
import random
import xml.etree.ElementTree as ElementTree
from collections import deque
from dataclasses import dataclass

from mininet.topo import Topo

GRAPHML = "{http://graphml.graphdrawing.org/xmlns}"


class GraphTopo(Topo):
    """A graph of switches, with a host on each switch of `hosts` (h1 on the first, and so on)."""

    def build(self, graph, hosts):
        switches = {number: self.addSwitch(f"s{number}", dpid=f"{number:x}") for number in sorted(graph)}
        # Hosts first: a host's port is 1 however many links its switch has.
        for index, number in enumerate(hosts, start=1):
            self.addLink(self.addHost(f"h{index}"), switches[number])
        for first, second in edges(graph):
            self.addLink(switches[first], switches[second])


class Abilene(GraphTopo):
    """Eleven switches in the order of the map's nodes; s6 is Los Angeles and s7 Denver.

    The hosts are in Seattle (s4) and New York (s1). There is one shortest path between them and it goes through
    Denver; without Denver there is again one shortest path, and it goes through Los Angeles:

        h1-s4-s7-s8-s11-s2-s1-h2  and  h1-s4-s5-s6-s9-s10-s3-s1-h2
    """

    HOSTS = (4, 1)

    def build(self, hosts=HOSTS):
        super().build(read_abilene()[0], hosts)


class RandomNetwork(GraphTopo):
    """A connected random network with two hosts, chosen so that a switch between them can be migrated."""

    def build(self, switches=25, mean_degree=3, seed=1):
        graph = random_graph(int(switches), float(mean_degree), int(seed))
        super().build(graph, migration_case(graph).hosts)


class Ring(GraphTopo):
    """Switches in a circle, a host on each."""

    def build(self, switches=5):
        count = int(switches)
        graph = graph_of((number, number % count + 1) for number in range(1, count + 1))
        super().build(graph, sorted(graph))


class Mesh(GraphTopo):
    """Every switch linked to every other, a host on each."""

    def build(self, switches=5):
        graph = graph_of((a, b) for b in range(2, int(switches) + 1) for a in range(1, b))
        super().build(graph, sorted(graph))


class FatTree(GraphTopo):
    """The fat tree of switches with `k` ports (Al-Fares, Loukissas and Vahdat, SIGCOMM 2008): k pods, each with k/2
    switches towards the core and k/2 with k/2 hosts each, and (k/2)² core switches, which have the lowest numbers."""

    def build(self, k=4):
        ports = int(k)
        half = ports // 2
        if ports < 2 or ports % 2:
            raise ValueError(f"a fat tree needs an even number of ports, not {k}")
        links, edge_switches = [], []
        for pod in range(ports):
            first = half * half + 1 + pod * ports
            upper, lower = range(first, first + half), range(first + half, first + ports)
            links += [(up, low) for up in upper for low in lower]
            links += [(half * index + core + 1, up) for index, up in enumerate(upper) for core in range(half)]
            edge_switches += lower
        super().build(graph_of(links), [switch for switch in edge_switches for _ in range(half)])


class NetworkMap(Topo):
    """One of the real networks in `data`, a host on each switch, parallel links as they are on the map."""

    def build(self, name="Abilene"):
        cities, links = read_map(name)
        switches = {number: self.addSwitch(f"s{number}", dpid=f"{number:x}") for number in sorted(cities)}
        for number, switch in switches.items():
            self.addLink(self.addHost(f"h{number}"), switch)
        for first, second in links:
            self.addLink(switches[first], switches[second])


class Large(GraphTopo):
    """A connected random network without hosts, for measuring discovery."""

    def build(self, switches=100, links=200, seed=1):
        mean_degree = 2 * int(links) / int(switches)
        super().build(random_graph(int(switches), mean_degree, int(seed)), ())


@dataclass(frozen=True)
class MigrationCase:
    """Where the hosts are, and which switch can be migrated to which."""

    hosts: tuple
    source: int
    target: int


ABILENE_CASE = MigrationCase(hosts=Abilene.HOSTS, source=7, target=6)


def graph_of(pairs):
    """The graph with these undirected links."""
    graph = {}
    for a, b in pairs:
        graph.setdefault(a, set()).add(b)
        graph.setdefault(b, set()).add(a)
    return graph


def edges(graph):
    """Each link once, smaller number first, in ascending order."""
    return sorted((a, b) for a in graph for b in graph[a] if a < b)


def read_map(name):
    """The cities of a network in `data`, by the numbers of their switches, and its links: pairs of such numbers."""
    # Mininet's `--custom` runs this file without `__file__`.
    here = os.path.dirname(os.path.abspath(read_map.__code__.co_filename))
    root = ElementTree.parse(os.path.join(here, "data", f"{name}.graphml")).getroot()
    label = next(
        key.get("id")
        for key in root.iter(GRAPHML + "key")
        if key.get("attr.name") == "label" and key.get("for") == "node"
    )
    numbers, cities = {}, {}
    for number, node in enumerate(root.iter(GRAPHML + "node"), start=1):
        numbers[node.get("id")] = number
        cities[number] = next(data.text for data in node.iter(GRAPHML + "data") if data.get("key") == label)
    links = [(numbers[edge.get("source")], numbers[edge.get("target")]) for edge in root.iter(GRAPHML + "edge")]
    return cities, links


def read_abilene():
    """The graph of Abilene and the name of each switch's city."""
    cities, links = read_map("Abilene")
    return graph_of(links), cities


def random_graph(switches, mean_degree, seed):
    """A connected graph without parallel links: a random tree, and random links until the mean degree is reached."""
    wanted = round(switches * mean_degree / 2)
    if not switches - 1 <= wanted <= switches * (switches - 1) // 2:
        raise ValueError(f"{switches} switches can't be connected with a mean degree of {mean_degree}")
    generator = random.Random(seed)
    order = list(range(1, switches + 1))
    generator.shuffle(order)
    links = {tuple(sorted((order[i], order[generator.randrange(i)]))) for i in range(1, switches)}
    while len(links) < wanted:
        links.add(tuple(sorted(generator.sample(order, 2))))
    return graph_of(links)


def distances(graph, start, without=None):
    """Hops from `start` to every switch that can be reached, with the switch `without` out of the graph."""
    reached = {start: 0}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        for neighbour in graph[here]:
            if neighbour not in reached and neighbour != without:
                reached[neighbour] = reached[here] + 1
                queue.append(neighbour)
    return reached


def between(graph, a, b, without=None):
    """The switches on any shortest path from `a` to `b`, each with its distance from `a`; empty if there is none."""
    from_a = distances(graph, a, without)
    from_b = distances(graph, b, without)
    if b not in from_a:
        return {}
    return {n: d for n, d in from_a.items() if n in from_b and d + from_b[n] == from_a[b]}


def migration_case(graph):
    """The two hosts farthest apart for which some switch is on every shortest path between them, and another that no
    such path needs is on a shortest path without it. So which of several shortest paths a controller prefers
    doesn't matter: the first is the source and the second a target that can serve."""
    by_distance = sorted(
        (-distances(graph, a)[b], a, b) for a in sorted(graph) for b in sorted(graph) if a < b
    )
    for _, a, b in by_distance:
        old = between(graph, a, b)
        for source in _bottlenecks(old, a, b):
            new = between(graph, a, b, without=source)
            targets = [n for n in _bottlenecks(new, a, b) if n not in old]
            if targets:
                return MigrationCase(hosts=(a, b), source=source, target=targets[len(targets) // 2])
    raise ValueError("no two hosts of this network have a switch between them that can be spared")


def _bottlenecks(shortest, a, b):
    """The inner switches that are alone at their distance: every shortest path goes through them."""
    depths = list(shortest.values())
    in_order = sorted(shortest.items(), key=lambda item: item[1])
    return [n for n, d in in_order if depths.count(d) == 1 and n not in (a, b)]


topos = {
    "abilene": Abilene,
    "random": RandomNetwork,
    "ring": Ring,
    "mesh": Mesh,
    "large": Large,
    "fattree": FatTree,
    "map": NetworkMap,
}
