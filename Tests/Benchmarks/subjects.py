"""What is measured: the daemon, and the Python consumer. Both are started with an empty state and an empty queue, say
READY=1 to the socket in NOTIFY_SOCKET, and are watched from outside in the same way."""
import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import sqlite3
import sys
import time

import processes
from queue_server import QueueServer

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
}

STOP_WITHIN = 15.0


class Subject:
    """A context around one process under test. `directory` is on a disk and holds its state and output; `sockets` has
    a short path. Traced by strace, which notes the syncs, it is slower: for counting only."""
    name = ""
    ready_within = 30.0

    def __init__(self, directory: pathlib.Path, sockets: pathlib.Path, queue: QueueServer, traced: bool = False):
        self.directory = directory
        self.sockets = sockets
        self.queue = queue
        self.log = directory / "output.log"
        self.trace = directory / "syncs.txt" if traced else None

    def command(self) -> list[str]:
        raise NotImplementedError

    def stored(self) -> int:
        """How many failures are stored for good."""
        raise NotImplementedError

    def __enter__(self) -> "Subject":
        self.directory.mkdir(parents=True, exist_ok=True)
        command = self._tracing() + self.command()
        notify = str(self.sockets / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications:
            notifications.bind(notify)
            environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
            environment |= ENVIRONMENT | {"NOTIFY_SOCKET": notify}
            began = time.monotonic()
            self.process = processes.start(command, self.log, environment)
            try:
                self._await_ready(notifications)
                self.ready_seconds = time.monotonic() - began
                self.pid = self._pid()
            except BaseException:
                processes.end(self.process)
                raise
            finally:
                os.unlink(notify)
        return self

    def __exit__(self, *_) -> None:
        self.end()

    def end(self) -> None:
        if self.trace and self.process.poll() is None:
            os.kill(self.pid, signal.SIGTERM)  # strace ends with what it traces
            self.process.wait(STOP_WITHIN)
        status = processes.end(self.process, STOP_WITHIN)
        if status == -signal.SIGKILL:
            raise SystemExit(f"{self.name} did not stop within {STOP_WITHIN:.0f} s of SIGTERM and was killed: "
                             f"{self.last_words()}")
        if status != 0:
            raise SystemExit(f"{self.name} ended with status {status}: {self.last_words()}")

    def syncs(self, since: float, until: float) -> dict[str, int]:
        """The syncs begun in that time (Unix seconds): the log's, the database's, others."""
        counts = {"log": 0, "database": 0, "other": 0}
        for line in self.trace.read_text().splitlines():
            fields = line.split(maxsplit=2)
            if len(fields) < 3 or not fields[2].startswith(("fdatasync(", "fsync(")):
                continue
            if not since <= float(fields[1]) <= until:
                continue
            where = "log" if "/wal/" in fields[2] else "database" if "failures.db" in fields[2] else "other"
            counts[where] += 1
        return counts

    def _tracing(self) -> list[str]:
        if self.trace is None:
            return []
        # setpriv: what is traced is strace's child, and must not outlive it either.
        return ["strace", "--follow-forks", "--seccomp-bpf", "--absolute-timestamps=format:unix,precision:us",
                "--decode-fds=path", "--trace=fdatasync,fsync", f"--output={self.trace}",
                "setpriv", "--pdeathsig", "KILL"]

    def _pid(self) -> int:
        if self.trace is None:
            return self.process.pid
        pid = self.process.pid
        return int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-1500:].strip() or "it said nothing"

    def check_alive(self) -> None:
        if self.process.poll() is not None:
            raise SystemExit(f"{self.name} ended with status {self.process.returncode}: {self.last_words()}")

    def _await_ready(self, notifications: socket.socket) -> None:
        notifications.settimeout(0.1)
        deadline = time.monotonic() + self.ready_within
        while time.monotonic() < deadline:
            try:
                if b"READY=1" in notifications.recv(4096).split(b"\n"):
                    return
            except TimeoutError:
                self.check_alive()
        raise SystemExit(f"{self.name} did not say READY=1 within {self.ready_within:.0f} s: {self.last_words()}")


class Daemon(Subject):
    """s3remedyd with nothing but its defaults: all that is configured says where things are."""
    name = "s3remedyd"

    def __init__(self, *arguments, binary: pathlib.Path, **options):
        super().__init__(*arguments, **options)
        self.binary = binary
        self.socket = self.sockets / "control.sock"

    def command(self) -> list[str]:
        configuration = self.directory / "s3remedy.yaml"
        state = self.directory / "state"
        state.mkdir(exist_ok=True)
        configuration.write_text(
            f"queues:\n  - url: {self.queue.queue_url}\n    region: eu-west-1\n"
            f"state: {{directory: {state}}}\n"
            f"control: {{socket: {self.socket}}}\n"
            f"aws: {{endpoints: {{sqs: {self.queue.url}}}}}\n")
        return [str(self.binary), "run", "--config", str(configuration)]

    @contextlib.contextmanager
    def store_held(self):
        """While it lasts the store takes nothing, because somebody else writes to it: what is received goes into the
        log alone."""
        database = sqlite3.connect(self.directory / "state/failures.db", isolation_level=None)
        try:
            database.execute("BEGIN IMMEDIATE")
            yield
        finally:
            database.close()

    def stored(self) -> int:
        store = self.status()["store"]
        return store["failures"] if store["lagRecords"] == 0 else 0

    def status(self) -> dict:
        connection = http.client.HTTPConnection("s3remedyd", timeout=10)
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.sock.settimeout(10)
            connection.sock.connect(str(self.socket))
            connection.request("GET", "/v1/status")
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


class PythonConsumer(Subject):
    name = "Python consumer"

    def command(self) -> list[str]:
        self.database = self.directory / "failures.db"
        return [sys.executable, str(pathlib.Path(__file__).with_name("consumer.py")), self.queue.queue_url,
                str(self.database)]

    def stored(self) -> int:
        database = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        try:
            return database.execute("SELECT count(*) FROM failure").fetchone()[0]
        finally:
            database.close()
