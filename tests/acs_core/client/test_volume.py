from __future__ import annotations

import asyncio

import numpy as np
import pytest

from acs_core import (
    InvalidArgumentError,
    InvalidStateError,
    JoinCallOptions,
    LocalAudioStream,
    LocalAudioStreamOptions,
    LocalVideoStream,
    Volume,
)
from acs_core.client.emitter import TaskOwner
from acs_core.client.volume import volume_level
from acs_core.media.effects.chain import EffectSource
from acs_core.media.program import ProgramAudioSource
from acs_core.media.sources import SilenceSource, ToneSource
from tests.support.calls import joined, settle
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, RED
from tests.support.people import pattern


def test_levels_go_from_silence_to_full_scale() -> None:
    assert [volume_level(dbov) for dbov in (0, 30, 60, 127)] == [100, 50, 0, 0]


def test_a_level_is_the_loudest_of_200_ms() -> None:
    volume = Volume(TaskOwner())
    told: list[int] = []
    volume.on("levelChanged", lambda: told.append(volume.level))
    quiet, loud = np.zeros((960, 1), np.int16), np.full((960, 1), 32767, np.int16)
    for samples in [quiet] * 10 + [quiet] * 9 + [loud] + [quiet] * 10:
        volume.take(samples)
    assert told == [100, 0]
    with pytest.raises(InvalidArgumentError) as caught:
        volume.on("volumeChanged", lambda: None)
    assert caught.value.sub_code == 41060


async def test_the_volume_of_a_microphone_follows_its_source() -> None:
    tone, silence = ToneSource(), SilenceSource()
    stream = LocalAudioStream(tone)
    volume = await stream.get_volume()
    assert await stream.get_volume() is volume
    await next_event(volume, "levelChanged", lambda: volume.level > 50)
    await stream.set_media_stream(silence)
    seen = await stream.get_media_stream()
    assert isinstance(seen, EffectSource)
    assert seen.upstream is silence
    await next_event(volume, "levelChanged", lambda: volume.level == 0)
    await silence.close()
    await stream.set_media_stream(tone)
    await next_event(volume, "levelChanged", lambda: volume.level > 50)
    await stream.dispose()
    await tone.close()
    with pytest.raises(InvalidStateError):
        await stream.get_media_stream()


async def test_raw_media_of_the_wrong_kind_is_refused() -> None:
    picture, tone = pattern(RED), ToneSource()
    sound, video = LocalAudioStream(tone), LocalVideoStream(picture)
    for stream, source, code in ((sound, picture, 43603), (video, tone, 43008)):
        with pytest.raises(InvalidArgumentError) as caught:
            await stream.set_media_stream(source)
        assert (caught.value.code, caught.value.sub_code) == (400, code)


async def test_pictures_of_the_program_take_the_place_of_a_camera_in_a_call() -> None:
    first, second = pattern(RED), pattern(BLUE)
    async with joined(JoinCallOptions(streams=())) as (call, session):
        stream = LocalVideoStream(first)
        await call.start_video(stream)
        (sent,) = session.streams.values()
        changed = next_event(stream, "videoSourceChanged")
        await stream.set_media_stream(second)
        assert (await changed) == (stream,)
        assert isinstance(sent.source, EffectSource)
        assert sent.source.upstream is second
    await first.close()
    await second.close()


async def test_a_call_that_ends_disposes_streams_that_want_it() -> None:
    kept, gone = ToneSource(), ProgramAudioSource()
    stays = LocalAudioStream(kept)
    goes = LocalAudioStream(gone, LocalAudioStreamOptions(auto_dispose_on_call_end=True))
    for stream, is_over in ((stays, False), (goes, True)):
        async with joined(JoinCallOptions(streams=())) as (call, _):
            await call.start_audio(stream)
            await call.hang_up()
            await until(lambda there=call: not there.has_tasks)
        if is_over:
            with pytest.raises(InvalidStateError):
                await stream.get_volume()
        else:
            assert not (await stream.get_media_stream()).is_ended
    await kept.close()


class SlowTone(ToneSource):
    """Opens when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.may_open = asyncio.Event()

    async def _prepare(self) -> None:
        await self.may_open.wait()


async def test_who_asks_twice_at_once_gets_one_volume() -> None:
    tone = SlowTone()
    stream = LocalAudioStream(tone)
    asking = [asyncio.ensure_future(stream.get_volume()) for _ in range(2)]
    await settle()
    tone.may_open.set()
    first, second = await asyncio.gather(*asking)
    assert first is second
    await stream.dispose()
    await tone.close()
