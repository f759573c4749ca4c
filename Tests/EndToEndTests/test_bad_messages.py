"""What cannot be decoded is kept whole, once, and costs no neighbour."""
import json
from urllib.parse import unquote_to_bytes

from harness import until
from localaws_client import failure_body, now

_FUTURE = {"anythingNew": {"deep": [1, 2, {"x": None}]}, "eventVersion": "2.9"}


def body_of(stage, key: str, rule: str = "rule") -> str:
    return failure_body(stage.name, rule, key, f"v-{key}", now(), "destination", "DstBucketNotFound", 7)


def two_records(stage, good_key: str) -> str:
    """A message whose second record has no key."""
    good, bad = json.loads(body_of(stage, good_key)), json.loads(body_of(stage, "bad"))
    del bad["Records"][0]["s3"]["object"]["key"]
    return json.dumps({"Records": good["Records"] + bad["Records"]})


def bad_bodies(stage) -> list[str]:
    whole = body_of(stage, "before-the-flaw")
    return ["not JSON", "{", "[]", "null", '"text"', "{}", whole[:len(whole) // 2], whole + whole, "\ufffd\u0080\u00ff" * 50,
            "[" * 5000, '{"Records": 7}', '{"Records": [7]}', '{"Records": [{"eventSource": "aws:s3"}]}', "9" * 100_000,
            two_records(stage, "good-half")]


def known_queue(stage, daemon) -> None:
    """An event of ours makes the queue known: what follows on it is ours to settle."""
    stage.cloud.send_failures(stage.queue, stage.name, "rule", ["first"])
    until(lambda: daemon.counts().get(f"{stage.name}/rule") == {"open": 1})


def test_undecodable_bodies_are_quarantined_whole_and_their_neighbours_go_through(stage):
    sqs, bad = stage.cloud.client("sqs"), bad_bodies(stage)
    with stage.daemon() as daemon:
        known_queue(stage, daemon)
        for number, body in enumerate(bad):
            sqs.send_message(QueueUrl=stage.queue.url, MessageBody=body_of(stage, f"before/{number}"))
            sqs.send_message(QueueUrl=stage.queue.url, MessageBody=body)
        future = json.loads(body_of(stage, "from-the-future"))
        future["Records"][0].update(_FUTURE)
        future["Records"][0]["s3"]["object"]["checksum"] = "new"
        future["schema"] = [{}]
        sqs.send_message(QueueUrl=stage.queue.url, MessageBody=json.dumps(future))
        good = 1 + len(bad) + 1 + 1 + 1  # first, the neighbours, the good half, what stood before a flaw, the future
        until(lambda: daemon.counts().get(f"{stage.name}/rule") == {"open": good}, what=f"{good} good ones")
        entries = until(lambda: len(found := daemon.all("/v1/quarantine")) == len(bad) and found)
        assert sorted(unquote_to_bytes(one["bodyEncoded"]) for one in entries) == sorted(body.encode() for body in bad)
        assert len({one["messageId"] for one in entries}) == len(bad)
        assert all(one["problem"] and one["queue"] == stage.queue.url for one in entries)
        one = daemon.get(f"/v1/quarantine/{entries[0]['id']}").json
        assert one["messageId"] == entries[0]["messageId"]
        until(lambda: stage.queue_is_empty(), what="an empty queue")
        assert daemon.status()["store"]["quarantined"] == len(bad) and daemon.is_alive
        assert {one["key"] for one in daemon.failures(f"{stage.name}/rule")} == {
            "first", "good-half", "before-the-flaw", "from-the-future",
            *(f"before/{number}" for number in range(len(bad)))}
    print(f"{len(bad)} undecodable bodies quarantined, {good} neighbours went through")


def test_redelivery_adds_no_second_entry(stage):
    sqs, lost = stage.cloud.client("sqs"), 4
    with stage.daemon() as daemon:
        known_queue(stage, daemon)
        stage.cloud.faults({"operation": "sqs.DeleteMessageBatch", "times": lost, "code": "InternalError"})
        for number in range(3):
            sqs.send_message(QueueUrl=stage.queue.url, MessageBody=f"rubbish {number}")
        sqs.send_message(QueueUrl=stage.queue.url, MessageBody=two_records(stage, "good-half"))
        until(lambda: stage.cloud.pending_faults() == [], what="every ordered fault used up")
        until(lambda: stage.queue_is_empty(), 30, "an empty queue")
        daemon.restart()
        assert len(daemon.all("/v1/quarantine")) == 4
        until(lambda: daemon.counts()[f"{stage.name}/rule"] == {"open": 2})
        assert {one["failureCount"] for one in daemon.failures(f"{stage.name}/rule")} == {1}
    print(f"4 messages quarantined once each, with {lost} deletes refused and a kill")
