"""The records of POST /1/upload: what is taken, and exactly what is said about each that is not."""

from collections.abc import Mapping
from typing import Any

import pytest

from api_segments.core.errors import SegmentsError
from api_segments.profiles import wiring as profiles_wiring
from api_segments.profiles.model import ProfileUpdate, Token, TokenType
from functions.profiles.app import handler
from tests.support.events import Context, body_of, with_body

Json = Any

NO_OBJECT: list[Json] = [None, True, 1, "t", [], [{}]]
NO_TEXT: list[Json] = [None, 1, True, [], {}]
NO_TOKEN_TYPE: list[Json] = [None, "", "FCM", "gcm", "web", 1, [], {}]
NO_FLAG: list[Json] = [None, 0, 1, "true", [], {}]

FOX = "\N{FOX FACE}"  # four bytes of UTF-8
NOT_AN_EMAIL = "must be an email address"
NOT_A_PHONE = 'must be a phone number in E.164, like "+14155551234"'
NOT_A_DATE = 'must be a date like "1990-12-31", or "$D_" and the seconds since 1970'
NOT_A_GENDER = 'must be "M" or "F" or "O"'
NOT_A_FLAG = "must be true or false"
NOT_A_PERSON = "must be a string that is not blank"
NOT_A_VALUE = 'must be a string, a number, true or false, or null or {"$remove":true} to clear it'
NOT_A_TOKEN = "must have 1 to 4096 printable ASCII characters, not only spaces"
NO_CONTROL = "must have no control characters but tabs and line ends"
NOT_A_NAME = "a name must not be blank nor have control characters"
NAME_TOO_LONG = "a name must have at most 120 bytes of UTF-8"
TOO_LONG = "must have at most 512 bytes of UTF-8, has {}"
SURROGATES = "must have no lone surrogates"
FLAGS = ("MSG-email", "MSG-sms", "MSG-push", "MSG-whatsapp")


class RecordingProfiles:
    """Stands in for the profile service: takes every update, and notes it."""

    def __init__(self) -> None:
        self.updates: dict[int, ProfileUpdate] = {}
        self.calls = 0

    def update(
        self, account_id: str, updates: Mapping[int, ProfileUpdate], _: object, *, dry_run: bool
    ) -> dict[int, SegmentsError]:
        assert (account_id, dry_run) == ("T-1", False)
        self.updates.update(updates)
        self.calls += 1
        return {}


class Upload:
    """POST /1/upload, up to the service."""

    def __init__(self, profiles: RecordingProfiles) -> None:
        self.profiles = profiles
        self.raw = ""

    def send(self, body: object) -> tuple[int, Json]:
        answer = handler(with_body("profiles", "T-1", body), Context())
        self.raw = answer["body"]
        assert self.raw.encode()
        return answer["statusCode"], body_of(answer)

    def takes(self, record: Json) -> ProfileUpdate:
        """Send one record, which must be taken; return what the service gets."""
        assert self.send({"d": [record]}) == (200, {"status": "success", "processed": 1, "unprocessed": []})
        (update,) = self.profiles.updates.values()
        return update

    def refuses(self, record: Json, error: str) -> None:
        """Send one record, which must come back with this error, and none may reach the service."""
        failed = {"status": "fail", "code": 400, "error": error, "record": record}
        assert self.send({"d": [record]}) == (200, {"status": "fail", "processed": 0, "unprocessed": [failed]})
        assert self.profiles.updates == {}


@pytest.fixture
def upload(monkeypatch: pytest.MonkeyPatch) -> Upload:
    profiles = RecordingProfiles()
    monkeypatch.setattr(profiles_wiring, "profiles", lambda: profiles)
    return Upload(profiles)


LONG = ".".join(["b" * 63, "b" * 63, "b" * 57])  # with 64 characters before the @ and .com behind, 254


def profile(data: Json, **who: Json) -> Json:
    return {**(who or {"identity": "a"}), "type": "profile", "profileData": data}


def token(data: Json, **who: Json) -> Json:
    return {**(who or {"identity": "a"}), "type": "token", "tokenData": data}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("Email", value)
            for value in [
                *("a@example.com", "A.B+c_d-e@sub.example.co.uk", "o'hara@example.com", "é@example.com"),
                *("a@bücher.example", f"{'a' * 64}@example.com", f"{'a' * 64}@{LONG}.com"),
            ]
        ),
        *(("Phone", value) for value in ["+14155551234", "+442071838750", "+49891234567", "+2901234", "+80012345678"]),
        *(("Gender", value) for value in "MFO"),
        *(
            ("DOB", value)
            for value in ["1990-12-31", "2000-02-29", "0001-01-01", "9999-12-31", "$D_0", "$D_-1", f"$D_{'9' * 12}"]
        ),
        *(("Name", value) for value in ["A", " A ", "Ünï 🦊", "n" * 512, FOX * 128, "1"]),
        *((flag, value) for flag in FLAGS for value in (True, False)),
        *(
            (name, 1)
            for name in [
                "x",
                "names",
                "e",
                "a b",
                "msg",
                "message",
                "msg_count",
                "Msg Count",
                "msg:last",
                "object_id",
                "Object ID",
                "Profile data",
                "type",
                "source",
                "Identity card",
                "$remove",
                "#",
                "n" * 120,
                FOX * 30,
                "é" * 60,
            ]
        ),
        *(
            ("x", value)
            for value in [
                *("", " ", "v" * 512, FOX * 128, "é" * 256, "a\tb\r\nc", "\xa0", "null", "'\"\\"),
                *("M\ufffdller", "\ufffd"),
                *(0, 1, -1, 2**63, -(10**510), int("9" * 512), 0.1, -1.5, 1e308, 5e-324, True, False),
            ]
        ),
    ],
)
def test_an_attribute_is_taken_as_it_was_sent(upload: Upload, name: str, value: Json) -> None:
    attributes = upload.takes(profile({name: value})).attributes
    assert attributes == {name: value}
    assert type(attributes[name]) is type(value)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        *(
            ("Email", value, NOT_AN_EMAIL)
            for value in [
                *("", " ", "a", "@", "a@", "@example.com", "a@b", "a@@example.com", "a b@example.com"),
                *(" a@example.com", "a@example.com ", "a@example.com\n", "a@.com", "a@example..com", ".a@example.com"),
                *("a.@example.com", "Ada <a@example.com>", "a@example.com,b@example.com", "a@-example.com"),
                *(
                    "a@[127.0.0.1]",
                    f"a@{'b' * 64}.com",
                    f"a@{'b.' * 130}com",
                    f"{'a' * 64}@{LONG}b.com",
                    "a\x00@example.com",
                ),
                *(1, True, False, [], ["a@example.com"], {}, 1.5),
            ]
        ),
        ("Email", "\ud800@example.com", SURROGATES),
        *(
            ("Phone", value, NOT_A_PHONE)
            for value in [
                *("", "+", "14155551234", "004155551234", "+04155551234", "+1 415 555 1234", "+1-415-555-1234"),
                *(
                    "+14155551234 ",
                    "+14155551234\n",
                    "+1415555123a",
                    "+1415",
                    "+123456",
                    f"+{'1' * 15}",
                    f"+{'1' * 16}",
                ),
                *("+999123456789", "+1\u0664155551234", "\uff0b14155551234", "+14155551234;ext=1", "\ud800"),
                *(14155551234, True, [], {}),
            ]
        ),
        *(
            ("Gender", value, NOT_A_GENDER)
            for value in ["", "m", "f", "MALE", "X", "M ", "МЖ", 1, True, ["M"], {}, "\ud800"]
        ),
        *(
            ("DOB", value, NOT_A_DATE)
            for value in [
                *("", "1990", "1990-13-01", "1990-02-30", "1990-1-1", "31-12-1990", "1990/12/31", "1990-12-31 "),
                *("0000-01-01", "10000-01-01", "1990-12-31T00:00:00Z", "\uff11990-12-31", "$D_", "$D_1.5", "$d_1"),
                *(f"$D_{'9' * 13}", "$D_1\n", "D_1", 0, 631152000, True, [], {}, "\ud800"),
            ]
        ),
        *(("Name", value, NOT_A_PERSON) for value in ["", " ", "\n\t", "\u3000", 1, True, [], {}]),
        ("Name", "n" * 513, TOO_LONG.format(513)),
        ("Name", f"{FOX * 128}n", TOO_LONG.format(513)),
        ("Name", "\udc00", SURROGATES),
        *((flag, value, NOT_A_FLAG) for flag in FLAGS for value in [0, 1, 1.0, "true", "", "False", [], {}]),
        *(("x", value, NOT_A_VALUE) for value in [[], [1], {}, {"a": 1}, {"$remove": False}, {"$remove": "true"}]),
        ("x", {"$remove": True, "more": 1}, NOT_A_VALUE),
        ("x", [{"$remove": True}], NOT_A_VALUE),
        ("x", "v" * 513, TOO_LONG.format(513)),
        ("x", f"{FOX * 128}v", TOO_LONG.format(513)),
        ("x", "é" * 257, TOO_LONG.format(514)),
        ("x", int("9" * 513), TOO_LONG.format(513)),
        ("x", -int("9" * 512), TOO_LONG.format(513)),
        *(("x", value, NO_CONTROL) for value in ["\x00", "a\x08", "\x0b", "\x0c", "\x1f", "\x7f", "\x80", "\x9f"]),
        ("Name", "A\x00", NO_CONTROL),
        *(("x", value, SURROGATES) for value in ["\ud800", "a\udfff", "\udc00\ud800"]),
    ],
)
def test_a_wrong_value_is_refused_by_name(upload: Upload, name: str, value: Json, error: str) -> None:
    upload.refuses(profile({name: value}), f"profileData.{name}: {error}")


@pytest.mark.parametrize("value", ["19901231", "1990-W52-1", "1990W521"])
def test_a_date_of_birth_has_one_form(upload: Upload, value: str) -> None:
    upload.refuses(profile({"DOB": value}), f"profileData.DOB: {NOT_A_DATE}")


@pytest.mark.parametrize("value", [{"$remove": 1}, {"$remove": 1.0}, {"$remove": None}, {"$REMOVE": True}])
def test_only_true_removes(upload: Upload, value: Json) -> None:
    upload.refuses(profile({"x": value}), f"profileData.x: {NOT_A_VALUE}")


@pytest.mark.parametrize(
    ("name", "said", "error"),
    [
        ("", "", NOT_A_NAME),
        (" ", " ", NOT_A_NAME),
        ("\u3000", "\\u3000", NOT_A_NAME),
        ("\n", "\\n", NOT_A_NAME),
        ("a\x00", "a\\x00", NOT_A_NAME),
        ("\x7fa", "\\x7fa", NOT_A_NAME),
        ("\x9f", "\\x9f", NOT_A_NAME),
        ("n" * 121, f"{'n' * 64}…", NAME_TOO_LONG),
        (f"{FOX * 30}n", FOX * 30 + "n", NAME_TOO_LONG),
        ("é" * 61, "é" * 61, NAME_TOO_LONG),
        ("\ud800", "\\ud800", SURROGATES),
        ("a\udfffb", "a\\udfffb", SURROGATES),
    ],
)
def test_a_wrong_name_of_an_attribute_is_refused(upload: Upload, name: str, said: str, error: str) -> None:
    upload.refuses(profile({name: 1}), f"profileData.{said}: {error}")


@pytest.mark.parametrize("clear", [None, {"$remove": True}])
@pytest.mark.parametrize("name", ["x", "Name", "Email", "Phone", "Gender", "DOB", *FLAGS])
def test_null_and_remove_clear_any_attribute(upload: Upload, name: str, clear: Json) -> None:
    update = upload.takes(profile({name: clear, "kept": 1}))
    assert (update.attributes, update.removed_attributes) == ({"kept": 1}, frozenset({name}))


def test_one_wrong_attribute_refuses_its_record_alone(upload: Upload) -> None:
    good, bad = profile({"Email": "a@example.com"}), profile({"Name": "Ada", "Email": "nobody", "Phone": "none"})
    status, answer = upload.send({"d": [good, bad, good]})
    error = f"profileData.Email: {NOT_AN_EMAIL}"
    failed = {"status": "fail", "code": 400, "error": error, "record": bad}
    assert (status, answer) == (200, {"status": "partial", "processed": 2, "unprocessed": [failed]})
    assert sorted(upload.profiles.updates) == [0, 2]


@pytest.mark.parametrize("kind", ["fcm", "apns", "chrome"])
@pytest.mark.parametrize("name", ["t", "#", "n" * 4096])
def test_a_token_is_added_or_with_remove_taken_away(upload: Upload, kind: str, name: str) -> None:
    given = frozenset({Token(TokenType(kind), name)})
    added = upload.takes(token({"id": name, "type": kind}))
    assert (added.added_tokens, added.removed_tokens) == (given, frozenset())
    kept = upload.takes(token({"id": name, "type": kind, "$remove": False}))
    assert (kept.added_tokens, kept.removed_tokens) == (given, frozenset())
    removed = upload.takes(token({"id": name, "type": kind, "$remove": True}))
    assert (removed.added_tokens, removed.removed_tokens) == (frozenset(), given)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        *((wrong, "tokenData: must be an object") for wrong in NO_OBJECT),
        ({"type": "fcm"}, "tokenData.id: is required"),
        ({"id": "t"}, "tokenData.type: is required"),
        *(({"id": wrong, "type": "fcm"}, "tokenData.id: must be a string") for wrong in NO_TEXT),
        ({"id": "", "type": "fcm"}, f"tokenData.id: {NOT_A_TOKEN}"),
        ({"id": "n" * 4097, "type": "fcm"}, f"tokenData.id: {NOT_A_TOKEN}"),
        ({"id": " ", "type": "fcm"}, f"tokenData.id: {NOT_A_TOKEN}"),
        ({"id": "a\n", "type": "fcm"}, f"tokenData.id: {NOT_A_TOKEN}"),
        *(
            ({"id": wrong, "type": "fcm"}, f"tokenData.id: {NOT_A_TOKEN}")
            for wrong in ["\ud800", "é", FOX, "a\x00", "\x7f", "\xa0"]
        ),
        *(({"id": "t", "type": wrong}, "tokenData.type: must be 'fcm', 'apns' or 'chrome'") for wrong in NO_TOKEN_TYPE),
        ({"id": "t", "type": "\ud800"}, f"tokenData.type: {SURROGATES}"),
        *(({"id": "t", "type": "fcm", "$remove": wrong}, f"tokenData.$remove: {NOT_A_FLAG}") for wrong in NO_FLAG),
        ({"id": "t", "type": "fcm", "Type": "fcm"}, "tokenData.Type: unknown field; it is written type"),
        ({"id": "t", "type": "fcm", "remove": True}, "tokenData.remove: unknown field; it is written $remove"),
    ],
)
def test_a_wrong_token_is_refused(upload: Upload, data: Json, error: str) -> None:
    upload.refuses(token(data), error)


IS_WRITTEN = "unknown attribute; it is written {}"
NO_ATTRIBUTE = "is no attribute; identity and objectId stand beside profileData"
NO_OPT_OUT = "unknown opt-out; there are MSG-email, MSG-push, MSG-sms, MSG-whatsapp"
LOOK_ALIKES = [
    *(
        (name, IS_WRITTEN.format("MSG-email"))
        for name in ["MSG-Email", "msg-email", "MSG_email", "MSG email", "msgEmail"]
    ),
    *(
        (name, IS_WRITTEN.format("MSG-email"))
        for name in [
            "\uff2d\uff33\uff27\uff0d\uff45\uff4d\uff41\uff49\uff4c",
            "MSG\u2010email",
            " MSG-email",
            "MSG-e-mail",
        ]
    ),
    *((name, IS_WRITTEN.format("MSG-sms")) for name in ["MSG_sms", "MSG-SMS"]),
    *(
        (name, IS_WRITTEN.format("Email"))
        for name in ["email", "EMAIL", "Email ", "E-mail", "e_mail", "\uff25mail", "Ema\u00adil"]
    ),
    *((name, IS_WRITTEN.format("Phone")) for name in ["phone", "PHONE"]),
    *((name, IS_WRITTEN.format("Name")) for name in ["name", "NAME", "name_"]),
    *((name, IS_WRITTEN.format("DOB")) for name in ["dob", "D.O.B."]),
    ("gender", IS_WRITTEN.format("Gender")),
    *((name, NO_ATTRIBUTE) for name in ["objectId", " ObjectID", "guid", "GUID", "identity ", "tokenData"]),
    *(
        (name, NO_OPT_OUT)
        for name in ["MSG-webpush", "msg-x", "MSG\u2010x", "msg_dndEmail", "MSG push all", "\uff2d\uff33\uff27-x"]
    ),
]


@pytest.mark.parametrize(("name", "error"), LOOK_ALIKES)
def test_a_name_that_looks_like_one_of_ours_is_refused_with_the_right_one(
    upload: Upload, name: str, error: str
) -> None:
    shown = name.encode("unicode_escape").decode() if not name.isprintable() else name
    for value in (False, "ada@example.com"):
        upload.refuses(profile({name: value}), f"profileData.{shown}: {error}")


BROKEN = "has U+FFFD, which stands for bytes that were not UTF-8; send the text itself, as UTF-8"


@pytest.mark.parametrize("name", ["Name", "Email", "Phone", "Gender", "DOB"])
def test_text_that_was_not_utf_8_is_refused_with_what_to_do(upload: Upload, name: str) -> None:
    upload.refuses(profile({name: "M\ufffdller@example.com"}), f"profileData.{name}: {BROKEN}")
    upload.refuses(profile({"M\ufffdller": 1}), f"profileData.M\ufffdller: {BROKEN}")


@pytest.mark.parametrize("name", ["identity", "Identity", "IDENTITY"])
@pytest.mark.parametrize("who", [{"objectId": "anon-1"}, {"objectId": "anon-1", "identity": "rud1"}])
def test_an_identity_among_the_attributes_is_the_identity(upload: Upload, name: str, who: Json) -> None:
    update = upload.takes(profile({name: "rud1", "x": 1}, **who))
    assert (update.identity, update.guid, update.attributes) == ("rud1", "anon-1", {"x": 1})


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"Identity": "b"}, "profileData.Identity: the record names another identity"),
        ({"identity": "a", "Identity": "b"}, "profileData.Identity: the record names another identity"),
        ({"identity": 5}, "profileData.identity: must be a string"),
        ({"identity": ""}, "profileData.identity: must have 1 to 255 characters, has 0"),
        ({"identity": "a\ufffd"}, f"profileData.identity: {BROKEN}"),
    ],
)
def test_an_identity_among_the_attributes_may_not_contradict(upload: Upload, data: Json, error: str) -> None:
    upload.refuses(profile(data), error)


@pytest.mark.parametrize("value", [1468308340, 1468308340.5, "1468308340", None, {}, "\ufffd"])
def test_what_clevertaps_clients_send_besides_is_taken_and_ignored(upload: Upload, value: Json) -> None:
    plain = upload.takes(profile({"x": 1}))
    assert upload.takes({**profile({"x": 1}), "ts": value, "source": value}) == plain
    added = upload.takes(token({"id": "t", "type": "chrome"}))
    more = {**token({"id": "t", "type": "chrome", "keys": value}), "ts": value, "source": value}
    assert upload.takes(more) == added
