"""Forwarding by hand, for networks without a controller."""


def install_path(network, switches, first, second, priority=100):
    """Rules on these switches, given by name in order, that carry IPv4 between two hosts both ways."""
    for towards, names in ((second, switches), (first, switches[::-1])):
        for here, following in zip(names, [*names[1:], towards]):
            port = network.port(here, following)
            address = network.host(towards).IP()
            network.switch(here).ofctl("add-flow", f"priority={priority},ip,nw_dst={address},actions=output:{port}")
