"""Faults to order: an operation answers with an error, late, or not at all, before or after it took effect."""
from dataclasses import dataclass, fields

from localaws import wire
from localaws.request import Refusal

_MOST = 100
_TYPES = {str: (str,), int: (int,), float: (int, float), bool: (bool,)}


@dataclass
class Fault:
    """The next `times` requests of one operation. Without a code the connection is cut in the reply."""

    operation: str
    times: int = 1
    code: str = ""
    status: int = 503
    message: str = "Ordered by the test."
    delaySeconds: float = 0.0
    applied: bool = False  # the request takes effect, and only its answer is lost
    heldSeconds: float = 0.0  # from then to the answer, or to the cut: time to kill who waits for it
    answered: bool = False  # nothing but the delay

    def reply(self) -> wire.Reply | None:
        """The error to send; None to cut the connection."""
        if not self.code:
            return None
        return wire.error(self.operation.partition(".")[0], Refusal(self.code, self.message, self.status))


class Faults:
    """The faults that are still to come."""

    def __init__(self):
        self._pending: list[Fault] = []

    def order(self, wanted: object) -> None:
        """Replace all faults; a form that is not ours raises ValueError."""
        if not isinstance(wanted, list) or len(wanted) > _MOST:
            raise ValueError(f"faults are a list of at most {_MOST}")
        self._pending = [_fault(one) for one in wanted]

    def pending(self) -> list[dict]:
        return [vars(fault) for fault in self._pending]

    def take(self, operation: str) -> Fault | None:
        """The fault for this request, counted down."""
        for fault in self._pending:
            if fault.operation == operation:
                fault.times -= 1
                if fault.times <= 0:
                    self._pending.remove(fault)
                return fault
        return None


def _fault(one: object) -> Fault:
    kinds = {each.name: _TYPES[each.type] for each in fields(Fault)}
    if not isinstance(one, dict) or "operation" not in one:
        raise ValueError("a fault is an object with an operation, s3.PutObject say")
    for name, value in one.items():
        good = isinstance(value, kinds.get(name, ())) and isinstance(value, bool) == (kinds.get(name) == (bool,))
        if not good:
            raise ValueError(f"fault of {one['operation']}: {name} is not to be {value!r}")
    return Fault(**one)
