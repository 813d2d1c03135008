"""`mn --custom mininet/godwit.py --controller godwit`: a controller that starts and stops with the network."""

import json
import os
import shutil
import signal
import subprocess
import sys

from mininet.net import Mininet
from mininet.topo import LinearTopo

import godwit
from nodes import GodwitSwitch, QuietHost
from processes import PROJECT, start, wait_until
from traces import assert_nothing_new, traces

CUSTOM = ",".join(os.path.join(PROJECT, "mininet", name) for name in ("godwit.py", "topologies.py"))
LIMIT_S = 90


def mn(*options, commands=""):
    """What `mn` writes with these options when these commands are typed."""
    words = ["mn", "--custom", CUSTOM, "--switch", "ovs,datapath=user", "--host", "quiet", *options]
    process = start(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        output, _ = process.communicate(commands, timeout=LIMIT_S)
    finally:
        if process.poll() is None:
            # It removes its network.
            process.send_signal(signal.SIGINT)
            process.wait(30)
    assert process.returncode == 0, output
    return output


def answers(output):
    """What followed each prompt."""
    return output.partition("*** Stopping")[0].split("mininet> ")[1:]


def test_the_network_works_and_leaves_nothing_behind():
    before = traces()
    output = mn("--controller", "godwit", "--topo", "torus,3,3", "--test", "pingall")
    assert "0% dropped (72/72 received)" in output
    assert_nothing_new(before)


def test_the_program_is_asked_from_the_prompt():
    before = traces()
    commands = [
        "godwit wait --switches 11 --links 14 --timeout 20s",
        "godwit links --json",
        "h1 ping -c1 -W5 h2",
        "py net.godwit.migrate('s7', 's9')['state']",
        "godwit migrations --json",
        "godwit frobnicate",
        'godwit "unbalanced',
        "py len(net.godwit.links())",
    ]
    output = mn("--controller", "godwit", "--topo", "abilene", commands="\n".join(commands) + "\n")
    waited, links, ping, migrated, migrations, unknown, unbalanced, count, _ = answers(output)
    assert "11 switches, 14 links" in waited
    assert len(json.loads(links)) == 28
    assert "1 received" in ping
    assert migrated.strip() == "committed"
    assert [one["state"] for one in json.loads(migrations)] == ["committed"]
    assert "unrecognized subcommand 'frobnicate'" in unknown
    assert "No closing quotation" in unbalanced
    assert count.strip() == "28"
    assert_nothing_new(before)


def test_without_a_controller_of_its_own_the_prompt_says_so():
    output = mn("--controller", "none", "--topo", "single,2", commands="godwit links\npy net.godwit is None\n")
    refused, is_none, *_ = answers(output)
    assert "--controller godwit" in refused
    assert is_none.strip() == "True"


def test_in_a_script_two_of_them_get_ports_of_their_own():
    options = {"switch": GodwitSwitch, "host": QuietHost, "controller": godwit.Godwit, "waitConnected": 10}
    before = traces()
    network = Mininet(topo=LinearTopo(2), **options)
    try:
        network.start()
        other = godwit.Godwit("c1")
        try:
            other.start()
            assert other.program.openflow_port != network.controllers[0].program.openflow_port
            assert other.program.api.get("/switches") == []
            wait_until(lambda: len(network.godwit.links()) == 2, 10, "both directions of the link")
        finally:
            other.stop()
        assert network.pingAll(timeout="5") == 0
    finally:
        network.stop()
    assert_nothing_new(before)


def test_it_ends_when_mininet_is_killed():
    script = (
        f"import sys, time; sys.path.insert(0, {os.path.join(PROJECT, 'mininet')!r}); import godwit\n"
        "own = godwit.Godwit('c0').program; own.__enter__(); print(own.pid, own.data_directory, flush=True); time.sleep(60)"
    )
    process = start([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    pid, data = process.stdout.readline().split()
    try:
        assert os.path.isdir(f"/proc/{pid}")
    finally:
        process.kill()
        process.wait()
    try:
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), 10, "the end of the controller")
    finally:
        shutil.rmtree(os.path.dirname(data))
