"""Moves Denver's work to Los Angeles under live traffic, three times, and prints what the hosts saw."""

import argparse
import os
import signal
import sys
import time

import requests

import interrupts
from controller import Controller, Refused, switch_over_us
from network import GodwitNetwork
from open_vswitch import Service
from processes import CommandFailed, wait_until
from stop import forget_kept, refuse_if_kept, remember_kept
from topologies import ABILENE_CASE, Abilene, read_abilene
from traffic import BothWays

ALGORITHMS = ("freeze-copy", "move", "clone")
OPENFLOW10 = ("s2", "s9")
PORT = 5001
UDP = {"eth_type": 2048, "ip_proto": 17, "udp_dst": PORT}

# Traffic before the migration, so that the switches have it in their caches, and after it.
LEAD_S = 1.0

# Open vSwitch credits cached traffic to its rules up to half a second late.
COUNTER_LAG_S = 2.0

HEADINGS = (
    "algorithm",
    "sent",
    "lost",
    "duplicated",
    "reordered",
    "longest silence",
    "flows",
    "rules changed",
    "switch-over",
    "total",
    "counter / received",
)


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the network and the controller up")
    parser.add_argument("--rate", type=int, default=2500, help="packets/s in each direction (default 2500)")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("the demo makes network namespaces: run it as root")
    return run_in_background(options.rate) if options.keep else run_here(options.rate)


def run_here(rate, when_done=None):
    """Run the demo, call `when_done` with the controller and the network still up, and remove everything."""
    interrupts.install()
    try:
        refuse_if_kept()
        with Service(), Controller() as controller:
            with controller.log_shown_on_failure():
                demonstrate(controller, rate, when_done)
        return 0
    except interrupts.Interrupted as interruption:
        print("interrupted; everything has been removed", file=sys.stderr)
        return interruption.exit_code
    except (CommandFailed, Refused, RuntimeError, TimeoutError, requests.RequestException) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


def demonstrate(controller, rate, when_done):
    """The network, the migrations and the table."""
    with GodwitNetwork(Abilene(), controller.openflow_port, openflow10=OPENFLOW10) as network:
        describe(network, controller)
        print_table([migrate_once(network, controller.api, algorithm, rate) for algorithm in ALGORITHMS])
        if when_done is not None:
            when_done(controller)


def run_in_background(rate):
    """Run the demo in a process that outlives this one and holds on to what it made until `stop.py` ends it."""
    done_here, done_there = os.pipe()
    sys.stdout.flush()
    keeper = os.fork()
    if keeper == 0:
        os.close(done_here)
        os.setsid()
        code = run_here(rate, lambda controller: keep(controller, done_there))
        sys.stdout.flush()
        os._exit(code)
    os.close(done_there)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os.kill(keeper, signal.SIGTERM))
    if os.read(done_here, 1):
        return 0
    _, status = os.waitpid(keeper, 0)
    return os.waitstatus_to_exitcode(status)


def keep(controller, done):
    """Say how to look around, let go of the terminal, and wait to be told to end."""
    remember_kept()
    try:
        print_how_to_look_around(controller)
        sys.stdout.flush()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        os.write(done, b"1")
        os.close(done)
        while True:
            signal.pause()
    finally:
        forget_kept()


def describe(network, controller):
    """Say what is there, and wait until the controller knows it."""
    cities = read_abilene()[1]
    source, target = ABILENE_CASE.source, ABILENE_CASE.target
    began = time.monotonic()
    network.wait_connected()
    controller.api.wait_for_network(network)
    lost = ping_both_ways(network)
    print(
        f"Abilene: {len(network.switches)} switches, {len(network.links()) // 2} links; "
        f"{' and '.join(OPENFLOW10)} speak OpenFlow 1.0, the others 1.3\n"
        f"h1 in {cities[ABILENE_CASE.hosts[0]]}, h2 in {cities[ABILENE_CASE.hosts[1]]}; "
        f"complete and reachable after {time.monotonic() - began:.1f} s, {lost} of 2 pings lost\n"
        f"migrating s{source} ({cities[source]}) to s{target} ({cities[target]}) under UDP in both directions\n",
        flush=True,
    )
    controller.api.wait_for_hosts(network)
    network.static_arp()


def ping_both_ways(network):
    """Ping once each way; how many were lost."""
    first, second = network.hosts
    pings = ((first, second), (second, first))
    return sum(", 0% packet loss" not in a.cmd(f"ping -c1 -W2 {b.IP()}") for a, b in pings)


def migrate_once(network, api, algorithm, rate):
    """One row of the table: routes made, traffic, migration, counters, and all put back."""
    first, second = network.hosts
    source, target = f"s{ABILENE_CASE.source}", f"s{ABILENE_CASE.target}"
    ends = ((first, second), (second, first))
    routes = [api.post("/routes", {"from": a.IP(), "to": b.IP(), "match": UDP})["id"] for a, b in ends]
    with BothWays(first, second, PORT, rate) as traffic:
        time.sleep(LEAD_S)
        migration = api.migrate(source, target, algorithm)
        time.sleep(LEAD_S)
    if migration["state"] != "committed":
        raise RuntimeError(f"{algorithm}: {migration['state']}: {migration.get('error')}")
    counted = count(api, routes, traffic.outcome.received)
    for route in routes:
        api.delete(f"/routes/{route}")
    api.post(f"/switches/{source}/restore")
    wait_until(lambda: api.switch_state(source) == "active", 10, f"{source} back in service")
    return row(algorithm, traffic.outcome, migration, counted)


def count(api, routes, expected):
    """What the routes' counters say, added up, once they have caught up or had the time to."""
    deadline = time.monotonic() + COUNTER_LAG_S
    while True:
        counted = sum(api.get(f"/routes/{route}")["packets"] for route in routes)
        if counted == expected or time.monotonic() > deadline:
            return counted
        time.sleep(0.1)


def row(algorithm, outcome, migration, counted):
    """The table's cells."""
    return (
        algorithm,
        f"{outcome.sent:,}",
        f"{outcome.lost:,}",
        f"{outcome.duplicates:,}",
        f"{outcome.reordered:,}",
        milliseconds(outcome.longest_silence_us),
        f"{migration['flows']:,}",
        f"{sum(migration['rules'].values()):,}",
        milliseconds(switch_over_us(migration)),
        milliseconds(migration["duration_us"]),
        f"{counted:,} / {outcome.received:,}",
    )


def milliseconds(microseconds):
    """A duration for people."""
    return f"{microseconds / 1000:,.1f} ms"


def print_table(rows):
    """Text to the left, numbers to the right."""
    widths = [max(len(line[column]) for line in (HEADINGS, *rows)) for column in range(len(HEADINGS))]
    for line in (HEADINGS, *rows):
        cells = [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))]
        print("  ".join(cells).rstrip())
    print(flush=True)


def print_how_to_look_around(controller):
    """Commands for a reader to try."""
    option = "" if controller.http_port == 8080 else f" --url {controller.url}"
    print(
        f"""The network and the controller stay up. To look around:

  target/release/godwit switches{option}
  target/release/godwit links{option}
  target/release/godwit migrations{option}
  target/release/godwit route add 10.0.0.1 10.0.0.2{option}
  target/release/godwit migrate s7 s6{option}
  curl -s {controller.url}/v1/topology
  curl -s {controller.url}/metrics
  ovs-ofctl -O OpenFlow13 dump-flows s7
  mnexec -a $(pgrep -f mininet:h1) ping 10.0.0.2

To end and remove it all:

  make demo-stop
"""
    )


if __name__ == "__main__":
    sys.exit(main())
