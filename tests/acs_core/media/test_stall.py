from __future__ import annotations

import asyncio

from acs_core.media.frames import AUDIO_RATE, FRAME_SAMPLES
from acs_core.media.stall import StallWatch
from tests.support.events import until
from tests.support.sources import HeldSource


async def test_a_source_that_gives_no_frames_is_stalled_until_the_next_one() -> None:
    source = HeldSource()
    told: list[bool] = []
    forget = source.on_stalled(told.append)
    reader = await source.open()
    source.give()
    await reader.read()
    assert not source.is_stalled
    await until(lambda: source.is_stalled)
    source.give()
    await reader.read()
    assert not source.is_stalled
    await until(lambda: source.is_stalled)
    reader.close()
    # Nobody reads: it gives nothing on purpose.
    await until(lambda: not source.is_stalled)
    assert told == [True, False, True, False]
    forget()
    await source.close()


async def test_a_source_that_never_gave_a_frame_is_starting() -> None:
    source = HeldSource()
    reader = await source.open()
    await asyncio.sleep(2 * (source.stall_after or 0))
    assert not source.is_stalled
    reader.close()
    await source.close()


async def test_a_listener_that_fails_is_contained() -> None:
    source = HeldSource()
    told: list[bool] = []
    source.on_stalled(lambda _: 1 / 0 > 2)
    source.on_stalled(told.append)
    reader = await source.open()
    source.give()
    await until(lambda: told == [True])
    reader.close()
    await source.close()


async def test_frames_that_keep_coming_put_the_alarm_off() -> None:
    told: list[bool] = []
    watch = StallWatch(told.append, 0.06)
    for _ in range(6):
        watch.frame()
        await asyncio.sleep(FRAME_SAMPLES / AUDIO_RATE)
    assert told == []
    watch.stop()
    watch.stop()
