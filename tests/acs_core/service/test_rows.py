from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.core.facts import ParticipantRole, Priority
from acs_core.core.rules import TrackRule
from acs_core.errors import ServiceError
from acs_core.service.identity_store import IdentityRecord
from acs_core.service.rooms import MOST_PARTICIPANTS, RoomKind, RoomOptions, RoomRecord
from acs_core.service.rows import (
    identity_from_row,
    identity_row,
    room_from_row,
    room_row,
    rules_from_row,
    rules_row,
)

texts = st.text(max_size=10)
moments = st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1))
rules = st.lists(
    st.builds(
        TrackRule,
        is_include=st.booleans(),
        kind=st.none() | st.sampled_from(["audio", "video", "data"]),
        publisher=st.none() | texts,
        track=st.none() | texts,
        priority=st.none() | st.sampled_from(Priority),
    ),
    max_size=3,
).map(tuple)
options = st.builds(
    RoomOptions,
    kind=st.sampled_from(RoomKind),
    max_participants=st.none() | st.integers(1, min(MOST_PARTICIPANTS.values())),
    max_tracks=st.none() | st.integers(0, 100),
    video_codecs=st.lists(texts, max_size=2).map(tuple),
    media_region=texts,
    empty_timeout=st.none() | st.floats(0, 3600),
    unused_timeout=st.none() | st.floats(0, 3600),
    max_participant_duration=st.none() | st.floats(0, 86400),
    recording_rules=rules,
    requires_consent=st.booleans(),
    is_transcribed=st.booleans(),
    transcription=st.dictionaries(texts, st.none() | texts | st.integers() | st.lists(texts)),
    status_callback=st.none() | texts,
    status_callback_method=st.sampled_from(["GET", "POST"]),
)
rooms = st.builds(
    RoomRecord,
    id=texts,
    created_at=moments,
    valid_from=moments,
    valid_until=moments,
    unique_name=st.none() | texts,
    members=st.none() | st.dictionaries(texts, st.sampled_from(ParticipantRole)),
    options=options,
    is_session=st.booleans(),
)


def stored(value: Any) -> Any:
    """What comes back from a column of JSON."""
    return json.loads(json.dumps(value))


@given(rooms)
def test_a_room_comes_back_as_it_was(room: RoomRecord) -> None:
    found = room_from_row(stored(room_row(room)))
    assert (found.id, found.unique_name, found.members, found.options, found.is_session) == (
        room.id,
        room.unique_name,
        room.members,
        room.options,
        room.is_session,
    )
    for name in ("created_at", "valid_from", "valid_until"):
        # Numbers of seconds are exact to the microsecond until the middle of the 23rd century.
        wide = abs(getattr(found, name) - getattr(room, name)).total_seconds() > 1e-4
        assert not wide
        if getattr(room, name).year < 2200:
            assert getattr(found, name) == getattr(room, name)


@given(rules)
def test_rules_come_back_as_they_were(value: tuple[TrackRule, ...]) -> None:
    assert rules_from_row(stored(rules_row(value))) == value


def test_a_user_comes_back_as_it_was() -> None:
    record = IdentityRecord("8:acs:r_a", 1.5, revoked_at=2.5, is_deleted=True)
    assert identity_from_row(stored(identity_row(record))) == record


@pytest.mark.parametrize(
    "change",
    [
        {"members": {"8:acs:a": "Jester"}},
        {"members": ["8:acs:a"]},
        {"options": {"kind": "circle"}},
        {"options": {"max_participants": 1000}},
        {"created_at": "yesterday"},
    ],
)
def test_a_row_that_cannot_be_read_says_of_what_it_is(change: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    row = room_row(RoomRecord("abc", now, now, now)) | change
    with pytest.raises(ServiceError, match="room abc") as refused:
        room_from_row(row)
    assert refused.value.code == 503
    with pytest.raises(ServiceError):
        rules_from_row([{"kind": "audio"}])
