"""From a mended cause to closed failures: by real jobs, on S3's word about each object version."""
import datetime
import json

import pytest

from conftest import NASTY_KEYS
from harness import until
from repairs import SECONDS, finished, one_rule, run_of, start


def soon(seconds: int) -> str:
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def test_two_mended_rules_of_one_bucket_end_with_every_failure_replicated(stage):
    source, missing, denied = (f"{stage.name}-{name}" for name in ("source", "missing", "denied"))
    rules = {f"{source}/to-missing": ("m/", missing), f"{source}/to-denied": ("d/", denied)}
    stage.cloud.replicated_pair(source, [("to-missing", "m/", missing), ("to-denied", "d/", denied)], stage.queue,
                                missing=(missing,))
    stage.cloud.deny_replication(denied)
    # With its prefix a key has 1,024 bytes at most.
    versions = {rule: stage.put(source, *(prefix + key[:1022] for key in NASTY_KEYS))
                for rule, (prefix, _) in rules.items()}
    count = len(NASTY_KEYS)
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": count} for rule in rules}, SECONDS)
        stage.cloud.bucket(missing)
        stage.cloud.allow_replication(denied)
        for rule, (_, destination) in rules.items():
            done = daemon.cli("remediate", rule, "--yes")
            assert done.returncode == 0, done
            run = run_of(daemon, rule)
            assert run["state"] == "finished" and run["objects"] == count
            assert run["outcome"] == {"replicated": count, "failedAgain": 0, "gone": 0, "parked": 0, "verifying": 0}
            assert len(stage.jobs_of(rule)) == 1
            manifest = run["jobs"][0]["manifest"]
            assert manifest["bucket"] == stage.manifests and run["id"] in manifest["key"]
            for one in daemon.failures(rule):
                assert (one["state"], one["evidence"]) == ("replicated", "status") and one["closedAt"]
            for key, version in versions[rule].items():
                assert stage.status_of(source, key, version) == "COMPLETED"
                assert stage.replica(destination, key, version) == key.encode()
        assert daemon.counts() == {rule: {"replicated": count} for rule in rules}
        again = daemon.cli("remediate", f"{source}/to-missing", "--yes")
        assert again.returncode == 7, again
        listed = json.loads(daemon.cli("remediations", "list", "-o", "json").stdout)
        assert [one["state"] for one in listed] == ["finished", "finished"]
    print(f"2 rules, {count} keys each: {2 * count} failures closed on S3's status")


def shared(stage, *keys: str) -> tuple[str, dict[str, str]]:
    """A bucket whose objects all fail under two rules, first and second: its name, its destinations by rule."""
    source = f"{stage.name}-source"
    destinations = {f"{source}/{rule}": f"{stage.name}-{rule}" for rule in ("first", "second")}
    stage.cloud.replicated_pair(source, [(rule.split("/")[1], "", name) for rule, name in destinations.items()],
                                stage.queue)
    for destination in destinations.values():
        stage.cloud.deny_replication(destination)
    stage.put(source, *keys)
    return source, destinations


def test_one_completed_version_closes_the_failures_of_every_rule(stage):
    source, destinations = shared(stage, "a", "b")
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": 2} for rule in destinations}, SECONDS)
        for destination in destinations.values():
            stage.cloud.allow_replication(destination)
        assert daemon.cli("remediate", f"{source}/first", "--yes").returncode == 0
        assert daemon.counts() == {rule: {"replicated": 2} for rule in destinations}
        assert daemon.cli("remediate", f"{source}/second", "--yes").returncode == 7


def test_a_rule_is_not_closed_while_another_rule_of_its_objects_still_fails(stage):
    """The status is one for all destinations: FAILED says nothing of the rule that was mended."""
    source, destinations = shared(stage, "a", "b")
    first, second = destinations
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": 2} for rule in destinations}, SECONDS)
        stage.cloud.allow_replication(destinations[first])
        start(daemon, first)
        until(lambda: daemon.counts().get(first) == {"verifying": 2}, SECONDS)
        if stage.cloud.batch()["laterFailureEvents"]:
            until(lambda: {one["failureCount"] for one in daemon.failures(second)} == {2}, SECONDS, "the job's events")
        assert daemon.counts() == {first: {"verifying": 2}, second: {"open": 2}}
        # The second rule's repair completes the versions, and with them both rules.
        stage.cloud.allow_replication(destinations[second])
        start(daemon, second)
        until(lambda: daemon.counts() == {rule: {"replicated": 2} for rule in destinations}, SECONDS, "all replicated")
        assert finished(daemon, first)["state"] == finished(daemon, second)["state"] == "finished"
        assert len(stage.jobs_of(first)) == len(stage.jobs_of(second)) == 1


def test_a_cause_that_is_not_mended_leaves_everything_open(stage):
    rule, destination, versions = one_rule(stage, *(f"key/{number}" for number in range(8)))
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": 8}}, SECONDS)
        done = daemon.cli("remediate", rule, "--yes")
        assert done.returncode == 6, done
        run = run_of(daemon, rule)
        assert run["state"] == "finished" and run["outcome"]["failedAgain"] == 8, run
        assert daemon.counts() == {rule: {"open": 8}}
        for key, version in versions.items():
            assert stage.status_of(rule.split("/")[0], key, version) == "FAILED"
        stage.cloud.allow_replication(destination)
        assert daemon.cli("remediate", rule, "--yes").returncode == 0
        assert daemon.counts() == {rule: {"replicated": 8}}
        assert len(stage.jobs_of(rule)) == 2


def test_what_a_prefix_still_denies_stays_open_and_the_rest_is_closed(stage):
    rule, destination, _ = one_rule(stage, *(f"good/{number}" for number in range(4)), "bad/1", "bad/2")
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": 6}}, SECONDS)
        stage.cloud.deny_replication(destination, "bad/")
        assert daemon.cli("remediate", rule, "--yes").returncode == 6
        assert daemon.counts() == {rule: {"open": 2, "replicated": 4}}
        outcome = run_of(daemon, rule)["outcome"]
        assert (outcome["replicated"], outcome["failedAgain"]) == (4, 2)
        assert {one["key"] for one in daemon.failures(rule) if one["state"] == "open"} == {"bad/1", "bad/2"}


def test_a_failure_that_arrives_while_the_job_runs_is_not_closed_by_it(stage):
    rule, destination, versions = one_rule(stage, "renewed", "closed", "rewritten")
    source = rule.split("/")[0]
    stage.cloud.batch(holdStates=["Active"])
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": 3}}, SECONDS)
        start(daemon, rule)
        until(lambda: stage.jobs_of(rule), SECONDS, "a job")
        # Another version fails now: nothing that was selected. And a selected one fails later than any HEAD can say.
        newer = stage.put(source, "rewritten")["rewritten"]
        stage.cloud.send_failures(stage.queue, source, "rule", ["renewed"], soon(60), destination,
                                  "DstPutObjectNotPermitted", version_ids=[versions["renewed"]])
        until(lambda: {one["state"] for one in daemon.failures(rule)} == {"submitted", "open"}, SECONDS)
        until(lambda: next(one for one in daemon.failures(rule) if one["key"] == "renewed")["failureCount"] == 2)
        assert stage.jobs_of(rule)[0]["Status"] != "Complete", "the job ended too early for this test"
        stage.cloud.allow_replication(destination)
        stage.cloud.batch(holdStates=[])
        finished(daemon, rule)
        states = {(one["key"], one["versionId"]): one["state"] for one in daemon.failures(rule)}
        assert states == {("renewed", versions["renewed"]): "open", ("rewritten", newer): "open",
                          ("closed", versions["closed"]): "replicated",
                          ("rewritten", versions["rewritten"]): "replicated"}


def test_a_failure_after_the_evidence_opens_again_and_one_before_it_does_not(stage):
    rule, destination, versions = one_rule(stage, "a", "b")
    source = rule.split("/")[0]
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": 2}}, SECONDS)
        before = daemon.failures(rule)[0]["firstFailedAt"]
        stage.cloud.allow_replication(destination)
        assert daemon.cli("remediate", rule, "--yes").returncode == 0
        for key, at in (("a", before), ("b", soon(60))):
            stage.cloud.send_failures(stage.queue, source, "rule", [key], at, destination,
                                      version_ids=[versions[key]])
        until(lambda: daemon.counts() == {rule: {"open": 1, "replicated": 1}}, SECONDS)
        until(stage.queue_is_empty, SECONDS)
        assert {one["key"]: one["state"] for one in daemon.failures(rule)} == {"a": "replicated", "b": "open"}


def test_a_version_that_was_deleted_is_gone(stage):
    rule, destination, versions = one_rule(stage, "kept", "deleted")
    source = rule.split("/")[0]
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": 2}}, SECONDS)
        stage.cloud.client("s3").delete_object(Bucket=source, Key="deleted", VersionId=versions["deleted"])
        stage.cloud.allow_replication(destination)
        start(daemon, rule)
        run = finished(daemon, rule)
        assert (run["outcome"]["replicated"], run["outcome"]["gone"]) == (1, 1)
        assert {one["key"]: (one["state"], one["evidence"]) for one in daemon.failures(rule)} == {
            "kept": ("replicated", "status"), "deleted": ("gone", "absent")}


def test_rules_of_one_bucket_wait_for_each_other_and_all_end(stage):
    source = f"{stage.name}-source"
    destinations = {f"rule-{letter}": f"{stage.name}-{letter}" for letter in "abc"}
    stage.cloud.replicated_pair(source, [(rule, f"{rule}/", name) for rule, name in destinations.items()], stage.queue)
    for destination in destinations.values():
        stage.cloud.deny_replication(destination)
    stage.put(source, *(f"{rule}/{number}" for rule in destinations for number in range(3)))
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {f"{source}/{rule}": {"open": 3} for rule in destinations}, SECONDS)
        for destination in destinations.values():
            stage.cloud.allow_replication(destination)
        stage.cloud.batch(activeSeconds=0.3)
        for rule in destinations:
            start(daemon, f"{source}/{rule}")
        most = []

        def all_closed() -> bool:
            jobs = [job for rule in destinations for job in stage.jobs_of(f"{source}/{rule}")]
            most.append(sum(job["Status"] not in ("Complete", "Failed", "Cancelled") for job in jobs))
            return daemon.counts() == {f"{source}/{rule}": {"replicated": 3} for rule in destinations}

        until(all_closed, SECONDS, "9 failures replicated")
        assert max(most) == 1, "two jobs of one bucket ran at once"
        until(lambda: daemon.status()["remediations"] == {"running": 0, "queued": 0})


@pytest.mark.parametrize("operation", ["s3control.CreateJob", "s3.PutObject", "s3control.DescribeJob"])
def test_an_answer_that_is_lost_makes_no_second_job(stage, operation):
    rule, destination, versions = one_rule(stage, "a", "b", "c")
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": 3}}, SECONDS)
        stage.cloud.allow_replication(destination)
        stage.cloud.faults({"operation": operation, "times": 2, "applied": True})
        start(daemon, rule)
        assert finished(daemon, rule)["outcome"]["replicated"] == 3
        assert stage.cloud.pending_faults() == []
        assert len(stage.jobs_of(rule)) == 1
