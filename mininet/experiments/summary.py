"""Numbers of a campaign: its runs, put into settings, and what a setting's runs were on average.

A run is a session that is done. Runs of one setting differ in nothing but the cycle and the topology: topologies with
the same number of switches are pooled.
"""

import json
import math
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass

from experiments.definition import ALGORITHMS, CONTROLLERS
from experiments.store import NotThere

RUNS = """
SELECT sessions.id AS session, sessions.*, controller, topology, algorithm, rules, rate, size,
    COALESCE(switches, 0) AS switches,
    plan_us + rules_us AS busy_us,
    total_us - plan_us - rules_us - wait_us AS other_us,
    delay_during_us - delay_before_us AS induced_us,
    total_us * 1.0 / NULLIF(floor_us, 0) AS total_over_floor,
    rules_us * 1.0 / NULLIF(floor_us, 0) AS rules_over_floor
FROM sessions JOIN definitions ON definition = definitions.id
WHERE campaign = ? AND status = 'done'
ORDER BY switches, rules, sessions.id
"""

ENDED = """
SELECT definitions.name, cycle, status, error FROM sessions JOIN definitions ON definition = definitions.id
WHERE campaign = ? AND status != 'done' ORDER BY sessions.id
"""


@dataclass(frozen=True)
class Statistic:
    """What `n` values were. `sd` is the sample's standard deviation, `None` of a single value; `p95` the 95th
    percentile by nearest rank, a value that was measured."""

    n: int
    mean: float
    sd: float | None
    p95: float
    least: float
    most: float
    total: float


def statistic(values):
    """The `Statistic` of these values but for those that are `None`, or `None` if there is no other."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    return Statistic(
        n=len(known),
        mean=statistics.fmean(known),
        sd=statistics.stdev(known) if len(known) > 1 else None,
        p95=known[math.ceil(0.95 * len(known)) - 1],
        least=known[0],
        most=known[-1],
        total=sum(known),
    )


@dataclass(frozen=True, order=True)
class Setting:
    """What runs that are compared have in common: switches in the network, rules on the source in each direction,
    packets/s in each direction, bytes of UDP payload."""

    switches: int
    rules: int
    rate: int
    size: int


@dataclass(frozen=True)
class Group:
    """The runs of one controller and algorithm in one setting."""

    controller: str
    algorithm: str
    setting: Setting
    runs: tuple

    def of(self, column):
        """The `Statistic` of a column, or `None` if it was measured in none of the runs."""
        return statistic(run[column] for run in self.runs)


class Results:
    """What a campaign has measured, read once; `NotThere` if there is no such campaign."""

    def __init__(self, store, campaign):
        rows = store.rows("SELECT * FROM campaigns WHERE id = ?", campaign)
        if not rows:
            raise NotThere(f"there is no campaign {campaign}")
        self.campaign = dict(rows[0])
        self.versions = json.loads(self.campaign["versions"])
        self.machine = json.loads(self.campaign["machine"])
        self.definitions = store.definitions(campaign)
        self.runs = store.rows(RUNS, campaign)
        self.not_done = store.rows(ENDED, campaign)
        self._store = store

    @property
    def failed(self):
        """The sessions that failed: `name` of the definition, `cycle`, `error`."""
        return [row for row in self.not_done if row["status"] == "failed"]

    @property
    def open(self):
        """How many sessions have not been tried to their end."""
        return sum(row["status"] != "failed" for row in self.not_done)

    @property
    def controllers(self):
        """Those with runs, godwit first."""
        return _in_order(CONTROLLERS, {run["controller"] for run in self.runs})

    @property
    def algorithms(self):
        """Those with runs, in the thesis's order."""
        return _in_order(ALGORITHMS, {run["algorithm"] for run in self.runs})

    def chosen(self, **wanted):
        """The runs whose columns are these."""
        return [run for run in self.runs if all(run[column] == value for column, value in wanted.items())]

    def groups(self):
        """All groups: by setting, then controller, then algorithm."""
        runs = defaultdict(list)
        for run in self.runs:
            setting = Setting(run["switches"], run["rules"], run["rate"], run["size"])
            runs[setting, run["controller"], run["algorithm"]].append(run)
        return [
            Group(controller, algorithm, setting, tuple(runs[setting, controller, algorithm]))
            for setting in sorted({setting for setting, _, _ in runs})
            for controller in self.controllers
            for algorithm in self.algorithms
            if (setting, controller, algorithm) in runs
        ]

    def usual_traffic(self):
        """The columns `rate` and `size` that most runs have; figures are of these runs."""
        (rate, size), _ = Counter((run["rate"], run["size"]) for run in self.runs).most_common(1)[0]
        return {"rate": rate, "size": size}

    def widest(self, fixed, varied):
        """The value of the column `fixed` for which most values of `varied` were measured under the usual traffic, the
        greatest of equals: with it fixed, a figure shows most."""
        values = defaultdict(set)
        for run in self.chosen(**self.usual_traffic()):
            values[run[fixed]].add(run[varied])
        return max(values, key=lambda value: (len(values[value]), value))

    def of_runs(self, table, columns, runs, rest=""):
        """Rows `session` and these columns of a table, for each of the runs. `rest` follows FROM and WHERE."""
        wanted = {run["session"] for run in runs}
        rows = self._store.rows(
            f"SELECT session, {columns} FROM {table} WHERE session IN (SELECT sessions.id FROM sessions"
            f" JOIN definitions ON definition = definitions.id WHERE campaign = ?) {rest}",
            self.campaign["id"],
        )
        return [row for row in rows if row["session"] in wanted]

    def phases(self, runs):
        """Phase -> its mean duration in microseconds; a run that didn't have it counts with zero. In order of time."""
        totals, positions = Counter(), {}
        for row in self.of_runs("phases", "name, position, duration_us", runs):
            totals[row["name"]] += row["duration_us"]
            positions[row["name"]] = max(row["position"], positions.get(row["name"], 0))
        return {name: totals[name] / len(runs) for name in sorted(totals, key=lambda name: (positions[name], name))}


def _in_order(order, names):
    return [name for name in order if name in names] + sorted(names - set(order))
