"""What others report, for status callbacks to tell: of recordings and compositions.

Source: Twilio Video, "Status Callbacks", parameters of Recordings and of Compositions.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "CompositionNews",
    "HookNews",
    "RecordingNews",
    "failure_fields",
    "hook_fields",
    "recording_fields",
    "whole",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingNews:
    """What callbacks tell of a recording.

    Attributes:
        sid: `RT` and 32 hex digits.
        call: Id of the call; it may be over.
        participant: Endpoint id of who is recorded.
        identity: Who that is.
        source: Publication id of what is recorded.
        track_name: As it was published.
        kind: `audio` or `video`.
        container: `mka` or `mkv`.
        codec: `OPUS`, `VP8` and so on.
        offset_ms: When it begins, in milliseconds on a clock that all recordings share.
        duration: Seconds; once it is completed.
        size: Bytes; likewise.
        failed_operation: `RecordingStart`, `RecordingComplete` or `RecordingUpload`, where it
            failed.
    """

    sid: str
    call: str
    participant: str
    identity: str
    source: str
    track_name: str
    kind: str
    container: str
    codec: str
    offset_ms: int
    duration: float | None = None
    size: int | None = None
    failed_operation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookNews:
    """What callbacks tell of a composition hook: its SID (`HK...`) and its name."""

    sid: str
    friendly_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositionNews:
    """What callbacks tell of a composition.

    Attributes:
        sid: `CJ` and 32 hex digits; empty where a hook failed to make one.
        room_sid: `RM` and 32 hex digits.
        url: The status callback.
        method: GET or POST.
        hook: That made it, if one did.
        duration: Seconds; once it is available.
        size: Bytes; likewise.
        percentage: Done, 0 to 100; with progress.
        seconds_remaining: Likewise.
        failed_operation: Where it failed.
        error_message: Why.
    """

    sid: str
    room_sid: str
    url: str
    method: str = "POST"
    hook: HookNews | None = None
    duration: float | None = None
    size: int | None = None
    percentage: float | None = None
    seconds_remaining: float | None = None
    failed_operation: str = ""
    error_message: str = ""


def recording_fields(news: RecordingNews) -> dict[str, str]:
    """What all events of a recording say of it."""
    source = f"MT{news.source}"
    return {
        "RecordingSid": news.sid,
        "RecordingUri": f"/v1/Recordings/{news.sid}",
        "ParticipantSid": f"PA{news.participant}",
        "ParticipantIdentity": news.identity,
        "SourceSid": source,
        "TrackName": news.track_name or source,
        "Type": news.kind,
        "Container": news.container,
        "Codec": news.codec,
        "OffsetFromTwilioVideoEpoch": str(news.offset_ms),
    }


def hook_fields(hook: HookNews) -> dict[str, str]:
    """Which hook made a composition."""
    return {
        "HookSid": hook.sid,
        "HookUri": f"/v1/CompositionHooks/{hook.sid}",
        "HookFriendlyName": hook.friendly_name,
    }


def failure_fields(news: CompositionNews) -> dict[str, str]:
    """What failed."""
    return {"FailedOperation": news.failed_operation, "ErrorMessage": news.error_message}


def whole(number: float | None) -> str:
    """A number as Twilio writes durations: rounded."""
    return str(round(number or 0.0))
