"""Raw frames and sound of a real call, in and out."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from acs_core import InvalidArgumentError, LocalAudioStream, LocalVideoStream
from acs_core.media.program import ProgramAudioSource, ProgramVideoSource
from acs_core.media.sources import ToneSource
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, RED, is_color, listen, watch
from tests.support.people import meeting, pattern, seen_by


@pytest.mark.feature("MATRIX-031")
async def test_raw_frames_are_whose_they_are_when_their_source_is_exchanged() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        camera, microphone = LocalVideoStream(pattern(RED)), LocalAudioStream(ToneSource(440.0))
        call = await anna.join(video=camera, audio=microphone)
        there = await ben.join()
        (participant,) = await seen_by(there)
        await until(lambda: participant.video_streams)
        (stream,) = participant.video_streams
        (mixed,) = there.remote_audio_streams
        pictures, sound = await stream.get_media_stream(), await mixed.get_media_stream()
        color, counters = await watch(pictures)
        assert is_color(color, RED)
        assert counters == sorted(set(counters))
        assert await listen(sound) == pytest.approx(440, abs=20)

        # What is sent can be read here, too.
        own = await (await camera.get_media_stream()).open()
        picture = await own.read()
        assert (picture.width, picture.height) == (160, 96)
        own.close()

        others = pattern(BLUE), ToneSource(880.0)
        await camera.set_media_stream(others[0])
        await microphone.set_media_stream(others[1])
        async with asyncio.timeout(10):
            while not is_color((await watch(pictures, count=1))[0], BLUE):
                pass
            while await listen(sound) != pytest.approx(880, abs=20):
                pass
        assert participant.video_streams == (stream,)
        pictures.close()
        await sound.aclose()
        await call.hang_up()
        for source in others:
            await source.close()


async def keep_writing(video: ProgramVideoSource, audio: ProgramAudioSource) -> None:
    """A gray picture and a loud tone, until cancelled."""
    picture = np.full((96, 160, 3), 200, np.uint8)
    time = np.arange(960) / 48_000
    sound = (20_000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    while True:
        video.write(picture)
        audio.write(sound)
        await asyncio.sleep(0.02)


async def test_what_one_program_writes_another_reads() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        pictures, sound = ProgramVideoSource(), ProgramAudioSource()
        camera, microphone = LocalVideoStream(pictures), LocalAudioStream(sound)
        call = await anna.join(video=camera, audio=microphone)
        writer = asyncio.create_task(keep_writing(pictures, sound))
        there = await ben.join()
        (participant,) = await seen_by(there)
        await until(lambda: participant.video_streams)
        (stream,) = participant.video_streams
        frames = await stream.get_media_stream()
        async with asyncio.timeout(10):
            frame = await anext(frames)
        assert abs(float(frame.to_rgb().mean()) - 200) < 12
        frames.close()
        (mixed,) = there.remote_audio_streams
        volume = await mixed.get_volume()
        assert await mixed.get_volume() is volume
        await next_event(volume, "levelChanged", lambda: volume.level > 60)
        await there.mute_incoming_audio()
        await next_event(volume, "levelChanged", lambda: volume.level == 0)
        reader = await mixed.get_media_stream()
        assert (await anext(reader)).samples.shape == (960, 1)
        await reader.aclose()
        await call.stop_video(camera)
        await until(lambda: not stream.is_available)
        with pytest.raises(InvalidArgumentError) as caught:
            await stream.get_media_stream()
        assert (caught.value.code, caught.value.sub_code) == (400, 43103)
        writer.cancel()
        await asyncio.wait({writer})
        await there.hang_up()
        await call.hang_up()
        await pictures.close()
        await sound.close()
