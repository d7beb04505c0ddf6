from __future__ import annotations

import asyncio
import threading
from functools import partial

from acs_core.service.recording.thread import WriterThread


async def test_work_is_done_in_order_and_news_come_back() -> None:
    thread = WriterThread()
    news: list[int] = []
    for number in range(5):
        assert thread.submit(partial(thread.tell, partial(news.append, number)))
    assert await thread.close()
    assert news == list(range(5))


async def test_work_that_fails_costs_no_other_work() -> None:
    thread = WriterThread()
    done: list[str] = []
    thread.submit(lambda: done.append(str(1 / 0)))
    thread.submit(lambda: done.append("after"))
    assert await thread.close()
    assert done == ["after"]


async def test_media_is_refused_when_the_disk_does_not_answer_and_the_loop_goes_on() -> None:
    thread = WriterThread(max_pending=100)
    answer, begun = threading.Event(), asyncio.Event()

    def stuck() -> None:
        thread.tell(begun.set)
        answer.wait(10)

    assert thread.submit(stuck, size=60)
    await begun.wait()
    assert not thread.submit(stuck, size=60)
    assert thread.submit(lambda: None)
    assert thread.submit(lambda: None, size=40)
    assert thread.pending == 100
    assert not await thread.close(deadline=0.05)
    answer.set()
    assert await thread.close()
    assert thread.pending == 0


async def test_what_is_abandoned_is_not_done() -> None:
    thread = WriterThread()
    answer, begun = threading.Event(), asyncio.Event()
    done: list[str] = []

    def slow() -> None:
        thread.tell(begun.set)
        answer.wait(10)
        done.append("slow")

    thread.submit(slow)
    thread.submit(lambda: done.append("after"))
    await begun.wait()
    thread.abandon()
    answer.set()
    assert await thread.close()
    assert done == ["slow"]
