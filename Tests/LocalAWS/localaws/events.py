"""s3:Replication:OperationFailedReplication notifications, to the queues and topics that a bucket's configuration names."""
import base64
import datetime
import os
import uuid
from urllib.parse import quote_plus

from ministack.services import s3

from localaws import s3access
from localaws.replication import Outcome

_DELIVER = {"sqs": s3._deliver_event_to_sqs, "sns": s3._deliver_event_to_sns}

FAILED = "s3:Replication:OperationFailedReplication"


def timestamp(at: datetime.datetime | None = None) -> str:
    """RFC 3339 with milliseconds, as AWS writes event times."""
    at = at or datetime.datetime.now(datetime.UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def failure_record(bucket: str, key: str, entry: dict, outcome: Outcome, configuration_id: str) -> dict:
    """One event record in the shape of AWS's own sample; a delete marker has no size and no ETag."""
    is_marker = bool(entry.get("is_delete_marker"))
    content = {} if is_marker else {"size": entry["size"], "eTag": entry["etag"].strip('"')}
    return {
        "eventVersion": "2.6", "eventSource": "aws:s3", "awsRegion": s3access.region_of(bucket),
        "eventTime": timestamp(), "eventName": FAILED.removeprefix("s3:"),
        "userIdentity": {"principalId": "s3.amazonaws.com"},
        "requestParameters": {"sourceIPAddress": "s3.amazonaws.com"},
        "responseElements": {"x-amz-request-id": str(uuid.uuid4()),
                             "x-amz-id-2": base64.b64encode(os.urandom(56)).decode()},
        "s3": {"s3SchemaVersion": "1.0", "configurationId": configuration_id,
               "bucket": {"name": bucket, "ownerIdentity": {"principalId": s3access.account()},
                          "arn": f"arn:aws:s3:::{bucket}"},
               "object": {"key": quote_plus(key, safe="/"), **content, "versionId": entry["version_id"],
                          "sequencer": entry.get("sequencer") or s3._next_event_sequencer("s3:ObjectCreated:Put")}},
        "replicationEventData": {"replicationRuleId": outcome.rule["ID"],
                                 "destinationBucket": f"arn:aws:s3:::{outcome.destination}",
                                 "s3Operation": "OBJECT_DELETE" if is_marker else "OBJECT_PUT",
                                 "requestTime": entry["last_modified"],
                                 "failureReason": outcome.failure},
    }


def send_failure(bucket: str, key: str, entry: dict, outcome: Outcome) -> None:
    """Notify of one failed rule, where its metrics are on and the configuration asks for it."""
    if outcome.rule["Destination"].get("Metrics", {}).get("Status") != "Enabled":
        return
    for configuration in s3._parse_notification_config(bucket):
        if configuration["type"] not in _DELIVER or not s3._event_matches(FAILED, configuration["events"]):
            continue
        if not s3._key_matches_filter(key, configuration["filter_prefix"], configuration["filter_suffix"]):
            continue
        record = failure_record(bucket, key, entry, outcome, configuration["id"])
        _DELIVER[configuration["type"]](configuration["arn"], {"Records": [record]}, s3access.region_of(bucket),
                                        bucket_name=bucket)


def job_record(job_id: str, job_arn: str, status: str, account: str, region: str, failure_codes: list[str],
               name: str) -> dict:
    """A job's new state as EventBridge sends it. Source: User Guide, "Tracking an S3 Batch Operations job in Amazon
    EventBridge through AWS CloudTrail": its examples of messages in SQS."""
    at = timestamp()[:19] + "Z"
    service = "s3.amazonaws.com"
    return {
        "version": "0", "id": str(uuid.uuid4()), "detail-type": "AWS Service Event via CloudTrail", "source": "aws.s3",
        "account": account, "time": at, "region": region, "resources": [],
        "detail": {
            "eventVersion": "1.05", "userIdentity": {"accountId": account, "invokedBy": service}, "eventTime": at,
            "eventSource": service, "eventName": name, "awsRegion": region, "sourceIPAddress": service,
            "userAgent": service, "eventID": str(uuid.uuid4()), "readOnly": False, "eventType": "AwsServiceEvent",
            "serviceEventDetails": {"jobId": job_id, "jobArn": job_arn, "status": status,
                                    "jobEventId": uuid.uuid4().hex, "failureCodes": failure_codes,
                                    "statusChangeReason": []}}}


def send_job_record(queue_arn: str, record: dict) -> None:
    _DELIVER["sqs"](queue_arn, record, record["region"])
