from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from acs_core.errors import (
    InvalidArgumentError,
    InvalidStateError,
    MediaError,
    ServiceError,
    SourceUnavailableError,
)
from acs_core.media.program import ProgramVideoSource
from acs_core.media.sources import MediaFrame, MediaSource, ToneSource
from acs_core.wire import QualityLevel
from tests.support.events import next_event
from tests.support.fake_call import (
    LOCAL_ID,
)
from tests.support.fake_room import ANN, Story, listen, only, room_of, turns
from twilio_compat import (
    LocalAudioTrack,
    LocalDataTrack,
    LocalVideoTrack,
    NetworkQualityConfiguration,
    TwilioError,
    create_local_video_track,
)


async def test_tracks_that_were_passed_in_go_on() -> None:
    mine = LocalAudioTrack(ToneSource())
    async with room_of(tracks=[mine]) as (room, _):
        room.disconnect()
        assert not mine.is_stopped
    mine.stop()
    await mine.closed()


@pytest.mark.feature("NQ-001", "NQ-002")
async def test_network_quality_follows_the_verbosity() -> None:
    quality = NetworkQualityConfiguration(local=2, remote=1)
    async with room_of(ANN, network_quality=quality) as (room, session):
        ann = only(room)
        story: Story = []
        listen(story, "local", room.local_participant)
        listen(story, "ann", ann)
        mine = QualityLevel(endpoint=LOCAL_ID, level=4, audio_send=5, video_receive=3)
        session.observer.on_quality((mine, QualityLevel(endpoint=ANN.id, level=2)))
        session.observer.on_quality((QualityLevel(endpoint=ANN.id, level=2, audio_send=1),))
        stats = room.local_participant.network_quality_stats
        assert story == [
            ("local", "networkQualityLevelChanged", 4, stats),
            ("ann", "networkQualityLevelChanged", 2, None),
        ]
        assert stats is not None
        assert (stats.level, stats.audio.send, stats.video.recv) == (4, 5, 3)
        room.local_participant.setNetworkQualityConfiguration({"local": 1, "remote": 0})
        session.observer.on_quality((QualityLevel(endpoint=ANN.id, level=5),))
        assert ann.network_quality_level == 2


@pytest.mark.feature("VIDEO-004", "AUDIO-011")
async def test_local_disable_is_told_to_the_participant_before_the_publication() -> None:
    track = LocalAudioTrack(ToneSource(), name="mic")
    async with room_of(tracks=[track]) as (room, session):
        local = room.local_participant
        mic = next(iter(local.audio_tracks.values()))
        story: Story = []
        for label, emitter in (("local", local), ("publication", mic), ("track", track)):
            listen(story, label, emitter)
        local.audioTracks.forEach(lambda publication: publication.track.disable())
        assert story == [
            ("track", "disabled", track),
            ("local", "trackDisabled", track),
            ("publication", "trackDisabled"),
        ]
        assert not mic.is_track_enabled
        track.disable()
        assert len(story) == 3
        await turns()
        assert ("update", "mic", False, None) in session.log
    track.stop()
    await track.closed()


@pytest.mark.feature("AUDIO-002", "VIDEO-007")
async def test_publish_and_unpublish() -> None:
    track = LocalVideoTrack(ProgramVideoSource(), name="cam")
    async with room_of() as (room, session):
        local = room.local_participant
        story: Story = []
        listen(story, "local", local)
        first = await local.publish_track(track, {"priority": "low"})
        assert (first.kind, first.track, first.priority) == ("video", track, "low")
        assert await local.publishTrack(track) is first
        await asyncio.sleep(0)
        assert story == [("local", "trackPublished", first)]
        first.setPriority("high")
        assert local.unpublish_track(track) is first
        assert (local.tracks.size, local.unpublish_track(track)) == (0, None)
        assert not track.is_stopped
        with pytest.raises(TypeError):
            local.unpublish_track("cam")  # type: ignore[arg-type]
        second = await local.publish_track(track)
        assert second.track_sid != first.track_sid
        assert [entry[0] for entry in session.log].count("unpublish") == 1
    track.stop()
    await track.closed()


async def test_a_limit_holds_for_what_is_being_published_when_it_is_set() -> None:
    track = LocalVideoTrack(ProgramVideoSource(), name="cam")
    async with room_of() as (room, session):
        session.gate = asyncio.Event()
        publishing = asyncio.create_task(room.local_participant.publish_track(track))
        await turns()
        room.local_participant.set_parameters(max_video_bitrate=200_000)
        session.gate.set()
        publication = await publishing
        assert publication.core.stream.encoding.max_bitrate_bps == 200_000
    track.stop()
    await track.closed()


async def test_a_refused_publication_is_raised_and_told() -> None:
    track = LocalVideoTrack(ProgramVideoSource(), name="cam")
    async with room_of() as (room, session):
        session.refusal = ServiceError("Too many.", sub_code=53203)
        story: Story = []
        listen(story, "local", room.local_participant)
        with pytest.raises(TwilioError) as caught:
            await room.local_participant.publish_track(track)
        assert caught.value.code == 53203
        await asyncio.sleep(0)
        assert story == [("local", "trackPublicationFailed", caught.value, track)]
        with pytest.raises(TypeError):
            await room.local_participant.publish_tracks("cam")  # type: ignore[arg-type]
        session.refusal = None
    track.stop()
    await track.closed()


async def test_data_tracks_send_everywhere_and_forget(caplog: pytest.LogCaptureFixture) -> None:
    track = LocalDataTrack(name="chat")
    async with room_of(tracks=[track]) as (room, session):
        track.send("hello")
        track.send(bytearray(b"\x01"))
        track.send("fail")
        with pytest.raises(TypeError):
            track.send(3)  # type: ignore[arg-type]
        assert session.sent == [("chat", "hello"), ("chat", b"\x01")]
        assert "was not sent" in caplog.text
        room.local_participant.unpublish_tracks([track])
        track.send("nobody")
        assert len(session.sent) == 2


async def test_a_change_the_service_was_not_told_is_reported() -> None:
    track = LocalAudioTrack(ToneSource(), name="mic")
    async with room_of(tracks=[track]) as (room, session):
        session.refusal = ServiceError("No.", sub_code=53203)
        failed = next_event(room.local_participant, "trackPublicationFailed")
        track.disable()
        error, about = await failed
        assert (error.code, about) == (53203, track)
        session.refusal = None
    track.stop()
    await track.closed()


class BrokenSource(MediaSource):
    """Cannot be opened, or fails after its first frame."""

    def __init__(self, *, opens: bool) -> None:
        super().__init__("video", "broken")
        self._opens = opens
        self.fails = asyncio.Event()

    async def _prepare(self) -> None:
        if not self._opens:
            raise SourceUnavailableError("It is gone.", sub_code=43000)

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        await self.fails.wait()
        raise MediaError("It broke.")
        yield  # A generator, as the base class wants.


async def test_what_happens_while_a_track_is_being_published_is_applied_then() -> None:
    track = await create_local_video_track(source="pattern", name="cam")
    async with room_of() as (room, session):
        session.gate = asyncio.Event()
        publishing = asyncio.create_task(room.local_participant.publish_track(track))
        await turns()
        track.disable()
        await track.restart(source="program")
        session.gate.set()
        publication = await publishing
        await turns()
        assert not publication.core.is_enabled
        assert ("update", "cam", False, None) in session.log
        assert publication.core.source is track.sent_source
    track.stop()
    await track.closed()


async def test_a_source_that_is_published_twice_has_one_publication() -> None:
    source = ProgramVideoSource()
    async with room_of() as (room, _):
        local = room.local_participant
        first = await local.publish_track(source)
        assert await local.publish_track(source) is first
        assert await local.publish_track(first.track) is first
        assert local.tracks.size == 1
    await source.close()


async def test_unpublishing_a_track_that_is_being_published_wins() -> None:
    track = LocalVideoTrack(ProgramVideoSource(), name="cam")
    async with room_of() as (room, session):
        session.gate = asyncio.Event()
        story: Story = []
        listen(story, "local", room.local_participant)
        publishing = asyncio.create_task(room.local_participant.publish_track(track))
        await turns()
        assert room.local_participant.unpublish_track(track) is None
        session.gate.set()
        with pytest.raises(InvalidStateError, match="was unpublished"):
            await publishing
        assert [entry[0] for entry in session.log] == ["publish", "unpublish"]
        assert (story, room.local_participant.tracks.size) == ([], 0)
    track.stop()
    await track.closed()


async def test_a_publish_that_ends_after_the_room_adds_nothing() -> None:
    track = LocalVideoTrack(ProgramVideoSource(), name="cam")
    async with room_of() as (room, session):
        session.gate = asyncio.Event()
        publishing = asyncio.create_task(room.local_participant.publish_track(track))
        await turns()
        room.disconnect()
        story: Story = []
        listen(story, "local", room.local_participant)
        session.gate.set()
        with pytest.raises(InvalidStateError):
            await publishing
        await turns()
        assert (story, room.local_participant.tracks.size) == ([], 0)
    track.stop()
    await track.closed()


async def test_a_source_that_cannot_be_opened_is_not_published() -> None:
    track = LocalVideoTrack(BrokenSource(opens=False), name="cam")
    async with room_of() as (room, session):
        story: Story = []
        listen(story, "local", room.local_participant)
        with pytest.raises(SourceUnavailableError):
            await room.local_participant.publish_track(track)
        await turns()
        assert session.log == []
        assert [(entry[1], entry[2].code) for entry in story] == [("trackPublicationFailed", 53300)]
    track.stop()
    await track.closed()


async def test_a_source_that_fails_later_is_told() -> None:
    source = BrokenSource(opens=True)
    track = LocalVideoTrack(source, name="cam")
    async with room_of() as (room, _):
        failed = asyncio.Event()
        room.local_participant.on("trackPublicationFailed", failed.set)
        await room.local_participant.publish_track(track)
        reader = await source.open()
        source.fails.set()
        async with asyncio.timeout(2):
            await failed.wait()
        assert track.is_stopped
        reader.close()
    await track.closed()


async def test_misuse_is_no_twilio_error() -> None:
    async with room_of() as (room, _):
        with pytest.raises(InvalidArgumentError, match="0 to 65535"):
            await room.local_participant.publish_track(LocalDataTrack(max_retransmits=70_000))
