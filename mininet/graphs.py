"""Graphs of switches: what they are like, and random ones after the router models of BRITE.

A graph maps each switch's number to the set of its neighbours' numbers; the numbers are 1 to n. Nothing here needs
Mininet.

The models are those of BRITE (A. Medina, A. Lakhina, I. Matta, J. Byers: BRITE: An Approach to Universal Topology
Generation, MASCOTS 2001) with incremental growth: one switch after the other joins the network, and links itself to m
of those that are there. With a mean degree of d, m is d/2: where that isn't whole, some switches bring one link more
than others. The first few can't bring their share, and those after them bring what is missing.
"""

import math
import random
from collections import deque
from dataclasses import dataclass

# As in BRITE's own example configurations.
WAXMAN_BETA = 0.2


@dataclass(frozen=True)
class MigrationCase:
    """Where the hosts are, and which switch can be migrated to which."""

    hosts: tuple
    source: int
    target: int


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


def random_graph(switches, mean_degree, seed):
    """A connected graph without parallel links: a random tree, and random links until the mean degree is reached."""
    wanted = _links_wanted(switches, mean_degree)
    generator = random.Random(seed)
    order = list(range(1, switches + 1))
    generator.shuffle(order)
    links = {tuple(sorted((order[i], order[generator.randrange(i)]))) for i in range(1, switches)}
    while len(links) < wanted:
        links.add(tuple(sorted(generator.sample(order, 2))))
    return graph_of(links)


def positions(switches, seed):
    """Where each switch of `waxman` with this seed is: coordinates on a square with sides of 1."""
    generator = random.Random(seed)
    return {number: (generator.random(), generator.random()) for number in range(1, switches + 1)}


def waxman(switches, mean_degree, seed, beta=WAXMAN_BETA):
    """BRITE's router Waxman: the nearer two switches are, the likelier they are linked. A connected graph without
    parallel links, of `mean_degree` to within half a link; `ValueError` where there is none.

    The probability of a link of length d is in proportion to exp(-d / (beta L)), L being the largest distance of any
    two switches: a small `beta`, above 0, makes long links rare. (B. Waxman: Routing of Multipoint Connections, JSAC
    1988. His alpha multiplies all probabilities alike: where the number of links is given, it changes nothing.)
    """
    if not beta > 0:
        raise ValueError(f"Waxman's beta must be above 0, not {beta}")
    places = positions(switches, seed)
    longest = max((math.dist(a, b) for a in places.values() for b in places.values()), default=0)

    def likelihood(newcomer, other, _graph):
        return math.exp(-math.dist(places[newcomer], places[other]) / (beta * longest))

    return _grown(switches, mean_degree, seed, likelihood)


def barabasi_albert(switches, mean_degree, seed):
    """BRITE's router Barabási–Albert: the more links a switch has, the likelier it gets those of newcomers. A connected
    graph without parallel links, of `mean_degree` to within half a link; `ValueError` where there is none."""

    def likelihood(_newcomer, other, graph):
        # The very first has no links when the second comes.
        return len(graph[other]) or 1

    return _grown(switches, mean_degree, seed, likelihood)


def _links_wanted(switches, mean_degree):
    wanted = round(switches * mean_degree / 2)
    if not 1 <= switches - 1 <= wanted <= switches * (switches - 1) // 2:
        raise ValueError(f"{switches} switches can't be connected with a mean degree of {mean_degree}")
    return wanted


def _grown(switches, mean_degree, seed, likelihood):
    """The graph that grows as the module says; who joins when is random."""
    wanted = _links_wanted(switches, mean_degree)
    # Not the sequence of `positions`: who comes when has nothing to do with where.
    generator = random.Random(f"growth {seed}")
    first, *others = generator.sample(range(1, switches + 1), switches)
    graph, links = {first: set()}, 0
    for joined, newcomer in enumerate(others, start=1):
        due = round(wanted * joined / (switches - 1)) - links
        count = max(1, min(due, joined))
        weights = {other: likelihood(newcomer, other, graph) for other in graph}
        graph[newcomer] = set()
        for other in _chosen(generator, weights, count):
            graph[newcomer].add(other)
            graph[other].add(newcomer)
        links += count
    return graph


def _chosen(generator, weights, count):
    """So many different keys, one after the other, each in proportion to its weight."""
    found = []
    for _ in range(count):
        (one,) = generator.choices(list(weights), list(weights.values()))
        del weights[one]
        found.append(one)
    return found


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
    doesn't matter: the first is the source and the second a target that can serve. `ValueError` if there are none."""
    by_distance = sorted((-d, a, b) for a in graph for b, d in distances(graph, a).items() if a < b)
    for _, a, b in by_distance:
        for source, target in replaceable(graph, a, b):
            return MigrationCase(hosts=(a, b), source=source, target=target)
    raise ValueError("no two hosts of this network have a switch between them that can be spared")


def replaceable(graph, a, b):
    """Source and target of each migration between two switches that is certain: every shortest path goes through the
    source, none through the target, and every one through the target when the source is gone. Sources near `a` come
    first, and of a source's targets the one in the middle: that way most switches are concerned."""
    old = between(graph, a, b)
    for source in _bottlenecks(old, a, b):
        new = between(graph, a, b, without=source)
        targets = [n for n in _bottlenecks(new, a, b) if n not in old]
        middle = len(targets) // 2
        yield from ((source, target) for target in (*targets[middle:], *targets[:middle]))


def _bottlenecks(shortest, a, b):
    """The inner switches that are alone at their distance: every shortest path goes through them."""
    depths = list(shortest.values())
    in_order = sorted(shortest.items(), key=lambda item: item[1])
    return [n for n, d in in_order if depths.count(d) == 1 and n not in (a, b)]
