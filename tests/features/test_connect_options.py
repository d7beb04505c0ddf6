"""What `connect` is asked for is what a real call then does."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from acs_core import Features
from acs_core.core.rules import INCLUDE_ALL
from acs_core.media.program import ProgramVideoSource
from acs_core.media.sources import MediaSource, SilenceSource
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, RED
from tests.support.people import Meeting, meeting
from tests.support.sources import HissSource, SnowSource
from tests.support.turn_server import turn_server
from twilio_compat import (
    EventListener,
    LifecycleEvent,
    LocalVideoTrack,
    ReceiveReason,
    RemoteVideoTrack,
    Room,
    TwilioError,
)


@pytest.fixture
async def place() -> AsyncIterator[Meeting]:
    async with meeting() as running:
        yield running


async def received(room: Room, kind: str, identity: str = "") -> Any:
    """A track of somebody else, once it is received."""

    def find() -> Any:
        tracks = (
            publication.track
            for one in room.participants.values()
            if one.identity == (identity or one.identity)
            for publication in one.tracks.values()
            if publication.kind == kind
        )
        return next((track for track in tracks if track is not None), None)

    await until(find)
    return find()


class Meter:
    """Measures what a participant sends while somebody watches."""

    def __init__(self, room: Room, watcher: RemoteVideoTrack) -> None:
        self._room = room
        self._watcher = watcher

    async def rates(self, pictures: int) -> tuple[float, float]:
        """Bits per second of sound and of pictures, for as long as so many pictures take."""
        with closing(self._watcher.frames()) as frames:
            await anext(frames)
            began, sound, picture = time.monotonic(), *self._sent()
            for _ in range(pictures):
                await anext(frames)
            seconds = time.monotonic() - began
        later_sound, later_picture = self._sent()
        return (later_sound - sound) * 8 / seconds, (later_picture - picture) * 8 / seconds

    def _sent(self) -> tuple[int, int]:
        counts = {"audio": 0, "video": 0}
        for publication in self._room.local_participant.tracks.values():
            assert publication.core.stats is not None
            counts[publication.kind] += publication.core.stats.bytes_sent
        return counts["audio"], counts["video"]


async def test_bit_rates_are_limited_from_the_start_and_by_set_parameters(place: Meeting) -> None:
    tracks: list[MediaSource] = [HissSource(), SnowSource(fps=15)]
    limits = {"max_audio_bitrate": 12_000, "max_video_bitrate": 250_000}
    sender = await place.guest("sender", tracks=tracks, **limits)
    watcher = await place.guest("watcher")
    meter = Meter(sender, await received(watcher, "video"))
    sound, picture = await meter.rates(30)
    assert 6_000 < sound < 12_000 * 1.3
    assert 100_000 < picture < 250_000 * 1.2
    assert sender.local_participant.setParameters({"maxVideoBitrate": 100_000}) is (
        sender.local_participant
    )
    await meter.rates(10)  # The encoder is made anew with the next picture, which is a key frame.
    sound, picture = await meter.rates(30)
    assert sound < 12_000 * 1.3
    assert picture < 100_000 * 1.3
    sender.local_participant.set_parameters(max_audio_bitrate=64_000)
    await meter.rates(5)
    sound, picture = await meter.rates(20)
    assert sound > 40_000
    assert picture < 100_000 * 1.3
    for track in tracks:
        await track.close()


@pytest.mark.parametrize(("preferred", "codec"), [(["H264"], "H264"), ([{"codec": "VP8"}], "VP8")])
async def test_the_preferred_codec_is_sent(place: Meeting, preferred: Any, codec: str) -> None:
    sender = await place.guest("sender", color=RED, preferred_video_codecs=preferred)
    watcher = await place.guest("watcher")
    track = await received(watcher, "video")
    with closing(track.frames()) as frames:
        await anext(frames)
    (report,) = await watcher.get_stats()
    assert [one.codec for one in report.remote_video_track_stats] == [codec]
    (own,) = await sender.get_stats()
    assert [one.codec for one in own.localVideoTrackStats] == [codec]


async def test_silence_costs_nothing_unless_dtx_is_declined(place: Meeting) -> None:
    quiet, full = SilenceSource(), SilenceSource()
    saving = await place.guest("saving", tracks=[quiet])
    declined = [{"codec": "opus", "dtx": False}]
    spending = await place.guest("spending", tracks=[full], preferred_audio_codecs=declined)

    def packets(room: Room) -> int:
        (publication,) = room.local_participant.tracks.values()
        stats = publication.core.stats
        return 0 if stats is None else stats.packets_sent

    await until(lambda: packets(spending) >= 100)
    assert packets(saving) < packets(spending) / 2
    await quiet.close()
    await full.close()


async def test_media_may_be_relayed_only() -> None:
    async with turn_server() as turn, meeting() as place:
        server = turn.credentials.issue("ann", now=time.time())
        ice = {
            "iceServers": [
                {
                    "urls": list(server.urls),
                    "username": server.username,
                    "credential": server.credential,
                }
            ],
            "iceTransportPolicy": "relay",
        }
        ann = await place.guest("ann", color=RED, rtcConfiguration=ice)
        ben = await place.guest("ben", color=BLUE)
        for room in (ann, ben):
            with closing((await received(room, "video")).frames()) as frames:
                await anext(frames)
        collector = ann._setup.call.feature(Features.MEDIA_STATS).create_collector()
        (sample,) = await next_event(collector, "sampleReported")
        assert {item.local_candidate_type for item in sample.transports} == {"relay"}


async def test_without_a_relay_nothing_goes_where_only_that_may(place: Meeting) -> None:
    with pytest.raises(TwilioError) as caught:
        await place.guest("ann", tone=440.0, ice_transport_policy="relay")
    error = caught.value
    assert error.code == 53405
    assert "no TURN server gave an address" in str(error)
    assert "Check the TURN servers" in error.next_step
    assert error.__cause__ is not None


async def test_who_asked_is_warned_when_a_recording_gets_no_media(place: Meeting) -> None:
    await place.guest("keeper")
    (live,) = place.server.calls.live.values()
    live.set_recording_rules(INCLUDE_ALL)
    source = ProgramVideoSource()
    track = LocalVideoTrack(source)
    ann = await place.guest("ann", tracks=[track], notifyWarnings=["recording-media-lost"])
    ben = await place.guest("ben", tone=440.0)
    local = ann.local_participant
    (publication,) = local.video_tracks.values()
    story: list[tuple[Any, ...]] = []
    for emitter, names in (
        (publication, ("warning", "warningsCleared")),
        (local, ("trackWarning", "trackWarningsCleared")),
        (ann, ("trackWarning", "trackWarningsCleared")),
        (ben, ("trackWarning",)),
    ):
        for name in names:
            emitter.on(name, lambda *given, name=name: story.append((name, *given)))
    await until(lambda: len(story) == 3)
    lost = "recording-media-lost"
    assert story == [
        ("warning", lost),
        ("trackWarning", lost, publication),
        ("trackWarning", lost, publication, local),
    ]
    story.clear()
    cleared = next_event(ann, "trackWarningsCleared")
    picture = np.zeros((96, 160, 3), np.uint8)
    await until(lambda: (track.write(picture), cleared.done())[1])
    assert story == [
        ("warningsCleared",),
        ("trackWarningsCleared", publication),
        ("trackWarningsCleared", publication, local),
    ]
    await source.close()
    track.stop()
    await track.closed()


async def test_a_video_that_is_off_says_why(place: Meeting) -> None:
    red = await place.guest("red", color=RED)
    await place.guest("blue", color=BLUE)
    viewer = await place.guest("viewer", bandwidth_profile={"video": {"maxTracks": 1}})
    tracks = {name: await received(viewer, "video", name) for name in ("red", "blue")}
    await until(lambda: tracks["red"].isSwitchedOff is not tracks["blue"].isSwitchedOff)
    for track in tracks.values():
        wanted = ReceiveReason.MAX_TRACKS if track.isSwitchedOff else ReceiveReason.RECEIVED
        assert track.explain().reason is wanted
    (publication,) = red.local_participant.video_tracks.values()
    told = next_event(tracks["red"], "disabled")
    publication.track.disable()
    await told
    assert tracks["red"].explain().reason is ReceiveReason.PUBLISHER_DISABLED
    other = await place.guest("other", bandwidth_profile={"video": {}})
    unseen = await received(other, "video", "blue")
    await until(lambda: unseen.is_switched_off)
    assert unseen.explain().reason is ReceiveReason.NOT_VISIBLE
    viewer.disconnect()
    await viewer.closed()
    assert tracks["blue"].explain().reason is ReceiveReason.NOT_SUBSCRIBED


async def test_the_life_of_a_connection_is_told(place: Meeting) -> None:
    heard: list[LifecycleEvent] = []
    listener = EventListener().on("event", heard.append)
    room = await place.guest("ann", event_listener=listener)
    assert [one.name for one in heard] == ["connecting", "early", "open"]
    room.disconnect()
    assert (heard[-1].name, heard[-1].payload) == ("closed", {"reason": "local"})
    heard.clear()
    room = await place.guest("ann", event_listener=listener)
    gone = next_event(room, "disconnected")
    await place.guest("ann")
    await gone
    assert (heard[-1].name, heard[-1].payload) == ("closed", {"reason": "remote"})
