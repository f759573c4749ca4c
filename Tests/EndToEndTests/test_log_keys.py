"""log.keys: where object keys stand in the log, and that with `hash` none does."""
import hashlib
import hmac
import re
import sqlite3
from urllib.parse import quote

from harness import until
from test_intake_control import configure

_KEYS = ("private/name of a person.csv", "ключ/\"quoted\"", "%2F+a b")


def received(text: str) -> list[str]:
    """What stood for the keys, in the order of the log's lines."""
    return re.findall(r" debug failure received key=(\S+)", text)


def hashes(daemon) -> list[str]:
    """As the README says: of the key as it stands in keyEncoded, with the log's ID."""
    store = sqlite3.connect(daemon.state / "failures.db")
    salt = store.execute("SELECT value FROM mark WHERE name = 'logID'").fetchone()[0]
    store.close()
    return ["hmac:" + hmac.digest(salt, quote(key, safe="/~").encode(), "sha256").hex()[:16] for key in _KEYS]


def test_keys_in_the_log_are_hashed_and_the_same_after_a_restart(stage):
    source, destination = f"{stage.name}-source", f"{stage.name}-destination"
    stage.cloud.replicated_pair(source, [("rule", "", destination)], stage.queue)
    stage.cloud.deny_replication(destination)
    stage.put(source, *_KEYS)
    daemon = stage.daemon()
    configure(daemon, lambda settings: settings.update(log={"level": "trace", "keys": "hash"}))
    with daemon:
        rule = f"{source}/rule"
        until(lambda: daemon.counts() == {rule: {"open": len(_KEYS)}}, what="three failures")
        assert sorted(received(daemon.stderr.read_text())) == sorted(hashes(daemon))
        # S3's own sentence names the object.
        message = f'User: u is not authorized to perform: s3:GetObjectVersion on resource: "arn:aws:s3:::{source}/{_KEYS[0]}" because'
        stage.cloud.faults(
            {"operation": "s3.HeadObject", "code": "AccessDenied", "every": 1, "times": 0},
            {"operation": "s3.GetObject", "code": "AccessDenied", "message": message, "every": 1, "times": 0})
        answer = daemon.post("/v1/failures/verify", {"filter": {"rule": rule}})
        assert "GetObjectVersion" in str(answer) and not any(key in str(answer) for key in _KEYS), answer
        assert "S3 refuses to speak of a version" in daemon.stderr.read_text()
        daemon.restart()
        stage.cloud.send_failures(stage.queue, source, "rule", [_KEYS[0]])
        until(lambda: received(daemon.stderr.read_text()).count(hashes(daemon)[0]) == 2, what="the same hash again")
        text = daemon.stderr.read_text()
        for key in _KEYS:
            for form in (key, quote(key, safe="/~"), quote(key, safe=""), key.encode("unicode_escape").decode()):
                assert form not in text, (form, text)
        assert text.count("hmac:") >= len(_KEYS) + 1
        # Plain from now on.
        configure(daemon, lambda settings: settings["log"].update(keys="plain"))
        assert daemon.post("/v1/reload", {}).json["changes"][0]["key"] == "log.keys"
        stage.cloud.send_failures(stage.queue, source, "rule", [_KEYS[1]])
        until(lambda: quote(_KEYS[1], safe="/~") in received(daemon.stderr.read_text()), what="a key as it is")
        print(f"{text.count('hmac:')} hashed keys in {len(text.splitlines())} lines, "
              f"{text.count('S3 refuses to speak')} of them of a refused HEAD")
