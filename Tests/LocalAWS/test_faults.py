"""Faults to order: what of each is seen on the wire, when it comes, and what took effect."""
import datetime
import json
from email.utils import parsedate_to_datetime

import pytest
from botocore.exceptions import ClientError, HTTPClientError, ResponseStreamingError

from localaws_client import ACCOUNT
from raw import RawClient

_RECEIVE, _SEND = "sqs.ReceiveMessage", "sqs.SendMessage"
_LOST = (HTTPClientError, ResponseStreamingError)


@pytest.fixture(autouse=True)
def no_fault_is_left(cloud):
    yield
    cloud.faults()


@pytest.fixture
def raw(cloud, user):
    with RawClient(cloud.endpoint, user) as client:
        yield client


def heard(cloud, raw, queue, fault: dict, seconds: float = 10.0):
    """The answer to a receive with a fault on it."""
    cloud.faults({"operation": _RECEIVE, "queue": queue.url.split("/")[-1], **fault})
    raw.sqs("ReceiveMessage", QueueUrl=queue.url, MaxNumberOfMessages=10)
    return raw.hear(seconds)


def messages_of(cloud, queue) -> int:
    found = cloud.client("sqs").get_queue_attributes(QueueUrl=queue.url, AttributeNames=["ApproximateNumberOfMessages"])
    return int(found["Attributes"]["ApproximateNumberOfMessages"])


def outcomes(cloud, user, queue, count: int) -> str:
    """F for each receive that failed, and a dot for each that did not."""
    sqs, seen = cloud.client("sqs", user), ""
    for _ in range(count):
        try:
            sqs.receive_message(QueueUrl=queue.url)
            seen += "."
        except (ClientError, *_LOST):
            seen += "F"
    return seen


# Kinds, on the wire


@pytest.mark.parametrize(("fault", "status", "code", "legacy"), [
    ({"code": "OverLimit"}, 403, "OverLimit", "OverLimit;Sender"),
    ({"code": "AccessDenied"}, 403, "AccessDenied", "AccessDenied;Sender"),
    ({"code": "QueueDoesNotExist"}, 400, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue;Sender"),
    ({"code": "InternalError"}, 500, "InternalError", "InternalError;Receiver"),
    ({"code": "Own", "status": 418}, 418, "Own", "Own;Sender"),
    ({"kind": "throttle"}, 403, "RequestThrottled", "RequestThrottled;Sender"),
    ({"kind": "expiredToken"}, 403, "ExpiredToken", "ExpiredToken;Sender")])
def test_sqs_errors_speak_json_with_the_legacy_code(cloud, raw, queue, fault, status, code, legacy):
    answer = heard(cloud, raw, queue, {"message": "said", **fault})
    assert answer.status == status and json.loads(answer.body)["message"] == "said"
    assert json.loads(answer.body)["__type"].partition("#")[2] == code
    assert answer.headers("x-amzn-query-error") == [legacy]
    assert answer.headers("content-type") == ["application/x-amz-json-1.0"]


@pytest.mark.parametrize(("fault", "status", "code"), [
    ({"code": "InternalError"}, 500, "InternalError"), ({"kind": "throttle"}, 503, "SlowDown"),
    ({"kind": "expiredToken"}, 400, "ExpiredToken"), ({"code": "AccessDenied"}, 403, "AccessDenied")])
@pytest.mark.parametrize("operation", ["s3.ListObjectsV2", "s3control.ListJobs"])
def test_s3_errors_speak_xml(cloud, user, name, operation, fault, status, code):
    cloud.bucket(name)
    cloud.faults({"operation": operation, **fault})
    with pytest.raises(ClientError) as caught:
        if operation == "s3control.ListJobs":
            cloud.client("s3control", user).list_jobs(AccountId=ACCOUNT)
        else:
            cloud.client("s3", user).list_objects_v2(Bucket=name)
    answer = caught.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)


def test_sts_errors_speak_xml(cloud, user):
    cloud.faults({"operation": "sts.GetCallerIdentity", "kind": "throttle"})
    with pytest.raises(ClientError, match=r"\(Throttling\)"):
        cloud.client("sts", user).get_caller_identity()


def test_throttling_says_when_to_come_again(cloud, raw, queue):
    answer = heard(cloud, raw, queue, {"kind": "throttle", "retryAfterSeconds": 2})
    assert (answer.headers("retry-after"), answer.headers("x-amz-retry-after")) == (["2"], ["2000"])


def test_a_reset_is_rst_and_a_cut_is_half_a_head_and_fin(cloud, user, queue):
    ends = {}
    for kind in ("reset", "cut"):
        with RawClient(cloud.endpoint, user) as client:
            answer = heard(cloud, client, queue, {"kind": kind})
            ends[kind] = (answer.end, answer.head[:12], answer.body)
    assert ends == {"reset": ("reset", b"", b""), "cut": ("closed", b"HTTP/1.1 200", b"")}


@pytest.mark.parametrize("kind", ["reset", "cut", "error", "garbage"])
@pytest.mark.parametrize("applied", [False, True])
def test_the_effect_is_there_or_not_as_ordered(cloud, user, queue, kind, applied):
    code = {"code": "InternalError"} if kind == "error" else {}
    cloud.faults({"operation": _SEND, "kind": kind, "applied": applied, **code})
    with pytest.raises(Exception):  # noqa: B017 - what boto3 makes of garbage is its own affair
        cloud.client("sqs", user).send_message(QueueUrl=queue.url, MessageBody="x")
    assert messages_of(cloud, queue) == int(applied)


def test_a_hang_is_silence_until_it_is_ended(cloud, user, queue):
    cloud.faults({"operation": _RECEIVE, "kind": "hang"}, {"operation": _SEND, "kind": "hang", "applied": True})
    receive, send = cloud.ordered_faults()
    with RawClient(cloud.endpoint, user) as one, RawClient(cloud.endpoint, user) as other:
        one.sqs("ReceiveMessage", QueueUrl=queue.url)
        other.sqs("SendMessage", QueueUrl=queue.url, MessageBody="x")
        assert one.hear(0.3).end == other.hear(0.1).end == "silent"
        assert messages_of(cloud, queue) == 1
        cloud.end_faults(receive["id"])
        assert one.hear().end == "reset" and other.hear(0.1).end == "silent"
        cloud.end_faults(send["id"])
        assert other.hear().end == "reset"


def test_a_truncated_answer_promises_its_whole_length(cloud, raw, queue):
    cloud.client("sqs").send_message(QueueUrl=queue.url, MessageBody="x" * 1000)
    answer = heard(cloud, raw, queue, {"kind": "truncate", "bytes": 100})
    assert (answer.end, answer.status, len(answer.body)) == ("closed", 200, 100)
    assert answer.body.startswith(b"{") and int(answer.headers("content-length")[0]) > 1000


def test_a_corrupt_answer_has_its_length_and_the_same_changes_by_seed(cloud, user, queue):
    def attributes(fault: dict) -> bytes:
        with RawClient(cloud.endpoint, user) as client:
            cloud.faults(*([{"operation": "sqs.GetQueueAttributes", **fault}] if fault else []))
            client.sqs("GetQueueAttributes", QueueUrl=queue.url, AttributeNames=["All"])
            return client.hear().body

    whole = attributes({})
    one, again, other = (attributes({"kind": "corrupt", "bytes": 5, "seed": seed}) for seed in (1, 1, 2))
    assert one == again != other
    for body in (one, other):
        assert len(body) == len(whole) and sum(a != b for a, b in zip(body, whole, strict=True)) == 5


def test_garbage_has_the_status_and_the_type_that_were_ordered(cloud, user, queue):
    seen = []
    for fault in ({"bytes": 30, "seed": 7}, {"bytes": 30, "seed": 7},
                  {"status": 502, "contentType": "text/plain", "body": "<h1>Bad Gateway"}):
        with RawClient(cloud.endpoint, user) as client:
            answer = heard(cloud, client, queue, {"kind": "garbage", **fault})
            seen.append((answer.status, answer.headers("content-type"), answer.body))
    assert seen[0] == seen[1] and seen[0][:2] == (200, ["text/html"]) and len(seen[0][2]) == 30
    assert seen[2] == (502, ["text/plain"], b"<h1>Bad Gateway")


def test_a_slow_drip_comes_whole_in_small_pieces(cloud, raw, queue):
    cloud.client("sqs").send_message(QueueUrl=queue.url, MessageBody="x" * 200)
    cloud.faults({"operation": _RECEIVE, "kind": "drip", "bytes": 100, "everySeconds": 0.05})
    raw.sqs("ReceiveMessage", QueueUrl=queue.url)
    pieces = []
    while (whole := b"".join(pieces)).count(b"\r\n\r\n") == 0 or not whole.endswith(b"}"):
        pieces.append(raw.socket.recv(65536))
    assert json.loads(whole.partition(b"\r\n\r\n")[2])["Messages"][0]["Body"] == "x" * 200
    assert len(pieces) >= 3, "it came at once"


def test_a_late_answer_is_in_order(cloud, raw, queue):
    cloud.faults({"operation": _RECEIVE, "kind": "late", "delaySeconds": 0.3})
    raw.sqs("ReceiveMessage", QueueUrl=queue.url)
    assert raw.hear(0.1).end == "silent"
    assert raw.hear().status == 200


@pytest.mark.parametrize("seconds", [1200, -1200])
def test_a_wrong_clock_dates_and_judges(cloud, user, raw, queue, seconds, monkeypatch):
    before = cloud.judge()["refusedTotal"]
    answer = heard(cloud, raw, queue, {"kind": "clock", "skewSeconds": seconds, "times": 0})
    problem = json.loads(answer.body)
    assert (answer.status, problem["__type"].partition("#")[2]) == (403, "InvalidSignatureException")
    assert ("Signature expired" if seconds > 0 else "Signature not yet current") in problem["message"]
    assert problem["message"].count("Z") == 3, problem
    date, = answer.headers("date")
    now = datetime.datetime.now(datetime.UTC)
    assert abs((parsedate_to_datetime(date) - now).total_seconds() - seconds) < 60
    assert cloud.judge()["refusedTotal"] == before + 1 and cloud.judge()["refused"][-1]["ordered"]
    # Who signs by that clock is served, and dated by it.
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: now + datetime.timedelta(seconds=seconds))
    raw.sqs("ReceiveMessage", QueueUrl=queue.url)
    assert raw.hear().status == 200
    cloud.faults()
    raw.sqs("ReceiveMessage", QueueUrl=queue.url)
    assert raw.hear().status == 403 and not cloud.judge()["refused"][-1]["ordered"]


def test_a_wrong_clock_of_s3_says_both_times(cloud, user, name):
    cloud.bucket(name)
    cloud.faults({"operation": "s3.ListObjectsV2", "kind": "clock", "skewSeconds": 1200})
    with pytest.raises(ClientError) as caught:
        cloud.client("s3", user).list_objects_v2(Bucket=name)
    error = caught.value.response["Error"]
    assert error["Code"] == "RequestTimeTooSkewed" and error["MaxAllowedSkewMilliseconds"] == "900000"
    asked = datetime.datetime.strptime(error["RequestTime"], "%Y%m%dT%H%M%SZ")
    served = datetime.datetime.strptime(error["ServerTime"], "%Y-%m-%dT%H:%M:%SZ")
    assert 1190 < (served - asked).total_seconds() < 1260


# Which requests, and when


@pytest.mark.parametrize(("schedule", "seen"), [
    ({}, "F......."), ({"times": 3}, "FFF....."), ({"times": 0}, "FFFFFFFF"), ({"after": 2}, "..F....."),
    ({"after": 2, "times": 2}, "..FF...."), ({"every": 3}, "..F..F.."),
    ({"every": 2, "after": 1, "times": 2}, "..F.F..."),
    ({"sequence": ["fault", "ok", "fault"]}, "F.F....."), ({"sequence": ["ok", "fault"], "after": 3}, "....F...")])
def test_a_schedule_fires_where_it_says_and_is_counted(cloud, user, queue, schedule, seen):
    cloud.faults({"operation": _RECEIVE, "code": "InternalError", **schedule})
    assert outcomes(cloud, user, queue, len(seen)) == seen
    rule, = cloud.ordered_faults()
    assert rule["fired"] == seen.count("F")
    assert rule["firedAt"] == [number for number, one in enumerate(seen, start=1) if one == "F"]
    endless = schedule.get("times") == 0 or ("every" in schedule and "times" not in schedule)
    assert rule["pending"] == endless and (cloud.pending_faults() != []) == endless


def test_a_probability_is_the_same_by_its_seed(cloud, user, queue):
    seen = []
    for seed in (1, 1, 2):
        cloud.faults({"operation": _RECEIVE, "code": "InternalError", "probability": 0.5, "seed": seed})
        seen.append(outcomes(cloud, user, queue, 24))
        assert cloud.ordered_faults()[0]["fired"] == seen[-1].count("F")
    assert seen[0] == seen[1] != seen[2] and 0 < seen[0].count("F") < 24
    print(f"seed 1: {seen[0]}, seed 2: {seen[2]}")


def test_the_first_rule_that_fires_is_the_one(cloud, user, queue):
    cloud.faults({"operation": _RECEIVE, "code": "OverLimit", "every": 2, "times": 2},
                 {"operation": "sqs.*", "code": "InternalError", "times": 2})
    assert outcomes(cloud, user, queue, 5) == "FFFF."
    assert [(one["met"], one["fired"], one["pending"]) for one in cloud.ordered_faults()] == [
        (4, 2, False), (2, 2, False)]


def test_a_rule_can_ask_for_queue_bucket_and_key(cloud, user, queue, name):
    cloud.bucket(name)
    cloud.faults({"operation": _RECEIVE, "queue": "another"}, {"operation": "s3.PutObject", "bucket": name[:-1] + "x"},
                 {"operation": "s3.PutObject", "bucket": name, "key": "b c", "code": "SlowDown"})
    assert outcomes(cloud, user, queue, 1) == "."
    s3 = cloud.client("s3", user)
    s3.put_object(Bucket=name, Key="a", Body=b"x")
    with pytest.raises(ClientError, match="SlowDown"):
        s3.put_object(Bucket=name, Key="a/b c", Body=b"x")
    assert [one["met"] for one in cloud.ordered_faults()] == [0, 0, 1]


def test_ending_one_rule_leaves_the_others_and_their_counts(cloud, user, queue):
    cloud.faults({"operation": _RECEIVE, "code": "OverLimit", "times": 0}, {"operation": _SEND, "times": 3})
    assert outcomes(cloud, user, queue, 2) == "FF"
    cloud.end_faults(cloud.ordered_faults()[0]["id"])
    assert outcomes(cloud, user, queue, 2) == ".."
    assert [(one["fired"], one["pending"]) for one in cloud.ordered_faults()] == [(2, False), (0, True)]
    with pytest.raises(Exception, match="400"):
        cloud.end_faults(0)


def test_a_lost_reply_leaves_its_effect(cloud, user, name):
    cloud.bucket(name)
    cloud.faults({"operation": "s3control.CreateJob", "applied": True})
    with pytest.raises(_LOST):
        cloud.create_job(user, name, f"{name},a,b\n", Description=f"lost {name}")
    jobs = cloud.client("s3control", user).list_jobs(AccountId=ACCOUNT)["Jobs"]
    assert [job.get("Description") for job in jobs].count(f"lost {name}") == 1


def test_the_judge_comes_first(cloud, user, raw, queue):
    cloud.faults({"operation": "sqs.*", "times": 0, "code": "OverLimit"})
    raw.sqs("ReceiveMessage", QueueUrl=queue.url, WaitTimeSeconds=21)
    answer = raw.hear()
    assert json.loads(answer.body)["__type"].partition("#")[2] == "LocalAWSModelViolation"
    assert cloud.ordered_faults()[0]["met"] == 0


@pytest.mark.parametrize("wrong", [
    {}, {"operation": 1}, {"operation": "s3.PutObjekt"}, {"operation": "s4.PutObject"},
    {"operation": "s3.PutObject", "often": 1}, {"operation": "s3.PutObject", "times": True},
    {"operation": "s3.PutObject", "times": -1}, {"operation": "s3.PutObject", "applied": 1},
    {"operation": "s3.PutObject", "kind": "quake"}, {"operation": "s3.PutObject", "kind": "error"},
    {"operation": "s3.PutObject", "kind": "reset", "code": "X"},
    {"operation": "s3.PutObject", "every": 2, "probability": 0.5}, {"operation": "s3.PutObject", "probability": 1.5},
    {"operation": "s3.PutObject", "sequence": ["bad"]}, {"operation": "s3.PutObject", "sequence": "ok"}])
def test_a_fault_that_cannot_be_read_is_refused_and_changes_nothing(cloud, wrong):
    cloud.faults({"operation": _RECEIVE})
    with pytest.raises(Exception, match="400"):
        cloud.faults(wrong)
    assert [one["operation"] for one in cloud.pending_faults()] == [_RECEIVE]
