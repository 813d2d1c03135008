"""Links with a delay and a bandwidth.

    mn --custom mininet/topologies.py --link shaped,delay_ms=5,bw=10 …

A topology sets them for one link: `addLink(a, b, cls=ShapedLink, delay_ms=5, bandwidth_mbps=10)`.
"""

import functools
import os
import subprocess

from mininet.clean import addCleanupCallback
from mininet.link import Link, TCIntf
from mininet.util import errRun

from nodes import GodwitSwitch, QuietInterface, interface_exists
from processes import ENDS_WITH_US, CommandFailed, end, program, run, start, wait_until

# What may wait in front of a link that is full, in milliseconds of its bandwidth: the usual round trip that routers'
# buffers are made for (C. Villamizar, C. Song: High Performance TCP in ANSNET, 1994). At least some full frames; and
# at a switch, no more than Open vSwitch's socket takes: about ninety.
QUEUE_MS = 100
LEAST_QUEUE_FRAMES = 20
FULL_FRAME_BYTES = 1514

# What is sent at once before the bandwidth holds: as much as the link carries in a millisecond, but some full frames.
BURST_MS = 1
LEAST_BURST_BYTES = 15_000

# Frames that netem holds where no bandwidth limits what comes: as many as the relay.
FRAMES_IN_FLIGHT = 1 << 16

# The highest that the machine is expected to reach, with some room.
MOST_MBPS = 10_000
MOST_DELAY_MS = 10_000


class RelayLink(Link):
    """A link with a delay in milliseconds: two taps, joined by a relay process."""

    def __init__(self, node1, node2, delay_ms, **params):
        self.delay_ms = _within("delay_ms", delay_ms, 0, MOST_DELAY_MS)
        self.relay = None
        try:
            # Taps are made in the root namespace: `fast` would skip moving them to where their nodes are.
            super().__init__(node1, node2, **{**params, "fast": False})
        except BaseException:
            # Nobody has this link yet who could end it.
            self.end()
            raise

    # Mininet calls it on the instance; as its own class methods don't, this one needs the delay.
    def makeIntfPair(self, intfname1, intfname2, addr1=None, addr2=None, **_):  # pylint: disable=arguments-differ
        command = [program("godwit-probe"), "relay", "--a", intfname1, "--b", intfname2, "--delay-ms", self.delay_ms]
        self.relay = start([*ENDS_WITH_US, *command], stderr=subprocess.DEVNULL)
        wait_until(lambda: all(interface_exists(name) for name in (intfname1, intfname2)), 5, "the relay's interfaces")
        for name, address in ((intfname1, addr1), (intfname2, addr2)):
            if address:
                run("ip", "link", "set", "dev", name, "address", address)

    def delete(self):
        """Remove the link."""
        super().delete()
        self.end()

    def end(self):
        """End the relay; its interfaces go with it."""
        if self.relay is not None:
            end(self.relay)


class ShapedLink(RelayLink):
    """A link with a delay, a bandwidth, both or neither, the same in both directions.

    - `delay_ms`: 0 to 10,000 ms, by netem where the kernel has it, else by a relay process.
    - `bandwidth_mbps`, or `bw` as Mininet's own links call it: above 0 to 10,000 Mbit/s of frames, by HTB. A tenth of a
      second of it may wait, what comes then is lost.

    `ValueError` for anything else.
    """

    def __init__(self, node1, node2, delay_ms=0, bandwidth_mbps=None, bw=None, **params):
        if None not in (bandwidth_mbps, bw):
            raise ValueError("bw and bandwidth_mbps are the same: set one of them")
        bandwidth = bw if bandwidth_mbps is None else bandwidth_mbps
        self.bandwidth_mbps = None if bandwidth is None else _within("bandwidth", bandwidth, 0.001, MOST_MBPS)
        super().__init__(node1, node2, delay_ms, **{**params, "intf": ShapedInterface})

    def shape(self, interface):
        """Shape what leaves by this end of the link, as nobody has done before."""
        for command in shaping(interface.name, self.bandwidth_mbps, 0 if self.relay else self.delay_ms):
            output = interface.cmd(" ".join(command)).strip()
            if output:
                raise CommandFailed(f"{' '.join(command)}: {output}")

    def makeIntfPair(self, intfname1, intfname2, addr1=None, addr2=None, **_):
        if self.delay_ms and not has_netem():
            super().makeIntfPair(intfname1, intfname2, addr1, addr2)
        else:
            Link.makeIntfPair(intfname1, intfname2, addr1, addr2)


class ShapedInterface(QuietInterface, TCIntf):
    """An end of a `ShapedLink`. Open vSwitch removes what shapes an interface when that becomes a port; those that are
    a `TCIntf` are then configured by Mininet once more."""

    def config(self, **params):
        result = super().config(txo=False, rxo=False, **params)
        # Fails where there is nothing yet.
        self.cmd(f"tc qdisc del dev {self.name} root 2> {os.devnull}")
        self.link.shape(self)
        return result


def shaping(interface, bandwidth_mbps, delay_ms):
    """The `tc` commands, as lists of words, that shape what leaves by this interface; `None` and 0 for neither."""
    commands, parent = [], ["root"]
    if bandwidth_mbps:
        bytes_per_ms = bandwidth_mbps * 1e6 / 8 / 1000
        burst = max(LEAST_BURST_BYTES, round(BURST_MS * bytes_per_ms))
        queue = max(LEAST_QUEUE_FRAMES * FULL_FRAME_BYTES, round(QUEUE_MS * bytes_per_ms))
        rate = ["rate", f"{bandwidth_mbps}mbit", "burst", str(burst), "cburst", str(burst)]
        # How much classes send in turn; there is only one, but the kernel warns of what it would choose itself.
        rate += ["quantum", str(FULL_FRAME_BYTES)]
        commands.append(["qdisc", "add", "dev", interface, "root", "handle", "5:", "htb", "default", "1"])
        commands.append(["class", "add", "dev", interface, "parent", "5:", "classid", "5:1", "htb", *rate])
        parent = ["parent", "5:1"]
        frames = -(-(queue + round(delay_ms * bytes_per_ms)) // FULL_FRAME_BYTES)
    else:
        frames = FRAMES_IN_FLIGHT
    if delay_ms:
        netem = ["netem", "delay", f"{delay_ms}ms", "limit", str(frames)]
        commands.append(["qdisc", "add", "dev", interface, *parent, "handle", "10:", *netem])
    elif bandwidth_mbps:
        commands.append(["qdisc", "add", "dev", interface, *parent, "handle", "10:", "bfifo", "limit", str(queue)])
    return [["tc", *command] for command in commands]


@functools.cache
def has_netem():
    """Whether the kernel can delay packets by itself: tried once, in a network namespace made for it."""
    try:
        run("unshare", "-n", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms")
    except CommandFailed:
        return False
    return True


def _within(name, value, least, most):
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = None
    if number is None or not least <= number <= most:
        raise ValueError(f"{name} has to be {least:g} to {most:g}, not {value}")
    return number


class QueuedSwitch(GodwitSwitch):
    """A switch with HTB queues at each port: number 1 and on, each with a bandwidth in Mbit/s that it is sure of, and
    number 0 for what goes through no other. All may use whatever of the link's bandwidth nobody else does.

    They are Open vSwitch's own, so a controller sees them and rules name them. In userspace it doesn't tell the kernel
    which queue a packet is for: all then go through number 0.
    """

    _with_queues = set()

    def __init__(self, name, queues_mbps=(), **params):
        super().__init__(name, **params)
        self.queues_mbps = tuple(queues_mbps)

    def start(self, controllers):
        super().start(controllers)
        if not self.batch:
            self._make_queues()

    @classmethod
    def batchStartup(cls, switches, run=errRun):  # pylint: disable=redefined-outer-name
        started = super().batchStartup(switches, run=run)
        for switch in started:
            switch._make_queues()
        return started

    @classmethod
    def batchShutdown(cls, switches, run=errRun):  # pylint: disable=redefined-outer-name
        stopped = super().batchShutdown(switches, run=run)
        for switch in stopped:
            switch.forget_queues()
        return stopped

    def stop(self, deleteIntfs=True):
        super().stop(deleteIntfs)
        self.forget_queues()

    def _make_queues(self):
        # Of a run that could remove nothing any more.
        self.forget_queues()
        self._with_queues.add(self)
        addCleanupCallback(self._forget_all)
        for interface in self.intfList():
            if isinstance(interface.link, ShapedLink):
                self.ovs_vsctl(*self._queues_of(interface))

    def _queues_of(self, interface):
        """What `ovs-vsctl` has to be told: a transaction that makes the queues of one port."""
        most = f"max-rate={_bits(interface.link.bandwidth_mbps or MOST_MBPS)}"
        mark = f"external-ids:bridge={self.name}"
        # A queue that is sure of nothing gets Open vSwitch's least: one full frame at a time.
        rates = {0: "min-rate=1", **{i: f"min-rate={_bits(rate)}" for i, rate in enumerate(self.queues_mbps, start=1)}}
        words = ["set", "Port", interface.name, "qos=@qos", "--", "--id=@qos", "create", "QoS", "type=linux-htb", mark]
        words += [f"other-config:{most}", *(f"queues:{number}=@q{number}" for number in rates)]
        for number, rate in rates.items():
            queue = [f"other-config:{rate}", f"other-config:{most}", mark]
            words += ["--", f"--id=@q{number}", "create", "Queue", *queue]
        return words

    def forget_queues(self):
        """Remove what Open vSwitch's database keeps of the queues when their bridge is gone."""
        for table in ("QoS", "Queue"):
            rows = self.ovs_vsctl("--bare", "--columns=_uuid", "find", table, f"external-ids:bridge={self.name}")
            if rows.split():
                self.ovs_vsctl("destroy", table, *rows.split())
        self._with_queues.discard(self)

    @staticmethod
    def _forget_all():
        """What Mininet calls when it is interrupted, and stops nothing any more."""
        for switch in list(QueuedSwitch._with_queues):
            switch.forget_queues()


def _bits(mbps):
    return round(mbps * 1e6)
