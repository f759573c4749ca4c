"""kill -9 at any moment of the intake: no failure is lost, none is counted twice."""
import random
import sqlite3
import threading

from harness import until
from statefiles import applied_lsn, last_lsn

_KILLS = 20
_LEAST_REPLAYED = 15
_BURST = 60
_RULES = ("first", "second")


def send(stage, sent: dict[str, set[str]], burst: int) -> None:
    """Sixty distinct keys, alternately under both rules, ten messages a call."""
    for start in range(0, _BURST, 10):
        rule = _RULES[start // 10 % 2]
        keys = [f"{burst:02d}/{start + number:03d} +%2F ключ" for number in range(10)]
        stage.cloud.send_failures(stage.queue, stage.name, rule, keys)
        sent[rule].update(keys)


def test_twenty_kills_under_load_leave_exact_counts(stage):
    chance, replayed, lags = random.Random(20), 0, []
    sent: dict[str, set[str]] = {rule: set() for rule in _RULES}
    with stage.daemon() as daemon:
        for burst in range(_KILLS):
            begin = last_lsn(daemon.state)
            sender = threading.Thread(target=send, args=(stage, sent, burst))
            sender.start()
            wanted = begin + chance.randint(1, _BURST - 10)
            until(lambda: last_lsn(daemon.state) >= wanted, 30, f"record {wanted} in the log")
            daemon.kill()
            sender.join()
            lags.append(last_lsn(daemon.state) - applied_lsn(daemon.state))
            replayed += lags[-1] > 0
            daemon.start()
        counts = {f"{stage.name}/{rule}": {"open": len(keys)} for rule, keys in sent.items()}
        until(lambda: daemon.counts() == counts, 60, f"exactly {counts}")
        for rule, keys in sent.items():
            failures = daemon.failures(f"{stage.name}/{rule}")
            assert {one["key"] for one in failures} == keys and len(failures) == len(keys)
            assert {one["failureCount"] for one in failures} == {1}
        assert daemon.all("/v1/quarantine") == []
        total = sum(len(keys) for keys in sent.values())
        assert daemon.status()["store"]["failures"] == total == _KILLS * _BURST
    print(f"{_KILLS} kills, {replayed} with records to replay ({lags}); {total} failures exact")
    assert replayed >= _LEAST_REPLAYED


def test_the_log_alone_brings_back_what_the_store_never_saw(stage):
    """The store is locked, so that every record waits in the log; SQS has deleted the messages by then."""
    rule, keys = f"{stage.name}/rule", [f"key/{number}" for number in range(200)]
    with stage.daemon() as daemon:
        lock = sqlite3.connect(daemon.state / "failures.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        stage.cloud.send_failures(stage.queue, stage.name, "rule", keys)
        until(lambda: last_lsn(daemon.state) == len(keys), 30, f"{len(keys)} records in the log")
        until(stage.queue_is_empty, 30, "an empty queue")
        assert daemon.get("/v1/health").status == 200
        problems = until(lambda: daemon.status()["problems"], what="a problem in the status")
        assert [one["code"] for one in problems] == ["storeUnavailable"]
        daemon.kill()
        lock.close()
        assert applied_lsn(daemon.state) == 0
        daemon.start()
        until(lambda: daemon.counts() == {rule: {"open": len(keys)}}, 30, f"{len(keys)} failures of {rule}")
        assert {one["key"] for one in daemon.failures(rule)} == set(keys)
    print(f"{len(keys)} of {len(keys)} records replayed from the log alone")
