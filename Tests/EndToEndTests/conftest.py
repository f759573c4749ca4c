"""One cloud for the whole run; every test has buckets, queue and user of its own, and is judged at its end."""
import itertools
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "LocalAWS"))

from localaws_client import Key, LocalAWS, Queue  # noqa: E402

from harness import Daemon  # noqa: E402

_numbers = itertools.count(1)

NASTY_KEYS = ("a b+c%2F", "ключ/日本語", '"quoted",comma', "new\nline", "\x1b[31mred\x1b[0m", "k" * 1024, "a/../b",
              "/lead//double", "~(')*!&=?#;:@$", "😀/é", "trailing ", "%")


def pytest_configure(config) -> None:
    config.addinivalue_line("markers", "refusals(*codes): what the cloud's judge may refuse in this test")


@dataclass
class Stage:
    """A cloud, and what one test has of its own on it."""

    cloud: LocalAWS
    name: str
    key: Key
    queue: Queue
    manifests: str

    def daemon(self, key: Key | None = None, queue_url: str | None = None, endpoint: str | None = None) -> Daemon:
        """A daemon that is not yet started: `with stage.daemon() as daemon:`."""
        key = key or self.key
        return Daemon(endpoint or self.cloud.endpoint, queue_url or self.queue.url, key.access_key, key.secret,
                      self.manifests)

    def put(self, bucket: str, *keys: str) -> dict[str, str]:
        """Write objects whose bytes are their keys; their version IDs by key."""
        s3 = self.cloud.client("s3")
        return {key: s3.put_object(Bucket=bucket, Key=key, Body=key.encode())["VersionId"] for key in keys}

    def status_of(self, bucket: str, key: str, version: str) -> str:
        """S3's replication status of an object version."""
        return self.cloud.client("s3").head_object(Bucket=bucket, Key=key, VersionId=version)["ReplicationStatus"]

    def replica(self, bucket: str, key: str, version: str) -> bytes:
        return self.cloud.client("s3").get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read()

    def jobs_of(self, rule: str) -> list[dict]:
        """The batch jobs that were made for BUCKET/RULE-ID."""
        jobs = self.cloud.client("s3control").list_jobs(AccountId="000000000000", MaxResults=1000)["Jobs"]
        return [job for job in jobs if job["Description"].endswith(f" for {rule}")]

    def queue_is_empty(self, queue: Queue | None = None) -> bool:
        """No message waits, and none is out with a receiver."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.cloud.client("sqs").get_queue_attributes(QueueUrl=(queue or self.queue).url, AttributeNames=names)
        return all(found["Attributes"][name] == "0" for name in names)


@pytest.fixture(scope="session")
def running_cloud():
    with LocalAWS() as running:
        yield running
        nothing_was_refused(running)


@pytest.fixture
def stage(running_cloud, request):
    """The test's own part of the cloud. Afterwards the judge is asked: everything signed, nothing unexpected."""
    cloud, name = running_cloud, f"e{next(_numbers):03d}"
    nothing_was_refused(cloud)
    # Short, so that what a killed daemon had received comes again soon.
    queue = cloud.queue(f"{name}-failures", VisibilityTimeout="2")
    yield Stage(cloud, name, cloud.user(name), queue, cloud.bucket(f"{name}-manifests"))
    cloud.reset_switches()
    marker = request.node.get_closest_marker("refusals")
    judge_is_content(cloud, marker.args if marker else ())
    cloud.reset_judge()


def nothing_was_refused(cloud: LocalAWS) -> None:
    """Between two tests nobody asks for anything. What one test left is no fault of all that follow."""
    judge = cloud.judge()
    cloud.reset_judge()
    assert judge["refusedTotal"] == 0, judge["refused"]


def judge_is_content(cloud: LocalAWS, expected: tuple[str, ...] = ()) -> None:
    judge = cloud.judge()
    unexpected = [one for one in judge["refused"] if one["code"] not in expected and not one["ordered"]]
    received = judge["byOperation"].get("sqs.ReceiveMessage", 0)
    refused = sum(one["operation"] == "sqs.ReceiveMessage" for one in judge["refused"])
    assert judge["refusedTotal"] == len(judge["refused"]), "more was refused than is remembered"
    assert judge["verified"] > 0, judge
    assert received + refused > 0, "the daemon never asked for messages"
    assert judge["unsignedPassed"] == 0, judge
    assert not unexpected, unexpected
    print(f"judge: {judge['verified']} requests verified, 0 unsigned, {judge['refusedTotal']} refused")


def pytest_terminal_summary(terminalreporter) -> None:
    """What the tests counted, also when all pass and pytest shows nothing."""
    counted = [line for report in terminalreporter.getreports("passed") if report.when == "call"
               for line in report.capstdout.splitlines() if line]
    verified = sum(int(line.split()[1]) for report in terminalreporter.stats.get("", []) if report.when == "teardown"
                   for line in report.capstdout.splitlines() if line.startswith("judge: "))
    for line in [*counted, f"judge: {verified} requests verified in all"]:
        terminalreporter.write_line(line)
