"""Idempotency-Key: a change that is asked for twice is made once, and the second asker gets the first answer."""
import json
import os
import socket
import sqlite3
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

from bridges import OPERATORS, Bridge, open_to_all, with_operators
from harness import Daemon, program, until


def send(stage, daemon: Daemon, count: int) -> str:
    stage.cloud.send_failures(stage.queue, stage.name, "rule", [f"key/{number}" for number in range(count)])
    until(lambda: daemon.counts() == {f"{stage.name}/rule": {"open": count}}, what=f"{count} open failures")
    until(stage.queue_is_empty, what="an empty queue")
    return f"{stage.name}/rule"


def replayed(answer) -> bool:
    return answer.headers.get("Idempotency-Replayed") == "true"


def test_a_change_is_made_once_and_answered_again(stage):
    with stage.daemon() as daemon:
        rule = send(stage, daemon, 2)
        first = daemon.post("/v1/intake/pause", {"durationSeconds": 600}, Idempotency_Key="one")
        again = daemon.post("/v1/intake/pause", {"durationSeconds": 600}, Idempotency_Key="one")
        assert first.status == 200 and not replayed(first)
        assert again.body == first.body and again.content_type == first.content_type and replayed(again)
        assert daemon.status()["pausedUntil"] == first.json["pausedUntil"]
        for path, body in [("/v1/intake/pause", {"durationSeconds": 601}), ("/v1/intake/resume", {}),
                           ("/v1/intake/resume", {"durationSeconds": 600})]:
            other = daemon.post(path, body, Idempotency_Key="one")
            assert (other.status, other.json["code"]) == (422, "idempotencyKeyReused"), other
            assert other.content_type == "application/problem+json"
        assert "pausedUntil" in daemon.status()
        assert daemon.post("/v1/intake/resume", {}, Idempotency_Key="two").status == 200

        # What failed changed nothing, is not kept, and may be sent again.
        body = {"filter": {"rule": rule}, "expectedCount": 3}
        assert daemon.post("/v1/failures/dismiss", body, Idempotency_Key="three").json["code"] == "countChanged"
        stage.cloud.send_failures(stage.queue, stage.name, "rule", ["key/2"])
        until(lambda: daemon.counts() == {rule: {"open": 3}}, what="a third failure")
        done = daemon.post("/v1/failures/dismiss", body, Idempotency_Key="three")
        assert done.json["changed"] == 3 and not replayed(done)
        again = daemon.post("/v1/failures/dismiss", body, Idempotency_Key="three")
        assert again.json["changed"] == 3 and replayed(again)
        # Without a key, or with another, it is a new request.
        assert daemon.post("/v1/failures/dismiss", body).json["code"] == "countChanged"
        daemon.restart()
        again = daemon.post("/v1/failures/dismiss", body, Idempotency_Key="three")
        assert again.body == done.body and replayed(again)
        keys = ["", "x" * 256, "a b", "a\u00e9", "tab\t."]
        for key in keys:
            refused = daemon.post("/v1/intake/resume", {}, Idempotency_Key=key)
            assert (refused.status, refused.json["code"]) == (400, "badRequest"), key
        assert daemon.post("/v1/intake/resume", {}, Idempotency_Key="x" * 255).status == 200
    print(f"replayed, refused for other requests, and {len(keys)} bad keys refused")


def test_a_remediation_is_started_once_however_often_it_is_asked_for(stage):
    with stage.daemon() as daemon:
        rule = send(stage, daemon, 3)
        body = {"rule": rule, "priority": 5}

        def start(_: int):
            return daemon.post("/v1/remediations", body, Idempotency_Key="start")
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(start, range(16)))
        assert {answer.status for answer in answers} == {201}
        started = {answer.json["id"] for answer in answers}
        assert len(started) == 1 and len(daemon.all("/v1/remediations")) == 1
        daemon.restart()
        again = start(0)
        assert again.status == 201 and again.json["id"] in started and replayed(again)
        assert again.body == answers[0].body
        # As if the process had ended between the remediation and its answer.
        daemon.kill()
        store = sqlite3.connect(daemon.state / "failures.db")
        store.execute("UPDATE answer SET status = NULL, type = NULL, body = NULL WHERE remediation IS NOT NULL")
        store.commit()
        daemon.start()
        again = start(0)
        assert again.status == 201 and again.json["id"] in started and replayed(again)
        assert len(daemon.all("/v1/remediations")) == 1 and len(stage.jobs_of(rule)) <= 1
        # A day later the key is free.
        store.execute("UPDATE answer SET at = at - 24 * 3600 * 1000 - 1")
        store.commit()
        store.close()
        assert not replayed(start(0))
    print("16 at once, once more after each of 2 restarts: one remediation")


def test_each_uid_has_keys_of_its_own(stage):
    with with_operators(stage.daemon()) as daemon:
        send(stage, daemon, 1)
        open_to_all(daemon)
        assert daemon.post("/v1/intake/pause", {"durationSeconds": 600}, Idempotency_Key="k").status == 200
        with Bridge(daemon, OPERATORS) as url:
            done = subprocess.run(
                ["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", "-H", "Idempotency-Key: k", "--data", "{}",
                 f"{url}/v1/intake/resume"], capture_output=True, text=True, check=True, timeout=30)
        assert done.stdout == "200" and "pausedUntil" not in daemon.status()


class LosingProxy:
    """In front of a control socket: hands the first POST on, and closes instead of handing its answer back."""

    def __init__(self, daemon: Daemon):
        self.path = str(daemon.directory / "proxy.sock")
        self.lost: list[bytes] = []
        self.passed = 0
        self._behind = daemon.socket
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen(16)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            server.connect(self._behind)
            while request := client.recv(65536):
                server.sendall(request)
                answer = server.recv(65536)
                if request.startswith(b"POST ") and b"dryRun" not in request and not self.lost:
                    self.lost.append(request)
                    return
                self.passed += request.startswith(b"POST ")
                client.sendall(answer)

    def close(self) -> None:
        self._listener.close()


def test_the_command_line_asks_again_when_its_connection_is_lost(stage):
    with stage.daemon() as daemon:
        rule = send(stage, daemon, 2)
        proxy = LosingProxy(daemon)
        done = subprocess.run(
            [program("s3remedy"), "remediate", rule, "--yes", "--no-wait", "-o", "json"], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "S3REMEDY_SOCKET": proxy.path})
        assert done.returncode == 0, done.stderr
        proxy.close()
        assert len(proxy.lost) == 1 and b"\r\nIdempotency-Key: " in proxy.lost[0] and proxy.passed == 2
        assert [one["id"] for one in daemon.all("/v1/remediations")] == [json.loads(done.stdout)["id"]]
    print("a lost answer, one remediation")
