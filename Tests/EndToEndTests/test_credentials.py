"""The daemon on temporary credentials that expire every few seconds: it loses nothing, and an outage is waited out."""
import base64
import itertools
import json
import time
from pathlib import Path

import pytest

from harness import Daemon, until
from localaws_client import ACCOUNT, ALLOW_ALL

_RENEWALS = 4
_BURST = 10


@pytest.fixture
def identity(stage):
    """The switches of temporary credentials, put back at the end."""
    before = stage.cloud.identity()
    yield stage.cloud.identity
    stage.cloud.identity(**{name: value for name, value in before.items() if name != "counts"})


@pytest.fixture(scope="session")
def instance_role(running_cloud) -> str:
    """What MiniStack's instances are, allowed everything."""
    return running_cloud.role("ministack-instance-role", {"Service": "ec2.amazonaws.com"}, ALLOW_ALL)


def keyless(stage, **environment: str) -> Daemon:
    """A daemon that is not yet started, without keys in its environment."""
    daemon = stage.daemon()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del daemon.environment[name]
    daemon.environment.update(environment)
    return daemon


def loses_nothing(stage, daemon: Daemon, count: str) -> None:
    """Send failures until credentials were handed out often enough; all of them arrive, once."""
    before, sent, rule = stage.cloud.identity()["counts"][count], [], f"{stage.name}/rule"
    for burst in itertools.count():
        keys = [f"{burst}/{number}" for number in range(_BURST)]
        stage.cloud.send_failures(stage.queue, stage.name, "rule", keys)
        sent += keys
        until(lambda: daemon.counts().get(rule) == {"open": len(sent)}, 30, f"{len(sent)} failures of {rule}")
        if stage.cloud.identity()["counts"][count] - before >= _RENEWALS:
            break
    assert sorted(one["key"] for one in daemon.failures(rule)) == sorted(sent)
    until(stage.queue_is_empty, 30, "an empty queue")
    made = stage.cloud.identity()["counts"][count] - before
    assert daemon.status()["problems"] == []
    print(f"{len(sent)} failures exact over {made} sets of credentials ({count}) that lived 2 s")


def shows_no_secret(daemon: Daemon) -> None:
    shown = daemon.log() + daemon.get("/v1/status").body.decode()
    assert "SecretAccessKey" not in shown and "FwoG" not in shown and "eyJ" not in shown


def test_an_instances_credentials_that_expire_every_two_seconds(stage, identity, instance_role):
    identity(sessionSeconds=2)
    with keyless(stage, AWS_EC2_METADATA_SERVICE_ENDPOINT=stage.cloud.endpoint) as daemon:
        loses_nothing(stage, daemon, "instance")
        shows_no_secret(daemon)


@pytest.mark.refusals("ExpiredToken")
def test_an_outage_of_the_metadata_service_is_waited_out(stage, identity, instance_role):
    identity(sessionSeconds=2)
    rule = f"{stage.name}/rule"
    with keyless(stage, AWS_EC2_METADATA_SERVICE_ENDPOINT=stage.cloud.endpoint) as daemon:
        until(lambda: stage.cloud.judge()["byOperation"].get("sqs.ReceiveMessage"), what="a first receive")
        identity(metadataStatus=503)
        sent = []

        def problems_under_load() -> list[dict]:
            # Each message ends a long poll, which would be let through to its own end.
            sent.append(f"key/{len(sent)}")
            stage.cloud.send_failures(stage.queue, stage.name, "rule", sent[-1:])
            return [one for one in daemon.status()["problems"] if one["code"] == "credentials"
                    and "metadata service" in one["message"] and "status 503" in one["message"]]

        # AWS, here, is strict about the end: with the metadata service down there is nothing to sign with.
        until(problems_under_load, 30, "a problem that names the metadata service")
        assert daemon.get("/v1/health").status == 200
        identity(metadataStatus=0)
        until(lambda: daemon.counts().get(rule) == {"open": len(sent)}, 60, f"{len(sent)} failures")
        until(lambda: daemon.status()["problems"] == [], 30, "no problem")
    print(f"{len(sent)} failures exact over an outage of the metadata service")


def test_a_web_identity_whose_token_is_replaced(stage, identity):
    issuer = f"{stage.name}.oidc.example"
    arn = stage.cloud.role(f"{stage.name}-web", {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"},
                           action="sts:AssumeRoleWithWebIdentity")
    identity(sessionSeconds=2)
    daemon = keyless(stage, AWS_ROLE_ARN=arn)
    token = daemon.directory / "token"
    daemon.environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = str(token)
    token.write_text(web_token(issuer, 600))
    with daemon:
        loses_nothing(stage, daemon, "webIdentity")
        shows_no_secret(daemon)
    assert stage.cloud.judge()["anonymousByModel"] >= _RENEWALS


def test_a_role_with_an_external_id_by_way_of_a_profile(stage, identity):
    arn = stage.cloud.role(f"{stage.name}-role", {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{stage.name}"},
                           condition={"StringEquals": {"sts:ExternalId": "customer 7"}})
    identity(sessionSeconds=2)
    daemon = keyless(stage, AWS_PROFILE="daemon")
    config = daemon.directory / "config"
    config.write_text(
        f"[profile daemon]\nrole_arn = {arn}\nsource_profile = base\nexternal_id = customer 7\n"
        f"[profile base]\naws_access_key_id = {stage.key.access_key}\naws_secret_access_key = {stage.key.secret}\n")
    daemon.environment["AWS_CONFIG_FILE"] = str(config)
    with daemon:
        loses_nothing(stage, daemon, "assumed")
        assert stage.key.secret not in daemon.log()


def test_a_container_with_its_token_file(stage, identity, instance_role):
    identity(sessionSeconds=2, containerToken="pod-token")
    daemon = keyless(stage, AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{stage.cloud.endpoint}/v2/credentials/pod")
    token = daemon.directory / "token"
    token.write_text("pod-token\n")
    daemon.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(token)
    with daemon:
        loses_nothing(stage, daemon, "container")
        assert "pod-token" not in daemon.log()


@pytest.mark.refusals("InvalidSignatureException")
@pytest.mark.parametrize("offset, words", [("+20m", "20 minutes ahead of AWS's"), ("-20m", "20 minutes behind AWS's")])
def test_a_clock_twenty_minutes_off_signs_by_the_services(stage, offset, words):
    """libfaketime moves the daemon's wall clock; the judge allows 15 minutes."""
    rule, (library,) = f"{stage.name}/rule", Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    daemon = stage.daemon()
    daemon.environment.update(LD_PRELOAD=str(library), FAKETIME=offset, FAKETIME_DONT_FAKE_MONOTONIC="1")
    stage.cloud.send_failures(stage.queue, stage.name, "rule", ["a", "b"])
    with daemon:
        until(lambda: daemon.counts().get(rule) == {"open": 2}, 30, "two failures")
        until(stage.queue_is_empty, 30, "an empty queue")
        stage.cloud.send_failures(stage.queue, stage.name, "rule", ["c"])
        until(lambda: daemon.counts().get(rule) == {"open": 3}, 30, "three failures")
        said = daemon.status()["problems"][0]
        assert said["code"] == "clockSkew" and words in said["message"]
        daemon.kill()  # libfaketime's waits of the C library end by the wrong clock, the stop's too
    refused = [one["operation"] for one in stage.cloud.judge()["refused"]]
    # The poller's connection learns the right time by one refusal.
    assert refused == ["sqs.ReceiveMessage"], refused
    print(f"a clock {offset} off: {len(refused)} requests refused, 3 failures exact")


def web_token(issuer: str, seconds: float) -> str:
    """A JWT as a cluster projects it; nobody here looks at its signature."""
    parts = [{"alg": "RS256"}, {"iss": f"https://{issuer}", "sub": "system:serviceaccount:s3remedy:s3remedy",
                                "aud": "sts.amazonaws.com", "exp": time.time() + seconds}]
    encoded = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])
