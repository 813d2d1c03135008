"""os-ken as a second controller of running switches: what its own statistics functions, which its REST serves
unchanged, make of what they report.

    os_ken_stats.py PORT

Standard input has one JSON array of `[dpid, function, arguments…]`; functions are those of `os_ken.lib.ofctl_v1_0`
and `ofctl_v1_3`, or `switch` for a switch as its topology has it. When the switches that it names have connected they
are called in order, and their results written as one JSON array. Run by `ofctl.py`: os-ken replaces parts of the
standard library.
"""

# pylint: disable=wrong-import-position,wrong-import-order
from os_ken.lib import hub

hub.patch(thread=False)

import json
import os
import sys

from os_ken import cfg
from os_ken.base import app_manager
from os_ken.controller import dpset, ofp_event
from os_ken.controller.handler import MAIN_DISPATCHER, set_ev_cls
from os_ken.lib import ofctl_v1_0, ofctl_v1_3
from os_ken.ofproto import ofproto_v1_0, ofproto_v1_3
from os_ken.topology import switches as topology

FUNCTIONS = {ofproto_v1_0.OFP_VERSION: ofctl_v1_0, ofproto_v1_3.OFP_VERSION: ofctl_v1_3}
REPLIES = [
    getattr(ofp_event, f"EventOFP{name}")
    for name in (
        "StatsReply",
        "DescStatsReply",
        "FlowStatsReply",
        "AggregateStatsReply",
        "TableStatsReply",
        "TableFeaturesStatsReply",
        "PortStatsReply",
        "PortDescStatsReply",
        "QueueStatsReply",
        "QueueGetConfigReply",
        "GroupStatsReply",
        "GroupDescStatsReply",
        "GroupFeaturesStatsReply",
        "MeterStatsReply",
        "MeterConfigStatsReply",
        "MeterFeaturesStatsReply",
        "RoleReply",
        "SwitchFeatures",
    )
    if hasattr(ofp_event, f"EventOFP{name}")
]
CONNECT_S = 20
DESCRIBED = "switch"


class Statistics(app_manager.OSKenApp):
    """Hands each answer to the function that waits for it."""

    OFP_VERSIONS = list(FUNCTIONS)
    _CONTEXTS = {"dpset": dpset.DPSet}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.switches = kwargs["dpset"]
        self.waiters = {}

    @set_ev_cls(REPLIES, MAIN_DISPATCHER)
    def answered(self, event):
        """One message of an answer."""
        message = event.msg
        waiting = self.waiters.get(message.datapath.id, {})
        if message.xid not in waiting:
            return
        done, messages = waiting[message.xid]
        messages.append(message)
        # The first bit says in both versions that more follows; what is no statistics has no flags.
        if not getattr(message, "flags", 0) & 1:
            del waiting[message.xid]
            done.set()

    def start(self):
        """Ask beside the event loop."""
        super().start()
        return hub.spawn(self._ask_all)

    def _ask_all(self):
        questions = json.load(sys.stdin)
        with hub.Timeout(CONNECT_S):
            while not {question[0] for question in questions} <= set(self.switches.dps):
                hub.sleep(0.05)
        print(json.dumps([self._ask(*question) for question in questions]), flush=True)
        # Nothing here has anything to put in order.
        os._exit(0)

    def _ask(self, dpid, function, *arguments):
        switch = self.switches.get(dpid)
        if function == DESCRIBED:
            described = topology.Switch(switch)
            for port in self.switches.get_ports(dpid):
                described.add_port(port)
            return described.to_dict()
        module = FUNCTIONS[switch.ofproto.OFP_VERSION]
        # Its REST says "not implemented" then.
        return getattr(module, function)(switch, self.waiters, *arguments) if hasattr(module, function) else None


def main():
    """The command line."""
    arguments = ["--ofp-tcp-listen-port", sys.argv[1], "--ofp-listen-host", "127.0.0.1"]
    cfg.CONF(args=arguments, project="os_ken", version="0")
    # By its name as a module: os-ken knows apps by theirs.
    app_manager.AppManager.run_apps(["os_ken_stats"])


if __name__ == "__main__":
    main()
