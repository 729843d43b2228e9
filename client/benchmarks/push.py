"""What a push costs its own process: `python client/benchmarks/push.py` adds 20,000 users to a segment in both ways.

Once by the client, once by the script that one would write without it: a hundred users a request, one after the other,
nothing sent again. Each is a process of its own. The API is the one of API_SEGMENTS_URL, API_SEGMENTS_ACCOUNT and
API_SEGMENTS_PASSCODE, with a segment BENCH-CLIENT and a segment BENCH-SCRIPT; without them a server on the loopback
that answers at once, so that only the client's part is measured.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

USERS = [f"user-{number}" for number in range(20_000)]
SIDES = ("client", "script")


def by_client(segment: str) -> int:
    """Push by the client; return how many requests it took."""
    from api_segments_client import Client  # noqa: PLC0415 - its import is part of what is measured

    with Client.from_environment() as client:
        return client.members.push(segment, add=USERS).requests


def by_script(segment: str) -> int:
    """Push by a plain loop; return how many requests it took."""
    import httpx  # noqa: PLC0415 - as above

    headers = {
        "X-CleverTap-Account-Id": os.environ["API_SEGMENTS_ACCOUNT"],
        "X-CleverTap-Passcode": os.environ["API_SEGMENTS_PASSCODE"],
    }
    requests = 0
    with httpx.Client(headers=headers, timeout=35, trust_env=False) as http:
        for begin in range(0, len(USERS), 100):
            users = [{"identity": user} for user in USERS[begin : begin + 100]]
            group = {"user_profiles": users, "segments": [{"customer_segment_id": segment, "action": "ADD"}]}
            answer = http.post(f"{os.environ['API_SEGMENTS_URL']}/api/updateSegment", json={"bulk_profiles": [group]})
            answer.raise_for_status()
            requests += 1
    return requests


def measure(side: str) -> None:
    """Push in this process and print its figures as JSON."""
    began = time.monotonic()
    requests = {"client": by_client, "script": by_script}[side](f"BENCH-{side.upper()}")
    seconds, cpu = time.monotonic() - began, time.process_time()
    print(json.dumps({"requests": requests, "cpu": round(cpu, 2), "seconds": round(seconds, 2)}))


def main() -> None:
    """Measure both sides, each in a process of its own, and print a line for each."""
    root = Path(__file__).resolve().parents[2]
    sys.path.insert(0, str(root))
    from client.tests.server import Api, serving  # noqa: PLC0415 - found by the line before

    with serving(Api()) as url:
        loopback = {"API_SEGMENTS_URL": url, "API_SEGMENTS_ACCOUNT": "A", "API_SEGMENTS_PASSCODE": "P"}
        for side in SIDES:
            command = [sys.executable, __file__, side]
            done = subprocess.run(command, env={**loopback, **os.environ}, check=True, capture_output=True, text=True)  # noqa: S603 - this file
            print(f"{side}: {done.stdout.strip()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("side", nargs="?", choices=SIDES, help="push in this process; without it, both in turn")
    side = parser.parse_args().side
    main() if side is None else measure(side)
