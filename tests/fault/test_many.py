"""Eight participants who all see and hear each other, and a hundred who come and go."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import psutil
import pytest

from acs_core.client.session import NewStream
from acs_core.core.facts import PublicationKind
from acs_core.media.sources import PatternSource, ToneSource
from acs_core.service.app import embedded
from acs_core.service.settings import ServiceSettings
from tests.support.events import until
from tests.support.media_checks import is_color, listen, watch
from tests.support.service_client import Participant, group, participant

COLORS = (
    (200, 30, 30),
    (30, 180, 30),
    (30, 30, 200),
    (190, 180, 30),
    (180, 30, 180),
    (30, 170, 180),
    (120, 120, 120),
    (230, 120, 30),
)
TONES = (330.0, 440.0, 587.0, 740.0, 988.0, 1245.0, 1568.0, 1976.0)


def camera(number: int) -> NewStream:
    picture = PatternSource(160, 90, 5, color=COLORS[number])
    return NewStream(PublicationKind.VIDEO, picture, name=f"video {number}")


def microphone(number: int) -> NewStream:
    return NewStream(PublicationKind.AUDIO, ToneSource(TONES[number]), name=f"audio {number}")


async def check(someone: Participant, publication: str) -> None:
    """The stream is that of the participant whose number is in its name."""
    info = someone.session.roster.publication(publication)
    receiver = someone.session.receiver(publication)
    assert info is not None
    assert receiver is not None
    number = int(info.name.split()[1])
    frames = receiver.frames()
    try:
        if info.kind is PublicationKind.VIDEO:
            color, counters = await watch(frames, count=1)  # type: ignore[arg-type]
            assert is_color(color, COLORS[number])
            assert counters
        else:
            async with asyncio.timeout(10):
                # The jitter buffer settles: the beginning of a stream may be stretched.
                for _ in range(25):
                    await anext(frames)
            heard = await listen(frames, seconds=0.4)  # type: ignore[arg-type]
            # Concealment stretches a tone when the machine is busy; its neighbors are far away.
            assert min(TONES, key=lambda tone: abs(tone - heard)) == TONES[number]
    finally:
        frames.close()


def named(someone: Participant, kind: str) -> list[str]:
    """The subscribed publications of a kind: one of each other participant."""
    infos = {item: someone.session.roster.publication(item) for item in someone.subscribed}
    found = {item: info.name for item, info in infos.items() if info and kind in info.name}
    assert len(set(found.values())) == 7
    return list(found)


async def speak(everybody: Sequence[Participant], number: int) -> None:
    """One speaks, and all others hear that one."""
    speaker = everybody[number]
    sound = await speaker.session.publish(microphone(number))
    others = [someone for someone in everybody if someone is not speaker]
    for someone in others:
        await someone.until(partial(someone.session.is_subscribed, sound.id))
    await asyncio.gather(*(check(someone, sound.id) for someone in others))
    await speaker.session.unpublish(sound)


@pytest.mark.parametrize("plane", ["batch", pytest.param("portable", marks=pytest.mark.proof)])
async def test_eight_participants_all_see_and_hear_each_other(
    plane: Literal["batch", "portable"],
) -> None:
    settings = ServiceSettings(dev=True, port=0, media_port=0, plane=plane)
    place = group()
    # Nine ends in one process, in real time: the loop's debug mode takes half of it.
    asyncio.get_running_loop().set_debug(False)
    async with embedded(settings) as service, AsyncExitStack() as stack:
        everybody = [
            await stack.enter_async_context(participant(service, place, [camera(number)]))
            for number in range(8)
        ]
        for someone in everybody:
            await someone.until(lambda who=someone: len(who.subscribed) == 7)
        for someone in everybody:
            await asyncio.gather(*(check(someone, item) for item in named(someone, "video")))
        # Two at a time speak: all clients share this process with the service.
        for number in range(0, 8, 2):
            await asyncio.gather(*(speak(everybody, number + who) for who in (0, 1)))
        stats = service.engine.stats(max_age=0)
        assert len(stats.producers) == 8
        assert len(stats.consumers) == 8 * 7


@dataclass(frozen=True)
class Left:
    """What people have left who came and went beside somebody who stays."""

    tasks: int = 0
    descriptors: int = 0
    producers: int = 0
    consumers: int = 0
    people: int = 0
    memory: int = field(default=0, compare=False)
    """Bytes by which the process has grown."""


NOTHING = Left()


async def test_joins_and_leaves_leave_nothing_behind() -> None:
    assert await come_and_go_in_fours(times=6) == NOTHING


@pytest.mark.proof
@pytest.mark.timeout(300)
async def test_a_hundred_joins_and_leaves_leave_nothing_behind() -> None:
    # Alone in its process: what else runs there moves its memory, too.
    left = await come_and_go_in_fours(times=22)
    assert left == NOTHING
    assert left.memory < 20 << 20


async def come_and_go_in_fours(times: int) -> Left:
    """Join and leave beside a host, and look at what is left when that has settled."""
    process = psutil.Process(os.getpid())
    place = group()
    # A hundred handshakes in one process: the loop's debug mode takes half of the time.
    asyncio.get_running_loop().set_debug(False)
    chat = NewStream(PublicationKind.DATA, name="chat")
    async with embedded() as service, participant(service, place, [chat]) as host:

        async def come_and_go() -> None:
            picture = PatternSource(96, 48, 5, color=COLORS[0])
            mine = [NewStream(PublicationKind.VIDEO, picture, name="v"), chat]
            async with participant(service, place, mine) as guest:
                await guest.until(lambda: guest.subscribed)

        async def figures() -> tuple[int, int]:
            await until(lambda: service.sessions == 1)
            await until(lambda: not service.engine.stats(max_age=0).producers)
            gc.collect()
            return len(asyncio.all_tasks()), process.num_fds()

        for _ in range(3):
            await asyncio.gather(*(come_and_go() for _ in range(4)))
        before = await figures()
        memory = process.memory_info().rss
        for _ in range(times):
            await asyncio.gather(*(come_and_go() for _ in range(4)))
        await figures()

        def left() -> Left:
            stats = service.engine.stats(max_age=0)
            return Left(
                tasks=max(0, len(asyncio.all_tasks()) - before[0]),
                descriptors=max(0, process.num_fds() - before[1]),
                producers=len(stats.producers),
                consumers=len(stats.consumers),
                people=len(host.session.roster.endpoints) - 1,
                memory=process.memory_info().rss - memory,
            )

        # The last connections are still being closed when the last session is gone.
        with contextlib.suppress(TimeoutError):
            await until(lambda: left() == NOTHING)
        assert len(service.calls.live) == 1
        assert len(host.unsubscribed) == len(host.subscribed)
        settled = left()
    assert not service.calls.live
    return settled
