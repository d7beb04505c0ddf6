"""Blur a background; pictures are NumPy arrays, and a processor of your own is one method."""

import asyncio

from twilio_compat import connect, create_local_video_track
from twilio_compat.processors import GaussianBlurBackgroundProcessor


async def main(alice: str) -> None:
    blur = GaussianBlurBackgroundProcessor(blur_filter_radius=20)
    await blur.load_model()
    camera = await create_local_video_track(source="pattern")
    camera.add_processor(blur)
    print("blurred" if camera.processor is blur else "as it is")
    room = await connect(alice, name="daily", tracks=[camera])
    camera.remove_processor(blur)
    print("blurred" if camera.processor is blur else "as it is")
    camera.stop()
    room.disconnect()
    await asyncio.gather(room.closed())
