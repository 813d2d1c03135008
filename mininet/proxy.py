"""A proxy between one switch and its controller that loses, delays, refuses or cuts the messages it is told to."""

import itertools
import json
import subprocess
import threading
import time

import interrupts
from processes import end, program, start

ANSWER_S = 10


class Proxy(interrupts.Made):
    """The proxy, running while the context lasts.

    `network.switch("s6").connect_to(proxy.port)` puts it between the switch and the controller. Without rules it
    forwards everything.
    """

    def __init__(self, controller_port):
        self._controller_port = controller_port
        self._process = self._reader = None
        self._changed = threading.Condition()
        self._reports = []
        self._answers = []
        self._names = itertools.count(1)
        self._ended = False
        self.port = None

    def _start(self):
        command = [program("godwit-probe"), "proxy", "--to", f"127.0.0.1:{self._controller_port}"]
        pipe = subprocess.PIPE
        self._process = start(command, stdin=pipe, stdout=pipe, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = self._wait(lambda: self._of("listening"), ANSWER_S, "a port")[0]["port"]

    def _undo(self):
        if self._process is not None:
            end(self._process)
            if self._reader is not None:
                self._reader.join(ANSWER_S)
            self._process.stdin.close()
            self._process.stdout.close()

    def _read(self):
        for line in self._process.stdout:
            report = json.loads(line)
            with self._changed:
                if report["report"] in ("done", "counts", "refused"):
                    self._answers.append(report)
                else:
                    self._reports.append(report)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _of(self, kind, rule=None):
        return [r for r in self._reports if r["report"] == kind and (rule is None or r["rule"] == rule)]

    def _wait(self, condition, timeout, what):
        """What `condition` gives, once it is something."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                failures = self._of("failed")
                if failures:
                    raise RuntimeError(f"a rule could not be carried out: {failures[0]['reason']}")
                value = condition()
                if value:
                    return value
                if self._ended:
                    raise RuntimeError(f"the proxy has ended, while waiting for {what}")
                if not self._changed.wait(deadline - time.monotonic()) and time.monotonic() >= deadline:
                    raise TimeoutError(f"{what}: not within {timeout:g} s")

    def _tell(self, command, **members):
        """The answer to a command, which is in force then."""
        with self._changed:
            self._answers.clear()
        self._process.stdin.write(json.dumps({"do": command, **members}) + "\n")
        self._process.stdin.flush()
        answer = self._wait(lambda: self._answers, ANSWER_S, f"the answer to {command}")[0]
        if answer["report"] == "refused":
            raise ValueError(f"{command} {members}: {answer['reason']}")
        return answer

    def arm(self, action, message, direction=None, after=None, nth=None, every=None, since=None, **more):
        """A rule for messages of this type: `nth` alone (the first by default), `every` so many, or all from `since`
        on.

        `action` is a word, or a word and its members: `("delay", {"ms": 30})`. `more` narrows the messages down:
        `which` (a command, statistics type or bundle step), `table`, `cookie`, `cookie_mask`. With `after`, another
        rule, it sees nothing before that has struck.
        """
        word, members = (action, {}) if isinstance(action, str) else action
        if direction is None:
            direction = "from_switch" if message in FROM_SWITCH else "to_switch"
        strikes = {"every": every} if every else {"from": since} if since else {"nth": nth or 1}
        order = {
            "rule": f"rule {next(self._names)}",
            "match": {"direction": direction, "message": message, **more},
            "strikes": strikes,
            "action": {"type": word, **members},
        }
        if after is not None:
            order["after"] = after.name
        self._tell("arm", **order)
        return Rule(self, order["rule"])

    def clear(self):
        """No rule is left, nothing hangs, and switches may come."""
        for rule in self.counts()["rules"]:
            self._tell("disarm", rule=rule)
        self.resume()
        self.accept()

    def disconnect(self, reset=False, refuse_s=None):
        """Close the connection at both ends, and refuse the switch's next ones for so long."""
        refuse_ms = None if refuse_s is None else int(refuse_s * 1000)
        self._tell("disconnect", reset=reset, refuse_ms=refuse_ms)

    def hang(self):
        """Forward nothing more, and keep connections open."""
        self._tell("hang")

    def resume(self):
        """Go on after a hang."""
        self._tell("resume")

    def refuse(self, seconds=None):
        """Refuse new connections, for so long or until `accept`."""
        self._tell("refuse", ms=None if seconds is None else int(seconds * 1000))

    def accept(self):
        """Take new connections again."""
        self._tell("accept")

    def counts(self):
        """What each rule has seen, and how many messages of each kind went each way."""
        return self._tell("count")

    def connections(self):
        """How many connections of the switch have been carried so far."""
        with self._changed:
            return len(self._of("connected"))

    def wait_for_connection(self, number=1, timeout=15):
        """Return when the switch has come for this many times."""
        self._wait(lambda: len(self._of("connected")) >= number, timeout, f"connection {number} of the switch")


FROM_SWITCH = {
    "echo_reply",
    "features_reply",
    "packet_in",
    "flow_removed",
    "port_status",
    "barrier_reply",
    "stats_reply",
    "role_reply",
}


class Rule:
    """A rule that has been armed."""

    def __init__(self, proxy, name):
        self._proxy, self.name = proxy, name

    # The proxy's own parts: a rule is one of them.
    # pylint: disable=protected-access

    def wait(self, count=1, timeout=20):
        """The report of its strike with this number."""
        struck = lambda: self._proxy._of("struck", self.name)[count - 1 : count]  # noqa: E731
        return self._proxy._wait(struck, timeout, f"strike {count} of {self.name}")[0]

    def strikes(self):
        """What it has struck by now."""
        with self._proxy._changed:
            return self._proxy._of("struck", self.name)

    def release(self):
        """Let go what it holds."""
        self._proxy._tell("release", rule=self.name)

    def disarm(self):
        """Forget it; what it holds goes on."""
        self._proxy._tell("disarm", rule=self.name)

    @property
    def seen(self):
        """How many messages it has seen."""
        return self._proxy.counts()["rules"][self.name]["seen"]
