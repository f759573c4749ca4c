"""Answers of the control channel as the design has them, for the canned daemon."""

from datetime import datetime, timedelta, timezone

HOSTILE_KEY = "a\nb\x1b[31mred\x9b\u202eevil\\n"
HOSTILE_ENCODED = "a%0Ab%1B%5B31mred%C2%9B%E2%80%AEevil%5Cn"


def ago(**span):
    """RFC 3339 in UTC with milliseconds."""
    moment = datetime.now(timezone.utc) - timedelta(**span)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def failure(number=0, **changes):
    item = {
        "sourceBucket": "orders", "ruleId": "replicate-all", "destinationBucket": "orders-replica",
        "key": f"2026/11/invoice-{number:05d}.pdf", "keyEncoded": f"2026/11/invoice-{number:05d}.pdf",
        "versionId": f"3sL4kqtJlcpXroDTDmJ.rmSpXd3d{number:05d}", "state": "open",
        "reason": "DstPutObjectNotPermitted", "reasonClass": "fix", "size": 1288490189,
        "firstFailedAt": ago(hours=5), "lastFailedAt": ago(hours=3, minutes=5), "failureCount": 2}
    item.update(changes)
    return item


def full_failure():
    return failure(
        7, state="replicated", eTag="9b2cf535f27731c974343645a3985328", operation="OBJECT_PUT",
        remediationId="rem-1", closedAt=ago(minutes=10), evidence="status", note="looked at",
        lastTask={
            "jobId": "job-1", "status": "failed", "httpStatus": 403, "code": "AccessDenied",
            "message": "Access Denied", "at": ago(hours=1)})


def rule(rule_id="replicate-all", **counts):
    all_counts = dict.fromkeys(
        ["open", "submitted", "verifying", "replicated", "parked", "gone", "dismissed"], 0)
    all_counts.update(counts)
    return {
        "sourceBucket": "orders", "ruleId": rule_id, "region": "eu-west-1", "counts": all_counts,
        "openBytes": 1288490189, "oldestOpenAt": ago(days=3), "newestFailedAt": ago(minutes=5),
        "reasons": [
            {"reason": "DstPutObjectNotPermitted", "reasonClass": "fix",
             "destinationBucket": "orders-replica", "open": 12000},
            {"reason": "SrcKmsKeyInvalidState", "reasonClass": "kms",
             "destinationBucket": "orders-archive", "open": 345}],
        "lag": {"missedThreshold": 4, "notTracked": 1, "oldestMissedAt": ago(hours=2)}}


def status(**changes):
    value = {
        "version": "0.1.0", "uptimeSeconds": 273600, "state": "running",
        "queues": [{
            "url": "https://sqs.eu-west-1.amazonaws.com/111122223333/s3-replication-failures",
            "state": "receiving", "pollers": 1, "lastReceiveAt": ago(seconds=12),
            "lastMessageAt": ago(minutes=7), "visible": 1234, "inFlight": 3,
            "oldestAgeSeconds": 7200, "retentionSeconds": 345600}],
        "log": {"bytes": 134217728, "segments": 2, "appendedLSN": 18446744073709551615,
                "syncedLSN": 100, "appliedLSN": 88},
        "store": {"failures": 12345, "lagRecords": 12, "bytes": 5368709120, "schemaVersion": 1,
                  "quarantined": 3},
        "remediations": {"running": 0, "queued": 0}, "problems": []}
    value.update(changes)
    return value


def plan(**changes):
    value = {
        "sourceBucket": "orders", "ruleId": "replicate-all", "region": "eu-west-1",
        "objects": 12345, "bytes": 1288490189,
        "estimatedCost": {"jobsUSD": 0.262345, "notIncluded": ["requests", "transfer", "KMS"]},
        "reasons": [{"reason": "DstPutObjectNotPermitted", "reasonClass": "fix",
                     "destinationBucket": "orders-replica", "objects": 12345}],
        "otherRules": ["orders/to-archive"],
        "warnings": ["The bucket orders has a lifecycle configuration; suspend it first."],
        "plannedAt": "2026-11-24T06:11:06.527Z"}
    value.update(changes)
    return value


def remediation(state="planned", outcome=None, **changes):
    counts = dict.fromkeys(["replicated", "failedAgain", "gone", "parked", "verifying"], 0)
    counts.update(outcome or {})
    value = {
        "id": "rem-1", "sourceBucket": "orders", "ruleId": "replicate-all", "state": state,
        "objects": 12345, "bytes": 1288490189,
        "estimatedCost": {"jobsUSD": 0.262345, "notIncluded": ["requests"]}, "jobs": [],
        "heldBack": [], "outcome": counts, "createdAt": ago(minutes=30), "createdBy": "ana"}
    value.update(changes)
    return value


def job(**changes):
    value = {
        "role": "main", "jobId": "0f8c2f2e-job", "status": "Active",
        "manifest": {"bucket": "s3remedy-manifests", "key": "manifests/rem-1.csv", "eTag": "e"},
        "tasks": {"total": 12345, "succeeded": 6000, "failed": 2},
        "report": {"bucket": "s3remedy-manifests", "key": "reports/job/manifest.json"}}
    value.update(changes)
    return value


def quarantined(number=17):
    return {
        "id": number, "receivedAt": ago(days=3), "messageId": f"message-{number}",
        "queue": "https://sqs.eu-west-1.amazonaws.com/111122223333/s3-replication-failures",
        "problem": "the body ends inside a string", "offset": 1210,
        "bodyEncoded": "%7B%22Records%22%0A%1B%5B2J%FF"}


def timeline():
    return [
        {"at": "2026-11-24T03:11:06.527Z", "what": "failed", "reason": "DstPutObjectNotPermitted"},
        {"at": "2026-11-24T05:11:06.000Z", "what": "submitted", "remediationId": "rem-1",
         "jobId": "job-1", "by": "ana"}]


def reason(code="DstPutObjectNotPermitted"):
    return {"code": code, "reasonClass": "fix", "meaning": "S3 was not allowed to write the replica.",
            "owner": "destinationBucketOwner", "fix": "Allow the replication role s3:ReplicateObject."}
