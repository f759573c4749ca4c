"""Replication rule by rule, failing for AWS's reasons; MiniStack's own knows one rule and no reason.

Reasons: User Guide, "Receiving replication failure events with Amazon S3 Event Notifications". What is replicated:
User Guide, "What does Amazon S3 replicate?".
"""
from collections.abc import Callable
from dataclasses import dataclass

from ministack.services import s3

from localaws import kmskeys, roles, s3access

_WRITE_TAGS = "_localaws_tags"
_ARCHIVED = ("GLACIER", "DEEP_ARCHIVE")
SERVICE = "s3.amazonaws.com"

COMPLETED, FAILED, PENDING, REPLICA = "COMPLETED", "FAILED", "PENDING", "REPLICA"


@dataclass(frozen=True)
class Outcome:
    """What became of one version under one rule; `failure` is AWS's reason or None."""

    rule: dict
    destination: str
    failure: str | None


def matching_rules(bucket: str, key: str, entry: dict, tags: dict[str, str]) -> list[dict]:
    """The enabled rules that cover the version: of those with one destination only the greatest priority."""
    if s3access.versioning_of(bucket) != "Enabled" or entry.get("storage_class") in _ARCHIVED:
        return []
    chosen: dict[str, dict] = {}
    for rule in s3access.replication_of(bucket).get("Rules", []):
        if rule.get("Status") != "Enabled" or not key.startswith(s3._replication_rule_prefix(rule)):
            continue
        wanted = s3._replication_rule_tags(rule)
        if any(tags.get(name) != value for name, value in wanted.items()) or not _takes(rule, entry, wanted):
            continue
        destination = destination_of(rule)
        rival = chosen.get(destination)
        if rival is None or rule.get("Priority", 0) > rival.get("Priority", 0):
            chosen[destination] = rule
    return list(chosen.values())


def _takes(rule: dict, entry: dict, wanted_tags: dict) -> bool:
    """Whether the rule replicates this kind of version: delete markers and SSE-KMS are asked for apart."""
    if entry.get("is_delete_marker"):
        # A rule of the first schema, which has no Filter, always replicates them.
        return "Filter" not in rule or (
            not wanted_tags and (rule.get("DeleteMarkerReplication") or {}).get("Status") == "Enabled")
    if s3access.kms_key_of(entry) is None:
        return True
    criteria = (rule.get("SourceSelectionCriteria") or {}).get("SseKmsEncryptedObjects") or {}
    return criteria.get("Status") == "Enabled"


def destination_of(rule: dict) -> str:
    return rule["Destination"]["Bucket"].rpartition(":::")[2]


def failure_of(bucket: str, key: str, entry: dict, rule: dict) -> str | None:
    """Why the version does not reach the rule's destination, or None."""
    role = s3access.replication_of(bucket).get("Role", "")
    destination = destination_of(rule)
    owner = s3access.bucket_owner(destination)
    if not roles.trusts(role, SERVICE):
        return "AssumeRoleNotPermitted"
    if not roles.may(role, "s3:GetObjectVersionForReplication", bucket, key):
        return "SrcGetObjectNotPermitted"
    if owner is None:
        return "DstBucketNotFound"
    if s3access.versioning_of(destination) != "Enabled":
        return "DstBucketUnversioned"
    if s3access.has_replica(destination, key, entry["version_id"]):
        return None
    if s3access.had_replica(destination, key, entry["version_id"]):
        return "DstObjectHardDeleted"
    if s3access.is_locked(bucket, key, entry["version_id"]) and not s3access.has_object_lock(destination):
        return "DstBucketObjectLockConfigMissing"
    return _key_failure(entry, rule) or _permission_failure(key, entry, rule, role, owner)


def _key_failure(entry: dict, rule: dict) -> str | None:
    source = s3access.kms_key_of(entry)
    if source is None:
        return None
    if kmskeys.state_of(source) != "Enabled":
        return "SrcKmsKeyInvalidState"
    return {"missing": "DstKmsKeyNotFound", "denied": "DstPutObjectNotPermitted", "Enabled": None}.get(
        kmskeys.state_of(_replica_key(rule)), "DstKmsKeyInvalidState")


def _replica_key(rule: dict) -> str:
    return rule["Destination"].get("EncryptionConfiguration", {}).get("ReplicaKmsKeyID", "")


def _permission_failure(key: str, entry: dict, rule: dict, role: str, owner: str) -> str | None:
    destination = destination_of(rule)
    action, reason = "s3:ReplicateObject", "DstPutObjectNotPermitted"
    if entry.get("is_delete_marker"):
        action, reason = "s3:ReplicateDelete", "DstDelObjNotPermitted"
    if owner != s3access.account() and not s3._replication_destination_allows(
            owner, destination, key, role, rule["Destination"], s3._buckets.get_scoped(owner, None, destination)):
        return reason
    return None if roles.may(role, action, destination, key) else reason


class Attempt:
    """One version on its way to every destination. S3 shows one status for all of them.

    COMPLETED only if all have it; PENDING until all are done; then FAILED if one failed. Source: User Guide,
    "Replication status if replicating to multiple destination buckets".
    """

    _unfinished: dict[tuple[str, str, str], "Attempt"] = {}

    def __init__(self, bucket: str, key: str, entry: dict, tags: dict[str, str]):
        self.bucket = bucket
        self.key = key
        self.entry = entry
        self.rules = matching_rules(bucket, key, entry, tags)
        self._tags = tags
        self._statuses = dict.fromkeys(map(destination_of, self.rules), PENDING)
        self._name = (bucket, key, entry["version_id"])
        self._unfinished[self._name] = self

    @classmethod
    def forget_all(cls) -> None:
        cls._unfinished.clear()

    def failure_of(self, rule: dict) -> str | None:
        return failure_of(self.bucket, self.key, self.entry, rule)

    def end(self, rule: dict, failure: str | None) -> Outcome:
        """One rule is done with the version: it is at the destination, unless there is a failure."""
        destination = destination_of(rule)
        if failure is None:
            s3access.put_replica(destination, self.key, self.entry, self._tags,
                                 rule["Destination"].get("StorageClass"), _replica_key(rule))
        self._statuses[destination] = FAILED if failure else COMPLETED
        self.show()
        return Outcome(rule, destination, failure)

    def show(self) -> None:
        """Set x-amz-replication-status, unless a later attempt has taken over. A replica stays REPLICA."""
        if self._unfinished.get(self._name) is not self:
            return
        states = self._statuses.values()
        if PENDING not in states:
            del self._unfinished[self._name]
        if self.entry.get("replication_status") != REPLICA and states:
            status = next((one for one in (PENDING, FAILED) if one in states), COMPLETED)
            s3access.set_status(self.bucket, self.key, self.entry, status)


def replicate(bucket: str, key: str, entry: dict, tags: dict[str, str]) -> list[Outcome]:
    """Carry one version through every rule that covers it, at once; [] = not eligible."""
    attempt = Attempt(bucket, key, entry, tags)
    outcomes = [attempt.end(rule, attempt.failure_of(rule)) for rule in attempt.rules]
    attempt.show()
    return outcomes


def install(on_failure: Callable[[str, str, dict, Outcome], None]) -> None:
    """Replace MiniStack's replication of writes: PutObject, POST, CopyObject, CompleteMultipartUpload, DeleteObject.

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
            carry(bucket, key, s3access.find_version(bucket, key, version_id), tags, "s3:ObjectCreated:Put")
        return version_id

    def replicate_marker(bucket, key):
        versions = s3._object_versions.get((bucket, key), [])
        if versions and versions[-1].get("is_delete_marker"):
            carry(bucket, key, versions[-1], {}, "s3:ObjectRemoved:DeleteMarkerCreated")

    def carry(bucket, key, entry, tags, event):
        entry["sequencer"] = s3._next_event_sequencer(event)
        for outcome in replicate(bucket, key, entry, tags):
            if outcome.failure:
                on_failure(bucket, key, entry, outcome)

    s3._maybe_replicate = keep_tags
    s3._record_object_version = record_then_replicate
    s3._maybe_replicate_delete_marker = replicate_marker
