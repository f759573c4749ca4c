"""strace ends the daemon at its Nth sync of a file, or lets a call fail there."""
import json
import subprocess
from pathlib import Path

from harness import until
from statefiles import last_lsn

_TIMES = range(1, 7)
_BURST = 50


class Traced:
    """strace before the daemon: `inject` at calls of `call` on one file. The daemon stays the child (-D)."""

    def __init__(self, daemon, call: str, path: Path, inject: str):
        self.trace = daemon.directory / "trace"
        self.trace.unlink(missing_ok=True)
        self._daemon = daemon
        daemon.prefix = ["strace", "-D", "-f", "-o", str(self.trace), "-P", str(path), "-e", f"trace={call}",
                         "-e", f"inject={call}:{inject}"]

    def injected(self) -> int:
        return self.trace.read_text().count("(INJECTED)") if self.trace.exists() else 0

    def ended(self) -> int:
        """The daemon's status, once it has ended."""
        process, self._daemon.process = self._daemon.process, None
        try:
            return process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise RuntimeError(f"the daemon did not end; the trace: {self.trace.read_text()[-2000:]}") from None
        finally:
            self._daemon.prefix = []
            process.wait()


def next_segment(daemon) -> Path:
    """The segment that the next start after a clean stop begins."""
    return daemon.state / "wal" / f"{last_lsn(daemon.state) + 1:020}.wal"


def send(stage, burst: object) -> set[str]:
    keys = [f"{burst}/{number:03d} +%2F ключ" for number in range(_BURST)]
    stage.cloud.send_failures(stage.queue, stage.name, "rule", keys)
    return set(keys)


def exactly(stage, daemon, sent: set[str]) -> None:
    rule = f"{stage.name}/rule"
    until(lambda: daemon.counts() == {rule: {"open": len(sent)}}, 30, f"exactly {len(sent)} open failures")
    failures = daemon.failures(rule)
    assert {one["key"] for one in failures} == sent and len(failures) == len(sent)
    assert {one["failureCount"] for one in failures} == {1}


def test_killed_at_its_nth_sync_of_each_file_it_loses_nothing(stage):
    sent: set[str] = set()
    runs: dict[str, list[int]] = {}
    with stage.daemon() as daemon:
        daemon.live_on(daemon.state, wal={"minFreeBytes": 0})
        files = {"segment": lambda: next_segment(daemon), "next.tmp": lambda: daemon.state / "wal/next.tmp",
                 "failures.db-wal": lambda: daemon.state / "failures.db-wal"}
        for name, path in files.items():
            for number in _TIMES:
                assert daemon.stop() == 0
                sent |= send(stage, f"{name}/{number}")
                traced = Traced(daemon, "fdatasync", path(), f"signal=KILL:when={number}")
                daemon.start(wait=False)
                assert traced.ended() == -9
                until(traced.injected, what=f"(INJECTED) in the trace of {name}, {number}")
                runs.setdefault(name, []).append(number)
                daemon.start()
                exactly(stage, daemon, sent)
    total = sum(len(numbers) for numbers in runs.values())
    print(f"{total} kills at the Nth fdatasync, N by file: {json.dumps(runs)}; {len(sent)} failures exact")
    assert total == len(files) * len(_TIMES) >= 15


def test_a_failed_sync_of_the_log_ends_the_daemon_and_loses_nothing(stage):
    with stage.daemon() as daemon:
        sent = send(stage, "before")
        exactly(stage, daemon, sent)
        assert daemon.stop() == 0
        sent |= send(stage, "failing")
        segment = next_segment(daemon)
        traced = Traced(daemon, "fdatasync", segment, "error=EIO:when=2")
        daemon.start(wait=False)
        assert traced.ended() == 1
        until(traced.injected, what="(INJECTED) in the trace")
        assert f"fdatasync {segment}: Input/output error" in daemon.log(), daemon.log()
        assert "ERRNO=5" in daemon.notify.lines()
        daemon.start()
        exactly(stage, daemon, sent)


def test_no_room_for_the_next_segment_is_a_pause_and_no_end(stage):
    with stage.daemon() as daemon:
        assert daemon.stop() == 0
        path = daemon.state / "wal/next.tmp"
        traced = Traced(daemon, "pwrite64", path, "error=ENOSPC:when=2..3")
        daemon.start()
        log = until(lambda: daemon.status()["log"].get("paused"), what="a pause")
        assert "no room for a new log segment" in log and str(path) in log and "No space left on device" in log
        assert daemon.get("/v1/health").status == 200
        sent = send(stage, "later")
        until(lambda: daemon.status()["log"].get("paused") is None, what="the end of the pause")
        exactly(stage, daemon, sent)
        assert daemon.is_alive and traced.injected() > 0
