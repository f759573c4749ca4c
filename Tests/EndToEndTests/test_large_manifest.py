"""A manifest of more than one part: kill -9 on its way leaves one object, one job and no parts that somebody pays for."""
import csv
import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote

import pytest

from harness import until
from repairs import SECONDS, run_of, start
from test_remediation_kills import lost, never

# A plus is three bytes in a manifest, so that few failures make more than the 8 MiB of one part.
_KEYS = [f"{number:05d}" + "+" * 1000 for number in range(2_900)]
_PART = 8 << 20
_STEPS = {
    "nothing happens": None,
    "a part is on its way": never("s3.UploadPart"),
    "the parts are there": never("s3.CompleteMultipartUpload"),
    "the object is there": lost("s3.CompleteMultipartUpload"),
}


_SOURCE = "large-manifest-source"


@pytest.fixture(scope="module")
def versions(running_cloud):
    """The objects, written once: for each step a rule of its own, whose destination is missing and stays so."""
    running_cloud.bucket(_SOURCE)
    running_cloud.replicate(_SOURCE, [(rule, "", f"{_SOURCE}-{rule}") for rule in map(_rule, _STEPS)])
    s3 = running_cloud.client("s3")
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda key: s3.put_object(Bucket=_SOURCE, Key=key)["VersionId"], _KEYS))


def _rule(step: str) -> str:
    return step.replace(" ", "-")


@pytest.mark.parametrize("step", _STEPS)
def test_a_manifest_in_parts_when(stage, step, versions):
    rule, s3 = f"{_SOURCE}/{_rule(step)}", stage.cloud.client("s3")
    stage.cloud.send_failures(stage.queue, _SOURCE, _rule(step), _KEYS, destination=f"{_SOURCE}-{_rule(step)}",
                              version_ids=versions)
    with stage.daemon() as daemon:
        until(lambda: daemon.counts() == {rule: {"open": len(_KEYS)}}, SECONDS, "the failures in the store")
        if fault := _STEPS[step]:
            stage.cloud.faults(fault)
        start(daemon, rule)
        if fault:
            until(lambda: not stage.cloud.pending_faults(), SECONDS, step)
            until(lambda: fault != lost("s3.CompleteMultipartUpload")
                  or s3.list_objects_v2(Bucket=stage.manifests)["KeyCount"] == 1, SECONDS, "the object")
            daemon.kill()
            unfinished = s3.list_multipart_uploads(Bucket=stage.manifests).get("Uploads", [])
            assert len(unfinished) == (fault != lost("s3.CompleteMultipartUpload"))
            stage.cloud.end_faults()
            daemon.start()
        job = until(lambda: (jobs := run_of(daemon, rule)["jobs"]) and jobs[0].get("jobId") and jobs[0], SECONDS, "a job")
        assert len(stage.jobs_of(rule)) == 1

    manifest = job["manifest"]
    found = s3.get_object(Bucket=manifest["bucket"], Key=manifest["key"])
    body = found["Body"].read()
    assert len(body) > _PART and manifest["eTag"] == found["ETag"].strip('"') and manifest["eTag"].endswith("-2")
    assert found["Metadata"]["s3remedy-sha256"] == hashlib.sha256(body).hexdigest()
    rows = [(unquote(key), version) for _, key, version in csv.reader(io.StringIO(body.decode(), newline=""), strict=True)]
    assert rows == sorted(zip(_KEYS, versions, strict=True))
    assert not s3.list_multipart_uploads(Bucket=manifest["bucket"]).get("Uploads")
    print(f"{step}: {len(rows)} rows in 2 parts, 1 job, no parts left")
