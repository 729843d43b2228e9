"""Objects in a bucket of S3: read in pieces, written in one go or piece by piece, and links to them for clients."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from api_segments.aws.failures import CALL_FAILED, failure_code
from api_segments.core.clock import Backoff, Deadline
from api_segments.core.errors import SegmentsError, UnavailableError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef

READ_BYTES = 8 * 1024 * 1024
"""What is read at a time."""
# Each part of an upload but the last must have 5 MiB at least, and there may be 10,000, so an object may have 80 GB
# (S3 user guide, "Multipart upload limits").
PART_BYTES = 8 * 1024 * 1024

# A HEAD has no body, so its code is the status.
_GONE = {"NoSuchKey", "404", "PreconditionFailed", "412"}
_GZIP = b"\x1f\x8b"
_LOG = logging.getLogger(__name__)


class ObjectChangedError(SegmentsError):
    """The object is gone, or is not the one that was meant: another has been put in its place."""

    slug = "object_changed"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it is now; whatever replaces it has another `etag`. `is_gzip`: it begins as gzip does."""

    etag: str
    size: int
    is_gzip: bool


class ObjectStore:
    """The objects of one bucket. Calls are repeated by the SDK; what then still fails raises UnavailableError."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def head(self, key: str) -> StoredObject | None:
        """Return what is known of an object, None if there is none."""
        try:
            reply = self._client.head_object(Bucket=self._bucket, Key=key)
            size, etag = reply["ContentLength"], reply["ETag"]
            is_gzip = size >= len(_GZIP) and self._get(key, 0, len(_GZIP), etag) == _GZIP
        except CALL_FAILED as exc:
            if failure_code(exc) in _GONE:
                return None
            raise _unavailable("HeadObject", exc) from exc
        return StoredObject(etag, size, is_gzip)

    def chunks(self, key: str, etag: str, deadline: Deadline) -> Iterator[bytes]:
        """Read an object from its beginning to its end, 8 MiB at a time; raises ObjectChangedError."""
        start = 0
        backoff = Backoff(deadline)
        while True:
            try:
                piece = self._get(key, start, READ_BYTES, etag)
            except CALL_FAILED as exc:
                if failure_code(exc) == "InvalidRange":  # an object that is empty, or whose end has been read
                    return
                if failure_code(exc) in _GONE:
                    raise ObjectChangedError("the object is gone or has been replaced") from exc
                if not backoff.wait():
                    raise _unavailable("GetObject", exc) from exc
                continue
            yield piece
            start += len(piece)
            if len(piece) < READ_BYTES:
                return
            backoff = Backoff(deadline)

    def read(self, key: str) -> bytes:
        """Return a small object; raises ObjectChangedError if there is none."""
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except CALL_FAILED as exc:
            if failure_code(exc) in _GONE:
                raise ObjectChangedError("the object is gone") from exc
            raise _unavailable("GetObject", exc) from exc

    def write(self, key: str, content: bytes) -> None:
        """Write an object, in the place of any that is there."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content)
        except CALL_FAILED as exc:
            raise _unavailable("PutObject", exc) from exc

    def begin(self, key: str) -> "GrowingObject":
        """Return what writes an object piece by piece, of any size, in constant memory."""
        return GrowingObject(self._client, self._bucket, key)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys that begin so, in their order."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        try:
            return [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        except CALL_FAILED as exc:
            raise _unavailable("ListObjectsV2", exc) from exc

    def signed_put(self, key: str, content_type: str | None, seconds: int) -> str:
        """Return a link that takes a PUT of that type, or of any, to this key alone.

        It ends with the credentials that signed it, which are the function's and may be good for less than `seconds`.
        """
        wanted = {"Bucket": self._bucket, "Key": key}
        if content_type is not None:
            wanted["ContentType"] = content_type
        return self._client.generate_presigned_url("put_object", Params=wanted, ExpiresIn=seconds)

    def signed_get(self, key: str, name: str, seconds: int) -> str:
        """Return a link that downloads an object under a name; the name must be plain ASCII."""
        wanted = {
            "Bucket": self._bucket,
            "Key": key,
            "ResponseContentDisposition": f'attachment; filename="{name}"',
            "ResponseContentType": "text/csv; charset=utf-8",
        }
        return self._client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds)

    def _get(self, key: str, start: int, size: int, etag: str) -> bytes:
        wanted = f"bytes={start}-{start + size - 1}"
        return self._client.get_object(Bucket=self._bucket, Key=key, Range=wanted, IfMatch=etag)["Body"].read()


class GrowingObject:
    """An object that is written piece by piece; it is there once `close` has returned.

    What is never closed is cleared away by the bucket's lifecycle (AbortIncompleteMultipartUpload).
    """

    def __init__(self, client: "S3Client", bucket: str, key: str) -> None:
        self._client = client
        self._bucket = bucket
        self._key = key
        self._upload_id: str | None = None
        self._parts: list[CompletedPartTypeDef] = []
        self._waiting = bytearray()

    def add(self, content: bytes) -> None:
        """Take the next bytes, as many as there are."""
        self._waiting += content
        while len(self._waiting) >= PART_BYTES:
            self._send(PART_BYTES)

    def close(self) -> None:
        """Write what is left; without any bytes no object is made."""
        client, bucket, key = self._client, self._bucket, self._key
        if self._upload_id is None:
            if self._waiting:
                ObjectStore(client, bucket).write(key, bytes(self._waiting))
            return
        if self._waiting:
            self._send(len(self._waiting))
        try:
            client.complete_multipart_upload(
                Bucket=bucket, Key=key, UploadId=self._upload_id, MultipartUpload={"Parts": self._parts}
            )
        except CALL_FAILED as exc:
            raise _unavailable("CompleteMultipartUpload", exc) from exc

    def _send(self, size: int) -> None:
        """Upload the first bytes of those that wait as the next part."""
        client, bucket, key, number = self._client, self._bucket, self._key, len(self._parts) + 1
        try:
            if self._upload_id is None:
                self._upload_id = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
            content = bytes(self._waiting[:size])
            reply = client.upload_part(
                Bucket=bucket, Key=key, UploadId=self._upload_id, PartNumber=number, Body=content
            )
        except CALL_FAILED as exc:
            raise _unavailable("UploadPart", exc) from exc
        self._parts.append({"ETag": reply["ETag"], "PartNumber": number})
        del self._waiting[:size]


def _unavailable(operation: str, error: ClientError | BotoCoreError) -> UnavailableError:
    _LOG.warning("%s failed: %s", operation, failure_code(error) or type(error).__name__)
    return UnavailableError("the object store did not answer in time or refused")
