"""Who talks to whom in a data centre, and all of them at once.

    pairs = pairs_of(inside, outside, count=16, outside_share=0.25, udp_ratio=0.5, seed=1)
    rows = run_mix(network, pairs, duration_s=10, rate=200_000)
    print(table(rows))
"""

import random
import time
from contextlib import ExitStack
from dataclasses import dataclass

from loads.inside import require
from loads.iperf import Iperf, Transfer

HEADINGS = ("from", "to", "way", "kind", "asked Mbit/s", "sent Mbit/s", "carried Mbit/s", "lost datagrams", "error")


@dataclass(frozen=True)
class Pair:
    """One conversation: names of the hosts, `tcp` or `udp`, and which way it goes: `within` the data centre, `in` to it
    or `out` of it."""

    sender: str
    receiver: str
    kind: str
    way: str


@dataclass(frozen=True)
class Row:
    """One conversation and what became of it."""

    pair: Pair
    transfer: Transfer


def pairs_of(inside, outside, count, outside_share=0.25, udp_ratio=0.5, seed=1):
    """So many conversations among hosts, given by name: a share of them (0 to 1) between an inside and an outside host,
    in and out by turns, the others between two inside hosts; a part of them (0 to 1) UDP, the others TCP. Every inside
    host has as many as any other, or one more. The same seed gives the same pairs. `ValueError` naming the
    argument that can't be."""
    require(isinstance(count, int) and count >= 1, "count", f"{count!r} isn't a number of conversations")
    require(0 <= outside_share <= 1, "outside_share", f"{outside_share}: not 0 to 1")
    require(0 <= udp_ratio <= 1, "udp_ratio", f"{udp_ratio}: not 0 to 1")
    names = [*inside, *outside]
    require(len(set(names)) == len(names), "inside, outside", "a host is named twice")
    crossing = round(count * outside_share)
    require(crossing == 0 or len(outside) > 0, "outside", "no host to talk to")
    require(crossing == 0 or len(inside) > 0, "inside", "no host to talk to")
    require(crossing == count or len(inside) > 1, "inside", "fewer than two hosts to talk to each other")
    generator = random.Random(seed)
    insiders, outsiders = _in_turn(inside, generator), _in_turn(outside, generator)
    ways = ["within"] * (count - crossing) + ["in" if index % 2 == 0 else "out" for index in range(crossing)]
    kinds = ["udp"] * round(count * udp_ratio)
    kinds += ["tcp"] * (count - len(kinds))
    generator.shuffle(ways)
    generator.shuffle(kinds)
    return tuple(Pair(*_ends(way, insiders, outsiders), kind, way) for way, kind in zip(ways, kinds))


def _in_turn(hosts, generator):
    """The hosts in a random order, then in another, and so on; never the same host twice running."""
    order, last = list(hosts), None
    while True:
        generator.shuffle(order)
        if order[0] == last:
            order.reverse()
        last = order[-1]
        yield from order


def _ends(way, insiders, outsiders):
    first = next(insiders)
    second = next(insiders) if way == "within" else next(outsiders)
    return (second, first) if way == "in" else (first, second)


def run_mix(network, pairs, duration_s, rate=1_000_000, first_port=5201, sample_s=1.0):
    """All conversations at once for so many seconds, each asked to carry `rate` bits/s, each at a port of its own from
    `first_port`: a `Row` for each."""
    require(duration_s > 0, "duration_s", f"{duration_s} s: nothing to measure")
    names = {host.name for host in network.hosts}
    for pair in pairs:
        for name in (pair.sender, pair.receiver):
            require(name in names, "pairs", f"the network has no host {name!r}")
    with ExitStack() as stack:
        loads = []
        for port, pair in enumerate(pairs, start=first_port):
            ends = (network.host(pair.sender), network.host(pair.receiver))
            loads.append(stack.enter_context(Iperf(*ends, pair.kind, port, rate, sample_s=sample_s)))
        time.sleep(duration_s)
        for load in loads:
            load.stop()
    return tuple(Row(pair, load.outcome) for pair, load in zip(pairs, loads))


def table(rows):
    """What was asked and carried, a line for each conversation, as text."""
    lines = [HEADINGS] + [_cells(row) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def _cells(row):
    transfer = row.transfer
    lost = transfer.lost_datagrams
    return (
        row.pair.sender,
        row.pair.receiver,
        row.pair.way,
        row.pair.kind,
        _megabits(transfer.asked_bits_per_s),
        _megabits(transfer.sent_bits_per_s),
        _megabits(transfer.carried_bits_per_s),
        "" if lost is None else f"{lost:,}",
        transfer.error or "",
    )


def _megabits(bits_per_s):
    return "unknown" if bits_per_s is None else f"{bits_per_s / 1e6:.3f}"
