"""Runs the built s3remedy against a canned daemon, behind pipes or on a terminal of its own."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest

from command_line_daemon import CannedDaemon

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("S3REMEDY_BIN") or ROOT / ".build/debug/s3remedy")
SECONDS = 30


@pytest.fixture(scope="session")
def binary():
    if not os.access(BINARY, os.X_OK):
        pytest.fail(f"{BINARY} is missing: build s3remedy first, or set S3REMEDY_BIN")
    return BINARY


@pytest.fixture
def daemon(tmp_path):
    server = CannedDaemon(tmp_path / "control.sock")
    yield server
    server.stop()


@pytest.fixture
def run(binary, daemon):
    """run("status", "-o", "json") → the finished process, its output as text."""
    def start(*arguments, **options):
        return call(binary, daemon.path, *arguments, **options)
    return start


def environment(socket, **more):
    kept = {name: os.environ[name] for name in ["PATH", "HOME", "LD_LIBRARY_PATH"]
            if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8", "S3REMEDY_SOCKET": str(socket), **more}


def call(binary, socket, *arguments, env=None, **options):
    done = subprocess.run(
        [str(binary), *arguments], env={**environment(socket), **(env or {})}, timeout=SECONDS,
        stdin=subprocess.DEVNULL, capture_output=True, **options)
    done.stdout = done.stdout.decode("utf-8")
    done.stderr = done.stderr.decode("utf-8")
    return done


class Terminal:
    """The program on a pseudoterminal of `columns` columns: all three streams."""

    def __init__(self, binary, socket, *arguments, columns=100, env=None):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.seen = ""
        self.process = subprocess.Popen(
            [str(binary), *arguments], stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, preexec_fn=self.take_terminal,
            env={**environment(socket, TERM="xterm"), **(env or {})})
        os.close(slave)

    @staticmethod
    def take_terminal():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def wait_for(self, text):
        """Reads until `text` was seen."""
        end = time.monotonic() + SECONDS
        while text not in self.seen:
            if not self.read(end):
                pytest.fail(f"{text!r} did not come; seen: {self.seen!r}")

    def type(self, text):
        os.write(self.master, text.encode())

    def finish(self):
        """Reads to the end; the exit code."""
        end = time.monotonic() + SECONDS
        while self.read(end):
            pass
        return self.process.wait(SECONDS)

    def read(self, end):
        ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
        if not ready:
            pytest.fail(f"nothing more came in time; seen: {self.seen!r}")
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: the other side is closed
            return False
        self.seen += data.decode("utf-8", "replace")
        return bool(data)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)


@pytest.fixture
def terminal(binary, daemon):
    """terminal("remediate", …) → the running program on a pseudoterminal."""
    opened = []

    def start(*arguments, **options):
        opened.append(Terminal(binary, daemon.path, *arguments, **options))
        return opened[-1]

    yield start
    for one in opened:
        one.close()
