"""One task of a job: what S3ReplicateObject makes of one row of the manifest."""
from collections.abc import Callable
from dataclasses import dataclass

from localaws import events, replication, roles, s3access
from localaws.manifest import Task
from localaws.ordered import OrderedOutcomes
from localaws.replication import Attempt, Outcome
from localaws.settlements import Settlements

# S3 meets these when it replicates, long after the task has ended: the task says succeeded, that is initiated.
LATER = ("DstPutObjectNotPermitted", "DstDelObjNotPermitted", "DstKmsKeyInvalidState", "DstKmsKeyNotFound",
         "DstBucketObjectLockConfigMissing")
ALL = "*"

_MESSAGES = {"SrcObjectNotEligible": "Object is not eligible for replication",
             "SrcObjectNotFound": "Source object is not found", "SrcVersionNotFound": "Source version is not found"}
_INVALID_VERSION = "Object versionID is invalid"


@dataclass(frozen=True, slots=True)
class Result:
    """One task that ran: a row of the report."""

    task: Task
    code: str = ""  # empty: succeeded
    status: int = 200
    message: str = "success"

    @classmethod
    def failed(cls, task: Task, code: str, status: int = 0, message: str = "") -> "Result":
        # A row that is permanently not eligible comes with 500: seen in reports of real jobs.
        own = 500 if code == "SrcObjectNotEligible" else 404 if code.endswith("NotFound") else 403
        return cls(task, code, status or own, message or _MESSAGES.get(code, f"Replication failed: {code}"))


class TaskRunner:
    """Runs tasks one by one; the replications that they initiate end at their time."""

    def __init__(self, switches, ordered: OrderedOutcomes, settlements: Settlements,
                 send_failure: Callable[[str, str, dict, Outcome], None] = events.send_failure):
        self._switches = switches
        self._ordered = ordered
        self._settlements = settlements
        self._send_failure = send_failure

    def run(self, task: Task, role: str, region: str) -> Result:
        ordered = self._ordered.take(task.bucket, task.key, task.version_id or "", "task")
        if ordered is not None:
            return Result.failed(task, ordered.code, ordered.status, ordered.message)
        if s3access.region_of(task.bucket) != region:
            return Result.failed(task, "SrcBucketInvalidRegion")
        if not roles.may(role, "s3:InitiateReplication", task.bucket, task.key):
            return Result.failed(task, "InitiateReplicationNotPermitted")
        if task.version_id == "":
            return Result.failed(task, "SrcObjectNotFound", message=_INVALID_VERSION)
        entry = _source(task)
        if entry is None:
            known = s3access.latest_version(task.bucket, task.key) is not None
            return Result.failed(task, "SrcVersionNotFound" if known else "SrcObjectNotFound")
        return self._initiate(task, entry)

    def _initiate(self, task: Task, entry: dict) -> Result:
        if not s3access.replication_of(task.bucket):
            return Result.failed(task, "SrcBucketReplicationConfigMissing")
        attempt = Attempt(task.bucket, task.key, entry, s3access.tags_of(task.bucket, task.key, entry["version_id"]))
        if not attempt.rules:
            attempt.show()
            return Result.failed(task, "SrcObjectNotEligible")
        first, initiated = "", []
        for rule in attempt.rules:
            failure = attempt.failure_of(rule)
            if failure is None or self._is_later(failure):
                initiated.append((rule, failure))
                continue
            outcome = attempt.end(rule, failure)
            if self._switches.failedTaskEvents:
                self._send_failure(task.bucket, task.key, entry, outcome)
            first = first or failure
        attempt.show()
        for rule, failure in initiated:
            if self._settlements.is_waiting:
                self._settlements.add(lambda rule=rule: self._settle_by_then(attempt, rule))
            else:
                self._settle(attempt, rule, failure)
        return Result.failed(task, first) if first else Result(task)

    def _is_later(self, failure: str) -> bool:
        return failure in self._switches.failsLater or ALL in self._switches.failsLater

    def _settle_by_then(self, attempt: Attempt, rule: dict) -> None:
        """What the buckets' state is now decides, not what it was when the task ran."""
        is_there = s3access.find_version(attempt.bucket, attempt.key, attempt.entry["version_id"]) is not None
        self._settle(attempt, rule, attempt.failure_of(rule) if is_there else "SrcVersionNotFound")

    def _settle(self, attempt: Attempt, rule: dict, failure: str | None) -> None:
        ordered = self._ordered.take(attempt.bucket, attempt.key, attempt.entry["version_id"], "later",
                                     replication.destination_of(rule))
        if ordered is not None:
            failure = ordered.code or None
        outcome = attempt.end(rule, failure)
        if failure is not None and self._switches.laterFailureEvents:
            self._send_failure(attempt.bucket, attempt.key, attempt.entry, outcome)


def _source(task: Task) -> dict | None:
    """The version that the row means; without a VersionId column the latest, as it is when the task runs."""
    if task.version_id is None:
        return s3access.latest_version(task.bucket, task.key)
    return s3access.find_version(task.bucket, task.key, task.version_id)
