"""Measures the sessions of one block, in a lab of its own: `python3 -m experiments.worker`.

One JSON object a line. On standard input first the definition whose network is to be built, then one order a session,
`{"definition": {…}, "with_floor": true}`; on standard output `{"ready": {…}}`, and for each order `{"done": {…}}`,
the rows for the store, or `{"failed": "why"}`. Ends with its standard input.
"""

import json
import os
import sys

import requests

import interrupts
from controller import Refused
from experiments import os_ken
from experiments.definition import BadDefinition, Definition
from experiments.session import Failed
from experiments.stage import Stage
from open_vswitch import Service
from processes import CommandFailed

EXPECTED = (
    *(BadDefinition, CommandFailed, Failed, Refused, os_ken.Refused),
    *(OSError, RuntimeError, TimeoutError, AssertionError, requests.RequestException),
)

LINES_SAID = 8


def main():
    """Orders in, answers out."""
    interrupts.install()
    # Whatever else writes to standard output goes where the errors go.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(**what):
        print(json.dumps(what), file=answers, flush=True)

    try:
        first = Definition(**json.loads(sys.stdin.readline()))
        with Service(), Stage(first) as stage:
            stage.warm_up(first)
            answer(ready=stage.described())
            for line in sys.stdin:
                order = json.loads(line)
                try:
                    done = stage.measure(Definition(**order["definition"]), order["with_floor"])
                except EXPECTED as error:
                    answer(failed=_said(error))
                else:
                    answer(done=done)
    except EXPECTED as error:
        answer(failed=f"the network could not be brought up: {_said(error)}")
        return 1
    return 0


def _said(error):
    """What an error says; of a long one, such as a controller's log, the first line and the last ones."""
    lines = f"{type(error).__name__}: {error}".splitlines()
    if len(lines) > LINES_SAID:
        lines = [lines[0], "…", *lines[2 - LINES_SAID :]]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
