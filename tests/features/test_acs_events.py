"""The two patterns of ACS's events, property and collection, on every object of a real call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from acs_core import (
    Call,
    CallAgent,
    CollectionUpdate,
    DataChannelCallFeature,
    DataChannelReceiver,
    DeviceManager,
    DominantSpeakersCallFeature,
    Features,
    InvalidArgumentError,
    LocalAudioStream,
    LocalVideoStream,
    MediaStatsCollector,
    RemoteParticipant,
    RemoteVideoStream,
)
from acs_core.media.sources import ToneSource
from tests.support.events import next_event, until
from tests.support.media_checks import RED
from tests.support.people import camera, meeting, pattern, seen_by

EMITTERS = (
    Call,
    CallAgent,
    DeviceManager,
    RemoteParticipant,
    RemoteVideoStream,
    LocalVideoStream,
    LocalAudioStream,
    DominantSpeakersCallFeature,
    DataChannelCallFeature,
    DataChannelReceiver,
    MediaStatsCollector,
)
"""Objects of ACS's surface; ours, such as `Features.STREAMS`, follow Twilio's happenings."""

NAMED_OTHERWISE = {
    "videoSourceChanged": "source",
    "audioSourceChanged": "source",
    "videoDevicesUpdated": "get_cameras",
    "audioDevicesUpdated": "get_microphones",
}
"""As in the vendor's own surface: the property of these events has another name."""

WITH_PAYLOAD = {
    "videoSourceChanged",
    "audioSourceChanged",
    "displayNameChanged",
    "connectionStateChanged",
}
"""As in the vendor's own surface: these property events have an argument."""


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


@pytest.mark.feature("EVENT-004", "EVENT-005")
@pytest.mark.parametrize("kind", EMITTERS)
def test_every_changed_and_updated_event_has_its_property(kind: type[Any]) -> None:
    for event in kind.EVENTS:
        match = re.fullmatch(r"(\w+)(Changed|Updated)", event)
        if match is not None:
            name = NAMED_OTHERWISE.get(str(event), snake(match[1]))
            assert hasattr(kind, name), f"{kind.__name__}.{name} for {event}"


@pytest.mark.feature("OBJECT-005", "OBJECT-007", "OBJECT-008")
@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (
            Call,
            "kind id callerInfo info state callEndReason direction isMuted isIncomingAudioMuted "
            "isScreenSharingOn isLocalVideoStarted localVideoStreams localAudioStreams "
            "remoteAudioStreams remoteParticipants feature hangUp mute unmute muteIncomingAudio "
            "unmuteIncomingAudio startVideo stopVideo startScreenSharing stopScreenSharing "
            "startAudio stopAudio on off",
        ),
        (
            RemoteParticipant,
            "identifier displayName endpointDetails state callEndReason videoStreams isMuted "
            "isSpeaking on off",
        ),
        (RemoteVideoStream, "id mediaStreamType isAvailable isReceiving size on off"),
    ],
)
def test_the_members_of_calls_and_participants_are_there(kind: type[Any], names: str) -> None:
    for name in names.split():
        assert hasattr(kind, snake(name)), name


def record(emitter: Any, told: list[tuple[str, tuple[object, ...]]]) -> None:
    """Write down every event of an emitter."""
    for event in emitter.EVENTS:
        emitter.on(event, lambda *args, name=str(event): told.append((name, args)))


@pytest.mark.feature("EVENT-006", "EVENT-007", "EVENT-005", "PARTICIPANT-006", "PARTICIPANT-008")
async def test_property_events_pass_nothing_and_collection_events_what_came_and_went() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        told: list[tuple[str, tuple[object, ...]]] = []
        devices = await anna.devices()
        await devices.get_cameras()
        for emitter in (anna.agent, devices):
            record(emitter, told)
        added = devices.add_virtual_camera("camera", lambda: pattern(RED))
        devices.remove_virtual_device(added)
        call = anna.start()
        record(call, told)
        await call.connected()
        peer = await ben.join()
        (participant,) = await seen_by(call)
        record(participant, told)
        stream = LocalVideoStream(camera(RED))
        await peer.start_video(stream)
        await peer.start_audio(LocalAudioStream(ToneSource()))
        await until(lambda: participant.video_streams and not participant.is_muted)
        (remote,) = participant.video_streams
        record(remote, told)
        await call.start_video(LocalVideoStream(camera(RED)))
        await call.mute()
        await peer.stop_video(stream)
        await until(lambda: not participant.video_streams)
        await peer.hang_up()
        await until(lambda: not call.remote_participants)
        await call.hang_up()
        names = {name for name, _ in told}
        assert names >= {
            "stateChanged",
            "isMutedChanged",
            "isLocalVideoStartedChanged",
            "isAvailableChanged",
            "callsUpdated",
            "remoteParticipantsUpdated",
            "localVideoStreamsUpdated",
            "videoStreamsUpdated",
            "videoDevicesUpdated",
        }
        for name, arguments in told:
            if name.endswith("Updated"):
                (update,) = arguments
                assert isinstance(update, CollectionUpdate)
                assert len(update.added) + len(update.removed) > 0
                assert not set(update.added) & set(update.removed)
            elif name.endswith("Changed") and name not in WITH_PAYLOAD:
                assert arguments == (), name
        rosters = [args[0] for name, args in told if name == "remoteParticipantsUpdated"]
        assert rosters == [
            CollectionUpdate((participant,)),
            CollectionUpdate((), (participant,)),
        ]


@pytest.mark.feature("EVENT-003", "EVENT-008")
async def test_listeners_are_called_until_they_are_taken_off_and_names_are_checked() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        devices = await anna.devices()
        sound = LocalAudioStream(ToneSource())
        video = LocalVideoStream(camera(RED))
        call = await anna.join(audio=sound)
        await ben.join(video=video)
        (participant,) = await seen_by(call)
        await until(lambda: participant.video_streams)
        collector = call.feature(Features.MEDIA_STATS).create_collector()
        diagnostics = call.feature(Features.USER_FACING_DIAGNOSTICS)
        emitters: tuple[Any, ...] = (
            anna.agent,
            devices,
            call,
            sound,
            video,
            participant,
            participant.video_streams[0],
            collector,
            diagnostics.network,
            diagnostics.media,
            call.feature(Features.DOMINANT_SPEAKERS),
            call.feature(Features.DATA_CHANNEL),
        )
        for emitter in emitters:
            with pytest.raises(InvalidArgumentError) as caught:
                emitter.on("noSuchEvent", print)
            assert caught.value.code == 422
            for event in emitter.EVENTS:
                emitter.on(event, print)
                emitter.off(event, print)
        kept: list[bool] = []
        dropped: list[bool] = []

        def keep() -> None:
            kept.append(call.is_muted)

        def drop() -> None:
            dropped.append(call.is_muted)

        call.on("isMutedChanged", keep)
        call.on("isMutedChanged", drop)
        await call.mute()
        call.off("isMutedChanged", drop)
        call.off("isMutedChanged", lambda: None)
        await call.unmute()
        assert (kept, dropped) == ([True, False], [True])


@pytest.mark.feature("PARTICIPANT-004", "PARTICIPANT-013", "PARTICIPANT-014", "VIDEO-017")
async def test_collections_are_read_only_and_hold_what_was_there_before() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        early = await anna.join(video=LocalVideoStream(camera(RED)))
        late = ben.start()
        added: list[int] = []
        later: list[int] = []
        assert late.remote_participants == ()
        late.on("remoteParticipantsUpdated", lambda update: added.append(len(update.added)))
        await late.connected()
        late.on("remoteParticipantsUpdated", lambda update: later.append(len(update.added)))
        assert [item.display_name for item in late.remote_participants] == ["Anna"]
        # Who listened while nobody was shown is told, once; who looks now needs no event.
        assert (added, later) == ([1], [])
        (participant,) = late.remote_participants
        assert [item.media_stream_type for item in participant.video_streams] == ["Video"]
        for collection in (
            late.remote_participants,
            participant.video_streams,
            early.local_video_streams,
            early.local_audio_streams,
            anna.agent.calls,
        ):
            assert not hasattr(collection, "append")
            assert not hasattr(collection, "__setitem__")
        latest = early.feature(Features.USER_FACING_DIAGNOSTICS).media.get_latest()
        assert isinstance(latest, Mapping)
        assert not hasattr(latest, "__setitem__")
        gone = next_event(late, "remoteParticipantsUpdated")
        await early.hang_up()
        (update,) = await gone
        assert update.removed == (participant,)
