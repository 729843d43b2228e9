"""Names and ids of segments and users: what is refused, and how; what is taken reaches the service as it was sent."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support import bodies
from tests.unit.conftest import CREATE, UPDATE, Api

Json = Any
Sent = Callable[[str], Json]

CONTROL = "must have no control characters"
SURROGATE = "must have no lone surrogates"
BLANK = "must not be only spaces"
BROKEN = "has U+FFFD, which stands for bytes that were not UTF-8; send the text itself, as UTF-8"

# Where free text comes in: the function, the body around a text, the path as errors name it.
TEXTS: dict[str, tuple[str, Sent, str]] = {
    "segment_name": (CREATE, bodies.name, "segment_name"),
    "customer_segment_id of a create": (
        CREATE,
        lambda text: [{"segment_name": "a", "customer_segment_id": text}],
        "customer_segment_id",
    ),
    "identity": (UPDATE, lambda text: bodies.user(identity=text), ".identity"),
    "guid": (UPDATE, lambda text: bodies.user(guid=text), ".guid"),
    "customer_segment_id of an update": (
        UPDATE,
        lambda text: bodies.segment(customer_segment_id=text),
        "bulk_profiles[0].segments[0].customer_segment_id",
    ),
}

REFUSED = {
    "empty": ("", "must have 1 to 255 characters, has 0"),
    "256 characters": ("x" * 256, "must have 1 to 255 characters, has 256"),
    "256 astral characters": ("😀" * 256, "must have 1 to 255 characters, has 256"),
    "a million characters": ("x" * 1_000_000, "must have 1 to 255 characters, has 1000000"),
    "null character": ("a\0b", CONTROL),
    "tab": ("\t", CONTROL),
    "line feed at the end": ("SEG12345\n", CONTROL),
    "escape": ("\x1b[31m", CONTROL),
    "delete": ("\x7f", CONTROL),
    "C1 control": ("a\x85", CONTROL),
    "high surrogate": ("\ud800", SURROGATE),
    "low surrogate": ("a\udfffb", SURROGATE),
    "surrogates the wrong way round": ("\ude00\ud83d", SURROGATE),
    "what stands for bytes that were not UTF-8": ("M\ufffdller", BROKEN),
    "a space": (" ", BLANK),
    "255 spaces": (" " * 255, BLANK),
    "no-break space": ("\xa0", BLANK),
    "ideographic space": ("\u3000", BLANK),
    "line separator": ("\u2028", BLANK),
}

TAKEN = {
    "a character": "x",
    "255 characters": "x" * 255,
    "255 astral characters": "😀" * 255,
    "number sign": "a#b##",
    "only number signs": "#",
    "spaces inside and around": " a b ",
    "Arabic": "شريحة",
    "combining characters, not composed": "e\u0301",
    "joined emoji": "👩\u200d👩\u200d👧",
    "last code point": "\U0010ffff",
    "right-to-left override": "\u202eabc",
    "quotes and backslashes": "\"'\\/",
    "looks like JSON": '{"a":1}',
    "looks like another value": "null",
    "looks like a path": "../../etc/passwd?x=1&y=%00",
}


@pytest.mark.parametrize("where", TEXTS)
@pytest.mark.parametrize(("text", "error"), REFUSED.values(), ids=REFUSED)
def test_text_that_cannot_be_an_id_is_refused(api: Api, where: str, text: str, error: str) -> None:
    function, body, path = TEXTS[where]
    if function == CREATE:  # entries and users fail alone
        api.rejects_entry(body(text)[0], f"{path}: {error}")
    elif path.startswith("."):
        api.rejects({where: text}, f"{path}: {error}")
    else:
        api.refuses(function, body(text), f"{path}: {error}")


@pytest.mark.parametrize("where", TEXTS)
@pytest.mark.parametrize("text", TAKEN.values(), ids=TAKEN)
def test_any_other_text_is_taken_as_it_was_sent(api: Api, where: str, text: str) -> None:
    function, body, _ = TEXTS[where]
    assert api.post(function, body(text))[0] == 200
    (_, (_, parsed, *_)), *_ = api.services.calls
    taken = {
        "segment_name": lambda: parsed.entries[0].segment_name,
        "customer_segment_id of a create": lambda: parsed.entries[0].customer_segment_id,
        "identity": lambda: parsed[0].users[0].identity,
        "guid": lambda: parsed[0].users[0].guid,
        "customer_segment_id of an update": lambda: parsed[0].actions[0][0].customer_segment_id,
    }[where]()
    assert taken == text


def test_a_surrogate_pair_written_as_escapes_is_one_character(api: Api) -> None:
    assert api.post(CREATE, r'[{"segment_name": "' + r"\ud83d\ude00" * 255 + '"}]')[0] == 200
    (_, (_, asked, *_)), *_ = api.services.calls
    assert asked.entries[0].segment_name == "😀" * 255


def test_of_a_hundred_entries_the_wrong_one_fails_alone(api: Api) -> None:
    entries = [{"segment_name": f"s{index}"} for index in range(100)]
    entries[37]["customer_segment_id"] = "a\0"
    _, answer = api.post(CREATE, entries)
    assert answer["unprocessed"] == [
        {"status": "fail", "code": 400, "error": f"customer_segment_id: {CONTROL}", "record": entries[37]}
    ]
    ((_, (_, asked, *_)),) = api.services.calls
    assert list(asked.entries) == [index for index in range(100) if index != 37]
