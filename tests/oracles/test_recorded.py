"""The messages recorded from Open vSwitch and other programs that come with os-ken: godwit reads them as they are
described."""

import pytest

import canonical
import godwit
import os_ken_v10
import os_ken_v13
import recorded
from disagreements import Disagreements, compare
from os_ken_common import NotCompared

READINGS = {"1.0": os_ken_v10, "1.3": os_ken_v13}
COUNTS = {"1.0": 13, "1.3": 104}
WAYS = ("switch", "controller")


def by_number(message):
    """The description has ports in the order of their numbers as text."""
    if isinstance(message["body"], dict) and isinstance(message["body"].get("ports"), list):
        message["body"]["ports"].sort(key=lambda port: port["number"])
    return message


def read(record):
    """What godwit makes of it, whichever way it goes."""
    answers = [godwit.decode([record.data], to)[0] for to in WAYS]
    return next((answer for answer in answers if "error" not in answer), answers[0])


@pytest.mark.parametrize("version", ["1.0", "1.3"])
def test_godwit_reads_what_was_recorded(version):
    """The fields agree, and godwit writes the same bytes again."""
    records = recorded.messages(version)
    assert len(records) == COUNTS[version]
    disagreements = Disagreements("os-ken recorded", version)
    faults = []
    for record in records:
        message = read(record)
        if "error" in message:
            if not disagreements.excuse(record.name, message["error"]["message"]):
                faults.append(f"{record.name}: refused: {message['error']}")
            continue
        again = godwit.encode([message])[0]
        message = by_number({"body": None, **canonical.message(message)})
        if again != record.data and not disagreements.excuse(message, "written again"):
            faults.append(f"{record.name}: written again as {again}, from {record.data}")
        try:
            theirs = READINGS[version].message(record.described, message["xid"], message["to"])
        except NotCompared as reason:
            if not disagreements.excuse(message, str(reason)):
                faults.append(f"{record.name}: {reason}")
            continue
        faults += compare(disagreements, message, by_number({"body": None, **theirs}), record.name)
    assert not faults, "\n".join(faults)
    assert not disagreements.unneeded()
