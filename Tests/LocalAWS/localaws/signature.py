"""SigV4 recomputed with botocore's own signers, and the scope, clock and payload rules around it."""
import datetime
import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from localaws.request import Refusal, Request

SKEW = datetime.timedelta(minutes=15)
ADMINISTRATOR = "test"  # the only key that may leave a payload unsigned
# IAM is global and signs for us-east-1; boto3 with an endpoint of one's own signs it for the client's region.
_GLOBAL = {"iam": "us-east-1"}
_NOT_SIGNED_BY_BOTOCORE = frozenset({"expect", "transfer-encoding", "user-agent", "x-amzn-trace-id"})
# Queues and buckets may be in another Region too; a request signed for the wrong one of the two does not find its
# queue, and is sent away from its bucket (301).
_SECOND_REGION = {"sqs": "us-west-2", "s3": "us-west-2"}


@dataclass(frozen=True)
class Claim:
    """The parts of an Authorization header."""

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str


def claim_of(request: Request) -> Claim | Refusal:
    """Split the Authorization header; a request without one is unsigned."""
    algorithm, _, rest = request.headers.get("authorization", "").partition(" ")
    if not algorithm:
        return Refusal("unsigned", "Access Denied: the request carries no signature.")
    if algorithm != "AWS4-HMAC-SHA256":
        return Refusal("incomplete", f"Unsupported AWS 'algorithm': '{algorithm[:40]}'.")
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    scope = fields.get("Credential", "").split("/")
    if len(scope) != 5 or scope[4] != "aws4_request" or not fields.get("Signature"):
        return Refusal("incomplete", "The authorization header is malformed: Credential, SignedHeaders or Signature.")
    timestamp = request.headers.get("x-amz-date", "")
    if not timestamp:
        return Refusal("incomplete", "Authorization header requires existence of an 'X-Amz-Date' header.")
    signed = tuple(name for name in fields.get("SignedHeaders", "").split(";") if name)
    return Claim(scope[0], scope[1], scope[2], scope[3], signed, fields["Signature"], timestamp)


def verify(request: Request, claim: Claim, service: str, region: str, secret: str,
           skew_seconds: int = 0) -> Refusal | None:
    """Every check on a signed request, in AWS's order; None when it holds. AWS's clock is ahead by the skew."""
    signing_name = "s3" if service == "s3control" else service
    return (_scope_refusal(claim, signing_name, region)
            or _clock_refusal(claim, signing_name, datetime.timedelta(seconds=skew_seconds))
            or _signed_headers_refusal(request, claim)
            or (_payload_refusal(request, claim) if signing_name == "s3" else None)
            or _signature_refusal(request, claim, signing_name, secret))


def _scope_refusal(claim: Claim, service: str, region: str) -> Refusal | None:
    if claim.region in (_GLOBAL.get(service), _SECOND_REGION.get(service)):
        region = claim.region
    for name, given, wanted in (("region", claim.region, region), ("service", claim.service, service),
                                ("date", claim.date, claim.timestamp[:8])):
        if given != wanted:
            return Refusal("scope", f"The authorization header is malformed; the {name} '{given}' is wrong; "
                                    f"expecting '{wanted}'. Credential should be scoped to a valid {name}.")
    return None


def _clock_refusal(claim: Claim, service: str, ahead: datetime.timedelta) -> Refusal | None:
    try:
        signed_at = datetime.datetime.strptime(claim.timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    except ValueError:
        return Refusal("incomplete", f"X-Amz-Date '{claim.timestamp[:40]}' is not of the form YYYYMMDDTHHMMSSZ.")
    now = datetime.datetime.now(datetime.UTC) + ahead
    if abs(now - signed_at) <= SKEW:
        return None
    if service == "s3":
        return Refusal("skew", "The difference between the request time and the current time is too large.", details=(
            ("RequestTime", claim.timestamp), ("ServerTime", f"{now:%Y-%m-%dT%H:%M:%SZ}"),
            ("MaxAllowedSkewMilliseconds", "900000")))
    if signed_at < now:
        return Refusal("skew", f"Signature expired: {claim.timestamp} is now earlier than "
                               f"{now - SKEW:%Y%m%dT%H%M%SZ} ({now:%Y%m%dT%H%M%SZ} - 15 min.)")
    return Refusal("skew", f"Signature not yet current: {claim.timestamp} is still later than "
                           f"{now + SKEW:%Y%m%dT%H%M%SZ} ({now:%Y%m%dT%H%M%SZ} + 15 min.)")


def _signed_headers_refusal(request: Request, claim: Claim) -> Refusal | None:
    needed = {"host"} | {name for name in request.headers if name.startswith("x-amz-")}
    missing = sorted(needed - set(claim.signed_headers))
    if missing:
        return Refusal("signature", f"There were headers present in the request which were not signed: "
                                    f"{', '.join(missing)}")
    absent = [name for name in claim.signed_headers if name not in request.headers]
    if absent:
        return Refusal("signature", f"Signed headers are not present in the request: {', '.join(absent)}")
    return None


def _payload_refusal(request: Request, claim: Claim) -> Refusal | None:
    declared = request.headers.get("x-amz-content-sha256")
    if declared is None:
        return Refusal("InvalidRequest", "Missing required header for this request: x-amz-content-sha256", 400)
    if declared == "UNSIGNED-PAYLOAD" or declared.startswith("STREAMING-"):
        if claim.access_key == ADMINISTRATOR:
            return None
        return Refusal("LocalAWSUnsignedPayload", f"x-amz-content-sha256 is {declared[:60]}: only the administrator's "
                                                  "key may leave a payload unsigned here.", 400)
    if declared != hashlib.sha256(request.body).hexdigest():
        return Refusal("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what "
                                                    "was computed.", 400)
    return None


class _S3Signer(S3SigV4Auth):
    def payload(self, request):
        return hashlib.sha256(request.data or b"").hexdigest()


class _Signer(SigV4Auth):
    def payload(self, request):
        return hashlib.sha256(request.data or b"").hexdigest()


def _signature_refusal(request: Request, claim: Claim, service: str, secret: str) -> Refusal | None:
    if _NOT_SIGNED_BY_BOTOCORE & set(claim.signed_headers):
        return Refusal("signature", f"botocore never signs {', '.join(sorted(_NOT_SIGNED_BY_BOTOCORE))}: proxies "
                                    "change them.")
    headers = {name: request.headers[name] for name in claim.signed_headers}
    url = f"http://{request.headers['host']}{canonical_path(request.raw_path)}?{canonical_query(request)}"
    copy = AWSRequest(method=request.method, url=url, headers=headers, data=request.body)
    copy.context["timestamp"] = claim.timestamp
    credentials = Credentials(claim.access_key, secret)
    signer = (_S3Signer if service == "s3" else _Signer)(credentials, service, claim.region)
    expected = signer.signature(signer.string_to_sign(copy, signer.canonical_request(copy)), copy)
    if hmac.compare_digest(expected, claim.signature):
        return None
    return Refusal("signature", "The request signature we calculated does not match the signature you provided. "
                                "Check your AWS Secret Access Key and signing method.")


def canonical_path(raw_path: str) -> str:
    """The path as AWS signs it: decoded and encoded again, so that a sloppy encoding fails here as there."""
    return quote(unquote_to_bytes(raw_path), safe="/-_.~")


def canonical_query(request: Request) -> str:
    return "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in request.query)
