"""Recordings of whole calls: started, paused, resumed and stopped over REST.

Theory of operation. Here is known that a call is recorded, how, and when not; the call shows it to
its people (`activity.py`). Who makes the file of it reads `CallRecording`, hears of each change by
`CallRecordings.observers`, and finds ended ones in the table `call_recordings`. A recording ends
with its call, or with the service: after a crash, those that ran are found as stopped at the next
start, at which moment nobody can know.

Source: ACS, "Call Recording overview" for the combinations of content, channels and format, and
that a call has one recording at a time; ACS's REST API does not know a recording that was stopped.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Row, Select, select

from acs_core.service.automation.bodies import StartRecording, callback
from acs_core.service.automation.events import SUCCESS, EventOutlet, timestamp
from acs_core.service.automation.refusals import (
    duplicate_recording,
    invalid,
    not_found,
    not_supported,
)
from acs_core.service.server_call import ServerCall
from acs_core.service.store.call_recordings import CALL_RECORDINGS
from acs_core.service.store.database import Database

__all__ = [
    "CallRecording",
    "CallRecordings",
    "RecordingChannels",
    "RecordingContent",
    "RecordingFormat",
    "RecordingObserver",
    "RecordingState",
]

_log = logging.getLogger(__name__)

MOST_CHANNELS: Final = 5
"""Participants of an unmixed recording whose channels can be chosen, as in ACS."""


class RecordingState(StrEnum):
    """How far a recording is."""

    ACTIVE = "active"
    PAUSED = "paused"
    STOPPED = "stopped"


class RecordingContent(StrEnum):
    """What is recorded."""

    AUDIO = "audio"
    AUDIO_VIDEO = "audioVideo"


class RecordingChannels(StrEnum):
    """Whether all voices share a channel."""

    MIXED = "mixed"
    UNMIXED = "unmixed"


class RecordingFormat(StrEnum):
    """What file is made."""

    WAV = "wav"
    MP3 = "mp3"
    MP4 = "mp4"


FORMATS: Final[Mapping[tuple[RecordingContent, RecordingChannels], tuple[RecordingFormat, ...]]] = {
    (RecordingContent.AUDIO_VIDEO, RecordingChannels.MIXED): (RecordingFormat.MP4,),
    (RecordingContent.AUDIO, RecordingChannels.MIXED): (RecordingFormat.MP3, RecordingFormat.WAV),
    (RecordingContent.AUDIO, RecordingChannels.UNMIXED): (RecordingFormat.WAV,),
}
"""What ACS records; the first format is the default."""


@dataclass(slots=True, eq=False)
class CallRecording:
    """One recording of a whole call.

    Attributes:
        id: 32 hex digits, also in the call's roster.
        call_id: Of the `ServerCall`.
        started_at: Unix seconds.
        stopped_at: Unix seconds; None while it is active or paused.
        pauses: When nothing was kept, Unix seconds: begin and end; the last end is None while it
            is paused.
        callback_uri: Where changes are posted; empty for nowhere.
        participants: Raw ids in the order of the channels; others follow in order of arrival.
    """

    id: str
    call_id: str
    content: RecordingContent
    channels: RecordingChannels
    format: RecordingFormat
    started_at: float
    callback_uri: str = ""
    participants: tuple[str, ...] = ()
    state: RecordingState = RecordingState.ACTIVE
    stopped_at: float | None = None
    pauses: list[tuple[float, float | None]] = field(default_factory=list)

    def row(self) -> dict[str, object]:
        """As the table has it."""
        return {
            "id": self.id,
            "call_id": self.call_id,
            "content": self.content,
            "channels": self.channels,
            "format": self.format,
            "state": self.state,
            "started_at": self.started_at,
            "stopped_at": self.stopped_at,
            "pauses": [list(pause) for pause in self.pauses],
            "callback_uri": self.callback_uri,
            "participants": list(self.participants),
        }

    def as_json(self) -> dict[str, object]:
        """As the REST interface shows it; a pause is inactivity."""
        state = "active" if self.state is RecordingState.ACTIVE else "inactive"
        return {
            "recordingId": self.id,
            "recordingState": state,
            "recordingKind": "azureCommunicationServices",
        }


RecordingObserver = Callable[[CallRecording], None]
"""Hears of a recording that began, paused, goes on or stopped; must neither wait nor raise."""


class CallRecordings:
    """The recordings of all calls.

    Attributes:
        observers: Who hears of each change, in this order; add to it.

    Args:
        database: Where they are kept; open when the first is started.
        outlet: Tells programs.
        clock: Unix seconds.
    """

    def __init__(
        self,
        database: Callable[[], Database],
        outlet: EventOutlet,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.observers: list[RecordingObserver] = []
        self._database = database
        self._outlet = outlet
        self._clock = clock
        self._running: dict[str, tuple[ServerCall, CallRecording]] = {}

    async def restore(self) -> list[CallRecording]:
        """Stop what ran when the service ended without a goodbye; return that.

        Raises:
            ServiceError: 503, the database cannot be used.
        """
        table = CALL_RECORDINGS
        rows = await self._database().all(select(table).where(table.c.stopped_at.is_(None)))
        found = [_from_row(row) for row in rows]
        for recording in found:
            self._change(recording, RecordingState.STOPPED)
        return found

    async def without(self, done: Select[Any]) -> list[CallRecording]:
        """Stopped recordings whose id a query does not find.

        Raises:
            ServiceError: 503, the database cannot be used.
        """
        table = CALL_RECORDINGS
        query = select(table).where(
            table.c.state == RecordingState.STOPPED, table.c.id.not_in(done)
        )
        return [_from_row(row) for row in await self._database().all(query)]

    def start(self, call: ServerCall, wanted: StartRecording) -> CallRecording:
        """Record a call from now on.

        Raises:
            CallingError: 400/8523 for what ACS does not record, 409/8553 when the call is recorded
                already, 405/8520 for storage elsewhere and for rooms whose media does not come
                here.
        """
        content, channels, format_ = _kind(wanted)
        callback_uri = callback(wanted.recording_state_callback_uri)
        participants = _participants(wanted, channels)
        if wanted.external_storage is not None:
            raise not_supported("Recordings are kept by the service, not elsewhere.")
        if call.room is not None and call.room.options.kind.is_relayed:
            raise not_supported("The media of this room does not pass through the service.")
        if any(other is call for other, _ in self._running.values()):
            raise duplicate_recording()
        is_paused = bool(wanted.pause_on_start)
        recording = CallRecording(
            id=call.activity.start_recording(is_paused=is_paused),
            call_id=call.id,
            content=content,
            channels=channels,
            format=format_,
            started_at=self._clock(),
            callback_uri=callback_uri,
            participants=participants,
        )
        self._running[recording.id] = (call, recording)
        self._change(recording, RecordingState.PAUSED if is_paused else RecordingState.ACTIVE)
        return recording

    def find(self, recording_id: str) -> CallRecording:
        """A recording that was not stopped.

        Raises:
            ServiceError: 404/8522.
        """
        return self._found(recording_id)[1]

    def pause(self, recording_id: str) -> None:
        """Keep nothing until it is resumed; what is paused stays so.

        Raises:
            ServiceError: 404/8522.
        """
        call, recording = self._found(recording_id)
        if recording.state is RecordingState.ACTIVE:
            call.activity.pause_recording(recording_id)
            self._change(recording, RecordingState.PAUSED)

    def resume(self, recording_id: str) -> None:
        """Go on; what is not paused goes on anyway.

        Raises:
            ServiceError: 404/8522.
        """
        call, recording = self._found(recording_id)
        if recording.state is RecordingState.PAUSED:
            call.activity.resume_recording(recording_id)
            self._change(recording, RecordingState.ACTIVE)

    def stop(self, recording_id: str) -> None:
        """End it; a file can be made of it now.

        Raises:
            ServiceError: 404/8522.
        """
        call, recording = self._found(recording_id)
        del self._running[recording_id]
        call.activity.stop_recording(recording_id)
        self._change(recording, RecordingState.STOPPED)

    def call_ended(self, call: ServerCall) -> None:
        """The recording of a call ends with it."""
        for recording_id, (other, recording) in list(self._running.items()):
            if other is call:
                del self._running[recording_id]
                self._change(recording, RecordingState.STOPPED)

    def _found(self, recording_id: str) -> tuple[ServerCall, CallRecording]:
        found = self._running.get(recording_id)
        if found is None:
            raise not_found("There is no such recording, or it was stopped.")
        return found

    def _change(self, recording: CallRecording, state: RecordingState) -> None:
        now = self._clock()
        recording.state = state
        if recording.pauses and recording.pauses[-1][1] is None:
            recording.pauses[-1] = (recording.pauses[-1][0], now)
        match state:
            case RecordingState.PAUSED:
                recording.pauses.append((now, None))
            case RecordingState.STOPPED:
                recording.stopped_at = now
            case RecordingState.ACTIVE:
                pass
        self._database().put(CALL_RECORDINGS, recording.row())
        self._tell(recording)

    def _tell(self, recording: CallRecording) -> None:
        for observer in self.observers:
            try:
                observer(recording)
            except Exception:
                _log.exception("an observer of recording %s failed", recording.id)
        shown = recording.as_json()
        self._outlet.send(
            recording.callback_uri,
            recording.call_id,
            f"calling/recordings/{recording.call_id}/recordingId/{recording.id}",
            "RecordingStateChanged",
            serverCallId=recording.call_id,
            recordingId=recording.id,
            state=shown["recordingState"],
            startDateTime=timestamp(recording.started_at),
            recordingKind=shown["recordingKind"],
            resultInformation=SUCCESS,
        )


def _kind(
    wanted: StartRecording,
) -> tuple[RecordingContent, RecordingChannels, RecordingFormat]:
    """What to record how; whatever is not given is ACS's default.

    Source: the parameters of StartCallRecordingRequest: audioVideo, mixed, mp4.
    """
    try:
        channels = RecordingChannels(wanted.recording_channel_type or RecordingChannels.MIXED)
        usual = RecordingContent.AUDIO_VIDEO
        if channels is RecordingChannels.UNMIXED:
            usual = RecordingContent.AUDIO
        content = RecordingContent(wanted.recording_content_type or usual)
        formats = FORMATS.get((content, channels), ())
        format_ = RecordingFormat(wanted.recording_format_type or next(iter(formats), ""))
    except ValueError as error:
        raise invalid(f"The kind of recording is unknown: {error}.") from error
    if format_ not in formats:
        raise invalid(
            f"{content} cannot be recorded {channels} as {format_}.",
            next_step="Record audioVideo mixed as mp4, or audio mixed as mp3 or wav, or unmixed as "
            "wav.",
        )
    return content, channels, format_


def _participants(wanted: StartRecording, channels: RecordingChannels) -> tuple[str, ...]:
    """Whose channels come first, in order."""
    order = [item.who() for item in wanted.audio_channel_participant_ordering or ()]
    affinities = sorted(wanted.channel_affinity or (), key=lambda item: item.channel)
    chosen = order or [item.participant.who() for item in affinities]
    if chosen and channels is not RecordingChannels.UNMIXED:
        raise invalid("Only an unmixed recording has a channel for each participant.")
    if len(chosen) > MOST_CHANNELS or len(set(chosen)) != len(chosen):
        raise invalid(f"Up to {MOST_CHANNELS} different participants can have a channel.")
    return tuple(chosen)


def _from_row(row: Row[Any]) -> CallRecording:
    return CallRecording(
        id=row.id,
        call_id=row.call_id,
        content=RecordingContent(row.content),
        channels=RecordingChannels(row.channels),
        format=RecordingFormat(row.format),
        started_at=row.started_at,
        callback_uri=row.callback_uri,
        participants=tuple(row.participants),
        state=RecordingState(row.state),
        stopped_at=row.stopped_at,
        pauses=[(begin, end) for begin, end in row.pauses],
    )
