"""The tables of a report, in HTML."""

from dataclasses import dataclass
from html import escape

from experiments.panels import plural
from experiments.summary import Group, Setting, statistic

NONE = "–"


def table(headings, rows, caption=""):
    """HTML of a table; the cells are text, or numbers, which stand to the right."""
    told = f"<caption>{escape(caption)}</caption>" if caption else ""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "\n".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in rows)
    return f"<table>{told}\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"


def _cell(cell):
    if isinstance(cell, int):
        return f'<td class="number">{cell:,}</td>'
    kind = ' class="number"' if cell[:1].isdigit() or cell[:1] in (NONE, "-", "−") else ""
    return f"<td{kind}>{escape(cell)}</td>"


def number(value, unit=1.0, digits=2):
    """A value in a unit of so many of its own; a dash for `None`."""
    return NONE if value is None else f"{value / unit:,.{digits}f}"


def spread(found, unit=1.0, digits=2):
    """Mean and standard deviation of a `Statistic`; a dash for `None`, and of a single value no deviation."""
    if found is None:
        return NONE
    mean = number(found.mean, unit, digits)
    return mean if found.sd is None else f"{mean} ± {number(found.sd, unit, digits)}"


def _of(found, name, unit=1.0, digits=0):
    return number(None if found is None else getattr(found, name), unit, digits)


class _Columns:
    """The columns that say which group a line is of. Traffic has one only where groups differ in it."""

    def __init__(self, groups):
        traffic = sorted({_traffic(group.setting) for group in groups})
        self._several = len(traffic) > 1
        self.headings = ("controller", "algorithm", "switches", "rules", *(["traffic"] if self._several else []), "n")
        self.note = " Traffic: packets/s × bytes in each direction" + ("." if self._several else f", {traffic[0]}.")

    def of(self, group):
        """The cells of a group."""
        setting = group.setting
        traffic = [_traffic(setting)] if self._several else []
        size = setting.switches or "unknown"
        return (group.controller, group.algorithm, size, setting.rules, *traffic, len(group.runs))


def _traffic(setting):
    return f"{setting.rate:,}/s × {setting.size:,}"


def times(groups):
    """Migration times of each group, in ms."""
    columns = _Columns(groups)
    parts = ("plan_us", "rules_us", "wait_us", "other_us", "wall_us")
    headings = ("migration", "95 %", "planning", "writing rules", "waiting", "the rest", "seen from outside")
    rows = [
        (
            *columns.of(group),
            spread(group.of("total_us"), 1000),
            _of(group.of("total_us"), "p95", 1000, 2),
            *(spread(group.of(part), 1000) for part in parts),
        )
        for group in groups
    ]
    caption = (
        "Migration time in ms, mean ± standard deviation over n sessions; 95 %: the 95th percentile by nearest rank."
        " From the request to the commit by the controller, but for the last column, which the experiment measured."
    )
    return table((*columns.headings, *headings), rows, caption + columns.note)


def packets(groups):
    """What became of the packets of each group."""
    columns = _Columns(groups)
    headings = (
        *columns.headings,
        "asked",
        "sent",
        "lost",
        "sessions with loss",
        "worst",
        "duplicated",
        "reordered",
        "longest silence, ms",
        "induced latency, µs",
        "counter error",
        "worst error",
    )
    return table(
        headings,
        [(*columns.of(group), *_packets(group)) for group in groups],
        "Packets of all sessions of a group, both directions together. Asked: what the rate called for. Silence: the"
        " longest of any session. Induced latency: mean one-way delay during the migration less that before it, mean ±"
        " standard deviation over the sessions. Counter error: packets that the controller counted less those that"
        " came, mean over the sessions, and the farthest from zero." + columns.note,
    )


def _packets(group):
    lost, error = group.of("lost"), group.of("counter_error")
    errors = [run["counter_error"] for run in group.runs if run["counter_error"] is not None]
    return (
        _of(group.of("asked"), "total"),
        _of(group.of("sent"), "total"),
        _of(lost, "total"),
        sum(bool(run["lost"]) for run in group.runs) if lost else NONE,
        _of(lost, "most"),
        _of(group.of("duplicates"), "total"),
        _of(group.of("reordered"), "total"),
        _of(group.of("silence_us"), "most", 1000, 1),
        spread(group.of("induced_us"), 1, 0),
        _of(error, "mean", 1, 1),
        max(errors, key=abs) if errors else NONE,
    )


def changes(groups):
    """Rules that a migration of each group writes."""
    columns, kinds = _Columns(groups), ("installed", "modified", "removed")
    rows = [(*columns.of(group), *(spread(group.of(f"rules_{kind}"), 1, 1) for kind in kinds)) for group in groups]
    caption = "Rules that a migration writes, mean ± standard deviation."
    return table((*columns.headings, *kinds), rows, caption + columns.note)


def by_size(results):
    """Migration time of each algorithm at each size of network, godwit's beside the peer's and the thesis's: with the
    fewest rules, since the thesis had one pair of hosts."""
    rules = min(run["rules"] for run in results.runs)
    rows = []
    for algorithm in results.algorithms:
        for switches in sorted({run["switches"] for run in results.runs}):
            cells = []
            for controller in results.controllers:
                runs = results.chosen(controller=controller, algorithm=algorithm, switches=switches, rules=rules)
                took = statistic(run["total_us"] for run in runs)
                cells += [took.n if took else 0, spread(took, 1000), _of(took, "most", 1000, 2)]
            rows.append((algorithm, switches or "unknown", *cells, "under 100"))
    headings = [f"{controller}, {what}" for controller in results.controllers for what in ("n", "ms", "longest")]
    caption = (
        "Migration time in ms, mean ± standard deviation over all sessions with"
        f" {plural(rules, 'rule')} of each direction on the source, whatever the traffic."
    )
    return table(("algorithm", "switches", *headings, "thesis"), rows, caption)


def phases(results):
    """Where each algorithm's time goes, by the controllers' own names, over all runs."""
    rows = []
    for controller in results.controllers:
        for algorithm in results.algorithms:
            runs = results.chosen(controller=controller, algorithm=algorithm)
            for name, mean_us in (results.phases(runs) if runs else {}).items():
                total = statistic(run["total_us"] for run in runs)
                share = f"{100 * mean_us / total.mean:.0f} %" if total and total.mean else NONE
                rows.append((controller, algorithm, name, len(runs), number(mean_us, 1000), share))
    caption = "Phases as the controllers name them: mean over all sessions of an algorithm, and share of its time."
    return table(("controller", "algorithm", "phase", "n", "ms", "share"), rows, caption) if rows else ""


@dataclass(frozen=True)
class Ratio:
    """Godwit's mean divided by os-ken's in one setting, of migration time, of it without waiting, and of packets lost;
    `None` where os-ken's is zero or one of them has none. And the groups themselves."""

    setting: Setting
    algorithm: str
    time: float | None
    busy: float | None
    loss: float | None
    ours: Group
    theirs: Group


def _ratio(one, other):
    return None if one is None or other is None or not other.mean else one.mean / other.mean


def ratios(groups):
    """Groups of godwit beside those of os-ken in the same setting, as a list of `Ratio`."""
    by_kind = {(group.controller, group.setting, group.algorithm): group for group in groups}
    found = []
    for (controller, setting, algorithm), ours in by_kind.items():
        theirs = by_kind.get(("os-ken", setting, algorithm))
        if controller == "godwit" and theirs is not None:
            time = _ratio(ours.of("total_us"), theirs.of("total_us"))
            busy = _ratio(ours.of("busy_us"), theirs.of("busy_us"))
            loss = _ratio(ours.of("lost"), theirs.of("lost"))
            found.append(Ratio(setting, algorithm, time, busy, loss, ours, theirs))
    return found


def beside(found):
    """The table of `ratios`."""
    headings = (
        "algorithm",
        "switches",
        "rules",
        "traffic",
        "n",
        "migration time, ratio",
        "without waiting, ratio",
        "godwit lost",
        "os-ken lost",
        "loss, ratio",
    )
    rows = [
        (
            ratio.algorithm,
            ratio.setting.switches or "unknown",
            ratio.setting.rules,
            _traffic(ratio.setting),
            f"{len(ratio.ours.runs):,} and {len(ratio.theirs.runs):,}",
            number(ratio.time),
            number(ratio.busy),
            _of(ratio.ours.of("lost"), "mean", 1, 1),
            _of(ratio.theirs.of("lost"), "mean", 1, 1),
            number(ratio.loss),
        )
        for ratio in found
    ]
    caption = (
        "Godwit's mean divided by os-ken's: below 1, godwit took less or lost less. Lost: packets a session, mean."
        " A dash: os-ken's is zero, or one of them has none."
    )
    return table(headings, rows, caption)


def failures(results, most=50):
    """The sessions that failed, and why; no more than so many."""
    rows = [(row["name"], row["cycle"], row["error"] or "unknown") for row in results.failed[:most]]
    left = len(results.failed) - len(rows)
    caption = f"Failed sessions; {left:,} more are not shown." if left else "Failed sessions."
    return table(("what", "cycle", "why"), rows, caption)
