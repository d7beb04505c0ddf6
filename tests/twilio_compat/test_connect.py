from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from acs_core.client.call import Call
from acs_core.client.call_agent import CallAgent
from acs_core.client.call_client import CallClient
from acs_core.core import endings
from acs_core.core.call import CallState
from acs_core.core.facts import PublicationKind
from acs_core.errors import AuthenticationError, InvalidArgumentError, SourceUnavailableError
from acs_core.events import CollectionUpdate
from acs_core.media.sources import PatternSource, ToneSource
from acs_core.wire import RoomLocator
from tests.support.fake_call import CALL_ID, ScriptedLink, endpoint, publication
from twilio_compat import (
    AccessToken,
    CancelablePromise,
    CanceledError,
    LocalDataTrack,
    Room,
    TwilioError,
    connect,
)
from twilio_compat.connect import enter_room
from twilio_compat.connect_options import read_connect_options
from twilio_compat.create_tracks import as_local_track

TOKEN = AccessToken("AC1", "SK1", "secret", "alice", room="granted").to_jwt()


async def enter(link: ScriptedLink, **keywords: Any) -> Room:
    options = read_connect_options(None, keywords)
    tracks = options.media.tracks
    given = None if tracks is None else [as_local_track(one) for one in tracks]
    return await enter_room(
        TOKEN,
        options,
        given,
        make_client=lambda chosen: CallClient(chosen, link_factory=lambda *_: link),
    )


@pytest.mark.feature("CALL-001", "CALL-002")
async def test_connect_gives_a_connected_room() -> None:
    link = ScriptedLink([endpoint("a", "ann", publication("1", PublicationKind.AUDIO))])
    async with await enter(link, name="lobby", tracks=[]) as room:
        assert (room.sid, room.name, room.state) == (f"RM{CALL_ID}", "lobby", "connected")
        assert (room.local_participant.identity, room.local_participant.tracks.size) == ("alice", 0)
        assert room.participants.size == 1
    assert link.locators == [RoomLocator(room="lobby")]
    assert link.is_closed


async def test_without_a_name_the_room_of_the_token_is_entered() -> None:
    link = ScriptedLink()
    async with await enter(link, audio=False, video=False, automatic_subscription=False):
        pass
    assert link.locators == [RoomLocator(room="granted")]
    assert not link.policies[0].automatic
    assert not link.policies[0].quality


async def test_tracks_are_published_from_the_start_and_made_ones_stopped() -> None:
    link = ScriptedLink()
    video = {"source": "pattern", "name": "cam"}
    async with await enter(link, audio={"source": "tone"}, video=video) as room:
        (audio,) = (one.track for one in room.local_participant.audio_tracks.values())
        (camera,) = (one.track for one in room.local_participant.video_tracks.values())
        assert (audio.kind, camera.kind, camera.name) == ("audio", "video", "cam")
    assert audio.is_stopped
    assert camera.is_stopped


@pytest.mark.feature("SCREEN-001")
async def test_given_tracks_and_sources_are_published_and_kept() -> None:
    tone, chat = ToneSource(), LocalDataTrack()
    async with await enter(ScriptedLink(), tracks=[tone, chat]) as room:
        kinds = [one.kind for one in room.local_participant.tracks.values()]
        assert kinds == ["audio", "data"]
    assert not tone.is_ended
    await tone.close()


async def test_a_refusal_is_twilios_error_and_leaves_nothing() -> None:
    link = ScriptedLink()
    link.refusal = AuthenticationError("Expired.", sub_code=20104)
    source = PatternSource()
    with pytest.raises(TwilioError) as caught:
        await enter(link, audio=False, video={"source": source})
    assert caught.value.code == 20104
    assert link.is_closed
    assert source.is_ended


async def test_a_file_that_does_not_exist_is_an_error_of_its_own() -> None:
    with pytest.raises(SourceUnavailableError):
        await enter(ScriptedLink(), audio={"source": "tone"}, video={"source": "/no/such.mp4"})


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "a.W10.c"])
async def test_a_token_that_is_none_is_refused_in_twilios_words(token: str) -> None:
    with pytest.raises(TwilioError) as caught:
        await connect(token, tracks=[])
    assert caught.value.code == 20101


async def test_wrong_arguments_are_told_at_once() -> None:
    with pytest.raises(TypeError, match="token must be a string"):
        connect(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="has no key"):
        connect("t", {"nmae": "x"})
    with pytest.raises(TypeError, match="track must be"):
        connect("t", tracks=["x"])  # type: ignore[list-item]


async def test_a_promise_can_be_canceled() -> None:
    forever = asyncio.Event()
    promise = CancelablePromise(forever.wait(), name="forever")
    assert not promise.is_done
    promise.cancel()
    with pytest.raises(CanceledError, match="Canceled"):
        await promise
    promise.cancel()


async def test_canceling_again_does_not_interrupt_what_lets_go() -> None:
    going, may_go, gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            going.set()
            await may_go.wait()
            gone.set()

    promise = CancelablePromise(work(), name="work")
    await asyncio.sleep(0)
    promise.cancel()
    await going.wait()
    promise.cancel()
    may_go.set()
    with pytest.raises(CanceledError):
        await promise
    assert gone.is_set()


async def test_a_promise_can_be_awaited_twice_and_then_not_canceled() -> None:
    promise = CancelablePromise(asyncio.sleep(0, 7), name="seven")
    assert await promise == 7
    promise.cancel()
    assert await promise == 7


async def test_cancelling_who_awaits_cancels_the_work() -> None:
    promise = CancelablePromise(asyncio.Event().wait(), name="forever")

    async def wait() -> None:
        await promise

    waiter = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert promise.is_done


async def test_a_call_that_ends_before_there_is_a_room_is_an_error() -> None:
    link = ScriptedLink()

    class Ending(CallClient):
        """Its calls end as soon as they are connected."""

        async def create_call_agent(self, *arguments: Any, **keywords: Any) -> CallAgent:
            agent = await super().create_call_agent(*arguments, **keywords)

            def watch(update: CollectionUpdate[Call]) -> None:
                for call in update.added:
                    call.on("stateChanged", partial(end, call))

            agent.on("callsUpdated", watch)
            return agent

    def end(call: Call) -> None:
        if call.state is CallState.CONNECTED and link.last is not None:
            link.last.end(endings.REMOVED)

    options = read_connect_options({"tracks": [], "name": "lobby"}, {})
    with pytest.raises(TwilioError) as caught:
        await enter_room(
            TOKEN,
            options,
            [],
            make_client=lambda chosen: Ending(chosen, link_factory=lambda *_: link),
        )
    assert caught.value.code == 53104
    assert link.is_closed


async def test_values_that_calls_cannot_work_with_are_no_twilio_errors() -> None:
    link = ScriptedLink()
    with pytest.raises(InvalidArgumentError, match="0 to 65535"):
        await enter(link, tracks=[LocalDataTrack(max_retransmits=70_000)])
