"""What every implementation of a participant can do, whatever it is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

from acs_core.media.sources import MediaSource
from mapping.compare.listening import Hear
from mapping.compare.scenario import Expectation, Media, Seat
from twilio_compat.testing.network import FreezingPattern, FreezingTone
from twilio_compat.testing.senses import Heard, Seen, color_of

__all__ = ["Actor", "DeedError", "Place", "Sources"]

_SIZE: Final = (160, 96)
_FRAME_RATE: Final = 15.0
"""A picture that costs little to encode, and whose number can be read."""


class DeedError(Exception):
    """A deed failed, as the implementation says it.

    Attributes:
        code: Twilio's, where there is one.
        message: For people.
    """

    def __init__(self, code: int | None, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Place:
    """Where an actor finds the service, and what it shows there.

    Attributes:
        url: With ``http``; the actor's own relay.
        token: A Twilio access token.
    """

    url: str
    token: str


class Sources:
    """The local sources of an actor; with its network they stop, too."""

    def __init__(self) -> None:
        self._made: dict[str, FreezingPattern | FreezingTone] = {}

    def make(self, media: Media) -> MediaSource | None:
        """The source of a track; None for data."""
        if media.kind == "data":
            return None
        source: FreezingPattern | FreezingTone
        if media.kind == "video":
            source = FreezingPattern(*_SIZE, _FRAME_RATE, color=color_of(media.color))
        else:
            source = FreezingTone(media.tone)
        self._made[media.name] = source
        return source

    def freeze(self, *, is_frozen: bool) -> None:
        """Let no frame come, or let them come again."""
        for source in self._made.values():
            if is_frozen:
                source.running.clear()
            else:
                source.running.set()

    async def aclose(self) -> None:
        """Close all."""
        self.freeze(is_frozen=False)
        for source in self._made.values():
            await source.close()


class Actor(ABC):
    """One participant of one run.

    Deeds return what the vendor's method returns, described, and raise `DeedError`.

    Args:
        seat: Who it is.
        place: Where it goes.
        hear: What it calls with each event of its room.
    """

    def __init__(self, seat: Seat, place: Place, hear: Hear) -> None:
        self.seat = seat
        self.place = place
        self.hear = hear

    def can_hear(self, expectation: Expectation, muted: Set[tuple[str, str]]) -> bool:
        """Whether the implementation has what is expected at all.

        Nobody waits for what it has not; the comparison finds it missing and may explain it.

        Args:
            expectation: An event of its room.
            muted: The tracks that are offered but not sent, each an identity and a name.
        """
        return True

    async def open(self) -> None:
        """Get ready to join; what takes time here is no part of the story. Most are ready."""
        return

    @abstractmethod
    async def join(self, tracks: Sequence[Media]) -> Any:
        """Enter the room of the seat with tracks; the room."""

    @abstractmethod
    async def leave(self) -> Any:
        """Leave the room."""

    @abstractmethod
    async def publish(self, media: Media) -> Any:
        """Offer one track more; the publication."""

    @abstractmethod
    async def unpublish(self, name: str) -> Any:
        """Withdraw a track; the publication."""

    @abstractmethod
    async def enable(self, name: str, *, is_enabled: bool) -> Any:
        """Send on a track, or offer it without sending; a data track cannot be muted."""

    @abstractmethod
    async def prioritize(self, name: str, priority: str) -> Any:
        """Say how much a track matters."""

    @abstractmethod
    async def send(self, name: str, data: str | bytes) -> Any:
        """Send a message on a data track."""

    @abstractmethod
    async def roster(self) -> list[dict[str, Any]]:
        """Everybody else, in order of arrival, with what they offer and whether it is received.

        Each is `{"identity", "tracks": [{"kind", "name", "enabled", "subscribed"}]}`.
        """

    @abstractmethod
    async def state(self) -> str:
        """`connected`, `reconnecting` or `disconnected`, as the room has it."""

    @abstractmethod
    def perceive(
        self, kind: str, identity: str, track: str
    ) -> AsyncGenerator[Heard | Seen | None, None]:
        """What comes on a track, one perception after the other; None while it is not received.

        Args:
            kind: `audio` or `video`.
            identity: Of who sends it.
            track: Its name; empty for the first of its kind.
        """

    @abstractmethod
    def freeze(self, *, is_frozen: bool) -> None:
        """Let the own media stop, as the network of this actor is gone, or come again."""

    @abstractmethod
    async def aclose(self) -> None:
        """Leave, and let go of everything; safe at any time."""
