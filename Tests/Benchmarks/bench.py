"""`make bench`: the daemon and the Python consumer that a user would write, against the same fast queue, in turns; then
the log, recovery, the store and manifests by themselves.

    bench.py [--part all|intake|decode|log|recovery|store|manifest|full] [--quick] [--binary s3remedyd] [--rounds N]
        [--only daemon|python]
"""
import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import parts
import processes
import report
from queue_server import QueueServer
from subjects import Daemon, PythonConsumer, Subject

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PARTS = ("all", "intake", "full", "decode", "log", "recovery", "store", "manifest")
ORDERS = ("time", "random")
LOOK = 0.02  # seconds between two looks at the counters
STALL = 30.0


@dataclasses.dataclass
class Plan:
    rounds: int
    events: dict[str, int]
    binary: pathlib.Path
    program: pathlib.Path
    store_rows: int
    store_events: int
    recovery_records: int
    manifest_rows: int
    work: pathlib.Path
    sockets: pathlib.Path
    # The first event's time in seconds: the same for all, so that all get the same messages.
    since: int

    def subject(self, kind: str, label: str, queue: QueueServer, traced: bool = False) -> Subject:
        directory = self.work / label
        if kind == "daemon":
            return Daemon(directory, self.sockets, queue, traced=traced, binary=self.binary)
        return PythonConsumer(directory, self.sockets, queue, traced=traced)


def await_stored(subject: Subject, queue: QueueServer, total: int) -> float:
    """Waits until all messages are deleted and all failures are stored. The monotonic time of the last delete."""
    await_count(subject, "deleted", lambda: queue.counters()["deleted"], total)
    at = time.monotonic()
    await_count(subject, "stored", subject.stored, total)
    return at


def await_count(subject: Subject, what: str, look, total: int) -> None:
    seen, progress = -1, time.monotonic()
    while (now := look()) != total:
        if now != seen:
            seen, progress = now, time.monotonic()
        elif time.monotonic() - progress > STALL:
            raise SystemExit(f"{subject.name} stands still at {now} of {total} {what}: {subject.last_words()}")
        subject.check_alive()
        time.sleep(LOOK)


def measure(subject: Subject, queue: QueueServer, total: int, order: str, since: int) -> dict:
    """One run: from the moment the messages are there to the last one stored."""
    time.sleep(1)  # what "idle" means here
    idle_kib = processes.memory_kib(subject.pid, "VmRSS")

    def cpu() -> tuple[float, ...]:
        own = os.times()
        return (*processes.cpu_seconds(subject.pid), sum(processes.cpu_seconds(queue.process.pid)),
                own.user + own.system, processes.machine_busy_seconds())

    before, began = cpu(), time.monotonic()
    queue.begin(total, order, since)
    deleted_at = await_stored(subject, queue, total)
    ended, after = time.monotonic(), cpu()
    user, system, nginx, own, machine = (b - a for a, b in zip(before, after))
    counters = queue.counters()
    if counters["deletedTwice"]:
        raise SystemExit(f"{subject.name} deleted {counters['deletedTwice']} messages twice")
    wall = ended - began
    return {
        "events": total, "seconds": wall, "events_per_second": total / wall,
        "into_log_per_second": total / (deleted_at - began),
        "cpu_us": (user + system) / total * 1e6, "user_us": user / total * 1e6, "system_us": system / total * 1e6,
        "nginx_us": nginx / total * 1e6, "others_cores": max(0.0, machine - user - system - nginx - own) / wall,
        "ready_ms": subject.ready_seconds * 1000, "idle_mb": idle_kib / 1024,
        "peak_mb": processes.memory_kib(subject.pid, "VmHWM") / 1024,
        "receives": counters["receives"], "refused": counters["refused"],
    }


def measure_into_log(plan: Plan) -> list[dict]:
    """The daemon's work up to the log, deletes included: the store is held back, and let go behind the last delete."""
    results = []
    total = plan.events["daemon"]
    for round_number in range(plan.rounds):
        label = f"into-log-{round_number}"
        with QueueServer(plan.work / f"{label}-queue") as queue, plan.subject("daemon", label, queue) as daemon:
            time.sleep(1)
            with daemon.store_held():
                before, began = sum(processes.cpu_seconds(daemon.pid)), time.monotonic()
                queue.begin(total, "time", plan.since)
                await_count(daemon, "deleted", lambda: queue.counters()["deleted"], total)
                after, ended = sum(processes.cpu_seconds(daemon.pid)), time.monotonic()
                held = daemon.status()["store"]["failures"]
            if held:
                raise SystemExit(f"the store took {held} failures while it was held")
            await_count(daemon, "stored", daemon.stored, total)
        shutil.rmtree(plan.work / label)
        results.append({"events": total, "events_per_second": total / (ended - began),
                        "cpu_us": (after - before) / total * 1e6})
    return results


def measure_full_store(plan: Plan) -> list[dict]:
    """The whole way into a store that holds many failures already, with random keys. One run: the queue's messages are
    the same in each, so a second one would bring nothing new."""
    label = "full"
    state = plan.work / label / "state"
    parts.program(plan, state, "store", "apply", "--order", "spread", "--records", str(plan.store_rows))
    # Filled without a log: the daemon would refuse to marry the two by itself.
    subprocess.run([plan.binary, "wal", "adopt", state], check=True, capture_output=True)
    total = plan.events["daemon"]
    with QueueServer(plan.work / f"{label}-queue") as queue, plan.subject("daemon", label, queue) as daemon:
        stored = daemon.stored()
        before, began = sum(processes.cpu_seconds(daemon.pid)), time.monotonic()
        queue.begin(total, "random", plan.since)
        await_count(daemon, "deleted", lambda: queue.counters()["deleted"], total)
        await_count(daemon, "stored", daemon.stored, stored + total)
        after, ended = sum(processes.cpu_seconds(daemon.pid)), time.monotonic()
        peak = processes.memory_kib(daemon.pid, "VmHWM") / 1024
    shutil.rmtree(plan.work / label)
    return [{"events": total, "events_per_second": total / (ended - began), "cpu_us": (after - before) / total * 1e6,
             "peak_mb": peak}]


def run(plan: Plan, kind: str, order: str, label: str) -> dict:
    with QueueServer(plan.work / f"{label}-queue") as queue, plan.subject(kind, label, queue) as subject:
        result = measure(subject, queue, plan.events[kind], order, plan.since)
    shutil.rmtree(plan.work / label)
    return result


def count_syncs(plan: Plan, kind: str) -> dict[str, float] | None:
    """Syncs per 1,000 events, from a short run under strace; None where strace is not to be had."""
    if not shutil.which("strace"):
        return None
    total, label = 5_000, f"{kind}-traced"
    with QueueServer(plan.work / f"{label}-queue") as queue:
        with plan.subject(kind, label, queue, traced=True) as subject:
            time.sleep(1)
            began = time.time()
            queue.begin(total, "time", plan.since)
            await_stored(subject, queue, total)
            ended = time.time()
        return {where: count / total * 1000 for where, count in subject.syncs(began, ended).items()}


def medians(results: list[dict]) -> dict:
    return {name: statistics.median(result[name] for result in results) for name in results[0]}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="measures s3remedyd beside a Python consumer")
    parser.add_argument("--part", choices=PARTS, default="all", help="what to measure")
    parser.add_argument("--quick", action="store_true", help="one round with fewer events")
    parser.add_argument("--rounds", type=int, help="default 3, or 1 with --quick")
    parser.add_argument("--binary", type=pathlib.Path, default=REPOSITORY / ".build/release/s3remedyd")
    parser.add_argument("--program", type=pathlib.Path, default=REPOSITORY / ".build/release/s3remedy-bench")
    parser.add_argument("--only", choices=("daemon", "python"), help="leave the other out")
    return parser.parse_args()


def make_plan(options: argparse.Namespace, stack: contextlib.ExitStack) -> Plan:
    for needed in (options.binary, options.program):
        if not os.access(needed, os.X_OK):
            raise SystemExit(f"{needed} is not there: make bench builds it")
    build = REPOSITORY / ".build"
    build.mkdir(exist_ok=True)
    if (kind := processes.file_system(build)) in ("tmpfs", "ramfs"):
        raise SystemExit(f"{build} is on {kind}, where a sync costs nothing: put the repository on a disk")
    work = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=build))
    sockets = stack.enter_context(tempfile.TemporaryDirectory(prefix="s3remedy-"))
    return Plan(
        rounds=options.rounds or (1 if options.quick else 3),
        events={"daemon": 20_000, "python": 2_000} if options.quick else {"daemon": 200_000, "python": 5_000},
        binary=options.binary.resolve(), program=options.program.resolve(),
        store_rows=parts.QUICK["store_rows"] if options.quick else parts.STORE_ROWS,
        store_events=parts.QUICK["store_events"] if options.quick else parts.STORE_EVENTS,
        recovery_records=parts.QUICK["recovery_records"] if options.quick else parts.RECOVERY_RECORDS,
        manifest_rows=parts.QUICK["manifest_rows"] if options.quick else parts.MANIFEST_ROWS,
        work=pathlib.Path(work), sockets=pathlib.Path(sockets),
        since=int(time.time()) - 3600)


def measure_intake(plan: Plan, kinds: list[str]) -> None:
    results: dict[tuple[str, str], list[dict]] = {(kind, order): [] for kind in kinds for order in ORDERS}
    for round_number in range(plan.rounds):
        for order in ORDERS:
            for kind in kinds if round_number % 2 == 0 else reversed(kinds):
                result = run(plan, kind, order, f"{kind}-{order}-{round_number}")
                results[kind, order].append(result)
                print(report.line(round_number, kind, order, result), flush=True)
    into_log = measure_into_log(plan) if "daemon" in kinds else []
    syncs = {kind: count_syncs(plan, kind) for kind in kinds}
    summary = {key: medians(values) for key, values in results.items()}
    print(report.table(summary, syncs, plan.rounds))
    if into_log:
        report.alone("into the log, deletes included, the store held back", into_log, "cpu_us", 25)
    report.write(REPOSITORY / ".build/bench.json", plan.work, results, summary, syncs)


def main() -> None:
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every context is left
    kinds = [options.only] if options.only else ["daemon", "python"]
    with contextlib.ExitStack() as stack:
        plan = make_plan(options, stack)
        print(report.setting(plan.work), flush=True)
        if options.part in ("all", "intake"):
            measure_intake(plan, kinds)
        if options.part in ("all", "full"):
            full = measure_full_store(plan)
            report.alone(f"into a store of {plan.store_rows:,} failures, random keys", full, "events_per_second", 10_000)
            report.write_part(REPOSITORY / ".build/bench-full.json", plan.work, {"full": full})
        for name in PARTS[3:]:
            if options.part in ("all", name):
                began = time.monotonic()
                runs = getattr(parts, name)(plan)
                report.write_part(REPOSITORY / f".build/bench-{name}.json", plan.work, runs)
                print(f"({name}: {time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
