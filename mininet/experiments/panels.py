"""How figures look: small multiples, readable in black and white on a page 16 cm wide."""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure as Canvas

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

SYMLOG = "linear up to {}, logarithmic beyond"


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


def grid(rows, columns, row_inches, sharex=False, sharey=False):
    """A canvas with so many panels; the panels are a two-dimensional array."""
    height = row_inches * rows + LEGEND_INCHES
    canvas = Canvas(figsize=(WIDTH_INCHES, height), layout="constrained")
    canvas.get_layout_engine().set(rect=(0, 0, 1, 1 - LEGEND_INCHES / height), h_pad=0.06, w_pad=0.06)
    panels = canvas.subplots(rows, columns, squeeze=False, sharex=sharex, sharey=sharey)
    return canvas, panels


def save(canvas, directory, name):
    """Writes the canvas as SVG and PNG; their paths."""
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
    controllers = [one for one in results.controllers if any(run["controller"] == one for _, runs in measured for run in runs)]
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
        line[0].set_ylabel(row.label if row.threshold is None else f"{row.label}\n({SYMLOG.format(f'{row.threshold:g}')})")
    legend(canvas, panels)
    return canvas, counts


def _points(panel, row, runs, algorithms):
    places = sorted({run[row.over] for run in runs})
    counts = {place: [] for place in places}
    for algorithm in algorithms:
        points = []
        for position, place in enumerate(places):
            here = statistic(run[row.column] for run in runs if run["algorithm"] == algorithm and run[row.over] == place)
            if here is not None:
                counts[place].append(here.n)
                points.append((position + OFFSETS.get(algorithm, 0), here))
        if points:
            _line(panel, row, algorithm, points)
    _scale(panel, row, len(places))
    panel.set_xticks(range(len(places)), [f"{place or 'unknown'}\nn = {span(counts[place])}" for place in places])
    return [count for here in counts.values() for count in here]


def _line(panel, row, algorithm, points):
    means = [here.mean / row.unit for _, here in points]
    spreads = [(here.sd or 0) / row.unit for _, here in points]
    below = spreads if row.signed else [min(spread, mean) for spread, mean in zip(spreads, means)]
    line = LINES.get(algorithm, {"marker": "d", "mfc": "white", "color": "0.6", "linestyle": "-."})
    positions = [position for position, _ in points]
    panel.errorbar(positions, means, yerr=[below, spreads], label=algorithm, capsize=2.5, elinewidth=0.7, **line)


def _scale(panel, row, places):
    panel.grid(axis="y")
    panel.set_xlim(-0.5, max(places, 1) - 0.5)
    if row.threshold is not None:
        panel.set_yscale("symlog", linthresh=row.threshold)
    low, high = panel.get_ylim()
    if row.signed:
        panel.axhline(0, color="0.6", linewidth=0.6)
        least = row.threshold or 0
        panel.set_ylim(min(low, -least), max(high, least))
    else:
        # Everything at zero is a finding; it shall not look like a failed axis.
        panel.set_ylim(0, max(high, row.threshold or 0, 1e-9))
