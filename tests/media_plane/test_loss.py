"""Media over a network that loses packets, on the way in or on the way out."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from acs_core.media.patterns import read_counter
from acs_core.media.receiver import StreamReceiver
from acs_core.media.sources import ToneSource
from acs_core.service.app import CallingService
from acs_core.service.sfu.plane import PlaneKind
from acs_core.service.sfu.plane.messages import ProducerStats
from tests.support.lossy_path import LossyProxy, service_behind
from tests.support.media_checks import listen, watch
from tests.support.service_client import group, participant
from tests.support.session_clients import received, receiver_stats, stream
from tests.support.sources import SnowSource

DEADLINE = 20.0
PICTURES = 45

# Loss, then what may be noticed of it: pictures given up, longest pause, made-up sound.
# The narrow bounds are proofs: a busy machine alone exceeds them.
LEVELS = [
    (0.05, 12, 1.5, 0.40),
    pytest.param(0.05, 5, 0.5, 0.15, marks=pytest.mark.proof),
    pytest.param(0.20, 20, 1.0, 0.40, marks=pytest.mark.proof),
]


@dataclass(frozen=True, slots=True)
class Scene:
    """A publisher, and a viewer who already sees and hears it."""

    service: CallingService
    proxy: LossyProxy
    video: StreamReceiver
    audio: StreamReceiver

    async def check(self, missing: int, longest: float, concealed: float) -> None:
        (counters, pauses), pitch = await asyncio.gather(
            self._watch(),
            listen(self.audio.frames(), seconds=1.3),  # type: ignore[arg-type]
        )
        assert counters == sorted(set(counters))
        assert receiver_stats(self.video).frames_dropped <= missing
        assert max(pauses) < longest
        assert pitch == pytest.approx(440, abs=5)
        assert receiver_stats(self.audio).concealed_fraction < concealed

    async def _watch(self) -> tuple[list[int], list[float]]:
        """Counters of the pictures that arrive, and the pauses between them."""
        loop = asyncio.get_running_loop()
        counters: list[int] = []
        times: list[float] = []
        frames = self.video.frames("queue", maximum=100)
        async with asyncio.timeout(DEADLINE):
            async for frame in frames:
                counter = read_counter(frame.to_rgb())  # type: ignore[union-attr]
                if counter is not None:
                    counters.append(counter)
                    times.append(loop.time())
                if counters and counters[-1] >= counters[0] + PICTURES - 1:
                    break
        frames.close()
        return counters, [after - before for before, after in itertools.pairwise(times)]

    def producers(self) -> Iterator[ProducerStats]:
        yield from self.service.engine.stats(max_age=0).producers.values()


@asynccontextmanager
async def scene(plane: PlaneKind) -> AsyncIterator[Scene]:
    place = group()
    mine = [stream(SnowSource()), stream(ToneSource(440.0))]
    async with (
        service_behind(plane.value, seed=7) as (service, proxy),
        participant(service, place, mine),
        participant(service, place) as viewer,
    ):
        video, audio = await received(viewer, "video"), await received(viewer, "audio")
        reader = video.frames()
        await watch(reader, count=1)  # type: ignore[arg-type]
        yield Scene(service, proxy, video, audio)
        reader.close()


@pytest.mark.parametrize(("loss", "missing", "longest", "concealed"), LEVELS)
async def test_what_is_lost_on_the_way_to_a_viewer_is_sent_again(
    plane: PlaneKind, loss: float, missing: int, longest: float, concealed: float
) -> None:
    async with scene(plane) as it:
        it.proxy.down.loss = loss
        await it.check(missing, longest, concealed)
        stats = receiver_stats(it.video)
        assert stats.packets_repaired > 0
        consumers = it.service.engine.stats(max_age=0).consumers.values()
        assert sum(item.resent for item in consumers) > 0
        # Nothing of that is the publisher's business.
        assert all(item.lost <= 0 for item in it.producers())


@pytest.mark.parametrize(("loss", "missing", "longest", "concealed"), LEVELS)
async def test_what_a_publisher_loses_is_asked_for_again_by_the_service(
    plane: PlaneKind, loss: float, missing: int, longest: float, concealed: float
) -> None:
    async with scene(plane) as it:
        it.proxy.up.loss = loss
        await it.check(missing, longest, concealed)
        video = max(it.producers(), key=lambda item: item.octets)
        assert video.repaired > 0
        assert video.repaired >= 0.97 * (video.repaired + video.given_up)
