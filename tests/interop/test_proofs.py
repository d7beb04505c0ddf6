"""Long proofs of coming and going; `make proof`."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import time

import psutil  # type: ignore[import-untyped]
import pytest

from tests.interop.page import Page
from tests.interop.stage import Stage
from tests.interop.values import PageError, data, microphone, video
from tests.support.events import until
from tests.support.media_checks import RED

ROUNDS = 200
SETTLED_AFTER = 50
MOST_PER_ROUND = 50 * 1024
AT_ONCE = 10
RACES = 20
REPLACED = 53205


@pytest.mark.proof
@pytest.mark.timeout(1200)
async def test_two_hundred_joins_and_leaves_of_a_page(stage: Stage) -> None:
    watcher = await stage.joined("watcher")
    page = await stage.page("alice")
    taken: list[float] = []
    settled = Footprint()
    for number in range(ROUNDS):
        if number == SETTLED_AFTER:
            settled = Footprint()
        since = await watcher.mark()
        began = time.monotonic()
        await page.connect(media=(microphone(440), data()))
        taken.append(time.monotonic() - began)
        await watcher.event("trackSubscribed", "track:audio:microphone", since=since)
        await watcher.event("trackSubscribed", "track:data:chat", since=since)
        await page.disconnect()
        await watcher.event("participantDisconnected", "participant:alice", since=since)
        # What is noted for reports lives in this process, and must not count as the service's.
        page.trace.frames.clear()
        watcher.trace.frames.clear()
    assert await watcher.run("room => room.participants.size") == 0
    await until(lambda: len(stage.server.engine.transports) == 1)
    end = Footprint()
    grown = (end.memory - settled.memory) / (ROUNDS - SETTLED_AFTER)
    taken.sort()
    print(
        f"\n{ROUNDS} joins of a page: median {taken[ROUNDS // 2]:.3f} s, "
        f"worst {taken[-1]:.3f} s, {grown / 1024:.1f} KiB per round"
    )
    assert end.tasks <= settled.tasks + 2
    assert end.files <= settled.files + 2
    assert grown < MOST_PER_ROUND


class Footprint:
    """What this process holds, as of now."""

    def __init__(self) -> None:
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)  # What the allocator keeps for later is nobody's.
        process = psutil.Process()
        self.memory: int = process.memory_info().rss
        self.files: int = process.num_fds()
        self.tasks = len(asyncio.all_tasks())


@pytest.mark.proof
@pytest.mark.timeout(240)
async def test_ten_pages_join_in_the_same_moment(stage: Stage) -> None:
    names = [f"page{number}" for number in range(AT_ONCE)]
    pages = [await stage.page(name) for name in names]
    began = time.monotonic()
    await asyncio.gather(*(page.connect(media=(data(),)) for page in pages))
    print(f"\n{AT_ONCE} pages joined within {time.monotonic() - began:.2f} s")
    for page in pages:
        for other in pages:
            if other is not page:
                await page.event("trackSubscribed", f"participant:{other.identity}", deadline=60)
    await asyncio.gather(*(page.send(page.identity) for page in pages))
    for page in pages:
        for other in pages:
            if other is not page:
                await page.event("trackMessage", other.identity, deadline=60)
        names_heard = [name for name, *_ in await page.story()]
        assert names_heard.count("trackMessage") == AT_ONCE - 1
        assert names_heard.count("trackSubscribed") == AT_ONCE - 1
        assert "disconnected" not in names_heard


@pytest.mark.proof
@pytest.mark.timeout(300)
async def test_two_tabs_race_with_one_identity(stage: Stage) -> None:
    watcher = await stage.joined("watcher")
    tabs = [await stage.page("alice"), await stage.page("alice")]
    for _ in range(RACES):
        since = await watcher.mark()
        outcomes = await asyncio.gather(
            *(tab.connect(media=(video(RED),)) for tab in tabs), return_exceptions=True
        )
        joined = [tab for tab, it in zip(tabs, outcomes, strict=True) if isinstance(it, dict)]
        refused = [it for it in outcomes if isinstance(it, PageError)]
        # Who is replaced before it was let in is told so by `connect`.
        assert len(joined) + len(refused) == len(tabs), outcomes
        assert all(error.code == REPLACED for error in refused)
        winner = await _winner(watcher, joined)
        for tab in joined:
            if tab is not winner:
                assert (await tab.event("disconnected")).code == REPLACED
        await watcher.sees("alice", RED)
        await winner.disconnect()
        await watcher.until("room => room.participants.size === 0")
        names = [name for name, *_ in await watcher.story(since=since)]
        assert names.count("participantConnected") == names.count("participantDisconnected")
        for tab in tabs:
            await tab.run("(_, harness) => { harness.journal.entries.length = 0; }")
    await until(lambda: len(stage.server.engine.transports) == 1)


async def _winner(watcher: Page, joined: list[Page]) -> Page:
    """The tab that stays, once everybody agrees on it."""
    sid = await watcher.until(
        """(room, _, sids) => {
            const [only, ...others] = room.participants.keys();
            return others.length === 0 && sids.includes(only) && only;
        }""",
        [tab.sid for tab in joined],
    )
    (winner,) = (tab for tab in joined if tab.sid == sid)
    assert await winner.run("room => room.state") == "connected"
    return winner
