"""Host names of a daemon's own: what fails to resolve, and when it begins to."""
from pathlib import Path

from harness import Daemon

# Only this daemon's mount namespace: /etc/hosts is a file of the test's, and no name server answers.
_ENTER = 'mount --bind "$0/hosts" /etc/hosts && mount --bind "$0/resolv.conf" /etc/resolv.conf && exec "$@"'


class Names:
    """The names that a daemon knows; needs root, as the test of permissions does."""

    def __init__(self, daemon: Daemon):
        self._hosts = daemon.directory / "hosts"
        self._hosts.write_text("127.0.0.1 localhost\n")
        (daemon.directory / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        daemon.prefix = ["unshare", "--mount", "sh", "-c", _ENTER, str(daemon.directory)]

    def add(self, name: str) -> None:
        """From now on the name is this host's; the file stays the same one, as a mount needs it."""
        with Path(self._hosts).open("a") as hosts:
            hosts.write(f"127.0.0.1 {name}\n")
