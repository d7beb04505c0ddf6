"""Tells status callbacks what happens to recordings of rooms.

Source: Twilio Video, "Status Callbacks", of rooms: recording-started, -completed and -failed.
"""

from __future__ import annotations

from acs_core.service.recording.info import RecordingInfo
from acs_core.service.recording.recordings import RecordingObserver
from twilio_compat.rest.callback_news import RecordingNews
from twilio_compat.rest.status_callbacks import StatusCallbacks

__all__ = ["recording_observer"]


def recording_observer(callbacks: StatusCallbacks) -> RecordingObserver:
    """What `Recordings.observe` takes so that `callbacks` tell who listens to a room.

    Args:
        callbacks: Sign and send.
    """
    tell = {
        "started": callbacks.recording_started,
        "completed": callbacks.recording_completed,
        "failed": callbacks.recording_failed,
    }

    def observe(event: str, info: RecordingInfo) -> None:
        if info.room is not None and event in tell:
            tell[event](_news(info))

    return observe


def _news(info: RecordingInfo) -> RecordingNews:
    return RecordingNews(
        sid=f"RT{info.id}",
        call=info.call,
        participant=info.endpoint,
        identity=info.identity,
        source=info.publication,
        track_name=info.name,
        kind=info.kind,
        container=info.container,
        codec=info.codec,
        offset_ms=info.offset_ms,
        duration=info.duration,
        size=info.size,
        failed_operation="RecordingComplete" if info.failure else "",
    )
