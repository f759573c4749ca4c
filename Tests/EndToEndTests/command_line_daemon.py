"""A stand-in for s3remedyd's control channel: canned answers over HTTP on a Unix socket."""

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, unquote, urlsplit


class Request:
    def __init__(self, method, target, body):
        parts = urlsplit(target)
        self.method = method
        self.target = target
        self.path = parts.path
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.body = json.loads(body) if body else None


def problem(status, code, detail):
    """An error of the control channel."""
    return status, {
        "type": "about:blank", "title": "x", "status": status, "code": code, "detail": detail}


def page(items, next_cursor=None):
    answer = {"items": items}
    if next_cursor is not None:
        answer["nextCursor"] = next_cursor
    return answer


class CannedDaemon(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """`routes` maps "GET /path" to a reply, or to a function of the request that makes one. A reply is a value (sent as
    JSON with 200), a pair of status and value, or bytes (sent as they are, then the connection is closed)."""

    daemon_threads = True
    request_queue_size = 16

    def __init__(self, path):
        self.routes = {}
        self.requests = []
        self.path = str(path)
        super().__init__(self.path, Handler)
        self.thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def stop(self):
        self.shutdown()
        self.thread.join()
        self.server_close()

    def asked(self, method, path):
        return [r for r in self.requests if r.method == method and r.path == path]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(self.command, self.path, self.rfile.read(length))
        self.server.requests.append(request)
        missing = problem(404, "notFound", f"no canned answer for {request.method} {request.target}")
        reply = self.server.routes.get(f"{request.method} {request.path}", missing)
        if callable(reply):
            reply = reply(request)
        if isinstance(reply, bytes):
            self.wfile.write(reply)
            self.close_connection = True
            return
        status, value = reply if isinstance(reply, tuple) else (200, reply)
        body = json.dumps(value).encode()
        kind = "application/json" if status < 400 else "application/problem+json"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def address_string(self):
        return "unix"

    def log_message(self, *arguments):
        pass
