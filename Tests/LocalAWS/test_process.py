"""The process: its ready line, its ends, its instance credentials."""
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import urllib.request
from pathlib import Path

import pytest

from localaws_client import LocalAWS

HERE = Path(__file__).parent


def test_it_listens_on_the_port_it_was_given_on_loopback_only_and_ends_with_sigterm():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    cloud = LocalAWS(port=port)
    cloud.start()
    try:
        assert cloud.endpoint == f"http://127.0.0.1:{port}"
        listening = [line.split()[1] for line in Path(f"/proc/{cloud.pid}/net/tcp").read_text().splitlines()[1:]
                     if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"]
        assert listening == [f"0100007F:{port:04X}"]
    finally:
        assert cloud.stop() == 0


def test_it_ends_while_a_long_poll_waits():
    cloud = LocalAWS()
    cloud.start()
    queue = cloud.queue("waiting")
    body = json.dumps({"QueueUrl": queue.url, "WaitTimeSeconds": 20})
    poll = subprocess.Popen([sys.executable, "-c", textwrap.dedent(f"""
        import sys; sys.path.insert(0, {str(HERE)!r})
        from localaws_client import LocalAWS
        cloud = LocalAWS(); cloud.endpoint = {cloud.endpoint!r}
        sqs = cloud.client("sqs")
        sqs.meta.events.register("before-send", lambda **_: print("sending", flush=True))
        sqs.receive_message(QueueUrl={queue.url!r}, WaitTimeSeconds=20)""")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert poll.stdout.readline() == b"sending\n", body
    assert cloud.stop() == 0
    assert poll.wait(10) != 0, "the poll ended with the cloud"
    poll.stdout.close()


def test_it_ends_when_its_parent_dies_and_not_when_the_starting_thread_ends():
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(f"""
        import sys, threading; sys.path.insert(0, {str(HERE)!r})
        from localaws_client import LocalAWS
        cloud = LocalAWS()
        thread = threading.Thread(target=cloud.start); thread.start(); thread.join()
        print(cloud.pid, cloud.endpoint, cloud.judge()["verified"], flush=True)
        sys.stdin.read()""")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    pid, endpoint, verified = parent.stdout.readline().split()
    assert verified == b"0"
    cloud = os.pidfd_open(int(pid))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    import select
    assert select.select([cloud], [], [], 5)[0], "the cloud outlived its parent by 5 s"
    os.close(cloud)
    parent.stdin.close()
    parent.stdout.close()


def test_reset_forgets_objects_and_jobs():
    with LocalAWS() as cloud:
        key = cloud.user()
        cloud.bucket("source")
        cloud.create_job(key, "source", "source,a,b\n")
        request = urllib.request.Request(f"{cloud.endpoint}/_ministack/reset", method="POST")
        urllib.request.urlopen(request, timeout=5).close()
        assert cloud.client("s3").list_buckets()["Buckets"] == []
        assert cloud.client("s3control").list_jobs(AccountId="000000000000")["Jobs"] == []


def test_other_defaults_of_jobs_come_from_the_environment_and_wrong_ones_end_the_start():
    with LocalAWS(environment={"LOCALAWS_BATCH": '{"failedTaskEvents": false, "activeLimit": 2}'}) as cloud:
        switches = cloud.batch()
        assert (switches["failedTaskEvents"], switches["activeLimit"], switches["laterFailureEvents"]) == (False, 2, True)
        cloud.batch(activeLimit=0, holdPending=True)
        cloud.identity(tokenArrives=False)
        cloud.faults({"operation": "s3.*", "times": 0})
        cloud.outcomes({"code": "AccessDenied"})
        cloud.reset_switches()
        assert cloud.batch() == switches, "as at the start"
        assert cloud.identity()["tokenArrives"] and cloud.pending_faults() == []
    wrong = LocalAWS(environment={"LOCALAWS_BATCH": '{"activeLimits": 2}'})
    with pytest.raises(RuntimeError, match="did not start"):
        wrong.start()
