"""Requests that are wrong, what each is answered, and the words that name its mend.

s1 speaks OpenFlow 1.3 and s2 1.0; each has one host, and a cable joins them. Group 5 and meter 7 are on s1.
"""

from dataclasses import dataclass, field

IP = {"eth_type": 0x0800}
TCP = {**IP, "ip_proto": 6}
DROP = {"match": {}, "actions": []}
ALL = {"type": "all", "buckets": []}
HERE, THERE = "10.0.0.1", "10.0.0.2"
JSON = "application/json"
MANY = 1 << 20


@dataclass(frozen=True)
class Wrong:
    """A request, the status of its answer, and what its detail has to contain."""

    method: str
    path: str
    body: object
    status: int
    words: tuple
    headers: dict = field(default_factory=dict)

    def __str__(self):
        body = "" if self.body is None else str(self.body)[:80]
        return f"{self.method} {self.path} {body}"


def get(path, status, *words):
    """A read."""
    return Wrong("GET", path, None, status, words)


def post(path, body, status, *words, **headers):
    """A write. Text is sent as it is."""
    return Wrong("POST", path, body, status, words, headers)


def put(path, body, status, *words):
    """A change."""
    return Wrong("PUT", path, body, status, words)


def delete(path, status, *words):
    """A removal."""
    return Wrong("DELETE", path, None, status, words)


def to_group(number):
    """A group that sends to another."""
    return {"type": "all", "buckets": [{"actions": [{"type": "group", "group": number}]}]}


def rule(*words, switch="s1", status=422, **members):
    """A static entry, on s1 unless said otherwise; it drops all unless said otherwise."""
    return post(f"/v1/switches/{switch}/rules", {**DROP, **members}, status, *words)


def match(pattern, *words, switch="s1"):
    """A static entry with this match."""
    return rule(*words, switch=switch, match=pattern)


def action(one, *words, switch="s1", pattern=None, **members):
    """A static entry with this action."""
    return rule(*words, switch=switch, match=pattern or {}, actions=[one], **members)


def instruction(one, *words, switch="s1", **members):
    """A static entry with this instruction."""
    body = {"match": {}, "instructions": [one], **members}
    return post(f"/v1/switches/{switch}/rules", body, 422, *words)


def route(*words, status=422, **members):
    """A route between the hosts."""
    return post("/v1/routes", {"from": HERE, "to": THERE, **members}, status, *words)


def without(body, name):
    """All but this."""
    return {key: value for key, value in body.items() if key != name}


RULES = "/v1/switches/s1/rules"
MIGRATION = {"source": "s1", "target": "s2", "algorithm": "clone"}
DRAIN = {"switches": ["s1"], "order": "given"}
ACL = {"action": "deny", "match": {**TCP, "tcp_dst": 23}}
COST = {"src": {"dpid": "s1", "port": 2}, "dst": {"dpid": "s2", "port": 2}, "cost": 3}
SHAPE = {"max_rate_bps": 10_000_000, "queues": []}

BODIES = [
    post(RULES, "{", 400, "not JSON", "line 1"),
    post(RULES, "", 400, "not JSON"),
    post(RULES, '{"match": {}, "actions": []} x', 400, "not JSON"),
    post(RULES, "nothing", 400, "not JSON"),
    post(RULES, '"text"', 422, "an object or an array of objects"),
    post(RULES, "7", 422, "an object or an array of objects"),
    post(RULES, '{"match": {}, "actions": []}', 415, "application/json", **{"Content-Type": "text/plain"}),
    post(RULES, " " * (MANY + 1), 413, "1 MiB"),
    post(RULES, '{"match": {}, "match": {}, "actions": []}', 422, "duplicate field `match`"),
]

FIELDS = [
    post(RULES, {}, 422, "missing field `match`"),
    post(RULES, {"match": {}}, 422, "give `instructions` or `actions`"),
    rule("unknown field `prio`", "`priority`", prio=7),
    rule("`actions` are short for", "give either", instructions=[]),
    rule("cookie", "can't be chosen", cookie="0x1"),
    rule("u16", priority=-1),
    rule("u16", priority=65536),
    rule("u16", priority="high"),
    rule("65534", priority=65535),
    rule("u8", table=256),
    rule("u8", table="one"),
    rule("u16", idle_timeout=65536),
    rule("u16", hard_timeout=-1),
    rule("flags are bits of 0x1f", flags=0x8000),
    rule("u16", flags="check_overlap"),
    post(RULES, [DROP, {**DROP, "priority": -1}], 422, "u16"),
]

MATCHES = [
    rule("an object of match fields", match=[]),
    rule("an object of match fields", match=None),
    match({"tp_dst": 80}, "`tp_dst` is not a match field of OpenFlow 1.3"),
    match({"eth_src": "02:00"}, "eth_src", "a MAC address"),
    match({**IP, "ipv4_dst": "10.0.0.256"}, "ipv4_dst", "an IPv4 address"),
    match({**IP, "ipv4_dst": "10.0.0.0/33"}, "ipv4_dst", "prefix length"),
    match({"eth_type": 0x86DD, "ipv6_dst": "10.0.0.1"}, "ipv6_dst", "an IPv6 address"),
    match({**TCP, "tcp_dst": "80/0xff"}, "`tcp_dst` can't be masked"),
    match({**TCP, "tcp_dst": 65536}, "tcp_dst", "fits its width"),
    match({**TCP, "tcp_dst": "http"}, "tcp_dst", "a number"),
    match({**TCP, "tcp_dst": [80]}, "tcp_dst", "a number or a text"),
    match({"in_port": "eth0"}, "in_port", "a port number"),
    match({"vlan_vid": 8192}, "vlan_vid", "from 0 to 4095", "`none`"),
    match({"eth_type": -1}, "eth_type"),
    post(RULES, '{"match": {"eth_type": 1, "eth_type": 2}, "actions": []}', 422, "`eth_type` is given twice"),
]

PREREQUISITES = [
    match({"tcp_dst": 80}, "`tcp_dst` needs", "ip_proto=6 and eth_type=0x0800"),
    match({**IP, "tcp_dst": 80}, "`tcp_dst` needs", "ip_proto=6"),
    match({**IP, "ip_proto": 17, "tcp_dst": 80}, "`tcp_dst` needs", "ip_proto=6"),
    match({**TCP, "udp_src": 80}, "`udp_src` needs", "ip_proto=17"),
    match({"ipv4_dst": "10.0.0.1"}, "`ipv4_dst` needs", "eth_type=0x0800"),
    match({"ip_proto": 6}, "`ip_proto` needs", "eth_type=0x0800"),
    match({"arp_tpa": "10.0.0.1"}, "`arp_tpa` needs", "eth_type=0x0806"),
    match({**IP, "ipv6_dst": "2001:db8::1"}, "`ipv6_dst` needs", "eth_type=0x86dd"),
    match({**IP, "icmpv4_type": 8}, "`icmpv4_type` needs", "ip_proto=1"),
    match({"eth_type": 0x86DD, "icmpv6_type": 135}, "`icmpv6_type` needs", "ip_proto=58"),
    match({"eth_type": 0x86DD, "ip_proto": 58, "ipv6_nd_target": "fe80::1"}, "`ipv6_nd_target` needs", "icmpv6_type="),
    match({"vlan_pcp": 3}, "`vlan_pcp` needs", "vlan_vid"),
    match({"mpls_label": 3}, "`mpls_label` needs", "eth_type=0x8847"),
    match({**TCP, "sctp_dst": 3}, "`sctp_dst` needs", "ip_proto=132"),
    match({"in_phy_port": 1}, "`in_phy_port` needs", "in_port"),
]

ACTIONS = [
    rule("sequence", actions={"type": "output", "port": 1}),
    action({"port": 1}, "needs a `type`"),
    action({"type": 7}, "`type` is 7, not a text"),
    action({"type": "drop"}, "action `drop`", "no action of this type"),
    action({"type": "output"}, "action `output`", "needs `port`"),
    action({"type": "output", "port": "eth0"}, "`port`", "a port number or a port's reserved name"),
    action({"type": "output", "port": 1, "queue": 2}, "action `output`", "has no `queue`"),
    action({"type": "output", "port": 1, "max_len": 70000}, "`max_len` is 70000", "from 0 to 65535"),
    action({"type": "set_field", "field": "tp_dst", "value": 1}, "`tp_dst` is not a match field"),
    action({"type": "set_field", "field": "tcp_dst"}, "needs `value`"),
    action({"type": "set_field", "field": "tcp_dst", "value": 70000}, "tcp_dst", "fits its width"),
    action({"type": "set_field", "field": "ipv4_dst", "value": "10.0.0.0/8"}, "ipv4_dst", "mask"),
    action({"type": "push_vlan"}, "action `push_vlan`", "needs `ethertype`"),
    action({"type": "group", "group": -1}, "`group` is -1"),
    action({"type": "experimenter", "experimenter": 1, "body": "abc"}, "`body`", "pairs of hex digits"),
    instruction({"type": "apply"}, "instruction `apply`", "no instruction of this type"),
    instruction({"type": "goto_table"}, "instruction `goto_table`", "needs `table`"),
    instruction({"type": "apply_actions"}, "needs `actions`"),
    instruction({"type": "clear_actions", "actions": []}, "has no `actions`"),
    post(RULES, {"match": {}, "instructions": [{"type": "clear_actions"}] * 2}, 422, "each instruction once"),
]

# What s1 itself refuses.
BY_THE_SWITCH = [
    action({"type": "group", "group": 99}, "BAD_OUT_GROUP", "make it first"),
    instruction({"type": "meter", "meter": 99}, "INVALID_METER", "make it first"),
    instruction({"type": "goto_table", "table": 0}, "BAD_TABLE_ID", "has to lead to a later table", table=1),
    action({"type": "set_field", "field": "tcp_dst", "value": 80}, "MATCH_INCONSISTENT", "match eth_type and ip_proto too"),
    action({"type": "set_field", "field": "eth_type", "value": 80}, "BAD_SET_ARGUMENT", "set another"),
    action({"type": "push_vlan", "ethertype": 0x1234}, "BAD_ARGUMENT", "choose another"),
    action({"type": "experimenter", "experimenter": 1, "body": "00000000"}, "an action of 12 bytes"),
    action({"type": "experimenter", "experimenter": 1, "body": "00" * 8}, "BAD_EXPERIMENTER", "leave it out"),
    action({"type": "unknown", "action_type": 999, "body": "00000000"}, "BAD_TYPE", "leave it out"),
    action({"type": "enqueue", "port": 1, "queue": 1}, "enqueue", "OpenFlow 1.3"),
    action({"type": "output", "port": "any"}, "BAD_OUT_PORT", "name one of the switch's ports"),
    rule("table 254", table=254),
    rule("OVERLAP", "choose another priority", match={"in_port": 1}, priority=5, flags=2),
    post("/v1/switches/s1/rules", [{**DROP, "priority": 9}, {**DROP, "priority": 9}], 409, "same"),
    post(
        "/v1/switches/s1/rules",
        [{**DROP, "priority": 9}, {"match": {}, "actions": [{"type": "group", "group": 99}]}],
        422,
        "BAD_OUT_GROUP",
        "[1]",
    ),
]

# What OpenFlow 1.0 has no words for.
IN_10 = [
    rule("OpenFlow 1.0", "table", switch="s2", table=1),
    instruction({"type": "goto_table", "table": 1}, "OpenFlow 1.0", "goto_table", switch="s2"),
    instruction({"type": "meter", "meter": 7}, "OpenFlow 1.0", "meter", switch="s2"),
    instruction({"type": "write_metadata", "value": 1}, "OpenFlow 1.0", "metadata", switch="s2"),
    action({"type": "group", "group": 5}, "OpenFlow 1.0", "group", switch="s2"),
    action({"type": "push_mpls", "ethertype": 0x8847}, "OpenFlow 1.0", "mpls", switch="s2"),
    action({"type": "dec_nw_ttl"}, "OpenFlow 1.0", "ttl", switch="s2"),
    action({"type": "set_queue", "queue": 1}, "OpenFlow 1.0", "enqueue", switch="s2"),
    action({"type": "set_field", "field": "ipv6_dst", "value": "2001:db8::1"}, "OpenFlow 1.0", "ipv6_dst", switch="s2"),
    match({"eth_type": 0x86DD, "ipv6_dst": "2001:db8::/32"}, "OpenFlow 1.0", "ipv6_dst", switch="s2"),
    match({"metadata": 1}, "OpenFlow 1.0", "metadata", switch="s2"),
    match({"eth_src": "02:00:00:00:00:00/ff:00:00:00:00:00"}, "OpenFlow 1.0", "eth_src", switch="s2"),
    match({**IP, "ipv4_dst": "10.0.1.0/255.0.255.0"}, "OpenFlow 1.0", "ipv4_dst", switch="s2"),
    match({**IP, "ip_ecn": 1}, "OpenFlow 1.0", "ip_ecn", switch="s2"),
    match({"eth_type": 0x8847, "mpls_label": 3}, "OpenFlow 1.0", "mpls_label", switch="s2"),
    rule("OpenFlow 1.0", "flags", switch="s2", flags=8),
    put("/v1/switches/s2/meters/1", {"rate_kbps": 5}, 422, "OpenFlow 1.0 has no meters"),
    route("OpenFlow 1.0", queue=1),
    post("/v1/routes", {"from": THERE, "to": HERE, "meter": 7}, 422, "OpenFlow 1.0"),
]

UNKNOWN = [
    *(
        get(f"/v1/switches/s99{what}", 404, "no switch `s99` is connected", "s1, s2")
        for what in ("", "/rules", "/ports", "/tables", "/groups", "/meters", "/queues", "/statistics", "/qos")
    ),
    get("/v1/switches/0x99", 404, "no switch `0x99` is connected"),
    post("/v1/switches/s99/rules", DROP, 404, "no switch `s99` is connected"),
    post("/v1/switches/s99/restore", None, 404, "no switch `s99` is connected"),
    post("/v1/switches/s99/statistics", None, 404, "no switch `s99` is connected"),
    put("/v1/switches/s99/ports/1/cost", {"cost": 1}, 404, "no switch `s99` is connected"),
    get("/v1/switches/s1/rules/999", 404, "no static entry with this number"),
    delete("/v1/switches/s1/rules/999", 404, "no static entry with this number"),
    delete("/v1/switches/s1/rules/first", 404, "name or number"),
    get("/v1/routes/999", 404, "no route has this number"),
    delete("/v1/routes/999", 404, "no route has this number"),
    get("/v1/migrations/999", 404, "no migration has this number"),
    delete("/v1/migrations/999", 404, "no migration has this number"),
    get("/v1/migrations/999/plan", 404, "no migration has this number"),
    post("/v1/migrations/999/revert", None, 404, "999"),
    get("/v1/drains/999", 404, "999"),
    post("/v1/drains/999/pause", None, 404, "999"),
    delete("/v1/drains/999", 404, "999"),
    get("/v1/acl/999", 404, "no rule of the access list"),
    delete("/v1/acl/999", 404, "no rule of the access list"),
    get("/v1/apps/firewall", 404, "firewall", "routing"),
    put("/v1/apps/firewall/enabled", True, 404, "firewall"),
    delete("/v1/hosts/02:00:00:00:00:99", 404, "no host `02:00:00:00:00:99` is known"),
    delete("/v1/hosts/h1", 404, "no host `h1`"),
    delete("/v1/switches/s1/meters/99", 404, "no meter with this number"),
    delete("/v1/switches/s1/groups/99", 404, "no group with this number"),
    put("/v1/switches/s1/groups/4294967295", ALL, 404, "from 0 to"),
    get("/v1/nothing", 404, "nothing is served at this path", "/openapi.json"),
    get("/v2/switches", 404, "nothing is served at this path"),
    delete("/v1/switches", 405, "does not take this method"),
    put("/v1/routes", {}, 405, "does not take this method"),
    get("/stats/flow/99", 404, "no switch"),
    post("/stats/flowentry/add", {"match": {}}, 422, "dpid"),
    post("/wm/staticentrypusher/json", {"switch": "00:00:00:00:00:00:00:01"}, 422, "name"),
]

ROUTES = [
    post("/v1/routes", {"to": THERE}, 422, "missing field `from`"),
    route("unknown field `timeout`", timeout=3),
    route("no host `10.0.0.77` is known", "learnt when", **{"from": "10.0.0.77"}),
    route("neither a MAC, an IPv4 nor an IPv6 address", **{"to": "h2"}),
    route("a MAC, IPv4 or IPv6 address", **{"to": 7}),
    route("no switch `s9` is connected", **{"to": {"dpid": "s9", "port": 1}}),
    route("has no port 77", **{"to": {"dpid": "s1", "port": 77}}),
    route("no switch `s9` is connected", via=["s9"]),
    route("ingress port is that of `from`", match={"in_port": 1}),
    route("`tcp_dst` needs", match={"tcp_dst": 80}),
    route("a priority is from 1 to 65534", priority=0),
    route("a priority is from 1 to 65534", priority=65535),
    route("a queue has a number below", queue=0xFFFFFFFF),
    route("a meter has a number from 1", meter=0),
    post("/v1/routes", [{"from": HERE, "to": THERE}, {"from": HERE, "to": "h2"}], 422, "neither a MAC"),
    get("/v1/routes/1?per_switch=maybe", 400, "per_switch", "true", "false"),
    get("/v1/paths?to=10.0.0.2", 400, "missing field `from`"),
    get(f"/v1/paths?from={HERE}&to={THERE}&k=0", 422, "`k` must be from 1 to 64"),
    get(f"/v1/paths?from={HERE}&to={THERE}&k=many", 400, "k"),
    get(f"/v1/paths?from={HERE}&to={THERE}&avoid=s9", 422, "no switch `s9` is connected"),
    get(f"/v1/paths?from={HERE}&to={THERE}&avoid=s2", 422, "path"),
    get(f"/v1/paths?from={HERE}&to=10.0.0.77", 422, "no host `10.0.0.77` is known"),
    get(f"/v1/paths?from=s1/x&to={THERE}", 422, "`x` is not a port"),
    put("/v1/links/cost", {**COST, "cost": 0}, 422, "from 1 to 65535, or null"),
    put("/v1/links/cost", without(COST, "cost"), 422, "missing field `cost`"),
    put("/v1/links/cost", {**COST, "src": {"dpid": "s9", "port": 1}}, 422, "no switch `s9`"),
    put("/v1/switches/s1/ports/1/cost", {"cost": 65536}, 422, "from 1 to 65535, or null"),
    put("/v1/switches/s1/ports/77/cost", {"cost": 3}, 404, "no port 77"),
]

MIGRATIONS = [
    post("/v1/migrations", without(MIGRATION, "source"), 422, "missing field `source`"),
    post("/v1/migrations", without(MIGRATION, "algorithm"), 422, "missing field `algorithm`"),
    post("/v1/migrations", {**MIGRATION, "algorithm": "copy"}, 422, "unknown variant `copy`", "clone"),
    post("/v1/migrations", {**MIGRATION, "source": "s9"}, 404, "no switch `s9` is connected"),
    post("/v1/migrations", {**MIGRATION, "target": "s9"}, 404, "no switch `s9` is connected"),
    post("/v1/migrations", {**MIGRATION, "target": "s1"}, 422, "the same switch"),
    post("/v1/migrations", {**MIGRATION, "hold": 10**6}, 422, "0 to 86400 seconds"),
    post("/v1/migrations", {**MIGRATION, "max_silence_ms": 0}, 422, "max_silence_ms may be"),
    post("/v1/migrations", {**MIGRATION, "deadline_ms": 1}, 422, "deadline_ms may be"),
    post("/v1/migrations", {**MIGRATION, "force": True}, 422, "unknown field `force`"),
    post("/v1/migrations", MIGRATION, 422, "a host hangs on the source", "on port 1", **{"Idempotency-Key": "k" * 40}),
    post("/v1/migrations", MIGRATION, 400, "Idempotency-Key", "1 to 256", **{"Idempotency-Key": "k" * 400}),
    post("/v1/switches/s1/restore", None, 409, "is not drained"),
    post("/v1/drains", {**DRAIN, "switches": []}, 422, "switches"),
    post("/v1/drains", {**DRAIN, "switches": ["s9"]}, 422, "switches"),
    post("/v1/drains", {**DRAIN, "switches": ["s1", "s1"]}, 422, "switches"),
    post("/v1/drains", {**DRAIN, "order": "random"}, 422, "unknown variant `random`", "lmcf"),
    post("/v1/drains", {**DRAIN, "parallel": 0}, 422, "at once"),
    post("/v1/acl", {**ACL, "match": {}}, 422, "this denies everything", "eth_type"),
    post("/v1/acl", {**ACL, "match": {"in_port": 1}}, 422, "the same on every switch", "/v1/switches/{id}/rules"),
    post("/v1/acl", {**ACL, "match": {"tcp_dst": 23}}, 422, "`tcp_dst` needs"),
    post("/v1/acl", {**ACL, "action": "reject"}, 422, "unknown variant `reject`", "`deny` or `allow`"),
    post("/v1/acl", {**ACL, "match": {"eth_type": 0x86DD, "ipv6_dst": "::1"}}, 422, "s2 speaks OpenFlow 1.0"),
    put("/v1/apps/routing/enabled", '"no"', 422, "`true`, `false` or"),
    put("/v1/apps/entries/enabled", False, 409, "entries"),
    put("/v1/switches/s1/ports/1/qos", {"queues": []}, 422, "missing field `max_rate_bps`"),
    put("/v1/switches/s1/ports/1/qos", {**SHAPE, "max_rate_bps": 1}, 422, "12000 bit/s or more"),
    put("/v1/switches/s1/ports/1/qos", {**SHAPE, "queues": [{"queue": 1}] * 2}, 422, "queue 1 is there twice"),
    put("/v1/switches/s1/ports/77/qos", SHAPE, 404, "no port 77"),
    put("/v1/switches/s2/groups/1", ALL, 422, "OpenFlow 1.0 has no groups"),
    put("/v1/switches/s1/groups/1", {"type": "some", "buckets": []}, 422, "type", "select"),
    put("/v1/switches/s1/groups/1", {"type": "all"}, 422, "buckets"),
    put("/v1/switches/s1/groups/1", {**ALL, "weight": 1}, 422, "weight"),
    put("/v1/switches/s1/groups/1", {"type": "indirect", "buckets": []}, 422, "one bucket"),
    put("/v1/switches/s1/groups/1", {"type": "all", "buckets": [{"actions": [], "weight": 2}]}, 422, "select group"),
    put("/v1/switches/s1/groups/1", {"type": "fast_failover", "buckets": [{"actions": []}]}, 422, "watches a port"),
    put("/v1/switches/s1/groups/1610612737", ALL, 422, "groups of routes"),
    put("/v1/switches/s1/groups/1", to_group(1), 422, "circle"),
    put("/v1/switches/s1/groups/1", to_group(77), 422, "no group 77", "make it first"),
    put("/v1/switches/s1/groups/5", ALL, 409, "somebody else"),
    put("/v1/switches/s1/meters/1", {"bands": []}, 422, "a band at least"),
    put("/v1/switches/s1/meters/1", {"bands": [{"type": "drop", "rate": 0, "burst": 0}]}, 422, "rate of 0"),
    put("/v1/switches/s1/meters/1", {}, 422, "either `rate_kbps` or `rate_packets`"),
    put("/v1/switches/s1/meters/1", {"rate_kbps": 0}, 422, "rate of 0"),
    put("/v1/switches/s1/meters/0", {"rate_kbps": 5}, 404, "from 1 to"),
    post(RULES, {**DROP, "switch": "s2"}, 422, "the path says the switch", "POST /v1/rules"),
    post("/v1/rules", [DROP], 422, "`switch` says where", "[0].switch"),
    post("/v1/rules", [{**DROP, "switch": "s9"}], 422, "no switch `s9`", "[0].switch"),
    post("/v1/rules", [{**DROP, "switch": "s1"}, {**DROP, "switch": "s2", "table": 1}], 422, "OpenFlow 1.0", "[1]"),
    post("/v1/rules/delete", {"ids": [999]}, 404, "no static entry has the number 999", "none was taken away"),
    post("/v1/routes/delete", {"ids": [999]}, 404, "no route has the number 999", "none was taken away"),
    get("/v1/routes?limit=0", 400, "limit", "nonzero"),
    get("/v1/switches/s1/rules?limit=many", 400, "limit"),
    get("/v1/hosts?after=h1", 422, "nothing with the key `h1`", "leave `after` out"),
    get("/v1/switches/s1/statistics?history=-1", 400, "history"),
    get("/v1/statistics.csv?kind=hosts", 400, "ports", "links"),
    get("/v1/events?types=hosts", 400, "no events of type `hosts`", "host"),
    Wrong("GET", "/v1/events", None, 400, ("Last-Event-ID",), {"Last-Event-ID": "last"}),
]

WRONG = [
    *BODIES,
    *FIELDS,
    *MATCHES,
    *PREREQUISITES,
    *ACTIONS,
    *BY_THE_SWITCH,
    *IN_10,
    *UNKNOWN,
    *ROUTES,
    *MIGRATIONS,
]
