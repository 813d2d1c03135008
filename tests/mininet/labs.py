"""Runs the tests on real switches, two files at once, each in a lab: network, mount and process namespaces of its own
with an Open vSwitch of its own. Whatever a lab made is gone with it, also when the run is interrupted.

    labs.py [FILE...]    all files unless some are named; what pytest reads from PYTEST_ADDOPTS holds here too

What the tests of a file printed is in target/labs as soon as they are done, and at the end if some failed.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
OUTPUT = os.path.join(HERE, "..", "..", "target", "labs")
sys.path.insert(0, os.path.join(HERE, "..", "..", "mininet"))

# pylint: disable=wrong-import-position
import interrupts
from lab import start_in_lab
from network import room_in_the_kernel

# They measure time, or count every packet at high rates: another lab on the same processors is what they would measure,
# and an Open vSwitch that is overloaded loses counts of its own.
ALONE = (
    "test_campaign.py",
    "test_failover.py",
    "test_freeze.py",
    "test_guard.py",
    "test_maps.py",
    "test_migration.py",
    "test_random.py",
    "test_revert.py",
    "test_scale.py",
    "test_speed.py",
    "test_statistics.py",
)
# The longest, begun first, so that none is left to run by itself in the end.
LONGEST = (
    "test_crash.py",
    "test_crash_held.py",
    "test_faults_groups.py",
    "test_faults_links.py",
    "test_restart.py",
    "test_faults_disconnects.py",
    "test_os_ken_peer.py",
    "test_loads.py",
)
AT_ONCE = 2

SUMMARY = re.compile(r"(\d+) (passed|failed|error|skipped)")
# What pytest answers with when nothing failed, and when its options left no test of a file.
PASSED, NONE_LEFT = 0, 5


class Outcome:
    """What the tests of a file printed, how long they took, and whether they passed."""

    def __init__(self, name, code, output, seconds):
        self.name = name
        self.passed = code in (PASSED, NONE_LEFT)
        self.output = output
        last = output.rstrip().splitlines()[-1:] or [f"no output, exit code {code}"]
        self.line = f"{name} {last[0].strip('= ')} ({seconds:.0f} s with its lab)"
        self.counts = {word: int(number) for number, word in SUMMARY.findall(last[0])}


class Labs:
    """The labs that run now. On leaving it early they end, with all that runs in them."""

    def __init__(self):
        self._running = set()
        self._pool = ThreadPoolExecutor(AT_ONCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in list(self._running):
            process.kill()

    def together(self, names):
        """Run the tests of these files, several at once."""
        return list(self._pool.map(self.run, names))

    def run(self, name):
        """Run the tests of a file in a lab of its own."""
        began = time.monotonic()
        # With what the tests that passed have printed: figures.
        options = ("-p", "no:cacheprovider", "--color=no", "-rP")
        pytest = (sys.executable, "-m", "pytest", *options, os.path.join(HERE, name))
        with tempfile.TemporaryDirectory(prefix="godwit-lab-") as own:
            streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
            process = start_in_lab(pytest, env={**os.environ, "TMPDIR": own}, **streams)
            self._running.add(process)
            output, _ = process.communicate()
            self._running.discard(process)
        outcome = Outcome(name, process.returncode, output, time.monotonic() - began)
        with open(os.path.join(OUTPUT, f"{name}.log"), "w", encoding="utf-8") as file:
            file.write(output)
        print(outcome.line, flush=True)
        return outcome


def in_order(names):
    """Those that share the machine, the longest first, and those that don't."""
    together = [name for name in names if name not in ALONE]
    together.sort(key=lambda name: LONGEST.index(name) if name in LONGEST else len(LONGEST))
    return together, [name for name in names if name in ALONE]


def main(names):
    """Run the tests of all these files; 0 when they passed."""
    interrupts.install()
    names = names or sorted(name for name in os.listdir(HERE) if re.fullmatch(r"test_\w+\.py", name))
    unknown = [name for name in names if not os.path.isfile(os.path.join(HERE, name))]
    if unknown:
        print(f"not a file in tests/mininet: {', '.join(unknown)}", file=sys.stderr)
        return 2
    os.makedirs(OUTPUT, exist_ok=True)
    together, alone = in_order(names)
    with room_in_the_kernel(), Labs() as labs:
        outcomes = labs.together(together) + [labs.run(name) for name in alone]
    failed = [outcome for outcome in outcomes if not outcome.passed]
    for outcome in failed:
        print(f"\n{outcome.output}")
    total = {}
    for outcome in outcomes:
        for word, number in outcome.counts.items():
            total[word] = total.get(word, 0) + number
    print(", ".join(f"{number} {word}" for word, number in sorted(total.items())) or "no tests")
    return 1 if failed or not total.get("passed") else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except interrupts.Interrupted as interrupted:
        sys.exit(interrupted.exit_code)
