"""Reload: what applies at once really does, what needs a restart is named, and an error leaves all as it was."""
import json
import os
import signal

import yaml

from harness import Daemon, until
from bridges import OPERATORS, Bridge, open_to_all
from test_intake_control import configure
from test_metrics import samples
import subprocess


def said(daemon: Daemon, text: str, count: int = 1) -> None:
    until(lambda: daemon.stderr.read_text().count(text) >= count, what=f"{text!r} in the log")


def changed(daemon: Daemon) -> dict[str, tuple]:
    answer = daemon.post("/v1/reload", {})
    assert answer.status == 200, answer
    assert answer.json["file"] == str(daemon.config)
    return {one["key"]: (one.get("from"), one.get("to"), one["applies"]) for one in answer.json["changes"]}


def test_what_can_apply_at_once_does(stage):
    rule = f"{stage.name}/rule"
    with stage.daemon() as daemon:
        assert changed(daemon) == {}
        assert "libmicrohttpd" not in daemon.stderr.read_text() and " debug " not in daemon.stderr.read_text()

        def change(settings: dict) -> None:
            settings["log"] = {"level": "debug"}
            settings["batch"]["maxObjects"] = 2
            settings["queues"][0]["maxPollers"] = 2
            settings |= {"buckets": [stage.name], "restrictToBuckets": True}
            settings["wal"] = {"minFreeBytes": "512MiB"}
            settings["store"] = {"quarantineMaxBytes": 0}
        configure(daemon, change)
        assert changed(daemon) == {
            "queues[0].maxPollers": ("8", "2", "now"), "buckets": (None, stage.name, "now"),
            "restrictToBuckets": ("false", "true", "now"), "batch.maxObjects": ("10000000", "2", "now"),
            "wal.minFreeBytes": ("1GiB", "512MiB", "now"), "store.quarantineMaxBytes": ("1GiB", "0B", "now"),
            "log.level": ("info", "debug", "now")}
        assert changed(daemon) == {}

        # log.level, and the buckets: another bucket's event goes into quarantine.
        stage.cloud.send_failures(stage.queue, stage.name, "rule", ["a", "b", "c"])
        stage.cloud.send_failures(stage.queue, f"{stage.name}-other", "rule", ["x"])
        until(lambda: daemon.counts() == {rule: {"open": 3}}, what="three failures")
        problem = until(lambda: daemon.all("/v1/quarantine"), what="a message of another bucket")[0]["problem"]
        assert "restrictToBuckets" in problem
        said(daemon, " debug failure received")
        # batch.maxObjects.
        refused = daemon.post("/v1/remediations", {"rule": rule})
        assert (refused.status, refused.json["code"]) == (409, "remediationRefused") and "maxObjects is 2" in refused.json["detail"]
        # batch.maxObjects back, by SIGHUP.
        configure(daemon, lambda settings: settings["batch"].pop("maxObjects"))
        daemon.process.send_signal(signal.SIGHUP)
        said(daemon, "configuration reloaded now=batch.maxObjects restart=nothing")
        assert daemon.post("/v1/remediations", {"rule": rule}).status == 201
    print("7 keys applied while the daemon ran, 1 by SIGHUP")


def test_a_log_that_waits_for_space_goes_on_when_the_limit_is_lowered(stage):
    daemon = stage.daemon()
    configure(daemon, lambda settings: settings.update(wal={"minFreeBytes": "1000TiB"}))
    with daemon:
        until(lambda: daemon.status()["state"] == "paused", what="a log without room")
        assert "wal.minFreeBytes" in daemon.status()["log"]["paused"]
        stage.cloud.send_failures(stage.queue, stage.name, "rule", ["a"])
        configure(daemon, lambda settings: settings.pop("wal"))
        assert changed(daemon) == {"wal.minFreeBytes": ("1000TiB", "1GiB", "now")}
        until(lambda: daemon.counts() == {f"{stage.name}/rule": {"open": 1}}, what="a failure that waited")
        until(lambda: daemon.status()["state"] == "running", what="no more problems")


def test_what_needs_a_restart_is_named_until_then(stage):
    with stage.daemon() as daemon:
        def change(settings: dict) -> None:
            settings["state"]["directory"] += "-2"
            settings["queues"].append({"url": stage.queue.url + "-2", "region": "eu-west-1"})
            settings["batch"]["manifest"]["prefix"] = "elsewhere"
            settings["metrics"] = {"listen": "127.0.0.1:9477"}
        configure(daemon, change)
        state, url = str(daemon.state), stage.queue.url
        expected = {"queues": (url, f"{url}, {url}-2", "restart"), "metrics.listen": (None, "127.0.0.1:9477", "restart"),
                    "batch.manifest.prefix": ("manifests", "elsewhere", "restart"),
                    "state.directory": (state, state + "-2", "restart")}
        assert changed(daemon) == expected and changed(daemon) == expected
        shown = daemon.cli("reload")
        assert shown.returncode == 0 and "at restart" in shown.stdout and "4 keys wait for a restart" in shown.stdout
        assert "Next: systemctl restart s3remedyd" in shown.stdout and max(map(len, shown.stdout.splitlines())) <= 80
        machine = json.loads(daemon.cli("reload", "-o", "json").stdout)
        assert [one["applies"] for one in machine["changes"]] == ["restart"] * 4
        table = daemon.cli("reload", "-o", "csv").stdout.splitlines()
        assert table[0] == "key,from,to,applies" and len(table) == 5
        # As it was, so nothing waits any more.
        configure(daemon, lambda settings: settings["queues"].pop())
        assert "queues" not in changed(daemon)
    print(f"{len(expected)} keys wait for a restart")


def test_an_error_names_the_place_and_the_old_configuration_stays(stage):
    with stage.daemon() as daemon:
        good = daemon.config.read_text()
        lines = good.count("\n")
        cases = {
            "log: {levle: debug}": (f"{daemon.config}:{lines + 1}:", "did you mean level"),
            "wal: {maxBytes: many}": (f"{daemon.config}:{lines + 1}:", "wal.maxBytes"),
            "bukets: [a]": (f"{daemon.config}:{lines + 1}:", "did you mean buckets"),
            "a: [": (str(daemon.config), "not YAML")}
        for text, parts in cases.items():
            daemon.config.write_text(f"{good}{text}\n")
            answer = daemon.post("/v1/reload", {})
            assert (answer.status, answer.json["code"]) == (409, "configurationRefused"), answer
            assert answer.content_type == "application/problem+json"
            assert all(part in answer.json["detail"] for part in (*parts, "nothing was changed")), answer.json
        failed = daemon.cli("reload")
        assert failed.returncode == 1 and "configurationRefused" in failed.stderr
        daemon.process.send_signal(signal.SIGHUP)
        said(daemon, "configuration not reloaded", len(cases) + 2)
        settings = yaml.safe_load(good)
        settings["control"]["operatorGroup"] = "no-such-group"
        daemon.config.write_text(yaml.safe_dump(settings))
        answer = daemon.post("/v1/reload", {})
        assert answer.status == 409 and "groupadd no-such-group" in answer.json["detail"]
        daemon.config.unlink()
        assert daemon.post("/v1/reload", {}).json["code"] == "configurationRefused"
        daemon.config.write_text(good)
        assert changed(daemon) == {} and daemon.is_alive
    print(f"{len(cases) + 2} wrong configurations, all refused")


def test_the_operators_of_a_reload_may_change_at_once_and_readers_may_not_reload(stage):
    with stage.daemon() as daemon:
        open_to_all(daemon)

        def ask(url: str, path: str) -> str:
            done = subprocess.run(["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", "--data", "{}", f"{url}{path}"],
                                  capture_output=True, text=True, check=True, timeout=30)
            return done.stdout
        with Bridge(daemon, OPERATORS) as url:
            assert ask(url, "/v1/reload") == "403"
            configure(daemon, lambda settings: settings["control"].update(operatorGroup=OPERATORS))
            assert ask(url, "/v1/reload") == "403"
            assert changed(daemon) == {"control.operatorGroup": (None, OPERATORS, "now")}
            assert ask(url, "/v1/reload") == "200"
            assert samples(daemon.get("/metrics").body.decode())["s3remedy_paused"] == 0
