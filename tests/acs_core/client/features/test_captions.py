from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from acs_core import (
    CallingError,
    CaptionsKind,
    Features,
    JoinCallOptions,
    ServiceError,
    StartCaptionsOptions,
    TeamsCaptions,
    wire,
)
from acs_core.core.facts import ActivityChanged, CallType
from tests.support.calls import Log, endpoint, joined
from tests.support.events import until
from tests.support.fake_session import FakeSession

NOTHING = JoinCallOptions(streams=())
OFFER = ActivityChanged(spoken_languages=("en-US", "de-DE"), caption_languages=("fr",))


def prepare(session: FakeSession) -> None:
    session.others.append(endpoint("a"))
    session.activity = OFFER


def prepare_meeting(session: FakeSession) -> None:
    prepare(session)
    session.call_type = CallType.MEETING


def speaking(language: str) -> ActivityChanged:
    return ActivityChanged(
        spoken_languages=OFFER.spoken_languages,
        caption_languages=OFFER.caption_languages,
        spoken_language=language,
    )


async def test_captions_begin_come_and_end() -> None:
    async with joined(NOTHING, prepare=prepare) as (call, session):
        feature = call.feature(Features.CAPTIONS)
        captions = feature.captions
        assert captions.kind is CaptionsKind.CAPTIONS
        assert captions.supported_spoken_languages == ("en-US", "de-DE")
        log = Log().watch(captions)
        said = wire.Transcribed(
            endpoint=call.id, speaker="a" * 32, text="hi", is_final=True, timestamp=5.0
        )
        session.observer.on_notice(said)
        await captions.start_captions(StartCaptionsOptions("de-DE"))
        session.say(speaking("de-DE"))
        session.observer.on_notice(said)
        assert captions.is_captions_feature_active
        assert captions.active_spoken_language == "de-DE"
        await captions.stop_captions()
        assert log.names == [
            "CaptionsActiveChanged",
            "SpokenLanguageChanged",
            "CaptionsReceived",
            "CaptionsActiveChanged",
        ]
        (info,) = log.entries[2][1]
        assert (info.result_type, info.spoken_text) == ("Final", "hi")
        assert info.timestamp == datetime.fromtimestamp(5, UTC)
        assert info.speaker.display_name == "A"
        asked = [(body.is_on, body.spoken_language) for body in session.asked]
        assert asked == [(True, "de-DE"), (False, "")]


async def test_captions_of_meetings_are_translated() -> None:
    async with joined(NOTHING, prepare=prepare_meeting) as (call, session):
        captions = call.feature(Features.CAPTIONS).captions
        assert isinstance(captions, TeamsCaptions)
        assert captions.supported_caption_languages == ("fr",)
        log = Log().watch(captions)
        await captions.start_captions()
        session.say(speaking("en-US"))
        assert captions.active_caption_language == "en-US"
        await captions.set_caption_language("fr")
        assert captions.active_caption_language == "fr"
        session.observer.on_notice(
            wire.Transcribed(
                endpoint=call.id,
                speaker="a" * 32,
                text="yes",
                is_final=False,
                timestamp=0.0,
                language="en-US",
                caption_language="fr",
                caption_text="oui",
            )
        )
        assert log.names[-2:] == ["CaptionLanguageChanged", "CaptionsReceived"]
        (info,) = log.entries[-1][1]
        assert (info.caption_text, info.caption_language) == ("oui", "fr")
        assert (info.spoken_text, info.spoken_language) == ("yes", "en-US")
        assert info.result_type == "Partial"
        codes = []
        session.answers[wire.SetCaptions] = ServiceError("no", code=400, sub_code=45213)
        for language in ("FR", "xx"):
            with pytest.raises(CallingError) as caught:
                await captions.set_caption_language(language)
            codes.append(caught.value.sub_code)
        assert codes == [45222, 45213]
        assert captions.active_caption_language == "fr"


async def test_the_last_caption_language_holds_whatever_became_of_those_before() -> None:
    async with joined(NOTHING, prepare=prepare_meeting) as (call, session):
        captions = call.feature(Features.CAPTIONS).captions
        assert isinstance(captions, TeamsCaptions)
        await captions.start_captions()
        session.say(speaking("en-US"))
        log = Log().watch(captions)
        gate = session.ask_gate = asyncio.Event()
        first = asyncio.create_task(captions.set_caption_language("fr"))
        second = asyncio.create_task(captions.set_caption_language("de"))
        await until(lambda: len(session.asked) == 2)
        first.cancel()
        await asyncio.wait({first})
        gate.set()
        await second
        assert [body.caption_language for body in session.asked[1:]] == ["fr", "de"]
        assert captions.active_caption_language == "de"
        # The service has answered the cancelled one, too.
        assert log.names == ["CaptionLanguageChanged"] * 2
        await captions.set_spoken_language("de-DE")
        assert session.asked[-1].caption_language == "de"


async def test_a_caption_language_on_its_way_does_not_outlive_the_captions() -> None:
    async with joined(NOTHING, prepare=prepare_meeting) as (call, session):
        captions = call.feature(Features.CAPTIONS).captions
        assert isinstance(captions, TeamsCaptions)
        await captions.start_captions()
        gate = session.ask_gate = asyncio.Event()
        stopping = asyncio.create_task(captions.stop_captions())
        await until(lambda: len(session.asked) == 2)
        late = asyncio.create_task(captions.set_caption_language("fr"))
        speaking_late = asyncio.create_task(captions.set_spoken_language("de-DE"))
        gate.set()
        await stopping
        codes = []
        for task in (late, speaking_late):
            with pytest.raises(CallingError) as caught:
                await task
            codes.append((caught.value.code, caught.value.sub_code))
        assert codes == [(400, 45210), (400, 45206)]
        await captions.start_captions()
        assert session.asked[-1].caption_language == ""


async def test_captions_in_the_wrong_state_are_refused() -> None:
    async with joined(NOTHING, prepare=prepare_meeting) as (call, session):
        captions = call.feature(Features.CAPTIONS).captions
        assert isinstance(captions, TeamsCaptions)
        codes = []

        async def refused(attempt: object) -> None:
            with pytest.raises(CallingError) as caught:
                await attempt  # type: ignore[misc]
            codes.append((caught.value.code, caught.value.sub_code))

        await refused(captions.stop_captions())
        await refused(captions.set_spoken_language("en-US"))
        await refused(captions.set_caption_language("fr"))
        session.answers[wire.SetCaptions] = ServiceError("none", code=412, sub_code=45201)
        await refused(captions.start_captions())
        assert not captions.is_captions_feature_active
        session.answers.clear()
        await captions.start_captions()
        session.say(speaking("en-US"))
        await refused(captions.start_captions())
        await refused(captions.set_spoken_language("en-us"))
        await call.hang_up()
        assert not captions.is_captions_feature_active
        await refused(captions.start_captions())
        assert codes == [
            (400, 45218),
            (400, 45206),
            (400, 45210),
            (412, 45201),
            (400, 45217),
            (400, 45220),
            (400, 45226),
        ]


async def test_a_text_that_comes_with_the_answer_is_not_lost() -> None:
    async with joined(NOTHING, prepare=prepare) as (call, session):
        captions = call.feature(Features.CAPTIONS).captions
        log = Log().watch(captions)
        said = wire.Transcribed(
            endpoint=call.id, speaker="a" * 32, text="hi", is_final=True, timestamp=5.0
        )
        # One read of the connection may bring both.
        session.behind_answer = lambda: session.observer.on_notice(said)
        await captions.start_captions()
        assert log.names == ["CaptionsActiveChanged", "CaptionsReceived"]
