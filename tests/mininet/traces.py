"""What a run could leave behind on the machine."""

import glob
import os
import socket
import tempfile
import time

from processes import PROJECT, run

# A namespace is gone only a moment after its last process.
PATIENCE_S = 5


def traces():
    """Everything of ours that exists now, as text."""
    return frozenset(_interfaces() | _bridges() | _processes() | _files() | _namespaces() | _settings())


def assert_nothing_new(before):
    """Fail with a list of what is there that wasn't in `before`, if it doesn't go away."""
    deadline = time.monotonic() + PATIENCE_S
    while traces() - before and time.monotonic() < deadline:
        time.sleep(0.05)
    new = sorted(traces() - before)
    assert not new, "\n".join(["left behind:", *new])


def _interfaces():
    return {f"interface {name}" for _, name in socket.if_nameindex()}


def _bridges():
    if not os.path.exists("/var/run/openvswitch/db.sock"):
        return set()
    return {f"bridge {name}" for name in run("ovs-vsctl", "list-br").split()}


def _processes():
    found = set()
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                command = file.read().replace(b"\0", b" ").decode(errors="replace").strip()
        except (FileNotFoundError, ProcessLookupError):
            continue
        ours = "mininet:" in command or "godwit-probe" in command or f"{PROJECT}/mininet/" in command
        if ours or " run --openflow " in command or f"{tempfile.gettempdir()}/godwit-" in command:
            found.add(f"process {path.split('/')[2]} {command}")
    return found


def _files():
    return {f"file {path}" for directory in (tempfile.gettempdir(), "/run") for path in glob.glob(f"{directory}/godwit-*")}


def _namespaces():
    found = set()
    for path in glob.glob("/proc/[0-9]*/ns/net"):
        try:
            found.add(f"namespace {os.readlink(path)}")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def _settings():
    found = set()
    for name in ("rmem_default", "rmem_max"):
        with open(f"/proc/sys/net/core/{name}", encoding="ascii") as file:
            found.add(f"setting net.core.{name} = {file.read().strip()}")
    return found
