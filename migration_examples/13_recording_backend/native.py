"""The same with Microsoft's client: a call is recorded, as one file.

python native.py SERVER_CALL_ID; CALLING_SERVICE_URL says where the service is, ACS_ACCESS_KEY has
its key. A client knows the id of its call: `await call.info.get_server_call_id()`. Enter ends it.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

from azure.communication.callautomation import (
    RecordingChannel,
    RecordingContent,
    RecordingFormat,
)
from azure.communication.callautomation.aio import CallAutomationClient
from azure.core.credentials import AzureKeyCredential


async def main(server_call_id: str, typed: AsyncIterator[str]) -> None:
    # Not by a connection string: Microsoft's client makes https of its endpoint, always.
    credential = AzureKeyCredential(os.environ["ACS_ACCESS_KEY"])
    async with CallAutomationClient(os.environ["CALLING_SERVICE_URL"], credential) as client:
        started = await client.start_recording(
            server_call_id=server_call_id,
            recording_content_type=RecordingContent.AUDIO_VIDEO,
            recording_channel_type=RecordingChannel.MIXED,
            recording_format_type=RecordingFormat.MP4,
        )
        print("recording", flush=True)

        async for _line in typed:
            break
        # Where the file is, Event Grid tells: Microsoft.Communication.RecordingFileStatusUpdated.
        await client.stop_recording(started.recording_id)
        print("stopped", flush=True)


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], lines()))
