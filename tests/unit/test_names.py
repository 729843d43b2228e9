"""Names that a template can't have are refused with the nearest that is right; all others may be used anywhere."""

import pytest

from api_segments.campaigns.content.names import check_names
from api_segments.campaigns.content.templates import TemplateError, check
from api_segments.campaigns.content.values import as_read


def refused(text: str, *, is_email: bool = True) -> str:
    check(text, is_html=False)
    with pytest.raises(TemplateError) as caught:
        check_names(text, is_html=False, is_email=is_email)
    return str(caught.value)


WRONG = [
    ("{{ Profile.Name }}", "Profile.Name", "profile.Name"),
    ("{{ first_name }}", "first_name", "profile.first_name"),
    ("{{ unsubscribeUrl }}", "unsubscribeUrl", "unsubscribe_url"),
    ("{{ name | default: 'friend' }}", "name", "profile.Name"),
    ("{{ user.name }}", "user.name", "profile.Name"),
    ("{{ profiles.City }}", "profiles.City", "profile.City"),
    ("{{ customer['First name'] }}", 'customer["First name"]', 'profile["First name"]'),
    ("{{ profile.name }}", "profile.name", "profile.Name"),
    ("{{ profile.msg_email }}", "profile.msg_email", "profile.MSG-email"),
    ("{{ campaign.Name }}", "campaign.Name", "campaign.name"),
    ("{{ Campaign.Id }}", "Campaign.Id", "campaign.id"),
    ("{{ event.action }}", "event.action", "event.Action"),
    ("{{ segment_name }}", "segment_name", 'event["Segment Name"]'),
    ("{{ 'a' | append: nope }}", "nope", "profile.nope"),
    ("{{ 'a' | default: 'b', allow_false: nope }}", "nope", "profile.nope"),
    ("{% for i in items %}{{ i }}{% endfor %}", "items", "profile.items"),
    ("{% for i in profile.x limit: nope %}{% endfor %}", "nope", "profile.nope"),
    ("{% for i in (1..nope) %}{% endfor %}", "nope", "profile.nope"),
    ("{% for i in profile.x %}{% endfor %}{{ i }}", "i", "profile.i"),
    ("{{ forloop.index }}", "forloop.index", "profile.index"),
    ("{% if nope == 1 or profile.x %}{% endif %}", "nope", "profile.nope"),
    ("{% unless profile.x contains nope %}{% endunless %}", "nope", "profile.nope"),
    ("{% case profile.x %}{% when nope %}{% endcase %}", "nope", "profile.nope"),
    ("{% assign a = nope %}{{ a }}", "nope", "profile.nope"),
    ("{% capture a %}{{ nope }}{% endcapture %}", "nope", "profile.nope"),
    ("{% cycle nope, 'a' %}", "nope", "profile.nope"),
    ("{% tablerow r in profile.x cols: nope %}{% endtablerow %}", "nope", "profile.nope"),
    ("{% echo nope %}", "nope", "profile.nope"),
    ("{{ profile[nope] }}", "nope", "profile.nope"),
    ("{{ profile[campaign.nam] }}", "campaign.nam", "campaign.name"),
    ("{{ ['Profile']['Name'] }}", "Profile.Name", "profile.Name"),
    ("{{ [profile.x] }}", "…", "profile.Name"),
    ("{{ \u00c9v\u00e9nement }}", "\u00c9v\u00e9nement", 'profile["\u00c9v\u00e9nement"]'),
]


@pytest.mark.parametrize(("text", "wrong", "right"), WRONG)
def test_a_name_that_there_is_not_is_refused_with_the_nearest(text: str, wrong: str, right: str) -> None:
    assert refused(text) == f"line 1: there is no {wrong}; did you mean {right}?"


def test_the_line_is_named_and_a_long_name_cut() -> None:
    assert refused("{{ profile.x }}\n{% liquid\necho nope\n%}").startswith("line 3: there is no nope;")
    assert len(refused("{{ " + "n" * 4000 + " }}")) < 200


def test_the_link_to_unsubscribe_is_an_emails() -> None:
    check_names("{{ unsubscribe_url }}", is_html=False, is_email=True)
    assert refused("{{ unsubscribe_url }}", is_email=False).startswith("line 1: there is no unsubscribe_url;")


@pytest.mark.parametrize(
    "text",
    [
        "{{ profile.first_name }}{{ profile['Favourite shop'] }}{{ profile.identity }}{{ profile | json }}",
        "{{ profile.Nmae }}{{ profile.x.y.z }}{{ profile['MSG-email'] }}{{ profile[profile.x] }}",
        "{{ campaign.id }}{{ campaign.name.size }}{{ campaign | json }}",
        "{{ event.Action }}{{ event['Segment Name'] }}{{ event.Segment_Name }}{{ event.Version }}{{ event | json }}",
        "{% assign a = 1 %}{{ a }}{% capture b %}x{% endcapture %}{{ b }}{% increment c %}{{ c }}",
        "{% for i in profile.x %}{{ i.z }}{{ forloop.index }}{{ forloop.parentloop }}{% else %}none{% endfor %}",
        "{% for i in (1..2) %}{{ last }}{% assign last = i %}{% endfor %}",
        "{% tablerow r in profile.x %}{{ r }}{{ tablerowloop.col }}{% endtablerow %}",
        "{% if profile.x == empty or profile.y == nil or profile.z == blank or true %}{% endif %}",
        "{% comment %}{{ nope }}{% endcomment %}{% raw %}{{ nope }}{% endraw %}",
    ],
)
def test_what_a_user_may_have_and_what_a_template_makes_is_there(text: str) -> None:
    check(text, is_html=False)
    check_names(text, is_html=False, is_email=False)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("$D_662688000", "1991-01-01"),
        ("$D_-1", "1969-12-31"),
        ("$D_999999999999", "$D_999999999999"),
        ("1990-12-31", "1990-12-31"),
        ("costs $D_5", "costs $D_5"),
        (12345678901234567890, 12345678901234567890),
        (1e3, 1000),
        (1e21, 1000000000000000000000),
        (5.0, 5),
        (0.1, 0.1),
        (1.25e-7, "0.000000125"),
        (-2.5e-7, "-0.00000025"),
        (True, True),
        ("1e3", "1e3"),
    ],
)
def test_a_value_is_as_people_read_it(sent: str | float, read: str | float) -> None:
    assert as_read(sent) == read
    assert type(as_read(sent)) is type(read)
