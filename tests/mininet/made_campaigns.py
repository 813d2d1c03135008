"""Campaigns whose results are made up, by a seed: what figures and reports are tried with."""

import random

from experiments.definition import parse

SURROUNDINGS = {
    "git_revision": "0123456789abcdef",
    "versions": {"godwit": "0.6.0", "Open vSwitch": "3.1.0"},
    "machine": {"processor": "Made <Up> & Co", "processors": 2, "memory_bytes": 8 << 30, "system": "Debian"},
}
NETWORKS = {25: "waxman,25,3", 50: "waxman,50,3", 100: "waxman,100,3"}
RATE = 2000
LENGTH_MS = 100


def text(controllers=("godwit", "os-ken"), sizes=(25, 50), rules=(1, 10), cycles=3, topologies=1):
    """A campaign's file."""
    names = [f"{NETWORKS[size]},{seed}" for size in sizes for seed in range(1, topologies + 1)]
    return f"""
name = "made <b>up</b>"
description = "Nothing of it was measured & nothing ran"
seed = 7

[[migrations]]
controller = {list(controllers)}
topology = {names}
algorithm = ["freeze-copy", "move", "clone"]
rules = {list(rules)}
rate = {RATE}
cycles = {cycles}
"""


def begin(store, file):
    """The campaign, all of its sessions pending; its id."""
    identifier = store.begin(parse(file), file, SURROUNDINGS)
    for row in store.definitions(identifier):
        size = int(row["topology"].split(",")[1])
        store.describe(row["id"], {"switches": size, "links": size * 3 // 2, "hops": 5, "source": "s1", "target": "s2"})
    return identifier


def pending(store, campaign):
    """The sessions that have no result: `session`, and what their definitions say."""
    return store.rows(
        "SELECT sessions.id AS session, cycle, controller, algorithm, rules, switches FROM sessions"
        " JOIN definitions ON definition = definitions.id WHERE campaign = ? AND status = 'pending'"
        " ORDER BY sessions.id",
        campaign,
    )


def fill(store, campaign, change=lambda session, result: None, seed=1):
    """Results for all pending sessions; `change` may change each before it is kept. Returns them by session."""
    generator = random.Random(seed)
    kept = {}
    for session in pending(store, campaign):
        made = result(session, generator)
        change(session, made)
        store.started(session["session"])
        store.done(session["session"], made)
        kept[session["session"]] = made
    store.finish(campaign)
    return kept


def result(session, generator):
    """What one migration might have been like."""
    slow = 4 if session["controller"] == "os-ken" else 1
    order = ("freeze-copy", "move", "clone").index(session["algorithm"])
    plan = int(slow * (400 + 5 * session["switches"]) * generator.uniform(0.9, 1.1))
    writing = int(slow * (900 + 60 * session["rules"]) * (1 + order) * generator.uniform(0.9, 1.1))
    waiting = int(20_000 * generator.uniform(0.9, 1.1)) if session["controller"] == "godwit" else 0
    lost = 0 if order == 2 and slow == 1 else int(2 * slow * (3 - order) * generator.uniform(0.5, 1.5))
    total = plan + writing + waiting + 150
    sent = 2 * RATE * 2
    before = generator.uniform(180, 220)
    return {
        "session": {
            "total_us": total,
            "wall_us": total + 900,
            "plan_us": plan,
            "rules_us": writing,
            "wait_us": waiting,
            "floor_us": writing // 2 if session["cycle"] == 1 and slow == 1 else None,
            "rules_installed": 4 * session["rules"],
            "rules_modified": 2 * session["rules"],
            "rules_removed": 4 * session["rules"],
            "asked": sent,
            "sent": sent,
            "received": sent - lost,
            "lost": lost,
            "duplicates": 0,
            "reordered": 1 if order == 1 else 0,
            "max_displacement": 2 if order == 1 else 0,
            "silence_us": 2_000 + 500 * lost,
            "delay_before_us": before,
            "delay_during_us": before + generator.uniform(100, 700),
            "delay_after_us": before + generator.uniform(-10, 10),
            "delay_max_us": int(3_000 * slow * generator.uniform(0.7, 1.4)),
            "jitter_us": 30,
            "counted": sent - lost + (generator.randint(-40, 5) if slow > 1 else 0),
            "counter_error": 0 if slow == 1 else generator.randint(-40, 5),
        },
        "phases": [
            {"position": 0, "name": "plan", "duration_us": plan},
            {"position": 1, "name": "install", "duration_us": writing // 3},
            {"position": 2, "name": "flip", "duration_us": writing - writing // 3},
            {"position": 3, "name": "drain", "duration_us": waiting},
        ],
        "transfers": [
            _sample(generator, way, at, lost) for way in ("there", "back") for at in range(-400, 600, LENGTH_MS)
        ],
        "delays": [
            {"upper_us": 120 * step, "count": max(1, int(sent * 0.5**step))} for step in range(1, 9 + 2 * slow)
        ],
        "losses": [
            {"direction": way, "flow": 0, "sequence": 900, "count": count, "at_ms": generator.uniform(-0.5, 4.0 * slow)}
            for way, count in (("there", lost - lost // 3), ("back", lost // 3))
            if count
        ],
    }


def _sample(generator, way, at_ms, lost):
    sent = RATE * LENGTH_MS // 1000
    missing = (lost - lost // 3 if way == "there" else lost // 3) if at_ms == 0 else 0
    bits = 128 * 8
    return {
        "direction": way,
        "at_ms": at_ms,
        "length_ms": LENGTH_MS,
        "sent": sent,
        "lost": missing,
        "duplicates": 0,
        "bits_sent": sent * bits,
        "bits_lost": missing * bits,
        "bits_arrived": (sent - missing) * bits,
        "bandwidth": (sent - missing + generator.randint(-3, 3)) * bits * 1000 // LENGTH_MS,
        "jitter_us": int(generator.uniform(20, 45) + (60 if at_ms == 0 else 0)),
        "delay_mean_us": 210,
        "delay_max_us": 900,
    }
