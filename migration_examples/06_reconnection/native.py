"""The same program on `acs_core`: reconnecting is a feature, the call stays `Connected` meanwhile.

python native.py TOKEN ROOM; CALLING_SERVICE_URL says where the service is.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from acs_core import (
    AzureCommunicationTokenCredential,
    CallClient,
    CallEndReason,
    CallingError,
    CallState,
    Features,
    JoinCallOptions,
    RemoteEndpoint,
    RoomCallLocator,
    Stage,
)


def log(text: str) -> None:
    print(text, flush=True)


def reconnecting(error: CallingError) -> None:
    if error.stage is Stage.SIGNALING:
        log("reconnecting: signaling was lost")
    else:
        log("reconnecting: media was lost")


def endpoint_changed(endpoint: RemoteEndpoint, _reason: CallEndReason | None = None) -> None:
    log(f"{endpoint.display_name} is {endpoint.state}")


async def main(token: str, room_name: str, typed: AsyncIterator[str]) -> None:
    async with CallClient() as client:
        agent = await client.create_call_agent(AzureCommunicationTokenCredential(token))
        call = agent.join(RoomCallLocator(room_name), JoinCallOptions(streams=()))
        await call.connected()

        def state_changed() -> None:
            if call.state is CallState.DISCONNECTED:
                reason = call.call_end_reason
                is_error = reason is not None and reason.code != 0
                log(f"disconnected: {reason.code} {reason.message}" if is_error else "disconnected")

        link = call.feature(Features.RECONNECTION)
        link.on("reconnecting", reconnecting)
        link.on("reconnected", lambda: log(f"reconnected: {call.state.lower()}"))
        streams = call.feature(Features.STREAMS)
        streams.on("endpointStateChanged", endpoint_changed)
        streams.on("endpointRemoved", endpoint_changed)
        call.on("stateChanged", state_changed)

        async for _line in typed:
            pass  # the program goes on until its input ends
        if call.state is CallState.CONNECTED:
            await call.hang_up()


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], lines()))
