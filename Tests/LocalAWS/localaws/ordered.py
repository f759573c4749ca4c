"""Outcomes to order: what becomes of objects in a job, whatever the buckets' state implies."""
from dataclasses import dataclass, fields

_MOST = 1000
WHENS = ("task", "later")


@dataclass
class OrderedOutcome:
    """What becomes of the versions that are meant; an empty part means any."""

    bucket: str = ""
    key: str = ""  # the whole key
    prefix: str = ""
    versionId: str = ""
    destination: str = ""  # of a later outcome: only under the rule to this bucket
    when: str = "task"  # the task fails, or it succeeds and the status becomes FAILED later
    code: str = ""  # a reason or an error code; later, empty: COMPLETED
    status: int = 0  # HTTPStatusCode of the report's row; the code's own
    message: str = ""  # ResultMessage; the code's own
    times: int = 0  # no more often; 0: for ever
    applied: int = 0

    def meets(self, bucket: str, key: str, version_id: str, when: str, destination: str = "") -> bool:
        return (self.when == when and (self.times == 0 or self.applied < self.times)
                and self.bucket in ("", bucket) and self.key in ("", key) and key.startswith(self.prefix)
                and self.versionId in ("", version_id) and self.destination in ("", destination))


class OrderedOutcomes:
    """All that were ordered; the first that meets an object applies."""

    def __init__(self):
        self._all: list[OrderedOutcome] = []

    def order(self, wanted: object) -> None:
        """Replace all; a form that is not ours raises ValueError and changes nothing."""
        if not isinstance(wanted, list) or len(wanted) > _MOST:
            raise ValueError(f"outcomes are a list of at most {_MOST}")
        self._all = [_outcome(one) for one in wanted]

    def shown(self) -> list[dict]:
        return [vars(one) for one in self._all]

    def take(self, bucket: str, key: str, version_id: str, when: str, destination: str = "") -> OrderedOutcome | None:
        for one in self._all:
            if one.meets(bucket, key, version_id, when, destination):
                one.applied += 1
                return one
        return None


def _outcome(one: object) -> OrderedOutcome:
    kinds = {each.name: each.type for each in fields(OrderedOutcome) if each.name != "applied"}
    if not isinstance(one, dict):
        raise ValueError("an outcome is an object")
    for name, value in one.items():
        if name not in kinds or type(value) is not kinds[name] or (kinds[name] is int and value < 0):
            raise ValueError(f"an outcome has no {name} {value!r}; it has {', '.join(kinds)}")
    made = OrderedOutcome(**one)
    if made.when not in WHENS or (made.when == "task" and not made.code):
        raise ValueError(f"an outcome of {made.when!r}: expected a code at 'task', or 'later'")
    return made
