"""A peer to measure beside: an os-ken app that routes UDP between hosts and migrates switches with the same three
algorithms.

    os_ken_migration.py OPENFLOW-PORT CONTROL-PORT

It is what somebody who knows os-ken writes in a day. Links are learned by os-ken's own discovery, hosts are told. Each
step of a migration sends all of its messages to all switches, then a barrier to each, and waits for the replies.
Nothing is slowed down or tuned.

Requests are JSON over 127.0.0.1, as `os_ken_control` has them; switches are datapath ids. An end of a link is a switch
and its port. A `via` may be null.

    links                               {"switches": [1, …], "links": [[[1, 2], [7, 1]], …]}
    hosts {hosts}                       [{"ip": "10.0.0.1", "switch": 1, "port": 1}, …], instead of those told before
    add {routes}                        [{"from": "10.0.0.1", "to": "10.0.0.2", "udp_port": 20000, "via": 6}, …]
    delete {routes}                     by the numbers that `add` answered with
    migrate {source,target,algorithm}   answered when it is over, as `Migration.result` has it
    counters                            of each route, as `Route.counters` has it
    restore {switch}                    a switch that was migrated may carry traffic again

One request is done after another: while a switch is migrated nothing else is written to it, which is the freeze.
"""

# pylint: disable=wrong-import-position,wrong-import-order
from os_ken.lib import hub

hub.patch()

import ipaddress
import itertools
import sys
import time
from contextlib import contextmanager

from os_ken import cfg
from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import DEAD_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.ofproto import ofproto_v1_3 as ofproto
from os_ken.ofproto import ofproto_v1_3_parser as parser
from os_ken.topology import switches as topology
from os_ken.topology.api import get_link

from os_ken_control import Failed, Refused, checked, serve
from os_ken_routes import Host, Move, Route, way

PRIORITY = 1000
# For the replies to one step.
REPLY_S = 10

ALGORITHMS = ("freeze-copy", "move", "clone")
HOST = {"ip": str, "switch": int, "port": int}
ROUTE = {"from": str, "to": str, "udp_port": int, "via": (int, type(None))}

# os-ken sends one probe each 50 ms, so from some hundred links on a link waits longer for its next than the 10 s after
# which os-ken takes it for gone. Ports that go down are told by the switches.
topology.Switches.LINK_TIMEOUT = 120


class Migration:
    """The routes of one switch on their way to another. Phases are steps that end with all replies; rules are flow
    entries, each counted when its message is sent."""

    def __init__(self, app, source, target, algorithm):
        self._app, self._source, self._target = app, source, target
        self._steps = {"freeze-copy": self._freeze_copy, "move": self._move, "clone": self._clone}[algorithm]
        self._routes = [route for route in app.routes.values() if source in route.rules]
        self._plans = {}
        self._phases = []
        self._began = time.perf_counter()
        self._counted_before = dict(app.sent)
        for route in self._routes:
            route.move = Move(source, target, algorithm)

    def run(self):
        """Take the source out of the graph and its routes off it; the result."""
        self._app.drained.add(self._source)
        error = None
        try:
            self._steps()
        except Failed as why:
            error = str(why)
        return self.result(error)

    def result(self, error):
        """Its state, `committed` or `failed` with the `error`; how long it took, in all and by phases, in their order;
        and how many rules were changed."""
        return {
            "state": "committed" if error is None else "failed",
            "total_us": _us_since(self._began),
            "phases": self._phases,
            "rules": {name: count - self._counted_before[name] for name, count in self._app.sent.items()},
            "error": error,
        }

    def _freeze_copy(self):
        with self._phase("remove"):
            self._app.apply(self._app.removal(route, self._source) for route in self._routes)
        self._plan()
        with self._phase("install"):
            self._app.apply(message for route in self._routes for message in self._rewrite(route))

    def _move(self):
        self._read()
        self._freeze_copy()

    def _clone(self):
        self._plan()
        with self._phase("install"):
            self._app.apply(self._entry(route, switch) for route in self._routes for switch in self._new(route))
        with self._phase("flip"):
            # From the destination on: a switch is turned when all behind it have been.
            turned = [[(route, switch) for switch in self._turned(route)] for route in self._routes]
            for together in itertools.zip_longest(*turned):
                self._app.apply(self._entry(*one) for one in together if one is not None)
        self._read()
        with self._phase("remove"):
            self._app.apply(self._app.removal(route, switch) for route in self._routes for switch in self._left(route))

    def _plan(self):
        with self._phase("plan"):
            graph = self._app.graph()
            for route in self._routes:
                self._plans[route.number] = way(graph, route.sender, route.receiver, via=self._target)

    def _read(self):
        with self._phase("read"):
            read = self._app.read([self._source])
            for route in self._routes:
                route.move.read = read.get((self._source, route.number))

    def _rewrite(self, route):
        """All that makes the new way out of what there is: the rules that it needs, last hop first, then those left."""
        yield from [self._entry(route, switch) for switch in (*self._new(route), *self._turned(route))]
        yield from [self._app.removal(route, switch) for switch in self._left(route)]

    def _entry(self, route, switch):
        return self._app.entry(route, switch, self._plans[route.number][switch])

    def _new(self, route):
        """The switches that the route had no rule on, last first."""
        return [switch for switch in reversed(self._plans[route.number]) if switch not in route.rules]

    def _turned(self, route):
        """The switches that send it elsewhere than before, last first."""
        plan = self._plans[route.number]
        return [switch for switch in reversed(plan) if route.rules.get(switch, plan[switch]) != plan[switch]]

    def _left(self, route):
        """The switches that it leaves."""
        return [switch for switch in route.rules if switch not in self._plans[route.number]]

    @contextmanager
    def _phase(self, name):
        began = time.perf_counter()
        try:
            yield
        finally:
            self._phases.append({"name": name, "duration_us": _us_since(began)})


class Peer(app_manager.OSKenApp):
    """The app: its switches, its routes, and who is waited for. `sent` counts flow-mods by what they do to rules."""

    OFP_VERSIONS = [ofproto.OFP_VERSION]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.switches, self.hosts, self.routes = {}, {}, {}
        self.drained = set()
        self.sent = {"installed": 0, "modified": 0, "removed": 0}
        self._numbers = itertools.count(1)
        self._awaited, self._replied = set(), hub.Event()
        self._counted, self._errors = {}, []

    def start(self):
        """Serve requests beside the event loop."""
        super().start()
        requests = {
            "links": (self._links, {}),
            "hosts": (self._tell_hosts, {"hosts": list}),
            "add": (self._add, {"routes": list}),
            "delete": (self._delete, {"routes": list}),
            "migrate": (self._migrate, {"source": int, "target": int, "algorithm": str}),
            "counters": (self._counters, {}),
            "restore": (self._restore, {"switch": int}),
        }
        return hub.spawn(serve, self.CONF.control_port, requests)

    @set_ev_cls(ofp_event.EventOFPStateChange, [MAIN_DISPATCHER, DEAD_DISPATCHER])
    def switch_changed(self, event):
        """A switch has come or gone."""
        datapath = event.datapath
        if event.state == MAIN_DISPATCHER:
            self.switches[datapath.id] = datapath
        elif self.switches.get(datapath.id) is datapath:
            del self.switches[datapath.id]

    @set_ev_cls(ofp_event.EventOFPBarrierReply, MAIN_DISPATCHER)
    def barrier_replied(self, event):
        """A switch has done all that it was sent."""
        self._done(event.msg)

    @set_ev_cls(ofp_event.EventOFPFlowStatsReply, MAIN_DISPATCHER)
    def counters_came(self, event):
        """A part of the flow entries of a switch."""
        message = event.msg
        for entry in message.body:
            self._counted[message.datapath.id, entry.cookie] = entry.packet_count
        if not message.flags & ofproto.OFPMPF_REPLY_MORE:
            self._done(message)

    @set_ev_cls(ofp_event.EventOFPFlowRemoved, MAIN_DISPATCHER)
    def flow_removed(self, event):
        """A rule is gone, and says what it has counted."""
        message = event.msg
        route = self.routes.get(message.cookie)
        if route is not None and route.move is not None and route.move.source == message.datapath.id:
            route.move.final = message.packet_count

    @set_ev_cls(ofp_event.EventOFPErrorMsg, MAIN_DISPATCHER)
    def refused_by_switch(self, event):
        """A switch hasn't done what it was sent."""
        message = event.msg
        self._errors.append(f"switch {message.datapath.id} answered with error {message.type}, {message.code}")

    def graph(self):
        """For each switch that may carry traffic, the port to each neighbour: of parallel links the lowest."""
        graph = {switch: {} for switch in self.switches if switch not in self.drained}
        for link in get_link(self):
            here, there = link.src.dpid, link.dst.dpid
            if here in graph and there in graph:
                graph[here][there] = min(link.src.port_no, graph[here].get(there, link.src.port_no))
        return graph

    def entry(self, route, switch, port):
        """The message that makes a switch send a route to this port."""
        known = switch in route.rules
        self.sent["modified" if known else "installed"] += 1
        route.rules[switch] = port
        command = ofproto.OFPFC_MODIFY_STRICT if known else ofproto.OFPFC_ADD
        actions = [parser.OFPActionOutput(port)]
        instructions = [parser.OFPInstructionActions(ofproto.OFPIT_APPLY_ACTIONS, actions)]
        return self._flow_mod(route, switch, command, flags=ofproto.OFPFF_SEND_FLOW_REM, instructions=instructions)

    def removal(self, route, switch):
        """The message that takes a route's rule off a switch."""
        self.sent["removed"] += 1
        del route.rules[switch]
        return self._flow_mod(route, switch, ofproto.OFPFC_DELETE_STRICT)

    def _flow_mod(self, route, switch, command, **more):
        return parser.OFPFlowMod(
            self._datapath(switch),
            cookie=route.number,
            command=command,
            priority=PRIORITY,
            out_port=ofproto.OFPP_ANY,
            out_group=ofproto.OFPG_ANY,
            match=route.match,
            **more,
        )

    def apply(self, messages):
        """Send them; return when each switch concerned has confirmed that it has done all."""
        concerned = {}
        for message in messages:
            concerned[message.datapath.id] = message.datapath
            message.datapath.send_msg(message)
        self._ask([parser.OFPBarrierRequest(datapath) for datapath in concerned.values()])

    def read(self, switches):
        """The packets that each rule of these switches has counted, by switch and cookie."""
        self._counted = {}
        self._ask([parser.OFPFlowStatsRequest(self._datapath(switch)) for switch in switches])
        return self._counted

    def _ask(self, requests):
        """Send requests to switches; return when all of them are answered, `Failed` if a switch refused something."""
        for request in requests:
            request.datapath.set_xid(request)
        self._awaited = {(request.datapath.id, request.xid) for request in requests}
        self._replied.clear()
        for request in requests:
            request.datapath.send_msg(request)
        if requests and not self._replied.wait(REPLY_S):
            silent = sorted({switch for switch, _ in self._awaited})
            raise Failed(f"no reply from switch {', '.join(map(str, silent))} within {REPLY_S} s")
        if self._errors:
            errors, self._errors = self._errors, []
            raise Failed("; ".join(errors))

    def _done(self, reply):
        self._awaited.discard((reply.datapath.id, reply.xid))
        if not self._awaited:
            self._replied.set()

    def _datapath(self, switch):
        if switch not in self.switches:
            raise Failed(f"switch {switch} isn't connected")
        return self.switches[switch]

    def _links(self):
        links = [[[link.src.dpid, link.src.port_no], [link.dst.dpid, link.dst.port_no]] for link in get_link(self)]
        return {"switches": sorted(self.switches), "links": sorted(links)}

    def _tell_hosts(self, hosts):
        told = [Host(**checked(f"hosts[{i}]", host, HOST)) for i, host in enumerate(hosts)]
        for i, host in enumerate(told):
            try:
                ipaddress.IPv4Address(host.ip)
            except ValueError as why:
                raise Refused(f"hosts[{i}].ip: {why}") from why
            self._check_switch(f"hosts[{i}].switch", host.switch)
            if not 0 < host.port <= ofproto.OFPP_MAX:
                raise Refused(f"hosts[{i}].port: there is no port {host.port}")
        self.hosts = {host.ip: host for host in told}
        return {"hosts": len(self.hosts)}

    def _add(self, routes):
        graph = self.graph()
        taken = {route.key for route in self.routes.values()}
        made = []
        for i, body in enumerate(routes):
            route, plan = self._planned(f"routes[{i}]", body, graph)
            if route.key in taken:
                raise Refused(f"routes[{i}]: there is such a route already")
            taken.add(route.key)
            made.append((route, plan))
        self.routes |= {route.number: route for route, _ in made}
        self.apply(self.entry(route, switch, plan[switch]) for route, plan in made for switch in reversed(plan))
        return {"routes": [route.number for route, _ in made]}

    def _planned(self, name, body, graph):
        """The route that is asked for, and its way."""
        checked(name, body, ROUTE)
        sender, receiver = (self._host(f"{name}.{end}", body[end]) for end in ("from", "to"))
        if not 0 < body["udp_port"] < 1 << 16:
            raise Refused(f"{name}.udp_port: {body['udp_port']} isn't from 1 to 65535")
        if body["via"] is not None:
            self._check_switch(f"{name}.via", body["via"])
        try:
            plan = way(graph, sender, receiver, body["via"])
        except Failed as why:
            raise Refused(f"{name}: {why}") from why
        return Route(next(self._numbers), sender, receiver, body["udp_port"]), plan

    def _delete(self, routes):
        for i, number in enumerate(routes):
            # True is 1 in Python, and a list can't be looked up.
            if type(number) is not int or number not in self.routes:  # pylint: disable=unidiomatic-typecheck
                raise Refused(f"routes[{i}]: there is no such route")
        gone = [self.routes.pop(number) for number in dict.fromkeys(routes)]
        self.apply(self.removal(route, switch) for route in gone for switch in list(route.rules))
        return {"deleted": len(gone)}

    def _migrate(self, source, target, algorithm):
        if algorithm not in ALGORITHMS:
            raise Refused(f"algorithm: {algorithm!r} is none of {', '.join(ALGORITHMS)}")
        for name, switch in (("source", source), ("target", target)):
            self._check_switch(name, switch)
            if switch in self.drained:
                raise Refused(f"{name}: switch {switch} has been migrated and isn't restored")
        if source == target:
            raise Refused(f"target: switch {target} is the source")
        if any(source in (route.sender.switch, route.receiver.switch) for route in self.routes.values()):
            raise Refused(f"source: a route begins or ends at switch {source}")
        return Migration(self, source, target, algorithm).run()

    def _counters(self):
        targets = {route.move.target for route in self.routes.values() if route.move is not None}
        live = self.read(targets)
        return {"counters": [route.counters(live) for route in self.routes.values()]}

    def _restore(self, switch):
        self._check_switch("switch", switch)
        self.drained.discard(switch)
        return {"restored": switch}

    def _check_switch(self, name, switch):
        if switch not in self.switches:
            raise Refused(f"{name}: switch {switch} isn't connected")

    def _host(self, name, address):
        if address not in self.hosts:
            raise Refused(f"{name}: {address!r} is no host that was told")
        return self.hosts[address]


def _us_since(began):
    return round((time.perf_counter() - began) * 1e6)


def main():
    """The command line."""
    openflow_port, control_port = sys.argv[1:]
    cfg.CONF.register_cli_opts([cfg.IntOpt("control-port", help="where requests are taken, on 127.0.0.1")])
    arguments = ["--observe-links", "--ofp-listen-host", "127.0.0.1", "--ofp-tcp-listen-port", openflow_port]
    cfg.CONF(args=[*arguments, "--control-port", control_port], project="os_ken", version="0")
    # By its name as a module: os-ken knows apps by theirs.
    app_manager.AppManager.run_apps(["os_ken_migration", topology.__name__])


if __name__ == "__main__":
    main()
