"""What is expected of the migrations, and whether the data of a campaign bear it out."""

import math
from collections import defaultdict
from dataclasses import dataclass

from experiments.controllers import WAITING
from experiments.definition import ALGORITHMS
from experiments.panels import plural, size_name
from experiments.summary import Setting, statistic

HELD = "held"
NOT_HELD = "not held"
NOT_MEASURED = "not measured"

# Migration of Networks, Lisbon 2021: every migration took less.
THESIS_US = 100_000


@dataclass(frozen=True)
class Check:
    """An expectation, its verdict, and the numbers behind it as a sentence."""

    expectation: str
    verdict: str
    detail: str


def checks(results):
    """All checks of a campaign."""
    return [*promises(results), _order(results), *_below_the_thesis(results)]


def promises(results):
    """What godwit promises of `clone`, whatever the machine."""
    clone = results.chosen(controller="godwit", algorithm="clone")
    return [
        _none(clone, "lost", "godwit's clone loses no packet", "packet"),
        _none(clone, "duplicates", "godwit's clone duplicates no packet", "packet"),
        _none(clone, "counter_error", "godwit's counters are exact after clone", "packet"),
    ]


def _none(runs, column, expectation, noun):
    known = [run for run in runs if run[column] is not None]
    if not known:
        return Check(expectation, NOT_MEASURED, "No session has measured it.")
    wrong = [run[column] for run in known if run[column]]
    sessions = plural(len(known), "session")
    if not wrong:
        sent = sum(run["sent"] or 0 for run in known)
        return Check(expectation, HELD, f"None in {sessions} with {sent:,} packets sent.")
    worst = max(wrong, key=abs)
    return Check(expectation, NOT_HELD, f"Not so in {len(wrong):,} of {sessions}; at worst {worst:,} {noun}s.")


@dataclass(frozen=True)
class Step:
    """Two algorithms that follow each other in the thesis's order, in one setting of godwit's: their mean times of
    planning and writing rules in microseconds, by column, and by phase. Their sum shall grow."""

    setting: Setting
    first: str
    second: str
    n: tuple
    means: tuple
    plan: tuple
    rules: tuple
    phases: dict
    # The sample's standard deviations, or `None` of a single run.
    spreads: tuple

    @property
    def held(self):
        """Whether the first took less on average."""
        return self.means[0] < self.means[1]

    @property
    def clear(self):
        """Whether the means are farther apart than two standard errors of their difference; `None` if one is of a
        single run."""
        if None in self.spreads:
            return None
        error = math.sqrt(sum(spread**2 / n for spread, n in zip(self.spreads, self.n)))
        return abs(self.means[1] - self.means[0]) > 2 * error


def steps(results):
    """The steps for which both algorithms were measured."""
    groups = {(group.setting, group.algorithm): group for group in results.groups() if group.controller == "godwit"}
    found = []
    for setting in sorted({setting for setting, _ in groups}):
        for first, second in zip(ALGORITHMS, ALGORITHMS[1:]):
            pair = [groups.get((setting, algorithm)) for algorithm in (first, second)]
            if all(group is not None and group.of("busy_us") for group in pair):
                found.append(_step(results, setting, first, second, pair))
    return found


def _step(results, setting, first, second, pair):
    busy = [group.of("busy_us") for group in pair]
    phases = [results.phases(group.runs) for group in pair]
    names = [name for name in {**phases[0], **phases[1]} if name not in WAITING]
    return Step(
        setting=setting,
        first=first,
        second=second,
        n=tuple(one.n for one in busy),
        means=tuple(one.mean for one in busy),
        plan=tuple(group.of("plan_us").mean for group in pair),
        rules=tuple(group.of("rules_us").mean for group in pair),
        phases={name: tuple(one.get(name, 0) for one in phases) for name in names},
        spreads=tuple(one.sd for one in busy),
    )


ORDER = " < ".join(ALGORITHMS)


def _order(results):
    expectation = f"{ORDER} in planning and writing rules, on average (godwit)"
    found = steps(results)
    if not found:
        return Check(expectation, NOT_MEASURED, "No setting has two algorithms that follow each other.")
    wrong = [step for step in found if not step.held]
    compared = f"{plural(len(found), 'comparison')} of neighbours in one setting"
    told = f"Not so in {len(wrong):,} of {compared}." if wrong else f"So in all of {compared}."
    return Check(expectation, NOT_HELD if wrong else HELD, " ".join([told, *_run_by_run(results)]))


def _run_by_run(results):
    """How often a run took less than the next algorithm's of the same topology, rules, traffic and cycle."""
    times = defaultdict(dict)
    for run in results.chosen(controller="godwit"):
        if run["busy_us"] is not None:
            same = tuple(run[column] for column in ("topology", "rules", "rate", "size", "cycle"))
            times[same][run["algorithm"]] = run["busy_us"]
    for first, second in zip(ALGORITHMS, ALGORITHMS[1:]):
        pairs = [(took[first], took[second]) for took in times.values() if first in took and second in took]
        if pairs:
            less = sum(one < other for one, other in pairs)
            yield f"Run by run, {first} took less than {second} in {less:,} of {plural(len(pairs), 'pair')}."


def _below_the_thesis(results):
    """For each algorithm and size of network, with the fewest rules: the thesis had one pair of hosts."""
    found = []
    runs = [run for run in results.chosen(controller="godwit") if run["total_us"] is not None]
    for switches in sorted({run["switches"] for run in runs}):
        rules = min(run["rules"] for run in runs if run["switches"] == switches)
        where = f"at {size_name(switches)} with {plural(rules, 'rule')}"
        setting = (switches, rules)
        for algorithm in results.algorithms:
            here = [run for run in runs if (run["switches"], run["rules"], run["algorithm"]) == (*setting, algorithm)]
            if here:
                found.append(_below(f"godwit's {algorithm} {where} takes less than 100 ms", here))
    return found or [Check("every migration takes less than 100 ms", NOT_MEASURED, "Godwit has migrated nothing.")]


def _below(expectation, runs):
    took, waited = (statistic(run[column] for run in runs) for column in ("total_us", "wait_us"))
    longer = sum(run["total_us"] >= THESIS_US for run in runs)
    detail = f"Mean {took.mean / 1000:.1f} ms"
    if waited:
        detail += f", {waited.mean / 1000:.1f} ms of it waiting"
    detail += f"; longest {took.most / 1000:.1f} ms; {longer:,} of {plural(took.n, 'session')} took 100 ms or more."
    return Check(expectation, HELD if longer == 0 else NOT_HELD, detail)
