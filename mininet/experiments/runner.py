"""Carries a campaign out, session by session, and keeps what was measured.

    runner ─ orders ─▶ worker, in a lab: Open vSwitch, controller, network
           ◀─ rows ──
           ─▶ store

A session that fails is recorded and the campaign goes on, on a new network in a new lab: whatever the failed one left
running is gone with its lab.
"""

import itertools
import json
import os
import random
import select
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict

from tqdm import tqdm

import interrupts
from experiments.definition import parse
from lab import end_lab, start_in_lab
from network import room_in_the_kernel

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# A hundred switches take some ten seconds, discovery as long again; a machine that does other things, longer.
READY_S = 240
# Beyond the seconds of traffic that the definition asks for.
SESSION_S = 120
# A network that couldn't be brought up so many times in a row won't be at all.
ATTEMPTS = 3
TAIL_LINES = 5


class Broken(Exception):
    """The worker has ended, or doesn't answer."""


def run(store, identifier):
    """Measure all sessions of a campaign that are pending. Returns how many of them failed."""
    campaign = store.numbered(identifier)
    definitions = parse(campaign["file"]).definitions
    rows = store.definitions(identifier)
    by_id = {row["id"]: definition for row, definition in zip(rows, definitions)}
    pending = [row for row in store.sessions(identifier) if row["status"] == "pending"]
    order = in_order(pending, by_id, campaign["seed"])
    try:
        with room_in_the_kernel(), _progress(len(pending)) as progress:
            failed = sum(_run_block(store, by_id, sessions, progress) for sessions in order)
    except BaseException:
        # None is running any more.
        store.reopen(identifier, failed=False)
        raise
    store.finish(identifier)
    return failed


def in_order(sessions, definitions, seed):
    """The sessions of each block together. Within a block all definitions are measured once before any is measured
    again, in an order that the seed shuffles: what changes on the machine meanwhile then meets all of them."""
    rank = {}
    for definition in definitions.values():
        rank.setdefault(definition.topology, len(rank))

    def block(session):
        definition = definitions[session["definition"]]
        return rank[definition.topology], definition.block

    generator = random.Random(seed)
    shuffled = sorted(sessions, key=lambda _: generator.random())
    ordered = sorted(shuffled, key=lambda session: (block(session), session["cycle"]))
    return [list(group) for _, group in itertools.groupby(ordered, key=block)]


def _run_block(store, definitions, sessions, progress):
    """How many of the sessions failed."""
    failures, attempts = 0, 0
    waiting = list(sessions)
    while waiting:
        with _lab() as worker:
            try:
                ready = worker.ask(asdict(definitions[waiting[0]["definition"]]), READY_S)
                for row in {session["definition"] for session in waiting}:
                    store.describe(row, ready["ready"])
                attempts = 0
            except Broken as broken:
                attempts += 1
                given_up = len(waiting) if attempts == ATTEMPTS else 1
                failures += _fail(store, waiting[:given_up], broken, progress)
                waiting = waiting[given_up:]
                continue
            while waiting:
                session = waiting.pop(0)
                definition = definitions[session["definition"]]
                store.started(session["id"])
                order = {"definition": asdict(definition), "with_floor": _has_floor(session, definition)}
                try:
                    answer = worker.ask(order, SESSION_S + definition.lead_s + definition.tail_s)
                except Broken as broken:
                    failures += _fail(store, [session], broken, progress)
                    break
                store.done(session["id"], answer["done"])
                progress.update()
    return failures


def _has_floor(session, definition):
    # Its rules are written in the form in which godwit writes them.
    return definition.controller == "godwit" and session["cycle"] == 1


def _fail(store, sessions, why, progress):
    for session in sessions:
        store.failed(session["id"], str(why))
    first = sessions[0]
    others = f" and {len(sessions) - 1} others" if len(sessions) > 1 else ""
    which = f"session {first['id']} ({first['name']}, cycle {first['cycle']}){others}"
    progress.write(f"{which} failed: {why}", file=sys.stderr)
    progress.update(len(sessions))
    return len(sessions)


class _Worker:
    """A worker in a lab. What it writes to standard error is kept to be told if it breaks."""

    def __init__(self, directory):
        self._errors = open(os.path.join(directory, "errors"), "w+b")  # pylint: disable=consider-using-with
        environment = {**os.environ, "PYTHONPATH": HERE, "TMPDIR": directory}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._errors, "bufsize": 0}
        command = [sys.executable, "-m", "experiments.worker"]
        self._process = start_in_lab(command, env=environment, cwd=HERE, **pipes)
        self._unread = b""

    def ask(self, order, timeout):
        """Its answer; `Broken` with the reason if it says that it has failed, ends, or says nothing for so long."""
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
        except BrokenPipeError:
            pass
        answer = json.loads(self._line(timeout))
        if "failed" in answer:
            raise Broken(answer["failed"])
        return answer

    def _line(self, timeout):
        deadline = time.monotonic() + timeout
        while b"\n" not in self._unread:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                raise Broken(f"no answer within {timeout:.0f} s")
            read = self._process.stdout.read(1 << 16)
            if not read:
                raise Broken(f"it ended in the middle: {self._last_words()}")
            self._unread += read
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _last_words(self):
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").splitlines()
        return " / ".join(line.strip() for line in lines[-TAIL_LINES:]) or "no reason given"

    def end(self):
        """Let go of it, and of all that runs in its lab."""
        self._process.stdin.close()
        end_lab(self._process)
        self._process.stdout.close()
        self._errors.close()


@contextmanager
def _lab():
    directory = worker = None
    try:
        with interrupts.uninterrupted():
            directory = tempfile.mkdtemp(prefix="godwit-campaign-")
            worker = _Worker(directory)
        yield worker
    finally:
        with interrupts.uninterrupted():
            if worker is not None:
                worker.end()
            if directory is not None:
                shutil.rmtree(directory, ignore_errors=True)


def _progress(total):
    # On a terminal it is drawn anew all the time; in a file a line a minute will do.
    interval = 0.5 if sys.stderr.isatty() else 60
    look = {"unit": "session", "mininterval": interval, "dynamic_ncols": True, "file": sys.stderr}
    return tqdm(total=total, disable=not total, **look)
