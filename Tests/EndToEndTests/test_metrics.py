"""What Prometheus scrapes: clean by its own judge, and the figures that status has."""
import subprocess

from harness import until


def samples(text: str) -> dict[str, float]:
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line[0] != "#"}


def test_metrics_are_what_promtool_and_status_say(stage):
    rule = "a \"rule\" \\ with\nall"
    with stage.daemon() as daemon:
        stage.cloud.send_failures(stage.queue, stage.name, "rule", ["a", "b", "c"])
        stage.cloud.send_failures(stage.queue, stage.name, rule, ["d"])
        until(lambda: sum(counts.get("open", 0) for counts in daemon.counts().values()) == 4, what="four failures")
        until(stage.queue_is_empty, what="an empty queue")
        answer = daemon.get("/metrics")
        assert answer.status == 200 and answer.content_type == "text/plain"
        judged = subprocess.run(["promtool", "check", "metrics"], input=answer.body, capture_output=True, timeout=30)
        assert judged.returncode == 0 and judged.stdout + judged.stderr == b"", judged
        found, queue = samples(answer.body.decode()), f'queue="{stage.queue.url}"'
        assert found[f's3remedy_failures{{bucket="{stage.name}",rule="rule",state="open"}}'] == 3
        escaped = rule.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        assert found[f's3remedy_failures{{bucket="{stage.name}",rule="{escaped}",state="open"}}'] == 1
        assert found[f"s3remedy_queue_messages_received_total{{{queue}}}"] == 4
        assert found[f"s3remedy_queue_messages_deleted_total{{{queue}}}"] == 4
        status = daemon.status()
        assert found["s3remedy_log_records_synced_total"] == status["log"]["syncedLSN"] == 4
        commits = found["s3remedy_log_commit_duration_seconds_count"]
        assert 1 <= commits == found['s3remedy_log_commit_duration_seconds_bucket{le="+Inf"}'] <= 4
        assert found["s3remedy_store_lag_records"] == 0 and found["s3remedy_paused"] == 0
        assert found["process_resident_memory_bytes"] > 1 << 20 and found["process_open_fds"] > 10
        assert daemon.cli("metrics").stdout.splitlines()[0] == answer.body.decode().splitlines()[0]
        daemon.cli("pause")
        assert samples(daemon.get("/metrics").body.decode())["s3remedy_paused"] == 1
    print(f"{len(found)} samples, clean")
