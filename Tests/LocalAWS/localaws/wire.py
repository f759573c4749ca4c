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
             "default": ("SignatureDoesNotMatch", 403)},
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
}

Reply = tuple[int, dict[str, str], bytes]


def code_of(service: str, refusal: Refusal) -> tuple[str, int]:
    """The service's own code and HTTP status for a refusal."""
    codes = CODES.get(refusal.reason)
    if codes is None:
        return refusal.reason, refusal.status
    return codes.get("s3" if service == "s3control" else service, codes["default"])


def error(service: str, refusal: Refusal) -> Reply:
    """The refusal as `service` would send it."""
    code, status = code_of(service, refusal)
    request_id = str(uuid.uuid4())
    if service in ("sqs", "dynamodb"):
        headers = {"content-type": "application/x-amz-json-1.0", "x-amzn-requestid": request_id}
        if service == "sqs":
            headers["x-amzn-query-error"] = f"{code};Sender"
        kind = f"com.amazonaws.sqs#{code}" if service == "sqs" else f"com.amazon.coral.service#{code}"
        return status, headers, json.dumps({"__type": kind, "message": refusal.message}).encode()
    detail = f"<Code>{code}</Code><Message>{escape(refusal.message)}</Message>"
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
