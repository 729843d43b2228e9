"""CleverTap's custom lists, as its public clients send them: a link, a PUT of the file, and a word that it is there.

A list is a segment of the list's name. Its customer_segment_id is that name too, so no name is given twice at once;
where another segment has taken that for ever, one that was deleted or has another name, a number stands behind it.

The link is an import's upload. It comes back with the last request, which so finds what it began when it is sent again.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import unquote, urlsplit

from api_segments.aws.object_store import ObjectStore
from api_segments.core.clock import Clock, Deadline, rfc3339
from api_segments.core.errors import ConflictError, InvalidRequestError, UnavailableError
from api_segments.core.limits import IMPORT_LINK_SECONDS
from api_segments.http.tenant import Tenant
from api_segments.imports import objects
from api_segments.imports.model import NO_GUARD, ImportStatus, Mode, UnknownUsers, new_id
from api_segments.imports.service import ImportService, NewImport, new_import
from api_segments.imports.store import ImportStore, RequestKnownError
from api_segments.memberships.store_references import ReferenceStore
from api_segments.segments.creation import SegmentService
from api_segments.segments.model import CreateRequest, NewSegment, Segment, SegmentReference, SegmentStatus
from api_segments.segments.store import SegmentStore

MAX_NAME_CHARACTERS = 240
"""So that a number fits behind it, as a customer_segment_id has 255."""
_IDS_AT_A_TIME = 25


@dataclass(frozen=True, slots=True)
class UploadedList:
    """A list whose file has been put at a link: its name, the link, whether it replaces a list, the file's name."""

    name: str
    url: str
    replaces: bool
    file_name: str | None


class CustomListService:
    """Takes custom lists."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a list becomes
        self,
        service: ImportService,
        imports: ImportStore,
        creation: SegmentService,
        segments: SegmentStore,
        references: ReferenceStore,
        store: ObjectStore,
        clock: Clock,
    ) -> None:
        self._service = service
        self._imports = imports
        self._creation = creation
        self._segments = segments
        self._references = references
        self._store = store
        self._clock = clock

    def link(self, account_id: str) -> tuple[str, str]:
        """Return a link that takes a file, and until when; public clients send it with any Content-Type or none."""
        now = self._clock.now()
        url = self._store.signed_put(objects.upload(account_id, new_id(now)), None, IMPORT_LINK_SECONDS)
        return url, rfc3339(now + timedelta(seconds=IMPORT_LINK_SECONDS))

    def complete(self, tenant: Tenant, uploaded: UploadedList, deadline: Deadline) -> int:
        """Make the file that was put at a link the users of the list of that name; return the list's segment.

        Users who don't exist are skipped. Raises InvalidRequestError; or ConflictError: nothing was uploaded, or the
        name is in use and the list is not to be replaced.
        """
        account_id = tenant.account_id
        import_id = _import_of(account_id, uploaded.url)
        known = self._imports.get(account_id, import_id, deadline)
        if known is None:
            if self._store.head(objects.upload(account_id, import_id)) is None:
                raise ConflictError("url: nothing has been uploaded there; PUT the file first")
            segment_id = self._list(tenant, uploaded.name, import_id, deadline, replaces=uploaded.replaces)
            wanted = NewImport(
                segment=SegmentReference(segment_id),
                mode=Mode.REPLACE,
                unknown_users=UnknownUsers.SKIP,
                guard=NO_GUARD,
                applies_itself=True,
                file_name=uploaded.file_name,
            )
            known = new_import(account_id, import_id, segment_id, wanted, tenant.passcode_name, self._clock.now())
            try:
                self._imports.create(known, None, self._clock.now(), deadline)
            except RequestKnownError as exc:  # by another try of this request
                raise UnavailableError("the list is being taken by another request") from exc
        else:
            segment = self._segments.get(account_id, known.segment_id, deadline)
            if segment is None or segment.segment_name != uploaded.name:
                raise ConflictError("url: was used for another list; get a new one")
        if known.status in (ImportStatus.AWAITING_UPLOAD, ImportStatus.READING):
            self._service.start(account_id, import_id, deadline)
        return known.segment_id

    def _list(self, tenant: Tenant, name: str, import_id: str, deadline: Deadline, *, replaces: bool) -> int:
        """Return the segment of a list; create it if there is none, or an earlier try of this request has."""
        account_id = tenant.account_id
        customer_id, found = self._find(account_id, name, deadline)
        wanted = NewSegment(segment_name=name, customer_segment_id=customer_id)
        request = CreateRequest([wanted], {0: wanted}, {})
        creation = self._creation.create(
            account_id, request, tenant.passcode_name, deadline, name=f"list {account_id} {import_id}"
        )
        if 0 in creation.created:
            return creation.created[0].segment_id
        if not isinstance(creation.refused[0], ConflictError):
            raise creation.refused[0]
        if not replaces:
            raise ConflictError("duplicate_name: a list of this name exists; send replace: true to replace its users")
        if found is None:  # it was created just now
            _, found = self._find(account_id, name, deadline)
        if found is None:
            raise UnavailableError("the list of this name is being changed by another request")
        return found.segment_id

    def _find(self, account_id: str, name: str, deadline: Deadline) -> tuple[str, Segment | None]:
        """Return the customer_segment_id that the list has or may take, and the list's segment, if there is one."""
        first = 1
        while True:
            ids = [name if number == 1 else f"{name} ({number})" for number in range(first, first + _IDS_AT_A_TIME)]
            references = [SegmentReference(customer_segment_id=each) for each in ids]
            found = self._references.find(account_id, references, [], deadline).segments
            for customer_id, reference in zip(ids, references, strict=True):
                if reference not in found:
                    return customer_id, None
                if found[reference].status is SegmentStatus.ACTIVE:
                    segment = self._segments.get(account_id, found[reference].segment_id, deadline)
                    if segment is not None and segment.segment_name == name:
                        return customer_id, segment
            first += _IDS_AT_A_TIME


def _import_of(account_id: str, url: str) -> str:
    """Return the import whose upload a link is; raises InvalidRequestError unless it is one of this account."""
    path = unquote(urlsplit(url).path)
    found = re.search(r"/([^/]+)/([0-9a-f]{21})/upload$", path)
    if found is None or found[1] != account_id:
        raise InvalidRequestError("url: must be the presignedS3URL of get_custom_list_segment_url, as it was given")
    return found[2]
