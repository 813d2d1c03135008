"""The os-ken app beside us, started, driven and stopped as `controller.Controller` is."""

import importlib.metadata
import json
import os
import socket
import sys
from contextlib import suppress

from background import Background
from controller import free_port
from processes import CommandFailed, wait_until

APP = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "os_ken_migration.py")

# Discovery of 100 switches begins anew for links whose first probe was lost.
SETTLE_S = 60


class Refused(Exception):
    """The app answered that it doesn't do what it was asked, or couldn't."""


class OsKen(Background):
    """The app, running while the context lasts. `openflow_port` is replaced by a free one if it is taken; `version`
    says which os-ken it is. `CommandFailed` if that isn't installed."""

    def __init__(self, openflow_port=0):
        super().__init__("godwit-os-ken-")
        self.version = _version()
        self.openflow_port = free_port(openflow_port)
        self._control_port = free_port(0)
        self._connection = self._lines = None
        self._routes = []

    def _launch(self):
        self._run([sys.executable, APP, self.openflow_port, self._control_port])
        wait_until(self._connect, 20, "os-ken ready")

    def _connect(self):
        if self._process.poll() is not None:
            raise CommandFailed(f"os-ken ended with {self._process.returncode}:\n{self.log()}")
        try:
            self._connection = socket.create_connection(("127.0.0.1", self._control_port), 10)
        except ConnectionRefusedError:
            return False
        self._lines = self._connection.makefile("rwb")
        return True

    def _undo(self):
        if self._connection is not None:
            # What an app that has died wasn't told any more can't be written now either.
            with suppress(OSError):
                self._lines.close()
            self._connection.close()
        super()._undo()

    def request(self, do, timeout=30, **fields):
        """The answer to a request as `os_ken_migration` describes them; `Refused` says why there is none.
        `TimeoutError` if it didn't come within `timeout` seconds, after which nothing more can be asked."""
        answer = self.ask_line(json.dumps({"do": do, **fields}).encode(), timeout)
        problem = answer.get("refused") or answer.get("failed")
        if problem:
            raise Refused(f"{do}: {problem}")
        return answer

    def ask_line(self, line, timeout=30):
        """The answer to a line, whatever is in it."""
        self._connection.settimeout(timeout)
        try:
            self._lines.write(line + b"\n")
            self._lines.flush()
            answer = self._lines.readline()
        except TimeoutError:
            raise TimeoutError(f"os-ken hasn't answered within {timeout:g} s") from None
        except OSError as why:
            raise CommandFailed(f"os-ken has gone: {why}\n{self.log()}") from why
        if not answer:
            raise CommandFailed(f"os-ken has gone:\n{self.log()}")
        return json.loads(answer)

    def links(self):
        """The links it has found, in the form of `GodwitNetwork.links`."""
        return {(tuple(here), tuple(there)) for here, there in self.request("links")["links"]}

    def settle(self, network):
        """Return when all switches and links of the network are known. The hosts are told to it, and to each other."""
        network.wait_connected(SETTLE_S)
        wanted = sorted(switch.number for switch in network.switches)
        wait_until(lambda: self.request("links")["switches"] == wanted, SETTLE_S, "all switches known to os-ken")
        wait_until(lambda: self.links() == network.links(), SETTLE_S, "all links known to os-ken", interval=0.1)
        places = network.attachments()
        hosts = [(host.IP(), *places[host.MAC()]) for host in network.hosts if host.MAC() in places]
        self.request("hosts", hosts=[{"ip": ip, "switch": switch, "port": port} for ip, switch, port in hosts])
        network.static_arp()

    def add_routes(self, first, second, count, first_port, via=None):
        """Make `count` routes in each direction between two hosts, for the UDP ports from `first_port` on, all over the
        switch `via` (a datapath id) if there is one. Their numbers, those from first to second before the others."""
        bodies = [
            {"from": a.IP(), "to": b.IP(), "udp_port": first_port + i, "via": via}
            for a, b in ((first, second), (second, first))
            for i in range(count)
        ]
        made = self.request("add", routes=bodies)["routes"]
        self._routes += made
        return made

    def delete_routes(self, numbers):
        """Remove the routes with these numbers."""
        self.request("delete", routes=numbers)
        self._routes = [number for number in self._routes if number not in numbers]

    def migrate(self, source_number, target_number, algorithm="clone", timeout=60):
        """Move all routes of a switch to another, both by datapath id; the result as `Migration.result` of the app has
        it, also when it failed. `timeout` in seconds."""
        return self.request("migrate", timeout, source=source_number, target=target_number, algorithm=algorithm)

    def counters(self):
        """What each route has counted, in packets, as `Route.counters` of the app has it, in the order in which they
        were made. FLOW_REMOVED comes some milliseconds after the migration's last barrier reply, and Open vSwitch's
        counters lag by up to half a second."""
        return self.request("counters")["counters"]

    def clear(self, source_number):
        """Remove all routes, and let a switch that was migrated carry traffic again."""
        self.delete_routes(self._routes)
        self.request("restore", switch=source_number)


def _version():
    try:
        return f"os-ken {importlib.metadata.version('os-ken')}"
    except importlib.metadata.PackageNotFoundError:
        raise CommandFailed("os-ken isn't installed: `apt-get install python3-os-ken`") from None
