"""What the user ought to know: here, that the camera cannot be opened."""

from acs_core import (
    AzureCommunicationTokenCredential,
    CallClient,
    DiagnosticChangedEventArgs,
    Features,
    GroupCallLocator,
    JoinCallOptions,
    LocalVideoStream,
    SourceUnavailableError,
)
from acs_core.media.sources import PatternSource


async def main(anna: str) -> None:
    def changed(args: DiagnosticChangedEventArgs) -> None:
        print(args.diagnostic, "true" if args.value else "false")

    def busy() -> PatternSource:
        raise SourceUnavailableError("Another program has the camera.", sub_code=43000)

    async with CallClient() as call_client:
        call_agent = await call_client.create_call_agent(AzureCommunicationTokenCredential(anna))
        camera = (await call_client.get_device_manager()).add_virtual_camera("busy", busy)
        place = GroupCallLocator("6a4b3a3e-9d0b-4ef0-a6a5-2c6d1d0f5a11")
        call = await call_agent.join(place, JoinCallOptions(streams=())).connected()
        media = call.feature(Features.USER_FACING_DIAGNOSTICS).media
        media.on("diagnosticChanged", changed)
        try:
            await call.start_video(LocalVideoStream(camera))
        except SourceUnavailableError as error:
            print(error.code, error.sub_code)
        await call.hang_up()
