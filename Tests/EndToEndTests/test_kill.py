"""kill -9 at any moment of the intake: no failure is lost, none is counted twice."""
import random
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


def test_the_log_replays_what_the_store_never_saw(stage):
    """Without SQS's help: the messages are deleted, so only the log still holds what the store lacks."""
    with stage.daemon() as daemon:
        keys = [f"key/{number}" for number in range(200)]

        def lags() -> bool:
            # The flusher pauses 200 ms between flushes; a burst that ends within that pause is in the log alone.
            return last_lsn(daemon.state) > applied_lsn(daemon.state)

        stage.cloud.send_failures(stage.queue, stage.name, "rule", keys)
        until(lags, what="records in the log that the store lacks")
        daemon.kill()
        last, applied = last_lsn(daemon.state), applied_lsn(daemon.state)
        assert last > applied
        stage.cloud.client("sqs").purge_queue(QueueUrl=stage.queue.url)
        daemon.start()
        until(lambda: daemon.status()["log"]["appliedLSN"] >= last, what=f"record {last} applied")
        assert daemon.counts()[f"{stage.name}/rule"]["open"] == last
    print(f"{last - applied} of {last} records replayed from the log alone")
