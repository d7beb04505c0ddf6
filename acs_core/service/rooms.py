"""Room records: what is known of a room whether or not a call runs in it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from acs_core.errors import ServiceError, Stage

__all__ = ["LARGE_ROOM", "RoomKind", "RoomOptions", "RoomRecord", "Rooms"]

LARGE_ROOM: Final = 50
"""Rooms for more participants are large: who publishes nothing is not announced (Twilio)."""


class RoomKind(StrEnum):
    """Twilio's types of rooms."""

    GROUP = "group"
    GROUP_SMALL = "group-small"
    PEER_TO_PEER = "peer-to-peer"
    GO = "go"

    @property
    def is_relayed(self) -> bool:
        """Whether the participants connect to each other and the service only relays signaling."""
        return self in {RoomKind.PEER_TO_PEER, RoomKind.GO}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomOptions:
    """What a room was created with.

    Attributes:
        max_participants: At most so many endpoints, or None for the service's limit.
        max_tracks: At most so many publications at a time in the whole room; None for no limit.
        video_codecs: Encoding names in lower case that are negotiated; empty for all.
        empty_timeout: Seconds for which it lives on after the last participant; None for the
            service's default.
        unused_timeout: Seconds for which it waits for the first participant; None likewise.
        max_participant_duration: Seconds after which a participant is removed; None for no limit.
    """

    kind: RoomKind = RoomKind.GROUP
    max_participants: int | None = None
    max_tracks: int | None = None
    is_audio_only: bool = False
    video_codecs: tuple[str, ...] = ()
    media_region: str = "us1"
    empty_timeout: float | None = None
    unused_timeout: float | None = None
    max_participant_duration: float | None = None

    @property
    def is_large(self) -> bool:
        """Whether participants who publish nothing are not announced."""
        return (self.max_participants or 0) > LARGE_ROOM


@dataclass(slots=True, eq=False)
class RoomRecord:
    """One room.

    Attributes:
        id: The ACS room id; 32 hex digits.
        unique_name: Twilio's unique name, or None for an unnamed room.
        members: Raw ids of the invited, or None when everybody with a token may enter.
        options: What it was created with.
        is_ad_hoc: Made by the first participant; forgotten when its call ends.
    """

    id: str
    unique_name: str | None = None
    members: frozenset[str] | None = None
    options: RoomOptions = field(default_factory=RoomOptions)
    is_ad_hoc: bool = False

    def check_admission(self, raw_id: str) -> None:
        """Refuse who is not invited.

        Raises:
            ServiceError: 403/5828, as ACS refuses it.
        """
        if self.members is not None and raw_id not in self.members:
            raise ServiceError(
                f"{raw_id} is not invited to room {self.unique_name or self.id}.",
                sub_code=5828,
                stage=Stage.ADMISSION,
                next_step="Add the participant to the room first.",
            )


class Rooms:
    """Room records by id and by name; in memory."""

    def __init__(self, *, new_id: Callable[[], str] = lambda: uuid.uuid4().hex) -> None:
        self._new_id = new_id
        self._by_id: dict[str, RoomRecord] = {}
        self._by_name: dict[str, RoomRecord] = {}

    def find(self, name: str) -> RoomRecord | None:
        """A room by unique name, then by id."""
        return self._by_name.get(name) or self._by_id.get(name)

    def create(
        self,
        *,
        unique_name: str | None = None,
        members: frozenset[str] | None = None,
        options: RoomOptions | None = None,
        is_ad_hoc: bool = False,
    ) -> RoomRecord:
        """Make a room.

        Raises:
            ServiceError: A room with this name exists (Twilio 53113).
        """
        if unique_name in self._by_name:
            raise ServiceError(f"Room {unique_name!r} exists.", code=409, sub_code=53113)
        record = RoomRecord(
            self._new_id(), unique_name or None, members, options or RoomOptions(), is_ad_hoc
        )
        self._by_id[record.id] = record
        if record.unique_name is not None:
            self._by_name[record.unique_name] = record
        return record

    def open(self, name: str) -> RoomRecord:
        """The ad-hoc room that a Twilio participant makes by connecting to a new name."""
        return self.create(unique_name=name or None, is_ad_hoc=True)

    def delete(self, record: RoomRecord) -> None:
        """Forget a room."""
        self._by_id.pop(record.id, None)
        if record.unique_name is not None:
            self._by_name.pop(record.unique_name, None)

    def session_ended(self, record: RoomRecord) -> None:
        """A call in this room ended; ad-hoc rooms go with it."""
        if record.is_ad_hoc:
            self.delete(record)
