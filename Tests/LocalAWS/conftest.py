"""One cloud for the whole run; every test has names of its own."""
import itertools
import json
from urllib.parse import unquote_plus

import pytest

from localaws_client import Key, LocalAWS, Queue

_numbers = itertools.count(1)

NASTY_KEYS = ("a b+c%2F", "ключ/日本語", '"quoted",comma', "new\nline", "\x1b[31mred", "k" * 1024, "я" * 512,
              "a/../b", "/lead//double", "~(')*!&=?#;:@$", "😀/é", "trailing ", "%")


@pytest.fixture(scope="session")
def cloud():
    with LocalAWS() as running:
        yield running


@pytest.fixture(scope="session")
def user(cloud) -> Key:
    return cloud.user()


@pytest.fixture
def name() -> str:
    """A prefix that no other test uses."""
    return f"t{next(_numbers):03d}"


@pytest.fixture
def queue(cloud, name) -> Queue:
    return cloud.queue(f"{name}-failures")


@pytest.fixture
def pair(cloud, name, queue) -> str:
    """A source whose two destinations both fail, and a bucket for manifests and reports."""
    cloud.replicated_pair(f"{name}-src", [("gone", "", f"{name}-gone"), ("denied", "", f"{name}-denied")], queue,
                          missing=(f"{name}-gone",))
    cloud.deny_replication(f"{name}-denied")
    cloud.bucket(f"{name}-jobs")
    return f"{name}-src"


@pytest.fixture
def mended(cloud, name, queue) -> str:
    """A source whose one rule works, and a bucket for manifests and reports."""
    cloud.replicated_pair(f"{name}-src", [("rule", "", f"{name}-dst")], queue)
    cloud.bucket(f"{name}-jobs")
    return f"{name}-src"


@pytest.fixture(autouse=True)
def default_switches(cloud):
    yield
    cloud.reset_switches()


def keys_of(records: list[dict]) -> list[str]:
    return [unquote_plus(record["s3"]["object"]["key"]) for record in records]


def reason_of(record: dict) -> tuple[str, str]:
    data = record["replicationEventData"]
    return data["replicationRuleId"], data["failureReason"]


def queued(cloud, queue: Queue) -> list[dict]:
    """What is on the queue now, without waiting: notifications of failures are there before the PUT answers."""
    answer = cloud.client("sqs").receive_message(QueueUrl=queue.url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
    return [record for message in answer.get("Messages", [])
            for record in json.loads(message["Body"]).get("Records", [])]
