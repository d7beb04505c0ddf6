from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from acs_core.core.facts import PublicationKind
from acs_core.errors import InvalidArgumentError, InvalidStateError
from acs_core.media.frames import AudioFrame
from acs_core.media.sources import ToneSource
from tests.support.fake_call import ScriptedReceiver, endpoint, publication
from tests.support.fake_room import only, room_of, turns
from tests.support.sources import HeldSource
from twilio_compat import LocalAudioTrack
from twilio_compat.audio_mixing import MixedSound, mix_room, mix_tracks, pcm


async def frames(*parts: AudioFrame) -> AsyncIterator[AudioFrame]:
    for part in parts:
        yield part


async def finish(*tracks: LocalAudioTrack) -> None:
    for track in tracks:
        track.stop()
        await track.closed()


async def test_loud_sounds_are_clipped_and_do_not_wrap() -> None:
    # Of one frequency they could cancel each other out: they do not begin together.
    tracks = [LocalAudioTrack(ToneSource(hertz, -4.0)) for hertz in (440.0, 510.0, 730.0)]
    async with mix_tracks(tracks) as mixed:
        peaks = []
        async for frame in mixed:
            assert (frame.samples.shape, frame.sample_rate) == ((960, 1), 48_000)
            peaks.append(int(np.abs(frame.samples.astype(np.int32)).max()))
            if len(peaks) == 30:
                break
    # One tone alone has 29 000; clipped sums stay at the end of the scale.
    assert max(peaks) >= 32_767
    await finish(*tracks)


async def test_a_mix_without_tracks_is_silence_at_the_pace_of_real_time() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    mixed = MixedSound(channels=2, lag=0.0)
    times = [(await anext(mixed)).time for _ in range(10)]
    assert times == pytest.approx([number * 0.02 for number in range(10)])
    assert loop.time() - began >= 0.19
    await mixed.aclose()
    await mixed.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(mixed)


async def test_tracks_come_and_go() -> None:
    source = HeldSource()
    track, other = LocalAudioTrack(source), LocalAudioTrack(ToneSource())
    mixed = mix_tracks([track], lag=0.0)
    mixed.add(track)
    mixed.add(other)
    mixed.remove(other)
    mixed.remove(other)
    for _ in range(5):
        assert not (await anext(mixed)).samples.any()
    mixed.add(other)
    async with asyncio.timeout(5):
        while not (await anext(mixed)).samples.any():
            pass
    await mixed.aclose()
    await finish(track, other)


async def test_a_slow_reader_loses_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twilio_compat.audio_mixing._MAX_LATE", 0.1)
    async with MixedSound(lag=0.0) as mixed:
        await anext(mixed)
        await asyncio.sleep(0.3)
        frame = await anext(mixed)
        assert mixed.dropped >= 8
        assert frame.time > 0.15


async def test_a_room_without_sound_is_mixed_too() -> None:
    async with room_of() as (room, _), mix_room(room, channels=2) as mixed:
        assert (await anext(mixed)).channels == 2


def test_arguments_are_checked() -> None:
    for arguments in ({"channels": 3}, {"lag": -1.0}, {"lag": 3.0}):
        with pytest.raises(InvalidArgumentError):
            MixedSound(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(("rate", "channels", "size"), [(48_000, 1, 480), (16_000, 2, 160)])
async def test_sound_is_cut_into_pieces_of_one_length(rate: int, channels: int, size: int) -> None:
    parts = [AudioFrame(np.full((n, 1), 1000, np.int16)) for n in (960, 100, 1500, 2240)]
    pieces = [piece async for piece in pcm(frames(*parts), sample_rate=rate, channels=channels)]
    assert {piece.shape for piece in pieces} == {(size, channels)}
    assert 8 <= len(pieces) <= 10
    assert abs(int(pieces[5].mean()) - 1000) < 20


async def test_pieces_that_cannot_be_are_refused() -> None:
    for arguments in ({"duration": 0.0}, {"sample_rate": 0}, {"channels": 3}):
        with pytest.raises(InvalidArgumentError):
            await anext(pcm(frames(), **arguments))  # type: ignore[arg-type]


async def test_a_mix_that_nobody_reads_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twilio_compat.audio_mixing._MAX_LATE", 0.1)
    track = LocalAudioTrack(ToneSource())
    async with mix_tracks([track]) as mixed:
        frames = track.frames()
        for _ in range(30):
            await anext(frames)
        frames.close()
        assert mixed._mixer.end - mixed._mixer.position <= 0.5 * 48_000
        assert mixed.dropped == 0
        assert (await anext(mixed)).samples.any()
    await finish(track)


async def test_a_track_that_is_added_again_at_once_can_be_removed() -> None:
    track = LocalAudioTrack(HeldSource())
    async with mix_tracks([track]) as mixed:
        await turns()
        mixed.remove(track)
        mixed.add(track)
        await turns(30)
        assert mixed.tracks == (track,)
        mixed.remove(track)
        assert mixed.tracks == ()
    await finish(track)


async def test_a_mix_with_a_track_that_is_not_received_leaves_nothing_behind() -> None:
    source = ToneSource()
    track = LocalAudioTrack(source)
    sounding = endpoint("a", "ann", publication("1", PublicationKind.AUDIO))
    async with room_of(sounding, received={"1" * 32: ScriptedReceiver()}) as (room, session):
        (remote,) = [one.track for one in only(room).audio_tracks.values()]
        assert remote is not None
        session.receivers.clear()
        with pytest.raises(InvalidStateError):
            mix_tracks([track, remote])
        await turns(30)
        assert not source.is_capturing
        async with mix_room(room) as mixed:
            assert mixed.tracks == ()
    await finish(track)
