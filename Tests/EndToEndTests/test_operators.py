"""What operators do with many failures at once, with quarantined messages, and with a store in trouble."""
import json
import sqlite3
import subprocess

from harness import until
from localaws_client import failure_body, now

_HOUR = 3600
_DISMISS = "/v1/failures/dismiss"


def send(stage, daemon, count: int, rule: str = "rule") -> str:
    """So many open failures of a rule, which is returned."""
    stage.cloud.send_failures(stage.queue, stage.name, rule, [f"key/{number:03d}" for number in range(count)])
    until(lambda: daemon.counts().get(f"{stage.name}/{rule}", {}).get("open") == count, what=f"{count} open")
    return f"{stage.name}/{rule}"


def as_nobody(daemon, method: str, path: str, body: object = None) -> tuple[str, dict]:
    """Status and answer for somebody who may read only."""
    for place in (daemon.directory, daemon.socket):
        subprocess.run(["chmod", "o+rwx", str(place)], check=True)
    call = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "curl", "--silent", "--unix-socket",
            daemon.socket, "--request", method, "--write-out", "\n%{http_code}", f"http://localhost{path}"]
    if body is not None:
        call += ["--data", json.dumps(body)]
    done = subprocess.run(call, capture_output=True, text=True, timeout=20, check=True)
    text, status = done.stdout.rsplit("\n", 1)
    return status, json.loads(text)


def test_dismiss_and_reopen_change_what_was_counted_and_nothing_on_another_count(stage):
    with stage.daemon() as daemon:
        rule = send(stage, daemon, 30)
        body = {"filter": {"rule": rule, "prefix": "key/00"}, "note": "old | news", "dryRun": True}
        counted = daemon.post(_DISMISS, body)
        assert (counted.status, counted.json["count"], counted.json["changed"]) == (200, 10, 0)
        refused = daemon.post(_DISMISS, {**body, "dryRun": False, "expectedCount": 9})
        assert (refused.status, refused.json["code"]) == (409, "countChanged")
        assert daemon.counts() == {rule: {"open": 30}}
        done = daemon.post(_DISMISS, {**body, "dryRun": False, "expectedCount": 10})
        assert (done.status, done.json["changed"], done.json["leftOut"]) == (200, 10, {})
        assert daemon.counts() == {rule: {"open": 20, "dismissed": 10}}
        daemon.restart()
        one = daemon.all(f"/v1/failures?rule={rule}&state=dismissed")[0]
        assert (one["evidence"], one["note"]) == ("operator", "old | news") and one["closedAt"] <= now()
        story = daemon.all(f"/v1/failures/timeline?bucket={stage.name}&keyEncoded={one['keyEncoded']}"
                           f"&version={one['versionId']}")
        assert (story[-1]["what"], story[-1]["by"], story[-1]["note"]) == ("dismissed", "uid 0", "old | news")
        again = daemon.post(_DISMISS, {"filter": body["filter"]})
        assert (again.status, again.json["code"]) == (409, "nothingToDo")
        # A failure after the dismissal opens its failure again; so does an operator.
        stage.cloud.send_failures(stage.queue, stage.name, "rule", [one["key"]], version_ids=[one["versionId"]])
        until(lambda: daemon.counts() == {rule: {"open": 21, "dismissed": 9}}, what="one of the dismissed open again")
        opened = daemon.post("/v1/failures/reopen", {"filter": {"bucket": stage.name, "state": "dismissed"}})
        assert opened.json["changed"] == 9
        assert daemon.counts() == {rule: {"open": 30}}
        said = [line for line in daemon.log().splitlines() if "POST /v1/failures/dismiss" in line]
        assert len(said) == 4 and all(word in line for line in said for word in ("uid=0", "pid=", "request="))
    print("10 dismissed of 30, refused on another count, reopened")


def test_changes_are_for_operators_and_strict(stage):
    bad = [
        {"filter": {}}, {"filter": {"prefix": "a"}}, {}, {"filter": {"rule": "a/b", "prefx": "x"}},
        {"filter": {"rule": "a/b"}, "dryrun": True}, {"filter": {"rule": "no-slash"}},
        {"filter": {"rule": "a/b", "state": "shut"}}, {"filter": {"rule": "a/b"}, "note": "x" * 1025},
        {"filter": {"rule": "a/b", "since": "yesterday"}}, {"filter": [1]}, []]
    with stage.daemon() as daemon:
        rule = send(stage, daemon, 2)
        for body in bad:
            answer = daemon.post(_DISMISS, body)
            assert answer.status == 400 and answer.json["code"] in ("badRequest", "unknownFilter"), (body, answer.body)
        for method, path, body in [("POST", _DISMISS, {"filter": {"rule": rule}}),
                                   ("POST", "/v1/failures/reopen", {"filter": {"rule": rule}}),
                                   ("POST", "/v1/quarantine/1/replay", None), ("POST", "/v1/quarantine/1/drop", None)]:
            status, problem = as_nobody(daemon, method, path, body)
            assert (status, problem["code"]) == ("403", "notPermitted"), path
        status, histogram = as_nobody(daemon, "GET", "/v1/failures/histogram")
        assert status == "200" and sum(histogram["series"][0]["counts"]) == 2
        assert daemon.counts() == {rule: {"open": 2}}
        assert "65534" in daemon.log()
    print(f"{len(bad)} bad bodies refused, 4 changes refused to a reader")


def test_the_histogram_counts_by_rule_reason_and_destination(stage):
    times = {"2026-01-02T03:59:59.999Z": 2, "2026-01-02T04:00:00.000Z": 3, "2026-01-02T09:30:00.000Z": 5}
    with stage.daemon() as daemon:
        for number, (time, count) in enumerate(times.items()):
            stage.cloud.send_failures(stage.queue, stage.name, "rule", [f"{number}/{key}" for key in range(count)], time)
        until(lambda: daemon.counts().get(f"{stage.name}/rule") is not None
              and sum(daemon.counts()[f"{stage.name}/rule"].values()) == 10)
        path = "/v1/failures/histogram?since=2026-01-02T03:00:00Z&until=2026-01-02T10:00:00Z"
        one = daemon.all(f"/v1/failures?rule={stage.name}/rule")[0]
        for by, label in [("rule", f"{stage.name}/rule"), ("reason", one["reason"]),
                          ("destination", one["destinationBucket"])]:
            answer = daemon.get(f"{path}&by={by}&bucketSeconds={_HOUR}").json
            assert answer == {"from": "2026-01-02T03:00:00.000Z", "bucketSeconds": _HOUR,
                              "series": [{"label": label, "counts": [2, 3, 0, 0, 0, 0, 5]}]}
        wide = daemon.get(f"{path}&by=rule&bucketSeconds={6 * _HOUR}").json
        assert (wide["from"], wide["series"][0]["counts"]) == ("2026-01-02T00:00:00.000Z", [5, 5])
        assert daemon.get(f"{path}&rule={stage.name}/other").json["series"] == []
        for query, word in [("bucketSeconds=60", "whole hours"), ("by=key", "by=key"), ("bucketSeconds=x", "whole number"),
                            ("since=2020-01-01T00:00:00Z", "at most 1000"), ("state=open", "unknown parameter"),
                            ("since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", "before")]:
            answer = daemon.get("/v1/failures/histogram?" + query)
            assert answer.status == 400 and word in answer.json["detail"], query
        done = daemon.cli("failures", "histogram", "--since", "2026-01-02", "--until", "2026-01-03", "--by", "rule")
        assert done.returncode == 0 and "····" in done.stdout and "10" in done.stdout, done.stderr
        nothing = daemon.cli("failures", "histogram", "--since", "2025-01-01", "--until", "2025-01-02")
        assert nothing.returncode == 7
    print("histograms by 3 dimensions, 6 refusals")


def test_the_command_line_dismisses_and_reopens(stage):
    with stage.daemon() as daemon:
        rule = send(stage, daemon, 12)
        dry = daemon.cli("failures", "dismiss", "--rule", rule, "--prefix", "key/00", "--dry-run")
        assert dry.returncode == 0 and "10 can be dismissed" in dry.stdout, dry.stderr
        wrong = daemon.cli("failures", "dismiss", "--rule", rule, "--expected-count", "3", "--yes")
        assert wrong.returncode == 1 and "countChanged" in wrong.stderr
        assert daemon.counts() == {rule: {"open": 12}}
        done = daemon.cli("failures", "dismiss", "--rule", rule, "--prefix", "key/00", "--note", "n", "--yes")
        assert done.returncode == 0 and "10 failures dismissed." in done.stdout
        assert daemon.cli("failures", "dismiss", "--rule", rule, "--prefix", "key/00", "--yes").returncode == 7
        done = daemon.cli("failures", "reopen", "--bucket", stage.name, "--state", "dismissed", "--yes", "-o", "json")
        assert json.loads(done.stdout)["changed"] == 10
        assert daemon.counts() == {rule: {"open": 12}}


def test_quarantined_messages_are_replayed_or_dropped(stage):
    sqs = stage.cloud.client("sqs")
    with stage.daemon() as daemon:
        rule = send(stage, daemon, 1)
        for body in ("rubbish", "more rubbish"):
            sqs.send_message(QueueUrl=stage.queue.url, MessageBody=body)
        entries = until(lambda: len(found := daemon.all("/v1/quarantine")) == 2 and found)
        first, second = (entry["id"] for entry in entries)
        still = daemon.post(f"/v1/quarantine/{first}/replay", {})
        assert (still.status, still.json["code"]) == (409, "stillUndecodable")
        assert daemon.cli("quarantine", "replay", str(first)).returncode == 1
        assert len(daemon.all("/v1/quarantine")) == 2
        assert daemon.cli("quarantine", "drop", str(second), "--yes").returncode == 0
        assert daemon.get(f"/v1/quarantine/{second}").json["code"] == "noSuchQuarantined"
        assert daemon.post(f"/v1/quarantine/{second}/drop", {}).status == 404
        # What a newer version can decode: an older one kept it.
        daemon.kill()
        store = sqlite3.connect(daemon.state / "failures.db")
        body = failure_body(stage.name, "rule", "rescued", "v1", now(), "destination", "DstBucketNotFound", 7).encode()
        store.execute("UPDATE quarantine_total SET bytes = bytes - (SELECT length(body) FROM quarantine) + ?", [len(body)])
        store.execute("UPDATE quarantine SET body = ?", [body])
        store.commit()
        store.close()
        daemon.start()
        done = daemon.cli("quarantine", "replay", str(first))
        assert done.returncode == 0 and "1 record" in done.stdout, done.stderr
        until(lambda: daemon.counts() == {rule: {"open": 2}}, what="the rescued failure")
        assert daemon.all("/v1/quarantine") == [] and daemon.status()["store"]["quarantined"] == 0
    print("one replayed, one dropped, one refused")


def test_status_says_what_the_store_cannot_and_one_unreadable_remediation_stops_no_other(stage):
    with stage.daemon() as daemon:
        rule = send(stage, daemon, 1)
        daemon.kill()
        store = sqlite3.connect(daemon.state / "failures.db")
        store.execute("INSERT INTO remediation (id, state, document) VALUES ('broken', 'verifying', '{\"id\": 7}')")
        store.commit()
        daemon.start()
        status = daemon.status()
        assert [one["code"] for one in status["problems"]] == ["remediationUnreadable"]
        assert "broken" in status["problems"][0]["message"] and status["state"] == "degraded"
        assert daemon.all("/v1/remediations") == []
        started = daemon.post("/v1/remediations", {"rule": rule})
        assert started.status == 201
        ended = until(lambda: (one := daemon.get(f"/v1/remediations/{started.json['id']}").json)["state"] in
                      ("finished", "failed", "verifying") and one, what="another remediation goes on")
        assert ended["id"] == started.json["id"] and daemon.is_alive
        assert daemon.get("/v1/remediations/broken").status == 500
        # Trouble in the store: what it holds is not known, what the other parts say is.
        store.execute("ALTER TABLE counter RENAME TO elsewhere")
        store.commit()
        status = daemon.status()
        assert "storeUnreadable" in [one["code"] for one in status["problems"]]
        assert "failures" not in status["store"] and status["store"]["lagRecords"] == 0
        assert status["queues"][0]["url"] == stage.queue.url and status["log"]["segments"] >= 1
        assert daemon.get("/v1/health").status == 200
        shown = daemon.cli("status")
        assert shown.returncode == 0 and "storeUnreadable" in shown.stdout and "not known" in shown.stdout
        store.execute("ALTER TABLE elsewhere RENAME TO counter")
        store.commit()
        store.close()
        status = until(lambda: "failures" in (found := daemon.status())["store"] and found)
        assert "storeUnreadable" not in [one["code"] for one in status["problems"]]
        assert rule in daemon.counts()


def test_too_old_failures_are_counted_in_status(stage):
    with stage.daemon() as daemon:
        stage.cloud.send_failures(stage.queue, stage.name, "rule", ["a", "b"], "2020-01-01T00:00:00.000Z")
        until(lambda: daemon.status()["store"]["tooOld"] == 2)
        assert daemon.counts() == {f"{stage.name}/rule": {"verifying": 2}}
        assert "2 failures came older" in " ".join(daemon.cli("status").stdout.split())
