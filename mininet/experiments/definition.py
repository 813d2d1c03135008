"""What a campaign measures, as its file says it.

    name = "hundred"
    description = "How clone does on a hundred nodes"
    seed = 1

    [defaults]                    # for every table below, unless it says otherwise
    rate = 2000

    [[migrations]]
    topology = ["waxman,100,3,1", "waxman,100,3,2"]
    algorithm = ["freeze-copy", "move", "clone"]
    rules = 10
    cycles = 20

A list is multiplied out: the table above is six definitions. What migrates is named by `topology`, as `mn --topo` has it,
and by `source` and `target`; without these two the hosts and switches are chosen so that one shortest path goes through
the source, and one through the target when the source is gone.
"""

import itertools
import tomllib
from dataclasses import dataclass, fields, replace

ALGORITHMS = ("freeze-copy", "move", "clone")
CONTROLLERS = ("godwit", "os-ken")

MULTIPLIED = ("controller", "topology", "algorithm", "rules", "rate", "size")


class BadDefinition(Exception):
    """A campaign's file can't be understood; says where and why."""


@dataclass(frozen=True)
class Definition:
    """Migrations of one kind: what migrates, from where to where, how, under what traffic, and how often."""

    topology: str
    algorithm: str = "clone"
    controller: str = "godwit"
    # Switches by name; both or neither.
    source: str = ""
    target: str = ""
    # Rules on the source for each direction: so many conversations, each with a route there and a route back.
    rules: int = 1
    # Packets/s in each direction, over all conversations.
    rate: int = 2000
    # Bytes of UDP payload.
    size: int = 128
    # Measured migrations.
    cycles: int = 5
    # Seconds of traffic before the migration is asked for and after it has ended.
    lead_s: float = 0.5
    tail_s: float = 0.5
    # The source gets an ovs-vswitchd of its own, so that its counters lag as those of a real switch.
    separate: bool = True
    description: str = ""

    @property
    def name(self):
        """What tells it from the others of its campaign."""
        words = [self.controller, self.algorithm, self.topology, f"{self.rules}x{self.rate}/s", f"{self.size}B"]
        if self.source:
            words.append(f"{self.source}>{self.target}")
        if not self.separate:
            words.append("shared")
        return " ".join(words)

    @property
    def block(self):
        """Definitions with the same block are measured on one network with one controller, in turn."""
        return (self.topology, self.controller, self.source, self.target, self.separate)


@dataclass(frozen=True)
class Campaign:
    """Definitions that are measured in one go."""

    name: str
    description: str
    seed: int
    definitions: tuple

    def repeated(self, cycles):
        """The same with this many cycles of each definition; `BadDefinition` if there can't be so many."""
        least, most = RANGES["cycles"]
        if not least <= cycles <= most:
            raise BadDefinition(f"cycles: {cycles} is not between {least} and {most}")
        return replace(self, definitions=tuple(replace(one, cycles=cycles) for one in self.definitions))


TYPES = {field.name: field.type for field in fields(Definition)}

# The smallest and the greatest of each number.
RANGES = {
    "rules": (1, 10_000),
    "rate": (10, 100_000),
    "size": (32, 1472),
    "cycles": (1, 100_000),
    "lead_s": (0.1, 600.0),
    "tail_s": (0.1, 600.0),
}
CHOICES = {"algorithm": ALGORITHMS, "controller": CONTROLLERS}


def parse(text):
    """The campaign that this text, in TOML, defines; `BadDefinition` if it doesn't."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadDefinition(f"not TOML: {error}") from error
    _refuse_unknown(document, ("name", "description", "seed", "defaults", "migrations"), "the file")
    name = _typed(document.get("name"), str, "name")
    if not name:
        raise BadDefinition("name: a campaign needs one")
    description = _typed(document.get("description", ""), str, "description")
    seed = _typed(document.get("seed", 1), int, "seed")
    defaults = _typed(document.get("defaults", {}), dict, "defaults")
    tables = _typed(document.get("migrations", []), list, "migrations")
    definitions = []
    for number, table in enumerate(tables, start=1):
        where = f"migrations {number}"
        definitions += _multiplied({**defaults, **_typed(table, dict, where)}, where)
    if not definitions:
        raise BadDefinition("migrations: there is none")
    names = [one.name for one in definitions]
    twice = sorted({one for one in names if names.count(one) > 1})
    if twice:
        raise BadDefinition(f"migrations: defined twice: {', '.join(twice)}")
    return Campaign(name, description, seed, tuple(definitions))


def _multiplied(table, where):
    _refuse_unknown(table, TYPES, where)
    if "topology" not in table:
        raise BadDefinition(f"{where}: topology is missing")
    lists = {
        key: value if key in MULTIPLIED and isinstance(value, list) and value else [value]
        for key, value in table.items()
    }
    for chosen in itertools.product(*lists.values()):
        yield _definition(dict(zip(lists, chosen)), where)


def _definition(values, where):
    for key, value in values.items():
        here = f"{where}: {key}"
        wanted = float if TYPES[key] is float and isinstance(value, int) else TYPES[key]
        values[key] = wanted(value) if wanted is float and not isinstance(value, bool) else _typed(value, wanted, here)
        if key in RANGES:
            least, most = RANGES[key]
            if not least <= value <= most:
                raise BadDefinition(f"{here}: {value} is not between {least} and {most}")
        if key in CHOICES and value not in CHOICES[key]:
            raise BadDefinition(f"{here}: {value!r} is none of {', '.join(CHOICES[key])}")
    definition = Definition(**values)
    if bool(definition.source) != bool(definition.target):
        raise BadDefinition(f"{where}: source and target go together")
    return definition


def _typed(value, wanted, where):
    if not isinstance(value, wanted) or (wanted is not bool and isinstance(value, bool)):
        raise BadDefinition(f"{where}: {value!r} is not {NAMES[wanted]}")
    return value


NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "a table", list: "a list"}


def _refuse_unknown(table, known, where):
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise BadDefinition(f"{where}: not known: {', '.join(unknown)}; known are {', '.join(known)}")
