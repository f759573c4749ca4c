"""make demo: failures of a real (local) replication arrive, survive a kill -9, and are repaired by a batch job.

One object's version is deleted meanwhile and ends `gone`, one is archived and ends `parked`. Ends by itself with `VERDICT: ok` (exit status 0) or `VERDICT: failed: …` (1), and leaves nothing behind.
"""

import contextlib
import shlex
import signal
import socket
import sys
import textwrap
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from botocore.exceptions import BotoCoreError

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "LocalAWS"))

from command_line_harness import Terminal  # noqa: E402
from harness import Daemon, program, until  # noqa: E402
from localaws_client import LocalAWS  # noqa: E402
from statefiles import applied_lsn, last_lsn  # noqa: E402

SOURCE, ARCHIVE, PARTNERS, MANIFESTS = "orders", "orders-archive", "orders-partners", "s3remedy-manifests"
ARCHIVE_RULE, PARTNERS_RULE = f"{SOURCE}/to-archive", f"{SOURCE}/to-partners"
NASTY_KEYS = ("a b+c%2F", "ключ/日本語", '"quoted",comma', "line\nbreak", "\x1b[31mred\x1b[0m \x1b]0;title\x07", "k" * 1024)
SHARED = "partners/"
DELETED, ARCHIVED = "2026/11/deleted.json", "2026/11/archived.json"
COLUMNS = 100
FIRST, MORE = 40, 240


class Failed(Exception):
    """Something is not as it has to be; the sentence is the verdict."""


class Demo:
    """The story, step by step. What it wrote is what it later asks for."""

    def __init__(self):
        self.number = 0
        self.written: dict[str, str] = {}  # version IDs by key
        self.cloud = LocalAWS()
        self.daemon: Daemon | None = None
        self.pids: list[int] = []

    # -- telling

    def step(self, title: str) -> None:
        self.number += 1
        print(f"\n{self.number}. {title}\n{'-' * (len(title) + 3)}", flush=True)

    def say(self, text: str) -> None:
        print(textwrap.fill(text, 100, break_on_hyphens=False, break_long_words=False), flush=True)

    def s3remedy(self, *arguments: str, lines: int = 60) -> None:
        """Run the command line, and show the call and what it says."""
        print(f"\n$ s3remedy {shlex.join(arguments)}", flush=True)
        done = self.daemon.cli(*arguments)
        shown = done.stdout.rstrip("\n").split("\n")
        print("\n".join(shown[:lines]))
        if len(shown) > lines:
            print(f"[… {len(shown) - lines} more lines]")
        if done.returncode != 0:
            raise Failed(f"s3remedy {shlex.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
        print(flush=True)

    def watch(self, *arguments: str) -> None:
        """Run the command line on a terminal, and show how its one line of progress went."""
        print(f"\n$ s3remedy {shlex.join(arguments)}", flush=True)
        terminal = Terminal(
            program("s3remedy"), self.daemon.socket, *arguments, columns=COLUMNS, env={"NO_COLOR": "1"})
        with contextlib.closing(terminal):
            status = terminal.finish()
        frames = [frame.rstrip() for frame in terminal.seen.replace("\r\n", "\n").split("\r\x1b[K")]
        moving = list(dict.fromkeys(frames[1:-1]))
        print("\n".join([frames[0], *(moving if len(moving) <= 12 else [*moving[:6], "[…]", *moving[-6:]]), frames[-1]]),
              flush=True)
        self.check("exit status", 0, status)

    def check(self, what: str, expected: object, got: object) -> None:
        good = expected == got
        print(f"   {'ok ' if good else 'NOT'} {what}: expected {expected}, got {got}", flush=True)
        if not good:
            raise Failed(f"{what}: expected {expected}, got {got}")

    # -- doing

    def put(self, key: str) -> None:
        answer = self.cloud.client("s3").put_object(Bucket=SOURCE, Key=key, Body=self.bytes_of(key))
        self.written[key] = answer["VersionId"]

    @staticmethod
    def bytes_of(key: str) -> bytes:
        return f"the order called {key}\n".encode()

    def expected(self) -> dict[str, int]:
        shared = sum(key.startswith(SHARED) for key in self.written)
        return {ARCHIVE_RULE: len(self.written), PARTNERS_RULE: shared}

    def counts(self, state: str) -> dict[str, int]:
        return {rule: counts.get(state, 0) for rule, counts in self.daemon.counts().items()}

    def wait_for(self, state: str) -> None:
        try:
            until(lambda: self.counts(state) == self.expected(), 20)
        except TimeoutError:
            pass  # the checks that follow say by how much
        for rule, count in self.expected().items():
            self.check(f"{state} failures of {rule}", count, self.counts(state).get(rule, 0))

    # -- the story

    def run(self) -> None:
        with ExitStack() as stack:
            stack.enter_context(self.cloud)
            self.pids.append(self.cloud.pid)
            self.make_buckets()
            self.start_daemon(stack)
            self.look()
            self.kill_in_mid_intake()
            self.mend()
            self.remediate()
            self.prove()
            self.stop()
        self.nothing_is_left()

    def make_buckets(self) -> None:
        self.step("A bucket whose replication fails")
        queue = self.queue = self.cloud.queue("s3-replication-failures", VisibilityTimeout="2")
        self.cloud.bucket(MANIFESTS)
        self.cloud.replicated_pair(SOURCE, [("to-archive", "", ARCHIVE), ("to-partners", SHARED, PARTNERS)], queue,
                                   missing=(ARCHIVE,))
        self.cloud.deny_replication(PARTNERS)
        for key in (*NASTY_KEYS, DELETED, ARCHIVED, *(f"2026/11/{number:03d}.json" for number in range(FIRST)),
                    *(f"{SHARED}{number:03d}.json" for number in range(FIRST // 2))):
            self.put(key)
        self.say(f"The local cloud answers at {self.cloud.endpoint}. Bucket {SOURCE} has two replication rules: "
                 f"to-archive for every object, whose destination {ARCHIVE} does not exist, and to-partners for "
                 f"{SHARED}, which {PARTNERS} denies. {len(self.written)} objects are written, some with keys that "
                 "break scripts: a comma, a newline, terminal escapes, 1,024 bytes.")

    def start_daemon(self, stack: ExitStack) -> None:
        self.step("The daemon starts")
        key = self.cloud.user()
        self.daemon = Daemon(self.cloud.endpoint, self.queue.url, key.access_key, key.secret, MANIFESTS)
        print(f"$ s3remedyd run --config {self.daemon.config}", flush=True)
        stack.enter_context(self.daemon)
        self.pids.append(self.daemon.process.pid)
        self.say("systemd would now hear READY=1.")
        self.wait_for("open")

    def look(self) -> None:
        self.step("What does not replicate, and why")
        self.s3remedy("status")
        self.s3remedy("rules")
        self.s3remedy("failures", "list", "--rule", ARCHIVE_RULE, "--limit", "12")
        self.s3remedy("failures", "show", SOURCE, "ключ/日本語")
        self.s3remedy("reasons", "DstBucketNotFound")

    def kill_in_mid_intake(self) -> None:
        self.step("kill -9 in mid-intake")
        before = last_lsn(self.daemon.state)

        def write() -> None:
            # Ends with its cloud, should the demonstration be interrupted; the check behind `join` counts.
            with contextlib.suppress(BotoCoreError):
                for number in range(MORE):
                    self.put(f"{SHARED if number % 3 == 0 else ''}burst/{number:03d}")

        count = len(self.written) + MORE
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        until(lambda: last_lsn(self.daemon.state) >= before + MORE // 3, 20, "failures in the log")
        pid = self.daemon.process.pid
        self.daemon.kill()
        print(f"$ kill -9 {pid}")
        waiting = last_lsn(self.daemon.state) - applied_lsn(self.daemon.state)
        self.say(f"{last_lsn(self.daemon.state)} records are in its log, {waiting} of them not yet in its store. "
                 "Objects are still being written, and fail.")
        writer.join()
        self.check("objects written", count, len(self.written))
        print(f"$ s3remedyd run --config {self.daemon.config}", flush=True)
        self.daemon.start()
        self.pids.append(self.daemon.process.pid)
        self.wait_for("open")
        self.s3remedy("rules")

    def mend(self) -> None:
        self.step("Both causes are mended")
        self.cloud.bucket(ARCHIVE)
        self.cloud.allow_replication(PARTNERS)
        self.say(f"{ARCHIVE} is made, with versioning; {PARTNERS} no longer denies s3:ReplicateObject. S3 itself "
                 "never tries a failed object again.")
        self.cloud.client("s3").delete_object(Bucket=SOURCE, Key=DELETED, VersionId=self.written.pop(DELETED))
        self.cloud.change_version(SOURCE, ARCHIVED, self.written.pop(ARCHIVED), storageClass="GLACIER")
        self.say(f"Meanwhile the only version of {DELETED} was deleted, and {ARCHIVED} was moved to GLACIER, from where "
                 "nothing is replicated.")

    def remediate(self) -> None:
        self.step("The failures are repaired by S3 Batch Replication")
        self.s3remedy("remediate", PARTNERS_RULE, "--yes")
        self.say("A job runs every rule that matches an object, and S3's status of an object is one for all its rules: "
                 f"what is below {SHARED} is now replicated to {ARCHIVE}, too.")
        self.s3remedy("rules")
        self.s3remedy("remediate", ARCHIVE_RULE, "--dry-run")
        self.say("The plan has looked at every object: what is gone is closed, what is archived is parked, and neither "
                 "goes into the job.")
        self.watch("remediate", ARCHIVE_RULE, "--canary", "5", "--yes")
        self.s3remedy("remediations", "list")
        self.s3remedy("rules")

    def prove(self) -> None:
        self.step("Is it true?")
        self.wait_for("replicated")
        for key, state, evidence in ((DELETED, "gone", "absent"), (ARCHIVED, "parked", None)):
            [failure] = [one for one in self.daemon.failures(ARCHIVE_RULE) if one["key"] == key]
            self.check(f"{key} ends, and its evidence", (state, evidence), (failure["state"], failure.get("evidence")))
        self.check("failures closed on S3's own status", sum(self.expected().values()),
                   sum(one.get("evidence") == "status" for rule in self.expected() for one in self.daemon.failures(rule)))
        for destination, keys in ((ARCHIVE, list(self.written)),
                                  (PARTNERS, [key for key in self.written if key.startswith(SHARED)])):
            self.check(f"objects in {destination} with equal bytes", len(keys),
                       sum(self.replica_is_equal(destination, key) for key in keys))
        judge = self.cloud.judge()
        self.check("requests without a valid signature", 0, judge["unsignedPassed"] + judge["refusedTotal"])
        self.say(f"The cloud checked the signature and the form of {judge['verified']} requests.")

    def replica_is_equal(self, destination: str, key: str) -> bool:
        found = self.cloud.client("s3").get_object(Bucket=destination, Key=key, VersionId=self.written[key])
        return found["Body"].read() == self.bytes_of(key)

    def stop(self) -> None:
        self.step("The end")
        print(f"$ kill -TERM {self.daemon.process.pid}")
        self.check("exit status of the daemon", 0, self.daemon.stop())

    def nothing_is_left(self) -> None:
        self.check("processes left", [], [pid for pid in self.pids if Path(f"/proc/{pid}").exists()])
        port = int(self.cloud.endpoint.rsplit(":", 1)[1])
        with socket.socket() as probe:
            self.check(f"port {port} is closed", True, probe.connect_ex(("127.0.0.1", port)) != 0)
        self.check("directories left", False, self.daemon.directory.exists())


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    try:
        Demo().run()
        verdict = "ok"
    except Failed as problem:
        verdict = f"failed: {problem}"
    except KeyboardInterrupt:
        verdict = "failed: interrupted"
    except Exception as problem:
        verdict = f"failed: {type(problem).__name__}: {problem}"
    print(f"\n{time.monotonic() - started:.0f} s\nVERDICT: {verdict}", flush=True)
    return 0 if verdict == "ok" else 1


if __name__ == "__main__":
    sys.exit(main())
