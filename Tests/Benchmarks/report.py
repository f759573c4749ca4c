"""What `make bench` prints and writes."""
import json
import os
import pathlib
import platform
import statistics

import processes

NAMES = {"daemon": "s3remedyd", "python": "Python"}
COMPARABLE_US = (350, 700)

# Row, member of a result, format, what is asked of the daemon.
ROWS = (
    ("events per run", "events", "{:,.0f}", ""),
    ("events/s, to the last one stored", "events_per_second", "{:,.0f}", ">= 30,000"),
    ("events/s, to the last one deleted", "into_log_per_second", "{:,.0f}", ""),
    ("CPU per event", "cpu_us", "{:.1f} us", "<= 50 us"),
    ("  of it user", "user_us", "{:.1f} us", ""),
    ("  of it system", "system_us", "{:.1f} us", ""),
    ("start to READY=1", "ready_ms", "{:.0f} ms", "<= 100 ms"),
    ("memory, idle (RSS)", "idle_mb", "{:.1f} MiB", "<= 40 MiB"),
    ("memory, peak (VmHWM)", "peak_mb", "{:.1f} MiB", "<= 64 MiB"),
    ("nginx's CPU per event", "nginx_us", "{:.1f} us", ""),
    ("cores taken by other processes", "others_cores", "{:.2f}", ""),
)
# Figure, member of a result, bound, whether more is better.
FIGURES = (
    ("events/s", "events_per_second", 30_000, True),
    ("CPU us per event", "cpu_us", 50, False),
    ("ms to READY=1", "ready_ms", 100, False),
    ("MiB idle", "idle_mb", 40, False),
    ("MiB at the peak", "peak_mb", 64, False),
)


def setting(work: pathlib.Path) -> str:
    model = next((line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return (f"{os.cpu_count()} cores ({model}), Linux {platform.release()}, state on {processes.file_system(work)}, "
            f"load {os.getloadavg()[0]:.1f} at the start.\n"
            "Sharing the cores: the process under test, nginx (1 process, the queue), this program (a look every "
            "20 ms), and whatever else runs here: see the row on other processes.")


def line(round_number: int, kind: str, order: str, result: dict) -> str:
    return (f"round {round_number + 1}: {NAMES[kind]:9} {order + ' keys':11} {result['events']:>7,} events in "
            f"{result['seconds']:6.2f} s, {result['cpu_us']:6.1f} us CPU per event, "
            f"others took {result['others_cores']:.2f} cores")


def table(summary: dict, syncs: dict, rounds: int) -> str:
    columns = list(summary)
    lines = ["", f"Medians of {rounds} round{'s' if rounds > 1 else ''}:", "",
             _row("", [f"{NAMES[kind]}, {order}" for kind, order in columns], "wanted")]
    for title, member, form, wanted in ROWS:
        lines.append(_row(title, [form.format(summary[column][member]) for column in columns], wanted))
    lines.append(_row("syncs per 1,000 events (traced)", [_syncs(syncs[kind]) for kind, _ in columns], ""))
    return "\n".join(lines + [""] + verdicts(summary))


def verdicts(summary: dict) -> list[str]:
    """The ratio, and which figure is reached and which is not."""
    lines = []
    for order in ("time", "random"):
        daemon, python = summary.get(("daemon", order)), summary.get(("python", order))
        if daemon and python:
            lines.append(f"{order} keys: the Python consumer takes {python['cpu_us'] / daemon['cpu_us']:.1f} times the "
                         f"CPU per event (wanted: 10), the daemon does "
                         f"{daemon['events_per_second'] / python['events_per_second']:.1f} times the events/s")
        if python and not COMPARABLE_US[0] <= python["cpu_us"] <= COMPARABLE_US[1]:
            lines.append(f"{order} keys: not comparable: the Python consumer took {python['cpu_us']:.0f} us per event, "
                         f"outside {COMPARABLE_US[0]}-{COMPARABLE_US[1]} us")
        for title, member, bound, more in FIGURES if daemon else ():
            value = daemon[member]
            if (value < bound) if more else (value > bound):
                sign = ">=" if more else "<="
                lines.append(f"{order} keys: not reached: {value:,.1f} {title}, wanted {sign} {bound:,}")
    return lines


def alone(title: str, runs: list[dict], member: str, bound: float) -> None:
    """A measurement of the daemon by itself, its rounds and whether its figure is reached."""
    median = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    print(f"\n{title}: {median['events_per_second']:,.0f} events/s, {median['cpu_us']:.1f} us CPU per event "
          f"(rounds: {', '.join(format(run['cpu_us'], '.1f') for run in runs)})"
          + (f", peak {median['peak_mb']:.1f} MiB" if "peak_mb" in median else ""))
    reached = median[member] >= bound if member == "events_per_second" else median[member] <= bound
    print(f"wanted: {'>=' if member == 'events_per_second' else '<='} {bound:,}: {'reached' if reached else 'not reached'}")


def write(path: pathlib.Path, work: pathlib.Path, results: dict, summary: dict, syncs: dict) -> None:
    document = {
        "setting": setting(work),
        "runs": [{"subject": kind, "keys": order, **result}
                 for (kind, order), many in results.items() for result in many],
        "medians": [{"subject": kind, "keys": order, **result} for (kind, order), result in summary.items()],
        "syncsPerThousandEvents": syncs, "verdicts": verdicts(summary),
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
    print(f"All runs: {path}")


def write_part(path: pathlib.Path, work: pathlib.Path, runs: dict) -> None:
    path.write_text(json.dumps({"setting": setting(work), "runs": runs}, indent=1) + "\n")
    print(f"All runs: {path}")


def _row(title: str, cells: list[str], wanted: str) -> str:
    return f"{title:34}" + "".join(f"{cell:>26}" for cell in cells) + f"  {wanted}"


def _syncs(counts: dict[str, float] | None) -> str:
    if counts is None:
        return "not counted"
    return " + ".join(f"{count:.1f} {where}" for where, count in counts.items() if count) or "none"
