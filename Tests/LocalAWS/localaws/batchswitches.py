"""The switches of batch jobs."""
from dataclasses import dataclass

from localaws import reports
from localaws.jobs import STATES
from localaws.switches import Switches, one_of, some_of
from localaws.tasks import LATER


@dataclass
class BatchSwitches(Switches):
    """How jobs behave, set with `POST /_localaws/batch` (README.md); times are seconds."""

    prepareSeconds: float = 0.05
    activeSeconds: float = 0.0  # before the first task
    taskSeconds: float = 0.0  # after each
    completingSeconds: float = 0.0
    suspendedSeconds: float = 0.0  # AWS's 30 days; 0: they never end
    expireSeconds: float = 0.0  # AWS's 90 days after the end; 0: they never come
    holdStates: list[str] = some_of(STATES)  # a job that is in one of them stays there
    activeLimit: int = 6  # running replication jobs of an account; 0: any number
    unseenDescribes: int = 0  # so many DescribeJob of a new job say NoSuchJob
    unseenLists: int = 0  # so many ListJobs are without a new job
    tokenSeconds: float = 0.0  # how long a ClientRequestToken is remembered; 0: for ever
    manifestPlusIsSpace: bool = False
    failsLater: list[str] = some_of((), *LATER)  # with these a task succeeds and the status becomes FAILED later; "*": all
    pendingSeconds: float = 0.0  # how long a status is PENDING after its task
    holdPending: bool = False
    failedTaskEvents: bool = True
    laterFailureEvents: bool = True
    writeReports: bool = True
    reportSeconds: float = 0.0  # from the end to the report
    holdReports: bool = False
    reportRowsPerFile: int = 0  # 0: one file for each status
    reportFault: str = one_of(*reports.FAULTS)
    statusEventsTo: str = ""  # ARN of a queue that hears of every job's states
