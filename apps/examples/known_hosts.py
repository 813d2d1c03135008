#!/usr/bin/env python3
"""An app outside the process: cuts off every host whose Ethernet address is not on a list.

    known_hosts.py 02:00:00:00:00:01 02:00:00:00:00:02 ... [--url http://127.0.0.1:8080] [--once]

It needs nothing but Python. It looks at GET /v1/hosts whenever GET /v1/events tells of a host, and denies strangers by
rules of the access list (POST /v1/acl). Rules of its own that it finds when it starts are its own again, and are taken away
when their host is put on the list.
"""

import argparse
import http.client
import json
import sys
import time
import urllib.error
import urllib.request

NAME = "known_hosts.py"


def call(url, method, path, body=None):
    """The answer of the controller; its own words if it refuses."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if data else {}
    request = urllib.request.Request(f"{url}/v1{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{method} {path}: {json.load(error)['detail']}") from error
    return json.loads(text) if text else None


def look(url, known):
    """Compares who is there and who is denied with who is known, and changes the difference."""
    denied = {rule["match"]["eth_src"]: rule["id"] for rule in call(url, "GET", "/acl") if rule["name"] == NAME}
    strangers = {host["mac"] for host in call(url, "GET", "/hosts")} - known
    for mac in sorted(strangers - denied.keys()):
        rule = {"name": NAME, "match": {"eth_src": mac}, "action": "deny"}
        made = call(url, "POST", "/acl", rule)
        print(f"{mac} is denied by rule {made['id']}", flush=True)
    for mac in sorted(denied.keys() & known):
        call(url, "DELETE", f"/acl/{denied[mac]}")
        print(f"{mac} is allowed again", flush=True)


def follow(url, known):
    """Looks at once, and again whenever something is told of a host, until the controller ends the stream."""
    request = urllib.request.Request(f"{url}/v1/events?types=host")
    # A line comes every ten seconds at the least.
    with urllib.request.urlopen(request, timeout=30) as stream:
        # After the stream has begun, so that nothing falls between.
        look(url, known)
        for line in stream:
            if line.startswith(b"data:"):
                look(url, known)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("known", nargs="*", metavar="MAC", type=str.lower)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--once", action="store_true", help="look once and end")
    args = parser.parse_args()
    known = set(args.known)
    while True:
        try:
            if args.once:
                return look(args.url, known)
            follow(args.url, known)
        except (OSError, http.client.HTTPException) as error:
            if args.once:
                raise SystemExit(f"the controller can't be reached: {error}") from error
            print(f"the controller can't be reached: {error}", file=sys.stderr)
        time.sleep(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
