"""Sends and counts raw frames on an interface. Run inside a host's namespace:

    frames.py send INTERFACE HEX [COUNT]
    frames.py count INTERFACE HEX    counts arriving frames that contain HEX until SIGTERM; prints how many
    frames.py first INTERFACE HEX    prints the first arriving frame that contains HEX, in hex
"""

import signal
import socket
import struct
import sys

EVERY_PROTOCOL = 3
OUTGOING = 4
# From linux/if_packet.h: what the kernel says of a frame beside it, among that the VLAN tag that it has taken out.
SOL_PACKET = 263
PACKET_AUXDATA = 8
AUXDATA = struct.Struct("=IIIHHHH")
VLAN_VALID = 1 << 4


def main():
    """The command line."""
    action, interface, pattern = sys.argv[1:4]
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_PROTOCOL))
    packets.bind((interface, 0))
    pattern = bytes.fromhex(pattern)
    if action == "send":
        for _ in range(int(sys.argv[4]) if len(sys.argv) > 4 else 1):
            packets.send(pattern)
    elif action == "count":
        count(packets, pattern)
    else:
        say_ready()
        print(next(frame for frame in arriving(packets) if pattern in frame).hex())


def count(packets, pattern):
    """Count until SIGTERM."""
    counted = 0

    def end(*_):
        print(counted)
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    say_ready()
    for frame in arriving(packets):
        counted += pattern in frame


def arriving(packets):
    """Frames that come in; those that the host itself sends are left out."""
    packets.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    while True:
        frame, beside, _, address = packets.recvmsg(65535, socket.CMSG_SPACE(AUXDATA.size))
        if address[2] != OUTGOING:
            yield with_tag(frame, beside)


def with_tag(frame, beside):
    """A frame as it was on the wire."""
    for level, kind, data in beside:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, *_, tag, protocol = AUXDATA.unpack(data[: AUXDATA.size])
            if status & VLAN_VALID:
                return frame[:12] + struct.pack("!HH", protocol or 0x8100, tag) + frame[12:]
    return frame


def say_ready():
    """Say on standard error that frames are being read."""
    print("ready", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
