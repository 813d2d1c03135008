"""The parts of os-ken's messages of OpenFlow 1.3 that many of them have, in godwit's words: matches, actions,
instructions, and what tables can do."""

import ipaddress

from fields import FIELDS, plain_number
from os_ken_common import NotCompared, octets, unpack

# Fields that os-ken knows and godwit keeps as they come: class, number and size (Open vSwitch's nicira-ext.h).
OTHER_FIELDS = {
    **{f"reg{number}": (1, number, 4) for number in range(8)},
    "tunnel_id_nxm": (1, 16, 8),
    "pkt_mark": (1, 33, 4),
    "conj_id": (1, 37, 4),
    "tun_ipv4_src": (1, 31, 4),
    "tun_ipv4_dst": (1, 32, 4),
    "ct_state": (1, 105, 4),
}


def field_place(name):
    """The class and the number of a field."""
    if name in FIELDS:
        return 0x8000, FIELDS[name].number
    if name in OTHER_FIELDS:
        return OTHER_FIELDS[name][:2]
    if not name.startswith("field_"):
        raise NotCompared(f"the field {name}, which os-ken gives a form of its own")
    number = int(name.removeprefix("field_"))
    return number >> 7, number & 0x7F


def pattern(described):
    """A match."""
    result = {}
    for field in unpack(described)[1]["oxm_fields"]:
        attributes = unpack(field)[1]
        name, value, mask = attributes["field"], attributes["value"], attributes["mask"]
        if name in FIELDS:
            known = FIELDS[name]
            mask = known.full if mask is None else plain_number(known, mask)
            if mask:
                result[name] = [plain_number(known, value) & mask, mask]
        else:
            class_, number = field_place(name)
            parts = [other_octets(name, part) for part in (value, mask) if part is not None]
            result[f"oxm_{class_:#06x}_{number}"] = "/".join(parts)
    return result


def other_octets(name, value):
    """A value of a field that godwit keeps as it came."""
    if name not in OTHER_FIELDS:
        return octets(value)
    number = value if isinstance(value, int) else int(ipaddress.ip_address(value))
    return number.to_bytes(OTHER_FIELDS[name][2], "big").hex()


def actions(descriptions):
    return [action(one) for one in descriptions]


PLAIN_ACTIONS = {
    "OFPActionPopVlan": "pop_vlan",
    "OFPActionDecNwTtl": "dec_nw_ttl",
    "OFPActionCopyTtlOut": "copy_ttl_out",
    "OFPActionCopyTtlIn": "copy_ttl_in",
    "OFPActionDecMplsTtl": "dec_mpls_ttl",
    "OFPActionPopPbb": "pop_pbb",
}
ACTIONS_WITH_ONE = {
    "OFPActionGroup": ("group", "group", "group_id"),
    "OFPActionSetQueue": ("set_queue", "queue", "queue_id"),
    "OFPActionPushVlan": ("push_vlan", "ethertype", "ethertype"),
    "OFPActionPushMpls": ("push_mpls", "ethertype", "ethertype"),
    "OFPActionPopMpls": ("pop_mpls", "ethertype", "ethertype"),
    "OFPActionPushPbb": ("push_pbb", "ethertype", "ethertype"),
    "OFPActionSetNwTtl": ("set_nw_ttl", "ttl", "nw_ttl"),
    "OFPActionSetMplsTtl": ("set_mpls_ttl", "ttl", "mpls_ttl"),
}


def action(described):
    name, attributes = unpack(described)
    if name in PLAIN_ACTIONS:
        return {"type": PLAIN_ACTIONS[name]}
    if name in ACTIONS_WITH_ONE:
        kind, argument, theirs = ACTIONS_WITH_ONE[name]
        return {"type": kind, argument: attributes[theirs]}
    if name == "OFPActionOutput":
        return {"type": "output", "port": attributes["port"], "max_len": attributes["max_len"]}
    if name == "OFPActionSetField":
        field = unpack(attributes["field"])[1]
        if field["field"] not in FIELDS:
            raise NotCompared(f"set_field of {field['field']}")
        known = FIELDS[field["field"]]
        return {"type": "set_field", "field": known.name, "value": plain_number(known, field["value"])}
    if name == "OFPActionExperimenterUnknown":
        ids = {"type": "experimenter", "experimenter": attributes["experimenter"]}
        return {**ids, "body": octets(attributes["data"])}
    raise NotCompared(f"the action {name}")


def instruction(described):
    if described is None:
        raise NotCompared("an instruction that os-ken does not know")
    name, attributes = unpack(described)
    if name == "OFPInstructionGotoTable":
        return {"type": "goto_table", "table": attributes["table_id"]}
    if name == "OFPInstructionWriteMetadata":
        value, mask = attributes["metadata"], attributes["metadata_mask"]
        return {"type": "write_metadata", "value": value, "mask": mask}
    if name == "OFPInstructionMeter":
        return {"type": "meter", "meter": attributes["meter_id"]}
    kind = {3: "write_actions", 4: "apply_actions", 5: "clear_actions"}[attributes["type"]]
    if kind == "clear_actions":
        return {"type": kind}
    return {"type": kind, "actions": actions(attributes["actions"])}


def table_features(attributes):
    return {
        "table": attributes["table_id"],
        "name": attributes["name"],
        "metadata_match": attributes["metadata_match"],
        "metadata_write": attributes["metadata_write"],
        "config": attributes["config"],
        "max_entries": attributes["max_entries"],
        "properties": [table_property(one) for one in attributes["properties"]],
    }


def table_property(described):
    name, attributes = unpack(described)
    number = attributes["type"]
    of = "table_miss" if number & 1 else "matching"
    if name == "OFPTableFeaturePropInstructions":
        return {"type": "instructions", "of": of, "kinds": kinds(attributes["instruction_ids"])}
    if name == "OFPTableFeaturePropNextTables":
        return {"type": "next_tables", "of": of, "tables": attributes["table_ids"]}
    if name == "OFPTableFeaturePropActions":
        kind = "write_actions" if number in (4, 5) else "apply_actions"
        return {"type": kind, "of": of, "kinds": kinds(attributes["action_ids"])}
    if name == "OFPTableFeaturePropOxm":
        fields = [field_id(one) for one in attributes["oxm_ids"]]
        if number in (8, 10):
            return {"type": {8: "match", 10: "wildcards"}[number], "fields": fields}
        return {"type": "write_set_field" if number in (12, 13) else "apply_set_field", "of": of, "fields": fields}
    if name == "OFPTableFeaturePropExperimenter":
        ids = {"experimenter": attributes["experimenter"], "exp_type": attributes["exp_type"]}
        # os-ken takes the data as numbers of four bytes.
        return {"type": "experimenter", "of": of, **ids, "body": "".join(f"{word:08x}" for word in attributes["data"])}
    raise NotCompared(name)


def kinds(descriptions):
    return [{"number": unpack(one)[1]["type"]} for one in descriptions]


def field_id(described):
    attributes = unpack(described)[1]
    place = field_place(attributes["type"])
    return {
        "class": place[0],
        "field": place[1],
        "has_mask": bool(attributes["hasmask"]),
        "length": attributes["length"] or 0,
        "experimenter": attributes.get("exp_id"),
    }
