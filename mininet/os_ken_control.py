"""How the os-ken app is driven: requests over a TCP connection on 127.0.0.1, each a JSON object on a line of its own.

`{"do": "restore", "switch": 7}` names what is wanted and its fields. The answer is an object on one line too:
`{"refused": "why"}` if nothing was done, `{"failed": "why"}` if something was begun and couldn't be ended.
"""

import json

from os_ken.lib import hub


class Refused(Exception):
    """A request that can't be done as it is; nothing has been changed."""


class Failed(Exception):
    """What was begun couldn't be ended."""


def serve(port, requests):
    """Answer for ever: one connection at a time, and one request after another. `requests` has for each name the
    function, which takes the fields by name and returns the answer, and the types of the fields."""
    listener = hub.listen(("127.0.0.1", port))
    while True:
        connection, _ = listener.accept()
        try:
            with connection, connection.makefile("rwb") as lines:
                for line in lines:
                    lines.write(json.dumps(_answer(line, requests)).encode() + b"\n")
                    lines.flush()
        except OSError:
            # Who asked has gone.
            continue


def _answer(line, requests):
    try:
        request = checked("the request", _parsed(line), {"do": str}, others=True)
        do = request.pop("do")
        if do not in requests:
            raise Refused(f"do: {do!r} is none of {', '.join(requests)}")
        function, fields = requests[do]
        return function(**checked(do, request, fields))
    except Refused as why:
        return {"refused": str(why)}
    except Failed as why:
        return {"failed": str(why)}


def _parsed(line):
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as why:
        raise Refused(f"the request isn't JSON: {why}") from why


def checked(name, body, fields, others=False):
    """`body`, an object with exactly these fields, each of its type; with `others`, with at least these. `Refused`
    names the field at fault."""
    if not isinstance(body, dict):
        raise Refused(f"{name}: not an object")
    for key, kinds in fields.items():
        if key not in body:
            raise Refused(f"{name}: {key} is missing")
        # True is an integer in Python.
        if not isinstance(body[key], kinds) or isinstance(body[key], bool):
            raise Refused(f"{name}: {key} can't be of the type {type(body[key]).__name__}")
    unknown = sorted(body.keys() - fields.keys())
    if unknown and not others:
        raise Refused(f"{name}: {unknown[0]} is no field of it")
    return body
