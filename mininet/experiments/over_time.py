"""Figures of what happened when: throughput, jitter and losses of single sessions, beside the trigger."""

from collections import defaultdict

import numpy
from matplotlib.lines import Line2D

from experiments.panels import LINES, from_low, grid, legend, log_ticks, plural, size_name, span

# So many lines or marks would make a file that no reader wants to load: they become dots.
MANY = 300

BY_CONTROLLER = (
    {"color": "black", "linestyle": "-", "band": {"color": "0.8", "linewidth": 0}},
    {"color": "0.3", "linestyle": "--", "band": {"fc": "none", "ec": "0.65", "hatch": "////", "linewidth": 0}},
)
DIRECTIONS = {"there": {"marker": "|", "color": "black"}, "back": {"marker": ".", "color": "0.55"}}

# The height of a panel in which sessions are lines, about.
PANEL_POINTS = 85

SINCE = "ms since the migration was asked for"


def samples(results, runs):
    """Session -> start of a sample in ms -> Mbit/s that arrived, and jitter in microseconds; both directions together:
    the sum of their bandwidths, the mean of their jitters."""
    found = defaultdict(dict)
    columns = "at_ms, SUM(bandwidth) / 1e6 AS mbps, AVG(jitter_us) AS jitter_us, MAX(length_ms) AS length_ms"
    for row in results.of_runs("transfers", columns, runs, "GROUP BY session, at_ms ORDER BY session, at_ms"):
        found[row["session"]][row["at_ms"]] = (row["mbps"], row["jitter_us"], row["length_ms"])
    return found


def table(found, runs, value):
    """Starts of samples, and a two-dimensional array: a line for each run that has samples, NaN where it has none.
    `value`: 0 for bandwidth, 1 for jitter."""
    lines = [found[run["session"]] for run in runs if run["session"] in found]
    starts = sorted({start for line in lines for start in line})
    values = [[line[start][value] if start in line else numpy.nan for start in starts] for line in lines]
    return numpy.array(starts), numpy.array(values, dtype=float).reshape(len(lines), len(starts))


def _usual(starts, values):
    """The same without samples that fewer than half of the sessions have: migrations that took longest."""
    kept = numpy.count_nonzero(~numpy.isnan(values), axis=0) * 2 >= len(values)
    return starts[kept], values[:, kept]


def _steps(starts, values, length):
    # A sample lasts from its start to the next one's.
    return numpy.append(starts, starts[-1] + length), numpy.append(values, values[-1])


def _trigger(panel):
    panel.axvline(0, color="black", linewidth=0.8, linestyle=(0, (1, 1)))


def _length(found):
    return max(sample[2] for line in found.values() for sample in line.values())


def throughput(results):
    """Mean and band for each algorithm and size of network; a controller is a line."""
    rules = results.widest("rules", "switches")
    runs = results.chosen(**results.usual_traffic(), rules=rules)
    found = samples(results, runs)
    if not found:
        return None
    sizes = sorted({run["switches"] for run in runs if run["session"] in found})
    canvas, panels = grid(len(results.algorithms), len(sizes), 1.55, sharex=True, sharey=True)
    counts, edges = [], []
    for algorithm, line in zip(results.algorithms, panels):
        for size, panel in zip(sizes, line):
            for number, controller in enumerate(results.controllers):
                chosen = [
                    run
                    for run in runs
                    if (run["controller"], run["algorithm"], run["switches"]) == (controller, algorithm, size)
                ]
                values = _band(panel, found, chosen, controller, BY_CONTROLLER[number % len(BY_CONTROLLER)])
                if values is not None:
                    counts.append(len(values))
                    edges += _edges(values)
            panel.set_title(f"{algorithm}, {size_name(size)}")
            panel.grid(axis="y")
            _trigger(panel)
    note = from_low(panels, max(min(edges), 0), max(edges))
    canvas.supxlabel(SINCE, fontsize=8)
    canvas.supylabel("Mbit/s that arrived, both directions together", fontsize=8)
    legend(canvas, panels)
    caption = (
        f"Throughput in samples of {_length(found)} ms; {plural(rules, 'rule')} in each direction. Line: mean over"
        " the sessions; band: one standard deviation to each side; dotted line: the migration is asked for. n ="
        f" {span(counts)} sessions a line. Samples that fewer than half of the sessions have are left out.{note}"
    )
    return canvas, caption


def mean_and_spread(values):
    """The mean of each column and the sample's standard deviation, 0 of a single value. NaN is no value; each column
    has another."""
    counts = numpy.count_nonzero(~numpy.isnan(values), axis=0)
    unbiased = numpy.sqrt(counts / numpy.maximum(counts - 1, 1))
    return numpy.nanmean(values, axis=0), numpy.nanstd(values, axis=0) * unbiased


def _edges(values):
    """Where a band about the mean of these ends."""
    mean, spread = mean_and_spread(values)
    return [float(numpy.min(mean - spread)), float(numpy.max(mean + spread))]


def _band(panel, found, runs, controller, look):
    """Draws one; the values behind it, or `None` if there is none."""
    starts, values = table(found, runs, 0)
    if not len(starts):
        return None
    starts, values = _usual(starts, values)
    mean, spread = mean_and_spread(values)
    length = _length(found)
    edges, middle = _steps(starts, mean, length)
    low, high = _steps(starts, mean - spread, length)[1], _steps(starts, mean + spread, length)[1]
    panel.fill_between(edges, numpy.maximum(low, 0), high, step="post", **look["band"])
    line = {"color": look["color"], "linestyle": look["linestyle"]}
    panel.plot(edges, middle, drawstyle="steps-post", label=controller, **line)
    return values


def _each(results, found, row_inches, draw, **shared):
    """A canvas with a row of panels for each algorithm and a column for each controller, of which `draw(panel, runs)`
    draws one, and how many sessions each has."""
    runs = [run for run in results.chosen(**results.usual_traffic()) if run["session"] in found]
    algorithms = [one for one in results.algorithms if any(run["algorithm"] == one for run in runs)]
    controllers = [one for one in results.controllers if any(run["controller"] == one for run in runs)]
    canvas, panels = grid(len(algorithms), len(controllers), row_inches, **shared)
    counts = []
    for algorithm, line in zip(algorithms, panels):
        for controller, panel in zip(controllers, line):
            chosen = [run for run in runs if (run["controller"], run["algorithm"]) == (controller, algorithm)]
            panel.set_title(f"{controller}, {algorithm}" + ("" if chosen else ": no sessions"))
            if chosen:
                counts.append(len(chosen))
                draw(panel, chosen)
    canvas.supxlabel(SINCE, fontsize=8)
    return canvas, panels, counts


def overlay(results, value, label):
    """Every session a thin line, their mean a thick one. `value` as for `table`."""
    found = samples(results, results.chosen(**results.usual_traffic()))
    if not found:
        return None
    length = _length(found)

    def draw(panel, runs):
        starts, values = table(found, runs, value)
        for line in values:
            has = ~numpy.isnan(line)
            edges, heights = _steps(starts[has], line[has], length)
            thin = {"color": "0.6", "linewidth": 0.4, "alpha": 0.5, "rasterized": len(found) > MANY}
            panel.plot(edges, heights, drawstyle="steps-post", **thin)
        starts, values = _usual(starts, values)
        edges, heights = _steps(starts, numpy.nanmean(values, axis=0), length)
        panel.plot(edges, heights, drawstyle="steps-post", color="black", linewidth=1.4)
        panel.grid(axis="y")
        _trigger(panel)

    canvas, panels, counts = _each(results, found, 1.6, draw, sharex=True, sharey=True)
    every = [sample[value] for line in found.values() for sample in line.values()]
    note = from_low(panels, min(every), max(every))
    canvas.supylabel(label, fontsize=8)
    canvas.legend(
        [Line2D([], [], color="0.6", linewidth=0.6), Line2D([], [], color="black", linewidth=1.4)],
        ["a session", "mean of the sessions"],
        loc="upper center",
        ncols=2,
    )
    caption = (
        f"Samples of {length} ms of all sessions, whatever the network and the rules; n = {span(counts)} sessions a"
        " panel. Dotted line: the migration is asked for. The mean ends where fewer than half of the sessions have"
        " a sample."
        + note
    )
    return canvas, caption


def heat_map(results):
    """Bandwidth of each session over time, as shades."""
    found = samples(results, results.chosen(**results.usual_traffic()))
    if not found:
        return None
    length = _length(found)
    every = [sample[0] for line in found.values() for sample in line.values()]
    # Darker than a tenth below the greatest is only what lost that much.
    greatest = max(every) or 1
    least = min(min(every), 0.9 * greatest)
    images = []

    def draw(panel, runs):
        starts, values = table(found, runs, 0)
        whole = numpy.full((len(values), (starts[-1] - starts[0]) // length + 1), numpy.nan)
        whole[:, (starts - starts[0]) // length] = values
        extent = (starts[0], starts[-1] + length, len(values), 0)
        panel.patch.set(facecolor="white", edgecolor="0.8", hatch="xxxx")
        images.append(
            panel.imshow(
                numpy.ma.masked_invalid(whole),
                aspect="auto",
                interpolation="nearest",
                cmap="gray",
                vmin=least,
                vmax=greatest,
                extent=extent,
            )
        )
        _blocks(panel, runs)
        panel.axvline(0, color="black", linewidth=0.8, linestyle=(0, (1, 1)))
        panel.axvline(0, color="white", linewidth=0.8, linestyle=(1, (1, 1)))

    canvas, panels, counts = _each(results, found, 1.7, draw, sharex=True, legend_inches=0)
    canvas.colorbar(images[0], ax=panels, label="Mbit/s that arrived, both directions together", aspect=40, shrink=0.8)
    caption = (
        f"A line is a session, a field a sample of {length} ms; the darker, the less arrived. Sessions are ordered by"
        " switches in the network, then rules, then time. Crossed: no sample. Dotted line: the migration is asked for."
        f" n = {span(counts)} sessions a panel."
    )
    return canvas, caption


def _blocks(panel, runs):
    """Sessions from the top, those of one size of network together, with its name at their middle."""
    sizes = [run["switches"] for run in runs]
    names = sorted(set(sizes))
    firsts = [sizes.index(size) for size in names]
    for first in firsts[1:]:
        panel.axhline(first, color="0.5", linewidth=0.6)
    panel.set_yticks(
        [first + sizes.count(size) / 2 for first, size in zip(firsts, names)],
        [size_name(size) for size in names],
    )
    panel.tick_params(axis="y", length=0)
    panel.set_ylim(len(runs), 0)


def losses(results):
    """A mark for each packet that was lost, at the time at which it was sent."""
    runs = results.chosen(**results.usual_traffic())
    sessions = {run["session"]: run for run in runs}
    gaps = defaultdict(list)
    for row in results.of_runs("losses", "direction, count, at_ms", runs):
        gaps[row["session"]].append(row)
    if not gaps:
        return None
    lost = sum(row["count"] for rows in gaps.values() for row in rows)
    # A probe names its first 1,024 gaps.
    unnamed = sum(run["lost"] or 0 for run in runs) - lost

    def draw(panel, chosen):
        marks = {direction: ([], []) for direction in DIRECTIONS}
        for number, run in enumerate(chosen):
            for row in gaps.get(run["session"], ()):
                times, lines = marks[row["direction"]]
                times += packets(row, sessions[row["session"]])
                lines += [number + 0.5] * row["count"]
        for direction, (times, lines) in marks.items():
            if times:
                size = min(4, max(1, PANEL_POINTS / len(chosen)))
                look = {"linestyle": "none", "markersize": size, "rasterized": lost > MANY, **DIRECTIONS[direction]}
                panel.plot(times, lines, **look)
        _blocks(panel, chosen)
        _trigger(panel)

    canvas, panels, counts = _each(results, sessions, 1.7, draw, sharex=True)
    # The marks in the panels may be too small to be told apart.
    marks = [Line2D([], [], linestyle="none", markersize=5, **look) for look in DIRECTIONS.values()]
    canvas.legend(marks, [f"lost on the way {direction}" for direction in DIRECTIONS], loc="upper center", ncols=2)
    caption = (
        "Each mark is a packet that never came, at the time at which it was sent; a line is a session. Of a gap the"
        " first packet's time is known, the others are drawn as the rate has them. Sessions are ordered by switches"
        f" in the network, then rules, then time. Dotted line: the migration is asked for. n = {span(counts)}"
        f" sessions a panel; {lost:,} packets in {len(gaps):,} of {len(runs):,} sessions."
    )
    if unnamed > 0:
        caption += f" {unnamed:,} more packets were lost of which it isn't known when."
    return canvas, caption


def packets(gap, run):
    """When the packets of a gap were sent, in ms since the request. A flow is one of `rules` that take turns."""
    between_ms = 1000 * run["rules"] / run["rate"]
    return [gap["at_ms"] + number * between_ms for number in range(gap["count"])]


def delays(results):
    """How one-way delays are distributed: all of it above, the tail below."""
    rules = results.widest("rules", "switches")
    runs = results.chosen(**results.usual_traffic(), rules=rules)
    kinds = {run["session"]: (run["controller"], run["algorithm"]) for run in runs}
    counts = defaultdict(lambda: defaultdict(int))
    sessions = defaultdict(set)
    for row in results.of_runs("delays", "upper_us, count", runs):
        counts[kinds[row["session"]]][row["upper_us"]] += row["count"]
        sessions[kinds[row["session"]]].add(row["session"])
    if not counts:
        return None
    controllers = [one for one in results.controllers if any(kind[0] == one for kind in counts)]
    canvas, panels = grid(2, len(controllers), 2.0, sharex=True, sharey="row")
    in_order = sorted(counts.items(), key=lambda item: results.algorithms.index(item[0][1]))
    for (controller, algorithm), histogram in in_order:
        column = panels[:, controllers.index(controller)]
        _distribution(column, algorithm, histogram)
    for controller, (whole, tail) in zip(controllers, panels.T):
        whole.set_title(controller)
        whole.set_xscale("log")
        log_ticks(tail.xaxis)
        tail.set_yscale("log")
        tail.set_xlabel("µs of one-way delay (logarithmic)")
        for panel in (whole, tail):
            panel.grid()
    panels[0][0].set_ylabel("share of packets\nnot later")
    panels[1][0].set_ylabel("share of packets\nlater (logarithmic)")
    legend(canvas, panels)
    caption = (
        f"One-way delays of all packets that came, before, during and after the migration; {plural(rules, 'rule')}"
        f" in each direction, all networks. n = {span(len(found) for found in sessions.values())} sessions a line,"
        f" {sum(sum(one.values()) for one in counts.values()):,} packets in all. As exact as the probe's histogram."
    )
    return canvas, caption


def _distribution(column, algorithm, histogram):
    whole, tail = column
    uppers = numpy.array(sorted(histogram))
    reached = numpy.cumsum([histogram[upper] for upper in uppers])
    look = {**LINES.get(algorithm, {}), "markevery": max(1, len(uppers) // 8), "markersize": 3.5}
    whole.plot(uppers, reached / reached[-1], drawstyle="steps-post", label=algorithm, **look)
    # None is later than the last, and zero has no place on a logarithmic scale.
    tail.plot(uppers[:-1], 1 - reached[:-1] / reached[-1], drawstyle="steps-post", label=algorithm, **look)
