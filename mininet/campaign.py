"""Campaigns: many migrations, measured, kept in a file, and drawn.

    campaign.py run FILE.toml [--resume]     measure what the file defines (mininet/experiments/definition.py says how)
    campaign.py list | show | export | plot  what has been measured

Runs for hours by itself. A session that fails is recorded and the next one begins on a new network. Ctrl-C, or a machine
that goes down, loses the session that was running: `--resume` goes on with it.
"""

import argparse
import fcntl
import json
import os
import signal
import sqlite3
import sys
from contextlib import contextmanager

import interrupts
from experiments import runner
from experiments.definition import BadDefinition, parse
from experiments.place import built, place_in
from experiments.store import NotThere, Store
from experiments.surroundings import surroundings
from processes import PROJECT, CommandFailed

# Of those that failed for the same reason.
FAILURES_NAMED = 3

RESULTS = os.path.join(PROJECT, "target", "campaigns.sqlite")


def main(arguments=None):
    """The command line."""
    options = _parser().parse_args(arguments)
    interrupts.install()
    try:
        code = options.command(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever reads, as `head` does, has had enough. What is left is thrown away, when Python ends, too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except interrupts.Interrupted as interruption:
        print("interrupted; `--resume` goes on", file=sys.stderr)
        return interruption.exit_code
    except (BadDefinition, CommandFailed, NotThere, OSError, UnicodeDecodeError, sqlite3.Error) as error:
        print(f"campaign: {error}", file=sys.stderr)
        return 1


def _parser():
    parser = argparse.ArgumentParser(
        prog="campaign.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name, function, text, campaign=True):
        one = commands.add_parser(name, help=text, description=text)
        one.add_argument("--results", default=RESULTS, metavar="PATH", help="of results (target/campaigns.sqlite)")
        if campaign:
            one.add_argument("campaign", nargs="?", help="its name or number; the latest unless it is given")
        one.set_defaults(command=function)
        return one

    run = command("run", _run, "measure what a file defines", campaign=False)
    run.add_argument("file", metavar="FILE.toml")
    run.add_argument("--resume", action="store_true", help="go on with the latest campaign of this file")
    run.add_argument("--retry-failed", action="store_true", help="with --resume: try failed sessions again")
    run.add_argument("--cycles", type=int, help="measure each so often in a new campaign, whatever the file says")
    command("list", _list, "all campaigns, and how far they are", campaign=False)
    command("show", _show, "a campaign's definitions and what was measured")
    export = command("export", _export, "a campaign as CSV, one row a sample of 100 ms")
    export.add_argument("--output", "-o", metavar="PATH", help="standard output unless it is given")
    plot = command("plot", _plot, "a campaign's figures, as SVG and PNG, and its report")
    plot.add_argument("--to", metavar="DIRECTORY", help="target/figures/NAME unless it is given")
    return parser


def _run(options):
    if options.retry_failed and not options.resume:
        raise BadDefinition("--retry-failed goes with --resume")
    if options.cycles is not None and options.resume:
        raise BadDefinition("--cycles is for a new campaign: it doesn't go with --resume")
    with open(options.file, encoding="utf-8") as file:
        text = file.read()
    return measure(text, options.results, options.resume, options.retry_failed, options.cycles)


def measure(text, results, resume=False, retry_failed=False, cycles=None):
    """Measure a campaign into the file `results`: an exit code, 0 when every session is done. `text` is its definition."""
    campaign = parse(text)
    if cycles is not None:
        campaign = campaign.repeated(cycles)
    for one in {one.block: one for one in campaign.definitions}.values():
        place_in(built(one.topology), one.source, one.target)
    if os.geteuid() != 0:
        raise CommandFailed("a campaign makes network namespaces: run it as root")
    os.makedirs(os.path.dirname(os.path.abspath(results)), exist_ok=True)
    with Store(results) as store, _alone(results):
        here = surroundings()
        identifier = _resumed(store, campaign, text, here, retry_failed) if resume else None
        if identifier is None:
            identifier = store.begin(campaign, text, here)
        failed = runner.run(store, identifier)
        counts = store.numbered(identifier)["sessions"]
        print(f"{campaign.name}: {_counts(counts)}; in {results}", file=sys.stderr)
    return 1 if failed or counts.get("failed") else 0


def _resumed(store, campaign, text, here, retry_failed):
    """The campaign to go on with. None if this file has not been measured yet. What is in one campaign was measured by the
    same programs on the same machine, or it could not be compared."""
    found = [one for one in store.campaigns() if one["name"] == campaign.name]
    if not found:
        return None
    latest = found[-1]
    if latest["file"] != text:
        raise BadDefinition(f"{campaign.name}: its file has changed since it was begun; run it without --resume")
    then = {"git_revision": latest["git_revision"], **{key: json.loads(latest[key]) for key in ("versions", "machine")}}
    other = [key.replace("_", " ") for key in then if then[key] != here[key]]
    if other:
        what = " and ".join(other)
        raise BadDefinition(f"{campaign.name}: it was begun with another {what}; run it without --resume")
    store.reopen(latest["id"], retry_failed)
    return latest["id"]


@contextmanager
def _alone(results):
    """Nobody else measures into this file meanwhile. In a file beside it: to close the results themselves would drop
    SQLite's locks on them."""
    with open(f"{results}.lock", "w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandFailed(f"another campaign is being measured into {results}") from None
        yield


@contextmanager
def _stored(options):
    if not os.path.isfile(options.results):
        raise NotThere(f"{options.results}: nothing has been measured into it")
    with Store(options.results) as store:
        yield store


def _list(options):
    with _stored(options) as store:
        rows = [
            (str(one["id"]), one["name"], one["started_at"], one["finished_at"] or "not finished", _counts(one["sessions"]))
            for one in store.campaigns()
        ]
    _print_table(("", "name", "started", "finished", "sessions"), rows)
    return 0


def _counts(sessions):
    return ", ".join(f"{sessions[state]} {state}" for state in ("done", "failed", "running", "pending") if sessions.get(state))


def _show(options):
    with _stored(options) as store:
        campaign = store.campaign(options.campaign)
        print(f"{campaign['name']}: {campaign['description']}")
        print(f"seed {campaign['seed']}, revision {campaign['git_revision']}")
        for title in ("versions", "machine"):
            print(f"{title}: {', '.join(f'{name} {value}' for name, value in json.loads(campaign[title]).items())}")
        sessions = store.sessions(campaign["id"])
        rows = []
        for definition in store.definitions(campaign["id"]):
            mine = [one for one in sessions if one["definition"] == definition["id"]]
            done = [one for one in mine if one["status"] == "done"]
            rows.append((definition["name"], f"{len(done)} / {len(mine)}", *_measured(done)))
        _print_table(("definition", "done", "mean total", "lost", "duplicated", "counter error"), rows)
        for error, failed in _failures(sessions).items():
            cycles = ", ".join(f"{one['name']} cycle {one['cycle']}" for one in failed[:FAILURES_NAMED])
            print(f"failed: {len(failed)} ({cycles}{', …' if len(failed) > FAILURES_NAMED else ''}): {error}")
    return 0


def _failures(sessions):
    """The sessions that failed for each reason."""
    found = {}
    for one in sessions:
        if one["status"] == "failed":
            found.setdefault(one["error"], []).append(one)
    return found


def _measured(done):
    if not done:
        return ("", "", "", "")
    mean_ms = sum(one["total_us"] for one in done) / len(done) / 1000
    sums = (sum(one["lost"] for one in done), sum(one["duplicates"] for one in done))
    return (f"{mean_ms:,.1f} ms", *(f"{one:,}" for one in sums), f"{sum(abs(one['counter_error']) for one in done):,}")


def _print_table(headings, rows):
    widths = [max(len(line[column]) for line in (headings, *rows)) for column in range(len(headings))]
    for line in (headings, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def _export(options):
    with _stored(options) as store:
        identifier = store.campaign(options.campaign)["id"]
        if options.output is None:
            store.export(identifier, sys.stdout)
        else:
            with open(options.output, "w", encoding="utf-8", newline="") as file:
                store.export(identifier, file)
    return 0


def _plot(options):
    with _stored(options) as store:
        campaign = store.campaign(options.campaign)
        # Matplotlib takes a second to load, which the other commands needn't wait for.
        from experiments import figures, report  # pylint: disable=import-outside-toplevel

        directory = options.to or os.path.join(PROJECT, "target", "figures", campaign["name"])
        os.makedirs(directory, exist_ok=True)
        drawn = figures.draw(store, campaign["id"], directory)
        path = os.path.join(directory, "report.html")
        report.write(store, campaign["id"], path, drawn)
        for figure in drawn:
            print(figure.png_path)
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
