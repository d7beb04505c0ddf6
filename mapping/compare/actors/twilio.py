"""A participant made with the facade, `twilio_compat`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, Final, TypeVar

from acs_core.errors import CallingError
from mapping.compare.actors.base import Actor, DeedError, Place, Sources
from mapping.compare.listening import Hear, describe, error_code, listen_to_room
from mapping.compare.perceiving import perceptions
from mapping.compare.scenario import Media, Seat
from twilio_compat import (
    LocalAudioTrack,
    LocalDataTrack,
    LocalVideoTrack,
    Room,
    TwilioError,
    connect,
)
from twilio_compat.testing.senses import Heard, Seen

__all__ = ["TwilioActor"]

_T = TypeVar("_T")
_LOOK: Final = 0.05
"""Seconds between two looks for a track that is not received yet."""


class TwilioActor(Actor):
    """A program for Twilio Video in Python."""

    def __init__(self, seat: Seat, place: Place, hear: Hear) -> None:
        super().__init__(seat, place, hear)
        self._sources = Sources()
        self._tracks: dict[str, LocalAudioTrack | LocalVideoTrack | LocalDataTrack] = {}
        self._rooms: list[Room] = []

    @property
    def room(self) -> Room:
        """The one that it is in.

        Raises:
            DeedError: It is in none.
        """
        if not self._rooms:
            raise DeedError(None, f"{self.seat.actor} has not joined.")
        return self._rooms[-1]

    async def join(self, tracks: Sequence[Media]) -> Any:
        """See `Actor`."""
        made = [self._make(media) for media in tracks]
        options = {"dominantSpeaker": True} if self.seat.dominant_speaker else {}
        room = await _translated(
            lambda: connect(
                self.place.token,
                options,
                name=self.seat.room,
                tracks=made,
                service_url=self.place.url,
            )
        )
        self._rooms.append(room)
        listen_to_room(room, self.hear)
        return describe(room)

    async def leave(self) -> Any:
        """See `Actor`."""
        self.room.disconnect()
        await self.room.closed()

    async def publish(self, media: Media) -> Any:
        """See `Actor`."""
        track = self._make(media)
        publish = self.room.local_participant.publish_track
        return describe(await _translated(lambda: publish(track)))

    async def unpublish(self, name: str) -> Any:
        """See `Actor`."""
        return describe(self.room.local_participant.unpublish_track(self._track(name)))

    async def enable(self, name: str, *, is_enabled: bool) -> Any:
        """See `Actor`."""
        track = self._track(name)
        if isinstance(track, LocalDataTrack):
            raise DeedError(None, "A data track cannot be muted.")
        track.enable(is_enabled)

    async def prioritize(self, name: str, priority: str) -> Any:
        """See `Actor`."""
        offered = self.room.local_participant.tracks.values()
        found = next((one for one in offered if one.track_name == name), None)
        if found is None:
            raise DeedError(None, f"{self.seat.actor} has no track {name}.")
        found.set_priority(priority)

    async def send(self, name: str, data: str | bytes) -> Any:
        """See `Actor`."""
        track = self._track(name)
        if not isinstance(track, LocalDataTrack):
            raise DeedError(None, f"{name} is no data track.")
        track.send(data)

    async def roster(self) -> list[dict[str, Any]]:
        """See `Actor`."""
        return [
            {
                "identity": participant.identity,
                "tracks": [
                    {
                        "kind": publication.kind,
                        "name": publication.track_name,
                        "enabled": publication.is_track_enabled,
                        "subscribed": publication.is_subscribed,
                    }
                    for publication in participant.tracks.values()
                ],
            }
            for participant in self.room.participants.values()
        ]

    async def state(self) -> str:
        """See `Actor`."""
        return str(self.room.state)

    async def perceive(
        self, kind: str, identity: str, track: str
    ) -> AsyncGenerator[Heard | Seen | None, None]:
        """See `Actor`."""
        while (found := self._received(kind, identity, track)) is None:
            yield None
            await asyncio.sleep(_LOOK)
        frames = found.frames()
        try:
            async with aclosing(perceptions(frames)) as coming:
                async for one in coming:
                    yield one
        finally:
            frames.close()

    def freeze(self, *, is_frozen: bool) -> None:
        """See `Actor`."""
        self._sources.freeze(is_frozen=is_frozen)

    async def aclose(self) -> None:
        """See `Actor`."""
        for room in self._rooms:
            room.disconnect()
            await room.closed()
        for track in self._tracks.values():
            if not isinstance(track, LocalDataTrack):
                track.stop()
                await track.closed()
        await self._sources.aclose()

    # ------------------------------------------------------------ inside

    def _make(self, media: Media) -> LocalAudioTrack | LocalVideoTrack | LocalDataTrack:
        source = self._sources.make(media)
        track: LocalAudioTrack | LocalVideoTrack | LocalDataTrack
        if source is None:
            track = LocalDataTrack(name=media.name)
        elif media.kind == "audio":
            track = LocalAudioTrack(source, name=media.name)
        else:
            track = LocalVideoTrack(source, name=media.name)
        self._tracks[media.name] = track
        return track

    def _track(self, name: str) -> LocalAudioTrack | LocalVideoTrack | LocalDataTrack:
        if name not in self._tracks:
            raise DeedError(None, f"{self.seat.actor} has no track {name}.")
        return self._tracks[name]

    def _received(self, kind: str, identity: str, name: str) -> Any:
        for participant in self.room.participants.values():
            for publication in participant.tracks.values():
                is_it = publication.kind == kind and name in ("", publication.track_name)
                if participant.identity == identity and is_it and publication.track is not None:
                    return publication.track
        return None


async def _translated(deed: Callable[[], Awaitable[_T]]) -> _T:
    try:
        return await deed()
    except TwilioError as error:
        raise DeedError(error.code, error.message) from error
    except CallingError as error:
        raise DeedError(error_code(error), error.message) from error
