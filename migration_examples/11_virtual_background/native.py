"""The same program on `acs_core`: effects are a feature of the local stream.

python native.py TOKEN ROOM PICTURE [CAMERA]; CALLING_SERVICE_URL says where the service is. CAMERA
may be a video file.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from acs_core import (
    AudioOptions,
    AzureCommunicationTokenCredential,
    BackgroundBlurEffect,
    BackgroundReplacementConfig,
    BackgroundReplacementEffect,
    CallClient,
    Features,
    JoinCallOptions,
    LocalVideoStream,
    RoomCallLocator,
    VideoOptions,
)
from acs_core.media.files import FileSource


async def main(token: str, room_name: str, picture, camera, chosen: AsyncIterator[str]) -> None:
    async with CallClient() as client:
        agent = await client.create_call_agent(AzureCommunicationTokenCredential(token))
        if camera is None:
            devices = await client.get_device_manager()
            camera = (await devices.get_cameras())[0]
        stream = LocalVideoStream(camera)
        options = JoinCallOptions(
            audio_options=AudioOptions(muted=True),
            video_options=VideoOptions(local_video_streams=(stream,)),
        )
        call = agent.join(RoomCallLocator(room_name), options)
        await call.connected()
        effects = stream.feature(Features.VIDEO_EFFECTS)
        known = {
            "blur": BackgroundBlurEffect(),
            "picture": BackgroundReplacementEffect(
                BackgroundReplacementConfig(background_image_url=picture)
            ),
        }

        async for background in chosen:
            if background == "none":
                await effects.stop_effects()
            else:
                await effects.start_effects(known[background])
            print(f"background: {background}", flush=True)
        await call.hang_up()
        await stream.dispose()


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    camera = FileSource(sys.argv[4]) if len(sys.argv) > 4 else None
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], camera, lines()))
