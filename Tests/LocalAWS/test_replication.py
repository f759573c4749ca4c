"""Replication rule by rule, its status, and the events of what failed."""
import json
import re

import pytest
from conftest import NASTY_KEYS, keys_of, queued, reason_of

from localaws_client import ACCOUNT, REGION, ROLE


def head(cloud, bucket, key, version=None):
    return cloud.client("s3").head_object(Bucket=bucket, Key=key, **({"VersionId": version} if version else {}))


def put(cloud, user, bucket, key, **more):
    return cloud.client("s3", user).put_object(Bucket=bucket, Key=key, Body=b"body", **more)["VersionId"]


def test_a_replica_has_the_sources_version_id_and_status_replica(cloud, user, name):
    cloud.replicated_pair(f"{name}-src", [("all", "", f"{name}-dst")])
    version = put(cloud, user, f"{name}-src", "key", Metadata={"colour": "red"})
    replica = head(cloud, f"{name}-dst", "key", version)
    assert (replica["ReplicationStatus"], replica["VersionId"], replica["Metadata"]) == (
        "REPLICA", version, {"colour": "red"})
    assert head(cloud, f"{name}-src", "key")["ReplicationStatus"] == "COMPLETED"
    assert cloud.client("s3").get_object(Bucket=f"{name}-dst", Key="key")["Body"].read() == b"body"


def test_each_rule_fails_for_its_own_reason_and_one_failure_makes_the_status_failed(cloud, user, name, queue):
    source, rules = f"{name}-src", [("good", "", f"{name}-good"), ("gone", "", f"{name}-gone"),
                                    ("plain", "", f"{name}-plain"), ("denied", "", f"{name}-denied")]
    cloud.replicated_pair(source, rules, queue, missing=(f"{name}-gone",))
    cloud.client("s3").put_bucket_versioning(Bucket=f"{name}-plain", VersioningConfiguration={"Status": "Suspended"})
    cloud.deny_replication(f"{name}-denied")
    first, second = put(cloud, user, source, "key"), put(cloud, user, source, "key")
    assert head(cloud, source, "key")["ReplicationStatus"] == "FAILED"
    assert head(cloud, source, "key", first)["ReplicationStatus"] == "FAILED", "a non-current version too"
    assert head(cloud, f"{name}-good", "key", second)["ReplicationStatus"] == "REPLICA"
    records = cloud.receive(queue, 6)
    expected = [("gone", "DstBucketNotFound"), ("plain", "DstBucketUnversioned"),
                ("denied", "DstPutObjectNotPermitted")]
    assert [reason_of(record) for record in records] == expected * 2
    assert {record["s3"]["object"]["versionId"] for record in records} == {first, second}
    sequencers = {(record["s3"]["object"]["versionId"], record["s3"]["object"]["sequencer"]) for record in records}
    assert len(sequencers) == 2, "one sequencer for every event of a version"


def test_an_event_has_the_shape_of_awss_sample(cloud, user, name, queue):
    source = f"{name}-src"
    cloud.replicated_pair(source, [("rule/1 ü", "", f"{name}-gone")], queue, missing=(f"{name}-gone",))
    version = put(cloud, user, source, "a b/c+d")
    record, = cloud.receive(queue, 1)
    instant = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert re.fullmatch(instant, record["eventTime"]) and re.fullmatch(
        instant, record["replicationEventData"]["requestTime"])
    assert re.fullmatch("[0-9A-F]{16,}", record["s3"]["object"].pop("sequencer"))
    assert set(record.pop("responseElements")) == {"x-amz-request-id", "x-amz-id-2"}
    del record["eventTime"], record["replicationEventData"]["requestTime"]
    assert record == {
        "eventVersion": "2.6", "eventSource": "aws:s3", "awsRegion": REGION,
        "eventName": "Replication:OperationFailedReplication", "userIdentity": {"principalId": "s3.amazonaws.com"},
        "requestParameters": {"sourceIPAddress": "s3.amazonaws.com"},
        "s3": {"s3SchemaVersion": "1.0", "configurationId": "replication-failures",
               "bucket": {"name": source, "ownerIdentity": {"principalId": ACCOUNT}, "arn": f"arn:aws:s3:::{source}"},
               "object": {"key": "a+b/c%2Bd", "size": 4, "eTag": "841a2d689ad86bd1611447453c22c6fc",
                          "versionId": version}},
        "replicationEventData": {"replicationRuleId": "rule/1 ü", "destinationBucket": f"arn:aws:s3:::{name}-gone",
                                 "s3Operation": "OBJECT_PUT", "failureReason": "DstBucketNotFound"}}


def test_nasty_keys_reach_the_queue_unchanged(cloud, user, name, queue):
    source = f"{name}-src"
    cloud.replicated_pair(source, [("good", "", f"{name}-dst"), ("gone", "", f"{name}-gone")], queue,
                          missing=(f"{name}-gone",))
    for key in NASTY_KEYS:
        version = put(cloud, user, source, key)
        assert head(cloud, source, key, version)["ReplicationStatus"] == "FAILED"
        assert head(cloud, f"{name}-dst", key, version)["ReplicationStatus"] == "REPLICA"
    assert keys_of(cloud.receive(queue, len(NASTY_KEYS))) == list(NASTY_KEYS)
    print(f"{len(NASTY_KEYS)} keys")


def test_a_prefix_and_tags_choose_the_rules(cloud, user, name, queue):
    source, gone = f"{name}-src", f"{name}-gone"
    cloud.replicated_pair(source, [("logs", "logs/", gone)], queue, missing=(gone,))
    put(cloud, user, source, "other/1")
    assert "ReplicationStatus" not in head(cloud, source, "other/1")
    put(cloud, user, source, "logs/1")
    cloud.client("s3").put_bucket_replication(Bucket=source, ReplicationConfiguration={"Role": ROLE, "Rules": [{
        "ID": "tagged", "Status": "Enabled", "Priority": 1, "DeleteMarkerReplication": {"Status": "Disabled"},
        "Filter": {"And": {"Prefix": "logs/", "Tags": [{"Key": "keep", "Value": "yes"}]}},
        "Destination": {"Bucket": f"arn:aws:s3:::{gone}", "Metrics": {"Status": "Enabled"}}}]})
    put(cloud, user, source, "logs/2")
    put(cloud, user, source, "logs/3", Tagging="keep=yes")
    records = cloud.receive(queue, 2)
    assert [reason_of(record)[0] for record in records] == ["logs", "tagged"]
    assert keys_of(records) == ["logs/1", "logs/3"]


def test_of_two_rules_with_one_destination_only_the_greater_priority_applies(cloud, user, name, queue):
    source, gone = f"{name}-src", f"{name}-gone"
    cloud.replicated_pair(source, [("low", "", gone), ("high", "a", gone)], queue, missing=(gone,))
    put(cloud, user, source, "abc")
    put(cloud, user, source, "xyz")
    assert [reason_of(record)[0] for record in cloud.receive(queue, 2)] == ["high", "low"]
    assert queued(cloud, queue) == []


def test_a_policy_that_denies_part_of_a_bucket_denies_that_part(cloud, user, name):
    source, destination = f"{name}-src", f"{name}-dst"
    cloud.replicated_pair(source, [("all", "", destination)])
    cloud.client("s3").put_bucket_policy(Bucket=destination, Policy=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": {"AWS": ROLE}, "Action": ["s3:*"],
                                                "Resource": f"arn:aws:s3:::{destination}/secret/*"}]}))
    put(cloud, user, source, "secret/1")
    put(cloud, user, source, "open/1")
    assert head(cloud, source, "secret/1")["ReplicationStatus"] == "FAILED"
    assert head(cloud, source, "open/1")["ReplicationStatus"] == "COMPLETED"
    cloud.allow_replication(destination)
    put(cloud, user, source, "secret/1")
    assert head(cloud, source, "secret/1")["ReplicationStatus"] == "COMPLETED"


def test_copies_and_multipart_uploads_replicate_and_fail_too(cloud, user, name, queue):
    source, gone, s3 = f"{name}-src", f"{name}-gone", cloud.client("s3", user)
    cloud.replicated_pair(source, [("gone", "", gone)], queue, missing=(gone,))
    put(cloud, user, source, "first")
    s3.copy_object(Bucket=source, Key="copied", CopySource={"Bucket": source, "Key": "first"})
    upload = s3.create_multipart_upload(Bucket=source, Key="parts")["UploadId"]
    part = s3.upload_part(Bucket=source, Key="parts", UploadId=upload, PartNumber=1, Body=b"part")["ETag"]
    s3.complete_multipart_upload(Bucket=source, Key="parts", UploadId=upload,
                                 MultipartUpload={"Parts": [{"ETag": part, "PartNumber": 1}]})
    assert keys_of(cloud.receive(queue, 3)) == ["first", "copied", "parts"]
    assert head(cloud, source, "parts")["ReplicationStatus"] == "FAILED"


@pytest.mark.parametrize(("metrics", "wanted", "prefix", "count"), [
    (True, ("s3:Replication:*",), None, 1), (True, ("s3:Replication:OperationFailedReplication",), "k", 1),
    (False, ("s3:Replication:*",), None, 0), (True, ("s3:ObjectRemoved:*",), None, 0),
    (True, ("s3:Replication:OperationMissedThreshold",), None, 0), (True, ("s3:Replication:*",), "other", 0)])
def test_an_event_needs_metrics_and_a_configuration_that_asks(cloud, user, name, queue, metrics, wanted, prefix, count):
    source, gone = f"{name}-src", f"{name}-gone"
    cloud.bucket(source)
    cloud.replicate(source, [("gone", "", gone)], metrics=metrics)
    kept = cloud.client("s3").get_bucket_replication(Bucket=source)["ReplicationConfiguration"]["Rules"][0]
    assert kept["Destination"]["Metrics"]["Status"] == ("Enabled" if metrics else "Disabled")
    cloud.notify(source, queue, wanted, prefix)
    assert queued(cloud, queue) == [], "the test event only"
    put(cloud, user, source, "key")
    assert len(queued(cloud, queue)) == count
    assert head(cloud, source, "key")["ReplicationStatus"] == "FAILED"


def test_synthetic_failures_go_to_the_queue_in_batches(cloud, name):
    queue = cloud.queue(f"{name}-synthetic", MessageRetentionPeriod="3600", VisibilityTimeout="45")
    keys = [f"key {number}" for number in range(25)]
    versions = cloud.send_failures(queue, "orders", "rule-1", keys, event_time="2026-01-02T03:04:05.678Z")
    records = cloud.receive(queue, 25)
    assert sorted(keys_of(records)) == sorted(keys)
    assert {record["s3"]["object"]["versionId"] for record in records} == set(versions)
    assert {record["eventTime"] for record in records} == {"2026-01-02T03:04:05.678Z"}
    attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=queue.url, AttributeNames=["All"])["Attributes"]
    assert (attributes["MessageRetentionPeriod"], attributes["VisibilityTimeout"]) == ("3600", "45")


def test_events_of_replication_time_can_be_made_up(cloud, name):
    queue = cloud.queue(f"{name}-synthetic")
    for event in ("OperationMissedThreshold", "OperationReplicatedAfterThreshold", "OperationNotTracked"):
        cloud.send_failures(queue, "orders", "rule-1", ["key"], event=event)
        record, = cloud.receive(queue, 1)
        assert record["eventName"] == f"Replication:{event}" and "failureReason" not in record["replicationEventData"]


def test_events_reach_a_queue_through_a_topic_in_its_envelope(cloud, user, name, queue):
    source, gone, sns = f"{name}-src", f"{name}-gone", cloud.client("sns")
    topic = sns.create_topic(Name=f"{name}-topic")["TopicArn"]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
                                                "Action": "sns:Publish", "Resource": topic}]}))
    cloud.client("sqs").set_queue_attributes(QueueUrl=queue.url, Attributes={"Policy": json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
                                                "Action": "sqs:SendMessage", "Resource": queue.arn}]})})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    cloud.replicated_pair(source, [("gone", "", gone)], missing=(gone,))
    cloud.client("s3").put_bucket_notification_configuration(Bucket=source, NotificationConfiguration={
        "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:Replication:*"]}]})
    put(cloud, user, source, "a b")
    bodies = [json.loads(message["Body"]) for message in cloud.client("sqs").receive_message(
        QueueUrl=queue.url, MaxNumberOfMessages=10)["Messages"]]
    assert {body["Type"] for body in bodies} == {"Notification"}
    records = [record for body in bodies for record in json.loads(body["Message"]).get("Records", [])]
    assert keys_of(records) == ["a b"] and reason_of(records[0]) == ("gone", "DstBucketNotFound")
