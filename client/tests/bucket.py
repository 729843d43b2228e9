"""Storage on the loopback whose signed links can be followed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from client.tests.server import Reply, Request, serving
from tests.support.buckets import InMemoryS3


class LinkedS3(InMemoryS3):
    """S3 in memory, at `address`."""

    address = ""

    def generate_presigned_url(self, operation: str, Params: dict[str, Any], ExpiresIn: int) -> str:  # noqa: N803 - boto3's own names
        signed = f"X-Amz-Expires={ExpiresIn}&X-Amz-Signature=s3cr3t"
        return f"{self.address}/{Params['Bucket']}/{Params['Key']}?{operation}&{signed}"

    def __call__(self, request: Request) -> Reply:
        """Take or give a file, to who has a link and does not show a passcode."""
        assert "X-CleverTap-Passcode" not in request.headers
        link = urlsplit(request.path)
        bucket, _, key = link.path.removeprefix("/").partition("/")
        operation = {"PUT": "put_object", "GET": "get_object"}[request.method]
        if not link.query.startswith(f"{operation}&"):
            return Reply(403, raw=b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        if request.method == "PUT":
            self.put_object(bucket, key, request.body)
            return Reply(raw=b"")
        if (bucket, key) not in self.objects:
            return Reply(404, raw=b"<Error><Code>NoSuchKey</Code></Error>")
        return Reply(raw=self.objects[bucket, key])


@contextmanager
def linked_s3() -> Iterator[LinkedS3]:
    """Serve a bucket."""
    bucket = LinkedS3()
    with serving(bucket) as bucket.address:
        yield bucket
