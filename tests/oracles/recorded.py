"""The recorded messages that the package os-ken of PyPI carries, with what each of them says.

They are installed beside the build, not copied: their licence and their history are os-ken's.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

from processes import PROJECT

PACKAGE = "os-ken==4.2.2"
DIRECTORY = os.path.join(PROJECT, "target", "os-ken-4.2.2")
FOLDERS = {"1.0": "of10", "1.3": "of13"}


@dataclass(frozen=True)
class Recorded:
    """A message on the wire, and os-ken's description of it."""

    name: str
    data: str
    described: dict


def install():
    """Install the package, without what it needs: nothing of it is run."""
    if not os.path.isdir(DIRECTORY):
        begun = f"{DIRECTORY}.part"
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-compile", "--upgrade"]
        environment = dict(os.environ, PIP_ROOT_USER_ACTION="ignore", PIP_DISABLE_PIP_VERSION_CHECK="1")
        subprocess.run([*command, "--target", begun, PACKAGE], check=True, timeout=100, env=environment)
        os.rename(begun, DIRECTORY)
    return os.path.join(DIRECTORY, "os_ken", "tests")


def messages(version):
    """Everything recorded of a version that has a description."""
    tests = install()
    packets = os.path.join(tests, "packet_data", FOLDERS[version])
    descriptions = os.path.join(tests, "unit", "ofproto", "json", FOLDERS[version])
    found = []
    for name in sorted(os.listdir(packets)):
        path = os.path.join(descriptions, f"{name}.json")
        if name.endswith(".packet") and os.path.exists(path):
            with open(os.path.join(packets, name), "rb") as packet, open(path, encoding="utf-8") as description:
                found.append(Recorded(name, packet.read().hex(), json.load(description)))
    return found
