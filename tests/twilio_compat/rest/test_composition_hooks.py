from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException

from acs_core.core import endings
from tests.support.events import until
from tests.support.recorded_calls import RecordedCalls
from tests.twilio_compat.rest.conftest import Rest
from twilio_compat.server import embedded

GRID = {"grid": {"video_sources": ["*"]}}


async def test_a_hook_composes_each_recorded_room_that_ends(rest: Rest, tmp_path: Path) -> None:
    recorded = RecordedCalls(tmp_path)
    rest.server.compositions.recordings = recorded
    hooks, compositions = rest.client.video.v1.composition_hooks, rest.client.video.v1.compositions
    hook = await rest.call(
        lambda: hooks.create(friendly_name="all", audio_sources=["*"], format="mp4", trim=False)
    )
    await rest.call(lambda: hooks.create(friendly_name="off", audio_sources=["*"], enabled=False))
    told: list[str] = []
    rest.server.compositions.observe(lambda event, item: told.append(f"{event} {item.hook_name}"))
    for name in ("recorded", "not recorded"):
        _, room = await rest.post("/v1/Rooms", {"UniqueName": name})
        if name == "recorded":
            recorded.is_settled.clear()
            recorded.tone(room["sid"][2:], 440, 0.2)
            wanted = room["sid"]
        await rest.post(f"/v1/Rooms/{room['sid']}", {"Status": "completed"})
    recorded.is_settled.set()
    await until(lambda: told[:1] == ["composition-enqueued all"])
    (made,) = await rest.call(compositions.list)
    assert (made.room_sid, made.format, made.trim) == (wanted, "mp4", False)
    assert made.sid != hook.sid
    await rest.call(lambda: compositions(made.sid).delete())


async def test_a_room_that_goes_on_after_a_restart_is_composed_when_it_is_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    options = {"data_dir": tmp_path / "data"}
    recorded = RecordedCalls(tmp_path)
    path = "/v1/Compositions"
    async with aiohttp.ClientSession() as http:
        async with embedded(options=options) as server:
            rest = Rest(server, http)
            server.compositions.recordings = recorded
            await rest.post("/v1/CompositionHooks", {"FriendlyName": "all", "AudioSources": "*"})
            _, room = await rest.post("/v1/Rooms", {"UniqueName": "daily"})
            recorded.tone(room["sid"][2:], 440, 0.2)
            # Its recordings are completed when the service stops.
            server.calls.end_all(endings.SERVICE_STOPPED)
            server.compositions.recording_completed(room["sid"][2:])
        async with embedded(options=options) as server:
            rest = Rest(server, http)
            server.compositions.recordings = recorded
            assert (await rest.get(path))[1]["compositions"] == []
            await rest.post("/v1/Rooms/daily", {"Status": "completed"})
            told: list[str] = []
            server.compositions.observe(lambda event, _: told.append(event))
            await until(lambda: "composition-enqueued" in told)
            assert [item["room_sid"] for item in (await rest.get(path))[1]["compositions"]] == [
                room["sid"]
            ]


async def test_hooks_are_made_listed_changed_and_deleted(rest: Rest) -> None:
    hooks = rest.client.video.v1.composition_hooks
    made = await rest.call(
        lambda: hooks.create(
            friendly_name="first",
            video_layout=GRID,
            resolution="320x240",
            status_callback="https://example.com/",
            status_callback_method="GET",
        )
    )
    assert (made.enabled, made.trim, made.format, made.date_updated) == (True, True, "webm", None)
    assert (made.resolution, made.status_callback_method) == ("320x240", "GET")
    assert made.video_layout["grid"]["video_sources"] == ["*"]
    assert made.url == f"{rest.server.url}/v1/CompositionHooks/{made.sid}"
    await rest.call(lambda: hooks.create("second", audio_sources=["*"], enabled=False))
    assert [hook.friendly_name for hook in await rest.call(lambda: hooks.list(page_size=1))] == [
        "second",
        "first",
    ]
    assert [hook.sid for hook in await rest.call(lambda: hooks.list(enabled=True))] == [made.sid]
    named = await rest.call(lambda: hooks.list(friendly_name="fir*"))
    assert [hook.sid for hook in named] == [made.sid]
    changed = await rest.call(
        lambda: hooks(made.sid).update("third", audio_sources=["mic*"], enabled=False)
    )
    assert (changed.sid, changed.friendly_name, changed.enabled) == (made.sid, "third", False)
    # What is not said again has its default.
    assert (changed.video_layout, changed.resolution) == ({}, "640x480")
    assert changed.date_updated is not None
    assert await rest.call(lambda: hooks(made.sid).delete())
    with pytest.raises(TwilioRestException) as caught:
        await rest.call(lambda: hooks(made.sid).fetch())
    assert (caught.value.status, caught.value.code) == (404, 20404)


async def test_wrong_hooks_are_refused(rest: Rest) -> None:
    path = "/v1/CompositionHooks"
    right = {"FriendlyName": "all", "AudioSources": "*"}
    status, made = await rest.post(path, right)
    assert status == 201
    for wrong in (
        right,
        {"AudioSources": "*"},
        {"FriendlyName": "x" * 101, "AudioSources": "*"},
        {"FriendlyName": "other"},
        {"FriendlyName": "other", "AudioSources": "*", "Enabled": "maybe"},
    ):
        status, refusal = await rest.post(path, wrong)
        assert (status, refusal["code"]) == (400, 20001)
    _, other = await rest.post(path, {"FriendlyName": "other", "AudioSources": "*"})
    assert (await rest.post(f"{path}/{other['sid']}", right))[0] == 400
    assert (await rest.post(f"{path}/{made['sid']}", right))[0] == 200
    assert (await rest.get(f"{path}?Enabled=x"))[0] == 400
    assert (await rest.get(f"{path}/HK1"))[0] == 404
