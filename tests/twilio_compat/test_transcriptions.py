from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from acs_core.client.emitter import Emitter
from acs_core.client.features.captions import CaptionsInfo, CaptionsResultType, TeamsCaptionsInfo
from acs_core.errors import InvalidStateError
from acs_core.events import CaptionsEvent
from acs_core.identifiers import CommunicationUserIdentifier
from acs_core.models import CallerInfo, EndpointDetails, ParticipantInfo
from twilio_compat.transcriptions import TranscriptionEvent, Transcriptions

ANN = CommunicationUserIdentifier("8:acs:r_ann")
AT = datetime(2026, 5, 4, 5, 2, 1, 250_000, tzinfo=timezone(timedelta(hours=2)))


class Captions(Emitter):
    """Captions that a test speaks."""

    EVENTS = frozenset(CaptionsEvent)

    def __init__(self, failure: InvalidStateError | None = None) -> None:
        super().__init__()
        self.failure = failure
        self.starts = 0

    async def start_captions(self) -> None:
        self.starts += 1
        if self.failure is not None:
            raise self.failure

    def say(self, info: object) -> None:
        self._emit(CaptionsEvent.CAPTIONS_RECEIVED, info)


def said(*endpoints: EndpointDetails) -> CaptionsInfo:
    return CaptionsInfo(
        result_type=CaptionsResultType.FINAL,
        speaker=ParticipantInfo(ANN, "Ann", endpoint_details=endpoints),
        spoken_language="en-US",
        spoken_text="Hello.",
        timestamp=AT,
        publication="1" * 32,
        sequence_number=7,
    )


async def test_what_is_said_becomes_twilios_event() -> None:
    heard: list[TranscriptionEvent] = []
    captions = Captions()
    transcriptions = Transcriptions(captions, heard.append)  # type: ignore[arg-type]
    await transcriptions.start()
    captions.say(said(EndpointDetails("2" * 32)))
    captions.say(said())
    assert captions.starts == 1
    assert heard[0] == TranscriptionEvent(
        language_code="en-US",
        partial_results=False,
        participant="PA" + "2" * 32,
        sequence_number=7,
        timestamp="2026-05-04T03:02:01.250Z",
        track="MT" + "1" * 32,
        transcription="Hello.",
    )
    assert heard[1].participant == ""
    transcriptions.stop()
    captions.say(said())
    assert len(heard) == 2


async def test_those_of_a_meeting_are_left_alone() -> None:
    heard: list[TranscriptionEvent] = []
    captions = Captions()
    Transcriptions(captions, heard.append)  # type: ignore[arg-type]
    info = TeamsCaptionsInfo(
        caption_text="Bonjour.",
        caption_language="fr",
        result_type=CaptionsResultType.FINAL,
        speaker=CallerInfo(ANN, "Ann"),
        spoken_language="en-US",
        spoken_text="Hello.",
        timestamp=AT.astimezone(UTC),
    )
    captions.say(info)
    assert heard == []


async def test_that_there_are_none_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    failure = InvalidStateError("The service has no captions.", next_step="Give it a transcriber.")
    captions = Captions(failure)
    await Transcriptions(captions, print).start()  # type: ignore[arg-type]
    assert "The service has no captions. Give it a transcriber." in caplog.text


async def test_a_room_that_is_left_meanwhile_is_no_reason_to_warn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    captions = Captions(InvalidStateError("The call is not connected."))
    transcriptions = Transcriptions(captions, print)  # type: ignore[arg-type]
    starting = asyncio.create_task(transcriptions.start())
    transcriptions.stop()
    await starting
    assert caplog.text == ""
