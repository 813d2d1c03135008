"""iperf3 between two hosts: TCP, as fast as it goes or at a rate, and UDP at a rate."""

import json
import time
from dataclasses import dataclass

import interrupts
from loads.inside import end_all, output_of, require, require_port, start_inside, wait_asleep, wait_listening

# The probe's largest packets too: an Ethernet frame's payload without the headers of IP and UDP.
LARGEST_DATAGRAM = 1472
SMALLEST_DATAGRAM = 16

# How long each end may take to say what it has seen.
PATIENCE_S = 2

# How long to wait for a moment in which the sender waits. One that has no rate may have none.
PATIENCE_ASLEEP_S = 0.05


@dataclass(frozen=True)
class Interval:
    """What one end counted from `at_s` seconds after its start, `seconds` long. `retransmits` are a TCP sender's;
    `lost` (datagrams, by gaps in their numbers) and `jitter_us` (RFC 3550) a UDP receiver's; others have None."""

    at_s: float
    seconds: float
    bytes: int
    retransmits: int = None
    lost: int = None
    jitter_us: int = None


@dataclass(frozen=True)
class Transfer:
    """What the two ends of one iperf3 test saw. Bytes are those of the payload.

    - `asked_bits_per_s`: None if TCP was to go as fast as it can.
    - `began_ns`: when the client was started, on the monotonic clock; it connects first, then its intervals begin.
    - `seconds`: how long the sender sent, by itself; if it broke off, how long it should have.
    - `sent_bytes`: zero if it never came to send. TCP counts what it gave to its own side.
    - `received_bytes`: the receiver's, None if it didn't live to say.
    - `retransmits`: of TCP; None with UDP and if the sender couldn't say.
    - `sent_datagrams`, `received_datagrams`, `jitter_us`: of UDP; None with TCP.
    - `sent`, `received`: intervals of each end, by its own clock.
    - `error`: what either end complained about, None if all went well.
    """

    kind: str
    asked_bits_per_s: int
    began_ns: int
    seconds: float
    sent_bytes: int
    received_bytes: int
    retransmits: int
    sent_datagrams: int
    received_datagrams: int
    jitter_us: int
    sent: tuple
    received: tuple
    error: str

    @property
    def sent_bits_per_s(self):
        """What the sender sent in a second, on average."""
        return 8 * self.sent_bytes / self.seconds

    @property
    def carried_bits_per_s(self):
        """What arrived in a second of the sender's time, on average; None if the receiver didn't live to say."""
        if self.received_bytes is None:
            return None
        return 8 * self.received_bytes / self.seconds

    @property
    def lost_datagrams(self):
        """Datagrams that were sent and didn't come; None with TCP and if the receiver didn't live to say. Those on the
        way at the very end may be among them: the probe counts exactly."""
        if self.sent_datagrams is None or self.received_datagrams is None:
            return None
        return self.sent_datagrams - self.received_datagrams


class Iperf:
    """iperf3 from one host to another while the context lasts; `outcome`, a `Transfer`, afterwards.

    - `kind`: `tcp` or `udp`.
    - `rate`: bits of payload a second, at least 1,000; UDP needs one, TCP without one goes as fast as it can.
    - `size`: bytes of a datagram, or of what TCP is given at once (16 to 1,472). Unless set it is 1,250, and what
      iperf3 finds best for TCP without a rate.
    - `sample_s`: how long an interval is, 0.1 to 60 s.

    A network that carries nothing is an outcome. `CommandFailed` if the server, whose process is `server`, can't start.
    """

    def __init__(self, sender, receiver, kind="tcp", port=5201, rate=None, size=None, sample_s=1.0):
        require(kind in ("tcp", "udp"), "kind", f"{kind!r} is neither tcp nor udp")
        require(kind == "tcp" or rate is not None, "rate", "UDP needs one")
        require(rate is None or rate >= 1000, "rate", f"{rate} bits/s are less than 1000")
        if size is None and rate is not None:
            size = 1250
        require(size is None or SMALLEST_DATAGRAM <= size <= LARGEST_DATAGRAM, "size", f"{size} bytes: not 16 to 1472")
        require(0.1 <= sample_s <= 60, "sample_s", f"{sample_s} s: not 0.1 to 60")
        require_port(port)
        self._sender, self._receiver, self._kind, self._port = sender, receiver, kind, port
        self._rate, self._size, self._sample_s = rate, size, sample_s
        self._client = self.server = self._began_ns = self._stopped_at = None
        self.outcome = None

    def __enter__(self):
        with interrupts.making(self._abandon):
            where = ["--port", self._port, "--json", "--interval", f"{self._sample_s:g}"]
            serving = ["--server", "--one-off", "--bind", self._receiver.IP()]
            self.server = start_inside(self._receiver, "iperf3", *serving, *where)
            wait_listening(self.server, self._port, f"iperf3 on {self._receiver.name}")
            self._began_ns = time.monotonic_ns()
            # A test without an end: a signal ends it, also when the network doesn't carry what iperf3 says at its end.
            asking = ["--client", self._receiver.IP(), "--time", 0]
            asking += ["--length", self._size] if self._size is not None else []
            asking += ["--udp"] if self._kind == "udp" else []
            asking += ["--bitrate", int(self._rate)] if self._rate is not None else []
            self._client = start_inside(self._sender, "iperf3", *asking, *where)
        return self

    def __exit__(self, kind, *_):
        with interrupts.uninterrupted():
            if kind is not None:
                self._abandon()
                return
            self.stop()
            lasted_s = self._stopped_at - self._began_ns / 1e9
            said = json_of(output_of(self._client, PATIENCE_S)[0])
            # Over a network that doesn't carry it, the server is never told. Of several that wait, all wait together.
            patience = max(0.0, self._stopped_at + PATIENCE_S - time.monotonic())
            heard = json_of(output_of(self.server, patience)[0])
            self.outcome = transfer(self._kind, self._rate, self._size, self._began_ns, lasted_s, said, heard)

    def stop(self):
        """Send nothing more."""
        if self._stopped_at is None:
            # iperf3 writes its report from within the signal's handler: a signal that interrupts its own bookkeeping,
            # which it does when an interval ends, may find its memory in pieces.
            wait_asleep(self._client, PATIENCE_ASLEEP_S)
            self._stopped_at = time.monotonic()
            self._client.terminate()

    def _abandon(self):
        end_all((self._client, self.server))


def json_of(text):
    """What one end wrote, None if it was killed before it could."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def transfer(kind, rate, size, began_ns, lasted_s, said, heard):
    """What the sender said and the receiver heard, both as iperf3 writes them, in one; None is an end that said
    nothing. `lasted_s` is how long the sender was to send."""
    sent, received = _intervals(said), _intervals(heard)
    sent_bytes = _sum(said, "sum_sent", "bytes", sum(interval.bytes for interval in sent))
    seconds = _sum(said, "sum_sent", "seconds", 0) or lasted_s
    received_bytes = _sum(heard, "sum_received", "bytes", sum(interval.bytes for interval in received))
    received_bytes = None if heard is None else received_bytes
    udp = kind == "udp"
    jitter_ms = _sum(heard, "sum_received", "jitter_ms", None)
    return Transfer(
        kind=kind,
        asked_bits_per_s=rate,
        began_ns=began_ns,
        seconds=seconds,
        sent_bytes=sent_bytes,
        received_bytes=received_bytes,
        retransmits=None if udp else _retransmits(said, sent),
        sent_datagrams=sent_bytes // size if udp else None,
        received_datagrams=received_bytes // size if udp and received_bytes is not None else None,
        jitter_us=round(jitter_ms * 1000) if udp and jitter_ms is not None else None,
        sent=sent,
        received=received,
        error=_complaints(said, heard),
    )


def _intervals(report):
    """The intervals of one end. One that is told to end writes its last again if no packet came since: each start
    counts once."""
    found = {}
    for interval in (report or {}).get("intervals", ()):
        total = interval["sum"]
        lost, jitter_ms = total.get("lost_packets"), total.get("jitter_ms")
        found[total["start"]] = Interval(
            at_s=total["start"],
            seconds=total["seconds"],
            bytes=total["bytes"],
            retransmits=total.get("retransmits"),
            lost=lost,
            jitter_us=None if jitter_ms is None else round(jitter_ms * 1000),
        )
    return tuple(found[start] for start in sorted(found))


def _sum(report, which, field, otherwise):
    """A field of a report's end; one that broke off has none."""
    return ((report or {}).get("end") or {}).get(which, {}).get(field, otherwise)


def _retransmits(said, sent):
    counted = [interval.retransmits for interval in sent if interval.retransmits is not None]
    return _sum(said, "sum_sent", "retransmits", sum(counted) if counted else None)


def _complaints(said, heard):
    """What went wrong."""
    found = []
    for end, report in (("sender", said), ("receiver", heard)):
        error = "ended without a report" if report is None else report.get("error")
        if error and not _is_how_tests_end(error, report):
            found.append(f"{end}: {error}")
    return "; ".join(found) or None


def _is_how_tests_end(error, report):
    """Whether an end only says that the client was told to end, as every client is. A server (of iperf 3.12, at least)
    that is told so in the moment in which an interval ends sums up, closes its connection, and then asks the closed one
    for the interval: of its complaints only that last one is in its report."""
    if error.endswith("the client has terminated"):
        return True
    return error == "getsockopt - Bad file descriptor" and _sum(report, "sum_received", "bytes", None) is not None
