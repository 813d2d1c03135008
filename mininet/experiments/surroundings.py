"""What a measurement depends on beside its definition: programs, machine, revision."""

import os
import platform
import subprocess

from processes import PROJECT, CommandFailed, program, run

OS_RELEASE = "/etc/os-release"


def surroundings():
    """`git_revision`, `versions` of programs, and `machine`. What can't be found out is left out, or "unknown"."""
    return {"git_revision": _revision(), "versions": _versions(), "machine": _machine()}


def _revision():
    try:
        revision = run("git", "-C", PROJECT, "rev-parse", "HEAD").strip()
        changed = run("git", "-C", PROJECT, "status", "--porcelain", "--untracked-files=no").strip()
    except (CommandFailed, OSError, subprocess.SubprocessError):
        return "unknown"
    return f"{revision} with changes" if changed else revision


def _versions():
    asked = {
        "godwit": (program("godwit"), "--version"),
        "Open vSwitch": ("ovs-vswitchd", "--version"),
        "Mininet": ("mn", "--version"),
        "os-ken": ("dpkg-query", "--show", "--showformat=${Version}", "python3-os-ken"),
    }
    versions = {"Python": platform.python_version()}
    for name, command in asked.items():
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        except (OSError, subprocess.SubprocessError):
            continue
        lines = (done.stdout.strip() or done.stderr.strip()).splitlines()
        if lines:
            versions[name] = lines[0].rpartition(" ")[2]
    return versions


def _machine():
    return {
        "processor": _first_value("/proc/cpuinfo", "model name", ":"),
        "processors": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": _first_value(OS_RELEASE, "PRETTY_NAME", "=").strip('"'),
        "kernel": platform.release(),
        "architecture": platform.machine(),
    }


def _first_value(path, key, separator):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                name, found, value = line.partition(separator)
                if found and name.strip() == key:
                    return value.strip()
    except OSError:
        pass
    return "unknown"
