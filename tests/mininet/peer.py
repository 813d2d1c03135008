"""A bare controller of one switch: it sends the messages that a test gives it, through the project's own codec."""

import itertools
import json
import subprocess

from processes import end, program, start

VERSIONS = {"OpenFlow10": "1.0", "OpenFlow13": "1.3"}


class Peer:
    """A connection to a Mininet switch in the version that it speaks, with the handshake done.

    Messages are objects as the project writes them in JSON: `{"type": "barrier_request"}`.
    """

    def __init__(self, switch):
        socket = f"{switch.run_directory}/{switch.name}.mgmt"
        command = [program("godwit-probe"), "openflow", "--socket", socket]
        command += ["--openflow", VERSIONS[switch.protocols]]
        pipe = subprocess.PIPE
        self._process = start(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        self._xids = itertools.count(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self._process)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            stream.close()

    def next_xid(self):
        """A transaction id that is not in use."""
        return next(self._xids)

    def send(self, kind, body=None, xid=None):
        """Send a message; its transaction id."""
        xid = self.next_xid() if xid is None else xid
        message = {"type": kind} if body is None else {"type": kind, "body": body}
        self._process.stdin.write(json.dumps({"xid": xid, "message": message}) + "\n")
        self._process.stdin.flush()
        return xid

    def receive(self):
        """The next message, with its transaction id."""
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the connection has ended: {self._process.stderr.read().strip()}")
        received = json.loads(line)
        if "error" in received:
            raise RuntimeError(f"a message that can't be decoded: {received}")
        return received["xid"], received["message"]

    def ask(self, kind, body=None):
        """Send a message; the type and the body of its answer, which may be an error."""
        return self.answer(self.send(kind, body))

    def answer(self, xid):
        """The type and the body of the next message with this transaction id. Those before it are dropped."""
        while True:
            found, message = self.receive()
            if found == xid:
                return message["type"], message.get("body")

    def settle(self):
        """What has come by the time that the switch has done all that it was asked: type and body of each."""
        xid = self.send("barrier_request")
        received = []
        while True:
            found, message = self.receive()
            if found == xid:
                return received
            received.append((message["type"], message.get("body")))
