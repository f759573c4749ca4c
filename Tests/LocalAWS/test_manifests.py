"""The manifest of a job, read as strictly as AWS says: one wrong row fails the whole job before its first task.

Sources: User Guide, "Troubleshooting S3 Batch Operations" (InvalidManifestContent, Access Denied to read the manifest)
and "Specifying a manifest"; the row with too few columns and the empty version ID as seen of real jobs by
aws-samples/sample-replicate-on-tag-for-amazon-s3.
"""
import hashlib
import uuid

import pytest
from jobsteps import codes, ended, fail, progress, report, rows, status_of

FIELDS = ["Bucket", "Key", "VersionId"]


def run(cloud, user, bucket, content, fields=FIELDS, etag=None, **put):
    """A job on these bytes as its manifest, at its end."""
    key = f"manifests/{uuid.uuid4()}"
    if content is not None:
        written = cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=content, **put)["ETag"].strip('"')
    job_id = cloud.create_job(user, bucket, "unused", bucket, Manifest={
        "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": fields},
        "Location": {"ObjectArn": f"arn:aws:s3:::{bucket}/{key}", "ETag": etag or written}})
    return ended(cloud, job_id)


def refused(job, code, words):
    reason = job["FailureReasons"][0]
    assert job["Status"] == "Failed" and progress(job) == (0, 0, 0)
    assert reason["FailureCode"] == code and words in reason["FailureReason"], reason
    assert len(reason["FailureReason"]) <= 256 and len(reason["FailureCode"]) <= 64


IMPROPER, KEY = "Manifest file is not properly formatted", "Invalid object key format"


@pytest.mark.parametrize(("content", "words"), [
    ("Bucket,Key,VersionId\n{bucket},a,{version}\n", "there is no bucket 'Bucket'"),
    ("{bucket},a,{version}\n{bucket},a\n", "Unexpected number of task fields: row 2"),
    ("{bucket},a,{version}\n\n", "Unexpected number of task fields: row 2"),
    ("{bucket},a,{version},more\n", "Unexpected number of task fields: row 1"),
    ("\ufeff{bucket},a,{version}\n", f"{IMPROPER}: it starts with a byte order mark"),
    (b"{bucket},\xff,{version}\n", f"{IMPROPER}: it is not UTF-8"),
    ("", f"{IMPROPER}: it is empty"), ('{bucket},"a,{version}\n', IMPROPER),
    ("{bucket},a,{version}\nanother,a,{version}\n", "row 2 names another bucket"),
    ("{bucket},a b,{version}\n", f"{KEY} in row 1"), ("{bucket},ключ,{version}\n", KEY),
    ("{bucket},a<b,{version}\n", KEY), ("{bucket},100%,{version}\n", KEY), ("{bucket},%zz,{version}\n", KEY),
    ("{bucket},%FF,{version}\n", KEY), ('{bucket},"a\nb",{version}\n', KEY), ("{bucket},,{version}\n", KEY),
    ("{bucket}," + "k" * 1025 + ",{version}\n", KEY),
    ("{bucket},a,{version} \n", "Invalid version ID format in row 1"),
    ("{bucket},a,not/a/version\n", "Invalid version ID format")])
def test_content_that_is_not_right_fails_the_job(cloud, user, pair, name, content, words):
    (_, version), = fail(cloud, user, pair, ["a"])
    body = content if isinstance(content, bytes) else content.encode()
    body = body.replace(b"{bucket}", pair.encode()).replace(b"{version}", version.encode())
    refused(run(cloud, user, f"{name}-jobs", body), "InvalidManifestContent", words)
    assert cloud.client("s3").list_objects_v2(Bucket=f"{name}-jobs", Prefix="reports/")["KeyCount"] == 0


def test_a_manifest_that_is_not_the_one_in_create_job_fails_the_job(cloud, user, pair, name):
    refused(run(cloud, user, f"{name}-jobs", b"x", etag="0" * 32), "ManifestETagMismatch", "ETag")
    quoted = '"' + hashlib.md5(b"x").hexdigest() + '"'
    refused(run(cloud, user, f"{name}-jobs", b"x", etag=quoted), "ManifestETagMismatch", "ETag")
    refused(run(cloud, user, f"{name}-jobs", None, etag="0" * 32), "ManifestNotFound", "is not there")


@pytest.mark.parametrize("how", ["of the object", "by the bucket's default", "with a customer's key", "to the role"])
def test_a_manifest_that_the_job_cannot_read_fails_it_with_awss_words(cloud, user, pair, name, how):
    (_, version), = fail(cloud, user, pair, ["a"])
    bucket, body, put = f"{name}-jobs", rows(pair, [("a", version)]).encode(), {}
    if how == "of the object":
        put = {"ServerSideEncryption": "aws:kms"}
    elif how == "with a customer's key":
        put = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
    elif how == "to the role":
        cloud.role("batch", {"Service": "batchoperations.s3.amazonaws.com"}, policy={
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Put*", "Resource": "*"}]})
    else:
        cloud.client("s3").put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]})
    try:
        refused(run(cloud, user, bucket, body, **put), "AccessDenied", "Reading the manifest is forbidden: AccessDenied")
    finally:
        if how == "to the role":
            cloud.drop_role("batch")
    # Encrypted by S3's own keys, against the bucket's default: readable.
    if not put:
        assert run(cloud, user, bucket, body, ServerSideEncryption="AES256")["Status"] == "Complete"


@pytest.mark.parametrize(("fields", "words"), [
    (["Key", "VersionId"], "Required fields are missing in the schema: Bucket"),
    (["Ignore", "Ignore"], "Required fields are missing in the schema: Bucket, Key"),
    (["Bucket", "Key", "Key"], "a field is there twice")])
def test_fields_that_are_not_right_fail_the_job(cloud, user, pair, name, fields, words):
    refused(run(cloud, user, f"{name}-jobs", b"a,b,c\n", fields), "InvalidManifestContent", words)


def test_an_empty_version_fails_its_task_only_and_null_is_the_null_version(cloud, user, mended, name):
    (_, version), = fail(cloud, user, mended, ["a"])
    job = run(cloud, user, f"{name}-jobs", f"{mended},a,\n{mended},a,{version}\n{mended},a,null\n".encode())
    assert job["Status"] == "Complete" and progress(job) == (3, 1, 2)
    _, found = report(cloud, f"{name}-jobs", job["JobId"])
    assert {row[2]: (row[5], row[6]) for row in found} == {
        "\\N": ("SrcObjectNotFound", "Object versionID is invalid"), version: ("", "success"),
        "null": ("SrcVersionNotFound", "Source version is not found")}


def test_without_a_version_column_the_latest_version_is_meant_and_ignore_is_ignored(cloud, user, pair, name):
    (_, first), (_, second) = fail(cloud, user, pair, ["a", "a"])
    cloud.bucket(f"{name}-gone")
    cloud.allow_replication(f"{name}-denied")
    job = run(cloud, user, f"{name}-jobs", f"x,{pair},a\n".encode(), ["Ignore", "Bucket", "Key"])
    assert progress(job) == (1, 1, 0)
    assert status_of(cloud, pair, "a", first) == "FAILED" and status_of(cloud, pair, "a", second) == "COMPLETED"
    _, found = report(cloud, f"{name}-jobs", job["JobId"])
    assert found == [[pair, "a", "\\N", "succeeded", "200", "", "success"]]


def test_a_plus_in_the_manifest_is_a_plus_unless_switched(cloud, user, mended, name):
    (_, spaced), (_, plain) = fail(cloud, user, mended, ["a b", "a+b"])
    for is_space, version in ((False, plain), (True, spaced)):
        cloud.batch(manifestPlusIsSpace=is_space)
        job = run(cloud, user, f"{name}-jobs", f"{mended},a+b,{version}\n".encode())
        assert progress(job) == (1, 1, 0), is_space
        # What the design writes is the same key under both.
        both = rows(mended, [("a b", spaced), ("a+b", plain)])
        assert "%20" in both and "%2B" in both
        job = run(cloud, user, f"{name}-jobs", both.encode())
        assert progress(job) == (2, 2, 0), is_space
        assert set(codes(report(cloud, f"{name}-jobs", job["JobId"])[1])) == {"a%20b", "a%2Bb"}


def test_a_version_of_the_manifest_can_be_pinned(cloud, user, mended, name):
    (_, version), = fail(cloud, user, mended, ["a"])
    s3, bucket = cloud.client("s3"), f"{name}-jobs"
    good = s3.put_object(Bucket=bucket, Key="m", Body=rows(mended, [("a", version)]).encode())
    s3.put_object(Bucket=bucket, Key="m", Body=b"another")
    location = {"ObjectArn": f"arn:aws:s3:::{bucket}/m", "ETag": good["ETag"].strip('"')}
    spec = {"Format": "S3BatchOperations_CSV_20180820", "Fields": FIELDS}
    for pin, status in (({"ObjectVersionId": good["VersionId"]}, "Complete"), ({}, "Failed")):
        job_id = cloud.create_job(user, bucket, "unused", Manifest={"Spec": spec, "Location": {**location, **pin}})
        assert ended(cloud, job_id)["Status"] == status
