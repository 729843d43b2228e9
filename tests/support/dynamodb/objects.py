"""S3 over HTTP, as far as imports use it: objects in buckets that are put, read in pieces and listed."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from botocore.exceptions import ClientError

from tests.support.buckets import InMemoryS3

PREFIX = "/s3"
"""What the paths of S3's requests begin with here, so that they are told from others."""
_LINE = re.compile(rb"(\w+) (\S+) ")
_RANGE = re.compile(rb"\r\nrange: *(\S+)\r", re.IGNORECASE)
_IF_MATCH = re.compile(rb"\r\nif-match: *(\S+)\r", re.IGNORECASE)
_STATUS = {"NoSuchKey": 404, "404": 404, "PreconditionFailed": 412, "InvalidRange": 416}


@dataclass(frozen=True)
class Reply:
    """What a request is answered: `operation` is its name in S3's API, `length` that of an object which is not sent."""

    operation: str
    status: int = 200
    body: bytes = b""
    etag: str = ""
    length: int | None = None

    def http(self) -> bytes:
        """Return the answer as it is sent."""
        length = len(self.body) if self.length is None else self.length
        lines = [
            f"HTTP/1.1 {self.status} Answer",
            f"Content-Length: {length}",
            *([f"ETag: {self.etag}"] if self.etag else []),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def is_for_objects(head: bytes) -> bool:
    """Whether a request is for S3, by its first line."""
    found = _LINE.match(head)
    return found is not None and found[2].startswith(f"{PREFIX}/".encode())


def serve(objects: InMemoryS3, head: bytes, body: bytes) -> Reply:
    """Carry out a request to S3."""
    found = _LINE.match(head)
    assert found is not None
    method, address = found[1].decode(), urlsplit(found[2].decode())
    bucket, _, key = unquote(address.path.removeprefix(f"{PREFIX}/")).partition("/")
    name = {"PUT": "PutObject", "HEAD": "HeadObject", "GET": "GetObject" if key else "ListObjectsV2"}[method]
    try:
        match name:
            case "PutObject":
                return Reply(name, etag=objects.put_object(bucket, key, body)["ETag"])
            case "HeadObject":
                seen = objects.head_object(bucket, key)
                return Reply(name, etag=seen["ETag"], length=seen["ContentLength"])
            case "GetObject":
                wanted, etag = (each.search(head) for each in (_RANGE, _IF_MATCH))
                got = objects.get_object(
                    bucket, key, *("" if each is None else each[1].decode() for each in (wanted, etag))
                )
                return Reply(name, 206 if wanted else 200, got["Body"].read(), objects.head_object(bucket, key)["ETag"])
            case _:
                prefix = parse_qs(address.query).get("prefix", [""])[0]
                keys = [entry["Key"] for entry in objects.list_objects_v2(bucket, prefix)["Contents"]]
                entries = "".join(f"<Contents><Key>{escape(each)}</Key></Contents>" for each in keys)
                return Reply(name, body=f"<ListBucketResult>{entries}</ListBucketResult>".encode())
    except ClientError as error:
        code = error.response["Error"]["Code"]
        told = b"" if method == "HEAD" else f"<Error><Code>{code}</Code></Error>".encode()
        return Reply(name, _STATUS[code], told)
