"""A room whose network is lost: what both sides hear, in order, and when it is given up."""

from __future__ import annotations

import time
from contextlib import aclosing

import pytest

from acs_core.service.sessions import SessionTimes
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, RED, is_color, watch
from tests.support.people import ROOM, Journal, Meeting, meeting
from tests.support.proxies import tcp_proxy, udp_proxy
from twilio_compat import RemoteParticipant, Room, TwilioError, connect

QUIET = frozenset({"started", "trackStarted", "dimensionsChanged", "trackDimensionsChanged"})


def watched(mine: Room, theirs: Room) -> tuple[Journal, Journal, RemoteParticipant]:
    """What two rooms say from now on; the second one about the first."""
    (there,) = theirs.participants.values()
    own = Journal(QUIET).watch(room=mine, local=mine.local_participant)
    return own, Journal(QUIET).watch(room=theirs, tina=there), there


async def sees(room: Room, color: tuple[int, int, int]) -> None:
    """The only remote video moves and has this color."""
    (there,) = room.participants.values()
    (video,) = (one.track for one in there.tracks.values() if one.kind == "video")
    async with aclosing(video.frames()) as frames:
        seen, numbers = await watch(frames)
    assert is_color(seen, color)
    assert numbers == sorted(set(numbers))


@pytest.mark.feature("EVENT-010")
async def test_media_that_is_lost_alone_is_told_as_53405_and_restored_on_the_same_tracks() -> None:
    async with (
        meeting(public_address="127.0.0.2") as place,
        udp_proxy(place.server.media_port) as proxy,
    ):
        tina = await place.guest("tina", color=RED)
        tom = await place.guest("tom", color=BLUE)
        for room, color in ((tom, RED), (tina, BLUE)):
            (there,) = room.participants.values()
            await until(lambda who=there: all(one.track for one in who.tracks.values()))
            await sees(room, color)
        own, others, there = watched(tina, tom)
        before = {sid: one.track for sid, one in there.tracks.items()}
        lost, back = next_event(tina, "reconnecting"), next_event(tina, "reconnected")
        proxy.is_cut = True
        (error,) = await lost
        assert isinstance(error, TwilioError)
        assert (error.code, tina.state) == (53405, "reconnecting")
        await until(lambda: there.state == "reconnecting")
        proxy.is_cut = False
        assert await back == ()
        await until(lambda: there.state == "connected" and tom.state == "connected")
        await sees(tom, RED)
        await sees(tina, BLUE)
        assert {sid: one.track for sid, one in there.tracks.items()} == before
        assert [entry[:2] for entry in own.entries if entry[0] == "local"] == [
            ("local", "reconnecting"),
            ("local", "connected"),
            ("local", "reconnected"),
        ]
        assert [entry for entry in others.entries if entry[0] == "tina"] == [
            ("tina", "reconnecting", "tina"),
            ("tina", "connected", "tina"),
            ("tina", "reconnected"),
        ]
        assert not {"disconnected", "participantDisconnected", "trackUnsubscribed"} & {
            entry[1] for entry in own.entries + others.entries
        }


@pytest.mark.feature("EVENT-010")
async def test_a_room_that_is_not_restored_within_its_window_ends_on_both_sides() -> None:
    times = SessionTimes(twilio_window=1.0)
    async with meeting(times=times) as place, tcp_proxy(place.server.port) as proxy:
        far = Meeting(place.server, place.stack, proxy.url)
        tina, tom = await far.guest("tina", color=RED), await place.guest("tom")
        (seen,) = tom.participants.values()
        await until(lambda: all(one.track for one in seen.tracks.values()))
        own, others, there = watched(tina, tom)
        over = next_event(tina, "disconnected")
        gone = next_event(tom, "participantDisconnected")
        proxy.cut()
        room, error = await over
        assert room is tina
        assert isinstance(error, TwilioError)
        assert error.code == 53001
        assert (tina.state, tina.local_participant.state) == ("disconnected", "disconnected")
        assert await gone == (there,)
        assert there.state == "disconnected"
        assert [entry[1] for entry in own.entries if entry[0] == "room"] == [
            "reconnecting",
            "disconnected",
        ]
        assert [entry[1] for entry in others.entries if entry[0] == "room"] == [
            "participantReconnecting",
            "trackUnsubscribed",
            "participantDisconnected",
        ]
        # The same program may come back, as another participant.
        again = await place.guest("tina")
        assert again.local_participant.sid != there.sid
        assert again.sid == tom.sid


@pytest.mark.feature("TOKEN-007")
async def test_an_expired_token_keeps_its_room_and_cannot_return_to_it() -> None:
    times = SessionTimes(twilio_window=2.0)
    async with (
        meeting(times=times, token_skew=0) as place,
        tcp_proxy(place.server.port) as proxy,
    ):
        tom = await place.guest("tom")
        lifetime = 4
        made = time.time()
        token = place.server.access_token("tina", ttl=lifetime)
        tina = await connect(token, name=ROOM, service_url=proxy.url, audio=False, video=False)
        async with tina:
            await until(lambda: time.time() > made + lifetime + 1)
            assert (tina.state, len(tom.participants)) == ("connected", 1)
            with pytest.raises(TwilioError) as caught:
                await connect(token, name=ROOM, service_url=place.url, audio=False, video=False)
            assert caught.value.code == 20104
            over = next_event(tina, "disconnected")
            proxy.cut()
            await next_event(tina, "reconnecting")
            proxy.restore()
            _, error = await over
            assert error is not None
            assert error.code == 20104
        await until(lambda: not tom.participants)
