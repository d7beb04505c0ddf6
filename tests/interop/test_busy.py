"""A service that has no room for another socket, and one that drops a socket."""

from __future__ import annotations

import asyncio

from tests.interop.page import Page
from tests.interop.stage import MakeStage, Stage
from tests.interop.values import data, microphone
from tests.support.events import next_event, until
from tests.support.proxies import socket_proxy
from twilio_compat.gateway.gateway import GatewaySettings

INTERNAL_ERROR = 1011
"""RFC 6455 section 7.4.1."""


async def test_who_finds_no_place_waits_and_comes_in_later(make_stage: MakeStage) -> None:
    stage = await make_stage(gateway=GatewaySettings(sockets=1, retry_after=0.5))
    first = await stage.joined("alice")
    second = await stage.page("bob")
    connecting = asyncio.create_task(second.connect())
    # Asked to wait twice: it came again by itself, and was not let in while the place was taken.
    await until(lambda: len(_busy(second)) >= 2)
    assert not connecting.done()
    assert _busy(second)[0] == {"type": "busy", "retryAfter": 500, "keepAlive": False}
    assert await first.run("room => room.participants.size") == 0
    await first.disconnect()
    assert (await connecting)["state"] == "connected"
    opened = [frame for frame in second.trace.frames if _is_opening(frame.direction, frame.path)]
    assert len(opened) == len(_busy(second)) + 1
    assert await second.story() == []


async def test_a_socket_that_is_closed_with_an_error_is_replaced(stage: Stage) -> None:
    room = await stage.guest("pablo")
    watcher = await stage.joined("bob", media=(data(),))
    async with socket_proxy(stage.server.url) as proxy:
        page = await stage.page("alice", url=proxy.url)
        await page.connect(media=(microphone(440), data("chat-of-alice")), insights=False)
        await watcher.event("trackSubscribed", "track:audio:microphone")
        await watcher.event("trackSubscribed", "track:data:chat-of-alice")
        await page.event("trackSubscribed", "track:data:chat")
        reconnecting = next_event(room, "participantReconnecting")
        reconnected = next_event(room, "participantReconnected")
        since = await page.mark()
        assert await proxy.close_all(INTERNAL_ERROR) == 1
        # Said when its socket is gone, or just taken up again.
        await watcher.publish(data("meanwhile"))
        assert (await page.event("reconnecting", since=since)).code == 53001
        await page.event("reconnected", since=since)
        assert (await reconnecting)[0].identity == "alice"
        assert (await reconnected)[0].identity == "alice"
        await watcher.event("participantReconnected", "participant:alice")
        await page.event("trackSubscribed", "track:data:meanwhile")
        await _still_talk(page, watcher)
        names = [name for name, *_ in await page.story(since=since)]
        assert names.count("reconnecting") == names.count("reconnected") == 1
        assert not {"disconnected", "trackUnsubscribed", "participantDisconnected"} & set(names)
        assert "trackUnsubscribed" not in [name for name, *_ in await watcher.story()]
        await page.close()


async def _still_talk(page: Page, watcher: Page) -> None:
    await page.send("still here", "chat-of-alice")
    await watcher.event("trackMessage", "still here")
    await watcher.send("me too", "meanwhile")
    await page.event("trackMessage", "me too")
    await watcher.hears("alice", 440)


def _busy(page: Page) -> list[dict[str, object]]:
    messages = [frame.message for frame in page.trace.frames if frame.direction == ">"]
    return [item for item in messages if isinstance(item, dict) and item.get("type") == "busy"]


def _is_opening(direction: str, path: str) -> bool:
    return direction == "o" and path == "/signaling"
