"""Temporary credentials: they sign until they expire, and are refused with each service's own code after it."""
import base64
import json
import time
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

from localaws_client import ACCOUNT, Key

# How each service says it. Sources: the services' "Common errors" pages; aws-facts of the judge's table.
_EXPIRED = {"sqs": ("ExpiredToken", 403), "s3": ("ExpiredToken", 400), "sts": ("ExpiredToken", 403),
            "dynamodb": ("ExpiredTokenException", 400)}


def web_token(issuer: str, seconds: float) -> str:
    parts = [{"alg": "RS256"}, {"iss": f"https://{issuer}", "sub": "system:serviceaccount:s3remedy:s3remedy",
                                "aud": "sts.amazonaws.com", "exp": time.time() + seconds}]
    return ".".join([base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in parts]
                    + ["c2lnbmF0dXJl"])


def metadata(cloud, method, path, headers=None):
    request = urllib.request.Request(cloud.endpoint + path, method=method, headers=headers or {})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.read().decode()


def status_of(call) -> int:
    with pytest.raises(urllib.error.HTTPError) as caught:
        call()
    return caught.value.code


def token(cloud) -> dict[str, str]:
    return {"X-aws-ec2-metadata-token": metadata(
        cloud, "PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})}


def instance_key(cloud) -> Key:
    header, path = token(cloud), "/latest/meta-data/iam/security-credentials/"
    made = json.loads(metadata(cloud, "GET", path + metadata(cloud, "GET", path, header), header))
    assert made["Code"] == "Success"
    return Key(made["AccessKeyId"], made["SecretAccessKey"], made["Token"])


def call(cloud, service: str, key: Key):
    client = cloud.client(service, key)
    return {"sqs": lambda: client.list_queues(), "s3": lambda: client.list_buckets(),
            "sts": lambda: client.get_caller_identity(), "dynamodb": lambda: client.list_tables()}[service]()


def refused_once_expired(cloud, key: Key, calls: tuple[str, ...]) -> None:
    with pytest.raises(ClientError) as first:
        while True:
            call(cloud, calls[0], key)
    expired = [first.value]
    for service in calls[1:]:
        with pytest.raises(ClientError) as caught:
            call(cloud, service, key)
        expired.append(caught.value)
    for service, error in zip(calls, expired, strict=True):
        found = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert found == _EXPIRED[service]
    cloud.reset_judge()


def test_an_instances_credentials_sign_and_expire_as_each_service_says(cloud):
    cloud.identity(sessionSeconds=2)
    key = instance_key(cloud)
    assert call(cloud, "sts", key)["Account"] == ACCOUNT
    refused_once_expired(cloud, key, ("sts", "sqs", "s3", "dynamodb"))
    assert call(cloud, "sts", instance_key(cloud))["Account"] == ACCOUNT, "the next ones sign again"


def test_the_metadata_service_is_version_2(cloud):
    path = "/latest/meta-data/iam/security-credentials/"
    assert status_of(lambda: metadata(cloud, "GET", path)) == 401
    assert status_of(lambda: metadata(cloud, "GET", path, {"X-aws-ec2-metadata-token": "wrong"})) == 401
    assert status_of(lambda: metadata(cloud, "PUT", "/latest/api/token", {"X-Forwarded-For": "10.0.0.1"})) == 403
    cloud.identity(tokenArrives=False)
    with pytest.raises(TimeoutError):
        urllib.request.urlopen(urllib.request.Request(f"{cloud.endpoint}/latest/api/token", method="PUT"), timeout=0.1)
    cloud.identity(tokenArrives=True, metadataStatus=503)
    assert status_of(lambda: token(cloud)) == 503


def test_a_container_wants_its_token(cloud):
    cloud.identity(containerToken="the-token")
    path = "/v2/credentials/task"
    assert status_of(lambda: metadata(cloud, "GET", path)) == 401
    made = json.loads(metadata(cloud, "GET", path, {"Authorization": "the-token"}))
    assert call(cloud, "sts", Key(made["AccessKeyId"], made["SecretAccessKey"], made["Token"]))["Account"] == ACCOUNT


def test_assumed_roles_sign_and_expire(cloud, name):
    user = cloud.user(name)
    arn = cloud.role(f"{name}-role", {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"})
    cloud.identity(sessionSeconds=2)
    made = cloud.client("sts", user).assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    key = Key(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    assert call(cloud, "sts", key)["Arn"].endswith(f":assumed-role/{name}-role/test")
    refused_once_expired(cloud, key, ("sqs", "s3"))


def test_a_web_identity_needs_a_token_that_is_valid_and_trusted(cloud, name):
    issuer = f"{name}.oidc.example"
    arn = cloud.role(f"{name}-role", {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"},
                     action="sts:AssumeRoleWithWebIdentity")
    sts = cloud.client("sts")

    def assume(web: str):
        return sts.assume_role_with_web_identity(RoleArn=arn, RoleSessionName="test", WebIdentityToken=web)

    for web, code in ((web_token(issuer, -1), "ExpiredTokenException"), ("nonsense", "InvalidIdentityToken"),
                      (web_token("stranger.example", 60), "AccessDenied")):
        with pytest.raises(ClientError) as caught:
            assume(web)
        assert caught.value.response["Error"]["Code"] == code
    made = assume(web_token(issuer, 60))["Credentials"]
    assert call(cloud, "sts", Key(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]))


def test_a_switch_that_is_none_is_refused(cloud):
    for wrong in ({"sessionsSeconds": 1}, {"metadataStatus": True}, {"tokenArrives": 1}, {"containerToken": 5}):
        with pytest.raises(ValueError, match=": 400 "):
            cloud.identity(**wrong)
