"""File systems of a test's own: an image in a file, a loop device, a mount; undone whatever happens."""
import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness import SCRATCH


def command(*words: object) -> str:
    """What it printed; RuntimeError with its own words when it fails."""
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"`{' '.join(done.args)}` failed: {done.stderr.strip() or done.stdout.strip()}. This test "
                           "mounts file systems of its own: it needs root and loop devices (in a container: --privileged)")
    return done.stdout.strip()


@contextlib.contextmanager
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="s3remedy-disk-", dir=SCRATCH) as path:
        Path(path).chmod(0o755)
        yield Path(path)


def make_image(image: Path, mebibytes: int, kind: str = "ext4", *options: str) -> None:
    """A sparse file with a file system in it; of ext4 nothing is kept back for root."""
    with open(image, "xb") as file:
        file.truncate(mebibytes << 20)
    kept = ["-m", "0", "-b", "4096"] if kind == "ext4" else []
    command(f"mkfs.{kind}", "-q", *kept, *options, image)


@contextlib.contextmanager
def mounted(image: Path, at: Path, options: str = "defaults") -> Iterator[Path]:
    """The image mounted at a directory, by a loop device without a cache of its own."""
    at.mkdir()
    device = command("losetup", "--find", "--show", "--direct-io=on", image)
    try:
        command("mount", "-o", options, device, at)
        try:
            yield at
        finally:
            command("umount", at)
    finally:
        command("losetup", "--detach", device)
