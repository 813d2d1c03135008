#!/usr/bin/python3
"""Writes the names of all error types and codes that os-ken (Debian's python3-os-ken) has to error_names.txt: version,
type, code, and their names.

    cd openflow/tests/vectors && /usr/bin/python3 gen_errors.py
"""

import pathlib
import re

from os_ken.ofproto import ofproto_v1_0, ofproto_v1_3

# The prefix of the codes of each type, by the name of the type.
PREFIXES = dict(
    HELLO_FAILED="OFPHFC", BAD_REQUEST="OFPBRC", BAD_ACTION="OFPBAC", BAD_INSTRUCTION="OFPBIC", BAD_MATCH="OFPBMC",
    FLOW_MOD_FAILED="OFPFMFC", GROUP_MOD_FAILED="OFPGMFC", PORT_MOD_FAILED="OFPPMFC", TABLE_MOD_FAILED="OFPTMFC",
    QUEUE_OP_FAILED="OFPQOFC", SWITCH_CONFIG_FAILED="OFPSCFC", ROLE_REQUEST_FAILED="OFPRRFC", METER_MOD_FAILED="OFPMMFC",
    TABLE_FEATURES_FAILED="OFPTFFC",
)


def numbers(of, prefix):
    return sorted((value, name) for name, value in vars(of).items() if re.match(prefix + "_", name))


def lines(version, of):
    for kind, type_name in numbers(of, "OFPET"):
        if type_name == "OFPET_EXPERIMENTER":
            yield f"{version} {kind} - {type_name} -"
            continue
        for code, name in numbers(of, PREFIXES[type_name.removeprefix("OFPET_")]):
            yield f"{version} {kind} {code} {type_name} {name}"


if __name__ == "__main__":
    names = [*lines("1.0", ofproto_v1_0), *lines("1.3", ofproto_v1_3)]
    (pathlib.Path(__file__).parent / "error_names.txt").write_text("\n".join(names) + "\n")
