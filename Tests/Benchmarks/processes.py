"""Processes: started so that none outlives the benchmark, ended by pid; what /proc says of them."""
import ctypes
import os
import pathlib
import signal
import subprocess

_TICK = os.sysconf("SC_CLK_TCK")
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def start(command: list[str], log: pathlib.Path, environment: dict[str, str] | None = None) -> subprocess.Popen:
    """Starts a process whose output goes to `log`. Killed by the kernel if the benchmark itself is killed."""
    with log.open("wb") as output:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment,
                                preexec_fn=_die_with_parent)


def end(process: subprocess.Popen | None, patience: float = 5) -> int | None:
    """SIGTERM, and SIGKILL when that is not heeded in time. The exit status."""
    if process is None:
        return None
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def cpu_seconds(pid: int) -> tuple[float, float]:
    """User and system time of a process, all its threads, the ended ones too (proc(5): utime, stime)."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / _TICK, int(fields[12]) / _TICK


def memory_kib(pid: int, name: str) -> int:
    """VmRSS or VmHWM in KiB."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise ValueError(f"/proc/{pid}/status has no {name}")


def machine_busy_seconds() -> float:
    """Processor time that all processes of the machine used since boot (proc(5): user, nice, system, irq, softirq)."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    return sum(int(fields[i]) for i in (0, 1, 2, 5, 6)) / _TICK


def file_system(directory: pathlib.Path) -> str:
    """The type's name as statfs(2) tells it: ext2/ext3, xfs, tmpfs, ..."""
    return subprocess.run(["stat", "-f", "-c", "%T", str(directory)], check=True, capture_output=True,
                          text=True).stdout.strip()
