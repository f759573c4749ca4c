"""The manifest of a job, read as strictly as AWS says.

Sources: User Guide, "Specifying a manifest" and "Troubleshooting S3 Batch Operations" (InvalidManifestContent, Access
Denied to read the manifest); the messages are AWS's where it tells them.
"""
import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote_plus, unquote_to_bytes

from localaws import roles, s3access
from localaws.jobfailure import JobFailure

_LARGEST = 1 << 30
_LONGEST_KEY = 1024
_CSV = "S3BatchOperations_CSV_20180820"
# What has to be encoded: spaces and controls, all beyond ASCII, and what is special in XML.
_UNENCODED = re.compile(r"""[^!#$%()*+,\-./0-9:;=?@A-Z\[\\\]^_`a-z{|}~]|%(?![0-9A-Fa-f]{2})""")
_VERSION = re.compile(r"[A-Za-z0-9._\-]{0,1024}")
FORBIDDEN = "Reading the manifest is forbidden: AccessDenied"


@dataclass(frozen=True, slots=True)
class Task:
    """One row: the decoded names, and the key exactly as the manifest wrote it."""

    bucket: str
    key: str
    version_id: str | None  # empty: the field was; None: the manifest has no such column
    written_key: str


class InvalidManifest(JobFailure):
    """A manifest that is there and readable, and not as it has to be."""

    def __init__(self, message: str):
        super().__init__("InvalidManifestContent", message)


def read(settings: dict, role: str, plus_is_space: bool) -> Iterator[Task]:
    """The tasks of a CSV manifest; JobFailure at the first row that is wrong, or before any."""
    columns = _columns(settings["Spec"])
    text = _content(settings["Location"], role)
    decode = unquote_plus if plus_is_space else _unquote
    first = None
    for number, row in enumerate(_rows(text), start=1):
        if len(row) != len(columns):
            raise InvalidManifest(f"Unexpected number of task fields: row {number} has {len(row)}, "
                                  f"expecting {len(columns)}")
        fields = dict(zip(columns, row, strict=True))
        first = first or fields["Bucket"]
        yield _task(fields, number, first, decode)
    if first is None:
        raise InvalidManifest("Manifest file is not properly formatted: it is empty")


def _columns(spec: dict) -> list[str]:
    if spec["Format"] != _CSV:
        raise InvalidManifest(f"LocalAWS reads {_CSV} only")
    columns = spec.get("Fields", [])
    missing = [name for name in ("Bucket", "Key") if name not in columns]
    if missing:
        raise InvalidManifest(f"Required fields are missing in the schema: {', '.join(missing)}")
    used = [column for column in columns if column != "Ignore"]
    if len(set(used)) != len(used):
        raise InvalidManifest(f"Manifest file is not properly formatted: a field is there twice in {columns}")
    return columns


def _content(location: dict, role: str) -> str:
    bucket, _, key = location["ObjectArn"].rpartition(":::")[2].partition("/")
    found = s3access.read_object(bucket, key, location.get("ObjectVersionId"))
    if found is None:
        raise JobFailure("ManifestNotFound", f"The manifest {bucket}/{key} is not there.")
    # CSV manifests must not be under SSE-KMS, nor SSE-C; and the job reads as its role.
    if not found.is_readable or not roles.may(role, "s3:GetObject", bucket, key):
        raise JobFailure("AccessDenied", FORBIDDEN)
    if found.etag != location["ETag"]:
        raise JobFailure("ManifestETagMismatch", "The manifest's ETag does not match the one in CreateJob.")
    if len(found.body) > _LARGEST:
        raise InvalidManifest("The S3 Batch Operations job failed because it contains more keys than the maximum "
                              "allowed in a single job")
    try:
        text = found.body.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise InvalidManifest(f"Manifest file is not properly formatted: it is not UTF-8: {problem}") from None
    if text.startswith("\ufeff"):
        raise InvalidManifest("Manifest file is not properly formatted: it starts with a byte order mark")
    return text


def _rows(text: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(io.StringIO(text, newline=""), strict=True)
    except csv.Error as problem:
        raise InvalidManifest(f"Manifest file is not properly formatted: {problem}") from None


def _task(row: dict[str, str], number: int, bucket: str, decode: Callable[[str], str]) -> Task:
    if row["Bucket"] != bucket:
        raise InvalidManifest(f"Manifest file is not properly formatted: row {number} names another bucket than row 1")
    if number == 1 and s3access.bucket_owner(bucket) is None:
        # A header row ends here: its first word is read as a bucket's name.
        raise InvalidManifest(f"Manifest file is not properly formatted: there is no bucket '{bucket[:80]}'")
    written = row["Key"]
    if not written or _UNENCODED.search(written):
        raise InvalidManifest(f"Invalid object key format in row {number}")
    try:
        key = decode(written)
    except UnicodeDecodeError:
        raise InvalidManifest(f"Invalid object key format in row {number}") from None
    if len(key.encode()) > _LONGEST_KEY:
        raise InvalidManifest(f"Invalid object key format in row {number}")
    version = row.get("VersionId")
    if version is not None and not _VERSION.fullmatch(version):
        raise InvalidManifest(f"Invalid version ID format in row {number}")
    return Task(bucket, key, version, written)


def _unquote(written: str) -> str:
    return unquote_to_bytes(written).decode() if "%" in written else written
