"""What a campaign's numbers say, as sentences. Each is made from the numbers, so that it is true of any campaign."""

from experiments.checks import THESIS_US, steps
from experiments.panels import plural, size_name, span
from experiments.summary import statistic


def meaning(results):
    """What the numbers mean for someone who wants to migrate a switch."""
    return [*_clone(results), *_losing(results), *_waiting(results), *_latency(results)]


def _clone(results):
    runs = [run for run in results.chosen(controller="godwit", algorithm="clone") if run["lost"] is not None]
    if not runs:
        return
    with_loss = [run for run in runs if run["lost"]]
    sent = sum(run["sent"] or 0 for run in runs)
    if with_loss:
        yield (
            f"Godwit's clone lost packets in {len(with_loss):,} of {plural(len(runs), 'session')}:"
            f" {sum(run['lost'] for run in with_loss):,} of {sent:,} in all."
        )
        return
    sentence = f"Godwit's clone lost none of {sent:,} packets in {plural(len(runs), 'session')}."
    if len(runs) > 3:
        # The rule of three: (1 - p)^n = 0.05 has p below 3/n.
        sentence += (
            f" If sessions are alike and independent, that is 95 % confidence that fewer than {300 / len(runs):.2g}"
            " % of such migrations lose any."
        )
    yield sentence


def _losing(results):
    """A loss in packets is a time without a path at this rate, and a share of a 1 s sample."""
    for algorithm in results.algorithms:
        runs = results.chosen(controller="godwit", algorithm=algorithm, **results.usual_traffic())
        lost = statistic(run["lost"] for run in runs)
        if lost is None or not lost.total:
            continue
        rate = 2 * results.usual_traffic()["rate"]
        yield (
            f"Godwit's {algorithm} lost {lost.mean:.1f} packets a session on average and {lost.most:,} at worst, over"
            f" {plural(lost.n, 'session')} at {rate // 2:,} packets/s in each direction. That is what is sent in"
            f" {1000 * lost.mean / rate:.2g} ms, or {100 * lost.mean / rate:.2g} % of a sample of one second."
        )


def _waiting(results):
    for algorithm in results.algorithms:
        runs = results.chosen(controller="godwit", algorithm=algorithm)
        total, waited = (statistic(run[column] for run in runs) for column in ("total_us", "wait_us"))
        if total and waited and total.mean and waited.mean > total.mean / 2:
            yield (
                f"{100 * waited.mean / total.mean:.0f} % of the time of godwit's {algorithm} is waiting: for packets"
                " under way, for caches, for counters that lag. It writes no rules meanwhile."
            )


def _latency(results):
    for controller in results.controllers:
        for algorithm in results.algorithms:
            induced = statistic(run["induced_us"] for run in results.chosen(controller=controller, algorithm=algorithm))
            if induced:
                more = "more" if induced.mean >= 0 else "less"
                yield (
                    f"While {controller}'s {algorithm} ran, packets took {abs(induced.mean):,.0f} µs {more} than"
                    f" before on average, over {plural(induced.n, 'session')}."
                )


def reasons(results):
    """For each two neighbours of the thesis's order that came out the other way round: by how much, and in what."""
    told = []
    for step in steps(results):
        if step.held:
            continue
        more, less = step.means
        difference = more - less
        if not difference:
            told.append(f"{_where(step)}, {step.first} and {step.second} took the same time.")
            continue
        grown = {name: before - after for name, (before, after) in step.phases.items()}
        phase = max(grown, key=grown.get, default=None)
        sentence = (
            f"{_where(step)}, {step.first} took {more / 1000:.2f} ms and {step.second} {less / 1000:.2f} ms:"
            f" {difference / 1000:.2f} ms more, not less. Planning makes {_more(step.plan)} of it, writing rules"
            f" {_more(step.rules)}."
        )
        if phase is not None and grown[phase] > 0:
            before, after = (took / 1000 for took in step.phases[phase])
            sentence += f" The phase that differs most is {phase}: {before:.2f} ms against {after:.2f} ms."
        told.append(sentence + _clear(step))
    return told


def _where(step):
    setting = step.setting
    numbers = span(step.n)
    return f"With {size_name(setting.switches)} and {plural(setting.rules, 'rule')} (n = {numbers})"


def _more(pair):
    return f"{(pair[0] - pair[1]) / 1000:+.2f} ms"


def _clear(step):
    if step.clear is None:
        return " A single run says nothing of how much of that is chance."
    if step.clear:
        return " The means are farther apart than two standard errors of their difference."
    return " The means are no farther apart than two standard errors of their difference: it may be chance."


def beside_thesis(results):
    """What the thesis reported has its counterpart here, as rows: what, the thesis, here."""
    godwit = results.chosen(controller="godwit")
    took = statistic(run["total_us"] for run in godwit)
    induced = [
        (algorithm, statistic(run["induced_us"] for run in godwit if run["algorithm"] == algorithm))
        for algorithm in results.algorithms
    ]
    lost = statistic(run["lost"] for run in godwit if run["algorithm"] == "clone")
    sizes = f"{span(run['switches'] for run in godwit)} switches"
    runs = [len(group.runs) for group in results.groups() if group.controller == "godwit"]
    below = sum(run["total_us"] is not None and run["total_us"] < THESIS_US for run in godwit)
    missing = "not measured"
    times = took and f"{took.least / 1000:,.1f} to {took.most / 1000:,.1f} ms"
    latencies = "; ".join(f"{algorithm} {one.mean:,.0f} µs" for algorithm, one in induced if one)
    short = took and f"{times}; {below:,} of {took.n:,} under 100 ms"
    return [
        ("networks", "random, 25, 50 and 100 nodes, 3 links a node on average", sizes if godwit else missing),
        ("runs of each", "100", span(runs) if godwit else missing),
        ("migration time, however many rules", "under 100 ms", short or missing),
        ("induced latency", "hundreds of microseconds", f"means: {latencies}" if latencies else missing),
        ("loss with clone", "none", f"{lost.total:,} packets in {plural(lost.n, 'session')}" if lost else missing),
        ("how loss was measured", "iperf UDP, samples of 1 s", "sequence numbers: every packet is accounted for"),
    ]


def beside_peer(ratios):
    """Sentences on godwit beside os-ken, of `tables.ratios`."""
    for what, column in (("the whole migration", "time"), ("planning and writing rules", "busy")):
        known = [getattr(ratio, column) for ratio in ratios if getattr(ratio, column) is not None]
        if known:
            less = sum(value < 1 for value in known)
            yield (
                f"For {what}, godwit took less time than os-ken in {less:,} of {plural(len(known), 'setting')}; the"
                f" ratio is {min(known):.2f} at least and {max(known):.2f} at most."
            )
    lost = [(ratio.ours.of("lost"), ratio.theirs.of("lost")) for ratio in ratios]
    lost = [(ours.mean, theirs.mean) for ours, theirs in lost if ours and theirs]
    if lost:
        less, same = sum(ours < theirs for ours, theirs in lost), sum(ours == theirs for ours, theirs in lost)
        yield (
            f"Godwit lost fewer packets than os-ken in {less:,} of {plural(len(lost), 'setting')}, as many in"
            f" {same:,}, and more in {len(lost) - less - same:,}."
        )
