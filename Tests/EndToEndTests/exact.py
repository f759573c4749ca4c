"""Failures that are sent, and that exactly those are there, once."""
from harness import Daemon, until


def send(stage, burst: object, count: int) -> set[str]:
    """The keys of `count` failures of the test's rule `rule`, on their way."""
    keys = [f"{burst}/{number:04d} +%2F ключ" for number in range(count)]
    stage.cloud.send_failures(stage.queue, stage.name, "rule", keys)
    return set(keys)


def exactly(stage, daemon: Daemon, sent: set[str]) -> None:
    rule = f"{stage.name}/rule"
    until(lambda: daemon.counts() == {rule: {"open": len(sent)}}, 30, f"exactly {len(sent)} open failures")
    failures = daemon.failures(rule)
    assert {one["key"] for one in failures} == sent and len(failures) == len(sent)
    assert {one["failureCount"] for one in failures} == {1}
