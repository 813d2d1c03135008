"""The networks of the demo, the tests and the experiments, as Mininet topologies.

    mn --custom mininet/topologies.py --topo abilene --controller remote --switch ovs,datapath=user
    mn --custom mininet/topologies.py --topo random,25,3,1 …

| `--topo` | what |
|---|---|
| `abilene` | Abilene, two hosts |
| `random,SWITCHES,DEGREE,SEED` | a tree with further links anywhere, two hosts |
| `waxman,SWITCHES,DEGREE,SEED`, `ba,SWITCHES,DEGREE,SEED` | BRITE's models, two hosts |
| `ring,SWITCHES`, `mesh,SWITCHES`, `fattree,K` | all with hosts everywhere; `torus,X,Y` is Mininet's own |
| `large,SWITCHES,LINKS,SEED` | random, without hosts |
| `map,NAME` | a map in `data`, or any file that ends in .graphml or .gml, a host at each switch |
| `datacentre,NAME` | an INI file in `data`, or any that ends in .ini |

`random`, `waxman`, `ba` and `map` take `hosts=all` or `hosts=two`: one at each switch, or two, chosen so that a switch
between them can be migrated. `--link shaped,delay_ms=5,bw=10` gives every link a delay and a bandwidth.

Switch sN has the datapath id N. A `Graph` maps each switch's number to its neighbours' numbers.
"""

import os
import sys

from mininet.link import Link, OVSLink, TCLink, TCULink
from mininet.topo import Topo

# Mininet runs this file without a name of its own.
# pylint: disable=protected-access,wrong-import-position,unused-import
sys.path.insert(0, os.path.dirname(os.path.abspath(sys._getframe().f_code.co_filename)))

from data_centre import DataCentreNetwork
from graphs import (
    WAXMAN_BETA,
    MigrationCase,
    barabasi_albert,
    between,
    distances,
    edges,
    graph_of,
    migration_case,
    random_graph,
    waxman,
)
from links import ShapedLink
from maps import read_map


class GraphTopo(Topo):
    """A graph of switches, with a host on each switch of `hosts` (h1 on the first, and so on)."""

    def build(self, graph, hosts):
        self.wire(graph, hosts, edges(graph))

    def wire(self, switches, hosts, links):
        """Switches by their numbers, and links as pairs of them, parallel ones too."""
        names = {number: self.addSwitch(f"s{number}", dpid=f"{number:x}") for number in sorted(switches)}
        # Hosts first: a host's port is 1 however many links its switch has.
        for index, number in enumerate(hosts, start=1):
            self.addLink(self.addHost(f"h{index}"), names[number])
        for first, second in links:
            self.addLink(names[first], names[second])


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
    """A connected random network: a tree, and further links anywhere. `hosts` is "two", chosen so that a switch between
    them can be migrated, or "all"."""

    def build(self, switches=25, mean_degree=3, seed=1, hosts="two"):
        graph = random_graph(*_size(switches, mean_degree, seed))
        super().build(graph, hosts_of(graph, hosts))


class Waxman(GraphTopo):
    """BRITE's router Waxman; a small `beta` makes long links rare. `hosts` as for `RandomNetwork`."""

    def build(self, switches=25, mean_degree=3, seed=1, beta=WAXMAN_BETA, hosts="two"):
        graph = waxman(*_size(switches, mean_degree, seed), beta=_number("beta", beta, float))
        super().build(graph, hosts_of(graph, hosts))


class BarabasiAlbert(GraphTopo):
    """BRITE's router Barabási–Albert. `hosts` as for `RandomNetwork`."""

    def build(self, switches=25, mean_degree=3, seed=1, hosts="two"):
        graph = barabasi_albert(*_size(switches, mean_degree, seed))
        super().build(graph, hosts_of(graph, hosts))


class Ring(GraphTopo):
    """Three or more switches in a circle, a host on each."""

    def build(self, switches=5):
        count = _number("switches", switches, int, least=3)
        graph = graph_of((number, number % count + 1) for number in range(1, count + 1))
        super().build(graph, sorted(graph))


class Mesh(GraphTopo):
    """Every switch linked to every other, a host on each."""

    def build(self, switches=5):
        count = _number("switches", switches, int, least=2)
        graph = graph_of((a, b) for b in range(2, count + 1) for a in range(1, b))
        super().build(graph, sorted(graph))


class FatTree(GraphTopo):
    """The fat tree of switches with `k` ports (Al-Fares, Loukissas and Vahdat, SIGCOMM 2008): k pods, each with k/2
    switches towards the core and k/2 with k/2 hosts each, and (k/2)² core switches, which have the lowest numbers."""

    def build(self, k=4):
        ports = _number("k", k, int, least=2)
        half = ports // 2
        if ports % 2:
            raise ValueError(f"a fat tree needs an even number of ports, not {k}")
        links, edge_switches = [], []
        for pod in range(ports):
            first = half * half + 1 + pod * ports
            upper, lower = range(first, first + half), range(first + half, first + ports)
            links += [(up, low) for up in upper for low in lower]
            links += [(half * index + core + 1, up) for index, up in enumerate(upper) for core in range(half)]
            edge_switches += lower
        super().build(graph_of(links), [switch for switch in edge_switches for _ in range(half)])


class NetworkMap(GraphTopo):
    """A real network, one in `data` or a file of GraphML or GML, with parallel links as they are on the map. `hosts` as
    for `RandomNetwork`, but all unless said otherwise."""

    def build(self, name="Abilene", hosts="all"):
        cities, links = read_map(name)
        self.wire(cities, sorted(cities) if hosts == "all" else hosts_of(graph_of(links), hosts), links)


class Large(GraphTopo):
    """A connected random network without hosts, for measuring discovery."""

    def build(self, switches=100, links=200, seed=1):
        count = _number("switches", switches, int, least=2)
        mean_degree = 2 * _number("links", links, int, least=1) / count
        super().build(random_graph(count, mean_degree, _number("seed", seed, int)), ())


ABILENE_CASE = MigrationCase(hosts=Abilene.HOSTS, source=7, target=6)


def read_abilene():
    """The graph of Abilene and the name of each switch's city."""
    cities, links = read_map("Abilene")
    return graph_of(links), cities


def hosts_of(graph, hosts):
    """The switches with hosts: every one for "all", those of the graph's migration case for "two"."""
    if hosts == "all":
        return sorted(graph)
    if hosts == "two":
        return migration_case(graph).hosts
    raise ValueError(f"hosts is all or two, not {hosts}")


def _size(switches, mean_degree, seed):
    """What the random networks have in common, as numbers."""
    count = _number("switches", switches, int, least=2)
    return count, _number("mean_degree", mean_degree, float, least=0), _number("seed", seed, int)


def _number(name, value, kind, least=None):
    try:
        number = kind(value)
    except ValueError:
        raise ValueError(f"{name} has to be a number, not {value}") from None
    if least is not None and number < least:
        raise ValueError(f"{name} has to be at least {least}, not {value}")
    return number


topos = {
    "abilene": Abilene,
    "random": RandomNetwork,
    "waxman": Waxman,
    "ba": BarabasiAlbert,
    "ring": Ring,
    "mesh": Mesh,
    "large": Large,
    "fattree": FatTree,
    "map": NetworkMap,
    "datacentre": DataCentreNetwork,
}

# Mininet 2.3 means to add the `links` of such a file to its own, and doesn't. What it doesn't know takes the place
# of its variable of that name: so this is all of them.
LINKS = {"default": Link, "tc": TCLink, "tcu": TCULink, "ovs": OVSLink, "shaped": ShapedLink}
