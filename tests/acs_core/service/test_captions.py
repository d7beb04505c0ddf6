from __future__ import annotations

from datetime import UTC, datetime

import pytest

from acs_core import wire
from acs_core.core import endings
from acs_core.errors import CallingError
from acs_core.service.call_services import CallServices
from acs_core.service.calls import Calls
from acs_core.service.captions import Captions
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.rooms import Rooms
from acs_core.service.transcription import Transcription, Transcripts
from tests.support.fake_transcriber import ScriptedTranscriber

GROUP = wire.GroupLocator(group_id="6e7d4a1e-0000-4000-8000-000000000001")
NOW = datetime(2025, 1, 2, tzinfo=UTC)


class Reader(EndpointObserver):
    def __init__(self) -> None:
        self.notices: list[wire.Notice] = []

    def on_notice(self, notice: wire.Notice) -> None:
        self.notices.append(notice)


class FailingTranscriber(ScriptedTranscriber):
    def languages_changed(self, call: str, spoken: str, captions: frozenset[str]) -> None:
        raise RuntimeError("no")


def enter(calls: Calls, letter: str) -> tuple[Endpoint, Reader]:
    who = Principal(f"8:acs:r_{letter}", PrincipalKind.ACS, 2e9)
    reader = Reader()
    return calls.resolve(GROUP, who).join(letter * 32, who, reader), reader


def on(endpoint: Endpoint, spoken: str = "", caption: str = "") -> wire.SetCaptions:
    return wire.SetCaptions(
        endpoint=endpoint.id, is_on=True, spoken_language=spoken, caption_language=caption
    )


async def test_texts_go_to_those_who_asked_each_in_their_language() -> None:
    transcriber, wanted = ScriptedTranscriber(), []
    captions = Captions(transcriber, lambda: wanted.append(1))
    calls = Calls(rooms=Rooms(), on_started=captions.call_started)
    services = CallServices(calls, captions)
    anna, english = enter(calls, "a")
    ben, french = enter(calls, "b")
    _, nobody = enter(calls, "c")
    call = anna.call
    assert call.roster.activity.spoken_languages == ("en-US", "de-DE")
    assert not captions.is_wanted(call)
    services.handle(anna, on(anna))
    assert transcriber.languages[call.id] == ("en-US", frozenset())
    services.handle(ben, on(ben, "DE-de", "FR"))
    assert captions.is_wanted(call)
    assert transcriber.languages[call.id] == ("de-DE", frozenset({"fr"}))
    assert call.roster.activity.spoken_language == "de-DE"
    said = Transcription(anna.id, "p", "ja", False, "de-DE", NOW, 1, translations={"fr": "oui"})
    captions.said(call, said)
    (plain,), (translated,) = english.notices, french.notices
    assert isinstance(plain, wire.Transcribed)
    assert isinstance(translated, wire.Transcribed)
    assert (plain.endpoint, plain.text, plain.caption_text) == (anna.id, "ja", "")
    assert (translated.caption_language, translated.caption_text) == ("fr", "oui")
    assert (plain.speaker, plain.is_final, plain.timestamp) == (anna.id, True, NOW.timestamp())
    assert len(wanted) == 2
    services.handle(anna, wire.SetCaptions(endpoint=anna.id, is_on=False))
    services.handle(anna, wire.SetCaptions(endpoint=anna.id, is_on=False))
    assert len(wanted) == 3
    ben.leave()
    assert transcriber.languages[call.id] == ("de-DE", frozenset())
    assert not captions.is_wanted(call)
    captions.said(call, said)
    assert len(english.notices) == len(french.notices) == 1
    assert nobody.notices == []
    assert len(wanted) == 4


async def test_the_transcriber_stops_at_once_when_the_last_reader_is_gone() -> None:
    transcriber = ScriptedTranscriber()
    calls: Calls
    transcripts = Transcripts(transcriber, is_wanted=lambda call: captions.is_wanted(call))
    captions = Captions(transcriber, lambda: transcripts.refresh(calls.live.values()))
    calls = Calls(rooms=Rooms(), on_started=captions.call_started)
    anna, _ = enter(calls, "a")
    ben, _ = enter(calls, "b")
    for reader in (anna, ben):
        captions.set(reader, on(reader, "en-US", "fr"))
    anna.call.remove(anna, endings.UNINVITED)
    assert transcriber.ended == []
    ben.call.end(endings.ENDED_FOR_EVERYONE)
    assert transcriber.ended == [ben.call.id]
    transcripts.refresh(calls.live.values())
    assert transcriber.ended == [ben.call.id]


async def test_a_transcriber_that_fails_keeps_nobody_from_leaving(
    caplog: pytest.LogCaptureFixture,
) -> None:
    captions = Captions(FailingTranscriber())
    calls = Calls(rooms=Rooms(), on_started=captions.call_started)
    anna, _ = enter(calls, "a")
    captions.set(anna, on(anna))
    anna.leave()
    assert anna.call.id not in calls.live
    assert "languages_changed" in caplog.text


@pytest.mark.parametrize(
    ("transcriber", "spoken", "caption", "codes"),
    [
        (None, "", "", (412, 45201)),
        (ScriptedTranscriber(), "xx", "", (400, 45202)),
        (ScriptedTranscriber(), "en-us", "xx", (400, 45213)),
    ],
)
async def test_what_cannot_be_done_is_refused_and_changes_nothing(
    transcriber: ScriptedTranscriber | None, spoken: str, caption: str, codes: tuple[int, int]
) -> None:
    captions = Captions(transcriber)
    calls = Calls(rooms=Rooms(), on_started=captions.call_started)
    anna, _ = enter(calls, "a")
    with pytest.raises(CallingError) as caught:
        captions.set(anna, on(anna, spoken, caption))
    assert (caught.value.code, caught.value.sub_code) == codes
    assert not captions.is_wanted(anna.call)
    assert anna.call.roster.activity.spoken_language == ""


async def test_a_caption_language_that_is_spoken_needs_no_translation() -> None:
    transcriber = ScriptedTranscriber()
    captions = Captions(transcriber)
    calls = Calls(rooms=Rooms(), on_started=captions.call_started)
    anna, _ = enter(calls, "a")
    captions.set(anna, on(anna, "de-DE", "de-de"))
    assert transcriber.languages[anna.call.id] == ("de-DE", frozenset())
