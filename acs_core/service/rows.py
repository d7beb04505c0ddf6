"""Records of the service as rows of the database, and back; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

import msgspec
from sqlalchemy import RowMapping

from acs_core.core.facts import ParticipantRole
from acs_core.core.rules import TrackRules
from acs_core.errors import ServiceError, Stage
from acs_core.service.identity_store import IdentityRecord
from acs_core.service.rooms import RoomOptions, RoomRecord

__all__ = [
    "identity_from_row",
    "identity_row",
    "room_from_row",
    "room_row",
    "rules_from_row",
    "rules_row",
]

LATEST: Final = datetime.max.replace(tzinfo=UTC)
"""Rooms may be valid until then; as a number of seconds it is rounded up, beyond what there is."""


def room_row(room: RoomRecord, *, deleted_at: float | None = None) -> dict[str, Any]:
    """A row of `ROOMS`.

    Args:
        room: What it is about.
        deleted_at: Unix seconds; None while it exists.
    """
    return {
        "id": room.id,
        "unique_name": room.unique_name,
        "members": None if room.members is None else dict(room.members),
        "options": msgspec.to_builtins(room.options),
        "is_session": room.is_session,
        "created_at": room.created_at.timestamp(),
        "valid_from": room.valid_from.timestamp(),
        "valid_until": room.valid_until.timestamp(),
        "deleted_at": deleted_at,
    }


def room_from_row(row: RowMapping, prefix: str = "") -> RoomRecord:
    """The room of a row.

    Args:
        row: By name of column.
        prefix: Before each name.

    Raises:
        ServiceError: 503: this version cannot read it.
    """
    try:
        members = row[f"{prefix}members"]
        return RoomRecord(
            row[f"{prefix}id"],
            _moment(row[f"{prefix}created_at"]),
            _moment(row[f"{prefix}valid_from"]),
            _moment(row[f"{prefix}valid_until"]),
            unique_name=row[f"{prefix}unique_name"],
            members=None if members is None else _members(members),
            options=msgspec.convert(row[f"{prefix}options"], RoomOptions),
            is_session=row[f"{prefix}is_session"],
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise _unreadable(f"room {row[f'{prefix}id']}", error) from error


def rules_row(rules: TrackRules) -> Any:
    """Rules as JSON."""
    return msgspec.to_builtins(rules)


def rules_from_row(value: object) -> TrackRules:
    """Rules from JSON.

    Raises:
        ServiceError: 503: this version cannot read them.
    """
    try:
        return msgspec.convert(value, TrackRules)
    except msgspec.ValidationError as error:
        raise _unreadable("a call's recording rules", error) from error


def identity_row(record: IdentityRecord) -> dict[str, Any]:
    """A row of `IDENTITIES`."""
    row: dict[str, Any] = msgspec.to_builtins(record)
    return row


def identity_from_row(row: RowMapping) -> IdentityRecord:
    """The user of a row."""
    return IdentityRecord(
        row["raw_id"], row["created_at"], row["revoked_at"], is_deleted=row["is_deleted"]
    )


def _members(value: Mapping[str, str]) -> Mapping[str, ParticipantRole]:
    return MappingProxyType({raw_id: ParticipantRole(role) for raw_id, role in value.items()})


def _moment(seconds: float) -> datetime:
    """An aware datetime, to the microsecond in this millennium."""
    if seconds >= LATEST.timestamp():
        return LATEST
    return datetime.fromtimestamp(seconds, UTC)


def _unreadable(what: str, error: Exception) -> ServiceError:
    return ServiceError(
        f"{what} cannot be read from the database: {error}.",
        code=503,
        stage=Stage.SIGNALING,
        next_step="Use the version of twilio-compat that wrote it, or delete it there.",
    )
