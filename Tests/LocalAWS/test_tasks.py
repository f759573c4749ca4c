"""What becomes of one object in a job: by what the buckets' state implies, at once or later.

Sources: User Guide, "Amazon S3 replication failure reasons", "What does Amazon S3 replicate?", "Getting replication
status information", "Replicating existing objects with Batch Replication"; that a task succeeds when its replication is
initiated: aws-samples/sample-replicate-on-tag-for-amazon-s3.
"""
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import keys_of, queued, reason_of
from jobsteps import codes, ended, fail, progress, report, rows, status_of, statuses

from localaws_client import ACCOUNT, REGION, ROLE

KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/"


@pytest.fixture
def run(cloud, user, name):
    """Runs a job on versions of the source bucket: the job and its report's rows."""
    def run_job(versions, **changes):
        job_id = cloud.create_job(user, f"{name}-jobs", rows(f"{name}-src", versions), f"{name}-jobs", **changes)
        job = ended(cloud, job_id)
        assert job["Status"] == "Complete", job
        return job, report(cloud, f"{name}-jobs", job_id)[1]

    return run_job


def rule_to(destination, **more):
    """One rule of the second schema; `more` goes into its Destination but for members of the rule."""
    of_rule = {name: more.pop(name) for name in ("Status", "DeleteMarkerReplication", "SourceSelectionCriteria", "Filter",
                                                 "Priority", "ID") if name in more}
    return {"ID": "rule", "Status": "Enabled", "Priority": 1, "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Disabled"}, **of_rule,
            "Destination": {"Bucket": f"arn:aws:s3:::{destination}", "Metrics": {"Status": "Enabled"}, **more}}


def configure(cloud, source, *rules, role=ROLE):
    cloud.client("s3").put_bucket_replication(Bucket=source, ReplicationConfiguration={
        "Role": role, "Rules": list(rules)})


def drop_bucket(cloud, bucket):
    s3 = cloud.client("s3")
    found = s3.list_object_versions(Bucket=bucket)
    for one in found.get("Versions", []) + found.get("DeleteMarkers", []):
        s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
    s3.delete_bucket(Bucket=bucket)


def state_without_destination(cloud, name):
    drop_bucket(cloud, f"{name}-dst")


def state_unversioned(cloud, name):
    cloud.client("s3").put_bucket_versioning(Bucket=f"{name}-dst", VersioningConfiguration={"Status": "Suspended"})


def state_rule_disabled(cloud, name):
    configure(cloud, f"{name}-src", rule_to(f"{name}-dst", Status="Disabled"))


def state_other_prefix(cloud, name):
    configure(cloud, f"{name}-src", rule_to(f"{name}-dst", Filter={"Prefix": "elsewhere/"}))


def state_other_tags(cloud, name):
    configure(cloud, f"{name}-src", rule_to(f"{name}-dst", Filter={"Tag": {"Key": "keep", "Value": "yes"}}))


def state_no_configuration(cloud, name):
    cloud.client("s3").delete_bucket_replication(Bucket=f"{name}-src")


def state_source_suspended(cloud, name):
    cloud.client("s3").put_bucket_versioning(Bucket=f"{name}-src", VersioningConfiguration={"Status": "Suspended"})


@pytest.mark.parametrize(("state", "row", "status", "events"), [
    (state_without_destination, ("404", "DstBucketNotFound"), "FAILED", 1),
    (state_unversioned, ("403", "DstBucketUnversioned"), "FAILED", 1),
    (state_rule_disabled, ("500", "SrcObjectNotEligible"), None, 0),
    (state_other_prefix, ("500", "SrcObjectNotEligible"), None, 0),
    (state_other_tags, ("500", "SrcObjectNotEligible"), None, 0),
    (state_source_suspended, ("500", "SrcObjectNotEligible"), None, 0),
    (state_no_configuration, ("403", "SrcBucketReplicationConfigMissing"), None, 0)])
def test_what_the_buckets_state_forbids_fails_the_task(cloud, user, mended, name, run, queue, state, row, status, events):
    """A task that S3 rejects leaves the status as it was; one that fails to replicate sets it."""
    cloud.client("s3").delete_bucket_replication(Bucket=mended)
    versions = fail(cloud, user, mended, ["a"])
    configure(cloud, mended, rule_to(f"{name}-dst"))
    state(cloud, name)
    queued(cloud, queue)
    job, found = run(versions)
    assert progress(job) == (1, 0, 1) and codes(found) == {"a": row}
    assert statuses(cloud, mended, versions) == {status}
    assert [reason_of(record) for record in queued(cloud, queue)] == [("rule", row[1])] * events
    cloud.batch(failedTaskEvents=False)
    job, _ = run(versions)
    assert progress(job) == (1, 0, 1) and queued(cloud, queue) == []


def test_versions_that_are_not_there_or_not_replicable_fail_their_task_only(cloud, user, mended, name, run):
    s3 = cloud.client("s3", user)
    cloud.client("s3").delete_bucket_replication(Bucket=mended)
    (_, kept), (_, deleted), (_, cold), (_, deep), (_, instant) = versions = fail(
        cloud, user, mended, ["kept", "deleted", "cold", "deep", "instant"])
    marker = s3.delete_object(Bucket=mended, Key="kept")["VersionId"]
    s3.delete_object(Bucket=mended, Key="deleted", VersionId=deleted)
    configure(cloud, mended, rule_to(f"{name}-dst"))
    for key, version, storage_class in (("cold", cold, "GLACIER"), ("deep", deep, "DEEP_ARCHIVE"),
                                        ("instant", instant, "GLACIER_IR")):
        cloud.change_version(mended, key, version, storageClass=storage_class)
        assert s3.head_object(Bucket=mended, Key=key, VersionId=version)["StorageClass"] == storage_class
    job, found = run([*versions, ("marker", marker), ("kept", marker), ("kept", deleted)])
    assert progress(job) == (8, 2, 6)
    assert sorted((row[1], row[2], row[4], row[5]) for row in found) == sorted([
        ("kept", kept, "200", ""), ("instant", instant, "200", ""), ("deleted", deleted, "404", "SrcObjectNotFound"),
        ("cold", cold, "500", "SrcObjectNotEligible"), ("deep", deep, "500", "SrcObjectNotEligible"),
        ("marker", marker, "404", "SrcObjectNotFound"), ("kept", marker, "500", "SrcObjectNotEligible"),
        ("kept", deleted, "404", "SrcVersionNotFound")])
    messages = {row[5]: row[6] for row in found}
    assert messages["SrcObjectNotEligible"] == "Object is not eligible for replication"


def test_a_rule_that_replicates_delete_markers_does_so_in_a_job_and_live(cloud, user, mended, name, run, queue):
    s3, destination = cloud.client("s3", user), f"{name}-dst"
    fail(cloud, user, mended, ["early", "late"])
    early = s3.delete_object(Bucket=mended, Key="early")["VersionId"]
    configure(cloud, mended, rule_to(destination, DeleteMarkerReplication={"Status": "Enabled"}))
    late = s3.delete_object(Bucket=mended, Key="late")["VersionId"]
    job, _ = run([("early", early)])
    assert progress(job) == (1, 1, 0)
    markers = s3.list_object_versions(Bucket=destination)["DeleteMarkers"]
    assert {(one["Key"], one["VersionId"]) for one in markers} == {("early", early), ("late", late)}
    # Without s3:ReplicateDelete it fails, and says so on the queue: no size, no ETag.
    cloud.client("s3").put_bucket_policy(Bucket=destination, Policy=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:ReplicateDelete",
                                                "Resource": f"arn:aws:s3:::{destination}/*"}]}))
    queued(cloud, queue)
    denied = s3.delete_object(Bucket=mended, Key="late")["VersionId"]
    record, = queued(cloud, queue)
    assert reason_of(record) == ("rule", "DstDelObjNotPermitted")
    assert set(record["s3"]["object"]) == {"key", "versionId", "sequencer"}
    assert record["s3"]["object"]["versionId"] == denied


def test_an_object_with_a_customers_key_replicates_and_its_head_says_nothing(cloud, user, mended, name, run):
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
    s3 = cloud.client("s3", user)
    s3.delete_bucket_replication(Bucket=mended)
    version = s3.put_object(Bucket=mended, Key="c", Body=b"x", **key)["VersionId"]
    configure(cloud, mended, rule_to(f"{name}-dst"))
    job, _ = run([("c", version)])
    assert progress(job) == (1, 1, 0)
    with pytest.raises(Exception, match="400"):
        s3.head_object(Bucket=mended, Key="c", VersionId=version)
    assert s3.head_object(Bucket=mended, Key="c", VersionId=version, **key)["ReplicationStatus"] == "COMPLETED"
    assert s3.head_object(Bucket=f"{name}-dst", Key="c", VersionId=version, **key)["ReplicationStatus"] == "REPLICA"


def test_objects_under_a_kms_key_need_a_rule_that_says_so(cloud, user, mended, name, run):
    s3 = cloud.client("s3", user)
    kms = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY_ARN + "source"}
    version = s3.put_object(Bucket=mended, Key="k", Body=b"x", **kms)["VersionId"]
    assert status_of(cloud, mended, "k", version) is None, "not replicated by a rule without SseKmsEncryptedObjects"
    _, found = run([("k", version)])
    assert codes(found) == {"k": ("500", "SrcObjectNotEligible")}
    configure(cloud, mended, kms_rule(name))
    job, _ = run([("k", version)])
    assert progress(job) == (1, 1, 0)
    assert s3.head_object(Bucket=f"{name}-dst", Key="k", VersionId=version)["SSEKMSKeyId"] == KEY_ARN + "replica"


def kms_rule(name):
    return rule_to(f"{name}-dst", SourceSelectionCriteria={"SseKmsEncryptedObjects": {"Status": "Enabled"}},
                   EncryptionConfiguration={"ReplicaKmsKeyID": KEY_ARN + "replica"})


@pytest.mark.parametrize(("key", "state", "reason", "later"), [
    ("source", "Disabled", "SrcKmsKeyInvalidState", False), ("replica", "missing", "DstKmsKeyNotFound", True),
    ("replica", "PendingDeletion", "DstKmsKeyInvalidState", True), ("replica", "denied", "DstPutObjectNotPermitted", True)])
def test_a_kms_key_that_is_not_in_order_fails_the_replication(cloud, user, mended, name, run, queue, key, state, reason,
                                                               later):
    configure(cloud, mended, kms_rule(name))
    cloud.kms_keys({KEY_ARN + key: state})
    version = cloud.client("s3", user).put_object(Bucket=mended, Key="k", Body=b"x", ServerSideEncryption="aws:kms",
                                                  SSEKMSKeyId=KEY_ARN + "source")["VersionId"]
    assert status_of(cloud, mended, "k", version) == "FAILED"
    job, _ = run([("k", version)])
    assert progress(job) == ((1, 1, 0) if later else (1, 0, 1))
    assert status_of(cloud, mended, "k", version) == "FAILED"
    assert [reason_of(record)[1] for record in queued(cloud, queue)] == [reason, reason]
    cloud.kms_keys({})
    run([("k", version)])
    assert status_of(cloud, mended, "k", version) == "COMPLETED"


def test_a_locked_object_needs_a_destination_with_object_lock(cloud, user, name, queue, run):
    source, s3 = f"{name}-src", cloud.client("s3", user)
    s3.create_bucket(Bucket=source, CreateBucketConfiguration={"LocationConstraint": REGION},
                     ObjectLockEnabledForBucket=True)
    cloud.bucket(f"{name}-dst")
    cloud.bucket(f"{name}-jobs")
    version = s3.put_object(Bucket=source, Key="held", Body=b"x", ObjectLockLegalHoldStatus="ON")["VersionId"]
    configure(cloud, source, rule_to(f"{name}-dst"))
    cloud.notify(source, queue)
    job, _ = run([("held", version)])
    assert progress(job) == (1, 1, 0) and status_of(cloud, source, "held", version) == "FAILED"
    assert [reason_of(record)[1] for record in queued(cloud, queue)] == ["DstBucketObjectLockConfigMissing"]


def test_what_is_there_counts_as_delivered_and_what_was_deleted_there_never_comes_back(cloud, user, mended, name, run,
                                                                                       queue):
    s3, versions = cloud.client("s3", user), fail(cloud, user, mended, ["there", "deleted"])
    s3.delete_object(Bucket=f"{name}-dst", Key="deleted", VersionId=versions[1][1])
    cloud.deny_replication(f"{name}-dst")
    job, found = run(versions)
    assert progress(job) == (2, 1, 1)
    assert codes(found) == {"there": ("200", ""), "deleted": ("403", "DstObjectHardDeleted")}
    assert status_of(cloud, mended, *versions[0]) == "COMPLETED" and status_of(cloud, mended, *versions[1]) == "FAILED"
    assert [reason_of(record)[1] for record in queued(cloud, queue)] == ["DstObjectHardDeleted"]
    copies = s3.list_object_versions(Bucket=f"{name}-dst")["Versions"]
    assert [(one["Key"], one["VersionId"]) for one in copies] == [versions[0]], "delivered once"


def test_tasks_run_in_no_order_that_the_manifest_tells(cloud, user, mended, name, run):
    """So a report's rows, and what an early end has done, are no prefix of the manifest. Source: User Guide,
    "Tracking job status and completion reports"."""
    versions = fail(cloud, user, mended, [f"{number:02d}" for number in range(40)])
    _, found = run(versions)
    order = [row[1] for row in found]
    assert sorted(order) == [key for key, _ in versions] and order != sorted(order)


def test_a_replica_is_replicated_on_by_a_job_and_stays_a_replica(cloud, user, mended, name, run):
    """Live replication does not carry replicas on; Batch Replication does."""
    (_, version), = fail(cloud, user, mended, ["a"])
    cloud.bucket(f"{name}-third")
    configure(cloud, f"{name}-dst", rule_to(f"{name}-third"))
    job_id = cloud.create_job(user, f"{name}-jobs", rows(f"{name}-dst", [("a", version)]))
    assert progress(ended(cloud, job_id)) == (1, 1, 0)
    assert status_of(cloud, f"{name}-dst", "a", version) == status_of(cloud, f"{name}-third", "a", version) == "REPLICA"


@pytest.mark.parametrize("events", [True, False])
def test_a_permission_fault_at_the_destination_succeeds_is_pending_and_fails_later(cloud, user, mended, name, run, queue,
                                                                                   events):
    cloud.deny_replication(f"{name}-dst", "bad/")
    versions = fail(cloud, user, mended, ["bad/1", "good/1"])
    assert len(queued(cloud, queue)) == 1
    cloud.batch(holdPending=True, laterFailureEvents=events)
    job, found = run(versions)
    assert progress(job) == (2, 2, 0) and set(codes(found).values()) == {("200", "")}
    assert statuses(cloud, mended, versions) == {"PENDING"} and cloud.pending() == 2
    assert queued(cloud, queue) == []
    cloud.batch(holdPending=False)
    cloud.settle()
    assert [status_of(cloud, mended, *version) for version in versions] == ["FAILED", "COMPLETED"]
    assert [(keys_of([record]), reason_of(record)) for record in queued(cloud, queue)] == [
        (["bad/1"], ("rule", "DstPutObjectNotPermitted"))] * events


def test_what_is_mended_while_a_version_is_pending_completes_and_the_other_way_round(cloud, user, mended, name, run,
                                                                                     queue):
    cloud.deny_replication(f"{name}-dst")
    versions = fail(cloud, user, mended, ["a"])
    cloud.batch(holdPending=True)
    run(versions)
    cloud.allow_replication(f"{name}-dst")
    cloud.batch(holdPending=False)
    cloud.settle()
    assert statuses(cloud, mended, versions) == {"COMPLETED"}
    s3 = cloud.client("s3", user)
    s3.delete_bucket_replication(Bucket=mended)
    gone = fail(cloud, user, mended, ["b"])
    configure(cloud, mended, rule_to(f"{name}-dst"))
    queued(cloud, queue)
    cloud.batch(holdPending=True)
    run(gone)
    drop_bucket(cloud, f"{name}-dst")
    cloud.batch(holdPending=False)
    cloud.settle()
    assert statuses(cloud, mended, gone) == {"FAILED"}
    assert [reason_of(record)[1] for record in queued(cloud, queue)] == ["DstBucketNotFound"]


def test_a_version_that_is_deleted_while_pending_is_not_replicated(cloud, user, mended, name, run):
    cloud.deny_replication(f"{name}-dst")
    (key, version), = versions = fail(cloud, user, mended, ["a"])
    cloud.allow_replication(f"{name}-dst")
    cloud.batch(holdPending=True)
    run(versions)
    cloud.client("s3").delete_object(Bucket=mended, Key=key, VersionId=version)
    cloud.batch(holdPending=False)
    cloud.settle()
    assert "Versions" not in cloud.client("s3").list_object_versions(Bucket=f"{name}-dst")


def test_pending_ends_after_its_seconds_and_a_later_attempt_takes_over(cloud, user, mended, name, run):
    cloud.deny_replication(f"{name}-dst")
    versions = fail(cloud, user, mended, ["a"])
    cloud.batch(pendingSeconds=0.2)
    run(versions)
    assert statuses(cloud, mended, versions) == {"FAILED"}, "settled: the seconds are over"
    cloud.batch(pendingSeconds=30)
    job_id = cloud.create_job(user, f"{name}-jobs", rows(mended, versions))
    cloud.wait_for_job(job_id, "Complete")
    assert statuses(cloud, mended, versions) == {"PENDING"}
    cloud.allow_replication(f"{name}-dst")
    cloud.batch(pendingSeconds=0)
    cloud.settle()
    assert statuses(cloud, mended, versions) == {"COMPLETED"} and cloud.pending() == 0


@pytest.mark.parametrize(("broken", "status", "task"), [
    ((), "COMPLETED", (1, 1, 0)), (("one",), "FAILED", (1, 1, 0)), (("one", "two"), "FAILED", (1, 1, 0)),
    (("gone",), "FAILED", (1, 0, 1)), (("one", "gone"), "FAILED", (1, 0, 1))])
def test_the_status_is_one_for_all_destinations(cloud, user, name, run, queue, broken, status, task):
    """COMPLETED only if all have it, PENDING until all are done, FAILED if one failed."""
    source = f"{name}-src"
    cloud.replicated_pair(source, [(rule, "", f"{name}-{rule}") for rule in ("one", "two", "three", "gone")], queue)
    cloud.bucket(f"{name}-jobs")
    s3 = cloud.client("s3", user)
    configuration = s3.get_bucket_replication(Bucket=source)["ReplicationConfiguration"]
    s3.delete_bucket_replication(Bucket=source)
    versions = fail(cloud, user, source, ["a"])
    s3.put_bucket_replication(Bucket=source, ReplicationConfiguration=configuration)
    for rule in broken:
        if rule == "gone":
            drop_bucket(cloud, f"{name}-gone")
        else:
            cloud.deny_replication(f"{name}-{rule}")
    queued(cloud, queue)
    cloud.batch(holdPending=True)
    job, _ = run(versions)
    assert progress(job) == task and statuses(cloud, source, versions) == {"PENDING"}
    cloud.batch(holdPending=False)
    cloud.settle()
    assert statuses(cloud, source, versions) == {status}
    assert {reason_of(record)[0] for record in queued(cloud, queue)} == set(broken)
    for rule in {"one", "two", "three", "gone"} - set(broken):
        assert status_of(cloud, f"{name}-{rule}", "a", versions[0][1]) == "REPLICA"


def test_outcomes_can_be_ordered_for_any_object_and_any_code(cloud, user, mended, name, run, queue):
    cloud.outcomes({"bucket": mended, "key": "a", "code": "SrcGetTaggingNotPermitted", "times": 1},
                   {"bucket": mended, "prefix": "b", "code": "NeverSeenBefore", "status": 418, "message": "as said"},
                   {"bucket": mended, "key": "c", "when": "later", "code": "DstPutTaggingNotPermitted"},
                   {"bucket": "another", "code": "AccessDenied"})
    versions = fail(cloud, user, mended, ["a", "b/1", "c", "d"])
    job, found = run(versions)
    assert progress(job) == (4, 2, 2)
    assert codes(found) == {"a": ("403", "SrcGetTaggingNotPermitted"), "b/1": ("418", "NeverSeenBefore"),
                            "c": ("200", ""), "d": ("200", "")}
    assert [row[6] for row in found if row[1] == "b/1"] == ["as said"]
    assert [status_of(cloud, mended, *version) for version in versions] == ["COMPLETED"] * 2 + ["FAILED", "COMPLETED"]
    assert [reason_of(record)[1] for record in queued(cloud, queue)] == ["DstPutTaggingNotPermitted"]
    cloud.outcomes({"bucket": mended, "key": "c", "when": "later", "code": "Unheard"},
                   {"bucket": mended, "key": "a", "code": "Unheard", "times": 1})
    run(versions)
    job, _ = run([versions[0]])
    assert progress(job) == (1, 1, 0), "it was ordered once"
    for wrong in ({"key": "a"}, {"when": "never", "code": "a"}, {"code": 1}, {"colour": "red"}, "all", {"times": -1}):
        with pytest.raises(ValueError, match=": 400 "):
            cloud.outcomes(wrong)


def test_a_source_in_another_region_than_the_job_fails_every_task(cloud, user, mended, name, run):
    versions = fail(cloud, user, mended, ["a", "b"])
    cloud.move_bucket(mended, "us-west-2")
    _, found = run(versions)
    assert set(codes(found).values()) == {("403", "SrcBucketInvalidRegion")}


def test_the_roles_in_iam_are_asked(cloud, user, mended, name, run, queue):
    """A role that IAM does not know may do everything; one that it knows, what its policies say."""
    def allows(*actions):
        return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}

    s3 = cloud.client("s3", user)
    s3.delete_bucket_replication(Bucket=mended)
    versions = fail(cloud, user, mended, ["a"])
    job_role = cloud.role(f"{name}-job", {"Service": "batchoperations.s3.amazonaws.com"},
                          allows("s3:GetObject", "s3:PutObject"))
    configure(cloud, mended, rule_to(f"{name}-dst"))
    _, found = run(versions, RoleArn=job_role)
    assert codes(found) == {"a": ("403", "InitiateReplicationNotPermitted")}
    for actions, service, reason in (
            (["s3:*"], "lambda.amazonaws.com", "AssumeRoleNotPermitted"),
            (["s3:ReplicateObject"], "s3.amazonaws.com", "SrcGetObjectNotPermitted"),
            (["s3:GetObjectVersionForReplication"], "s3.amazonaws.com", "DstPutObjectNotPermitted"),
            (["s3:GetObjectVersionForReplication", "s3:ReplicateObject"], "s3.amazonaws.com", None)):
        role = cloud.role(f"{name}-replication", {"Service": service}, allows(*actions))
        configure(cloud, mended, rule_to(f"{name}-dst"), role=role)
        run(versions)
        assert [reason_of(record)[1] for record in queued(cloud, queue)] == [reason] * (reason is not None)
        if reason is not None:
            cloud.drop_role(f"{name}-replication")
    assert statuses(cloud, mended, versions) == {"COMPLETED"}
    # The bucket's Deny wins over what the role may do.
    cloud.deny_replication(f"{name}-dst")
    assert statuses(cloud, mended, fail(cloud, user, mended, ["b"])) == {"FAILED"}


def test_ten_thousand_tasks_take_seconds(cloud, user, mended, name):
    count, keys, destinations = 10_000, 500, 2
    s3 = cloud.client("s3", user)
    s3.delete_bucket_replication(Bucket=mended)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda number: (f"{number:05d}", s3.put_object(
            Bucket=mended, Key=f"{number:05d}", Body=b"x")["VersionId"]), range(keys)))
    configure(cloud, mended, *(rule_to(cloud.bucket(f"{name}-dst-{number}"), Priority=number, ID=str(number))
                               for number in range(destinations)))
    rest = [(f"absent/{number}", "0" * 32) for number in range(count // 5)]
    again = made * ((count - len(rest)) // keys)
    started = time.monotonic()
    job_id = cloud.create_job(user, f"{name}-jobs", rows(mended, again + rest), f"{name}-jobs")
    job = ended(cloud, job_id)
    seconds = time.monotonic() - started
    assert progress(job) == (count, len(again), len(rest))
    assert len(report(cloud, f"{name}-jobs", job_id)[1]) == count
    assert seconds < 20
    print(f"{count} tasks, {keys * destinations} replicas written, in {seconds:.1f} s")
