"""What botocore says, as JSON on standard output: the tests compare our own answers with it.

    botocore_answers.py signatures SEED    requests and the Authorization header that botocore gives them
    botocore_answers.py endpoints          every Region x FIPS x dual-stack x service, and botocore's endpoint
    botocore_answers.py requests           every operation of S3 and S3 Control that we call, as botocore sends it
"""

import datetime
import itertools
import json
import random
import string
import sys
from urllib.parse import parse_qsl, quote, urlsplit

from botocore import auth
from botocore.config import Config
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError
from botocore.loaders import Loader
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.session import Session

RANDOM_KEYS = 700
TRICKY = [
    "plain.txt", "a b", " lead", "trail ", "a+b", "a%20b", "a%2Fb", "a//b", "//", "/", "./a", "../a", "a/./b",
    "a/../b", "a/..", ".", "..", "a=b&c=d", "?versions", "#frag", "~tilde", "a;b", "a:b", "a@b", "a,b", "$x",
    "!'()*", "[x]", "{y}", "a|b", "a\\b", "\"q\"", "<x>", "^`", "\u00e9", "e\u0301", "\u65e5\u672c\u8a9e",
    "\U0001f600", "\U0001f468\u200d\U0001f469", "\u202eabc", "a\tb", "a\nb", "a\rb", "\x01\x1f", "\x7f", "\ufeffx",
    "x" * 1000, "%", "%%", "%zz", "100%", "a*b", "*", "a&amp;b", "\u00a0", "\u2028", "key/", "d1/d2/d3/d4",
]


def random_key(source):
    alphabet = string.printable + "\u00e9\u00df\u4e2d\U0001f680\u0301"
    return "".join(source.choice(alphabet) for _ in range(source.randint(1, 60)))


def sign(service, signing_name, method, path, query, headers, body, token, region, moment):
    auth.get_current_datetime = lambda *_, **__: moment
    host = f"{service}.{region}.amazonaws.com"
    encoded = "&".join(f"{quote(n, safe='-_.~')}={quote(v, safe='-_.~')}" for n, v in query)
    url = f"https://{host}{path}" + (f"?{encoded}" if query else "")
    request = AWSRequest(method=method, url=url, data=body.encode())
    for name, value in headers:
        request.headers.add_header(name, value)
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)
    signer = auth.S3SigV4Auth if signing_name == "s3" else auth.SigV4Auth
    signer(credentials, signing_name, region).add_auth(request)
    return {
        "service": service, "method": method, "host": host, "path": path, "query": query, "headers": headers,
        "body": body, "token": token, "region": region, "milliseconds": int(moment.timestamp() * 1000),
        "authorization": request.headers["Authorization"],
    }


def signatures(seed):
    source = random.Random(seed)
    utc = datetime.timezone.utc
    moments = [datetime.datetime(2026, 11, 24, 6, 11, 6, tzinfo=utc), datetime.datetime(2028, 2, 29, 23, 59, 59, tzinfo=utc),
               datetime.datetime(2027, 1, 1, 0, 0, 0, tzinfo=utc)]
    keys = TRICKY + [random_key(source) for _ in range(RANDOM_KEYS)]
    for index, key in enumerate(keys):
        moment = moments[index % len(moments)]
        token = None if index % 2 else "FwoGZXIvYXdzE//token+with/special=="
        region = ["eu-west-1", "us-east-1", "cn-north-1"][index % 3]
        path = "/" + quote(key, safe="/-_.~")
        query = [["versionId", key], ["x", ""], ["a b", "c+d"], ["X", "1"]][: index % 5]
        yield sign("s3", "s3", "GET", path, query, [], "", token, region, moment)
        yield sign("s3", "s3", "PUT", path, [], [["content-type", "text/csv"], ["if-none-match", "*"],
                   ["x-amz-meta-note", f"  two   blanks {index} "], ["x-amz-server-side-encryption", "AES256"]],
                   f"body {key}", token, region, moment)
        plain = quote(key, safe="/-_.~!$&'()*+,;=:@")
        yield sign("sqs", "sqs", "POST", "/" + plain.lstrip("/"), [],
                   [["content-type", "application/x-amz-json-1.0"], ["x-amz-target", "AmazonSQS.ReceiveMessage"]],
                   json.dumps({"QueueUrl": key}), token, region, moment)
    statuses = ["New", "Preparing", "Active", "Ready", "Suspended", "Complete"]
    for count in range(len(statuses)):
        chosen = source.sample(statuses, count)
        query = [["jobStatuses", s] for s in chosen] + [["maxResults", "1000"], ["nextToken", "a/b+c=="]]
        yield sign("s3control", "s3", "GET", "/v20180820/jobs", query, [["x-amz-account-id", "111122223333"]], "",
                   None, "eu-west-1", moments[0])
        yield sign("sts", "sts", "POST", "/", [], [["content-type", "application/x-www-form-urlencoded; charset=utf-8"]],
                   "Action=GetCallerIdentity&Version=2011-06-15", "token", "eu-west-1", moments[count % 3])


def endpoints():
    """Pseudo-regions (aws-global) are left out: no queue and no bucket is in one."""
    loader = Loader()
    partitions = loader.load_data("partitions")
    regions = [region for one in partitions["partitions"] for region in one["regions"] if not region.endswith("-global")]
    parameters = {"sqs": {}, "s3": {"Bucket": "orders"}, "sts": {"UseGlobalEndpoint": False},
                  "s3control": {"AccountId": "111122223333", "RequiresAccountId": True}}
    for service, own in parameters.items():
        provider = EndpointProvider(loader.load_service_model(service, "endpoint-rule-set-1"), partitions)
        for region, fips, dual_stack in itertools.product(regions, (False, True), (False, True)):
            answer = {"service": service, "region": region, "fips": fips, "dualStack": dual_stack}
            try:
                found = provider.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual_stack, **own)
                schemes = found.properties.get("authSchemes") or [{}]
                yield {**answer, "url": found.url, "signingRegion": schemes[0].get("signingRegion", region)}
            except EndpointProviderError:
                yield answer


ACCOUNT = "111122223333"
TRANSPORT = {"authorization", "content-length", "expect", "user-agent", "x-amz-content-sha256", "x-amz-date"}
TEXT_KEYS = ["plain.txt", "a b+c%2F", "//x/../y", "\u00fc=&?#;", "q\"'<>"]
# In the order of the service model, which botocore does not make up for.
JOB = {
    "ConfirmationRequired": True, "Operation": {"S3ReplicateObject": {}},
    "Report": {"Bucket": "arn:aws:s3:::reports", "Format": "Report_CSV_20180820", "Enabled": True, "Prefix": "a&b",
               "ReportScope": "AllTasks", "ExpectedBucketOwner": ACCOUNT},
    "ClientRequestToken": "token-1",
    "Manifest": {"Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key", "VersionId"]},
                 "Location": {"ObjectArn": "arn:aws:s3:::m/<k>.csv", "ObjectVersionId": "v", "ETag": "abc-2"}},
    "Description": "s3remedy \"x\"", "Priority": 10, "RoleArn": "arn:aws:iam::111122223333:role/r",
}


def operations(bucket):
    """Operation, parameters: what is called of S3, with everything that is set. Keys of text alone: botocore's are."""
    owned = {"Bucket": bucket, "ExpectedBucketOwner": ACCOUNT}
    for key in TEXT_KEYS:
        one = {**owned, "Key": key}
        yield "PutObject", {**one, "Body": "a,b\n", "ContentType": "text/csv", "IfNoneMatch": "*",
                            "ServerSideEncryption": "AES256", "Metadata": {"s3remedy-sha256": "00"}}
        yield "HeadObject", {**one, "VersionId": "null"}
        yield "GetObject", {**one, "Range": "bytes=4-7", "IfMatch": '"e"'}
        yield "GetObject", {**one, "VersionId": "a/b+c=="}
        yield "CreateMultipartUpload", {**one, "ContentType": "text/csv", "ServerSideEncryption": "AES256",
                                        "Metadata": {"s3remedy-sha256": "00"}}
        yield "UploadPart", {**one, "UploadId": "u/1+", "PartNumber": 2, "Body": "part"}
        yield "CompleteMultipartUpload", {**one, "UploadId": "u/1+", "IfNoneMatch": "*", "MultipartUpload": {
            "Parts": [{"ETag": '"e1"', "PartNumber": 1}, {"ETag": '"e2"', "PartNumber": 2}]}}
        yield "AbortMultipartUpload", {**one, "UploadId": "u/1+"}
        yield "ListObjectVersions", {**owned, "Prefix": key, "KeyMarker": key, "VersionIdMarker": "a/b+c==",
                                     "EncodingType": "url"}
        yield "ListMultipartUploads", {**owned, "Prefix": key, "KeyMarker": key, "UploadIdMarker": "u/1+",
                                       "EncodingType": "url"}
    for name in ("GetBucketReplication", "GetBucketVersioning", "GetBucketLifecycleConfiguration",
                 "GetBucketNotificationConfiguration"):
        yield name, owned


def control_operations():
    yield "CreateJob", JOB
    yield "DescribeJob", {"JobId": "0a1b-2c"}
    yield "ListJobs", {"JobStatuses": ["New", "Active"], "MaxResults": 1000, "NextToken": "a/b+c=="}
    yield "UpdateJobStatus", {"JobId": "0a1b-2c", "RequestedJobStatus": "Cancelled",
                              "StatusUpdateReason": "No longer needed"}
    yield "UpdateJobPriority", {"JobId": "0a1b-2c", "Priority": 2147483647}


class Caught(Exception):
    """The request, instead of an answer."""


def caught(client, operation, parameters):
    def catch(request, **_):
        raise Caught(request)

    client.meta.events.register("before-send", catch)
    try:
        client._make_api_call(operation, parameters)
    except Caught as found:
        request = found.args[0]
    url, body = urlsplit(request.url), request.body or b""
    body = body if isinstance(body, (bytes, bytearray)) else body.read() if hasattr(body, "read") else body.encode()
    text = lambda value: value.decode() if isinstance(value, bytes) else str(value)
    strings = {name: value for name, value in parameters.items() if isinstance(value, str)}
    return {"operation": operation, "parameters": strings,
            "method": request.method, "scheme": url.scheme, "host": url.netloc, "path": url.path,
            "query": sorted(parse_qsl(url.query, keep_blank_values=True)),
            "headers": sorted([name.lower(), text(value)] for name, value in request.headers.items()
                              if name.lower() not in TRANSPORT and not name.lower().startswith("amz-sdk-")),
            "body": body.decode()}


def requests():
    session = Session()
    session.set_credentials("AKIDEXAMPLE", "secret")
    plain = {"retries": {"total_max_attempts": 1}, "request_checksum_calculation": "when_required",
             "response_checksum_validation": "when_required"}
    for endpoint, style in ((None, "auto"), ("http://127.0.0.1:4566", "path")):
        client = session.create_client("s3", "eu-west-1", endpoint_url=endpoint,
                                       config=Config(**plain, s3={"addressing_style": style}))
        for bucket in ("orders", "or.ders"):
            for operation, parameters in operations(bucket):
                yield {**caught(client, operation, parameters), "service": "s3", "endpoint": endpoint}
    client = session.create_client("s3control", "eu-west-1", config=Config(**plain))
    for operation, parameters in control_operations():
        yield {**caught(client, operation, {**parameters, "AccountId": ACCOUNT}), "service": "s3control", "endpoint": None}


if __name__ == "__main__":
    kind, *rest = sys.argv[1:]
    answers = {"signatures": signatures, "endpoints": endpoints, "requests": requests}[kind](*map(int, rest))
    json.dump(list(answers), sys.stdout)
