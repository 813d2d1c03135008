"""`ovs-ofctl ofp-print` understands a sensible message of every type that godwit writes."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

import canonical
import every_type
import godwit
from disagreements import Disagreements

WORKERS = 4
FAULT = "***"


def printed(data):
    """What `ovs-ofctl` says of a message; it takes one a call."""
    command = ["ovs-ofctl", "ofp-print", data]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("version", ["1.0", "1.3"])
def test_open_vswitch_understands_every_message(version):
    """No decode error and no error of OpenFlow's own."""
    messages = every_type.messages(version)
    encoded = godwit.encode(messages)
    with ThreadPoolExecutor(WORKERS) as pool:
        answers = list(pool.map(printed, encoded))
    disagreements = Disagreements("ovs-ofctl", version)
    faults = []
    for message, data, answer in zip(messages, encoded, answers):
        at = answer.find(FAULT)
        name = {"1.0": "", "1.3": " (OF1.3)"}[version]
        understood = at < 0 and f"{name} (xid={message['xid']:#x})" in answer
        if not understood and not disagreements.excuse(message, answer[at:].splitlines()[0]):
            faults.append(f"{canonical.label(message)}: {answer.splitlines()[0]}: {data}")
    assert not faults, "\n".join(faults)
    assert not disagreements.unneeded()


@pytest.mark.parametrize("version", ["1.0", "1.3"])
def test_sensible_messages_come_back(version):
    """What godwit reads of what it has written is what it was given."""
    messages = every_type.messages(version)
    for to in ("switch", "controller"):
        given = [message for message in messages if message["to"] == to]
        read = godwit.decode(godwit.encode(given), to)
        faults = [
            (canonical.label(message), *difference)
            for message, again in zip(given, read)
            for difference in canonical.differences(canonical.message(again), canonical.message(message))
        ]
        assert not faults
