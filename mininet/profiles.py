"""What kinds of applications send, as on-off sources for the probe (`traffic.Stream`).

A source sends packets of one size at a steady rate while it is on, and nothing while it is off. How long it is on and
off is drawn anew each time, from a distribution written as the probe takes it, in seconds: `constant:S`,
`exponential:MEAN`, `pareto:SHAPE,MINIMUM`, `lognormal:MU,SIGMA`.

    with Stream(first, second, 5001, **profile("voip", sources=10)) as stream:
"""

import math
from dataclasses import dataclass

# RFC 3550, section 5.1: the fixed header of RTP, which is payload to UDP.
RTP_HEADER = 12


@dataclass(frozen=True)
class Profile:
    """One kind of source: `rate` in packets/s while it is on, `size` in bytes of UDP payload, durations `on` and
    `off` (None: it is always on), and the `source` of these figures."""

    name: str
    rate: int
    size: int
    on: str
    off: str
    source: str

    @property
    def share_on(self):
        """The part of the time in which it is on, in the long run."""
        if self.on is None:
            return 1.0
        on, off = mean_s(self.on), mean_s(self.off)
        return on / (on + off)

    @property
    def mean_bits_per_s(self):
        """Bits of payload a second in the long run."""
        return 8 * self.size * self.rate * self.share_on


def _voip(name, codec, voice_bytes):
    """20 ms of voice in a packet (RFC 3551, section 4.2: the default), so 50 packets/s. Spurts of talk of 1.004 s and
    pauses of 1.587 s on average, both exponential: ITU-T P.59 (1993), artificial conversational speech, its averages
    over languages. Who speaks next doesn't depend on the other side here, as it does in that model."""
    return Profile(
        name=name,
        rate=50,
        size=RTP_HEADER + voice_bytes,
        on="exponential:1.004",
        off="exponential:1.587",
        source=f"ITU-T P.59 (1993); {codec}, 20 ms a packet (RFC 3551)",
    )


def _web():
    """One reader of web pages: files with a lognormal size (mu 9.357, sigma 1.318, in bytes) and Pareto times between
    them (shape 1.5, at least 1 s): the body of the sizes and the inactive off times of Barford and Crovella, Generating
    Representative Web Workloads (SURGE), SIGMETRICS 1998. The tail of the sizes (over 133 kB) is left out, and so are
    the short gaps within a page. A file is on the way for as long as it takes at 1 Mbit/s, our choice."""
    rate, size = 100, 1250
    mu = 9.357 - math.log(rate * size)
    return Profile(
        name="web",
        rate=rate,
        size=size,
        on=f"lognormal:{mu:.4f},1.318",
        off="pareto:1.5,1",
        source="SURGE: Barford and Crovella, SIGMETRICS 1998",
    )


def _video():
    """A video on demand that its server throttles: blocks of 64 KiB, each as fast as it goes, at 1.25 times the video's
    own rate on average: Alcock and Nelson, Application Flow Control in YouTube Video Streams, CCR 41(2), 2011, and Rao
    et al., Network Characteristics of Video Streaming Traffic, CoNEXT 2011. A video of 1 Mbit/s and blocks at
    5 Mbit/s are our choice. There it is TCP; here the blocks keep their times whatever the network does, and the
    sources of one stream, which begin together, send them together."""
    rate, size = 500, 1250
    block_bits = 8 * 65_536
    every_s, on_s = block_bits / 1.25e6, block_bits / (8 * rate * size)
    return Profile(
        name="video",
        rate=rate,
        size=size,
        on=f"constant:{on_s:.4f}",
        off=f"constant:{every_s - on_s:.4f}",
        source="Alcock and Nelson, CCR 41(2), 2011; Rao et al., CoNEXT 2011",
    )


def _bulk():
    """A copy that never ends: full-sized packets at a constant 10 Mbit/s. The rate is our choice: a real copy takes
    what it gets, for which there is iperf3 with TCP (`loads/iperf.py`)."""
    return Profile(name="bulk", rate=1000, size=1250, on=None, off=None, source="constant; the rate is a choice")


PROFILES = {
    found.name: found
    for found in (_voip("voip", "G.711", 160), _voip("voip-g729", "G.729", 20), _web(), _video(), _bulk())
}


def profile(name, sources=1, seed=1):
    """The arguments of `Stream` for so many sources (1 to 1,000) of the kind `name`, each a flow of its own. The same
    seed gives the same times on and off. `ValueError` for a kind that there isn't, and for wrong numbers."""
    if name not in PROFILES:
        raise ValueError(f"name: {name!r} is none of {', '.join(PROFILES)}")
    if not isinstance(sources, int) or not 1 <= sources <= 1000:
        raise ValueError(f"sources: {sources!r} isn't a number from 1 to 1000")
    found = PROFILES[name]
    arguments = {"rate": found.rate * sources, "flows": sources, "size": found.size}
    if found.on is not None:
        arguments |= {"on": found.on, "off": found.off, "seed": seed}
    return arguments


def mean_s(distribution):
    """The mean of a distribution as the probe takes it, in seconds; infinite for a Pareto of shape 1 or less.
    `ValueError` if it isn't one."""
    name, _, text = distribution.partition(":")
    try:
        values = [float(value) for value in text.split(",")]
        if name in ("constant", "exponential"):
            (mean,) = values
            return mean
        if name == "pareto":
            shape, minimum = values
            return minimum * shape / (shape - 1) if shape > 1 else math.inf
        if name == "lognormal":
            mu, sigma = values
            return math.exp(mu + sigma * sigma / 2)
    except ValueError:
        pass
    raise ValueError(f"{distribution!r}: not constant:S, exponential:MEAN, pareto:SHAPE,MINIMUM or lognormal:MU,SIGMA")
