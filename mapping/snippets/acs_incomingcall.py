"""Be called, and accept."""

import asyncio

from acs_core import (
    AcceptCallOptions,
    AzureCommunicationTokenCredential,
    Call,
    CallAgentOptions,
    CallClient,
    CommunicationUserIdentifier,
    IncomingCallEventArgs,
    StartCallOptions,
)


async def main(anna: str, ben: str, ben_id: str) -> None:
    answered: asyncio.Future[Call] = asyncio.get_running_loop().create_future()

    async def incoming(args: IncomingCallEventArgs[Call]) -> None:
        incoming_call = args.incoming_call
        print(f"{incoming_call.caller_info.display_name} calls")
        answered.set_result(await incoming_call.accept(AcceptCallOptions(streams=())))

    async with CallClient() as client, CallClient() as other_client:
        caller = await client.create_call_agent(
            AzureCommunicationTokenCredential(anna), CallAgentOptions(display_name="Anna")
        )
        callee = await other_client.create_call_agent(AzureCommunicationTokenCredential(ben))
        callee.on("incomingCall", incoming)
        caller.start_call([CommunicationUserIdentifier(ben_id)], StartCallOptions(streams=()))
        call = await answered
        print(call.direction)
        await call.hang_up()
