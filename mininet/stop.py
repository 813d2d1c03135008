"""Ends a demo that was kept with `make demo KEEP=1`, and waits until everything of it is gone."""

import json
import os
import signal
import sys

from processes import CommandFailed, stat_of, wait_until

STATE_FILE = "/run/godwit-demo.json"


def main():
    """The command line."""
    kept = kept_process()
    if kept is None:
        print("no demo is being kept")
        return 0
    began = started(kept)
    os.kill(kept, signal.SIGTERM)
    wait_until(lambda: not is_alive(kept, began), 60, "the end of the demo")
    print("the demo has been removed")
    return 0


def remember_kept():
    """Record that this process keeps a demo."""
    with open(STATE_FILE, "w", encoding="ascii") as file:
        json.dump({"pid": os.getpid(), "started": started(os.getpid())}, file)


def forget_kept():
    """Remove the record."""
    if os.path.exists(STATE_FILE):
        os.remove(STATE_FILE)


def kept_process():
    """The id of the process that keeps a demo, or None. A record whose process is gone is removed."""
    try:
        with open(STATE_FILE, encoding="ascii") as file:
            record = json.load(file)
    except FileNotFoundError:
        return None
    if is_alive(record["pid"], record["started"]):
        return record["pid"]
    forget_kept()
    return None


def is_alive(pid, began):
    """Whether the process that started then is there. Its id alone may have been given to another one since."""
    try:
        return started(pid) == began
    except (FileNotFoundError, ProcessLookupError):
        return False


def refuse_if_kept():
    """`CommandFailed` if a demo is being kept: two can't use the same names."""
    if kept_process() is not None:
        raise CommandFailed("a demo is being kept already: `make demo-stop` ends it")


def started(pid):
    """When a process started, in clock ticks since boot; `FileNotFoundError` if there is none."""
    fields = stat_of(pid)
    if fields[0] == "Z":
        raise FileNotFoundError(f"process {pid} has ended")
    return int(fields[19])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (CommandFailed, TimeoutError) as error:
        sys.exit(f"stop: {error}")
