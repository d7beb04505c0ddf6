"""The Twilio programs of the migration guides: tracks that are made, published and shown.

Containers of a page are dicts here, and what is put into them shows pictures or takes sound.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from acs_core import DeviceManager
from acs_core.media.sinks import FrameSurface
from acs_core.media.sources import ToneSource
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, GREEN, RED
from tests.support.people import Meeting, pattern
from tests.support.snippets import CAMERA, falls_silent, is_loud, plays, shows
from twilio_compat import (
    AudioSink,
    RemoteParticipant,
    Room,
    createLocalAudioTrack,
    createLocalVideoTrack,
)

TRACK_SID = re.compile(r"MT[0-9a-f]{32}")


def two_cameras() -> DeviceManager:
    """A computer whose first camera shows red and whose second shows green."""
    devices = DeviceManager(enumerate_devices=list)
    devices.add_virtual_camera("front", lambda: pattern(RED))
    devices.add_virtual_camera("back", lambda: pattern(GREEN))
    devices.add_virtual_microphone("desk", lambda: ToneSource(660.0))
    return devices


@pytest.mark.feature("VIDEO-001", "VIDEO-002", "DEVICE-002", "TRACK-001")
async def test_video_001_video_002_create_and_publish_a_camera(place: Meeting) -> None:
    """The guide wraps the constraints in an object; they are the options themselves."""
    twilio_room, other = await place.guest("tina"), await place.guest("tom")
    told: list[str] = []
    for event in ("trackPublished", "trackSubscribed"):
        other.on(event, lambda *_, name=event: told.append(name))
    subscribed = next_event(other, "trackSubscribed")

    constraints = {"width": 160, "height": 96, "devices": two_cameras()}
    video_track = await createLocalVideoTrack(constraints)
    options = {"priority": "high"}
    publication = await twilio_room.localParticipant.publishTrack(video_track, options)

    assert (video_track.kind, bool(video_track.id), bool(video_track.name)) == ("video", True, True)
    assert video_track.mediaStreamTrack.kind == "video"
    assert TRACK_SID.fullmatch(publication.trackSid)
    assert (publication.track, publication.priority) == (video_track, "high")
    track, theirs, _ = await subscribed
    assert told == ["trackPublished", "trackSubscribed"]
    assert (theirs.trackSid, theirs.publishPriority) == (publication.trackSid, "high")
    await shows(track.attach(), RED)
    video_track.stop()
    await video_track.closed()


@pytest.mark.feature("VIDEO-003", "VIDEO-004", "VIDEO-005")
async def test_video_004_video_005_disable_and_enable_a_camera(place: Meeting) -> None:
    twilio_room, other = await place.guest("tina"), await place.guest("tom")
    video_track = await createLocalVideoTrack(CAMERA)
    subscribed = next_event(other, "trackSubscribed")
    await twilio_room.localParticipant.publishTrack(video_track)
    _, publication, _ = await subscribed
    assert video_track.isEnabled
    assert publication.isTrackEnabled
    told: list[str] = []
    for event in ("disabled", "enabled"):
        video_track.on(event, lambda track: told.append(f"{track.isEnabled}"))

    off = next_event(other, "trackDisabled")
    assert video_track.disable() is video_track
    assert (await off)[0] is publication
    assert not publication.isTrackEnabled
    on = next_event(other, "trackEnabled")
    video_track.enable()
    video_track.enable()
    await on
    assert publication.isTrackEnabled
    assert told == ["False", "True"]
    video_track.stop()
    await video_track.closed()


@pytest.mark.feature("RENDER-001", "RENDER-027", "RENDER-028")
async def test_render_001_attach_our_own_camera() -> None:
    video_track = await createLocalVideoTrack(CAMERA | {"color": BLUE})
    local_video_container: list[FrameSurface] = []
    video_element = video_track.attach()
    assert isinstance(video_element, FrameSurface)
    local_video_container.append(video_element)

    assert video_track.attach(video_element) is video_element
    await shows(local_video_container[0], BLUE)
    assert video_track.detach(video_element) is video_element
    assert video_element.is_blank
    video_track.stop()
    await video_track.closed()


@pytest.mark.feature("VIDEO-007", "VIDEO-008")
async def test_video_007_video_008_change_the_camera(place: Meeting) -> None:
    """Tracks keep their device: the old one is unpublished, and one of the other camera made."""
    devices = two_cameras()
    twilio_room, other = await place.guest("tina"), await place.guest("tom")
    local_participant = twilio_room.localParticipant
    video_track = await createLocalVideoTrack({"devices": devices})
    before = await local_participant.publishTrack(video_track)
    (participant,) = other.participants.values()
    await until(lambda: all(item.is_subscribed for item in participant.tracks.values()))
    told: list[str] = []
    for event in ("trackUnsubscribed", "trackUnpublished"):
        participant.on(event, lambda *_, name=event: told.append(name))

    assert local_participant.unpublishTrack(video_track) is before
    assert local_participant.unpublishTrack(video_track) is None
    assert not video_track.isStopped
    back = (await devices.get_cameras())[1]
    subscribed = next_event(other, "trackSubscribed")
    new_track = await createLocalVideoTrack({"devices": devices, "deviceId": {"exact": back.id}})
    after = await local_participant.publishTrack(new_track)

    track, _, _ = await subscribed
    assert told == ["trackUnsubscribed", "trackUnpublished"]
    assert after.trackSid != before.trackSid
    await shows(track.attach(), GREEN)
    for one in (video_track, new_track):
        one.stop()
        await one.closed()


@pytest.mark.feature("RENDER-002", "PARTICIPANT-009")
@pytest.mark.parametrize("kind", ["video", "audio"])
async def test_render_002_audio_004_attach_tracks_of_those_who_join(
    place: Meeting, kind: str
) -> None:
    """The guide leaves out a letter of "participantConnected"."""
    twilio_room = await place.guest("tom")
    containers: dict[str, Any] = {}

    def connected(participant: RemoteParticipant) -> None:
        def subscribed(track: Any, publication: Any) -> None:
            assert publication.track is track
            assert publication.isSubscribed
            containers[participant.identity] = track.attach()

        participant.on("trackSubscribed", subscribed)

    twilio_room.on("participantConnected", connected)
    await place.guest("tina", **({"color": RED} if kind == "video" else {"tone": 660.0}))
    await until(lambda: "tina" in containers)
    if kind == "video":
        await shows(containers["tina"], RED)
    else:
        await plays(containers["tina"], 660.0)


@pytest.mark.feature("RENDER-003", "AUDIO-004")
async def test_render_003_audio_004_attach_tracks_as_the_room_tells_of_them(
    place: Meeting,
) -> None:
    """The guide writes two dots and one bracket too many, and puts sound into the container of
    pictures."""
    twilio_room = await place.guest("tom")
    videos: dict[str, FrameSurface] = {}
    audios: dict[str, AudioSink] = {}
    order: list[str] = []

    def subscribed(track: Any, publication: Any, participant: RemoteParticipant) -> None:
        order.append(f"room: {publication.kind}")
        container = videos if track.kind == "video" else audios
        container[participant.identity] = track.attach()

    def connected(participant: RemoteParticipant) -> None:
        participant.on("trackSubscribed", lambda _, one: order.append(f"participant: {one.kind}"))

    twilio_room.on("trackSubscribed", subscribed)
    twilio_room.on("participantConnected", connected)
    await place.guest("tina", color=GREEN, tone=880.0)
    await until(lambda: "tina" in videos and "tina" in audios)
    assert [item.split(": ")[0] for item in order] == ["participant", "room"] * 2
    assert order[0].endswith(order[1].split(": ")[1])
    await shows(videos["tina"], GREEN)
    await plays(audios["tina"], 880.0)


@pytest.mark.feature("AUDIO-001", "AUDIO-002")
async def test_audio_001_audio_002_create_and_publish_a_microphone(place: Meeting) -> None:
    """The guide wraps the constraints in an object; they are the options themselves."""
    twilio_room, other = await place.guest("tina"), await place.guest("tom")
    (participant,) = other.participants.values()
    audio_track = await createLocalAudioTrack({"devices": two_cameras()})
    subscribed = next_event(other, "trackSubscribed")
    publication = await twilio_room.localParticipant.publishTrack(audio_track, {"priority": "low"})

    assert audio_track.kind == publication.kind == "audio"
    track, _, _ = await subscribed
    assert list(participant.audioTracks) == [publication.trackSid]
    await plays(track.attach(), 660.0)
    audio_track.stop()
    await audio_track.closed()


@pytest.mark.feature("AUDIO-003", "AUDIO-004")
async def test_audio_003_disable_and_enable_a_microphone(place: Meeting) -> None:
    """Attaching our own microphone, which the guide asks for, is not needed to be heard: it plays
    muted."""
    twilio_room, other = await place.guest("tina"), await place.guest("tom")
    audio_track = await createLocalAudioTrack({"source": "tone"})
    audio_element: Any = audio_track.attach()
    assert audio_element.muted
    subscribed = next_event(other, "trackSubscribed")
    await twilio_room.localParticipant.publishTrack(audio_track)
    track, _, _ = await subscribed
    sink = track.attach()
    await until(lambda: is_loud(sink))

    off = next_event(other, "trackDisabled")
    audio_track.disable()
    await off
    await falls_silent(sink)
    on = next_event(other, "trackEnabled")
    audio_track.enable()
    await on
    await until(lambda: is_loud(sink))
    audio_track.stop()
    await audio_track.closed()


@pytest.mark.feature("AUDIO-011", "VIDEO-022", "PARTICIPANT-002")
async def test_audio_011_video_022_mute_all_our_tracks(place: Meeting) -> None:
    room, other = await place.guest("tina", color=RED, tone=440.0), await place.guest("tom")
    (participant,) = other.participants.values()
    for tracks, theirs in (
        (room.localParticipant.audioTracks, participant.audioTracks),
        (room.localParticipant.videoTracks, participant.videoTracks),
    ):
        (publication,) = theirs.values()
        tracks.forEach(lambda publication, _sid: publication.track.disable())
        await until(lambda one=publication: not one.isTrackEnabled)  # type: ignore[misc]
        tracks.forEach(lambda publication, _sid: publication.track.enable())
        await until(lambda one=publication: one.isTrackEnabled)  # type: ignore[misc]


@pytest.mark.feature("SCREEN-001")
async def test_screen_001_publish_the_screen(place: Meeting) -> None:
    """A browser's dialog chooses a screen; a program names the source it captures."""
    twilio_room, other = await place.guest("tina", color=RED), await place.guest("tom")
    (participant,) = other.participants.values()
    stream = pattern(GREEN)
    publication = await twilio_room.localParticipant.publishTrack(stream)

    assert len(twilio_room.localParticipant.videoTracks) == 2
    await until(lambda: len(participant.videoTracks) == 2)
    theirs = participant.videoTracks[publication.trackSid]
    await until(lambda: theirs.track)
    track: Any = theirs.track
    await shows(track.attach(), GREEN)
    publication.track.stop()
    await publication.track.closed()


class Page:
    """The page of the second guide: a box for each participant, with a place for each track."""

    def __init__(self, room: Room) -> None:
        self.boxes: dict[str, dict[str, Any]] = {}
        self.told: list[str] = []
        room.participants.forEach(lambda participant, _sid: self.participant_connected(participant))
        room.on("participantConnected", self.participant_connected)
        room.on("participantDisconnected", lambda participant: self.boxes.pop(participant.sid))

    def participant_connected(self, participant: RemoteParticipant) -> None:
        self.boxes[participant.sid] = {"identity": participant.identity}
        participant.tracks.forEach(lambda item, _sid: self.track_published(item, participant))
        participant.on("trackPublished", lambda item: self.track_published(item, participant))
        participant.on("trackPublished", lambda item: self.told.append(f"published {item.kind}"))

    def track_published(self, publication: Any, participant: RemoteParticipant) -> None:
        if publication.track:
            self.attach_track(publication.track, participant)
        publication.on("subscribed", lambda track: self.attach_track(track, participant))
        publication.on(
            "unsubscribed", lambda track: self.detach_track(track, publication, participant)
        )

    def attach_track(self, track: Any, participant: RemoteParticipant) -> None:
        self.boxes[participant.sid][track.kind] = track.attach()

    def detach_track(self, track: Any, publication: Any, participant: RemoteParticipant) -> None:
        assert publication.track is None
        element = self.boxes[participant.sid].pop(track.kind)
        assert track.detach(element) is element
        self.told.append(f"detached {track.kind}")


@pytest.mark.feature(
    "PUBLICATION-001",
    "PUBLICATION-002",
    "PUBLICATION-003",
    "PUBLICATION-004",
    "PUBLICATION-005",
    "PARTICIPANT-019",
    "TRACK-001",
    "RENDER-028",
)
async def test_publication_001_to_005_a_page_that_shows_everybody(place: Meeting) -> None:
    tina = await place.guest("tina", color=RED)
    page = Page(await place.guest("tom"))
    sid = tina.localParticipant.sid
    await until(lambda: "video" in page.boxes[sid])
    # What was there before is no event.
    assert page.told == []
    await shows(page.boxes[sid]["video"], RED)

    audio_track = await createLocalAudioTrack({"source": "tone", "frequency": 880})
    await tina.localParticipant.publishTrack(audio_track)
    await until(lambda: "audio" in page.boxes[sid])
    await plays(page.boxes[sid]["audio"], 880.0)
    tina.localParticipant.unpublishTrack(audio_track)
    await until(lambda: "audio" not in page.boxes[sid])
    assert page.told == ["published audio", "detached audio"]

    tess = await place.guest("tess", color=BLUE)
    await until(lambda: "video" in page.boxes.get(tess.localParticipant.sid, {}))
    tess.disconnect()
    await until(lambda: list(page.boxes) == [sid])
    audio_track.stop()
    await audio_track.closed()
