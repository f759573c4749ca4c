"""What MiniStack's S3 does otherwise than AWS's, put right. Pinned to MiniStack 1.5.33."""
import re
from xml.etree.ElementTree import SubElement, fromstring

from ministack.core.iam_evaluator import EvalResult, enforce
from ministack.services import s3

from localaws import s3access
from localaws.request import Refusal, Request

_SMALLEST_PART = 5 << 20
_CREDENTIAL = re.compile(r"Credential=([^/]+)/")
_VERSION = re.compile(r"null|[A-Za-z0-9._\-]{32,1024}")
_SSE = "x-amz-server-side-encryption"
_SSE_KEY = "x-amz-server-side-encryption-aws-kms-key-id"
_MANAGED_KEY = "arn:aws:kms:{region}:{account}:alias/aws/s3"
# Parts of a listing that hold a key, or a piece of one.
_ENCODED = ("Key", "Prefix", "Delimiter", "KeyMarker", "NextKeyMarker")


def refusal(request: Request) -> Refusal | None:
    """What AWS refuses of any S3 request and MiniStack does not look at.

    The bucket's owner: User Guide, "Verifying bucket ownership with bucket owner condition". A version ID that is
    none: InvalidArgument, and HEAD answers 400.
    """
    bucket = request.path.removeprefix("/").partition("/")[0]
    expected = request.headers.get("x-amz-expected-bucket-owner")
    owner = s3access.bucket_owner(bucket) if expected else None
    if owner is not None and owner != expected:
        return Refusal("AccessDenied", "Access Denied", 403)
    version = dict(request.query).get("versionId")
    if version is not None and not _VERSION.fullmatch(version):
        return Refusal("InvalidArgument", "Invalid version id specified", 400,
                       (("ArgumentName", "versionId"), ("ArgumentValue", version[:100])))
    return None


def install(region: str) -> None:
    _encrypt_all_new_objects()
    _echo_checksums()
    _refuse_wrong_parts()
    _encode_listed_versions()
    _hide_what_is_absent(region)


def _encrypt_all_new_objects() -> None:
    """SSE-S3 where nothing else is asked for (since 2023-01-05), and aws:kms without a key is S3's own key.

    Source: User Guide, "Amazon S3 now automatically encrypts all new objects".
    """
    default_of, resolve = s3._bucket_default_sse_headers, s3._resolve_sse_write_headers

    def default_headers(bucket: str) -> dict:
        headers = dict(default_of(bucket)) or {_SSE: "AES256"}
        if headers[_SSE].startswith("aws:kms"):
            headers.setdefault(_SSE_KEY, _managed_key(bucket))
        return headers

    def resolve_with_managed_key(headers: dict, bucket: str):
        if headers.get(_SSE) == "aws:kms" and not headers.get(_SSE_KEY):
            headers = {**headers, _SSE_KEY: _managed_key(bucket)}
        return resolve(headers, bucket)

    s3._bucket_default_sse_headers = default_headers
    s3._resolve_sse_write_headers = resolve_with_managed_key


def _managed_key(bucket: str) -> str:
    return _MANAGED_KEY.format(region=s3access.region_of(bucket), account=s3access.account())


def _echo_checksums() -> None:
    """PutObject answers with the checksum that it was sent. Source: API Reference, PutObject, response elements."""
    put = s3._put_object

    def put_and_echo(bucket: str, key: str, body: bytes, headers: dict):
        status, answered, content = put(bucket, key, body, headers)
        if status == 200:
            checksums = s3._buckets[bucket]["objects"][key].get("checksums") or {}
            answered |= {f"x-amz-checksum-{name.lower()}": value for name, value in checksums.items() if value}
        return status, answered, content

    s3._put_object = put_and_echo


def _refuse_wrong_parts() -> None:
    """Parts in disorder, and parts under 5 MiB that are not the last.

    Source: API Reference, CompleteMultipartUpload: InvalidPartOrder, EntityTooSmall.
    """
    complete = s3._complete_multipart_upload

    def complete_checked(bucket: str, key: str, body: bytes, query: dict, headers: dict | None = None):
        return _wrong_parts(body, s3._qp(query, "uploadId")) or complete(bucket, key, body, query, headers)

    s3._complete_multipart_upload = complete_checked


def _wrong_parts(body: bytes, upload_id: str):
    upload = s3._multipart_uploads.get(upload_id)
    if upload is None:
        return None
    numbers = [int(element.text) for element in fromstring(body).iter() if element.tag.endswith("PartNumber")]
    if numbers != sorted(set(numbers)):
        return s3._error("InvalidPartOrder", "The list of parts was not in ascending order. The parts list must be "
                                             "specified in order by part number.", 400)
    sizes = [len(upload["parts"][number]["body"]) for number in numbers if number in upload["parts"]]
    if any(size < _SMALLEST_PART for size in sizes[:-1]):
        return s3._error("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", 400)
    return None


def _encode_listed_versions() -> None:
    """ListObjectVersions with encoding-type=url: XML 1.0 cannot hold every key. Source: its API Reference."""
    list_versions, to_bytes = s3._list_object_versions, s3._xml_body

    def encoded_body(root) -> bytes:
        for element in root.iter():
            if element.tag in _ENCODED and element.text:
                element.text = s3._url_encode(element.text)
        SubElement(root, "EncodingType").text = "url"
        return to_bytes(root)

    def list_encoded(bucket: str, query: dict):
        if s3._qp(query, "encoding-type", "") != "url" or bucket not in s3._buckets:
            return list_versions(bucket, query)
        s3._xml_body = encoded_body
        try:
            return list_versions(bucket, query)
        finally:
            s3._xml_body = to_bytes

    s3._list_object_versions = list_encoded


def _hide_what_is_absent(region: str) -> None:
    """Who may not list a bucket hears 403 of an object that is not there. Source: API Reference, HeadObject."""
    for name in ("_head_object", "_get_object"):
        setattr(s3, name, _hiding(getattr(s3, name), region))


def _hiding(read, region: str):
    def read_or_hide(bucket: str, key: str, headers: dict | None = None, query: dict | None = None):
        answer = read(bucket, key, headers, query)
        if answer[0] != 404 or bucket not in s3._buckets:
            return answer
        named = _CREDENTIAL.search((headers or {}).get("authorization", ""))
        denied = named and enforce(named.group(1), "s3:ListBucket", "s3", region, f"arn:aws:s3:::{bucket}")
        return s3._error("AccessDenied", "Access Denied", 403) if isinstance(denied, EvalResult) else answer

    return read_or_hide
