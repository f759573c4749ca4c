"""S3 as the remediation uses it, through the judge: MiniStack's answers where they are AWS's, and where they are mended.

Sources are in localaws/s3mends.py; the others are the API Reference's pages of the operations.
"""
import base64
import hashlib

import pytest
from botocore.exceptions import ClientError
from conftest import NASTY_KEYS

from localaws_client import ACCOUNT, ROLE

MIB = 1 << 20
OTHER = "111122223333"


@pytest.fixture
def s3(cloud, user):
    return cloud.client("s3", user)


@pytest.fixture
def bucket(cloud, name):
    return cloud.bucket(name)


def refused(call, *expected):
    """Calls, and wants (code, HTTP status); HEAD has no body, so that botocore gives its status as code."""
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == expected
    return error


def sha256(body):
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def put(s3, bucket, key="key", body=b"body", **more):
    return s3.put_object(Bucket=bucket, Key=key, Body=body, **more)


def test_a_put_that_must_be_the_first_is_412_when_it_is_not(s3, bucket):
    first = put(s3, bucket, IfNoneMatch="*", ServerSideEncryption="AES256", Metadata={"sha256": "ab"},
                ChecksumSHA256=sha256(b"body"))
    assert (first["ServerSideEncryption"], first["ChecksumSHA256"]) == ("AES256", sha256(b"body"))
    assert first["ETag"] == f'"{hashlib.md5(b"body").hexdigest()}"'
    refused(lambda: put(s3, bucket, body=b"another", IfNoneMatch="*"), "PreconditionFailed", 412)
    head = s3.head_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
    assert (head["VersionId"], head["Metadata"], head["ContentLength"]) == (first["VersionId"], {"sha256": "ab"}, 4)
    assert head["ChecksumSHA256"] == first["ChecksumSHA256"]
    # A delete marker is no object: the key is free again.
    s3.delete_object(Bucket=bucket, Key="key")
    put(s3, bucket, IfNoneMatch="*")


def test_a_put_whose_bytes_are_not_those_it_says_is_refused(s3, bucket):
    for wrong in ({"ContentMD5": base64.b64encode(bytes(16)).decode()}, {"ChecksumSHA256": sha256(b"other")}):
        refused(lambda wrong=wrong: put(s3, bucket, **wrong), "BadDigest", 400)
    refused(lambda: s3.head_object(Bucket=bucket, Key="key"), "404", 404)


@pytest.mark.parametrize(("default", "asked", "stored"), [
    (None, {}, "AES256"), ("aws:kms", {}, "aws:kms"), ("aws:kms", {"ServerSideEncryption": "AES256"}, "AES256"),
    (None, {"ServerSideEncryption": "aws:kms"}, "aws:kms")])
def test_every_object_is_encrypted_by_what_was_asked_or_by_the_buckets_default(cloud, s3, bucket, default, asked, stored):
    if default:
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": default}}]})
    put(s3, bucket, **asked)
    head = s3.head_object(Bucket=bucket, Key="key")
    assert head["ServerSideEncryption"] == stored
    assert head.get("SSEKMSKeyId", "").endswith("alias/aws/s3") == (stored == "aws:kms")


def test_head_tells_a_version_from_a_marker_an_absent_one_and_nonsense(s3, bucket):
    first, second = put(s3, bucket)["VersionId"], put(s3, bucket, body=b"second")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="key")["VersionId"]

    def head(**version):
        return s3.head_object(Bucket=bucket, Key="key", **version)

    assert head(VersionId=first)["ContentLength"] == 4 and head(VersionId=second)["ContentLength"] == 6
    assert head(VersionId=second)["ResponseMetadata"]["HTTPHeaders"]["date"]
    error = refused(lambda: head(VersionId=marker), "405", 405)
    headers = error["ResponseMetadata"]["HTTPHeaders"]
    assert (headers["x-amz-delete-marker"], headers["allow"], headers["x-amz-version-id"]) == ("true", "DELETE", marker)
    assert refused(head, "404", 404)["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    s3.delete_object(Bucket=bucket, Key="key", VersionId=first)
    refused(lambda: head(VersionId=first), "404", 404)
    refused(lambda: head(VersionId="0" * 32), "404", 404)
    refused(lambda: head(VersionId="nonsense"), "400", 400)
    refused(lambda: s3.get_object(Bucket=bucket, Key="key", VersionId="nonsense"), "InvalidArgument", 400)
    refused(lambda: s3.get_object(Bucket=bucket, Key="key", VersionId=first), "NoSuchVersion", 404)
    refused(lambda: s3.head_object(Bucket=f"{bucket}-absent", Key="key"), "404", 404)
    refused(lambda: s3.get_object(Bucket=f"{bucket}-absent", Key="key"), "NoSuchBucket", 404)


def test_the_null_version_is_named_null(cloud, s3, name):
    bucket = cloud.bucket(name, versioned=False)
    put(s3, bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    newer = put(s3, bucket)["VersionId"]
    assert s3.head_object(Bucket=bucket, Key="key", VersionId="null")["ContentLength"] == 4
    versions = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert [(one["VersionId"], one["IsLatest"]) for one in versions] == [(newer, True), ("null", False)]


def test_archived_objects_say_so_in_head_and_cannot_be_read(s3, bucket):
    put(s3, bucket, StorageClass="GLACIER")
    assert s3.head_object(Bucket=bucket, Key="key")["StorageClass"] == "GLACIER"
    refused(lambda: s3.get_object(Bucket=bucket, Key="key"), "InvalidObjectState", 403)


def test_a_head_without_the_permission_is_403_and_closes_nothing(cloud, s3, bucket, name):
    put(s3, bucket)

    def policy(*actions):
        return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}

    version = s3.head_object(Bucket=bucket, Key="key")["VersionId"]
    without = cloud.client("s3", cloud.user(f"{name}-without", policy("s3:GetObject")))
    refused(lambda: without.head_object(Bucket=bucket, Key="key", VersionId=version), "403", 403)
    # Without s3:ListBucket what is absent is 403, not 404.
    reader = cloud.client("s3", cloud.user(f"{name}-reader", policy("s3:GetObject", "s3:GetObjectVersion")))
    assert reader.head_object(Bucket=bucket, Key="key", VersionId=version)["VersionId"] == version
    for absent in ({"Key": "absent"}, {"Key": "key", "VersionId": "0" * 32}):
        refused(lambda absent=absent: reader.head_object(Bucket=bucket, **absent), "403", 403)
        refused(lambda absent=absent: reader.get_object(Bucket=bucket, **absent), "AccessDenied", 403)
    lister = cloud.client("s3", cloud.user(f"{name}-lister", policy("s3:GetObject", "s3:ListBucket")))
    refused(lambda: lister.head_object(Bucket=bucket, Key="absent"), "404", 404)


def test_versions_of_keys_of_any_bytes_are_listed_page_by_page(s3, bucket):
    keys = [*NASTY_KEYS, "\x01\x08\x0b", "\ufffe", "&amp;<x>", "\r\n", "]]>"]
    expected = {(key, put(s3, bucket, key)["VersionId"]) for key in keys}
    marked = keys[0], s3.delete_object(Bucket=bucket, Key=keys[0])["VersionId"]
    found, markers, pages = [], [], 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 3}):
        found += [(one["Key"], one["VersionId"]) for one in page.get("Versions", [])]
        markers += [(one["Key"], one["VersionId"]) for one in page.get("DeleteMarkers", [])]
        pages += 1
    assert set(found) == expected and len(found) == len(expected) and markers == [marked]
    assert pages == -(-(len(found) + 1) // 3)
    for key, version in expected:
        listed = s3.list_object_versions(Bucket=bucket, Prefix=key, MaxKeys=10)["Versions"]
        assert (key, version) in {(one["Key"], one["VersionId"]) for one in listed}
    print(f"{len(keys)} keys")


def test_a_version_that_is_absent_is_proved_so_by_a_listing(s3, bucket):
    version = put(s3, bucket)["VersionId"]
    put(s3, bucket, "key2")
    s3.delete_object(Bucket=bucket, Key="key", VersionId=version)
    listed = s3.list_object_versions(Bucket=bucket, Prefix="key", MaxKeys=1)
    assert [one["Key"] for one in listed["Versions"]] == ["key2"] and not listed["IsTruncated"]
    refused(lambda: s3.list_object_versions(Bucket=f"{bucket}-absent", Prefix="key"), "NoSuchBucket", 404)


@pytest.mark.parametrize("operation", ["get", "head", "put", "list", "replication", "versioning", "lifecycle",
                                       "notification", "multipart"])
def test_the_expected_owner_of_a_bucket_is_looked_at(s3, bucket, operation):
    put(s3, bucket)
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [
        {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]})
    s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration={"Role": ROLE, "Rules": [
        {"ID": "r", "Status": "Enabled", "Prefix": "", "Destination": {"Bucket": "arn:aws:s3:::elsewhere-x"}}]})
    call = {"get": lambda **more: s3.get_object(Bucket=bucket, Key="key", **more),
            "head": lambda **more: s3.head_object(Bucket=bucket, Key="key", **more),
            "put": lambda **more: put(s3, bucket, **more),
            "list": lambda **more: s3.list_object_versions(Bucket=bucket, **more),
            "replication": lambda **more: s3.get_bucket_replication(Bucket=bucket, **more),
            "versioning": lambda **more: s3.get_bucket_versioning(Bucket=bucket, **more),
            "lifecycle": lambda **more: s3.get_bucket_lifecycle_configuration(Bucket=bucket, **more),
            "notification": lambda **more: s3.get_bucket_notification_configuration(Bucket=bucket, **more),
            "multipart": lambda **more: s3.create_multipart_upload(Bucket=bucket, Key="m", **more)}[operation]
    assert call(ExpectedBucketOwner=ACCOUNT)
    expected = ("403", 403) if operation == "head" else ("AccessDenied", 403)
    refused(lambda: call(ExpectedBucketOwner=OTHER), *expected)


def test_the_configurations_come_back_as_they_were_put_and_are_404_where_there_is_none(cloud, s3, bucket, queue):
    refused(lambda: s3.get_bucket_replication(Bucket=bucket), "ReplicationConfigurationNotFoundError", 404)
    refused(lambda: s3.get_bucket_lifecycle_configuration(Bucket=bucket), "NoSuchLifecycleConfiguration", 404)
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    rules = [{"ID": "first rule", "Status": "Enabled", "Priority": 2, "Filter": {"And": {
                "Prefix": "a b/", "Tags": [{"Key": "k", "Value": "v"}]}},
              "DeleteMarkerReplication": {"Status": "Disabled"},
              "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
              "Destination": {"Bucket": "arn:aws:s3:::elsewhere", "StorageClass": "STANDARD_IA",
                              "Metrics": {"Status": "Enabled"},
                              "EncryptionConfiguration": {"ReplicaKmsKeyID": "arn:aws:kms:eu-west-1:1:key/1"}}},
             {"ID": "second", "Status": "Disabled", "Priority": 1, "Filter": {"Prefix": ""},
              "DeleteMarkerReplication": {"Status": "Enabled"},
              "Destination": {"Bucket": "arn:aws:s3:::elsewhere", "Metrics": {"Status": "Disabled"}}}]
    s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration={"Role": ROLE, "Rules": rules})
    assert s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"] == {"Role": ROLE, "Rules": rules}
    lifecycle = [{"ID": "cold", "Status": "Enabled", "Filter": {"Prefix": "logs/"},
                  "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}],
                  "NoncurrentVersionExpiration": {"NoncurrentDays": 3}, "Expiration": {"Days": 365},
                  "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": lifecycle})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == lifecycle
    cloud.notify(bucket, queue, ("s3:Replication:OperationFailedReplication", "s3:ObjectCreated:*"), prefix="a b")
    configuration, = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
    assert configuration == {
        "Id": "replication-failures", "QueueArn": queue.arn,
        "Events": ["s3:Replication:OperationFailedReplication", "s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "a b"}]}}}
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Suspended"
    assert "Status" not in s3.get_bucket_versioning(Bucket=cloud.bucket(f"{bucket}-plain", versioned=False))


def upload(s3, bucket, *bodies, key="key", **more):
    """A multipart upload that is not completed: its ID and its parts."""
    identifier = s3.create_multipart_upload(Bucket=bucket, Key=key, **more)["UploadId"]
    parts = [{"PartNumber": number, "ETag": s3.upload_part(
        Bucket=bucket, Key=key, UploadId=identifier, PartNumber=number, Body=body)["ETag"]}
        for number, body in enumerate(bodies, start=1)]
    return identifier, parts


def complete(s3, bucket, identifier, parts, key="key", **more):
    return s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=identifier, MultipartUpload={"Parts": parts},
                                        **more)


def test_a_multipart_upload_is_one_object_with_a_compound_etag_and_its_metadata(s3, bucket):
    bodies = [b"a" * (5 * MIB), b"b" * (5 * MIB), b"c"]
    identifier, parts = upload(s3, bucket, *bodies, ServerSideEncryption="AES256", Metadata={"sha256": "ab"})
    assert [one["ETag"] for one in s3.list_parts(Bucket=bucket, Key="key", UploadId=identifier)["Parts"]] == [
        part["ETag"] for part in parts]
    refused(lambda: s3.head_object(Bucket=bucket, Key="key"), "404", 404)
    done = complete(s3, bucket, identifier, parts, IfNoneMatch="*")
    digest = hashlib.md5(b"".join(hashlib.md5(body).digest() for body in bodies)).hexdigest()
    assert done["ETag"] == f'"{digest}-3"'
    head = s3.head_object(Bucket=bucket, Key="key")
    assert (head["ETag"], head["ContentLength"], head["Metadata"], head["VersionId"], head["ServerSideEncryption"]) == (
        done["ETag"], 10 * MIB + 1, {"sha256": "ab"}, done["VersionId"], "AES256")
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"".join(bodies)
    # The answer was lost, and the client asks again: no second version.
    assert complete(s3, bucket, identifier, parts)["VersionId"] == done["VersionId"]


def test_a_multipart_upload_with_wrong_parts_is_refused_and_can_still_be_completed(s3, bucket):
    identifier, parts = upload(s3, bucket, b"a" * (5 * MIB), b"b")
    wrong = [{**parts[0], "ETag": parts[1]["ETag"]}, parts[1]]
    refused(lambda: complete(s3, bucket, identifier, parts[::-1]), "InvalidPartOrder", 400)
    refused(lambda: complete(s3, bucket, identifier, wrong), "InvalidPart", 400)
    refused(lambda: complete(s3, bucket, identifier, [*parts, {"PartNumber": 3, "ETag": '"x"'}]), "InvalidPart", 400)
    assert complete(s3, bucket, identifier, parts)["VersionId"]
    identifier, parts = upload(s3, bucket, b"small", b"last")
    refused(lambda: complete(s3, bucket, identifier, parts), "EntityTooSmall", 400)
    refused(lambda: s3.upload_part(Bucket=bucket, Key="key", UploadId=identifier, PartNumber=1, Body=b"x",
                                   ContentMD5=base64.b64encode(bytes(16)).decode()), "BadDigest", 400)


def test_a_multipart_upload_that_came_too_late_is_412_and_one_that_was_aborted_is_gone(s3, bucket):
    identifier, parts = upload(s3, bucket, b"late")
    put(s3, bucket)
    refused(lambda: complete(s3, bucket, identifier, parts, IfNoneMatch="*"), "PreconditionFailed", 412)
    listed = s3.list_multipart_uploads(Bucket=bucket, Prefix="k")["Uploads"]
    assert [(one["Key"], one["UploadId"]) for one in listed] == [("key", identifier)]
    s3.abort_multipart_upload(Bucket=bucket, Key="key", UploadId=identifier)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    for call in (lambda: s3.abort_multipart_upload(Bucket=bucket, Key="key", UploadId=identifier),
                 lambda: complete(s3, bucket, identifier, parts),
                 lambda: s3.list_parts(Bucket=bucket, Key="key", UploadId=identifier)):
        refused(call, "NoSuchUpload", 404)


@pytest.mark.parametrize("operation", ["put", "head", "get", "versioning", "multipart"])
def test_a_bucket_in_another_region_sends_the_request_there(cloud, user, s3, bucket, operation):
    """301 with x-amz-bucket-region, which botocore follows. Source: User Guide, "Amazon S3 request redirection"."""
    put(s3, bucket)
    cloud.move_bucket(bucket, "us-west-2")
    heard = []

    def hear(response_dict, **_):
        heard.append((response_dict["status_code"], response_dict["headers"].get("x-amz-bucket-region")))

    s3.meta.events.register("response-received.s3", hear)
    try:
        assert {"put": lambda: put(s3, bucket), "head": lambda: s3.head_object(Bucket=bucket, Key="key"),
                "get": lambda: s3.get_object(Bucket=bucket, Key="key"),
                "versioning": lambda: s3.get_bucket_versioning(Bucket=bucket),
                "multipart": lambda: s3.create_multipart_upload(Bucket=bucket, Key="m")}[operation]()
    finally:
        s3.meta.events.unregister("response-received.s3", hear)
    assert heard[0] == (301, "us-west-2") and heard[-1][0] == 200, heard
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == "us-west-2"


@pytest.mark.parametrize(("code", "status"), [
    ("ConditionalRequestConflict", 409), ("PreconditionFailed", 412), ("SlowDown", 503), ("InternalError", 500),
    ("AccessDenied", 403), ("NoSuchBucket", 404), ("KMS.DisabledException", 400), ("RequestTimeout", 400)])
def test_an_error_of_s3_comes_with_its_own_status(cloud, s3, bucket, code, status):
    """409: two conditional writes at once. Source: User Guide, "How to prevent object overwrites"."""
    cloud.faults({"operation": "s3.PutObject", "bucket": bucket, "code": code})
    refused(lambda: put(s3, bucket, IfNoneMatch="*"), code, status)
    assert cloud.pending_faults() == []
    put(s3, bucket, IfNoneMatch="*")


def test_what_the_judge_wants_of_s3_requests(cloud, user, bucket):
    lax = cloud.client("s3", user, validates=False)
    for call in (lambda: put(lax, bucket, ServerSideEncryption="rot13"), lambda: put(lax, bucket, StorageClass="WARM"),
                 lambda: lax.list_object_versions(Bucket=bucket, EncodingType="base64")):
        refused(call, "LocalAWSModelViolation", 400)


def test_ranges_of_an_object(s3, bucket):
    put(s3, bucket, body=bytes(range(100)))
    part = s3.get_object(Bucket=bucket, Key="key", Range="bytes=10-19")
    assert part["Body"].read() == bytes(range(10, 20)) and part["ContentRange"] == "bytes 10-19/100"
    refused(lambda: s3.get_object(Bucket=bucket, Key="key", Range="bytes=100-"), "InvalidRange", 416)
    refused(lambda: s3.get_object(Bucket=bucket, Key="key", IfMatch='"other"'), "PreconditionFailed", 412)
