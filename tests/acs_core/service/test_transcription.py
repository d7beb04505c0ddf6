from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from acs_core import wire
from acs_core.core.facts import PublicationKind
from acs_core.service.app import CallingService
from acs_core.service.calls import Calls
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.rooms import RoomOptions, Rooms
from acs_core.service.settings import ServiceSettings
from acs_core.service.transcription import Transcript, Transcription, Transcripts
from tests.support.events import until
from tests.support.fake_transcriber import ScriptedTranscriber

GROUP = wire.GroupLocator(group_id="6e7d4a1e-0000-4000-8000-000000000001")
NOW = datetime(2025, 1, 2, tzinfo=UTC)


class Source:
    id = "microphone"


class Reader(EndpointObserver):
    def __init__(self) -> None:
        self.heard: list[Transcription] = []

    def on_transcription(self, transcription: Transcription) -> None:
        self.heard.append(transcription)


def enter(calls: Calls, letter: str) -> tuple[Endpoint, Reader]:
    who = Principal(f"8:acs:r_{letter}", PrincipalKind.ACS, 2e9)
    reader = Reader()
    return calls.resolve(GROUP, who).join(letter * 32, who, reader), reader


def publish(endpoint: Endpoint, kind: PublicationKind, *, is_attached: bool = True) -> str:
    (info,) = endpoint.publish([wire.NewPublication(key="k", kind=kind)])
    if is_attached:
        endpoint.attach(info.id, Source())
    return info.id


async def test_texts_reach_everybody_with_running_numbers() -> None:
    calls, transcriber = Calls(rooms=Rooms()), ScriptedTranscriber()
    transcripts = Transcripts(transcriber)
    speaker, own = enter(calls, "a")
    _, other = enter(calls, "b")
    voice = publish(speaker, PublicationKind.AUDIO)
    transcripts.refresh(calls.live.values())
    say = transcriber.publications[voice]
    for text, is_partial in (("hel", True), ("hello", False), ("world", False)):
        say(Transcript(text, NOW, is_partial=is_partial, stability=0.5))
    assert own.heard == other.heard
    assert [(item.text, item.is_partial, item.sequence_number) for item in own.heard] == [
        ("hel", True, 1),
        ("hello", False, 1),
        ("world", False, 2),
    ]
    assert own.heard[0] == Transcription(speaker.id, voice, "hel", True, "en-US", NOW, 1, 0.5)


async def test_only_sound_whose_media_is_known_is_transcribed_and_only_while_it_is_there() -> None:
    calls, transcriber = Calls(rooms=Rooms()), ScriptedTranscriber()
    transcripts = Transcripts(transcriber)
    speaker, reader = enter(calls, "a")
    call = speaker.call
    publish(speaker, PublicationKind.VIDEO)
    silent = publish(speaker, PublicationKind.AUDIO, is_attached=False)
    transcripts.refresh(calls.live.values())
    assert transcriber.publications == {}
    speaker.attach(silent, Source())
    for _ in range(2):
        transcripts.refresh(calls.live.values())
    say = transcriber.publications[silent]
    speaker.unpublish(silent)
    say(Transcript("too late", NOW))
    transcripts.refresh(calls.live.values())
    say(Transcript("too late", NOW))
    assert transcriber.publications == {}
    assert reader.heard == []
    speaker.leave()
    for _ in range(2):
        transcripts.refresh(calls.live.values())
    assert transcriber.ended == [call.id]


async def test_calls_that_nobody_wants_transcribed_are_left_alone() -> None:
    calls, transcriber = Calls(rooms=Rooms()), ScriptedTranscriber()
    speaker, _ = enter(calls, "a")
    publish(speaker, PublicationKind.AUDIO)
    Transcripts(transcriber, is_wanted=lambda call: False).refresh(calls.live.values())
    assert transcriber.publications == {}


class Broken(ScriptedTranscriber):
    def publication_added(
        self, call: str, publication: str, say: Callable[[Transcript], None]
    ) -> None:
        raise RuntimeError("no model")


async def test_a_transcriber_that_fails_is_logged_and_costs_nobody_the_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = Calls(rooms=Rooms())
    speaker, _ = enter(calls, "a")
    publish(speaker, PublicationKind.AUDIO)
    Transcripts(Broken()).refresh(calls.live.values())
    assert "publication_added" in caplog.text
    assert speaker.is_in_call


async def test_a_service_with_a_transcriber_transcribes_the_rooms_that_ask_for_it() -> None:
    transcriber = ScriptedTranscriber()
    settings = ServiceSettings(dev=True, port=0, media_port=0)
    async with CallingService(settings, transcriber=transcriber) as service:
        quiet, _ = enter(service.calls, "a")
        publish(quiet, PublicationKind.AUDIO)
        call = service.calls.create(unique_name="r", options=RoomOptions(is_transcribed=True))
        who = Principal("8:acs:r_b", PrincipalKind.ACS, 2e9)
        reader = Reader()
        speaker = call.join("b" * 32, who, reader)
        voice = publish(speaker, PublicationKind.AUDIO)
        await until(lambda: transcriber.publications)
        assert list(transcriber.publications) == [voice]
        transcriber.publications[voice](Transcript("hello", NOW))
        assert [item.text for item in reader.heard] == ["hello"]
    assert transcriber.ended == [call.id]
