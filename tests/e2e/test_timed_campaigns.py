"""A campaign at its time, by the Scheduler: begun with the others, looked at after the tests between."""

from datetime import datetime
from typing import Any

from tests.e2e.campaigning import Shop, Started
from tests.support.waiting import wait_until


def test_a_campaign_starts_at_its_time(shop: Shop, started: Started) -> None:
    listed = shop.post("/1/targets/list.json", {})["targets"]
    (entry,) = (target for target in listed if target["id"] == started.scheduled)
    assert entry["scheduled_on"] == int(f"{started.scheduled_at:%Y%m%d%H%M}")
    wait_until(lambda: shop.result(started.scheduled)["status"] == "completed", "the scheduled campaign")
    result = shop.result(started.scheduled)
    assert datetime.fromisoformat(result["started_at"]) >= started.scheduled_at
    assert result["sent"] == 2
    assert {shop.profile(entry["identity"])["identity"] for entry in sent_log(shop, started.scheduled)} == {
        "ada",
        "excluded",
    }


def sent_log(shop: Shop, campaign: int) -> list[Any]:
    log = shop.post("/1/targets/log.json", {"id": campaign})["log"]
    return [entry for entry in log if entry["status"] == "sent"]
