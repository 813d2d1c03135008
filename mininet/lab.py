"""A lab: network, mount and process namespaces of its own, and directories in which an Open vSwitch of its own can run.

What a lab made is gone with it, however it ends: its first process takes all others along, and it is killed when whoever
started it is gone.
"""

from processes import start

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
    """Start a process in a lab of its own. To kill it is to end all that runs in the lab."""
    return start((*COMMAND, *command), **options)
