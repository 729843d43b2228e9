"""Liquid in its sandbox: what templates may do, what is said about wrong ones, and what hostile ones come to."""

import json
from typing import Any

import pytest

from api_segments.campaigns.content.templates import _SANDBOXES, TemplateError, check, render
from api_segments.core.limits import MAX_RENDERED_BYTES

KNOWN: dict[str, Any] = {
    "profile": {
        "Name": 'Zoë "<b>" & Co',
        "Age": 3,
        "Score": 1.5,
        "MSG-email": False,
        "Favourite shop": "Mitte",
        "identity": "CT1",
    },
    "campaign": {"id": 1763901234567892, "name": "Spring"},
    "event": None,
}


def rendered(text: str, *, is_html: bool = False, **known: Any) -> str:
    return render(text, {**KNOWN, **known}, is_html=is_html)


def refused(text: str, *, is_html: bool = False) -> str:
    with pytest.raises(TemplateError) as caught:
        check(text, is_html=is_html)
    return str(caught.value)


def failed(text: str, *, is_html: bool = False, **known: Any) -> str:
    check(text, is_html=is_html)
    with pytest.raises(TemplateError) as caught:
        rendered(text, is_html=is_html, **known)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello {{ profile.Name }}", 'Hello Zoë "<b>" & Co'),
        ("{{ profile['Favourite shop'] }}", "Mitte"),
        ("{{ profile.MSG-email }}{{ profile.Age }}{{ profile.Score }}", "false31.5"),
        ("[{{ profile.Missing }}{{ event.Action }}{{ nothing.at.all }}]", "[]"),
        ("{{ profile.Missing | default: 'friend' }}", "friend"),
        ("{{ campaign.id }} {{ campaign.name | upcase }}", "1763901234567892 SPRING"),
        ("{% if profile.Age > 2 %}old{% else %}young{% endif %}", "old"),
        ("{% for i in (1..3) %}{{ i }}{% unless forloop.last %},{% endunless %}{% endfor %}", "1,2,3"),
        ("{% assign first = profile.Name | split: ' ' | first %}{{ first }}", "Zoë"),
        ("{% raw %}{{ as it is }}{% endraw %}{% comment %}{{ x }}{% endcomment %}", "{{ as it is }}"),
        ("{{ profile.identity | json }}:{{ profile.Missing | json }}:{{ event | json }}", '"CT1":null:null'),
    ],
)
def test_a_template_is_filled_in(text: str, expected: str) -> None:
    check(text, is_html=False)
    assert rendered(text) == expected


def test_values_come_out_of_html_escaped_and_the_templates_own_markup_does_not() -> None:
    assert rendered("<p>{{ profile.Name }}</p>", is_html=True) == "<p>Zoë &#34;&lt;b&gt;&#34; &amp; Co</p>"


EVIL = "<script>x%3Cb%3E &lt;i&gt; PHNjcmlwdD4= \\u003c"
ARGUMENTS = ["", ": profile.open", ": 'x', profile.open", ": '&lt;', profile.open", ": 1", ": 0, 9"]


@pytest.mark.parametrize("name", sorted(_SANDBOXES[True].filters))
@pytest.mark.parametrize("source", ["profile.evil", "captured", "many"])
def test_no_filter_brings_markup_into_html_that_the_template_does_not_have(name: str, source: str) -> None:
    made = "{% capture captured %}{{ profile.evil }}{% endcapture %}{% assign many = profile.evil | split: ' ' %}"
    for arguments in ARGUMENTS:
        for after in ("", "| first", "| url_decode", "| join: ''", "| replace: '&lt;', profile.open"):
            text = f"{made}{{{{ {source} | {name}{arguments} {after} }}}}"
            try:
                out = rendered(text, is_html=True, profile={"evil": EVIL, "open": "<"}).lower()
            except TemplateError:
                continue
            assert "<" not in out.replace("<br />", ""), text


@pytest.mark.parametrize("name", ["safe", "raw", "html_safe", "unescape", "html_unescape", "escape_off"])
def test_there_is_no_filter_that_lifts_escaping(name: str) -> None:
    assert refused(f"{{{{ profile.Name | {name} }}}}", is_html=True) == f"line 1: unknown filter '{name}'"


def test_a_value_is_never_read_as_a_template() -> None:
    assert rendered("{{ profile.Name }}", profile={"Name": "{{ campaign.name }}{% break %}"}) == (
        "{{ campaign.name }}{% break %}"
    )


def test_json_holds_any_value_a_profile_can_have() -> None:
    assert json.loads(rendered("{{ profile | json }}")) == KNOWN["profile"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("one\ntwo {{ name | }}", "line 2: expected word, found end of expression"),
        ("{{ name", "line 1: '{{' is not closed"),
        ("\n\n{% if x", "line 3: '{%' is not closed"),
        ("a\n{% raw %}\n{{ x }}", "line 2: 'raw' is not ended by 'endraw'"),
        ("a\n{{ x | sparkle }}", "line 2: unknown filter 'sparkle'"),
        ("{% for %}{% endfor %}", "line 1: "),
        ("{% if x %}\n", "line 1: "),
        ("{% endif %}", "line 1: unexpected tag 'endif'"),
        ("a\n\n{% include 'x' %}", "line 3: unexpected tag 'include'"),
        ("{% render 'x' %}", "line 1: unexpected tag 'render'"),
        ("{% extends 'x' %}", "line 1: unexpected tag 'extends'"),
        ("{% liquid\nassign a = 1\necho a | sparkle\n%}", "line 3: unknown filter 'sparkle'"),
        ("{% if a %}" * 100 + "{% endif %}" * 100, "line 1: block nesting limit reached"),
        ("{{ '" + "9" * 6000 + "' }}", "line 1: a tag has more than 5,000 characters, or 100 spaces in a row"),
        ("{{" + " " * 200 + "x }}", "line 1: a tag has more than 5,000 characters, or 100 spaces in a row"),
    ],
)
def test_what_does_not_parse_is_named_with_its_line(text: str, error: str) -> None:
    assert refused(text).startswith(error)
    with pytest.raises(TemplateError):
        rendered(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{" * 50_000,
        "{%" * 50_000,
        "{{-" * 30_000,
        "{% raw %}" * 10_000,
        "{% doc %}" * 10_000,
        "{{" + " " * 100_000 + "}}",
        "{{ '" + "a" * 100_000,
        "{{ a" + "[a" * 40_000 + "]" * 40_000 + "}}",
        "{{ " + "9" * 4_900 + " }}",
        "{% if a" + " and b" * 15_000 + " %}{% endif %}",
        "{% comment %}" * 8_000,
        "{{ a" + "[a" * 1_200 + "]" * 1_200 + "}}",
        "\0{{\0}}",
    ],
    ids=range(13),
)
def test_texts_made_to_keep_the_reader_busy_or_to_break_it_are_refused(text: str) -> None:
    assert refused(text)


BIG = "{% assign big = 'aaaaaaaaaaaaaaaa' %}{% for i in (1..12) %}{% assign big = big | append: big %}{% endfor %}"


@pytest.mark.parametrize(
    "text",
    [
        "{% for i in (1..1000000000) %}{% endfor %}",
        "{% tablerow i in (1..1000000000) %}{% endtablerow %}",
        "{% for i in (1..1000) %}{% for j in (1..1000) %}{% for k in (1..1000) %}{% endfor %}{% endfor %}{% endfor %}",
        "{% for i in (1..1000) %}" + "{{ x }}" * 1000 + "{% endfor %}",
        "{% for i in (1..200) %}{% endfor %}" * 1500,
        "{{ (1..1000000000) | join: ' ' }}",
        "{{ (1..1000000000) | reverse | first }}",
    ],
    ids=range(7),
)
def test_a_loop_without_end_is_stopped(text: str) -> None:
    assert "takes too long" in failed(text) or "too large" in failed(text)


@pytest.mark.parametrize(
    "text",
    [
        "{% for i in RANGE offset: 899999999990 %}{{ i }}{% endfor %}",
        "{% for i in RANGE limit: 2 offset: continue %}{{ i }}{% endfor %}",
        "{% for i in RANGE reversed limit: 1 %}{{ i }}{% endfor %}",
        "{% for i in (1..2) %}{% for j in RANGE offset: 899999999990 %}{{ j }}{% endfor %}{% endfor %}",
        "{% for i in nothing %}{% else %}{% for j in RANGE offset: 9 %}{% endfor %}{% endfor %}",
        "{% tablerow i in RANGE offset: 899999999999 %}{{ i }}{% endtablerow %}",
        "{% if RANGE contains 'x' %}{% endif %}",
        "{% if nothing %}{% elsif RANGE contains 'x' %}{% endif %}",
        "{% unless RANGE contains 'x' or nothing %}{% endunless %}",
        "{% if profile.Age and RANGE contains 1.5 %}{% endif %}",
        "{% if profile contains RANGE %}{% endif %}",
        "{% case 'x' %}{% when RANGE %}{% endcase %}",
        "{% case RANGE %}{% when 'x' %}{% endcase %}",
        "{% cycle RANGE, 2 %}",
        "{{ nothing | default: RANGE }}",
        "{% echo RANGE %}",
        "{% assign a = RANGE %}",
        "{% liquid\nfor i in RANGE offset: 899999999990\necho i\nendfor %}",
        "{% capture a %}{% if RANGE contains 'x' %}{% endif %}{% endcapture %}",
    ],
    ids=range(19),
)
def test_a_range_without_end_is_stopped_wherever_it_stands(text: str) -> None:
    assert "too large" in failed(text.replace("RANGE", "(1..900000000000)"))


@pytest.mark.parametrize(
    "text",
    [
        "{% for j in (1..10000) offset: 9999 %}{% endfor %}",
        "{% if (1..10000) contains 'y' %}{% endif %}",
        "{% if a contains 'y' %}{% endif %}",
        "{% for j in a offset: 1999 %}{% endfor %}",
        "{% if big contains 'ay' %}{% endif %}",
    ],
)
def test_what_looks_through_a_long_value_again_and_again_is_stopped(text: str) -> None:
    looks = "{% for i in (1..200) %}" + text * 20 + "{% endfor %}"
    assert "takes too long" in failed(looks, big="a" * 50_000, a=["x"] * 2_000)


def test_ranges_and_lists_of_any_use_are_as_they_were() -> None:
    assert rendered("{% for i in (1..10000) offset: 9998 %}{{ i }},{% endfor %}") == "9999,10000,"
    assert rendered("{% if (1..3) contains 2 %}yes{% endif %}") == "yes"
    assert rendered("{% tablerow i in (1..3) cols: 3 %}{{ i }}{% endtablerow %}").count("<td") == 3
    assert rendered("{% for i in (1..3) reversed %}{{ i }}{% endfor %}{{ (3..1) | size }}") == "3210"
    text = "{% for i in (1..500) %}{% if shops contains 'Mitte' %}{{ forloop.index }}{% endif %}{% endfor %}"
    assert rendered(text, shops=["Mitte", "Kreuzberg"]).endswith("499500")


@pytest.mark.parametrize(
    "text",
    [
        BIG + "{{ big | append: big | size }}",
        BIG + "{{ big | replace: 'a', big | size }}",
        BIG + "{{ big | replace: '', big | size }}",
        BIG + "{% assign l = big | split: '' %}{{ l | size }}",
        BIG + "{% assign big2 = big | append: '!' %}{{ big2 | size }}",
        "{% assign big = 'a,b' | split: ',' %}{% for i in (1..40) %}{% assign big = big | concat: big %}{% endfor %}",
        "{% assign big = 'a,b' | split: ',' %}{% for i in (1..11) %}{% assign big = big | concat: big %}{% endfor %}"
        "{% assign s = '" + "x" * 100 + "' %}{{ big | join: s | size }}",
        "{% assign n = 99 %}{% for i in (1..60) %}{% assign n = n | times: n %}{% endfor %}{{ n }}",
        "{% assign n = 9.9 %}{% for i in (1..60) %}{% assign n = n | times: n %}{% endfor %}{{ n }}",
        "{% for i in (1..2000) %}" + "x" * 300 + "{% endfor %}",
        "{% for i in (1..2000) %}{% capture a %}" + "x" * 300 + "{% endcapture %}{{ a }}{% endfor %}",
    ],
    ids=range(11),
)
def test_what_grows_without_end_is_stopped(text: str) -> None:
    assert failed(text)


def test_what_comes_out_is_bounded() -> None:
    text = "x" * 1000
    loop = f"{{% for i in (1..{MAX_RENDERED_BYTES // 1000 + 1}) %}}{text}{{% endfor %}}"
    assert "output stream limit reached" in failed(loop)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("{{ 1 | divided_by: 0 }}", {}),
        ("{% break %}", {}),
        ("{{ '9999999999999999999999' | date: '%Y' }}", {}),
        ("{{ profile.Name | truncate: 'x' }}", {}),
        ("{{ profile.Name | date: profile.Name | slice: 'x' }}", {}),
        ("{{ profile.Name }}", {"profile": {"Name": "\ud800"}}),
        ("{{ profile.html | strip_html }}", {"profile": {"html": "<" * 20_000 + ">"}}),
    ],
)
def test_whatever_goes_wrong_for_a_user_is_an_error_of_the_template(text: str, known: dict[str, Any]) -> None:
    assert failed(text, **known)


@pytest.mark.parametrize(
    "path",
    [
        "profile.__class__",
        "profile.keys",
        "profile.Name.__class__.__mro__",
        "profile['__class__']['__init__']['__globals__']",
        "campaign.__dict__",
        "forloop.__class__",
        "profile.Name.format",
    ],
)
def test_nothing_of_python_can_be_reached(path: str) -> None:
    assert rendered(f"[{{{{ {path} }}}}]") == "[]"


def test_an_error_is_short_and_printable() -> None:
    error = refused("{% \u202e" + "x" * 1000 + "\x07 %}")
    assert len(error) < 300
    assert error.isprintable()


def test_one_rendering_does_not_know_of_another() -> None:
    text = "{% increment n %}{% assign seen = seen | append: profile.Name %}{{ seen }}{% cycle 'a', 'b' %}"
    assert rendered(text, profile={"Name": "x"}) == rendered(text, profile={"Name": "x"})
    assert "y" not in rendered(text, profile={"Name": "x"}) + rendered("{{ seen }}", profile={"Name": "y"})
