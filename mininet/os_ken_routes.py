"""The routes of the os-ken app: UDP from host to host, and the way each takes through the graph.

A graph has for each switch, by datapath id, the port to each of its neighbours.
"""

from collections import deque
from dataclasses import dataclass, field
from functools import cached_property

from os_ken.lib.packet import ether_types, in_proto
from os_ken.ofproto import ofproto_v1_3_parser as parser

from os_ken_control import Failed


@dataclass(frozen=True)
class Host:
    """Where a host is: its IPv4 address, its switch, and the port there."""

    ip: str
    switch: int
    port: int


@dataclass
class Move:
    """What the last migration of a route knows of the counter at the source, in packets: `read` before the rule was
    removed, `final` as FLOW_REMOVED had it; None if there was no such."""

    source: int
    target: int
    algorithm: str
    read: int = None
    final: int = None

    def counted(self, live):
        """What a user is told when the target has counted `live` packets. `freeze-copy` begins again. `move` adds what
        was read. `clone` adds what the removed rule said at last, since the read is older, or else the read."""
        if self.algorithm == "freeze-copy":
            return live
        if self.algorithm == "move" or self.final is None:
            return live + (self.read or 0)
        return live + self.final


@dataclass
class Route:
    """UDP to one port from a host to another. `rules` are the ports that its switches send it to; `number` is their
    cookie."""

    number: int
    sender: Host
    receiver: Host
    udp_port: int
    rules: dict = field(default_factory=dict)
    move: Move = None

    @property
    def key(self):
        """What no other route has."""
        return (self.sender.ip, self.receiver.ip, self.udp_port)

    @cached_property
    def match(self):
        """Which packets are its. Made once: that takes as long as the rest of a message."""
        return parser.OFPMatch(
            eth_type=ether_types.ETH_TYPE_IP,
            ip_proto=in_proto.IPPROTO_UDP,
            ipv4_src=self.sender.ip,
            ipv4_dst=self.receiver.ip,
            udp_dst=self.udp_port,
        )

    def counters(self, live):
        """Packets: of the source of its last migration, by FLOW_REMOVED and by the read before (null if there was
        none); of the target by its rule, from `live` by switch and cookie; and what a user is told. All null before a
        migration."""
        if self.move is None:
            return {"route": self.number, **dict.fromkeys(("source_final", "source_read", "target_live", "counted"))}
        target = live.get((self.move.target, self.number))
        return {
            "route": self.number,
            "source_final": self.move.final,
            "source_read": self.move.read,
            "target_live": target,
            "counted": None if target is None else self.move.counted(target),
        }


def way(graph, sender, receiver, via=None):
    """The port that each switch between two hosts sends to, from the first switch to the last, over as few as possible
    to `via` and from there; `Failed` if there is no such way, or only one that goes over a switch twice."""
    if via is None:
        path = shortest_path(graph, sender.switch, receiver.switch)
    else:
        there = shortest_path(graph, sender.switch, via)
        rest = {switch: ports for switch, ports in graph.items() if switch not in there[:-1]}
        path = there[:-1] + shortest_path(rest, via, receiver.switch)
    ports = [graph[here][there] for here, there in zip(path, path[1:])]
    return dict(zip(path, [*ports, receiver.port]))


def shortest_path(graph, start, end):
    """The switches from one to another. Of paths of the same length it is the one with the lowest datapath ids, hop
    after hop from the start."""
    reached = {start: None} if start in graph else {}
    queue = deque(reached)
    while queue and end not in reached:
        here = queue.popleft()
        for neighbour in sorted(graph[here]):
            # In what is left of a graph there are links to switches that aren't in it.
            if neighbour not in reached and neighbour in graph:
                reached[neighbour] = here
                queue.append(neighbour)
    if end not in reached:
        raise Failed(f"there is no way from switch {start} to switch {end}")
    path = [end]
    while path[-1] != start:
        path.append(reached[path[-1]])
    return path[::-1]
