"""Start the built daemon and command line against the stand-in cloud, and wait for what they do."""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("S3REMEDY_BUILD") or ROOT / ".build/release")
# Not /tmp: that may be a tmpfs, and a kill must meet a file system as in the field.
SCRATCH = "/var/tmp"
START_SECONDS = 20.0
STOP_SECONDS = 15.0


def until(condition: Callable[[], object], seconds: float = 15.0, what: str = "") -> object:
    """The first true value of `condition`; TimeoutError when the time is over. The one place that waits."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what or 'the condition'}; last seen {value!r}")
        time.sleep(0.005)
    return value


def program(name: str) -> str:
    """The path of a built program."""
    path = BUILD / name
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path} is missing: make build, or set S3REMEDY_BUILD to where the programs are")
    return str(path)


@dataclass(frozen=True)
class Answer:
    """One answer of the control channel."""

    status: int
    content_type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def json(self):
        return json.loads(self.body)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str):
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class NotifySocket:
    """What systemd would hear: a datagram socket for NOTIFY_SOCKET."""

    def __init__(self, path: str):
        self.path = path
        self._lines: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._socket.setblocking(False)

    def lines(self) -> list[str]:
        """Everything said so far, a variable a line."""
        while True:
            try:
                self._lines += self._socket.recv(65536).decode().splitlines()
            except BlockingIOError:
                return list(self._lines)

    def forget(self) -> None:
        self.lines()
        self._lines.clear()

    def close(self) -> None:
        self._socket.close()


class Daemon:
    """One state directory and the daemon that runs on it: `with Daemon(endpoint, …) as daemon:`.

    It can be killed and started again any number of times. Leaving ends it with SIGTERM and wants exit status 0;
    after an exception it shows the end of the daemon's standard error instead. The daemon ends with this process,
    however that ends (PR_SET_PDEATHSIG by setpriv): start it from the main thread.
    """

    def __init__(self, endpoint: str, queue_url: str, access_key: str, secret: str, bucket: str):
        self.directory = Path(tempfile.mkdtemp(prefix="s3remedy-", dir=SCRATCH))
        self.directory.chmod(0o755)
        self.state = self.directory / "state"
        self.socket = str(self.directory / "control.sock")
        self.config = self.directory / "s3remedy.yaml"
        self.stderr = self.directory / "stderr.log"
        self.environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
                            "AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret}
        settings = {
            "queues": [{"url": queue_url, "region": "eu-west-1"}],
            "batch": {"roleArn": "arn:aws:iam::000000000000:role/batch", "pollInterval": "50ms",
                      "manifest": {"bucket": bucket, "prefix": "manifests"},
                      "report": {"bucket": bucket, "prefix": "reports"}},
            "state": {"directory": str(self.state)}, "control": {"socket": self.socket},
            "aws": {"endpoints": dict.fromkeys(("sqs", "s3", "s3control", "sts"), endpoint)}}
        self.config.write_text(yaml.safe_dump(settings, sort_keys=False))
        self.state.mkdir(mode=0o700)
        self.notify = NotifySocket(str(self.directory / "notify"))
        self.process: subprocess.Popen | None = None
        self.starts = 0
        self.prefix: list[str] = []  # a command that ends in becoming the daemon

    def live_on(self, state: Path, **sections: dict) -> None:
        """From the next start on: this state directory, and these sections of the configuration."""
        self.state = state
        settings = yaml.safe_load(self.config.read_text())
        settings |= {"state": {"directory": str(state)}, **sections}
        self.config.write_text(yaml.safe_dump(settings, sort_keys=False))

    def receive_from(self, *queue_urls: str) -> None:
        """From the next start on: these queues, each at its URL's own host."""
        settings = yaml.safe_load(self.config.read_text())
        settings["queues"] = [{"url": url, "region": "eu-west-1"} for url in queue_urls]
        settings["aws"]["endpoints"].pop("sqs", None)
        self.config.write_text(yaml.safe_dump(settings, sort_keys=False))

    def __enter__(self) -> "Daemon":
        try:
            self.start()
        except BaseException:
            self._show_and_remove()
            raise
        return self

    def __exit__(self, kind, *_) -> None:
        try:
            if kind is None and self.process is not None:
                status = self.stop()
                if status != 0:
                    kind = RuntimeError
                    raise RuntimeError(f"the daemon ended with {status}, not 0, on SIGTERM")
        finally:
            self.kill()
            self._show_and_remove(show=kind is not None)

    def start(self, wait: bool = True) -> None:
        """Start the daemon; `wait` until it says READY=1."""
        self.notify.forget()
        self.starts += 1
        with open(self.stderr, "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.prefix, program("s3remedyd"), "run", "--config", str(self.config)],
                env={**self.environment, "NOTIFY_SOCKET": self.notify.path}, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        if wait:
            until(self._is_ready, START_SECONDS, "READY=1 from the daemon")

    def _is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"the daemon ended with {self.process.returncode} before it was ready")
        return "READY=1" in self.notify.lines()

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL, by pid."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self) -> None:
        self.kill()
        self.start()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise RuntimeError(f"the daemon did not end within {STOP_SECONDS} s after SIGTERM") from None

    def request(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """`headers` by their names with `_` for `-`."""
        connection = _UnixConnection(self.socket)
        try:
            data = None if body is None else json.dumps(body).encode()
            fields = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, data, fields | ({"Content-Type": "application/json"} if data else {}))
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers.get_content_type(), answer.read(), dict(answer.headers))
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def post(self, path: str, body: object, **headers: str) -> Answer:
        return self.request("POST", path, body, **headers)

    def status(self) -> dict:
        return self.get("/v1/status").json

    def all(self, path: str) -> list[dict]:
        """Every item of a list, page by page."""
        items, cursor, separator = [], "", "&" if "?" in path else "?"
        while True:
            answer = self.get(f"{path}{separator}limit=1000{cursor}")
            if answer.status != 200:
                raise RuntimeError(f"GET {path} answered {answer.status}: {answer.body.decode()}")
            items += answer.json["items"]
            if "nextCursor" not in answer.json:
                return items
            cursor = f"&cursor={answer.json['nextCursor']}"

    def failures(self, rule: str) -> list[dict]:
        return self.all(f"/v1/failures?rule={rule}")

    def counts(self) -> dict[str, dict[str, int]]:
        """Per BUCKET/RULE-ID the counts by state that are not 0."""
        return {f"{rule['sourceBucket']}/{rule['ruleId']}":
                {state: count for state, count in rule["counts"].items() if count} for rule in self.all("/v1/rules")}

    def cli(self, *arguments: str, **options) -> subprocess.CompletedProcess:
        """Run s3remedy on this daemon."""
        return subprocess.run(
            [program("s3remedy"), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "S3REMEDY_SOCKET": self.socket}, **options)

    def log(self) -> str:
        """What it wrote to standard error in all its lives."""
        return self.stderr.read_text(errors="replace")

    def _show_and_remove(self, show: bool = True) -> None:
        if show and self.stderr.exists():
            print(f"--- the end of the daemon's standard error ({self.starts} starts)\n{self.log()[-6000:]}",
                  file=sys.stderr)
        self.notify.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def run_daemon(*arguments: str, environment: dict[str, str] | None = None,
               seconds: float = 20.0) -> subprocess.CompletedProcess:
    """Run s3remedyd to its end."""
    return subprocess.run(
        [program("s3remedyd"), *arguments], env={"PATH": os.environ["PATH"], **(environment or {})},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
