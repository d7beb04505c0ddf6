"""The same program on `acs_core`, with a feature that ACS does not have.

python native.py TOKEN ROOM; CALLING_SERVICE_URL says where the service is.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from acs_core import (
    AzureCommunicationTokenCredential,
    BandwidthMode,
    BandwidthProfile,
    CallClient,
    Features,
    Forwarding,
    JoinCallOptions,
    PublicationKind,
    RoomCallLocator,
)


async def main(token: str, room_name: str, clicks: AsyncIterator[str]) -> None:
    switched_off: set[str] = set()

    async with CallClient() as client:
        agent = await client.create_call_agent(AzureCommunicationTokenCredential(token))
        profile = BandwidthProfile(mode=BandwidthMode.PRESENTATION, max_tracks=1)
        options = JoinCallOptions(streams=(), bandwidth_profile=profile)
        call = agent.join(RoomCallLocator(room_name), options)
        await call.connected()
        streams = call.feature(Features.STREAMS)
        policy = call.feature(Features.RECEIVE_POLICY)

        def follow(changes: tuple[Forwarding, ...]) -> None:
            for change in changes:
                name = streams.publications[change.publication].endpoint.display_name
                if change.reason is None and name in switched_off:
                    switched_off.remove(name)
                    print(f"{name} is switched on", flush=True)
                elif change.reason is not None and name not in switched_off:
                    switched_off.add(name)
                    print(f"{name} is switched off", flush=True)

        async def prefer(name: str) -> None:
            for publication in streams.publications.values():
                if publication.kind is PublicationKind.VIDEO:
                    is_preferred = publication.endpoint.display_name == name
                    await policy.prioritize(publication, "high" if is_preferred else None)

        known = [policy.forwarding(publication) for publication in streams.publications.values()]
        follow(tuple(forwarding for forwarding in known if forwarding))
        policy.on("forwardingChanged", follow)

        async for click in clicks:
            await prefer(click.removeprefix("prefer "))
        await call.hang_up()


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], lines()))
