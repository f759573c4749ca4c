"""The few places where we reach into MiniStack's S3 store. Pinned to MiniStack 1.5.33."""
import copy
import hashlib
from dataclasses import dataclass

from ministack.core.responses import get_account_id
from ministack.services import s3

NULL_VERSION = "null"
_KMS = "x-amz-server-side-encryption"
_KMS_KEY = "x-amz-server-side-encryption-aws-kms-key-id"
_CUSTOMER_KEY = "x-amz-server-side-encryption-customer-key-md5"
# In a bucket's record: every replica that it ever got. One that is no longer there was deleted by its version ID.
_REPLICAS = "_localaws_replicas"


def bucket_owner(bucket: str) -> str | None:
    """The account that owns a bucket, whoever asks; None when there is no such bucket."""
    return s3._bucket_owner_account(bucket)


def versioning_of(bucket: str) -> str | None:
    return s3._bucket_versioning.get_scoped(bucket_owner(bucket), None, bucket)


def policy_of(bucket: str) -> str | dict | None:
    return s3._bucket_policies.get_scoped(bucket_owner(bucket), None, bucket)


def replication_of(bucket: str) -> dict:
    return s3._bucket_replication.get(bucket) or {}


def region_of(bucket: str) -> str:
    return s3._notification_bucket_region(bucket)


def move_bucket(bucket: str, region: str) -> bool:
    """Let a bucket be in another Region; False where it is not there."""
    owner = bucket_owner(bucket)
    if owner is not None:
        s3._buckets.get_scoped(owner, None, bucket)["region"] = region
    return owner is not None


def find_version(bucket: str, key: str, version_id: str) -> dict | None:
    """One version's entry; an object from before versioning is its null version."""
    for entry in s3._object_versions.get((bucket, key), []):
        if entry["version_id"] == version_id:
            return entry
    current = (s3._buckets.get(bucket) or {}).get("objects", {}).get(key)
    if version_id == NULL_VERSION and current is not None and not current.get("version_id"):
        return s3._version_entry_from_record(current, NULL_VERSION, s3._read_body(bucket, key, current))
    return None


def set_status(bucket: str, key: str, entry: dict, status: str) -> None:
    """x-amz-replication-status of one version, and of the object without a version ID where that is it."""
    entry["replication_status"] = status
    current = (s3._buckets.get(bucket) or {}).get("objects", {}).get(key)
    if current is not None and (current.get("version_id") or NULL_VERSION) == entry["version_id"]:
        current["replication_status"] = status


def tags_of(bucket: str, key: str, version_id: str) -> dict[str, str]:
    return s3._object_tags.get((bucket, key, _stored_id(version_id))) or {}


def latest_version(bucket: str, key: str) -> dict | None:
    """The version that a request without a version ID means, a delete marker too."""
    versions = s3._object_versions.get((bucket, key))
    return versions[-1] if versions else find_version(bucket, key, NULL_VERSION)


def kms_key_of(entry: dict) -> str | None:
    """The KMS key of a version; None where it is encrypted otherwise."""
    headers = entry.get("preserved_headers") or {}
    return headers.get(_KMS_KEY, "") if headers.get(_KMS, "").startswith("aws:kms") else None


def is_locked(bucket: str, key: str, version_id: str) -> bool:
    """Whether the version is under an Object Lock retention or a legal hold."""
    name = (bucket, key, _stored_id(version_id))
    return bool(s3._object_retention.get(name)) or s3._object_legal_hold.get(name) == "ON"


def has_object_lock(bucket: str) -> bool:
    return bool(s3._bucket_object_lock.get_scoped(bucket_owner(bucket), None, bucket))


def has_default_retention(bucket: str) -> bool:
    found = s3._bucket_object_lock.get_scoped(bucket_owner(bucket), None, bucket)
    return bool(found and found.get("default_retention"))


def has_replica(bucket: str, key: str, version_id: str) -> bool:
    with s3._in_account(bucket_owner(bucket)):
        return find_version(bucket, key, version_id) is not None


def had_replica(bucket: str, key: str, version_id: str) -> bool:
    with s3._in_account(bucket_owner(bucket)):
        return (key, version_id) in s3._buckets[bucket].get(_REPLICAS, ())


def put_replica(bucket: str, key: str, source: dict, tags: dict[str, str], storage_class: str | None,
                kms_key: str) -> None:
    """Write a version into another bucket under its own version ID; one that is there already stays."""
    with s3._in_account(bucket_owner(bucket)):
        if find_version(bucket, key, source["version_id"]) is not None:
            return
        replica = {name: copy.deepcopy(value) for name, value in source.items() if name != "data"}
        replica["replication_status"] = "REPLICA"
        if "data" in source:
            replica["data"] = source["data"]
        if kms_key and kms_key_of(source) is not None:
            replica["preserved_headers"][_KMS_KEY] = kms_key
        if storage_class and not source.get("is_delete_marker"):
            replica["storage_class"] = storage_class
        _insert(bucket, key, replica)
        s3._buckets[bucket].setdefault(_REPLICAS, set()).add((key, source["version_id"]))
        if tags:
            s3._object_tags[(bucket, key, _stored_id(source["version_id"]))] = dict(tags)


def _insert(bucket: str, key: str, entry: dict) -> None:
    """Put a version where its time belongs, and make the newest the current one."""
    objects = s3._buckets[bucket]["objects"]
    versions = s3._object_versions.setdefault((bucket, key), [])
    s3._preserve_null_version(bucket, key, versions, objects.get(key))
    versions.append(entry)
    versions.sort(key=lambda one: one["last_modified"])
    for one in versions:
        one["is_latest"] = one is versions[-1]
    if versions[-1] is entry and entry.get("is_delete_marker"):
        objects.pop(key, None)
    elif versions[-1] is entry:
        objects[key] = s3._object_record_from_version(entry)


def change_version(bucket: str, key: str, version_id: str, changes: dict[str, str | None]) -> bool:
    """Change a version behind its owner's back, as a lifecycle does; False where it is not there."""
    owner = bucket_owner(bucket)
    if owner is None:
        return False
    with s3._in_account(owner):
        entry = find_version(bucket, key, version_id)
        if entry is None:
            return False
        entry.update(changes)
        current = s3._buckets[bucket]["objects"].get(key)
        if current is not None and (current.get("version_id") or NULL_VERSION) == version_id:
            current.update(changes)
        return True


def _stored_id(version_id: str) -> str | None:
    return None if version_id == NULL_VERSION else version_id


@dataclass(frozen=True)
class Found:
    """An object as the service itself reads it."""

    body: bytes
    etag: str  # without quotes
    is_readable: bool  # by the service: SSE-KMS and SSE-C are not


def read_object(bucket: str, key: str, version_id: str | None) -> Found | None:
    """An object, or one version of it; None where there is none."""
    owner = bucket_owner(bucket)
    if owner is None:
        return None
    with s3._in_account(owner):
        entry = find_version(bucket, key, version_id) if version_id else s3._buckets[bucket]["objects"].get(key)
        if entry is None or entry.get("is_delete_marker"):
            return None
        body = entry["data"] if version_id else s3._read_body(bucket, key, entry)
        is_readable = kms_key_of(entry) is None and _CUSTOMER_KEY not in (entry.get("preserved_headers") or {})
        return Found(body, entry["etag"].strip('"'), is_readable)


def write_object(bucket: str, key: str, body: bytes) -> str | None:
    """Write an object as the service itself, with SSE-S3; its MD5, or None where the bucket is gone."""
    owner = bucket_owner(bucket)
    if owner is None:
        return None
    with s3._in_account(owner):
        status, _, _ = s3._put_object(bucket, key, body, {_KMS: "AES256"})
    return hashlib.md5(body).hexdigest() if status == 200 else None


def account() -> str:
    return get_account_id()


in_account = s3._in_account
