"""The page and its files: what may be kept by a browser, what is asked for again, what it may load."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

import pytest

from api_segments.aws import clients
from api_segments.aws.object_store import ObjectStore
from api_segments.http.security import FRAME_SECURITY, SECURITY
from api_segments.site.pages import FRAME, Served, Site, upload_origin
from functions.dashboard.build_page import build, join
from tests.support.template import ROOT, resources

PAGE = ROOT / "functions" / "dashboard" / "page"
UPLOADS = "https://bucket.s3.eu-central-1.amazonaws.com"


@pytest.fixture
def site() -> Site:
    return Site(*join(PAGE), UPLOADS)


def served(found: Served | None) -> Served:
    assert found is not None
    return found


def test_the_page_names_its_files_by_their_version(site: Site) -> None:
    page = site.page("/live/", None)
    assert (page.status, page.headers["Content-Type"]) == (HTTPStatus.OK, "text/html; charset=utf-8")
    named = re.findall(r'(?:src|href)="(page/[^"]+)"', page.body)
    assert named
    for address in named:
        _, version, name = address.split("/")
        assert version == site.version
        assert served(site.file(version, name, None)).status == HTTPStatus.OK


def test_the_page_loads_one_script_and_one_style(site: Site) -> None:
    """Each file that is asked for at once would be an invocation at once."""
    named = re.findall(r'"page/\w+/([^"]+)"', site.page("/live/", None).body)
    assert named == ["page.css", "page.js"]


def test_what_is_built_is_what_is_served(site: Site, tmp_path: Path) -> None:
    build(PAGE, tmp_path / "site")
    read = Site.read(tmp_path / "site", UPLOADS)
    assert read.version == site.version
    assert read.page("/live/", None) == site.page("/live/", None)
    for name in ("page.css", "page.js", FRAME):
        assert served(read.file(read.version, name, None)) == served(site.file(site.version, name, None))


def test_files_are_kept_for_ever_and_the_page_is_asked_for_again(site: Site) -> None:
    assert served(site.file(site.version, "page.js", None)).headers["Cache-Control"].endswith("immutable")
    assert site.page("/live/", None).headers["Cache-Control"] == "no-cache"


def test_a_file_of_another_version_is_not_kept(site: Site) -> None:
    other = served(site.file("0123456789abcdef", "page.js", None))
    assert (other.status, other.headers["Cache-Control"]) == (HTTPStatus.OK, "no-store")


@pytest.mark.parametrize("known", ['"{}"', 'W/"{}"', '"old", "{}"'])
def test_what_the_browser_still_holds_is_not_sent_again(site: Site, known: str) -> None:
    page = site.page("/live/", known.format(site.version))
    assert (page.status, page.body, page.headers["ETag"]) == (HTTPStatus.NOT_MODIFIED, "", f'"{site.version}"')
    assert site.page("/live/", '"old"').status == HTTPStatus.OK


def test_an_address_without_its_slash_is_sent_to_the_one_with_it(site: Site) -> None:
    assert site.page("/live", None).headers["Location"] == "live/"
    assert site.page("/shop/segments", None).headers["Location"] == "segments/"
    assert site.page("/live", None).status == HTTPStatus.PERMANENT_REDIRECT


@pytest.mark.parametrize("name", ["index.html", "none.js", "app.js", "kit/api.js", "..", "../app.py", "page.js/", ""])
def test_nothing_else_is_served(site: Site, name: str) -> None:
    assert site.file(site.version, name, None) is None


def policy_of(headers: Mapping[str, str]) -> dict[str, str]:
    return dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))


def test_the_policy_lets_nothing_in_from_elsewhere_and_makes_no_markup_of_text() -> None:
    policy = policy_of(SECURITY)
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["frame-src"] == "'self'"
    assert (policy["require-trusted-types-for"], policy["trusted-types"]) == ("'script'", "'none'")
    assert SECURITY["X-Content-Type-Options"] == "nosniff"
    assert SECURITY["Referrer-Policy"] == "no-referrer"
    assert SECURITY["Strict-Transport-Security"].startswith("max-age=")


def test_the_page_may_send_files_to_the_bucket_and_nothing_anywhere_else(site: Site) -> None:
    assert policy_of(site.page("/live/", None).headers) == {**policy_of(SECURITY), "connect-src": f"'self' {UPLOADS}"}


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1"])
def test_the_bucket_is_where_links_lead_on_aws(monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    """The template says the origin, and the SDK writes the links: in every region they are one."""
    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "DEFAULT_REGION": region}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    clients._session.cache_clear()  # noqa: SLF001 - it keeps the credentials of the first test that needs it
    link = ObjectStore(clients.s3_client.__wrapped__(), "stack-bucket").signed_put("key", None, 60)
    clients._session.cache_clear()  # noqa: SLF001 - as above
    said = resources("AWS::Serverless::Function")["DashboardFunction"]["Environment"]["Variables"]["UPLOAD_ORIGIN"][
        "Sub"
    ]
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    for name, value in {"ImportsBucket": "stack-bucket", "AWS::Region": region, "AWS::URLSuffix": suffix}.items():
        said = said.replace(f"${{{name}}}", value)
    assert link.startswith(f"{said}/key?")
    assert upload_origin(said, {}) == said


def test_an_emulator_is_where_links_lead_when_the_sdk_is_told_of_one() -> None:
    everywhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}
    assert upload_origin(UPLOADS, everywhere) == "http://127.0.0.1:4566"
    assert upload_origin(UPLOADS, {**everywhere, "AWS_ENDPOINT_URL_S3": "http://s3.test/x"}) == "http://s3.test"


def test_a_mail_is_shown_in_a_frame_that_runs_loads_and_sends_nothing(site: Site) -> None:
    frame = served(site.file(site.version, FRAME, None))
    assert {name: frame.headers[name] for name in FRAME_SECURITY} == FRAME_SECURITY
    assert policy_of(frame.headers) == {
        **dict.fromkeys(("default-src", "base-uri", "form-action"), "'none'"),
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "frame-ancestors": "'self'",
        "sandbox": "allow-same-origin",
    }
    assert "<script" not in frame.body


def test_markup_is_made_in_that_frame_alone() -> None:
    makers = [path.name for path in PAGE.rglob("*.js") if "setHTMLUnsafe" in path.read_text("utf-8")]
    assert makers == ["mail_frame.js"]


@pytest.mark.parametrize("path", sorted(PAGE.rglob("*.*")), ids=lambda path: str(path.relative_to(PAGE)))
def test_files_name_no_other_host_and_hold_no_script_or_style_in_markup(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|\son\w+=\"|\sstyle=\"", text)
