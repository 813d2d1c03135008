"""Where a migration takes place: two hosts, and between them a switch that can be moved to another."""

import inspect
from dataclasses import dataclass

from mininet.util import splitArgs

import graphs
import topologies
from experiments.definition import BadDefinition


@dataclass(frozen=True)
class Place:
    """Hosts and switches by name. `hops` is how many switches the hosts' shortest path goes through."""

    first: str
    second: str
    source: str
    target: str
    hops: int


def built(name):
    """The topology of this name, as `mn --topo` has it: `waxman,50,3,1`, `map,Geant2012,hosts=two`."""
    kind, arguments, options = splitArgs(name)
    if kind not in topologies.topos:
        raise BadDefinition(f"topology {name}: there is no {kind}; there are {', '.join(topologies.topos)}")
    try:
        inspect.signature(topologies.topos[kind].build).bind(None, *arguments, **options)
        return topologies.topos[kind](*arguments, **options)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise BadDefinition(f"topology {name}: {error}") from error


def place_in(topo, source="", target=""):
    """The two hosts farthest apart that have a place between them, and this place: with `source` and `target` given,
    the one between these two switches. `BadDefinition` if there is none."""
    unknown = [name for name in (source, target) if name and name not in topo.switches()]
    if unknown:
        raise BadDefinition(f"the network has no switch {' and no '.join(unknown)}")
    graph = {name: set() for name in topo.switches()}
    attached = {}
    for one, other in topo.links():
        if one in graph and other in graph:
            graph[one].add(other)
            graph[other].add(one)
        else:
            host, switch = (one, other) if other in graph else (other, one)
            attached.setdefault(host, switch)
    hosts = sorted(attached, key=topo.hosts().index)
    pairs = [(first, second) for index, first in enumerate(hosts) for second in hosts[index + 1 :]]
    reach = {switch: graphs.distances(graph, switch) for switch in set(attached.values())}
    pairs.sort(key=lambda pair: -reach[attached[pair[0]]].get(attached[pair[1]], 0))
    for first, second in pairs:
        ends = attached[first], attached[second]
        for found in graphs.replaceable(graph, *ends):
            if not source or found == (source, target):
                return Place(first, second, *found, hops=reach[ends[0]][ends[1]] + 1)
    wanted = f"from {source} to {target}" if source else "of any switch to another"
    raise BadDefinition(f"no migration {wanted} lies between two hosts on paths that are certain")

