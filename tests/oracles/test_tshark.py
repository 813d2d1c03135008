"""tshark's dissectors find nothing wrong with a sensible message of every type that godwit writes."""

import os
import subprocess

import pytest

import canonical
import capture
import every_type
import godwit
from disagreements import Disagreements

COLUMNS = ("frame.number", "_ws.col.Protocol", "_ws.expert.message", "_ws.malformed")


def dissected(path, home):
    """For each packet what the columns above hold, as lists."""
    options = [word for column in COLUMNS for word in ("-e", column)]
    command = ["tshark", "-r", path, "-o", "tcp.check_checksum:FALSE", "-T", "fields", *options, "-E", "aggregator=|"]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=True)
    return [[column.split("|") if column else [] for column in line.split("\t")] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("version", ["1.0", "1.3"])
def test_nothing_is_malformed(version, tmp_path):
    """Every packet is one of OpenFlow, nothing is malformed, and no expert has anything to say."""
    messages = every_type.messages(version)
    path = tmp_path / "messages.pcap"
    capture.write(path, [(message["to"], data) for message, data in zip(messages, godwit.encode(messages))])
    packets = dissected(path, tmp_path)
    assert len(packets) == len(messages)
    disagreements = Disagreements("tshark", version)
    faults = []
    for message, (_, protocol, said, malformed) in zip(messages, packets):
        name = canonical.label(message)
        if protocol != ["OpenFlow"]:
            faults.append(f"{name}: not OpenFlow but {protocol}")
        remarks = [*said, *(["Malformed"] if malformed else [])]
        faults += [f"{name}: {remark}" for remark in remarks if not disagreements.excuse(message, remark)]
    assert not faults, "\n".join(faults)
    assert not disagreements.unneeded()
