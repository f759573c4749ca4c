"""kill -9 between any two steps of a remediation: it resumes where it stood, with one job and no false closure."""
import time

import pytest

from harness import until
from repairs import SECONDS, finished, one_rule, run_of, start

_GOOD = tuple(f"good/{number} +%2F" for number in range(5))
_BAD = ("bad/still denied",)


def never(operation: str) -> dict:
    """The request has no effect, and whoever sent it waits for the answer until it is killed."""
    return {"operation": operation, "kind": "hang"}


def lost(operation: str) -> dict:
    """The request takes effect, and whoever sent it waits for the answer until it is killed."""
    return {"operation": operation, "kind": "hang", "applied": True}


# What the daemon waits for when it is killed, once or more often.
_STEPS = {
    "the account is asked for": [never("sts.GetCallerIdentity")],
    "the manifest is on its way": [never("s3.PutObject")],
    "the manifest is there": [lost("s3.PutObject")],
    "the manifest is there twice": [lost("s3.PutObject"), never("s3.HeadObject")],
    "CreateJob is on its way": [never("s3control.CreateJob")],
    "the job is made": [lost("s3control.CreateJob")],
    "the job is looked for": [lost("s3control.CreateJob"), never("s3control.ListJobs")],
    "the job is made, seldom seen": [never("s3control.CreateJob"), lost("s3control.CreateJob")],
    "the job is described": [never("s3control.DescribeJob")],
    "the job is described again": [never("s3control.DescribeJob"), never("s3control.DescribeJob")],
    "the report is asked for": [never("s3.GetObject")],
    "the report is asked for again": [never("s3.GetObject"), never("s3.GetObject")],
    "the replication is asked for": [never("s3.GetBucketReplication")],
    "a version is verified": [never("s3.HeadObject")],
    "two versions are verified": [never("s3.HeadObject"), never("s3.HeadObject")],
}


def took_effect(stage, rule: str, fault: dict) -> bool:
    """The fault has fired, and what it leaves behind is there."""
    if stage.cloud.pending_faults():
        return False
    if fault == lost("s3control.CreateJob"):
        return len(stage.jobs_of(rule)) == 1
    if fault == lost("s3.PutObject"):
        return stage.cloud.client("s3").list_objects_v2(Bucket=stage.manifests)["KeyCount"] == 1
    return True


@pytest.mark.parametrize("step", _STEPS)
def test_a_kill_when(stage, step):
    rule, destination, versions = one_rule(stage, *_GOOD, *_BAD)
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": len(versions)}}, SECONDS)
        stage.cloud.deny_replication(destination, "bad/")
        for number, fault in enumerate(_STEPS[step]):
            stage.cloud.faults(fault)
            if number == 0:
                start(daemon, rule)
            else:
                daemon.start()
            until(lambda fault=fault: took_effect(stage, rule, fault), SECONDS, f"{fault} fired")
            daemon.kill()
        daemon.start()
        ends_well(stage, daemon, rule, destination, versions)
    print(f"{len(_STEPS[step])} kills when {step}: one job, {len(_GOOD)} closed, {len(_BAD)} open")


def ends_well(stage, daemon, rule: str, destination: str, versions: dict[str, str]) -> None:
    run = finished(daemon, rule)
    assert run["state"] == "finished", run
    assert (run["outcome"]["replicated"], run["outcome"]["failedAgain"]) == (len(_GOOD), len(_BAD)), run
    assert len(stage.jobs_of(rule)) == 1
    assert len(daemon.all("/v1/remediations")) == 1
    manifests = stage.cloud.client("s3").list_objects_v2(Bucket=stage.manifests, Prefix="manifests/")
    assert manifests["KeyCount"] == 1
    for one in daemon.failures(rule):
        replicated = stage.status_of(rule.split("/")[0], one["key"], one["versionId"]) == "COMPLETED"
        assert replicated == (one["key"] in _GOOD)
        assert (one["state"], one.get("evidence")) == (("replicated", "status") if replicated else ("open", None))
        if replicated:
            assert stage.replica(destination, one["key"], versions[one["key"]]) == one["key"].encode()


def test_a_kill_at_once_after_the_start_was_answered(stage):
    rule, destination, versions = one_rule(stage, *_GOOD, *_BAD)
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": len(versions)}}, SECONDS)
        stage.cloud.deny_replication(destination, "bad/")
        start(daemon, rule)
        daemon.restart()
        ends_well(stage, daemon, rule, destination, versions)


def test_a_request_that_arrives_after_the_daemon_died_makes_no_second_job(stage):
    """The network holds CreateJob back; meanwhile the daemon is started again and sends the same bytes."""
    rule, destination, versions = one_rule(stage, *_GOOD, *_BAD)
    late = 1.5
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": len(versions)}}, SECONDS)
        stage.cloud.deny_replication(destination, "bad/")
        stage.cloud.faults({"operation": "s3control.CreateJob", "delaySeconds": late, "applied": True})
        start(daemon, rule)
        until(lambda: not stage.cloud.pending_faults(), SECONDS)
        arrival = time.monotonic() + late
        daemon.restart()
        ends_well(stage, daemon, rule, destination, versions)
        until(lambda: time.monotonic() > arrival + 0.2, SECONDS)
        assert len(stage.jobs_of(rule)) == 1
        assert stage.cloud.judge()["byOperation"]["s3control.CreateJob"] == 2


def test_kills_at_random_moments_of_a_slow_job(stage):
    rule, destination, versions = one_rule(stage, *_GOOD, *_BAD)
    kills = 6
    stage.cloud.batch(prepareSeconds=0.5, activeSeconds=0.5, taskSeconds=0.1)
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": len(versions)}}, SECONDS)
        stage.cloud.deny_replication(destination, "bad/")
        start(daemon, rule)
        states = []
        for number in range(kills):
            until(lambda moment=time.monotonic() + 0.07 * number: time.monotonic() > moment)
            states.append(run_of(daemon, rule)["state"])
            daemon.restart()
        ends_well(stage, daemon, rule, destination, versions)
    print(f"{kills} kills in the states {states}")
