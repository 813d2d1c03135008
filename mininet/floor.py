"""How long a migration's rules take when nothing but sending them is done: no planning, no proof, no confirmation. A
bare client writes to all switches at once, everything that is due to a switch in one write, closed by one barrier."""

import socket
import threading
import time

import openflow
from routes import outputs

REPETITIONS = 5

# OF 1.0.1 §5.3.3, OF 1.3.5 §7.3.4.1.
SEND_FLOW_REM = 1


def measure(network, before, after):
    """Microseconds to send what changed between two sets of rules, as `routes.udp_rules` gives them for each switch by
    name: the new rules, then the changed next hops, then the deletions, each on all switches side by side. The best of
    some repetitions. Afterwards the rules are those of `after` again."""
    best = float("inf")
    for _ in range(REPETITIONS):
        _send_rounds(network, after, before)
        best = min(best, _send_rounds(network, before, after))
    return best * 1e6


def _send_rounds(network, before, after):
    """Seconds for the three rounds."""
    switches = [network.switch(name) for name in after]
    connections = {switch.name: openflow.connect_to_switch(switch) for switch in switches}
    try:
        return sum(_send_round(connections, batches) for batches in _rounds(connections, before, after))
    finally:
        for connection, _ in connections.values():
            connection.__exit__()


def _rounds(connections, before, after):
    add, modify, delete = {}, {}, {}
    for name, (_, version) in connections.items():
        old, new = before[name], after[name]
        add[name] = _batch(version, openflow.ADD, new, (key for key in new if key not in old))
        changed = (key for key in new if key in old and outputs(new[key]) != outputs(old[key]))
        modify[name] = _batch(version, openflow.MODIFY_STRICT, new, changed)
        delete[name] = _batch(version, openflow.DELETE_STRICT, old, (key for key in old if key not in new))
    return [add, modify, delete]


def _batch(version, command, rules, keys):
    mods = [_flow_mod(version, command, rules[key]) for key in keys]
    return b"".join([*mods, openflow.message(version, openflow.BARRIER_REQUEST[version])]) if mods else b""


def _flow_mod(version, command, rule):
    """The very rule that the switch has, so that a strict command finds it."""

    def field(name, convert):
        value = rule.field(name)
        return None if value is None else convert(value)

    match = openflow.UdpMatch(
        in_port=field("in_port", int),
        eth_src=field("dl_src", openflow.mac),
        eth_dst=field("dl_dst", openflow.mac),
        ipv4_src=field("nw_src", socket.inet_aton),
        ipv4_dst=field("nw_dst", socket.inet_aton),
        udp_dst=field("tp_dst", int),
    )
    flags = SEND_FLOW_REM if "send_flow_rem" in rule.flags else 0
    return openflow.flow_mod(version, command, match, rule.priority, outputs(rule)[0], rule.cookie, flags)


def _send_round(connections, batches):
    """Seconds until every switch that has a batch has answered its barrier."""
    failures = []

    def send(name):
        connection, version = connections[name]
        connection.send(batches[name])
        while True:
            received = connection.receive()
            if received is None or received.kind == openflow.ERROR:
                failures.append((name, received))
                return
            if received.kind == openflow.BARRIER_REPLY[version]:
                return

    threads = [threading.Thread(target=send, args=(name,)) for name in batches if batches[name]]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    if failures:
        raise RuntimeError(f"the bare client was refused: {failures}")
    return took
