"""s3remedy remediate against a canned daemon: plan, confirmation on a terminal, following, exit codes, Ctrl-C."""

import json
import signal

import pytest

from command_line_daemon import problem
from command_line_harness import binary, daemon, run, terminal  # noqa: F401
from command_line_samples import job, plan, remediation

RULE = "orders/replicate-all"
FINISHED = {"replicated": 12345}


def serve(daemon, *states, planned=None):
    """Plans, starts, and answers with the states in turn, the last one for ever."""
    left = list(states)
    daemon.routes["POST /v1/remediations"] = lambda request: (
        (200, planned or plan()) if request.body.get("dryRun") else (201, remediation()))
    daemon.routes["GET /v1/remediations/rem-1"] = lambda request: (
        left.pop(0) if len(left) > 1 else left[0])


def posts(daemon):
    return [request.body for request in daemon.asked("POST", "/v1/remediations")]


def test_yes_starts_what_was_planned_and_follows_it_to_the_end(run, daemon):
    serve(daemon, remediation("jobFollowed", jobs=[job()]),
          remediation("verifying", outcome={"replicated": 5, "verifying": 12340}),
          remediation("finished", outcome=FINISHED))
    done = run("remediate", RULE, "--yes", "--canary", "10", "--priority", "7", "--reason", "R",
               "--prefix", "a/")
    assert done.returncode == 0, done.stderr
    filters = {"reason": "R", "prefix": "a/"}
    call = {"rule": RULE, "filter": filters, "canary": 10, "priority": 7}
    assert posts(daemon) == [
        {**call, "dryRun": True},
        {**call, "plannedAt": "2026-11-24T06:11:06.527Z", "expectedObjects": 12345}]
    assert done.stderr.splitlines() == [
        "remediation rem-1 has started", "planned",
        "main job Active, 6,002 of 12,345 tasks (48 %), 2 failed",
        "verifying, 5 replicated, 12,340 to go"]
    assert "Remediation rem-1 finished." in done.stdout
    assert "replicated     12,345" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_dry_run_shows_the_whole_plan_and_starts_nothing(run, daemon):
    serve(daemon, remediation())
    done = run("remediate", RULE, "--dry-run", "--canary", "5", "--since", "2026-11-24")
    assert done.returncode == 0
    for words in ["12,345", "1.2 GiB", "about $0.27", "not included: requests, transfer, KMS",
                  "DstPutObjectNotPermitted", "fix", "orders/to-archive",
                  "Warning: The bucket orders has a lifecycle", "5 first"]:
        assert words in done.stdout, done.stdout
    assert done.stdout.splitlines()[-1] == (
        f"Next: s3remedy remediate {RULE} --since 2026-11-24T00:00:00.000Z --canary 5")
    assert [body.get("dryRun") for body in posts(daemon)] == [True]
    assert all(len(line) <= 80 for line in done.stdout.splitlines()[:-1])
    exact = run("remediate", RULE, "--dry-run", "-o", "json")
    assert json.loads(exact.stdout) == plan() and exact.stderr == ""


def test_json_holds_only_the_remediation(run, daemon):
    end = remediation("finished", outcome=FINISHED)
    serve(daemon, end)
    done = run("remediate", RULE, "--yes", "-o", "json")
    assert done.returncode == 0 and json.loads(done.stdout) == end


def test_no_wait_ends_at_the_start(run, daemon):
    serve(daemon, remediation())
    done = run("remediate", RULE, "--yes", "--no-wait")
    assert done.returncode == 0 and "Remediation rem-1 has started." in done.stdout
    assert done.stdout.endswith("Next: s3remedy remediations show rem-1\n")
    assert daemon.asked("GET", "/v1/remediations/rem-1") == []


@pytest.mark.parametrize("end, code", [
    (remediation("finished", outcome=FINISHED), 0),
    (remediation("finished", outcome={"replicated": 1, "gone": 2}), 0),
    (remediation("finished", outcome={"failedAgain": 1}), 6),
    (remediation("finished", outcome={"parked": 1}), 6),
    (remediation("finished", heldBack=[
        {"reason": "R", "destinationBucket": "orders-replica", "objects": 4}]), 6),
    (remediation("failed", problem="S3 refused the job: AccessDenied"), 1),
    (remediation("cancelled"), 1)])
def test_the_end_is_the_exit_code(run, daemon, end, code):
    serve(daemon, end)
    done = run("remediate", RULE, "--yes")
    assert done.returncode == code
    assert f"Remediation rem-1 {end['state']}." in done.stdout
    assert end.get("problem", "") in done.stdout
    assert ("HELD BACK" in done.stdout) == bool(end["heldBack"])


def test_nothing_open_is_exit_code_7(run, daemon):
    serve(daemon, remediation(), planned=plan(objects=0, bytes=0, reasons=[]))
    done = run("remediate", RULE, "--yes")
    assert (done.returncode, done.stdout) == (7, "") and "nothing to do" in done.stderr
    daemon.routes["POST /v1/remediations"] = problem(409, "nothingToDo", "No failure is open.")
    done = run("remediate", RULE, "--dry-run")
    assert done.returncode == 7
    assert done.stderr == "s3remedy: No failure is open. (nothingToDo)\n"


@pytest.mark.parametrize("code, status, expected", [
    ("notPermitted", 403, 4), ("planChanged", 409, 1), ("batchNotConfigured", 409, 1),
    ("stopping", 503, 5)])
def test_a_refused_start_is_an_exit_code(run, daemon, code, status, expected):
    daemon.routes["POST /v1/remediations"] = lambda request: (
        plan() if request.body.get("dryRun") else problem(status, code, "The sentence."))
    done = run("remediate", RULE, "--yes")
    assert done.returncode == expected
    assert done.stderr == f"s3remedy: The sentence. ({code})\n"


def test_a_start_without_an_answer_says_where_to_look(run, daemon):
    daemon.routes["POST /v1/remediations"] = lambda request: (
        plan() if request.body.get("dryRun") else b"HTTP/1.1 201")
    done = run("remediate", RULE, "--yes")
    assert done.returncode == 5
    assert done.stderr.endswith("Whether the remediation was started: s3remedy remediations list\n")


def test_a_daemon_that_is_away_for_a_moment_is_asked_again(run, daemon):
    serve(daemon, problem(503, "stopping", "The daemon stops."), b"",
          remediation("finished", outcome=FINISHED))
    done = run("remediate", RULE, "--yes")
    assert done.returncode == 0
    assert done.stderr.count("the daemon does not answer; asking again\n") == 1


def test_without_a_terminal_and_without_yes_nothing_is_asked(run, daemon):
    serve(daemon, remediation())
    done = run("remediate", RULE)
    assert done.returncode == 2
    assert "Standard input is no terminal, so nobody can confirm the plan: add --yes" in done.stderr
    assert daemon.requests == []


@pytest.mark.parametrize("answer, starts", [
    ("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("\x04", False)])
def test_a_terminal_is_asked_for_confirmation(daemon, terminal, answer, starts):
    serve(daemon, remediation("finished", outcome=FINISHED))
    screen = terminal("remediate", RULE, columns=90)
    screen.wait_for("Start this remediation? [y/N] ")
    assert "about $0.27" in screen.seen and "Warning: " in screen.seen
    assert len(posts(daemon)) == 1
    screen.type(answer)
    assert screen.finish() == (0 if starts else 1)
    assert len(posts(daemon)) == (2 if starts else 1)
    assert ("nothing was started" in screen.seen) != starts
    assert ("\r\x1b[K" in screen.seen) == starts


def test_the_plan_of_a_terminal_goes_to_standard_error_when_the_output_is_json(daemon, terminal):
    serve(daemon, remediation("finished", outcome=FINISHED))
    screen = terminal("remediate", RULE, "-o", "ndjson")
    screen.wait_for("[y/N] ")
    assert "about $0.27" in screen.seen
    screen.type("y\n")
    assert screen.finish() == 0
    last = screen.seen.replace("\r\x1b[K", "\n").strip().splitlines()[-1]
    assert json.loads(last)["state"] == "finished"


def test_ctrl_c_while_following_says_that_the_remediation_goes_on(daemon, terminal):
    serve(daemon, remediation("verifying", outcome={"verifying": 3}))
    screen = terminal("remediate", RULE, "--yes")
    screen.wait_for("verifying, 0 replicated, 3 to go")
    screen.type("\x03")
    assert screen.finish() == 130
    assert ("The remediation goes on in the daemon. Watch it: s3remedy remediations show rem-1"
            in screen.seen)


def test_ctrl_c_at_the_question_starts_nothing(daemon, terminal):
    serve(daemon, remediation())
    screen = terminal("remediate", RULE)
    screen.wait_for("[y/N] ")
    screen.type("\x03")
    assert screen.finish() == -signal.SIGINT
    assert len(posts(daemon)) == 1
