"""A signed request on a bare socket: for what a client library hides of an answer."""
import json
import socket
from dataclasses import dataclass

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from localaws_client import REGION, Key


@dataclass
class Heard:
    """What came back: head and body apart, and how it ended."""

    head: bytes
    body: bytes
    end: str  # whole, closed, reset or silent

    @property
    def status(self) -> int:
        return int(self.head.split(b" ", 2)[1])

    def headers(self, name: str) -> list[str]:
        lines = (line.partition(b":") for line in self.head.split(b"\r\n")[1:])
        return [value.strip().decode() for given, _, value in lines if given.lower() == name.encode()]


class RawClient:
    """One connection to the cloud, kept alive: `with RawClient(cloud.endpoint, key) as client:`."""

    def __init__(self, endpoint: str, key: Key):
        self._endpoint = endpoint
        self._key = key
        host, port = endpoint.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=10)

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()

    def sqs(self, operation: str, **body: object) -> None:
        """Send a signed request of SQS."""
        request = AWSRequest("POST", self._endpoint + "/", data=json.dumps(body).encode(), headers={
            "X-Amz-Target": f"AmazonSQS.{operation}", "Content-Type": "application/x-amz-json-1.0"})
        SigV4Auth(Credentials(self._key.access_key, self._key.secret), "sqs", REGION).add_auth(request)
        prepared = request.prepare()
        lines = [f"{name}: {value if isinstance(value, str) else value.decode()}"
                 for name, value in prepared.headers.items()]
        lines.append(f"Host: {self._endpoint.removeprefix('http://')}")
        self.socket.sendall("\r\n".join(["POST / HTTP/1.1", *lines, "", ""]).encode() + prepared.body)

    def hear(self, seconds: float = 10.0) -> Heard:
        """Read one answer, or until the connection ends, or until nothing came for so long."""
        self.socket.settimeout(seconds)
        data, end = b"", "whole"
        while not _is_whole(data):
            try:
                piece = self.socket.recv(65536)
            except TimeoutError:
                end = "silent"
                break
            except ConnectionResetError:
                end = "reset"
                break
            if not piece:
                end = "closed"
                break
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        return Heard(head, body, end)


def _is_whole(data: bytes) -> bool:
    head, gap, body = data.partition(b"\r\n\r\n")
    return bool(gap) and len(body) >= int(Heard(head, body, "whole").headers("content-length")[0])
