"""Programs that run in a host's network namespace."""

import glob
import json
import os
import shutil
import signal
from contextlib import suppress
from subprocess import PIPE, TimeoutExpired

from processes import CommandFailed, end, start, stat_of, wait_until

# The state of a listening socket in /proc/net/tcp.
LISTEN = "0A"

READY_S = 10

# How long a program may take to end once it is told to.
END_S = 2


def start_inside(host, *command):
    """Start a program in a host's namespace, its output and errors in pipes. Its process id is that of what is
    returned: `mnexec` becomes it."""
    if shutil.which(command[0]) is None:
        raise CommandFailed(f"{command[0]} isn't installed: scripts/install-deps.sh installs it")
    return start(["mnexec", "-a", host.pid, *command], stdout=PIPE, stderr=PIPE, text=True)


def wait_listening(process, port, what):
    """Return when `process` can take TCP connections at `port`; `CommandFailed` with what it wrote if it ends instead,
    as it does when somebody else has the port."""

    def ready():
        if process.poll() is not None:
            output, errors = process.communicate()
            raise CommandFailed(f"{what} didn't start: {_complaint(output, errors)}")
        return _listens(process.pid, port)

    wait_until(ready, READY_S, f"{what} listening at port {port}", interval=0.005)


def _complaint(output, errors):
    """Why a program ended. One that writes JSON has it there, and next to nothing among its errors."""
    try:
        return json.loads(output)["error"]
    except (ValueError, KeyError):
        return (errors or output).strip()


def _listens(pid, port):
    """Whether a socket of this process listens: in its namespace, others may have the same port."""
    with open(f"/proc/{pid}/net/tcp", encoding="ascii") as file:
        fields = [line.split() for line in file.readlines()[1:]]
    listening = {f"socket:[{field[9]}]" for field in fields if field[1].endswith(f":{port:04X}") and field[3] == LISTEN}
    return not listening.isdisjoint(_open_files(pid))


def _open_files(pid):
    for path in glob.glob(f"/proc/{pid}/fd/*"):
        with suppress(FileNotFoundError):
            yield os.readlink(path)


def wait_asleep(process, patience):
    """Return when the process waits for something in the kernel, or has ended, or after `patience` seconds."""
    with suppress(TimeoutError):
        wait_until(lambda: not _runs(process.pid), patience, "the process asleep", interval=0.0002)


def _runs(pid):
    try:
        return stat_of(pid)[0] == "R"
    except (FileNotFoundError, ProcessLookupError):
        return False


def output_of(process, patience):
    """What a process writes until it ends: output and errors. It is told to end after `patience` seconds, and killed
    when that doesn't help."""
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, END_S)):
        try:
            return process.communicate(timeout=seconds)
        except TimeoutExpired:
            process.send_signal(number)
    return process.communicate()


def end_all(processes):
    """End the processes that were started, however far that got; None is one that wasn't."""
    for process in processes:
        if process is not None:
            end(process)
            for pipe in (process.stdout, process.stderr):
                pipe.close()


def require(condition, argument, what):
    """`ValueError` naming the argument unless the condition holds."""
    if not condition:
        raise ValueError(f"{argument}: {what}")


def require_port(port):
    """`ValueError` unless this is a port that a server can have."""
    require(isinstance(port, int) and 1 <= port <= 65535, "port", f"{port!r} isn't a number from 1 to 65535")
