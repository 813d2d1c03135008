"""Maps of networks in GraphML and in GML, as the Internet Topology Zoo has them in both.

What is read of a map: its nodes in their order, which makes them switches 1 to n; a name for each, its `label` or
else its id; and its links, parallel ones as often as the map has them. A link from a node to itself would carry
nothing, and is left out. Whatever is wrong with a file is a `ValueError` with the file and, as far as it is known, the
line.
"""

import html
import os
import re
import xml.etree.ElementTree as ElementTree

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
GRAPHML = "{http://graphml.graphdrawing.org/xmlns}"
TOKEN = re.compile(r'\s+|#[^\n]*|(?P<text>"[^"]*")|(?P<bracket>[\[\]])|(?P<word>[^\s\[\]"#]+)')


def read_map(name):
    """The nodes' names by the numbers of their switches, and the links: pairs of such numbers.

    `name` is a network in `data`, or the path of a file that ends in .graphml or .gml.
    """
    path = data_file(name, (".graphml", ".gml"))
    reader = _read_graphml if path.endswith(".graphml") else _read_gml
    try:
        with open(path, encoding="utf-8") as file:
            labels, pairs = reader(file.read())
        return _numbered(labels, pairs)
    except (OSError, UnicodeDecodeError) as why:
        raise ValueError(f"{path}: {getattr(why, 'strerror', None) or why}") from why
    except ValueError as why:
        raise ValueError(f"{path}: {why}") from why


def data_file(name, suffixes):
    """The path that is meant: `name` itself where it ends in one of these suffixes, else the file in `data` of this
    name with one of them. `ValueError` if there is none."""
    name = str(name)
    if name.endswith(suffixes):
        return name
    for suffix in suffixes:
        path = os.path.join(DATA, name + suffix)
        if os.path.exists(path):
            return path
    there = sorted(os.path.splitext(file)[0] for file in os.listdir(DATA) if file.endswith(suffixes))
    raise ValueError(f"{name}: neither a path that ends in {' or '.join(suffixes)} nor one of {', '.join(there)}")


def _numbered(labels, pairs):
    if not labels:
        raise ValueError("there are no nodes in it")
    numbers = {node: number for number, node in enumerate(labels, start=1)}
    for node in (node for pair in pairs for node in pair):
        if node not in numbers:
            raise ValueError(f"an edge ends at node {node}, which isn't there")
    cities = {numbers[node]: label for node, label in labels.items()}
    return cities, [(numbers[a], numbers[b]) for a, b in pairs if a != b]


def _read_graphml(text):
    """The nodes' labels by their ids, and the edges: pairs of ids."""
    try:
        root = ElementTree.fromstring(text.encode())
    except ElementTree.ParseError as why:
        raise ValueError(f"not XML: {why}") from why
    if root.tag != GRAPHML + "graphml":
        raise ValueError(f"not GraphML: it begins with the element {root.tag}")
    keys = root.iter(GRAPHML + "key")
    label = next((k.get("id") for k in keys if k.get("attr.name") == "label" and k.get("for") == "node"), None)
    labels = {}
    for node in root.iter(GRAPHML + "node"):
        texts = (data.text for data in node.iter(GRAPHML + "data") if data.get("key") == label)
        _add_node(labels, node.get("id"), next(texts, None))
    pairs = [(edge.get("source"), edge.get("target")) for edge in root.iter(GRAPHML + "edge")]
    for pair in pairs:
        if None in pair:
            raise ValueError("an edge without a source or without a target")
    return labels, pairs


def _read_gml(text):
    """The same of GML (M. Himsolt: GML: A portable Graph File Format, 1997)."""
    graph = dict(_items(_Tokens(text))).get("graph")
    if not isinstance(graph, list):
        raise ValueError("there is no `graph [ … ]` in it")
    labels, pairs = {}, []
    for key, value in graph:
        if key in ("node", "edge") and not isinstance(value, list):
            raise ValueError(f"`{key}` is followed by {value} instead of [")
        if key == "node":
            fields = dict(value)
            _add_node(labels, fields.get("id"), fields.get("label"))
        elif key == "edge":
            fields = dict(value)
            if not {"source", "target"} <= fields.keys():
                raise ValueError("an edge without a source or without a target")
            pairs.append((fields["source"], fields["target"]))
    return labels, pairs


def _add_node(labels, node, label):
    if node is None:
        raise ValueError("a node without an id")
    if node in labels:
        raise ValueError(f"two nodes have the id {node}")
    labels[node] = label or node


class _Tokens:
    """The words, texts and brackets of a GML file, one after the other."""

    def __init__(self, text):
        self._text = text
        self._at = 0

    @property
    def line(self):
        """The line that has been reached."""
        return self._text.count("\n", 0, self._at) + 1

    def next(self):
        """The kind of the next one and what it is; (None, "") at the end."""
        while self._at < len(self._text):
            found = TOKEN.match(self._text, self._at)
            if not found:
                raise ValueError(f"line {self.line}: a quotation mark without another one")
            self._at = found.end()
            if found.lastgroup:
                return found.lastgroup, found[0]
        return None, ""


def _items(tokens, inside=False):
    """Pairs of keys and values up to the bracket that closes them, or to the end of the file. A list of such pairs is a
    value too; numbers are left as the words they are."""
    found = []
    while True:
        kind, key = tokens.next()
        if key == ("]" if inside else ""):
            return found
        if kind != "word":
            raise ValueError(f"line {tokens.line}: {key or 'the end of the file'} where a key or ] has to be")
        kind, value = tokens.next()
        if kind == "text":
            value = html.unescape(value[1:-1])
        elif value == "[":
            value = _items(tokens, inside=True)
        elif kind != "word":
            raise ValueError(f"line {tokens.line}: {value or 'the end of the file'} where the value of {key} has to be")
        found.append((key, value))
