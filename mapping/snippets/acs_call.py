"""Mute and unmute, ask for a feature, leave."""

from acs_core import (
    AudioOptions,
    AzureCommunicationTokenCredential,
    CallClient,
    Features,
    GroupCallLocator,
    JoinCallOptions,
    LocalAudioStream,
)
from acs_core.media.sources import ToneSource


async def main(anna: str) -> None:
    async with CallClient() as call_client:
        call_agent = await call_client.create_call_agent(AzureCommunicationTokenCredential(anna))
        place = GroupCallLocator("6a4b3a3e-9d0b-4ef0-a6a5-2c6d1d0f5a11")
        microphone = LocalAudioStream(ToneSource())  # without it: the selected microphone
        options = JoinCallOptions(audio_options=AudioOptions(local_audio_streams=(microphone,)))
        call = await call_agent.join(place, options).connected()

        def muted_changed() -> None:
            print(f"muted: {'true' if call.is_muted else 'false'}")

        call.on("isMutedChanged", muted_changed)
        await call.mute()
        await call.unmute()
        is_recorded = call.feature(Features.RECORDING).is_recording_active
        print(f"recorded: {'true' if is_recorded else 'false'}")
        await call.hang_up()
        reason = call.call_end_reason
        print(call.state, None if reason is None else reason.code)
