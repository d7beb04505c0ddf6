"""Rooms that people enter, use and leave for a long time: nothing may grow.

`SOAK_MINUTES=30 make soak`, alone on the machine. Each round has participants that publish
picture, sound and data, take them back, send messages, lose their signaling or their media and get
them back, and leave.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.support.events import until
from tests.support.media_checks import BLUE, RED
from tests.support.people import Meeting, meeting, pattern
from tests.support.proxies import TcpProxy, UdpProxy, tcp_proxy, udp_proxy
from tests.support.vitals import Vitals, growth_per_hour, take
from twilio_compat import LocalDataTrack, LocalVideoTrack, Room

MINUTES = float(os.environ.get("SOAK_MINUTES", "30"))
WARM_UP = 0.4
"""Part of the time during which caches fill and nothing is compared."""
GROWTH_PER_HOUR = 24 << 20
"""Bytes; the allocator moves by as much, and a room left behind by each round is far more."""
RECONNECT_EVERY = 4
PATIENCE = 30.0


async def seen(room: Room, name: str) -> Any:
    """The remote track of a name, once it is there."""

    def find() -> Any:
        tracks = [one for there in room.participants.values() for one in there.tracks.values()]
        return next((one.track for one in tracks if one.track_name == name and one.track), None)

    await until(find, deadline=PATIENCE)
    return find()


async def withdraw(publication: Any, receiver: Room) -> None:
    """Unpublish, and wait until the other one knows."""
    publication.unpublish()
    sid = publication.track_sid
    await until(
        lambda: all(sid not in there.tracks for there in receiver.participants.values()),
        deadline=PATIENCE,
    )


async def messages(sender: Room, receiver: Room) -> None:
    """Ten messages on a new data track, which is withdrawn then."""
    track = LocalDataTrack(name="chat")
    publication = await sender.local_participant.publish_track(track)
    there = await seen(receiver, "chat")
    heard: list[Any] = []
    there.on("message", heard.append)
    for number in range(10):
        track.send(f"message {number}")
    await until(lambda: len(heard) == 10, deadline=PATIENCE)
    await withdraw(publication, receiver)


async def pictures(sender: Room, receiver: Room) -> None:
    """A second video that is published, watched and withdrawn."""
    source = pattern(BLUE)
    track = LocalVideoTrack(source, name="second")
    publication = await sender.local_participant.publish_track(track)
    frames = (await seen(receiver, "second")).frames()
    for _ in range(3):
        async with asyncio.timeout(PATIENCE):
            await anext(frames)
    await frames.aclose()
    track.disable()
    track.enable()
    await withdraw(publication, receiver)
    track.stop()
    await track.closed()
    await source.close()


async def lose(room: Room, cut: Any, restore: Any) -> None:
    """A network that goes and comes back."""
    lost, back = asyncio.Event(), asyncio.Event()
    room.once("reconnecting", lost.set)
    room.once("reconnected", back.set)
    async with asyncio.timeout(PATIENCE):
        cut()
        await lost.wait()
        restore()
        await back.wait()


async def one_round(place: Meeting, number: int, tcp: TcpProxy, udp: UdpProxy) -> None:
    """Two come, use the room, lose their network now and then, and leave."""
    async with AsyncExitStack() as stack:
        far = Meeting(place.server, stack, tcp.url)
        tina = await far.guest(f"tina-{number}", color=RED, tone=440)
        tom = await far.guest(f"tom-{number}", tone=880)
        (there,) = tom.participants.values()
        await until(lambda: all(one.track for one in there.tracks.values()), deadline=PATIENCE)
        await messages(tina, tom)
        await pictures(tina, tom)
        if number % RECONNECT_EVERY == 1:
            await lose(tina, tcp.cut, tcp.restore)
        if number % RECONNECT_EVERY == 3:
            await lose(
                tina, lambda: setattr(udp, "is_cut", True), lambda: setattr(udp, "is_cut", False)
            )
        await messages(tom, tina)
        await tina.get_stats()
    await until(lambda: place.server.sessions == 0, deadline=PATIENCE)


@pytest.mark.soak
async def test_nothing_grows_while_rooms_are_entered_used_and_left() -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(False)
    begin = loop.time()
    looks: list[Vitals] = []
    async with (
        meeting(public_address="127.0.0.2") as place,
        tcp_proxy(place.server.port) as tcp,
        udp_proxy(place.server.media_port) as udp,
    ):
        number = 0
        while loop.time() - begin < MINUTES * 60:
            await one_round(place, number, tcp, udp)
            number += 1
            await until(lambda: not place.server.engine.transports, deadline=PATIENCE)
            udp.forget()
            looks.append(take())
            if number % 10 == 0:
                print(f"{number} rounds, {(loop.time() - begin) / 60:.1f} min: {looks[-1]}")
    compared = looks[int(len(looks) * WARM_UP) :]
    assert len(compared) >= 8, "too short: nothing was compared"
    growth = growth_per_hour(compared)
    first, last = compared[0], compared[-1]
    print(f"{number} rounds; from {first} to {last}; {growth / (1 << 20):+.1f} MiB per hour")
    # What is being closed goes up and down; what is left behind only goes up.
    early, late = compared[: len(compared) // 2], compared[len(compared) // 2 :]
    assert min(one.files for one in late) <= min(one.files for one in early)
    assert min(one.tasks for one in late) <= min(one.tasks for one in early)
    assert min(one.threads for one in late) <= min(one.threads for one in early)
    minutes = (last.at - first.at) / 60
    if minutes >= 10:
        # Over a shorter time the allocator's own movement is more than that.
        assert growth <= GROWTH_PER_HOUR
