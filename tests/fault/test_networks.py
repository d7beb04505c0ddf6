"""Networks that change or vanish under a participant, which keeps its room as long as it may.

Each participant that loses its network is a process in a network namespace; the others and the
service are here. Lost is told by the measure of the room (`reconnecting`), kept by what is seen and
heard on both sides: whose picture, whose tone, and that the pictures go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import pytest

from acs_core.service.sessions import SessionTimes
from tests.support.distant import DistantPerson, distant_person
from tests.support.events import until
from tests.support.media_checks import BLUE, RED, is_color, listen, watch
from tests.support.namespaces import Namespace, networks
from tests.support.people import Journal, Meeting, meeting
from twilio_compat import RemoteParticipant, Room

QUIET = frozenset(
    {"trackStarted", "trackDimensionsChanged", "dominantSpeakerChanged", "started", "connected"}
)
BACK = 8.0
"""Seconds within which everything goes on once there is a network again."""


@dataclass(frozen=True)
class Scene:
    """Alice far away, Bob here."""

    place: Meeting
    network: Namespace
    alice: DistantPerson
    bob: Room
    there: RemoteParticipant
    journal: Journal

    async def media_flows(self, *, since: int) -> None:
        """Both have moving pictures and sound of each other, on the tracks they had."""
        audio, video = (
            next(one.track for one in self.there.tracks.values() if one.kind == kind)
            for kind in ("audio", "video")
        )
        async with aclosing(video.frames()) as pictures:
            color, numbers = await watch(pictures)
        assert is_color(color, RED)
        assert numbers == sorted(set(numbers))
        async with aclosing(audio.frames()) as sound:
            assert await listen(sound) == pytest.approx(440, abs=15)
        for kind, event in (("video", "saw"), ("audio", "heard")):
            (sid,) = (
                one.track_sid
                for one in self.bob.local_participant.tracks.values()
                if one.kind == kind
            )
            line = await self.alice.event(event, since=since, who="bob", track=sid)
            if kind == "video":
                assert is_color(line["color"], BLUE)
            else:
                assert line["frequency"] == pytest.approx(700, abs=15)

    def assert_kept(self) -> None:
        """Nobody left and no track went; what was lost came back, once, on both sides."""
        assert self.alice.names("saw", "heard", "trackSubscribed", "participantConnected") == [
            "joined",
            "reconnecting",
            "reconnected",
        ]
        assert [entry[:2] for entry in self.journal.entries] == [
            ("alice", "reconnecting"),
            ("room", "participantReconnecting"),
            ("alice", "reconnected"),
            ("room", "participantReconnected"),
        ]
        joined = self.alice.lines[0]
        assert [one.sid for one in self.bob.participants.values()] == [joined["sid"]]
        assert {sid: one.kind for sid, one in self.there.tracks.items()} == joined["tracks"]


@asynccontextmanager
async def scene(**options: object) -> AsyncIterator[Scene]:
    """Alice and Bob in one room, with pictures and tones."""
    async with (
        networks() as all_networks,
        meeting(host=all_networks.host, **options) as place,
    ):
        network = await all_networks.add()
        bob = await place.guest("bob", color=BLUE, tone=700)
        async with distant_person(place, network, "alice", color=RED, frequency=440) as alice:
            (there,) = bob.participants.values()
            await until(lambda: all(one.track for one in there.tracks.values()))
            await until(lambda: {"saw", "heard"} <= set(alice.names()))
            journal = Journal(QUIET).watch(room=bob, alice=there)
            yield Scene(place, network, alice, bob, there, journal)


async def lose(stage: Scene, restore: Callable[[], Awaitable[None]], seconds: float) -> int:
    """After the network was taken away: give it back in so many seconds, and see all go on.

    Returns:
        How many tasks the one who lost it left behind in the end.
    """
    await asyncio.sleep(seconds)
    assert stage.bob.participants
    await restore()
    line = await stage.alice.event("reconnecting")
    assert line["code"] in (53001, 53405)
    since = stage.alice.mark()
    await stage.alice.event("reconnected", deadline=BACK)
    await until(lambda: stage.there.state == "connected", deadline=BACK)
    await stage.media_flows(since=since)
    stage.assert_kept()
    last = await stage.alice.leave()
    await until(lambda: not stage.bob.participants)
    return int(last["tasks"])


@pytest.mark.timeout(180)
@pytest.mark.feature("EVENT-010")
async def test_a_participant_that_gets_another_address_stays_in_the_room() -> None:
    async with scene() as stage:
        await stage.network.remove_link()
        assert await lose(stage, lambda: stage.network.add_link("second"), 0) == 0


@pytest.mark.proof
@pytest.mark.timeout(180)
async def test_a_participant_without_a_network_for_ten_seconds_stays_in_the_room() -> None:
    async with scene() as stage:
        await stage.network.set_down()
        assert await lose(stage, stage.network.set_up, 10) == 0


@pytest.mark.proof
@pytest.mark.timeout(180)
async def test_a_participant_in_another_network_ten_seconds_later_stays_in_the_room() -> None:
    async with scene() as stage:
        await stage.network.remove_link()
        assert await lose(stage, lambda: stage.network.add_link("second"), 10) == 0


@pytest.mark.proof
@pytest.mark.timeout(180)
async def test_a_participant_that_is_gone_for_longer_than_its_window_is_out_and_may_return() -> (
    None
):
    times = SessionTimes(twilio_window=6.0, heartbeat=1.0)
    async with scene(times=times) as stage:
        place = stage.place
        await stage.network.set_down()
        line = await stage.alice.event("disconnected", deadline=40)
        assert line["code"] in (53001, 53405)
        await until(lambda: not stage.bob.participants, deadline=40)
        assert [entry[:2] for entry in stage.journal.entries if entry[0] == "room"] == [
            ("room", "participantReconnecting"),
            *[("room", "trackUnsubscribed")] * 2,
            ("room", "participantDisconnected"),
        ]
        assert (await stage.alice.leave())["tasks"] == 0
        assert place.server.sessions == 1
        # Bob's are left: one on which he sends, one on which he received.
        await until(lambda: len(place.server.engine.transports) <= 2)
        await stage.network.set_up()
        async with distant_person(
            place, stage.network, "alice", color=RED, frequency=440
        ) as returned:
            await until(lambda: len(stage.bob.participants) == 1)
            assert stage.bob.participants.get(stage.there.sid) is None
            await returned.event("saw", who="bob")
            await returned.event("heard", who="bob")
            assert (await returned.leave())["tasks"] == 0
        await until(lambda: place.server.sessions == 1)
