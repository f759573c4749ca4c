"""S3 Batch Operations: jobs that really replicate what their manifest lists, and report on it."""
import asyncio
import contextlib
import hashlib
import random
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field

from localaws import events, manifest, reports, roles
from localaws.batchswitches import BatchSwitches
from localaws.bell import Bell
from localaws.jobfailure import JobFailure
from localaws.jobs import FOLLOWING, Job
from localaws.manifest import Task
from localaws.ordered import OrderedOutcomes
from localaws.places import REPLICATION, Places
from localaws.replication import Attempt
from localaws.request import Refusal
from localaws.settlements import Settlements
from localaws.tasks import TaskRunner

_SERVICE = "batchoperations.s3.amazonaws.com"
_THRESHOLD_TASKS = 1000  # AWS gives up when more than half failed after this many
_AT_A_TIME = 0.005  # seconds of tasks; then others have their turn
_MOST_FOREIGN = 100


class _Interrupted(Exception):
    """The job was cancelled, or a test ordered its failure."""


@dataclass
class _Token:
    """What AWS remembers of a ClientRequestToken."""

    digest: str
    job: Job
    is_refused: bool = False
    at: float = field(default_factory=time.monotonic)


class JobRunner:
    """All jobs of all accounts, and the asyncio tasks that run them."""

    def __init__(self, switches: BatchSwitches):
        self.switches = switches
        self.ordered = OrderedOutcomes()
        self._places = Places(switches)
        self._bell = Bell()
        self._settlements = Settlements(self._bell, self.switches)
        self._tasks = TaskRunner(self.switches, self.ordered, self._settlements)
        self._running: set[asyncio.Task] = set()
        self.reset()

    def reset(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._tokens: dict[tuple[str, str], _Token] = {}
        self._settlements.reset()
        self.ordered.order([])
        Attempt.forget_all()
        for task in self._running:
            task.cancel()

    def change_switches(self, values: dict) -> None:
        self.switches.change(values)
        self._bell.ring()

    # -- what clients ask for

    def create(self, settings: dict, body: bytes, account: str, region: str) -> Job | Refusal:
        """A new job; the same token with the same body is the same job."""
        digest = hashlib.sha256(body).hexdigest()
        name = (account, settings["ClientRequestToken"])
        known = self._tokens.get(name)
        if known is not None and not self._is_over(known):
            if known.digest == digest and not known.is_refused:
                return known.job
            return Refusal("IdempotencyException", "The ClientRequestToken was used with other parameters.", 400)
        if "Manifest" not in settings or list(settings["Operation"]) != [REPLICATION]:
            return Refusal("InvalidRequest", f"LocalAWS runs {REPLICATION} with a Manifest, nothing else.", 400)
        job = Job(settings, account, region, priority=settings["Priority"])
        self._tokens[name] = _Token(digest, job)
        self._start(job, self._run(job))
        return job

    def _is_over(self, token: _Token) -> bool:
        seconds = self.switches.tokenSeconds
        return bool(seconds) and time.monotonic() - token.at > seconds

    def of_account(self, account: str) -> list[Job]:
        """The account's jobs, newest first."""
        return [job for job in reversed(self._jobs.values()) if job.account == account]

    def listed(self, account: str) -> list[Job]:
        """The same for ListJobs, which does not show a new job yet."""
        shown = []
        for job in self.of_account(account):
            job.listed += 1
            if job.is_foreign or job.listed > self.switches.unseenLists:
                shown.append(job)
        return shown

    def find(self, identifier: str, account: str) -> Job | None:
        job = self._jobs.get(identifier)
        return job if job is not None and job.account == account else None

    def found(self, identifier: str, account: str, is_described: bool) -> Job | None:
        """The same for DescribeJob and the changes, which do not know a new job yet."""
        job = self.find(identifier, account)
        if job is None:
            return None
        job.described += is_described
        needed = self.switches.unseenDescribes + is_described
        return job if job.is_foreign or job.described >= needed else None

    def request_status(self, job: Job, wanted: str, reason: str | None) -> Refusal | None:
        """UpdateJobStatus: confirm a suspended job, or cancel one that has not ended."""
        if wanted == "Ready":
            is_possible = job.status == "Suspended"
        else:
            is_possible = "Cancelling" in FOLLOWING[job.status]
        if not is_possible:
            return Refusal("JobStatusException", f"A job in status {job.status} cannot become {wanted}.", 400)
        job.status_reason = reason
        job.enter("Ready" if wanted == "Ready" else "Cancelling")
        self._bell.ring()
        return None

    def request_priority(self, job: Job, priority: int) -> None:
        job.priority = priority
        self._bell.ring()

    # -- what tests order

    def shown(self) -> dict:
        return {"jobs": [job.shown() for job in self._jobs.values()], "pending": len(self._settlements)}

    async def settle(self, timeout: float) -> bool:
        """Wait until all that no switch holds back is done; False when the time is over."""
        return await self._bell.until(self._is_settled, timeout)

    def _is_settled(self) -> bool:
        is_done = all(job.is_foreign or (job.is_over and (job.is_reported or self.switches.holdReports))
                      for job in self._jobs.values())
        return is_done and (not len(self._settlements) or self.switches.holdPending)

    def add_foreign(self, account: str, region: str, count: int = 1, operation: str = REPLICATION, priority: int = 10,
                    description: str = "somebody else's") -> list[str]:
        """Jobs of others in the account: they run until they are let go."""
        if not 0 < count <= _MOST_FOREIGN:
            raise ValueError(f"count: {count} is not between 1 and {_MOST_FOREIGN}")
        settings = {"Operation": {operation: {}}, "Description": description, "Report": {"Enabled": False},
                    "RoleArn": f"arn:aws:iam::{account}:role/foreign", "Manifest": {}}
        jobs = [Job(settings, account, region, is_foreign=True, priority=priority) for _ in range(count)]
        for job in jobs:
            self._start(job, self._run_foreign(job))
        return [job.identifier for job in jobs]

    def order(self, job_id: str, order: str, code: str = "InternalError", reason: str = "Ordered by the test.") -> None:
        """Do to one job what no client can ask for (README.md)."""
        job = self._jobs.get(job_id)
        if job is None:
            raise ValueError(f"there is no job {job_id}")
        token = self._tokens.get((job.account, job.settings.get("ClientRequestToken", "")))
        match order:
            case "pause":
                job.is_paused = True
            case "resume":
                job.is_paused = False
            case "finish":
                job.is_let_go = True
            case "fail":
                self._fail(job, JobFailure(code, reason))
            case "report":
                reports.write(job)
            case "forget":
                self._forget(job)
            case "forgetToken" if token is not None:
                self._tokens.pop((job.account, job.settings["ClientRequestToken"]))
            case "refuseToken" if token is not None:
                token.is_refused = True
            case _:
                raise ValueError(f"no order {order!r} for job {job_id}")
        self._bell.ring()

    @staticmethod
    def _fail(job: Job, failure: JobFailure) -> None:
        if "Failing" not in FOLLOWING[job.status]:
            raise ValueError(f"a job in {job.status} cannot fail")
        job.failure = failure

    def _forget(self, job: Job) -> None:
        """As after the 90 days: no call knows the job, nor its token."""
        self._jobs.pop(job.identifier, None)
        for name in [name for name, token in self._tokens.items() if token.job is job]:
            del self._tokens[name]

    # -- the life of a job

    def _start(self, job: Job, life: Coroutine) -> None:
        self._jobs[job.identifier] = job
        job.on_state = self._announce
        self._announce(job)
        task = asyncio.create_task(life, name=f"job {job.identifier}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda _: self._bell.ring())

    def _announce(self, job: Job) -> None:
        if self.switches.statusEventsTo:
            events.send_job_record(self.switches.statusEventsTo, job.record())

    async def _run(self, job: Job) -> None:
        try:
            await self._stay(job)
            tasks = await self._prepare(job)
            await self._confirm(job)
            await self._take_place(job)
            await self._work(job, tasks)
            if job.settings["Report"]["Enabled"]:
                reports.check(job)
            await self._enter(job, "Completing", self.switches.completingSeconds)
            job.enter("Complete")
        except _Interrupted:
            await self._end_early(job)
        except JobFailure as failure:
            job.failure = failure
            await self._end_early(job)
        self._bell.ring()
        if self.switches.expireSeconds:
            asyncio.get_running_loop().call_later(self.switches.expireSeconds, self._forget, job)
        await self._report(job)

    async def _run_foreign(self, job: Job) -> None:
        with contextlib.suppress(_Interrupted):
            await self._enter(job, "Preparing")
            await self._enter(job, "Ready")
            await self._take_place(job)
            while not job.is_let_go:
                await self._bell.until(lambda: job.is_interrupted or job.is_let_go or self._must_pause(job))
                self._check(job)
                await self._make_way(job)
            await self._enter(job, "Completing")
            job.enter("Complete")
        if not job.is_over:
            await self._end_early(job)
        self._bell.ring()

    async def _end_early(self, job: Job) -> None:
        if job.status != "Cancelling":
            job.enter("Failing")
        self._bell.ring()
        await self._bell.until(lambda: job.status not in self.switches.holdStates)
        job.enter("Cancelled" if job.status == "Cancelling" else "Failed")

    async def _prepare(self, job: Job) -> list[Task]:
        await self._enter(job, "Preparing", self.switches.prepareSeconds)
        role = job.settings["RoleArn"]
        if not roles.trusts(role, _SERVICE):
            raise JobFailure("AccessDenied", manifest.FORBIDDEN)
        tasks = list(manifest.read(job.settings["Manifest"], role, self.switches.manifestPlusIsSpace))
        job.total = len(tasks)
        # AWS runs tasks in no order that the manifest tells.
        random.Random(job.identifier).shuffle(tasks)
        return tasks

    async def _confirm(self, job: Job) -> None:
        if not job.settings.get("ConfirmationRequired"):
            await self._enter(job, "Ready")
            return
        await self._enter(job, "Suspended")
        seconds = self.switches.suspendedSeconds or None
        if not await self._bell.until(lambda: job.status != "Suspended" or job.is_interrupted, seconds):
            raise JobFailure("SuspendedTooLong", "The job was not confirmed within 30 days.")
        self._check(job)
        await self._stay(job)

    async def _work(self, job: Job, tasks: list[Task]) -> None:
        await self._wait(job, self.switches.activeSeconds)
        await self._make_way(job)
        role, turn_ends = job.settings["RoleArn"], 0.0
        for task in tasks:
            result = self._tasks.run(task, role, job.region)
            job.results.append(result)
            job.failed += bool(result.code)
            job.succeeded += not result.code
            if len(job.results) >= _THRESHOLD_TASKS and job.failed * 2 > len(job.results):
                raise JobFailure("FailureThresholdExceeded", "More than half of the tasks failed.")
            if self.switches.taskSeconds or time.monotonic() > turn_ends:
                await self._wait(job, self.switches.taskSeconds)
                await self._make_way(job)
                turn_ends = time.monotonic() + _AT_A_TIME
        self._check(job)

    async def _report(self, job: Job) -> None:
        if job.settings["Report"]["Enabled"] and job.results and self.switches.writeReports:
            await asyncio.sleep(self.switches.reportSeconds)
            await self._bell.until(lambda: not self.switches.holdReports)
            with contextlib.suppress(JobFailure):
                reports.check(job)
                reports.write(job, self.switches.reportRowsPerFile, self.switches.reportFault)
        job.is_reported = True

    # -- places for running jobs

    def _must_pause(self, job: Job) -> bool:
        return self._places.must_pause(job, self._jobs.values())

    async def _take_place(self, job: Job) -> None:
        """Wait for one of the account's places, and become Active."""
        job.wants_place = True
        self._bell.ring()
        await self._bell.until(lambda: job.is_interrupted or self._places.may_run(job, self._jobs.values()))
        job.wants_place = False
        await self._enter(job, "Active")

    async def _make_way(self, job: Job) -> None:
        if self._must_pause(job):
            await self._enter(job, "Pausing")
            await self._enter(job, "Paused")
            await self._take_place(job)

    # -- waiting

    async def _enter(self, job: Job, status: str, seconds: float = 0.0) -> None:
        """Go on to a state and stay there, as long as the switches say."""
        self._check(job)
        job.enter(status)
        self._bell.ring()
        await self._stay(job, seconds)

    async def _stay(self, job: Job, seconds: float = 0.0) -> None:
        await self._bell.until(lambda: job.is_interrupted or job.status not in self.switches.holdStates)
        await self._wait(job, seconds)

    async def _wait(self, job: Job, seconds: float) -> None:
        if seconds:
            await self._bell.until(lambda: job.is_interrupted or job.is_paused, seconds)
        else:
            await asyncio.sleep(0)
        self._check(job)

    @staticmethod
    def _check(job: Job) -> None:
        if job.is_interrupted:
            raise _Interrupted
