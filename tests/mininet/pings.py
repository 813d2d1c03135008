"""Pings between all hosts at once."""

from subprocess import DEVNULL, PIPE

from processes import end

# A ping in each millisecond from each host: more would be the hosts' own limit.
GAP_MS = 1


def unanswered(groups, wait_ms=1000):
    """Who had no answer from whom, as pairs of names. Each host pings all others of its group, all hosts at once."""
    running = []
    try:
        for group in groups:
            names = {host.IP(): host.name for host in group}
            for host in group:
                others = [address for address in names if address != host.IP()]
                if others:
                    command = ["fping", "-q", "-c1", f"-t{wait_ms}", f"-i{GAP_MS}", *others]
                    running.append((host, names, host.popen(command, stdout=DEVNULL, stderr=PIPE, text=True)))
        return [
            (host.name, names[line.split(" ", 1)[0]])
            for host, names, process in running
            for line in process.communicate(timeout=60)[1].splitlines()
            if " = " in line and not answered(line)
        ]
    finally:
        for _, _, process in running:
            end(process)


def answered(line):
    """Whether one line of fping's summary, `10.0.0.2 : xmt/rcv/%loss = 1/1/0%, …`, tells of an answer."""
    return line.split(" = ", 1)[1].split("/")[1] == "1"
