"""What the command line offers around a network that runs: waiting for it, examining the machine, a new configuration."""

import json
import os
import shlex
import signal
import subprocess

import pytest
from mininet.topolib import TorusTopo

from controller import Controller
from network import GodwitNetwork
from processes import program, run, wait_until
from topologies import Ring


def godwit(*arguments):
    """Exit status, stdout and stderr of the program."""
    words = [program("godwit"), *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def examined(controller):
    """What `godwit doctor` finds, by what it is about."""
    addresses = ["--openflow", f"127.0.0.1:{controller.openflow_port}", "--http", f"127.0.0.1:{controller.http_port}"]
    status, out, err = godwit("doctor", "--json", *addresses, "--data-dir", controller.data_directory)
    assert err == ""
    findings = {finding["check"]: finding for finding in json.loads(out)}
    assert status == int(any(finding["status"] == "fail" for finding in findings.values()))
    return findings


def test_waiting_ends_as_soon_as_the_network_is_there(connect, controller):
    network = connect(TorusTopo(3, 3))
    url = ["--url", controller.url]
    status, out, err = godwit("wait", "--switches", 9, "--links", 18, "--timeout", "30s", *url)
    assert (status, err) == (0, "")
    assert out.startswith("9 switches, 18 links after ")
    assert network.ping_all(wait_s=5) == 0
    assert godwit("wait", "--hosts", 9, "--timeout", "10s", *url)[0] == 0
    # One more than there is never comes.
    status, out, err = godwit("wait", "--switches", 9, "--links", 19, "--timeout", "1s", *url)
    assert (status, out) == (1, "")
    assert "9 switches, 18 of 19 links" in err


def test_bridges_as_a_controller_needs_them_are_fine_and_what_is_not_is_mended_by_what_is_said(settle, controller):
    network = settle(Ring(3), openflow10=("s2",))
    names = [switch.name for switch in network.switches]
    findings = examined(controller)
    assert findings["Open vSwitch"]["status"] == "ok"
    for name in names:
        finding = findings[f"bridge {name}"]
        assert finding["status"] == "ok", finding
        assert f"tcp:127.0.0.1:{controller.openflow_port} (connected)" in finding["detail"]
    assert "controller runs" in findings[f"OpenFlow 127.0.0.1:{controller.openflow_port}"]["detail"]
    assert "in use by a controller" in findings["data directory"]["detail"]

    run("ovs-vsctl", "set-fail-mode", "s1", "standalone")
    run("ovs-vsctl", "set", "bridge", "s3", "protocols=OpenFlow14")
    findings = examined(controller)
    assert [findings[f"bridge {name}"]["status"] for name in names] == ["warn", "ok", "fail"]
    for name in ("s1", "s3"):
        for mend in findings[f"bridge {name}"]["mend"].split("; "):
            if "ovs-vsctl" in mend and name in mend:
                run(*shlex.split(mend[mend.index("ovs-vsctl") :]))
    wait_until(
        lambda: all(examined(controller)[f"bridge {name}"]["status"] == "ok" for name in names), 15, "bridges that are fine"
    )


def test_a_bridge_without_a_controller_is_told(plain, controller):
    plain(Ring(3))
    for name in ("s1", "s2", "s3"):
        finding = examined(controller)[f"bridge {name}"]
        assert finding["status"] == "warn"
        assert f"ovs-vsctl set-controller {name} tcp:" in finding["mend"]


@pytest.fixture(name="configured")
def configured_controller(tmp_path):
    """A controller with a configuration file, which comes with it."""
    path = tmp_path / "godwit.toml"
    path.write_text('log = "info"\n')
    with Controller(openflow_port=0, http_port=0, arguments=["--config", str(path)]) as running:
        yield running, path


def test_a_new_configuration_disconnects_no_switch_whether_it_is_right_or_wrong(configured):
    controller, path = configured
    with GodwitNetwork(Ring(3), controller.openflow_port) as network:
        network.wait_connected()
        controller.api.settle(network)
        before = controller.api.get("/switches")
        for text, said in [
            ('log = "debug"\n', 'log = "debug" (was "info")'),
            ('log = "debug"\nlog_level = 3\n', "godwit.toml:2: unknown key `log_level`"),
            ('log = "debug"\napps = ["learning"]\n', "takes effect at the next start"),
        ]:
            path.write_text(text)
            os.kill(controller.pid, signal.SIGHUP)
            wait_until(lambda said=said: said in controller.log(), 5, f"`{said}` in the log")
        assert controller.api.get("/switches") == before
        assert network.ping_all(wait_s=5) == 0
