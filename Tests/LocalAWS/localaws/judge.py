"""The judge: every request's signature and form is checked before MiniStack sees it, and counted."""
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from localaws import credentials, operations, signature, wire
from localaws.parameters import Unreadable, json_parameters, query_parameters, rest_parameters
from localaws.request import Refusal, Request
from localaws.validation import violation

_REFUSALS_KEPT = 1000
_JSON_SERVICES = ("sqs", "dynamodb")
_REST_SERVICES = ("s3", "s3control")
# AWS serves it without a signature: the web identity token is the credential.
_ANONYMOUS = frozenset({"sts.AssumeRoleWithWebIdentity"})


@dataclass(frozen=True)
class Reading:
    """What a request is, before anything of it is believed."""

    service: str
    operation: str  # sqs.ReceiveMessage; sqs.? if it is none
    parameters: Callable  # the operation's model and its parameters; raises Unreadable


class Judge:
    """Verdicts on requests, and how many of each there were."""

    def __init__(self, region: str):
        self._region = region
        self.reset()

    def reset(self) -> None:
        self._by_operation: Counter[str] = Counter()
        self._anonymous = 0
        self._refused: deque[dict] = deque(maxlen=_REFUSALS_KEPT)
        self._refused_total = 0

    def summary(self) -> dict:
        """The counts, as `GET /_localaws/judge` answers them."""
        return {"verified": sum(self._by_operation.values()), "unsignedPassed": 0,
                "anonymousByModel": self._anonymous, "refusedTotal": self._refused_total,
                "refused": list(self._refused), "byOperation": dict(sorted(self._by_operation.items()))}

    @staticmethod
    def read(request: Request) -> Reading:
        """Which operation this is; what cannot be read is refused by the verdict."""
        service = operations.service_of(request)
        try:
            return Reading(service, *_operation(service, request))
        except Unreadable as problem:
            return Reading(service, f"{service}.?", _raiser(problem))

    def verdict(self, request: Request, reading: Reading, skew_seconds: int = 0) -> wire.Reply | None:
        """The refusal to send, or None when the request may pass.

        `skew_seconds` is a fault's: by so much AWS's clock is ahead. A refusal for it was ordered, and says so.
        """
        claim = signature.claim_of(request)
        refusal = (self._signature_refusal(request, claim, reading, skew_seconds)
                   or _model_refusal(reading.parameters))
        if refusal is None:
            self._count(reading.operation)
            return None
        key = claim.access_key if isinstance(claim, signature.Claim) else ""
        self._refused_total += 1
        self._refused.append({"operation": reading.operation, "code": wire.code_of(reading.service, refusal)[0],
                              "why": refusal.message, "key": key,
                              "ordered": skew_seconds != 0 and refusal.reason == "skew"})
        return wire.error(reading.service, refusal)

    def _count(self, name: str) -> None:
        if name in _ANONYMOUS:
            self._anonymous += 1
        else:
            self._by_operation[name] += 1

    def _signature_refusal(self, request: Request, claim: signature.Claim | Refusal, reading: Reading,
                           skew_seconds: int) -> Refusal | None:
        if reading.operation in _ANONYMOUS:
            return None
        if isinstance(claim, Refusal):
            return claim
        if reading.service == "unknown":
            return None  # the model check refuses it by name
        secret = credentials.secret_of(claim.access_key, request.headers.get("x-amz-security-token", ""))
        if isinstance(secret, Refusal):
            return secret
        return signature.verify(request, claim, reading.service, self._region, secret, skew_seconds)


def _operation(service: str, request: Request):
    """The operation's name for the counts, and what reads its parameters as (operation, params)."""
    if service in _JSON_SERVICES:
        return _json_operation(service, request)
    if service in _REST_SERVICES:
        found = operations.rest_operation(service, request)
        if found is None:
            raise Unreadable(f"{service} has no operation {request.method} {request.raw_path[:200]}"
                             f"{'?' if request.raw_query else ''}{request.raw_query[:200]}")
        bindings, path_members = found
        return (f"{service}.{bindings.operation.name}",
                lambda: (bindings.operation, rest_parameters(request, bindings, path_members)))
    if service == "unknown":
        raise Unreadable("neither X-Amz-Target nor Version names a service that LocalAWS knows")
    return _query_operation(service, request)


def _json_operation(service: str, request: Request):
    name = request.headers["x-amz-target"].partition(".")[2]
    operation = operations.named_operation(service, name)
    if operation is None:
        raise Unreadable(f"X-Amz-Target: {service} has no operation {name[:80]}")
    if request.method != "POST" or request.raw_path != "/" or request.raw_query:
        raise Unreadable(f"{name}: sent as {request.method} {request.raw_path[:80]}, expecting POST /")
    return f"{service}.{name}", lambda: (operation, json_parameters(request))


def _query_operation(service: str, request: Request):
    pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Unreadable("a form field is given twice")
    name = fields.get("Action", "")
    operation = operations.named_operation(service, name)
    if operation is None:
        raise Unreadable(f"Action: {service} has no operation '{name[:80]}'")
    return f"{service}.{name}", lambda: (operation, query_parameters(fields, operation))


def _model_refusal(params_of) -> Refusal | None:
    try:
        operation, params = params_of()
        why = violation(operation, params)
    except Unreadable as problem:
        why = str(problem)
    return Refusal("LocalAWSModelViolation", why, 400) if why else None


def _raiser(problem: Unreadable):
    def raise_it():
        raise problem
    return raise_it
