"""One migration under traffic: what the hosts saw of it, as rows for the store."""

from collections import defaultdict

from experiments.controllers import PLANNING, WAITING, WRITING

# As short as the receiver can tell; put together to samples that begin at the request.
FINE_MS = 10
SAMPLE_MS = 100
MILLISECOND_NS = 1_000_000


class Failed(Exception):
    """A session did not do what it should have; says why."""


def result(migration, traffic, requested_ns, ended_ns):
    """The rows of a session but for counters and floor. `traffic` is a `BothWays` that has ended, the times are on the
    monotonic clock."""
    both = traffic.outcome
    phases = migration["phases"]
    before, during, after = _delays(both.samples, requested_ns, requested_ns + migration["total_us"] * 1000)
    ways = (("there", traffic.there), ("back", traffic.back))
    samples = [transfers(outcome.samples, requested_ns, SAMPLE_MS) for _, outcome in ways]
    return {
        "session": {
            "total_us": migration["total_us"],
            "wall_us": (ended_ns - requested_ns) // 1000,
            "plan_us": _time_in(phases, PLANNING),
            "rules_us": _time_in(phases, WRITING),
            "wait_us": _time_in(phases, WAITING),
            **{f"rules_{kind}": migration["rules"][kind] for kind in ("installed", "modified", "removed")},
            "asked": both.asked,
            "sent": both.sent,
            "received": both.received,
            "lost": both.lost,
            "duplicates": both.duplicates,
            "reordered": both.reordered,
            "max_displacement": both.max_displacement,
            "silence_us": both.longest_silence_us,
            "delay_before_us": before,
            "delay_during_us": during,
            "delay_after_us": after,
            "delay_max_us": both.delay_max_us,
            "jitter_us": both.jitter_us,
        },
        "phases": [{"position": number, **phase} for number, phase in enumerate(phases)],
        "transfers": [
            {"direction": way, **row} for (way, _), rows in zip(ways, in_both(*samples)) for row in rows
        ],
        "delays": [{"upper_us": upper, "count": count} for upper, count in both.histogram],
        "losses": [
            {
                "direction": way,
                "flow": flow,
                "sequence": first,
                "count": count,
                "at_ms": (sent_ns - requested_ns) / MILLISECOND_NS,
            }
            for way, outcome in ways
            for flow, first, count, sent_ns in outcome.gaps
        ],
    }


def _time_in(phases, names):
    return sum(phase["duration_us"] for phase in phases if phase["name"] in names)


def _delays(samples, requested_ns, ended_ns):
    """The mean one-way delay of packets sent before, during and after the migration; `None` where none was. A fine
    sample belongs to the time in which it begins, but for the one in which the migration does."""
    first_during = requested_ns - requested_ns % (FINE_MS * MILLISECOND_NS)
    sums = [[0, 0], [0, 0], [0, 0]]
    for sample in samples:
        period = 0 if sample.at_ns < first_during else 1 if sample.at_ns <= ended_ns else 2
        sums[period][0] += sample.received
        sums[period][1] += sample.received * sample.delay_mean_us
    return [total / count if count else None for count, total in sums]


def transfers(samples, requested_ns, length_ms):
    """Fine samples put together to samples of `length_ms`, one of which begins at the request, give or take half a fine
    sample. The first and the last, in which traffic began and ended, are left out: they are not whole."""
    gathered = defaultdict(list)
    for sample in samples:
        middle_ns = sample.at_ns + FINE_MS * MILLISECOND_NS // 2
        gathered[(middle_ns - requested_ns) // (length_ms * MILLISECOND_NS)].append(sample)
    sent = [index for index, parts in gathered.items() if any(part.sent for part in parts)]
    return [
        _transfer(gathered[index], index * length_ms, length_ms)
        for index in range(min(sent, default=0) + 1, max(sent, default=0))
    ]


def in_both(there, back):
    """The samples that both directions have: one begins, and ends, a little before the other."""
    common = {row["at_ms"] for row in there} & {row["at_ms"] for row in back}
    return tuple([row for row in rows if row["at_ms"] in common] for rows in (there, back))


def _transfer(parts, at_ms, length_ms):
    def total(name):
        return sum(getattr(part, name) for part in parts)

    def mean(name):
        return sum(getattr(part, name) * part.received for part in parts) // max(total("received"), 1)

    return {
        "at_ms": at_ms,
        "length_ms": length_ms,
        "sent": total("sent"),
        "lost": total("lost"),
        "duplicates": total("duplicates"),
        "bits_sent": total("bits_sent"),
        "bits_lost": total("bits_sent") - total("bits_received"),
        "bits_arrived": total("bits_arrived"),
        "bandwidth": total("bits_arrived") * 1000 // length_ms,
        "jitter_us": mean("jitter_us"),
        "delay_mean_us": mean("delay_mean_us"),
        "delay_max_us": max((part.delay_max_us for part in parts), default=0),
    }
