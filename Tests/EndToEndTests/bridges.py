"""The control socket on a TCP port of the loopback, as somebody else: for clients that know no Unix sockets."""
import grp
import os
import socket
import subprocess
from pathlib import Path

import yaml

from harness import Daemon, until

NOBODY = 65534
# Every Debian has it, and nothing runs in it.
OPERATORS = "games"


def open_to_all(daemon: Daemon) -> None:
    """Let others reach the socket, as the unit's directory does: who may change is then for the daemon to say."""
    for place in (daemon.directory, Path(daemon.socket)):
        place.chmod(0o777)


def with_operators(daemon: Daemon) -> Daemon:
    """From the next start on, the members of OPERATORS may change."""
    settings = yaml.safe_load(daemon.config.read_text())
    settings["control"]["operatorGroup"] = OPERATORS
    daemon.config.write_text(yaml.safe_dump(settings, sort_keys=False))
    return daemon


class Bridge:
    """socat from TCP to the daemon, run by uid 65534 with the given supplementary groups: `with Bridge(…) as url:`."""

    def __init__(self, daemon: Daemon, *groups: str):
        self._daemon = daemon
        numbers = ",".join(str(grp.getgrnam(name).gr_gid) for name in groups)
        self._who = ["--reuid", str(NOBODY), "--regid", str(NOBODY),
                     *(["--groups", numbers] if groups else ["--clear-groups"])]

    def __enter__(self) -> str:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *self._who, "socat", "-t", "30",
             f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,backlog=128", f"UNIX-CONNECT:{self._daemon.socket}"],
            stdin=subprocess.DEVNULL, process_group=0)
        until(lambda: _listens(port), what="a bridge that listens")
        return f"http://127.0.0.1:{port}"

    def __exit__(self, *_) -> None:
        os.killpg(self._process.pid, 15)
        self._process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except ConnectionRefusedError:
        return False
