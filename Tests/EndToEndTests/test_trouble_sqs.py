"""Each trouble of SQS has its own code and sentence in `status`, health stays 200, and it is over by itself."""
import time
from dataclasses import dataclass

import pytest

from conftest import Stage
from harness import Daemon, until
from localaws_client import Queue
from names import Names

_KEYS = ("a", "b +", "c/ö")
_SECONDS = 40
_PAGE = "<html><title>502 Bad Gateway</title></html>"


@dataclass(frozen=True)
class Trouble:
    """What one queue goes through, and what `status` has to say of it beside the queue's URL."""

    name: str
    code: str
    words: tuple[str, ...]
    fault: dict | None = None  # of ReceiveMessage, until it has been seen in the status


_TROUBLES = (
    Trouble("internal-error", "queueUnreachable", ("ReceiveMessage", "500 InternalError"), {"code": "InternalError"}),
    Trouble("no-json", "queueUnreachable", ("ReceiveMessage", "not valid JSON"), {"kind": "garbage"}),
    Trouble("proxy-page", "queueUnreachable", ("ReceiveMessage", "502"),
            {"kind": "garbage", "status": 502, "body": _PAGE}),
    Trouble("half-a-body", "queueUnreachable", ("no complete reply",), {"kind": "truncate"}),
    Trouble("reset", "queueUnreachable", ("no complete reply", "reset"), {"kind": "reset"}),
    Trouble("throttled", "throttled", ("RequestThrottled",), {"kind": "throttle"}),
    Trouble("expired", "credentials", ("ExpiredToken",), {"kind": "expiredToken"}),
    Trouble("denied", "queueAccessDenied", ("403 AccessDenied", "sqs:ReceiveMessage"), {"code": "AccessDenied"}),
    Trouble("over-limit", "overLimit", ("403 OverLimit", "120,000", "in flight"), {"code": "OverLimit"}),
    Trouble("silent", "queueUnreachable", ("ReceiveMessage", "did not answer in time"), {"kind": "hang"}),
    Trouble("clock-ahead", "clockSkew", ("20 minutes", "behind AWS's"), {"kind": "clock", "skewSeconds": 1200}),
    Trouble("clock-behind", "clockSkew", ("20 minutes", "ahead of AWS's"), {"kind": "clock", "skewSeconds": -1200}),
    Trouble("deleted", "queueMissing", ("QueueDoesNotExist",)),
    Trouble("no-name", "queueUnreachable", ("nosuch.invalid", "resolve")),
)


class Queues:
    """One queue for each trouble, and what was done to it."""

    def __init__(self, stage: Stage, daemon: Daemon, troubles: tuple[Trouble, ...]):
        self._stage = stage
        self._names = Names(daemon)
        self.troubles = troubles
        self.queues = {one.name: stage.cloud.queue(f"{stage.name}-{one.name}", VisibilityTimeout="2")
                       for one in troubles}
        self.urls = {name: queue.url for name, queue in self.queues.items()}
        if "no-name" in self.urls:
            self.urls["no-name"] = self.urls["no-name"].replace("127.0.0.1", "nosuch.invalid")
        daemon.receive_from(*self.urls.values())

    def begin(self) -> None:
        for one in self.troubles:
            if one.name == "deleted":
                self._stage.cloud.client("sqs").delete_queue(QueueUrl=self.urls[one.name])
            else:
                self._send(one, self.queues[one.name])
        with_fault = [one for one in self.troubles if one.fault]
        ordered = self._stage.cloud.faults(*(
            {"operation": "sqs.ReceiveMessage", "queue": f"{self._stage.name}-{one.name}", "times": 0, **one.fault}
            for one in with_fault))
        self._faults = {one.name: fault["id"] for one, fault in zip(with_fault, ordered, strict=True)}

    def end(self, trouble: Trouble) -> None:
        if trouble.fault:
            self._stage.cloud.end_faults(self._faults[trouble.name])
        elif trouble.name == "deleted":
            self._send(trouble, self._stage.cloud.queue(f"{self._stage.name}-deleted", VisibilityTimeout="2"))
        else:
            self._names.add("nosuch.invalid")

    def _send(self, trouble: Trouble, queue: Queue) -> None:
        self._stage.cloud.send_failures(queue, self._stage.name, trouble.name, list(_KEYS))

    def are_empty(self) -> bool:
        return all(self._stage.queue_is_empty(queue) for queue in self.queues.values())


def problems(daemon: Daemon) -> list[dict]:
    """The status's problems; the daemon is healthy all the while."""
    assert daemon.get("/v1/health").status == 200
    return daemon.status()["problems"]


def saw_and_ended(daemon: Daemon, queues: Queues, seen: dict[str, str], started: float) -> bool:
    """Ends each trouble once the status has the right sentence; true when all were there."""
    said = problems(daemon)
    for one in queues.troubles:
        for problem in said if one.name not in seen else ():
            if problem["code"] == one.code and all(
                    word in problem["message"] for word in (queues.urls[one.name], *one.words)):
                seen[one.name] = f"{time.monotonic() - started:4.1f} s {one.code}: {problem['message']}"
                queues.end(one)
    return len(seen) == len(queues.troubles)


def go_through(stage: Stage, troubles: tuple[Trouble, ...]) -> None:
    daemon = stage.daemon()
    queues, seen = Queues(stage, daemon, troubles), {}
    queues.begin()
    with daemon:
        started = time.monotonic()
        try:
            until(lambda: saw_and_ended(daemon, queues, seen, started), _SECONDS)
        except TimeoutError:
            missing = [one.name for one in troubles if one.name not in seen]
            raise AssertionError(f"of {missing} the status says only {problems(daemon)}") from None
        counts = {f"{stage.name}/{one.name}": {"open": len(_KEYS)} for one in troubles}
        until(lambda: daemon.counts() == counts, _SECONDS, f"{counts} in /v1/rules")
        until(lambda: problems(daemon) == [] and daemon.status()["state"] == "running", _SECONDS, "no problem")
        until(queues.are_empty, _SECONDS, "empty queues")
        for rule in counts:
            failures = daemon.failures(rule)
            assert sorted(one["key"] for one in failures) == sorted(_KEYS)
            assert {one["failureCount"] for one in failures} == {1}
        assert daemon.all("/v1/quarantine") == [] and daemon.starts == 1
        print(f"{len(seen)} troubles of SQS said and over, {len(_KEYS)} failures exact after each; "
              f"{time.monotonic() - started:.1f} s")
    for name, sentence in seen.items():
        print(f"  {name} after {sentence}")


@pytest.mark.refusals("InvalidSignatureException")  # once more after a clock is right again
def test_each_trouble_of_sqs_is_said_and_is_over_by_itself(stage):
    go_through(stage, _TROUBLES)


@pytest.mark.refusals("InvalidSignatureException")  # once more after the clock is right again: what was learned is wrong
@pytest.mark.parametrize("seconds", [1200, -1200])
def test_a_clock_that_is_20_minutes_off_costs_nothing(stage, seconds):
    wrong_clock = [{"operation": f"sqs.{operation}", "queue": f"{stage.name}-failures", "kind": "clock",
                    "skewSeconds": seconds, "times": 0} for operation in ("ReceiveMessage", "DeleteMessageBatch")]
    rule = f"{stage.name}/rule"
    with stage.daemon() as daemon:
        for number, faults in enumerate((wrong_clock, []), start=1):
            stage.cloud.faults(*faults)
            stage.cloud.send_failures(stage.queue, stage.name, "rule", [f"{number}/{key}" for key in _KEYS])
            until(lambda count=number * len(_KEYS): daemon.counts() == {rule: {"open": count}}, _SECONDS)
            until(stage.queue_is_empty, _SECONDS, "an empty queue")
        assert daemon.get("/v1/health").status == 200 and daemon.starts == 1
    assert any(one["ordered"] for one in stage.cloud.judge()["refused"]), "no request met the wrong clock"
    print(f"{2 * len(_KEYS)} failures exact with AWS's clock {seconds} s ahead, and right again")
