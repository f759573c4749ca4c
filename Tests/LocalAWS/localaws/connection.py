"""The TCP connection that a request came on: ASGI hides it, and a reset needs it."""
import contextlib
import socket
import struct
from contextvars import ContextVar

from hypercorn.asyncio.tcp_server import TCPServer

_writer = ContextVar("writer")


def remember_connections() -> None:
    """Let every application task know its connection: hypercorn starts them from the connection's own task."""
    run = TCPServer.run

    async def run_and_remember(server: TCPServer) -> None:
        _writer.set(server.writer)
        await run(server)

    TCPServer.run = run_and_remember


def reset() -> None:
    """Send RST on this request's connection: what was written and not yet sent is dropped, as by a crashed host."""
    transport = _writer.get().transport
    with contextlib.suppress(OSError):  # the client may be gone
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
