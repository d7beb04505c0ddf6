"""`before.py` and one line more, which says where the service is.

python compat.py ROOM; the account is in TWILIO_ACCOUNT_SID, TWILIO_API_KEY_SID and
TWILIO_API_KEY_SECRET, the service in CALLING_SERVICE_URL. Enter ends the room.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

from twilio.rest import Client


async def main(room_name: str, typed: AsyncIterator[str]) -> None:
    key, secret = os.environ["TWILIO_API_KEY_SID"], os.environ["TWILIO_API_KEY_SECRET"]
    client = Client(key, secret, os.environ["TWILIO_ACCOUNT_SID"])
    client.video.base_url = os.environ["CALLING_SERVICE_URL"]
    video = client.video.v1
    room = await asyncio.to_thread(
        video.rooms.create, unique_name=room_name, record_participants_on_connect=True
    )
    print("recording", flush=True)

    async for _line in typed:
        break
    await asyncio.to_thread(video.rooms(room.sid).update, status="completed")
    print("stopped", flush=True)

    recordings = []
    while not recordings or any(one.status == "processing" for one in recordings):
        await asyncio.sleep(0.2)  # a status callback tells it, too
        recordings = await asyncio.to_thread(video.recordings.list, grouping_sid=[room.sid])
    for recording in sorted(recordings, key=lambda one: one.type):
        print(f"{recording.type} is {recording.status}", flush=True)


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], lines()))
