"""Runs os-ken, in a process of its own: on some wrong lengths it never ends.

    os_ken_child.py build 1.3 SEED COUNT     random messages that os-ken builds: {"hex", "xid", "json"}
    os_ken_child.py parse                    what os-ken makes of the messages on standard input, in hex, one a line:
                                             {"xid", "json"}, {"error"} or {"unparsed"} where it has no parser

`json` is os-ken's own description of the message. `--path` comes first on the line: where to import os-ken from.
"""

import json
import resource
import signal
import struct
import sys

PARSE_LIMIT_S = 0.2
MEMORY_LIMIT = 1 << 31


class Datapath:
    """As much of a connection as os-ken's messages look at."""

    def __init__(self, ofproto, parser):
        self.ofproto = ofproto
        self.ofproto_parser = parser


def load():
    """os-ken's two versions, by their wire numbers."""
    from os_ken.ofproto import ofproto_v1_0, ofproto_v1_0_parser, ofproto_v1_3, ofproto_v1_3_parser

    # It reads descriptions as ASCII and gives up on anything else; their encoding is not what is judged here.
    for parser in (ofproto_v1_0_parser, ofproto_v1_3_parser):
        parser.OFPDescStats._TYPE = {"utf-8": parser.OFPDescStats._TYPE["ascii"]}
    return {1: Datapath(ofproto_v1_0, ofproto_v1_0_parser), 4: Datapath(ofproto_v1_3, ofproto_v1_3_parser)}


def build(datapaths, version, seed, count):
    """Write random messages of one version."""
    import os_ken_build_v10
    import os_ken_build_v13

    module, datapath = {"1.0": (os_ken_build_v10, datapaths[1]), "1.3": (os_ken_build_v13, datapaths[4])}[version]
    builder = module.Builder(datapath, seed)
    for number in range(count):
        message = builder.message(number)
        if message.xid is None:
            message.set_xid(builder.random.getrandbits(32))
        message.serialize()
        print(json.dumps({"hex": bytes(message.buf).hex(), "xid": message.xid, "json": message.to_jsondict()}))


def parse(datapaths):
    """Write what the messages on standard input say."""

    def expired(*_):
        raise TimeoutError("os-ken did not end")

    signal.signal(signal.SIGALRM, expired)
    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_REAL, PARSE_LIMIT_S)
        try:
            answer = parse_one(datapaths, bytes.fromhex(line))
        except Exception as error:  # pylint: disable=broad-except
            answer = {"error": f"{type(error).__name__}: {error}"}
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        print(json.dumps(answer, default=repr), flush=True)


def parse_one(datapaths, data):
    """What one message says."""
    version, kind, length, xid = struct.unpack_from("!BBHI", data)
    if version not in datapaths:
        return {"unparsed": version}
    datapath = datapaths[version]
    if kind not in datapath.ofproto_parser._MSG_PARSERS:
        return {"unparsed": kind}
    message = datapath.ofproto_parser.msg_parser(datapath, version, kind, length, xid, data)
    return {"xid": message.xid, "json": message.to_jsondict()}


def main():
    """The command line."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    arguments = sys.argv[1:]
    if arguments[0] == "--path":
        sys.path.insert(0, arguments[1])
        arguments = arguments[2:]
    datapaths = load()
    if arguments[0] == "build":
        build(datapaths, arguments[1], int(arguments[2]), int(arguments[3]))
    else:
        parse(datapaths)


if __name__ == "__main__":
    main()
