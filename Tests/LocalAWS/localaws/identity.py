"""Temporary credentials that sign and expire: of an instance (IMDSv2), a container, and STS."""
import base64
import json
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl

from ministack.services import imds, sts

from localaws import wire
from localaws.credentials import DEFAULT_ACCOUNT
from localaws.request import Refusal, Request
from localaws.switches import Switches

INSTANCE_ROLE = imds._DEFAULT_ROLE
METADATA_PATHS = ("/latest/", "/v2/credentials/")
_SESSIONS_KEPT = 10_000


@dataclass
class IdentitySwitches(Switches):
    """How credentials are handed out, set with `POST /_localaws/identity`."""

    sessionSeconds: float = 0.0  # the life of all new temporary credentials; 0: as asked for, 3600 for metadata
    metadataStatus: int = 0  # every metadata request is answered with this status; 0: normally
    tokenArrives: bool = True  # false: the answer to PUT /latest/api/token dies at the hop limit, as in a container
    containerToken: str = ""  # the Authorization that the container endpoint wants; empty: none


class Identity:
    """The switches, and how often what was handed out."""

    def __init__(self, instance_seconds: float):
        self.switches = IdentitySwitches()
        self._instance_seconds = instance_seconds
        self.counts = {"tokens": 0, "roleListings": 0, "instance": 0, "container": 0, "assumed": 0, "webIdentity": 0}
        self._install()

    def _install(self) -> None:
        """MiniStack's metadata documents become sessions that STS knows; expired sessions stay known as such."""
        instance, container = imds._credentials_doc, imds._ecs_task_credentials_doc
        imds._credentials_doc = lambda: self._registered(instance(), "instance")
        imds._ecs_task_credentials_doc = lambda: self._registered(container(), "container")
        sts._evict_expired_sessions = _forget_oldest_sessions
        parameter = sts._p

        def switched(params, name, *default):
            seconds = self.switches.sessionSeconds
            return str(max(1, int(seconds))) if name == "DurationSeconds" and seconds else parameter(params, name, *default)

        sts._p = switched

    def _registered(self, document: dict, kind: str) -> dict:
        self.counts[kind] += 1
        # Whole seconds, as the document says it.
        expires = int(time.time() + (self.switches.sessionSeconds or self._instance_seconds))
        document["Expiration"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires))
        sts.register_session(document["AccessKeyId"], {
            "Arn": f"arn:aws:sts::{DEFAULT_ACCOUNT}:assumed-role/{INSTANCE_ROLE}/{imds._INSTANCE_ID}",
            "UserId": f"AROALOCALAWS:{imds._INSTANCE_ID}", "SecretAccessKey": document["SecretAccessKey"],
            "SessionToken": document["Token"], "Expiration": expires, "AccountId": DEFAULT_ACCOUNT,
            "PrincipalType": "AssumedRole"})
        return document

    def metadata_refusal(self, method: str, path: str, headers: dict[str, str]) -> wire.Reply | None | str:
        """The reply instead of the metadata service's; "silence" for none at all; None to go on."""
        if self.switches.metadataStatus:
            return self.switches.metadataStatus, {"content-type": "text/plain"}, b""
        if path.startswith("/v2/credentials/"):
            wanted = self.switches.containerToken
            if wanted and headers.get("authorization") != wanted:
                return wire.json_reply({"code": "AccessDenied", "message": "Unauthorized"}, 401)
        elif path == "/latest/api/token":
            # A proxy in between is as good as a stranger. Source: EC2 User Guide, "How IMDSv2 works".
            if "x-forwarded-for" in headers:
                return 403, {"content-type": "text/plain"}, b"Forbidden"
            if not self.switches.tokenArrives:
                return "silence"
            self.counts["tokens"] += method == "PUT"
        elif path.rstrip("/").endswith("/iam/security-credentials"):
            self.counts["roleListings"] += 1
        return None

    def sts_refusal(self, operation: str, body: bytes) -> wire.Reply | None:
        """Why a web identity token is refused, if it is; counts what STS is asked for."""
        if operation == "sts.AssumeRole":
            self.counts["assumed"] += 1
        elif operation == "sts.AssumeRoleWithWebIdentity":
            form = dict(parse_qsl(body.decode(), keep_blank_values=True))
            refusal = _token_refusal(form.get("WebIdentityToken", ""))
            if refusal is not None:
                return wire.error("sts", refusal)
            self.counts["webIdentity"] += 1
        return None


def headers_of(scope: dict) -> dict[str, str]:
    return Request.from_scope(scope, b"").headers


def _token_refusal(token: str) -> Refusal | None:
    """A web identity token that is none, or is over. Its signature is not looked at."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        expires = float(claims["exp"])
    except (IndexError, ValueError, KeyError, TypeError):
        return Refusal("InvalidIdentityToken", "The ID Token provided is not a valid JWT.", 400)
    if expires < time.time():
        return Refusal("ExpiredTokenException", "Token expired: current date/time is behind its exp.", 400)
    return None


def _forget_oldest_sessions() -> None:
    """An expired key is answered with ExpiredToken, so it stays known; only the number is bounded."""
    while len(sts._sessions) >= _SESSIONS_KEPT:
        sts._sessions.pop(next(iter(sts._sessions)))
