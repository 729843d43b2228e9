"""An email's HTML and its text: the link to unsubscribe is seen, whatever the template says, and all else is as it was.

The judge is html5lib, another parser; it is older than `template`, `dialog`, what `select` may hold and
what ends foreign elements today. What it does not know, the browser judges (tests/browser/test_mails.py).
"""

import math
import re
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_segments.campaigns.content import markup as markup_of_mails
from api_segments.campaigns.content.mail import with_link
from api_segments.campaigns.content.markup import Document
from api_segments.campaigns.content.plain_text import text_of, text_with_link
from api_segments.campaigns.content.templates import TemplateError

LINK = "https://api.example.com/live/unsubscribe/eyJ-_x"
OURS = re.compile(r'(?:</[a-z0-9]+>)*<table style="all:initial.*?</table>', re.DOTALL)


def judged(markup: str) -> Element:
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    return parser.parse(markup)  # type: ignore[no-any-return]


def letters(element: Element) -> list[Any]:
    """A document as a list that differs where documents do, spaces aside."""
    joined: list[Any] = [""]
    waiting: list[Any] = [element]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Element):
            joined.append((str(each.tag), sorted(each.attrib.items())))
            inside = [each.text or "", *(part for child in each for part in (child, child.tail or ""))]
            waiting += reversed([*inside, ("end", str(each.tag))])
        elif isinstance(each, str) and isinstance(joined[-1], str):
            joined[-1] += "".join(each.split())
        else:
            joined.append("".join(each.split()) if isinstance(each, str) else each)
    return [each for each in joined if each]


def is_seen(markup: str, composed: str) -> bool:
    """Whether the judge finds our table right in the body and everything else as it is without it."""
    document = judged(composed)
    body: Any = document.find("body")
    for index, child in enumerate(() if body is None else body):
        anchor = child.find("tbody/tr/td/a")
        if child.tag == "table" and anchor is not None and anchor.get("href") == LINK:
            before = body[index - 1] if index else None
            if before is None:
                body.text = (body.text or "") + (child.tail or "")
            else:
                before.tail = (before.tail or "") + (child.tail or "")
            body.remove(child)
            break
    else:
        return False
    return letters(document) == letters(judged(markup))


OF_ALL_KINDS = [
    "<html><body>\u0130</body></html>",
    "Hello",
    "<p>one<p>two",
    "<!doctype html>\r\n<html><head><title>t</title></head>\r\n<body class='a'>\r\n<p>x</p>\r\n</BODY >\r\n</html>\r\n",
    "a<!-- </body> -->b",
    "a</body><!-- </body> --></html>",
    "a<!-- </body>",
    "a<!-- b --!> c",
    "a<style>p{}",
    "<style>p{color:red}</style>a",
    "<style>p{}",
    "a<script>'</body>'",
    "a<script><!--<script>",
    "a<textarea>b</body>",
    "<title>a",
    "<div style='display:none'>a",
    "<div hidden><p>a</div>b",
    "<p><font color=white>a</p>b",
    "<a href=x>a",
    "<b><i>a</b>",
    "a<a href='x",
    'a<a href="x<y',
    "a<a title='>",
    "a<p class=x",
    "x<plaintext>a",
    "<table><tr><td>a",
    "<table>a",
    "a<noscript><p>b",
    "a<svg><desc>b",
    "a<math><mi>b",
    "a<svg><![CDATA[ </body> ]]>",
    "a<iframe>b",
    "a<noframes>b",
    "a<xmp>b",
    "<ul><li>a",
    "<details>a",
    "a</p>",
    "a</br>",
    "<p>a</body><p>b</body>",
    "a\0b<",
    "a</",
    "a<!",
    "a&amp",
    "<body><body class=a>b",
    "<form><button>a",
    "<marquee>a",
    "<object><param>a",
    "<center><big>a",
    "<h1>a<h2>b",
    "<ruby>a<rt>b",
    "<nobr>a<nobr>b",
    "<head><p>a",
    "a<frameset>",
]


@pytest.mark.parametrize("markup", OF_ALL_KINDS)
def test_the_link_stands_in_the_body_and_nothing_else_changes(markup: str) -> None:
    composed = with_link(markup, LINK)
    assert is_seen(markup, composed)
    table = re.findall(r'<table style="all:initial.*</table>', composed)[0]
    before, _, after = composed.partition(table)
    author_before = markup.removesuffix(after)
    assert author_before + after == markup
    assert re.fullmatch(r"(</[a-z0-9]+>)*", before.removeprefix(author_before))


@pytest.mark.parametrize(
    "markup",
    ["<p>x<noscript><b>y", "<p>x<table><noscript>y", "x<table><a href=''><noscript>y", "<noscript><style><noscript>x"],
)
def test_the_link_stands_in_the_body_for_readers_that_run_scripts_too(markup: str) -> None:
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    body = parser.parse(with_link(markup, LINK), scripting=True).find("body")
    assert body is not None
    links = [child.find("tbody/tr/td/a") for child in body if child.tag == "table"]
    assert [each.get("href") for each in links if each is not None] == [LINK]


@pytest.mark.parametrize(
    ("markup", "named"),
    [
        ("<frameset><frame src=x></frameset>", "it is a document of frames"),
        ("<!-- a", "the comment that begins in line 1 is never closed"),
        (
            "<!doctype html>\r\n<!-- a -->\r\n<!-- <p>Hello</p>\n</body>",
            "the comment that begins in line 3 is never closed",
        ),
        ("<head><!-- x", "the comment that begins in line 1 is never closed"),
        ("<head><script><!--<script>", "its <script> is never closed"),
    ],
)
def test_what_has_no_place_for_a_link_is_refused_and_says_why(markup: str, named: str) -> None:
    with pytest.raises(TemplateError) as refused:
        with_link(markup, LINK)
    assert str(refused.value) == f"leaves no place where a link to unsubscribe is seen: {named}"


@pytest.mark.parametrize(
    "markup",
    [
        '<meta http-equiv="refresh" content="0;url=javascript:x()">a',
        "<head><META HTTP-EQUIV=' Refresh ' content='5'></head>a",
        "a<meta content='0; https://example.com' http-equiv=refresh>",
    ],
)
def test_an_email_that_leads_its_reader_elsewhere_by_itself_is_refused(markup: str) -> None:
    with pytest.raises(TemplateError, match="http-equiv refresh would lead the reader elsewhere"):
        with_link(markup, LINK)
    assert with_link(markup.replace("efresh", "efreshed"), LINK)


TAGS = (
    "a b i p div span table tr td ul li textarea title style script noscript font center "
    "h1 body html head form button iframe pre img hr nobr plaintext xmp"
)
MARKS = [
    "<!--",
    "-->",
    "--!>",
    "<![CDATA[",
    "]]>",
    "<!doctype html>",
    "</",
    "<",
    ">",
    "'",
    '"',
    "<a href='",
    '<p title="',
]
PIECES = st.one_of(
    st.sampled_from(TAGS.split()).map(lambda tag: f"<{tag}>"),
    st.sampled_from(TAGS.split()).map(lambda tag: f"</{tag}>"),
    st.sampled_from(
        [*MARKS, "\r\n", "&", "\0", "\u0130", "\ufb01", "<p hidden>", "<div style=display:none>", "text", " "]
    ),
    st.text(max_size=4),
)


@given(st.lists(PIECES, max_size=14).map("".join))
def test_the_link_is_seen_in_whatever_has_a_place_for_it(markup: str) -> None:
    try:
        composed = with_link(markup, LINK)
    except TemplateError:
        return
    assert is_seen(markup, composed)


HOSTILE = [
    "<div>" * 20_000,
    "<b>" * 30_000,
    "".join(f"<b a{index}>" for index in range(10_000)) + "<p>x" * 10_000,
    "<table><td>" * 10_000,
    "<b>" + "<div>" * 10_000 + "</b>" * 10_000,
    "<ul><li>" * 12_000,
    "<!--" * 25_000,
    "<" * 100_000,
    "<a " + "x='" * 30_000,
    "<a " + "".join(f"a{index}=1 " for index in range(15_000)) + ">",
    "<p style='" + ";" * 99_000 + "'>",
    f"<style>{'a{' * 40_000}</style><a href={LINK}>x",
    f"<style>{'a b c d e f g h{color:red}' * 3_000}</style>{'<div>' * 90}<a href={LINK}>x",
    f"<style>{'/*' * 50_000}</style><a href={LINK}>x",
    f"<a href={LINK}>x</a>" * 2_000,
    f"<a href={LINK}><table><tr><td>x" * 1_500,
    f"<p style='{'display ' * 12_000}'><a href={LINK}>x",
    "</body>" * 14_000,
    "<frameset>" * 10_000,
    "<blockquote>x" * 7_000,
    " " * 100_000 + "x",
]


@pytest.mark.parametrize("markup", HOSTILE, ids=range(len(HOSTILE)))
def test_markup_made_to_keep_parsers_busy_is_read_a_few_times_and_not_again(
    markup: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    library: Any = vars(markup_of_mails)["turbohtml"]
    parse: Callable[..., Document] = library.parse

    def counted(given: str, **options: Any) -> Document:
        read.append(len(given))
        return parse(given, **options)

    monkeypatch.setattr(library, "parse", counted)
    try:
        composed = with_link(markup, LINK)
    except TemplateError:
        composed = markup
    text_of(composed, LINK)
    assert len(read) <= 160
    assert max(read) <= 3 * len(markup) + 2_000


@pytest.mark.parametrize(
    "body",
    [
        "<body hidden>",
        "<body style='display:none'>",
        "<style>body{display:none}</style>",
        "<style>html{opacity:0}</style>",
        "<body style='overflow:hidden;height:1px'>",
        "<body style='margin-left:-9999px'>",
    ],
)
def test_a_body_that_is_hidden_is_refused(body: str) -> None:
    with pytest.raises(TemplateError, match="hides its body"):
        with_link(f"{body}<p>Hello", LINK)


@pytest.mark.parametrize("style", ["height:100%", "width:600px;margin:0 auto", "max-width:100vw", "margin:-10px 0"])
def test_a_body_with_a_size_of_its_own_is_not_hidden(style: str) -> None:
    assert OURS.search(with_link(f"<body style='{style}'><p>Hello", LINK))


def test_a_document_is_compared_with_few_colours_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[float] = []
    power = math.pow

    def counted(base: float, exponent: float) -> float:
        looked_at.append(base)
        return power(base, exponent)

    monkeypatch.setattr(math, "pow", counted)
    colours = "".join(f"color:#0000{index:02x};background:#ffff{index:02x};" for index in range(200))
    for sheet in (f"a{{{colours}}}", "a{color:#000001}" * 900, "a{}" * 200 + f"a{{{'color:#000001;' * 900}}}"):
        assert OURS.search(with_link(f"<style>{sheet}</style><a href='{LINK}'>x</a>", LINK))
    assert len(looked_at) <= 20 * 20 * 6


GREY_CELL = "color:#999; font-size:12px; padding:10px 25px"
OF_OTHERS = ".hide{display:none} @media (max-width:9px){.hide,.other td{display:none!important} p{margin:0 0 10px}}"
OF_LINKS = "a{color:#1188cc} a:hover{color:#004488;text-decoration:none}"
SEEN = [
    '<a href="{}">stop</a>',
    "<p>Don't want these? <a href='{}'><b>stop</b></a></p>",
    '<body bgcolor="#000"><a href="{}" style="color:#fff">stop</a>',
    f'<table bgcolor="#f4f4f4"><tr><td style="{GREY_CELL}"><a href="{{}}" style="color:#999999">x</a>',
    # As MJML writes it: no size around, one inside.
    '<td style="font-size:0px"><div style="font-size:13px;line-height:1"><a href="{}">x</a></div>',
    f'<style>{OF_OTHERS}</style><p class="shown"><a href="{{}}">x</a>',
    f'<style>{OF_LINKS}</style><a href="{{}}">x</a>',
    '<div style="width:100%;max-width:600px;margin:0 auto;border:1px solid #112233"><a href="{}">x</a></div>',
    "<head><!--[if !mso]><!--><meta name=x><!--<![endif]--><!--[if mso]><x><![endif]--></head><a href='{}'>x</a>",
    '<div hidden>x</div><!-- a comment --><a href=" {} ">x</a>',
]


@pytest.mark.parametrize("markup", SEEN)
def test_a_link_that_is_seen_is_enough(markup: str) -> None:
    written = markup.replace("{}", LINK)
    assert with_link(written, LINK) == written


STYLES_THAT_HIDE = (
    r"""
display:none|DISPLAY : none|display:none!important|visibility:hidden|visibility:collapse|opacity:0|opacity:.1
font-size:0|font-size:1px|font-size:0.01em|font:0/0 a|color:#fff|color:white|color:#fefefe|color:rgb(255,255,255)
color:transparent|color:rgba(0,0,0,0)|color:hsl(0,0%,100%)|color:var(--x)|position:absolute;left:-9999px|margin-left:-9999px
margin-left:9999px|padding-left:500%|text-indent:-999em|overflow:hidden;height:0|max-height:0|width:0|clip:rect(0,0,0,0)
clip-path:inset(50%)|transform:scale(0)|filter:opacity(0)|mso-hide:all|content-visibility:hidden|background:url(x.png)
-webkit-text-fill-color:#fff|dis\70lay:none|display/**/:none|line-height:0|all:unset|border-left:9999px solid
animation:x 1s|zoom:0|background:#0000ee|letter-spacing:-1em|vertical-align:-9999px|mix-blend-mode:screen
text-decoration:var(--x)
""".strip()
    .replace("\n", "|")
    .split("|")
)
FRAMES = (
    '<a href="{}" style="STYLE">x</a>',
    '<p><a href="{}"><span style="STYLE">x</span></a></p>',
    '<style>@media all { .x { STYLE } }</style><p class="x"><a class=x href="{}">x</a></p>',
    '<style>a:not(.y){STYLE}</style><a href="{}">x</a>',
    '<style>p{color:red;& a{STYLE}}</style><p><a href="{}">x</a>',
)
HIDING_TAGS = "template select textarea title details dialog svg iframe object video button xmp marquee x-y"
HIDDEN = [
    *(frame.replace("STYLE", style) for frame in FRAMES for style in STYLES_THAT_HIDE),
    *(f"<{tag}><a href='{{}}'>x</a></{tag}>" for tag in HIDING_TAGS.split()),
    "<!-- <a href='{}'>x</a> -->",
    "<!--[if mso]><a href='{}'>x</a><![endif]-->",
    "<!--[if !mso]><!--><a href='{}'>x</a><!--<![endif]-->",
    "<head><!--[if !mso]><!--></head><a href='{}'>x</a>",
    "<noscript><p><a href='{}'>x</a>",
    "<div hidden><a href='{}'>x</a></div>",
    "<a hidden href='{}'>x</a>",
    "<div popover><a href='{}'>x</a></div>",
    "<p title='<a href={}>x</a>'>y</p>",
    "<style><a href='{}'>x</a></style>y",
    "<a href='{}'></a>y",
    "<a href='{}'>&nbsp;&zwj;.</a>y",
    "<a href='{}'><img src=x></a>y",
    "<a href='{}'><img src=x alt=Unsubscribe></a>y",
    "<a href='{}#x'>x</a>",
    "<a href='http://example.com/?{}'>x</a>",
    "<a name='{}'>x</a>",
    "{}",
    "<body link=white><a href='{}'>x</a>",
    "<body bgcolor=white><font color=white><a href='{}' style='color:inherit'>x</a>",
    "<table><td background=x.png><a href='{}'>x</a>",
    "<style>a:hover{background:#000}</style><a style='color:#fff' href='{}'>x</a>",
    "<style>@media print{a{font-size:20px}}</style><a style='font-size:1px' href='{}'>x</a>",
    "<link rel='alternate StyleSheet' href=x><a href='{}'>x</a>",
    "<style>@import url(x);</style><a href='{}'>x</a>",
    "<style>a{color:red</style><a href='{}'>x</a>",
    "<style>.x::before{content:'}'} a{display:none}</style><a href='{}'>x</a>",
    "<style>.x{} [href]{display:none}</style><a href='{}'>x</a>",
    "<style>a:visited{display:none}</style><a href='{}'>x</a>",
    "<style>.x:checked ~ a{color:#fff}</style><a href='{}'>x</a>",
    "<style>a{b{} display:none}</style><a href='{}'>x</a>",
    "<style>@media x{@supports (y){a{display:none}}}</style><a href='{}'>x</a>",
    "<style>.a\\:b,a{display:none}</style><a href='{}'>x</a>",
    "<div style='font-size:0'><span style='font-size:2em'><a href='{}'>x</a>",
    "<div>" * 120 + "<a href='{}'>x</a>",
    "<a href='{}'>\u3164</a>y",
    "<a href='{}'>x</a><p style='margin-top:-300px;height:900px;background:#fff'>y</p>",
    "<a href='{}'>x</a><p style='position:relative;top:-90px;background:#fff'>y</p>",
    "<style>.y{transform:translateY(-90px)}</style><a href='{}'>x</a><p class=y>y</p>",
    "<style>@media (prefers-color-scheme:dark){a{color:#000}}</style><a href='{}'>x</a>",
    "<style>@font-face{font-family:blank;src:url(y)} a{font-family:blank}</style><a href='{}'>x</a>",
]  # fmt: skip


@pytest.mark.parametrize("markup", HIDDEN)
def test_a_link_that_may_not_be_seen_does_not_count(markup: str) -> None:
    composed = with_link(markup.replace("{}", LINK), LINK)
    assert composed != markup.replace("{}", LINK)
    assert OURS.search(composed)


def test_the_table_wins_over_the_style_sheet() -> None:
    composed = with_link("<style>body *{display:none!important}</style>x", LINK)
    (table,) = re.findall(r"<table style=.*</table>", composed)
    styles = re.findall(r'style="([^"]*)"', table)
    assert len(styles) == 5
    assert all(each.endswith("!important") for style in styles for each in style.split(";"))


TEXTS = [
    ("<p>Hello &amp; welcome,<br>Ada</p><p>second\n  line</p>", "Hello & welcome,\nAda\n\nsecond line"),
    ('<a href="https://e.com/a?b=1&amp;c=2">Shop now</a>.', "Shop now (https://e.com/a?b=1&c=2)."),
    ('<a href="https://e.com/">https://e.com</a> <a href="mailto:a@e.com">a@e.com</a>', "https://e.com a@e.com"),
    ('<a href="https://e.com"><img src=x alt="Our shop"></a>', "Our shop (https://e.com)"),
    ('<a href="https://e.com/2"><img src=y></a>', "https://e.com/2"),
    ('<a href="javascript:x">a</a> <a href="#b">b</a> <a>c</a>', "a b c"),
    ("<ul><li>one</li><li>two<ul><li>deep</li></ul></li></ul>", "- one\n- two\n  - deep"),
    ("<ol start=9><li>one<br>more<li>two</ol>", "9. one\n   more\n10. two"),
    ("<table><tr><th>Item<th>Price<tr><td>Shoes<td>10&nbsp;€</table>", "Item | Price\nShoes | 10 €"),
    ("<table><tr><td><p>left</p><td><table><tr><td>a<td>b</table></table>", "left\n\na | b"),
    ("<h1>Title</h1>text<hr>end", "Title\n\ntext\n\n--------------------\n\nend"),
    ("<blockquote>said<br>so</blockquote>I", "> said\n> so\n\nI"),
    ("<pre>a\n  b</pre>c", "a\n  b\n\nc"),
    ("a<img src=x alt=' '><img src=y alt='b  c'>d", "a b c d"),
    ("<title>no</title><style>no</style><script>no</script>yes<template>no</template><textarea>no</textarea>", "yes"),
    ("<div style='color:red; DISPLAY : none'>no</div><p hidden>no</p>yes<!-- no -->", "yes"),
    ("<div style='--x:display;none:1'>yes</div>", "yes"),
    ("a<span> b</span>c<b>d</b> e", "a bcd e"),
    ("<svg><text>no</text></svg>yes", "yes"),
    ("<p>\u0645\u06cc\u200c\u062e \u0130</p>", "\u0645\u06cc\u200c\u062e \u0130"),
    ("", ""),
]  # fmt: skip


# As templates hide the line that lists of emails show beside the subject: NO must not be in the text.
OF_MJML = (
    "display:none;font-size:1px;color:#ffffff;line-height:1px;max-height:0px;max-width:0px;opacity:0;overflow:hidden"
)
PREHEADERS = [
    f"<div style='{OF_MJML}'>NO</div>yes",
    "<div style='max-height:0;overflow:hidden;mso-hide:all' aria-hidden=true>NO</div>yes",
    "<style>.pre { display: none !important; mso-hide: all }</style><span class=pre>NO</span>yes",
    "<style><!-- body .pre{visibility:hidden;opacity:0} --></style><div class='x pre'>NO</div>yes",
    "<style>@font-face{src:url(b)} @media (width:1px){p{color:red}} .pre{display:none}</style><p class=pre>NO</p>yes",
    "<style>.pre{display:none!important}</style><p class=pre style='display:block'>NO</p>yes",
    "<style>#pre{display:none} p.pre{display:block}</style><p class=pre id=pre>NO</p>yes",
    "<div style='opacity:0'><p style='opacity:1'>NO</p></div>yes",
    "<div style='opacity:0.0;height:0'>NO</div>yes",
    "<span style='font-size:0'>NO</span>yes",
    "<span style='font-size:20px;font:0/0 a'>NO</span>yes",
    "<div style='background-color:#000;background:#fff;color:white'>NO</div>yes",
    "<div style='font-size:0'><p style='font-size:2em'>NO</p></div>yes",
    "<div style='height:0;overflow:hidden'>NO</div>yes",
    "<div style='width:0px;overflow-x:hidden;max-height:0.0em'>NO</div>yes",
    "<span style='display:block;overflow:hidden;max-width:0'>NO</span>yes",
    "<span style='color:transparent'>NO</span>yes",
    "<span style='color:rgba(255, 255, 255, 0)'>NO</span>yes",
    "<div style='color:#fefefe'>NO</div>yes",
    "<font color=white>NO</font>yes",
    "<body bgcolor='#FBF7F1'><div style='color:#FBF7F1'>NO</div>yes",
    "<body style='background:#222;color:#eee'><p style='color:#222222'>NO</p>yes",
    "<style>td{background-color:#123456}</style><table><td style='color:rgb(18,52,86)'>NO</td><td>yes</table>",
    "<div style='visibility:hidden'>NO<b style='visibility:visible'>yes</b></div>",
    "<a href='https://e.com/NO' style='display:none'>NO</a><a href='https://e.com/NO' style='font-size:0'>x</a>yes",
    "<div hidden><img alt=NO src=x></div><p style='visibility:hidden'><img alt=NO src=x></p>yes",
    "<ul style='display:none'><li>NO</ul>yes",
]
# What looks like it and is seen.
NOT_HIDDEN = [
    # A button that Outlook draws by itself, and all others read here.
    "<!--[if mso]><v:rect>no</v:rect><![endif]--><a href='mailto:yes' style='mso-hide:all'>yes</a>",
    "<td style='font-size:0px'><div style='font-size:13px'>yes</div>",
    "<table><td style='font-size:0'><img src=x alt='yes'></table>",
    "<style>.t{font-size:14px}</style><div style='font-size:0'><p class=t>yes</p></div>",
    "<div style='font-size:0'><p style='font-size:medium'>yes</p></div>",
    "<style>.wide{display:block} @media (max-width:9px){.wide{display:none}}</style><p class=wide>yes</p>",
    "<style>.pre{display:none}</style><p class=pre style='display:block'>yes</p>",
    "<style>.pre{display:none} p.pre{display:block}</style><p class=pre>yes</p>",
    "<style>p:hover{display:none} a:active b{opacity:0}</style><p>yes</p>",
    "<div style='opacity:.6'>yes</div>",
    "<div style='max-height:0'>yes</div>",
    "<span style='height:0;overflow:hidden'>yes</span>",
    "<table><td style='height:0;overflow:hidden'>yes</table>",
    "<div style='overflow:hidden;max-height:none;width:100%'>yes</div>",
    "<table bgcolor=black><td style='color:#fff'>yes</table>",
    "<table><td background=x.png style='color:#fff'>yes</table>",
    "<div style='background:#fff url(x.png);color:#fff'>yes</div>",
    "<div style='background-image:linear-gradient(red,blue);color:white'>yes</div>",
    "<div style='background:none;background-color:#000;color:white'>yes</div>",
    "<style>.dark{background:#000}</style><div class=dark><a href='mailto:yes' style='color:#fff'>yes</a></div>",
    "<style>tr:nth-child(1) td{background:navy}</style><table><tr><td style='color:#fff'>yes</table>",
    "<body bgcolor='#0000ee'><a href='mailto:yes' style='color:inherit'>yes</a>",
    "<p style='visibility:hidden'><b style='visibility:visible'>yes</b></p>",
    "<!--[if !mso]><!--><p>yes</p><!--<![endif]-->",
    "<div style='color:#fff'><a href='mailto:yes'>yes</a></div>",
    "<div style='background-color:#fff;background-image:url(x.png);color:#fff'>yes</div>",
]


# What nobody can tell from the email alone.
PERHAPS_SEEN = [
    "<style>@import url(x);</style><p style='color:#fff'>yes</p>",
    "<style>p::selection{background:#000}</style><p style='color:#fff'>yes</p>",
    "<style>p{color:#fff</style><p style='color:#fff'>yes</p>",
    "<link rel=stylesheet href=x><p style='color:#fff'>yes</p>",
    "<img src=x><p style='margin-top:-90px;color:#fff'>yes</p>",
    "<div style='color:var(--x);background:var(--y)'>yes</div>",
]


@pytest.mark.parametrize("markup", PREHEADERS)
def test_what_a_reader_does_not_see_is_not_in_the_text(markup: str) -> None:
    assert text_of(markup, LINK) == f"yes\n\nUnsubscribe: {LINK}"


@pytest.mark.parametrize("markup", [*NOT_HIDDEN, *PERHAPS_SEEN])
def test_what_a_reader_sees_is_in_the_text(markup: str) -> None:
    assert text_of(markup, LINK) == f"yes\n\nUnsubscribe: {LINK}"


def test_a_link_that_is_hidden_is_told_at_the_end_of_the_text() -> None:
    hidden = f"<p>x</p><div style='display:none'><a href='{LINK}'>stop</a></div>"
    assert text_of(hidden, LINK) == f"x\n\nUnsubscribe: {LINK}"


@pytest.mark.parametrize(
    "markup",
    [
        f"<style>{'.b .a .a .a{color:red}' * 3_000}</style>{'<div class=a>' * 200}{'<p class=a>x' * 3_000}",
        f"<style>{'.b .a .a .a{color:red}' * 5}</style>{'<div class=a>' * 5_000}",
        f"<style>{'*{color:red}' * 2_000}</style>{'<p>x' * 10_000}",
    ],
)
def test_style_sheets_that_ask_for_too_much_are_not_asked(markup: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        "api_segments.campaigns.content.visibility.selected", lambda _, selector: asked.append(selector)
    )
    text_of(markup, LINK)
    assert asked == []


@pytest.mark.parametrize(("markup", "text"), TEXTS)
def test_a_text_is_made_of_markup(markup: str, text: str) -> None:
    assert text_of(markup, LINK) == f"{text}\n\nUnsubscribe: {LINK}".lstrip()


def test_the_text_has_the_link_once() -> None:
    assert text_of(with_link("<p>x</p>", LINK), LINK) == f"x\n\nUnsubscribe ({LINK})"
    assert text_with_link(f"x {LINK}\ny", LINK) == f"x {LINK}\ny"
    assert text_with_link(f"x {LINK}y", LINK) == f"x {LINK}y\n\nUnsubscribe: {LINK}"
    assert text_with_link("x\n\n\n", LINK) == f"x\n\nUnsubscribe: {LINK}"


@given(st.lists(PIECES, max_size=14).map("".join))
def test_any_markup_has_a_text(markup: str) -> None:
    assert LINK in text_of(markup, LINK)
