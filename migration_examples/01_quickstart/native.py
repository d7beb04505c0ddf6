"""The same program on `acs_core`, in the words of Azure Communication Services.

python native.py TOKEN ROOM [--seconds 10]; CALLING_SERVICE_URL says where the service is. The token
is an ACS user token or a Twilio access token: both open the same rooms.
"""

import argparse
import asyncio
import os

from acs_core import (
    AzureCommunicationTokenCredential,
    CallAgentOptions,
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


async def main(token: str, room_name: str, seconds: float, name: str) -> None:
    views: dict[RemoteVideoStream, VideoStreamRendererView] = {}

    def participants_updated(update: CollectionUpdate[RemoteParticipant]) -> None:
        for participant in update.added:
            print(f"{participant.display_name} is here", flush=True)
            participant.on(
                "videoStreamsUpdated",
                lambda update, participant=participant: streams_updated(participant, update),
            )
            streams = CollectionUpdate(participant.video_streams)
            call_tasks.append(asyncio.ensure_future(streams_updated(participant, streams)))
        for participant in update.removed:
            print(f"{participant.display_name} left", flush=True)

    async def streams_updated(
        participant: RemoteParticipant, update: CollectionUpdate[RemoteVideoStream]
    ) -> None:
        for stream in update.added:
            views[stream] = await VideoStreamRenderer(stream).create_view()
            print(f"video of {participant.display_name} arrives", flush=True)
        for stream in update.removed:
            if stream in views:
                views.pop(stream).dispose()
            print(f"video of {participant.display_name} ends", flush=True)

    call_tasks: list[asyncio.Future[None]] = []
    async with CallClient() as client:
        agent = await client.create_call_agent(
            AzureCommunicationTokenCredential(token), CallAgentOptions(display_name=name)
        )
        camera = StreamOptions(PatternSource(640, 360, 24, color=(40, 120, 200)))
        microphone = StreamOptions(ToneSource(440.0))
        call = agent.join(RoomCallLocator(room_name), JoinCallOptions(streams=(microphone, camera)))
        await call.connected()
        print(f"connected to {room_name} as {name}", flush=True)
        participants_updated(CollectionUpdate(call.remote_participants))
        call.on("remoteParticipantsUpdated", participants_updated)

        await asyncio.sleep(seconds)
        await call.hang_up()
        print("disconnected", flush=True)
        await asyncio.gather(*call_tasks, return_exceptions=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("token", nargs="?", default=os.environ.get("ACCESS_TOKEN", ""))
    parser.add_argument("room", nargs="?", default="quickstart")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--name", default="native")
    given = parser.parse_args()
    asyncio.run(main(given.token, given.room, given.seconds, given.name))
