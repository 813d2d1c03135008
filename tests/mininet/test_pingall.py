"""Forwarding with nothing configured: every host reaches every other, also while links and switches go and come back."""

import pytest
from mininet.topo import LinearTopo
from mininet.topolib import TorusTopo, TreeTopo

from processes import wait_until
from reach import assert_reached_whatever_happens
from topologies import FatTree, Mesh, Ring

TOPOLOGIES = {
    "linear": lambda: LinearTopo(k=4),
    "tree": lambda: TreeTopo(depth=2, fanout=3),
    "ring": lambda: Ring(5),
    "mesh": lambda: Mesh(8),
    "torus": lambda: TorusTopo(4, 4),
    "fat tree": lambda: FatTree(k=4),
}


@pytest.mark.parametrize("version", ["1.0", "1.3", "mixed"])
@pytest.mark.parametrize("name", TOPOLOGIES)
def test_everybody_reaches_everybody_whatever_goes_and_comes_back(connect, api, name, version):
    assert_reached_whatever_happens(connect, api, TOPOLOGIES[name](), version)


def test_hosts_that_were_forgotten_and_talk_again_lose_nothing(settle, api):
    network = settle(Ring(5), openflow10=("s2", "s4"))
    for _ in range(3):
        for host in network.hosts:
            api.delete(f"/hosts/{host.MAC()}")
        wait_until(lambda: api.get("/routes") == [], 5, "their routes gone")
        # They still know each other's addresses, so nobody asks for anybody by ARP.
        assert network.ping_all(wait_s=5) == 0
