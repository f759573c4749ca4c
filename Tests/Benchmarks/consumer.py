"""The consumer that a user would write instead: boto3, json, sqlite3. As durable as the daemon: a batch is committed,
synced, before it is deleted from the queue.

    consumer.py QUEUE-URL DATABASE
"""
import json
import os
import signal
import socket
import sqlite3
import sys
from urllib.parse import unquote_plus

import boto3

SCHEMA = """
CREATE TABLE IF NOT EXISTS failure (
    source_bucket TEXT NOT NULL, rule_id TEXT NOT NULL, destination_bucket TEXT NOT NULL,
    key TEXT NOT NULL, version_id TEXT NOT NULL,
    reason TEXT NOT NULL, operation TEXT, size INTEGER, etag TEXT, sequencer TEXT,
    first_failed_at TEXT NOT NULL, last_failed_at TEXT NOT NULL, failure_count INTEGER NOT NULL,
    PRIMARY KEY (source_bucket, rule_id, destination_bucket, key, version_id)
) WITHOUT ROWID
"""
UPSERT = """
INSERT INTO failure VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
ON CONFLICT DO UPDATE SET reason = excluded.reason, operation = excluded.operation, size = excluded.size,
    etag = excluded.etag, last_failed_at = excluded.last_failed_at, failure_count = failure_count + 1
WHERE excluded.last_failed_at > last_failed_at
"""


def rows(body: str):
    for record in json.loads(body).get("Records", []):
        if record["eventName"] != "Replication:OperationFailedReplication":
            continue
        thing, replication = record["s3"]["object"], record["replicationEventData"]
        yield (record["s3"]["bucket"]["name"], replication["replicationRuleId"],
               replication["destinationBucket"].removeprefix("arn:aws:s3:::"), unquote_plus(thing["key"]),
               thing.get("versionId", "null"), replication["failureReason"], replication.get("s3Operation"),
               thing.get("size"), thing.get("eTag"), thing.get("sequencer"), record["eventTime"], record["eventTime"])


def announce_ready() -> None:
    """sd_notify(3), as the daemon does it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notification:
        notification.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])


def main(queue_url: str, database_path: str) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    database = sqlite3.connect(database_path)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute(SCHEMA)
    sqs = boto3.client("sqs", endpoint_url=queue_url.rsplit("/", 2)[0])
    announce_ready()
    while True:
        messages = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=20,
                                       MessageSystemAttributeNames=["All"]).get("Messages", [])
        if not messages:
            continue
        with database:
            database.executemany(UPSERT, [row for message in messages for row in rows(message["Body"])])
        sqs.delete_message_batch(QueueUrl=queue_url, Entries=[
            {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]} for index, message in enumerate(messages)])


main(*sys.argv[1:])
