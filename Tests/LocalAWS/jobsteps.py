"""Steps that the tests of batch jobs share."""
import csv
import hashlib
import io
import json
import re
from urllib.parse import quote

ENDED = ("Complete", "Failed", "Cancelled")


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


def status_of(cloud, bucket, key, version):
    head = cloud.client("s3").head_object(Bucket=bucket, Key=key, VersionId=version)
    return head.get("ReplicationStatus")


def statuses(cloud, bucket, versions):
    return {status_of(cloud, bucket, key, version) for key, version in versions}


def read(cloud, bucket, key):
    return cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


def report(cloud, bucket, job_id, prefix="reports"):
    """manifest.json, checked against its MD5, and all rows of its files, each checked against its MD5."""
    root = f"{prefix}/job-{job_id}"
    index = read(cloud, bucket, f"{root}/manifest.json")
    assert read(cloud, bucket, f"{root}/manifest.json.md5").decode() == hashlib.md5(index).hexdigest()
    found = []
    for entry in json.loads(index)["Results"]:
        assert re.fullmatch(rf"{re.escape(root)}/results/[0-9a-f]{{40}}\.csv", entry["Key"]), entry
        assert entry["Bucket"] == bucket
        body = read(cloud, bucket, entry["Key"])
        assert hashlib.md5(body).hexdigest() == entry["MD5Checksum"] and body.endswith(b"\r\n")
        part = list(csv.reader(io.StringIO(body.decode(), newline="")))
        assert {row[3] for row in part} == {entry["TaskExecutionStatus"]}
        found += part
    return json.loads(index), found


def codes(found):
    """Rows of a report as key to (HTTP status, error code)."""
    return {row[1]: (row[4], row[5]) for row in found}
