"""Open vSwitch on this machine: started when it isn't running, and read without going through any controller."""

import glob
import os
import re
import socket
from dataclasses import dataclass

import interrupts
from processes import run

RUN_DIRECTORY = "/var/run/openvswitch"
CONFIGURATION = "/etc/openvswitch"
CONTROL = "/usr/share/openvswitch/scripts/ovs-ctl"

FLOW = re.compile(
    r"^\s*cookie=(?P<cookie>0x[0-9a-f]+), duration=(?P<duration>[\d.]+)s, table=(?P<table>\d+), "
    r"n_packets=(?P<packets>\d+), n_bytes=(?P<bytes>\d+),(?P<rest>.*) actions=(?P<actions>.*)$"
)
PRIORITY = re.compile(r"priority=(\d+),?")


@dataclass(frozen=True)
class Rule:
    """One line of `ovs-ofctl dump-flows`. The match is what is left between the priority and the actions."""

    table: int
    priority: int
    match: str
    flags: tuple
    actions: str
    cookie: int
    packets: int
    bytes: int
    duration_s: float

    @property
    def identity(self):
        """All but the counters and the age."""
        return (self.table, self.priority, self.match, self.flags, self.actions, self.cookie)

    def field(self, name):
        """The value of a match field as Open vSwitch writes it, or None."""
        for item in self.match.split(","):
            key, _, value = item.partition("=")
            if key == name:
                return value
        return None


class Service:
    """The machine's Open vSwitch, running while this context lasts. Stopped afterwards only if it was started here,
    and then the database files that it made are removed too."""

    def __init__(self):
        self._before = None

    @property
    def started_here(self):
        """Whether it wasn't running before."""
        return self._before is not None

    def __enter__(self):
        if not is_running():
            self._before = set(_files())
            with interrupts.making(self._stop):
                run(CONTROL, "start", "--system-id=random")
        return self

    def __exit__(self, *_):
        if self.started_here:
            with interrupts.uninterrupted():
                self._stop()

    def _stop(self):
        run(CONTROL, "stop")
        for path in _files():
            if path not in self._before:
                os.remove(path)


def is_running():
    """Whether both daemons answer."""
    for daemon in ("ovsdb-server", "ovs-vswitchd"):
        try:
            with open(f"{RUN_DIRECTORY}/{daemon}.pid", encoding="ascii") as file:
                pid = int(file.read())
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(f"{RUN_DIRECTORY}/{daemon}.{pid}.ctl")
        except (OSError, ValueError):
            return False
    return True


def parse_flows(text):
    """The rules in the output of `ovs-ofctl dump-flows`."""
    return [_parse_flow(line) for line in text.splitlines() if "actions=" in line]


def _parse_flow(line):
    found = FLOW.match(line)
    if not found:
        raise ValueError(f"not understood: {line}")
    # Timeouts and ages come first, each followed by ", "; then flags, set off by spaces; then priority and match,
    # which have none.
    *flags, condition = found["rest"].split(", ")[-1].split(" ")
    priority = PRIORITY.search(condition)
    return Rule(
        table=int(found["table"]),
        priority=int(priority[1]) if priority else 32768,
        match=PRIORITY.sub("", condition, count=1),
        flags=tuple(flag for flag in flags if flag),
        actions=found["actions"],
        cookie=int(found["cookie"], 16),
        packets=int(found["packets"]),
        bytes=int(found["bytes"]),
        duration_s=float(found["duration"]),
    )


def _files():
    return [path for path in glob.glob(f"{CONFIGURATION}/*") + glob.glob(f"{CONFIGURATION}/.*") if os.path.isfile(path)]
