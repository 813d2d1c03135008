"""A clock on the wall that jumps by a day in the middle of a migration. Deadlines are measured on another one.

Needs libfaketime, from Debian's package of that name or where `FAKETIME_LIBRARY` says; without it the tests are
skipped.
"""

import glob
import os

import pytest

from controller import Controller
from faults import built, frozen

ROUTES = 5
INSTALLED = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
LIBRARY = os.environ.get("FAKETIME_LIBRARY", INSTALLED[0] if INSTALLED else None)

pytestmark = pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed")


@pytest.fixture(scope="module")
def jumping(tmp_path_factory):
    """A network, and a file that says by how much its controller's clock is wrong."""
    offset = tmp_path_factory.mktemp("clock") / "offset"
    offset.write_text("+0\n")
    environment = {
        "LD_PRELOAD": LIBRARY,
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    with Controller(openflow_port=0, http_port=0, environment=environment) as controller:
        with built(controller, behind=("s4", "s6", "s7")) as scene:
            yield scene, offset


@pytest.fixture
def clock(jumping):
    """The same, right at first and as it was afterwards."""
    scene, offset = jumping
    yield scene, offset
    offset.write_text("+0\n")
    scene.mend()


@pytest.mark.parametrize("jump", ["+1d", "-1d"])
@pytest.mark.parametrize("phase", ["install", "drain"])
def test_a_day_more_or_less_changes_nothing(clock, phase, jump):
    scene, offset = clock
    scene.add_routes(ROUTES)
    with scene.traffic(ROUTES) as traffic:
        with frozen(scene, phase) as identifier:
            offset.write_text(f"{jump}\n")
        ended = scene.end_of(identifier)
    assert ended["state"] == "committed", ended
    # It was the clock that jumped: the dates say so, and what was measured doesn't.
    assert ended["started_at"][:10] != ended["finished_at"][:10]
    assert ended["duration_us"] < 10_000_000
    scene.assert_nothing_lost(traffic)
    scene.assert_moved(ROUTES)
