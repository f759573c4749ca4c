"""A door before the cloud: shut, connections to it are refused; open, bytes pass both ways unchanged."""
import contextlib
import socket
import threading


class Gate:
    """A port of its own on 127.0.0.1 that leads to the cloud's: `with Gate(cloud.endpoint) as gate:`."""

    def __init__(self, endpoint: str):
        host, port = endpoint.removeprefix("http://").split(":")
        self._target = (host, int(port))
        self._connections: set[socket.socket] = set()
        self._listener = self._bind(0)  # bound and not listening: the port is ours, and refuses
        self.endpoint = "http://{}:{}".format(*self._listener.getsockname())

    @staticmethod
    def _bind(port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        return listener

    def open(self) -> None:
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        """Refuse from now on, and cut what is connected."""
        port = self._listener.getsockname()[1]
        self._end(self._listener)
        self._listener = self._bind(port)
        for one in list(self._connections):
            self._end(one)

    def __enter__(self) -> "Gate":
        return self

    def __exit__(self, *_) -> None:
        self.shut()
        self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                cloud = socket.create_connection(self._target)
                self._connections |= {client, cloud}
                for source, target in ((client, cloud), (cloud, client)):
                    threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
        for one in (source, target):
            self._end(one)

    def _end(self, one: socket.socket) -> None:
        self._connections.discard(one)
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
