"""The checked-in list of where an oracle is wrong, lossy or knows less, and what it excuses.

An entry of `disagreements.toml` has

- `oracle`: `os-ken builds`, `os-ken` (it reads), `os-ken recorded`, `ovs-ofctl`, `tshark` or `ovs-vswitchd`,
- `version` and `message`: what it is about, as in `stats/flows`, or a recorded file; `*` stands for any text,
- `where`: the part of the message that differs, with `*` for any; or `says`: for oracles that give
  messages, a regular expression of what they say,
- `when`, if that is not enough: the name of a condition below; or `has`: the name of a field or the type of an action,
- `right`: who is right by the specification, `godwit`, `oracle` or `both` where it leaves room,
- `why`.

A test skips exactly what the entries cover, and fails when one of them covered nothing.
"""

import os
import re
import tomllib
from fnmatch import fnmatchcase

import canonical

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "disagreements.toml")


def _members(value):
    """Every object within a message."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _members(item)
    elif isinstance(value, list):
        for item in value:
            yield from _members(item)


def _words(value):
    """The names and texts in a message; what it sets as `set_field mpls_bos`."""
    for member in _members(value):
        if member.get("type") == "set_field":
            yield f"set_field {member['field']}"
        yield from member
        yield from (item for item in member.values() if isinstance(item, str))


def _has_part(message, *types):
    return any(member.get("type") in types for member in list(_members(message["body"])))


def _has_odd_field(message):
    """An unknown field whose payload a mask can't halve."""
    fields = (item for member in _members(message) for item in member.items() if str(item[0]).startswith("oxm_"))
    sizes = ([len(part) for part in text.split("/")] for _, text in fields)
    return any(size[0] != size[-1] or not size[0] for size in sizes)


def _has_same_ports(message):
    numbers = [port["number"] for port in message["body"]["ports"]]
    return len(numbers) != len(set(numbers))


def _inner(message):
    """The message, or the one that it adds to a bundle."""
    return message["body"].get("message", message)


CONDITIONS = {
    "a part of it is unknown": lambda message: _has_part(message, "unknown"),
    "a part of it is an experimenter's": lambda message: _has_part(message, "experimenter")
    or any("number" in member and "body" in member for member in _members(message)),
    "an unknown field is empty or has a mask of another size": _has_odd_field,
    "two ports have the same number": _has_same_ports,
    "it has no actions": lambda message: _inner(message)["body"].get("actions") == [],
    "the input port is the controller": lambda message: message["body"]["in_port"] == 0xFFFFFFFD,
    "it sets a transport port of no protocol that has ports": lambda message: any(
        word in ("set_field tcp_src", "set_field tcp_dst") for word in _words(message)
    ),
    "it asks for something": lambda message: message["body"]["body"]["body"] != [],
    "the data is longer than total_len": lambda message: message["body"]["total_len"]
    < len(message["body"]["data"]) // 2,
    "the bitmap has bit 31 of a word": lambda message: any(
        version % 32 == 31 for version in message["body"].get("bitmap", [])
    ),
}


class Disagreements:
    """The entries about one oracle, in one test."""

    def __init__(self, oracle, version):
        with open(LIST, "rb") as file:
            entries = tomllib.load(file)["disagreement"]
        self._entries = [entry for entry in entries if (entry["oracle"], entry["version"]) == (oracle, version)]
        self._used = set()

    def excuse(self, message, where):
        """Whether the list has this. `where` is a path within the message, or what the oracle says."""
        label = canonical.label(message) if isinstance(message, dict) else message
        found = False
        for number, entry in enumerate(self._entries):
            if not fnmatchcase(label, entry["message"]) or not self._fits(entry, message, where):
                continue
            self._used.add(number)
            found = True
        return found

    @staticmethod
    def _fits(entry, message, where):
        if "when" in entry and not CONDITIONS[entry["when"]](message):
            return False
        if "has" in entry and entry["has"] not in _words(message):
            return False
        if "where" in entry:
            return fnmatchcase(where, entry["where"])
        return re.search(entry["says"], where) is not None

    def unneeded(self):
        """Entries that have excused nothing."""
        return [entry for number, entry in enumerate(self._entries) if number not in self._used]

    def __len__(self):
        return len(self._entries)


def compare(disagreements, message, theirs, context):
    """Lines that say where two canonical messages differ and the list does not say that they may."""
    return [
        f"{canonical.label(message)}: {where}: godwit has {left!r}, the oracle {right!r} in {context}"
        for where, left, right in canonical.differences(message, theirs)
        if not disagreements.excuse(message, where)
    ]
