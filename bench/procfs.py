"""What Linux tells of a process: its children, its ports, its CPU time, its memory."""

import os
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_LISTEN = "0A"


def descendants(pid: int) -> Iterator[int]:
    """Yield the processes that a process started, and those that they started."""
    for task in (PROC / str(pid) / "task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            yield child
            yield from descendants(child)


def command(pid: int) -> list[str]:
    """Return a process's command line."""
    return (PROC / str(pid) / "cmdline").read_text().split("\0")


def listening_ports(pid: int) -> list[int]:
    """Return the TCP ports on which a process listens, in the order it opened them."""
    inodes = {}
    for line in (PROC / str(pid) / "net" / "tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == _LISTEN:
            inodes[f"socket:[{fields[9]}]"] = int(fields[1].rpartition(":")[2], 16)
    files = sorted((PROC / str(pid) / "fd").iterdir(), key=lambda file: int(file.name))
    targets = [str(file.readlink()) for file in files]
    return [inodes[target] for target in targets if target in inodes]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has taken, in all its threads."""
    # The second field is the program's name in brackets, which may have anything in it.
    after_name = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    user, system = after_name[11:13]
    return (int(user) + int(system)) / _TICKS


def reset_peak_memory(pid: int) -> None:
    """Let the peak begin at what the process holds now."""
    (PROC / str(pid) / "clear_refs").write_text("5")


def peak_memory(pid: int) -> int:
    """Return the most memory that a process has held since the reset, in bytes."""
    status = (PROC / str(pid) / "status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
