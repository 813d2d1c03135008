"""Web requests at a steady rate, over some connections that are kept open.

    web_client.py ADDRESS PORT RATE CONNECTIONS TIMEOUT_S SIZE…

Request i is due at i/RATE seconds, on connection i modulo CONNECTIONS, and asks for the sizes in turn. A request that
can't be sent when it is due, since the one before it on its connection isn't answered yet, is sent as soon as it can
be; its time runs from when it was due, so that a server that hangs shows in every request that waits for it. One that
isn't answered within TIMEOUT_S of when it was due has failed, and its connection is made anew.

On SIGTERM no more requests become due; what is under way is waited for, and standard output gets a line of JSON:
`{"began_ns": …, "requests": [[due_us, took_us, bytes, error], …]}`, in the order in which they were due. `began_ns`
is on the monotonic clock, `due_us` counts from it; `took_us` is null for a request that failed, `error` for one that
didn't.
`loads/web.py` runs it inside a host.
"""

import http.client
import json
import signal
import sys
import threading
import time

CHUNK = 65_536


class Failed(Exception):
    """Why a request wasn't answered."""


class Connection:
    """One connection and the requests that it has made."""

    def __init__(self, address, timeout_s):
        self._address, self._timeout_s = address, timeout_s
        self._http = None

    def get(self, size, due):
        """Ask for a file of this size; how many bytes came."""
        deadline = due + self._timeout_s
        try:
            return self._get(size, deadline)
        except (OSError, http.client.HTTPException, Failed) as error:
            self._close()
            if time.monotonic() >= deadline:
                raise Failed("timed out") from error
            raise Failed(str(error) or type(error).__name__) from error

    def _get(self, size, deadline):
        if self._http is None or self._http.sock is None:
            self._http = http.client.HTTPConnection(*self._address, timeout=left(deadline))
            self._http.connect()
        self._http.sock.settimeout(left(deadline))
        self._http.request("GET", f"/{size}")
        response = self._http.getresponse()
        came = 0
        while True:
            # The headers may have said that the connection ends here: the response has the socket then.
            if self._http.sock is not None:
                self._http.sock.settimeout(left(deadline))
            part = response.read1(CHUNK)
            if not part:
                break
            came += len(part)
        # Read to its end by parts, it doesn't notice that it may let the connection go.
        response.close()
        if response.status != 200:
            raise Failed(f"status {response.status}")
        if came != size:
            raise Failed(f"{came} bytes instead of {size}")
        return came

    def _close(self):
        if self._http is not None:
            self._http.close()
            self._http = None


def left(deadline):
    """Seconds until then; `Failed` if it is over."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise Failed("timed out")
    return seconds


def requests_of(index, connection, plan, stopped, results):
    """The requests of one connection, each when it is due, until `stopped` says when to stop."""
    began, rate, connections, sizes = plan
    number = index
    while True:
        due = began + number / rate
        # Waits until the request is due, or the end.
        if stopped.event.wait(max(0.0, due - time.monotonic())) and due >= stopped.at:
            return
        size = sizes[number % len(sizes)]
        try:
            came, error = connection.get(size, due), None
        except Failed as failure:
            came, error = 0, str(failure)
        took_us = None if error else round((time.monotonic() - due) * 1e6)
        results.append([round((due - began) * 1e6), took_us, came, error])
        number += connections


class Stopped:
    """Whether and when the client was told to end."""

    def __init__(self):
        self.event = threading.Event()
        self.at = float("inf")

    def stop(self, *_):
        """Nothing becomes due any more."""
        self.at = min(self.at, time.monotonic())
        self.event.set()


def main():
    """The command line."""
    address, port, rate, connections, timeout_s, *sizes = sys.argv[1:]
    stopped, results = Stopped(), []
    signal.signal(signal.SIGTERM, stopped.stop)
    began_ns = time.monotonic_ns()
    plan = (began_ns / 1e9, float(rate), int(connections), [int(size) for size in sizes])
    threads = []
    for index in range(int(connections)):
        connection = Connection((address, int(port)), float(timeout_s))
        threads.append(threading.Thread(target=requests_of, args=(index, connection, plan, stopped, results)))
    for thread in threads:
        thread.start()
    print("ready", file=sys.stderr, flush=True)
    for thread in threads:
        thread.join()
    print(json.dumps({"began_ns": began_ns, "requests": sorted(results)}))


if __name__ == "__main__":
    main()
