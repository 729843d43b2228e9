"""Emails in a browser: the link is seen, also where html5lib (tests/unit/test_mail.py) is too old to say."""

import random
import re
from collections.abc import Sequence

import pytest
from playwright.sync_api import Browser

from api_segments.campaigns.content.mail import with_link
from api_segments.campaigns.content.templates import TemplateError
from tests.unit.test_mail import HIDDEN, LINK, MARKS, NOT_HIDDEN, OF_ALL_KINDS, PREHEADERS, SEEN, TAGS

RECENT = "select option dialog template svg math desc br frameset noscript details summary button hr optgroup"
PARTS = [
    *(f"<{tag}>" for tag in f"{TAGS} {RECENT}".split()),
    *(f"</{tag}>" for tag in f"{TAGS} {RECENT}".split()),
    *(*MARKS, "<p hidden>", "<div style=display:none>", "<font color=white>", "text", " ", "\r\n", "&"),
]
SEEN_IN_FRAMES = """async ([markups, link]) => {
  const found = [];
  for (const markup of markups) {
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-same-origin"; // no scripts, as in a mail program
    frame.srcdoc = markup;
    const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
    document.body.append(frame);
    await loaded;
    const anchors = [...frame.contentDocument.querySelectorAll("a")];
    found.push(anchors.some((anchor) => {
      const { width, height, right, bottom } = anchor.getBoundingClientRect();
      const options = { opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true };
      const isThere = width > 4 && height > 4 && right > 0 && bottom > 0 && anchor.checkVisibility(options);
      return isThere && anchor.getAttribute("href")?.trim() === link && anchor.innerText.trim() !== "";
    }));
    frame.remove();
  }
  return found;
}"""


def not_seen(browser: Browser, markups: Sequence[str]) -> list[str]:
    """Those of some emails in which the browser does not show the link."""
    page = browser.new_page()
    try:
        found = page.evaluate(SEEN_IN_FRAMES, [markups, LINK])
    finally:
        page.close()
    return [markup for markup, is_seen in zip(markups, found, strict=True) if not is_seen]


def composed(markups: Sequence[str]) -> list[str]:
    mails = []
    for markup in markups:
        try:
            mails.append(with_link(markup, LINK))
        except TemplateError:  # a document of frames, or nothing but a comment
            continue
    return mails


def test_the_link_is_seen_in_mails_of_all_kinds(browser: Browser) -> None:
    markups = [*OF_ALL_KINDS, *(f"a<{tag}>b" for tag in f"{TAGS} {RECENT}".split())]
    mails = composed(markups)
    assert len(mails) > len(markups) - 3
    assert not_seen(browser, mails) == []


def test_the_link_is_seen_whether_the_template_hides_its_own_or_shows_it(browser: Browser) -> None:
    mails = composed([each.replace("{}", LINK) for each in (*HIDDEN, *SEEN)])
    assert not_seen(browser, mails) == []


@pytest.mark.parametrize("seed", range(4))
def test_the_link_is_seen_in_random_markup(browser: Browser, seed: int) -> None:
    drawn = random.Random(seed)  # noqa: S311 - the same each time
    markups = ["".join(drawn.choices(PARTS, k=drawn.randint(1, 14))) for _ in range(120)]
    mails = composed(markups)
    assert len(mails) > 90
    assert not_seen(browser, mails) == []


def differing(browser: Browser, markups: Sequence[str], word: str, other: str) -> list[str]:
    """Those of some emails that look otherwise with another word in place of one."""
    page = browser.new_page(viewport={"width": 300, "height": 200})
    found = []
    try:
        for markup in markups:
            page.set_content(markup)
            before = page.screenshot()
            page.set_content(markup.replace(word, other))
            found += [markup] if page.screenshot() != before else []
    finally:
        page.close()
    return found


def test_the_browser_shows_nothing_of_what_is_left_out_of_the_text(browser: Browser) -> None:
    # Letters of nearly or just the colour behind them, unless it is white, are a shade off at their edges.
    others = [each for each in PREHEADERS if not re.search(r"style='color:(#|rgb\()", each)]
    assert len(others) > 20
    assert differing(browser, others, "NO", "ON") == []


def test_the_browser_shows_what_the_text_has(browser: Browser) -> None:
    without_images = [each for each in NOT_HIDDEN if "x.png" not in each and "<img" not in each]
    assert differing(browser, without_images, "yes", "yea") == without_images
