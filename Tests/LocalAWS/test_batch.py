"""S3 Batch Operations: jobs that repair, their tasks, and what is asked about them."""
import uuid
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError
from conftest import NASTY_KEYS, keys_of, queued, reason_of
from jobsteps import ended, fail, progress, report, rows, statuses

from localaws_client import ACCOUNT


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
    assert statuses(cloud, pair, versions) == {"FAILED"}
    cloud.batch(failedTaskEvents=False, laterFailureEvents=False, failsLater=["*"])
    job_id = cloud.create_job(user, f"{name}-jobs", rows(pair, versions))
    assert progress(ended(cloud, job_id)) == (2, 2, 0), "succeeded means initiated"
    assert statuses(cloud, pair, versions) == {"FAILED"} and queued(cloud, queue) == []


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
