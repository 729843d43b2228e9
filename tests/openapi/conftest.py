"""The description as a file, as AWS serves it, and the programs that read it."""

import json
from pathlib import Path

import pytest

from api_segments.site.openapi import document
from tests.openapi import node

ADDRESS = "https://abc123.execute-api.eu-central-1.amazonaws.com/live"


@pytest.fixture(scope="session")
def description(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("openapi") / "openapi.json"
    path.write_text(json.dumps(document(ADDRESS)))
    return path


@pytest.fixture(scope="session")
def programs() -> Path:
    try:
        return node.installed()
    except node.NotHereError as missing:
        pytest.skip(str(missing))
