"""Signaling and media that are lost and come back, or do not."""

from __future__ import annotations

from contextlib import AsyncExitStack

from acs_core.service.sessions import SessionTimes
from tests.interop.stage import MakeStage, Stage
from tests.interop.values import data, microphone, video
from tests.support.events import next_event
from tests.support.media_checks import BLUE, RED
from tests.support.proxies import tcp_proxy, udp_proxy


async def test_a_lost_socket_is_told_and_comes_back(stage: Stage) -> None:
    room = await stage.guest("pablo")
    watcher = await stage.joined("bob")
    async with tcp_proxy(stage.server.port) as proxy:
        page = await stage.page("alice", url=proxy.url)
        await page.connect(media=(microphone(440), data()))
        await watcher.event("trackSubscribed", "track:audio:microphone")
        reconnecting = next_event(room, "participantReconnecting")
        reconnected = next_event(room, "participantReconnected")
        proxy.cut()
        lost = await page.event("reconnecting")
        assert lost.code == 53001
        await page.event("reconnecting", emitter="local")
        await watcher.event("participantReconnecting", "participant:alice")
        assert (await reconnecting)[0].identity == "alice"
        assert await page.run("room => room.state") == "reconnecting"
        # What happens meanwhile is told afterwards.
        await watcher.publish(data("meanwhile"))
        await stage.joined("carol")
        proxy.restore()
        await page.event("reconnected")
        await page.event("reconnected", emitter="local")
        await watcher.event("participantReconnected", "participant:alice")
        assert (await reconnected)[0].identity == "alice"
        await page.event("participantConnected", "participant:carol")
        await page.event("trackSubscribed", "track:data:meanwhile")
        await watcher.send("still here", "meanwhile")
        await page.event("trackMessage", "still here")
        await page.send("me too")
        await watcher.event("trackMessage", "me too")
        await watcher.hears("alice", 440)
        names = [name for name, *_ in await page.story()]
        assert names.count("reconnecting") == names.count("reconnected") == 1
        assert "disconnected" not in names
        await page.close()


async def test_a_publication_made_without_a_socket_is_not_lost(stage: Stage) -> None:
    watcher = await stage.joined("bob")
    async with tcp_proxy(stage.server.port) as proxy:
        page = await stage.page("alice", url=proxy.url)
        await page.connect()
        proxy.cut()
        await page.event("reconnecting")
        await page.run(
            """(room, harness) => {
                room.localParticipant.publishTrack(
                    harness.makeTrack({kind: 'video', name: 'camera', color: [200, 30, 30]}));
            }"""
        )
        proxy.restore()
        await page.event("reconnected")
        await watcher.sees("alice", RED)
        names = [name for name, *_ in await watcher.story()]
        assert names.count("trackSubscribed") == 1
        await page.close()


async def test_a_page_that_does_not_come_back_is_gone(make_stage: MakeStage) -> None:
    stage = await make_stage(times=SessionTimes(twilio_window=2.0))
    room = await stage.guest("pablo")
    watcher = await stage.joined("bob")
    page = await stage.joined("alice", media=(video(RED),))
    await watcher.event("trackSubscribed")
    left = next_event(room, "participantDisconnected")
    await page.close()
    await watcher.event("participantReconnecting", "participant:alice")
    await watcher.event("participantDisconnected", "participant:alice")
    assert (await left)[0].identity == "alice"
    assert await watcher.run("room => room.participants.size") == 1


async def test_the_page_gives_up_when_its_window_is_over(make_stage: MakeStage) -> None:
    stage = await make_stage(times=SessionTimes(twilio_window=2.0))
    watcher = await stage.joined("bob")
    async with tcp_proxy(stage.server.port) as proxy:
        page = await stage.page("alice", url=proxy.url)
        await page.connect()
        proxy.cut()
        ended = await page.event("disconnected")
        assert ended.code in (53000, 53001)
        await watcher.event("participantDisconnected", "participant:alice")
        await page.close()


async def test_a_service_that_goes_away_drops_its_pages(make_stage: MakeStage) -> None:
    stage = await make_stage(times=SessionTimes(twilio_window=2.0))
    # Insights would knock at the port while it is being closed.
    page = await stage.joined("alice", insights=False)
    await stage.server.close()
    await page.event("disconnected")
    assert await page.run("room => room.state") == "disconnected"


async def test_media_that_is_cut_off_comes_back(make_stage: MakeStage) -> None:
    stage = await make_stage(public_address="127.0.0.2")
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(udp_proxy(stage.server.media_port))
        alice = await stage.joined("alice", media=(video(RED), microphone(440), data()))
        bob = await stage.joined("bob", media=(video(BLUE),))
        await bob.sees("alice", RED)
        await alice.sees("bob", BLUE)
        since = await alice.mark()
        proxy.is_cut = True
        lost = await alice.event("reconnecting", since=since, deadline=20)
        assert lost.code == 53405
        await bob.event("reconnecting", deadline=20)
        proxy.is_cut = False
        await alice.event("reconnected", since=since)
        await bob.event("reconnected")
        await bob.sees("alice", RED)
        await alice.sees("bob", BLUE)
        await bob.hears("alice", 440)
        await alice.send("hello again")
        await bob.event("trackMessage", "hello again")
        await alice.close()
        await bob.close()
