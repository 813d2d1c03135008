"""os-ken, in processes that are ended when they don't end by themselves."""

import json
import os
import subprocess
import sys

CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "os_ken_child.py")
LIMIT_S = 90


def build(version, seed, count):
    """Random messages that os-ken has built: pairs of hex and its description, with the transaction id."""
    lines = _run(["build", version, seed, count])
    return [(line["hex"], line["xid"], line["json"]) for line in lines]


def parse(messages, path=None):
    """What os-ken makes of messages in hex: `{"xid", "json"}`, `{"error"}` or `{"unparsed"}`. It may be another one
    than the system's, from `path`."""
    return _run([*(["--path", path] if path else []), "parse"], messages)


def _run(arguments, lines=()):
    done = subprocess.run(
        [sys.executable, CHILD, *map(str, arguments)],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"os-ken: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]
