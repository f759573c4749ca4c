"""Faults to order: what a client sees of them, and what took effect."""
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError, HTTPClientError, ResponseStreamingError

from localaws_client import ACCOUNT


@pytest.fixture(autouse=True)
def no_fault_is_left(cloud):
    yield
    cloud.faults()


def test_an_error_comes_as_often_as_ordered_and_has_no_effect(cloud, user, name):
    cloud.bucket(name)
    s3 = cloud.client("s3", user)
    cloud.faults({"operation": "s3.PutObject", "times": 2, "code": "SlowDown"})
    for _ in range(2):
        with pytest.raises(ClientError, match="SlowDown"):
            s3.put_object(Bucket=name, Key="key", Body=b"x")
    assert s3.list_objects_v2(Bucket=name)["KeyCount"] == 0
    s3.put_object(Bucket=name, Key="key", Body=b"x")
    assert cloud.faults() == []


def test_a_lost_reply_leaves_its_effect(cloud, user, name):
    cloud.bucket(name)
    cloud.faults({"operation": "s3control.CreateJob", "applied": True})
    with pytest.raises((HTTPClientError, ResponseStreamingError)):
        cloud.create_job(user, name, f"{name},a,b\n", Description=f"lost {name}")
    jobs = cloud.client("s3control", user).list_jobs(AccountId=ACCOUNT)["Jobs"]
    assert [job.get("Description") for job in jobs].count(f"lost {name}") == 1


def test_an_answer_can_be_late(cloud, user, queue):
    cloud.faults({"operation": "sqs.ReceiveMessage", "delaySeconds": 0.2, "answered": True})
    started = time.monotonic()
    cloud.client("sqs", user).receive_message(QueueUrl=queue.url)
    assert 0.2 <= time.monotonic() - started < 2


def test_a_lost_reply_can_be_held_after_its_effect(cloud, user, name):
    cloud.bucket(name)
    s3 = cloud.client("s3", user)
    cloud.faults({"operation": "s3.PutObject", "applied": True, "heldSeconds": 1})
    with ThreadPoolExecutor(1) as pool:
        started = time.monotonic()
        put = pool.submit(s3.put_object, Bucket=name, Key="key", Body=b"x")
        while s3.list_objects_v2(Bucket=name)["KeyCount"] == 0:
            assert time.monotonic() - started < 4
        assert not put.done()
        with pytest.raises((HTTPClientError, ResponseStreamingError)):
            put.result(10)
        assert time.monotonic() - started >= 1


def test_sqs_errors_have_its_shape(cloud, user, queue):
    cloud.faults({"operation": "sqs.ReceiveMessage", "code": "RequestThrottled", "status": 403})
    with pytest.raises(ClientError) as caught:
        cloud.client("sqs", user).receive_message(QueueUrl=queue.url)
    assert caught.value.response["Error"]["Code"] == "RequestThrottled"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_fault_that_cannot_be_read_is_refused(cloud):
    for wrong in ({}, {"operation": 1}, {"operation": "s3.PutObject", "often": 1},
                  {"operation": "s3.PutObject", "times": True}, {"operation": "s3.PutObject", "applied": 1}):
        with pytest.raises(Exception, match="400"):
            cloud.faults(wrong)
