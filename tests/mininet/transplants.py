"""A switch full of rules that no route put there, and one beside it that can take its place."""

import re
from contextlib import contextmanager
from dataclasses import dataclass

from mininet.topo import Topo

from proxy import Proxy
from routes import FIRST_PORT

SOURCE, TARGET = "s1", "s2"

# Above whatever the controller makes by itself for hosts that talk.
PRIORITY = 1000


class Twins(Topo):
    """s1 and s2 are both linked to every one of s3, s4, …; hosts hang on the first two of those.

    The ports of s1 and s2 towards one neighbour differ, so that a port that was not translated shows.
    """

    def build(self, neighbours=3):
        names = [f"s{number}" for number in range(3, 3 + int(neighbours))]
        for number in range(1, 3 + int(neighbours)):
            self.addSwitch(f"s{number}", dpid=f"{number:x}")
        for index, name in enumerate(names[:2], start=1):
            self.addLink(self.addHost(f"h{index}"), name)
        for name in names:
            self.addLink(SOURCE, name)
        for name in reversed(names):
            self.addLink(TARGET, name)


class OneLinkLess(Topo):
    """As `Twins`, but s4 has no link to s2: the way there goes over s5 and as many switches more as there are hops."""

    def build(self, hops=1):
        names = [f"s{number}" for number in range(1, 5 + int(hops))]
        for number, name in enumerate(names, start=1):
            self.addSwitch(name, dpid=f"{number:x}")
        for index, name in enumerate(("s3", "s4"), start=1):
            self.addLink(self.addHost(f"h{index}"), name)
        for name in ("s3", "s4", "s5"):
            self.addLink(SOURCE, name)
        way = [TARGET, *names[4:], "s4"]
        for one, other in [*zip(way, way[1:]), (TARGET, "s3")]:
            self.addLink(one, other)


# One kind of rule for each flow: what the source does with packets to UDP port FIRST_PORT + i, as (group or meter
# commands, flow entries). `{out}` is the port towards the receiver, `{back}` the one they come in by, `{n}` a number
# that is unique for the direction.
KINDS = {
    "output": ((), ("table=0,{match},actions=output:{out}",)),
    "tables": (
        (),
        (
            "table=0,{match},actions=write_metadata:0x{n:x}/0xff,goto_table:1",
            "table=1,priority=7,metadata=0x{n:x}/0xff,actions=output:{out}",
        ),
    ),
    "field": ((), ("table=0,{match},actions=set_field:8->ip_dscp,output:{out}",)),
    "indirect": (("group group_id={n}01,type=indirect,bucket=output:{out}",), ("table=0,{match},actions=group:{n}01",)),
    "select": (
        ("group group_id={n}02,type=select,bucket=weight:1,output:{out},bucket=weight:3,output:{out}",),
        ("table=0,{match},actions=group:{n}02",),
    ),
    "failover": (
        ("group group_id={n}03,type=ff,bucket=watch_port:{out},output:{out},bucket=watch_port:{back},drop",),
        ("table=0,{match},actions=group:{n}03",),
    ),
    "meter": (("meter meter={n},pktps,burst,stats,bands=type=drop,rate=900000,burst_size=90000",),
              ("table=0,{match},actions=meter:{n},output:{out}",)),
    "in_port": ((), ("table=0,in_port={back},{match},actions=output:{out}",)),
    "action_set": (
        (),
        (
            "table=0,{match},actions=write_actions(output:{out}),goto_table:2",
            "table=2,{match},actions=clear_actions,write_actions(output:{out})",
        ),
    ),
    "nested": (
        (
            "group group_id={n}04,type=indirect,bucket=output:{out}",
            "group group_id={n}05,type=all,bucket=group:{n}04",
        ),
        ("table=0,{match},actions=group:{n}05",),
    ),
}  # fmt: skip

# What a switch of 1.0 has.
KINDS10 = {name: KINDS[name] for name in ("output", "in_port")}


@dataclass(frozen=True)
class Way:
    """The switches, by name, that packets cross from the network's first host to its second; one of them is full."""

    switches: tuple = ("s3", SOURCE, "s4")
    source: str = SOURCE
    first_port: int = FIRST_PORT
    # Whether the switch behind the source tells by the port where packets come from.
    by_port: bool = True


@contextmanager
def target_behind_proxy(connect, controller, api):
    """The source full of rules, the target behind a proxy that can hold a migration where it is: network and proxy."""
    network = connect(Twins())
    with Proxy(controller.openflow_port) as proxy:
        network.switch(TARGET).connect_to(proxy.port)
        proxy.wait_for_connection()
        api.wait_for_network(network)
        network.static_arp()
        fill(network, KINDS)
        yield network, proxy


def fill(network, kinds, way=Way()):
    """Everything on the source that carries UDP between the two hosts, one kind for each flow, and the rules of the
    other switches that lead there."""
    hosts = (network.hosts[0].name, network.hosts[1].name)
    for number, (names, ends) in enumerate(((way.switches, hosts), (way.switches[::-1], hosts[::-1])), start=1):
        sender, receiver = (network.host(end) for end in ends)
        stops = [ends[0], *names, ends[1]]
        for before, here, after in zip(stops, names, stops[2:]):
            flow = f"udp,nw_src={sender.IP()},nw_dst={receiver.IP()}"
            if here == way.source:
                _fill_source(network, kinds, way, number, flow, (before, after))
                continue
            tells = way.by_port and before == way.source
            arriving = f"in_port={network.port(here, before)}," if tells else ""
            for index in range(len(kinds)):
                match = f"priority={PRIORITY},{arriving}{flow},tp_dst={way.first_port + index}"
                _add(network, here, f"cookie=0x77,{match},actions=output:{network.port(here, after)}")


def _fill_source(network, kinds, way, number, flow, ends):
    ports = {"back": network.port(way.source, ends[0]), "out": network.port(way.source, ends[1])}
    for index, (shared, rules) in enumerate(kinds.values()):
        match = f"priority={PRIORITY},{flow},tp_dst={way.first_port + index}"
        for line in shared:
            kind, _, what = line.format(n=number, **ports).partition(" ")
            network.switch(way.source).ofctl(f"add-{kind}", what)
        for rule in rules:
            text = f"cookie=0x{0x100 * number + index:x},{rule.format(match=match, n=number, **ports)}"
            _add(network, way.source, text)


def _add(network, switch, rule):
    node = network.switch(switch)
    if node.protocols == "OpenFlow10":
        rule = rule.replace("table=0,", "")
    node.ofctl("add-flow", rule)


def entries(network, switch):
    """What somebody put on a switch: flow entries, groups, meters, as it reports them, without counters, sorted."""
    node = network.switch(switch)
    flows = [line.strip() for line in node.ofctl("dump-flows", "--no-stats").splitlines() if "actions" in line]
    found = [re.sub(r"^\s*", "", line) for line in flows if "cookie=0x60d1" not in line]
    if node.protocols != "OpenFlow10":
        found += [line.strip() for line in node.ofctl("dump-groups").splitlines() if "group_id" in line]
        found += re.findall(r"meter=.*(?:\n\s*type=.*)*", node.ofctl("dump-meters"))
    return sorted(found)


def translated(network, lines, source=SOURCE, target=TARGET):
    """The source's entries as they must stand on the target."""
    ports = {}
    for name in (switch.name for switch in network.switches if switch.name not in (source, target)):
        try:
            ports[str(network.port(source, name))] = str(network.port(target, name))
        except KeyError:
            continue

    def port(found):
        return found.group(1) + ports[found.group(2)]

    return sorted(re.sub(r"(in_port=|output:|watch_port:)(\d+)", port, line) for line in lines)


def packets(network, switch):
    """What each rule of a flow has counted, by (receiver's address, UDP port)."""
    found = {}
    for rule in network.rules(switch):
        if rule.field("tp_dst") or rule.field("udp_dst"):
            found[(rule.field("nw_dst"), int(rule.field("tp_dst") or rule.field("udp_dst")))] = rule.packets
    return found
