"""metrics.listen: /metrics over TCP and nothing else, and an address that cannot be is said at the start."""
import http.client
import socket
import sqlite3
import subprocess

from harness import Daemon, until
from test_intake_control import configure
from test_metrics import samples


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.headers.get_content_type(), answer.read()
    finally:
        connection.close()


def receive_one(stage, daemon: Daemon) -> None:
    stage.cloud.send_failures(stage.queue, stage.name, "rule", ["a"])
    until(lambda: daemon.counts() == {f"{stage.name}/rule": {"open": 1}}, what="one failure")
    until(stage.queue_is_empty, what="an empty queue")


def test_metrics_and_nothing_else_over_tcp(stage):
    port, daemon = free_port(), stage.daemon()
    configure(daemon, lambda settings: settings.update(metrics={"listen": f"127.0.0.1:{port}"}))
    with daemon:
        receive_one(stage, daemon)
        status, kind, text = ask(port, "GET", "/metrics")
        assert (status, kind) == (200, "text/plain")
        judged = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=30)
        assert judged.returncode == 0 and judged.stdout + judged.stderr == b"", judged
        found = samples(text.decode())
        assert found[f's3remedy_failures{{bucket="{stage.name}",rule="rule",state="open"}}'] == 1
        assert found[f's3remedy_queue_replaced_event_times_total{{queue="{stage.queue.url}"}}'] == 0
        assert ask(port, "HEAD", "/metrics") == (200, "text/plain", b"")
        paths = [path for path in daemon.get("/openapi.json").json["paths"] if path != "/metrics"]
        for path in [*paths, "/", "/metrics/", "//metrics"]:
            for method in ("GET", "POST"):
                said = ask(port, method, path, b"" if method == "POST" else None)
                assert said[:2] == (404, "application/problem+json"), (method, path, said)
        for method, body, expected in [("POST", b"", 405), ("DELETE", None, 405), ("POST", b"x", 413)]:
            assert ask(port, method, "/metrics", body)[0] == expected, method
        # One connection for many scrapes, and what Prometheus adds to a path is refused by nobody.
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for _ in range(20):
            connection.request("GET", "/metrics", headers={"Accept": "text/plain;version=0.0.4"})
            assert connection.getresponse().read().startswith(b"# HELP")
        connection.close()
        assert "pausedUntil" not in daemon.status()
    print(f"{len(found)} samples over TCP, {2 * (len(paths) + 3)} other requests answered 404")


def test_a_scrape_says_what_is_known_while_the_store_cannot_be_read(stage):
    port, daemon = free_port(), stage.daemon()
    configure(daemon, lambda settings: settings.update(metrics={"listen": f"127.0.0.1:{port}"}))
    with daemon:
        receive_one(stage, daemon)
        store = sqlite3.connect(daemon.state / "failures.db")
        store.execute("ALTER TABLE counter RENAME TO elsewhere")
        store.commit()
        status, _, text = ask(port, "GET", "/metrics")
        found = samples(text.decode())
        assert status == 200 and found['s3remedy_problems{code="storeUnreadable"}'] == 1
        assert found["s3remedy_log_segments"] == 1 and not any(name.startswith("s3remedy_failures") for name in found)
        store.execute("ALTER TABLE elsewhere RENAME TO counter")
        store.commit()
        store.close()


def test_an_address_that_cannot_be_listened_on_is_said_at_the_start(stage):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        cases = [(f"127.0.0.1:{port}", 1, f"metrics.listen: cannot listen on 127.0.0.1:{port}: Address already in use"),
                 ("192.0.2.1:9477", 1, "choose an address of this host"),
                 ("localhost:9477", 78, "metrics.listen is \"localhost:9477\", but must be an IP address"),
                 (":9477", 78, "such as 127.0.0.1:9477")]
        with stage.daemon() as daemon:
            receive_one(stage, daemon)
            assert daemon.stop() == 0
            for listen, status, sentence in cases:
                configure(daemon, lambda settings: settings.update(metrics={"listen": listen}))
                daemon.start(wait=False)
                assert daemon.process.wait(20) == status, daemon.stderr.read_text()
                assert sentence in daemon.stderr.read_text(), (listen, daemon.stderr.read_text())
            daemon.process = None
            configure(daemon, lambda settings: settings.update(metrics={"listen": f"0.0.0.0:{free_port()}"}))
            daemon.start()
            assert "open to all who reach" in daemon.stderr.read_text()
    print(f"{len(cases)} addresses refused")
