"""`godwit decode` on what really passes between a controller and Open vSwitch, against tshark's own cutting."""

import json
import os
import subprocess
import time
from contextlib import contextmanager

import pytest

from processes import end, program, run, start, wait_until
from topologies import Ring

PCAP_HEADER_LENGTH = 24


@contextmanager
def captured(interface, port, path):
    """Capture the TCP of this port while the context lasts."""
    # Tens of megabytes between kernel and program: a packet that finds no place there is not in the capture.
    options = ["-i", interface, "-s", "0", "-B", "65536", "-U", "-Z", "root", "-w", path]
    process = start(["tcpdump", *options, "tcp", "port", port], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: path.exists() and os.path.getsize(path) >= PCAP_HEADER_LENGTH, 5, "capturing")
        yield
        # What has passed already has to reach the file: the kernel hands it over at most a second later.
        time.sleep(2)
    finally:
        end(process)


def decoded(path, port):
    """The messages of a capture."""
    return [json.loads(line) for line in run(program("godwit"), "decode", path, "--json", "--port", port).splitlines()]


def transaction_ids(path, port):
    """Those of all messages that tshark finds, sorted."""
    fields = ["-T", "fields", "-e", "openflow_v4.xid", "-e", "openflow.xid"]
    text = run("tshark", "-r", path, "-d", f"tcp.port=={port},openflow", *fields)
    return sorted(int(word, 0) for word in text.replace(",", " ").split())


@pytest.fixture(params=["lo", "any"])
def conversation(request, connect, controller, tmp_path):
    """A capture of a network of both versions from its first connection on, with the network."""
    path = tmp_path / "openflow.pcap"
    with captured(request.param, controller.openflow_port, path):
        network = connect(Ring(4), openflow10=("s2",))
        assert network.ping_all(wait_s=5) == 0
    return path, network


def test_a_captured_conversation_is_decoded_whole(conversation, controller):
    path, network = conversation
    port = controller.openflow_port
    messages = decoded(path, port)
    assert [message for message in messages if "error" in message] == []
    messages = [message for message in messages if "note" not in message]

    replies = [message for message in messages if message["type"] == "features"]
    found = {int(reply["body"]["datapath_id"], 16): reply["version"] for reply in replies}
    assert found == {switch.number: "1.0" if switch.name == "s2" else "1.3" for switch in network.switches}

    listening = f"127.0.0.1:{port}"
    for message in messages:
        end_of_controller = "from_address" if message["to"] == "switch" else "to_address"
        assert message[end_of_controller] == listening
    kinds = {message["type"] for message in messages}
    assert {"hello", "flow_mod", "barrier_reply", "packet_in", "packet_out"} <= kinds

    assert sorted(message["xid"] for message in messages) == transaction_ids(path, port)


def test_words_and_the_newer_format_hold_the_same(conversation, controller):
    path, _ = conversation
    port = controller.openflow_port
    newer = path.with_suffix(".pcapng")
    run("tshark", "-r", path, "-F", "pcapng", "-w", newer)
    messages = decoded(path, port)
    assert decoded(newer, port) == messages
    assert len(run(program("godwit"), "decode", path, "--port", port).splitlines()) == len(messages)
