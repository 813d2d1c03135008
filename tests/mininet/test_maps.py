"""Forwarding with nothing configured on real networks: every host reaches every other, also while links and switches go
and come back.

`GODWIT_CASES=all` has every network in every version; else each is tried in one of them.
"""

import os
import time

import pytest

from reach import assert_reached_whatever_happens, of_version_10, whole_again
from topologies import NetworkMap

MAPS = (
    *("Gridnet", "Abilene", "Nsfnet", "Aarnet", "Belnet"),
    *("AttMpls", "Cesnet2", "Renater2004", "Canerie", "Evolink"),
)
VERSIONS = ("mixed", "1.0", "1.3")
CASES = [(name, version) for name in MAPS for version in VERSIONS]
if os.environ.get("GODWIT_CASES") != "all":
    CASES = [(name, VERSIONS[index % len(VERSIONS)]) for index, name in enumerate(MAPS)]

# All 37 hosts begin to talk to all others at once. Open vSwitch hands no more than a hundred packets on at a time, so some
# have to be sent again.
STORM_S = 10.0


@pytest.mark.limit(240)
@pytest.mark.parametrize("name, version", CASES)
def test_everybody_reaches_everybody_whatever_goes_and_comes_back(connect, api, name, version):
    assert_reached_whatever_happens(connect, api, NetworkMap(name), version)


def test_all_begin_to_talk_to_all_at_once(connect):
    topo = NetworkMap("Evolink")
    network = connect(topo, openflow10=of_version_10(topo, "mixed"))
    after_s = whole_again([network.hosts], time.monotonic(), within_s=STORM_S, wait_ms=1000)
    print(f"{len(network.hosts)} hosts: whole after {after_s:.2f} s")
