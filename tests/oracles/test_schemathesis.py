"""What schemathesis finds when it asks for everything that `GET /openapi.json` describes, rightly and wrongly: no answer
from 500 on, and none that the document doesn't describe."""

import os
import subprocess
import sys

import pytest

from live_network import network
from processes import PROJECT

HERE = os.path.dirname(os.path.abspath(__file__))
REQUIREMENTS = os.path.join(HERE, "requirements.txt")
DIRECTORY = os.path.join(PROJECT, "target", "schemathesis")
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
EXAMPLES, SEED = 5, 2026
# It never ends.
EXCLUDED = "/v1/events"
LIMIT_S = 240


def installed():
    """The folder of the packages, of this list of them."""
    with open(REQUIREMENTS, encoding="utf-8") as file:
        wanted = file.read()
    stamp = os.path.join(DIRECTORY, "requirements.txt")
    if not os.path.exists(stamp) or open(stamp, encoding="utf-8").read() != wanted:
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--upgrade", "--no-deps"]
        environment = dict(os.environ, PIP_ROOT_USER_ACTION="ignore", PIP_DISABLE_PIP_VERSION_CHECK="1")
        subprocess.run(
            [*command, "--target", DIRECTORY, "-r", REQUIREMENTS], check=True, timeout=200, env=environment
        )
        with open(stamp, "w", encoding="utf-8") as file:
            file.write(wanted)
    return DIRECTORY


@pytest.mark.limit(2 * LIMIT_S)
def test_all_that_is_described_is_answered_as_described():
    """Some 7,000 requests, to a controller of two switches that speak OpenFlow 1.3 and 1.0."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([installed(), HERE]), NO_PROXY="*", NO_COLOR="1")
    with network() as (controller, _):
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", os.path.join(HERE, "schemathesis.toml")]
        command += ["run", f"{controller.url}/openapi.json", "--checks", CHECKS, "--exclude-path", EXCLUDED]
        command += ["--seed", SEED, "--max-examples", EXAMPLES, "--phases", "examples,coverage,fuzzing"]
        command += ["--generation-database", "none", "--continue-on-failure", "--warnings", "off"]
        done = subprocess.run(
            [str(word) for word in command],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
            env=environment,
            cwd=os.path.join(PROJECT, "target"),
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{controller.log()[-3000:]}"
        assert "No issues found" in done.stdout
        # The controller and its switches are as well as before.
        assert controller.is_running()
        assert {switch["state"] for switch in controller.api.get("/switches")} <= {"active", "drained"}
