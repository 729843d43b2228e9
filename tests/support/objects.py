"""A bucket in memory that holds the rules of S3 that our code relies on, behind the calls of botocore's client."""

# ruff: noqa: N803, ARG002 - the names of botocore's arguments, most of which a single bucket needs not

import hashlib
import io
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from botocore.exceptions import ClientError

SMALLEST_PART = 5 * 1024 * 1024
_PAGE = 1000


class Bucket:
    """Takes the place of botocore's S3 client, for one bucket. `objects` are what is there, by key."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.calls: list[str] = []
        self._uploads: dict[str, tuple[str, dict[int, bytes]]] = {}
        self.largest_part = 0

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        self.calls.append("HeadObject")
        content = self._content(Key, "404")
        return {"ContentLength": len(content), "ETag": etag_of(content)}

    def get_object(self, *, Bucket: str, Key: str, Range: str = "", IfMatch: str = "") -> dict[str, Any]:
        self.calls.append("GetObject")
        content = self._content(Key, "NoSuchKey")
        if IfMatch and IfMatch != etag_of(content):
            refuse("PreconditionFailed")
        if Range:
            found = re.fullmatch(r"bytes=(\d+)-(\d+)", Range)
            assert found
            start, end = int(found[1]), int(found[2])
            if start >= len(content):
                refuse("InvalidRange")
            content = content[start : end + 1]
        return {"Body": io.BytesIO(content), "ETag": etag_of(content)}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> dict[str, Any]:
        self.calls.append("PutObject")
        self.objects[Key] = bytes(Body)
        return {"ETag": etag_of(Body)}

    def create_multipart_upload(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        self.calls.append("CreateMultipartUpload")
        upload_id = f"upload-{len(self._uploads)}"
        self._uploads[upload_id] = (Key, {})
        return {"UploadId": upload_id}

    def upload_part(
        self,
        *,
        Bucket: str,
        Key: str,
        UploadId: str,
        PartNumber: int,
        Body: bytes,
    ) -> dict[str, Any]:
        self.calls.append("UploadPart")
        self._uploads[UploadId][1][PartNumber] = bytes(Body)
        self.largest_part = max(self.largest_part, len(Body))
        return {"ETag": etag_of(Body)}

    def complete_multipart_upload(
        self,
        *,
        Bucket: str,
        Key: str,
        UploadId: str,
        MultipartUpload: dict[str, Any],
    ) -> dict[str, Any]:
        self.calls.append("CompleteMultipartUpload")
        key, parts = self._uploads.pop(UploadId)
        named = [(part["PartNumber"], part["ETag"]) for part in MultipartUpload["Parts"]]
        if key != Key or not named or named != [(number, etag_of(parts[number])) for number in sorted(parts)]:
            refuse("InvalidPart")
        if any(len(parts[number]) < SMALLEST_PART for number in sorted(parts)[:-1]):
            refuse("EntityTooSmall")
        self.objects[Key] = b"".join(parts[number] for number in sorted(parts))
        return {}

    def get_paginator(self, operation: str) -> "Bucket":
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        self.calls.append("ListObjectsV2")
        keys = sorted(key for key in self.objects if key.startswith(Prefix))
        for start in range(0, len(keys), _PAGE):
            yield {"Contents": [{"Key": key} for key in keys[start : start + _PAGE]]}
        if not keys:
            yield {}

    def generate_presigned_url(self, method: str, *, Params: dict[str, Any], ExpiresIn: int) -> str:
        return f"https://{Params['Bucket']}.example/{Params['Key']}?{method}&expires={ExpiresIn}"

    def _content(self, key: str, missing: str) -> bytes:
        if key not in self.objects:
            refuse(missing)
        return self.objects[key]


def etag_of(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def refuse(code: str) -> NoReturn:
    raise ClientError({"Error": {"Code": code, "Message": code}}, "S3")
