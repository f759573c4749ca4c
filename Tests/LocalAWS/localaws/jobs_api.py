"""The wire form of S3 Control's job operations."""
import base64
import re
from urllib.parse import unquote
from xml.sax.saxutils import escape

from ministack.core.iam_evaluator import AuthError, enforce

from localaws import credentials, operations, parameters, signature, wire
from localaws.batch import Job, JobRunner
from localaws.request import Refusal, Request

_NAMESPACE = "http://awss3control.amazonaws.com/doc/2018-08-20/"
PATH = re.compile(r"/v20180820/jobs(?:/([^/]+)(?:/(status|priority|tagging))?)?")
_LARGEST_PAGE = 1000


class JobsAPI:
    """Answers CreateJob, DescribeJob, ListJobs, UpdateJobStatus and UpdateJobPriority."""

    def __init__(self, runner: JobRunner, region: str):
        self._runner = runner
        self._region = region

    def answer(self, request: Request) -> wire.Reply:
        access_key = signature.claim_of(request).access_key
        account = credentials.enter_account(access_key, self._region)
        bindings, members = operations.rest_operation("s3control", request)
        name = bindings.operation.name
        handler = getattr(self, f"_{name}", None)
        if handler is None:
            refusal = Refusal("NotImplemented", f"LocalAWS has no {name}.", 501)
        else:
            refusal = self._permission(request, name, access_key, account, members)
        if refusal is None:
            reply = handler(parameters.rest_parameters(request, bindings, members), request, account)
            if not isinstance(reply, Refusal):
                return reply
            refusal = reply
        return wire.error("s3control", refusal)

    def _permission(self, request: Request, name: str, access_key: str, account: str,
                    members: dict[str, str]) -> Refusal | None:
        if request.headers.get("x-amz-account-id") != account:
            return Refusal("AccessDenied", "Access Denied: x-amz-account-id is another account.")
        job = f"job/{unquote(members['JobId'])}" if "JobId" in members else "*"
        resource = "*" if job == "*" else f"arn:aws:s3:{self._region}:{account}:{job}"
        denied = enforce(access_key, f"s3:{name}", "s3", self._region, resource_arn=resource)
        if denied is None or isinstance(denied, AuthError):
            return None  # credentials are the judge's business, and it let them pass
        return Refusal("AccessDenied", f"{denied.principal_arn} is not authorized to perform: s3:{name}")

    def _creation_refusal(self, params: dict, access_key: str) -> Refusal | None:
        """What CreateJob needs besides s3:CreateJob. iam:PassedToService is not in the context: seen on AWS."""
        needed = [("iam:PassRole", "iam", params["RoleArn"])]
        if params.get("Tags"):
            needed.append(("s3:PutJobTagging", "s3", "*"))
        for action, service, resource in needed:
            denied = enforce(access_key, action, service, self._region, resource_arn=resource)
            if denied is not None and not isinstance(denied, AuthError):
                return Refusal("AccessDenied", f"{denied.principal_arn} is not authorized to perform: {action} on "
                                               f"resource: {resource}")
        return None

    def _find(self, params: dict, request: Request, account: str, is_described: bool = False) -> Job | None:
        if _sees_all(request):
            return self._runner.find(params["JobId"], account)
        return self._runner.found(params["JobId"], account, is_described)

    def _CreateJob(self, params: dict, request: Request, account: str) -> wire.Reply | Refusal:
        refusal = self._creation_refusal(params, signature.claim_of(request).access_key)
        job = refusal or self._runner.create(params, request.body, account, self._region)
        return job if isinstance(job, Refusal) else _result("CreateJob", _element("JobId", job.identifier))

    def _DescribeJob(self, params: dict, request: Request, account: str) -> wire.Reply | Refusal:
        job = self._find(params, request, account, is_described=True)
        return _no_such_job() if job is None else _result("DescribeJob", f"<Job>{_details(job)}</Job>")

    def _ListJobs(self, params: dict, request: Request, account: str) -> wire.Reply | Refusal:
        statuses = params.get("JobStatuses", [])
        known = self._runner.of_account(account) if _sees_all(request) else self._runner.listed(account)
        jobs = [job for job in known if not statuses or job.status in statuses]
        start = _offset(params.get("NextToken"))
        if start is None:
            return Refusal("InvalidNextTokenException", "The nextToken is not one of ours.", 400)
        end = start + params.get("MaxResults", _LARGEST_PAGE)
        body = "".join(f"<member>{_summary(job)}</member>" for job in jobs[start:end])
        following = f"<NextToken>{_token(end)}</NextToken>" if end < len(jobs) else ""
        return _result("ListJobs", f"<Jobs>{body}</Jobs>{following}")

    def _UpdateJobStatus(self, params: dict, request: Request, account: str) -> wire.Reply | Refusal:
        job = self._find(params, request, account)
        if job is None:
            return _no_such_job()
        refusal = self._runner.request_status(job, params["RequestedJobStatus"], params.get("StatusUpdateReason"))
        return refusal or _result("UpdateJobStatus", _element("JobId", job.identifier) + _element("Status", job.status)
                                  + _element("StatusUpdateReason", job.status_reason))

    def _UpdateJobPriority(self, params: dict, request: Request, account: str) -> wire.Reply | Refusal:
        job = self._find(params, request, account)
        if job is None:
            return _no_such_job()
        self._runner.request_priority(job, params["Priority"])
        return _result("UpdateJobPriority", _element("JobId", job.identifier) + _element("Priority", job.priority))


def _sees_all(request: Request) -> bool:
    """The administrator's key is a test's own eye: for it a job is there at once."""
    return signature.claim_of(request).access_key == signature.ADMINISTRATOR


def _no_such_job() -> Refusal:
    return Refusal("NoSuchJob", "The specified job does not exist.", 404)


def _result(name: str, body: str) -> wire.Reply:
    return wire.xml(200, f'<{name}Result xmlns="{_NAMESPACE}">{body}</{name}Result>')


def _element(name: str, value) -> str:
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{name}>{escape(text)}</{name}>"


def _nested(value) -> str:
    """CreateJob's own members as XML again."""
    if isinstance(value, dict):
        return "".join(f"<{name}>{_nested(inner)}</{name}>" for name, inner in value.items())
    if isinstance(value, list):
        return "".join(f"<member>{_nested(inner)}</member>" for inner in value)
    return escape(str(value).lower() if isinstance(value, bool) else str(value))


def _progress(job: Job) -> str:
    """Absent from a job that is New: unknown is not 0."""
    return "" if job.status == "New" else (f"<ProgressSummary><TotalNumberOfTasks>{job.total}</TotalNumberOfTasks>"
            f"<NumberOfTasksSucceeded>{job.succeeded}</NumberOfTasksSucceeded>"
            f"<NumberOfTasksFailed>{job.failed}</NumberOfTasksFailed><Timers><ElapsedTimeInActiveSeconds>"
            f"{int(job.active_seconds)}</ElapsedTimeInActiveSeconds></Timers></ProgressSummary>")


def _common(job: Job) -> str:
    return (_element("JobId", job.identifier) + _element("Description", job.settings.get("Description"))
            + _element("Priority", job.priority) + _element("Status", job.status)
            + _element("CreationTime", job.created_at) + _element("TerminationDate", job.ended_at) + _progress(job))


def _summary(job: Job) -> str:
    return _common(job) + _element("Operation", job.operation)


def _details(job: Job) -> str:
    settings = job.settings
    failure = "" if job.failure is None else (
        f"<FailureReasons><member>{_element('FailureCode', job.failure.code[:64])}"
        f"{_element('FailureReason', str(job.failure)[:256])}</member></FailureReasons>")
    return (_common(job) + _element("JobArn", job.arn) + _element("RoleArn", settings["RoleArn"])
            + _element("ConfirmationRequired", settings.get("ConfirmationRequired", False))
            + _element("StatusUpdateReason", job.status_reason) + failure + _suspension(job)
            + f"<Manifest>{_nested(settings['Manifest'])}</Manifest>"
            + f"<Report>{_nested(settings['Report'])}</Report><Operation><{job.operation}/></Operation>")


def _suspension(job: Job) -> str:
    if job.suspended_at is None:
        return ""
    return _element("SuspendedDate", job.suspended_at) + _element("SuspendedCause", "The job awaits confirmation")


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"after:{offset}".encode()).decode()


def _offset(token: str | None) -> int | None:
    if token is None:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(token).decode().partition(":")
        return int(number) if word == "after" else None
    except ValueError:
        return None
