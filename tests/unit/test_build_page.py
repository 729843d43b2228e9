"""The page's files, joined to one script and one sheet of styles: all of them, in order, in rooms that look one way."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from functions.dashboard.build_page import ENTRY, PAGE, ROOMS, BuildError, join, join_modules
from tests.support.template import ROOT, resources

FUNCTION = ROOT / "functions" / "dashboard"
SOURCE = FUNCTION / "page"
MODULES = sorted(SOURCE.rglob("*.js"))
EXPORTED = re.compile(r"^export (?:async )?(?:function\*?|class|const|let) (\w+)", re.MULTILINE)
IMPORTED = re.compile(r'from "([^"]+)"')


def page_of(folder: Path, **modules: str) -> Path:
    (folder / PAGE).write_text("<p>VERSION</p>")
    for name, text in modules.items():
        path = folder / f"{name}.js".replace("__", "/")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder


def test_the_script_has_every_module_once_and_before_those_that_use_it() -> None:
    script = join(SOURCE).files["page.js"]
    scopes = re.findall(r"^const \$(\w+) = \(\(\) => \{$", script, re.MULTILINE)
    names = ["_".join(path.relative_to(SOURCE).with_suffix("").parts) for path in MODULES]
    assert sorted(scopes) == sorted(names)
    assert not re.findall(r"^(?:import|export)\b.*", script, re.MULTILINE)
    defined = {name: script.index(f"const ${name} = (") for name in scopes}
    used = [(match[1], match.start()) for match in re.finditer(r"\} = \$(\w+);", script)]
    assert len(used) > len(scopes)
    assert all(defined[name] < position for name, position in used)


def test_the_styles_have_every_sheet_those_of_the_kit_first() -> None:
    style = join(SOURCE).files["page.css"]
    sheets = sorted(SOURCE.rglob("*.css"), key=lambda path: (ROOMS.index(path.parent.name), path))
    assert style == "".join(path.read_text("utf-8") for path in sheets)


def test_every_file_is_in_a_room_but_for_the_page_and_its_entry() -> None:
    assert {path.name for path in SOURCE.iterdir()} == {PAGE, ENTRY, *ROOMS}
    assert all(path.is_file() for room in ROOMS for path in (SOURCE / room).iterdir())


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_from_its_own_room_and_those_before_it(path: Path) -> None:
    imported = {
        (path.parent / name).resolve().relative_to(SOURCE).parts[0] for name in IMPORTED.findall(path.read_text())
    }
    allowed = ROOMS if path.name == ENTRY else ROOMS[: ROOMS.index(path.parent.name) + 1]
    assert imported <= set(allowed)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_what_it_calls_of_others(path: Path) -> None:
    text = path.read_text("utf-8")
    elsewhere = {name for other in MODULES if other != path for name in EXPORTED.findall(other.read_text("utf-8"))}
    called = set(
        re.findall(r"(?<![\w.#])(\w+)\(", re.sub(r"//[^\n]*|/\*.*?\*/|\"[^\"\n]*\"", "", text, flags=re.DOTALL))
    )
    bound = set(re.findall(r"\w+", " ".join(re.findall(r"^import \{([^}]*)\}", text, re.MULTILINE))))
    own = set(
        re.findall(r"(?:function\*?|class|const|let) (\w+)|^  (?:async |static )?(\w+)\(.*\{$", text, re.MULTILINE)
    )
    assert called & elsewhere - bound - {name for pair in own for name in pair} == set()


def test_a_joined_module_does_what_the_modules_do(tmp_path: Path) -> None:
    page_of(
        tmp_path,
        app='import { two } from "./kit/two.js";\nimport {\n  one,\n} from "./kit/one.js";\nshow(one, two);',
        kit__one="export const one = 1;",
        kit__two='import { one } from "./one.js";\nexport function two() {}\nexport class Two {}',
    )
    assert [line for line in join_modules(tmp_path).splitlines() if line] == [
        "const $kit_one = (() => {",
        "const one = 1;",
        "return { one };",
        "})();",
        "const $kit_two = (() => {",
        "const { one } = $kit_one;",
        "function two() {}",
        "class Two {}",
        "return { two, Two };",
        "})();",
        "const $app = (() => {",
        "const { two } = $kit_two;",
        "const {",
        "  one,",
        "} = $kit_one;",
        "show(one, two);",
        "return {  };",
        "})();",
    ]


@pytest.mark.parametrize(
    ("modules", "reason"),
    [
        ({"app": 'import { a } from "./none.js";'}, "app.js imports .*none.js, which is not there"),
        (
            {"app": 'import { a } from "./kit/a.js";', "kit__a": 'import { b } from "../app.js";'},
            "modules import each other: app.js, a.js, app.js",
        ),
        (
            {"app": 'import { a, b } from "./kit/a.js";', "kit__a": "export const a = 1;"},
            "app.js imports b of ./kit/a.js, which does not export it",
        ),
        ({"app": "export default 1;"}, "app.js: .*: export default 1;"),
        ({"app": 'import * as a from "./a.js";'}, r"app.js: .*: import \* as a"),
    ],
    ids=["missing", "a circle", "a name", "an export", "an import"],
)
def test_what_can_not_be_joined_ends_the_build(tmp_path: Path, modules: dict[str, str], reason: str) -> None:
    with pytest.raises(BuildError, match=reason):
        join(page_of(tmp_path, **modules))


def test_any_change_of_a_file_is_another_version(tmp_path: Path) -> None:
    page = page_of(tmp_path, app="1")
    (page / "kit").mkdir()
    style = page / "kit" / "base.css"
    style.write_text("p {}")
    versions = {join(page).version}
    assert {join(page).version} == versions
    for path, text in (
        (page / "app.js", "2"),
        (style, "a {}"),
        (page / "kit" / "f.html", ""),
        (page / PAGE, "VERSION"),
    ):
        path.write_text(text)
        versions.add(join(page).version)
    assert len(versions) == 5


def test_sam_builds_the_function_with_its_makefile_and_all_that_it_reads(tmp_path: Path) -> None:
    assert resources("AWS::Serverless::Function")["DashboardFunction"]["CodeUri"] == "functions/dashboard"
    command = ["make", "--silent", "build-DashboardFunction", f"ARTIFACTS_DIR={tmp_path}", f"PYTHON={sys.executable}"]
    subprocess.run(command, cwd=FUNCTION, check=True)
    built = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    home = f"site/page/{join(SOURCE).version}"
    files = {f"{home}/page.js", f"{home}/page.css", f"{home}/mail.html", "site/index.html"}
    assert built == {"app.py", "docs/docs.css", "docs/docs.html", "docs/docs.js", *files}
