"""Microphones, mute, remote sound, and who is speaking."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from acs_core import (
    AudioDeviceType,
    Features,
    InvalidArgumentError,
    LocalAudioStream,
    RemoteAudio,
)
from acs_core.identifiers import raw_id
from acs_core.media.sources import ToneSource
from tests.support.events import next_event, until
from tests.support.media_checks import listen, until_loudness
from tests.support.people import meeting, seen_by
from twilio_compat import LocalAudioTrack, RemoteAudioTrack, Room

DEADLINE = 10.0


@pytest.mark.feature(
    "AUDIO-006",
    "AUDIO-007",
    "AUDIO-009",
    "AUDIO-010",
    "PARTICIPANT-011",
    "STATE-001",
    "MATRIX-014",
    "MATRIX-015",
    "MATRIX-016",
)
async def test_a_microphone_is_heard_until_it_is_muted_and_again_afterwards() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        sender, listener = await anna.join(), await ben.join()
        (participant,) = await seen_by(listener)
        stream = LocalAudioStream(ToneSource(660.0))
        await sender.start_audio(stream)
        assert sender.local_audio_streams == (stream,)
        sound = participant.audio_frames()
        assert await listen(sound) == pytest.approx(660, abs=40)
        flips: list[bool] = []
        sender.on("isMutedChanged", lambda: flips.append(sender.is_muted))
        for turn in (1, 2):
            told = next_event(participant, "isMutedChanged")
            await sender.mute()
            assert await told == ()
            assert (sender.is_muted, participant.is_muted) == (True, True)
            await until_loudness(sound, loud=False)
            told = next_event(participant, "isMutedChanged")
            await sender.unmute()
            await told
            assert (sender.is_muted, participant.is_muted) == (False, False)
            await until_loudness(sound, loud=True)
            assert flips == [True, False] * turn
        await sender.mute()
        await sender.mute()
        assert flips[4:] == [True]
        await sound.aclose()
        await sender.stop_audio()
        await until(lambda: participant.is_muted)
        assert not sender.local_audio_streams


@pytest.mark.feature("AUDIO-008")
async def test_muting_incoming_audio_silences_it_here_while_it_goes_on_arriving() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        sender = await anna.join(audio=LocalAudioStream(ToneSource(660.0)))
        listener = await ben.join()
        (participant,) = await seen_by(listener)
        (remote,) = listener.remote_audio_streams
        sound = remote.frames()
        await until_loudness(sound, loud=True)
        flips: list[bool] = []
        listener.on(
            "isIncomingAudioMutedChanged", lambda: flips.append(listener.is_incoming_audio_muted)
        )
        await listener.mute_incoming_audio()
        await listener.mute_incoming_audio()
        await until_loudness(sound, loud=False)
        (publication,) = listener.feature(Features.STREAMS).endpoints[0].publications
        before = publication.stats
        assert before is not None

        def arrived() -> bool:
            now = publication.stats
            return now is not None and now.packets_received > before.packets_received + 10

        reading = asyncio.create_task(until_loudness(sound, loud=False, blocks=30))
        await until(arrived)
        await reading
        assert (participant.is_muted, sender.is_muted) == (False, False)
        await listener.unmute_incoming_audio()
        await until_loudness(sound, loud=True)
        assert flips == [True, False]
        await sound.aclose()


@pytest.mark.feature("OBJECT-009", "DEVICE-007", "DEVICE-009", "MATRIX-036")
async def test_a_call_takes_the_selected_microphone_and_may_switch_it() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        devices = await anna.devices()
        low = devices.add_virtual_microphone("low", lambda: ToneSource(440.0))
        high = devices.add_virtual_microphone("high", lambda: ToneSource(880.0))
        changed = next_event(devices, "selectedMicrophoneChanged")
        await devices.select_microphone(high)
        assert await changed == ()
        assert devices.selected_microphone == high
        with pytest.raises(InvalidArgumentError) as wrong:
            await devices.select_microphone("high")  # type: ignore[arg-type]
        assert (wrong.value.code, wrong.value.sub_code) == (400, 40615)
        sender = await anna.agent.join({"roomId": "meeting"}).connected()
        listener = await ben.join()
        (participant,) = await seen_by(listener)
        sound = participant.audio_frames()
        assert await listen(sound) == pytest.approx(880, abs=40)
        (stream,) = sender.local_audio_streams
        assert stream.source.device_type is AudioDeviceType.VIRTUAL
        with pytest.raises(InvalidArgumentError) as same:
            await stream.switch_source(high)
        assert same.value.sub_code == 43607
        await stream.switch_source(low)
        await until_frequency(sound, 440.0)
        await sound.aclose()


async def until_frequency(sound: RemoteAudio, wanted: float) -> None:
    """Listen until this tone is the loudest."""
    async with asyncio.timeout(DEADLINE):
        while abs(await listen(sound, seconds=0.2) - wanted) > 40:
            pass


# ------------------------------------------------------------------ tracks, Twilio's way


@pytest.mark.feature("AUDIO-001", "AUDIO-002", "AUDIO-003", "AUDIO-004", "AUDIO-011", "TRACK-001")
async def test_an_audio_track_is_heard_disabled_and_heard_again() -> None:
    async with meeting() as place:
        tina, tom = await place.guest("tina"), await place.guest("tom")
        track = LocalAudioTrack(ToneSource(660.0), name="mic")
        assert (track.kind, track.name) == ("audio", "mic")
        arrived = next_event(tom, "trackSubscribed")
        publication = await tina.localParticipant.publishTrack(track)
        remote, there, who = await arrived
        assert list(who.audio_tracks) == [publication.track_sid]
        assert isinstance(remote, RemoteAudioTrack)
        own: Any = track.attach()
        assert own.muted
        sink: Any = remote.attach()

        def is_loud() -> bool:
            return any(np.abs(frame.samples).max() > 1000 for frame in sink.drain())

        await until(is_loud)
        off = next_event(tom, "trackDisabled")
        tina.localParticipant.audioTracks.forEach(lambda one: one.track.disable())
        assert await off == (there, who)
        await until_silent(is_loud)
        on = next_event(tom, "trackEnabled")
        track.enable()
        await on
        await until(is_loud)
        assert remote.detach() == [sink]
        track.stop()
        await track.closed()


async def until_silent(is_loud: Callable[[], bool], *, duration: float = 0.4) -> None:
    """Wait until nothing loud comes for so long; what was under way comes first."""
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                await until(is_loud, deadline=duration)
            except TimeoutError:
                return


@pytest.mark.feature("AUDIO-005")
def test_incoming_sound_cannot_be_muted_in_twilios_model() -> None:
    assert not [name for name in dir(Room) if "incoming" in name.lower()]


# ------------------------------------------------------------------ speakers


@pytest.mark.feature("PARTICIPANT-012", "DOMSPK-003", "DOMSPK-004", "DOMSPK-005", "DOMSPK-006")
async def test_speakers_are_ranked_by_who_spoke_last() -> None:
    async with meeting() as place:
        users = [await place.user(name) for name in ("Anna", "Ben", "Cleo")]
        calls = [
            await user.join(audio=LocalAudioStream(ToneSource(tone)), muted=True)
            for user, tone in zip(users[:2], (440.0, 880.0), strict=True)
        ]
        watcher = await users[2].join()
        others = {item.display_name: item for item in await seen_by(watcher, 2)}
        feature = watcher.feature(Features.DOMINANT_SPEAKERS)
        assert watcher.feature(Features.CALL_DOMINANT_SPEAKERS) is feature
        lists: list[list[str]] = []
        times = [feature.dominant_speakers.timestamp]

        def changed(*arguments: object) -> None:
            assert arguments == ()
            now = feature.dominant_speakers
            lists.append([raw_id(item) for item in now.speakers_list])
            times.append(now.timestamp)

        feature.on("dominantSpeakersChanged", changed)
        speaking: list[bool] = []
        anna = others["Anna"]
        anna.on("isSpeakingChanged", lambda: speaking.append(anna.is_speaking))
        first, second = (user.raw_id for user in users[:2])
        await calls[0].unmute()
        await until(lambda: anna.is_speaking and lists[-1:] == [[first]])
        await calls[0].mute()
        await calls[1].unmute()
        await until(lambda: lists[-1:] == [[second, first]])
        await until(lambda: not anna.is_speaking)
        assert speaking == [True, False]
        distinct = [item for item in lists if item]
        assert distinct[0] == [first]
        assert times == sorted(times)


@pytest.mark.feature("DOMSPK-001", "DOMSPK-002")
async def test_the_dominant_speaker_is_told_who_asked_for_it_and_cleared_when_he_leaves() -> None:
    async with meeting() as place:
        watcher = await place.guest("tom", dominant_speaker=True)
        deaf = await place.guest("ted")
        heard: list[object] = []
        ignored: list[object] = []
        watcher.on("dominantSpeakerChanged", heard.append)
        deaf.on("dominantSpeakerChanged", ignored.append)
        tina = await place.guest("tina", tone=440.0)
        await until(lambda: watcher.dominant_speaker)
        speaker = watcher.dominant_speaker
        assert speaker is not None
        assert (speaker.identity, heard) == ("tina", [speaker])
        tina.disconnect()
        await until(lambda: watcher.dominant_speaker is None)
        assert heard == [speaker, None]
        assert (deaf.dominant_speaker, ignored) == (None, [])
