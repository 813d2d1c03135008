"""How figures look: small multiples, readable in black and white on a page 16 cm wide."""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import LogLocator, StrMethodFormatter, SymmetricalLogLocator

from experiments.summary import statistic

WIDTH_INCHES = 16 / 2.54
LEGEND_INCHES = 0.3
PNG_DOTS_PER_INCH = 200

STYLE = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": "0.88",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.1,
    "lines.markersize": 4.5,
    "hatch.linewidth": 0.5,
    # The same data give the same files.
    "svg.hashsalt": "godwit",
}

# Of each algorithm: marker and its fill, line. None of them is told by its colour alone.
LINES = {
    "freeze-copy": {"marker": "o", "mfc": "white", "color": "black", "linestyle": "-"},
    "move": {"marker": "s", "mfc": "0.55", "color": "0.35", "linestyle": "--"},
    "clone": {"marker": "^", "mfc": "black", "color": "black", "linestyle": ":"},
}
# Where the algorithms of one place on an axis stand beside each other.
OFFSETS = {"freeze-copy": -0.14, "move": 0.0, "clone": 0.14}

# Labelled on a logarithmic scale, times powers of ten.
LOG_STEPS = (1, 2, 5)


@dataclass(frozen=True)
class Figure:
    """A figure as it was drawn: what it is called, what it shows, and its two files."""

    name: str
    title: str
    caption: str
    svg_path: Path
    png_path: Path


@contextmanager
def style():
    """Everything drawn in this block looks like STYLE."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def grid(rows, columns, row_inches, legend_inches=LEGEND_INCHES, **shared):
    """A canvas with so many panels; the panels are a two-dimensional array. `shared`: `sharex`, `sharey`."""
    height = row_inches * rows + legend_inches
    canvas = Canvas(figsize=(WIDTH_INCHES, height), layout="constrained")
    canvas.get_layout_engine().set(rect=(0, 0, 1, 1 - legend_inches / height), h_pad=0.06, w_pad=0.06)
    panels = canvas.subplots(rows, columns, squeeze=False, **shared)
    return canvas, panels


def save(canvas, directory, name):
    """Writes the canvas as SVG and PNG; their paths."""
    # The layout is the same in both, and takes longer than drawing.
    canvas.draw_without_rendering()
    canvas.set_layout_engine("none")
    svg_path, png_path = directory / f"{name}.svg", directory / f"{name}.png"
    canvas.savefig(svg_path, metadata={"Date": None, "Creator": None}, dpi=PNG_DOTS_PER_INCH)
    canvas.savefig(png_path, metadata={"Software": None}, dpi=PNG_DOTS_PER_INCH)
    return svg_path, png_path


def legend(canvas, panels):
    """One legend above all panels, of everything that is in any of them."""
    found = {}
    for panel in panels.flat:
        for handle, label in zip(*panel.get_legend_handles_labels()):
            found.setdefault(label, handle)
    if found:
        canvas.legend(found.values(), found.keys(), loc="upper center", ncols=len(found))


def span(numbers):
    """`5`, or `3 to 5`; `none` if there is no number."""
    known = sorted(set(numbers))
    if not known:
        return "none"
    return f"{known[0]:,}" if len(known) == 1 else f"{known[0]:,} to {known[-1]:,}"


@dataclass(frozen=True)
class Row:
    """A row of panels: mean and standard deviation of `column`, divided by `unit`, over another column. `threshold`
    is where a scale that is linear about zero becomes logarithmic; `None`: it is linear throughout."""

    column: str
    label: str
    over: str
    over_label: str
    unit: float = 1.0
    threshold: float | None = None
    # Whether it can be less than zero.
    signed: bool = False


def against(results, rows, runs_of, shared=True):
    """A canvas with a row of panels for each `Row` and a column of them for each controller, and the numbers of runs
    behind its points; `None` if there is nothing to show. `runs_of(row)` are a row's runs. `shared`: the panels of a
    row have the same scale."""
    measured = [(row, [run for run in runs_of(row) if run[row.column] is not None]) for row in rows]
    measured = [(row, runs) for row, runs in measured if runs]
    names = {run["controller"] for _, runs in measured for run in runs}
    controllers = [one for one in results.controllers if one in names]
    if not measured:
        return None
    canvas, panels = grid(len(measured), len(controllers), 2.1, sharey="row" if shared else False)
    counts = []
    for (row, runs), line in zip(measured, panels):
        for controller, panel in zip(controllers, line):
            chosen = [run for run in runs if run["controller"] == controller]
            counts += _points(panel, row, chosen, results.algorithms)
            panel.set_title(controller)
            panel.set_xlabel(row.over_label)
        line[0].set_ylabel(row.label)
        for panel in line[:1] if shared else line:
            _scale(panel, row)
    legend(canvas, panels)
    return canvas, counts


def _points(panel, row, runs, algorithms):
    places = sorted({run[row.over] for run in runs})
    counts = {place: [] for place in places}
    for algorithm in algorithms:
        points = []
        for position, place in enumerate(places):
            chosen = [run for run in runs if run["algorithm"] == algorithm and run[row.over] == place]
            here = statistic(run[row.column] for run in chosen)
            if here is not None:
                counts[place].append(here.n)
                points.append((position + OFFSETS.get(algorithm, 0), here))
        if points:
            _line(panel, row, algorithm, points)
    panel.grid(axis="y")
    panel.set_xlim(-0.5, max(len(places), 1) - 0.5)
    panel.set_xticks(range(len(places)), [f"{place or 'unknown'}\nn = {span(counts[place])}" for place in places])
    return [count for here in counts.values() for count in here]


def _line(panel, row, algorithm, points):
    means = [here.mean / row.unit for _, here in points]
    spreads = [(here.sd or 0) / row.unit for _, here in points]
    below = spreads if row.signed else [min(spread, mean) for spread, mean in zip(spreads, means)]
    line = LINES.get(algorithm, {"marker": "d", "mfc": "white", "color": "0.6", "linestyle": "-."})
    positions = [position for position, _ in points]
    panel.errorbar(positions, means, yerr=[below, spreads], label=algorithm, capsize=2.5, elinewidth=0.7, **line)


def _scale(panel, row):
    low, high = panel.get_ylim()
    least = row.threshold or 1e-9
    if row.threshold is not None:
        panel.set_yscale("symlog", linthresh=row.threshold)
        panel.yaxis.set_major_locator(SymmetricalLogLocator(linthresh=row.threshold, base=10))
        panel.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    # Everything at zero is a finding; it shall look neither like a failed axis nor be cut by it.
    if row.signed:
        panel.axhline(0, color="0.6", linewidth=0.6)
        # The room beside the outermost points was measured on a linear scale.
        room = 2 if row.threshold is not None else 1
        panel.set_ylim(min(room * low, -least), max(room * high, least))
    else:
        highest = max(1.04 * high, 2 * least)
        panel.set_ylim(-0.2 * least if row.threshold else -0.04 * highest, highest)


def from_low(panels, low, high):
    """Ends the scale that panels share below `low`, what is drawn lowest, where zero would leave no room for what
    differs; says so for the caption."""
    if low < high / 2:
        panels[0][0].set_ylim(bottom=0)
        return ""
    margin = (high - low) * 0.1 or high * 0.05 or 1
    panels[0][0].set_ylim(low - margin, high + margin)
    return " The scale does not begin at zero."


def log_ticks(axis):
    """Plain numbers along a logarithmic axis."""
    axis.set_major_locator(LogLocator(subs=LOG_STEPS))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_locator(LogLocator(subs=range(1, 10)))
    axis.set_minor_formatter("")


def plural(number, noun):
    """`1 rule`, `2 rules`, `1 switch`, `2 switches`."""
    ending = "" if number == 1 else "es" if noun.endswith("ch") else "s"
    return f"{number:,} {noun}{ending}"


def size_name(switches):
    """`25 switches`; zero stands for a network of which it isn't known."""
    return plural(switches, "switch") if switches else "unknown size"
