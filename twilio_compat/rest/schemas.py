"""What the REST API answers, as JSON Schema; for the OpenAPI document.

Each resource has exactly these fields. Lists are pages: `page_of` makes their schema.

Source: fields that the `twilio` helper library 9.13 reads of an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from acs_core.service.openapi import FLAG, NUMBER, TEXT, Schema, nullable, one_of

__all__ = [
    "ACCOUNT",
    "COUNT",
    "DATE",
    "JSON_TEXT",
    "PAGING",
    "SCHEMAS",
    "URL",
    "exactly",
    "page_of",
    "sid",
]

DATE: Final[Schema] = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
ACCOUNT: Final[Schema] = {"type": "string", "pattern": "^AC"}
URL: Final[Schema] = {"type": "string", "format": "uri"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
JSON_TEXT: Final[Schema] = {"type": "string", "contentMediaType": "application/json"}
"""A field of a form that holds JSON."""

PAGING: Final[Mapping[str, Schema]] = {
    "PageSize": {"type": "integer", "minimum": 1, "maximum": 1000},
    "Page": {"type": "integer", "minimum": 0},
    "PageToken": TEXT,
}
"""Fields of every list."""


def sid(prefix: str) -> Schema:
    """An id: two letters and 32 hex digits."""
    return {"type": "string", "pattern": f"^{prefix}[0-9a-f]{{32}}$"}


def exactly(**properties: Schema) -> Schema:
    """An object with exactly these fields."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def page_of(key: str, name: str) -> Schema:
    """One page of a list.

    Args:
        key: What the list is called.
        name: Of the schema of its items.
    """
    meta = exactly(
        page=COUNT,
        page_size=NUMBER,
        first_page_url=URL,
        previous_page_url=nullable(URL),
        url=URL,
        next_page_url=nullable(URL),
        key={"const": key},
    )
    items = {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}
    return exactly(**{key: items, "meta": meta})


def _links(*names: str) -> Schema:
    return exactly(**dict.fromkeys(names, URL))


_RULE: Final = exactly(
    type=one_of("include", "exclude"),
    all=nullable(FLAG),
    publisher=nullable(TEXT),
    track=nullable(TEXT),
    kind=nullable(one_of("audio", "video", "data")),
    priority=nullable(one_of("low", "standard", "high")),
)
_RULES: Final[dict[str, Schema]] = {
    "rules": {"type": "array", "items": _RULE},
    "date_created": DATE,
    "date_updated": nullable(DATE),
}
_TRACK: Final[dict[str, Schema]] = {
    "sid": sid("MT"),
    "participant_sid": sid("PA"),
    "room_sid": sid("RM"),
    "name": TEXT,
    "date_created": DATE,
    "date_updated": nullable(DATE),
    "enabled": FLAG,
    "kind": one_of("audio", "video", "data"),
    "url": URL,
}
_SPAN: Final[dict[str, Schema]] = {
    "date_created": DATE,
    "date_updated": nullable(DATE),
    "end_time": nullable(DATE),
    "duration": nullable(COUNT),
}

SCHEMAS: Final[dict[str, Any]] = {
    "refusal": exactly(
        code=NUMBER, message=TEXT, more_info=URL, status={"type": "integer", "minimum": 400}
    ),
    "room": exactly(
        sid=sid("RM"),
        account_sid=ACCOUNT,
        unique_name=TEXT,
        status=one_of("in-progress", "completed", "failed"),
        **_SPAN,
        enable_turn=FLAG,
        url=URL,
        links=_links("participants", "recordings", "recording_rules", "transcriptions"),
        type=one_of("group", "group-small", "peer-to-peer", "go"),
        max_participants=COUNT,
        max_participant_duration=nullable(COUNT),
        max_concurrent_published_tracks=nullable(COUNT),
        record_participants_on_connect=FLAG,
        video_codecs={"type": "array", "items": one_of("VP8", "H264")},
        media_region=nullable(TEXT),
        audio_only=FLAG,
        empty_room_timeout=COUNT,
        unused_room_timeout=COUNT,
        large_room=FLAG,
        status_callback=nullable(URL),
        status_callback_method=one_of("GET", "POST"),
    ),
    "participant": exactly(
        sid=sid("PA"),
        room_sid=sid("RM"),
        account_sid=ACCOUNT,
        status=one_of("connected", "reconnecting", "disconnected"),
        identity=TEXT,
        **_SPAN,
        start_time=DATE,
        url=URL,
        links=_links("published_tracks", "subscribed_tracks", "subscribe_rules", "anonymize"),
    ),
    "published_track": exactly(**_TRACK),
    "subscribed_track": exactly(**_TRACK, publisher_sid=sid("PA")),
    "subscribe_rules": exactly(participant_sid=sid("PA"), room_sid=sid("RM"), **_RULES),
    "recording_rules": exactly(room_sid=sid("RM"), **_RULES),
    "rooms": page_of("rooms", "room"),
    "participants": page_of("participants", "participant"),
    "published_tracks": page_of("published_tracks", "published_track"),
    "subscribed_tracks": page_of("subscribed_tracks", "subscribed_track"),
}
"""Every answer by name; a resource that is elsewhere adds its own."""
