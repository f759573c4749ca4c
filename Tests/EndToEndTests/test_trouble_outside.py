"""Trouble outside is never a reason to die: it is said, waited out, and over by itself."""
import pytest

from gate import Gate
from harness import Daemon, until
from localaws_client import Key


def problem(daemon: Daemon) -> dict | None:
    """The first problem of the status, once there is one; the daemon is healthy all the while."""
    assert daemon.get("/v1/health").status == 200
    problems = daemon.status()["problems"]
    return problems[0] if problems else None


def recovers(daemon: Daemon, rule: str, count: int) -> None:
    until(lambda: daemon.counts().get(rule) == {"open": count}, 40, f"{count} failures of {rule}")
    until(lambda: daemon.status()["problems"] == [] and daemon.status()["state"] == "running", 40)


@pytest.mark.refusals("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId")
def test_a_key_that_does_not_exist_is_said_and_never_shown(stage):
    wrong = Key("AKIAWRONGWRONGWRONG1", "a-secret-that-nobody-may-see")
    with stage.daemon(key=wrong) as daemon:
        said = until(lambda: problem(daemon), what="a problem in the status")
        assert said["code"] == "credentials" and stage.queue.url in said["message"]
        assert daemon.status()["state"] == "degraded"
        assert wrong.secret not in daemon.log() + daemon.get("/v1/status").body.decode()
        # A key is mended by a restart: it came with the environment.
        daemon.environment.update(AWS_ACCESS_KEY_ID=stage.key.access_key, AWS_SECRET_ACCESS_KEY=stage.key.secret)
        stage.cloud.send_failures(stage.queue, stage.name, "rule", ["a", "b"])
        assert daemon.stop() == 0
        daemon.start()
        recovers(daemon, f"{stage.name}/rule", 2)


@pytest.mark.refusals("SignatureDoesNotMatch")
def test_a_wrong_secret_is_said(stage):
    with stage.daemon(key=Key(stage.key.access_key, "wrong")) as daemon:
        assert stage.queue.url in until(lambda: problem(daemon), what="a problem in the status")["message"]
        assert daemon.cli("status").returncode == 0


def test_a_queue_that_is_missing_at_start_is_used_once_it_is_made(stage):
    name = f"{stage.name}-later"
    with stage.daemon(queue_url=stage.queue.url.replace(stage.queue.url.split("/")[-1], name)) as daemon:
        said = until(lambda: problem(daemon), what="a problem in the status")
        assert said["code"] == "queueMissing" and name in said["message"]
        queue = stage.cloud.queue(name)
        stage.cloud.send_failures(queue, stage.name, "rule", ["a", "b", "c"])
        recovers(daemon, f"{stage.name}/rule", 3)


def test_a_cloud_that_is_down_at_start_and_later_is_used_when_it_is_there(stage):
    rule = f"{stage.name}/rule"
    stage.cloud.send_failures(stage.queue, stage.name, "rule", ["a", "b"])
    with Gate(stage.cloud.endpoint) as gate, stage.daemon(endpoint=gate.endpoint) as daemon:
        for count in (2, 4):
            said = until(lambda: problem(daemon), 40, "a problem in the status")
            assert said["code"] == "queueUnreachable" and stage.queue.url in said["message"]
            assert daemon.cli("status").returncode == 0
            gate.open()
            recovers(daemon, rule, count)
            gate.shut()
            stage.cloud.send_failures(stage.queue, stage.name, "rule", [f"{count}/a", f"{count}/b"])
        gate.open()
        recovers(daemon, rule, 6)


def test_lost_deletes_cost_nothing_but_a_redelivery(stage):
    keys = [f"key/{number}" for number in range(60)]
    stage.cloud.faults({"operation": "sqs.DeleteMessageBatch", "times": 2, "applied": True},
                       {"operation": "sqs.DeleteMessageBatch", "times": 2},
                       {"operation": "sqs.DeleteMessageBatch", "times": 2, "code": "ServiceUnavailable"})
    stage.cloud.send_failures(stage.queue, stage.name, "rule", keys)
    with stage.daemon() as daemon:
        counts_are_exact(stage, daemon, keys)
    print(f"{len(keys)} failures exact with 6 deletes lost")


def test_cut_receives_cost_nothing_but_a_redelivery(stage):
    keys = [f"key/{number}" for number in range(60)]
    stage.cloud.faults({"operation": "sqs.ReceiveMessage", "times": 2, "applied": True},
                       {"operation": "sqs.ReceiveMessage", "times": 1, "code": "InternalError", "status": 500},
                       {"operation": "sqs.ReceiveMessage", "times": 1})
    stage.cloud.send_failures(stage.queue, stage.name, "rule", keys)
    with stage.daemon() as daemon:
        counts_are_exact(stage, daemon, keys)
        until(lambda: daemon.status()["problems"] == [])
    print(f"{len(keys)} failures exact with 4 receives cut")


def counts_are_exact(stage, daemon: Daemon, keys: list[str]) -> None:
    rule = f"{stage.name}/rule"
    until(lambda: daemon.counts().get(rule) == {"open": len(keys)}, 40, f"{len(keys)} failures of {rule}")
    until(lambda: stage.cloud.pending_faults() == [] and stage.queue_is_empty(), 40, "an empty queue")
    failures = daemon.failures(rule)
    assert sorted(one["key"] for one in failures) == sorted(keys)
    assert {one["failureCount"] for one in failures} == {1}
    assert daemon.all("/v1/quarantine") == []
