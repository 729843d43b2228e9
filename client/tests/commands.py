"""Calls the command line as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).with_name("api-segments")


Run = Callable[..., subprocess.CompletedProcess[str]]


def environment(home: Path, **given: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("API_SEGMENTS", "AWS_"))}
    return {
        **kept,
        "API_SEGMENTS_CONFIG": str(home / "sub" / "profiles.toml"),
        "API_SEGMENTS_PATIENCE": "20",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
        **given,
    }


def account(url: str, account_id: str = "ACC-1", passcode: str = "secret-passcode") -> dict[str, str]:
    return {"API_SEGMENTS_URL": url, "API_SEGMENTS_ACCOUNT": account_id, "API_SEGMENTS_PASSCODE": passcode}


def called(
    home: Path, env: Mapping[str, str], *arguments: str, stdin: bytes = b"", code: int = 0
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [COMMAND, *arguments], input=stdin, capture_output=True, env=environment(home, **env), cwd=home, check=False
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == code, (arguments, done.returncode, out, err)
    assert "Traceback" not in err
    assert env.get("API_SEGMENTS_PASSCODE", "no passcode") not in out + err
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def objects(done: subprocess.CompletedProcess[str]) -> list[Any]:
    return [json.loads(line) for line in done.stdout.splitlines()]
