"""Real replication failures through SQS into answers per rule; the control channel as curl and other users see it."""
import json
import os
import subprocess
from urllib.parse import quote

import pytest

from conftest import NASTY_KEYS
from harness import until
from localaws_client import now

_REMEDIATIONS = "http://localhost/v1/remediations"


@pytest.fixture
def failing(stage):
    """A source bucket with a rule whose destination is missing and one that is denied, both for every key."""
    source, missing, denied = f"{stage.name}-source", f"{stage.name}-missing", f"{stage.name}-denied"
    stage.cloud.replicated_pair(source, [("to-missing", "", missing), ("to-denied", "", denied)], stage.queue,
                                missing=(missing,))
    stage.cloud.deny_replication(denied)
    return source, missing, denied


def test_failures_are_answered_by_rule_with_their_exact_keys(stage, failing):
    source, missing, denied = failing
    versions = stage.put(source, *NASTY_KEYS)
    wanted = {"to-missing": (missing, "DstBucketNotFound"), "to-denied": (denied, "DstPutObjectNotPermitted")}
    with stage.daemon() as daemon:
        counts = {f"{source}/{rule}": {"open": len(NASTY_KEYS)} for rule in wanted}
        until(lambda: daemon.counts() == counts, what=f"{counts} in /v1/rules")
        for rule, (destination, reason) in wanted.items():
            failures = daemon.failures(f"{source}/{rule}")
            assert {(one["keyEncoded"], one["versionId"]) for one in failures} == {
                (quote(key, safe="/-._~"), versions[key]) for key in NASTY_KEYS}
            for one in failures:
                assert one["destinationBucket"] == destination
                assert (one["reason"], one["reasonClass"], one["state"]) == (reason, "fix", "open")
                assert one["failureCount"] == 1 and one["operation"] == "OBJECT_PUT"
            overview = daemon.get(f"/v1/rules/{source}/{rule}").json
            assert overview["openBytes"] == sum(len(key.encode()) for key in NASTY_KEYS)
            assert overview["reasons"] == [{"reason": reason, "reasonClass": "fix", "destinationBucket": destination,
                                            "open": len(NASTY_KEYS)}]
        curl = subprocess.run(["curl", "--silent", "--show-error", "--unix-socket", daemon.socket,
                               "http://localhost/v1/rules"], capture_output=True, text=True, timeout=20, check=True)
        assert {item["ruleId"] for item in json.loads(curl.stdout)["items"]} == set(wanted)
        status = daemon.status()
        assert status["state"] == "running" and status["problems"] == []
        assert status["store"]["failures"] == 2 * len(NASTY_KEYS)
        assert status["queues"][0]["lastTestEventAt"] <= now()
    print(f"{2 * len(NASTY_KEYS)} failures of {len(NASTY_KEYS)} keys under 2 rules")


def test_the_store_and_the_cursor_survive_a_restart(stage, failing):
    source, _, _ = failing
    stage.put(source, *(f"page/{number:03d}" for number in range(25)))
    with stage.daemon() as daemon:
        rule = f"{source}/to-denied"
        until(lambda: daemon.counts().get(rule) == {"open": 25})
        first = daemon.get(f"/v1/failures?rule={rule}&limit=10").json
        daemon.restart()
        second = daemon.get(f"/v1/failures?rule={rule}&limit=10&cursor={first['nextCursor']}").json
        keys = [one["key"] for one in first["items"] + second["items"]]
        assert keys == [f"page/{number:03d}" for number in range(20)]


def test_every_path_of_the_openapi_document_answers(stage):
    with stage.daemon() as daemon:
        document = daemon.get("/openapi.json")
        assert document.status == 200 and document.json["openapi"].startswith("3.1")
        answered = 0
        for path, operations in document.json["paths"].items():
            for method in operations:
                target = path.replace("{bucket}", "none").replace("{ruleId}", "none").replace("{id}", "7")
                answer = daemon.request(method.upper(), target, {} if method == "post" else None)
                known_absent = "{" in path or path.endswith("/timeline") or method == "post"
                assert answer.status in ((200, 400, 404) if method == "post" else (400, 404) if known_absent else (200,))
                kind = next(iter(operations[method]["responses"]["200" if answer.status == 200 else "default"]["content"]))
                assert answer.content_type == kind, (method, path)
                answered += 1
        assert answered >= 12
        assert daemon.get("/v1/health").status == 200
        for query in ("/v1/failures?colour=red", "/v1/rules?state=open", "/v1/status?x=1"):
            answer = daemon.get(query)
            assert (answer.status, answer.content_type) == (400, "application/problem+json"), query
            assert answer.json["code"] == "unknownFilter" and query.split("?")[1].split("=")[0] in answer.json["detail"]
        wrong = daemon.get("/v1/nothing")
        assert (wrong.status, wrong.json["code"]) == (404, "notFound")
        assert daemon.request("DELETE", "/v1/rules").status == 405
        until(lambda: stage.cloud.judge()["byOperation"].get("sqs.ReceiveMessage"))
    print(f"{answered} operations of the document answered")


def test_others_may_read_but_not_change(stage):
    with stage.daemon() as daemon:
        os.chmod(daemon.socket, 0o666)

        def as_nobody(*arguments: str) -> subprocess.CompletedProcess:
            return subprocess.run(
                ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "curl", "--silent",
                 "--unix-socket", daemon.socket, "--write-out", "\n%{http_code}", *arguments],
                capture_output=True, text=True, timeout=20, check=True)

        refused = as_nobody("--json", '{"rule": "bucket/rule", "dryRun": true}', _REMEDIATIONS)
        body, status = refused.stdout.rsplit("\n", 1)
        assert status == "403" and json.loads(body)["code"] == "notPermitted" and "65534" in json.loads(body)["detail"]
        assert as_nobody("http://localhost/v1/rules").stdout.endswith("\n200")
        assert as_nobody("http://localhost/v1/status").stdout.endswith("\n200")
        assert daemon.post("/v1/remediations", {"rule": "bucket/rule", "dryRun": True}).status != 403
        assert "uid=65534" in daemon.log()
        until(lambda: stage.cloud.judge()["byOperation"].get("sqs.ReceiveMessage"))
