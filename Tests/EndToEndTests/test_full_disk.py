"""A disk that really fills: the intake pauses, the store gives up its ballast, and all goes on when there is room."""
import os
import re

from disks import directory, make_image, mounted
from harness import until

_MEBIBYTE = 1 << 20
_BALLAST = 64 * _MEBIBYTE


def free_bytes(at) -> int:
    found = os.statvfs(at)
    return found.f_bavail * found.f_frsize


def fill(path, leaving: int) -> None:
    """Write a file until so many bytes are free on its file system, or, at 0, until nothing goes."""
    with open(path, "ab", buffering=0) as file:
        try:
            while (more := free_bytes(path.parent) - leaving) > 0 or leaving == 0:
                file.write(b"\0" * (min(more, _MEBIBYTE) or 4096))
                os.fsync(file.fileno())
        except OSError as error:
            assert "No space left" in str(error) and leaving == 0, error


def send(stage, burst: str, count: int) -> set[str]:
    keys = [f"{burst}/{number:04d} +%2F ключ" for number in range(count)]
    stage.cloud.send_failures(stage.queue, stage.name, "rule", keys)
    return set(keys)


def exactly(stage, daemon, sent: set[str]) -> None:
    rule = f"{stage.name}/rule"
    until(lambda: daemon.counts() == {rule: {"open": len(sent)}}, 30, f"exactly {len(sent)} open failures")
    failures = daemon.failures(rule)
    assert {one["key"] for one in failures} == sent and len(failures) == len(sent)
    assert {one["failureCount"] for one in failures} == {1}


def problem(daemon, code: str) -> dict | None:
    return next((one for one in daemon.status()["problems"] if one["code"] == code), None)


def test_a_store_on_a_full_disk_gives_up_its_ballast_and_makes_it_again(stage):
    with directory() as base:
        make_image(base / "disk.img", 400)
        daemon = stage.daemon()
        with mounted(base / "disk.img", base / "disk") as disk:
            daemon.live_on(disk / "state", wal={"minFreeBytes": 0})
            ballast, filler = daemon.state / "ballast", disk / "filler"
            with daemon:
                until(ballast.exists, what="a ballast")
                assert ballast.stat().st_size == _BALLAST <= ballast.stat().st_blocks * 512
                sent = send(stage, "before", 50)
                exactly(stage, daemon, sent)
                fill(filler, 0)
                bursts = 0
                while ballast.exists():  # the -wal has room of its own for a while
                    sent |= send(stage, f"full-{bursts}", 200)
                    bursts += 1
                    exactly(stage, daemon, sent)
                found = problem(daemon, "diskFull")
                assert found and "free space" in found["message"], found
                assert daemon.get("/v1/health").status == 200 and daemon.status()["state"] != "running"
                assert str(_BALLAST) in daemon.log() and "ballast" in daemon.log()
                sent |= send(stage, "after", 50)
                exactly(stage, daemon, sent)
                assert not ballast.exists()
                filler.unlink()
                until(lambda: problem(daemon, "diskFull") is None, 30, "the end of diskFull")
                assert ballast.stat().st_size == _BALLAST
                exactly(stage, daemon, sent)
    print(f"{bursts} bursts until SQLITE_FULL; ballast of {_BALLAST} bytes given up and made again; {len(sent)} exact")
