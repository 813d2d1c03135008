"""Two bridges with a host's port each and a cable between them, on an Open vSwitch of dummies, controlled by godwit.

Nothing of it shows up among the machine's interfaces. What a host would send is given to its port.
"""

from contextlib import contextmanager

from controller import Controller
from live_switch import PROTOCOLS, Switch
from processes import wait_until

LIMIT_S = 20
SWITCHES = {"s1": "1.3", "s2": "1.0"}
HOST, CABLE = 1, 2


def arp(number):
    """What host `number` asks: who has the address of nobody? In hex."""
    mac = f"00000000000{number}"
    return f"ffffffffffff{mac}08060001080006040001{mac}0a00000{number}0000000000000a0000fe".ljust(120, "0")


@contextmanager
def network():
    """The controller, which knows both switches, the cable and the hosts 10.0.0.1 and 10.0.0.2."""
    with Switch() as open_vswitch, Controller(
        openflow_port=0, http_port=0, environment={"GODWIT_OVSDB": f"unix:{open_vswitch.database}"}
    ) as running:
        for number, (name, version) in enumerate(SWITCHES.items(), start=1):
            settings = ["datapath_type=dummy", "fail_mode=secure", f"protocols={PROTOCOLS[version]}"]
            settings.append(f"other-config:datapath-id={number:016x}")
            host, cable = f"{name}-host", f"{name}-cable"
            peer = "s2-cable" if name == "s1" else "s1-cable"
            arguments = ["add-br", name, "--", "set", "bridge", name, *settings]
            arguments += ["--", "add-port", name, host, "--", "set", "interface", host, "type=dummy"]
            arguments += [f"ofport_request={HOST}"]
            arguments += ["--", "add-port", name, cable, "--", "set", "interface", cable, "type=patch"]
            arguments += [f"options:peer={peer}", f"ofport_request={CABLE}"]
            target = f"tcp:127.0.0.1:{running.openflow_port}"
            open_vswitch.vsctl(*arguments, "--", "set-controller", name, target)
        api = running.api
        wait_until(lambda: len(api.get("/links")) == 2, LIMIT_S, "the cable")

        def introduced():
            for number in (1, 2):
                open_vswitch.appctl("netdev-dummy/receive", f"s{number}-host", arp(number))
            return len(api.get("/hosts")) == 2

        wait_until(introduced, LIMIT_S, "the hosts")
        yield running, open_vswitch
