"""The same program on `acs_core`: calls ring by themselves, and nobody needs a lobby.

python native.py TOKEN; CALLING_SERVICE_URL says where the service is.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from acs_core import (
    AcceptCallOptions,
    AudioOptions,
    AzureCommunicationTokenCredential,
    CallClient,
    CallEndedEventArgs,
    CollectionUpdate,
    IncomingCall,
    IncomingCallEventArgs,
    LocalAudioStream,
    RemoteParticipant,
)
from acs_core.media.sources import ToneSource


def log(text: str) -> None:
    print(text, flush=True)


def participants_updated(update: CollectionUpdate[RemoteParticipant]) -> None:
    for participant in update.removed:
        log(f"{participant.display_name} hung up")


async def main(token: str, buttons: AsyncIterator[str]) -> None:
    ringing: IncomingCall | None = None

    def incoming_call(args: IncomingCallEventArgs) -> None:
        nonlocal ringing
        ringing = args.incoming_call
        caller = ringing.caller_info.display_name
        log(f"{caller} calls")

        def call_ended(_args: CallEndedEventArgs) -> None:
            nonlocal ringing
            if ringing is args.incoming_call:
                log(f"{caller} gave up")
                ringing = None

        ringing.on("callEnded", call_ended)

    async def decline(ringing: IncomingCall) -> None:
        await ringing.reject()
        log("declined")

    async def answer(ringing: IncomingCall) -> None:
        microphone = LocalAudioStream(ToneSource(440.0))
        audio = AudioOptions(local_audio_streams=(microphone,))
        call = await ringing.accept(AcceptCallOptions(audio_options=audio))
        await call.connected()
        log(f"in a call with {ringing.caller_info.display_name}")
        call.on("remoteParticipantsUpdated", participants_updated)

    async with CallClient() as client:
        agent = await client.create_call_agent(AzureCommunicationTokenCredential(token))
        agent.on("incomingCall", incoming_call)
        async for button in buttons:
            if ringing is not None:
                chosen, ringing = ringing, None
                await (answer(chosen) if button == "answer" else decline(chosen))


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], lines()))
