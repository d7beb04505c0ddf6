"""A participant made with the calling SDK, `acs_core`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Any, Final, TypeVar

from acs_core import (
    AzureCommunicationTokenCredential,
    Call,
    CallAgentOptions,
    CallClient,
    CallClientOptions,
    CallingError,
    CallState,
    ConnectionState,
    DataReliability,
    Features,
    JoinCallOptions,
    LocalPublication,
    PublicationKind,
    RemotePublication,
    RoomCallLocator,
    StreamOptions,
)
from mapping.compare.actors.base import Actor, DeedError, Place, Sources
from mapping.compare.listening import Hear, error_code, listen_to_call
from mapping.compare.perceiving import perceptions
from mapping.compare.scenario import Media, Seat
from mapping.compare.vocabulary import described_publication, described_room
from twilio_compat.testing.senses import Heard, Seen

__all__ = ["NativeActor"]

_T = TypeVar("_T")
_LOOK: Final = 0.05
"""Seconds between two looks for a stream that is not received yet."""


class NativeActor(Actor):
    """A program for the calling SDK, which enters rooms with the same token as a Twilio program."""

    def __init__(self, seat: Seat, place: Place, hear: Hear) -> None:
        super().__init__(seat, place, hear)
        self._sources = Sources()
        self._stack = AsyncExitStack()
        self._calls: list[Call] = []

    @property
    def call(self) -> Call:
        """The one that it is in.

        Raises:
            DeedError: It is in none.
        """
        if not self._calls:
            raise DeedError(None, f"{self.seat.actor} has not joined.")
        return self._calls[-1]

    async def join(self, tracks: Sequence[Media]) -> Any:
        """See `Actor`."""
        return await _translated(lambda: self._join([self._options(media) for media in tracks]))

    async def _join(self, streams: Sequence[StreamOptions]) -> Any:
        client = await self._stack.enter_async_context(
            CallClient(CallClientOptions(service_url=self.place.url))
        )
        agent = await client.create_call_agent(
            AzureCommunicationTokenCredential(self.place.token),
            CallAgentOptions(display_name=self.seat.identity),
        )
        call = agent.join(RoomCallLocator(self.seat.room), JoinCallOptions(streams=tuple(streams)))
        self._stack.push_async_callback(call.hang_up)
        await call.connected()
        self._calls.append(call)
        info = call.info.room
        name = self.seat.room if info is None else info.name or self.seat.room
        room = described_room(name, f"RM{await call.info.get_server_call_id()}")
        listen_to_call(call, self.hear, room=room, dominant_speaker=self.seat.dominant_speaker)
        return room

    async def leave(self) -> Any:
        """See `Actor`."""
        await _translated(self.call.hang_up)

    async def publish(self, media: Media) -> Any:
        """See `Actor`."""
        streams = self.call.feature(Features.STREAMS)
        source = self._sources.make(media)
        if source is None:
            made = await _translated(lambda: streams.publish_data(name=media.name))
        else:
            made = await _translated(lambda: streams.publish(source, name=media.name))
        return _described(made)

    async def unpublish(self, name: str) -> Any:
        """See `Actor`."""
        publication = self._local(name)
        streams = self.call.feature(Features.STREAMS)
        await _translated(lambda: streams.unpublish(publication))
        return _described(publication)

    async def enable(self, name: str, *, is_enabled: bool) -> Any:
        """See `Actor`."""
        await _translated(lambda: self._local(name).enable(is_enabled))

    async def prioritize(self, name: str, priority: str) -> Any:
        """See `Actor`."""
        self._local(name).set_priority(priority)

    async def send(self, name: str, data: str | bytes) -> Any:
        """See `Actor`."""
        try:
            self._local(name).send(data)
        except CallingError as error:
            raise DeedError(error_code(error), error.message) from error

    async def roster(self) -> list[dict[str, Any]]:
        """See `Actor`."""
        return [
            {
                "identity": endpoint.display_name,
                "tracks": [
                    {
                        "kind": _kind(publication.kind),
                        "name": publication.name,
                        "enabled": publication.is_enabled,
                        "subscribed": publication.is_subscribed,
                    }
                    for publication in endpoint.publications
                ],
            }
            for endpoint in self.call.feature(Features.STREAMS).endpoints
            if endpoint.state is not ConnectionState.CONNECTING
        ]

    async def state(self) -> str:
        """See `Actor`."""
        if self.call.state is CallState.DISCONNECTED:
            return "disconnected"
        is_lost = self.call.feature(Features.RECONNECTION).is_reconnecting
        return "reconnecting" if is_lost else "connected"

    async def perceive(
        self, kind: str, identity: str, track: str
    ) -> AsyncGenerator[Heard | Seen | None, None]:
        """See `Actor`."""
        while (found := self._received(kind, identity, track)) is None:
            yield None
            await asyncio.sleep(_LOOK)
        async with aclosing(found.frames()) as frames, aclosing(perceptions(frames)) as coming:
            async for one in coming:
                yield one

    def freeze(self, *, is_frozen: bool) -> None:
        """See `Actor`."""
        self._sources.freeze(is_frozen=is_frozen)

    async def aclose(self) -> None:
        """See `Actor`."""
        await self._stack.aclose()
        await self._sources.aclose()

    # ------------------------------------------------------------ inside

    def _options(self, media: Media) -> StreamOptions:
        source = self._sources.make(media)
        reliability = DataReliability() if source is None else None
        return StreamOptions(source=source, name=media.name, reliability=reliability)

    def _local(self, name: str) -> LocalPublication:
        for publication in self.call.feature(Features.STREAMS).local_publications:
            if publication.name == name:
                return publication
        raise DeedError(None, f"{self.seat.actor} has no track {name}.")

    def _received(self, kind: str, identity: str, name: str) -> RemotePublication | None:
        for publication in self.call.feature(Features.STREAMS).publications.values():
            is_it = _kind(publication.kind) == kind and name in ("", publication.name)
            is_theirs = publication.endpoint.display_name == identity
            if is_theirs and is_it and publication.is_subscribed:
                return publication
        return None


def _described(publication: LocalPublication) -> dict[str, Any]:
    return described_publication(_kind(publication.kind), publication.name, f"MT{publication.id}")


def _kind(kind: PublicationKind) -> str:
    return "video" if kind is PublicationKind.SCREEN else str(kind)


async def _translated(deed: Callable[[], Awaitable[_T]]) -> _T:
    try:
        return await deed()
    except CallingError as error:
        raise DeedError(error_code(error), error.message) from error
