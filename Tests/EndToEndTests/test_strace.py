"""strace ends the daemon at its Nth sync of a file, or lets a call fail there."""
import re
from pathlib import Path

from exact import exactly, send
from harness import until
from statefiles import applied_lsn, last_lsn

_FEW = 10
# The Nth sync of each file by one thread: strace counts each thread's own, and only a file that is filled in one go
# surely has the same thread for many.
_TIMES = {"segment": [1, 2, 3], "next.tmp": [1, 2, 3, 5, 8, 13, 21, 34, 55], "failures.db-wal": [1],
          "ballast.tmp": [1, 33]}


class Traced:
    """strace before the daemon: `inject` at calls of `call` on one file. The daemon stays the child (-D)."""

    def __init__(self, daemon, call: str, path: Path, inject: str):
        self.trace = daemon.directory / "trace"
        self.trace.unlink(missing_ok=True)
        self._daemon = daemon
        daemon.prefix = ["strace", "-D", "-f", "-o", str(self.trace), "-P", str(path), "-e", f"trace={call}",
                         "-e", f"inject={call}:{inject}"]

    def injected(self) -> int:
        return self.read().count("(INJECTED)")

    def killed(self) -> bool:
        """The traced call began and never came back. strace writes (INJECTED) where a call returns, so not here."""
        trace = self.read()
        return (re.search(r"fdatasync.*(= \?|<unfinished \.\.\.>)$", trace, re.MULTILINE)
                and "+++ killed by SIGKILL +++" in trace)

    def read(self) -> str:
        return self.trace.read_text() if self.trace.exists() else ""

    def ended(self) -> int:
        """The daemon's status, once it has ended."""
        try:
            return until(self._daemon.process.poll, 30, "the end of the daemon")
        finally:
            self._daemon.kill()
            self._daemon.prefix = []


def next_segment(daemon) -> Path:
    """The segment that the next start after a clean stop begins."""
    return daemon.state / "wal" / f"{last_lsn(daemon.state) + 1:020}.wal"


def send_until_dead(stage, daemon, name: str) -> set[str]:
    """Start with ten messages in the queue, and send ten more whenever those are in the log, until the daemon ends.
    (A receive of a dead daemon that found an empty queue would swallow messages for as long as it waits.)"""
    sent: set[str] = set()
    while True:
        wanted = last_lsn(daemon.state) + _FEW
        sent |= send(stage, f"{name}/{len(sent)}", _FEW)
        if daemon.process is None:
            daemon.start(wait=False)
        until(lambda: daemon.process.poll() is not None or last_lsn(daemon.state) >= wanted, 20, f"record {wanted}")
        if daemon.process.poll() is not None:
            return sent
        assert len(sent) < 50 * _FEW, f"the daemon lives on; applied {applied_lsn(daemon.state)}"


def test_killed_at_its_nth_sync_of_each_file_it_loses_nothing(stage):
    stage.cloud.client("sqs").set_queue_attributes(QueueUrl=stage.queue.url, Attributes={"VisibilityTimeout": "1"})
    sent: set[str] = set()
    with stage.daemon() as daemon:
        files = {"segment": next_segment, "next.tmp": lambda daemon: daemon.state / "wal/next.tmp",
                 "failures.db-wal": lambda daemon: daemon.state / "failures.db-wal",
                 "ballast.tmp": lambda daemon: daemon.state / "ballast.tmp"}
        for name, path in files.items():
            for number in _TIMES[name]:
                assert daemon.stop() == 0
                if name == "ballast.tmp":
                    (daemon.state / "ballast").unlink(missing_ok=True)
                traced = Traced(daemon, "fdatasync", path(daemon), f"signal=KILL:when={number}")
                sent |= send_until_dead(stage, daemon, f"{name}/{number}")
                assert traced.ended() == -9
                until(traced.killed, what=f"a killed fdatasync of {name}, {number}, in the trace")
                daemon.start()
                exactly(stage, daemon, sent)
    total = sum(len(numbers) for numbers in _TIMES.values())
    print(f"{total} kills at the Nth fdatasync, N by file: {_TIMES}; {len(sent)} failures exact after each restart")
    assert total >= 15


def test_a_failed_sync_of_the_log_ends_the_daemon_and_loses_nothing(stage):
    with stage.daemon() as daemon:
        sent = send(stage, "before", _FEW)
        exactly(stage, daemon, sent)
        assert daemon.stop() == 0
        segment = next_segment(daemon)
        traced = Traced(daemon, "fdatasync", segment, "error=EIO:when=2")
        sent |= send_until_dead(stage, daemon, "failing")
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
        traced = Traced(daemon, "pwrite64", path, "error=ENOSPC:when=5..6")
        daemon.start()
        log = until(lambda: daemon.status()["log"].get("paused"), what="a pause")
        assert "no room for a new log segment" in log and str(path) in log and "No space left on device" in log
        assert daemon.get("/v1/health").status == 200
        sent = send(stage, "later", _FEW)
        until(lambda: daemon.status()["log"].get("paused") is None, what="the end of the pause")
        exactly(stage, daemon, sent)
        assert daemon.is_alive and traced.injected() > 0
