"""Sequence-numbered UDP between hosts, and what became of it."""

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from subprocess import PIPE, TimeoutExpired

import interrupts
from processes import end, program, start

# A receiver waits by itself until nothing comes any more, under load for many seconds.
PATIENCE_S = 30


@dataclass(frozen=True)
class Outcome:
    """What the two ends of one or more streams saw."""

    sent: int
    received: int
    duplicates: int
    reordered: int
    max_displacement: int
    longest_silence_us: int
    longest_flow_silence_us: int
    delay_min_us: int
    delay_mean_us: int
    receiver_drops: int
    received_by_flow: tuple
    sent_by_flow: tuple
    missing: tuple

    @property
    def lost(self):
        """Packets that were sent and didn't come."""
        return self.sent - self.received

    def __add__(self, other):
        """Both directions in one: counts added up, the worse of the silences."""
        return Outcome(
            sent=self.sent + other.sent,
            received=self.received + other.received,
            duplicates=self.duplicates + other.duplicates,
            reordered=self.reordered + other.reordered,
            max_displacement=max(self.max_displacement, other.max_displacement),
            longest_silence_us=max(self.longest_silence_us, other.longest_silence_us),
            longest_flow_silence_us=max(self.longest_flow_silence_us, other.longest_flow_silence_us),
            delay_min_us=min(self.delay_min_us, other.delay_min_us),
            delay_mean_us=(self.delay_mean_us + other.delay_mean_us) // 2,
            receiver_drops=self.receiver_drops + other.receiver_drops,
            received_by_flow=self.received_by_flow + other.received_by_flow,
            sent_by_flow=self.sent_by_flow + other.sent_by_flow,
            missing=self.missing + other.missing,
        )


class Stream:
    """Packets from one host to another while the context lasts; `outcome` afterwards.

    `rate` is in packets/s over all flows; flow i goes to the port `port + i`. Flows have `sources`, addresses of the
    sender, in turn.
    """

    _next_run = 1

    def __init__(self, sender, receiver, port, rate, flows=1, size=128, sources=()):
        self._sender, self._receiver, self._sources = sender, receiver, sources
        self._port, self._rate, self._flows, self._size = port, rate, flows, size
        self._run = Stream._next_run
        Stream._next_run += 1
        self._receiving = self._sending = self._sent = None
        self.outcome = None

    def __enter__(self):
        with interrupts.making(self._abandon):
            where = ["--port", self._port, "--flows", self._flows, "--run", self._run]
            self._receiving = _start_in(self._receiver, "receive", *where)
            if self._receiving.stderr.readline() != "ready\n":
                raise RuntimeError(f"the receiver didn't start: {self._receiving.stderr.read()}")
            options = ["--to", self._receiver.IP(), "--rate", self._rate, "--size", self._size]
            for source in self._sources:
                options += ["--source", source]
            self._sending = _start_in(self._sender, "send", *where, *options)
        return self

    def __exit__(self, kind, *_):
        with interrupts.uninterrupted():
            if kind is not None:
                self._abandon()
                return
            self.stop_sending()
            self.stop_receiving()
            sent, got = self._sent, _summary(self._receiving)
            self.outcome = Outcome(
                sent=sent["sent"],
                received=got["received"],
                duplicates=got["duplicates"],
                reordered=got["reordered"],
                max_displacement=got["max_displacement"],
                longest_silence_us=got["longest_silence_us"],
                longest_flow_silence_us=got["longest_flow_silence_us"],
                delay_min_us=got["delay_us"]["min"],
                delay_mean_us=got["delay_us"]["mean"],
                receiver_drops=got["receiver_drops"],
                received_by_flow=tuple(got["flows"]),
                sent_by_flow=tuple(sent["flows"]),
                missing=tuple(self._named(flow, sequence) for flow, sequence in got["missing"]),
            )

    def _named(self, flow, sequence):
        """A packet that didn't come, with when it should have been sent, on the clock of the controller's log."""
        since_boot = self._sent["first_at_ns"] / 1e9 + sequence * self._flows / self._rate
        at = time.time() - time.monotonic() + since_boot
        when = time.strftime("%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03}"
        return f"{self._sender.name} port {self._port + flow} number {sequence} at {when}"

    def stop_sending(self):
        """Send nothing more; what is on the way is still counted."""
        if self._sent is None:
            self._sending.terminate()
            self._sent = _summary(self._sending)

    def stop_receiving(self):
        """Receive until nothing comes any more; doesn't wait for that."""
        self._receiving.terminate()

    def _abandon(self):
        for process in (self._sending, self._receiving):
            if process is not None:
                end(process)


class BothWays:
    """One stream in each direction; `there` and `back` are their outcomes and `outcome` both in one."""

    def __init__(self, first, second, port, rate, flows=1, size=128):
        self._streams = [Stream(a, b, port, rate, flows, size) for a, b in ((first, second), (second, first))]
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
            with interrupts.uninterrupted():
                for stream in self._streams:
                    stream.stop_sending()
                for stream in self._streams:
                    stream.stop_receiving()
        self._stack.__exit__(*failure)
        if failure[0] is None:
            self.there, self.back = (stream.outcome for stream in self._streams)
            self.outcome = self.there + self.back


def _start_in(host, *arguments):
    inside = ["mnexec", "-a", host.pid, program("godwit-probe"), *arguments]
    return start(inside, stdout=PIPE, stderr=PIPE, text=True)


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
