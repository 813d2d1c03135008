"""Web requests from one host to a web server in another."""

import json
import math
import os
import sys
from dataclasses import dataclass

import interrupts
from loads.inside import end_all, output_of, require, require_port, start_inside, wait_listening

HERE = os.path.dirname(os.path.abspath(__file__))

# A client that was told to end waits for what is under way, and then writes.
PATIENCE_S = 10

LARGEST_FILE = 1 << 30


@dataclass(frozen=True)
class Request:
    """One request: when it was due, in microseconds since the first one; how long after that it was answered
    completely, None if it failed; how many bytes came; why it failed, or None."""

    due_us: int
    took_us: int
    bytes: int
    error: str


@dataclass(frozen=True)
class Answers:
    """What became of the web requests of one client, which began at `began_ns` on the monotonic clock."""

    began_ns: int
    requests: tuple

    @property
    def asked(self):
        """Requests that became due."""
        return len(self.requests)

    @property
    def answered(self):
        """Requests that were answered completely and in time."""
        return sum(request.error is None for request in self.requests)

    @property
    def failed(self):
        """Requests that weren't."""
        return self.asked - self.answered

    @property
    def bytes(self):
        """Bytes of files that came whole."""
        return sum(request.bytes for request in self.requests)

    @property
    def errors(self):
        """Why requests failed: each reason, and how many."""
        reasons = [request.error for request in self.requests if request.error is not None]
        return {reason: reasons.count(reason) for reason in sorted(set(reasons))}

    @property
    def mean_us(self):
        """The mean response time; None if nothing was answered."""
        times = self._times()
        return round(sum(times) / len(times)) if times else None

    @property
    def max_us(self):
        """The longest response time; None if nothing was answered."""
        return self.percentile_us(100)

    def percentile_us(self, percent):
        """The response time that so many per cent of the answered requests (over 0, to 100) didn't exceed, by the
        nearest rank; None if nothing was answered."""
        require(0 < percent <= 100, "percent", f"{percent}: not over 0 and to 100")
        times = self._times()
        return times[math.ceil(len(times) * percent / 100) - 1] if times else None

    def _times(self):
        return sorted(request.took_us for request in self.requests if request.error is None)


class WebServer(interrupts.Made):
    """A web server in a host while the context lasts, with a file of each of the `sizes`, in bytes (0 to 1 GiB).
    `CommandFailed` if it can't start."""

    def __init__(self, host, port=8000, sizes=(10_000,)):
        require_port(port)
        require(len(sizes) > 0, "sizes", "none")
        for size in sizes:
            require(isinstance(size, int) and 0 <= size <= LARGEST_FILE, "sizes", f"{size!r} isn't a number of bytes")
        self.host, self.port, self.sizes = host, port, tuple(sizes)
        self.process = None

    def _start(self):
        words = [sys.executable, os.path.join(HERE, "web_server.py"), self.host.IP(), self.port, *self.sizes]
        self.process = start_inside(self.host, *words)
        wait_listening(self.process, self.port, f"the web server on {self.host.name}")

    def _undo(self):
        end_all((self.process,))


class WebRequests:
    """Requests from a host to a `WebServer` for its files in turn while the context lasts; `outcome`, an `Answers`,
    afterwards.

    - `rate`: requests a second over all connections, over 0 and to 1,000.
    - `connections`: kept open, 1 to 100; a request waits for the one before it on its connection.
    - `timeout_s`: 0.1 to 60 s, after which a request has failed; counted from when it was due, as all times are.

    Requests that fail are counted. The context's end takes up to `timeout_s` if the server doesn't answer any more.
    """

    def __init__(self, sender, server, rate=10, connections=2, timeout_s=2.0):
        require(0 < rate <= 1000, "rate", f"{rate} requests/s: not over 0 and to 1000")
        several = isinstance(connections, int) and 1 <= connections <= 100
        require(several, "connections", f"{connections!r}: not 1 to 100")
        require(0.1 <= timeout_s <= 60, "timeout_s", f"{timeout_s} s: not 0.1 to 60")
        self._sender, self._server = sender, server
        self._options = [rate, connections, timeout_s]
        self._timeout_s = timeout_s
        self._process = None
        self.outcome = None

    def __enter__(self):
        with interrupts.making(self._abandon):
            words = [sys.executable, os.path.join(HERE, "web_client.py"), self._server.host.IP(), self._server.port]
            self._process = start_inside(self._sender, *words, *self._options, *self._server.sizes)
            if self._process.stderr.readline() != "ready\n":
                raise RuntimeError(f"the web client didn't start: {self._process.stderr.read()}")
        return self

    def __exit__(self, kind, *_):
        with interrupts.uninterrupted():
            if kind is None:
                self._process.terminate()
                output, errors = output_of(self._process, self._timeout_s + PATIENCE_S)
            self._abandon()
        if kind is None:
            if self._process.returncode != 0:
                raise RuntimeError(f"the web client ended with {self._process.returncode}: {errors.strip()}")
            said = json.loads(output)
            self.outcome = Answers(said["began_ns"], tuple(Request(*words) for words in said["requests"]))

    def _abandon(self):
        end_all((self._process,))
