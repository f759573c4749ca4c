"""Start the stand-in cloud on 127.0.0.1; prints one line when it answers; ends with SIGTERM or with its parent."""
import argparse
import asyncio
import concurrent.futures
import os
import signal
import socket

REGION = "eu-west-1"

# MiniStack reads these at import, so they are set before the first import of it.
_MINISTACK_ENVIRONMENT = {
    "AUTH": "true", "BIND_HOST": "127.0.0.1", "MINISTACK_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
    "LOG_LEVEL": "ERROR", "MINISTACK_IMDS_V2_REQUIRED": "1", "PERSIST_STATE": "0", "S3_PERSIST": "0", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0",
}
# A host's own credentials would become MiniStack's root.
_FOREIGN_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")


def listen(port: int) -> socket.socket:
    """The listening socket, bound before anything else is loaded: a free port stays ours."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(256)
    return listener


def end_with_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Stop when the parent process ends.

    A pidfd, not prctl(PR_SET_PDEATHSIG): that signal comes when the parent's *thread* that forked
    ends, and a Dispatch or pool thread ends long before its process does.
    """
    parent = os.pidfd_open(os.getppid())
    loop.add_reader(parent, stop.set)


async def serve(listener: socket.socket) -> None:
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    from localaws.middleware import build_application

    loop = asyncio.get_running_loop()
    # MiniStack's own start-up does this and then looks for Docker, SFTP and IoT, which nobody needs here.
    loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(max_workers=16))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    end_with_parent(loop, stop)

    port = listener.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.2  # a long poll of 20 s must not hold the end
    config.include_date_header = False  # the application's Date may be wrong to order, and is the only one
    config.loglevel = "ERROR"
    config.h11_max_incomplete_size = 64 * 1024

    def ready() -> None:
        print(f"localaws ready http://127.0.0.1:{port}", flush=True)

    await hypercorn_serve(build_application(REGION, ready), config, shutdown_trigger=stop.wait)


def main() -> None:
    parser = argparse.ArgumentParser(prog="localaws", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 or absent: a free port")
    arguments = parser.parse_args()
    listener = listen(arguments.port)
    os.environ.update(_MINISTACK_ENVIRONMENT, GATEWAY_PORT=str(listener.getsockname()[1]))
    for name in _FOREIGN_CREDENTIALS:
        os.environ.pop(name, None)
    asyncio.run(serve(listener))
    # Worker threads of MiniStack may still wait; nothing here is to be saved.
    os._exit(0)


if __name__ == "__main__":
    main()
