"""S3 in memory, as far as the functions notice."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any

from tests.support.dynamodb.errors import client_error

Json = dict[str, Any]


@dataclass
class InMemoryS3:
    """Keeps the objects of all buckets, by bucket and key."""

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    _uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> Json:  # noqa: N803 - boto3's own names
        self.objects[Bucket, Key] = bytes(Body)
        return {"ETag": self._etag(Bucket, Key)}

    def head_object(self, Bucket: str, Key: str) -> Json:  # noqa: N803 - boto3's own names
        if (Bucket, Key) not in self.objects:
            raise client_error("404", "Not Found")
        return {"ContentLength": len(self.objects[Bucket, Key]), "ETag": self._etag(Bucket, Key)}

    def get_object(self, Bucket: str, Key: str, Range: str = "", IfMatch: str = "") -> Json:  # noqa: N803 - boto3's own names
        if (Bucket, Key) not in self.objects:
            raise client_error("NoSuchKey", "")
        if IfMatch and IfMatch != self._etag(Bucket, Key):
            raise client_error("PreconditionFailed", "")
        content = self.objects[Bucket, Key]
        if Range:
            first, last = map(int, Range.removeprefix("bytes=").split("-"))
            if first >= len(content):
                raise client_error("InvalidRange", "")
            content = content[first : last + 1]
        return {"Body": io.BytesIO(content)}

    def list_objects_v2(self, Bucket: str, Prefix: str) -> Json:  # noqa: N803 - boto3's own names
        found = sorted(key for bucket, key in self.objects if bucket == Bucket and key.startswith(Prefix))
        return {"Contents": [{"Key": key} for key in found]}

    def get_paginator(self, operation: str) -> "Pages":
        assert operation == "list_objects_v2"
        return Pages(self)

    def create_multipart_upload(self, Bucket: str, Key: str) -> Json:  # noqa: N803 - boto3's own names
        name = f"{Bucket}/{Key}/{len(self._uploads)}"
        self._uploads[name] = {}
        return {"UploadId": name}

    def upload_part(self, UploadId: str, PartNumber: int, Body: bytes, **_: Any) -> Json:  # noqa: N803 - boto3's own names
        self._uploads[UploadId][PartNumber] = bytes(Body)
        return {"ETag": md5(Body).hexdigest()}  # noqa: S324 - what S3 does

    def complete_multipart_upload(self, Bucket: str, Key: str, UploadId: str, **_: Any) -> Json:  # noqa: N803 - boto3's own names
        parts = self._uploads.pop(UploadId)
        self.objects[Bucket, Key] = b"".join(parts[number] for number in sorted(parts))
        return {}

    def generate_presigned_url(self, operation: str, Params: Json, ExpiresIn: int) -> str:  # noqa: N803 - boto3's own names
        return f"https://{Params['Bucket']}.example/{Params['Key']}?{operation}&X-Amz-Expires={ExpiresIn}"

    def _etag(self, bucket: str, key: str) -> str:
        return f'"{md5(self.objects[bucket, key]).hexdigest()}"'  # noqa: S324 - what S3 does


@dataclass(frozen=True)
class Pages:
    """A list of objects, which here has one page."""

    client: Any

    def paginate(self, **arguments: Any) -> Iterator[Json]:
        yield self.client.list_objects_v2(**arguments)
