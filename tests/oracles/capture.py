"""Captures of OpenFlow connections, made up from their messages."""

import struct

FILE = struct.pack("!IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 101)
CONTROLLER, SWITCH = (bytes((10, 0, 0, 1)), 6653), (bytes((10, 0, 0, 2)), 50000)
ACKNOWLEDGE_AND_PUSH = 0x18


def write(path, messages):
    """A packet for each message, as a pair of the end that it goes to and its bytes in hex: raw IP and TCP, each end's
    stream without a gap."""
    sent = {"switch": 1, "controller": 1}
    with open(path, "wb") as file:
        file.write(FILE)
        for number, (to, text) in enumerate(messages):
            data = bytes.fromhex(text)
            source, target = (CONTROLLER, SWITCH) if to == "switch" else (SWITCH, CONTROLLER)
            other = "controller" if to == "switch" else "switch"
            ports = source[1], target[1]
            tcp = struct.pack("!HHIIBBHHH", *ports, sent[to], sent[other], 0x50, ACKNOWLEDGE_AND_PUSH, 0xFFFF, 0, 0)
            sent[to] += len(data)
            length = 20 + len(tcp) + len(data)
            header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, length, number & 0xFFFF, 0, 64, 6, 0, source[0], target[0])
            file.write(struct.pack("!IIII", number, 0, length, length) + header + tcp + data)
