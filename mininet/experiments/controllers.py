"""The controllers that are measured, each driven the same way.

A driver is a context manager with `openflow_port`; `settle(network)`, which returns when the controller knows the whole
network; `add_routes(first, second, count, first_port)`, a route in each direction for each UDP port; `migrate`;
`counted(source, target)`, the packets of the routes that the two switches have forwarded, by the controller's word; and
`clear(source)`, which removes the routes and puts the source back into service.
"""

from controller import Controller
from experiments.os_ken import OsKen
from processes import wait_until
from routes import requests

# What a migration's phases are for. What is in neither, such as keeping the journal, is in the total alone.
PLANNING = ("freeze", "plan")
WRITING = ("cut", "install", "flip", "remove")
WAITING = ("confirm", "drain", "read")


class Godwit(Controller):
    """Godwit, by its REST interface."""

    def __init__(self):
        super().__init__(openflow_port=0, http_port=0)
        self._routes = []

    def settle(self, network):
        """Return when the network is known completely, and its hosts know each other."""
        self.api.settle(network)

    def add_routes(self, first, second, count, first_port):
        """Routes in both directions, for each of so many UDP ports."""
        made = self.api.post("/routes", requests(first, second, count, first_port))
        self._routes = [route["id"] for route in made]

    def migrate(self, source, target, algorithm, timeout):
        """A migration between two switches by their numbers: `state`, `total_us`, `phases`, `rules`, `error`."""
        migration = self.api.migrate(f"{source:#x}", f"{target:#x}", algorithm, timeout)
        return {
            "state": migration["state"],
            "total_us": migration["duration_us"],
            "phases": migration["phases"],
            "rules": migration["rules"],
            "error": migration.get("error"),
        }

    def counted(self, source, target):
        """The packets that source and target have forwarded on all routes, by the controller's word."""
        mine = set(self._routes)
        return sum(
            switch["packets"]
            for route in self.api.get("/routes?per_switch=true")
            for switch in route["switches"]
            if route["id"] in mine and int(switch["dpid"], 16) in (source, target)
        )

    def clear(self, source):
        """Without routes, the source in service."""
        if self._routes:
            self.api.post("/routes/delete", {"ids": self._routes})
        self._routes = []
        if self.api.switch_state(f"{source:#x}") != "active":
            self.api.post(f"/switches/{source:#x}/restore")
            wait_until(lambda: self.api.switch_state(f"{source:#x}") == "active", 10, "the source back in service")


class Peer(OsKen):
    """The os-ken app. Its counters are those of the target's rules, and what `os_ken_routes.Move.counted` adds to them:
    of clone what FLOW_REMOVED says of the source's, of move what was read there before, of freeze-copy nothing."""

    def counted(self, _source, _target):
        """The packets that source and target have forwarded on all routes, by the app's word."""
        return sum(route["counted"] for route in self.counters())


DRIVERS = {"godwit": Godwit, "os-ken": Peer}
