"""The bodies that clients send to /api/imports, as types: their shapes and their limits."""

from typing import Annotated, Literal, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypeAliasType, TypedDict

from api_segments.core.limits import IMPORT_UNDO_DAYS
from api_segments.http.described import SEGMENT_ID, About
from api_segments.http.fields import OptionalText, Text
from api_segments.segments.named import NamedSegment

LIST_URL = "https://api-segments-imports.s3.amazonaws.com/SHP-7KD-42QX/65f1b2c3d4e5f0a1b2c3d/upload?X-Amz-Signature=…"
_STRICT = ConfigDict(extra="forbid", strict=True)
_MOST = 1_000_000_000
_Count = Annotated[int, Field(ge=0, le=_MOST)]

ImportModeBody = TypeAliasType(
    "ImportModeBody",
    Annotated[
        Literal["add", "remove", "replace"],
        About("Whether the file's users join the segment, leave it, or are all that it has afterwards.", "replace"),
    ],
)
UnknownUsersBody = TypeAliasType(
    "UnknownUsersBody", Annotated[Literal["create", "skip"], About("What to do with users who do not exist.", "create")]
)


@with_config(_STRICT)
class ImportGuard(TypedDict):
    """The most that an import may change: if its preview is over one of these, it is refused, and nothing changes."""

    max_added: NotRequired[Annotated[_Count, About("Users who may be added.", 50000)]]
    max_removed: NotRequired[Annotated[_Count, About("Users who may be removed.", 5000)]]
    max_removed_percent: NotRequired[
        Annotated[int, Field(ge=0, le=100), About("How many of a hundred members may be removed.", 20)]
    ]
    max_created: NotRequired[Annotated[_Count, About("Users who may be created.", 1000)]]
    max_rejected: NotRequired[Annotated[_Count, About("Rows that may be unreadable.", 0)]]


@with_config(_STRICT)
class CreateImportRequest(TypedDict):
    """An import to create."""

    segment: Annotated[NamedSegment, About("The segment that it changes.", SEGMENT_ID)]
    mode: Annotated[ImportModeBody, About("What the file's users are to the segment.", "replace")]
    unknown_users: NotRequired[
        Annotated[UnknownUsersBody, About("`create` if it is left out; `remove` creates nobody.", "create")]
    ]
    guard: NotRequired[Annotated[ImportGuard, About("The most that it may change.")]]
    file_name: NotRequired[
        Annotated[OptionalText, About("The name of the file, to be told back; nothing depends on it.", "lapsed.csv.gz")]
    ]
    apply: NotRequired[
        Annotated[
            Literal["auto", "manual"],
            About(
                "Whether it is applied as soon as the guard lets it pass (`auto`, if left out), or when asked.",
                "manual",
            ),
        ]
    ]


@with_config(_STRICT)
class UndoImportRequest(TypedDict):
    """What the undoing of an import may change at most."""

    guard: NotRequired[
        Annotated[ImportGuard, About(f"The most that it may change; it can be undone for {IMPORT_UNDO_DAYS} days.")]
    ]


@with_config(_STRICT)
class CompleteListRequest(TypedDict):
    """A custom list whose file is uploaded."""

    name: Annotated[Text, About("The list's name; its segment gets it.", "Lapsed buyers")]
    url: Annotated[str, About("The `presignedS3URL` that the file was put at.", LIST_URL)]
    replace: NotRequired[
        Annotated[
            bool, About("Whether the file's users take the place of those of the list of this name.", example=True)
        ]
    ]
    email: NotRequired[Annotated[str, About("Taken, as CleverTap's clients send it, and ignored.", "ops@example.com")]]
    filename: NotRequired[Annotated[str, About("The import's `file_name`, where it can be one.", "lapsed.csv")]]
    creator: NotRequired[Annotated[str, About("Taken, and ignored.", "Warehouse")]]


CREATE: TypeAdapter[CreateImportRequest] = TypeAdapter(CreateImportRequest)
UNDO: TypeAdapter[UndoImportRequest] = TypeAdapter(UndoImportRequest)
COMPLETE_LIST: TypeAdapter[CompleteListRequest] = TypeAdapter(CompleteListRequest)
