"""Reports of every kind, canaries, confirmations and cancellations: from the command line to the last failure."""
import json
import threading

import pytest

from harness import until
from repairs import SECONDS, finished, one_rule, run_of, start

_KEYS = tuple(f"key/{number} +%2F" for number in range(6))

# What becomes of it when a report is damaged: whether its rows are believed.
_REPORTS = {
    "none": True, "documentedColumns": True, "repeatedRows": True, "foreignRows": True, "fewerRows": True,
    "tornRows": True, "withoutAFile": False, "wrongMD5": False, "tornManifest": False,
}


@pytest.mark.parametrize("fault", _REPORTS)
def test_a_report_however_damaged_closes_nothing_wrongly(stage, fault):
    rule, destination, versions = one_rule(stage, *_KEYS, "bad/1", "bad/2")
    source = rule.split("/")[0]
    stage.cloud.batch(reportFault=fault, failsLater=[])
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": 8}}, SECONDS)
        stage.cloud.deny_replication(destination, "bad/")
        start(daemon, rule)
        run = finished(daemon, rule)
        assert run["state"] == "finished", run
        for one in daemon.failures(rule):
            replicated = stage.status_of(source, one["key"], one["versionId"]) == "COMPLETED"
            assert replicated == (not one["key"].startswith("bad/"))
            assert one["state"] == ("replicated" if replicated else "open"), (fault, one)
        outcome = run["outcome"]
        assert (outcome["replicated"], outcome["failedAgain"], outcome["verifying"]) == (6, 2, 0), outcome
        tried = [one["lastTask"] for one in daemon.failures(rule) if "lastTask" in one]
        assert bool(tried) == _REPORTS[fault], tried
        assert all(task["jobId"] == run["jobs"][0]["jobId"] for task in tried)
        if fault == "none":
            assert {task["status"] for task in tried} == {"succeeded", "failed"} and len(tried) == 8
            assert "problem" not in run["jobs"][0], run
            assert run["jobs"][0]["report"]["key"].endswith(f"/job-{run['jobs'][0]['jobId']}/manifest.json")
        if fault in ("fewerRows", "tornRows", "foreignRows", "wrongMD5", "withoutAFile", "tornManifest"):
            assert run["jobs"][0]["problem"], run
    print(f"report fault {fault}: 6 closed on S3's status, 2 open")


@pytest.mark.parametrize("events", [True, False])
@pytest.mark.parametrize("later", [True, False])
def test_a_cause_that_remains_leaves_it_open_with_and_without_events(stage, events, later):
    rule, destination, _ = one_rule(stage, *_KEYS)
    stage.cloud.batch(failedTaskEvents=events, laterFailureEvents=events,
                      **({} if later else {"failsLater": []}))
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": 6}}, SECONDS)
        start(daemon, rule)
        run = finished(daemon, rule)
        assert (run["outcome"]["failedAgain"], run["outcome"]["replicated"]) == (6, 0), run
        assert daemon.counts() == {rule: {"open": 6}}


def test_what_is_pending_is_waited_for_until_it_completes_or_fails(stage):
    rule, destination, versions = one_rule(stage, "good", "bad")
    stage.cloud.batch(holdPending=True)
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": 2}}, SECONDS)
        stage.cloud.deny_replication(destination, "bad")
        start(daemon, rule)
        until(lambda: daemon.counts() == {rule: {"verifying": 2}}, SECONDS)
        daemon.restart()
        assert daemon.counts() == {rule: {"verifying": 2}}
        stage.cloud.batch(holdPending=False)
        finished(daemon, rule)
        assert {one["key"]: one["state"] for one in daemon.failures(rule)} == {"good": "replicated", "bad": "open"}


def follow(daemon, identifier: str) -> list[dict]:
    """Every line of a remediation's stream, to its end."""
    answer = daemon.get(f"/v1/remediations/{identifier}/events")
    assert answer.status == 200 and answer.content_type == "application/x-ndjson"
    return [json.loads(line) for line in answer.body.splitlines() if line]


def two_reasons(stage):
    """A mended rule with 10 failures of one reason and 5 of another, whose cause remains."""
    keys = [f"put/{number}" for number in range(10)] + [f"kms/{number}" for number in range(5)]
    rule, destination, versions = one_rule(stage, *keys)
    source = rule.split("/")[0]
    stage.cloud.send_failures(stage.queue, source, "rule", keys[10:], None, destination, "DstKmsKeyNotFound",
                              version_ids=[versions[key] for key in keys[10:]])
    stage.cloud.allow_replication(destination)
    stage.cloud.outcomes({"bucket": source, "prefix": "kms/", "when": "later", "code": "DstKmsKeyNotFound"})
    return rule, destination


def test_a_canary_holds_back_what_it_did_not_prove(stage):
    rule, _ = two_reasons(stage)
    with stage.daemon() as daemon:
        until(lambda: {one["reason"] for one in daemon.failures(rule)} == {"DstPutObjectNotPermitted",
                                                                           "DstKmsKeyNotFound"}, SECONDS)
        done = daemon.cli("remediate", rule, "--yes", "--canary", "4")
        assert done.returncode == 6, done
        assert "HELD BACK" in done.stdout and "DstKmsKeyNotFound" in done.stdout, done.stdout
        run = run_of(daemon, rule)
        assert run["state"] == "finished" and run["canary"] == 4
        assert [job["role"] for job in run["jobs"]] == ["canary", "main"]
        assert [job["tasks"]["total"] for job in run["jobs"]] == [4, 10 - 4 + 1]
        (held,) = run["heldBack"]
        assert (held["reason"], held["objects"]) == ("DstKmsKeyNotFound", 4)
        assert daemon.counts() == {rule: {"replicated": 10, "open": 5}}
        assert len(stage.jobs_of(rule)) == 2
        states = [line["state"] for line in follow(daemon, run["id"])]
        assert states == ["finished"]


@pytest.mark.parametrize("moment", ["canary", "main"])
def test_a_kill_in_a_canary_makes_no_third_job(stage, moment):
    rule, _ = two_reasons(stage)
    with stage.daemon() as daemon:
        until(lambda: len({one["reason"] for one in daemon.failures(rule)}) == 2, SECONDS)
        never = {"operation": "s3control.CreateJob", "kind": "hang", "applied": True}
        stage.cloud.batch(holdStates=["Active"])
        if moment == "canary":
            stage.cloud.faults(never)
        answer = daemon.post("/v1/remediations", {"rule": rule, "canary": 4})
        assert answer.status == 201, answer
        if moment == "main":
            until(lambda: stage.jobs_of(rule), SECONDS)
            stage.cloud.faults(never)
        stage.cloud.batch(holdStates=[])
        until(lambda: not stage.cloud.pending_faults(), SECONDS)
        until(lambda: len(stage.jobs_of(rule)) == (1 if moment == "canary" else 2), SECONDS)
        daemon.kill()
        daemon.start()
        run = finished(daemon, rule)
        assert run["state"] == "finished" and len(stage.jobs_of(rule)) == 2, run
        assert daemon.counts() == {rule: {"replicated": 10, "open": 5}}


def test_a_job_waits_for_its_confirmation_and_the_stream_tells(stage):
    rule, destination, _ = one_rule(stage, *_KEYS)
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": 6}}, SECONDS)
        stage.cloud.allow_replication(destination)
        begun = daemon.cli("remediate", rule, "--yes", "--confirmation", "--no-wait", "-o", "json")
        assert begun.returncode == 0, begun
        identifier = json.loads(begun.stdout)["id"]
        lines = []
        told = threading.Thread(target=lambda: lines.extend(follow(daemon, identifier)))
        told.start()
        until(lambda: "waits for a confirmation" in run_of(daemon, rule).get("problem", ""), SECONDS)
        assert stage.jobs_of(rule)[0]["Status"] == "Suspended"
        assert daemon.counts() == {rule: {"submitted": 6}}
        done = daemon.cli("remediations", "confirm", identifier, "--yes")
        assert done.returncode == 0, done
        watched = daemon.cli("remediations", "watch", identifier)
        assert watched.returncode == 0 and "finished" in watched.stdout, watched
        told.join(SECONDS)
        assert lines[-1]["state"] == "finished" and len(lines) > 1
        assert lines[-1]["outcome"]["replicated"] == 6
        again = daemon.cli("remediations", "confirm", identifier, "--yes")
        assert again.returncode == 1 and "is finished already" in again.stderr, again


def test_a_cancelled_remediation_gives_back_what_no_task_touched(stage):
    rule, destination, _ = one_rule(stage, *_KEYS)
    stage.cloud.batch(holdStates=["Active"])
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": 6}}, SECONDS)
        stage.cloud.allow_replication(destination)
        identifier = start(daemon, rule)["id"]
        until(lambda: run_of(daemon, rule)["jobs"] and run_of(daemon, rule)["jobs"][0].get("status") == "Active",
              SECONDS)
        done = daemon.cli("remediations", "cancel", identifier, "--yes")
        assert done.returncode == 0, done
        run = until(lambda: (run := run_of(daemon, rule))["state"] == "cancelled" and run, SECONDS)
        until(lambda: daemon.counts() == {rule: {"open": 6}}, SECONDS, "all given back")
        assert run["jobs"][0]["status"] == "Cancelled", run
        stage.cloud.batch(holdStates=[])
        assert daemon.cli("remediate", rule, "--yes").returncode == 0


def test_a_list_of_failures_is_what_a_remediation_takes(stage, tmp_path):
    rule, destination, _ = one_rule(stage, *_KEYS)
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": 6}}, SECONDS)
        stage.cloud.allow_replication(destination)
        listed = daemon.cli("failures", "list", "--rule", rule, "-o", "ndjson").stdout.splitlines(keepends=True)
        chosen = tmp_path / "chosen.ndjson"
        chosen.write_text("".join(listed[:2]))
        done = daemon.cli("remediate", rule, "--yes", "--objects", str(chosen))
        assert done.returncode == 0, done
        keys = {json.loads(line)["key"] for line in listed[:2]}
        assert {one["key"] for one in daemon.failures(rule) if one["state"] == "replicated"} == keys
        assert daemon.counts() == {rule: {"open": 4, "replicated": 2}}
        chosen.write_text("[]\n")
        assert daemon.cli("remediate", rule, "--yes", "--objects", str(chosen)).returncode == 2


def test_no_rule_to_the_destination_is_refused_and_a_lifecycle_is_warned_of(stage):
    rule, destination, _ = one_rule(stage, *_KEYS)
    source = rule.split("/")[0]
    s3 = stage.cloud.client("s3")
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": 6}}, SECONDS)
        s3.put_bucket_lifecycle_configuration(Bucket=source, LifecycleConfiguration={"Rules": [
            {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 90}}]})
        plan = daemon.post("/v1/remediations", {"rule": rule, "dryRun": True})
        assert plan.status == 200 and any("lifecycle" in one for one in plan.json["warnings"]), plan
        assert plan.json["precheck"] == {"looked": 6, "replicated": 0, "gone": 0, "parked": 0}
        s3.delete_bucket_replication(Bucket=source)
        for dry in (True, False):
            refused = daemon.post("/v1/remediations", {"rule": rule, "dryRun": dry})
            assert refused.status == 409 and refused.json["code"] == "remediationRefused", refused
            assert f"no enabled rule of {source} replicates to {destination} any more" in refused.json["detail"]
        assert daemon.counts() == {rule: {"open": 6}}


def test_repairs_made_elsewhere_are_closed_without_a_job(stage):
    rule, destination, versions = one_rule(stage, *_KEYS)
    source = rule.split("/")[0]
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": 6}}, SECONDS)
        for key in _KEYS[:2]:
            stage.cloud.change_version(source, key, versions[key], replicationStatus="COMPLETED")
        stage.cloud.client("s3").delete_object(Bucket=source, Key=_KEYS[2], VersionId=versions[_KEYS[2]])

        def would_change() -> dict:
            dry = daemon.cli("failures", "verify", "--rule", rule, "--dry-run", "-o", "json")
            assert dry.returncode == 0, dry
            return json.loads(dry.stdout)["changed"]

        # HTTP dates have whole seconds: an answer from the second of the failure says nothing yet.
        until(lambda: would_change() == {"replicated": 2, "gone": 1}, SECONDS)
        assert daemon.counts() == {rule: {"open": 6}}
        done = daemon.cli("failures", "verify", "--rule", rule)
        assert done.returncode == 0 and "6 failures" in done.stdout, done
        assert daemon.counts() == {rule: {"open": 3, "replicated": 2, "gone": 1}}
        assert stage.jobs_of(rule) == []
        assert daemon.cli("failures", "verify", "--rule", rule, "--state", "parked").returncode == 7
