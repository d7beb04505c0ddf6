"""The same program on `acs_core`, in the words of Azure Communication Services.

python native.py TOKEN ROOM; CALLING_SERVICE_URL says where the service is. The token is an ACS user
token or a Twilio access token: both open the same rooms.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from acs_core import (
    AzureCommunicationTokenCredential,
    CallClient,
    CollectionUpdate,
    JoinCallOptions,
    RemoteParticipant,
    RemoteVideoStream,
    RoomCallLocator,
    StreamOptions,
    VideoStreamRenderer,
    VideoStreamRendererView,
)
from acs_core.media.sources import PatternSource, ToneSource


async def main(token: str, room_name: str, typed: AsyncIterator[str]) -> None:
    views: dict[RemoteVideoStream, VideoStreamRendererView] = {}

    async def streams_updated(
        participant: RemoteParticipant, update: CollectionUpdate[RemoteVideoStream]
    ) -> None:
        for stream in update.added:
            print(f"video of {participant.display_name} arrives", flush=True)
            views[stream] = await VideoStreamRenderer(stream).create_view()
        for stream in update.removed:
            print(f"video of {participant.display_name} ends", flush=True)
            if stream in views:
                views.pop(stream).dispose()

    async def participants_updated(update: CollectionUpdate[RemoteParticipant]) -> None:
        for participant in update.added:
            print(f"{participant.display_name} is here", flush=True)
            participant.on(
                "videoStreamsUpdated",
                lambda update, participant=participant: streams_updated(participant, update),
            )
            await streams_updated(participant, CollectionUpdate(participant.video_streams))
        for participant in update.removed:
            print(f"{participant.display_name} left", flush=True)

    async with CallClient() as client:
        agent = await client.create_call_agent(AzureCommunicationTokenCredential(token))
        microphone = StreamOptions(ToneSource(440.0))
        camera = StreamOptions(PatternSource(160, 96, 15, color=(200, 0, 0)))
        call = agent.join(RoomCallLocator(room_name), JoinCallOptions(streams=(microphone, camera)))
        await call.connected()
        print(f"connected to {room_name}", flush=True)
        call.on("remoteParticipantsUpdated", participants_updated)
        await participants_updated(CollectionUpdate(call.remote_participants))

        async for _line in typed:
            pass  # the program goes on until its input ends
        await call.hang_up()
        print("disconnected", flush=True)


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], lines()))
