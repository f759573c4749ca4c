"""A job's two files: the manifest it reads and the completion report it writes."""
import csv
import hashlib
import io
import json
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus

from localaws import events, s3access

_LARGEST = 1 << 30
_COLUMNS = ("Bucket", "Key", "VersionId")
_SCHEMA = "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage"
_MESSAGES = {"SrcObjectNotEligible": "Object is not eligible for replication",
             "SrcObjectNotFound": "Source object or version is not found"}


class InvalidManifest(Exception):
    """Why a job fails before its first task; `code` is its FailureCode."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Task:
    """One row: the decoded names, and the key exactly as the manifest wrote it."""

    bucket: str
    key: str
    version_id: str
    written_key: str


def read(settings: dict, plus_is_space: bool) -> list[Task]:
    """The tasks of a CSV manifest, by the rules of AWS: no header, even columns, one bucket, the right ETag."""
    if settings["Spec"]["Format"] != "S3BatchOperations_CSV_20180820":
        raise InvalidManifest("InvalidManifestContent", "LocalAWS reads S3BatchOperations_CSV_20180820 only.")
    columns = settings["Spec"].get("Fields", [])
    if not {"Bucket", "Key"} <= set(columns) or len(set(columns) - {"Ignore"}) != len(
            [column for column in columns if column != "Ignore"]):
        raise InvalidManifest("InvalidManifestContent", f"The manifest's fields {columns} are not {_COLUMNS}.")
    text = _content(settings["Location"])
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as problem:
        raise InvalidManifest("InvalidManifestContent", f"The manifest is not CSV: {problem}") from None
    if not rows:
        raise InvalidManifest("InvalidManifestContent", "The manifest is empty.")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(columns):
            raise InvalidManifest("InvalidManifestContent",
                                  f"Row {number} has {len(row)} columns, expecting {len(columns)}.")
    bucket = rows[0][columns.index("Bucket")]
    if s3access.bucket_owner(bucket) is None:
        raise InvalidManifest("InvalidManifestContent", f"Row 1 names the bucket '{bucket[:80]}', which is not there.")
    decode = unquote_plus if plus_is_space else unquote
    return [_task(dict(zip(columns, row)), number, bucket, decode) for number, row in enumerate(rows, start=1)]


def _task(row: dict[str, str], number: int, bucket: str, decode) -> Task:
    if row["Bucket"] != bucket:
        raise InvalidManifest("InvalidManifestContent", f"Row {number} names another bucket than row 1.")
    return Task(bucket, decode(row["Key"]), row.get("VersionId", ""), row["Key"])


def _content(location: dict) -> str:
    bucket, _, key = location["ObjectArn"].rpartition(":::")[2].partition("/")
    found = s3access.read_object(bucket, key, location.get("ObjectVersionId"))
    if found is None:
        raise InvalidManifest("ManifestNotFound", f"The manifest {bucket}/{key} is not there.")
    body, etag = found
    if etag != location["ETag"]:
        raise InvalidManifest("ManifestETagMismatch", "The manifest's ETag does not match the one in CreateJob.")
    if len(body) > _LARGEST or body.startswith(b"\xef\xbb\xbf"):
        raise InvalidManifest("InvalidManifestContent", "The manifest starts with a byte order mark or is too large.")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise InvalidManifest("InvalidManifestContent", f"The manifest is not UTF-8: {problem}") from None


def write_report(settings: dict, job_id: str, results: list[tuple[Task, str | None]]) -> None:
    """Write the result files, then manifest.json.md5, and manifest.json last: it is the commit marker."""
    bucket = settings["Bucket"].rpartition(":::")[2]
    prefix = settings.get("Prefix", "")
    root = f"{prefix}/job-{job_id}" if prefix else f"job-{job_id}"
    files = []
    for status in ("succeeded", "failed"):
        rows = [row for row in results if (row[1] is None) == (status == "succeeded")]
        if not rows or (status == "succeeded" and settings["ReportScope"] == "FailedTasksOnly"):
            continue
        body = _report_rows(rows).encode()
        key = f"{root}/results/{hashlib.sha1((job_id + status).encode()).hexdigest()}.csv"
        checksum = s3access.write_object(bucket, key, body)
        if checksum is None:
            return
        files.append({"TaskExecutionStatus": status, "Bucket": bucket, "MD5Checksum": checksum, "Key": key})
    index = json.dumps({"Format": "Report_CSV_20180820", "ReportCreationDate": events.timestamp(),
                        "Results": files, "ReportSchema": _SCHEMA}).encode()
    s3access.write_object(bucket, f"{root}/manifest.json.md5", hashlib.md5(index).hexdigest().encode())
    s3access.write_object(bucket, f"{root}/manifest.json", index)


def _report_rows(rows: list[tuple[Task, str | None]]) -> str:
    """The real column order: HTTPStatusCode comes before ErrorCode, whatever ReportSchema says."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    for task, failure in rows:
        outcome = ["succeeded", "200", "", "success"] if failure is None else [
            "failed", "500" if failure == "SrcObjectNotEligible" else "404" if failure.endswith("NotFound") else "403",
            failure, _MESSAGES.get(failure, f"Replication failed: {failure}")]
        writer.writerow([task.bucket, task.written_key, task.version_id or "\\N", *outcome])
    return text.getvalue()
