"""Whatever comes as a body, the answer is one of the API's."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support import bodies
from tests.support.events import with_body
from tests.support.examples import examples
from tests.unit.conftest import CREATE, UPDATE, Api

Json = Any

FIELDS = [
    *("segment_name", "customer_segment_id", "bulk_profiles", "user_profiles", "segments"),
    *("identity", "guid", "ct_segment_id", "action"),
]

anything = examples(150)

text = st.text(st.characters(exclude_categories=()), max_size=300)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), text, st.sampled_from(["ADD", "REMOVE", 2**53, "1", "a"])
)
fields = st.one_of(
    text,
    st.sampled_from(FIELDS),
)
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(fields, inner, max_size=4)),
    max_leaves=20,
)
users = st.lists(st.fixed_dictionaries({}, optional={"identity": scalars, "guid": scalars}) | json_values, max_size=3)
actions = st.lists(
    st.fixed_dictionaries(
        {"action": st.sampled_from(["ADD", "REMOVE"]) | scalars},
        optional={"ct_segment_id": scalars, "customer_segment_id": scalars},
    )
    | json_values,
    max_size=3,
)
creates = st.lists(
    st.fixed_dictionaries({"segment_name": scalars}, optional={"customer_segment_id": scalars}) | json_values,
    max_size=4,
)
updates = st.fixed_dictionaries(
    {
        "bulk_profiles": st.lists(
            st.fixed_dictionaries({"user_profiles": users, "segments": actions}) | json_values, max_size=3
        )
    }
)


def check(api: Api, status: int, answer: Json) -> None:
    """A refusal has the API's shape and asks no service; what is taken asks one."""
    if status == 200:
        assert api.services.calls != []
    else:
        assert 400 <= status < 500
        assert answer == {"status": "fail", "error": answer["error"], "code": status}
        assert answer["error"].isprintable()
        assert 0 < len(answer["error"]) < 1000
        assert api.services.calls == []
    api.services.calls.clear()


@pytest.mark.parametrize("function", [CREATE, UPDATE])
@anything
@given(body=json_values | creates | updates)
@example(body={"": [{"": 1}]})
@example(body=[{"segment_name": "a", "\ud800": 1}])
@example(body=bodies.segment(ct_segment_id=10**400))
def test_any_json_is_answered(api: Api, function: str, body: Json) -> None:
    # A str is sent as it is: as JSON, it goes inside a list.
    check(api, *api.post(function, [body] if isinstance(body, str) or body is None else body))


@pytest.mark.parametrize("function", [CREATE, UPDATE])
@anything
@given(body=text)
@example(body='{"":[{"":1,"":2}]}')
@example(body="[" * 900 + '{"a":1,"a":2}' + "]" * 900)
@example(body='{"' + "\\u0000" * 100 + '":1,"' + "\\u0000" * 100 + '":1}')
def test_any_text_is_answered(api: Api, function: str, body: str) -> None:
    check(api, *api.post(function, body))


@pytest.mark.parametrize("function", [CREATE, UPDATE])
@anything
@given(raw=st.binary(max_size=300))
def test_any_bytes_are_answered(api: Api, function: str, raw: bytes) -> None:
    check(api, *api.post(function, None, raw=raw))


@pytest.mark.parametrize("function", [CREATE, UPDATE])
@anything
@given(body=text)
@example(body="é")
def test_any_text_that_claims_to_be_base64_is_answered(api: Api, function: str, body: str) -> None:
    check(api, *api.send(function, {**with_body(function, "T-1", body), "isBase64Encoded": True}))
