"""An Open vSwitch of its own, on nothing but its own directory, and the controller's end of a connection with it.

Its datapath and ports are dummies: nothing of it shows up among the machine's interfaces.
"""

import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time

import interrupts
from processes import end, run, start, wait_until

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
HEADER = struct.Struct("!BBHI")
PROTOCOLS = {"1.0": "OpenFlow10", "1.3": "OpenFlow13"}
PORTS = 3
LIMIT_S = 10


class Switch(interrupts.Made):
    """ovsdb-server and ovs-vswitchd, running while this context lasts."""

    def __init__(self):
        self._directory = tempfile.mkdtemp(prefix="godwit-oracle-")
        self._processes = []

    @property
    def database(self):
        """The socket of its database."""
        return f"{self._directory}/db.sock"

    def _start(self):
        database = f"{self._directory}/conf.db"
        run("ovsdb-tool", "create", database, SCHEMA)
        daemons = {
            "ovsdb-server": [database, f"--remote=punix:{self.database}"],
            "ovs-vswitchd": [f"unix:{self.database}", "--enable-dummy", "--disable-system"],
        }
        environment = dict(os.environ, OVS_RUNDIR=self._directory)
        for name, arguments in daemons.items():
            control = f"{self._directory}/{name}.ctl"
            options = [
                f"--unixctl={control}",
                f"--log-file={self._directory}/{name}.log",
                "-vconsole:off",
                "-vsyslog:off",
            ]
            process = start([name, *arguments, *options], env=environment, stderr=subprocess.DEVNULL)
            self._processes.insert(0, process)
            wait_until(lambda path=control: os.path.exists(path), LIMIT_S, name)
        self.vsctl("--no-wait", "init")

    def vsctl(self, *arguments):
        """Run `ovs-vsctl` on its database."""
        return run("ovs-vsctl", f"--db=unix:{self.database}", "--timeout=10", *arguments)

    def appctl(self, *arguments):
        """Run `ovs-appctl` on its ovs-vswitchd."""
        return run("ovs-appctl", "-t", f"{self._directory}/ovs-vswitchd.ctl", *arguments)

    def ofctl(self, bridge, version, command, *arguments):
        """Run `ovs-ofctl` on a bridge of its."""
        target = f"unix:{self._directory}/{bridge}.mgmt"
        return run("ovs-ofctl", "-O", PROTOCOLS[version], command, target, *arguments)

    def connect(self, version):
        """A new bridge, and its connection to a controller: this one."""
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(LIMIT_S)
        with listener:
            bridge = f"br{version.replace('.', '')}"
            arguments = ["add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=dummy", "fail_mode=secure"]
            arguments += [f"protocols={PROTOCOLS[version]}"]
            for number in range(1, PORTS + 1):
                port = f"{bridge}p{number}"
                arguments += ["--", "add-port", bridge, port, "--", "set", "interface", port, "type=dummy"]
                arguments += [f"ofport_request={number}"]
            self.vsctl(*arguments, "--", "set-controller", bridge, f"tcp:127.0.0.1:{listener.getsockname()[1]}")
            return Connection(listener.accept()[0])

    def _undo(self):
        for process in self._processes:
            end(process)
        shutil.rmtree(self._directory, ignore_errors=True)


class Connection:
    """Moves messages in hex, and knows nothing of them but their headers."""

    def __init__(self, sock):
        self._socket = sock
        self._rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, messages):
        """Send messages in hex."""
        self._socket.sendall(b"".join(map(bytes.fromhex, messages)))

    def receive(self):
        """The next message: its transaction id, and all of it in hex."""
        deadline = time.monotonic() + LIMIT_S
        while len(self._rest) < HEADER.size or len(self._rest) < HEADER.unpack_from(self._rest)[2]:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
            more = self._socket.recv(1 << 16)
            if not more:
                raise ConnectionError("the switch has closed the connection")
            self._rest += more
        _, _, length, xid = HEADER.unpack_from(self._rest)
        message, self._rest = self._rest[:length], self._rest[length:]
        return xid, message.hex()

    def receive_until(self, xid):
        """All messages up to the one with this transaction id, in hex."""
        received = []
        while not received or received[-1][0] != xid:
            received.append(self.receive())
        return [message for _, message in received]
