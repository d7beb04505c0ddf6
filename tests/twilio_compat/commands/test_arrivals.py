from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from acs_core.media.stats import ReceiverStats
from twilio_compat.commands.arrivals import Arrival, Arrivals, loss_of
from twilio_compat.connect import connect
from twilio_compat.local_data_track import LocalDataTrack
from twilio_compat.remote_track import RemoteDataTrack, RemoteTrack
from twilio_compat.room import Room
from twilio_compat.server import embedded


class _Watch:
    """Waits for something that the events of a room, or media, bring about."""

    def __init__(self, room: Room, arrivals: Arrivals) -> None:
        self._changed = asyncio.Event()
        self._arrivals = arrivals
        room.on("trackSubscribed", self._subscribed)
        for event in ("trackUnsubscribed", "trackMessage"):
            room.on(event, self._happened)

    async def until(self, good: Callable[[dict[str, Arrival]], bool]) -> None:
        async with asyncio.timeout(20):
            while not good({one.kind: one for one in self._arrivals.sample()}):
                self._changed.clear()
                await self._changed.wait()

    def _subscribed(self, track: RemoteTrack) -> None:
        if not isinstance(track, RemoteDataTrack):
            track.on_frame(self._happened)
        self._happened()

    def _happened(self, *_: object) -> None:
        self._changed.set()


@pytest.mark.parametrize(
    ("received", "lost", "expected"), [(90, 10, 0.1), (0, 0, 0.0), (10, -3, 0.0), (0, 5, 1.0)]
)
def test_loss_is_a_part_of_what_was_sent(received: int, lost: int, expected: float) -> None:
    stats = ReceiverStats(kind="audio", mid="0", packets_received=received, packets_lost=lost)
    assert loss_of(stats) == pytest.approx(expected)


async def test_tracks_are_read_and_their_figures_stay_when_they_go() -> None:
    async with embedded() as server:
        ann = await connect(
            server.access_token("ann"), name="r", audio=False, video=False, service_url=server.url
        )
        async with ann:
            arrivals = Arrivals(ann)
            watch = _Watch(ann, arrivals)
            chat = LocalDataTrack(name="chat")
            bob = await connect(
                server.access_token("bob"), name="r", audio={"source": "tone"},
                video={"source": "pattern", "width": 320, "height": 240},
                service_url=server.url,
            )  # fmt: skip
            async with bob:
                await bob.local_participant.publish_track(chat)
                await watch.until(lambda found: len(found) == 3)
                chat.send("hello")
                await watch.until(lambda found: all(one.frames for one in found.values()))
                found = {one.kind: one for one in arrivals.sample()}
                assert all(one.participant == "bob" for one in found.values())
                assert (found["video"].width, found["video"].height) == (320, 240)
                assert found["data"].frames == 1
                bob.disconnect()
            await watch.until(lambda found: not any(one.is_here for one in found.values()))
            last = {one.kind: one for one in arrivals.sample()}
            assert last["video"].frames >= found["video"].frames
            assert last["video"].bitrate_bps == 0
