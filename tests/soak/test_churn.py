"""Hours of coming and going: nothing may grow. `SOAK_HOURS=8 make soak`."""

from __future__ import annotations

import asyncio
import gc
import os

import psutil
import pytest

from acs_core.media.sources import PatternSource, ToneSource
from acs_core.service import embedded
from tests.support.events import until
from tests.support.service_client import group, participant
from tests.support.session_clients import stream

HOURS = float(os.environ.get("SOAK_HOURS", "1"))
STAY = 5.0
GROWTH_PER_HOUR = 1 << 20
WARM_UP = 20


@pytest.mark.soak
async def test_nothing_grows_while_participants_come_and_go_for_hours() -> None:
    process = psutil.Process()
    place = group()
    loop = asyncio.get_running_loop()
    ends = loop.time() + HOURS * 3600
    async with embedded() as service:
        rounds = 0
        before: tuple[int, int, int, float] | None = None
        while loop.time() < ends:
            mine = [stream(PatternSource(320, 180, 15)), stream(ToneSource(440.0))]
            async with (
                participant(service, place, mine),
                participant(service, place) as viewer,
            ):
                await viewer.until(lambda who=viewer: len(who.subscribed) == 2)
                await asyncio.sleep(STAY)
            await until(lambda: service.sessions == 0)
            rounds += 1
            gc.collect()
            now = (
                process.memory_info().rss,
                process.num_fds(),
                len(asyncio.all_tasks()),
                loop.time(),
            )
            if rounds == WARM_UP:
                before = now
            if rounds % 100 == 0:
                print(f"{rounds} rounds: {now[0] >> 20} MiB, {now[1]} files, {now[2]} tasks")
        assert before is not None, "too short: nothing was compared"
        hours = (now[3] - before[3]) / 3600
        assert now[1] <= before[1]
        assert now[2] <= before[2]
        assert now[0] - before[0] <= GROWTH_PER_HOUR * max(hours, 1)
