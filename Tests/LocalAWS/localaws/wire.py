"""Errors and replies in the shape of each service's protocol."""
import json
import uuid
from xml.sax.saxutils import escape

from localaws.request import Refusal

# What one verdict is called by each service: (code, HTTP status). Absent services use "default".
CODES = {
    "signature": {"s3": ("SignatureDoesNotMatch", 403), "dynamodb": ("InvalidSignatureException", 400),
                  "default": ("SignatureDoesNotMatch", 403)},
    "scope": {"s3": ("AuthorizationHeaderMalformed", 400), "dynamodb": ("InvalidSignatureException", 400),
              "default": ("SignatureDoesNotMatch", 403)},
    "skew": {"s3": ("RequestTimeTooSkewed", 403), "dynamodb": ("InvalidSignatureException", 400),
             "sqs": ("InvalidSignatureException", 403), "default": ("SignatureDoesNotMatch", 403)},
    "unsigned": {"s3": ("AccessDenied", 403), "sqs": ("AccessDenied", 403),
                 "dynamodb": ("MissingAuthenticationTokenException", 400),
                 "default": ("MissingAuthenticationToken", 403)},
    "unknownKey": {"s3": ("InvalidAccessKeyId", 403), "dynamodb": ("UnrecognizedClientException", 400),
                   "default": ("InvalidClientTokenId", 403)},
    "invalidToken": {"s3": ("InvalidToken", 400), "dynamodb": ("UnrecognizedClientException", 400),
                     "default": ("InvalidClientTokenId", 403)},
    "expiredToken": {"s3": ("ExpiredToken", 400), "dynamodb": ("ExpiredTokenException", 400),
                     "default": ("ExpiredToken", 403)},
    "incomplete": {"s3": ("AuthorizationHeaderMalformed", 400), "dynamodb": ("IncompleteSignatureException", 400),
                   "default": ("IncompleteSignature", 400)},
    "throttled": {"s3": ("SlowDown", 503), "sqs": ("RequestThrottled", 403), "dynamodb": ("ThrottlingException", 400),
                  "default": ("Throttling", 400)},
}

# Statuses of the services' own codes, where a fault gives none. Sources: the SQS and the S3 API Reference, whose part on
# S3 Control has 400 for all of a job's errors but the service's own.
_STATUSES = {"OverLimit": 403, "RequestThrottled": 403, "AccessDenied": 403, "KmsAccessDenied": 400, "NoSuchKey": 404,
             "AccessDeniedException": 400, "QueueDoesNotExist": 400, "NoSuchBucket": 404, "InternalError": 500,
             "InternalFailure": 500, "ServiceUnavailable": 503, "SlowDown": 503, "RequestTimeout": 400,
             "BadRequestException": 400, "IdempotencyException": 400, "InternalServiceException": 500,
             "TooManyRequestsException": 400, "JobStatusException": 400, "InvalidRequestException": 400,
             "InvalidNextTokenException": 400, "NoSuchJob": 404,
             "ConditionalRequestConflict": 409, "OperationAborted": 409, "PreconditionFailed": 412, "NoSuchUpload": 404,
             "NoSuchVersion": 404, "InvalidObjectState": 403, "MethodNotAllowed": 405, "InvalidArgument": 400,
             "InvalidRequest": 400, "EntityTooSmall": 400, "BadDigest": 400, "KMS.DisabledException": 400}

# What SQS called its errors before it spoke JSON: in x-amzn-query-error to this day.
_QUERY_CODES = {"QueueDoesNotExist": "NonExistentQueue"} | {name: name for name in (
    "TooManyEntriesInBatchRequest", "EmptyBatchRequest", "BatchEntryIdsNotDistinct", "BatchRequestTooLong",
    "InvalidBatchEntryId", "MessageNotInflight", "PurgeQueueInProgress", "QueueDeletedRecently",
    "UnsupportedOperation")}

Reply = tuple[int, dict[str, str], bytes]


def code_of(service: str, refusal: Refusal) -> tuple[str, int]:
    """The service's own code and HTTP status for a refusal."""
    codes = CODES.get(refusal.reason)
    if codes is None:
        return refusal.reason, refusal.status
    return codes.get("s3" if service == "s3control" else service, codes["default"])


def status_of(service: str, reason: str) -> int:
    """The HTTP status that goes with a key of `CODES`, or with a service's own code."""
    if reason in CODES:
        return code_of(service, Refusal(reason, ""))[1]
    return _STATUSES.get(reason, 400 if service in ("sqs", "sts", "dynamodb") else 503)


def _query_error(code: str, status: int) -> str:
    old = f"AWS.SimpleQueueService.{_QUERY_CODES[code]}" if code in _QUERY_CODES else code
    return f"{old};{'Sender' if status < 500 else 'Receiver'}"


def error(service: str, refusal: Refusal) -> Reply:
    """The refusal as `service` would send it."""
    code, status = code_of(service, refusal)
    request_id = str(uuid.uuid4())
    if service in ("sqs", "dynamodb"):
        headers = {"content-type": "application/x-amz-json-1.0", "x-amzn-requestid": request_id}
        if service == "sqs":
            headers["x-amzn-query-error"] = _query_error(code, status)
        kind = f"com.amazonaws.sqs#{code}" if service == "sqs" else f"com.amazon.coral.service#{code}"
        return status, headers, json.dumps({"__type": kind, "message": refusal.message}).encode()
    detail = f"<Code>{code}</Code><Message>{escape(refusal.message)}</Message>"
    detail += "".join(f"<{name}>{escape(value)}</{name}>" for name, value in refusal.details)
    if service == "s3":
        body = f"<Error>{detail}<RequestId>{request_id}</RequestId></Error>"
    else:
        body = (f"<ErrorResponse><Error><Type>Sender</Type>{detail}</Error>"
                f"<RequestId>{request_id}</RequestId></ErrorResponse>")
    return xml(status, body, request_id)


def xml(status: int, body: str, request_id: str | None = None) -> Reply:
    """An XML reply with the identifiers that AWS sends."""
    headers = {"content-type": "application/xml", "x-amz-request-id": request_id or str(uuid.uuid4())}
    return status, headers, ('<?xml version="1.0" encoding="UTF-8"?>\n' + body).encode()


def json_reply(value: object, status: int = 200) -> Reply:
    return status, {"content-type": "application/json"}, json.dumps(value).encode()
