"""S3 Batch Operations: jobs that really replicate what their manifest lists, and report on it."""
import asyncio
import hashlib
import random
import time
import uuid
from dataclasses import dataclass, field, fields

from localaws import events, manifest, replication, s3access
from localaws.manifest import InvalidManifest, Task
from localaws.request import Refusal

TERMINAL = ("Complete", "Failed", "Cancelled")
_THRESHOLD_TASKS = 1000  # AWS gives up when more than half failed after this many


@dataclass
class Switches:
    """How jobs behave, set with `POST /_localaws/batch`; times are seconds."""

    prepareSeconds: float = 0.05
    activeSeconds: float = 0.0
    taskSeconds: float = 0.0
    completingSeconds: float = 0.0
    reportSeconds: float = 0.0
    failedTaskEvents: bool = True
    initiatedIsSucceeded: bool = False
    manifestPlusIsSpace: bool = False
    writeReports: bool = True

    def change(self, values: dict) -> None:
        """Take new values; a name or type that is none of ours raises ValueError."""
        kinds = {one.name: one.type for one in fields(self)}
        if not isinstance(values, dict):
            raise ValueError("switches are an object")
        for name, value in values.items():
            if name not in kinds:
                raise ValueError(f"no switch {name}; there are {', '.join(kinds)}")
            good = isinstance(value, bool) if kinds[name] is bool else (
                isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0)
            if not good:
                raise ValueError(f"{name}: {value!r} is not a {kinds[name].__name__}")
        for name, value in values.items():
            setattr(self, name, value)


@dataclass
class Job:
    """One job. `settings` is what CreateJob said, by botocore's member names."""

    settings: dict
    body_digest: str
    account: str
    region: str
    identifier: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "New"
    priority: int = 0
    created_at: str = field(default_factory=events.timestamp)
    ended_at: str | None = None
    status_reason: str | None = None
    failure: tuple[str, str] | None = None
    total: int = 0
    succeeded: int = 0
    failed: int = 0
    active_since: float | None = None
    active_seconds: int = 0
    results: list[tuple[Task, str | None]] = field(default_factory=list)
    confirmed: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:{self.region}:{self.account}:job/{self.identifier}"

    def end(self, status: str) -> None:
        self.status = status
        self.ended_at = events.timestamp()
        if self.active_since is not None:
            self.active_seconds = int(time.monotonic() - self.active_since)


class JobRunner:
    """All jobs of all accounts, and the asyncio tasks that run them."""

    def __init__(self):
        self.switches = Switches()
        self._running: set[asyncio.Task] = set()
        self.reset()

    def reset(self) -> None:
        self._jobs: dict[str, Job] = {}
        for task in self._running:
            task.cancel()

    def create(self, settings: dict, body: bytes, account: str, region: str) -> Job | Refusal:
        """A new job; the same token with the same body is the same job."""
        digest = hashlib.sha256(body).hexdigest()
        for job in self.of_account(account):
            if job.settings["ClientRequestToken"] == settings["ClientRequestToken"]:
                if job.body_digest == digest:
                    return job
                return Refusal("IdempotencyException", "The ClientRequestToken was used with other parameters.", 400)
        if "Manifest" not in settings or list(settings["Operation"]) != ["S3ReplicateObject"]:
            return Refusal("InvalidRequest", "LocalAWS runs S3ReplicateObject with a Manifest, nothing else.", 400)
        job = Job(settings, digest, account, region, priority=settings["Priority"])
        self._jobs[job.identifier] = job
        task = asyncio.create_task(self._run(job))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return job

    def of_account(self, account: str) -> list[Job]:
        """The account's jobs, newest first."""
        return [job for job in reversed(self._jobs.values()) if job.account == account]

    def find(self, identifier: str, account: str) -> Job | None:
        job = self._jobs.get(identifier)
        return job if job is not None and job.account == account else None

    def request_status(self, job: Job, wanted: str, reason: str | None) -> Refusal | None:
        """UpdateJobStatus: confirm a suspended job, or cancel one that has not ended."""
        possible = {"Ready": job.status == "Suspended",
                    "Cancelled": job.status not in TERMINAL + ("Completing", "Cancelling")}
        if not possible.get(wanted, False):
            return Refusal("JobStatusException", f"A job in status {job.status} cannot become {wanted}.", 400)
        job.status_reason = reason
        if wanted == "Ready":
            job.status = "Ready"
            job.confirmed.set()
        else:
            job.status = "Cancelling"
            job.cancelled.set()
        return None

    async def settle(self, timeout: float) -> bool:
        """Wait until every job has ended and its report is written; False when the time is over."""
        if not self._running:
            return True
        _, left = await asyncio.wait(set(self._running), timeout=timeout)
        return not left

    async def _run(self, job: Job) -> None:
        try:
            tasks = await self._prepare(job)
        except InvalidManifest as problem:
            job.failure = (problem.code, str(problem))
            job.end("Failed")
            return
        if job.settings.get("ConfirmationRequired") and not job.cancelled.is_set():
            job.status = "Suspended"
            await self._first(job.confirmed, job.cancelled)
        if not job.cancelled.is_set():
            job.status = "Ready"
            await asyncio.sleep(0)
        if not job.cancelled.is_set():
            job.status, job.active_since = "Active", time.monotonic()
            await self._pause(job, self.switches.activeSeconds)
            await self._work(job, tasks)
        await self._finish(job)

    async def _prepare(self, job: Job) -> list[Task]:
        await asyncio.sleep(0)
        if not job.cancelled.is_set():
            job.status = "Preparing"
        await self._pause(job, self.switches.prepareSeconds)
        tasks = manifest.read(job.settings["Manifest"], self.switches.manifestPlusIsSpace)
        job.total = len(tasks)
        # AWS runs tasks in no order that the manifest tells.
        random.Random(job.identifier).shuffle(tasks)
        return tasks

    async def _work(self, job: Job, tasks: list[Task]) -> None:
        for number, task in enumerate(tasks, start=1):
            if job.cancelled.is_set():
                return
            failure = self._replicate(task)
            job.results.append((task, failure))
            if failure is None:
                job.succeeded += 1
            else:
                job.failed += 1
            if number >= _THRESHOLD_TASKS and job.failed * 2 > number:
                job.failure = ("FailureThresholdExceeded", "More than half of the tasks failed.")
                return
            if self.switches.taskSeconds or number % 50 == 0:
                await self._pause(job, self.switches.taskSeconds)

    def _replicate(self, task: Task) -> str | None:
        """Run one task: AWS's error code, or None when it succeeded."""
        if not task.version_id:
            return "SrcObjectNotFound"
        entry = s3access.find_version(task.bucket, task.key, task.version_id)
        if entry is None:
            return "SrcObjectNotFound"
        if entry.get("is_delete_marker") or entry.get("replication_status") == "REPLICA":
            return "SrcObjectNotEligible"
        tags = s3access.tags_of(task.bucket, task.key, task.version_id)
        outcomes = replication.replicate(task.bucket, task.key, entry, tags)
        if not outcomes:
            return "SrcObjectNotEligible"
        failures = [outcome for outcome in outcomes if outcome.failure]
        if self.switches.failedTaskEvents:
            for outcome in failures:
                events.send_failure(task.bucket, task.key, entry, outcome)
        if not failures or self.switches.initiatedIsSucceeded:
            return None
        return failures[0].failure

    async def _finish(self, job: Job) -> None:
        if job.failure is not None:
            job.status = "Failing"
            end = "Failed"
        elif job.cancelled.is_set():
            end = "Cancelled"
        else:
            job.status, end = "Completing", "Complete"
            await asyncio.sleep(self.switches.completingSeconds)
        job.end(end)
        report = job.settings["Report"]
        if report["Enabled"] and job.results and self.switches.writeReports:
            await asyncio.sleep(self.switches.reportSeconds)
            manifest.write_report(report, job.identifier, job.results)

    async def _pause(self, job: Job, seconds: float) -> None:
        if seconds == 0:
            await asyncio.sleep(0)
            return
        try:
            await asyncio.wait_for(job.cancelled.wait(), seconds)
        except TimeoutError:
            pass

    @staticmethod
    async def _first(*happenings: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(one.wait()) for one in happenings]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
