"""The same program on `acs_core`, with a feature that ACS does not have.

python native.py TOKEN ROOM; CALLING_SERVICE_URL says where the service is.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from acs_core import (
    AzureCommunicationTokenCredential,
    CallClient,
    Features,
    JoinCallOptions,
    RoomCallLocator,
    StreamOptions,
)
from acs_core.media.sources import PatternSource, ToneSource
from acs_core.wire import QualityLevel


async def main(token: str, room_name: str, typed: AsyncIterator[str]) -> None:
    shown: dict[str, str] = {}

    async with CallClient() as client:
        agent = await client.create_call_agent(AzureCommunicationTokenCredential(token))
        options = JoinCallOptions(
            streams=(
                StreamOptions(ToneSource(440.0)),
                StreamOptions(PatternSource(160, 96, 15)),
            ),
            report_network_quality=True,
        )
        call = agent.join(RoomCallLocator(room_name), options)
        await call.connected()
        streams = call.feature(Features.STREAMS)

        def level_changed(endpoint_id: str | None, quality: QualityLevel) -> None:
            endpoint = None if endpoint_id is None else streams.endpoint(endpoint_id)
            name = "I" if endpoint is None else endpoint.display_name
            level = quality.level
            bars = "no bars" if level == 0 else "few bars" if level < 3 else "many bars"
            if shown.get(name) != bars:
                shown[name] = bars
                print(f"{name} {'have' if name == 'I' else 'has'} {bars}", flush=True)

        call.feature(Features.NETWORK_QUALITY).on("levelChanged", level_changed)

        async for _line in typed:
            pass  # the program goes on until its input ends
        await call.hang_up()


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], lines()))
