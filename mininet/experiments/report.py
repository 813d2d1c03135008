"""The report of a campaign: one HTML file that holds everything, its figures included, and loads nothing.

What it says of results is made from the store, by `checks`, `findings` and `tables`; what is written here is how
campaigns are measured, which is the same for all.
"""

import base64
import os
import tempfile
from html import escape
from pathlib import Path
from string import Template

from experiments import figures, findings, tables
from experiments.checks import checks
from experiments.definition import BadDefinition, parse
from experiments.panels import plural, span
from experiments.session import FINE_MS
from experiments.summary import Results

STYLE = Path(__file__).with_name("report.css")

PAGE = Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>$title</title>
<style>
$style</style>
</head>
<body>
<h1>$title</h1>
$body
</body>
</html>
"""
)

THESIS = (
    "The thesis is Migration of Networks (Lisbon 2021): the same three algorithms on Floodlight and Mininet, with"
    " two hosts on different switches. It saw loss in samples of one second, in which 20 lost packets can't be"
    " seen. What is said of it here is what it reports; it was not run again, and it was run on another machine."
)

ORDER = (
    "Godwit's freeze-copy and move take route by route: its rule is removed at the source, its new rules are"
    " installed, and each step is confirmed before the next route's turn, so that a route is cut only while its own"
    " rules are written. freeze-copy puts every rule of the new path there anew, move writes only those that differ"
    " from the old path's. Clone cuts none, and writes the rules of all routes together, each switch's in one write."
)
COUNTERS = (
    "The counter error is what the controller says that source and target have forwarded, less what the hosts"
    " received. freeze-copy begins to count anew, so that what the source had counted is its error. Open vSwitch"
    " credits cached traffic to a rule up to half a second late: whoever reads the source's counters, or believes the"
    " numbers in FLOW_REMOVED, misses what was forwarded since, as a small os-ken application does. Godwit's clone waits"
    " until the source is at rest and has caught up. Packets that were counted and then lost make an error above zero."
)


def write(store, campaign, path, drawn=None):
    """Writes the report of a campaign to `path`, whole or not at all. `drawn` are its figures as `figures.draw`
    returned them, which are drawn for it otherwise. `NotThere` if there is no such campaign, `OSError` if it can't be
    written."""
    results = Results(store, campaign)
    with tempfile.TemporaryDirectory(prefix="godwit-report-") as directory:
        if drawn is None:
            drawn = figures.draw_results(results, directory)
        text = page(results, drawn)
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def page(results, drawn):
    """The report as HTML."""
    groups = results.groups()
    sections = (
        ("", _opening(results)),
        ("What was expected, and what was found", _checks(results)),
        ("What it means", _list(findings.meaning(results)) or _say("Nothing was measured that could mean anything.")),
        ("How it was measured", _method(results)),
        ("Tables", _tables(results, groups)),
        ("Figures", _figures(drawn)),
        ("The order of the algorithms", _order(results)),
        ("Beside the thesis", _thesis(results)),
        ("Beside the peer", _peer(results, groups)),
        ("What was not measured", _limits(results)),
        ("The definition", f"<pre>{escape(results.campaign['file'])}</pre>"),
    )
    body = "\n".join(f"<h2>{escape(name)}</h2>\n{text}" if name else text for name, text in sections)
    title = escape(f"Campaign {results.campaign['name']}")
    return PAGE.substitute(title=title, style=STYLE.read_text(encoding="utf-8"), body=body)


def _say(*sentences):
    return "".join(f"<p>{escape(sentence)}</p>\n" for sentence in sentences)


def _list(sentences):
    items = "".join(f"<li>{escape(sentence)}</li>\n" for sentence in sentences)
    return f"<ul>\n{items}</ul>\n" if items else ""


def _wide(table):
    return f'<div class="wide">{table}</div>\n'


def _opening(results):
    campaign = results.campaign
    ended = f"ended {campaign['finished_at']}" if campaign["finished_at"] else "has not ended"
    sentences = [campaign["description"]] if campaign["description"] else []
    return _say(*sentences, f"Sessions: {_counts(results)}. The campaign began {campaign['started_at']} and {ended}.")


def _counts(results):
    return f"{len(results.runs):,} done, {len(results.failed):,} failed, {results.open:,} not tried to the end"


def _checks(results):
    rows = "".join(
        f'<tr><td>{escape(check.expectation)}</td><td class="verdict">{escape(check.verdict)}</td>'
        f"<td>{escape(check.detail)}</td></tr>\n"
        for check in checks(results)
    )
    head = "<thead><tr><th>expected</th><th>verdict</th><th>numbers</th></tr></thead>"
    return f"<table>{head}\n<tbody>\n{rows}</tbody></table>\n"


def _method(results):
    campaign, machine = results.campaign, results.machine
    cycles = span(row["cycles"] for row in results.definitions)
    told = [
        ("machine", ", ".join(_fact(name, value) for name, value in machine.items())),
        ("versions", ", ".join(f"{name} {version}" for name, version in results.versions.items())),
        ("git revision", campaign["git_revision"]),
        ("seed", str(campaign["seed"])),
        ("began", campaign["started_at"]),
        ("ended", campaign["finished_at"] or "it has not"),
        ("topologies", ", ".join(sorted({row["topology"] for row in results.definitions})) or "none"),
        ("definitions", f"{len(results.definitions):,}, of {cycles} cycles each"),
        ("sessions", _counts(results)),
    ]
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>\n" for name, value in told)
    return f"<dl>\n{facts}</dl>\n{_sentences()}{_traffic(results)}{tables.failures(results) if results.failed else ''}"


def _fact(name, value):
    if name.endswith("_bytes") and isinstance(value, int):
        return f"{name.removesuffix('_bytes')} {value / 2**30:.1f} GiB"
    return f"{name.replace('_', ' ')} {value}"


def _sentences():
    return _say(
        "A session is one migration of a switch's work to another switch, under UDP traffic with sequence numbers"
        " in both directions between two hosts. The hosts' probes tell which packets were lost, came twice or came"
        " late, and when. Times of phases are the controller's own; the time seen from outside is the experiment's."
        " Delays are one-way: sender and receiver read the same clock. Those during a migration are of the samples of"
        f" {FINE_MS} ms in which it ran: where it was shorter, packets from just before and after it are among them.",
        "Networks are Mininet's, their switches Open vSwitch with its userspace datapath. Topologies with the same"
        " number of switches are pooled. Standard deviations are the sample's.",
    )


def _defined(results):
    """The definitions of the campaign's file; none if it can't be read any more."""
    try:
        return parse(results.campaign["file"]).definitions
    except BadDefinition:
        return ()


def _traffic(results):
    """How long the traffic lasts beside the migration, by the campaign's file."""
    definitions = _defined(results)
    if not definitions:
        return ""
    lead, tail = (span(getattr(one, name) for one in definitions) for name in ("lead_s", "tail_s"))
    return _say(
        f"Traffic begins {lead} s before the migration is asked for and ends {tail} s after its end. Before it the"
        " routes are made anew, all through the source; the first migration on a network isn't measured. Within a"
        " network the kinds of migrations take turns, in an order that the seed shuffles."
    )


def _tables(results, groups):
    if not groups:
        return _say("No session is done: there is nothing to put into tables.")
    made = (tables.times(groups), tables.packets(groups), tables.changes(groups), tables.phases(results))
    told = "".join(_wide(table) for table in made if table)
    return told + (_say(COUNTERS) if "godwit" in results.controllers else "")


def _figures(drawn):
    parts = [_figure(number, figure) for number, figure in enumerate(drawn, start=1)]
    missing = figures.left_out(drawn)
    if missing:
        parts.append(_say(f"Left out, since nothing was measured for them: {', '.join(missing)}."))
    return "\n".join(parts)


def _figure(number, figure):
    # As an image each keeps its own names: those of glyphs and clips would collide in one document.
    data = base64.b64encode(figure.svg_path.read_bytes()).decode()
    title = escape(f"Figure {number}: {figure.title}.")
    image = f'<img alt="{escape(figure.title)}" src="data:image/svg+xml;base64,{data}">'
    return f"<figure>\n{image}\n<figcaption><b>{title}</b> {escape(figure.caption)}</figcaption>\n</figure>"


def _order(results):
    order = next(check for check in checks(results) if "<" in check.expectation)
    told = _say(f"Expected, as in the thesis: {order.expectation}. {order.verdict.capitalize()}. {order.detail}")
    reasons = findings.reasons(results)
    if reasons:
        told += _say(ORDER, "Where the order is another, this is what the phases say of the reason:") + _list(reasons)
    return told


def _thesis(results):
    told = _say(THESIS) + tables.table(("what", "thesis", "here, godwit"), findings.beside_thesis(results))
    return told + (tables.by_size(results) if results.runs else "")


def _peer(results, groups):
    found = tables.ratios(groups)
    if not found:
        measured = ", ".join(results.controllers) or "none"
        return _say(f"In no setting both godwit and os-ken were measured. Controllers with results: {measured}.")
    return (
        _say(
            "The peer is a small os-ken application with the same three algorithms, on the same networks under the same"
            " traffic. Both were measured in one campaign on one machine; on another the ratios may be others."
        )
        + _list(findings.beside_peer(found))
        + _wide(tables.beside(found))
    )


def _limits(results):
    processors = results.machine.get("processors")
    shared = f"{plural(processors, 'processor')}" if isinstance(processors, int) else "the processors"
    told = [
        f"One machine: switches, controller, hosts and probes share {shared}. Times hold for this machine.",
        "Open vSwitch's userspace datapath: how long hardware takes to install rules, and how it counts, was not seen.",
        "Links have no errors of their own, and no other work moves in the network while a migration runs.",
    ]
    separate = {definition.separate for definition in _defined(results)}
    if separate == {True}:
        told.append("The source has an ovs-vswitchd of its own; all other switches share one, and its threads.")
    elif separate == {False}:
        told.append("All switches share one ovs-vswitchd, and its threads.")
    for name, group in (("algorithm", results.algorithms), ("controller", results.controllers)):
        if len(group) == 1:
            told.append(f"Only one {name} has results: {group[0]}.")
    if not results.runs:
        told.append("No session is done.")
    elif results.not_done:
        told.append(f"{plural(len(results.not_done), 'session')} of the campaign's have no result.")
    return _list(told)
