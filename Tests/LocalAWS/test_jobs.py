"""The life of a job: its states and who moves them, the account's places, tokens, and when a job is seen.

Sources: User Guide, "Tracking job status and completion reports", "Assigning job priority", "S3 Batch Replication
considerations", "Troubleshooting S3 Batch Operations"; S3 Control's model in botocore.
"""
import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError
from jobsteps import ENDED, ended, fail, progress, report, rows

from localaws.jobs import FOLLOWING, RUNNING, STATES, TERMINAL
from localaws_client import ACCOUNT, REGION


def wait_until(cloud, condition, seconds=10.0):
    """Ask for the jobs until the condition holds of them."""
    deadline = time.monotonic() + seconds
    while not condition(jobs := {job["jobId"]: job for job in cloud.jobs()}):
        assert time.monotonic() < deadline, jobs
    return jobs


def wait_for(cloud, job_id, state):
    wait_until(cloud, lambda jobs: jobs[job_id]["status"] == state)


@pytest.fixture
def make(cloud, user, mended, name):
    """Makes a job on one good object; `make(Priority=5)`."""
    versions = fail(cloud, user, mended, ["a"])

    def make_job(**changes):
        return cloud.create_job(user, f"{name}-jobs", rows(mended, versions), f"{name}-jobs", **changes)

    return make_job


@pytest.fixture
def control(cloud, user):
    return cloud.client("s3control", user)


@pytest.fixture
def others(cloud):
    """Ends others' jobs after the test."""
    yield
    for job in cloud.jobs():
        if job["foreign"] and job["status"] not in TERMINAL:
            cloud.order(job["jobId"], "finish")


def describe(control, job_id):
    return control.describe_job(AccountId=ACCOUNT, JobId=job_id)["Job"]


def update(control, job_id, wanted, **more):
    return control.update_job_status(AccountId=ACCOUNT, JobId=job_id, RequestedJobStatus=wanted, **more)


def code_of(caught):
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_the_states_are_those_of_the_model(control):
    enumeration = control.meta.service_model.shape_for("JobStatus").enum
    assert set(STATES) == set(enumeration) and len(STATES) == 13
    assert {state for state in STATES if not FOLLOWING[state]} == set(TERMINAL)
    assert set(RUNNING) < set(STATES)


def test_a_job_goes_through_its_states_in_order(cloud, make):
    job_id = make()
    ended(cloud, job_id)
    assert cloud.job(job_id)["states"] == ["New", "Preparing", "Ready", "Active", "Completing", "Complete"]
    job_id = make(ConfirmationRequired=True)
    wait_for(cloud, job_id, "Suspended")
    update(cloud.client("s3control"), job_id, "Ready")
    ended(cloud, job_id)
    assert cloud.job(job_id)["states"] == ["New", "Preparing", "Suspended", "Ready", "Active", "Completing",
                                           "Complete"]


@pytest.mark.parametrize("state", [state for state in STATES if state not in TERMINAL])
def test_a_job_can_be_held_in_every_state_and_goes_on(cloud, make, control, state):
    cloud.batch(holdStates=[state])
    job_id = make(ConfirmationRequired=state == "Suspended")
    if state in ("Pausing", "Paused"):
        cloud.order(job_id, "pause")
    elif state == "Failing":
        cloud.order(job_id, "fail", code="InternalError", reason="An internal error.")
    elif state == "Cancelling":
        update(control, job_id, "Cancelled")
    wait_for(cloud, job_id, state)
    job = describe(control, job_id)
    assert job["Status"] == state and ("ProgressSummary" in job) == (state != "New"), job
    assert job_id in [one["JobId"] for one in control.list_jobs(AccountId=ACCOUNT, JobStatuses=[state])["Jobs"]]
    cloud.batch(holdStates=[])
    if state == "Suspended":
        assert job["SuspendedDate"] >= job["CreationTime"] and job["SuspendedCause"]
        update(control, job_id, "Ready")
    elif state in ("Pausing", "Paused"):
        wait_for(cloud, job_id, "Paused")
        cloud.order(job_id, "resume")
    end = {"Failing": "Failed", "Cancelling": "Cancelled"}.get(state, "Complete")
    assert ended(cloud, job_id)["Status"] == end
    states = cloud.job(job_id)["states"]
    assert all(after in FOLLOWING[before] for before, after in zip(states, states[1:])), states


@pytest.mark.parametrize("state", [state for state in STATES if state not in (*TERMINAL, "Cancelling", "Failing")])
def test_a_job_can_be_cancelled_in_every_state_but_completing(cloud, make, control, state):
    cloud.batch(holdStates=[state])
    job_id = make(ConfirmationRequired=state == "Suspended")
    if state in ("Pausing", "Paused"):
        cloud.order(job_id, "pause")
    wait_for(cloud, job_id, state)
    if state == "Completing":
        with pytest.raises(control.exceptions.JobStatusException):
            update(control, job_id, "Cancelled")
        cloud.batch(holdStates=[])
        assert ended(cloud, job_id)["Status"] == "Complete"
        return
    answer = update(control, job_id, "Cancelled", StatusUpdateReason="No longer needed")
    assert (answer["Status"], answer["StatusUpdateReason"]) == ("Cancelling", "No longer needed")
    job = ended(cloud, job_id)
    assert (job["Status"], job["StatusUpdateReason"]) == ("Cancelled", "No longer needed")
    for wanted in ("Ready", "Cancelled"):
        with pytest.raises(control.exceptions.JobStatusException):
            update(control, job_id, wanted)


@pytest.mark.parametrize("state", ["New", "Preparing", "Suspended", "Ready", "Active", "Paused", "Completing"])
def test_a_job_can_fail_in_every_state(cloud, make, control, state):
    cloud.batch(holdStates=[state])
    job_id = make(ConfirmationRequired=state == "Suspended")
    if state == "Paused":
        cloud.order(job_id, "pause")
    wait_for(cloud, job_id, state)
    cloud.order(job_id, "fail", code="InternalError", reason="Something broke.")
    job = ended(cloud, job_id)
    assert job["Status"] == "Failed"
    assert job["FailureReasons"] == [{"FailureCode": "InternalError", "FailureReason": "Something broke."}]


def test_only_a_suspended_job_becomes_ready_and_after_thirty_days_it_fails(cloud, make, control):
    cloud.batch(holdStates=["Active"])
    active = make()
    wait_for(cloud, active, "Active")
    with pytest.raises(control.exceptions.JobStatusException):
        update(control, active, "Ready")
    cloud.batch(holdStates=[], suspendedSeconds=0.05)
    forgotten = make(ConfirmationRequired=True)
    job = ended(cloud, forgotten)
    assert job["Status"] == "Failed" and progress(job) == (1, 0, 0)
    assert cloud.job(forgotten)["states"][-3:] == ["Suspended", "Failing", "Failed"]


def test_an_account_has_six_places_and_others_jobs_take_theirs(cloud, make, others):
    foreign = cloud.foreign_jobs(4)
    lambdas = cloud.foreign_jobs(3, operation="LambdaInvoke")
    cloud.batch(holdStates=["Active"])
    own = [make() for _ in range(3)]
    jobs = wait_until(cloud, lambda jobs: all(jobs[one]["status"] == "Active" for one in [*foreign, *own[:2], *lambdas])
                      and jobs[own[2]]["status"] == "Ready")
    assert sum(job["status"] == "Active" and job["jobId"] not in lambdas for job in jobs.values()) == 6
    cloud.order(foreign[0], "finish")
    wait_for(cloud, own[2], "Active")
    listed = cloud.client("s3control").list_jobs(AccountId=ACCOUNT, JobStatuses=["Active"])["Jobs"]
    assert {job["JobId"] for job in listed} == {*foreign[1:], *own, *lambdas}
    assert {job["Description"] for job in listed if job["JobId"] in foreign} == {"somebody else's"}
    assert {job["Operation"] for job in listed if job["JobId"] in lambdas} == {"LambdaInvoke"}
    cloud.batch(holdStates=[])
    cloud.settle()


def test_a_greater_priority_pauses_the_least_and_it_becomes_active_again(cloud, make, control, others):
    cloud.batch(activeLimit=2)
    low, = cloud.foreign_jobs(priority=1)
    cloud.foreign_jobs(priority=50)
    wait_for(cloud, low, "Active")
    cloud.batch(holdStates=["Completing"])
    first = make(Priority=5)
    wait_for(cloud, first, "Completing")
    assert cloud.job(low)["states"][-2:] == ["Pausing", "Paused"]
    least = make(Priority=1)
    wait_for(cloud, least, "Ready")
    control.update_job_priority(AccountId=ACCOUNT, JobId=least, Priority=99)
    cloud.batch(holdStates=[])
    ended(cloud, least)
    assert describe(control, least)["Priority"] == 99
    wait_for(cloud, low, "Active")
    assert "Paused" not in cloud.job(first)["states"]


def test_time_in_paused_is_not_time_in_active(cloud, make, control):
    job_id = paused_job(cloud, make)
    at_pause = cloud.job(job_id)["activeSeconds"]
    assert cloud.job(job_id)["activeSeconds"] == at_pause > 0
    assert describe(control, job_id)["ProgressSummary"]["Timers"]["ElapsedTimeInActiveSeconds"] == int(at_pause)
    cloud.order(job_id, "resume")
    assert ended(cloud, job_id)["Status"] == "Complete"
    assert cloud.job(job_id)["activeSeconds"] > at_pause


def paused_job(cloud, make):
    """A job that was Active for a moment and is Paused."""
    cloud.batch(holdStates=["Active"])
    job_id = make()
    wait_for(cloud, job_id, "Active")
    cloud.order(job_id, "pause")
    cloud.batch(holdStates=[])
    wait_for(cloud, job_id, "Paused")
    return job_id


def test_a_new_job_is_not_seen_at_once(cloud, make, control):
    cloud.batch(unseenDescribes=2, unseenLists=1)
    job_id = make()
    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            describe(control, job_id)
        assert code_of(caught) == ("NoSuchJob", 404)
    assert describe(control, job_id)["JobId"] == job_id

    def listed():
        return {job["JobId"] for job in control.list_jobs(AccountId=ACCOUNT, MaxResults=1000)["Jobs"]}

    assert job_id not in listed() and job_id in listed()
    cloud.batch(unseenDescribes=9, unseenLists=9)
    fresh, eye = make(), cloud.client("s3control")
    assert describe(eye, fresh)["JobId"] == fresh
    assert fresh in {job["JobId"] for job in eye.list_jobs(AccountId=ACCOUNT)["Jobs"]} and fresh not in listed()
    cloud.batch(unseenDescribes=1)
    unseen = make()
    with pytest.raises(ClientError) as caught:
        update(control, unseen, "Cancelled")
    assert code_of(caught)[0] == "NoSuchJob"


def test_a_job_is_forgotten_ninety_days_after_its_end(cloud, make, control):
    cloud.batch(expireSeconds=0.01)
    job_id = make()
    wait_until(cloud, lambda jobs: job_id not in jobs)
    for call in (lambda: describe(control, job_id), lambda: update(control, job_id, "Cancelled"),
                 lambda: control.update_job_priority(AccountId=ACCOUNT, JobId=job_id, Priority=1)):
        with pytest.raises(ClientError) as caught:
            call()
        assert code_of(caught) == ("NoSuchJob", 404)
    cloud.batch(expireSeconds=0)
    job_id = make()
    ended(cloud, job_id)
    cloud.order(job_id, "forget")
    with pytest.raises(ClientError) as caught:
        describe(control, job_id)
    assert job_id not in {job["JobId"] for job in control.list_jobs(AccountId=ACCOUNT, MaxResults=1000)["Jobs"]}


@pytest.fixture
def settings(cloud, user, mended, name):
    """One CreateJob, to be sent as often as one likes."""
    bucket, versions = f"{name}-jobs", fail(cloud, user, mended, ["a"])
    etag = cloud.client("s3").put_object(Bucket=bucket, Key="m", Body=rows(mended, versions).encode())["ETag"]
    return {
        "AccountId": ACCOUNT, "ConfirmationRequired": False, "Operation": {"S3ReplicateObject": {}},
        "Report": {"Enabled": False}, "ClientRequestToken": str(uuid.uuid4()), "Priority": 1,
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/batch",
        "Manifest": {"Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key", "VersionId"]},
                     "Location": {"ObjectArn": f"arn:aws:s3:::{bucket}/m", "ETag": etag.strip('"')}}}


def test_a_token_with_the_same_body_is_the_same_job_and_with_another_is_refused(cloud, control, settings):
    first = control.create_job(**settings)["JobId"]
    assert control.create_job(**settings)["JobId"] == first
    ended(cloud, first)
    assert control.create_job(**settings)["JobId"] == first, "after its end too"
    with pytest.raises(control.exceptions.IdempotencyException):
        control.create_job(**{**settings, "Priority": 2})


def test_a_token_that_aws_has_forgotten_makes_a_second_job_or_is_refused(cloud, control, settings):
    first = control.create_job(**settings)["JobId"]
    cloud.order(first, "refuseToken")
    with pytest.raises(control.exceptions.IdempotencyException):
        control.create_job(**settings)
    cloud.order(first, "forgetToken")
    second = control.create_job(**settings)["JobId"]
    assert second != first
    cloud.order(second, "forget")
    third = control.create_job(**settings)["JobId"]
    assert third not in (first, second), "the token went with the job"
    cloud.batch(tokenSeconds=0.001)
    assert control.create_job(**settings)["JobId"] not in (first, second, third)
    cloud.settle()


def test_creating_needs_more_than_create_job(cloud, settings):
    def policy(*actions):
        return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}

    for number, (allowed, tags, missing) in enumerate((
            (["s3:CreateJob"], [], "iam:PassRole"), (["iam:PassRole"], [], "s3:CreateJob"),
            (["s3:CreateJob", "iam:PassRole"], [{"Key": "a", "Value": "b"}], "s3:PutJobTagging"))):
        key = cloud.user(f"creator-{settings['ClientRequestToken'][:8]}-{number}", policy(*allowed))
        with pytest.raises(ClientError) as caught:
            cloud.client("s3control", key).create_job(**settings, **({"Tags": tags} if tags else {}))
        assert code_of(caught) == ("AccessDenied", 403) and missing in str(caught.value)


def test_a_role_that_batch_operations_cannot_take_on_fails_the_job(cloud, control, settings):
    arn = cloud.role("untrusted", {"Service": "lambda.amazonaws.com"})
    job = ended(cloud, control.create_job(**{**settings, "RoleArn": arn})["JobId"])
    cloud.drop_role("untrusted")
    assert job["Status"] == "Failed" and job["FailureReasons"][0]["FailureCode"] == "AccessDenied"


def test_the_answers_have_the_members_of_the_model(cloud, user, make, control):
    """botocore drops what its model does not have: what is asserted came through it."""
    job_id = make(Description="d", Priority=7)
    ended(cloud, job_id)
    job = describe(control, job_id)
    assert job["JobArn"] == f"arn:aws:s3:{REGION}:{ACCOUNT}:job/{job_id}"
    assert (job["Priority"], job["Operation"], job["RoleArn"]) == (
        7, {"S3ReplicateObject": {}}, f"arn:aws:iam::{ACCOUNT}:role/batch")
    assert job["Manifest"]["Spec"]["Fields"] == ["Bucket", "Key", "VersionId"]
    assert (job["Report"]["ReportScope"], job["ConfirmationRequired"]) == ("AllTasks", False)
    assert job["TerminationDate"] >= job["CreationTime"]
    listed = next(one for one in control.list_jobs(AccountId=ACCOUNT)["Jobs"] if one["JobId"] == job_id)
    assert set(listed) == {"JobId", "Description", "Operation", "Priority", "Status", "CreationTime",
                           "TerminationDate", "ProgressSummary"}


@pytest.mark.parametrize(("wrong", "why"), [
    ({"Priority": -1}, "Priority"), ({"Priority": 1 << 31}, "Priority"), ({"ClientRequestToken": ""}, "Token"),
    ({"ClientRequestToken": "t" * 65}, "Token"), ({"Description": ""}, "Description"),
    ({"Description": "d" * 257}, "Description"), ({"RoleArn": "role/batch"}, "RoleArn"),
    ({"RoleArn": "arn:aws:iam::1:role/batch"}, "RoleArn"), ({"Operation": {}}, "S3ReplicateObject"),
    ({"Report": {"Enabled": True, "ReportScope": "Some"}}, "ReportScope"), ({"Report": {}}, "Enabled"),
    ({"Report": {"Enabled": True, "Bucket": "a-name"}}, "Bucket"),
    ({"Report": {"Enabled": True, "Prefix": "p" * 513}}, "Prefix")])
def test_a_request_against_the_model_is_refused_by_name(cloud, user, settings, wrong, why):
    client = cloud.client("s3control", user, validates=False)
    with pytest.raises(ClientError, match=why) as caught:
        client.create_job(**{**settings, **wrong})
    assert code_of(caught)[1] == 400


@pytest.mark.parametrize(("operation", "code", "status"), [
    ("CreateJob", "BadRequestException", 400), ("CreateJob", "IdempotencyException", 400),
    ("CreateJob", "TooManyRequestsException", 400), ("CreateJob", "InternalServiceException", 500),
    ("CreateJob", "SlowDown", 503), ("CreateJob", "AccessDenied", 403), ("CreateJob", "InvalidRequest", 400),
    ("DescribeJob", "TooManyRequestsException", 400), ("DescribeJob", "SlowDown", 503)])
def test_every_error_of_a_call_can_be_ordered(cloud, make, control, operation, code, status):
    known = make()
    cloud.faults({"operation": f"s3control.{operation}", "code": code})
    with pytest.raises(ClientError) as caught:
        make() if operation == "CreateJob" else describe(control, known)
    assert code_of(caught) == (code, status)
    modelled = control.meta.service_model.operation_model(operation).error_shapes
    if code in {shape.name for shape in modelled}:
        assert type(caught.value).__name__ == code
    assert cloud.pending_faults() == []
    cloud.faults()
    cloud.settle()


def test_an_error_may_come_without_its_envelope(cloud, make, control):
    """S3 Control answers in <ErrorResponse>, S3 itself in a bare <Error>: a client has to take both."""
    job_id = make()
    cloud.faults({"operation": "s3control.DescribeJob", "kind": "garbage", "status": 403, "contentType": "application/xml",
                  "body": "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"})
    with pytest.raises(ClientError) as caught:
        describe(control, job_id)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    cloud.settle()


def test_the_states_of_jobs_are_events_of_eventbridge(cloud, name, make):
    """Shape: User Guide, "Tracking an S3 Batch Operations job in Amazon EventBridge through AWS CloudTrail"."""
    queue = cloud.queue(f"{name}-states")
    cloud.batch(statusEventsTo=queue.arn)
    good = make()
    ended(cloud, good)
    cloud.batch(holdStates=["Ready"])
    bad = make()
    wait_for(cloud, bad, "Ready")
    cloud.order(bad, "fail", code="InternalError")
    ended(cloud, bad)
    sqs, heard = cloud.client("sqs"), []
    while len(heard) < 11:
        heard += [json.loads(message["Body"]) for message in sqs.receive_message(
            QueueUrl=queue.url, MaxNumberOfMessages=10, WaitTimeSeconds=1)["Messages"]]
    assert {(one["source"], one["detail-type"]) for one in heard} == {("aws.s3", "AWS Service Event via CloudTrail")}
    details = [one["detail"]["serviceEventDetails"] for one in heard]
    assert [one["status"] for one in details if one["jobId"] == good] == cloud.job(good)["states"]
    assert [one["detail"]["eventName"] for one in heard[:2]] == ["JobCreated", "JobStatusChanged"]
    assert [one["failureCodes"] for one in details if one["jobId"] == bad] == [[]] * 4 + [["InternalError"]]


def test_orders_are_checked(cloud, make):
    job_id = make()
    ended(cloud, job_id)
    for wrong in ({"order": "explode"}, {"order": "fail"}):
        with pytest.raises(Exception, match="400"):
            cloud.order(job_id, **wrong)
    for call in (lambda: cloud.order("nobody", "pause"), lambda: cloud.foreign_jobs(0),
                 lambda: cloud.foreign_jobs(1, colour="red"), lambda: cloud.batch(holdStates=["Running"]),
                 lambda: cloud.batch(holdStates=[1]), lambda: cloud.batch(activeLimit=-1),
                 lambda: cloud.batch(reportFault="sunk")):
        with pytest.raises(Exception, match="400"):
            call()


def test_an_end_early_reports_what_was_done(cloud, user, mended, name, control):
    versions = fail(cloud, user, mended, ["a", "b", "c"])
    for order in ("fail", "cancel"):
        cloud.batch(taskSeconds=30)
        job_id = cloud.create_job(user, f"{name}-jobs", rows(mended, versions), f"{name}-jobs")
        wait_until(cloud, lambda jobs: jobs[job_id]["succeeded"] == 1)
        if order == "fail":
            cloud.order(job_id, "fail")
        else:
            update(control, job_id, "Cancelled")
        job = ended(cloud, job_id)
        assert job["Status"] in ENDED and progress(job) == (3, 1, 0)
        assert len(report(cloud, f"{name}-jobs", job_id)[1]) == 1
