"""The log, recovery, the store and manifests by themselves: s3remedy-bench in processes of their own, beside the limit of the same
disk and what one would use instead, in turns."""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import time

import processes
from queue_server import QueueServer
from subjects import Daemon

STORE_ROWS = 5_000_000
STORE_EVENTS = 200_000
RECOVERY_RECORDS = 1_000_000
MANIFEST_ROWS = 10_000_000
QUICK = {"rounds": 1, "store_rows": 200_000, "store_events": 20_000, "recovery_records": 100_000,
         "manifest_rows": 500_000}
# The same rows as the manifest's, in the same order, out of the same index.
EXPORT = "SELECT 'orders', key, version FROM failure WHERE remediation = 'bench' AND state = 1"


def program(plan, directory: pathlib.Path, *arguments: str) -> dict:
    """One run of s3remedy-bench; what it printed."""
    directory.mkdir(parents=True, exist_ok=True)
    command = [str(plan.program), *arguments, "--directory", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: status {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def log(plan) -> dict:
    """Group commit beside one writer without framing, and beside SQLite."""
    titles = {"log": "the log, writers as threads", "logtasks": "the log, writers as tasks",
              "raw": "one writer, no framing", "sqlite": "SQLite, WAL, FULL"}
    shapes = ((16, 10), (1, 10))
    results: dict[tuple, list[dict]] = {}
    for round_number in range(plan.rounds):
        for writers, batch in shapes:
            for subject in turned(list(titles), round_number):
                directory = plan.work / "log"
                results.setdefault((writers, batch, subject), []).append(program(
                    plan, directory, "log", subject, "--writers", str(writers), "--batch", str(batch)))
                shutil.rmtree(directory)
    for writers, batch in shapes:
        print(f"\nThe log: {writers} writer{'s' if writers > 1 else ''} x {batch} records of 300 bytes, each batch on "
              f"disk before the writer goes on; {plan.rounds} rounds of 2 s")
        print_runs({titles[subject]: results[writers, batch, subject] for subject in titles})
        ratio(results[writers, batch, "log"], results[writers, batch, "raw"], "the log does", "the raw limit's records/s")
        ratio(results[writers, batch, "log"], results[writers, batch, "sqlite"], "the log does", "SQLite's records/s")
    best(results[16, 10, "log"] + results[16, 10, "logtasks"], "records/s at 16 x 10", 400_000)
    return {f"{subject} {writers}x{batch}": runs for (writers, batch, subject), runs in results.items()}


def recovery(plan) -> dict:
    """A log that no store has applied, opened, and then the daemon started on it."""
    state = plan.work / "recovery" / "state"
    filled = program(plan, state, "recovery", "fill", "--records", str(plan.recovery_records))
    runs: dict[str, list[dict]] = {"open": [], "raw": []}
    for round_number in range(plan.rounds):
        for step in turned(["open", "raw"], round_number):
            forget_cached(state / "wal")
            runs[step].append(program(plan, state, "recovery", step, "--records", str(plan.recovery_records)))
    print(f"\nRecovery: {plan.recovery_records:,} records, none applied (written in {filled['seconds']:.1f} s), "
          f"not in the page cache; {plan.rounds} rounds")
    print_runs({"the log's recovery": runs["open"], "reading the files alone": runs["raw"]})
    forget_cached(state / "wal")
    daemon = start_on(plan, state)
    print(f"The daemon on it: READY=1 after {daemon['ready_ms']:,.0f} ms (wanted: 3,000 ms for 1,000,000); status then shows "
          f"lagRecords {' > '.join(f'{lag:,}' for lag in daemon['lags'])}, after {daemon['flushed_s']:.1f} s; "
          f"RSS {daemon['resident_mb']:.1f} MiB, peak {daemon['peak_mb']:.1f} MiB")
    shutil.rmtree(plan.work / "recovery")
    return {**runs, "daemon": daemon}


def start_on(plan, state: pathlib.Path) -> dict:
    """Starts the daemon on a state directory and watches the backlog go."""
    with QueueServer(plan.work / "recovery-queue") as queue, \
            Daemon(state.parent, plan.sockets, queue, binary=plan.binary) as daemon:
        began, lags = time.monotonic(), []
        while not lags or lags[-1] > 0:
            daemon.check_alive()
            lags.append(daemon.status()["store"]["lagRecords"])
            time.sleep(0.2)
        if not lags[0] or lags != sorted(lags, reverse=True):
            raise SystemExit(f"status does not show the backlog shrinking: {lags}")
        shown = lags[::max(1, len(lags) // 5)]
        return {"ready_ms": daemon.ready_seconds * 1000, "flushed_s": time.monotonic() - began,
                "lags": shown if shown[-1] == 0 else shown + [0],
                "resident_mb": processes.memory_kib(daemon.pid, "VmRSS") / 1024,
                "peak_mb": processes.memory_kib(daemon.pid, "VmHWM") / 1024}


def store(plan) -> dict:
    """Apply at 0 rows and at many, keys in both orders, then questions."""
    big = plan.work / "store"
    results: dict[str, list[dict]] = {}
    for round_number in range(plan.rounds):
        for step in turned(["apply", "plain"], round_number):
            for order in ("time", "random"):
                directory = plan.work / "store-empty"
                results.setdefault(f"{step} {order} at 0", []).append(program(
                    plan, directory, "store", step, "--order", order, "--records", str(plan.store_events)))
                shutil.rmtree(directory)
    filled = program(plan, big, "store", "apply", "--order", "spread", "--records", str(plan.store_rows))
    asked = program(plan, big, "store", "ask")
    for phase in range(1, plan.rounds + 1):
        for order in turned(["time", "random"], phase):
            results.setdefault(f"apply {order} at many", []).append(program(
                plan, big, "store", "apply", "--order", order, "--records", str(plan.store_events),
                "--phase", str(phase)))
    shutil.rmtree(big)
    print(f"\nThe store: {plan.store_events:,} new failures in batches of 10,000, {plan.rounds} rounds; filled to "
          f"{plan.store_rows:,} rows through apply in {filled['seconds']:.0f} s ({asked['bytes'] / 2**30:.1f} GiB)")
    many = f"{plan.store_rows:,}"
    print_runs({f"{'s3remedy' if step == 'apply' else 'plain table'}, {order} keys, at "
                f"{many if rows == 'many' else rows}": runs
                for (step, order, _, rows), runs in ((key.split(), runs) for key, runs in results.items())})
    print(f"\nQuestions at {asked['failures']:,} failures (milliseconds; wanted: 5; RSS {asked['residentMiB']:.1f} MiB, "
          f"peak {asked['peakMiB']:.1f} MiB)\n{'':24}{'the first':>12}{'median':>12}{'slowest':>12}")
    for answer in asked["answers"]:
        print(f"{answer['question']:24}" + "".join(f"{answer[name]:12.2f}" for name in ("first", "median", "slowest")))
    return {**results, "fill": filled, "ask": asked}


def manifest(plan) -> dict:
    """A manifest out of the store beside sqlite3's own export of the same rows, and a report of as many rows."""
    directory, rows = plan.work / "manifest", str(plan.manifest_rows)
    filled = program(plan, directory, "manifest", "fill", "--records", rows)
    runs: dict[str, list[dict]] = {"write": [], "export": [], "upload": [], "report": []}
    for round_number in range(plan.rounds):
        for step in turned(list(runs), round_number):
            runs[step].append(export(plan, directory) if step == "export" else
                              program(plan, directory, "manifest", step, "--records", rows))
    shutil.rmtree(directory)
    print(f"\nManifests: {plan.manifest_rows:,} rows (filled in {filled['seconds']:.0f} s); {plan.rounds} rounds")
    print_runs({"manifest and SHA-256 from the store": runs["write"], "sqlite3 -csv of the same rows": runs["export"],
                "manifest read twice, in parts to nobody": runs["upload"], "completion report": runs["report"]})
    ratio(runs["write"], runs["export"], "the manifest's writer does", "sqlite3's rows/s, wanted >= 1;")
    best(runs["report"], "report rows/s", 50_000)
    peak = max(run["peakMiB"] for step in ("write", "upload", "report") for run in runs[step])
    print(f"peak memory {peak:.1f} MiB, wanted <= 64: {'reached' if peak <= 64 else 'not reached'}")
    return {**runs, "fill": filled}


def export(plan, directory: pathlib.Path) -> dict:
    """sqlite3's `.mode csv`, to /dev/null; its memory is that of the largest child so far, so it is left out."""
    before, began = os.times(), time.monotonic()
    subprocess.run(["sqlite3", "-readonly", "-cmd", ".mode csv", str(directory / "failures.db"), EXPORT],
                   stdout=subprocess.DEVNULL, check=True)
    seconds, after = time.monotonic() - began, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"records": plan.manifest_rows, "seconds": seconds, "recordsPerSecond": plan.manifest_rows / seconds,
            "cpuMicroseconds": cpu / plan.manifest_rows * 1e6, "syncs": 0, "residentMiB": 0, "peakMiB": 0}


def turned(things: list[str], round_number: int) -> list[str]:
    """Every other round the other way round."""
    return things if round_number % 2 == 0 else things[::-1]


def forget_cached(directory: pathlib.Path) -> None:
    """Takes a directory's files out of the page cache: as after a boot."""
    for path in directory.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def print_runs(runs: dict[str, list[dict]]) -> None:
    print(f"{'medians':40}{'records/s':>12}{'  least ... most':24}{'seconds':>9}{'CPU us':>8}{'syncs':>8}"
          f"{'rec/sync':>10}{'RSS':>7}{'peak MiB':>9}")
    for title, results in runs.items():
        rates = [result["recordsPerSecond"] for result in results]
        middle = {name: statistics.median(result[name] for result in results) for name in results[0]}
        per_sync = middle["records"] / middle["syncs"] if middle["syncs"] else 0
        print(f"{title:40}{middle['recordsPerSecond']:12,.0f}{f'  {min(rates):,.0f} ... {max(rates):,.0f}':24}"
              f"{middle['seconds']:9.2f}{middle['cpuMicroseconds']:8.2f}{middle['syncs']:8,.0f}{per_sync:10,.0f}"
              f"{middle['residentMiB']:7.1f}{middle['peakMiB']:9.1f}")


def ratio(ours: list[dict], theirs: list[dict], left: str, right: str) -> None:
    ratios = [our["recordsPerSecond"] / their["recordsPerSecond"] for our, their in zip(ours, theirs)]
    print(f"{left} {statistics.median(ratios):.2f} times {right} (by rounds {min(ratios):.2f} ... {max(ratios):.2f})")


def best(runs: list[dict], what: str, wanted: int) -> None:
    """The best round tells what the program can do; the median, what the machine let it do."""
    rate = max(run["recordsPerSecond"] for run in runs)
    print(f"best round: {rate:,.0f} {what}, wanted >= {wanted:,}: {'reached' if rate >= wanted else 'not reached'}")
