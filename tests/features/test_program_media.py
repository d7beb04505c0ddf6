"""Headless media in real calls: programs that write faster or slower than real time, and mixes."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from acs_core.media.frames import AUDIO_RATE, Samples
from acs_core.media.patterns import PatternPainter, read_counter, tone
from tests.support.events import next_event
from tests.support.people import meeting
from tests.support.sources import BeepSource
from twilio_compat import (
    LocalAudioTrack,
    RemoteAudioTrack,
    RemoteVideoTrack,
    create_local_audio_track,
    create_local_video_track,
)
from twilio_compat.audio_mixing import mix_room, pcm

LOUD = 1000
SECONDS = 2.0


def wave(seconds: float, start: int = 0) -> Samples:
    count = round(seconds * AUDIO_RATE)
    return tone(start, count, frequency_hz=600.0, level_dbov=-15.0, rate=AUDIO_RATE)


async def loud_pieces(track: RemoteAudioTrack, seconds: float) -> list[bool]:
    """Whether each of the 10 ms is loud that a track brings in so many seconds."""
    loud: list[bool] = []
    frames = track.frames("queue", max_queue=500)
    async for piece in pcm(frames):
        loud.append(bool(np.abs(piece.astype(np.int32)).max() > LOUD))
        if len(loud) >= seconds * 100:
            break
    frames.close()
    return loud


async def test_sound_written_faster_than_real_time_arrives_whole() -> None:
    async with meeting() as place:
        listener = await place.guest("listener")
        subscribed = next_event(listener, "trackSubscribed")
        track = await create_local_audio_track(source="program")
        await place.guest("bot", tracks=[track])
        heard = asyncio.create_task(loud_pieces((await subscribed)[0], SECONDS + 1.5))
        loop = asyncio.get_running_loop()
        began = loop.time()
        step = 4800
        for start in range(0, round(SECONDS * AUDIO_RATE), step):
            # Three times as fast as real time, if it were not held back.
            await track.put(wave(step / AUDIO_RATE, start))
            await asyncio.sleep(step / AUDIO_RATE / 3)
        await track.drained()
        assert loop.time() - began > SECONDS - 0.3
        loud = await heard
        track.stop()
        await track.closed()
    assert abs(sum(loud) / 100 - SECONDS) < 0.2
    first, last = loud.index(True), len(loud) - loud[::-1].index(True)
    assert sum(loud[first:last]) >= last - first - 15


async def test_sound_written_with_pauses_stays_in_time() -> None:
    async with meeting() as place:
        listener = await place.guest("listener")
        subscribed = next_event(listener, "trackSubscribed")
        track = await create_local_audio_track(source="program")
        await place.guest("bot", tracks=[track])
        heard = asyncio.create_task(loud_pieces((await subscribed)[0], 3.0))
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(5):
            await track.put(wave(0.1))
            await asyncio.sleep(max(0.0, began + 0.5 * (number + 1) - loop.time()))
        loud = await heard
        track.stop()
        await track.closed()
    starts = [n for n in range(len(loud)) if loud[n] and not any(loud[max(0, n - 10) : n])]
    assert len(starts) == 5
    # Half a second apart, from the first to the last: the pauses are silence of the same length.
    assert all(abs(start - starts[0] - 50 * number) <= 20 for number, start in enumerate(starts))


@pytest.mark.proof  # A machine that stands still for a moment loses a picture on the way.
async def test_pictures_written_faster_than_they_are_sent_arrive_all_and_in_order() -> None:
    async with meeting() as place:
        viewer = await place.guest("viewer")
        subscribed = next_event(viewer, "trackSubscribed")
        track = await create_local_video_track(source="program", frame_rate=20)
        await place.guest("bot", tracks=[track])
        remote = (await subscribed)[0]
        assert isinstance(remote, RemoteVideoTrack)
        frames = remote.frames("queue", max_queue=100)
        painter = PatternPainter(160, 96, (32, 120, 136))

        async def write() -> None:
            # Some before the first decoded picture, and some that nobody waits for after the last.
            for number in range(60):
                await track.put(painter.draw(number))

        writing = asyncio.create_task(write())
        seen: list[int] = []
        async with asyncio.timeout(20):
            async for frame in frames:
                number = read_counter(frame.to_rgb())
                if number is not None and number not in seen[-1:]:
                    seen.append(number)
                if seen[-1:] == [59]:
                    break
        await writing
        await track.drained()
        frames.close()
        track.stop()
        await track.closed()
    assert seen == list(range(seen[0], 60))
    assert seen[0] < 30


async def test_who_comes_while_nothing_is_written_sees_the_last_picture() -> None:
    async with meeting() as place:
        track = await create_local_video_track(source="program")
        await place.guest("bot", tracks=[track])
        painter = PatternPainter(160, 96, (32, 120, 136))
        await track.put(painter.draw(7))
        viewer = await place.guest("viewer")
        (there,) = viewer.participants.values()
        (publication,) = there.video_tracks.values()
        if publication.track is None:
            await next_event(viewer, "trackSubscribed")
        assert publication.track is not None
        frames = publication.track.frames()
        async with asyncio.timeout(10):
            picture = await anext(frames)
        assert read_counter(picture.to_rgb()) == 7
        frames.close()
        track.stop()
        await track.closed()


async def test_what_is_said_together_is_heard_together_in_the_mix_of_a_room() -> None:
    async with meeting() as place:
        listener = await place.guest("listener")
        tracks = [LocalAudioTrack(BeepSource(pitch)) for pitch in (600.0, 1500.0)]
        await place.guest("first", tracks=tracks[:1])
        heard: list[Samples] = []
        async with mix_room(listener) as mixed:
            # The second one comes while it is mixed already.
            await place.guest("second", tracks=tracks[1:])
            async with asyncio.timeout(20):
                async for piece in pcm(mixed):
                    heard.append(piece[:, 0])
                    if len(heard) == 600:
                        break
        for track in tracks:
            track.stop()
            await track.closed()
    loud = [bool(np.abs(piece.astype(np.int32)).max() > LOUD) for piece in heard]
    starts = [n for n in range(1, len(loud)) if loud[n] and not any(loud[max(0, n - 20) : n])]
    whole = [start for start in starts if start + 60 < len(loud)]
    assert len(whole) >= 3
    # Each beep lasts 0.2 s; two that begin apart last longer. A busy machine sends one late.
    lengths = [sum(loud[start : start + 60]) for start in whole]
    assert sorted(lengths)[len(lengths) // 2] <= 36, lengths
    spectrum = np.abs(np.fft.rfft(np.concatenate(heard[whole[-1] + 14 : whole[-1] + 19])))
    strongest = {round(int(line) * 20 / 100) * 100 for line in np.argsort(spectrum)[-2:]}
    assert strongest == {600, 1500}
