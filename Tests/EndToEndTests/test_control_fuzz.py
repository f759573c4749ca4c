"""Schemathesis on the whole interface, as somebody who may read and as an operator; the routes are the document's."""
import base64
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from bridges import OPERATORS, Bridge, open_to_all, with_operators
from harness import Daemon, until
from test_metrics import samples

_SEED = "20261124"
_CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
           "unsupported_method")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_MEBIBYTE = 1 << 20


def without_keys(document: dict, path: Path) -> str:
    """The document without Idempotency-Key, as a file: schemathesis sends few keys again and again, and gets 422."""
    for operation in (one for methods in document["paths"].values() for one in methods.values()):
        operation["parameters"] = [one for one in operation["parameters"] if one["in"] != "header"]
    path.write_text(json.dumps(document))
    return str(path)


def fuzz(url: str, report: Path, document: str | None = None) -> list[tuple[str, str, dict]]:
    """Let schemathesis ask everything, and judge; method, route and answer of each case."""
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", document or f"{url}/openapi.json", "--url", url, "--seed", _SEED, "--phases",
         "coverage,fuzzing", "--max-examples", "25", "--continue-on-failure", "--no-shrink", "--warnings", "off",
         "--checks", ",".join(_CHECKS), "--request-timeout", "20", "--no-color", "--report", "ndjson",
         "--report-ndjson-path", str(report)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, cwd=report.parent)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    cases = []
    for line in report.read_text().splitlines():
        if recorder := json.loads(line).get("ScenarioFinished", {}).get("recorder"):
            route = recorder["label"]
            cases += [(one["request"]["method"], route, one["response"]) for one in recorder["interactions"].values()]
    return cases


def problem_of(response: dict) -> dict:
    assert response["headers"]["content-type"] == ["application/problem+json"], response
    return json.loads(base64.b64decode(response["content"]["$base64"]))


def changes_of(document: dict) -> set[str]:
    return {f"POST {path}" for path, methods in document["paths"].items() if "post" in methods}


def figures(daemon: Daemon) -> tuple[float, float]:
    """Open descriptors, and resident bytes."""
    found = samples(daemon.get("/metrics").body.decode())
    return found["process_open_fds"], found["process_resident_memory_bytes"]


def test_a_thousand_strange_requests_of_two_roles(stage, tmp_path):
    rule = f"{stage.name}/rule"
    with with_operators(stage.daemon()) as daemon:
        stage.cloud.send_failures(stage.queue, stage.name, "rule", [f"key/{number}" for number in range(20)])
        until(lambda: daemon.counts() == {rule: {"open": 20}} and stage.queue_is_empty(), what="20 open failures")
        open_to_all(daemon)
        document, pid = daemon.get("/openapi.json").json, daemon.process.pid
        changes = changes_of(document)
        descriptors, resident = figures(daemon)

        with Bridge(daemon) as url:
            read = fuzz(url, tmp_path / "reader.ndjson")
        asked = {route for method, route, _ in read if route in changes and method == "POST"}
        for method, route, response in read:
            if method == "POST" and route in changes:
                known = response["status_code"]
                assert known == 403, (route, response)
        refused = [problem_of(response)["code"] for _, _, response in read if response["status_code"] == 403]
        assert asked == changes and set(refused) == {"notPermitted"}
        assert daemon.counts() == {rule: {"open": 20}} and "pausedUntil" not in daemon.status()

        with Bridge(daemon, OPERATORS) as url:
            changed = fuzz(url, tmp_path / "operator.ndjson", without_keys(document, tmp_path / "document.json"))
            keyed = fuzz(url, tmp_path / "keys.ndjson")
        statuses = Counter(response["status_code"] for _, _, response in changed)
        succeeded = {route for _, route, response in changed if response["status_code"] in (200, 201)}
        refusals = Counter(problem_of(response)["code"] for _, _, response in keyed if response["status_code"] == 422)
        assert set(refusals) == {"idempotencyKeyReused"} and 422 not in statuses
        assert 403 not in statuses and {"POST /v1/intake/pause", "POST /v1/intake/resume"} <= succeeded

        assert len(read) + len(changed) >= 1000
        # Nobody asked for these failures by name: each of them is still there, and the daemon is the same process.
        until(lambda: figures(daemon)[0] <= descriptors, what="as many descriptors as before")
        grown = figures(daemon)[1] - resident
        assert grown < 64 * _MEBIBYTE, f"{grown} bytes more are resident"
        assert daemon.process.pid == pid and daemon.is_alive and daemon.counts() == {rule: {"open": 20}}
        assert daemon.get("/v1/health").status == 200
    print(f"schemathesis, seed {_SEED}: {len(read)} cases as a reader ({len(refused)} times 403), {len(changed)} as an "
          f"operator {dict(sorted(statuses.items()))}, {len(keyed)} with keys "
          f"({refusals.total()} times 422); {grown / _MEBIBYTE:.1f} MiB more resident, descriptors as before")


def test_an_operator_changes_and_a_reader_does_not(stage):
    rule = f"{stage.name}/rule"
    body = json.dumps({"filter": {"rule": rule}, "expectedCount": 2})
    with with_operators(stage.daemon()) as daemon:
        stage.cloud.send_failures(stage.queue, stage.name, "rule", ["a", "b"])
        until(lambda: daemon.counts() == {rule: {"open": 2}}, what="two failures")
        open_to_all(daemon)
        for groups, status, counts in [((), 403, {"open": 2}), ((OPERATORS,), 200, {"dismissed": 2})]:
            with Bridge(daemon, *groups) as url:
                done = subprocess.run(
                    ["curl", "--silent", "--max-time", "20", "--data", body, "--write-out", "\n%{http_code} %{content_type}",
                     f"{url}/v1/failures/dismiss"], capture_output=True, text=True, check=True)
            text, said = done.stdout.rsplit("\n", 1)
            kind = "application/problem+json" if status == 403 else "application/json"
            assert said == f"{status} {kind}", text
            assert daemon.counts() == {rule: counts}
        story = daemon.all(f"/v1/failures/timeline?bucket={stage.name}&keyEncoded=a"
                           f"&version={daemon.failures(rule)[0]['versionId']}")
        assert story[-1]["by"] == "uid 65534"
    print("a change by uid 65534: refused without the operators' group, done with it")


def test_the_routes_are_those_of_the_document(stage):
    with stage.daemon() as daemon:
        stage.cloud.send_failures(stage.queue, stage.name, "rule", ["a"])
        until(lambda: daemon.counts() and stage.queue_is_empty(), what="a failure that was received")
        paths, asked = daemon.get("/openapi.json").json["paths"], 0
        for path, operations in paths.items():
            known = {method.upper() for method in operations}
            for method in _METHODS:
                answer = daemon.request(method, path.replace("{", "").replace("}", ""))
                asked += 1
                if method in known:
                    code = None if answer.status < 400 else answer.json["code"]
                    assert code not in ("notFound", "methodNotAllowed"), (method, path, answer)
                else:
                    assert (answer.status, answer.json["code"]) == (405, "methodNotAllowed"), (method, path, answer)
            assert daemon.get(f"{path}/more/than/that").json["code"] == "notFound", path
    print(f"{len(paths)} paths, {asked} pairs of method and path: served exactly where the document has them")
