"""nginx as a fast SQS on 127.0.0.1, on a port of its own, ended by its own pid."""
import http.client
import json
import pathlib
import shutil
import socket
import time

import processes

HERE = pathlib.Path(__file__).resolve().parent
MODULE = pathlib.Path("/usr/share/nginx/modules/ngx_http_lua_module.so")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class QueueServer:
    """A context: a queue that holds nothing until `begin`."""

    def __init__(self, prefix: pathlib.Path):
        self.prefix = prefix
        self.log = prefix / "nginx.log"

    def __enter__(self) -> "QueueServer":
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        if nginx is None or not MODULE.exists():
            raise SystemExit("nginx with its Lua module is missing: apt-get install nginx-light libnginx-mod-http-lua")
        self.prefix.mkdir(parents=True)
        # Another process may take the free port before nginx does (inherited sockets crash 1.22's single process).
        for _ in range(5):
            self.port = _free_port()
            self.process = processes.start(
                [nginx, "-p", str(self.prefix), "-c", str(self._configuration())], self.log)
            try:
                if self._answers():
                    return self
            except BaseException:
                processes.end(self.process)
                raise
        raise SystemExit(f"nginx did not start: {self.log.read_text().strip()}")

    def _configuration(self) -> pathlib.Path:
        text = (HERE / "nginx.conf").read_text()
        for name, value in (("PREFIX", self.prefix), ("HERE", HERE), ("PORT", self.port)):
            text = text.replace(f"@{name}@", str(value))
        configuration = self.prefix / "nginx.conf"
        configuration.write_text(text)
        return configuration

    def _answers(self) -> bool:
        """Waits until nginx answers, or has ended."""
        while self.process.poll() is None:
            try:
                self.counters()
                return True
            except ConnectionRefusedError:
                time.sleep(0.01)
        return False

    def __exit__(self, *_) -> None:
        processes.end(self.process)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def queue_url(self) -> str:
        return f"{self.url}/111122223333/bench"

    def begin(self, total: int, order: str, since: int) -> None:
        """From now on `total` messages wait; their event times start at `since` (seconds)."""
        self._get(f"/control/start?total={total}&order={order}&since={since}")

    def counters(self) -> dict:
        return self._get("/control/counters")

    def _get(self, path: str) -> dict:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            body = reply.read()
            if reply.status != 200:
                raise OSError(f"nginx answered {path} with {reply.status}")
            return json.loads(body)
        finally:
            connection.close()
