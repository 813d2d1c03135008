"""Lengths of zero, in every structure that says its own length. os-ken reads some of them for ever; godwit refuses each
at once."""

import struct
import time

import pytest

import godwit
import os_ken_process

COPIES = 2000
LIMIT_S = 100e-6

HEADER = struct.Struct("!BBHI")


def message(version, kind, body):
    """A message in hex."""
    return (HEADER.pack(version, kind, HEADER.size + len(body), 7) + body).hex()


def multipart(kind, body, reply=True):
    """A multipart message of 1.3."""
    return message(4, 19 if reply else 18, struct.pack("!HH4x", kind, 0) + body)


def statistics(kind, body):
    """A statistics reply of 1.0."""
    return message(1, 17, struct.pack("!HH", kind, 0) + body)


NO_MATCH = struct.pack("!HH4x", 1, 4)
FLOW_MOD = struct.pack("!QQBBHHHIIIH2x", 0, 0, 0, 0, 0, 0, 1, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
FLOW_MOD_10 = struct.pack("!I36x", 0x3FFFFF) + struct.pack("!QHHHHIHH", 0, 0, 0, 0, 1, 0xFFFFFFFF, 0xFFFF, 0)
APPLY = struct.pack("!HH4x", 4, 16)
TABLE = struct.pack("!HB5x32sQQII", 72, 0, b"", 0, 0, 0, 0)

# The end that each goes to, and its bytes. What has a length of zero is followed by zeros: only the length is wrong.
CASES = {
    "match": ("switch", message(4, 14, FLOW_MOD + struct.pack("!HH4x", 1, 0))),
    "action": ("switch", message(4, 14, FLOW_MOD + NO_MATCH + APPLY + struct.pack("!HH4x", 0, 0))),
    "action of PACKET_OUT": ("switch", message(4, 13, struct.pack("!IIH6xHH4x", 0xFFFFFFFF, 1, 8, 0, 0))),
    "instruction": ("switch", message(4, 14, FLOW_MOD + NO_MATCH + struct.pack("!HH4x", 1, 0))),
    "unknown instruction": ("switch", message(4, 14, FLOW_MOD + NO_MATCH + struct.pack("!HH4x", 99, 0))),
    "bucket": ("switch", message(4, 15, struct.pack("!HBxI", 0, 0, 1) + struct.pack("!HHII4x", 0, 0, 0, 0))),
    "action of a bucket": (
        "switch",
        message(
            4, 15, struct.pack("!HBxI", 0, 0, 1) + struct.pack("!HHII4x", 24, 0, 0, 0) + struct.pack("!HH4x", 0, 0)
        ),
    ),
    "band": ("switch", message(4, 29, struct.pack("!HHI", 0, 1, 1) + struct.pack("!HHII4x", 1, 0, 0, 0))),
    "table features": ("switch", multipart(12, struct.pack("!H", 0) + bytes(62), reply=False)),
    "property of a table": ("switch", multipart(12, TABLE + struct.pack("!HH4x", 0, 0), reply=False)),
    "action id of a table": ("switch", multipart(12, TABLE + struct.pack("!HHHH", 4, 8, 0, 0), reply=False)),
    "element of HELLO": ("controller", message(4, 0, struct.pack("!HH4x", 1, 0))),
    "unknown element of HELLO": ("controller", message(4, 0, struct.pack("!HH4x", 9, 0))),
    "queue": ("controller", message(4, 23, struct.pack("!I4x", 1) + struct.pack("!IIH6x", 1, 1, 0))),
    "property of a queue": (
        "controller",
        message(4, 23, struct.pack("!I4x", 1) + struct.pack("!IIH6x", 1, 1, 32) + struct.pack("!HH4xH6x", 1, 0, 5)),
    ),
    "unknown property of a queue": (
        "controller",
        message(4, 23, struct.pack("!I4x", 1) + struct.pack("!IIH6x", 1, 1, 32) + struct.pack("!HH4xH6x", 9, 0, 5)),
    ),
    "flow statistics": ("controller", multipart(1, bytes(56))),
    "group statistics": ("controller", multipart(6, bytes(40))),
    "group description": ("controller", multipart(7, bytes(8))),
    "meter statistics": ("controller", multipart(9, bytes(40))),
    "meter configuration": ("controller", multipart(10, bytes(8))),
    "flow update": ("controller", multipart(0xFFFF, struct.pack("!II", 0x4F4E4600, 1870) + bytes(8))),
    "action of 1.0": ("switch", message(1, 14, FLOW_MOD_10 + struct.pack("!HH4x", 0, 0))),
    "unknown action of 1.0": ("switch", message(1, 14, FLOW_MOD_10 + struct.pack("!HH4x", 99, 0))),
    "flow statistics of 1.0": ("controller", statistics(1, bytes(88))),
    "queue of 1.0": ("controller", message(1, 21, struct.pack("!H6x", 1) + struct.pack("!IH2x", 1, 0))),
    "property of a queue of 1.0": (
        "controller",
        message(1, 21, struct.pack("!H6x", 1) + struct.pack("!IH2x", 1, 16) + struct.pack("!HH4x", 0, 0)),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_godwit_refuses_a_length_of_zero(name):
    """Each with an error that says where, and together in no time."""
    to, data = CASES[name]
    started = time.monotonic()
    answers = godwit.decode([data] * COPIES, to)
    took = (time.monotonic() - started) / COPIES
    assert {tuple(answer) for answer in answers} == {("error",)}, answers[0]
    assert answers[0]["error"]["offset"] >= HEADER.size
    assert took < LIMIT_S, f"{took * 1e6:.0f} microseconds for each"


def test_os_ken_never_ends_on_some():
    """Which is why it runs in a process of its own, with a limit for each message."""
    parsed = os_ken_process.parse([data for _, data in CASES.values()])
    hung = {name for name, answer in zip(CASES, parsed) if "did not end" in answer.get("error", "")}
    assert hung
