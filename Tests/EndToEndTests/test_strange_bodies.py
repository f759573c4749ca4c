"""Bodies that nobody expects: what can be read is kept exactly, the rest is quarantined with a sentence; each once."""
import json
from urllib.parse import unquote_to_bytes

from conftest import Stage
from harness import Daemon, until
from localaws_client import failure_body, now

_LARGEST_BODY = 1 << 20
_RECORDS = 1000
_GREATEST_SIZE = 10_000 * (5 << 30)  # of an object: 10,000 parts of 5 GiB (Amazon S3 User Guide, "UsingObjects")
_NAMES = "Replication:OperationFailedReplication"


def record_of(stage: Stage, key: str, rule: str = "rule", reason: str = "DstBucketNotFound") -> dict:
    body = failure_body(stage.name, rule, key, f"v-{key}", now(), "destination", reason, 7)
    return json.loads(body)["Records"][0]


def body_of(*records: dict, **more: object) -> str:
    return json.dumps({"Records": records, **more}, separators=(",", ":"))


def changed(stage: Stage, key: str, old: str, new: str, **members: object) -> str:
    """The body of one good record, with a piece of its text replaced: for what no JSON library writes."""
    body = body_of({**record_of(stage, key), **members})
    assert body.count(old) == 1, (old, body)
    return body.replace(old, new)


def notification(message: str, kind: str = "Notification") -> str:
    return json.dumps({"Type": kind, "MessageId": "1", "TopicArn": "arn:aws:sns:eu-west-1:000000000000:t",
                       "Message": message, "Timestamp": now(), "SubscribeURL": "http://127.0.0.1:1/never-fetched"})


def padded(body: str) -> str:
    """The body with a member that fills it up to SQS's limit, to the byte."""
    gap = _LARGEST_BODY - len(body) - len(',"padding":""')
    assert gap > 0, "too many records for one body"
    return f'{body[:-1]},"padding":"{"p" * gap}"}}'


def readable_bodies(stage: Stage) -> dict[str, str]:
    """Bodies by the key of their one failure."""
    deep = "[" * 50 + "]" * 50
    return {
        "minor-9": changed(stage, "minor-9", '"eventVersion":"2.6"', '"eventVersion":"2.9"'),
        "minor-123": changed(stage, "minor-123", '"eventVersion":"2.6"', '"eventVersion":"2.123","new":[{"x":null}]'),
        "greatest-size": changed(stage, "greatest-size", '"size":7', f'"size":{_GREATEST_SIZE}'),
        "huge-number": changed(stage, "huge-number", '"size":7', '"size":7,"new":1e99999,"old":-0.000e-99999'),
        "long-number": changed(stage, "long-number", '"size":7', '"size":7,"new":' + "9" * 50_000),
        "deep-member": changed(stage, "deep-member", '"size":7', f'"size":7,"new":{deep}'),
        "repeated-new": changed(stage, "repeated-new", '"size":7', '"size":7,"new":1,"new":2'),
        "through-sns": notification(body_of(record_of(stage, "through-sns"))),
        "beside-new-event": body_of({**record_of(stage, "x"), "eventName": "ObjectSummoned:Future"},
                                    record_of(stage, "beside-new-event")),
    }


def unreadable_bodies(stage: Stage) -> dict[str, tuple[str, list[str]]]:
    """Bodies, and what the sentence has to say of each."""
    deep = "[" * 100_000 + "]" * 100_000
    return {
        "new replication event": (changed(stage, "q", _NAMES, "Replication:OperationDreamt"),
                                  ["eventName", "Replication:OperationDreamt", _NAMES]),
        "major version 3": (changed(stage, "q", '"eventVersion":"2.6"', '"eventVersion":"3.0"'),
                            ["eventVersion", "3.0", "major version 2"]),
        "size above 64 bits": (changed(stage, "q", '"size":7', f'"size":{2**63}'),
                               ["s3.object.size", str(2**63)]),
        "size that is no number": (changed(stage, "q", '"size":7', '"size":1e400'), ["s3.object.size", "1e400"]),
        "repeated key": (changed(stage, "q", '"size":7', '"key":"other","size":7'), ["s3.object.key", "once"]),
        "deep nesting": (changed(stage, "q", '"size":7', f'"size":7,"new":{deep}'), ["not valid JSON"]),
        "SNS inside SNS": (notification(notification(body_of(record_of(stage, "q")))), ["SNS envelope", "inside"]),
        "SNS confirmation": (notification("please", "SubscriptionConfirmation"), ["SubscriptionConfirmation"]),
        "1 MiB of rubbish": ("x" * _LARGEST_BODY, ["not valid JSON"]),
    }


def send(stage: Stage, body: str) -> None:
    stage.cloud.client("sqs").send_message(QueueUrl=stage.queue.url, MessageBody=body)


def test_a_thousand_records_in_a_body_of_one_mebibyte(stage):
    records = [record_of(stage, f"{number:04d}") for number in range(_RECORDS)]
    for one in records:
        del one["responseElements"], one["requestParameters"]
    body = padded(body_of(*records))
    assert len(body.encode()) == _LARGEST_BODY
    with stage.daemon() as daemon:
        send(stage, body)
        until(lambda: daemon.counts() == {f"{stage.name}/rule": {"open": _RECORDS}}, what=f"{_RECORDS} failures")
        assert {one["key"] for one in daemon.failures(f"{stage.name}/rule")} == {one["s3"]["object"]["key"]
                                                                                for one in records}
        until(stage.queue_is_empty, what="an empty queue")
        assert daemon.all("/v1/quarantine") == []
    print(f"{_RECORDS} records in one body of {_LARGEST_BODY} bytes")


def test_what_can_be_read_is_kept_and_the_rest_says_why_not(stage):
    readable, unreadable = readable_bodies(stage), unreadable_bodies(stage)
    rule = f"{stage.name}/rule"
    with stage.daemon() as daemon:
        send(stage, body_of(record_of(stage, "first")))
        until(lambda: daemon.counts() == {rule: {"open": 1}})
        for body in readable.values():
            send(stage, body)
        for body, _ in unreadable.values():
            send(stage, body)
        send(stage, body_of({**record_of(stage, "x"), "eventName": "ObjectSummoned:Future"}))
        until(lambda: len(daemon.all("/v1/quarantine")) >= len(unreadable), what=f"{len(unreadable)} in quarantine")
        until(stage.queue_is_empty, what="an empty queue")
        entries = daemon.all("/v1/quarantine")
        each_is_said(daemon, entries, unreadable)
        failures = daemon.failures(rule)
        assert {one["key"] for one in failures} == {"first", *readable}
        assert daemon.counts() == {rule: {"open": 1 + len(readable)}}
        assert next(one["size"] for one in failures if one["key"] == "greatest-size") == _GREATEST_SIZE
        assert daemon.status()["problems"] == [] and daemon.get("/v1/health").status == 200
    print(f"{len(readable)} strange bodies kept, {len(unreadable)} quarantined, each with its sentence")


def each_is_said(daemon: Daemon, entries: list[dict], unreadable: dict[str, tuple[str, list[str]]]) -> None:
    by_body = {unquote_to_bytes(one["bodyEncoded"]).decode(): one["problem"] for one in entries}
    expected = {body for body, _ in unreadable.values()}
    assert by_body.keys() == expected, [by_body[body][-300:] for body in by_body.keys() - expected]
    assert len(entries) == len(expected) == daemon.status()["store"]["quarantined"]
    for name, (body, words) in unreadable.items():
        assert all(word in by_body[body] for word in words), (name, by_body[body])


def test_unknown_reasons_are_kept_verbatim(stage):
    reasons = {"new": "DstGalaxyUnreachable", "escape": "\x1b[31mred", "cyrillic": "Причина", "long": "r" * 256}
    rule = f"{stage.name}/rule"
    with stage.daemon() as daemon:
        for key, reason in reasons.items():
            send(stage, body_of(record_of(stage, key, reason=reason)))
        until(lambda: daemon.counts() == {rule: {"open": len(reasons)}})
        failures = daemon.failures(rule)
        assert {one["key"]: (one["reason"], one["reasonClass"]) for one in failures} == {
            key: (reason, "unknown") for key, reason in reasons.items()}
        shown = daemon.cli("rules").stdout + daemon.cli("failures", "list", "--rule", rule).stdout
        assert "\x1b" not in shown and "DstGalaxyUnreachable" in shown
    print(f"{len(reasons)} unknown reasons kept")


def test_an_absurd_size_costs_no_neighbour(stage):
    """The first failure of its rule, so that no sum of later ones may overflow."""
    absurd, rule = 2**63 - 1, f"{stage.name}/rule"
    with stage.daemon() as daemon:
        stage.cloud.send_failures(stage.queue, stage.name, "other", ["makes the queue known"])
        until(lambda: daemon.counts() == {f"{stage.name}/other": {"open": 1}}, what="a known queue")
        send(stage, changed(stage, "q", '"size":7', f'"size":{absurd}'))
        until(lambda: daemon.counts().get(rule) or daemon.all("/v1/quarantine"))
        until(stage.queue_is_empty, what="an empty queue")
        send(stage, body_of(*(record_of(stage, f"good/{number}") for number in range(5))))
        until(lambda: sum(state["open"] for state in daemon.counts().values()) + len(daemon.all("/v1/quarantine")) == 7)
        assert daemon.counts()[rule] == {"open": 5}, daemon.all("/v1/quarantine")[:2]
        entry, = daemon.all("/v1/quarantine")
        assert "s3.object.size" in entry["problem"] and str(absurd) in entry["problem"]
