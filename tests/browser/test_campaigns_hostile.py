"""Names and contents of campaigns are text and nothing else; a mail is markup, in a frame where nothing can happen."""

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.drafts import resume
from tests.browser.mocked import MockedApi, deliveries, segment, target
from tests.browser.tab import Tab
from tests.browser.test_hostile_names import NAMES, texts

FIRST = 1763901234567890
ELSEWHERE = "https://elsewhere.example"
TAKE = "top.document.title='taken'"
MAIL = f"""<html><head><base href="{ELSEWHERE}/"><meta http-equiv="refresh" content="0;url={ELSEWHERE}/refresh">
<link rel="stylesheet" href="{ELSEWHERE}/style.css"><style>p {{ color: rgb(1, 2, 3) }}
body {{ background: url({ELSEWHERE}/ground.png) }}</style></head>
<body onload="{TAKE}"><script>{TAKE}</script><p style="font-size: 31px">Hello</p>
<img src=x onerror="{TAKE}"><img src="{ELSEWHERE}/pixel.png"><svg onload="{TAKE}"></svg>
<iframe src="{ELSEWHERE}/frame"></iframe><iframe srcdoc="<script>{TAKE}</script>"></iframe>
<object data="{ELSEWHERE}/object"></object><video src="{ELSEWHERE}/video" autoplay></video>
<a id="out" href="{ELSEWHERE}/link">out</a> <a id="top" target="_top" href="{ELSEWHERE}/top">top</a>
<a id="new" target="_blank" href="{ELSEWHERE}/new">new</a> <a id="run" href="javascript:{TAKE}">run</a>
<form action="{ELSEWHERE}/form" method="post"><button id="send">send</button></form></body></html>"""


def test_the_list_and_a_campaign_show_names_and_contents_as_they_were_sent(
    mocked_tab: Tab, mocked_api: MockedApi
) -> None:
    page = mocked_tab.page
    mocked_api.segments = [segment(number, name, customer=name) for number, name in enumerate(NAMES, 1)]
    mocked_api.targets = [
        target(FIRST + number, name, segments={"include": [number + 1], "exclude": []}, target_mode="push")
        for number, name in enumerate(NAMES)
    ]
    mocked_tab.go("/campaigns")
    expect(page.get_by_role("rowheader")).to_have_count(len(NAMES))
    expect(page.locator(".audience bdi").last).to_have_text(NAMES[-1])
    assert texts(mocked_tab, ".campaigns th bdi") == list(NAMES)
    assert texts(mocked_tab, ".campaigns .audience bdi") == list(NAMES)
    box = page.get_by_role("table").bounding_box()
    assert box is not None
    assert box["width"] <= 1280, "a long name makes the table wider than the window"

    mocked_api.log = [{**line, "identity": name} for line, name in zip(deliveries(9), NAMES, strict=False)]
    for number, name in enumerate(NAMES):
        mocked_api.targets[number]["content"] = {"title": name, "body": name, "deep_link": name}
        mocked_tab.go(f"/campaigns/{FIRST + number}")
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        assert texts(mocked_tab, ".written dd") == [name] * 3
        expect(page.locator(".deliveries tbody tr")).to_have_count(len(NAMES))
        assert texts(mocked_tab, ".deliveries tbody th") == list(NAMES)
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert page.evaluate("[document.scripts.length, document.images.length]") == [1, 0]


def test_the_flow_shows_names_and_previews_as_they_were_sent(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    mocked_api.segments = [segment(number, name, customer=name) for number, name in enumerate(NAMES, 1)]
    everyone = [number for number, _ in enumerate(NAMES, 1)]
    for name in NAMES:
        content = {"push": {"title": name, "body": name, "deep_link": name}}
        resume(
            mocked_tab, "who", name=name, mode="push", contents=content, rules=[{"kind": "include", "ids": everyone}]
        )
        expect(page.locator(".chips bdi").last).to_have_text(NAMES[-1])
        assert texts(mocked_tab, ".chips bdi") == list(NAMES)
        assert sorted(texts(mocked_tab, ".picks bdi")) == sorted(NAMES)
        mocked_tab.press("Next")
        expect(page.locator(".note strong")).to_be_visible()
        assert texts(mocked_tab, ".note bdi") == [name, name]
        mocked_tab.press("Next")
        mocked_tab.press("Next")
        expect(page.locator(".story a")).to_have_count(len(NAMES))
        assert texts(mocked_tab, ".story a") == list(NAMES)
        assert texts(mocked_tab, ".summary bdi") == [name] * 3
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert page.evaluate("[document.scripts.length, document.images.length]") == [1, 0]


def show_mail(tab: Tab, api: MockedApi) -> Page:
    api.answers["/1/targets/preview.json"] = lambda body: {"preview": {**body["content"], "body": MAIL}}
    page = resume(tab, "content")
    expect(page.frame_locator("iframe.mail").locator("p")).to_have_text("Hello")
    return page


def go_elsewhere_in_another_tab(page: Page) -> None:
    """Go where the mail would, where nothing forbids it: what was begun before has by then come to something."""
    page.evaluate("() => new Promise((done) => setTimeout(done))")
    other = page.context.new_page()
    other.route(f"{ELSEWHERE}/**", lambda route: route.fulfill(body="there"))
    other.goto(f"{ELSEWHERE}/later")
    other.close()


def test_a_mail_looks_as_it_is_written_and_nothing_in_it_happens(
    mocked_tab: Tab, mocked_api: MockedApi, unforeseen: list[str]
) -> None:
    sent: list[Route] = []
    mocked_tab.page.route(f"{ELSEWHERE}/**", lambda route: sent.append(route))  # noqa: PLW0108 - no built-in is taken
    page = show_mail(mocked_tab, mocked_api)
    mail = page.frame_locator("iframe.mail")
    style = "element => [getComputedStyle(element).color, getComputedStyle(element).fontSize]"
    assert mail.locator("p").evaluate(style) == ["rgb(1, 2, 3)", "31px"]
    title = page.title()
    for name in ("out", "top", "new", "run", "send"):
        mail.locator(f"#{name}").click()
    go_elsewhere_in_another_tab(page)
    assert page.title() == title
    assert page.url.endswith("#/campaigns/new/content")
    assert len(page.context.pages) == 1
    expect(mail.locator("p")).to_have_text("Hello")
    assert sent == []
    assert page.locator("iframe").get_attribute("sandbox") == "allow-same-origin"
    # What the browser tells of is what it kept from happening; it notes a picture as a request before it forbids it.
    kept = [each for each in unforeseen if re.match("error: (Blocked|Refused|.* has been blocked)", each)]
    noted = [each for each in unforeseen if each.startswith("a request to ")]
    assert sorted(kept + noted) == sorted(unforeseen)
    assert kept
    unforeseen.clear()


def test_no_script_of_the_page_can_make_markup_of_text(mocked_tab: Tab, unforeseen: list[str]) -> None:
    tried = mocked_tab.page.evaluate(
        """() => ["setHTMLUnsafe", "innerHTML", "srcdoc"].map((way) => {
          const element = document.createElement(way === "srcdoc" ? "iframe" : "div");
          try {
            if (way === "setHTMLUnsafe") element.setHTMLUnsafe("<b>b</b>");
            else element[way] = "<b>b</b>";
            return "made";
          } catch (error) { return error.name; }
        })"""
    )
    assert tried == ["TypeError"] * 3
    assert len(unforeseen) == 3
    unforeseen.clear()
