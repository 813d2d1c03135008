"""Mininet's hosts and switches, made fit for Open vSwitch's userspace datapath."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress

from mininet.link import Intf
from mininet.node import Host, OVSSwitch, RemoteController

from open_vswitch import RUN_DIRECTORY
from processes import CommandFailed, end, end_group, run, start, wait_until

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


def _forked():
    """Nothing. That there is something to call in the child makes Python use `fork` and not `vfork`: until its session is its
    own, the child then has the handlers of this process, which a signal doesn't end, and not those of a new one."""


class OwnSession:
    """A node with its processes in sessions of their own from the start. Mininet's are so only once `mnexec` has run: a
    Ctrl-C just before ends the shell, and Mininet waits for it for ever."""

    def startShell(self, mnopts=None):
        super().startShell("-c" if mnopts is None else mnopts)

    def popen(self, *arguments, **params):
        params.setdefault("mncmd", ["mnexec", "-a", str(self.pid)])
        return super().popen(*arguments, **params)

    def _popen(self, cmd, **params):
        return super()._popen(cmd, start_new_session=True, preexec_fn=_forked, **params)


class QuietHost(OwnSession, Host):
    """A host that speaks only when told to, with checksums computed in software."""

    def startShell(self, mnopts=None):
        super().startShell(mnopts)
        # Neighbour and router discovery would count as traffic in every test.
        self.cmd("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1")

    def config(self, **params):
        result = super().config(**params)
        for interface in self.intfList():
            # A checksum left to the hardware is never filled in on the way through the userspace datapath.
            self.cmd(f"ethtool -K {interface} tx off rx off tso off gso off gro off")
        return result


class QuietInterface(Intf):
    """An interface without IPv6 before it comes up; in a namespace, the namespace's default sees to that."""

    def config(self, **params):  # pylint: disable=arguments-differ
        if not self.node.inNamespace:
            path = f"/proc/sys/net/ipv6/conf/{self.name}/disable_ipv6"
            if os.path.exists(path):
                with open(path, "w", encoding="ascii") as file:
                    file.write("1")
        return super().config(**params)


class GodwitSwitch(OwnSession, OVSSwitch):
    """An Open vSwitch bridge in userspace that drops what no rule forwards."""

    def __init__(self, name, protocols="OpenFlow13", **params):
        params.setdefault("batch", False)
        super().__init__(name, datapath="user", failMode="secure", protocols=protocols, **params)

    @property
    def run_directory(self):
        """Where the daemon that has this bridge keeps its sockets."""
        return RUN_DIRECTORY

    @property
    def number(self):
        """The datapath id as a number."""
        return int(self.dpid, 16)

    def ovs_vsctl(self, *arguments):
        """Run `ovs-vsctl` on the database that has this bridge."""
        return run("ovs-vsctl", f"--db=unix:{self.run_directory}/db.sock", *arguments)

    def ofctl(self, command, *arguments, input_text=None):
        """Run `ovs-ofctl` on this bridge in the version that it speaks with its controller."""
        target = f"unix:{self.run_directory}/{self.name}.mgmt"
        return run("ovs-ofctl", "-O", self.protocols, command, target, *arguments, input_text=input_text)

    def diff_flows(self, path):
        """What `ovs-ofctl diff-flows` says of this bridge and the rules in a file, line by line: a plus has what only
        the bridge has, a minus what only the file has."""
        target = f"unix:{self.run_directory}/{self.name}.mgmt"
        try:
            text = run("ovs-ofctl", "-O", self.protocols, "diff-flows", path, target)
        except CommandFailed as differs:
            text = str(differs).partition(": ")[2]
        return [line for line in text.splitlines() if line[:1] in ("+", "-")]

    def connect_to(self, port):
        """Go to the controller at this port of 127.0.0.1 instead of the one that it has: rules stay, and it comes back
        within a second whenever the connection ends."""
        self._point_at(f"tcp:127.0.0.1:{port}")

    def _point_at(self, target):
        arguments = ["--", "--id=@c", "create", "Controller", f'target="{target}"', "max_backoff=1000"]
        self.ovs_vsctl(*arguments, "--", "set", "bridge", self.name, "controller=[@c]")


class PlainSwitch(OwnSession, OVSSwitch):
    """A bridge that learns by itself and has no controller. `passes_lldp` makes it hand on what bridges must not, so that
    it looks like a piece of cable."""

    def __init__(self, name, passes_lldp=False, **params):
        super().__init__(name, datapath="user", failMode="standalone", **params)
        self._passes_lldp = passes_lldp

    def start(self, controllers):
        super().start([])

    def bridgeOpts(self):
        return super().bridgeOpts() + " other-config:forward-bpdu=true" * self._passes_lldp

    def ofctl(self, command, *arguments):
        """Run `ovs-ofctl` on this bridge."""
        return run("ovs-ofctl", command, self.name, *arguments)


class SeparateSwitch(GodwitSwitch):
    """A bridge in an ovs-vswitchd of its own, in its own network namespace: two userspace datapaths can't share one.

    To its controller and its neighbours it looks like the others. What differs is inside: a rule that changes at a
    neighbour doesn't flush this bridge's cached flows, so its counters lag as they do between real switches.
    """

    def __init__(self, name, **params):
        params["inNamespace"] = True
        super().__init__(name, **params)
        self._directory = tempfile.mkdtemp(prefix=f"godwit-{name}-")
        self._processes = []
        self._forwarder = None
        self._controller = None

    @property
    def run_directory(self):
        return self._directory

    # One by one: Mininet's batch goes to the machine's own database.
    @classmethod
    def batchStartup(cls, switches, run=None):
        return switches

    def start(self, controllers):
        self._start_daemons()
        arguments = ["add-br", self.name, "--", "set", "bridge", self.name, f"other_config:datapath-id={self.dpid}"]
        arguments += ["fail_mode=secure", "datapath_type=netdev", f"protocols={self.protocols}"]
        arguments += ["other-config:disable-in-band=true", f"other-config:dp-desc={self.name}"]
        for interface in self.intfList():
            if self.ports[interface] and not interface.IP():
                arguments += ["--", "add-port", self.name, interface.name]
                arguments += ["--", "set", "Interface", interface.name, f"ofport_request={self.ports[interface]}"]
        for controller in controllers:
            self._controller = f"{controller.IP()}:{controller.port}"
            target = self._forward()
            arguments += ["--", "--id=@c", "create", "Controller", f'target="{target}"', "max_backoff=1000"]
            arguments += ["--", "set", "bridge", self.name, "controller=[@c]"]
        self.ovs_vsctl(*arguments)
        self._shape()

    def _shape(self):
        """A new ovs-vswitchd removes what shapes the interfaces that become its ports."""
        for interface in self.intfList():
            self.TCReapply(interface)

    def daemon_pid(self, name):
        """The process id of one of its daemons."""
        with open(f"{self._directory}/{name}.pid", encoding="ascii") as file:
            return int(file.read())

    def _start_daemons(self):
        database = f"{self._directory}/conf.db"
        run("ovsdb-tool", "create", database, SCHEMA)
        self._start_daemon("ovsdb-server", [database, f"--remote=punix:{self._directory}/db.sock"])
        self._start_daemon("ovs-vswitchd", [f"unix:{self._directory}/db.sock"])
        self.ovs_vsctl("--no-wait", "init")

    def _start_daemon(self, name, arguments):
        pid_file = f"{self._directory}/{name}.pid"
        options = [f"--pidfile={pid_file}", f"--log-file={self._directory}/{name}.log"]
        inside = ["mnexec", "-a", self.pid, name, *arguments, *options, "-vconsole:off", "-vsyslog:off"]
        environment = dict(os.environ, OVS_RUNDIR=self._directory)
        self._processes.insert(0, start(inside, env=environment, stderr=subprocess.DEVNULL))
        wait_until(lambda: os.path.exists(pid_file), 10, f"{name} of {self.name}")

    def _forward(self):
        """A Unix socket, which reaches across namespaces, forwarded to the controller's port."""
        path = f"{self._directory}/controller.sock"
        self._forwarder = start(["socat", f"UNIX-LISTEN:{path},fork", f"TCP:{self._controller},nodelay"])
        wait_until(lambda: os.path.exists(path), 5, "the way to the controller")
        return f"unix:{path}"

    def connect_to(self, port):
        self._controller = f"127.0.0.1:{port}"
        self._end_forwarder()
        self._point_at(self._forward())

    def _end_forwarder(self):
        if self._forwarder is not None:
            end_group(self._forwarder)
            with suppress(FileNotFoundError):
                os.remove(f"{self._directory}/controller.sock")

    def restart_daemon(self):
        """The switch loses its power: ovs-vswitchd is killed and started again, with the configuration, without
        rules."""
        pid = self.daemon_pid("ovs-vswitchd")
        process = next(process for process in self._processes if "ovs-vswitchd" in process.args)
        os.kill(pid, signal.SIGKILL)
        process.wait(10)
        self._processes.remove(process)
        with suppress(FileNotFoundError):
            os.remove(f"{self._directory}/ovs-vswitchd.pid")
        self._start_daemon("ovs-vswitchd", [f"unix:{self._directory}/db.sock"])
        self._shape()

    def end_daemons(self):
        """End the daemons; bridge and ports go with them."""
        self._end_forwarder()
        for process in self._processes:
            end(process)
        shutil.rmtree(self._directory, ignore_errors=True)


class Godwit(OwnSession, RemoteController):
    """The controller under test; that it listens is known."""

    def checkListening(self):
        pass


def interface_exists(name):
    """Whether the namespace that this runs in has this interface."""
    try:
        return socket.if_nametoindex(name) > 0
    except OSError:
        return False
