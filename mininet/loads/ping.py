"""ping of iputils: how many echo requests were answered, and how fast each."""

import re
from dataclasses import dataclass

import interrupts
from loads.inside import end_all, output_of, require, start_inside

# How long the answer to the last request is waited for when none came before.
LINGER_S = 1
# What ping takes beyond that, on a busy machine.
PATIENCE_S = 5

LARGEST_PAYLOAD = 1472
# ping has the sequence number in 16 bits.
MOST = 65_535

REPLY = re.compile(r"^\[(?P<at>[\d.]+)\] .*icmp_seq=(?P<sequence>\d+) .*time=(?P<ms>[\d.]+) ms(?P<again> \(DUP!\))?")
TOTAL = re.compile(
    r"^(?P<sent>\d+) packets transmitted, (?P<answered>\d+) received(?:, \+(?P<duplicates>\d+) duplicates)?"
)
TIMES = re.compile(r"^rtt min/avg/max/mdev = ([\d.]+)/([\d.]+)/([\d.]+)/([\d.]+) ms")


@dataclass(frozen=True)
class Reply:
    """The answer to one request: when it came, in seconds since 1970, the request's number from 1, how long it took."""

    at: float
    sequence: int
    round_trip_us: int


@dataclass(frozen=True)
class Echoes:
    """What became of a number of pings. Round-trip times are in microseconds and None if nothing was answered; `mdev`
    is their standard deviation. `replies` are in the order in which they came, without duplicates."""

    asked: int
    sent: int
    answered: int
    duplicates: int
    round_trip_min_us: int
    round_trip_mean_us: int
    round_trip_max_us: int
    round_trip_mdev_us: int
    replies: tuple

    @property
    def lost(self):
        """Requests that were sent and not answered."""
        return self.sent - self.answered


class Ping:
    """Pings from one host to another; `outcome`, an `Echoes`, when the context has ended, which waits until all `count`
    requests (1 to 65,535) have been sent. `rate` is in requests a second (0.01 to 1,000), `size` in bytes of ICMP
    payload (16 to 1,472)."""

    def __init__(self, sender, receiver, rate=10, count=10, size=56):
        require(0.01 <= rate <= 1000, "rate", f"{rate} requests/s: not 0.01 to 1000")
        require(isinstance(count, int) and 1 <= count <= MOST, "count", f"{count!r}: not 1 to {MOST} requests")
        require(16 <= size <= LARGEST_PAYLOAD, "size", f"{size} bytes: not 16 to {LARGEST_PAYLOAD}")
        self._sender, self._receiver = sender, receiver
        self._rate, self._count, self._size = rate, count, size
        self._process = None
        self.outcome = None

    def __enter__(self):
        with interrupts.making(self._abandon):
            options = ["-D", "-n", "-W", LINGER_S, "-i", f"{1 / self._rate:.4f}", "-c", self._count, "-s", self._size]
            self._process = start_inside(self._sender, "ping", *options, self._receiver.IP())
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.outcome = self._collect()
        finally:
            with interrupts.uninterrupted():
                self._abandon()

    def _collect(self):
        output, errors = output_of(self._process, 2 * self._count / self._rate + LINGER_S + PATIENCE_S)
        # 1 is that nothing was answered.
        if self._process.returncode not in (0, 1):
            raise RuntimeError(f"ping ended with {self._process.returncode}: {(errors or output).strip()}")
        return echoes(self._count, output)

    def _abandon(self):
        end_all((self._process,))


def echoes(asked, text):
    """What ping says (with `-D`), put in numbers."""
    replies, total, times = [], None, (None,) * 4
    for line in text.splitlines():
        if found := REPLY.match(line):
            if not found["again"]:
                replies.append(Reply(float(found["at"]), int(found["sequence"]), round(float(found["ms"]) * 1000)))
        elif found := TOTAL.match(line):
            total = found
        elif found := TIMES.match(line):
            times = tuple(round(float(ms) * 1000) for ms in found.groups())
    if total is None:
        raise RuntimeError(f"ping didn't say how many it sent: {text.strip()}")
    return Echoes(
        asked=asked,
        sent=int(total["sent"]),
        answered=int(total["answered"]),
        duplicates=int(total["duplicates"] or 0),
        round_trip_min_us=times[0],
        round_trip_mean_us=times[1],
        round_trip_max_us=times[2],
        round_trip_mdev_us=times[3],
        replies=tuple(replies),
    )
