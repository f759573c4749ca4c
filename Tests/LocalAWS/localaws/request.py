"""One HTTP request as received, and one refusal: what the judge's parts hand to each other."""
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote


@dataclass(frozen=True)
class Request:
    """A request with path, query and headers exactly as they came over the wire."""

    method: str
    raw_path: str
    raw_query: str
    header_list: tuple[tuple[str, str], ...]
    body: bytes

    @classmethod
    def from_scope(cls, scope: dict, body: bytes) -> "Request":
        headers = tuple((name.decode("latin-1").lower(), _text(value)) for name, value in scope["headers"])
        return cls(scope["method"], scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1"),
                   headers, body)

    @cached_property
    def headers(self) -> dict[str, str]:
        """Lower-case name to value; a repeated field is joined with a comma, as SigV4 signs it."""
        joined: dict[str, str] = {}
        for name, value in self.header_list:
            joined[name] = f"{joined[name]},{value}" if name in joined else value
        return joined

    @cached_property
    def path(self) -> str:
        return unquote(self.raw_path)

    @cached_property
    def query(self) -> list[tuple[str, str]]:
        """Decoded pairs in order; `+` is a space, as AWS reads it."""
        pairs = (part.partition("=") for part in self.raw_query.split("&") if part)
        return [(_decoded(name), _decoded(value)) for name, _, value in pairs]


@dataclass(frozen=True)
class Refusal:
    """Why a request is not let through. `reason` is a key of `wire.CODES`, or itself the error code."""

    reason: str
    message: str
    status: int = 403
    details: tuple[tuple[str, str], ...] = ()  # further elements of an XML error


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _decoded(part: str) -> str:
    return unquote(part.replace("+", " "))
