"""`before.js`, line by line; the backgrounds are the lines `blur`, `picture` and `none`.

python compat.py TOKEN ROOM PICTURE [CAMERA]; CALLING_SERVICE_URL says where the service is. CAMERA
may be a video file.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import twilio_compat as Video
from twilio_compat.processors import GaussianBlurBackgroundProcessor, VirtualBackgroundProcessor


async def main(token: str, roomName: str, picture, camera, chosen: AsyncIterator[str]) -> None:
    track = await Video.createLocalVideoTrack(
        {"source": camera, "width": 640, "height": 360, "frameRate": 24}
    )
    room = await Video.connect(token, {"name": roomName, "tracks": [track]})
    settings = {"inputFrameBufferType": "videoframe", "outputFrameBufferContextType": "2d"}

    processors = {
        "blur": GaussianBlurBackgroundProcessor({"assetsPath": "/assets"}),
        "picture": VirtualBackgroundProcessor(
            {"assetsPath": "/assets", "backgroundImage": picture}
        ),
    }

    async def choose(background: str) -> None:
        if track.processor:
            track.removeProcessor(track.processor)
        if background != "none":
            await processors[background].loadModel()
            track.addProcessor(processors[background], settings)
        print(f"background: {background}", flush=True)

    async for background in chosen:
        await choose(background)
    room.disconnect()
    await room.closed()
    track.stop()


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    camera = sys.argv[4] if len(sys.argv) > 4 else "camera"
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], camera, lines()))
