"""Godwit for Mininet: a controller of a network's own, which starts and stops with it.

    mn --custom mininet/godwit.py --controller godwit --topo torus,4,4

    mininet> godwit links                              any command of the program
    mininet> py net.godwit.migrate('s7', 's6')         its REST interface

In a script, `Mininet(topo=..., controller=Godwit)` does the same. Options behind a comma: `openflow` and `http` are ports,
6653 and 8080 unless set; one that is taken is replaced by a free one. `GODWIT_CONFIG` and the like hold as for any godwit.

Where Open vSwitch has no module in the kernel: `--switch ovs,datapath=user --host quiet`; the hosts then compute checksums,
which nobody else does.
"""

import os
import shlex
import subprocess
import sys

import mininet.cli
from mininet.log import error, info
from mininet.net import Mininet

# Mininet runs this file without a name of its own.
sys.path.insert(0, os.path.dirname(os.path.abspath(sys._getframe().f_code.co_filename)))  # pylint: disable=protected-access

# pylint: disable=wrong-import-position
import nodes
from controller import Controller as Program
from processes import ENDS_WITH_US, CommandFailed, program


class Godwit(nodes.Godwit):
    """A controller of the network's own."""

    def __init__(self, name, openflow=None, http=None, **params):
        self.program = Program(openflow, http, wrapper=ENDS_WITH_US)
        super().__init__(name, **{**params, "ip": "127.0.0.1", "port": self.program.openflow_port})

    def start(self):
        """Start the program, and wait until switches may connect."""
        try:
            self.program.__enter__()
        except CommandFailed as why:
            # Mininet cleans up what there is after an exception, and shows it.
            raise RuntimeError(f"godwit can't be started: {why}") from why
        info(f"({self.program.url}) ")

    def stop(self, *_, **__):
        """Stop the program, and remove what it kept."""
        self.program.__exit__(None, None, None)
        self.terminate()


class CLI(mininet.cli.CLI):
    """Mininet's, with one command more."""

    def do_godwit(self, line):
        """Any command of the program, asked of this network's controller: godwit links, godwit migrate s7 s6, godwit --help"""
        if self.mn.godwit is None:
            error("this network has no controller of its own: start it with `--controller godwit`\n")
            return
        try:
            words = shlex.split(line) or ["--help"]
            environment = {**os.environ, "GODWIT_URL": self.mn.godwit.url}
            subprocess.call([program("godwit"), *words], env=environment)
        except (ValueError, CommandFailed) as why:
            error(f"{why}\n")


def _api(network):
    """The REST interface of a network's own controller; `None` if it has none."""
    own = (one for one in network.controllers if isinstance(one, Godwit))
    first = next(own, None)
    return first and first.program.api


Mininet.godwit = property(_api)

controllers = {"godwit": Godwit}
hosts = {"quiet": nodes.QuietHost}
