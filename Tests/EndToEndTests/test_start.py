"""Starting and stopping: configurations that are not to be used, two daemons on one state, SIGTERM."""
import pytest
import yaml

from harness import run_daemon, until

_GOOD = """queues:
  - url: https://sqs.eu-west-1.amazonaws.com/111122223333/failures
state: {directory: /var/tmp/s3remedy-never-used}
control: {socket: /var/tmp/s3remedy-never-used.sock}
"""

# The text, the line that is to blame, and what the sentence has to hold.
_BAD = [
    (_GOOD.replace("queues:", "queus:"), 1, ["queus", "queues"]),
    (_GOOD.replace("- url:", "- uri:"), 2, ["uri", "url", "queues[0]"]),
    (_GOOD + "batch:\n  roleArm: x\n", 6, ["roleArm", "roleArn", "batch"]),
    (_GOOD + "wal: {maxByte: 1GiB}\n", 5, ["maxByte", "maxBytes"]),
    (_GOOD + "aws:\n  endpoints:\n    s3ctrl: http://127.0.0.1:1\n", 7, ["s3ctrl", "s3control"]),
    (_GOOD + "log: {level: loud}\n", 5, ["log.level", "loud", "info"]),
    (_GOOD + "wal: {maxBytes: -1}\n", 5, ["wal.maxBytes", "-1"]),
    (_GOOD.replace("https:", "gopher:"), 2, ["queues[0].url", "gopher"]),
    (_GOOD.replace("/var/tmp/s3remedy-never-used}", "relative}"), 3, ["state.directory", "relative", "absolute"]),
    (_GOOD.replace("used.sock", "u" * 100), 4, ["control.socket", "107"]),
    (_GOOD + "batch:\n  roleArn: arn:aws:iam::1:role/r\n  pollInterval: 1s\n  manifest: {bucket: b}\n"
     "  report: {bucket: b}\n", 7, ["batch.pollInterval", "1s", "30s"]),
    (_GOOD + "batch:\n  roleArn: arn:aws:iam::1:role/r\n  report: {bucket: b}\n", None, ["batch.manifest", "missing"]),
    ("state: {directory: /var/tmp/x}\n", None, ["queues", "missing"]),
    ("queues: [\n", None, ["YAML"]),
    ("", None, ["queues"]),
]


@pytest.fixture
def config(tmp_path):
    def write(text: str) -> str:
        path = tmp_path / "s3remedy.yaml"
        path.write_text(text)
        return str(path)
    return write


@pytest.mark.parametrize("verb", ["check-config", "run"])
def test_a_wrong_configuration_names_file_line_key_and_the_fix(config, verb):
    for text, line, words in _BAD:
        path = config(text)
        ended = run_daemon(verb, "--config", path)
        said = ended.stdout + ended.stderr
        assert ended.returncode == 78, (text, said)
        assert (f"{path}:{line}:" if line else path) in said, (text, said)
        assert all(word in said for word in words), (words, said)
    print(f"{verb}: {len(_BAD)} wrong configurations refused")


def test_a_good_configuration_is_said_to_be_good(config):
    ended = run_daemon("check-config", "--config", config(_GOOD))
    assert ended.returncode == 0, ended
    assert ended.stdout.strip() != ""


def test_a_missing_file_is_named(tmp_path):
    ended = run_daemon("run", "--config", str(tmp_path / "none.yaml"))
    assert ended.returncode == 78 and "none.yaml" in ended.stderr


def test_a_second_daemon_on_the_same_state_ends_with_75(stage):
    with stage.daemon() as daemon:
        other = yaml.safe_load(daemon.config.read_text())
        other["control"]["socket"] = str(daemon.directory / "other.sock")
        path = daemon.directory / "other.yaml"
        path.write_text(yaml.safe_dump(other))
        ended = run_daemon("run", "--config", str(path), environment=daemon.environment)
        assert ended.returncode == 75, ended
        assert str(daemon.state) in ended.stderr and str(daemon.process.pid) in ended.stderr
        assert daemon.get("/v1/health").status == 200
        wait_for_receive(stage)


def test_sigterm_ends_a_long_poll_cleanly(stage):
    with stage.daemon() as daemon:
        wait_for_receive(stage)
        assert daemon.stop() == 0
        assert "STOPPING=1" in daemon.notify.lines()
        assert any(line.startswith("STATUS=") for line in daemon.notify.lines())
        with pytest.raises((FileNotFoundError, ConnectionRefusedError)):
            daemon.get("/v1/health")
        daemon.start()
        assert daemon.get("/v1/health").status == 200


def wait_for_receive(stage) -> None:
    until(lambda: stage.cloud.judge()["byOperation"].get("sqs.ReceiveMessage"))
