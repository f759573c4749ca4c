"""s3remedyd check-config: what a start would refuse is said before it, with the same exit status."""
import os
import subprocess

import yaml

from harness import program

_URL = "https://sqs.eu-west-1.amazonaws.com/111122223333/q"


def check(tmp_path, settings: dict | str, **environment: str) -> tuple[int, str]:
    file = tmp_path / "s3remedy.yaml"
    file.write_text(settings if isinstance(settings, str) else yaml.safe_dump(settings, sort_keys=False))
    done = subprocess.run([program("s3remedyd"), "check-config", "--config", str(file)], capture_output=True, text=True,
                          timeout=60, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment})
    return done.returncode, done.stdout.replace(str(file), "FILE") + done.stderr


def test_what_a_start_would_refuse_is_said(tmp_path):
    nowhere = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1"}
    named = {"queues": [{"url": "https://queue.example/111122223333/q"}]}
    good = {"queues": [{"url": _URL}]}
    cases = [
        (good, {}, 0, "FILE is valid"),
        ({**good, "control": {"operatorGroup": "games"}}, {}, 0, "FILE is valid"),
        ({**good, "control": {"operatorGroup": "no-such-group"}}, {}, 78, "groupadd no-such-group"),
        (named, nowhere, 78, "no Region for https://queue.example/111122223333/q"),
        (named, {**nowhere, "AWS_REGION": "eu-west-1"}, 0, "FILE is valid"),
        ({**good, "metrics": {"listen": "0.0.0.0:9477"}}, {}, 0, "note: metrics.listen"),
        (good | {"queue": []}, {}, 78, "FILE:3: unknown key queue: did you mean queues?"),
        (f"queues:\n  - url: {_URL}\n    region: [\n", {}, 78, "FILE:4: is not YAML"),
        (f"queues:\n  - url: {_URL}\nqueues:\n  - url: {_URL}\n", {}, 78, "twice: queues"),
        (f"queues:\n  - url: {_URL}\n\tlog: 1\n", {}, 78, "FILE:3: is not YAML"),
        ("", {}, 78, "is empty"), ("- a\n", {}, 78, "must be a mapping"), ("a: &a [*a]\n", {}, 78, "FILE"),
    ]
    for settings, environment, status, sentence in cases:
        said = check(tmp_path, settings, **environment)
        assert said[0] == status and sentence in said[1], (settings, said)
        assert len(said[1].strip().splitlines()) <= 2, said
    missing = subprocess.run([program("s3remedyd"), "check-config", "--config", str(tmp_path / "none.yaml")],
                             capture_output=True, text=True, timeout=30)
    assert missing.returncode == 78 and "cannot be read" in missing.stdout
    print(f"{len(cases) + 1} configurations checked")
