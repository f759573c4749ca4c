"""Faults to order: which requests a rule meets, on which of them it fires, and what became of it."""
import asyncio
import itertools
import json
import random
from dataclasses import dataclass, field, fields

from localaws import operations
from localaws.request import Request

_MOST_RULES = 100
_MOST_FIRINGS_SHOWN = 1000
_SERVICES = ("sqs", "s3", "s3control", "sts", "iam", "sns", "dynamodb")
_TYPES = {str: (str,), int: (int,), float: (int, float), bool: (bool,), list[str]: (list,)}

# What each kind takes beside what all take.
_BY_KIND = {
    "error": {"code", "status", "message", "retryAfterSeconds", "applied"},
    "throttle": {"message", "retryAfterSeconds"},
    "expiredToken": {"message"},
    "garbage": {"bytes", "body", "status", "contentType", "applied"},
    "cut": {"applied"}, "reset": {"applied"}, "hang": {"applied"},
    "truncate": {"bytes"}, "corrupt": {"bytes"}, "drip": {"bytes", "everySeconds"}, "late": set(),
    "clock": {"skewSeconds"},
}
_FOR_ALL = {"operation", "kind", "queue", "bucket", "key", "delaySeconds", "times", "after", "every", "sequence",
            "probability", "seed"}
_SCHEDULES = ("every", "sequence", "probability")


@dataclass
class Rule:
    """One fault, as it was ordered (README.md)."""

    operation: str  # s3.PutObject, or sqs.* for all of a service
    kind: str = ""  # error if there is a code, else cut
    queue: str = ""  # each: a part of the name that the request must have
    bucket: str = ""
    key: str = ""
    code: str = ""
    status: int = 0  # the code's own
    message: str = "Ordered by the test."
    retryAfterSeconds: float = 0.0
    applied: bool = False  # the request takes effect, and only its answer is lost
    delaySeconds: float = 0.0  # before anything happens, the effect included
    bytes: int = 0  # of the answer: kept, changed, at a time, or made up
    everySeconds: float = 0.1
    body: str = ""
    contentType: str = "text/html"
    skewSeconds: int = 0
    times: int = 1  # fires no more often; 0: for ever, which every, sequence and probability begin with
    after: int = 0  # lets so many pass first
    every: int = 0
    sequence: list[str] = field(default_factory=list)
    probability: float = 0.0
    seed: int = 0


class Fault:
    """A rule in force: counts the requests that it meets."""

    def __init__(self, number: int, rule: Rule):
        self.rule = rule
        self.over = asyncio.Event()  # whoever hangs may go
        self.fired_at: list[int] = []
        self.fired = 0
        self.number = number
        self._met = 0
        self._draws = random.Random(rule.seed)

    @property
    def is_pending(self) -> bool:
        rule = self.rule
        ended = rule.sequence and self._met >= rule.after + len(rule.sequence)
        return not self.over.is_set() and not ended and (rule.times == 0 or self.fired < rule.times)

    def shown(self) -> dict:
        return {**vars(self.rule), "id": self.number, "met": self._met, "fired": self.fired,
                "firedAt": self.fired_at, "pending": self.is_pending}

    def meets(self, operation: str, request: Request) -> bool:
        service, _, name = self.rule.operation.partition(".")
        if self.rule.operation != operation and (name != "*" or operation.partition(".")[0] != service):
            return False
        wanted = {part: text for part in ("queue", "bucket", "key") if (text := getattr(self.rule, part))}
        names = _names(operation, request) if wanted else {}
        return all(text in names.get(part, "") for part, text in wanted.items())

    def count(self) -> bool:
        """Count one request; whether the fault fires on it."""
        self._met += 1
        number = self._met - self.rule.after
        fires = number > 0 and self._is_due(number)
        if fires:
            self.fired += 1
            if len(self.fired_at) < _MOST_FIRINGS_SHOWN:
                self.fired_at.append(self._met)
        return fires

    def _is_due(self, number: int) -> bool:
        if self.rule.sequence:
            return self.rule.sequence[number - 1] == "fault"
        if self.rule.every:
            return number % self.rule.every == 0
        return not self.rule.probability or self._draws.random() < self.rule.probability

    def bytes_source(self) -> random.Random:
        """Random bytes for this firing: the same in each run."""
        return random.Random(f"{self.rule.seed}/{self.fired}")


class Faults:
    """All rules, in their order: of those that meet a request, the first that fires is the one."""

    def __init__(self):
        self._faults: list[Fault] = []
        self._numbers = itertools.count(1)

    def order(self, wanted: object) -> None:
        """Replace all rules; a form that is not ours raises ValueError and changes nothing."""
        if not isinstance(wanted, list) or len(wanted) > _MOST_RULES:
            raise ValueError(f"faults are a list of at most {_MOST_RULES}")
        rules = [_rule(one) for one in wanted]
        self.end([fault.number for fault in self._faults])
        self._faults = [Fault(next(self._numbers), rule) for rule in rules]

    def end(self, numbers: object) -> None:
        """End rules by their IDs; the others go on as they are."""
        known = {fault.number: fault for fault in self._faults}
        if not isinstance(numbers, list) or not all(isinstance(one, int) and one in known for one in numbers):
            raise ValueError(f"expected a list of IDs out of {sorted(known)}")
        for number in numbers:
            known[number].over.set()

    def shown(self) -> list[dict]:
        return [fault.shown() for fault in self._faults]

    def skew(self, operation: str, request: Request) -> int:
        """By how many seconds AWS's clock is ahead for this request: for the judge, so before it."""
        fault = self._take(operation, request, of_clock=True)
        return fault.rule.skewSeconds if fault else 0

    def take(self, operation: str, request: Request) -> Fault | None:
        """The fault for this request, once the judge has let it through."""
        return self._take(operation, request, of_clock=False)

    def _take(self, operation: str, request: Request, of_clock: bool) -> Fault | None:
        return next((fault for fault in self._faults if fault.is_pending
                     and (fault.rule.kind == "clock") == of_clock
                     and fault.meets(operation, request) and fault.count()), None)


def _names(operation: str, request: Request) -> dict[str, str]:
    """What a request is about, as far as a rule may ask for it."""
    service = operation.partition(".")[0]
    if service == "sqs":
        try:
            body = json.loads(request.body)
        except ValueError:
            return {}
        url = body.get("QueueUrl") or body.get("QueueName") if isinstance(body, dict) else ""
        return {"queue": str(url).rpartition("/")[2]}
    if service == "s3":
        bucket, _, key = request.path.removeprefix("/").partition("/")
        return {"bucket": bucket, "key": key}
    return {}


def _rule(one: object) -> Rule:
    if not isinstance(one, dict) or not isinstance(one.get("operation"), str):
        raise ValueError("a fault is an object with an operation, s3.PutObject say")
    about = f"fault of {one['operation'][:80]}"
    kinds = {each.name: _TYPES[each.type] for each in fields(Rule)}
    for name, value in one.items():
        good = isinstance(value, kinds.get(name, ())) and isinstance(value, bool) == (kinds.get(name) == (bool,))
        if not good or (isinstance(value, (int, float)) and value < 0 and name != "skewSeconds"):
            raise ValueError(f"{about}: {name} is not to be {value!r}")
    kind = one.get("kind") or ("error" if one.get("code") else "cut")
    if kind not in _BY_KIND:
        raise ValueError(f"{about}: kind '{kind}' is none of {', '.join(_BY_KIND)}")
    foreign = one.keys() - _FOR_ALL - _BY_KIND[kind]
    if foreign:
        raise ValueError(f"{about}: {kind} takes no {', '.join(sorted(foreign))}")
    if kind == "error" and not one.get("code"):
        raise ValueError(f"{about}: an error has a code")
    _check_operation(one["operation"], about)
    return Rule(**{"times": _check_schedule(one, about), **one, "kind": kind})


def _check_operation(operation: str, about: str) -> None:
    service, _, name = operation.partition(".")
    if service not in _SERVICES or (name != "*" and operations.named_operation(service, name) is None):
        raise ValueError(f"{about}: there is no such operation; services are {', '.join(_SERVICES)}")


def _check_schedule(one: dict, about: str) -> int:
    """How often a rule fires that does not say so."""
    given = [name for name in _SCHEDULES if one.get(name)]
    if len(given) > 1:
        raise ValueError(f"{about}: {' and '.join(given)} do not go together")
    if not set(one.get("sequence", [])) <= {"ok", "fault"}:
        raise ValueError(f"{about}: a sequence is of 'ok' and 'fault'")
    if one.get("probability", 0) > 1:
        raise ValueError(f"{about}: a probability is between 0 and 1")
    return 0 if given else 1
