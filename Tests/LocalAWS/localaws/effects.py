"""What a fault does to a request and its answer."""
import asyncio
from collections.abc import Awaitable, Callable

from localaws import connection, wire
from localaws.faults import Fault
from localaws.request import Refusal

_PROMISED = 1_000_000  # bytes of an answer that is cut: never sent
_GARBAGE_BYTES = 64
_CORRUPT_BYTES = 8
_DRIP_BYTES = 16


class Answer:
    """A whole answer, kept back: the `send` of a request whose client shall get something else."""

    def __init__(self):
        self.status = 200
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    async def keep(self, message: dict) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [(name, value) for name, value in message["headers"] if name.lower() != b"content-length"]
        else:
            self.body += message.get("body", b"")


class Effect:
    """One fault on one request. `serve(send)` lets the cloud answer it."""

    def __init__(self, fault: Fault, service: str, serve: Callable[[Callable], Awaitable], receive, send,
                 error: Callable[[wire.Reply], Awaitable]):
        self._fault = fault
        self._rule = fault.rule
        self._service = service
        self._serve = serve
        self._receive = receive
        self._send = send
        self._send_reply = error
        self._kept = Answer()

    async def act(self) -> None:
        await asyncio.sleep(self._rule.delaySeconds)
        if self._rule.applied or self._rule.kind in ("truncate", "corrupt", "drip"):
            await self._serve(self._kept.keep)
        await getattr(self, f"_{self._rule.kind}")()

    async def _error(self) -> None:
        await self._refuse(self._rule.code)

    async def _throttle(self) -> None:
        await self._refuse("throttled")

    async def _expiredToken(self) -> None:
        await self._refuse("expiredToken")

    async def _refuse(self, reason: str) -> None:
        refusal = Refusal(reason, self._rule.message, self._rule.status or wire.status_of(self._service, reason))
        status, headers, body = wire.error(self._service, refusal)
        if self._rule.retryAfterSeconds:
            headers["retry-after"] = str(round(self._rule.retryAfterSeconds))
            headers["x-amz-retry-after"] = str(round(self._rule.retryAfterSeconds * 1000))
        await self._send_reply((status, headers, body))

    async def _garbage(self) -> None:
        body = self._rule.body.encode() or self._fault.bytes_source().randbytes(self._rule.bytes or _GARBAGE_BYTES)
        await self._send_reply((self._rule.status or 200, {"content-type": self._rule.contentType}, body))

    async def _cut(self) -> None:
        """Head and no more. Fewer bytes than were promised: the server can only close the connection."""
        await self._start(200, [], _PROMISED)

    async def _reset(self) -> None:
        connection.reset()

    async def _hang(self) -> None:
        """Nothing until the rule is taken away or the client leaves; then the connection ends."""
        ends = [asyncio.ensure_future(self._fault.over.wait()), asyncio.ensure_future(self._receive())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for one in ends:
            one.cancel()
        connection.reset()

    async def _late(self) -> None:
        await self._serve(self._send)

    async def _truncate(self) -> None:
        whole = self._kept.body
        await self._start(self._kept.status, self._kept.headers, max(len(whole), 1))
        part = whole[:self._rule.bytes or len(whole) // 2] if len(whole) > 1 else b""
        await self._send({"type": "http.response.body", "body": part[:max(len(whole) - 1, 0)], "more_body": True})

    async def _corrupt(self) -> None:
        changed, source = bytearray(self._kept.body), self._fault.bytes_source()
        for place in source.sample(range(len(changed)), min(self._rule.bytes or _CORRUPT_BYTES, len(changed))):
            changed[place] ^= source.randrange(1, 256)
        await self._start(self._kept.status, self._kept.headers, len(changed))
        await self._send({"type": "http.response.body", "body": bytes(changed)})

    async def _drip(self) -> None:
        size = self._rule.bytes or _DRIP_BYTES
        await self._start(self._kept.status, self._kept.headers, len(self._kept.body))
        for start in range(0, len(self._kept.body), size):
            drop = self._kept.body[start:start + size]
            await self._send({"type": "http.response.body", "body": drop, "more_body": True})
            await asyncio.sleep(self._rule.everySeconds)
        await self._send({"type": "http.response.body", "body": b""})

    async def _start(self, status: int, headers: list[tuple[bytes, bytes]], length: int) -> None:
        await self._send({"type": "http.response.start", "status": status,
                          "headers": [*headers, (b"content-length", str(length).encode())]})
