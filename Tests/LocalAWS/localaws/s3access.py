"""The few places where we reach into MiniStack's S3 store. Pinned to MiniStack 1.5.33."""
import copy
import hashlib

from ministack.core.responses import get_account_id
from ministack.services import s3

NULL_VERSION = "null"


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


def put_replica(bucket: str, key: str, source: dict, tags: dict[str, str], storage_class: str | None) -> None:
    """Write a version into another bucket under its own version ID; one that is there already stays."""
    owner = bucket_owner(bucket)
    with s3._in_account(owner):
        if find_version(bucket, key, source["version_id"]) is not None:
            return
        replica = {name: copy.deepcopy(value) for name, value in source.items() if name != "data"}
        replica.update(data=source["data"], replication_status="REPLICA")
        if storage_class:
            replica["storage_class"] = storage_class
        objects = s3._buckets[bucket]["objects"]
        versions = s3._object_versions.setdefault((bucket, key), [])
        s3._preserve_null_version(bucket, key, versions, objects.get(key))
        versions.append(replica)
        versions.sort(key=lambda entry: entry["last_modified"])
        for entry in versions:
            entry["is_latest"] = entry is versions[-1]
        if versions[-1] is replica:
            objects[key] = s3._object_record_from_version(replica)
        if tags:
            s3._object_tags[(bucket, key, _stored_id(source["version_id"]))] = dict(tags)


def _stored_id(version_id: str) -> str | None:
    return None if version_id == NULL_VERSION else version_id


def read_object(bucket: str, key: str, version_id: str | None) -> tuple[bytes, str] | None:
    """An object's bytes and unquoted ETag."""
    owner = bucket_owner(bucket)
    if owner is None:
        return None
    with s3._in_account(owner):
        if version_id:
            entry = find_version(bucket, key, version_id)
            if entry is None or entry.get("is_delete_marker"):
                return None
            return entry["data"], entry["etag"].strip('"')
        current = s3._buckets[bucket]["objects"].get(key)
        if current is None:
            return None
        return s3._read_body(bucket, key, current), current["etag"].strip('"')


def write_object(bucket: str, key: str, body: bytes) -> str | None:
    """Write an object as the service itself; its MD5, or None where the bucket is gone."""
    owner = bucket_owner(bucket)
    if owner is None:
        return None
    with s3._in_account(owner):
        status, _, _ = s3._put_object(bucket, key, body, {})
    return hashlib.md5(body).hexdigest() if status == 200 else None


def account() -> str:
    return get_account_id()
