"""A lab: network, mount and process namespaces of its own, and directories in which an Open vSwitch of its own can run.

What a lab made is gone with it, however it ends: its first process takes all others along, and it is killed when whoever
started it is gone.
"""

import os
import signal
import subprocess
from contextlib import suppress

from processes import children, start

# What the machine's own Open vSwitch and `ip netns` keep in these isn't seen in a lab. /var/run is /run.
ENTER = """
ip link set lo up
mkdir -p /etc/openvswitch /var/log/openvswitch
for directory in /run /etc/openvswitch /var/log/openvswitch; do mount -t tmpfs none $directory || exit 1; done
mkdir /run/openvswitch /run/netns
"$@"
exit $?
"""
# The first process of a process namespace takes all others with it.
NAMESPACES = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
COMMAND = ("setpriv", "--pdeathsig", "KILL", "--", *NAMESPACES, "bash", "-c", ENTER, "lab")


def start_in_lab(command, **options):
    """Start a process in a lab of its own. To kill it is to end all that runs in the lab, a moment later."""
    return start((*COMMAND, *command), **options)


def end_lab(process, patience=10):
    """End a lab by what `start_in_lab` returned. When this returns, nothing in it runs any more that could write
    another file. `patience` is in seconds, after which that isn't waited for any more."""
    # Of these two `unshare` waits for the other: the lab's first process, which ends after all others in it.
    for first in children(process.pid):
        with suppress(ProcessLookupError):
            os.kill(first, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    process.kill()
    process.wait()
