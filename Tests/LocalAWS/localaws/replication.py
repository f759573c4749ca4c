"""Replication rule by rule, failing for AWS's reasons; MiniStack's own knows one rule and no reason."""
from collections.abc import Callable
from dataclasses import dataclass

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.services import s3

from localaws import s3access

BUCKET_NOT_FOUND = "DstBucketNotFound"
BUCKET_UNVERSIONED = "DstBucketUnversioned"
PUT_NOT_PERMITTED = "DstPutObjectNotPermitted"

_WRITE_TAGS = "_localaws_tags"


@dataclass(frozen=True)
class Outcome:
    """What became of one version under one rule; `failure` is AWS's reason or None."""

    rule: dict
    destination: str
    failure: str | None


def matching_rules(bucket: str, key: str, tags: dict[str, str]) -> list[dict]:
    """The enabled rules that cover the object: of those with one destination only the greatest priority."""
    if s3access.versioning_of(bucket) != "Enabled":
        return []
    chosen: dict[str, dict] = {}
    for rule in s3access.replication_of(bucket).get("Rules", []):
        if rule.get("Status") != "Enabled" or not key.startswith(s3._replication_rule_prefix(rule)):
            continue
        if any(tags.get(name) != value for name, value in s3._replication_rule_tags(rule).items()):
            continue
        destination = destination_of(rule)
        rival = chosen.get(destination)
        if rival is None or rule.get("Priority", 0) > rival.get("Priority", 0):
            chosen[destination] = rule
    return list(chosen.values())


def destination_of(rule: dict) -> str:
    return rule["Destination"]["Bucket"].rpartition(":::")[2]


def failure_of(bucket: str, key: str, rule: dict) -> str | None:
    """Why the rule's destination would not take the object, or None."""
    destination = destination_of(rule)
    owner = s3access.bucket_owner(destination)
    if owner is None:
        return BUCKET_NOT_FOUND
    if s3access.versioning_of(destination) != "Enabled":
        return BUCKET_UNVERSIONED
    role = s3access.replication_of(bucket).get("Role", "")
    policy = s3access.policy_of(destination)
    if owner != s3access.account():
        allowed = s3._replication_destination_allows(
            owner, destination, key, role, rule["Destination"], s3._buckets.get_scoped(owner, None, destination))
        return None if allowed else PUT_NOT_PERMITTED
    if policy and _denies(policy, role, f"arn:aws:s3:::{destination}/{key}", owner):
        return PUT_NOT_PERMITTED
    return None


def _denies(policy: str | dict, role: str, resource: str, account: str) -> bool:
    context = EvalContext(principal_arn=role, principal_type="AssumedRole", principal_account=account,
                          action="s3:ReplicateObject", resource_arn=resource, region="")
    return evaluate_resource_policy(policy, context).decision == "Deny"


def replicate(bucket: str, key: str, entry: dict, tags: dict[str, str]) -> list[Outcome]:
    """Carry one version through every rule that covers it and set its aggregate status; [] = not eligible."""
    outcomes = []
    for rule in matching_rules(bucket, key, tags):
        failure = failure_of(bucket, key, rule)
        if failure is None:
            s3access.put_replica(destination_of(rule), key, entry, tags, rule["Destination"].get("StorageClass"))
        outcomes.append(Outcome(rule, destination_of(rule), failure))
    if outcomes:
        failed = any(outcome.failure for outcome in outcomes)
        s3access.set_status(bucket, key, entry, "FAILED" if failed else "COMPLETED")
    return outcomes


def install(on_failure: Callable[[str, str, dict, Outcome], None]) -> None:
    """Replace MiniStack's replication of writes: PutObject, POST, CopyObject and CompleteMultipartUpload.

    MiniStack replicates before the version is cut; a replica with its source's version ID can only be
    made after, so the first hook keeps the tags and the second does the work.
    """
    record_version = s3._record_object_version

    def keep_tags(bucket, key, obj, data, tags=None):
        obj[_WRITE_TAGS] = dict(tags or {})

    def record_then_replicate(bucket, key, prior, obj, data):
        tags = obj.pop(_WRITE_TAGS, None)
        version_id = record_version(bucket, key, prior, obj, data)
        if tags is not None and version_id is not None:
            entry = s3access.find_version(bucket, key, version_id)
            entry["sequencer"] = s3._next_event_sequencer("s3:ObjectCreated:Put")
            for outcome in replicate(bucket, key, entry, tags):
                if outcome.failure:
                    on_failure(bucket, key, entry, outcome)
        return version_id

    s3._maybe_replicate = keep_tags
    s3._record_object_version = record_then_replicate
