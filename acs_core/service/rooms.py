"""Room records: what is known of a room whether or not a call runs in it.

A room with members is an ACS room: only they may enter, each in a role, from `valid_from` until
`valid_until`. Who changes members here changes a call that runs, too: `membership.py` carries it
over.

Source: the types of rooms, their limits and their options are those of Twilio Video's Rooms
resource; members, roles and validity those of ACS's Rooms API (2024-04-15), whose rooms are valid
for 180 days unless told otherwise.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from acs_core.core.facts import ParticipantRole
from acs_core.core.rules import EXCLUDE_ALL, TrackRules
from acs_core.errors import InvalidArgumentError, ServiceError, Stage

__all__ = [
    "LARGE_ROOM",
    "MOST_PARTICIPANTS",
    "RoomKind",
    "RoomOptions",
    "RoomRecord",
    "RoomTimes",
    "Rooms",
]

LARGE_ROOM: Final = 50
"""Rooms for more participants are large: who publishes nothing is not announced (Twilio)."""
LARGE_ROOM_TRACKS: Final = 16
"""Tracks that may be published at a time in a large room (Twilio)."""


OTHER_CODECS: Final = frozenset({"opus", "pcmu", "pcma", "g722", "telephone-event", "rtx"})
"""Encoding names that a room with chosen video codecs has as well: sound, and packets again."""
VALIDITY: Final = timedelta(days=180)
"""How long a room is valid by default, and at most."""


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


MOST_PARTICIPANTS: Final[Mapping[RoomKind, int]] = MappingProxyType(
    {
        RoomKind.GROUP: 250,
        RoomKind.GROUP_SMALL: 4,
        RoomKind.PEER_TO_PEER: 10,
        RoomKind.GO: 2,
    }
)
"""How many participants a room of each type can be created for (Twilio)."""


@dataclass(frozen=True, slots=True)
class RoomTimes:
    """How long a room lives without participants; Twilio's defaults.

    Attributes:
        empty: Seconds after the last participant left.
        unused: Seconds until the first participant comes.
    """

    empty: float = 300.0
    unused: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomOptions:
    """What a room was created with.

    Attributes:
        max_participants: At most so many endpoints, or None for the type's or service's limit.
        max_tracks: At most so many publications at a time in the whole room; None for no limit.
        video_codecs: Encoding names in lower case that are negotiated; empty for all.
        empty_timeout: Seconds for which it lives on after the last participant; None for the
            service's default.
        unused_timeout: Seconds for which it waits for the first participant; None likewise.
        max_participant_duration: Seconds after which a participant is removed; None for no limit.
        recording_rules: Which publications are recorded from the start.
        requires_consent: Who is recorded or transcribed must agree before they send media. Twilio's
            clients have no means to: while a recording runs nothing of them is forwarded, and their
            programs are not told. Afterwards each track goes on once it was disabled and enabled.
        is_transcribed: What is said is transcribed from the start.
        transcription: How, as the transcriber is told; see `Transcriber.configured`.
        is_dial_out_enabled: Telephones may be called from it (ACS's `pstnDialOutEnabled`).
        status_callback: URL that hears of what happens here, where a personality tells it.
        status_callback_method: GET or POST.
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
    recording_rules: TrackRules = EXCLUDE_ALL
    requires_consent: bool = False
    is_transcribed: bool = False
    transcription: Mapping[str, object] = field(default_factory=dict)
    is_dial_out_enabled: bool = True
    status_callback: str | None = None
    status_callback_method: str = "POST"

    def __post_init__(self) -> None:
        """Refuse what does not go together.

        Raises:
            InvalidArgumentError: More participants than the type allows (53107), or audio only in a
                room whose media the service does not see (53124).
        """
        most = MOST_PARTICIPANTS[self.kind]
        if self.max_participants is not None and not 1 <= self.max_participants <= most:
            raise InvalidArgumentError(
                f"A {self.kind} room has 1 to {most} participants, not {self.max_participants}.",
                sub_code=53107,
                stage=Stage.ARGUMENT,
            )
        if self.is_audio_only and self.kind.is_relayed:
            raise InvalidArgumentError(
                f"A {self.kind} room cannot be audio-only.", sub_code=53124, stage=Stage.ARGUMENT
            )

    @property
    def codec_names(self) -> frozenset[str] | None:
        """Encoding names, in lower case, of all that may be negotiated; None for everything."""
        if not self.video_codecs:
            return None
        return OTHER_CODECS | frozenset(self.video_codecs)

    @property
    def is_large(self) -> bool:
        """Whether participants who publish nothing are not announced."""
        return (self.max_participants or 0) > LARGE_ROOM

    @property
    def track_limit(self) -> int | None:
        """How many publications there may be at a time; None for no limit."""
        if self.max_tracks is not None:
            return self.max_tracks
        return LARGE_ROOM_TRACKS if self.is_large else None

    def participant_limit(self, *, usual: int, large: int) -> int:
        """How many endpoints fit.

        Args:
            usual: What the service lets into one call.
            large: What it lets into a large room.
        """
        own = self.max_participants
        if own is None:
            return min(usual, MOST_PARTICIPANTS[self.kind])
        return min(own, large if self.is_large else usual)

    def times(self, default: RoomTimes) -> RoomTimes:
        """How long it lives without participants."""
        return RoomTimes(
            default.empty if self.empty_timeout is None else self.empty_timeout,
            default.unused if self.unused_timeout is None else self.unused_timeout,
        )


@dataclass(slots=True, eq=False)
class RoomRecord:
    """One room.

    Attributes:
        id: The ACS room id; 32 hex digits.
        unique_name: Twilio's unique name, or None for an unnamed room.
        members: Roles by raw id of the invited, or None when everybody with a token may enter.
        options: What it was created with.
        is_session: One call only, as Twilio's rooms are: made for it, forgotten when it ends, and
            not bound to its validity.
        created_at: Aware.
        valid_from: Aware; nobody may enter before.
        valid_until: Aware; nobody may enter from then on, who is there may stay.
    """

    id: str
    created_at: datetime
    valid_from: datetime
    valid_until: datetime
    unique_name: str | None = None
    members: Mapping[str, ParticipantRole] | None = None
    options: RoomOptions = field(default_factory=RoomOptions)
    is_session: bool = False

    def role_of(self, raw_id: str) -> ParticipantRole:
        """In which role somebody is here; a presenter where roles are not assigned."""
        return (self.members or {}).get(raw_id, ParticipantRole.PRESENTER)

    def check_invited(self, raw_id: str) -> None:
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

    def check_dial_out(self) -> None:
        """Refuse calls to telephones where the room does not allow them.

        Raises:
            ServiceError: 403.
        """
        if not self.options.is_dial_out_enabled:
            raise ServiceError(
                f"Telephones cannot be called from room {self.unique_name or self.id}.",
                stage=Stage.ADMISSION,
                next_step="Set pstnDialOutEnabled of the room.",
            )

    def check_admission(self, raw_id: str, *, now: datetime) -> None:
        """Refuse who is not invited, or comes too early or too late.

        Args:
            raw_id: Who wants to enter.
            now: Aware.

        Raises:
            ServiceError: 403/5828 or 403/5829, as ACS refuses it.
        """
        self.check_invited(raw_id)
        if self.is_session or self.valid_from <= now < self.valid_until:
            return
        raise ServiceError(
            f"Room {self.unique_name or self.id} is valid from {self.valid_from.isoformat()} "
            f"until {self.valid_until.isoformat()}.",
            sub_code=5829,
            stage=Stage.ADMISSION,
            next_step="Come while the room is valid, or change its validity.",
        )


class Rooms:
    """Room records by id and by name; in memory, whatever stands behind, since calls wait for it.

    Whoever keeps rooms sets `on_changed` and `on_deleted`, and gives back what was kept by
    `restore`.

    Args:
        new_id: Makes room ids, 32 hex digits.
        clock: Unix seconds.
    """

    def __init__(
        self,
        *,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.on_members_changed: Callable[[RoomRecord], None] | None = None
        self.on_changed: Callable[[RoomRecord], None] | None = None
        self.on_deleted: Callable[[RoomRecord], None] | None = None
        self._sessions = 0
        self._new_id = new_id
        self._clock = clock
        self._by_id: dict[str, RoomRecord] = {}
        self._by_name: dict[str, RoomRecord] = {}

    def find(self, name: str) -> RoomRecord | None:
        """A room by unique name, then by id."""
        return self._by_name.get(name) or self._by_id.get(name)

    @property
    def sessions(self) -> int:
        """How many rooms were made for one call, as Twilio's are."""
        return self._sessions

    @property
    def records(self) -> Collection[RoomRecord]:
        """All rooms, in order of creation."""
        return self._by_id.values()

    def restore(self, record: RoomRecord) -> None:
        """Have a room again that was here before; nobody is told."""
        self._by_id[record.id] = record
        self._sessions += record.is_session
        if record.unique_name is not None:
            self._by_name[record.unique_name] = record

    def changed(self, record: RoomRecord) -> None:
        """Tell who keeps rooms that one has changed; whoever changes a record itself calls this."""
        if self.on_changed is not None:
            self.on_changed(record)

    def create(
        self,
        *,
        unique_name: str | None = None,
        members: Mapping[str, ParticipantRole] | None = None,
        options: RoomOptions | None = None,
        is_session: bool = False,
        valid_from: datetime | float | None = None,
        valid_until: datetime | float | None = None,
    ) -> RoomRecord:
        """Make a room.

        Args:
            unique_name: As Twilio names rooms; None for a room that is known by its id only.
            members: Roles by raw id; None opens the room to everybody with a token.
            options: Twilio's.
            is_session: See `RoomRecord`.
            valid_from: An aware datetime or Unix seconds; by default now.
            valid_until: Likewise; by default 180 days after `valid_from`, and at most that.

        Raises:
            ServiceError: A room with this name exists (Twilio 53113).
            InvalidArgumentError: The validity is no span of time, or a datetime is not aware.
        """
        if unique_name in self._by_name:
            raise ServiceError(f"Room {unique_name!r} exists.", code=409, sub_code=53113)
        now = self._now()
        begin, end = _validity(valid_from, valid_until, now)
        record = RoomRecord(
            self._new_id(),
            now,
            begin,
            end,
            unique_name=unique_name or None,
            members=None if members is None else MappingProxyType(dict(members)),
            options=options or RoomOptions(),
            is_session=is_session,
        )
        self.restore(record)
        self.changed(record)
        return record

    def open(self, name: str) -> RoomRecord:
        """The room that a Twilio participant makes by connecting to a new name."""
        return self.create(unique_name=name or None, is_session=True)

    def check_admission(self, record: RoomRecord, raw_id: str) -> None:
        """Refuse who may not enter now; see `RoomRecord.check_admission`."""
        record.check_admission(raw_id, now=self._now())

    def set_members(self, record: RoomRecord, members: Mapping[str, ParticipantRole]) -> None:
        """Invite people or change their roles, by raw id; others stay as they are.

        Who is in the room has the new role at once. A room that was open is closed by this.
        """
        record.members = MappingProxyType({**(record.members or {}), **members})
        self._members_changed(record)

    def remove_members(self, record: RoomRecord, raw_ids: Collection[str]) -> None:
        """Invite people no longer; who is in the room is removed. Strangers are passed over."""
        gone = set(raw_ids)
        left = {key: role for key, role in (record.members or {}).items() if key not in gone}
        record.members = MappingProxyType(left)
        self._members_changed(record)

    def set_validity(
        self,
        record: RoomRecord,
        *,
        valid_from: datetime | float | None = None,
        valid_until: datetime | float | None = None,
    ) -> None:
        """Change when people may enter; None leaves an end of the span as it is.

        Raises:
            InvalidArgumentError: As for `create`; nothing has changed.
        """
        record.valid_from, record.valid_until = _validity(
            record.valid_from if valid_from is None else valid_from,
            record.valid_until if valid_until is None else valid_until,
            self._now(),
        )
        self.changed(record)

    def set_dial_out(self, record: RoomRecord, *, is_enabled: bool) -> None:
        """Allow calls to telephones from now on, or forbid them; who is on the phone stays."""
        record.options = replace(record.options, is_dial_out_enabled=is_enabled)
        self.changed(record)

    def delete(self, record: RoomRecord) -> None:
        """Forget a room."""
        if self._by_id.pop(record.id, None) is None:
            return
        self._sessions -= record.is_session
        if record.unique_name is not None:
            self._by_name.pop(record.unique_name, None)
        if self.on_deleted is not None:
            self.on_deleted(record)

    def session_ended(self, record: RoomRecord) -> None:
        """A call in this room ended; rooms that were made for it go with it."""
        if record.is_session:
            self.delete(record)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _members_changed(self, record: RoomRecord) -> None:
        self.changed(record)
        if self.on_members_changed is not None:
            self.on_members_changed(record)


def _validity(
    begin: datetime | float | None, end: datetime | float | None, now: datetime
) -> tuple[datetime, datetime]:
    first = now if begin is None else _moment(begin)
    # The last moment that there is for a room of the last days.
    latest = first + min(VALIDITY, datetime.max.replace(tzinfo=UTC) - first)
    last = latest if end is None else _moment(end)
    if not first < last <= latest:
        raise InvalidArgumentError(
            f"A room cannot be valid from {first.isoformat()} until {last.isoformat()}.",
            stage=Stage.ARGUMENT,
            next_step=f"Let it end after it begins, and within {VALIDITY.days} days.",
        )
    return first, last


def _moment(value: datetime | float) -> datetime:
    if not isinstance(value, datetime):
        try:
            return datetime.fromtimestamp(value, UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise InvalidArgumentError(
                f"{value} is no time in Unix seconds.", stage=Stage.ARGUMENT
            ) from error
    if value.tzinfo is None:
        raise InvalidArgumentError(
            f"{value.isoformat()} has no time zone.",
            stage=Stage.ARGUMENT,
            next_step="Use datetime.now(UTC) and the like.",
        )
    return value
