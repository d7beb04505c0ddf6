"""The same program on `acs_core`: a screen is a kind of stream there, not a name.

python native.py TOKEN ROOM; CALLING_SERVICE_URL says where the service is.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from acs_core import (
    AzureCommunicationTokenCredential,
    CallClient,
    Features,
    JoinCallOptions,
    PublicationKind,
    RemotePublication,
    RoomCallLocator,
)
from acs_core.media.sources import PatternSource


def log(text: str) -> None:
    print(text, flush=True)


async def subscribed(publication: RemotePublication) -> None:
    if publication.kind is not PublicationKind.SCREEN:
        return
    name = publication.endpoint.display_name
    log(f"{name} shares")
    frames = publication.frames()
    picture = (await anext(frames)).to_rgb()
    frames.close()
    color = ("red", "green", "blue")[picture.mean(axis=(0, 1)).argmax()]
    log(f"{name} shows something {color}")


def unsubscribed(publication: RemotePublication) -> None:
    if publication.kind is PublicationKind.SCREEN:
        log(f"{publication.endpoint.display_name} does not share")


async def main(token: str, room_name: str, buttons: AsyncIterator[str]) -> None:
    async with CallClient() as client:
        agent = await client.create_call_agent(AzureCommunicationTokenCredential(token))
        call = agent.join(RoomCallLocator(room_name), JoinCallOptions(streams=()))
        await call.connected()
        streams = call.feature(Features.STREAMS)
        streams.on("subscribed", subscribed)
        streams.on("unsubscribed", unsubscribed)
        for publication in streams.publications.values():
            if publication.is_subscribed:
                await subscribed(publication)

        # A server has no screen; call.start_screen_sharing() shares a real one.
        screen = PatternSource(320, 192, 15, color=(0, 0, 200))
        async for button in buttons:
            if button == "share":
                shared = await streams.publish(screen, name="screen", screen=True)
                log("I share")
            elif button == "unshare":
                await streams.unpublish(shared)
                log("I do not share")
        await call.hang_up()
        await screen.close()


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], lines()))
