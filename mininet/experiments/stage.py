"""A network with its controller, on which sessions are measured one after another."""

import os
import signal
import time
from contextlib import ExitStack, suppress

import floor
from experiments.controllers import DRIVERS
from experiments.place import built, place_in
from experiments.session import FINE_MS, Failed, result
from network import GodwitNetwork
from processes import wait_until
from routes import FIRST_PORT, udp_rules
from traffic import BothWays

MIGRATION_S = 60
# Open vSwitch credits cached traffic to its rules up to half a second late, on a busy machine a little later.
COUNTER_LAG_S = 0.8


class Stage:
    """The network and the controller of a block, up while the context lasts, the controller knowing all of it."""

    def __init__(self, definition):
        self._definition = definition
        self._stack = ExitStack()
        self.topo = built(definition.topology)
        self.place = place_in(self.topo, definition.source, definition.target)
        self._controller = self._network = None

    def __enter__(self):
        with ExitStack() as stack:
            self._controller = stack.enter_context(DRIVERS[self._definition.controller]())
            separate = (self.place.source,) if self._definition.separate else ()
            self._network = stack.enter_context(
                GodwitNetwork(self.topo, self._controller.openflow_port, separate=separate)
            )
            self._network.wait_connected()
            self._controller.settle(self._network)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *failure):
        self._stack.__exit__(*failure)

    def described(self):
        """What the network turned out to be, for the store."""
        return {
            "switches": len(self._network.switches),
            "links": len(self._network.links()) // 2,
            "hops": self.place.hops,
            "source": self.place.source,
            "target": self.place.target,
        }

    def warm_up(self, definition):
        """A migration that isn't measured: the first one finds everything cold."""
        self._to_the_start(definition)
        self._migrate(definition)

    def measure(self, definition, with_floor):
        """One session: the rows of the store. `Failed` if the migration wasn't a correct one."""
        end_strays()
        self._to_the_start(definition)
        rules_before = self._route_rules() if with_floor else None
        shape = (definition.rate, definition.rules, definition.size)
        with BothWays(*self._hosts(), FIRST_PORT, *shape, sample_ms=FINE_MS) as traffic:
            time.sleep(definition.lead_s)
            requested_ns = time.monotonic_ns()
            migration = self._migrate(definition)
            ended_ns = time.monotonic_ns()
            time.sleep(definition.tail_s)
            silent_at = time.monotonic()
        if traffic.outcome.receiver_drops:
            raise Failed(f"the receiver was too slow: it dropped {traffic.outcome.receiver_drops} packets")
        rows = result(migration, traffic, requested_ns, ended_ns)
        self._assert_at(self.place.target, self.place.source, definition, "after the migration")
        counted = self._counted(traffic.outcome.received, silent_at)
        rows["session"] |= {"counted": counted, "counter_error": counted - traffic.outcome.received}
        if with_floor:
            rows["session"]["floor_us"] = self._floor_us(rules_before)
        return rows

    def _hosts(self):
        return self._network.host(self.place.first), self._network.host(self.place.second)

    def _numbers(self):
        return (self._network.switch(name).number for name in (self.place.source, self.place.target))

    def _to_the_start(self, definition):
        """Fresh routes, all of them through the source and none through the target, by the switches' own word."""
        source, _ = self._numbers()
        self._controller.clear(source)
        self._controller.add_routes(*self._hosts(), definition.rules, FIRST_PORT)
        self._assert_at(self.place.source, self.place.target, definition, "before the migration")

    def _migrate(self, definition):
        source, target = self._numbers()
        migration = self._controller.migrate(source, target, definition.algorithm, MIGRATION_S)
        if migration["state"] != "committed":
            raise Failed(f"the migration ended {migration['state']}: {migration['error']}")
        return migration

    def _assert_at(self, here, not_there, definition, when):
        wanted = {here: 2 * definition.rules, not_there: 0}
        found = {name: len(udp_rules(self._network, name)) for name in wanted}
        if found != wanted:
            raise Failed(f"{when} the switches have {found} rules of the routes, not {wanted}")

    def _counted(self, expected, silent_at):
        """What the controller says, for good or once the switches had the time to credit all traffic to their rules."""
        counted = self._controller.counted(*self._numbers())
        if counted != expected:
            time.sleep(max(0, silent_at + COUNTER_LAG_S - time.monotonic()))
            counted = self._controller.counted(*self._numbers())
        return counted

    def _floor_us(self, before):
        """How long the same rules take a bare client that is connected to the switches concerned."""
        after = self._route_rules()
        concerned = [name for name in before if before[name] or after[name]]
        rules = ({name: found[name] for name in concerned} for found in (before, after))
        return round(floor.measure(self._network, *rules))

    def _route_rules(self):
        return {switch.name: udp_rules(self._network, switch.name) for switch in self._network.switches}


def end_strays():
    """End what an earlier session left running: probes. In a lab all of them are ours."""
    for entry in os.listdir("/proc"):
        if entry.isdigit() and _is_probe(entry):
            with suppress(ProcessLookupError):
                os.kill(int(entry), signal.SIGKILL)
            wait_until(lambda gone=entry: not _is_probe(gone), 5, f"the end of process {entry}")


def _is_probe(process):
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return words[0].endswith(b"/godwit-probe") and words[1] in (b"send", b"receive")
