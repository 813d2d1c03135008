"""A Mininet network on Open vSwitch's userspace datapath, removed without a trace when its context ends."""

import os
import stat
from contextlib import ExitStack, contextmanager, suppress
from itertools import permutations

from mininet.net import Mininet

import interrupts
from links import QueuedSwitch, RelayLink
from nodes import Godwit, GodwitSwitch, QuietHost, QuietInterface, SeparateSwitch, interface_exists
from open_vswitch import parse_flows
from processes import CommandFailed, run, wait_until

RECEIVE_BUFFER_BYTES = 32 << 20
# Of all network namespaces together: those of a hundred hosts that all talk to each other.
NEIGHBOURS = 16_384

MACHINE_SETTINGS = {
    "/proc/sys/net/core/rmem_default": RECEIVE_BUFFER_BYTES,
    "/proc/sys/net/core/rmem_max": RECEIVE_BUFFER_BYTES,
    "/proc/sys/net/ipv4/neigh/default/gc_thresh2": NEIGHBOURS // 2,
    "/proc/sys/net/ipv4/neigh/default/gc_thresh3": NEIGHBOURS,
}


class GodwitNetwork(interrupts.Made):
    """Builds `topo` and, with a `controller_port`, points its switches there. Without one the switches forward what
    `ovs-ofctl` tells them to.

    - `openflow10`: names of the switches that speak OpenFlow 1.0; the others speak 1.3.
    - `relays`: delays in milliseconds of links, each named by its two switches: `{("s4", "s7"): 10}`. Parallel links
      get the same.
    - `separate`: names of the switches that get an ovs-vswitchd of their own.
    """

    def __init__(self, topo, controller_port=None, openflow10=(), relays=None, separate=()):
        self.topo = topo
        self._controller_port = controller_port
        self._openflow10 = frozenset(openflow10)
        self._relays = {frozenset(ends): delay for ends, delay in (relays or {}).items()}
        self._separate = frozenset(separate)
        self._cleanup = ExitStack()
        self.mininet = None

    def _undo(self):
        self._cleanup.close()

    def _start(self):
        self._refuse_names_in_use()
        self._cleanup.enter_context(room_in_the_kernel())
        self.mininet = _Mininet(self._openflow10, self._relays, self._separate)
        # Whatever has been made by the time that something fails. The last is called first, and one that fails doesn't
        # keep the others from being called. Not Mininet's `stop`: that talks to each node's shell, which an interrupt
        # leaves waiting for a command.
        for removal in (
            self._end_nodes,
            self._remove_interfaces,
            self._end_separate_daemons,
            self._remove_bridges,
            self._end_relays,
        ):
            self._cleanup.callback(removal)
        if self._controller_port is not None:
            self.mininet.addController("c0", Godwit, ip="127.0.0.1", port=self._controller_port)
        self.mininet.topo = self.topo
        self.mininet.start()

    def _refuse_names_in_use(self):
        """Mininet would replace a bridge of the same name, which may belong to someone else's network."""
        in_use = [name for name in self.topo.switches() if interface_exists(name)]
        if in_use:
            raise CommandFailed(
                f"bridges with these names exist already: {' '.join(in_use)}. Another Mininet is running, "
                "or a kept demo (`make demo-stop` ends it)"
            )

    def _end_relays(self):
        for link in self.mininet.links:
            if isinstance(link, RelayLink):
                link.end()

    def _remove_bridges(self):
        words = [word for switch in self._shared() for word in ("--", "--if-exists", "del-br", switch.name)]
        if words:
            run("ovs-vsctl", *words[1:])
        for switch in self._shared():
            if isinstance(switch, QueuedSwitch):
                switch.forget_queues()

    def _end_separate_daemons(self):
        for switch in self.switches:
            if isinstance(switch, SeparateSwitch):
                switch.end_daemons()

    def _remove_interfaces(self):
        """Those that were moved to hosts and separate switches go with their other end."""
        names = [i.name for switch in self._shared() for i in switch.intfList() if i.name != "lo"]

        def remaining():
            return [name for name in names if interface_exists(name)]

        # Removing one end of a pair removes the other, so one at a time.
        for name in names:
            if interface_exists(name):
                with suppress(CommandFailed):
                    run("ip", "link", "delete", name)
        wait_until(lambda: not remaining(), 5, f"the interfaces {remaining()} removed")

    def _end_nodes(self):
        for node in [*self.hosts, *self.mininet.switches, *self.mininet.controllers]:
            shell = node.shell
            node.terminate()
            if shell is not None:
                # Its namespace is gone only when the shell is.
                shell.wait()

    def _shared(self):
        """The switches in the machine's own ovs-vswitchd, plain ones among them."""
        return [switch for switch in self.mininet.switches if not isinstance(switch, SeparateSwitch)]

    def host(self, name):
        """The Mininet host of this name."""
        return self.mininet[name]

    def switch(self, name):
        """The switch of this name, or with this datapath id."""
        if isinstance(name, int):
            return next(switch for switch in self.switches if switch.number == name)
        return self.mininet[name]

    @property
    def switches(self):
        """All switches that speak OpenFlow."""
        return [switch for switch in self.mininet.switches if isinstance(switch, GodwitSwitch)]

    @property
    def hosts(self):
        """All hosts."""
        return self.mininet.hosts

    def rules(self, switch):
        """The rules that a switch has, from itself."""
        return parse_flows(self.switch(switch).ofctl("dump-flows"))

    def all_rules(self):
        """For each switch, by name, what its rules are, without counters, in a fixed order."""
        return {s.name: sorted(rule.identity for rule in self.rules(s.name)) for s in self.switches}

    def port(self, switch, towards):
        """The port number at `switch` of its link to `towards`, both by name."""
        return self.switch(switch).ports[self.interface(switch, towards)]

    def interface(self, switch, towards):
        """The interface at `switch` of its link to `towards`, both by name."""
        for link in self.mininet.linksBetween(self.mininet[switch], self.mininet[towards]):
            return link.intf1 if link.intf1.node.name == switch else link.intf2
        raise KeyError(f"{switch} has no link to {towards}")

    def links(self):
        """The links between switches, one entry for each direction: ((datapath id, port), (datapath id, port))."""
        found = set()
        for link in self.mininet.links:
            interfaces = (link.intf1, link.intf2)
            if all(isinstance(i.node, GodwitSwitch) for i in interfaces):
                here, there = ((i.node.number, i.node.ports[i]) for i in interfaces)
                found |= {(here, there), (there, here)}
        return found

    def attachments(self):
        """Where each host is: MAC address to (datapath id, port). Hosts on plain bridges are left out."""
        found = {}
        for link in self.mininet.links:
            for here, there in ((link.intf1, link.intf2), (link.intf2, link.intf1)):
                if isinstance(here.node, QuietHost) and isinstance(there.node, GodwitSwitch):
                    found[here.MAC()] = (there.node.number, there.node.ports[there])
        return found

    def set_link(self, first, second, state):
        """Set the link between two switches `up` or `down`, at the first one's end."""
        self.mininet[first].cmd(f"ip link set {self.interface(first, second)} {state}")

    def power_off(self, switch):
        """A switch loses its power: its bridge is gone, and whatever was plugged in sees no carrier any more."""
        node = self.switch(switch)
        for interface in self._plugged(node):
            run("ip", "link", "set", interface.name, "down")
        run("ovs-vsctl", "del-br", node.name)

    def power_on(self, switch):
        """It is back, with its configuration and without rules."""
        node = self.switch(switch)
        node.start(self.mininet.controllers)
        for interface in self._plugged(node):
            run("ip", "link", "set", interface.name, "up")

    @staticmethod
    def _plugged(node):
        return [interface for interface in node.intfList() if interface.link is not None]

    def wait_connected(self, timeout=30):
        """Return when every switch has a connection to its controller. What Open vSwitch's database says of it is up to
        five seconds old, so the connections themselves are counted."""
        port, count = self._controller_port, len(self.switches)
        wait_until(lambda: connections_to(port) >= count, timeout, "every switch connected to the controller")

    def static_arp(self):
        """Let every host know every other's address. A sender that must ask first queues its packets and drops some
        of them, which would look like the network's loss. The kernel has one table for all namespaces: it may be full
        until another network has gone."""
        for host, other in permutations(self.hosts, 2):
            told = lambda: host.setARP(other.IP(), other.MAC()) == ""  # pylint: disable=cell-var-from-loop
            wait_until(told, 10, f"the address of {other.name} known to {host.name}", interval=0.1)

    def ping_all(self, wait_s=2):
        """Percentage of lost pings between all hosts."""
        return self.mininet.pingAll(timeout=str(wait_s))


class _Mininet(Mininet):
    """Mininet with the parts of `nodes` in the places asked for."""

    def __init__(self, openflow10, relays, separate):
        self._openflow10 = openflow10
        self._relays = relays
        self._separate = separate
        super().__init__(
            topo=None,
            build=False,
            switch=GodwitSwitch,
            host=QuietHost,
            intf=QuietInterface,
            controller=None,
            autoSetMacs=True,
        )

    def addSwitch(self, name, cls=None, **params):
        if name in self._openflow10:
            params["protocols"] = "OpenFlow10"
        if name in self._separate:
            if cls is QueuedSwitch:
                raise CommandFailed(f"{name} has queues, and can't have an ovs-vswitchd of its own")
            cls = SeparateSwitch
        return super().addSwitch(name, cls=cls, **params)

    def addLink(self, node1, node2, port1=None, port2=None, cls=None, **params):
        delay = self._relays.get(frozenset((str(node1), str(node2))))
        if delay is not None:
            # A `ShapedLink` keeps its bandwidth.
            cls = cls or RelayLink
            params["delay_ms"] = delay
        return super().addLink(node1, node2, port1=port1, port2=port2, cls=cls, **params)


def connections_to(port):
    """How many TCP connections to this port are established on loopback."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        ends = [line.split()[1:4] for line in file.readlines()[1:]]
    return sum(state == "01" and local == f"0100007F:{port:04X}" for local, _, state in ends)


@contextmanager
def room_in_the_kernel():
    """While a network is built and used, packet sockets get large receive buffers. Open vSwitch in userspace reads
    each port through one, with the kernel's default size: some hundred packets, which a switch process that isn't
    scheduled for a few milliseconds loses. That loss would be the machine's, not the controller's. Nor is it the
    controller's when the kernel has no room for the neighbours of all hosts, whom it keeps in one table."""
    with ExitStack() as restore:
        for path, wanted in MACHINE_SETTINGS.items():
            # In a network namespace other than the machine's first they can only be read, or aren't there: there they
            # are as the machine has them.
            if not os.path.exists(path):
                continue
            with open(path, encoding="ascii") as file:
                before = file.read().strip()
            if int(before) < wanted and os.stat(path).st_mode & stat.S_IWUSR:
                restore.callback(_write, path, before)
                _write(path, str(wanted))
        yield


def _write(path, value):
    with open(path, "w", encoding="ascii") as file:
        file.write(value)

