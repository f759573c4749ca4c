"""S3 Batch Operations as far as files go, in another language: reads a manifest with Python's csv module and writes a
report of it in AWS's layout.

    other_side.py MANIFEST REPORT KEYS

KEYS gets a line for each row, of the key's bytes in hexadecimal digits and the version. The key is decoded with `+` as
itself and as a space, which must make no difference.
"""

import csv
import random
import sys
from urllib.parse import unquote_to_bytes

MESSAGES = ["Access Denied", 'Object "x" is not\r\neligible, for replication', "", "\u65e5\u672c \\N", '"', "a\nb\n"]
CODES = ["DstPutObjectNotPermitted", "SrcObjectNotEligible", "NewCode"]


def main(manifest: str, report: str, keys: str) -> None:
    source, rows = random.Random(20261124), 0
    with open(manifest, newline="", encoding="ascii") as read, open(report, "w", newline="", encoding="utf-8") as write, \
            open(keys, "w", encoding="ascii") as seen:
        writer = csv.writer(write, lineterminator="\r\n")
        for bucket, key, version in csv.reader(read, strict=True):
            decoded = unquote_to_bytes(key)
            assert decoded == unquote_to_bytes(key.replace("+", " ")) and version
            seen.write(f"{decoded.hex()} {version}\n")
            if source.random() < 0.5:
                outcome = ["succeeded", "200", "", "success"]
            else:
                columns = [str(source.choice([403, 404, 500])), source.choice(CODES)]
                outcome = ["failed", *(columns if source.random() < 0.9 else columns[::-1]), source.choice(MESSAGES)]
            writer.writerow([bucket, key, version, *outcome])
            rows += 1
    print(rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
