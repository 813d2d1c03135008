"""Routes as tests and experiments ask for them, and how they look in a switch."""

UDP = {"eth_type": 2048, "ip_proto": 17}
FIRST_PORT = 20000


def requests(first, second, count, port=FIRST_PORT):
    """Bodies for `count` routes in each direction between two hosts, one for each UDP port from `port` on."""
    return [
        {"from": a.IP(), "to": b.IP(), "match": {**UDP, "udp_dst": port + i}}
        for a, b in ((first, second), (second, first))
        for i in range(count)
    ]


def udp_rules(network, switch, port=FIRST_PORT):
    """The rules on a switch for UDP to `port` or above, by (destination, port). A destination is a MAC or an IPv4
    address, whichever the rule matches."""
    found = {}
    for rule in network.rules(switch):
        wanted = rule.field("tp_dst") or rule.field("udp_dst")
        if wanted and int(wanted) >= port:
            key = (rule.field("dl_dst") or rule.field("nw_dst"), int(wanted))
            assert key not in found, f"two rules for {key} on {switch}"
            found[key] = rule
    return found


def carriers(network, port=FIRST_PORT, without=()):
    """Which switches, `without` these, have how many such rules."""
    names = [switch.name for switch in network.switches if switch.name not in without]
    counts = {name: len(udp_rules(network, name, port)) for name in names}
    return {name: count for name, count in counts.items() if count}


def outputs(rule):
    """The ports that a rule sends to."""
    return [int(action.split(":")[1].strip('"')) for action in rule.actions.split(",") if action.startswith("output:")]
