"""`make demo`, as a newcomer runs it."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
import requests

from processes import PROJECT
from traces import assert_nothing_new, traces

DEMO = [sys.executable, f"{PROJECT}/mininet/demo.py"]
STOP = [sys.executable, f"{PROJECT}/mininet/stop.py"]


@pytest.mark.limit(300)
def test_the_demo_shows_what_each_algorithm_did_and_leaves_nothing_behind():
    before = traces()
    done = subprocess.run(DEMO, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = table(done.stdout)
    assert list(rows) == ["freeze-copy", "move", "clone"]
    for name, row in rows.items():
        assert number(row["sent"]) > 2 * 2 * 2000, name
        assert number(row["flows"]) >= 2 and number(row["rules changed"]) > 0
    clone = rows["clone"]
    assert (clone["lost"], clone["duplicated"]) == ("0", "0")
    counted, received = clone["counter / received"].split(" / ")
    assert counted == received == clone["sent"]
    assert_nothing_new(before)


@pytest.mark.limit(300)
def test_a_kept_demo_stays_until_it_is_stopped_and_then_nothing_is_left():
    before = traces()
    done = subprocess.run([*DEMO, "--keep"], capture_output=True, text=True, timeout=240, check=False)
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        url = re.search(r"http://127\.0\.0\.1:\d+", done.stdout)[0]
        assert len(requests.get(f"{url}/v1/switches", timeout=5).json()) == 11
        assert "make demo-stop" in done.stdout
        again = subprocess.run(DEMO, capture_output=True, text=True, timeout=60, check=False)
        assert again.returncode == 1 and "make demo-stop" in again.stderr
    finally:
        stopped = subprocess.run(STOP, capture_output=True, text=True, timeout=90, check=False)
    assert stopped.returncode == 0, stopped.stderr
    assert_nothing_new(before)


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("after_s", [0.5, 1.5, 3.0, 6.0])
def test_a_demo_that_is_interrupted_leaves_nothing_behind(after_s, keep):
    before = traces()
    command = [*DEMO, "--keep"] if keep else DEMO
    demo = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    time.sleep(after_s)
    os.killpg(demo.pid, signal.SIGINT)
    output, _ = demo.communicate(timeout=60)
    assert demo.returncode != 0, output
    assert_nothing_new(before)


def table(output):
    """The demo's table: for each algorithm its cells by heading."""
    lines = output.splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("algorithm"))
    split = lambda line: re.split(r" {2,}", line.strip())
    headings = split(lines[start])
    rows = {}
    for line in lines[start + 1 :]:
        if not line.strip():
            break
        cells = split(line)
        rows[cells[0]] = dict(zip(headings, cells))
    return rows


def number(cell):
    """A cell's number."""
    return int(cell.replace(",", ""))
