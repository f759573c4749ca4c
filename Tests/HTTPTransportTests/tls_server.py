"""TLS servers of every sort and a proxy, each on a port of its own on 127.0.0.1.

Prints one line of JSON when all listen: {"ports": {NAME: PORT}, "authority": PATH}; ends when standard input does.
Each answers a request with what it saw: NAME, a blank, and the request line. The proxy tunnels CONNECT, and answers
other requests itself. Certificates are made with openssl(1) in the directory that is the argument.
"""
import json
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

DIRECTORY = Path(sys.argv[1])


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=DIRECTORY, check=True, capture_output=True)


def make_authority() -> None:
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
            "-out", "ca.pem", "-days", "2", "-subj", "/CN=Authority of this test",
            "-addext", "keyUsage=critical,keyCertSign")
    openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "key.pem")


def make_certificate(name: str, host: str, days: str) -> None:
    openssl("req", "-new", "-key", "key.pem", "-out", f"{name}.csr", "-subj", f"/CN={name}")
    (DIRECTORY / f"{name}.ext").write_text(f"subjectAltName={host}\n")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", f"{name}.pem", "-days", days, "-extfile", f"{name}.ext")


def make_self_signed() -> None:
    openssl("req", "-x509", "-key", "key.pem", "-out", "selfSigned.pem", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=IP:127.0.0.1")


def head_of(connection: socket.socket) -> str:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return ""
        data += piece
    return data.decode("latin-1")


def answer(name: str, connection: socket.socket) -> None:
    while head := head_of(connection):
        body = f"{name} {head.splitlines()[0]}".encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def serve_tls(name: str, context: ssl.SSLContext, connection: socket.socket) -> None:
    with context.wrap_socket(connection, server_side=True) as wrapped:
        answer(name, wrapped)


def pump(source: socket.socket, target: socket.socket) -> None:
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)


def serve_proxy(connection: socket.socket) -> None:
    head = head_of(connection)
    if not head.startswith("CONNECT "):
        body = f"proxy {head.splitlines()[0] if head else ''}".encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        return
    host, port = head.split()[1].rsplit(":", 1)
    upstream = socket.create_connection((host, int(port)))
    connection.sendall(b"HTTP/1.1 200 Connection established\r\nX-Via: proxy\r\n\r\n")
    threading.Thread(target=pump, args=(upstream, connection), daemon=True).start()
    pump(connection, upstream)


def listen(serve) -> int:
    listener = socket.create_server(("127.0.0.1", 0))

    def quietly(connection: socket.socket) -> None:
        try:
            with connection:
                serve(connection)
        except (OSError, ssl.SSLError):
            pass  # a client that refuses the certificate goes away

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=quietly, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def tls(name: str, newest: ssl.TLSVersion | None = None) -> int:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(DIRECTORY / f"{name}.pem", DIRECTORY / "key.pem")
    if newest is not None:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = newest
    return listen(lambda connection: serve_tls(name, context, connection))


def main() -> None:
    make_authority()
    make_certificate("good", "IP:127.0.0.1,DNS:localhost", "2")
    make_certificate("wrongHost", "DNS:sqs.eu-west-1.amazonaws.com", "2")
    make_certificate("expired", "IP:127.0.0.1", "-1")
    make_self_signed()
    ports = {name: tls(name) for name in ("good", "wrongHost", "expired", "selfSigned")}
    ports |= {"old": tls("good", ssl.TLSVersion.TLSv1_1), "proxy": listen(serve_proxy)}
    print(json.dumps({"ports": ports, "authority": str(DIRECTORY / "ca.pem")}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
