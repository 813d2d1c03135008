"""Sequence-numbered UDP between hosts, and what became of it."""

import json
import sys
from contextlib import ExitStack, suppress
from subprocess import PIPE, TimeoutExpired

import interrupts
from outcome import Outcome, Sample, joined
from processes import end, program, start

__all__ = ["BothWays", "Outcome", "Sample", "Stream"]

# A receiver waits by itself until nothing comes any more, under load for many seconds.
PATIENCE_S = 30


class Stream:
    """Packets from one host to another while the context lasts; `outcome` afterwards.

    - `rate` is in packets/s over all flows; flow i goes to the port `port + i`. `size` is in bytes of UDP payload, 32
      to 1,472. Flows have `sources`, addresses of the sender, in turn.
    - `sample_ms`, 10 to 10,000: the outcome has samples of so many milliseconds.
    - `on` and `off`: each flow is a source of its own that is on and off by turns, beginning on, and has its share of
      the rate while it is on. They say for how long, in seconds: `constant:S`, `exponential:MEAN`,
      `pareto:SHAPE,MINIMUM` or `lognormal:MU,SIGMA`. The same `seed` makes the same times.

    A stream that the probe refuses is a `RuntimeError` with its words, at the latest when the context ends.
    """

    _next_run = 1

    def __init__(
        self, sender, receiver, port, rate, flows=1, size=128, sources=(), sample_ms=None, on=None, off=None, seed=None
    ):
        self._sender, self._receiver, self._sources = sender, receiver, sources
        self._port, self._rate, self._flows, self._size = port, rate, flows, size
        self._sample_ms = sample_ms
        self._periods = _options(on=on, off=off, seed=seed)
        self._run = Stream._next_run
        Stream._next_run += 1
        self._receiving = self._sending = self._sent = None
        self._is_told = False
        self.outcome = None

    def __enter__(self):
        with interrupts.making(self._abandon):
            where = ["--port", self._port, "--flows", self._flows, "--run", self._run]
            where += _options(sample_ms=self._sample_ms)
            self._receiving = _start_in(self._receiver, "receive", *where, "--told", stdin=PIPE)
            said = self._receiving.stderr.readline()
            if said != "ready\n":
                raise RuntimeError(f"the receiver didn't start: {said}{self._receiving.stderr.read()}")
            options = ["--to", self._receiver.IP(), "--rate", self._rate, "--size", self._size, *self._periods]
            for source in self._sources:
                options += ["--source", source]
            self._sending = _start_in(self._sender, "send", *where, *options)
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            with interrupts.uninterrupted():
                self._abandon()
            return
        with interrupts.making(self._abandon):
            self.stop_receiving()
            got = _summary(self._receiving)
            self.outcome = joined(self._sent, got, self._sender.name, self._port, self._rate, self._sample_ms)

    def stop_sending(self):
        """Send nothing more; what is on the way is still counted."""
        if self._sent is None:
            self._sending.terminate()
            self._sent = _summary(self._sending)

    def stop_receiving(self):
        """Send nothing more, and receive until all has come, or nothing comes any more; doesn't wait for that."""
        self.stop_sending()
        if not self._is_told:
            self._is_told = True
            # A receiver that has ended says why when it is asked for its summary.
            with suppress(BrokenPipeError):
                self._receiving.stdin.write(f"{self._sent['sent']}\n")
                self._receiving.stdin.flush()

    def _abandon(self):
        for process in (self._sending, self._receiving):
            if process is not None:
                end(process)


class BothWays:
    """One stream in each direction; `there` and `back` are their outcomes and `outcome` both in one. On-off sources
    have other times in the second direction than in the first."""

    def __init__(self, first, second, port, rate, flows=1, size=128, sample_ms=None, on=None, off=None, seed=None):
        # Far from the seeds of other runs, which count from a small one.
        seeds = (seed or 0, (seed or 0) + (1 << 32)) if on else (seed, seed)
        self._streams = [
            Stream(a, b, port, rate, flows, size, sample_ms=sample_ms, on=on, off=off, seed=own)
            for (a, b), own in zip(((first, second), (second, first)), seeds)
        ]
        self._stack = ExitStack()
        self.there = self.back = self.outcome = None

    def __enter__(self):
        with ExitStack() as stack:
            for stream in self._streams:
                stack.enter_context(stream)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *failure):
        if failure[0] is None:
            with interrupts.making(lambda: self._stack.__exit__(*sys.exc_info())):
                for stream in self._streams:
                    stream.stop_sending()
                for stream in self._streams:
                    stream.stop_receiving()
        self._stack.__exit__(*failure)
        if failure[0] is None:
            self.there, self.back = (stream.outcome for stream in self._streams)
            self.outcome = self.there + self.back


def _options(**values):
    """The command line's, of those that have a value."""
    given = {name: value for name, value in values.items() if value is not None}
    return [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value)]


def _start_in(host, *arguments, **streams):
    inside = ["mnexec", "-a", host.pid, program("godwit-probe"), *arguments]
    return start(inside, stdout=PIPE, stderr=PIPE, text=True, **streams)


def _summary(process):
    """What a probe that was told to end says."""
    try:
        output, errors = process.communicate(timeout=PATIENCE_S)
    except TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"the probe ended with {process.returncode}: {errors.strip()}")
    return json.loads(output)
