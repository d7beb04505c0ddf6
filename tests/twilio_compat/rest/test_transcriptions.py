"""The transcriptions of rooms, with the unmodified helper library."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException

from acs_core import wire
from acs_core.core.facts import PublicationKind
from acs_core.service.endpoints import EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.transcription import Transcript, Transcription
from tests.support.events import until
from tests.support.fake_transcriber import ScriptedTranscriber
from tests.twilio_compat.rest.conftest import Rest
from twilio_compat.server import embedded

ANN = Principal("8:acs:r_ann", PrincipalKind.TWILIO, 2e9, display_name="ann")
NOW = datetime(2025, 1, 2, tzinfo=UTC)


class Reader(EndpointObserver):
    def __init__(self) -> None:
        self.heard: list[Transcription] = []

    def on_transcription(self, transcription: Transcription) -> None:
        self.heard.append(transcription)


class Microphone:
    id = "microphone"


@pytest.fixture
def transcriber() -> ScriptedTranscriber:
    return ScriptedTranscriber()


@pytest.fixture
async def talking(
    transcriber: ScriptedTranscriber, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Rest]:
    monkeypatch.chdir(tmp_path)
    async with embedded(transcriber=transcriber) as server, aiohttp.ClientSession() as http:
        yield Rest(server, http)


def speaker(rest: Rest, room: str) -> Reader:
    """Somebody in a room who can be heard."""
    reader = Reader()
    call = rest.server.calls.resolve(wire.RoomLocator(room=room), ANN)
    endpoint = call.join("a" * 32, ANN, reader)
    (info,) = endpoint.publish([wire.NewPublication(key="k", kind=PublicationKind.AUDIO)])
    endpoint.attach(info.id, Microphone())
    return reader


async def test_a_transcription_is_started_configured_stopped_and_started_again(
    talking: Rest, transcriber: ScriptedTranscriber
) -> None:
    made = await talking.call(lambda: talking.rooms.create(unique_name="daily"))
    room = talking.rooms(made.sid)
    assert await talking.call(room.transcriptions.list) == []
    started = await talking.call(
        lambda: room.transcriptions.create(
            configuration={"languageCode": "de-de", "partialResults": True}
        )
    )
    assert (started.status, started.room_sid) == ("started", made.sid)
    assert started.configuration == {"languageCode": "de-de", "partialResults": "true"}
    assert (started.start_time, started.end_time, started.duration) == (None, None, None)
    assert started.ttid.startswith("video_transcriptions_")

    reader = speaker(talking, "daily")
    await until(lambda: transcriber.publications)
    (say,) = transcriber.publications.values()
    say(Transcript("gu", NOW, is_partial=True))
    one = room.transcriptions(started.ttid)
    changed = await talking.call(lambda: one.update(configuration={"partialResults": False}))
    assert changed.configuration["languageCode"] == "de-de"
    assert changed.date_updated is not None
    say(Transcript("gut", NOW, is_partial=True))
    say(Transcript("guten", NOW))
    assert [item.text for item in reader.heard] == ["gu", "guten"]

    stopped = await talking.call(lambda: one.update(status="stopped"))
    assert (stopped.status, stopped.duration) == ("stopped", 0)
    assert stopped.start_time <= stopped.end_time
    await until(lambda: transcriber.ended)
    again = await talking.call(lambda: one.update(status="started"))
    assert (again.status, again.end_time) == ("started", None)
    assert (await talking.call(one.fetch)).ttid == started.ttid
    assert [item.ttid for item in await talking.call(room.transcriptions.list)] == [started.ttid]

    await talking.call(lambda: room.update(status="completed"))
    kept = await talking.call(one.fetch)
    assert (kept.status, kept.room_sid) == ("started", made.sid)
    assert kept.end_time is not None


async def test_rooms_that_are_transcribed_from_the_start_have_a_transcription(
    talking: Rest,
) -> None:
    made = await talking.call(
        lambda: talking.rooms.create(
            transcribe_participants_on_connect=True,
            transcriptions_configuration={"languageCode": "de-DE"},
        )
    )
    (only,) = await talking.call(talking.rooms(made.sid).transcriptions.list)
    assert (only.status, only.configuration) == ("started", {"languageCode": "de-DE"})
    with pytest.raises(TwilioRestException, match="has a transcription") as caught:
        await talking.call(lambda: talking.rooms(made.sid).transcriptions.create())
    assert caught.value.status == 400


async def test_what_cannot_be_done_is_refused(talking: Rest) -> None:
    await talking.post("/v1/Rooms", {"UniqueName": "direct", "Type": "peer-to-peer"})
    await talking.post("/v1/Rooms", {"UniqueName": "daily"})
    path = "/v1/Rooms/daily/Transcriptions"
    fields: list[tuple[str, Any, int]] = [
        ("/v1/Rooms/direct/Transcriptions", {}, 53114),
        ("/v1/Rooms", {"Type": "go", "TranscribeParticipantsOnConnect": "true"}, 53114),
        (path, {"Configuration": "[]"}, 53114),
        (path, {"Configuration": '{"hints": {}}'}, 53114),
        (path, {"Configuration": '{"languageCode": "tlh"}'}, 20001),
    ]
    for where, body, code in fields:
        status, answer = await talking.post(where, body)
        assert (status, answer["code"]) == (400, code)
    _, made = await talking.post(path, {})
    status, answer = await talking.post(f"{path}/{made['ttid']}", {"Status": "failed"})
    assert (status, answer["code"]) == (400, 20001)
    for where in (
        f"{path}/x",
        "/v1/Rooms/none/Transcriptions",
        "/v1/Rooms/direct/Transcriptions/x",
    ):
        assert (await talking.get(where))[0] == 404
    assert (await talking.post(f"{path}/x", {}))[0] == 404


async def test_a_service_that_writes_nothing_down_says_so(rest: Rest) -> None:
    made = await rest.call(lambda: rest.rooms.create(transcribe_participants_on_connect=True))
    (only,) = await rest.call(rest.rooms(made.sid).transcriptions.list)
    assert only.status == "failed"
    await rest.post("/v1/Rooms", {"UniqueName": "other"})
    status, answer = await rest.post("/v1/Rooms/other/Transcriptions", {})
    assert status == 400
    assert "no transcriber" in answer["message"]
