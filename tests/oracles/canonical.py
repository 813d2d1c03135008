"""Godwit's JSON with every value in one form, so that two messages agree exactly when they are equal.

Numbers are numbers, however they were written; a match field is a pair of value and mask; what is absent, null or an
empty list of extras is left out. Bytes stay as hex digits.
"""

from fields import FIELDS, PORTS, VLAN_PRESENT, plain_number, port_number

PORT_KEYS = {"port", "in_port", "out_port", "watch_port", "number"}
NO_BUFFER = 0xFFFF
MISSING = "nothing"


def canonical(value, key=None):
    """A message, or a part of one, from godwit's JSON."""
    if isinstance(value, dict):
        if key == "pattern":
            return pattern(value)
        if value.get("type") == "set_field" and "field" in value:
            field = FIELDS[value["field"]]
            return {"type": "set_field", "field": field.name, "value": match_value(field, value["value"])[0]}
        if value.get("type") == "output":
            return output(value)
        items = ((name, canonical(item, name)) for name, item in value.items())
        return {name: item for name, item in items if item is not None and (name != "elements" or item)}
    if isinstance(value, list):
        return [canonical(item) for item in value]
    if key == "queue_config_request" or key in PORT_KEYS:
        return port_number(value) if value is not None else None
    if key == "datapath_id":
        return int(value.replace(":", ""), 16)
    if isinstance(value, str) and value.startswith("0x"):
        return int(value, 16)
    return value


def message(value):
    """A whole message from godwit's JSON."""
    value = dict(value)
    body = value.get("body")
    if value["type"] == "queue_config_request" or (value["type"], kind_of(value)) == ("stats_request", "ports"):
        if value["type"] == "queue_config_request":
            value["body"] = port_number(body)
        else:
            value["body"] = dict(body, body=dict(body["body"], body=port_number(body["body"]["body"])))
    result = canonical(value)
    if isinstance(result.get("body"), dict) and isinstance(result["body"].get("message"), dict):
        # A message within a bundle.
        result["body"]["message"] = message(value["body"]["message"])
    return result


def kind_of(value):
    """The statistics type of a message, where it has one."""
    body = value.get("body")
    inner = body.get("body") if isinstance(body, dict) else None
    return inner.get("type") if isinstance(inner, dict) else None


def label(value):
    """What a message is called in the lists of disagreements: its type, and the type of its statistics."""
    kind = kind_of(value)
    return f"{value['type']}/{kind}" if kind else value["type"]


def output(value):
    """An output. Where the JSON says nothing of a length, it is the whole packet to the controller, and 0 elsewhere."""
    port = port_number(value["port"])
    length = value.get("max_len", NO_BUFFER if port == PORTS["controller"] else 0)
    return {"type": "output", "port": port, "max_len": length}


def pattern(fields):
    """A match from godwit's JSON."""
    result = {}
    for name, value in fields.items():
        if name in FIELDS:
            result[name] = match_value(FIELDS[name], value)
        elif value is not None:
            result[name] = value
    return result


def match_value(field, value):
    """A pair of value and mask from `7`, `"10.0.0.0/8"`, `"0x10/0xf0"`, `"none"`."""
    if isinstance(value, str) and "/" in value:
        text, mask = value.split("/")
        if field.form == "ip" and mask.isdigit():
            mask = field.full & ~(field.full >> int(mask))
        return [plain_number(field, text), plain_number(field, mask)]
    if field.form == "vlan":
        if value == "none":
            return [0, field.full]
        number = plain_number(field, value)
        return [number | VLAN_PRESENT, field.full]
    return [plain_number(field, value), field.full]


def differences(left, right, path=""):
    """Where two canonical values differ: (path, left, right). A list's positions are written `*`."""
    if isinstance(left, dict) and isinstance(right, dict):
        for name in sorted({*left, *right}, key=str):
            yield from differences(
                left.get(name, MISSING), right.get(name, MISSING), f"{path}.{name}" if path else name
            )
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for one, other in zip(left, right):
            yield from differences(one, other, f"{path}.*")
    elif left != right or isinstance(left, bool) != isinstance(right, bool):
        yield path, left, right
