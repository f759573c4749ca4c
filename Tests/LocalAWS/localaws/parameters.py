"""Requests as the parameters of their operation: JSON, query and REST-XML, unknown parts kept for the validator."""
import json
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError

from botocore.model import OperationModel, Shape
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from localaws.operations import Bindings
from localaws.request import Request

# Every S3 request may carry these, whatever its model says.
_SIGNING_HEADERS = frozenset({"x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-user-agent"})
_CHUNKED_HEADERS = frozenset({"x-amz-decoded-content-length", "x-amz-trailer"})
_UNMODELLED_HEADERS = frozenset({"content-type", "content-length", "content-md5", "expect"})
_CHECKED_HEADERS = frozenset({"range", "cache-control", "expires", "content-encoding", "content-disposition",
                              "content-language"})


class Unreadable(Exception):
    """A body or member that cannot be read as the model wants it; the message names it."""


def json_parameters(request: Request) -> dict:
    content_type = request.headers.get("content-type", "")
    if content_type != "application/x-amz-json-1.0":
        raise Unreadable(f"Content-Type is '{content_type[:60]}', expecting application/x-amz-json-1.0")
    try:
        params = json.loads(request.body, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as problem:
        raise Unreadable(f"the body is not JSON: {problem}") from None
    if not isinstance(params, dict):
        raise Unreadable("the body is not a JSON object")
    return params


def _without_duplicates(pairs: list) -> dict:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise Unreadable(f"a member is given twice among {', '.join(name for name, _ in pairs)}")
    return made


def query_parameters(fields: dict[str, str], operation: OperationModel) -> dict:
    left = {name: value for name, value in fields.items() if name not in ("Action", "Version")}
    shape = operation.input_shape
    params = _query_value("", shape, left) if shape is not None else {}
    return {**params, **left}


def _query_value(prefix: str, shape: Shape, left: dict[str, str]):
    """Take what belongs to `shape` out of `left`; what stays there is unknown."""
    if shape.type_name == "structure":
        made = {}
        for member, member_shape in shape.members.items():
            name = member_shape.serialization.get("name", member)
            full = f"{prefix}.{name}" if prefix else name
            if any(key == full or key.startswith(full + ".") for key in left):
                made[member] = _query_value(full, member_shape, left)
        return made
    if shape.type_name == "list":
        step = prefix if shape.serialization.get("flattened") else (
            f"{prefix}.{shape.member.serialization.get('name', 'member')}")
        made = []
        while any(key == f"{step}.{len(made) + 1}" or key.startswith(f"{step}.{len(made) + 1}.") for key in left):
            made.append(_query_value(f"{step}.{len(made) + 1}", shape.member, left))
        return made
    if shape.type_name == "map":
        step = prefix if shape.serialization.get("flattened") else f"{prefix}.entry"
        key_name = shape.key.serialization.get("name", "key")
        value_name = shape.value.serialization.get("name", "value")
        made, index = {}, 1
        while (key := left.pop(f"{step}.{index}.{key_name}", None)) is not None:
            made[key] = _query_value(f"{step}.{index}.{value_name}", shape.value, left)
            index += 1
        return made
    return _scalar(shape, left.pop(prefix, ""))


def rest_parameters(request: Request, bindings: Bindings, path_members: dict[str, str]) -> dict:
    shape = bindings.operation.input_shape
    params: dict = {name: unquote(value) for name, value in path_members.items()}
    if "Key" in params and len(params["Key"].encode()) > 1024:
        raise Unreadable("Key: longer than 1024 bytes")
    for name, value in request.query:
        if name in bindings.query:
            _put_scalar(params, bindings.query[name], shape, [value])
        elif name not in bindings.constants and (name, value) != ("x-id", bindings.operation.name):
            raise Unreadable(f"unknown query member '{name[:80]}' in {bindings.operation.name}")
    for name, value in request.headers.items():
        _put_header(params, bindings, name, value)
    params.update(_body_parameters(request, bindings))
    return params


def _put_header(params: dict, bindings: Bindings, name: str, value: str) -> None:
    if name in bindings.headers:
        values = [part.strip() for part in value.split(",")]
        _put_scalar(params, bindings.headers[name], bindings.operation.input_shape, values, value)
        return
    for prefix, member in bindings.header_prefixes.items():
        if name.startswith(prefix):
            params.setdefault(member, {})[name.removeprefix(prefix)] = value
            return
    if name in _SIGNING_HEADERS | _UNMODELLED_HEADERS:
        return
    if name in _CHUNKED_HEADERS or (name == "content-encoding" and value == "aws-chunked"):
        return
    if name.startswith("x-amz-checksum-") and bindings.operation.http_checksum:
        return
    if name.startswith(("x-amz-", "if-")) or name in _CHECKED_HEADERS:
        raise Unreadable(f"unknown header {name} in {bindings.operation.name}")


def _put_scalar(params: dict, member: str, shape: Shape, values: list[str], whole: str | None = None) -> None:
    """Put a member that came in a header or the query; only a list is made of several values."""
    member_shape = shape.members[member]
    if member_shape.type_name == "list":
        params.setdefault(member, []).extend(_scalar(member_shape.member, value) for value in values)
    elif member in params:
        raise Unreadable(f"{member}: given twice")
    else:
        params[member] = _scalar(member_shape, values[0] if whole is None else whole)


def _scalar(shape: Shape, text: str):
    """The text as its shape's type; as it is where it does not fit, so that the validator names it."""
    try:
        if shape.type_name in ("integer", "long"):
            return int(text)
        if shape.type_name in ("float", "double"):
            return float(text)
    except ValueError:
        return text
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return text


def _body_parameters(request: Request, bindings: Bindings) -> dict:
    shape = bindings.operation.input_shape
    payload = shape.serialization.get("payload") if shape is not None else None
    if payload is not None:
        payload_shape = shape.members[payload]
        if not request.body:
            return {}
        if payload_shape.type_name == "string":
            return {payload: request.body.decode("utf-8", "replace")}
        if payload_shape.type_name != "structure":
            return {payload: b""}  # an object's bytes are nobody's business here
        return {payload: _xml_root(request.body, payload_shape, payload_shape.serialization)}
    if bindings.body:
        return _xml_root(request.body, shape, shape.serialization)
    if request.body:
        raise Unreadable(f"{bindings.operation.name} takes no body, got {len(request.body)} bytes")
    return {}


def _xml_root(body: bytes, shape: Shape, serialization: dict) -> dict:
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as problem:
        raise Unreadable(f"the body is not XML: {problem}") from None
    namespace, name = _split(root.tag)
    wanted = serialization.get("name", shape.name)
    if name != wanted:
        raise Unreadable(f"the body's root element is {name}, expecting {wanted}")
    wanted_namespace = serialization.get("xmlNamespace", {}).get("uri", "")
    if namespace != wanted_namespace:
        raise Unreadable(f"{name}: its namespace is '{namespace}', expecting '{wanted_namespace}'")
    return _xml_value(root, shape, namespace)


def _split(tag: str) -> tuple[str, str]:
    namespace, found, name = tag.rpartition("}")
    return (namespace.lstrip("{"), name) if found else ("", tag)


def _xml_value(element: Element, shape: Shape, namespace: str):
    if shape.type_name == "structure":
        return _xml_structure(element, shape, namespace)
    if shape.type_name == "list":
        wanted = shape.member.serialization.get("name", "member")
        return [_xml_value(child, shape.member, namespace) for child in _children(element, namespace, wanted)]
    if shape.type_name == "map":
        entries = _children(element, namespace, "entry")
        return {entry[0].text or "": _xml_value(entry[1], shape.value, namespace) for entry in entries
                if len(entry) == 2}
    if len(element):
        raise Unreadable(f"{_split(element.tag)[1]}: holds {_split(element[0].tag)[1]}, expecting text")
    return _scalar(shape, element.text or "")


def _children(element: Element, namespace: str, wanted: str) -> list[Element]:
    for child in element:
        if _split(child.tag) != (namespace, wanted):
            raise Unreadable(f"{_split(element.tag)[1]}: unknown element {_split(child.tag)[1]}, expecting {wanted}")
    return list(element)


def _xml_structure(element: Element, shape: Shape, namespace: str) -> dict:
    members = {member_shape.serialization.get("name", member): (member, member_shape)
               for member, member_shape in shape.members.items()}
    made: dict = {}
    for attribute, text in element.attrib.items():
        name = _split(attribute)[1]
        known = members.get(f"xsi:{name}", members.get(name))
        made[known[0] if known else name] = text
    for child in element:
        child_namespace, name = _split(child.tag)
        if name not in members or child_namespace != namespace:
            raise Unreadable(f"{_split(element.tag)[1]}: unknown element {name}")
        member, member_shape = members[name]
        if member_shape.type_name == "list" and member_shape.serialization.get("flattened"):
            made.setdefault(member, []).append(_xml_value(child, member_shape.member, namespace))
        elif member in made:
            raise Unreadable(f"{name}: given twice in {_split(element.tag)[1]}")
        else:
            made[member] = _xml_value(child, member_shape, namespace)
    return made
