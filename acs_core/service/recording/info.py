"""What is known of one recording, and the questions that can be asked about all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Row, Select, select

from acs_core.service.store.calls import Window, in_window
from acs_core.service.store.recordings import RECORDINGS

__all__ = ["RecordingInfo", "RecordingQuery", "RecordingStatus"]


class RecordingStatus(StrEnum):
    """How far a recording is, in Twilio's words."""

    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class RecordingInfo:
    """One recording: a published track, for one period of being recorded.

    Attributes:
        id: 32 hex digits; with `RT` Twilio's recording SID.
        call: Id of the call.
        room: Id of the room's record; None for a call without a room.
        endpoint: Whose track it is.
        identity: Who that is, in Twilio's words.
        publication: Id of the track.
        name: The track's name.
        kind: "audio" or "video".
        codec: VP8, VP9, H264, AV1, OPUS, PCMU or PCMA.
        container: mkv or mka; the suffix of the file.
        created_at: When its first sample was captured, in Unix seconds of a clock that is not set
            while the service runs: what lies between two recordings of one run is exact.
        offset_ms: The same moment in milliseconds, as Twilio shows it.
        duration: Seconds; None until it is completed.
        size: Bytes; None until it is completed.
        is_damaged: Parts are missing, because the disk was too slow.
        failure: Why it failed; empty unless it did.
    """

    id: str
    call: str
    room: str | None
    endpoint: str
    identity: str
    publication: str
    name: str
    kind: str
    codec: str
    container: str
    status: RecordingStatus
    created_at: float
    offset_ms: int
    duration: float | None = None
    size: int | None = None
    is_damaged: bool = False
    failure: str = ""

    @property
    def file_name(self) -> str:
        """Of its file, in the folder of the recordings."""
        return f"{self.id}.{self.container}"

    def as_row(self) -> dict[str, Any]:
        """By name of column."""
        return asdict(self)

    def as_note(self) -> str:
        """A line that `from_note` reads."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_note(cls, note: str) -> RecordingInfo | None:
        """Read what `as_note` wrote; None when it is something else."""
        try:
            return msgspec.json.decode(note, type=cls)
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeError):
            return None

    @classmethod
    def from_row(cls, row: Row[Any]) -> RecordingInfo:
        """Read a row of the table."""
        values = {field.name: getattr(row, field.name) for field in fields(cls)}
        return cls(**(values | {"status": RecordingStatus(values["status"])}))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingQuery:
    """Which recordings; a filter that is None lets everything pass.

    Attributes:
        calls: Of any of these calls; empty for all.
        in_rooms: Only of calls that take place in rooms.
        sources: Of any of these publications, endpoints or calls; empty for all.
        created_after: Unix seconds.
        created_before: Unix seconds.
        with_deleted: Also those whose file was deleted; they are if `status` says so, too.
    """

    calls: Sequence[str] = ()
    in_rooms: bool = False
    status: RecordingStatus | None = None
    publication: str | None = None
    sources: Sequence[str] = ()
    kind: str | None = None
    created_after: float | None = None
    created_before: float | None = None
    with_deleted: bool = True

    def select(self, window: Window | None = None) -> Select[Any]:
        """The rows, newest first; None for all of them."""
        columns = RECORDINGS.c
        query = select(RECORDINGS)
        if not self.with_deleted and self.status is None:
            query = query.where(columns.status != RecordingStatus.DELETED.value)
        if self.calls:
            query = query.where(columns.call.in_(self.calls))
        if self.in_rooms:
            query = query.where(columns.room.is_not(None))
        if self.status is not None:
            query = query.where(columns.status == self.status.value)
        if self.publication is not None:
            query = query.where(columns.publication == self.publication)
        if self.sources:
            query = query.where(
                columns.call.in_(self.sources)
                | columns.endpoint.in_(self.sources)
                | columns.publication.in_(self.sources)
            )
        if self.kind is not None:
            query = query.where(columns.kind == self.kind)
        if self.created_after is not None:
            query = query.where(columns.created_at >= self.created_after)
        if self.created_before is not None:
            query = query.where(columns.created_at <= self.created_before)
        if window is None:
            return query.order_by(columns.created_at.desc(), columns.id.desc())
        return in_window(query, window, columns.created_at, columns.id, newest_first=True)
