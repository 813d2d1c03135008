"""What the generators of both versions share: messages as lines of hex with the names of their fields, and the
files that they are written to.
"""

import re
import struct

from os_ken.ofproto import ofproto_parser
from os_ken.ofproto import ofproto_protocol


class Annotated:
    """A message as lines of hex, each with the name of its field. A version's own says how its `parts` are read."""

    def __init__(self, message):
        self.message = message
        self.at = 0
        self.lines = []

    def peek(self, pack):
        return struct.unpack_from("!" + pack, self.message, self.at)

    def take(self, size, name):
        part = self.message[self.at:self.at + size]
        assert len(part) == size, (name, size, len(part))
        for start in range(0, size, 32):
            text = part[start:start + 32].hex()
            self.lines.append(text if start else f"{text:<18}  # {name}")
        self.at += size

    def take_until(self, end, name):
        if self.at < end:
            self.take(end - self.at, name)

    def fields(self, layout):
        pack, names = layout
        names = iter(names.split())
        for count, code in re.findall(r"(\d*)([a-zA-Z])", pack):
            if code == "x":
                self.take(int(count or 1), "pad")
            elif code == "s":
                self.take(int(count or 1), next(names))
            else:
                for _ in range(int(count or 1)):
                    self.take(struct.calcsize("!" + code), next(names))
        assert next(names, None) is None, layout

    def parts(self, layouts):
        """Every layout in turn: a tuple is one of fields, a text one of the version's own or the name of the rest."""
        end = len(self.message)
        for layout in layouts:
            if not isinstance(layout, str):
                self.fields(layout)
            elif not self.part(layout, end):
                self.take_until(end, layout)
        assert self.at == end, (self.at, end)

    def part(self, layout, end):
        """Takes a part of the version's own; false where it has none of this name."""
        raise NotImplementedError


class Generator:
    """Writes the messages of one version, `of` by its numbers, into `directory`."""

    def __init__(self, of, annotated, directory, xid):
        self.of = of
        self.annotated = annotated
        self.directory = directory
        self.xid = xid
        self.datapath = ofproto_protocol.ProtocolDesc(of.OFP_VERSION)
        directory.mkdir(exist_ok=True)

    def request(self, name, message, *layouts):
        """A message as os-ken serialises it. os-ken can't parse some of what only switches parse."""
        message.set_xid(self.xid)
        message.serialize()
        self._write(name, bytes(message.buf), f"{type(message).__name__}: {name.replace('_', ' ')}", layouts)

    def reply(self, name, kind, body, *layouts):
        """A message with this body, which os-ken must be able to parse."""
        header = struct.pack(self.of.OFP_HEADER_PACK_STR, self.of.OFP_VERSION, kind, 8 + len(body), self.xid)
        message = header + body
        parsed = ofproto_parser.msg(self.datapath, *struct.unpack(self.of.OFP_HEADER_PACK_STR, header), message)
        assert parsed is not None, name
        self._write(name, message, f"{type(parsed).__name__}: {name.replace('_', ' ')}", layouts)

    def _write(self, name, message, title, layouts):
        annotated = self.annotated(message)
        annotated.fields((self.of.OFP_HEADER_PACK_STR, "version type length xid"))
        annotated.parts(layouts)
        (self.directory / f"{name}.hex").write_text(f"# {title}\n" + "\n".join(annotated.lines) + "\n")
