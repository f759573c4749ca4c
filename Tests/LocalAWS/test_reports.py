"""The completion report: AWS's real layout, late, missing and damaged.

Sources: User Guide, "Examples: S3 Batch Operations completion reports", "Troubleshooting Batch Operations"; the columns'
order, the doubled slash, the echoed keys and the MD5 in hexadecimal as aws-samples/sample-replicate-on-tag-for-amazon-s3
saw them of real jobs.
"""
import csv
import hashlib
import io
import json
import re

import pytest
from botocore.exceptions import ClientError
from conftest import NASTY_KEYS
from jobsteps import ended, fail, progress, read, report, rows

from localaws import reports, s3access
from localaws.jobs import Job
from localaws.manifest import Task
from localaws.reports import FAULTS
from localaws.tasks import Result


def listed(cloud, bucket, prefix="reports"):
    found = cloud.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return [one["Key"] for one in found]


def report_to(bucket, **changes):
    return {"Enabled": True, "Bucket": f"arn:aws:s3:::{bucket}", "Prefix": "reports", "Format": "Report_CSV_20180820",
            "ReportScope": "AllTasks", **changes}


@pytest.fixture
def run(cloud, user, mended, name):
    """Runs a job on two good objects and one absent one: its ID, and its report's folder."""
    def run_job(keys=("a", "b"), wait=True, **changes):
        versions = [*fail(cloud, user, mended, keys), ("absent", "0" * 32)]
        job_id = cloud.create_job(user, f"{name}-jobs", rows(mended, versions), f"{name}-jobs", **changes)
        if wait:
            cloud.settle()
        return job_id, f"reports/job-{job_id}"

    return run_job


def results_of(cloud, bucket, root):
    """What each result file says it is, and its bytes."""
    index = json.loads(read(cloud, bucket, f"{root}/manifest.json"))
    return [(entry, read(cloud, bucket, entry["Key"])) for entry in index["Results"]]


def test_the_layout_is_awss(cloud, mended, name, run):
    job_id, root = run(NASTY_KEYS)
    index, found = report(cloud, f"{name}-jobs", job_id)
    assert list(index) == ["Format", "ReportCreationDate", "Results", "ReportSchema"]
    assert index["ReportSchema"] == "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", index["ReportCreationDate"])
    assert [entry["TaskExecutionStatus"] for entry in index["Results"]] == ["succeeded", "failed"]
    assert all(set(entry) == {"TaskExecutionStatus", "Bucket", "MD5Checksum", "Key"} for entry in index["Results"])
    keys = listed(cloud, f"{name}-jobs")
    assert keys[:2] == [f"{root}/manifest.json", f"{root}/manifest.json.md5"] and len(keys) == 4
    assert len(found) == len(NASTY_KEYS) + 1
    failed = next(row for row in found if row[3] == "failed")
    assert failed == [mended, "absent", "0" * 32, "failed", "404", "SrcObjectNotFound", "Source object is not found"]
    # SSE-S3, whatever the bucket's default.
    assert cloud.client("s3").head_object(Bucket=f"{name}-jobs", Key=keys[0])["ServerSideEncryption"] == "AES256"


def test_manifest_json_is_written_last(monkeypatch):
    written, job = [], Job({"Report": report_to("bucket"), "Operation": {}}, "account", "region")
    job.results = [Result(Task("source", str(number), "v", str(number)), *failure)
                   for number, failure in enumerate([(), (), ("AccessDenied", 403, "no")])]
    monkeypatch.setattr(s3access, "write_object", lambda bucket, key, body: written.append(key) or "md5")
    reports.write(job, rows_per_file=1)
    root = f"reports/job-{job.identifier}"
    assert written[3:] == [f"{root}/manifest.json.md5", f"{root}/manifest.json"]
    assert all(key.startswith(f"{root}/results/") for key in written[:3])


def test_rows_end_with_crlf_have_no_header_and_quote_only_what_needs_it(cloud, mended, name, run):
    cloud.outcomes({"bucket": mended, "key": "a", "code": "PermanentFailure", "message": 'He said "no", twice'})
    job_id, root = run()
    bodies = [body for _, body in results_of(cloud, f"{name}-jobs", root)]
    lines = b"".join(bodies).split(b"\r\n")
    assert lines[-1] == b"" and len(lines) == 4
    assert any(line.endswith(b',PermanentFailure,"He said ""no"", twice"') for line in lines)
    assert not any(line.startswith(b"Bucket,") for line in lines)


@pytest.mark.parametrize(("prefix", "root"), [
    ("r", "r/"), ("r/", "r//"), ("a/b", "a/b/"), ("", ""), (None, "")])
def test_a_slash_always_follows_the_prefix(cloud, user, mended, name, prefix, root):
    settings = report_to(f"{name}-jobs")
    del settings["Prefix"]
    if prefix:
        settings["Prefix"] = prefix
    versions = fail(cloud, user, mended, ["a"])
    job_id = cloud.create_job(user, f"{name}-jobs", rows(mended, versions), Report=settings)
    cloud.settle()
    assert f"{root}job-{job_id}/manifest.json" in listed(cloud, f"{name}-jobs", f"{root}job-{job_id}")
    assert report(cloud, f"{name}-jobs", job_id, root.removesuffix("/"))[1] if root else True


def test_only_failed_tasks_are_reported_where_that_was_asked_for(cloud, user, mended, name, run):
    for keys, expected in ((("a", "b"), ["failed"]), ((), ["failed"])):
        job_id, root = run(keys, Report=report_to(f"{name}-jobs", ReportScope="FailedTasksOnly"))
        index, found = report(cloud, f"{name}-jobs", job_id)
        assert [entry["TaskExecutionStatus"] for entry in index["Results"]] == expected and len(found) == 1
    job_id, _ = run(Report={"Enabled": False})
    assert not any(job_id in key for key in listed(cloud, f"{name}-jobs"))


def test_a_job_that_ran_no_task_has_no_report(cloud, user, mended, name):
    job_id = cloud.create_job(user, f"{name}-jobs", "not a manifest\n", f"{name}-jobs")
    assert ended(cloud, job_id)["Status"] == "Failed" and listed(cloud, f"{name}-jobs") == []


def test_a_report_can_be_split_over_several_files(cloud, mended, name, run):
    cloud.batch(reportRowsPerFile=2)
    job_id, _ = run([f"k{number}" for number in range(5)])
    index, found = report(cloud, f"{name}-jobs", job_id)
    assert [entry["TaskExecutionStatus"] for entry in index["Results"]] == ["succeeded"] * 3 + ["failed"]
    assert len({entry["Key"] for entry in index["Results"]}) == 4 and len(found) == 6


def test_a_report_can_be_late_and_the_job_has_ended_before(cloud, name, run):
    cloud.batch(holdReports=True)
    job_id, root = run()
    assert cloud.job(job_id)["status"] == "Complete" and not cloud.job(job_id)["reported"]
    with pytest.raises(ClientError) as caught:
        read(cloud, f"{name}-jobs", f"{root}/manifest.json")
    assert caught.value.response["Error"]["Code"] == "NoSuchKey"
    cloud.batch(holdReports=False, reportSeconds=0)
    cloud.settle()
    assert len(report(cloud, f"{name}-jobs", job_id)[1]) == 3


def test_a_report_can_never_come_and_be_written_to_order(cloud, name, run):
    cloud.batch(writeReports=False)
    job_id, _ = run()
    assert listed(cloud, f"{name}-jobs") == []
    cloud.order(job_id, "report")
    assert len(report(cloud, f"{name}-jobs", job_id)[1]) == 3


@pytest.mark.parametrize("fault", [one for one in FAULTS if one != "none"])
def test_a_report_can_be_damaged_and_put_right_to_order(cloud, mended, name, run, fault):
    cloud.batch(reportFault=fault)
    job_id, root = run()
    bucket, manifest = f"{name}-jobs", f"{root}/manifest.json"
    if fault == "withoutManifest":
        assert [key for key in listed(cloud, bucket) if "manifest" in key] == [] and len(listed(cloud, bucket)) == 2
    elif fault == "tornManifest":
        with pytest.raises(json.JSONDecodeError):
            json.loads(read(cloud, bucket, manifest))
    elif fault == "withoutAFile":
        with pytest.raises(ClientError, match="NoSuchKey"):
            results_of(cloud, bucket, root)
    else:
        check_rows(fault, results_of(cloud, bucket, root))
    cloud.order(job_id, "report")
    assert len(report(cloud, bucket, job_id)[1]) == 3


def check_rows(fault, results):
    is_true = [hashlib.md5(body).hexdigest() == entry["MD5Checksum"] for entry, body in results]
    assert all(is_true) == (fault != "wrongMD5")
    found = [row for _, body in results for row in csv.reader(io.StringIO(body.decode(), newline=""))]
    whole = [row for row in found if len(row) == 7]
    expected = {"wrongMD5": 3, "tornRows": None, "fewerRows": 1, "repeatedRows": 5, "foreignRows": 5,
                "documentedColumns": 3}[fault]
    assert (len(whole) < 3) if expected is None else (len(whole) == len(found) == expected), found
    if fault == "repeatedRows":
        assert len({tuple(row) for row in found}) == 3
    elif fault == "foreignRows":
        assert sum(row[1] == "not/in/the/manifest" for row in found) == 2
    elif fault == "documentedColumns":
        assert {row[5] for row in found} == {"200", "404"} and {row[4] for row in found} == {"", "SrcObjectNotFound"}


@pytest.mark.parametrize("why", ["missing", "retention", "role", "owner"])
def test_a_report_that_cannot_be_written_fails_the_job_after_its_tasks(cloud, user, mended, name, run, why):
    bucket, changes = f"{name}-reports", {}
    s3 = cloud.client("s3")
    if why == "retention":
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
                         ObjectLockEnabledForBucket=True)
        s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}})
    elif why != "missing":
        cloud.bucket(bucket)
    if why == "role":
        changes["RoleArn"] = cloud.role(f"{name}-job", {"Service": "batchoperations.s3.amazonaws.com"}, {
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", "Action": [
                "s3:GetObject", "s3:InitiateReplication"]}]})
    expected = {"ExpectedBucketOwner": "111122223333"} if why == "owner" else {}
    job_id, _ = run(Report=report_to(bucket, **expected), **changes)
    job = ended(cloud, job_id)
    assert job["Status"] == "Failed" and progress(job) == (3, 2, 1)
    assert job["FailureReasons"][0]["FailureReason"] == (
        "The job report could not be written to your report bucket. Please check your permissions.")
