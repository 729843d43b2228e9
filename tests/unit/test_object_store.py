"""Objects are read as they were meant, written in parts that S3 takes, and missed in a way that says so."""

from collections.abc import Callable
from typing import Any, cast

import pytest
from botocore.exceptions import IncompleteReadError

from api_segments.aws import clients
from api_segments.aws.object_store import PART_BYTES, READ_BYTES, ObjectChangedError, ObjectStore
from api_segments.core.clock import Deadline
from api_segments.core.errors import UnavailableError
from tests.support.clock import MovableClock
from tests.support.objects import SMALLEST_PART, Bucket, etag_of, refuse


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def store(bucket: Bucket) -> ObjectStore:
    return ObjectStore(cast("Any", bucket), "imports")


@pytest.fixture
def deadline() -> Deadline:
    return Deadline.after(60, MovableClock())


@pytest.mark.parametrize("size", [0, 1, READ_BYTES - 1, READ_BYTES, READ_BYTES + 1, 2 * READ_BYTES])
def test_an_object_is_read_whole(store: ObjectStore, bucket: Bucket, deadline: Deadline, size: int) -> None:
    bucket.objects["a"] = content = b"0123456" * (size // 7) + b"x" * (size % 7)
    assert b"".join(store.chunks("a", etag_of(content), deadline)) == content


def test_an_object_that_is_replaced_while_it_is_read_is_not_read_on(
    store: ObjectStore, bucket: Bucket, deadline: Deadline
) -> None:
    bucket.objects["a"] = content = b"x" * (2 * READ_BYTES)
    chunks = store.chunks("a", etag_of(content), deadline)
    next(chunks)
    bucket.objects["a"] = b"y" * (2 * READ_BYTES)
    with pytest.raises(ObjectChangedError):
        next(chunks)


def test_an_object_that_is_gone_is_told(store: ObjectStore, deadline: Deadline) -> None:
    assert store.head("a") is None
    with pytest.raises(ObjectChangedError):
        list(store.chunks("a", etag_of(b""), deadline))
    with pytest.raises(ObjectChangedError):
        store.read("a")


@pytest.mark.parametrize(
    ("content", "is_gzip"), [(b"", False), (b"\x1f", False), (b"\x1f\x8b", True), (b"ident", False)]
)
def test_what_is_there_is_told_with_its_beginning(
    store: ObjectStore, bucket: Bucket, content: bytes, is_gzip: bool
) -> None:
    bucket.objects["a"] = content
    found = store.head("a")
    assert found is not None
    assert (found.etag, found.size, found.is_gzip) == (etag_of(content), len(content), is_gzip)


class _Breaking(Bucket):
    """The first reads of each range end before their end, or are refused."""

    def __init__(self, fail: Callable[[], object], times: int) -> None:
        super().__init__()
        self._fail = fail
        self._left = times

    def get_object(self, **asked: Any) -> dict[str, Any]:
        if self._left:
            self._left -= 1
            self._fail()
        return super().get_object(**asked)


def cut_off() -> None:
    raise IncompleteReadError(actual_bytes=1, expected_bytes=2)


@pytest.mark.parametrize("fail", [cut_off, lambda: refuse("SlowDown"), lambda: refuse("InternalError")])
def test_a_read_that_broke_off_is_repeated_from_where_it_was(fail: Callable[[], object], deadline: Deadline) -> None:
    bucket = _Breaking(fail, times=3)
    bucket.objects["a"] = content = bytes(range(256)) * (READ_BYTES // 128)
    store = ObjectStore(cast("Any", bucket), "imports")
    assert b"".join(store.chunks("a", etag_of(content), deadline)) == content


def test_a_read_is_not_repeated_for_ever() -> None:
    bucket = _Breaking(cut_off, times=10_000)
    bucket.objects["a"] = b"x"
    store = ObjectStore(cast("Any", bucket), "imports")
    with pytest.raises(UnavailableError):
        list(store.chunks("a", etag_of(b"x"), Deadline.after(5, MovableClock())))


@pytest.mark.parametrize("size", [1, SMALLEST_PART, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES + 5])
@pytest.mark.parametrize("step", [1_000_003, PART_BYTES, 100_000_000])
def test_an_object_grows_piece_by_piece(store: ObjectStore, bucket: Bucket, size: int, step: int) -> None:
    content = (b"0123456" * (size // 7 + 1))[:size]
    growing = store.begin("a")
    for start in range(0, size, step):
        growing.add(content[start : start + step])
    assert "a" not in bucket.objects
    growing.close()
    assert bucket.objects == {"a": content}
    assert bucket.largest_part <= PART_BYTES


def test_an_object_without_bytes_is_not_made(store: ObjectStore, bucket: Bucket) -> None:
    growing = store.begin("a")
    growing.add(b"")
    growing.close()
    assert bucket.objects == {}


def test_keys_are_found_by_their_beginning(store: ObjectStore, bucket: Bucket) -> None:
    for number in range(1234):
        bucket.objects[f"p/{number:04}"] = b""
    bucket.objects["q/0"] = b""
    assert store.keys("p/") == [f"p/{number:04}" for number in range(1234)]
    assert store.keys("r/") == []


def test_a_link_names_one_key_one_type_and_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "example")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    clients._session.cache_clear()  # noqa: SLF001 - it keeps the credentials of the first test that needs it
    store = ObjectStore(clients.s3_client.__wrapped__(), "imports")
    link = store.signed_put("account/import/upload", "application/octet-stream", 3600)
    assert "/account/import/upload?" in link
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in link
    assert "X-Amz-SignedHeaders=content-type%3Bhost" in link
    assert "X-Amz-Expires=3600" in link
    assert "X-Amz-SignedHeaders=host&" in store.signed_put("account/import/upload", None, 3600)
    named = store.signed_get("account/import/rejected.csv", "rejected.csv", 60)
    assert "response-content-disposition=attachment%3B%20filename%3D%22rejected.csv%22" in named
