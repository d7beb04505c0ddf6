"""The same program on `acs_core`: a named stream of messages instead of a data track.

python native.py TOKEN ROOM; CALLING_SERVICE_URL says where the service is.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator

from acs_core import (
    AzureCommunicationTokenCredential,
    CallClient,
    CollectionUpdate,
    Features,
    JoinCallOptions,
    PublicationKind,
    RemoteParticipant,
    RemotePublication,
    RoomCallLocator,
)


def log(text: str) -> None:
    print(text, flush=True)


def subscribed(publication: RemotePublication) -> None:
    if publication.kind is PublicationKind.DATA:
        log(f"{publication.endpoint.display_name} can be read")


def received(publication: RemotePublication, data: str | bytes) -> None:
    log(f"{publication.endpoint.display_name}: {json.loads(data)['text']}")


def participants_updated(update: CollectionUpdate[RemoteParticipant]) -> None:
    for participant in update.removed:
        log(f"{participant.display_name} left")


async def main(token: str, room_name: str, typed: AsyncIterator[str]) -> None:
    async with CallClient() as client:
        agent = await client.create_call_agent(AzureCommunicationTokenCredential(token))
        call = agent.join(RoomCallLocator(room_name), JoinCallOptions(streams=()))
        await call.connected()
        streams = call.feature(Features.STREAMS)
        chat = await streams.publish_data(name="chat")

        for publication in streams.publications.values():
            if publication.is_subscribed:
                subscribed(publication)
        streams.on("subscribed", subscribed)
        streams.on("dataReceived", received)
        call.on("remoteParticipantsUpdated", participants_updated)

        async for text in typed:
            chat.send(json.dumps({"text": text}))
            log(f"me: {text}")
        await call.hang_up()


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], lines()))
