"""Raw frames at the hosts of a network, seen and sent there."""

import os
import subprocess
import sys
from contextlib import contextmanager

from openflow import mac
from processes import end, start

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "frames.py")

BROADCAST = "ff:ff:ff:ff:ff:ff"
LLDP_ADDRESS = "01:80:c2:00:00:0e"
LLDP_TYPE = 0x88CC


def send_frame(host, frame, count=1):
    """Send a frame from a host's first interface."""
    subprocess.run(_command(host, "send", frame.hex(), str(count)), check=True, timeout=20)


@contextmanager
def counted(hosts, pattern):
    """Counts the frames with these bytes that arrive at each host. Yields a dictionary that is filled when the block
    ends: name to count."""
    counts, tools = {}, {}
    try:
        for host in hosts:
            tools[host.name] = _start_tool(host, "count", pattern.hex())
        yield counts
        for name, tool in tools.items():
            tool.terminate()
            counts[name] = int(tool.communicate(timeout=10)[0])
    finally:
        for tool in tools.values():
            end(tool)


def first_frame_into(switch_interface, pattern, timeout=15):
    """The first frame with these bytes that arrives at a switch's interface."""
    command = [sys.executable, TOOL, "first", switch_interface, pattern.hex()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=True)
    return bytes.fromhex(done.stdout.strip())


def first_frame_at(host, pattern, timeout=15):
    """The first frame with these bytes that arrives at a host."""
    command = _command(host, "first", pattern.hex())
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=True)
    return bytes.fromhex(done.stdout.strip())


def _start_tool(host, action, *arguments):
    tool = start(_command(host, action, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if tool.stderr.readline() != "ready\n":
        raise RuntimeError(tool.stderr.read())
    return tool


def _command(host, action, *arguments):
    return ["mnexec", "-a", str(host.pid), sys.executable, TOOL, action, host.defaultIntf().name, *arguments]


def ethernet(destination, source, ethertype, payload):
    """A frame, padded to the least length that Ethernet has."""
    frame = mac(destination) + mac(source) + ethertype.to_bytes(2, "big") + payload
    return frame.ljust(60, b"\0")


def lldp(source, chassis, port):
    """An LLDP frame as an attacker without the key would write it: chassis id, port id, time to live."""
    payload = _tlv(1, b"\x07" + chassis.encode()) + _tlv(2, b"\x07" + port.encode()) + _tlv(3, b"\0\x78") + _tlv(0, b"")
    return ethernet(LLDP_ADDRESS, source, LLDP_TYPE, payload)


def _tlv(kind, value):
    return (kind << 9 | len(value)).to_bytes(2, "big") + value
