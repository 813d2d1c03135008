"""os-ken's statistics of switches that godwit controls, to compare with: see `os_ken_stats.py`."""

import json
import os
import subprocess
import sys

from controller import free_port

CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "os_ken_stats.py")
LIMIT_S = 60

# What changes while nobody does anything.
MOVING = {
    "packet_count",
    "byte_count",
    "lookup_count",
    "matched_count",
    "duration_sec",
    "duration_nsec",
    "rx_packets",
    "tx_packets",
    "rx_bytes",
    "tx_bytes",
    "rx_dropped",
    "tx_dropped",
}
NAMES = ("port_no", "port", "queue_id", "table_id", "group_id", "meter_id", "priority", "match", "type")
SECOND = 10**9


def ask(switches, questions):
    """What os-ken's functions say of these switches. It connects to them beside the controller that they have, and is
    gone afterwards."""
    port = free_port(0)
    for switch in switches:
        create = ["--", "--id=@c", "create", "Controller", f'target="tcp:127.0.0.1:{port}"', "max_backoff=1000"]
        switch.ovs_vsctl(*create, "--", "add", "bridge", switch.name, "controller", "@c")
    try:
        done = subprocess.run(
            [sys.executable, CHILD, str(port)],
            input=json.dumps(questions),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    finally:
        for switch in switches:
            find = ["--bare", "--columns=_uuid", "find", "Controller", f'target="tcp:127.0.0.1:{port}"']
            for row in switch.ovs_vsctl(*find).split():
                switch.ovs_vsctl("--if-exists", "remove", "bridge", switch.name, "controller", row)
    assert done.returncode == 0, f"os-ken: {done.stderr}"
    return json.loads(done.stdout)


def ordered(value):
    """The same with every list of objects in the order of their names: switches list as they like."""
    if isinstance(value, dict):
        return {key: ordered(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [ordered(item) for item in value]
        if items and all(isinstance(item, dict) for item in items):
            items.sort(key=lambda item: json.dumps([item.get(name) for name in NAMES], sort_keys=True))
        return items
    return value


def differences(before, other, after, path="", moving=True):
    """Where what another says in between differs from what was said before and after: every key, type and value; a
    number that changes by itself has to lie between the two."""
    if isinstance(other, dict) and isinstance(before, dict) and isinstance(after, dict):
        if not set(before) == set(other) == set(after):
            return [f"{path}: the keys {sorted(before)}, not {sorted(other)}"]
        before, other, after = (_with_age(value) for value in (before, other, after))
        still = moving and not _is_discovery(other)
        return [
            found
            for key in other
            for found in differences(before[key], other[key], after[key], f"{path}/{key}", still)
            if still or key not in MOVING | {"age"}
        ]
    if isinstance(other, list) and isinstance(before, list) and isinstance(after, list):
        if not len(before) == len(other) == len(after):
            return [f"{path}: {len(before)} entries, not {len(other)}"]
        return [
            found
            for index, values in enumerate(zip(before, other, after))
            for found in differences(*values, f"{path}[{index}]", moving)
        ]
    if type(before) is not type(other):
        return [f"{path}: {before!r}, not {other!r}"]
    if path.rpartition("/")[2] in MOVING | {"age"} and isinstance(other, int):
        return [] if before <= other <= after else [f"{path}: {before} and {after}, with {other} between"]
    return [] if before == other == after else [f"{path}: {before!r}, not {other!r}"]


def _with_age(item):
    """Seconds and nanoseconds as one number."""
    if "duration_nsec" not in item:
        return item
    age = item["duration_sec"] * SECOND + item["duration_nsec"]
    return {**{key: value for key, value in item.items() if not key.startswith("duration")}, "age": age}


def _is_discovery(item):
    """Whether it is the rule that the controller renews whenever it reads counters."""
    return item.get("priority") == 65535 and item.get("match") == {"dl_type": 0x88CC}
