"""Send a camera's picture, and stop; a server's camera may be a program."""

from acs_core import (
    AzureCommunicationTokenCredential,
    Call,
    CallClient,
    GroupCallLocator,
    JoinCallOptions,
    LocalVideoStream,
)
from acs_core.media.sources import PatternSource


async def main(anna: str) -> None:
    def tell(call: Call) -> None:
        started = "true" if call.is_local_video_started else "false"
        print(started, len(call.local_video_streams))

    async with CallClient() as call_client:
        call_agent = await call_client.create_call_agent(AzureCommunicationTokenCredential(anna))
        device_manager = await call_client.get_device_manager()
        camera = device_manager.add_virtual_camera(
            "pattern", lambda: PatternSource(320, 180, 15, color=(40, 120, 200))
        )
        place = GroupCallLocator("6a4b3a3e-9d0b-4ef0-a6a5-2c6d1d0f5a11")
        call = await call_agent.join(place, JoinCallOptions(streams=())).connected()
        stream = LocalVideoStream(camera)
        await call.start_video(stream)
        tell(call)
        await call.stop_video(stream)
        tell(call)
        await call.hang_up()
