"""Start the stand-in cloud and prepare it: for tests and demonstrations in Python."""
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_plus

import boto3
from botocore.config import Config

ACCOUNT = "000000000000"
REGION = "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/replication"
ALLOW_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
_READY_TIMEOUT = 20.0


@dataclass(frozen=True)
class Key:
    """An access key; `test`/`test` is the administrator's."""

    access_key: str = "test"
    secret: str = "test"
    token: str | None = None


@dataclass(frozen=True)
class Queue:
    url: str
    arn: str


class LocalAWS:
    """One running cloud: `with LocalAWS() as cloud:`; ended by its own pid."""

    def __init__(self, port: int = 0, python: str = sys.executable, environment: dict[str, str] | None = None):
        self._command = [python, "-m", "localaws", "--port", str(port)]
        self._environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), **(environment or {})}
        self._process: subprocess.Popen | None = None
        self._clients: dict[tuple, object] = {}
        self.endpoint = ""

    def __enter__(self) -> "LocalAWS":
        self.start()
        return self

    def __exit__(self, *exception) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self) -> None:
        """Start the process and wait for its ready line."""
        self._process = subprocess.Popen(self._command, env=self._environment, stdout=subprocess.PIPE)
        readable, _, _ = select.select([self._process.stdout], [], [], _READY_TIMEOUT)
        line = self._process.stdout.readline().decode() if readable else ""
        if not line.startswith("localaws ready "):
            self.stop()
            raise RuntimeError(f"the stand-in cloud did not start within {_READY_TIMEOUT} s; it said {line!r}")
        self.endpoint = line.split()[2]

    def stop(self) -> int:
        """End the process with SIGTERM; its exit status."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            self._process.stdout.close()

    def client(self, service: str, key: Key = Key(), region: str = REGION, validates: bool = True):
        """A boto3 client of this cloud, without retries: an error is seen as it came."""
        name = (service, key, region, validates)
        if name not in self._clients:
            self._clients[name] = self._make_client(*name)
        return self._clients[name]

    def _make_client(self, service: str, key: Key, region: str, validates: bool):
        config = Config(region_name=region, retries={"total_max_attempts": 1}, parameter_validation=validates,
                        s3={"addressing_style": "path"}, read_timeout=30)
        client = boto3.client(service, endpoint_url=self.endpoint, region_name=region, config=config,
                              aws_access_key_id=key.access_key, aws_secret_access_key=key.secret,
                              aws_session_token=key.token)
        if service == "s3control":
            client.meta.events.register("before-sign.s3-control", _without_account_host)
        return client

    def user(self, name: str = "s3remedy", policy: dict = ALLOW_ALL) -> Key:
        """A new IAM user with this inline policy, and its access key."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="s3remedy", PolicyDocument=json.dumps(policy))
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return Key(made["AccessKeyId"], made["SecretAccessKey"])

    def queue(self, name: str, **attributes: str) -> Queue:
        """A queue that lets S3 send to it; attributes by SQS's names, MessageRetentionPeriod="60" say."""
        sqs = self.client("sqs")
        policy = {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"}]}
        url = sqs.create_queue(QueueName=name, Attributes={"Policy": json.dumps(policy), **attributes})["QueueUrl"]
        return Queue(url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")

    def bucket(self, name: str, versioned: bool = True) -> str:
        s3 = self.client("s3")
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        if versioned:
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def replicate(self, source: str, rules: list[tuple[str, str, str]], metrics: bool = True) -> None:
        """Set the replication of a bucket. A rule is (rule ID, prefix, destination bucket); a later rule has
        the greater priority; a destination may be missing."""
        self.client("s3").put_bucket_replication(Bucket=source, ReplicationConfiguration={"Role": ROLE, "Rules": [{
            "ID": identifier, "Status": "Enabled", "Priority": number, "Filter": {"Prefix": prefix},
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": {"Bucket": f"arn:aws:s3:::{destination}",
                            "Metrics": {"Status": "Enabled" if metrics else "Disabled"}},
        } for number, (identifier, prefix, destination) in enumerate(rules, start=1)]})

    def notify(self, bucket: str, queue: Queue, events: tuple[str, ...] = ("s3:Replication:*",),
               prefix: str | None = None) -> None:
        """Send a bucket's events to a queue. S3 puts an s3:TestEvent on it first."""
        entry = {"Id": "replication-failures", "QueueArn": queue.arn, "Events": list(events)}
        if prefix is not None:
            entry["Filter"] = {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}
        self.client("s3").put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [entry]})

    def replicated_pair(self, source: str, rules: list[tuple[str, str, str]], queue: Queue | None = None,
                        missing: tuple[str, ...] = ()) -> None:
        """A source bucket and its rules' destinations, all versioned, except those that shall be missing."""
        for name in dict.fromkeys([source, *(destination for _, _, destination in rules)]):
            if name not in missing:
                self.bucket(name)
        self.replicate(source, rules)
        if queue is not None:
            self.notify(source, queue)

    def deny_replication(self, bucket: str, prefix: str = "") -> None:
        """A bucket policy that denies s3:ReplicateObject below a prefix; `allow_replication` takes it back."""
        self.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps({
            "Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:ReplicateObject",
                                                    "Resource": f"arn:aws:s3:::{bucket}/{prefix}*"}]}))

    def allow_replication(self, bucket: str) -> None:
        self.client("s3").delete_bucket_policy(Bucket=bucket)

    def send_failures(self, queue: Queue, bucket: str, rule_id: str, keys: list[str], event_time: str | None = None,
                      destination: str = "destination", reason: str = "DstBucketNotFound", size: int = 1,
                      version_ids: list[str] | None = None, event: str = "OperationFailedReplication") -> list[str]:
        """Put synthetic events of replication on a queue, ten messages a call; returns the version IDs used."""
        version_ids = version_ids or [uuid.uuid4().hex for _ in keys]
        event_time = event_time or now()
        bodies = [failure_body(bucket, rule_id, key, version, event_time, destination, reason, size, event)
                  for key, version in zip(keys, version_ids, strict=True)]
        sqs = self.client("sqs")
        for start in range(0, len(bodies), 10):
            entries = [{"Id": str(index), "MessageBody": body} for index, body in enumerate(bodies[start:start + 10])]
            answer = sqs.send_message_batch(QueueUrl=queue.url, Entries=entries)
            if answer.get("Failed"):
                raise RuntimeError(f"SQS refused {answer['Failed']}")
        return version_ids

    def receive(self, queue: Queue, count: int, timeout: float = 5.0) -> list[dict]:
        """Receive and delete until `count` event records came (s3:TestEvent skipped) or the time is over."""
        sqs = self.client("sqs")
        records, deadline = [], time.monotonic() + timeout
        while len(records) < count and time.monotonic() < deadline:
            for message in sqs.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=10,
                                               WaitTimeSeconds=1).get("Messages", []):
                sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=message["ReceiptHandle"])
                records += json.loads(message["Body"]).get("Records", [])
        return records

    def judge(self) -> dict:
        return self._own("GET", "/_localaws/judge")

    def reset_judge(self) -> None:
        self._own("POST", "/_localaws/judge/reset")

    def batch(self, **switches) -> dict:
        """Set switches of the job runner (README.md); returns all of them."""
        return self._own("POST", "/_localaws/batch", switches)

    def reset_switches(self) -> None:
        """All switches, faults, outcomes and keys as at the start; buckets, queues and jobs stay."""
        self._own("POST", "/_localaws/reset")

    def jobs(self) -> list[dict]:
        """All jobs as they stand, others' too, with every `states` that each was in."""
        return self._own("GET", "/_localaws/batch/jobs")["jobs"]

    def job(self, job_id: str) -> dict:
        return next(job for job in self.jobs() if job["jobId"] == job_id)

    def pending(self) -> int:
        """How many replications that jobs initiated are not done."""
        return self._own("GET", "/_localaws/batch/jobs")["pending"]

    def order(self, job_id: str, order: str, **more: str) -> None:
        """Do to a job what no client can ask for: pause, resume, fail, forget, … (README.md)."""
        self._own("POST", "/_localaws/batch/orders", {"jobId": job_id, "order": order, **more})

    def foreign_jobs(self, count: int = 1, **more) -> list[str]:
        """Jobs of somebody else in the account, that run until the order `finish`; their IDs."""
        return self._own("POST", "/_localaws/batch/foreign", {"count": count, **more})

    def outcomes(self, *wanted: dict) -> list[dict]:
        """Order what becomes of objects in jobs (README.md), in place of all that was ordered."""
        return self._own("POST", "/_localaws/batch/outcomes", list(wanted))

    def change_version(self, bucket: str, key: str, version_id: str, **changes: str | None) -> None:
        """Change `storageClass` or `replicationStatus` of a version, as no client can."""
        self._own("POST", "/_localaws/objects", {"bucket": bucket, "key": key, "versionId": version_id, **changes})

    def move_bucket(self, bucket: str, region: str) -> None:
        """Let a bucket be in another Region: us-west-2, of which the judge takes signatures."""
        self._own("POST", "/_localaws/buckets", {"bucket": bucket, "region": region})

    def kms_keys(self, states: dict[str, str]) -> None:
        """What is wrong with KMS keys: ARN to Disabled, PendingDeletion, missing or denied; others are in order."""
        self._own("POST", "/_localaws/kms", states)

    def identity(self, **switches) -> dict:
        """Set switches of temporary credentials (README.md); returns all of them, and the counts."""
        return self._own("POST", "/_localaws/identity", switches)

    def role(self, name: str, principal: dict, policy: dict = ALLOW_ALL, action: str = "sts:AssumeRole",
             condition: dict | None = None) -> str:
        """A new role with this inline policy that the principal may take on; its ARN."""
        iam = self.client("iam")
        statement = {"Effect": "Allow", "Principal": principal, "Action": action}
        if condition is not None:
            statement["Condition"] = condition
        trust = {"Version": "2012-10-17", "Statement": [statement]}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
        return arn

    def drop_role(self, name: str) -> None:
        iam = self.client("iam")
        iam.delete_role_policy(RoleName=name, PolicyName="own")
        iam.delete_role(RoleName=name)

    def faults(self, *wanted: dict) -> list[dict]:
        """Order faults (README.md), in place of all that there are; none ends them all."""
        return self._own("POST", "/_localaws/faults", list(wanted))

    def end_faults(self, *numbers: int) -> None:
        """End faults by their `id`; the others go on."""
        self._own("POST", "/_localaws/faults/end", list(numbers))

    def ordered_faults(self) -> list[dict]:
        """The faults as ordered, with what became of them: `met`, `fired`, `firedAt`, `pending`."""
        return self._own("GET", "/_localaws/faults")

    def pending_faults(self) -> list[dict]:
        """Faults that may fire yet; one is gone from here as soon as the last request that it wanted arrives."""
        return [fault for fault in self.ordered_faults() if fault["pending"]]

    def settle(self) -> None:
        """Wait until every job has ended and its report is written."""
        if not self._own("POST", "/_localaws/batch/settle")["settled"]:
            raise TimeoutError("a job has not ended, or waits for its confirmation")

    def create_job(self, key: Key, manifest_bucket: str, rows: str, report_bucket: str | None = None,
                   **changes) -> str:
        """Upload manifest rows and create an S3ReplicateObject job on them; returns the job's ID."""
        name = f"manifests/{uuid.uuid4()}.csv"
        etag = self.client("s3", key).put_object(Bucket=manifest_bucket, Key=name, Body=rows.encode())["ETag"]
        report = {"Enabled": False}
        if report_bucket is not None:
            report = {"Enabled": True, "Bucket": f"arn:aws:s3:::{report_bucket}", "Prefix": "reports",
                      "Format": "Report_CSV_20180820", "ReportScope": "AllTasks"}
        settings = {
            "AccountId": ACCOUNT, "ConfirmationRequired": False, "Operation": {"S3ReplicateObject": {}},
            "Report": report, "ClientRequestToken": str(uuid.uuid4()), "Priority": 10,
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/batch",
            "Manifest": {"Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key", "VersionId"]},
                         "Location": {"ObjectArn": f"arn:aws:s3:::{manifest_bucket}/{name}", "ETag": etag.strip('"')}}}
        return self.client("s3control", key).create_job(**{**settings, **changes})["JobId"]

    def wait_for_job(self, job_id: str, *statuses: str, timeout: float = 10.0) -> dict:
        """Describe a job until it is in one of the statuses."""
        control, deadline = self.client("s3control"), time.monotonic() + timeout
        while time.monotonic() < deadline:
            job = control.describe_job(AccountId=ACCOUNT, JobId=job_id)["Job"]
            if job["Status"] in statuses:
                return job
        raise TimeoutError(f"job {job_id} is {job['Status']}, not one of {', '.join(statuses)}")

    def _own(self, method: str, path: str, body: dict | list | None = None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.endpoint + path, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            raise ValueError(f"{method} {path}: {refusal.code} {refusal.read().decode()}") from None


def _without_account_host(request, **_) -> None:
    """S3 Control's rules put the account before the host, and an account before an address is no host."""
    request.url = re.sub(r"//\d{12}\.", "//", request.url, count=1)


def now() -> str:
    """This moment as S3 writes event times."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at := time.time())) + f".{int(at * 1000) % 1000:03d}Z"


def failure_body(bucket: str, rule_id: str, key: str, version_id: str, event_time: str, destination: str,
                 reason: str, size: int, event: str = "OperationFailedReplication") -> str:
    """The body of one message as S3 sends it for a failed replication, or for another event of replication.

    Those of replication time control have no reason, but a threshold or the time that it took; their form is not told.
    """
    of_time = {"OperationMissedThreshold": {"threshold": "15"}, "OperationNotTracked": {},
               "OperationReplicatedAfterThreshold": {"threshold": "15", "replicationTime": "1020"}}
    return json.dumps({"Records": [{
        "eventVersion": "2.6", "eventSource": "aws:s3", "awsRegion": REGION, "eventTime": event_time,
        "eventName": f"Replication:{event}", "userIdentity": {"principalId": "s3.amazonaws.com"},
        "requestParameters": {"sourceIPAddress": "s3.amazonaws.com"},
        "responseElements": {"x-amz-request-id": str(uuid.uuid4()), "x-amz-id-2": uuid.uuid4().hex},
        "s3": {"s3SchemaVersion": "1.0", "configurationId": "replication-failures",
               "bucket": {"name": bucket, "ownerIdentity": {"principalId": ACCOUNT}, "arn": f"arn:aws:s3:::{bucket}"},
               "object": {"key": quote_plus(key, safe="/"), "size": size, "eTag": uuid.uuid4().hex,
                          "versionId": version_id, "sequencer": f"{time.time_ns() // 1000:018X}"}},
        "replicationEventData": {"replicationRuleId": rule_id, "destinationBucket": f"arn:aws:s3:::{destination}",
                                 "s3Operation": "OBJECT_PUT", "requestTime": event_time,
                                 **of_time.get(event, {"failureReason": reason})},
    }]})
