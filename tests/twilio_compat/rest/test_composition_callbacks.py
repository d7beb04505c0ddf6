from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.schema import DropTable

from acs_core.service.store.compositions import COMPOSITIONS
from acs_core.service.webhooks.guard import TargetGuard
from tests.support.events import until
from tests.support.recorded_calls import RecordedCalls
from tests.support.webhook_sink import webhook_sink
from tests.twilio_compat.rest.conftest import Rest


async def test_who_ordered_a_composition_hears_of_it(rest: Rest, tmp_path: Path) -> None:
    recorded = RecordedCalls(tmp_path)
    rest.server.compositions.recordings = recorded
    _, room = await rest.post("/v1/Rooms", {"UniqueName": "daily"})
    await rest.post("/v1/Rooms/daily", {"Status": "completed"})
    recorded.tone(room["sid"][2:], 440, 0.2)
    async with webhook_sink() as sink:
        order = {"AudioSources": "*", "Format": "mp4", "StatusCallback": sink.url}
        _, made = await rest.post("/v1/Compositions", {"RoomSid": room["sid"], **order})
        await until(lambda: any(item.event.endswith("available") for item in sink.got), deadline=40)
        events = [item.event.removeprefix("composition-") for item in sink.got]
        assert (events[0], events[-1]) == ("started", "available")
        last = sink.got[-1].form
        assert (last["CompositionSid"], last["RoomSid"]) == (made["sid"], room["sid"])
        _, done = await rest.get(f"/v1/Compositions/{made['sid']}")
        assert last["Size"] == str(done["size"])
        # Nothing was recorded in this one.
        _, room = await rest.post("/v1/Rooms", {"UniqueName": "daily"})
        await rest.post("/v1/Rooms/daily", {"Status": "completed"})
        await rest.post("/v1/Compositions", {"RoomSid": room["sid"], **order})
        await until(lambda: sink.got[-1].event.endswith("failed"), deadline=40)
        assert "nothing to render" in sink.got[-1].form["ErrorMessage"]


@pytest.mark.parametrize("url", ["http://[::", "https://example.com/a b", "https://10.0.0.1/"])
async def test_a_callback_that_must_not_be_called_is_refused(rest: Rest, url: str) -> None:
    rest.server.webhooks.guard = TargetGuard()
    wrong = {"FriendlyName": "all", "AudioSources": "*", "StatusCallback": url}
    for path in ("/v1/Compositions", "/v1/CompositionHooks", "/v1/Rooms"):
        status, refusal = await rest.post(path, {"RoomSid": "RM" + "0" * 32, **wrong})
        assert (status, refusal["code"]) == (400, 53111)


async def test_who_made_a_hook_hears_that_it_failed(rest: Rest, tmp_path: Path) -> None:
    recorded = RecordedCalls(tmp_path)
    rest.server.compositions.recordings = recorded
    async with webhook_sink() as sink:
        order = {"AudioSources": "*", "StatusCallback": sink.url}
        _, hook = await rest.post("/v1/CompositionHooks", {"FriendlyName": "all", **order})
        _, room = await rest.post("/v1/Rooms", {"UniqueName": "daily"})
        recorded.tone(room["sid"][2:], 440, 0.2)
        rest.server.database.write(DropTable(COMPOSITIONS))
        await rest.post("/v1/Rooms/daily", {"Status": "completed"})
        (got,) = await sink.count(1)
        assert got.event == "composition-hook-failed"
        expected = {
            "RoomSid": room["sid"],
            "HookSid": hook["sid"],
            "HookFriendlyName": "all",
            "FailedOperation": "CompositionEnqueue",
        }
        assert got.form.items() >= expected.items()
        assert "database" in got.form["ErrorMessage"]
        assert "CompositionSid" not in got.form
