"""s3remedy failures dismiss, reopen and histogram, quarantine replay and drop, against a canned daemon."""

import csv
import io
import json

import pytest

from command_line_daemon import problem
from command_line_harness import binary, daemon, run, terminal  # noqa: F401
from command_line_samples import quarantined
from test_command_line import assert_fits

RULE = "orders/replicate-all"
DONE = {"dismiss": "dismissed", "reopen": "reopened"}


def reply(count=1234, changed=0, **left):
    return {"count": count, "bytes": 1288490189, "leftOut": left, "changed": changed}


def serve(daemon, verb, count=1234, **left):
    daemon.routes[f"POST /v1/failures/{verb}"] = lambda request: reply(
        count, 0 if request.body.get("dryRun") else count, **left)


def posts(daemon, verb):
    return [request.body for request in daemon.asked("POST", f"/v1/failures/{verb}")]


@pytest.mark.parametrize("verb", DONE)
def test_yes_changes_exactly_what_was_counted(run, daemon, verb):
    serve(daemon, verb, submitted=5)
    done = run("failures", verb, "--rule", RULE, "--prefix", "a b/", "--reason-class", "kms", "--first-since",
               "2026-11-24", "--note", "why", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    filters = {"rule": RULE, "prefix": "a b/", "reasonClass": "kms", "firstSince": "2026-11-24T00:00:00.000Z"}
    assert posts(daemon, verb) == [{"filter": filters, "note": "why", "dryRun": True},
                                   {"filter": filters, "note": "why", "expectedCount": 1234}]
    for words in [f"1,234 can be {DONE[verb]}", "1.2 GiB", "5 submitted", f"1,234 failures {DONE[verb]}."]:
        assert words in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Next: s3remedy failures list --state ")
    assert_fits(done.stdout)


@pytest.mark.parametrize("verb", DONE)
def test_dry_run_changes_nothing_and_is_exact_for_machines(run, daemon, verb):
    serve(daemon, verb, parked=2)
    done = run("failures", verb, "--bucket", "orders", "--dry-run")
    assert done.returncode == 0 and [body.get("dryRun") for body in posts(daemon, verb)] == [True]
    assert done.stdout.splitlines()[-1] == f"Next: s3remedy failures {verb} --bucket orders"
    for form in ("json", "ndjson"):
        text = run("failures", verb, "--bucket", "orders", "--dry-run", "-o", form).stdout
        assert json.loads(text) == reply(parked=2)
    row, = csv.DictReader(io.StringIO(run("failures", verb, "--bucket", "orders", "--dry-run", "-o", "csv").stdout))
    assert (row["count"], row["leftOut"]) == ("1234", '{"parked":2}')


@pytest.mark.parametrize("verb", DONE)
def test_nothing_to_do_is_7(run, daemon, verb):
    serve(daemon, verb, count=0, submitted=3)
    done = run("failures", verb, "--rule", RULE, "--yes")
    assert done.returncode == 7 and "3 submitted" in done.stderr and len(posts(daemon, verb)) == 1


def test_a_count_that_changed_is_an_error_by_name(run, daemon):
    daemon.routes["POST /v1/failures/dismiss"] = lambda request: (
        reply(5) if request.body.get("dryRun") else problem(409, "countChanged", "5 were expected and 6 match"))
    done = run("failures", "dismiss", "--rule", RULE, "--yes")
    assert done.returncode == 1 and "(countChanged)" in done.stderr


@pytest.mark.parametrize("arguments, sentence", [
    (["failures", "dismiss", "--yes"], "Name a rule"),
    (["failures", "reopen", "--rule", RULE], "nobody can confirm the plan: add --yes"),
    (["failures", "dismiss", "--rule", RULE, "--state", "shut", "--yes"], "state"),
    (["quarantine", "drop", "17"], "nobody can confirm it: add --yes"),
    (["failures", "histogram", "--bucket-length", "90m"], "bucket-length"),
    (["failures", "histogram", "--by", "key"], "by")])
def test_what_is_called_wrong_is_usage(run, daemon, arguments, sentence):
    done = run(*arguments)
    assert done.returncode == 2 and sentence in done.stderr
    assert daemon.requests == []


@pytest.mark.parametrize("answer", ["y", "n", ""])
def test_without_yes_it_asks_with_the_count(terminal, daemon, answer):
    serve(daemon, "dismiss")
    screen = terminal("failures", "dismiss", "--rule", RULE)
    screen.wait_for("Dismiss them? [y/N]")
    assert "1,234 can be dismissed" in screen.seen
    screen.type(answer + "\n")
    assert screen.finish() == (0 if answer == "y" else 1)
    assert len(posts(daemon, "dismiss")) == (2 if answer == "y" else 1)
    assert ("nothing was changed" in screen.seen) != (answer == "y")


HISTOGRAM = {
    "from": "2026-11-23T00:00:00.000Z", "bucketSeconds": 3600,
    "series": [{"label": "DstPutObjectNotPermitted", "counts": [0, 1, 8, 4] + [0] * 44},
               {"label": "bad\x1b[2J", "counts": [1] * 48}, {"label": "", "counts": [0] * 47 + [2]}],
    "others": {"series": 12, "counts": [2] * 48}}


def test_a_histogram_is_a_sparkline_a_line_for_people(run, daemon):
    daemon.routes["GET /v1/failures/histogram"] = HISTOGRAM
    done = run("failures", "histogram", "--since", "2026-11-23", "--until", "2026-11-25", "--rule", RULE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "·▁█▄····" in done.stdout and "(12 others)" in done.stdout and "a mark is 1 h" in done.stdout
    assert "\x1b" not in done.stdout
    assert_fits(done.stdout)
    asked, = daemon.asked("GET", "/v1/failures/histogram")
    assert asked.query == {"since": "2026-11-23T00:00:00.000Z", "until": "2026-11-25T00:00:00.000Z", "rule": RULE,
                           "by": "reason", "bucketSeconds": "3600"}


def test_a_long_time_gets_greater_buckets(run, daemon):
    daemon.routes["GET /v1/failures/histogram"] = HISTOGRAM
    for since, seconds in [("24h", 3600), ("48h", 3600), ("4d", 7200), ("7d", 14400 // 4 * 6), ("90d", 172800)]:
        run("failures", "histogram", "--since", since)
        assert daemon.requests[-1].query["bucketSeconds"] == str(seconds), since
    wide = {**HISTOGRAM, "series": [{"label": "R", "counts": [1] * 1000}], "others": None}
    daemon.routes["GET /v1/failures/histogram"] = {key: value for key, value in wide.items() if value is not None}
    done = run("failures", "histogram", "--since", "1000h", "--bucket-length", "1h")
    assert_fits(done.stdout)
    assert "a mark is 21 h" in done.stdout


def test_a_histogram_is_exact_for_machines(run, daemon):
    daemon.routes["GET /v1/failures/histogram"] = HISTOGRAM
    assert json.loads(run("failures", "histogram", "-o", "json").stdout) == HISTOGRAM
    lines = [json.loads(line) for line in run("failures", "histogram", "-o", "ndjson").stdout.splitlines()]
    assert len(lines) == 4 * 48
    assert lines[2] == {"at": "2026-11-23T02:00:00.000Z", "label": "DstPutObjectNotPermitted", "count": 8}
    rows = list(csv.DictReader(io.StringIO(run("failures", "histogram", "-o", "csv").stdout, newline="")))
    assert [(row["at"], row["label"], int(row["count"])) for row in rows] == [
        (line["at"], line["label"], line["count"]) for line in lines]
    print(f"{len(rows)} counts in 3 formats")


def test_no_failure_in_that_time_is_nothing_to_do(run, daemon):
    daemon.routes["GET /v1/failures/histogram"] = {**{k: HISTOGRAM[k] for k in ("from", "bucketSeconds")}, "series": []}
    assert run("failures", "histogram").returncode == 7


def test_replay_and_drop(run, daemon, terminal):
    daemon.routes.update({
        "POST /v1/quarantine/17/replay": {"id": 17, "outcome": "replayed", "records": 3},
        "POST /v1/quarantine/18/replay": problem(409, "stillUndecodable", "message 18 still cannot be decoded"),
        "POST /v1/quarantine/17/drop": {"id": 17, "outcome": "dropped"}, "GET /v1/quarantine/17": quarantined()})
    done = run("quarantine", "replay", "17")
    assert done.returncode == 0 and "Message 17 is replayed: 3 records." in done.stdout
    assert run("quarantine", "replay", "18").returncode == 1
    assert json.loads(run("quarantine", "drop", "17", "--yes", "-o", "json").stdout)["outcome"] == "dropped"
    screen = terminal("quarantine", "drop", "17")
    screen.wait_for("Drop it for good? [y/N]")
    assert "the body ends inside a string" in screen.seen
    screen.type("n\n")
    assert screen.finish() == 1 and "nothing was dropped" in screen.seen
    assert len(daemon.asked("POST", "/v1/quarantine/17/drop")) == 1
