"""The completion report of a job, in AWS's real layout, or damaged on demand.

Sources: User Guide, "Examples: S3 Batch Operations completion reports" for the files; for the order of the columns and
the doubled slash what aws-samples/sample-replicate-on-tag-for-amazon-s3 saw of real jobs.
"""
import csv
import hashlib
import io
import json
from collections.abc import Iterator

from localaws import events, roles, s3access
from localaws.jobfailure import JobFailure
from localaws.jobs import Job
from localaws.tasks import Result

FAULTS = ("none", "withoutManifest", "withoutAFile", "wrongMD5", "tornManifest", "tornRows", "fewerRows",
          "repeatedRows", "foreignRows", "documentedColumns")
_SCHEMA = "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage"
_UNWRITABLE = "The job report could not be written to your report bucket. Please check your permissions."


def check(job: Job) -> None:
    """JobFailure where the report cannot be written; the tasks ran all the same.

    Sources: User Guide, "Troubleshooting Batch Operations": a bucket with default retention, a role without PutObject;
    S3 Control's model, JobReport: a bucket of another owner than expected.
    """
    report = job.settings["Report"]
    bucket = _bucket(report)
    owner = s3access.bucket_owner(bucket)
    writable = (owner is not None and owner == report.get("ExpectedBucketOwner", owner)
                and not s3access.has_default_retention(bucket)
                and roles.may(job.settings["RoleArn"], "s3:PutObject", bucket, f"{_root(report, job)}/manifest.json"))
    if not writable:
        raise JobFailure("JobReportNotWritten", _UNWRITABLE)


def write(job: Job, rows_per_file: int = 0, fault: str = "none") -> None:
    """Write the result files, then manifest.json.md5, and manifest.json last: it is the commit marker."""
    report = job.settings["Report"]
    bucket, root = _bucket(report), _root(report, job)
    files = []
    for number, (status, rows) in enumerate(_parts(job, rows_per_file)):
        body = _body(rows, fault)
        key = f"{root}/results/{hashlib.sha1(f'{job.identifier}{number}'.encode()).hexdigest()}.csv"
        checksum = hashlib.md5(body).hexdigest()
        if fault == "wrongMD5":
            body = body.replace(b"\r\n", b"\n")
        if (fault != "withoutAFile" or number > 0) and s3access.write_object(bucket, key, body) is None:
            return
        files.append({"TaskExecutionStatus": status, "Bucket": bucket, "MD5Checksum": checksum, "Key": key})
    index = json.dumps({"Format": "Report_CSV_20180820", "ReportCreationDate": events.timestamp(),
                        "Results": files, "ReportSchema": _SCHEMA}).encode()
    if fault == "tornManifest":
        index = index[:len(index) // 2]
    if fault != "withoutManifest":
        s3access.write_object(bucket, f"{root}/manifest.json.md5", hashlib.md5(index).hexdigest().encode())
        s3access.write_object(bucket, f"{root}/manifest.json", index)


def _bucket(report: dict) -> str:
    return report["Bucket"].rpartition(":::")[2]


def _root(report: dict, job: Job) -> str:
    """A slash follows the prefix, also one that ends with a slash."""
    prefix = report.get("Prefix", "")
    return f"{prefix}/job-{job.identifier}" if prefix else f"job-{job.identifier}"


def _parts(job: Job, rows_per_file: int) -> Iterator[tuple[str, list[Result]]]:
    for status in ("succeeded", "failed"):
        rows = [row for row in job.results if bool(row.code) == (status == "failed")]
        if status == "succeeded" and job.settings["Report"]["ReportScope"] == "FailedTasksOnly":
            continue
        size = rows_per_file or max(len(rows), 1)
        yield from ((status, rows[start:start + size]) for start in range(0, len(rows), size))


def _body(rows: list[Result], fault: str) -> bytes:
    written = [_row(one) for one in rows]
    if fault == "fewerRows":
        written = written[1:]
    elif fault == "repeatedRows":
        written.append(written[0])
    elif fault == "foreignRows":
        written.append([*written[0][:1], "not/in/the/manifest", "foreign", *written[0][3:]])
    elif fault == "documentedColumns":
        written = [[*row[:4], row[5], row[4], row[6]] for row in written]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(written)
    body = text.getvalue().encode()
    return body[:-len(body) // 3] if fault == "tornRows" else body


def _row(one: Result) -> list[str]:
    """The real column order: HTTPStatusCode comes before ErrorCode, whatever ReportSchema says."""
    task = one.task
    return [task.bucket, task.written_key, task.version_id or "\\N", "failed" if one.code else "succeeded",
            str(one.status), one.code, one.message]
