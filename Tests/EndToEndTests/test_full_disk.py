"""A disk that really fills: the intake pauses, the store gives up its ballast, and all goes on when there is room."""
import contextlib
import os

from disks import directory, make_image, mounted
from exact import exactly, send
from harness import until

_MEBIBYTE = 1 << 20
_BALLAST = 64 * _MEBIBYTE


def free_bytes(at) -> int:
    found = os.statvfs(at)
    return found.f_bavail * found.f_frsize


def fill(path, leaving: int) -> None:
    """A file whose blocks are taken, until so many bytes are free on its file system; at 0, until nothing goes."""
    with open(path, "ab", buffering=0) as file:
        # Extents and an index of them take some blocks too.
        os.posix_fallocate(file.fileno(), 0, free_bytes(path.parent) - max(leaving, _MEBIBYTE))
        if leaving == 0:
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"\0" * 4096)
                    os.fsync(file.fileno())
            assert free_bytes(path.parent) < _MEBIBYTE


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
                assert "the disk is full: " in daemon.log() and "was given up for it" in daemon.log()
                sent |= send(stage, "after", 50)
                exactly(stage, daemon, sent)
                assert not ballast.exists()
                filler.unlink()
                until(lambda: problem(daemon, "diskFull") is None, 30, "the end of diskFull")
                assert ballast.stat().st_size == _BALLAST
                exactly(stage, daemon, sent)
    print(f"{bursts} bursts until SQLITE_FULL; ballast of {_BALLAST} bytes given up and made again; {len(sent)} exact")


def test_a_log_without_room_pauses_the_intake_and_goes_on_by_itself(stage):
    limit, left = 32 * _MEBIBYTE, 16 * _MEBIBYTE
    with directory() as base:
        make_image(base / "disk.img", 400)
        daemon = stage.daemon()
        with mounted(base / "disk.img", base / "disk") as disk:
            daemon.live_on(disk / "state", wal={"minFreeBytes": limit})
            ballast, filler = daemon.state / "ballast", disk / "filler"
            with daemon:
                until(ballast.exists, what="a ballast")
                sent = send(stage, "before", 50)
                exactly(stage, daemon, sent)
                assert daemon.stop() == 0
                fill(filler, left)
                daemon.start()
                paused_by_minimum(stage, daemon, limit, sent)
                assert ballast.exists()
                sent |= waits_in_the_queue(stage, daemon, "paused")
                filler.unlink()
                until(lambda: daemon.status()["log"].get("paused") is None, 30, "the end of the pause")
                exactly(stage, daemon, sent)
                assert daemon.status()["state"] == "running"

                # Nothing at all is free: even a start needs the ballast.
                assert daemon.stop() == 0
                fill(filler, 0)
                daemon.start()
                assert not ballast.exists() and problem(daemon, "diskFull"), daemon.status()
                fill(filler, left)
                paused_by_minimum(stage, daemon, limit, sent)
                sent |= waits_in_the_queue(stage, daemon, "full")
                filler.unlink()
                until(lambda: daemon.status()["state"] == "running", 30, "a daemon without trouble")
                assert ballast.stat().st_size == _BALLAST
                exactly(stage, daemon, sent)
    print(f"2 pauses on a disk that was full, 100 messages waited in SQS; {len(sent)} failures exact")


def paused_by_minimum(stage, daemon, limit: int, sent: set[str]) -> None:
    status = until(lambda: (s := daemon.status())["log"].get("paused") and s, what="a pause")
    assert status["state"] == "paused"
    assert f"wal.minFreeBytes is {limit}" in status["log"]["paused"], status["log"]
    assert int(status["log"]["paused"].split()[0]) < limit + 64 * _MEBIBYTE
    assert status["log"]["paused"] in " ".join(daemon.cli("status").stdout.split())
    assert daemon.get("/v1/health").status == 200
    assert daemon.counts() == {f"{stage.name}/rule": {"open": len(sent)}}


def waits_in_the_queue(stage, daemon, name: str) -> set[str]:
    """Fifty messages that the daemon leaves in SQS while it is paused."""
    before = daemon.status()["log"]["syncedLSN"]
    more = send(stage, name, 50)
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = stage.cloud.client("sqs").get_queue_attributes(QueueUrl=stage.queue.url, AttributeNames=names)["Attributes"]
    assert sum(int(found[one]) for one in names) == len(more)
    assert daemon.status()["log"]["syncedLSN"] == before
    return more
