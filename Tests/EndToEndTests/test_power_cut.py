"""The power goes while the daemon works: what SQS has deleted is there afterwards, and nothing that never was."""
import itertools
import random
import threading

from disks import command, directory, make_image, mounted
from harness import run_daemon, until
from statefiles import last_lsn

_CUTS = 6
_WAVE = 30


class Load(threading.Thread):
    """Waves of failures, each when the queue is empty again: all waves before the present one are deleted then."""

    def __init__(self, stage):
        super().__init__(daemon=True)
        self._stage, self._over = stage, threading.Event()
        self.sent: set[str] = set()
        self.deleted: set[str] = set()
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            for wave in itertools.count():
                keys = [f"{wave:04d}/{number:02d} +%2F ключ" for number in range(_WAVE)]
                self.sent = self.sent | set(keys)
                self._stage.cloud.send_failures(self._stage.queue, self._stage.name, "rule", keys)
                until(self._stage.queue_is_empty, 30, "a wave deleted by the daemon")
                self.deleted = self.deleted | set(keys)
                if self._over.is_set():
                    return
        except Exception as failure:  # shown by `end`, in the test's own thread
            self.failure = failure

    def end(self) -> None:
        self._over.set()
        self.join()
        if self.failure:
            raise self.failure


def test_after_a_power_cut_everything_deleted_is_there(stage):
    """A clone of the mounted disk's image is what the platter held: xfs makes it in one moment, mid-write or not, and
    commit=300 keeps ext4 from writing what nobody asked to be durable."""
    idle = stage.cloud.queue(f"{stage.name}-idle")
    with directory() as base:
        make_image(base / "clones.img", 2048, "xfs", "-m", "reflink=1")
        with mounted(base / "clones.img", base / "clones") as clones:
            make_image(clones / "disk.img", 320)
            with mounted(clones / "disk.img", base / "disk", "commit=300") as disk:
                cuts = cut_under_load(stage, clones, disk)
            found = [look(stage, idle, base, *cut) for cut in cuts]
    print(f"{len(found)} power cuts under load; of (deleted before, found after, sent): {found}")
    assert len(found) == _CUTS and sum(deleted for deleted, _, _ in found) > 0


def cut_under_load(stage, clones, disk) -> list:
    """Each cut: the image, what SQS had deleted before, what had been sent afterwards."""
    chance, cuts, load = random.Random(6), [], Load(stage)
    daemon = stage.daemon()
    daemon.live_on(disk / "state", wal={"minFreeBytes": 0})
    with daemon:
        load.start()
        for number in range(_CUTS):
            wanted = last_lsn(daemon.state) + chance.randint(_WAVE, 4 * _WAVE)
            until(lambda: last_lsn(daemon.state) >= wanted or load.failure, 30, f"record {wanted} in the log")
            image, deleted = clones / f"cut-{number}.img", load.deleted
            command("cp", "--reflink=always", clones / "disk.img", image)
            cuts.append((image, deleted, load.sent))
        load.end()
    return cuts


def look(stage, idle, base, image, deleted: set[str], sent: set[str]) -> tuple[int, int, int]:
    """Start a daemon on what the cut left; it finds no message more in its queue."""
    rule = f"{stage.name}/rule"
    daemon = stage.daemon(queue_url=idle.url)
    with mounted(image, base / image.stem, "commit=300") as disk:
        verified = run_daemon("wal", "verify", str(disk / "state"))
        assert verified.returncode == 0, verified
        daemon.live_on(disk / "state", wal={"minFreeBytes": 0})
        with daemon:
            until(lambda: daemon.status()["store"]["lagRecords"] == 0, what="every record of the log in the store")
            failures = daemon.failures(rule)
            keys = {one["key"] for one in failures}
            assert len(keys) == len(failures) and keys <= sent, f"invented: {sorted(keys - sent)}"
            assert deleted <= keys, f"deleted from SQS and lost: {sorted(deleted - keys)}"
            assert daemon.all("/v1/quarantine") == []
    return len(deleted), len(keys), len(sent)
