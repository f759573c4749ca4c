"""s3remedy's reading verbs against a canned daemon: tables, exact formats, paging, hostile text, exit codes."""

import csv
import io
import json
import os
import shutil
import tempfile
import unicodedata

import pytest

from command_line_daemon import CannedDaemon, page, problem
from command_line_harness import binary, call, daemon, run, terminal  # noqa: F401
from command_line_samples import (
    HOSTILE_ENCODED, HOSTILE_KEY, ago, failure, full_failure, job, quarantined, reason, remediation,
    rule, status, timeline)


def width(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def assert_fits(text, columns=80):
    """No line is longer, but for one word that is to be copied whole, such as a URL."""
    for line in text.splitlines():
        assert width(line) <= columns or len(line.split()) <= 2, line


def fill(daemon):
    """A daemon that knows something of everything."""
    daemon.routes.update({
        "GET /v1/status": status(),
        "GET /v1/rules": page([rule(open=12345, parked=2), rule("to-archive", open=1)]),
        "GET /v1/rules/orders/replicate-all": rule(open=12345),
        "GET /v1/failures": page([failure(1), failure(2)]),
        "GET /v1/failures/timeline": page(timeline()),
        "GET /v1/remediations": page([remediation("verifying", jobs=[job()])]),
        "GET /v1/remediations/rem-1": remediation("jobFollowed", jobs=[job()]),
        "GET /v1/reasons": page([reason(), reason("SrcGetTaggingNotPermitted")]),
        "GET /v1/quarantine": page([quarantined()]),
        "GET /v1/quarantine/17": quarantined()})


# verb, words that its table must show
TABLES = [
    (["status"], ["s3remedyd 0.1.0 is running, up 3 d 4 h", "s3-replication-failures", "12 s ago",
                  "7 min ago", "2 h / 4 d", "128.0 MiB in 2 segments", "12 records not yet",
                  "12,345 failures, 5.0 GiB, 3 messages in quarantine"]),
    (["rules"], ["orders/replicate-all", "12,345", "1.2 GiB", "3 d", "PARK"]),
    (["rules", "orders/replicate-all"], ["12,345 (1.2 GiB)", "eu-west-1", "orders-archive", "kms",
                                         "4 versions late", "remediate orders/replicate-all"]),
    (["failures", "list"], ["KEY", "invoice-00001.pdf", "1.2 GiB", "3 h ago"]),
    (["failures", "show", "orders", "k"], ["1.2 GiB (1,288,490,189 bytes)", "Timeline of version",
                                           "DstPutObjectNotPermitted (fix)", "job job-1, by ana"]),
    (["remediations", "list"], ["rem-1", "verifying", "30 min ago", "ana"]),
    (["remediations", "show", "rem-1"], ["main job Active, 6,002 of 12,345 tasks (48 %)",
                                         "about $0.27 for jobs", "OUTCOME",
                                         "s3://s3remedy-manifests/manifests/rem-1.csv"]),
    (["reasons"], ["REASON", "MEANING", "DstPutObjectNotPermitted", "fix"]),
    (["reasons", "DstPutObjectNotPermitted"], ["owner of the destination bucket", "s3:ReplicateObject"]),
    (["quarantine", "list"], ["17", "3 d ago", "the body ends inside a string"]),
    (["quarantine", "show", "17"], ['{"Records"', "\\u{1b}[2J", "At byte      1,210"])]


@pytest.mark.parametrize("verb, words", TABLES, ids=lambda v: "-".join(v[:2]))
def test_each_verb_has_a_table_that_fits_80_columns_and_ends_with_the_next_command(
        run, daemon, verb, words):
    fill(daemon)
    done = run(*verb)
    assert (done.returncode, done.stderr) == (0, "")
    for word in words:
        assert word in done.stdout, done.stdout
    assert_fits(done.stdout)
    assert "\x1b" not in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Next: s3remedy ")


OBJECTS = {
    "status": "/v1/status", "rules orders/replicate-all": "/v1/rules/orders/replicate-all",
    "remediations show rem-1": "/v1/remediations/rem-1", "quarantine show 17": "/v1/quarantine/17"}
LISTS = {
    "rules": "/v1/rules", "failures list": "/v1/failures", "remediations list": "/v1/remediations",
    "quarantine list": "/v1/quarantine", "reasons": "/v1/reasons"}


@pytest.mark.parametrize("verb, path", [*OBJECTS.items(), *LISTS.items()])
def test_json_ndjson_and_csv_are_exact(run, daemon, verb, path):
    fill(daemon)
    answer = daemon.routes["GET " + path]
    items = answer["items"] if verb in LISTS else [answer]
    text = run(*verb.split(), "-o", "json").stdout
    assert json.loads(text) == (items if verb in LISTS else answer)
    lines = run(*verb.split(), "-o", "ndjson").stdout.splitlines()
    assert [json.loads(line) for line in lines] == items
    rows = list(csv.DictReader(io.StringIO(run(*verb.split(), "-o", "csv").stdout, newline="")))
    assert len(rows) == len(items)
    for row, item in zip(rows, items):
        flat = flatten(item)
        assert {name: value for name, value in row.items() if value} == {
            name: value for name, value in flat.items() if value}
    print(f"{len(items)} items in 3 formats")


def flatten(item, prefix=""):
    """Objects inside become `outer.inner`; arrays and a remediation's filter stay JSON."""
    cells = {}
    for name, value in item.items():
        if isinstance(value, dict):
            cells.update(flatten(value, prefix + name + "."))
        elif isinstance(value, list):
            cells[prefix + name] = json.dumps(value, sort_keys=True, separators=(",", ":"))
        else:
            cells[prefix + name] = str(value)
    return cells


def paged(items, size):
    """Pages of at most `size`; before the second comes an empty one, as the daemon may answer."""
    def answer(request):
        cursor = request.query.get("cursor", "c0")
        start = int(cursor[1:])
        end = min(start + min(size, int(request.query["limit"])), len(items))
        if cursor == f"c{size}":
            return page([], f"d{start}")
        return page(items[start:end], f"c{end}" if end < len(items) else None)
    return answer


@pytest.mark.parametrize("output", ["json", "ndjson", "csv"])
def test_machine_formats_follow_short_and_empty_pages_to_the_end(run, daemon, output):
    items = [failure(n) for n in range(11)]
    daemon.routes["GET /v1/failures"] = paged(items, 2)
    done = run("failures", "list", "-o", output)
    keys = {
        "json": lambda text: [item["key"] for item in json.loads(text)],
        "ndjson": lambda text: [json.loads(line)["key"] for line in text.splitlines()],
        "csv": lambda text: [row["key"] for row in csv.DictReader(io.StringIO(text, newline=""))],
    }[output](done.stdout)
    assert keys == [item["key"] for item in items]
    requests = daemon.asked("GET", "/v1/failures")
    assert len(requests) == 7
    assert {r.query["state"] for r in requests} == {"open"}


def test_limit_bounds_every_format(run, daemon):
    daemon.routes["GET /v1/failures"] = paged([failure(n) for n in range(11)], 2)
    assert len(json.loads(run("failures", "list", "-o", "json", "--limit", "5").stdout)) == 5
    table = run("failures", "list", "--limit", "5").stdout
    assert table.count("h ago") == 5
    assert "More than the 5 shown" in table


def test_the_table_shows_100_and_says_how_many_more(run, daemon):
    fill(daemon)
    daemon.routes["GET /v1/failures"] = paged([failure(n) for n in range(250)], 60)
    text = run("failures", "list").stdout
    assert len([line for line in text.splitlines() if " ago" in line]) == 100
    assert "12,246 more" in text  # 12,345 + 1 of the rules' counts, less 100
    one = run("failures", "list", "--rule", "orders/replicate-all").stdout
    assert "12,245 more" in one and "--rule orders/replicate-all --state open -o ndjson" in one
    filtered = run("failures", "list", "--prefix", "2026/").stdout
    assert "More than the 100 shown" in filtered


def test_a_list_that_does_not_advance_ends_with_an_error(run, daemon):
    daemon.routes["GET /v1/failures"] = page([failure()], "same")
    done = run("failures", "list", "-o", "json")
    assert done.returncode == 1 and "same cursor twice" in done.stderr


def test_empty_lists(run, daemon):
    for path in LISTS.values():
        daemon.routes["GET " + path] = page([])
    for verb in LISTS:
        assert run(*verb.split(), "-o", "json").stdout.strip() == "[]"
        assert run(*verb.split(), "-o", "ndjson").stdout == ""
        assert run(*verb.split(), "-o", "csv").stdout.count("\r\n") == 1
        assert run(*verb.split()).returncode == 0
    print(f"{len(LISTS)} lists")


def test_filters_become_the_query(run, daemon):
    daemon.routes["GET /v1/failures"] = page([])
    run("failures", "list", "--rule", "orders/a/b", "--bucket", "orders", "--destination", "d",
        "--state", "parked", "--reason", "R", "--reason-class", "kms", "--operation", "OBJECT_PUT",
        "--prefix", "ä b&c=", "--key", "x/ü %", "--version-id", "null",
        "--since", "2026-11-24T00:00:00Z", "--until", "2026-11-25", "--first-since", "2026-11-23")
    query = daemon.requests[-1].query
    assert query == {
        "rule": "orders/a/b", "bucket": "orders", "destination": "d", "state": "parked",
        "reason": "R", "reasonClass": "kms", "operation": "OBJECT_PUT", "prefix": "ä b&c=",
        "keyEncoded": "x/%C3%BC%20%25", "version": "null", "since": "2026-11-24T00:00:00.000Z",
        "until": "2026-11-25T00:00:00.000Z", "firstSince": "2026-11-23T00:00:00.000Z", "limit": "100"}
    run("failures", "list", "--rule", "orders/a", "--order", "oldest", "--limit", "5")
    assert daemon.requests[-1].query == {"rule": "orders/a", "state": "open", "order": "oldest", "limit": "5"}
    for wrong in (["--order", "oldest"], ["--order", "newest", "--rule", "b/r", "--state", "all"], ["--order", "size"]):
        assert run("failures", "list", *wrong).returncode == 2, wrong
    run("failures", "list", "--state", "all", "--since", "24h")
    assert "state" not in daemon.requests[-1].query
    assert ago(hours=25) < daemon.requests[-1].query["since"] < ago(hours=23)


def test_a_rule_id_is_one_encoded_segment(run, daemon):
    run("rules", "orders/a/b ü")
    assert daemon.requests[-1].target == "/v1/rules/orders/a%2Fb%20%C3%BC"


def hostile(text):
    """Characters that a terminal could obey."""
    return [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]


def test_hostile_text_is_shown_escaped_everywhere(run, daemon):
    bad = HOSTILE_KEY
    item = failure(
        key=bad, keyEncoded=HOSTILE_ENCODED, versionId=bad, reason=bad, ruleId=bad, note=bad,
        destinationBucket=bad, eTag=bad, operation=bad, reasonClass=bad, state=bad)
    fill(daemon)
    daemon.routes["GET /v1/failures"] = page([item])
    daemon.routes["GET /v1/failures/timeline"] = page(
        [{"at": ago(), "what": bad, "reason": bad, "by": bad, "evidence": bad}])
    daemon.routes["GET /v1/rules/orders/replicate-all"] = {**rule(open=1), "ruleId": bad}
    daemon.routes["GET /v1/remediations/rem-1"] = remediation(
        bad, jobs=[job(status=bad, problem=bad)], problem=bad, createdBy=bad)
    daemon.routes["GET /v1/status"] = status(
        state=bad, version=bad, problems=[{"code": bad, "message": bad, "since": ago()}])
    daemon.routes["GET /v1/quarantine/17"] = {**quarantined(), "problem": bad, "messageId": bad}
    for verb, _ in TABLES:
        text = run(*verb).stdout
        assert hostile(text) == [], verb
    shown = r"a\nb\u{1b}[31mred\u{9b}\u{202e}evil\\n"
    full = run("failures", "show", "orders", "k").stdout
    assert shown in full and HOSTILE_ENCODED in full
    listed = run("failures", "list").stdout
    assert f"failures show --encoded orders {HOSTILE_ENCODED}" in listed
    document = run("failures", "list", "-o", "json").stdout
    assert json.loads(document) == [item] and hostile(document) == []
    rows = list(csv.DictReader(io.StringIO(
        run("failures", "list", "-o", "csv").stdout, newline="")))
    assert rows[0]["key"] == bad
    print(f"{len(TABLES)} tables")


def test_an_error_of_the_daemon_is_shown_escaped(run, daemon):
    daemon.routes["GET /v1/status"] = problem(500, "internalError", "bad \x1b[2J\n thing")
    done = run("status")
    assert done.returncode == 1
    assert done.stderr == "s3remedy: bad \\u{1b}[2J\\n thing (internalError)\n"


def test_wide_characters_count_twice(run, daemon):
    daemon.routes["GET /v1/failures"] = page(
        [failure(key="請求書/" * 40), failure(key="plain/" * 60), failure(key="🧾" * 60)])
    text = run("failures", "list").stdout
    assert_fits(text.split("\n\n")[0])
    ends = {width(line) for line in text.split("\n\n")[0].splitlines()[1:]}
    assert len(ends) == 1, text


def test_show_asks_for_each_version_and_keeps_the_encoded_key(run, daemon):
    versions = ["v1", "v1", "v2"]
    daemon.routes["GET /v1/failures"] = page([failure(versionId=v) for v in versions])
    daemon.routes["GET /v1/failures/timeline"] = page(timeline())
    done = run("failures", "show", "--encoded", "orders", "a%0Ab", "-o", "json")
    story = json.loads(done.stdout)
    assert [v["versionId"] for v in story["versions"]] == ["v1", "v2"]
    assert len(story["failures"]) == 3
    asked = daemon.asked("GET", "/v1/failures/timeline")
    assert [r.query["keyEncoded"] for r in asked] == ["a%0Ab", "a%0Ab"]
    assert daemon.asked("GET", "/v1/failures")[0].query == {
        "bucket": "orders", "keyEncoded": "a%0Ab", "limit": "1000"}


def test_show_prints_every_field_in_full(run, daemon):
    item = full_failure()
    daemon.routes["GET /v1/failures"] = page([item])
    daemon.routes["GET /v1/failures/timeline"] = page(timeline())
    text = run("failures", "show", "orders", item["key"], item["versionId"]).stdout
    for name in ["key", "keyEncoded", "versionId", "state", "reason", "eTag", "operation",
                 "firstFailedAt", "lastFailedAt", "remediationId", "closedAt", "evidence", "note"]:
        assert item[name] in text, name
    assert "failed, HTTP 403, AccessDenied, Access Denied; job job-1" in text
    assert text.index("Timeline") > text.index("looked at")


def test_problems_of_the_status_stand_out(run, daemon, terminal):
    sentence = "no message came for 3 days on the queue s3-replication-failures: " + "look " * 30
    daemon.routes["GET /v1/status"] = status(
        state="degraded", problems=[{"code": "noMessages", "message": sentence, "since": ago(days=3)}])
    text = run("status").stdout
    assert "1 problem\n  ! noMessages  (since 3 d ago)\n    no message came" in text
    assert_fits(text)
    coloured = terminal("status")
    assert coloured.finish() == 0 and "\x1b[1;31m! noMessages\x1b[0m" in coloured.seen
    for plain in [{"NO_COLOR": "1"}, {"TERM": "dumb"}]:
        screen = terminal("status", env=plain)
        assert screen.finish() == 0 and "\x1b" not in screen.seen


@pytest.mark.parametrize("columns", [40, 60, 100, 200])
def test_tables_fit_the_terminal(daemon, terminal, columns):
    fill(daemon)
    daemon.routes["GET /v1/failures"] = page([failure(n, key="long/" * 100) for n in range(3)])
    for verb in ["rules", "failures list", "remediations list", "quarantine list"]:
        screen = terminal(*verb.split(), columns=columns, env={"NO_COLOR": "1"})
        assert screen.finish() == 0
        assert_fits(screen.seen.replace("\r", "").split("\n\n")[0], columns)


@pytest.mark.parametrize("status_code, code, expected", [
    (400, "badCursor", 1), (403, "notPermitted", 4), (404, "noSuchRule", 1),
    (409, "nothingToDo", 7), (409, "batchNotConfigured", 1), (500, "internalError", 1),
    (503, "stopping", 5), (503, "temporarilyUnavailable", 5)])
def test_a_refusal_is_an_exit_code_and_a_sentence(run, daemon, status_code, code, expected):
    daemon.routes["GET /v1/rules"] = problem(status_code, code, "The sentence.")
    done = run("rules", "-o", "json")
    assert (done.returncode, done.stdout) == (expected, "")
    assert done.stderr == f"s3remedy: The sentence. ({code})\n"


@pytest.mark.parametrize("answer, expected", [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", 5),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{", 1),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 1),
    (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 5)])
def test_a_broken_answer_is_an_error_with_a_sentence(run, daemon, answer, expected):
    daemon.routes["GET /v1/status"] = answer
    done = run("status")
    assert done.returncode == expected
    assert done.stderr.startswith("s3remedy: ") and done.stderr.count("\n") == 1


def test_without_a_daemon_it_says_how_to_start_it(binary, tmp_path):
    for name, script in {
            "systemctl": '[ "$*" = "is-active s3remedyd" ] && echo failed; exit 3',
            "journalctl": 'echo "the queue \x1b[1m is gone"'}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = call(binary, tmp_path / "none.sock", "status", env={"PATH": path})
    assert done.returncode == 3
    assert done.stderr == (
        f"s3remedy: the daemon cannot be reached at {tmp_path}/none.sock: no such socket. "
        "The unit s3remedyd is failed, its last error: the queue \\u{1b}[1m is gone. "
        "Start it: systemctl start s3remedyd (by hand: s3remedyd run).\n")
    (tmp_path / "file.sock").touch()
    done = call(binary, tmp_path / "file.sock", "rules", env={"PATH": path})
    assert done.returncode == 3 and "systemctl start s3remedyd" in done.stderr


def test_a_socket_that_one_may_not_open_is_exit_code_4(binary):
    # Not below tmp_path, into which nobody may look.
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        server = CannedDaemon(f"{directory}/control.sock")
        os.chmod(server.path, 0)
        user = {"user": 65534} if os.geteuid() == 0 else {}
        done = call(binary, server.path, "status", **user)
        server.stop()
    assert done.returncode == 4
    assert done.stderr.startswith(f"s3remedy: you may not open {directory}/control.sock: run this")


@pytest.mark.parametrize("arguments", [
    ["nonsense"], ["status", "--nonsense"], ["rules", "no-slash"], ["rules", "/x"],
    ["failures", "list", "--state", "sad"], ["failures", "list", "--limit", "0"],
    ["failures", "list", "--since", "yesterday"], ["failures", "list", "--reason-class", "x"],
    ["failures", "show", "orders"], ["failures", "show", "--encoded", "b", "%zz"],
    ["quarantine", "show", "x"], ["status", "-o", "xml"], ["status", "--socket", "x" * 108],
    ["remediate", "orders/r"], ["remediate", "orders/r", "--canary", "0", "--yes"]])
def test_a_wrong_call_is_exit_code_2_and_asks_nothing(run, daemon, arguments):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert daemon.requests == []


def test_help_version_and_global_options_before_the_verb(run, daemon):
    fill(daemon)
    assert run("--version").stdout == "0.1.0\n"
    for verb in [[], ["status"], ["rules"], ["failures"], ["failures", "list"],
                 ["failures", "show"], ["remediate"], ["remediations"], ["remediations", "list"],
                 ["remediations", "show"], ["quarantine", "list"], ["quarantine", "show"]]:
        done = run(*verb, "--help")
        assert done.returncode == 0 and done.stdout.startswith("OVERVIEW: ")
    for verb, _ in TABLES:
        assert "Example" in run(*verb, "--help").stdout, verb
    assert json.loads(run("-o", "json", "--socket", daemon.path, "status").stdout) \
        == daemon.routes["GET /v1/status"]
    assert json.loads(run("--output=json", "status").stdout)["state"] == "running"


def test_an_output_that_cannot_be_written_is_an_error(binary, daemon):
    fill(daemon)
    command = f"'{binary}' status >/dev/full"
    done = call(shutil.which("sh"), daemon.path, "-c", command)
    assert done.returncode == 1
    assert done.stderr == "s3remedy: cannot write the output: No space left on device.\n"
