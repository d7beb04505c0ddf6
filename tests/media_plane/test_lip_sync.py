"""Sound and pictures of one publisher can be put on one clock by who receives them."""

from __future__ import annotations

import asyncio
import time

import numpy as np

from acs_core.media.receiver import StreamReceiver
from acs_core.service.app import CallingService
from tests.support.service_client import group, participant
from tests.support.session_clients import received, stream
from tests.support.sources import BeepSource, FlashSource

DEADLINE = 20.0
SIGNALS = 3
TOLERANCE = 0.080
"""Seconds; ITU-R BT.1359-1 puts the threshold of detection at 45 ms early and 125 ms late."""


async def flashes(receiver: StreamReceiver) -> list[float]:
    """When pictures became bright, in seconds of the publisher's wall clock."""
    frames = receiver.frames("queue", maximum=100)
    onsets: list[float] = []
    was_bright = True
    async with asyncio.timeout(DEADLINE):
        async for frame in frames:
            is_bright = bool(frame.to_rgb().mean() > 128)  # type: ignore[union-attr]
            if is_bright and not was_bright and frame.capture_time is not None:
                onsets.append(frame.capture_time)
            was_bright = is_bright
            if len(onsets) == SIGNALS:
                break
    frames.close()
    return onsets


async def beeps(receiver: StreamReceiver) -> list[float]:
    """When the tone began."""
    frames = receiver.frames("queue", maximum=100)
    onsets: list[float] = []
    was_loud = True
    async with asyncio.timeout(DEADLINE):
        async for frame in frames:
            loud = np.abs(frame.samples[:, 0].astype(np.int32)) > 1000  # type: ignore[union-attr]
            if loud.any() and not was_loud and frame.capture_time is not None:
                onsets.append(frame.capture_time + int(loud.argmax()) / 48_000)
            was_loud = bool(loud.any())
            if len(onsets) == SIGNALS:
                break
    frames.close()
    return onsets


async def test_flash_and_beep_have_the_same_capture_time(service: CallingService) -> None:
    place = group()
    mine = [stream(FlashSource()), stream(BeepSource())]
    async with (
        participant(service, place, mine),
        participant(service, place) as viewer,
    ):
        video, audio = await received(viewer, "video"), await received(viewer, "audio")
        seen, heard = await asyncio.gather(flashes(video), beeps(audio))
    # The sources switch with full seconds of the loop's clock, which wall time is ahead of.
    ahead = time.time() - asyncio.get_running_loop().time()
    for onsets in (seen, heard):
        for onset in onsets:
            assert abs((onset - ahead + 0.5) % 1.0 - 0.5) < TOLERANCE
    pairs = [(flash, min(heard, key=lambda beep: abs(beep - flash))) for flash in seen]
    differences = [flash - beep for flash, beep in pairs if abs(flash - beep) < 0.5]
    assert len(differences) >= SIGNALS - 1
    assert max(map(abs, differences)) <= TOLERANCE, differences
