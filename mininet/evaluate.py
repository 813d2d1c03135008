"""The whole evaluation with one command: measure, draw, and write a report.

    evaluate.py [--full] [--resume] [--to DIRECTORY]

Quick unless `--full`: 5 migrations of each kind, in a quarter of an hour; `--full` makes 100 of each, in an hour and a
half. In the directory, target/evaluation unless it is given: results.sqlite, samples.csv, the figures, and report.html,
which is whole by itself.
"""

import argparse
import os
import sqlite3
import sys

import campaign
import interrupts
from experiments import checks, figures, report
from experiments.definition import BadDefinition, parse
from experiments.store import NotThere, Store
from experiments.summary import Results
from processes import PROJECT, CommandFailed

FORMS = {form: os.path.join(PROJECT, "mininet", "experiments", f"evaluation-{form}.toml") for form in ("quick", "full")}


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="100 migrations of each kind")
    parser.add_argument("--resume", action="store_true", help="go on with an evaluation that was interrupted")
    parser.add_argument("--to", metavar="DIRECTORY", default=os.path.join(PROJECT, "target", "evaluation"))
    options = parser.parse_args(arguments)
    interrupts.install()
    try:
        with open(FORMS["full" if options.full else "quick"], encoding="utf-8") as file:
            return evaluate(file.read(), options.resume, options.to)
    except interrupts.Interrupted as interruption:
        print("interrupted; `make evaluate RESUME=1` goes on, with FULL=1 if that was given", file=sys.stderr)
        return interruption.exit_code
    except (BadDefinition, CommandFailed, NotThere, OSError, sqlite3.Error) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1


def evaluate(definition, resume, directory):
    """Measure the campaign that a text defines, and write everything into the directory: 0 when every session is done and
    every promise was kept."""
    file_of_results = os.path.join(directory, "results.sqlite")
    code = campaign.measure(definition, file_of_results, resume, retry_failed=resume)
    with Store(file_of_results) as store:
        identifier = store.campaign(parse(definition).name)["id"]
        with open(os.path.join(directory, "samples.csv"), "w", encoding="utf-8", newline="") as file:
            store.export(identifier, file)
        results = Results(store, identifier)
        path = os.path.join(directory, "report.html")
        report.write(store, identifier, path, figures.draw_results(results, directory))
        broken = [check for check in checks.promises(results) if check.verdict != checks.HELD]
    for check in broken:
        print(f"{check.verdict}: {check.expectation}: {check.detail}", file=sys.stderr)
    print(path)
    return 1 if broken else code


if __name__ == "__main__":
    sys.exit(main())
