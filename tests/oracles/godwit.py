"""The programs under test: godwit's reading of messages, and the other way round."""

import json
import subprocess

from processes import program

LIMIT_S = 60


def decode(messages, to=None):
    """What godwit makes of messages in hex: one value for each, `{"error": …}` where it refuses one."""
    direction = ["--to", to] if to else []
    # It ends with 1 when it has refused one.
    output = _run([program("godwit"), "decode", "--json", *direction, "-"], messages, (0, 1))
    return [json.loads(line) for line in output]


def encode(messages):
    """The bytes of messages, given as JSON, in hex; what is wrong with those that can't be written."""
    return _run([program("messages"), "encode"], [json.dumps(message) for message in messages])


def random_messages(version, seed, count):
    """Random messages as godwit writes them: pairs of hex and JSON."""
    output = _run([program("messages"), "random", "--version", version, "--seed", seed, "--count", count], [])
    lines = (json.loads(line) for line in output)
    return [(line["hex"], line["message"]) for line in lines]


def _run(command, lines, codes=(0,)):
    done = subprocess.run(
        [str(word) for word in command],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    if done.returncode not in codes:
        raise RuntimeError(f"{command}: {done.stderr}")
    output = done.stdout.splitlines()
    if lines and len(output) != len(lines):
        raise RuntimeError(f"{command}: {len(lines)} lines in, {len(output)} out")
    return output
