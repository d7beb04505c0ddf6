from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any

import pytest

from acs_core.service.webhooks.resolver import DetachedResolver


def hanging(*events: threading.Event) -> Any:
    """A look-up that waits for one event after the other, a call each."""
    left = list(events)

    def look_up(host: str, port: int, **_: Any) -> Any:
        left.pop(0).wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", port))]

    return look_up


def thread_of(host: str) -> threading.Thread:
    (found,) = (item for item in threading.enumerate() if item.name == f"look-up of {host}")
    return found


async def test_names_are_resolved_to_addresses_that_can_be_connected_to() -> None:
    (found,) = await DetachedResolver().resolve("127.0.0.1", 80)
    assert (found["hostname"], found["host"], found["port"]) == ("127.0.0.1", "127.0.0.1", 80)
    assert found["family"] == socket.AF_INET
    assert {item["host"] for item in await DetachedResolver().resolve("localhost")} == {"127.0.0.1"}


async def test_a_zone_is_part_of_the_address() -> None:
    def look_up(*_: Any, **__: Any) -> Any:
        return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1", 80, 0, 3))]

    (found,) = await DetachedResolver(look_up=look_up).resolve("near", 80, socket.AF_INET6)
    assert found["host"] == "fe80::1%3"


@pytest.mark.parametrize(
    ("host", "error"), [("nobody.invalid", OSError), ("x" * 64 + ".example", UnicodeError)]
)
async def test_what_cannot_be_resolved_is_told(host: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await DetachedResolver().resolve(host)


def test_a_look_up_that_hangs_holds_up_neither_its_caller_nor_the_end() -> None:
    go = threading.Event()

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await DetachedResolver(look_up=hanging(go)).resolve("slow.example")

    began = time.monotonic()
    asyncio.run(give_up())
    assert time.monotonic() - began < 10
    thread = thread_of("slow.example")
    assert thread.daemon
    # It finds no loop any more, and that is nobody's error: pytest would tell.
    go.set()
    thread.join(10)
    assert not thread.is_alive()


async def test_look_ups_that_were_given_up_count_until_they_are_over() -> None:
    first, second = threading.Event(), threading.Event()
    second.set()
    resolver = DetachedResolver(most=1, look_up=hanging(first, second))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await resolver.resolve("a.example")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await resolver.resolve("b.example")
    first.set()
    async with asyncio.timeout(10):
        (found,) = await resolver.resolve("c.example", 443)
    assert (found["host"], found["port"]) == ("192.0.2.1", 443)
