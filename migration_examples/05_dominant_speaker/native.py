"""The same program on `acs_core`: ACS ranks all who spoke, oneself included.

python native.py TOKEN ROOM; CALLING_SERVICE_URL says where the service is.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from acs_core import (
    AzureCommunicationTokenCredential,
    BandwidthMode,
    BandwidthProfile,
    Call,
    CallClient,
    CollectionUpdate,
    Features,
    JoinCallOptions,
    PublicationKind,
    RemoteParticipant,
    RoomCallLocator,
)


class Grid:
    def __init__(self, call: Call) -> None:
        self.call = call
        self.speakers = call.feature(Features.DOMINANT_SPEAKERS)
        self.tiles = list(call.remote_participants)
        self.prominent: RemoteParticipant | None = None

    def show(self) -> None:
        print("tiles:", *[participant.display_name for participant in self.tiles], flush=True)

    async def set_priority(self, participant: RemoteParticipant, priority: str | None) -> None:
        for publication in self.call.feature(Features.STREAMS).publications.values():
            is_theirs = publication.endpoint.identifier == participant.identifier
            if is_theirs and publication.kind is PublicationKind.VIDEO:
                policy = self.call.feature(Features.RECEIVE_POLICY)
                await policy.prioritize(publication, priority)

    async def dominant_speakers_changed(self) -> None:
        ranking = self.speakers.dominant_speakers.speakers_list
        here = {participant.identifier: participant for participant in self.tiles}
        first = next((here[speaker] for speaker in ranking if speaker in here), None)
        if first is None or first is self.prominent:
            return
        before, self.prominent = self.prominent, first
        self.tiles.remove(first)
        self.tiles.insert(0, first)
        self.show()
        if before is not None:
            await self.set_priority(before, None)
        await self.set_priority(first, "high")

    def participants_updated(self, update: CollectionUpdate[RemoteParticipant]) -> None:
        for participant in update.added:
            self.tiles.append(participant)
            self.show()
        for participant in update.removed:
            self.tiles.remove(participant)
            self.show()


async def main(token: str, room_name: str, typed: AsyncIterator[str]) -> None:
    async with CallClient() as client:
        agent = await client.create_call_agent(AzureCommunicationTokenCredential(token))
        profile = BandwidthProfile(mode=BandwidthMode.COLLABORATION)
        options = JoinCallOptions(streams=(), bandwidth_profile=profile)
        call = agent.join(RoomCallLocator(room_name), options)
        await call.connected()
        grid = Grid(call)
        grid.show()
        await grid.dominant_speakers_changed()
        call.on("remoteParticipantsUpdated", grid.participants_updated)
        grid.speakers.on("dominantSpeakersChanged", grid.dominant_speakers_changed)

        async for _line in typed:
            pass  # the program goes on until its input ends
        await call.hang_up()


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], lines()))
