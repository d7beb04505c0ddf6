"""The same program on `acs_core`: ACS mutes one microphone, and stops video to switch it off.

python native.py TOKEN ROOM; CALLING_SERVICE_URL says where the service is.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from acs_core import (
    AudioOptions,
    AzureCommunicationTokenCredential,
    Call,
    CallClient,
    CallState,
    CollectionUpdate,
    JoinCallOptions,
    LocalAudioStream,
    LocalVideoStream,
    RemoteParticipant,
    RemoteVideoStream,
    RoomCallLocator,
    VideoOptions,
)
from acs_core.media.sources import PatternSource, ToneSource


def log(text: str) -> None:
    print(text, flush=True)


def follow_participant(call: Call, participant: RemoteParticipant) -> None:
    name = participant.display_name

    def follow_stream(stream: RemoteVideoStream) -> None:
        def is_available_changed() -> None:
            if call.state is CallState.CONNECTED:  # hanging up ends all streams, too
                log(f"video of {name} is {'on' if stream.is_available else 'off'}")

        if not stream.is_available:
            is_available_changed()
        stream.on("isAvailableChanged", is_available_changed)

    def streams_updated(update: CollectionUpdate[RemoteVideoStream]) -> None:
        for stream in update.added:
            follow_stream(stream)

    def is_muted_changed() -> None:
        log(f"audio of {name} is {'off' if participant.is_muted else 'on'}")

    streams_updated(CollectionUpdate(participant.video_streams))
    participant.on("videoStreamsUpdated", streams_updated)
    participant.on("isMutedChanged", is_muted_changed)


async def press(call: Call, camera: LocalVideoStream, button: str) -> None:
    match button:
        case "mute audio":
            await call.mute()
        case "unmute audio":
            await call.unmute()
        case "mute video":
            await call.stop_video(camera)
        case "unmute video":
            await call.start_video(camera)


async def main(token: str, room_name: str, buttons: AsyncIterator[str]) -> None:
    microphone = LocalAudioStream(ToneSource(440.0))
    camera = LocalVideoStream(PatternSource(160, 96, 15))
    options = JoinCallOptions(
        audio_options=AudioOptions(local_audio_streams=(microphone,)),
        video_options=VideoOptions(local_video_streams=(camera,)),
    )
    async with CallClient() as client:
        agent = await client.create_call_agent(AzureCommunicationTokenCredential(token))
        call = agent.join(RoomCallLocator(room_name), options)
        await call.connected()
        call.on("isMutedChanged", lambda: log(f"my audio is {'off' if call.is_muted else 'on'}"))
        call.on(
            "isLocalVideoStartedChanged",
            lambda: log(f"my video is {'on' if call.is_local_video_started else 'off'}"),
        )

        def participants_updated(update: CollectionUpdate[RemoteParticipant]) -> None:
            for participant in update.added:
                follow_participant(call, participant)

        participants_updated(CollectionUpdate(call.remote_participants))
        call.on("remoteParticipantsUpdated", participants_updated)

        async for button in buttons:
            if button == "leave":
                break
            await press(call, camera, button)
        await call.hang_up()


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], lines()))
