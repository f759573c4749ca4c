"""The ASGI application: our own routes, the judge, S3 Batch Operations, and MiniStack behind them."""
import json
import os
import time
from collections.abc import Callable
from email.utils import formatdate
from functools import partial

from ministack import app as ministack

from localaws import connection, credentials, events, kmskeys, replication, s3mends, wire
from localaws.batch import JobRunner
from localaws.batchswitches import BatchSwitches
from localaws.controls import Controls
from localaws.effects import Effect
from localaws.faults import Faults
from localaws.identity import METADATA_PATHS, Identity, IdentitySwitches, headers_of
from localaws.jobs_api import PATH as JOBS_PATH
from localaws.jobs_api import JobsAPI
from localaws.judge import Judge
from localaws.request import Refusal, Request

_LARGEST_BODY = 512 << 20


def build_application(region: str, ready: Callable[[], None]):
    """Install our replication in MiniStack and return the application; `ready` is called once it answers."""
    replication.install(events.send_failure)
    credentials.match_newlines_in_policies()
    credentials.leave_the_clock_to_the_judge()
    connection.remember_connections()
    s3mends.install(region)
    return LocalAWS(region, ready, Identity(float(os.environ.get("IMDS_TTL", "3600"))))


class LocalAWS:
    """One cloud: a judge and a job runner around MiniStack's application."""

    def __init__(self, region: str, ready: Callable[[], None], identity: Identity):
        self._ready = ready
        self._identity = identity
        self._judge = Judge(region)
        self._runner = JobRunner(_switches_of_environment())
        self._jobs = JobsAPI(self._runner, region)
        self._judge_seconds = 0.0
        self._faults = Faults()
        self._routes = {
            ("GET", "/_localaws/judge"): self._judge_summary, ("POST", "/_localaws/judge/reset"): self._judge_reset,
            **Controls(self._runner, region).routes(), ("POST", "/_localaws/reset"): self._reset,
            ("GET", "/_localaws/faults"): self._shown_faults, ("POST", "/_localaws/faults"): self._order_faults,
            ("POST", "/_localaws/faults/end"): self._end_faults,
            ("GET", "/_localaws/identity"): self._identity_switches,
            ("POST", "/_localaws/identity"): self._identity_switches,
        }

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _lifespan(self, receive, send) -> None:
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
            self._ready()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope, receive, send) -> None:
        path = scope["path"]
        send = DatedSend(send)
        # These callers do not sign: MiniStack's administration, instance and container metadata.
        if path.startswith("/_ministack/"):
            if path == "/_ministack/reset":
                self._runner.reset()
                kmskeys.change({})
            await ministack.app(scope, receive, send)
            return
        if path.startswith(METADATA_PATHS):
            await self._metadata(scope, receive, send)
            return
        body = await _read_body(receive)
        if body is None:
            await _send(scope, send, wire.error("s3", Refusal("EntityTooLarge", "The body is too large.", 400)))
        elif path.startswith("/_localaws/"):
            await _send(scope, send, await self._administer(scope["method"], path, body))
        else:
            await self._judged(scope, body, receive, send)

    async def _metadata(self, scope, receive, send) -> None:
        refusal = self._identity.metadata_refusal(scope["method"], scope["path"], headers_of(scope))
        if refusal is None:
            await ministack.app(scope, receive, send)
        elif refusal == "silence":
            # The packets are lost on the way: the client hears nothing and goes.
            while (await receive())["type"] != "http.disconnect":
                pass
        else:
            await _send(scope, send, refusal)

    async def _judged(self, scope, body: bytes, receive, send) -> None:
        request = Request.from_scope(scope, body)
        started = time.perf_counter()
        reading = self._judge.read(request)
        send.skew_seconds = self._faults.skew(reading.operation, request)
        refusal = self._judge.verdict(request, reading, send.skew_seconds)
        self._judge_seconds += time.perf_counter() - started
        if refusal is not None:
            await _send(scope, send, refusal)
        elif (fault := self._faults.take(reading.operation, request)) is not None:
            serve = partial(self._serve, request, scope, receive, operation=reading.operation)
            await Effect(fault, reading.service, serve, receive, send, partial(_send, scope, send)).act()
        else:
            await self._serve(request, scope, receive, send, operation=reading.operation)

    async def _serve(self, request: Request, scope, receive, send, *, operation: str) -> None:
        if JOBS_PATH.fullmatch(request.raw_path):
            await _send(scope, send, self._jobs.answer(request))
            return
        refusal = self._identity.sts_refusal(operation, request.body)
        if refusal is None and operation.startswith("s3.") and (wrong := s3mends.refusal(request)):
            refusal = wire.error("s3", wrong)
        if refusal is not None:
            await _send(scope, send, refusal)
        else:
            await ministack.app(scope, _replay(request.body, receive), send)

    async def _administer(self, method: str, path: str, body: bytes) -> wire.Reply:
        route = self._routes.get((method, path))
        if route is None:
            return wire.json_reply({"error": f"no route {method} {path}"}, 404)
        try:
            return wire.json_reply(await route(json.loads(body) if body else None))
        except (ValueError, TypeError) as problem:
            return wire.json_reply({"error": str(problem)}, 400)

    async def _judge_summary(self, _) -> dict:
        return {**self._judge.summary(), "seconds": round(self._judge_seconds, 6)}

    async def _judge_reset(self, _) -> dict:
        self._judge.reset()
        self._judge_seconds = 0.0
        return {}

    async def _reset(self, _) -> dict:
        """Every switch and order as at the start; buckets, queues and jobs stay."""
        self._runner.change_switches(vars(_switches_of_environment()))
        self._runner.ordered.order([])
        self._identity.switches.change(vars(IdentitySwitches()))
        self._faults.order([])
        kmskeys.change({})
        return {}

    async def _identity_switches(self, values: dict | None) -> dict:
        self._identity.switches.change({} if values is None else values)
        return {**vars(self._identity.switches), "counts": self._identity.counts}

    async def _order_faults(self, wanted) -> list:
        self._faults.order(wanted)
        return self._faults.shown()

    async def _end_faults(self, numbers) -> list:
        self._faults.end(numbers)
        return self._faults.shown()

    async def _shown_faults(self, _) -> list:
        return self._faults.shown()


def _switches_of_environment() -> BatchSwitches:
    """The defaults, and what LOCALAWS_BATCH has instead of some: a wrong one ends the start."""
    switches = BatchSwitches()
    switches.change(json.loads(os.environ.get("LOCALAWS_BATCH", "{}")))
    return switches


class DatedSend:
    """The `send` of one request: each answer has AWS's Date, once, by a clock that may be wrong to order."""

    def __init__(self, send: Callable):
        self._send = send
        self.skew_seconds = 0

    async def __call__(self, message: dict) -> None:
        if message["type"] == "http.response.start":
            date = formatdate(time.time() + self.skew_seconds, usegmt=True).encode()
            others = [(name, value) for name, value in message["headers"] if name.lower() != b"date"]
            message = {**message, "headers": [*others, (b"date", date)]}
        await self._send(message)


async def _read_body(receive) -> bytes | None:
    chunks, size = [], 0
    while True:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > _LARGEST_BODY:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive):
    """A `receive` that gives the body that was read, then whatever follows."""
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed():
        return pending.pop() if pending else await receive()

    return replayed


async def _send(scope, send, reply: wire.Reply) -> None:
    status, headers, body = reply
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    pairs.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
