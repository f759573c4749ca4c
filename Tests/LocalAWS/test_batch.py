"""S3 Batch Operations: the life of a job, its manifest, its tasks and its report."""
import csv
import hashlib
import io
import json
import re
import uuid
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError
from conftest import NASTY_KEYS, keys_of, queued, reason_of

from localaws_client import ACCOUNT

ENDED = ("Complete", "Failed", "Cancelled")


@pytest.fixture
def pair(cloud, name, queue):
    """A source whose two destinations both fail, and a bucket for manifests and reports."""
    cloud.replicated_pair(f"{name}-src", [("gone", "", f"{name}-gone"), ("denied", "", f"{name}-denied")], queue,
                          missing=(f"{name}-gone",))
    cloud.deny_replication(f"{name}-denied")
    cloud.bucket(f"{name}-jobs")
    return f"{name}-src"


def fail(cloud, user, bucket, keys):
    """Put objects that fail to replicate; (key, version ID) of each."""
    s3 = cloud.client("s3", user)
    return [(key, s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"]) for key in keys]


def rows(bucket, versions):
    return "".join(f"{bucket},{quote(key, safe='/')},{version}\n" for key, version in versions)


def ended(cloud, job_id):
    cloud.settle()
    return cloud.wait_for_job(job_id, *ENDED)


def progress(job):
    summary = job["ProgressSummary"]
    return summary["TotalNumberOfTasks"], summary["NumberOfTasksSucceeded"], summary["NumberOfTasksFailed"]


def statuses(cloud, bucket, versions):
    return {cloud.client("s3").head_object(Bucket=bucket, Key=key, VersionId=version)["ReplicationStatus"]
            for key, version in versions}


def report(cloud, bucket, job_id):
    """manifest.json, checked against its MD5, and all rows of its files, each checked against its MD5."""
    s3, root = cloud.client("s3"), f"reports/job-{job_id}"

    def read(key):
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    index = read(f"{root}/manifest.json")
    assert read(f"{root}/manifest.json.md5").decode() == hashlib.md5(index).hexdigest()
    found = []
    for entry in json.loads(index)["Results"]:
        assert re.fullmatch(rf"{root}/results/[0-9a-f]{{40}}\.csv", entry["Key"]) and entry["Bucket"] == bucket
        body = read(entry["Key"])
        assert hashlib.md5(body).hexdigest() == entry["MD5Checksum"] and body.endswith(b"\r\n")
        part = list(csv.reader(io.StringIO(body.decode(), newline="")))
        assert {row[3] for row in part} == {entry["TaskExecutionStatus"]}
        found += part
    return json.loads(index), found


def test_a_job_repairs_what_it_can_after_both_causes_are_mended(cloud, user, pair, name, queue):
    versions = fail(cloud, user, pair, NASTY_KEYS)
    assert statuses(cloud, pair, versions) == {"FAILED"}
    assert len(cloud.receive(queue, 2 * len(versions))) == 2 * len(versions)
    cloud.bucket(f"{name}-gone")
    cloud.allow_replication(f"{name}-denied")
    job_id = cloud.create_job(user, f"{name}-jobs", rows(pair, versions), f"{name}-jobs", Description="remedy 7")
    job = ended(cloud, job_id)
    assert job["Status"] == "Complete" and progress(job) == (len(versions), len(versions), 0)
    assert job["Description"] == "remedy 7" and job["TerminationDate"] >= job["CreationTime"]
    assert statuses(cloud, pair, versions) == {"COMPLETED"}
    assert statuses(cloud, f"{name}-gone", versions) == statuses(cloud, f"{name}-denied", versions) == {"REPLICA"}
    assert queued(cloud, queue) == [], "a task that succeeded sends no event"
    index, found = report(cloud, f"{name}-jobs", job_id)
    assert index["Format"] == "Report_CSV_20180820"
    assert sorted(found) == sorted([pair, quote(key, safe="/"), version, "succeeded", "200", "", "success"]
                                   for key, version in versions)
    print(f"{len(versions)} versions repaired")


def test_a_task_that_fails_again_is_counted_reported_and_sends_its_events(cloud, user, pair, name, queue):
    versions = fail(cloud, user, pair, ["a", "b,c"])
    cloud.receive(queue, 4)
    job_id = cloud.create_job(user, f"{name}-jobs", rows(pair, versions), f"{name}-jobs")
    assert progress(ended(cloud, job_id)) == (2, 0, 2)
    records = cloud.receive(queue, 4)
    assert sorted(keys_of(records)) == ["a", "a", "b,c", "b,c"]
    assert {reason_of(record)[1] for record in records} == {"DstBucketNotFound", "DstPutObjectNotPermitted"}
    _, found = report(cloud, f"{name}-jobs", job_id)
    assert sorted(row[1:6] for row in found) == [["a", versions[0][1], "failed", "404", "DstBucketNotFound"],
                                                 ["b%2Cc", versions[1][1], "failed", "404", "DstBucketNotFound"]]
    cloud.batch(failedTaskEvents=False, initiatedIsSucceeded=True)
    job_id = cloud.create_job(user, f"{name}-jobs", rows(pair, versions))
    assert progress(ended(cloud, job_id)) == (2, 2, 0), "succeeded means initiated"
    assert statuses(cloud, pair, versions) == {"FAILED"} and queued(cloud, queue) == []


def test_rows_that_are_not_eligible_or_not_there_fail_their_task_only(cloud, user, pair, name):
    s3 = cloud.client("s3", user)
    s3.put_bucket_versioning(Bucket=pair, VersioningConfiguration={"Status": "Enabled"})
    (_, version), = fail(cloud, user, pair, ["key"])
    marker = s3.delete_object(Bucket=pair, Key="key")["VersionId"]
    job_id = cloud.create_job(user, f"{name}-jobs", "".join(f"{pair},{key},{version}\n" for key, version in (
        ("key", version), ("key", marker), ("absent", version), ("key", ""))), f"{name}-jobs")
    assert progress(ended(cloud, job_id)) == (4, 0, 4)
    _, found = report(cloud, f"{name}-jobs", job_id)
    assert sorted(row[1:3] + row[4:] for row in found) == sorted([
        ["absent", version, "404", "SrcObjectNotFound", "Source object or version is not found"],
        ["key", "\\N", "404", "SrcObjectNotFound", "Source object or version is not found"],
        ["key", marker, "500", "SrcObjectNotEligible", "Object is not eligible for replication"],
        ["key", version, "404", "DstBucketNotFound", "Replication failed: DstBucketNotFound"]])


def test_an_object_from_before_versioning_is_replicated_as_its_null_version(cloud, user, name):
    source, destination, s3 = f"{name}-src", f"{name}-dst", cloud.client("s3", user)
    cloud.bucket(source, versioned=False)
    s3.put_object(Bucket=source, Key="old", Body=b"old")
    s3.put_bucket_versioning(Bucket=source, VersioningConfiguration={"Status": "Enabled"})
    cloud.bucket(destination)
    cloud.replicate(source, [("all", "", destination)])
    job_id = cloud.create_job(user, source, f"{source},old,null\n")
    assert progress(ended(cloud, job_id)) == (1, 1, 0)
    assert statuses(cloud, source, [("old", "null")]) == {"COMPLETED"}
    assert s3.head_object(Bucket=destination, Key="old", VersionId="null")["ReplicationStatus"] == "REPLICA"


def test_a_token_with_the_same_body_is_the_same_job_and_with_another_is_refused(cloud, user, pair, name):
    versions, token = fail(cloud, user, pair, ["a"]), str(uuid.uuid4())
    control = cloud.client("s3control", user)
    etag = cloud.client("s3").put_object(Bucket=f"{name}-jobs", Key="m", Body=rows(pair, versions).encode())["ETag"]
    settings = dict(
        AccountId=ACCOUNT, ConfirmationRequired=False, Operation={"S3ReplicateObject": {}}, Report={"Enabled": False},
        ClientRequestToken=token, Priority=1, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/batch",
        Manifest={"Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key", "VersionId"]},
                  "Location": {"ObjectArn": f"arn:aws:s3:::{name}-jobs/m", "ETag": etag.strip('"')}})
    first = control.create_job(**settings)["JobId"]
    assert control.create_job(**settings)["JobId"] == first
    ended(cloud, first)
    assert control.create_job(**settings)["JobId"] == first, "after its end too"
    with pytest.raises(control.exceptions.IdempotencyException):
        control.create_job(**{**settings, "Priority": 2})


@pytest.mark.parametrize(("content", "etag", "code"), [
    ("{bucket},a,{version}\n", "0" * 32, "ManifestETagMismatch"),
    (None, "0" * 32, "ManifestNotFound"),
    ("Bucket,Key,VersionId\n{bucket},a,{version}\n", None, "InvalidManifestContent"),
    ("{bucket},a,{version}\n{bucket},a\n", None, "InvalidManifestContent"),
    ("{bucket},a,{version}\n\n", None, "InvalidManifestContent"),
    ("\ufeff{bucket},a,{version}\n", None, "InvalidManifestContent"),
    ("", None, "InvalidManifestContent"),
    ('{bucket},"a,{version}\n', None, "InvalidManifestContent")])
def test_a_manifest_that_is_not_right_fails_the_job(cloud, user, pair, name, content, etag, code):
    (_, version), = fail(cloud, user, pair, ["a"])
    bucket, key = f"{name}-jobs", f"manifests/{uuid.uuid4()}"
    if content is not None:
        body = content.format(bucket=pair, version=version).encode()
        cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        etag = etag or hashlib.md5(body).hexdigest()
    job_id = cloud.create_job(user, bucket, "unused", bucket, Manifest={
        "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key", "VersionId"]},
        "Location": {"ObjectArn": f"arn:aws:s3:::{bucket}/{key}", "ETag": etag}})
    job = ended(cloud, job_id)
    assert (job["Status"], job["FailureReasons"][0]["FailureCode"]) == ("Failed", code)
    assert cloud.client("s3").list_objects_v2(Bucket=bucket, Prefix="reports/")["KeyCount"] == 0


def test_a_plus_in_the_manifest_is_a_plus_unless_switched(cloud, user, pair, name):
    (_, version), = fail(cloud, user, pair, ["a b"])
    cloud.batch(initiatedIsSucceeded=True)
    for plus_is_space, expected in ((False, (1, 0, 1)), (True, (1, 1, 0))):
        cloud.batch(manifestPlusIsSpace=plus_is_space)
        job_id = cloud.create_job(user, f"{name}-jobs", f"{pair},a+b,{version}\n")
        assert progress(ended(cloud, job_id)) == expected


def test_a_job_that_wants_confirmation_waits_knows_its_total_and_can_be_confirmed_or_cancelled(cloud, user, pair, name):
    versions, control = fail(cloud, user, pair, ["a", "b"]), cloud.client("s3control", user)
    for wanted, end, done in (("Ready", "Complete", 2), ("Cancelled", "Cancelled", 0)):
        job_id = cloud.create_job(user, f"{name}-jobs", rows(pair, versions), ConfirmationRequired=True)
        job = cloud.wait_for_job(job_id, "Suspended")
        assert progress(job) == (2, 0, 0) and job["ConfirmationRequired"]
        control.update_job_status(AccountId=ACCOUNT, JobId=job_id, RequestedJobStatus=wanted,
                                  StatusUpdateReason="as said")
        job = ended(cloud, job_id)
        assert (job["Status"], progress(job)[2], job["StatusUpdateReason"]) == (end, done, "as said")
        with pytest.raises(control.exceptions.JobStatusException):
            control.update_job_status(AccountId=ACCOUNT, JobId=job_id, RequestedJobStatus="Ready")


def test_an_active_job_can_be_cancelled_and_reports_what_it_did(cloud, user, pair, name):
    cloud.batch(taskSeconds=30)
    versions, control = fail(cloud, user, pair, ["a", "b", "c"]), cloud.client("s3control", user)
    job_id = cloud.create_job(user, f"{name}-jobs", rows(pair, versions), f"{name}-jobs")
    cloud.wait_for_job(job_id, "Active")
    control.update_job_status(AccountId=ACCOUNT, JobId=job_id, RequestedJobStatus="Cancelled")
    job = ended(cloud, job_id)
    assert job["Status"] == "Cancelled" and progress(job) == (3, 0, 1)
    assert len(report(cloud, f"{name}-jobs", job_id)[1]) == 1


def test_a_job_goes_through_its_states_in_awss_order(cloud, user, pair, name):
    cloud.batch(prepareSeconds=0.05, activeSeconds=0.05, completingSeconds=0.05)
    job_id = cloud.create_job(user, f"{name}-jobs", rows(pair, fail(cloud, user, pair, ["a"])))
    seen = [cloud.wait_for_job(job_id, status)["Status"]
            for status in ("Preparing", "Active", "Completing", "Complete")]
    assert seen == ["Preparing", "Active", "Completing", "Complete"]


def test_jobs_are_listed_by_status_in_pages_with_their_description(cloud, user, pair, name):
    versions, control = fail(cloud, user, pair, ["a"]), cloud.client("s3control", user)
    made = [cloud.create_job(user, f"{name}-jobs", rows(pair, versions), Description=f"{name} {number}")
            for number in range(5)]
    cloud.settle()
    waiting = cloud.create_job(user, f"{name}-jobs", rows(pair, versions), ConfirmationRequired=True)
    cloud.wait_for_job(waiting, "Suspended")
    listed, token = [], {}
    while True:
        page = control.list_jobs(AccountId=ACCOUNT, JobStatuses=["Complete", "New"], MaxResults=2, **token)
        assert len(page["Jobs"]) <= 2
        listed += page["Jobs"]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    ours = [job for job in listed if job.get("Description", "").startswith(f"{name} ")]
    assert [job["JobId"] for job in ours] == made[::-1], "newest first"
    assert waiting not in {job["JobId"] for job in listed}
    assert {job["Operation"] for job in ours} == {"S3ReplicateObject"} and progress(ours[0]) == (1, 0, 1)
    control.update_job_priority(AccountId=ACCOUNT, JobId=waiting, Priority=99)
    assert control.describe_job(AccountId=ACCOUNT, JobId=waiting)["Job"]["Priority"] == 99
    control.update_job_status(AccountId=ACCOUNT, JobId=waiting, RequestedJobStatus="Cancelled")
    with pytest.raises(control.exceptions.InvalidNextTokenException):
        control.list_jobs(AccountId=ACCOUNT, NextToken="bm90aGluZw==")
    with pytest.raises(ClientError) as caught:
        control.describe_job(AccountId=ACCOUNT, JobId=str(uuid.uuid4()))
    assert caught.value.response["Error"]["Code"] == "NoSuchJob"


def test_a_job_whose_tasks_mostly_fail_is_given_up_after_a_thousand(cloud, user, pair, name):
    cloud.batch(failedTaskEvents=False)
    many = "".join(f"{pair},absent-{number},none\n" for number in range(1500))
    job_id = cloud.create_job(user, f"{name}-jobs", many, f"{name}-jobs")
    job = ended(cloud, job_id)
    assert job["Status"] == "Failed" and progress(job) == (1500, 0, 1000)
    assert len(report(cloud, f"{name}-jobs", job_id)[1]) == 1000
    few = "".join(f"{pair},absent-{number},none\n" for number in range(999))
    assert ended(cloud, cloud.create_job(user, f"{name}-jobs", few))["Status"] == "Complete"


def test_switches_are_checked(cloud):
    for wrong in ({"speed": 1}, {"prepareSeconds": "1"}, {"failedTaskEvents": 1}, {"taskSeconds": -1}):
        with pytest.raises(Exception, match="400"):
            cloud.batch(**wrong)
