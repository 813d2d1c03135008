"""What became of numbered packets: the summaries of a sender and of a receiver, joined."""

import math
import time
from collections import Counter, defaultdict
from dataclasses import astuple, dataclass

# A dead link makes thousands of gaps, and where the first packets were lost says most.
GAPS_NAMED = 32


@dataclass(frozen=True)
class Sample:
    """What was seen of one interval: of packets that were sent in it, unless it says "arrived". Bits are those of UDP
    payload."""

    # When it begins, in nanoseconds on the monotonic clock: a multiple of its length.
    at_ns: int
    sent: int
    # Different packets; `lost` of those sent never came.
    received: int
    lost: int
    duplicates: int
    bits_sent: int
    bits_received: int
    # Whatever arrived in it, whenever it was sent, duplicates as well.
    arrived: int
    bits_arrived: int
    # 0 when none was received.
    delay_mean_us: float
    delay_max_us: float
    # RFC 3550 §6.4.1, the mean over the packets received; 0 when there was none.
    jitter_us: float

    def __add__(self, other):
        """The same interval of two directions in one."""
        weights = (self.received, other.received)
        return Sample(
            self.at_ns,
            *(one + another for one, another in zip(astuple(self)[1:9], astuple(other)[1:9])),
            delay_mean_us=_mean((self.delay_mean_us, other.delay_mean_us), weights),
            delay_max_us=max(self.delay_max_us, other.delay_max_us),
            jitter_us=_mean((self.jitter_us, other.jitter_us), weights),
        )


@dataclass(frozen=True)
class Outcome:
    """What the two ends of one or more streams saw."""

    # Packets that the rate called for; `asked` less `sent` could not be sent, or not in time.
    asked: int
    sent: int
    # Different packets.
    received: int
    duplicates: int
    # Packets that came after a later one of their flow, and how far behind at most, in sequence numbers.
    reordered: int
    max_displacement: int
    longest_silence_us: int
    longest_flow_silence_us: int
    # Of the different packets, one way.
    delay_min_us: int
    delay_mean_us: int
    delay_max_us: int
    # RFC 3550 §6.4.1, the mean over the flows that came.
    jitter_us: float
    # Pairs of an upper bound in microseconds, two significant digits, and the packets with such a delay.
    histogram: tuple
    receiver_drops: int
    received_by_flow: tuple
    sent_by_flow: tuple
    # What was lost: flow, first sequence number, how many in a row, and about when the first was sent, in nanoseconds
    # on the monotonic clock. Of very many only the first; `gaps_left_out` says how many more.
    gaps: tuple
    gaps_left_out: int
    # The first gaps in words, for whoever looks into a failure.
    missing: tuple
    # One `Sample` for every interval from the first packet to the last arrival, if samples were asked for.
    samples: tuple
    # Packets and arrivals after the last interval that the probe keeps.
    samples_left_out: int

    @property
    def lost(self):
        """Packets that were sent and didn't come."""
        return self.sent - self.received

    @property
    def delay_p50_us(self):
        """Half of the packets took at most this, to two significant digits; 0 if none came."""
        return self._quantile(0.5)

    @property
    def delay_p99_us(self):
        """99 % of the packets took at most this, to two significant digits; 0 if none came."""
        return self._quantile(0.99)

    def _quantile(self, fraction):
        wanted = math.ceil(fraction * sum(count for _, count in self.histogram))
        for bound, count in self.histogram:
            wanted -= count
            if wanted <= 0:
                return min(bound, self.delay_max_us)
        return 0

    def __add__(self, other):
        """Both directions in one: counts added up, the worse of the silences, means over all packets or flows. The
        other's flows are numbered on from this one's."""
        both = (self, other)
        weights = [one.received for one in both]
        flows = [sum(1 for received in one.received_by_flow if received) for one in both]
        shifted = ((len(self.sent_by_flow) + flow, *gap) for flow, *gap in other.gaps)
        return Outcome(
            asked=self.asked + other.asked,
            sent=self.sent + other.sent,
            received=self.received + other.received,
            duplicates=self.duplicates + other.duplicates,
            reordered=self.reordered + other.reordered,
            max_displacement=max(self.max_displacement, other.max_displacement),
            longest_silence_us=max(self.longest_silence_us, other.longest_silence_us),
            longest_flow_silence_us=max(self.longest_flow_silence_us, other.longest_flow_silence_us),
            delay_min_us=min((one.delay_min_us for one in both if one.received), default=0),
            delay_mean_us=round(_mean([one.delay_mean_us for one in both], weights)),
            delay_max_us=max(self.delay_max_us, other.delay_max_us),
            jitter_us=_mean([one.jitter_us for one in both], flows),
            histogram=_added_histograms(self.histogram, other.histogram),
            receiver_drops=self.receiver_drops + other.receiver_drops,
            received_by_flow=self.received_by_flow + other.received_by_flow,
            sent_by_flow=self.sent_by_flow + other.sent_by_flow,
            gaps=(*self.gaps, *shifted),
            gaps_left_out=self.gaps_left_out + other.gaps_left_out,
            missing=self.missing + other.missing,
            samples=_added_samples(self.samples, other.samples),
            samples_left_out=self.samples_left_out + other.samples_left_out,
        )


def joined(sent, got, name, port, rate, sample_ms):
    """The `Outcome` of a stream, from the summaries of both its ends. `name` is the sender's and `port` the first
    flow's, for the words; `rate` is in packets/s over all flows."""
    gaps = [(*gap, _sent_at_ns(sent, rate, *gap[:2])) for gap in _gaps(sent, got)]
    return Outcome(
        asked=sent["asked"],
        sent=sent["sent"],
        received=got["received"],
        duplicates=got["duplicates"],
        reordered=got["reordered"],
        max_displacement=got["max_displacement"],
        longest_silence_us=got["longest_silence_us"],
        longest_flow_silence_us=got["longest_flow_silence_us"],
        delay_min_us=got["delay_us"]["min"],
        delay_mean_us=got["delay_us"]["mean"],
        delay_max_us=got["delay_us"]["max"],
        jitter_us=got["jitter_us"],
        histogram=tuple(map(tuple, got["histogram"])),
        receiver_drops=got["receiver_drops"],
        received_by_flow=tuple(got["flows"]),
        sent_by_flow=tuple(sent["flows"]),
        gaps=tuple(gaps),
        gaps_left_out=got["missing_left_out"],
        missing=tuple(_in_words(name, port, *gap) for gap in gaps[:GAPS_NAMED]),
        samples=_joined_samples(sent, got, sample_ms),
        samples_left_out=sent["samples_left_out"] + got["samples_left_out"],
    )


def _gaps(sent, got):
    """Flow, first sequence number and length of each gap. The receiver can't know of what is lost at the end."""
    gaps = [tuple(gap) for gap in got["missing"]]
    for flow, (count, after) in enumerate(zip(sent["flows"], got["next"])):
        if count > after:
            gaps.append((flow, after, count - after))
    return sorted(gaps)


def _sent_at_ns(sent, rate, flow, sequence):
    """About when a packet was sent, if the sender was punctual."""
    flows = len(sent["flows"])
    starts = [(first, at_ns) for number, at_ns, first in sent["starts"] if number == flow and first <= sequence]
    if starts:
        first, at_ns = starts[-1]
        return at_ns + (sequence + 1 - first) * flows * 10**9 // rate
    return sent["first_at_ns"] + (sequence * flows + flow) * 10**9 // rate


def _in_words(name, port, flow, first, count, at_ns):
    """Packets that didn't come, with when they should have been sent, on the clock of the controller's log."""
    at = time.time() - time.monotonic() + at_ns / 1e9
    when = time.strftime("%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03}"
    numbers = f"number {first}" if count == 1 else f"numbers {first} to {first + count - 1}"
    return f"{name} port {port + flow} {numbers} at {when}"


def _joined_samples(sent, got, sample_ms):
    """A sample for every interval from the first to the last."""
    ends = [{sample["at_ns"]: sample for sample in end["samples"]} for end in (sent, got)]
    if not any(ends):
        return ()
    last = max(max(end, default=0) for end in ends)
    if sent["samples_left_out"] or got["samples_left_out"]:
        # Beyond what both ends have, all that one of them left out would look lost, or never sent.
        last = min(max(end, default=0) for end in ends)
    step = sample_ms * 1_000_000
    first = min(min(end) for end in ends if end)
    return tuple(_joined_sample(at_ns, *(end.get(at_ns) for end in ends)) for at_ns in range(first, last + step, step))


def _joined_sample(at_ns, sent, got):
    sent, got = (defaultdict(int, end or {}) for end in (sent, got))
    return Sample(
        at_ns=at_ns,
        sent=sent["packets"],
        received=got["packets"],
        lost=sent["packets"] - got["packets"],
        duplicates=got["duplicates"],
        bits_sent=8 * sent["bytes"],
        bits_received=8 * got["bytes"],
        arrived=got["arrived"],
        bits_arrived=8 * got["arrived_bytes"],
        delay_mean_us=got["delay_mean_us"],
        delay_max_us=got["delay_max_us"],
        jitter_us=got["jitter_us"],
    )


def _added_samples(some, others):
    added = {sample.at_ns: sample for sample in some}
    for sample in others:
        earlier = added.get(sample.at_ns)
        added[sample.at_ns] = earlier + sample if earlier else sample
    return tuple(added[at_ns] for at_ns in sorted(added))


def _added_histograms(one, another):
    return tuple(sorted((Counter(dict(one)) + Counter(dict(another))).items()))


def _mean(values, weights):
    total = sum(weights)
    return sum(value * weight for value, weight in zip(values, weights)) / total if total else 0
