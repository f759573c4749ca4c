"""s3remedyd wal verify, dump, salvage, adopt: the programs on real state directories, whole, damaged and torn apart."""
import contextlib
import shutil
import sqlite3
import struct
from pathlib import Path

import pytest
import yaml

from harness import Daemon, run_daemon, until
from statefiles import last_lsn


def wal(command: str, directory: Path | str):
    return run_daemon("wal", command, str(directory))


def record_places(segment: bytes) -> list[int]:
    """Where its record frames start: the layout at the top of Sources/WriteAheadLog/WriteAheadLog.swift."""
    places, offset = [], 64
    while offset + 32 <= len(segment):
        length, kind = struct.unpack_from("<IB", segment, offset)
        if length == 0:
            break
        if kind == 1:
            places.append(offset)
        offset += (length + 7) // 8 * 8
    return places


def use(daemon: Daemon, state: Path) -> None:
    settings = yaml.safe_load(daemon.config.read_text())
    settings["state"]["directory"] = str(state)
    daemon.config.write_text(yaml.safe_dump(settings, sort_keys=False))
    daemon.state = state


def refusal(daemon: Daemon) -> str:
    """What a start says that is refused."""
    ended = run_daemon("run", "--config", str(daemon.config), environment=daemon.environment)
    assert ended.returncode == 78, ended
    return ended.stderr


def fill(stage, daemon: Daemon, count: int) -> str:
    rule = f"{stage.name}/rule"
    stage.cloud.send_failures(stage.queue, stage.name, "rule", [f"k{number:03}" for number in range(count)])
    until(lambda: daemon.counts().get(rule) == {"open": count}, 30, f"{count} failures")
    return rule


def fill_the_log_alone(stage, daemon: Daemon, count: int) -> str:
    """The store is locked meanwhile, so that the log is all that has them; the daemon is killed then."""
    lock = sqlite3.connect(daemon.state / "failures.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    stage.cloud.send_failures(stage.queue, stage.name, "rule", [f"k{number:03}" for number in range(count)])
    until(lambda: last_lsn(daemon.state) == count and stage.queue_is_empty(), 30, f"{count} records in the log")
    daemon.kill()
    lock.close()
    return f"{stage.name}/rule"


def test_every_command_has_a_help_for_three_in_the_morning():
    words = {"": ["verify", "dump", "salvage", "adopt", "DAMAGE"], "verify": ["torn tail", "78"], "dump": ["LSN"],
             "salvage": ["systemctl stop", "never written to", "left out", "75"],
             "adopt": ["systemctl stop", "wal.replaced-N", "backup", "75"]}
    for command, wanted in words.items():
        shown = run_daemon(*filter(None, ["wal", command, "--help"]))
        assert shown.returncode == 0
        for word in wanted:
            assert word in shown.stdout, (command, word)
    print(f"{len(words)} help texts")


def test_beside_a_daemon_reading_is_allowed_and_repairing_is_not(stage):
    with stage.daemon() as daemon:
        fill(stage, daemon, 30)
        verified, dumped = wal("verify", daemon.state), wal("dump", daemon.state)
        assert verified.returncode == 0 and "a daemon holds this directory" in verified.stdout
        assert dumped.returncode == 0 and dumped.stdout.count("\toperationFailed\t") == 30
        for command in ("salvage", "adopt"):
            refused = wal(command, daemon.state)
            assert refused.returncode == 75 and f"pid {daemon.process.pid}" in refused.stdout, refused
        assert daemon.stop() == 0
        adopted = wal("adopt", daemon.state)
        assert adopted.returncode == 0 and "nothing to accept" in adopted.stdout
        daemon.start()


@pytest.mark.parametrize("command", ["verify", "dump", "salvage", "adopt"])
def test_what_is_no_state_directory_is_said_and_left_alone(command, tmp_path):
    answer = wal(command, tmp_path)
    assert answer.returncode == 78 and str(tmp_path) in answer.stdout + answer.stderr
    assert list(tmp_path.parent.glob(f"{tmp_path.name}*")) == [tmp_path] and list(tmp_path.iterdir()) == []
    missing = wal(command, tmp_path / "missing")
    assert missing.returncode == 78 and not (tmp_path / "missing").exists()


def test_a_deleted_log_is_adopted(stage):
    with stage.daemon() as daemon:
        rule = fill(stage, daemon, 12)
        assert daemon.stop() == 0
        before = last_lsn(daemon.state)
        shutil.rmtree(daemon.state / "wal")
        said = refusal(daemon)
        assert "there is no log" in said and f"s3remedyd wal adopt {daemon.state}" in said
        adopted = wal("adopt", daemon.state)
        assert adopted.returncode == 0 and "accepted: there is no log" in adopted.stdout, adopted
        daemon.start()
        stage.cloud.send_failures(stage.queue, stage.name, "rule", ["new"])
        until(lambda: daemon.counts().get(rule) == {"open": 13}, 30, "13 failures")
        assert daemon.status()["log"]["syncedLSN"] == before + 1


def test_a_store_from_a_backup_is_adopted_and_takes_what_the_log_still_has(stage):
    with stage.daemon() as daemon:
        rule = fill(stage, daemon, 10)
        assert daemon.stop() == 0
        # As sqlite3's .backup does it: what stands in the -wal alone belongs to it.
        backup = daemon.directory / "backup.db"
        with contextlib.closing(sqlite3.connect(daemon.state / "failures.db")) as store, \
                contextlib.closing(sqlite3.connect(backup)) as copy:
            store.backup(copy)
        daemon.start()
        stage.cloud.send_failures(stage.queue, stage.name, "rule", [f"later{number}" for number in range(5)])
        until(lambda: daemon.counts().get(rule) == {"open": 15}, 30, "15 failures")
        assert daemon.stop() == 0
        # The log still has the five: such a backup is a pair with it, and nothing needs to be accepted.
        for name in ("failures.db-wal", "failures.db-shm"):
            (daemon.state / name).unlink(missing_ok=True)
        shutil.copy(backup, daemon.state / "failures.db")
        assert "nothing to accept" in wal("adopt", daemon.state).stdout
        daemon.start()
        until(lambda: daemon.counts().get(rule) == {"open": 15}, 30, "15 failures again")
        # A store of another log is refused and adopted: the log's own records come again, as a redelivery would.
        assert daemon.stop() == 0
        other = sqlite3.connect(daemon.state / "failures.db")
        other.execute("UPDATE mark SET value = ? WHERE name = 'logID'", (bytes(range(16)),))
        other.commit()
        other.close()
        assert "wal adopt" in refusal(daemon)
        adopted = wal("adopt", daemon.state)
        assert adopted.returncode == 0 and "the store was fed by log" in adopted.stdout, adopted
        assert list(daemon.state.glob("wal.replaced-1/*.wal"))
        daemon.start()
        until(lambda: daemon.status()["store"]["lagRecords"] == 0, 30, "everything applied")
        assert daemon.counts() == {rule: {"open": 15}}
        assert {one["failureCount"] for one in daemon.failures(rule)} == {1}


def test_a_damaged_log_is_salvaged_into_a_directory_that_a_daemon_starts_on(stage):
    with stage.daemon() as daemon:
        rule = fill_the_log_alone(stage, daemon, 40)
        (segment,) = sorted((daemon.state / "wal").glob("*.wal"))[:1]
        data = bytearray(segment.read_bytes())
        second = record_places(data)[1]
        data[second + 40] ^= 1
        segment.write_bytes(data)
        said = refusal(daemon)
        assert f"{segment} offset {second}, LSN 2" in said and f"s3remedyd wal salvage {daemon.state}" in said
        verified = wal("verify", daemon.state)
        assert verified.returncode == 78 and "DAMAGE" in verified.stdout and "wal salvage" in verified.stdout
        assert wal("adopt", daemon.state).returncode == 78
        before = {path: path.read_bytes() for path in (daemon.state / "wal").iterdir()}
        salvaged = wal("salvage", daemon.state)
        assert salvaged.returncode == 0, salvaged
        target = daemon.state.with_name(daemon.state.name + ".salvaged-1")
        assert f"written: {target}" in salvaged.stdout and "carried over: 39 records" in salvaged.stdout
        assert f"left out: LSN 2 (damage): {segment} bytes {second} to" in salvaged.stdout, salvaged.stdout
        assert {path: path.read_bytes() for path in (daemon.state / "wal").iterdir()} == before
        assert wal("salvage", daemon.state).stdout.startswith(f"written: {target.with_suffix('.salvaged-2')}")
        use(daemon, target)
        assert wal("verify", target).returncode == 0
        daemon.start()
        until(lambda: daemon.counts() == {rule: {"open": 39}}, 30, "39 failures")
        assert daemon.status()["log"]["syncedLSN"] > 40 + 39 - 1
    print("39 of 40 records salvaged, the damaged one named")


def test_a_store_that_cannot_be_read_does_not_keep_the_log_from_being_salvaged(stage):
    with stage.daemon() as daemon:
        rule = fill_the_log_alone(stage, daemon, 10)
        (daemon.state / "failures.db").write_bytes(b"no database, for certain" * 500)
        salvaged = wal("salvage", daemon.state)
        assert salvaged.returncode == 0 and "left out: the failure store" in salvaged.stdout, salvaged
        use(daemon, daemon.state.with_name(daemon.state.name + ".salvaged-1"))
        daemon.start()
        until(lambda: daemon.counts() == {rule: {"open": 10}}, 30, "10 failures")
