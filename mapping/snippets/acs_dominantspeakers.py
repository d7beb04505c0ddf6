"""Who speaks: identifiers, the newest speaker first; the event does not bring the list."""

import asyncio

from acs_core import (
    AudioOptions,
    AzureCommunicationTokenCredential,
    CallClient,
    CommunicationUserIdentifier,
    Features,
    GroupCallLocator,
    JoinCallOptions,
    LocalAudioStream,
)
from acs_core.media.sources import ToneSource


async def main(anna: str, ben: str, ben_id: str) -> None:
    spoke = asyncio.Event()
    place = GroupCallLocator("6a4b3a3e-9d0b-4ef0-a6a5-2c6d1d0f5a11")
    async with CallClient() as client, CallClient() as other_client:
        agent = await client.create_call_agent(AzureCommunicationTokenCredential(anna))
        other = await other_client.create_call_agent(AzureCommunicationTokenCredential(ben))
        call = await agent.join(place, JoinCallOptions(streams=())).connected()
        speakers = call.feature(Features.DOMINANT_SPEAKERS)
        speakers.on("dominantSpeakersChanged", spoke.set)

        microphone = LocalAudioStream(ToneSource())
        options = JoinCallOptions(audio_options=AudioOptions(local_audio_streams=(microphone,)))
        theirs = await other.join(place, options).connected()
        await spoke.wait()
        (loudest,) = speakers.dominant_speakers.speakers_list
        print("Ben" if loudest == CommunicationUserIdentifier(ben_id) else loudest)
        await theirs.hang_up()
        await call.hang_up()
