"""The places for running replication jobs in an account.

Sources: User Guide, "Performing object operations in bulk with Batch Operations": six per account; "S3 Batch
Replication considerations": beyond the limit lower priorities are paused, and become active again.
"""
from collections.abc import Iterable

from localaws.batchswitches import BatchSwitches
from localaws.jobs import RUNNING, Job

REPLICATION = "S3ReplicateObject"


class Places:
    """Who may run, and who has to make way. Jobs of other operations are free."""

    def __init__(self, switches: BatchSwitches):
        self._switches = switches

    def may_run(self, job: Job, jobs: Iterable[Job]) -> bool:
        if job.is_paused and job.status == "Paused":
            return False
        rivals, limit = _rivals(job, jobs), self._switches.activeLimit
        if not rivals or limit == 0:
            return True
        return (sum(one.status in RUNNING for one in rivals) < limit
                and max(_waiting(rivals), key=lambda one: one.priority) is job)

    def must_pause(self, job: Job, jobs: Iterable[Job]) -> bool:
        """By order, or because a job of a greater priority has no place and this one is the least."""
        if job.is_paused:
            return True
        rivals, limit = _rivals(job, jobs), self._switches.activeLimit
        running = [one for one in rivals if one.status in RUNNING]
        if limit == 0 or len(running) < limit:
            return False
        leaving = sum(one.status == "Pausing" for one in running)
        better = sum(one.priority > job.priority for one in _waiting(rivals))
        active = [one for one in running if one.status == "Active"]
        return better > leaving and min(reversed(active), key=lambda one: one.priority) is job


def _rivals(job: Job, jobs: Iterable[Job]) -> list[Job]:
    return [one for one in jobs if one.account == job.account and one.operation == job.operation == REPLICATION]


def _waiting(rivals: list[Job]) -> list[Job]:
    return [one for one in rivals if one.wants_place and not (one.is_paused and one.status == "Paused")]
