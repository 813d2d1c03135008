"""The figures of a campaign, as SVG and PNG: those of the thesis, those of Themis, and what neither could see.

A figure for which nothing was measured is not drawn; `left_out` names it.
"""

from pathlib import Path

from experiments import over_time
from experiments.panels import Figure, Row, against, grid, legend, plural, save, size_name, span, style
from experiments.session import FINE_MS
from experiments.summary import Results, statistic
from floor import REPETITIONS

MILLISECOND_US = 1000.0
# Panels beside each other.
COLUMNS = 3
# Migration of Networks, Lisbon 2021: every migration took less.
THESIS_MS = 100

PARTS = (
    ("plan_us", "planning", {"facecolor": "white", "hatch": "/////"}),
    ("rules_us", "writing rules", {"facecolor": "0.25"}),
    ("wait_us", "waiting", {"facecolor": "0.9", "hatch": "...."}),
    ("other_us", "the rest", {"facecolor": "white"}),
)
SWITCHES = "switches in the network"
RULES = "rules on the source, in each direction"


def draw(store, campaign, directory):
    """Draws every figure of a campaign for which there are data into a directory, which is made if it isn't there, and
    returns them as a list of `Figure`. `NotThere` if there is no such campaign, `OSError` if a file can't be
    written."""
    return draw_results(Results(store, campaign), directory)


def draw_results(results, directory):
    """`draw`, of results that have been read."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    drawn = []
    with style():
        for name, (title, function) in FIGURES.items():
            made = function(results) if results.runs else None
            if made is not None:
                canvas, caption = made
                drawn.append(Figure(name, title, _with_traffic(results, caption), *save(canvas, directory, name)))
    return drawn


def left_out(drawn):
    """The titles of the figures for which there were no data."""
    names = {figure.name for figure in drawn}
    return [title for name, (title, _) in FIGURES.items() if name not in names]


def _with_traffic(results, caption):
    traffic = results.usual_traffic()
    text = f"{caption} Traffic: {traffic['rate']:,} packets/s of {traffic['size']:,} bytes in each direction"
    others = len(results.runs) - len(results.chosen(**traffic))
    return f"{text}; the {others:,} sessions with other traffic are in the tables alone." if others else f"{text}."


def migration_time(results):
    """Bars of what migrations spent their time on, for each number of rules and size of network."""
    runs = [run for run in results.chosen(**results.usual_traffic()) if run["total_us"] is not None]
    if not runs:
        return None
    cells = sorted({(run["rules"], run["switches"]) for run in runs})
    columns = min(COLUMNS, len({switches for _, switches in cells}))
    rows = -(-len(cells) // columns)
    bars = len(results.controllers) * len(results.algorithms)
    canvas, panels = grid(rows, columns, 0.65 + 0.17 * bars, sharey=True)
    counts = []
    for panel, (rules, switches) in zip(panels.flat, cells):
        here = [run for run in runs if (run["rules"], run["switches"]) == (rules, switches)]
        counts += _bars(panel, here, results)
        panel.set_title(f"{size_name(switches)}, {plural(rules, 'rule')}")
    for panel in panels.flat[len(cells) :]:
        panel.set_visible(False)
    canvas.supxlabel("ms, each panel with its own scale", fontsize=8)
    legend(canvas, panels)
    caption = (
        "Migration time by what it went to: reading and planning; writing rules; waiting for packets, caches and"
        " counters; the rest. Bars: means over the sessions; the line at a bar's end is one standard deviation of"
        f" the whole to each side. n = {span(counts)} sessions a bar. Rules are on the source, for each direction. A"
        " dashed line, where it is in reach, marks the 100 ms below which the thesis's migrations stayed."
    )
    return canvas, caption


def _bars(panel, runs, results):
    names, counts, longest = [], [], 0
    for algorithm in results.algorithms:
        for controller in results.controllers:
            chosen = [run for run in runs if (run["controller"], run["algorithm"]) == (controller, algorithm)]
            total = statistic(run["total_us"] for run in chosen)
            if total is not None:
                counts.append(total.n)
                _bar(panel, len(names), chosen, total)
                longest = max(longest, (total.mean + (total.sd or 0)) / MILLISECOND_US)
            names.append(f"{algorithm}, {controller}")
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.4, -0.6)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x")
    panel.set_xlim(0, longest * 1.05 or 1)
    if longest > THESIS_MS / 2:
        panel.set_xlim(0, max(longest, THESIS_MS) * 1.05)
        panel.axvline(THESIS_MS, color="black", linewidth=0.8, linestyle="--")
    return counts


def _bar(panel, position, runs, total):
    reached = 0.0
    for column, label, look in PARTS:
        part = statistic(run[column] for run in runs)
        width = max(part.mean, 0) / MILLISECOND_US if part else 0
        panel.barh(position, width, 0.7, left=reached, label=label, edgecolor="black", linewidth=0.5, **look)
        reached += width
    spread = (total.sd or 0) / MILLISECOND_US
    panel.errorbar(total.mean / MILLISECOND_US, position, xerr=spread, color="black", capsize=2, elinewidth=0.7)


def _series(results, quantities, shared, caption, over=("switches", "rules")):
    """Quantities over switches with the rules fixed, and over rules with the network fixed. A quantity is the column,
    the label, and further keywords of `Row`."""
    ways = {
        "switches": (SWITCHES, "rules", results.widest("rules", "switches")),
        "rules": (RULES, "switches", results.widest("switches", "rules")),
    }
    rows = [
        Row(column, label, way, ways[way][0], **keywords) for way in over for column, label, keywords in quantities
    ]

    def runs_of(row):
        _, fixed, value = ways[row.over]
        return results.chosen(**results.usual_traffic(), **{fixed: value})

    made = against(results, rows, runs_of, shared)
    if made is None:
        return None
    canvas, counts = made
    notes = {
        "switches": f"Over the switches with {plural(ways['switches'][2], 'rule')} in each direction",
        "rules": f"over the rules with {size_name(ways['rules'][2])}",
    }
    where = "; ".join(notes[way] for way in over)
    scale = "" if shared else " Each panel has its own scale."
    if any(row.threshold for row in rows):
        scale += " The scale is linear up to 1 and logarithmic beyond."
    return canvas, (
        f"{caption} Points: mean; lines at them: one standard deviation, cut off at zero for what can't be less."
        f" {where[0].upper()}{where[1:]}. n = {span(counts)} sessions a point.{scale}"
    )


def _switching(results):
    label = "ms of planning\nand writing rules"
    return _series(
        results,
        [("busy_us", label, {"unit": MILLISECOND_US})],
        True,
        "What the controller and the switches do for a migration, without the time spent waiting.",
    )


def _latency(results):
    caption = (
        "Induced latency: the mean one-way delay of packets sent between the request and the commit, less that of"
        f" packets sent before, which is what the migration added; to within {FINE_MS} ms, the length of a sample."
        " Longest delay: of any packet of the session."
    )
    quantities = [
        ("induced_us", "µs of induced latency", {"signed": True}),
        ("delay_max_us", "ms, longest delay", {"unit": MILLISECOND_US}),
    ]
    return _series(results, quantities, False, caption, over=("switches",))


def _lost(results):
    quantities = [("lost", "packets lost", {"threshold": 1.0})]
    return _series(results, quantities, True, "Packets of a session that never came, both directions together.")


def _disorder(results):
    quantities = [
        ("reordered", "packets reordered", {"threshold": 1.0}),
        ("duplicates", "packets duplicated", {"threshold": 1.0}),
        ("silence_us", "ms, longest silence", {"unit": MILLISECOND_US}),
    ]
    caption = "Packets that came after one sent later, packets that came twice, and the longest time without any."
    return _series(results, quantities, True, caption, over=("switches",))


def _counter_error(results):
    caption = (
        "Packets that the controller says the two switches forwarded, less those that came. Zero is right where none"
        " was lost behind them."
    )
    if "os-ken" in results.controllers:
        caption += (
            " os-ken's are naive numbers: what the target has counted, and of clone what FLOW_REMOVED says of the"
            " source, of move what was read there, of freeze-copy nothing."
        )
    quantities = [("counter_error", "packets counted\ntoo many", {"threshold": 1.0, "signed": True})]
    return _series(results, quantities, True, caption)


def _floor(results):
    quantities = [
        ("total_over_floor", "migration time / floor", {}),
        ("rules_over_floor", "writing rules / floor", {}),
    ]
    caption = (
        "How many times as long as a bare client that writes the same rules to the same switches; 1 is the floor, the"
        f" best of {REPETITIONS} of its runs. Only sessions beside which the floor was measured."
    )
    return _series(results, quantities, False, caption)


def _bandwidth(results):
    return over_time.overlay(results, 0, "Mbit/s that arrived, both directions together")


def _jitter(results):
    return over_time.overlay(results, 1, "µs of jitter (RFC 3550), mean of both directions")


# Name -> title, and what makes its canvas and its caption, or `None` where there are no data.
FIGURES = {
    "migration-time": ("Migration time", migration_time),
    "switching-time": ("Planning and writing rules", _switching),
    "latency": ("Induced latency", _latency),
    "delays": ("One-way delay", over_time.delays),
    "loss": ("Packet loss", _lost),
    "losses": ("Loss, packet by packet", over_time.losses),
    "throughput": ("Throughput over time", over_time.throughput),
    "disorder": ("Reordering, duplicates and silence", _disorder),
    "counter-error": ("Counter error", _counter_error),
    "floor": ("Time against the floor", _floor),
    "bandwidth": ("Bandwidth of all sessions", _bandwidth),
    "jitter": ("Jitter of all sessions", _jitter),
    "heat-map": ("Bandwidth by session and time", over_time.heat_map),
}
