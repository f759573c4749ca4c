"""Which operation of which service a request is, from botocore's service models."""
import functools
import re
from dataclasses import dataclass, field

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

from localaws.request import Request

S3_CONTROL_PREFIX = "/v20180820/"
_JSON_TARGETS = {"AmazonSQS": "sqs", "DynamoDB_20120810": "dynamodb"}
_QUERY_VERSIONS = {"2011-06-15": "sts", "2010-05-08": "iam", "2010-03-31": "sns"}
_FORM = "application/x-www-form-urlencoded"


@functools.cache
def model_of(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def service_of(request: Request) -> str:
    """The service a request is meant for, from its form alone: the signature's scope is checked against it."""
    target = request.headers.get("x-amz-target")
    if target is not None:
        return _JSON_TARGETS.get(target.partition(".")[0], "unknown")
    if request.raw_path.startswith(S3_CONTROL_PREFIX):
        return "s3control"
    if request.method == "POST" and request.headers.get("content-type", "").startswith(_FORM):
        version = re.search(rb"(?:^|&)Version=([0-9-]+)", request.body[:1 << 20])
        return _QUERY_VERSIONS.get(version.group(1).decode() if version else "", "unknown")
    return "s3"


@dataclass
class Bindings:
    """Where the members of a REST operation travel: wire name to member name."""

    operation: OperationModel
    constants: dict[str, str | None] = field(default_factory=dict)
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    header_prefixes: dict[str, str] = field(default_factory=dict)
    body: list[str] = field(default_factory=list)
    required_query: set[str] = field(default_factory=set)
    required_headers: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, operation: OperationModel, query_template: str) -> "Bindings":
        made = cls(operation)
        for part in filter(None, query_template.split("&")):
            name, equals, value = part.partition("=")
            made.constants[name] = value if equals else None
        shape = operation.input_shape
        if shape is None:
            return made
        required = set(shape.metadata.get("required", []))
        for member, member_shape in shape.members.items():
            made._bind(member, member_shape, member in required)
        return made

    def _bind(self, member: str, shape: Shape, required: bool) -> None:
        location = shape.serialization.get("location")
        name = shape.serialization.get("name", member)
        if location == "uri":
            self.path[name] = member
        elif location == "querystring":
            self.query[name] = member
            if required:
                self.required_query.add(name)
        elif location == "header":
            self.headers[name.lower()] = member
            if required:
                self.required_headers.add(name.lower())
        elif location == "headers":
            self.header_prefixes[name.lower()] = member
        elif location is None:
            self.body.append(member)

    def constants_hold(self, query: dict[str, str]) -> bool:
        return all(name in query and value in (None, query[name]) for name, value in self.constants.items())

    def rank(self, query: dict[str, str], headers: dict[str, str]) -> tuple:
        """Greatest wins: all that is required is there; more of it; not deprecated."""
        required = len(self.required_query) + len(self.required_headers)
        complete = self.required_query <= query.keys() and self.required_headers <= headers.keys()
        return (len(self.constants), complete, required if complete else -required, not self.operation.deprecated)


@functools.cache
def _rest_table(service: str) -> dict[str, list[tuple[re.Pattern, list[Bindings]]]]:
    """Method to path patterns, each with the operations on it; fixed paths come first."""
    by_path: dict[tuple[str, str], list[Bindings]] = {}
    model = model_of(service)
    for name in model.operation_names:
        operation = model.operation_model(name)
        path, _, query = operation.http["requestUri"].partition("?")
        by_path.setdefault((operation.http["method"], path), []).append(Bindings.of(operation, query))
    table: dict[str, list] = {}
    for (method, path), operations in sorted(by_path.items(), key=lambda item: item[0][1].count("{")):
        table.setdefault(method, []).append((_pattern(path), operations))
    return table


def _pattern(template: str) -> re.Pattern:
    parts = re.split(r"\{(\w+\+?)\}", template)
    text = ""
    for index, part in enumerate(parts):
        if index % 2 == 0:
            text += re.escape(part)
        else:
            text += f"(?P<{part[:-1]}>.+)" if part.endswith("+") else f"(?P<{part}>[^/]+)"
    return re.compile(text + "/?" if "{Key+}" not in template else text, re.DOTALL)


def rest_operation(service: str, request: Request) -> tuple[Bindings, dict[str, str]] | None:
    """The operation that a REST request's method, path and query name, with its path members, still encoded."""
    query = dict(request.query)
    for pattern, operations in _rest_table(service).get(request.method, []):
        matched = pattern.fullmatch(request.raw_path)
        if matched is None:
            continue
        possible = [bindings for bindings in operations if bindings.constants_hold(query)]
        if possible:
            best = max(possible, key=lambda one: one.rank(query, request.headers))
            return best, {best.path[name]: value for name, value in matched.groupdict().items()}
    return None


def named_operation(service: str, name: str) -> OperationModel | None:
    model = model_of(service)
    return model.operation_model(name) if name in model.operation_names else None
