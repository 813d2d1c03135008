"""Processes that a run starts, each ended by its own id."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RELEASE = os.path.join(PROJECT, "target", "release")

# Before a command that Mininet may have no chance to end, because it is killed.
ENDS_WITH_US = ("setpriv", "--pdeathsig", "TERM", "--")


class CommandFailed(Exception):
    """A command ended with an error; says which and what it wrote."""


def run(*command, timeout=60, env=None, input_text=None):
    """The command's standard output; `CommandFailed` if it ends with an error. In a session of its own, as with
    `start`: Ctrl-C must not end the very commands that clean up after it."""
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=env,
        input=input_text,
        start_new_session=True,
        check=False,
    )
    if done.returncode != 0:
        raise CommandFailed(f"{' '.join(map(str, command))}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def start(command, **options):
    """Start a process in a session of its own, so that Ctrl-C at the terminal reaches us and not it: we end it in
    our order."""
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen([str(word) for word in command], start_new_session=True, **options)


def end(process, patience=5):
    """SIGTERM, and SIGKILL when that doesn't help within `patience` seconds. Returns the exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def end_group(process):
    """End a process that forks a child for each connection, with its children: they share its session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def children(pid):
    """The process ids of a process's children; none if it is gone."""
    found = []
    # A process and its threads may end meanwhile.
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                found += [int(word) for word in file.read().split()]
    return found


def stat_of(pid):
    """What /proc/PID/stat says of a process after its name: its state, its parent, …. `FileNotFoundError` or
    `ProcessLookupError` if there is none."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        # The name is in parentheses, which may hold blanks and parentheses.
        return file.read().rpartition(")")[2].split()


def program(name):
    """The path of one of the project's programs: in the release build, or else where programs are installed, unless
    `GODWIT_BIN_DIR` says where."""
    directory = os.environ.get("GODWIT_BIN_DIR")
    path = os.path.join(directory or RELEASE, name)
    if os.access(path, os.X_OK):
        return path
    installed = None if directory else shutil.which(name)
    if installed is None:
        raise CommandFailed(f"{path} doesn't exist: run `make build` first")
    return installed


def wait_until(condition, timeout, what, interval=0.02):
    """Poll until `condition()` is true and return its value; `TimeoutError` naming `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        time.sleep(interval)
