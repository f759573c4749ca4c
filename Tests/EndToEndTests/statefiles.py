"""What a killed daemon left on disk: the end of its log, and how far its store came."""
import sqlite3
import struct
from pathlib import Path

# The layout at the top of Sources/WriteAheadLog/WriteAheadLog.swift.
_SEGMENT_HEADER = 64
_FRAME_HEADER = struct.Struct("<IBBHQ")
_RECORD = 1


def last_lsn(state: Path) -> int:
    """LSN of the newest segment's last record; 0 in a new log. Checksums are the daemon's business."""
    segments = sorted((state / "wal").glob("*.wal"))
    if not segments:
        return 0
    last, offset = int(segments[-1].stem) - 1, _SEGMENT_HEADER
    with open(segments[-1], "rb", buffering=1 << 16) as file:
        file.seek(offset)
        while len(header := file.read(_FRAME_HEADER.size)) == _FRAME_HEADER.size:
            length, kind, _, _, lsn = _FRAME_HEADER.unpack(header)
            if length == 0:
                break
            if kind == _RECORD:
                last = lsn
            offset += (length + 7) & ~7
            file.seek(offset)
    return last


def applied_lsn(state: Path) -> int:
    """The LSN up to which the store holds every record."""
    store = sqlite3.connect(f"file:{state / 'failures.db'}?mode=ro", uri=True)
    try:
        row = store.execute("SELECT value FROM mark WHERE name = 'appliedLSN'").fetchone()
        return row[0] if row else 0
    finally:
        store.close()
