"""A batch job and its thirteen states. Source: User Guide, "Tracking job status"; JobStatus in botocore's model."""
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from localaws import events
from localaws.jobfailure import JobFailure
from localaws.tasks import Result

TERMINAL = ("Complete", "Failed", "Cancelled")
# Completing is in the model's enumeration and in no table of the User Guide; nothing can be asked of a job there.
FOLLOWING = {
    "New": ("Preparing", "Cancelling", "Failing"),
    "Preparing": ("Suspended", "Ready", "Cancelling", "Failing"),
    "Suspended": ("Ready", "Cancelling", "Failing"),
    "Ready": ("Active", "Cancelling", "Failing"),
    "Active": ("Pausing", "Completing", "Cancelling", "Failing"),
    "Pausing": ("Paused", "Cancelling", "Failing"),
    "Paused": ("Active", "Cancelling", "Failing"),
    "Completing": ("Complete", "Failing"),
    "Cancelling": ("Cancelled",),
    "Failing": ("Failed",),
    "Complete": (), "Failed": (), "Cancelled": (),
}
STATES = tuple(FOLLOWING)
# They take one of the account's places for running jobs.
RUNNING = ("Active", "Pausing", "Completing")


@dataclass
class Job:
    """One job. `settings` is what CreateJob said, by botocore's member names; a foreign job only looks like one."""

    settings: dict
    account: str
    region: str
    is_foreign: bool = False
    identifier: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "New"
    priority: int = 0
    created_at: str = field(default_factory=events.timestamp)
    ended_at: str | None = None
    suspended_at: str | None = None
    status_reason: str | None = None
    failure: JobFailure | None = None  # ordered, or met
    total: int = 0
    succeeded: int = 0
    failed: int = 0
    results: list[Result] = field(default_factory=list)
    states: list[str] = field(default_factory=lambda: ["New"])
    is_paused: bool = False  # by a test's order
    is_let_go: bool = False  # a foreign job may end
    wants_place: bool = False  # it could run, if it were among the account's running jobs
    described: int = 0  # how often it was asked for
    listed: int = 0
    is_reported: bool = False
    on_state: Callable[["Job"], None] = lambda job: None
    _active_since: float | None = None
    _active_before: float = 0.0

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:{self.region}:{self.account}:job/{self.identifier}"

    @property
    def operation(self) -> str:
        return next(iter(self.settings["Operation"]))

    @property
    def is_over(self) -> bool:
        return self.status in TERMINAL

    @property
    def is_interrupted(self) -> bool:
        """Cancelled by a client or failed by an order: it does nothing more of what it was made for."""
        return self.status == "Cancelling" or self.failure is not None

    @property
    def active_seconds(self) -> float:
        """ElapsedTimeInActiveSeconds, which is whole; time in Paused is not in it."""
        since = 0.0 if self._active_since is None else time.monotonic() - self._active_since
        return self._active_before + since

    def enter(self, status: str) -> None:
        if status not in FOLLOWING[self.status]:
            raise AssertionError(f"a job in {self.status} cannot become {status}")
        if self._active_since is not None:
            self._active_before += time.monotonic() - self._active_since
            self._active_since = None
        self.status = status
        self.states.append(status)
        if status == "Active":
            self._active_since = time.monotonic()
        elif status == "Suspended":
            self.suspended_at = events.timestamp()
        elif status in TERMINAL:
            self.ended_at = events.timestamp()
        self.on_state(self)

    def record(self) -> dict:
        """Its state, as the event of it says it."""
        codes = [self.failure.code] if self.failure is not None and self.status == "Failed" else []
        name = "JobCreated" if self.status == "New" else "JobStatusChanged"
        return events.job_record(self.identifier, self.arn, self.status, self.account, self.region, codes, name)

    def shown(self) -> dict:
        """For tests: how it stands, and every state that it was in."""
        return {"jobId": self.identifier, "status": self.status, "states": self.states, "priority": self.priority,
                "foreign": self.is_foreign, "description": self.settings.get("Description"), "total": self.total,
                "succeeded": self.succeeded, "failed": self.failed, "reported": self.is_reported,
                "described": self.described, "activeSeconds": self.active_seconds}
